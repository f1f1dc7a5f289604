"""LaTeX with booktabs."""

from __future__ import annotations

from migdev.report.escape import latex_label, to_latex, to_latex_number, to_latex_start
from migdev.report.layout import Cell, Layout, Row, positions


def render(layout: Layout, floating: bool = True) -> str:
    columns = len(layout.columns)
    lines = [rf"\begin{{tabular}}{{l{'c' * columns}}}", r"\toprule"]
    for row in layout.head:
        lines.append(_row(row, columns))
        if row.kind == "spanner":
            lines.append(
                " ".join(
                    rf"\cmidrule(lr){{{at + 2}-{at + 1 + cell.span}}}"
                    for at, cell in positions(row)
                    if cell.text
                )
            )
    for block in layout.blocks:
        lines.append(r"\midrule")
        lines += [_row(row, columns) for row in block]
    lines += [r"\bottomrule", r"\end{tabular}"]
    notes = [to_latex(note) for note in layout.notes]
    if not floating:
        comment = [f"% {note}" for note in layout.notes for note in [" ".join(note.split())]]
        return "\n".join([*comment, *lines])
    out = ["% \\usepackage{booktabs}", r"\begin{table}[htbp]", r"\centering"]
    if layout.title:
        out.append(rf"\caption{{{to_latex(layout.title)}}}")
    if layout.label:
        out.append(rf"\label{{{latex_label(layout.label)}}}")
    out += lines
    if notes:
        out += [r"\par\smallskip", r"\begin{minipage}{\linewidth}", r"\footnotesize"]
        out += [rf"{note}\par" for note in notes]
        out.append(r"\end{minipage}")
    return "\n".join([*out, r"\end{table}"])


def _row(row: Row, columns: int) -> str:
    if row.kind == "group":
        return rf"\multicolumn{{{columns + 1}}}{{l}}{{\textit{{{to_latex(row.label)}}}}} \\"
    indent = r"\quad " if row.indent and row.label else ""
    cells = [_cell(cell, row) for cell in row.cells]
    return " & ".join([indent + to_latex_start(row.label), *cells]) + r" \\"


def _cell(cell: Cell, row: Row) -> str:
    text = to_latex_number(cell.text) if cell.number else to_latex(cell.text)
    if cell.marks:
        text += rf"\textsuperscript{{{to_latex(cell.marks)}}}"
    if cell.span > 1 or row.kind == "spanner":
        return rf"\multicolumn{{{cell.span}}}{{c}}{{{text}}}"
    return text
