"""What could have been established: attainable p-values, effects needed, power, and the size of the
rule at its edges, none of which looks at an estimate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, sampled_from
from scipy.stats import nct, t

from migdev.study.assessment.decidability import (
    COULD_NOT,
    attainable_pattern,
    decidability,
    effect_needed,
    pattern_power,
)
from migdev.study.cones import established, intersection_union, region_pvalue
from migdev.study.decision_rule import measure, standing
from tests.study.assessment.cases import PATTERNS, four, one

PREDICTIONS = ("+", "-", "0", "<=0", ">=0", "!=0")


@given(
    prediction=sampled_from(PREDICTIONS),
    estimate=floats(-3, 3),
    error=floats(0.05, 2),
    df=sampled_from([None, 5.0, 40.0]),
)
def test_one_standard_for_a_part(prediction, estimate, error, df):
    """The standing in a table, the p-value of the pattern's test and critical values agree; tables
    once read one side of the 95% interval where the test of the pattern had 5%."""
    p = float(region_pvalue(prediction, estimate, error, 1.0, df))
    if abs(p - 0.05) < 1e-9:
        return
    focal = measure(estimate, error, df, pvalue=0.5, bound=1.0, level=0.05)
    assert (standing(prediction, focal, 1.0) == "supported") == (p < 0.05)
    assert established(prediction, estimate, error, 1.0, df, 0.05) == (p < 0.05)
    assert intersection_union([prediction], [estimate], [error], [1.0], [df]) == p


@given(
    prediction=sampled_from(PREDICTIONS),
    estimate=floats(-50, 50),
    error=floats(0.05, 2),
    df=sampled_from([None, 5.0, 40.0]),
)
def test_no_estimate_does_better_than_the_attainable(prediction, estimate, error, df):
    parts = one(prediction, error=error, df=df)
    best = attainable_pattern(parts, "it")
    assert float(region_pvalue(prediction, estimate, error, 1.0, df)) >= best


def test_attainable_in_closed_form():
    """Of "no effect" it is that of an estimate of zero: P(t > margin / error)."""
    assert attainable_pattern(one("0", error=0.8, df=12.0), "it") == pytest.approx(
        t.sf(1 / 0.8, 12), rel=1e-12
    )
    found = decidability(four(error=0.8, df=12.0))
    assert not found.patterns.loc["null", "could"]
    assert found.patterns.loc["null", "outcome"] == COULD_NOT
    assert found.patterns.loc["DF", "could"]
    assert "null could not have been established by any estimate (best attainable p = 0.1" in str(
        found
    )


@pytest.mark.parametrize("df", [4.0, 20.0, 200.0])
def test_effect_needed_by_the_non_central_t(df):
    for prediction, sign in (("+", 1), ("-", -1)):
        effect = effect_needed(prediction, 0.4, 1.0, df, 0.05)
        power = nct.sf(t.isf(0.05, df), df, (sign * effect - 1.0) / 0.4)
        assert power == pytest.approx(0.8, abs=1e-6)
    upper = effect_needed("<=0", 0.4, 1.0, df, 0.05)
    assert nct.sf(t.isf(0.05, df), df, (1.0 - upper) / 0.4) == pytest.approx(0.8, abs=1e-6)
    assert np.isnan(effect_needed("0", 0.4, 1.0, df, 0.05))


def test_factors_are_where_power_is_reached():
    parts = four(error=0.25)
    found = decidability(parts).patterns
    for name in ("DF", "CR"):
        factor = found.loc[name, "factor_80"]
        assert pattern_power(parts, name)(factor) == pytest.approx(0.8, abs=0.02)
        twice, thrice, most = found.loc[name, ["power_2", "power_3", "power_most"]]
        assert twice < thrice <= most
    assert np.isnan(found.loc["null", "factor_80"])  # it predicts no effect: one place, one power


def test_no_effect_is_enough_where_a_bounded_part_is_too_noisy():
    found = decidability(four(error=0.6)).patterns.loc["DF"]
    assert np.isinf(found["factor_80"])
    assert found["power_most"] < 0.8
    assert "power at most, whatever the effects" in str(decidability(four(error=0.6)))


def test_without_a_margin_nothing_can_be_no_effect():
    parts = one("0", bound=0.0)
    assert attainable_pattern(parts, "it") == 0.5
    assert np.isnan(decidability(parts).patterns.loc["it", "factor_80"])


def draws(parts, theta, reps: int, seed: int):
    """Estimates and standard errors of as many worlds."""
    rng = np.random.default_rng(seed)
    estimates = rng.multivariate_normal(theta, parts.cov, size=reps)
    spread = np.sqrt(rng.chisquare(parts.dfs[0], size=(reps, len(parts.names))) / parts.dfs[0])
    return estimates, parts.errors * spread


def rate(parts, pattern: str, theta, reps: int = 20000, seed: int = 1) -> float:
    """Share of worlds in which the pattern's test rejects."""
    estimates, errors = draws(parts, theta, reps, seed)
    p = [
        region_pvalue(q, estimates[:, j], errors[:, j], 1.0, parts.dfs[j])
        for j, q in enumerate(PATTERNS[pattern])
    ]
    return float((np.max(p, axis=0) < parts.level).mean())


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["DF", "CR"])
@pytest.mark.parametrize("edge", range(4))
@pytest.mark.parametrize(("error", "df"), [(0.2, 10.0), (0.4, 35.0)])
def test_size_at_the_edges(pattern, edge, error, df):
    """One part at its bound and the others far inside: the likeliest place of an error."""
    inside = {"+": 8.0, "-": -8.0, "<=0": -8.0, "0": 0.0}
    bound = {"+": 1.0, "-": -1.0, "<=0": 1.0, "0": 1.0}
    theta = [inside[p] for p in PATTERNS[pattern]]
    theta[edge] = bound[PATTERNS[pattern][edge]]
    found = rate(four(error=error, df=df), pattern, theta)
    assert abs(found - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / 20000)


@pytest.mark.slow
def test_size_of_the_null_pattern():
    found = rate(four(error=0.2), "null", [1.0, 0.0, 0.0, 0.0])
    assert found < 0.05 + 3.29 * np.sqrt(0.05 * 0.95 / 20000)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1.5, 2.0, 3.0])
def test_power_is_what_was_promised(factor):
    parts = four(error=0.4, df=35.0)
    for pattern, at in (("DF", (1, -1, -1, 0)), ("CR", (0, -1, 0, 1))):
        promised = pattern_power(parts, pattern)(factor)
        found = rate(parts, pattern, factor * np.array(at, dtype=float))
        assert found == pytest.approx(promised, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize(("prediction", "edge"), [("+", 1.0), ("-", -1.0), ("<=0", 1.0)])
def test_size_of_the_rule_for_one_claim(prediction, edge):
    parts, wrong = one(prediction, error=0.3, df=20.0), 0
    estimates, errors = draws(parts, [edge], 4000, 7)
    for e, s in zip(estimates[:, 0], errors[:, 0], strict=True):
        focal = measure(e, s, 20.0, pvalue=0.5, bound=1.0, level=0.05)
        wrong += standing(prediction, focal, 1.0) == "supported"
    assert abs(wrong / 4000 - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / 4000)
