"""The page of a joint test with dimensions: what is ruled out in standard deviations, and no effect
where the design earns none."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import migdev as md
from migdev.report.joint import joint_page
from migdev.simulate import stylised_world


@pytest.fixture(scope="module")
def answer():
    question = md.hypotheses.get("X1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = question.prepare(stylised_world("critical", seed=2, entities=40))
        return question.study(draws=49, region="").run(panel)


@pytest.fixture(scope="module")
def text(answer):
    return joint_page(answer).to_markdown()


def test_indices_are_ruled_out_in_standard_deviations(answer, text):
    for name, out in answer.ruled_out.items():
        assert out.standardised
        assert np.isnan(out.correlation)  # an index is no one coefficient
        assert out.high == answer.main.focal[name].inner_high
    assert "that one standard deviation more of remittances received" in text
    assert "standard deviations, or lower" in text


def test_every_part_is_an_association(answer, text):
    assert set(answer.designs.values()) == {"association"}
    assert "## The associations" in text
    assert "raises" not in text
