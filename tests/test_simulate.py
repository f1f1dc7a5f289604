"""Simulated worlds: reproducible, marked as simulated, and true to the effects they state."""

from __future__ import annotations

import numpy as np
import pytest

import migdev as md
from migdev.errors import SpecificationError
from migdev.simulate import WORLDS, stylised_world


def test_seed_fixes_the_world():
    a, b = stylised_world("null", seed=4), stylised_world("null", seed=4)
    assert a.fingerprint == b.fingerprint
    assert a.fingerprint != stylised_world("null", seed=5).fingerprint


def test_everything_says_simulated():
    world = stylised_world("critical", seed=1, entities=10)
    assert world.provenance[0].dataset == "SIMULATED critical world"
    assert all("simulated" in label for label in world.labels.values())
    assert all(code.startswith("S") for code in world.entities)


def test_moments_look_like_published_ones():
    world = stylised_world("critical", seed=2, entities=150)
    remit = world["BX.TRF.PWKR.DT.GD.ZS"]
    assert 1 < remit.median() < 4
    assert remit.quantile(0.9) > 6
    assert 0.05 < remit.isna().mean() < 0.4
    assert world["SI.POV.DDAY"].notna().mean() < 0.5
    log = np.log(remit)
    both = log.notna() & world.L(log).notna()
    assert 0.9 < np.corrcoef(log[both], world.L(log)[both])[0, 1] < 0.999
    assert 2 < world["NY.GDP.PCAP.KD.ZG"].std() < 7


@pytest.mark.parametrize("view", ["development", "critical"])
def test_effects_are_recovered_without_measurement_trouble(view):
    """The trade gap and poverty equations are linear in true remittances; measured ones are scaled
    by a break, so the late years alone are used."""
    world = stylised_world(view, seed=3, entities=400, first=2006, last=2035, missing=False)
    panel = md.hypotheses.get("X1-first").prepare(world)
    truth = WORLDS[view]
    for name, effect in (("trade_gap", truth.dependence), ("growth", truth.growth)):
        fit = md.FixedEffects(
            formula=f"{name} ~ remit + L(y)", effects=("entity", "time"), cov=md.Clustered("entity")
        )
        with pytest.warns(md.errors.DroppedRowsWarning):
            found = fit.fit(panel)
        assert abs(found.params["remit"] - effect) < 4 * found.std_errors["remit"]


def test_a_world_of_ones_own():
    world = stylised_world(WORLDS["null"], seed=4, entities=8)
    assert world.provenance[0].dataset == "SIMULATED custom world"
    assert "Truth(growth=0.0" in world.provenance[0].request
    assert world.frame.equals(stylised_world("null", seed=4, entities=8).frame)


def test_worlds_that_cannot_be():
    with pytest.raises(SpecificationError, match="'optimist' is not a simulated world"):
        stylised_world("optimist", seed=1)
    with pytest.raises(SpecificationError, match="needs two windows"):
        stylised_world("null", seed=1, first=2010, last=2015)
