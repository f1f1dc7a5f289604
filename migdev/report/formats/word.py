"""Word, through python-docx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from migdev.errors import ReportError
from migdev.report.escape import plain, true_minus
from migdev.report.layout import Cell, Layout, Row


def write(layout: Layout, path: Path) -> Path:
    """Write a document that holds the table alone."""
    docx = _docx()
    document = docx.Document()
    add_table(document, layout)
    document.save(str(path))
    return path


def add_table(document: Any, layout: Layout) -> None:
    """Append the table, its caption and notes to a document."""
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.shared import Pt

    if layout.title:
        document.add_paragraph(plain(layout.title), style="Caption")
    columns = len(layout.columns) + 1
    body = list(layout.rows)
    table = document.add_table(rows=len(layout.head) + len(body), cols=columns)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = True
    for i, row in enumerate([*layout.head, *body]):
        _fill(table.rows[i], row, columns, heading=i < len(layout.head))
    _rules(table, layout)
    _repeat_head(table, len(layout.head))
    for note in layout.notes:
        paragraph = document.add_paragraph()
        run = paragraph.add_run(plain(note))
        run.font.size = Pt(8.5)
        paragraph.paragraph_format.space_after = Pt(0)


def _docx() -> Any:
    try:
        import docx
    except ImportError:
        raise ReportError("Word documents need python-docx: pip install 'migdev[word]'.") from None
    return docx


def _fill(line: Any, row: Row, columns: int, *, heading: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    cells = line.cells
    first = cells[0].merge(cells[columns - 1]) if row.kind == "group" else cells[0]
    _write(first, Cell(row.label), WD_ALIGN_PARAGRAPH.LEFT, italic=row.kind == "group")
    if row.indent:
        first.paragraphs[0].paragraph_format.left_indent = Pt(10)
    at = 1
    for cell in row.cells:
        target = cells[at] if cell.span == 1 else cells[at].merge(cells[at + cell.span - 1])
        _write(target, cell, WD_ALIGN_PARAGRAPH.CENTER)
        if heading and row.kind == "spanner" and cell.text:
            _border(target, "bottom", 4)
        at += cell.span


def _write(target: Any, cell: Cell, alignment: Any, *, italic: bool = False) -> None:
    from docx.shared import Pt

    paragraph = target.paragraphs[0]
    paragraph.alignment = alignment
    paragraph.paragraph_format.space_after = Pt(0)
    text = plain(cell.text)
    run = paragraph.add_run(true_minus(text) if cell.number else text)
    run.italic = italic
    run.font.size = Pt(10)
    if cell.marks:
        marks = paragraph.add_run(plain(cell.marks))
        marks.font.superscript = True
        marks.font.size = Pt(10)


def _rules(table: Any, layout: Layout) -> None:
    """Rules above and below the table, under the head and between blocks."""
    rows = table.rows
    for cell in rows[0].cells:
        _border(cell, "top", 12)
    for cell in rows[-1].cells:
        _border(cell, "bottom", 12)
    at = len(layout.head)
    for block in layout.blocks:
        for cell in rows[at].cells:
            _border(cell, "top", 4)
        at += len(block)


def _border(cell: Any, edge: str, size: int) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    if borders.find(qn(f"w:{edge}")) is not None:
        return
    line = OxmlElement(f"w:{edge}")
    for name, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", "auto")):
        line.set(qn(f"w:{name}"), value)
    # Word wants top before bottom.
    borders.insert(0, line) if edge == "top" else borders.append(line)


def _repeat_head(table: Any, rows: int) -> None:
    """Mark the head to be repeated where the table breaks across pages."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for row in table.rows[:rows] if rows else []:
        mark = OxmlElement("w:tblHeader")
        mark.set(qn("w:val"), "true")
        row._tr.get_or_add_trPr().append(mark)
