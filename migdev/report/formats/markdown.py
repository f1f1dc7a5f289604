"""GitHub's Markdown: one header row, cells on one line."""

from __future__ import annotations

from migdev.report.escape import plain, to_markdown, to_markdown_number
from migdev.report.layout import Cell, Layout, Row, positions


def render(layout: Layout) -> str:
    lines = []
    if layout.title:
        lines += [f"**{to_markdown(layout.title.strip())}**", ""]
    head = [_heading(layout, i) for i in range(len(layout.columns))]
    label = next((row.label for row in layout.head if row.kind == "name"), "")
    lines.append(_row(to_markdown(label), head))
    lines.append("|:---|" + ":---:|" * len(head))
    for row in layout.head:
        if row.kind == "dependent":
            lines.append(_body(row))
    for row in layout.rows:
        if row.kind == "group":
            lines.append(_row(f"**{to_markdown(row.label.strip())}**", [""] * len(head)))
        else:
            lines.append(_body(row))
    for note in layout.notes:
        lines += ["", to_markdown(note.strip())]
    return "\n".join(lines)


def _heading(layout: Layout, column: int) -> str:
    """All headings over a column in one cell, as there is one header row."""
    parts: list[str] = []
    for row in layout.head:
        if row.kind == "dependent":
            continue
        for at, cell in positions(row):
            if at <= column < at + cell.span and cell.text:
                text = to_markdown(cell.text)
                parts.append(f"{text}:" if row.kind == "spanner" else text)
    return " ".join(parts)


def _body(row: Row) -> str:
    return _row(to_markdown(row.label), [_cell(cell) for cell in row.cells])


def _cell(cell: Cell) -> str:
    text = to_markdown_number(plain(cell.text)) if cell.number else to_markdown(cell.text)
    return text + to_markdown(cell.marks)


def _row(label: str, cells: list[str]) -> str:
    return f"| {label} | " + " | ".join(cells) + " |"
