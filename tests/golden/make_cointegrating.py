"""Golden numbers for FMOLS and DOLS of single entities, from the Python package arch.

Usage: MIGDEV_DATA=... python make_cointegrating.py > cointegrating.toml
"""

import hashlib
import os
import warnings
from pathlib import Path

import arch
import pandas as pd
from arch.unitroot.cointegration import DynamicOLS, FullyModifiedOLS

warnings.simplefilter("ignore")
path = Path(os.environ["MIGDEV_DATA"]) / "benchmarks" / "grunfeld.csv"
frame = pd.read_csv(path)
print("# Made by make_cointegrating.py; keys: method.firm.trend.bandwidth; inv on value, capital.")
print("[meta]")
print(f'software = "arch {arch.__version__}"')
print(
    f'data = "benchmarks/grunfeld.csv"\nsha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"'
)
for firm in (1, 4, 9):
    g = frame[frame["firm"] == firm].reset_index(drop=True)
    y, X = g["inv"], g[["value", "capital"]]
    for trend in ("c", "ct"):
        for bandwidth in (1, 3):
            fits = {
                "fm": FullyModifiedOLS(y, X, trend=trend).fit(bandwidth=bandwidth),
                "dols": DynamicOLS(y, X, trend=trend, lags=1, leads=1).fit(bandwidth=bandwidth),
            }
            for name, fit in fits.items():
                print(f'\n["{name}.{firm}.{trend}.{bandwidth}"]')
                for field in ("params", "std_errors"):
                    values = ", ".join(
                        f"{v:.15g}" for v in getattr(fit, field)[["value", "capital"]]
                    )
                    print(f"{field} = [{values}]")
