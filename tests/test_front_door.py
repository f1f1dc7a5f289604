"""Whoever hands over a frame, with or without its keys, is told how to make a panel of it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev import diagnostics
from migdev.errors import DroppedRowsWarning, MigdevError, PanelError, ResultError
from migdev.lazy import homes
from tests.test_testing import ESTIMATORS, specimen
from tests.test_testing import panel as panel

HOW = r"make one with Panel\.from_frame\(frame, entity=(\.\.\.|'i'), time=(\.\.\.|'t')\)"
FRAME = pd.DataFrame({"i": np.repeat(range(9), 6), "t": np.tile(range(6), 9)}).assign(
    x=np.random.default_rng(1).normal(size=54), y=np.random.default_rng(2).normal(size=54)
)
GIVEN = {"frame": FRAME, "dict": {"x": [1.0], "y": [2.0]}, "array": np.ones((3, 3)), "none": None}


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda c: c.__name__)
def test_estimators(kind: type, panel: md.Panel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec = specimen(kind, panel)
    for given in GIVEN.values():
        with pytest.raises(PanelError, match=HOW):
            spec.fit(given)
    with pytest.raises(PanelError, match=r"entity='i', time='t'"):
        spec.fit(FRAME, entity="i", time="t")
    with pytest.raises(PanelError, match="and nothing more"):
        spec.fit(panel, entity="i", time="t")
    with pytest.raises(PanelError, match=HOW):
        spec.fit()
    assert list(inspect.signature(spec.fit).parameters) == ["panel"]


FUNCTIONS = [
    name for name in sorted(homes("migdev.diagnostics"))
    if inspect.isfunction(getattr(diagnostics, name))
]  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("given", ["frame", "none"])
def test_diagnostics(name: str, given: str) -> None:
    """A test of a panel asks for one; a test of a fit for a fit."""
    function: Callable[..., Any] = getattr(diagnostics, name)
    first, *rest = inspect.signature(function).parameters.values()
    needed = [p.name for p in rest if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    words = {"formula": "y ~ x", "variable": "y", "cause": "x", "effect": "y"}
    options = {"variable": "y"} if first.name == "source" else {}
    arguments = [["y", "x"] if "variables" in p else words.get(p, "y ~ x") for p in needed]
    with pytest.raises(MigdevError) as raised:
        function(GIVEN[given], *arguments, **options)
    told = str(raised.value)
    assert "Panel.from_frame(" in told or (
        isinstance(raised.value, ResultError) and "takes a fit of this package" in told
    )


H = md.Hypothesis(claim="c", term="x", views={"DF": "-", "CR": "0"}, smallest_effect=0.01)
G = md.Hypothesis(claim="d", term="x", views={"DF": "0", "CR": "+"}, smallest_effect=0.1)
JOINT = md.JointStudy(
    components=(
        md.Component(name="a", hypothesis=H, formula="y ~ x"),
        md.Component(name="b", hypothesis=G, formula="x ~ y"),
    ),
    draws=99,
)
STUDIES = {
    "study": md.Study(md.Hypothesis(claim="c", term="x", sign=1), {"a": md.PooledOLS("y ~ x")}).run,
    "joint": JOINT.run,
    "joint fit": JOINT.fit,
    "component": JOINT.components[0].fit,
}


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("given", GIVEN)
def test_studies(name: str, given: str) -> None:
    with pytest.raises(PanelError, match=HOW):
        STUDIES[name](GIVEN[given])


def test_warnings_point_to_the_line_of_the_caller() -> None:
    panel = md.Panel.from_frame(FRAME, entity="i", time="t")
    spec = md.PooledOLS("y ~ L(x)")
    with pytest.warns(DroppedRowsWarning) as heard:
        spec.fit(panel)
    assert heard[0].filename == __file__


def test_warnings_of_code_without_a_module() -> None:
    panel = md.Panel.from_frame(FRAME, entity="i", time="t")
    with pytest.warns(DroppedRowsWarning):
        exec("spec.fit(panel)", {"spec": md.PooledOLS("y ~ L(x)"), "panel": panel})
