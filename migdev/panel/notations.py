"""Formulas in the notation of other programs, as they are written here.

Stata's ``L2.x`` is ``L(x, 2)``. It is shown and not understood, so that coefficients and plans have
one name for one thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NAME = r"([^\W\d]\w*)"
_START = r"(?<![\w.`])"
Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _operators(found: re.Match[str]) -> str:
    """Stata's ``L2D.x``: the operator beside the name is applied first."""
    text = found[2]
    for letter, number in reversed(re.findall(r"([LFD])(\d*)", found[1])):
        if letter == "D":  # Stata's D2. is the difference of the difference
            for _ in range(int(number or 1)):
                text = f"D({text})"
        else:
            text = f"{letter}({text}, {number})" if number not in ("", "1") else f"{letter}({text})"
    return text


def _range(operator: str, name: str, first: str, last: str) -> str:
    return f"{operator}({name}, [{', '.join(map(str, range(int(first), int(last) + 1)))}])"


_RULES: tuple[Rule, ...] = (
    # Stata
    (re.compile(rf"{_START}([LF])\((\d+)/(\d+)\)\.{_NAME}"),
     lambda m: _range(m[1], m[4], m[2], m[3])),
    (re.compile(rf"{_START}((?:[LFD]\d*)+)\.{_NAME}(?!\w*\()"), _operators),
    (re.compile(rf"{_START}i\.{_NAME}"), r"C(\1)"),
    (re.compile(rf"{_START}c\.{_NAME}"), r"\1"),
    (re.compile(r"\s*##\s*"), "*"),
    (re.compile(r"\s*#\s*"), ":"),
    (re.compile(rf"{_START}ln\("), "log("),
    # fixest, plm, R
    (re.compile(rf"{_START}([LFlf])\({_NAME},\s*(\d+)\s*[:/]\s*(\d+)\)"),
     lambda m: _range(m[1].upper(), m[2], m[3], m[4])),
    (re.compile(rf"{_START}([lfd])\((?={_NAME}(?:,|\)))"), lambda m: f"{m[1].upper()}("),
    (re.compile(rf"{_START}(?:i|factor)\((?={_NAME}\))"), "C("),
)  # fmt: skip
_LINEARMODELS = re.compile(r"\s*\+\s*(Entity|Time)Effects\b")


def as_here(formula: str) -> str:
    """A formula with the words of Stata, fixest, plm and linearmodels as they are written here.

    What stands in backticks stays as it is.
    """
    parts = re.split(r"(`[^`]*`)", formula)
    for pattern, words in _RULES:
        parts[::2] = [pattern.sub(words, part) for part in parts[::2]]
    text = "".join(parts)
    effects = [role.lower() for role in _LINEARMODELS.findall(text)]
    if effects:
        text = f"{_LINEARMODELS.sub('', text)} | {' + '.join(effects)}"
    return text
