"""Numbers, signs and names as a reader of a page expects them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from migdev.report.escape import true_minus
from migdev.report.numbers import Numbers, fixed
from migdev.results.inference import split_outside

_SIGNS = {"-": "−", "<=0": "≤ 0", ">=0": "≥ 0", "!=0": "≠ 0", "any": "anything"}
_LAG = re.compile(r"^(L|F|D)\((.*?)(?:,\s*(\d+))?\)$")
_POWER = re.compile(r"^I\((.*?)\s*\*\*\s*(\d)\)$")
_LOG = re.compile(r"^(?:np\.)?log\((\w+)\)$")
_NAMES = re.compile(r"[^\W\d][\w.]*")
_TIMES = {"L": "lagged", "F": "led", "D": "changed"}
_NUMBERS = Numbers(digits=3)


_VIEWS = {
    "DF": "DF, the development-finance view,", "CR": "CR, the critical view,",
    "null": "The null pattern",
}  # fmt: skip


def view_words(name: str) -> str:
    """A view as the subject of a sentence, its abbreviation spelt out."""
    return _VIEWS.get(name, name)


def sign_words(prediction: str) -> str:
    """A prediction as it is printed: ``≤ 0`` for ``<=0``."""
    return _SIGNS.get(prediction, prediction)


def number(value: float, error: float | None = None) -> str:
    """A number with the decimals that its standard error calls for."""
    if not np.isfinite(value):
        return ""
    size = abs(value) if error is None else error
    return true_minus(fixed(value, _NUMBERS.decimals([size])))


def capital(text: str) -> str:
    """A clause as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def interval(low: float, high: float, error: float) -> str:
    """``[low, high]``."""
    if not np.isfinite(low):
        return ""
    return f"[{number(low, error)}, {number(high, error)}]"


def probability(value: float) -> str:
    """A p-value to three decimals; small ones as ``<0.001``."""
    return "" if not np.isfinite(value) else _NUMBERS.probability(value)


def equals(value: float) -> str:
    """``p = 0.031`` or ``p < 0.001``."""
    text = probability(value)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text or 'unknown'}"


def labeller(panel: Any) -> Callable[[str], str]:
    """From terms of a formula to words, by the labels of a panel.

    ``L(y, 2)`` becomes the label of y with ``, lag 2``; a product has ``×`` between its parts;
    what has no label stays as it is.
    """
    labels: dict[str, str] = {name: text for name, text in panel.labels.items() if text}

    def part(text: str) -> str:
        if text in labels:
            return labels[text]
        if (found := _LAG.match(text)) and (inner := part(found[2])) != found[2]:
            kind, periods = found[1], found[3]
            how = f"lag {periods}" if periods and kind == "L" else _TIMES[kind]
            return f"{inner}, {how}" if kind == "L" or not periods else text
        if (found := _LOG.match(text)) and found[1] in labels:
            return f"{labels[found[1]]}, in logs"
        if (found := _POWER.match(text)) and found[1] in labels:
            return f"{labels[found[1]]}{' squared' if found[2] == '2' else f', power {found[2]}'}"
        return text

    def label(term: str) -> str:
        return " × ".join(part(piece.strip()) for piece in split_outside(term, ":"))

    return label


def term_words(term: str, panel: Any) -> str:
    """A focal term in words, with the expression behind it where it is no single name."""
    label = labeller(panel)(term)
    return label if label != term else _NAMES.sub(lambda m: panel.labels.get(m[0]) or m[0], term)


_POINTS = {
    "% a year": "percentage points a year", "% of population": "percentage points",
    "% of GDP": "percent of GDP", "log constant US$": "log points", "log index": "log points",
}  # fmt: skip
_COUNT = {"% of GDP": (10.0, "ten percent of GDP more of {}")}


def ruled_out_words(out: Any, panel: Any, effect: bool) -> str:
    """What is ruled out, in a sentence: of an effect, or of an association.

    Ten percent of GDP where the regressor is in percent of GDP, one unit otherwise; expressions
    that are no coefficient of one column are told as they stand.
    """
    outcome = panel.labels.get(out.outcome) or out.outcome
    outcome = outcome[:1].lower() + outcome[1:] if outcome[1:2].islower() else outcome
    unit = panel.units.get(out.outcome, "")
    unit = _POINTS.get(unit, "percentage points" if unit.startswith("% ") else unit)
    begin = f"At the {100 * out.level:g}% level the data rule out"
    if not out.column:
        values = f"above {number(out.high)} or below {number(out.low)}"
        return f"{begin} values of {term_words(out.term, panel)} {values} for {outcome}"
    times, what = _COUNT.get(panel.units.get(out.column, ""), (1.0, "one unit more of {}"))
    if out.standardised:
        times, what, unit = 1.0, "one standard deviation more of {}", "standard deviations"
    label = term_words(out.term.strip("`"), panel)
    what = what.format(label[:1].lower() + label[1:] if label[1:2].islower() else label)
    places = max(0, 1 - int(np.floor(np.log10((out.high - out.low) * times / 4))))
    up, down = (fixed(abs(times * v), places) for v in (out.high, out.low))
    unit = f" {unit}" if unit else ""
    if effect:
        higher, lower = f"raises {outcome}", "lowers it"
    else:
        higher, lower = f"goes with {outcome} that is higher", "lower"
    if out.high <= 0:
        return (
            f"{begin} that {what} {higher}, or {lower} by less than {up}{unit} or more than {down}"
        )
    if out.low >= 0:
        return (
            f"{begin} that {what} {higher} by more than {up}{unit} or less than {down}, or {lower}"
        )
    return f"{begin} that {what} {higher} by more than {up}{unit}, or {lower} by more than {down}"
