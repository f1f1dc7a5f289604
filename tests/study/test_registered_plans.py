"""Plans registered in docs/plans: the questions of the registry still hold to them."""

from __future__ import annotations

from pathlib import Path

import pytest

import migdev as md
from migdev.study.plan import check_plan, read_plan

PLANS = sorted((Path(__file__).parents[2] / "docs" / "plans").glob("*.json"))


def test_the_second_form_is_registered():
    assert "X1.json" in [path.name for path in PLANS]


@pytest.mark.parametrize("path", PLANS, ids=lambda p: p.stem)
def test_questions_hold_to_their_plans(path):
    study = md.hypotheses.get(path.stem).study()
    assert check_plan(study, path, strict=True) == (read_plan(path)["sha256"], ())
