"""Classes of design: what makes an estimate more than an association."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

DesignClass = Literal[
    "association",
    "internal instruments",
    "external instruments",
    "difference-in-differences",
    "within-region",
]
ASSOCIATION = "association"
#: Designs under whose assumptions an estimate may be called an effect. Regions of one country share
#: institutions and measurement, but what moves remittances there is as little known.
EARNS_EFFECT = ("internal instruments", "external instruments", "difference-in-differences")
_NAME = re.compile(r"[^\W\d][\w.]*")
_FUNCTIONS = {"L", "F", "D", "I", "C", "np", "log", "exp", "np.log"}


def design_of(estimator: Any, declared: str = "") -> str:
    """The class of design of an estimator: as declared with the specification, as the estimator
    states it (``design``), else by the instruments of its formula.

    Pooled, fixed and random effects, mean groups and common factors are one class: what they take
    out is what is constant or shared, and what is left is an association. Instruments are internal
    where the equation's own variables at other dates make one of them.
    """
    stated = declared or getattr(estimator, "design", "")
    if stated:
        return str(stated)
    formula = getattr(estimator, "formula", "")
    return _by_instruments(formula) if isinstance(formula, str) else ASSOCIATION


def _by_instruments(formula: str) -> str:
    outside, brackets = _split(formula)
    if not brackets:
        return ASSOCIATION
    sides = [text.partition("~") for text in brackets]
    own = _columns([outside, *(left for left, _, _ in sides)])
    instruments = [term for _, _, right in sides for term in _terms(right)]
    internal = any(_columns([term]) <= own for term in instruments)
    return "internal instruments" if internal else "external instruments"


def _split(formula: str) -> tuple[str, list[str]]:
    """What stands outside the brackets of endogenous ~ instruments, and in each of them; lists of
    lags are brackets too, inside."""
    outside, brackets, depth = "", [], 0
    for sign in formula:
        if sign == "[":
            depth += 1
            if depth == 1:
                brackets.append("")
                continue
        if sign == "]":
            depth -= 1
            if depth == 0:
                continue
        if depth:
            brackets[-1] += sign
        else:
            outside += sign
    return outside, [text for text in brackets if "~" in text]


def _terms(text: str) -> list[str]:
    """What is added up, outside parentheses."""
    pieces, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "+" and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += sign
    return pieces


def _columns(texts: Iterable[str]) -> set[str]:
    """Names of columns in parts of a formula; those of functions are none."""
    return {name for text in texts for name in _NAME.findall(text)} - _FUNCTIONS


def effects_earned(designs: Iterable[str]) -> bool:
    """Whether every one of these designs lets an estimate be called an effect."""
    found = list(designs)
    return bool(found) and all(design in EARNS_EFFECT for design in found)
