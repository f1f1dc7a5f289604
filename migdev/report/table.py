"""Tables of results side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migdev.errors import ReportError, listing, suggestion
from migdev.report.build import build
from migdev.report.escape import to_sheet
from migdev.report.layout import Layout, positions
from migdev.report.numbers import Format, Numbers
from migdev.report.select import Rename
from migdev.writing import write_whole

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = {
    ".txt": "to_text", ".md": "to_markdown", ".tex": "to_latex", ".html": "to_html",
    ".htm": "to_html", ".docx": "to_word", ".csv": "to_frame",
}  # fmt: skip


def table(
    results: Any,
    *,
    names: Any = None,
    keep: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    rename: Rename = None,
    groups: Mapping[str, str | Sequence[str]] | None = None,
    stars: bool | Mapping[float, str] = False,
    stat: str | Sequence[str] | None = "std_error",
    level: float = 0.95,
    digits: int = 3,
    fmt: Format | Mapping[str, Format] | None = None,
    fit: Any = None,
    diagnostics: Any = None,
    effects: bool = True,
    indicate: Mapping[str, str | Sequence[str]] | None = None,
    rows: Mapping[str, Any] | None = None,
    covariance: bool = False,
    dependent: bool | None = None,
    numbers: bool | None = None,
    spanners: Mapping[str, Sequence[str | int]] | None = None,
    notes: bool = True,
    add_notes: str | Sequence[str] = (),
    title: str = "",
    label: str = "",
) -> Table:
    """Many results side by side.

    Parameters
    ----------
    results : results
        One result, a sequence, a mapping from name to result, or an answer with ``fits``; of this
        library, statsmodels, linearmodels or pyfixest.
    names : sequence or mapping, optional
        Headings of the columns; default the keys of the mapping, else the methods.
    keep, drop, order : str or sequence of str, optional
        Coefficients to show, to leave out, to put first: by name, or by regular expression where
        no coefficient has that name.
    rename : mapping or callable, optional
        Labels of coefficients. The parts of a product are renamed too: with ``{"x": "Trade"}``,
        ``x:z`` becomes ``Trade × z``.
    groups : mapping, optional
        Headings within the coefficients: ``{"Remittances": ["L(remit)", "L(remit):fin"]}``.
    stars : bool or mapping
        Off by default. True marks 10, 5 and 1%; a mapping such as ``{0.05: "*"}`` says otherwise.
    stat : str or sequence of str, optional
        Under each estimate: ``"std_error"``, ``"t"``, ``"p"``, ``"ci"``; None for nothing.
    level : float
        Of the confidence intervals.
    digits : int
        Decimals; a row gets more where a standard error would show fewer than two significant
        digits.
    fmt : str, callable or mapping, optional
        Formats that override ``digits``, also by name of a term or statistic.
    fit : sequence or mapping, optional
        Fit statistics: names such as ``"nobs", "entities", "r2_within"``, or names with labels.
        Default: those that the results have of observations, entities and the usual R².
    diagnostics : sequence, mapping or "all", optional
        Tests among the ``stats`` of the results: the statistic with its p-value in brackets.
    effects : bool
        Rows that say which effects each model absorbs.
    indicate : mapping, optional
        Coefficients to show as Yes or No alone: ``{"Region dummies": "region"}``.
    rows : mapping, optional
        Further rows: a value for each column, or a function of the estimate.
    covariance : bool
        A row that names the covariance of each column, beside the notes.
    dependent : bool, optional
        A row of dependent variables; default where they differ.
    numbers : bool, optional
        A row of column numbers; default where there are several columns with names of their own.
    spanners : mapping, optional
        Headings over adjacent columns: ``{"Yearly": ["FE", "RE"], "Windows": [3, 4]}``.
    notes : bool
        Notes that name the covariance, its convention and clusters, the sample, and what was
        dropped.
    add_notes : str or sequence of str
        Further notes.
    title, label : str
        Caption, and the name for cross-references in LaTeX.

    Returns
    -------
    Table

    Raises
    ------
    ReportError
        An option names what no result has.
    """
    layout = build(
        results, names=names, keep=keep, drop=drop, order=order, rename=rename, groups=groups or {},
        stars=stars, stat=stat, level=level, numbers_as=Numbers(digits=digits, fmt=fmt), fit=fit,
        diagnostics=diagnostics, effects=effects, indicate=indicate or {}, rows=rows,
        covariance=covariance, dependent=dependent, numbers=numbers, spanners=spanners or {},
        notes=notes, add_notes=add_notes, title=title, label=label,
    )  # fmt: skip
    return Table(layout=layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, ready for any format.

    Attributes
    ----------
    layout : Layout
    """

    layout: Layout

    def to_text(self, width: int | None = None) -> str:
        """Plain text; notes wrapped at ``width``, by default that of the table."""
        from migdev.report.formats.text import render

        return render(self.layout, width)

    def to_markdown(self) -> str:
        """A table of GitHub's Markdown."""
        from migdev.report.formats.markdown import render

        return render(self.layout)

    def to_latex(self, *, floating: bool = True) -> str:
        """LaTeX with booktabs; ``floating=False`` leaves out the table environment."""
        from migdev.report.formats.latex import render

        return render(self.layout, floating)

    def to_html(self, *, standalone: bool = False) -> str:
        """An HTML fragment with its style, or a whole page."""
        from migdev.report.formats.html import fragment

        if not standalone:
            return fragment(self.layout)
        from migdev.report.blocks import TableBlock
        from migdev.report.page import Page, Section

        section = Section(blocks=(TableBlock(self),))
        return Page(title=self.layout.title or "Table", sections=(section,)).to_html()

    def to_great_tables(self) -> Any:
        """A ``great_tables.GT`` to style further (needs the extra ``tables``)."""
        from migdev.report.formats.great import render

        return render(self.layout)

    def to_word(self, path: str | Path) -> Path:
        """Write a Word document (needs the extra ``word``)."""
        from migdev.report.formats.word import write

        return write(self.layout, Path(path))

    def to_frame(self) -> pd.DataFrame:
        """The cells as text, rows indexed by term and statistic."""
        import pandas as pd

        cells = [
            [cell.text + cell.marks for _, cell in positions(row)]
            for row in self.layout.rows
            if row.kind != "group"
        ]
        keys = [row.key for row in self.layout.rows if row.kind != "group"]
        index = pd.MultiIndex.from_tuples(keys, names=["row", "statistic"])
        return pd.DataFrame(cells, index=index, columns=list(self.layout.columns), dtype=object)

    def save(self, path: str | Path) -> Path:
        """Write the table in the format of the suffix: txt, md, tex, html, docx, csv."""
        target = Path(path)
        method = SUFFIXES.get(target.suffix.lower())
        if method is None:
            raise ReportError(
                f"{target.name!r} has no suffix of a table; use {listing(SUFFIXES, 10)}."
                f"{suggestion(target.suffix, SUFFIXES)}"
            )
        if method == "to_word":
            return self.to_word(target)
        if method == "to_frame":
            frame = self.to_frame().map(to_sheet).rename(index=to_sheet, columns=to_sheet)
            text = str(frame.to_csv())
        elif method == "to_html":
            text = self.to_html(standalone=True)
        else:
            text = str(getattr(self, method)())
        write_whole(target, text.rstrip("\n") + "\n")
        return target

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_latex_(self) -> str:
        return self.to_latex()
