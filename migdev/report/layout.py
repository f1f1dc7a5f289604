"""Layout: what a table shows, before any format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["spanner", "name", "number", "dependent", "estimate", "statistic", "group", "row"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
        Plain text, with no markup of any format; a number with ASCII signs.
    marks : str
        Marks of significance, set as a superscript.
    number : bool
        The text is a number, or numbers in brackets.
    span : int
        Columns that the cell covers.
    """

    text: str = ""
    marks: str = ""
    number: bool = False
    span: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: a label and the cells of the result columns.

    Attributes
    ----------
    label : str
        ``""`` under an estimate.
    cells : tuple of Cell
        Their spans add up to the number of columns.
    kind : Kind
        A ``group`` heads the rows below it and has no cells.
    key : tuple of str
        What the row holds: the term or name, and the statistic.
    indent : bool
        The row belongs to the group above it.
    """

    label: str
    cells: tuple[Cell, ...]
    kind: Kind = "row"
    key: tuple[str, str] = ("", "")
    indent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A table that any format can set.

    Attributes
    ----------
    columns : tuple of str
        Names of the result columns.
    head : tuple of Row
        Rows above the first rule.
    blocks : tuple of tuple of Row
        Blocks of the body, a rule between them.
    notes : tuple of str
    title, label : str
        Caption, and the name to refer to it.
    """

    columns: tuple[str, ...]
    head: tuple[Row, ...]
    blocks: tuple[tuple[Row, ...], ...]
    notes: tuple[str, ...] = ()
    title: str = ""
    label: str = ""

    @property
    def rows(self) -> Iterator[Row]:
        """All rows of the body."""
        for block in self.blocks:
            yield from block


def cells_of(row: Row, columns: int) -> tuple[Cell, ...]:
    """The cells of a row; those of a group heading, one empty cell."""
    return row.cells or (Cell(span=columns),)


def positions(row: Row) -> Iterator[tuple[int, Cell]]:
    """Cells with the index of the first column that each covers."""
    at = 0
    for cell in row.cells:
        yield at, cell
        at += cell.span
