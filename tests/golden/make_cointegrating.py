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
print("# Made by make_cointegrating.py; inv on value, capital.")
print("# Keys: method.firm.trend.kernel.bandwidth.")
print("[meta]")
print(f'software = "arch {arch.__version__}"')
print(
    f'data = "benchmarks/grunfeld.csv"\nsha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"'
)
for firm in (1, 4, 9):
    g = frame[frame["firm"] == firm].reset_index(drop=True)
    y, X = g["inv"], g[["value", "capital"]]
    for trend in ("c", "ct"):
        for kernel in ("bartlett", "parzen", "quadratic-spectral"):
            for bandwidth in (1, 3):
                how = {"kernel": kernel.replace("-", ""), "bandwidth": bandwidth}
                fits = {
                    "fm": FullyModifiedOLS(y, X, trend=trend).fit(**how),
                    "dols": DynamicOLS(y, X, trend=trend, lags=1, leads=1).fit(**how),
                }
                for name, fit in fits.items():
                    print(f'\n["{name}.{firm}.{trend}.{kernel}.{bandwidth}"]')
                    for field in ("params", "std_errors"):
                        values = ", ".join(
                            f"{v:.15g}" for v in getattr(fit, field)[["value", "capital"]]
                        )
                        print(f"{field} = [{values}]")
