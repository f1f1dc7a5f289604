"""Chow tests against plm and one regression per group."""

from __future__ import annotations

import numpy as np
import pytest

import migdev as md
from migdev.errors import DroppedEntitiesWarning, ResultError, SpecificationError
from migdev.kernels.heterogeneous.slopes import group_fits
from tests.static_panels import SAMPLES, golden, sample_panel

CASES = [
    (s, key) for s in SAMPLES for key in golden(s)["tests"] if key.startswith("pooltest")
]  # fmt: skip


@pytest.mark.parametrize(("sample", "key"), CASES)
def test_matches_pooltest(sample: str, key: str) -> None:
    panel, formula = sample_panel(sample)
    _, effect, model = key.split(".")
    by = {"individual": "entity", "time": "time"}[effect]
    if model == "pooling":
        fit = md.PooledOLS(formula=formula).fit(panel)
    else:
        fit = md.FixedEffects(formula=formula, effects=(by,)).fit(panel)
    test = md.diagnostics.poolability(fit, by)
    want = golden(sample)["tests"][key]
    assert test.statistic == pytest.approx(want[0], rel=1e-8)
    assert test.df == tuple(want[1:3])
    assert test.pvalue == pytest.approx(want[3], rel=1e-6, abs=1e-300)


def test_group_fits_equal_one_regression_each() -> None:
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(7), [1, 2, 3, 4, 9, 9, 12])
    X = np.column_stack([np.ones(40), rng.standard_normal((40, 3))])
    X[group == 5, 2] = 4.0  # constant in one group
    y = rng.standard_normal(40)
    rss, rank = group_fits(y, X, group)
    for g in range(7):
        b, _, r, _ = np.linalg.lstsq(X[group == g], y[group == g], rcond=1e-10)
        e = y[group == g] - X[group == g] @ b
        assert rank[g] == r
        assert rss[g] == pytest.approx(e @ e, abs=1e-12)


def test_groups_fitted_perfectly_are_told() -> None:
    panel, formula = sample_panel("grunfeld.ragged")
    fit = md.PooledOLS(formula=formula).fit(panel)
    with pytest.warns(DroppedEntitiesWarning, match="of 10 groups by entity"):
        test = md.diagnostics.poolability(fit)
    d = md.Design.build(formula, panel)
    rss, df = 0.0, 0
    for g in range(10):
        X, y = d.X[d.entity == g], d.y[d.entity == g]
        b, _, rank, _ = np.linalg.lstsq(X, y, rcond=1e-10)
        rss += (y - X @ b) @ (y - X @ b)
        df += len(y) - rank
    null = fit.stats["rss"]
    df_null = d.nobs - 3
    want = (null - rss) / (df_null - df) / (rss / df)
    assert test.statistic == pytest.approx(want, rel=1e-9)
    assert test.df == (df_null - df, df)


def test_bad_input(grunfeld: md.Panel) -> None:
    two = md.FixedEffects(formula="inv ~ value", effects=("entity", "time")).fit(grunfeld)
    pooled = md.PooledOLS(formula="inv ~ value").fit(grunfeld)
    between = md.Between(formula="inv ~ value").fit(grunfeld)
    last = md.PooledOLS(formula="inv ~ value").fit(grunfeld.between(1953, 1954))
    for call, message in [
        (lambda: md.diagnostics.poolability(two), "FixedEffects with"),
        (lambda: md.diagnostics.poolability(pooled, "region"), "'entity' or 'time'"),
        (lambda: md.diagnostics.poolability(between), "this fit .Between. is fitted to means"),
        (lambda: md.diagnostics.poolability(last), "fitted perfectly"),
    ]:
        with pytest.raises((ResultError, SpecificationError), match=message):
            call()
