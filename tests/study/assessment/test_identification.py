"""Classes of design, and what may stand behind an association."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import DroppedRowsWarning, SpecificationError
from migdev.identity import canonical
from migdev.study.assessment.identification import design_of, effects_earned
from migdev.study.assessment.threats import threats
from tests.study.test_study import study, world


@pytest.mark.parametrize(
    ("estimator", "design"),
    [
        (md.PooledOLS(formula="y ~ x"), "association"),
        (md.FixedEffects(formula="y ~ L(x, [1, 2])"), "association"),
        (md.RandomEffects(formula="y ~ x"), "association"),
        (md.CCEMeanGroup(formula="y ~ x"), "association"),
        (md.IV2SLS(formula="y ~ z + [x ~ L(x, [1, 2])]"), "internal instruments"),
        (md.IV2SLS(formula="y ~ z + [x + x:z ~ L(x, [1, 2]) + L(x):L(z)]"), "internal instruments"),
        (md.LIML(formula="y ~ z + [x ~ rain]"), "external instruments"),
        (md.IV2SLS(formula="y ~ [x ~ rain:L(z)]"), "external instruments"),
        # One lag of the regressor among them, and the estimate rests on it too.
        (md.IV2SLS(formula="y ~ [x ~ rain + L(x, [1, 2])]"), "internal instruments"),
        (md.AndersonHsiao(formula="y ~ L(y) + x"), "internal instruments"),
        (md.SystemGMM(formula="y ~ L(y) + x", gmm=(md.GMMStyle("y", (2, 3)),)),
         "internal instruments"),
    ],
)  # fmt: skip
def test_classes_of_design(estimator, design):
    assert design_of(estimator) == design
    assert md.Spec(estimator=estimator).design_class == design


def test_a_specification_may_say_otherwise():
    within = md.FixedEffects(formula="y ~ x")
    assert md.Spec(estimator=within, design="within-region").design_class == "within-region"
    with pytest.raises(SpecificationError, match="design='regional'"):
        md.Spec(estimator=within, design="regional")
    assert "design" not in canonical(md.Spec(estimator=within))
    assert canonical(md.Spec(estimator=within, design="within-region"))["design"]


def test_what_earns_the_word_effect():
    assert effects_earned(["external instruments", "difference-in-differences"])
    assert not effects_earned(["external instruments", "association"])
    assert not effects_earned(["within-region"])
    assert not effects_earned([])


def test_estimators_of_others_state_their_design():
    class Theirs:
        design = "difference-in-differences"

    assert design_of(Theirs()) == "difference-in-differences"


def noisy(reliability: float, seed: int = 3, N: int = 400, T: int = 8) -> md.Panel:
    """y = x + u where x is recorded with error; x has no entity part, so controls leave all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N * T)
    recorded = x + rng.normal(size=N * T) * np.sqrt(1 / reliability - 1)
    frame = pd.DataFrame(
        {"i": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N), "x": recorded,
         "y": x + rng.normal(size=N * T)}
    )  # fmt: skip
    return md.Panel.from_frame(frame, entity="i", time="t")


def test_attenuation_undoes_classical_error():
    """Recorded with reliability .8 the slope of 1 is estimated as .8; the row of .8 gives it
    back, up to the share of variance that entity effects take out."""
    h = md.Hypothesis(claim="c", term="x", sign=1, smallest_effect=0.1)
    answer = md.Study(h, {"FE": md.FixedEffects(formula="y ~ x")}).run(noisy(0.8))
    found = answer.threats
    assert found.remaining == pytest.approx(7 / 8, abs=0.02)
    assert found.average == pytest.approx(answer.panel["x"].mean(), rel=1e-12)
    assert answer.estimate.estimate == pytest.approx(0.8, abs=0.05)
    row = found.attenuation.loc[0.8]
    assert row["partial_reliability"] == pytest.approx(1 - 0.2 / found.remaining)
    assert row["estimate"] == pytest.approx(answer.estimate.estimate / row["partial_reliability"])
    pooled = md.Study(h, {"OLS": md.PooledOLS(formula="y ~ x")}).run(noisy(0.8))
    assert pooled.threats.attenuation.loc[0.8, "estimate"] == pytest.approx(1.0, abs=0.05)


def test_an_error_larger_than_what_is_left_bounds_nothing():
    panel = world(0.5)
    slow = panel.assign(x=panel["x"] + 10 * np.repeat(np.arange(60), 12))
    answer = study().run(slow)
    assert answer.threats.remaining < 0.05
    assert answer.threats.attenuation["estimate"].isna().all()


def test_reverse_slope_is_that_of_the_reverse_regression():
    panel = world(0.5)
    fit = md.FixedEffects(formula="y ~ x").fit(panel)
    found = study().run(panel).threats
    reverse = md.FixedEffects(formula="x ~ y").fit(panel)
    assert_allclose(found.reverse, reverse.params["y"], rtol=1e-9)
    spec = md.FixedEffects(
        formula="x ~ L(y) + L(x)", effects=("entity", "time"), cov=md.Clustered("entity")
    )
    with pytest.warns(DroppedRowsWarning):
        reaction = spec.fit(panel)
    assert_allclose(found.reaction, reaction.params["L(y)"])
    assert_allclose(
        (found.reaction_low, found.reaction_high), reaction.conf_int().loc["L(y)"].to_numpy()
    )
    assert fit.params["x"] > 0


def test_no_numbers_where_none_can_be_had():
    panel = world(0.5)
    answer = study().run(panel)
    focal = answer.estimate
    assert threats(answer.fits["FE"], "2*x", focal) is None
    assert threats(object(), "x", focal) is None
