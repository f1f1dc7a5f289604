"""The table as great_tables sees it: every cell of ours, under its heading."""

from __future__ import annotations

import re

import migdev as md
from tests.report.conftest import make


def _cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html, flags=re.DOTALL)
    cell = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", flags=re.DOTALL)
    return [[re.sub("<[^>]+>", "", c).strip() for c in cell.findall(row)] for row in rows]


def test_every_cell_and_note_is_there() -> None:
    fits = {"First": make(), "Second": make()}
    table = md.table(fits, spanners={"Both": ["First", "Second"]}, title="Growth", add_notes="Own")
    html = table.to_great_tables().as_raw_html()
    shown = [row for row in _cells(html) if row]
    for (label, _), values in zip(table.to_frame().index, table.to_frame().to_numpy(), strict=True):
        wanted = [v.replace("-", "−") if v[:1] in "-(" else v for v in values]
        assert any(row[1:] == wanted and row[0] in (label, "") for row in shown), (label, wanted)
    assert html.index("Growth") < html.index("Both") < html.index("First") < html.index("Own")
