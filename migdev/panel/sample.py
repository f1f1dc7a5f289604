"""Which rows of a panel an equation can use, and what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from migdev.errors import DroppedRowsWarning, FormulaError, IdentificationError
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.notes import warn
from migdev.protocols import Data


class Missing:
    """Counts incomplete rows by the first reason that takes them."""

    def __init__(self, n: int) -> None:
        self.mask: BoolArray = np.zeros(n, dtype=bool)
        self.counts: dict[str, int] = {}

    def note(self, names: Sequence[str], values: FloatArray) -> None:
        if not names:
            return
        # One pass settles the usual case: a sum is NaN as soon as one value is.
        with np.errstate(invalid="ignore", over="ignore"):
            complete = not np.isnan(values.sum())
        if complete:
            return
        for j, name in enumerate(names):
            self.add(f"missing in {name!r}", np.isnan(values[:, j]))

    def add(self, reason: str, missing: BoolArray) -> None:
        fresh = missing & ~self.mask
        count = int(np.count_nonzero(fresh))
        if count:
            self.counts[reason] = count
            self.mask |= fresh

    def report(self, formula: str, data: Data) -> IntArray:
        lost = sum(self.counts.values())
        rows = np.flatnonzero(~self.mask) if lost else np.arange(len(self.mask))
        why = ", ".join(f"{count} {reason}" for reason, count in self.counts.items())
        if not len(rows):
            raise IdentificationError(
                f"{formula!r}: none of the {len(self.mask)} rows is complete ({why})."
                f"{_spacing(data)}"
            )
        if lost:
            warn(
                f"{formula!r}: {lost} of {len(self.mask)} rows are not used: {why}.",
                DroppedRowsWarning,
                stacklevel=4,
            )
        return rows.astype(np.int64, copy=False)


def _spacing(data: Data) -> str:
    same = np.diff(data.entity_codes) == 0
    steps = np.diff(data.ordinals)[same]
    step = int(steps.min()) if len(steps) else 1
    if step == 1:
        return ""
    return (
        f" Consecutive observations lie {step} periods apart: give "
        f"delta={step * data.calendar.delta} to Panel.from_frame so that L, F and D reach them."
    )


def refuse_infinite(values: FloatArray, names: Sequence[str], rows: IntArray, data: Data) -> None:
    if not names:
        return
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum()):
            return
    for j, name in enumerate(names):
        bad = rows[np.isinf(values[rows, j])]
        if len(bad):
            raise FormulaError(
                f"{name!r} is infinite in {len(bad)} rows, first at {data.key(int(bad[0]))}. "
                "Leave these rows out with panel.where(), or transform the variable."
            )


def refuse_identities(
    formula: str,
    y: FloatArray,
    dependent: str,
    values: FloatArray,
    names: Sequence[str],
    within: str = "",
) -> None:
    """Refuse a column of values (n, k) of which y (n,) is an exact linear function.

    ``within`` says what was taken out of both, for the message.

    Raises
    ------
    FormulaError
        It is the dependent variable, or makes it: y = a + b x in every row.
    """
    for j in _suspects(y, values) if names else ():
        few = slice(None, None, max(len(y) // 8, 1))
        x = values[:, j : j + 1]
        if _makes(y[few], x[few])[0] and _makes(y, x)[0] and np.ptp(y) > 0:
            same = np.array_equal(y, values[:, j])
            is_it = "is the dependent variable itself" if same else (
                f"is an exact linear function of the dependent variable {dependent!r}{within}"
            )  # fmt: skip
            raise FormulaError(
                f"{formula!r}: {names[j]!r} {is_it}. It would explain all of it, and nothing else "
                f"could. Leave it out (the past is L({dependent})); of an identity drop a part."
            )


def _suspects(y: FloatArray, X: FloatArray) -> Sequence[int]:
    """Columns of X that a few rows do not tell from a linear function of y."""
    n, k = X.shape
    if n < 4 or not k:
        return ()
    if k > 16:
        few = slice(None, None, max(n // 8, 1))
        return [int(j) for j in np.flatnonzero(_makes(y[few], X[few]))]
    middle, last = n // 2, n - 1  # single numbers take less time than arrays of three
    first = y.item(0)
    up, on = y.item(middle) - first, y.item(last) - first
    found = []
    for j in range(k):
        start = X.item(0, j)
        over, off = X.item(middle, j) - start, X.item(last, j) - start
        a, b = over * on, off * up
        together = bool(over or off) == bool(up or on)  # a constant moves with nothing
        if together and abs(a - b) <= 1e-9 * (abs(a) + abs(b)):
            found.append(j)
    return found


def _makes(y: FloatArray, X: FloatArray) -> BoolArray:
    """(k,) columns x of X (n, k) that move with y as y = a + b x does, where either moves."""
    dy, dX = y - y[0], X - X[0]
    far = int(np.abs(dy).argmax())
    if dy[far] == 0:
        still: BoolArray = (dX == 0).all(axis=0)
        return still
    slope = dX[far] / dy[far]
    off = np.abs(dX - dy[:, None] * slope).max(axis=0)
    exact: BoolArray = (slope != 0) & (off <= 1e-9 * np.abs(dX[far]))
    return exact
