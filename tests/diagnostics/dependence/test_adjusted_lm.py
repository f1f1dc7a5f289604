"""The bias-adjusted LM test with its projection matrices written out, and its size."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
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
    with pytest.raises(IdentificationError, match="needs more than 11"):
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


def _pair_by_loops(frame, i, j, X, trend):
    """Both entities fitted over the periods they share."""
    both = sorted(set(frame.loc[frame["firm"] == i, "year"]) & set(
        frame.loc[frame["firm"] == j, "year"]))  # fmt: skip
    part = frame[frame["firm"].isin([i, j]) & frame["year"].isin(both)]
    M, e = [], []
    for _, g in part.sort_values("year").groupby("firm"):
        Z = np.column_stack([np.ones(len(g)), *([g["year"] - 1900] if trend else []),
                             *[g[x] for x in X]])  # fmt: skip
        M.append(np.eye(len(g)) - Z @ np.linalg.pinv(Z))
        e.append(M[-1] @ g["inv"].to_numpy(dtype=float))
    n = len(both) - Z.shape[1]
    a2 = 3 * (((n - 8) * (n + 2) + 24) / ((n + 2) * (n - 2) * (n - 4))) ** 2
    A = M[0] @ M[1]
    nu = np.sqrt(np.trace(A) ** 2 * (a2 - 1 / n**2) + 2 * np.trace(A @ A) * a2)
    rho = e[0] @ e[1] / np.sqrt((e[0] @ e[0]) * (e[1] @ e[1]))
    return (n * rho**2 - np.trace(A) / n) / nu


@pytest.mark.parametrize("trend", [False, True])
def test_unbalanced_panels_pair_by_pair(grunfeld, trend):
    """Late entry and holes: every pair over its own shared periods; pairs of 12 and fewer go."""
    keep = ~((grunfeld["firm"] == 3) & (grunfeld["year"] < 1939))
    keep &= ~((grunfeld["firm"] == 5) & grunfeld["year"].isin([1940, 1941, 1950]))
    keep &= ~((grunfeld["firm"] == 7) & (grunfeld["year"] > 1950))
    panel = grunfeld.where(keep.to_numpy(), "holes")
    firms = sorted(panel.frame["firm"].unique())
    pairs = [(i, j) for a, i in enumerate(firms) for j in firms[a + 1 :]]
    X = ["value", "capital"] if not trend else ["value"]
    z = {(i, j): _pair_by_loops(panel.frame, i, j, X, trend) for i, j in pairs}
    short = {(3, 7): 12, (5, 7): 13}  # periods shared
    used = [v for pair, v in z.items() if short.get(pair, 20) > 11]
    test = diagnostics.bias_adjusted_lm(panel, f"inv ~ {' + '.join(X)}", trend=trend)
    assert_allclose(test.statistic, np.sum(used) / np.sqrt(len(used)), rtol=1e-7)
    assert test.detail["pairs"] == 45
    assert "pairs share 12 to 20 periods" in test.note
    fewer = panel.where("firm != 7 or year < 1949")
    with pytest.warns(DroppedRowsWarning, match="1 of 45 pairs.*no more than 11"):
        rest = diagnostics.bias_adjusted_lm(fewer, "inv ~ value + capital")
    assert rest.detail["pairs"] == 44
    with pytest.raises(IdentificationError, match="too few periods, the test needs more than 11"):
        diagnostics.bias_adjusted_lm(panel.where("firm != 7 or year < 1944"), "inv ~ value+capital")


def test_complete_panels_give_the_same_by_pairs(grunfeld):
    from migdev.kernels.dependence.adjusted_lm import (
        bias_adjusted_terms,
        orthogonal_fit,
        overlapping_terms,
    )

    V = grunfeld.frame[["inv", "value"]].to_numpy().reshape(10, 20, 2)
    X = np.concatenate([np.ones((10, 20, 1)), V[:, :, 1:]], axis=2)
    whole = np.ones((10, 20), dtype=bool)
    Q, e, _ = orthogonal_fit(V[:, :, 0], X, whole)
    rho, z, shared, lost = overlapping_terms(V[:, :, 0], X, whole)
    assert_allclose((rho, z), bias_adjusted_terms(e, Q), rtol=1e-9)
    assert (shared == 20).all()
    assert lost == 0


@pytest.mark.slow
def test_size_in_unbalanced_panels():
    """N = 50, T = 30, entry up to 12 periods late and a tenth missing, 400 draws at 5%."""
    rng, reps, N, T = np.random.default_rng(29), 400, 50, 30
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    x = np.cumsum(rng.standard_normal((N, T)), axis=1)
    seen = np.arange(T) >= rng.integers(0, 12, N)[:, None]
    seen &= rng.random((N, T)) > 0.1
    size = power = 0
    signs = np.where(np.arange(N) % 2, 1.0, -1.0)[:, None]
    for draw in range(reps):
        u = rng.standard_normal((N, T))
        frame = pd.DataFrame({**keys, "y": u.ravel(), "x": x.ravel(),
                              "w": (u + 0.7 * signs * rng.standard_normal(T)).ravel()})  # fmt: skip
        panel = md.Panel.from_frame(frame[seen.ravel()], entity="e", time="t")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DroppedRowsWarning)
            size += diagnostics.bias_adjusted_lm(panel, "y ~ x").pvalue < 0.05
            if draw < 50:
                power += diagnostics.bias_adjusted_lm(panel, "w ~ x").pvalue < 0.05
    print(size / reps, power)
    assert abs(size / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps), size / reps
    assert power > 45, power


@pytest.mark.slow
def test_size_where_where_entities_outnumber_periods():
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
