"""Text columns to numbers: marks for missing values, decimal commas, thousands separators."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import listing
from migdev.panel.expressions.text_numbers import LOOKS_LIKE_A_NUMBER

#: Text that stands for a missing value, in any case. ``--`` is not among them: the IMF writes it
#: for "zero or negligible".
MISSING_MARKS = (
    "", "..", "...", "…", ".", "-", "–", "—", ":", "n/a", "n.a.", "na", "nan", "<na>", "null",
    "none", "#n/a", "#na", "missing",
)  # fmt: skip
# In a column of words these are words: NA is Namibia, a dash is a dash.
_WORDS = frozenset({".", "-", "–", "—", ":", "na", "none", "missing"})
_INFINITE = r"[+-]?inf(?:inity)?"


@dataclass(slots=True)
class Converted:
    """Columns after conversion, with what to note and what to warn of."""

    columns: dict[str, pd.Series[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def convert_text(
    frame: pd.DataFrame,
    *,
    skip: Collection[str] = (),
    marks: Sequence[str] = MISSING_MARKS,
    decimal: str = ".",
    thousands: str | None = None,
    first_row: int = 2,
) -> Converted:
    """Turn text columns into numbers where every value is a number or a mark for missing.

    Codes that begin with zeros (``01001``) stay text; as numbers they would lose them.

    Parameters
    ----------
    skip : collection of str
        Columns that stay as they are (keys, text asked for).
    first_row : int
        Line of the file that holds the first row, for messages.
    """
    out = Converted()
    wanted = frozenset(mark.casefold() for mark in marks)
    pattern = number_pattern(decimal, thousands)
    marked: dict[str, list[str]] = {}
    for name in frame.columns:
        column = frame[name]
        if name in skip or not is_text(column):
            continue
        if _holds_other_objects(column):
            continue
        text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
        text = text.str.replace("−", "-", regex=False)
        lower = text.str.casefold()
        missing = column.isna() | lower.isin(wanted)
        numeric = text.str.fullmatch(pattern, case=False) & ~missing
        other = ~missing & ~numeric
        if not other.any() and text[numeric].str.match(r"0\d+$").any():
            out.columns[str(name)] = text.astype(object).mask(missing)
            out.notes.append(f"column {name!r} stays text: it holds codes that begin with zeros")
            continue
        if not other.any():
            out.columns[str(name)] = _parse(text, numeric, decimal, thousands)
            used = sorted(set(text[missing & (text != "")]))
            for mark in used:
                marked.setdefault(mark, []).append(str(name))
            if not numeric.any():
                out.notes.append(f"column {name!r} holds no value at all")
            continue
        words = lower.isin(wanted - _WORDS)
        out.columns[str(name)] = column.mask(words)
        alike = numeric | (text.str.fullmatch(LOOKS_LIKE_A_NUMBER) & ~missing)
        if alike.any():
            message = _mixed(str(name), text, other, numeric, first_row, decimal)
            share = alike.sum() / max(int((~missing).sum()), 1)
            (out.problems if share >= 0.5 else out.notes).append(message)
    out.notes += [
        f"{mark!r} read as missing in {len(names)} column(s): {listing(names)}"
        for mark, names in marked.items()
    ]
    return out


def blank_numbers(
    frame: pd.DataFrame, marks: Sequence[str], skip: Collection[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Numbers among the marks, such as -999, made missing in the columns of numbers."""
    numbers = [float(m) for m in marks if re.fullmatch(number_pattern(), m) and "inf" not in m]
    notes = []
    for name in frame.columns if numbers else ():
        if name in skip or not pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        hit = frame[name].isin(numbers)
        if hit.any():
            frame = frame.assign(**{str(name): frame[name].mask(hit)})
            notes.append(f"{int(hit.sum())} values of {name!r} among {numbers} read as missing")
    return frame, notes


def number_pattern(decimal: str = ".", thousands: str | None = None) -> str:
    """Regular expression of one number as text, with or without thousands separators."""
    point = re.escape(decimal)
    whole = r"\d+"
    if thousands:
        separator = r"[ \u00a0\u202f]" if thousands == " " else re.escape(thousands)
        whole = rf"(?:\d{{1,3}}(?:{separator}\d{{3}})+|\d+)"
    number = rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    return rf"(?:{number}|{_INFINITE})"


def _parse(
    text: pd.Series[str], numeric: pd.Series[bool], decimal: str, thousands: str | None
) -> pd.Series[Any]:
    rest = text[numeric]
    if thousands:
        separator = r"[ \u00a0\u202f]" if thousands == " " else re.escape(thousands)
        rest = rest.str.replace(separator, "", regex=True)
    if decimal != ".":
        rest = rest.str.replace(decimal, ".", regex=False)
    values = np.full(len(text), np.nan)
    values[numeric.to_numpy()] = rest.to_numpy(dtype=object).astype(float)
    return pd.Series(values, index=text.index)


def is_text(column: pd.Series[Any]) -> bool:
    """A column of objects or of pandas' strings."""
    return column.dtype == object or isinstance(column.dtype, pd.StringDtype)


def _holds_other_objects(column: pd.Series[Any]) -> bool:
    """Dates, truth values and the like in a column of objects are left alone."""
    if column.dtype != object:
        return False
    kinds = {type(value) for value in column.dropna()}
    return not all(
        issubclass(kind, str | int | float | np.number) and kind is not bool for kind in kinds
    )


#: Numbers as others write them: the decimal mark and separator of thousands, and what to pass.
_CONVENTIONS = (
    (".", ",", "thousands separators: pass thousands=','"),
    (",", None, "decimal commas: pass decimal=','"),
    (",", ".", "1.234,5: pass decimal=',' and thousands='.'"),
    (".", " ", "thousands apart by spaces: pass thousands=' '"),
    (",", " ", "1 234,5: pass decimal=',' and thousands=' '"),
    (".", "'", "1'234.5: pass thousands=\"'\""),
)


def _hint(text: pd.Series[str], decimal: str = ".") -> str:
    """How to read values that are numbers in another way of writing; empty where they are none."""
    for point, thousands, told in _CONVENTIONS:
        if text.str.fullmatch(number_pattern(point, thousands)).all():
            if thousands == " " and point == "." and decimal == ",":
                continue
            return f" These look like {told}."
    if text.str.fullmatch(number_pattern() + r"\s*%").all():
        return " Percent signs are not removed, since 5% may mean 5 or 0.05."
    if text.str.fullmatch(LOOKS_LIKE_A_NUMBER).all():
        return (
            " Signs of currencies and marks of notes are not removed, since a mark may change what "
            "a value means: take them out of the column, and make numbers of it, before the panel."
        )
    return ""


def _mixed(
    name: str,
    text: pd.Series[str],
    other: pd.Series[bool],
    numeric: pd.Series[bool],
    first: int,
    decimal: str,
) -> str:
    rows = np.flatnonzero(other.to_numpy())
    shown = ", ".join(f"{text.iloc[r]!r} (row {r + first})" for r in rows[:3])
    more = ", ..." if len(rows) > 3 else ""
    hint = _hint(text[other], decimal) or (
        " If these mean missing, name them in missing=(...)."
        if numeric.any() and text[other].nunique() <= 3
        else ""
    )
    return (
        f"column {name!r} stays text: {len(rows)} of {int((other | numeric).sum())} values are no "
        f"numbers: {shown}{more}.{hint}"
    )
