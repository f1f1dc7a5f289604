"""Plans registered in docs/plans: the questions of the registry still hold to them."""

from __future__ import annotations

from pathlib import Path

import pytest

import migdev as md
from migdev.study.plan import check_plan, read_plan

PLANS = sorted((Path(__file__).parents[2] / "docs" / "plans").glob("*.json"))


def test_the_joint_questions_are_registered():
    assert {"X1.json", "X1-MX.json"} <= {path.name for path in PLANS}


@pytest.mark.parametrize("path", PLANS, ids=lambda p: p.stem)
def test_questions_hold_to_their_plans(path):
    study = md.hypotheses.get(path.stem).study()
    digest, found = check_plan(study, path, strict=True)
    assert digest == read_plan(path)["sha256"]
    # the words for single claims changed after it was registered; that for patterns did not
    assert all(text.startswith("the rule is ") for text in found)
    pattern = "A joint pattern is established by an intersection-union test at the declared level."
    assert all(text.count(pattern) == 2 for text in found)
