"""HTML: a fragment that carries its own style."""

from __future__ import annotations

from migdev.report.escape import plain, to_html, true_minus
from migdev.report.layout import Cell, Layout, Row, cells_of

# currentColor and transparent ground let the table sit on light and dark pages alike.
STYLE = """
.migdev-table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums;
  border-top: 2px solid currentColor; border-bottom: 2px solid currentColor; background: none;
  color: inherit; }
.migdev-table caption { caption-side: top; text-align: left; font-weight: 600;
  padding: 0 0 .5em; color: inherit; }
.migdev-table th, .migdev-table td { padding: .15em .8em; text-align: center; border: 0;
  font-weight: 400; background: none; white-space: nowrap; }
.migdev-table td.words { white-space: normal; }
.migdev-table th[scope=row], .migdev-table th[scope=rowgroup] { text-align: left;
  padding-left: 0; white-space: normal; }
.migdev-table th[scope=rowgroup] { font-style: italic; padding-top: .5em; }
.migdev-table tr.inner th[scope=row] { padding-left: 1em; }
.migdev-table .spanner th[scope=colgroup] { border-bottom: 1px solid currentColor; }
.migdev-table thead tr:last-child > * { border-bottom: 1px solid currentColor;
  padding-bottom: .35em; }
.migdev-table tbody + tbody > tr:first-child > * { border-top: 1px solid currentColor;
  padding-top: .35em; }
.migdev-table .estimate > * { padding-top: .35em; }
.migdev-table .statistic > td { padding-top: 0; }
.migdev-table tfoot td { text-align: left; white-space: normal; font-size: .85em;
  border-top: 1px solid currentColor; padding: .6em 0; line-height: 1.4; max-width: 40em; }
.migdev-table tfoot p { margin: 0 0 .2em; }
.migdev-table sup { line-height: 0; }
""".strip()


def fragment(layout: Layout, *, style: bool = True) -> str:
    """The table as an element, with its style unless the page has it."""
    columns = len(layout.columns)
    lines = [f"<style>\n{STYLE}\n</style>"] if style else []
    lines.append('<table class="migdev-table">')
    if layout.title:
        lines.append(f"<caption>{to_html(layout.title)}</caption>")
    lines.append("<thead>")
    lines += [_head(row) for row in layout.head]
    lines.append("</thead>")
    for block in layout.blocks:
        lines.append("<tbody>")
        lines += [_body(row, columns) for row in block]
        lines.append("</tbody>")
    if layout.notes:
        notes = "".join(f"<p>{to_html(note)}</p>" for note in layout.notes)
        lines.append(f'<tfoot><tr><td colspan="{columns + 1}">{notes}</td></tr></tfoot>')
    lines.append("</table>")
    return "\n".join(lines)


def _head(row: Row) -> str:
    label = f'<th scope="row">{to_html(row.label)}</th>' if row.label else "<td></td>"
    cells = "".join(_heading(cell, row) for cell in row.cells)
    return f'<tr class="{row.kind}">{label}{cells}</tr>'


def _heading(cell: Cell, row: Row) -> str:
    if not cell.text:
        return f"<td{_span(cell)}></td>"
    scope = "colgroup" if row.kind == "spanner" else "col"
    return f'<th scope="{scope}"{_span(cell)}>{_text(cell)}</th>'


def _body(row: Row, columns: int) -> str:
    if row.kind == "group":
        return (
            f'<tr class="group"><th scope="rowgroup" colspan="{columns + 1}">'
            f"{to_html(row.label)}</th></tr>"
        )
    label = f'<th scope="row">{to_html(row.label)}</th>' if row.label else "<td></td>"
    cells = "".join(
        f"<td{_span(cell)}{_words(cell)}>{_text(cell)}</td>" for cell in cells_of(row, columns)
    )
    inner = " inner" if row.indent else ""
    return f'<tr class="{row.kind}{inner}">{label}{cells}</tr>'


def _words(cell: Cell) -> str:
    """Long text may be broken; numbers and intervals never are."""
    return ' class="words"' if len(cell.text) > 24 and not cell.number else ""


def _span(cell: Cell) -> str:
    return f' colspan="{cell.span}"' if cell.span > 1 else ""


def _text(cell: Cell) -> str:
    text = true_minus(plain(cell.text)) if cell.number else cell.text
    marks = f"<sup>{to_html(cell.marks)}</sup>" if cell.marks else ""
    return to_html(text) + marks
