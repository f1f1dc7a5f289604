"""The decision rule, interval by interval."""

from __future__ import annotations

import pytest

from migdev.errors import SpecificationError
from migdev.study.decision_rule import measure, standing, verdict
from migdev.study.hypothesis import Hypothesis

BOUND = 0.1


def focal(estimate: float, std_error: float):
    return measure(estimate, std_error, None, pvalue=0.5, bound=BOUND, level=0.05)


WIDE, TIGHT_ZERO = focal(0.05, 0.2), focal(0.0, 0.03)
HIGH, LOW, SMALL = focal(0.5, 0.1), focal(-0.5, 0.1), focal(0.09, 0.01)


@pytest.mark.parametrize(
    ("prediction", "outcomes"),
    [  # WIDE, TIGHT_ZERO, HIGH, LOW, SMALL (inner interval 0.074..0.106 straddles the bound)
        ("+", ("undecided", "no effect", "supported", "contradicted", "undecided")),
        ("-", ("undecided", "no effect", "contradicted", "supported", "undecided")),
        ("0", ("undecided", "no effect", "contradicted", "contradicted", "undecided")),
        ("<=0", ("undecided", "no effect", "contradicted", "supported", "undecided")),
        (">=0", ("undecided", "no effect", "supported", "contradicted", "supported")),
    ],
)
def test_verdicts(prediction, outcomes):
    found = tuple(verdict(prediction, f, BOUND) for f in (WIDE, TIGHT_ZERO, HIGH, LOW, SMALL))
    assert found == outcomes


@pytest.mark.parametrize(
    ("prediction", "outcomes"),
    [
        ("+", ("undecided", "contradicted", "supported", "contradicted", "undecided")),
        ("-", ("undecided", "contradicted", "contradicted", "supported", "contradicted")),
        ("0", ("undecided", "supported", "contradicted", "contradicted", "undecided")),
        ("<=0", ("undecided", "supported", "contradicted", "supported", "undecided")),
        (">=0", ("undecided", "supported", "supported", "contradicted", "supported")),
        ("any", ("undecided",) * 5),
    ],
)
def test_standing_of_views(prediction, outcomes):
    found = tuple(standing(prediction, f, BOUND) for f in (WIDE, TIGHT_ZERO, HIGH, LOW, SMALL))
    assert found == outcomes


def test_nothing_is_no_effect_without_a_smallest_effect():
    tight = measure(0.0, 1e-6, None, pvalue=1.0, bound=0.0, level=0.05)
    assert verdict("+", tight, 0.0) == "undecided"
    assert tight.equivalence != tight.equivalence  # nan


def test_hypothesis_states_its_prediction():
    h = Hypothesis(claim="Remittances raise growth", term="remit", views={"DF": "+", "CR": "<=0"})
    assert (h.prediction, h.rivals) == ("+", {"DF": "+", "CR": "<=0"})
    assert hash(h) == hash(
        Hypothesis(
            claim="Remittances raise growth", term="remit", views=(("DF", "+"), ("CR", "<=0"))
        )
    )
    assert Hypothesis(claim="c", term="x", sign=-1).prediction == "-"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "predicts nothing"),
        ({"sign": 2}, "sign=2"),
        ({"views": {"DF": "up"}}, "not 'up'"),
        ({"sign": 1, "level": 5}, "level=5"),
        ({"sign": 1, "smallest_effect": -1}, "is negative"),
        ({"sign": 1, "smallest_effect": float("nan")}, "a finite distance"),
        ({"sign": 1, "smallest_effect": float("inf")}, "a finite distance"),
        ({"sign": 1, "smallest_effect": "0.1"}, "not a number"),
        ({"sign": 1, "level": "5%"}, "not a number"),
        ({"sign": 1, "term": " "}, "states its term"),
        ({"sign": 1, "claim": ""}, "states its claim"),
        ({"views": [("DF", "+"), ("DF", "-")]}, "predicts twice"),
        ({"views": "DF: +"}, "give a mapping"),
    ],
)
def test_hypotheses_that_say_nothing(options, message):
    with pytest.raises(SpecificationError, match=message):
        Hypothesis(**{"claim": "c", "term": "x", **options})
