"""Published tables, each a ``.tsv`` beside the kernel that looks it up, read on first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from migdev.kernels.arrays.types import AnyArray, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Numbers by row and column.

    Attributes
    ----------
    rows : (R,)
        Increasing.
    columns : tuple of str
        C names, or numbers as they are printed.
    values : (R, C)
        Missing where the source gives none.
    """

    rows: FloatArray
    columns: tuple[str, ...]
    values: FloatArray

    def column(self, name: str) -> FloatArray:
        """(R,) the column of that name."""
        return self.values[:, self.columns.index(name)]

    def row(self, label: float) -> dict[str, float]:
        """The row of exactly that label, by column; without the cells that are missing."""
        (at,) = np.flatnonzero(self.rows == label)
        return {k: float(v) for k, v in zip(self.columns, self.values[at], strict=True) if v == v}

    def down(self, column: str, at: AnyArray | float) -> FloatArray:
        """A column, linear between its rows; beyond the edges, the edge."""
        return np.asarray(np.interp(np.asarray(at, dtype=float), self.rows, self.column(column)))

    def along(self, row: float, at: AnyArray | float) -> FloatArray:
        """A row, linear between the columns that it fills; beyond the edges, the edge."""
        filled = self.row(row)
        columns = [float(c) for c in filled]
        return np.asarray(np.interp(np.asarray(at, float), columns, list(filled.values())))

    def between(self, row: float, column: float) -> float:
        """Bilinear in rows and columns; beyond the edges, the edge."""
        columns = [float(c) for c in self.columns]
        return float(
            np.interp(row, self.rows, [np.interp(column, columns, v) for v in self.values])
        )


@cache
def tables(path: str, keys: int) -> Mapping[tuple[str, ...], Table]:
    """The tables of a file, by what its first columns say.

    Parameters
    ----------
    path : str
        Below ``migdev/kernels``: ``"unit_roots/llc.tsv"``. Lines that begin with # give the source;
        then come the names of columns, and a line for each row of each table. Cells left out at
        the end of all rows of a table are no columns of it.
    keys : int
        How many first columns name the table; the next one holds the label of the row.
    """
    text = (files("migdev.kernels") / path).read_text(encoding="utf-8")
    head, *lines = (x.split("\t") for x in text.splitlines() if not x.startswith("#"))
    parts: dict[tuple[str, ...], list[list[float]]] = {}
    for cells in lines:
        row = [float(v) if v else np.nan for v in cells[keys:]]
        parts.setdefault(tuple(cells[:keys]), []).append(row)
    found = {}
    for key, part in parts.items():
        width = max(map(len, part))
        filled = np.array([row + [np.nan] * (width - len(row)) for row in part])
        names = tuple(head[keys + 1 : keys + width])
        found[key] = Table(rows=filled[:, 0], columns=names, values=filled[:, 1:])
    return found
