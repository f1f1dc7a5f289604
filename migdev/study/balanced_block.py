"""The largest balanced part of a panel."""

from __future__ import annotations

import warnings

import numpy as np

from migdev.errors import DroppedRowsWarning, IdentificationError
from migdev.kernels.arrays.types import BoolArray, IntArray
from migdev.panel.design import Design
from migdev.panel.panel import Panel

_LAGS = range(7)


def largest_block(panel: Panel, on: str) -> Panel:
    """The entities and the unbroken span of periods over which a variable or an equation is
    observed without a gap, chosen so that their product is largest.

    Parameters
    ----------
    panel : Panel
    on : str
        A column, an expression such as ``D(y)``, or a formula. Periods that only its lags need are
        kept too.

    Raises
    ------
    IdentificationError
        Nothing is observed, or the expression reaches too far back.
    """
    formula = on if "~" in on else f"{on} ~ 1"
    d = _rows(formula, panel)
    codes, periods = panel.entity_codes[d.rows], panel.ordinals[d.rows]
    first = int(periods.min())
    seen = np.zeros((len(panel.entities), int(periods.max()) - first + 1), dtype=bool)
    seen[codes, periods - first] = True
    who, start, stop = _largest(seen)
    inside = who[panel.entity_codes] & (panel.ordinals <= first + stop)
    for lags in _LAGS:
        rows = np.flatnonzero(inside & (panel.ordinals >= first + start - lags))
        block = panel.take(rows, f"outside the largest balanced block of {on!r}")
        if _rows(formula, block).nobs >= int(who.sum()) * (stop - start + 1):
            return block
    raise IdentificationError(
        f"{on!r} reaches more than {_LAGS[-1]} periods back, so no balanced block can be cut."
    )


def _rows(formula: str, panel: Panel) -> Design:
    """The rows of a formula; what is missing is why a block is cut, so nothing is to be told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DroppedRowsWarning)
        return Design.build(formula, panel, intercept=False)


def _largest(seen: BoolArray) -> tuple[BoolArray, int, int]:
    """Rows, first and last column of the rectangle of ones with the largest area, where rows may
    be chosen freely and columns stand side by side."""
    run: IntArray = np.zeros(seen.shape, dtype=np.int64)
    run[:, 0] = seen[:, 0]
    for t in range(1, seen.shape[1]):
        run[:, t] = (run[:, t - 1] + 1) * seen[:, t]
    lengths = np.arange(1, seen.shape[1] + 1)
    area = np.array([length * (run >= length).sum(axis=0) for length in lengths])
    place, stop = np.unravel_index(int(np.argmax(area)), area.shape)
    length = int(lengths[place])
    return run[:, stop] >= length, int(stop) - length + 1, int(stop)
