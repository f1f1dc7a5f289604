"""What the specification of every estimator shares: its signature, and how it keeps options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

import migdev as md
from migdev.options import read

ESTIMATORS = [
    getattr(md, name)
    for name, home in md._HOME.items()
    if home.startswith("migdev.estimators.")
    and is_dataclass(getattr(md, name))
    and hasattr(getattr(md, name), "fit")
    and "formula" in {f.name for f in fields(getattr(md, name))}
]


def test_estimators_are_found() -> None:
    assert {md.FixedEffects, md.SystemGMM, md.MeanGroup, md.DynamicPanelThreshold} <= {*ESTIMATORS}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_formula_comes_first_and_the_rest_by_name(estimator: Callable[..., Any]) -> None:
    formula, *options = inspect.signature(estimator).parameters.values()
    assert formula.name == "formula"
    assert formula.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert {p.kind for p in options} <= {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_words_are_choices(estimator: type[Any]) -> None:
    """An option whose default is a word of its own says in its type which words there are."""
    hints = inspect.get_annotations(estimator, eval_str=True)
    free = {"formula", "weights", "cluster", "uncorrelated", "threshold", "regime"}
    for field in fields(estimator):
        if isinstance(field.default, str) and field.name not in free:
            known = read(hints[field.name])[0] or hints[field.name].__args__
            assert known, f"{estimator.__name__}.{field.name} takes any text"
