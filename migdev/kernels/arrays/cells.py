"""Statistics of contiguous groups of rows (cells), without loops over groups or columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

CELL_STATS = ("mean", "sum", "std", "min", "max", "median", "first", "last", "count")


def cell_starts(*keys: IntArray) -> IntArray:
    """First row (m,) of each run of equal keys; rows sorted by the keys."""
    n = len(keys[0])
    if n == 0:
        return np.empty(0, dtype=np.int64)
    change = np.zeros(n, dtype=bool)
    change[0] = True
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(change).astype(np.int64, copy=False)


def cell_counts(x: FloatArray, starts: IntArray) -> IntArray:
    """Values that are not missing, by cell: (m, p)."""
    return np.add.reduceat((~np.isnan(x)).astype(np.int64), starts, axis=0)


def cell_stat(x: FloatArray, starts: IntArray, stat: str) -> FloatArray:
    """A statistic of the non-missing values of each cell; missing where there are none.

    Parameters
    ----------
    x : (n, p)
        Columns, missing as NaN; rows of a cell follow each other in time.
    starts : (m,)
        First row of each cell.
    stat : str
        One of :data:`CELL_STATS`. ``std`` divides by n - 1 and is missing for fewer than two
        values; ``first`` and ``last`` are the first and last value that is not missing.

    Returns
    -------
    (m, p)
    """
    held = ~np.isnan(x)
    counts = np.add.reduceat(held.astype(np.int64), starts, axis=0)
    if stat == "count":
        return counts.astype(float)
    with np.errstate(invalid="ignore"):  # infinite values have no deviation from their mean
        values = _STATS[stat](x, held, starts, counts)
    out: FloatArray = np.where(counts > 0, values, np.nan)
    return out


def _sum(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    total: FloatArray = np.add.reduceat(np.where(held, x, 0.0), starts, axis=0)
    return total


def _mean(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    mean: FloatArray = _sum(x, held, starts, counts) / np.maximum(counts, 1)
    return mean


def _std(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    sizes = np.diff(starts, append=len(x))
    deviation = x - np.repeat(_mean(x, held, starts, counts), sizes, axis=0)
    squares = _sum(deviation * deviation, held, starts, counts)
    std: FloatArray = np.where(counts > 1, np.sqrt(squares / np.maximum(counts - 1, 1)), np.nan)
    return std


def _min(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    low: FloatArray = np.minimum.reduceat(np.where(held, x, np.inf), starts, axis=0)
    return low


def _max(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    high: FloatArray = np.maximum.reduceat(np.where(held, x, -np.inf), starts, axis=0)
    return high


def _median(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    cell = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(x)))
    # sorted by cell, then value, missing values last in their cell
    order = np.lexsort((x, np.broadcast_to(cell[:, None], x.shape)), axis=0)
    ranked = np.take_along_axis(x, order, axis=0)
    middle = np.maximum(counts, 1)
    low = np.take_along_axis(ranked, starts[:, None] + (middle - 1) // 2, axis=0)
    high = np.take_along_axis(ranked, starts[:, None] + middle // 2, axis=0)
    halfway: FloatArray = np.where(low == high, low, low + (high - low) / 2)
    return halfway


def _at(rows: IntArray, x: FloatArray) -> FloatArray:
    value: FloatArray = np.take_along_axis(x, np.clip(rows, 0, len(x) - 1), axis=0)
    return value


def _first(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    row = np.where(held, np.arange(len(x))[:, None], len(x))
    return _at(np.minimum.reduceat(row, starts, axis=0), x)


def _last(x: FloatArray, held: BoolArray, starts: IntArray, counts: IntArray) -> FloatArray:
    row = np.where(held, np.arange(len(x))[:, None], -1)
    return _at(np.maximum.reduceat(row, starts, axis=0), x)


_STATS: dict[str, Callable[[FloatArray, BoolArray, IntArray, IntArray], FloatArray]] = {
    "sum": _sum, "mean": _mean, "std": _std, "min": _min, "max": _max, "median": _median,
    "first": _first, "last": _last,
}  # fmt: skip
