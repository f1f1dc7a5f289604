"""Pages from what they are to hold: text, tables, data frames, figures, results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from migdev.errors import ReportError
from migdev.report.blocks import Block, Code, Figure, TableBlock, Text
from migdev.report.page import Page, Section
from migdev.report.table import Table


def page(
    title: str,
    sections: Mapping[str, Any] | Iterable[Any],
    *,
    subtitle: str = "",
    notice: str = "",
    footer: str | Sequence[str] = (),
) -> Page:
    """Put sections together.

    Parameters
    ----------
    title : str
    sections : mapping or iterable
        From headings to contents, or :class:`Section` s, or contents without headings. Contents
        are one thing or a list of things: a string is a paragraph; a
        :class:`~migdev.report.table.Table`, a data frame, a matplotlib figure, a
        :class:`~migdev.results.marginal.margins.Margins` or any block of
        :mod:`migdev.report.blocks`.
    subtitle, notice : str
    footer : str or sequence of str
    """
    if isinstance(sections, Mapping):
        parts = [_section(str(heading), content) for heading, content in sections.items()]
    else:
        parts = [s if isinstance(s, Section) else _section("", s) for s in sections]
    lines = (footer,) if isinstance(footer, str) else tuple(footer)
    return Page(
        title=title, subtitle=subtitle, notice=notice, sections=tuple(parts),
        footer=tuple(line for line in lines if line),
    )  # fmt: skip


def _section(title: str, content: Any) -> Section:
    items = content if isinstance(content, list | tuple) else [content]
    return Section(title=title, blocks=tuple(as_block(item) for item in items))


def as_block(item: Any) -> Block:
    """A block from text, a table, a data frame, a figure, margins, or a block itself."""
    if isinstance(item, str):
        return Text(item)
    if isinstance(item, Table):
        return TableBlock(item)
    if isinstance(item, Block):
        return item
    module = type(item).__module__.split(".")[0]
    if module == "pandas" and hasattr(item, "columns"):
        from migdev.report.frame import frame_table

        return TableBlock(frame_table(item))
    if module == "matplotlib" and hasattr(item, "savefig"):
        from migdev.report.figure import svg

        return Figure(svg(item), source=item)
    if hasattr(item, "__str__") and type(item).__module__.startswith("migdev.results"):
        return Code(str(item))
    raise ReportError(
        f"A page cannot hold a {type(item).__module__}.{type(item).__qualname__}; give text, a "
        "Table, a data frame, a matplotlib figure or a block of migdev.report.blocks."
    )
