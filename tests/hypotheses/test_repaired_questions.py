"""Questions that once measured something else than they asked."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import migdev as md
from migdev.simulate import stylised_world


@pytest.fixture(scope="module")
def world() -> md.Panel:
    return stylised_world("critical", seed=5, entities=60)


@pytest.mark.parametrize("name", ["G5", "M8"])
def test_a_static_long_run_does_not_lead_a_dynamic_one(name):
    order = md.hypotheses.get(name).prefer
    assert order.index("CS-ARDL") < min(
        order.index(static) for static in ("CCE mean group", "Augmented mean group")
    )
    assert set(order) <= set(md.hypotheses.get(name).specs())


def test_no_outcome_of_k1_contains_remittances(world):
    question = md.hypotheses.get("K1")
    for c in question.components:
        left = c.formula.partition("~")[0].strip()
        assert "BX.TRF.PWKR.DT.GD.ZS" not in question.series[left]
    assert "null" in question.study().patterns


def test_d1_asks_of_remittances(world):
    question = md.hypotheses.get("D1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = question.run(world)
    assert "remit" in question.term
    assert set(answer.designs.values()) == {"association", "internal instruments"}
    for name, found in answer.focal.items():
        assert found.estimate == pytest.approx(answer.fits[name].params["remit:L(y)"])


def test_m2_is_of_the_growth_of_consumption(world):
    """A share of GDP is steady where consumption and output swing together."""
    question = md.hypotheses.get("M2")
    panel = question.prepare(world)
    raw = world.frame.query("iso3 == 'S001' and 1994 <= year <= 1999")["NE.CON.PRVT.PC.KD"]
    row = panel.frame.query("iso3 == 'S001' and window == 1995").iloc[0]
    assert row["consumption_swings"] == pytest.approx(100 * np.log(raw).diff().std())
    assert set(question.series["consumption_swings"]) == {"NE.CON.PRVT.PC.KD"}


def test_questions_that_can_be_supported_have_two_classes_of_design():
    """Of the others the answer says that no estimate could have supported them."""
    one = {"G5", "M8", "D7"}
    for name in md.hypotheses.names(runnable=True):
        question = md.hypotheses.get(name)
        if question.specs is not None:
            classes = {spec.design_class for spec in question.specs().values()}
            assert (len(classes) < 2) == (name in one), name
