"""Plain text."""

from __future__ import annotations

import textwrap
import unicodedata

from migdev.report.escape import plain
from migdev.report.layout import Cell, Layout, Row, cells_of

GAP = 2
NARROWEST = 60


def render(layout: Layout, width: int | None = None) -> str:
    rows = [*layout.head, *layout.rows]
    widths = _widths(rows, len(layout.columns))
    label = max((_size(_label(row)) for row in rows), default=0)
    total = label + sum(widths) + GAP * len(widths)
    lines = [plain(layout.title)] if layout.title else []
    lines.append("=" * total)
    for row in layout.head:
        lines.append(_line(row, label, widths))
        if row.kind == "spanner":
            lines.append(_under(row, label, widths))
    for block in layout.blocks:
        lines.append("-" * total)
        lines += [_line(row, label, widths) for row in block]
    lines.append("=" * total)
    for note in layout.notes:
        lines += textwrap.wrap(plain(note), width or max(total, NARROWEST))
    return "\n".join(line.rstrip() for line in lines)


def _label(row: Row) -> str:
    return ("  " if row.indent else "") + plain(row.label)


def _widths(rows: list[Row], columns: int) -> list[int]:
    widths = [0] * columns
    for row in rows:
        if all(cell.span == 1 for cell in row.cells):
            for i, cell in enumerate(row.cells):
                widths[i] = max(widths[i], _size(_text(cell)))
    for row in rows:  # headings over several columns widen them evenly
        at = 0
        for cell in row.cells:
            room = sum(widths[at : at + cell.span]) + GAP * (cell.span - 1)
            short = _size(_text(cell)) - room
            for i in range(max(short, 0)):
                widths[at + i % cell.span] += 1
            at += cell.span
    return widths


def _line(row: Row, label: int, widths: list[int]) -> str:
    parts = [_pad(_label(row), label, "<")]
    at = 0
    for cell in cells_of(row, len(widths)):
        room = sum(widths[at : at + cell.span]) + GAP * (cell.span - 1)
        parts.append(" " * GAP + _pad(_text(cell), room, "^"))
        at += cell.span
    return "".join(parts)


def _under(row: Row, label: int, widths: list[int]) -> str:
    parts, at = [" " * label], 0
    for cell in row.cells:
        room = sum(widths[at : at + cell.span]) + GAP * (cell.span - 1)
        parts.append(" " * GAP + ("-" if cell.text else " ") * room)
        at += cell.span
    return "".join(parts)


def _text(cell: Cell) -> str:
    return plain(cell.text + cell.marks)


def _size(text: str) -> int:
    """Columns of a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _pad(text: str, room: int, align: str) -> str:
    free = max(room - _size(text), 0)
    if align == "<":
        return text + " " * free
    left = free // 2
    return " " * left + text + " " * (free - left)
