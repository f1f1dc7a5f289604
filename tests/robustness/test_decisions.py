"""Detectable effects, equivalence and multiplicity against statsmodels and definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from migdev.errors import SpecificationError
from migdev.robustness.equivalence import tost
from migdev.robustness.multiplicity import adjust, holm, romano_wolf
from migdev.robustness.power import minimum_detectable_effect
from tests.golden import load_golden


@pytest.mark.parametrize("shift", [0.0, 0.05, -0.3, 0.6])
def test_tost_equals_statsmodels(shift):
    x = np.random.default_rng(3).normal(shift, 1, 80)
    d = DescrStatsW(x)
    p, _, _ = d.ttost_mean(-0.25, 0.25)
    ours = tost(x.mean(), x.std(ddof=1) / np.sqrt(80), 0.25, 79)
    assert ours.pvalue == pytest.approx(p, rel=1e-10)


def test_tost_is_an_interval_inside_the_bounds():
    for estimate in np.linspace(-0.5, 0.5, 41):
        half = stats.t.ppf(0.95, 30) * 0.1
        inside = estimate - half > -0.3 and estimate + half < 0.3
        assert (tost(estimate, 0.1, 0.3, 30).pvalue < 0.05) == inside


def test_detectable_effect_has_its_power():
    se, df = 0.2, 40.0
    effect = float(minimum_detectable_effect(se, df))
    # Bloom's sum of quantiles is the power of a location-shifted t, up to the far tail.
    power = stats.t.sf(stats.t.ppf(0.975, df) - effect / se, df)
    assert power == pytest.approx(0.80, abs=1e-9)
    assert float(minimum_detectable_effect(1.0)) == pytest.approx(2.8015852, abs=1e-7)
    with pytest.raises(SpecificationError, match="power=80"):
        minimum_detectable_effect(1.0, power=80)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.1, 0.0, 0.3), "std_error=0"),
        ((0.1, -1.0, 0.3), "std_error=-1"),
        ((0.1, float("nan"), 0.3), "std_error=nan"),
        ((0.1, 0.1, 0.3, 0), "df=0"),
        ((0.1, 0.1, 0.0), "bound=0"),
    ],
)
def test_equivalence_needs_an_error_and_degrees_of_freedom(arguments, message):
    with pytest.raises(SpecificationError, match=message):
        tost(*arguments)


def test_detectable_effects_have_one_side_or_two():
    with pytest.raises(SpecificationError, match="sided=3"):
        minimum_detectable_effect(1.0, sided=3)


GOLDEN = load_golden("multiplicity")["adjusted"]


@pytest.mark.parametrize("method", [m for m in GOLDEN if m != "p"])
def test_corrections_match_r(method):
    np.testing.assert_allclose(adjust(GOLDEN["p"], method), GOLDEN[method], rtol=1e-13)


def test_corrections_keep_what_was_not_tested():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.2]), [0.03, np.nan, 0.4], rtol=1e-15)
    assert len(holm([])) == 0
    with pytest.raises(SpecificationError, match="1.2 does not"):
        holm([0.1, 1.2])
    with pytest.raises(SpecificationError, match="method='fdr'"):
        adjust([0.1], "fdr")


def test_romano_wolf_equals_its_definition():
    rng = np.random.default_rng(5)
    t = np.array([2.9, -1.1, 2.2, 0.3])
    star = rng.standard_normal((499, 4)) @ np.linalg.cholesky(0.5 * np.eye(4) + 0.5).T
    left, expected, running = [0, 2, 1, 3], np.empty(4), 0.0  # by decreasing |t|
    while left:
        top = left[0]
        count = sum(np.abs(draw[left]).max() >= abs(t[top]) for draw in star)
        running = max(running, (1 + count) / 500)
        expected[top] = running
        left = left[1:]
    np.testing.assert_allclose(romano_wolf(t, star), expected, rtol=1e-12)
    with pytest.raises(SpecificationError, match=r"\(B, 4\)"):
        romano_wolf(t, star[:, :3])


@pytest.mark.slow
def test_romano_wolf_keeps_the_familywise_error():
    rng, reps, rejected = np.random.default_rng(20240101), 1500, 0
    root = np.linalg.cholesky(0.3 * np.eye(5) + 0.7).T
    star = rng.standard_normal((999, 5)) @ root
    for _ in range(reps):
        rejected += romano_wolf(rng.standard_normal(5) @ root, star).min() < 0.05
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps) + 0.01  # 999 draws
