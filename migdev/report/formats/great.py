"""A table of great_tables, for users who style their own (needs the extra ``tables``)."""

from __future__ import annotations

from typing import Any

from migdev.errors import ReportError
from migdev.report.escape import plain, true_minus
from migdev.report.layout import Cell, Layout, positions

_LABEL = "__label__"


def render(layout: Layout) -> Any:
    """The layout as a ``great_tables.GT``: headings, spanners, blocks under rules, notes."""
    try:
        from great_tables import GT, loc, style
    except ImportError as error:
        raise ReportError(
            "to_great_tables() needs great_tables: pip install 'migdev[tables]'."
        ) from error
    import pandas as pd

    ids = [f"c{i}" for i in range(len(layout.columns))]
    records: list[dict[str, str]] = []
    starts: list[int] = []
    for block in layout.blocks:
        starts.append(len(records))
        for row in block:
            cells = {ids[at]: _text(cell) for at, cell in positions(row)}
            label = f"\u2003{row.label}" if row.indent else row.label
            records.append({_LABEL: label, **dict.fromkeys(ids, ""), **cells})
    gt = GT(pd.DataFrame(records, columns=[_LABEL, *ids]), rowname_col=_LABEL)
    gt = gt.cols_align("center", columns=ids)
    for row in layout.head:
        if row.kind == "name":
            gt = gt.cols_label({ids[at]: cell.text for at, cell in positions(row)})
            gt = gt.tab_stubhead(row.label)
            continue
        for at, cell in positions(row):
            if cell.text:
                over = ids[at : at + cell.span]
                name = f"{row.kind} {at}"  # two spanners may share a label
                gt = gt.tab_spanner(cell.text, columns=over, id=name)
    for start in starts[1:]:
        rule = style.borders(sides="top", weight="1px")
        gt = gt.tab_style(rule, [loc.body(rows=[start]), loc.stub(rows=[start])])
    for note in layout.notes:
        gt = gt.tab_source_note(note)
    return gt.tab_header(layout.title) if layout.title else gt


def _text(cell: Cell) -> str:
    return (true_minus(plain(cell.text)) if cell.number else cell.text) + cell.marks
