"""Juodis-Karavias-Sarafidis and panel Toda-Yamamoto by brute force and by their size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.special import chdtrc

import migdev as md
from migdev import diagnostics
from migdev.errors import DroppedEntitiesWarning, IdentificationError, SpecificationError
from tests.panels import with_gaps


def _lags(panel, lags):
    f = panel.frame.copy()
    for v in ("inv", "value"):
        for j in range(1, lags + 1):
            f[f"{v}_{j}"] = panel.L(v, j).to_numpy()
    return f.dropna()


def _pooled(frame, lags):
    """Heterogeneous intercepts and lags of y as dummies, one regression."""
    x = [f"value_{j}" for j in range(1, lags + 1)]
    columns = [frame[x].to_numpy()]
    for firm in frame["firm"].unique():
        at = (frame["firm"] == firm).to_numpy(dtype=float)
        own = [at * frame[f"inv_{j}"].to_numpy() for j in range(1, lags + 1)]
        columns.append(np.column_stack([at, *own]))
    Z = np.column_stack(columns)
    return np.linalg.lstsq(Z, frame["inv"].to_numpy(), rcond=None)[0][:lags]


@pytest.mark.parametrize("lags", [1, 2])
def test_jackknife_by_brute_force(grunfeld, lags):
    # 18 rows per firm with two lags, 19 with one: both ways of splitting.
    frame = _lags(grunfeld, lags)
    position = frame.groupby("firm").cumcount()
    T = int(position.max()) + 1
    full = _pooled(frame, lags)
    halves = [
        (_pooled(frame[position < cut], lags) + _pooled(frame[position >= cut], lags)) / 2
        for cut in (T // 2, (T + 1) // 2)
    ]
    expected = 2 * full - np.mean(halves, axis=0)
    test = diagnostics.juodis_karavias_sarafidis(grunfeld, "inv ~ value", lags=lags)
    table = test.detail["coefficients"]
    assert_allclose(table["pooled"], full, rtol=1e-8)
    assert_allclose(table["estimate"], expected, rtol=1e-8)
    assert test.df == lags
    # The covariance from residualised data, entity by entity.
    X, e = [], []
    for _, g in frame.groupby("firm"):
        Z = sm.add_constant(g[[f"inv_{j}" for j in range(1, lags + 1)]].to_numpy())
        M = np.eye(len(g)) - Z @ np.linalg.pinv(Z)
        X.append(M @ g[[f"value_{j}" for j in range(1, lags + 1)]].to_numpy())
        e.append(M @ g["inv"].to_numpy() - X[-1] @ expected)
    X, e = np.concatenate(X), np.concatenate(e)
    J, n = X.T @ X, len(e)
    df = n - 10 * (1 + lags) - lags
    inverse = np.linalg.inv(J)
    V = inverse @ ((X * (e**2)[:, None]).T @ X * n / df) @ inverse
    assert_allclose(test.statistic, expected @ np.linalg.solve(V, expected), rtol=1e-8)
    plain = diagnostics.juodis_karavias_sarafidis(
        grunfeld, "inv ~ value", lags=lags, heteroskedastic=False
    )
    V = inverse * (e @ e) / df
    assert_allclose(plain.statistic, expected @ np.linalg.solve(V, expected), rtol=1e-8)


@pytest.mark.parametrize("gappy", [False, True])
def test_toda_yamamoto_by_brute_force(grunfeld, gappy):
    panel = with_gaps(grunfeld.where("firm < 5"), 20) if gappy else grunfeld
    test = diagnostics.toda_yamamoto(panel, "inv ~ value", lags=1, extra=1)
    p = []
    for _, g in _lags(panel, 2).groupby("firm"):
        fit = sm.OLS(g["inv"], sm.add_constant(g[["inv_1", "inv_2", "value_1", "value_2"]])).fit()
        p.append(chdtrc(1, fit.tvalues["value_1"] ** 2))
    assert_allclose(test.detail["by_entity"]["p_value"], p, rtol=1e-7)
    assert_allclose(test.statistic, -2 * np.log(p).sum(), rtol=1e-8)
    assert test.df == 2 * len(p)


def test_several_variables_and_refusals(grunfeld):
    joint = diagnostics.juodis_karavias_sarafidis(grunfeld, "inv ~ value + capital", lags=1)
    assert joint.df == 2
    short = grunfeld.where("firm != 4 or year > 1950")
    for test in (diagnostics.juodis_karavias_sarafidis, diagnostics.toda_yamamoto):
        with pytest.raises(IdentificationError, match="'4'"):
            test(short, "inv ~ value")
        with pytest.warns(DroppedEntitiesWarning, match="'4'"):
            test(short, "inv ~ value", short="drop")
        with pytest.raises(SpecificationError, match="lags=0"):
            test(grunfeld, "inv ~ value", lags=0)
    twice = grunfeld.assign(twice=2 * grunfeld["value"])
    with pytest.raises(IdentificationError, match=r"L\(twice, 1\)"):
        diagnostics.juodis_karavias_sarafidis(twice, "inv ~ value + twice")
    with pytest.raises(SpecificationError, match="2 regressors"):
        diagnostics.toda_yamamoto(grunfeld, "inv ~ value + capital")


@pytest.mark.slow
def test_size_with_moderate_periods():
    """N = 50, T = 20, persistent y and x, 500 draws: the jackknife keeps its size."""
    rng, reps, N, T = np.random.default_rng(9), 500, 50, 21
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    jks = ty = power = 0
    for _ in range(reps):
        y, x = np.zeros((2, N, T + 20))
        phi = rng.uniform(0.2, 0.6, N)
        for t in range(1, T + 20):
            x[:, t] = 0.5 * x[:, t - 1] + rng.standard_normal(N)
            y[:, t] = phi * y[:, t - 1] + rng.standard_normal(N)
        z = y[:, 20:].copy()
        z[:, 1:] += 0.15 * x[:, 20:-1]
        data = {"y": y[:, 20:].ravel(), "x": x[:, 20:].ravel(), "z": z.ravel()}
        panel = md.Panel.from_frame(pd.DataFrame({**keys, **data}), entity="e", time="t")
        jks += diagnostics.juodis_karavias_sarafidis(panel, "y ~ x").pvalue < 0.05
        power += diagnostics.juodis_karavias_sarafidis(panel, "z ~ x").pvalue < 0.05
        ty += diagnostics.toda_yamamoto(panel, "y ~ x", extra=0).pvalue < 0.05
    assert abs(jks / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps), jks / reps
    assert power / reps > 0.8, power / reps
    # chi-squared p-values of 20 periods reject too often; the docstring of the method says T large
    assert ty / reps < 0.35, ty / reps
