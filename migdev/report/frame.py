"""Any data frame as a table of the same kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from migdev.report.layout import Cell, Layout, Row
from migdev.report.numbers import Numbers
from migdev.report.table import Table

#: Names of columns that hold p-values: ``p``, ``p_value``, ``pvalue``, ``p (equivalence)``.
_PROBABILITY = re.compile(r"^(p|p[ _-]?values?|p \(.*\))$", re.IGNORECASE)


def frame_table(
    frame: Any,
    *,
    digits: int = 3,
    title: str = "",
    notes: Sequence[str] = (),
) -> Table:
    """A data frame as a :class:`~migdev.report.table.Table`, one row per row; where the index only
    counts, the first column labels the rows. Numbers that are not whole have ``digits`` decimals.
    """
    numbers = Numbers(digits=digits)
    if type(frame.index).__name__ == "RangeIndex":
        labels = [_text(v) for v in frame.iloc[:, 0]]
        heading, data = str(frame.columns[0]), frame.iloc[:, 1:]
    else:
        labels = [
            ", ".join(map(_text, v)) if isinstance(v, tuple) else _text(v) for v in frame.index
        ]
        heading = ", ".join(str(n) for n in frame.index.names if n is not None)
        data = frame
    names = tuple(str(c) for c in data.columns)
    columns = [_column(data.iloc[:, j], numbers, names[j]) for j in range(len(names))]
    rows = tuple(
        Row(label=labels[i], cells=tuple(column[i] for column in columns), key=(labels[i], ""))
        for i in range(len(labels))
    )
    head = Row(label=heading, cells=tuple(Cell(name) for name in names), kind="name")
    return Table(
        layout=Layout(
            columns=names,
            head=(head,),
            blocks=(rows,) if rows else (),
            notes=tuple(notes),
            title=title,
        )
    )


def _column(values: Any, numbers: Numbers, name: str) -> list[Cell]:
    """Cells of a column, its numbers with common decimals, p-values as such."""
    items = list(values)
    if not all(_is_number(v) or _missing(v) for v in items):
        return [Cell(_text(v)) for v in items]
    known = [float(v) for v in items if not _missing(v)]
    if _PROBABILITY.match(name) and all(0 <= v <= 1 for v in known):
        return [
            Cell("" if _missing(v) else numbers.probability(float(v)), number=not _missing(v))
            for v in items
        ]
    if all(v == int(v) for v in known if np.isfinite(v)):
        # A year is no quantity: separators only from five digits on.
        return [
            Cell("" if _missing(v) else _whole(float(v)), number=not _missing(v)) for v in items
        ]
    decimals = numbers.decimals([], known)
    return [
        Cell("" if _missing(v) else numbers.value(float(v), decimals), number=not _missing(v))
        for v in items
    ]


def _whole(value: float) -> str:
    if not np.isfinite(value):
        return str(value)
    return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def _text(value: Any) -> str:
    if _missing(value):
        return ""
    return ("Yes" if value else "No") if isinstance(value, bool | np.bool_) else str(value)
