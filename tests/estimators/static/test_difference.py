"""First differences against plm, lm on differences, and linearmodels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    DroppedRowsWarning,
    IdentificationError,
    SpecificationError,
)
from tests.static_panels import SAMPLES, assert_agrees, golden, sample_panel

CASES = [(s, key) for s in SAMPLES for key in golden(s)["fd"]]


def quietly(spec: md.FirstDifference, panel: md.Panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DroppedRowsWarning)
        warnings.simplefilter("ignore", CollinearityWarning)  # time-invariant regressors
        return spec.fit(panel)


@pytest.mark.parametrize(("sample", "rule"), CASES)
def test_matches_r(sample: str, rule: str) -> None:
    panel, formula = sample_panel(sample)
    options = {
        "consecutive": {"gaps": "consecutive-observations"},
        "skip": {},
        "skip_no_intercept": {"intercept": "drop"},
    }[rule]
    fit = quietly(md.FirstDifference(formula=formula, **options), panel)
    assert_agrees(fit, golden(sample)["fd"][rule], rtol=1e-8)


@pytest.mark.parametrize("sample", ["grunfeld.gaps", "gasoline.full", "produc.ragged"])
@pytest.mark.parametrize("weights", [False, True])
def test_matches_linearmodels(sample: str, weights: bool) -> None:
    from linearmodels import FirstDifferenceOLS

    panel, formula = sample_panel(sample)
    w = 0.5 + np.arange(len(panel)) % 7
    panel = panel.assign(w=w)
    d, index = md.Design.build(formula, panel), panel.index()
    want = FirstDifferenceOLS(
        pd.Series(d.y, index), pd.DataFrame(d.X[:, 1:], index, list(d.names[1:])),
        weights=pd.DataFrame({"w": w}, index) if weights else None,
    ).fit(cov_type="robust")  # fmt: skip
    spec = md.FirstDifference(
        formula=formula, intercept="drop", weights="w" if weights else None, cov=md.Robust("HC1")
    )
    fit = quietly(spec, panel)
    assert fit.nobs == want.nobs
    np.testing.assert_allclose(fit.params, want.params, rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, want.std_errors, rtol=1e-8)


def test_linearmodels_passes_over_a_period_that_all_lack(grunfeld: md.Panel) -> None:
    from linearmodels import FirstDifferenceOLS

    panel = grunfeld.where(lambda p: p["year"] != 1940)
    frame = panel.frame.set_index(["firm", "year"])
    want = FirstDifferenceOLS(frame["inv"], frame[["value", "capital"]]).fit()
    passed = md.FirstDifference("inv ~ 0 + value + capital", gaps="consecutive-observations")
    np.testing.assert_allclose(passed.fit(panel).params, want.params, rtol=1e-9)
    with pytest.warns(DroppedRowsWarning):
        assert md.FirstDifference("inv ~ 0 + value + capital").fit(panel).nobs == want.nobs - 10


def test_formula_decides_on_the_intercept(grunfeld: md.Panel) -> None:
    one = md.FirstDifference(formula="inv ~ 0 + value + capital").fit(grunfeld)
    two = md.FirstDifference(formula="inv ~ value + capital", intercept="drop").fit(grunfeld)
    np.testing.assert_allclose(one.params, two.params, rtol=1e-13)
    assert one.names == ["value", "capital"]
    by_hand = md.PooledOLS(formula="D(inv) ~ D(value) + D(capital)")
    with pytest.warns(DroppedRowsWarning):
        want = by_hand.fit(grunfeld)
    three = md.FirstDifference(formula="inv ~ value + capital").fit(grunfeld)
    np.testing.assert_allclose(three.params, want.params, rtol=1e-11)
    np.testing.assert_allclose(three.cov, want.cov, rtol=1e-9)


def test_two_periods_equal_fixed_effects(grunfeld: md.Panel) -> None:
    two = grunfeld.between(1953, 1954)
    fd = md.FirstDifference(formula="inv ~ value + capital", intercept="drop").fit(two)
    fe = md.FixedEffects(formula="inv ~ value + capital").fit(two)
    np.testing.assert_allclose(fd.params, fe.params, rtol=1e-9)
    np.testing.assert_allclose(fd.cov, fe.cov, rtol=1e-8)


def test_gaps_are_told() -> None:
    panel, formula = sample_panel("grunfeld.gaps")
    with pytest.warns(DroppedRowsWarning, match="12 rows have no observation"):
        fit = md.FirstDifference(formula=formula).fit(panel)
    assert fit.dropped == {
        "first observation of the entity": 10,
        "no observation in the period before": 12,
    }
    later = fit.resids.index.get_level_values("year")
    assert later.min() == 1936
    all_in = md.FirstDifference(formula=formula, gaps="consecutive-observations").fit(panel)
    assert all_in.nobs == fit.nobs + 12


def test_singletons_are_told(grunfeld: md.Panel) -> None:
    panel = grunfeld.where((grunfeld.entity_codes > 0) | (grunfeld["year"] == 1940))
    with pytest.warns(DroppedRowsWarning, match="1 entities have no two adjacent"):
        fit = md.FirstDifference(formula="inv ~ value").fit(panel)
    assert fit.entities == 9


def test_constant_regressors_are_dropped(grunfeld: md.Panel) -> None:
    panel = grunfeld.assign(size=grunfeld.entity_codes.astype(float) + 0.1)
    with pytest.warns(CollinearityWarning, match="no variation over time"):
        fit = md.FirstDifference(formula="inv ~ value + size").fit(panel)
    assert fit.names == ["Intercept", "value"]


def test_what_goes_wrong(grunfeld: md.Panel) -> None:
    with pytest.raises(SpecificationError, match="'skip'"):
        md.FirstDifference(formula="y ~ x", gaps="jump")
    with pytest.raises(SpecificationError, match="'drop'"):
        md.FirstDifference(formula="y ~ x", intercept="none")
    odd = grunfeld.where(grunfeld["year"].to_numpy() % 2 == 1)
    with pytest.raises(IdentificationError, match="consecutive-observations"):
        md.FirstDifference(formula="inv ~ value").fit(odd)
