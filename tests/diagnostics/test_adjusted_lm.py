"""The bias-adjusted LM test with its projection matrices written out, and its size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)


def _by_loops(frame, y, X, trend):
    """Pesaran, Ullah and Yamagata (2008), equations (8), (9) and (13)."""
    M, e = [], []
    for _, g in frame.groupby("firm"):
        T = len(g)
        Z = np.column_stack([np.ones(T), *([np.arange(T)] if trend else []), *[g[x] for x in X]])
        M.append(np.eye(T) - Z @ np.linalg.inv(Z.T @ Z) @ Z.T)
        e.append(M[-1] @ g[y].to_numpy(dtype=float))
    k, N = Z.shape[1], len(M)
    n = T - k
    a2 = 3 * (((n - 8) * (n + 2) + 24) / ((n + 2) * (n - 2) * (n - 4))) ** 2
    a1 = a2 - 1 / n**2
    total = 0.0
    for i in range(N - 1):
        for j in range(i + 1, N):
            A = M[i] @ M[j]
            nu = np.sqrt(np.trace(A) ** 2 * a1 + 2 * np.trace(A @ A) * a2)
            rho = e[i] @ e[j] / np.sqrt((e[i] @ e[i]) * (e[j] @ e[j]))
            total += (n * rho**2 - np.trace(A) / n) / nu
    return np.sqrt(2 / (N * (N - 1))) * total


@pytest.mark.parametrize("trend", [False, True])
@pytest.mark.parametrize("X", [[], ["value"], ["value", "capital"]])
def test_by_loops(grunfeld, X, trend):
    formula = f"inv ~ {' + '.join(X) or '1'}"
    test = diagnostics.bias_adjusted_lm(grunfeld, formula, trend=trend)
    assert_allclose(test.statistic, _by_loops(grunfeld.frame, "inv", X, trend), rtol=1e-7)
    assert test.detail["pairs"] == 45


def test_refusals(grunfeld):
    with pytest.raises(PanelError, match="balanced"):
        diagnostics.bias_adjusted_lm(grunfeld.where("firm != 2 or year > 1940"), "inv ~ value")
    with pytest.raises(IdentificationError, match="more than 11"):
        diagnostics.bias_adjusted_lm(grunfeld.where("year < 1945"), "inv ~ value + capital")
    with pytest.raises(SpecificationError, match="formula"):
        diagnostics.bias_adjusted_lm(grunfeld, "inv")
    with pytest.raises(SpecificationError, match="intercept"):
        diagnostics.bias_adjusted_lm(grunfeld, "inv ~ value", trend="n")
    flat = grunfeld.assign(value=np.where(grunfeld["firm"] == 6, 1.0, grunfeld["value"]))
    with pytest.raises(IdentificationError, match="'6'"):
        diagnostics.bias_adjusted_lm(flat, "inv ~ value")
    with pytest.warns(DroppedEntitiesWarning, match="'6'"):
        test = diagnostics.bias_adjusted_lm(flat, "inv ~ value", short="drop")
    rest = diagnostics.bias_adjusted_lm(grunfeld.where("firm != 6"), "inv ~ value")
    assert_allclose(test.statistic, rest.statistic, rtol=1e-9)


@pytest.mark.slow
def test_size_where_entities_outnumber_periods():
    """N = 60, T = 20, two regressors, 500 draws at 5%: the adjusted test keeps its size, the
    scaled one on residuals of the same regressions does not."""
    rng, reps, N, T = np.random.default_rng(22), 500, 60, 20
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    x = np.cumsum(rng.standard_normal((2, N, T)), axis=2)
    size = scaled = power = 0
    signs = np.where(np.arange(N) % 2, 1.0, -1.0)[:, None]
    for draw in range(reps):
        u = rng.standard_normal((N, T))
        frame = {**keys, "y": u.ravel(), "x": x[0].ravel(), "z": x[1].ravel()}
        frame["w"] = (u + 0.7 * signs * rng.standard_normal(T)).ravel()
        panel = md.Panel.from_frame(pd.DataFrame(frame), entity="e", time="t")
        size += diagnostics.bias_adjusted_lm(panel, "y ~ x + z").pvalue < 0.05
        if draw < 100:
            fit = md.MeanGroup(formula="y ~ x + z").fit(panel)
            test = diagnostics.cross_section_dependence(fit, statistic="scaled LM")
            scaled += test.pvalue < 0.05
            power += diagnostics.bias_adjusted_lm(panel, "w ~ x + z").pvalue < 0.05
    print(size / reps, scaled, power)
    assert abs(size / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps), size / reps
    assert scaled > 50, scaled
    assert power > 90, power
