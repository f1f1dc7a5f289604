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
            complete = not np.isnan(values.sum(axis=0)).any()
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
        if np.isfinite(values.sum(axis=0)).all():
            return
    for j, name in enumerate(names):
        bad = rows[np.isinf(values[rows, j])]
        if len(bad):
            raise FormulaError(
                f"{name!r} is infinite in {len(bad)} rows, first at {data.key(int(bad[0]))}. "
                "Leave these rows out with panel.where(), or transform the variable."
            )
