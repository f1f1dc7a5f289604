"""Own lags of the dependent variable that hold the error of the equation are told by name."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import migdev as md
from migdev import errors
from tests.gmm_panels import panel, simulated

G, V = md.GMMStyle, md.IVStyle
FOD = {"transform": "fod"}
OWN = {"transform": "fod", "fod_dating": "own"}


@pytest.fixture(scope="module")
def data() -> md.Panel:
    frame = simulated(np.random.default_rng(1), 60, 9)
    return panel(frame.assign(**{"e.y": np.exp(frame.y / 9), "ly": frame.y.abs() + 1}))


def messages(spec: Any, p: md.Panel) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        spec.fit(p)
    return [str(w.message) for w in caught if w.category is errors.InvalidInstrumentsWarning]


INVALID = [
    (md.DifferenceGMM, G("y", (1, 3)), {}, "The first valid lag is 2"),
    (md.DifferenceGMM, G("y", (1, 3)), {}, "random walk"),
    (md.DifferenceGMM, G("y", (0, 3)), {}, "The first valid lag is 2"),
    (md.DifferenceGMM, G.predetermined("y", collapse=True), {}, "The first valid lag is 2"),
    (md.DifferenceGMM, G("L(y)", (0, 3)), {}, "The first valid lag is 1"),
    (md.DifferenceGMM, G("L(y, 1)", (0, 3)), {}, "The first valid lag is 1"),
    (md.DifferenceGMM, G("F(y)", (2, 3)), {}, "The first valid lag is 3"),
    (md.DifferenceGMM, G("D(y)", (1, 3)), {}, "The first valid lag is 2"),
    (md.DifferenceGMM, G("x:y", (1, 3)), {}, "The first valid lag is 2"),
    (md.DifferenceGMM, G("I(y**2)", (1, 3)), {}, "The first valid lag is 2"),
    (md.DifferenceGMM, G("y", (1, 3)), FOD, "The first valid lag is 2"),
    (md.DifferenceGMM, G("y", (0, 3)), OWN, "The first valid lag is 1"),
    (md.DifferenceGMM, V("L(y)"), {}, "The first valid lag of the dependent variable is 2"),
    (md.DifferenceGMM, V("x + D(y)"), {}, "The first valid lag of the dependent variable is 2"),
    (md.DifferenceGMM, V("L(y, 3)"), FOD, "later values"),
    (md.SystemGMM, G("y", (1, 3), equation="transformed"), {}, "The first valid lag is 2"),
    (md.SystemGMM, G("y", (0, 2), equation="level"), {}, "The first valid lag is 1"),
    (md.SystemGMM, V("L(y, 2)"), {}, "effect of its entity"),
    (md.SystemGMM, V("L(y)", equation="level"), {}, "effect of its entity"),
    (md.SystemGMM, V("D(y)", equation="level"), {}, "error of the equation in levels"),
]
VALID = [
    (md.DifferenceGMM, G("y", (2, 3)), {}),
    (md.DifferenceGMM, G.endogenous("y", collapse=True), {}),
    (md.DifferenceGMM, G("L(y)", (1, 3)), {}),
    (md.DifferenceGMM, G("L(y, 2)", (0, 3)), {}),
    (md.DifferenceGMM, G("x", (0, 3)), {}),
    (md.DifferenceGMM, G.predetermined("x"), FOD),
    (md.DifferenceGMM, V("L(y, 2)"), {}),
    (md.DifferenceGMM, V("x + L(x)"), FOD),
    (md.DifferenceGMM, G("y", (2, 3)), FOD),
    (md.DifferenceGMM, G("y", (1, 3)), OWN),
    (md.SystemGMM, G("y", (2, 3)), {}),
    (md.SystemGMM, G("L(y)", (1, 3)), {}),
    (md.SystemGMM, G("y", (1, 2), equation="level"), {}),
    (md.SystemGMM, V("L(D(y))", equation="level"), {}),
    (md.SystemGMM, V("L(y, 2)", equation="transformed"), {}),
]


def spec(kind: Any, style: Any, options: dict[str, Any], formula: str = "y ~ L(y) + x") -> Any:
    safe = (G("x", (1, 3), collapse=True), G("z:x", (1, 2), collapse=True))
    sets = {"gmm": safe, "iv": (style,)} if isinstance(style, V) else {"gmm": (*safe, style)}
    return kind(formula=formula, **sets, **options)


@pytest.mark.parametrize(("kind", "style", "options", "told"), INVALID)
def test_invalid_lags_are_named(
    data: md.Panel, kind: Any, style: Any, options: dict[str, Any], told: str
) -> None:
    (message,) = messages(spec(kind, style, options), data)
    assert told in message and str(style) in message


@pytest.mark.parametrize(("kind", "style", "options"), VALID)
def test_valid_lags_are_not(data: md.Panel, kind: Any, style: Any, options: dict[str, Any]) -> None:
    assert messages(spec(kind, style, options), data) == []


def test_the_dependent_variable_may_be_an_expression(data: md.Panel) -> None:
    formula = "np.log(ly) ~ L(np.log(ly)) + x"
    assert messages(spec(md.DifferenceGMM, G("ly", (1, 3)), {}, formula), data)
    assert messages(spec(md.DifferenceGMM, V("L(np.log(ly))"), {}, formula), data)
    assert not messages(spec(md.DifferenceGMM, G("np.log(ly)", (2, 3)), {}, formula), data)
    dotted = "e.y ~ L(e.y) + x"
    assert messages(spec(md.DifferenceGMM, G("L(e.y)", (0, 3)), {}, dotted), data)
    assert not messages(spec(md.DifferenceGMM, G("L(e.y)", (1, 3)), {}, dotted), data)


def test_other_estimators_with_these_instruments_tell_too(data: md.Panel) -> None:
    assert messages(md.AhnSchmidt("y ~ L(y)", gmm=G("y", (1, 3))), data)
    threshold = md.DynamicPanelThreshold(
        "y ~ L(y)", threshold="x", regime="x", gmm=(G("y", (1, 3)), G("x", (1, 2))), grid=5, draws=0
    )
    assert messages(threshold, data)


def test_the_estimate_is_wrong_where_it_is_told() -> None:
    """What the warning is about: the truth is 0.5."""
    p = panel(simulated(np.random.default_rng(0), 1000, 8))
    wrong = md.DifferenceGMM("y ~ L(y) + x", gmm=(G("y", (1, 3)), G("x", (1, 3))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert wrong.fit(p).params["L(y)"] < 0.3
    assert messages(wrong, p)
