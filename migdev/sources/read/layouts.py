"""Layouts of publishers' files: which is whose is told by the first rows."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import pandas as pd

from migdev import plugins
from migdev.errors import SourceError, listing
from migdev.sources.read.delimited import SEPARATORS, Dialect, decimal_mark
from migdev.sources.read.table import ReadOptions, Table

#: Where the built-in layouts stand; each is imported when a file is read.
BUILT_IN = ("migdev.sources.worldbank.tables:LAYOUT",)
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Members:
    """The files of an archive by what they hold, ``""`` where there is none."""

    data: str
    countries: str = ""
    series: str = ""


class Shape(Protocol):
    """What a layout saw in the first rows: at least where the header is."""

    @property
    def header(self) -> int: ...


class Layout(Protocol):
    """How a publisher lays out the files that it hands out."""

    def recognise(self, rows: Sequence[Sequence[Any]]) -> Shape | None:
        """What the first rows of a file show, or None where the file is not of this layout."""
        ...

    def from_csv(
        self, stream: Any, shape: Any, dialect: Dialect, name: str, options: ReadOptions
    ) -> Table: ...

    def from_sheets(
        self, grid: pd.DataFrame, sheets: dict[str, pd.DataFrame], shape: Any, name: str,
        options: ReadOptions,
    ) -> Table: ...  # fmt: skip

    def members(self, names: Sequence[str]) -> Members | None:
        """Which tables of an archive hold the data and which describe them; None if not told."""
        ...

    def describe(self, table: Table, archive: zipfile.ZipFile, members: Members) -> None:
        """Add to a table what lies beside it in its archive."""
        ...


def layouts() -> list[Layout]:
    """Every layout, in the order in which a file is tried."""
    found = []
    for place in BUILT_IN:
        module, _, name = place.partition(":")
        found.append(getattr(import_module(module), name))
    return [*found, *(layout for _, layout in plugins.LAYOUTS.load_all())]


def of_csv(stream: Any, name: str, options: ReadOptions) -> tuple[Layout, Shape, Dialect] | None:
    """The layout of a delimited file and how the file is written; None for any other table."""
    start = stream.read(_HEAD)
    stream.seek(0)
    head = start.decode(options.encoding or "utf-8-sig", errors="replace")
    lines = head.splitlines()[:60]
    if len(start) == _HEAD:
        lines = lines[:-1]
    known = layouts()
    for separator in (options.separator,) if options.separator else SEPARATORS:
        rows = list(csv.reader(lines, delimiter=separator))
        for layout in known:
            shape = layout.recognise(rows[:12])
            if shape is not None:
                cells = [cell for row in rows[shape.header + 1 :] for cell in row]
                mark = options.decimal or decimal_mark(cells, separator, name)
                return layout, shape, Dialect(separator, mark, shape.header)
    return None


def of_grid(grid: pd.DataFrame) -> tuple[Layout, Shape] | None:
    """The layout of a sheet; None for any other table."""
    rows = grid.head(12).to_numpy(dtype=object).tolist()
    for layout in layouts():
        shape = layout.recognise(rows)
        if shape is not None:
            return layout, shape
    return None


def members_of(names: Sequence[str], archive: str) -> Members:
    """The tables of an archive: as a layout tells them apart, or the only one.

    Raises
    ------
    SourceError
        Several tables could be the data, or there is none.
    """
    tables = [n for n in names if re.search(r"\.(csv|xlsx?)$", n, re.IGNORECASE)]
    for layout in layouts():
        found = layout.members(tables)
        if found is not None:
            return found
    if len(tables) != 1:
        raise SourceError(
            f"{archive} holds {len(tables)} tables that could be the data: {listing(tables)}. "
            "Unpack it and name one."
        )
    return Members(tables[0])
