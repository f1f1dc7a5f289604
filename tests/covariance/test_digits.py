"""Covariances keep their digits where regressors are nearly collinear: calendar years and squares.

``y ~ yr + I(yr**2)`` over 2000-2007 has regressors that agree to seven digits. The wanted numbers
are those of the textbook sandwich ``bread @ meat @ bread``, in arithmetic of 60 digits.
"""

from __future__ import annotations

import warnings
from typing import Any

import mpmath as mp
import numpy as np
import pandas as pd
import pytest

import migdev as md

mp.mp.dps = 60
N, YEARS = 12, range(2000, 2008)
LAGS = 2


@pytest.fixture(scope="module")
def panel() -> md.Panel:
    rng = np.random.default_rng(11)
    yr = np.tile(np.array(YEARS, dtype=float), N)
    y = 0.3 * (yr - 2003) - 0.05 * (yr - 2003) ** 2 + rng.standard_normal(len(yr))
    frame = pd.DataFrame({"i": np.repeat(np.arange(N), len(YEARS)), "t": yr.astype(int), "y": y})
    frame["yr"], frame["lat"], frame["lon"] = yr, frame.i * 1.0, frame.i * 2.0
    return md.Panel.from_frame(frame, entity="i", time="t")


def exact(panel: md.Panel) -> tuple[Any, Any, Any]:
    """X, residuals and bread of the fit, exact to 60 digits."""
    yr = [mp.mpf(int(v)) for v in panel["yr"]]
    X = mp.matrix([[1, v, v * v] for v in yr])
    y = mp.matrix([mp.mpf(float(v)) for v in panel["y"]])
    bread = (X.T * X) ** -1
    return X, y - X * (bread * (X.T * y)), bread


def weight(name: str, e: int, f: int, s: int, t: int) -> Any:
    """How much the product of the scores of rows (e, s) and (f, t) counts."""
    bartlett = max(mp.mpf(0), 1 - mp.mpf(abs(s - t)) / (LAGS + 1))
    return {
        "Robust": mp.mpf((e, s) == (f, t)),
        "Clustered": mp.mpf(e == f),
        "DriscollKraay": bartlett,
        "NeweyWest": bartlett if e == f else mp.mpf(0),
        "Conley": mp.mpf(s == t and abs(e - f) <= 1),
    }[name]


def wanted(name: str, panel: md.Panel) -> np.ndarray[Any, Any]:
    X, u, bread = exact(panel)
    T = len(YEARS)
    if name == "BeckKatz":
        sigma = [
            [sum(u[e * T + s] * u[f * T + s] for s in range(T)) / T for f in range(N)]
            for e in range(N)
        ]

        def product(i: int, j: int) -> Any:
            return sigma[i // T][j // T] if i % T == j % T else mp.mpf(0)
    else:

        def product(i: int, j: int) -> Any:
            w = weight(name, i // T, j // T, i % T, j % T)
            return w * u[i] * u[j] if w else mp.mpf(0)

    meat = mp.zeros(3, 3)
    for i in range(N * T):
        for j in range(N * T):
            p = product(i, j)
            if p:
                for a in range(3):
                    for b in range(3):
                        meat[a, b] += p * X[i, a] * X[j, b]
    V = bread * meat * bread
    return np.array([float(mp.sqrt(V[a, a])) for a in range(3)])


SPECS = [
    md.Robust("HC0", convention="none"),
    md.Clustered("entity", kind="CR0", convention="none"),
    md.DriscollKraay(bandwidth=LAGS, convention="none"),
    md.NeweyWest(bandwidth=LAGS, convention="none"),
    md.BeckKatz(convention="none"),
    md.Conley(300, latitude="lat", longitude="lon"),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_years_and_their_squares(spec: Any, panel: md.Panel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "not positive semi-definite" would be false
        fit = md.PooledOLS(formula="y ~ yr + I(yr**2)", cov=spec).fit(panel)
    np.testing.assert_allclose(
        fit.std_errors, wanted(type(spec).__name__, panel), rtol=1e-8,
        err_msg="double precision loses some 1e-16 times the condition number, 3e7 after scaling",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["HC3", "HC4", "CR2", "CR3"])
def test_leverage_keeps_its_digits_too(kind: str, panel: md.Panel) -> None:
    """Centred years have the same coefficient of the square, and no collinearity."""
    spec = md.Robust(kind) if kind.startswith("HC") else md.Clustered("entity", kind=kind)
    raw = md.PooledOLS(formula="y ~ yr + I(yr**2)", cov=spec).fit(panel)
    other = panel.assign(c=panel["yr"] - 2003.5)
    centred = md.PooledOLS(formula="y ~ c + I(c**2)", cov=spec).fit(other)
    found, expected = raw.std_errors["I(yr ** 2)"], centred.std_errors["I(c ** 2)"]
    assert found == pytest.approx(expected, rel=1e-7)
