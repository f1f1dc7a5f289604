"""Golden numbers of the package marginaleffects (Python) on a logit of statsmodels.

Usage: MIGDEV_DATA=... python make_marginaleffects.py > marginaleffects.toml

marginaleffects 0.6 needs polars below 2. Its estimates are good to nine digits; its standard errors
come from differences of differences and move in the third digit with ``eps``, so only estimates
are kept.
"""

import hashlib
import os
from importlib.metadata import version
from pathlib import Path

import marginaleffects as me
import numpy as np  # noqa: F401 - the formula names it
import pandas as pd
import statsmodels.formula.api as smf

path = Path(os.environ["MIGDEV_DATA"]) / "benchmarks" / "wages_psid.csv"
d = pd.read_csv(path)
d["member"] = (d["union"] == "yes").astype(int)
d["sex"] = d["sex"].astype("category")
d = d.rename(columns={"exp": "work"})  # a column of the name of a function is not understood
d[["work", "ed", "wks"]] = d[["work", "ed", "wks"]].astype(float)
formula = "member ~ work * ed + I(work ** 2) + np.log(wks) + C(sex)"
fit = smf.logit(formula, d[["member", "work", "ed", "wks", "sex"]]).fit(
    disp=0, method="newton", tol=1e-14, maxiter=100
)
packages = ", ".join(f"{p} {version(p)}" for p in ("marginaleffects", "statsmodels"))
print(f'[meta]\nsoftware = "{packages}"\ncall = "logit: {formula}"')
print('data = "benchmarks/wages_psid.csv"')
print(f'sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n\n[logit]')
for name, result in {
    "dydx": me.avg_slopes(fit, variables=["ed", "wks", "work"]),
    "contrast_sex": me.avg_comparisons(fit, variables="sex"),
    "eyex": me.avg_slopes(fit, variables=["ed", "wks", "work"], slope="eyex"),
    "dydx_work_by_sex": me.avg_slopes(fit, variables="work", by="sex"),
    "dydx_at_means": me.slopes(fit, variables=["ed", "wks", "work"], newdata="mean"),
    "prediction_by_sex": me.avg_predictions(fit, by="sex"),
    "prediction_at_means": me.predictions(fit, newdata="mean"),
}.items():
    print(f"{name} = {[float(f'{v:.10g}') for v in result['estimate']]}")
