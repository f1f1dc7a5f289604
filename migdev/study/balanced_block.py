"""The largest balanced part of a panel."""

from __future__ import annotations

import numpy as np

from migdev.errors import DroppedRowsWarning, IdentificationError
from migdev.kernels.arrays.balanced_part import largest_balanced_part
from migdev.notes import quiet
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
    part = largest_balanced_part(codes, periods, fewest_entities=1, fewest_periods=1)
    assert part is not None  # one observation is a balanced part
    who = np.zeros(len(panel.entities), dtype=bool)
    who[: len(part.entities)] = part.entities
    inside = who[panel.entity_codes] & (panel.ordinals <= part.last)
    for lags in _LAGS:
        rows = np.flatnonzero(inside & (panel.ordinals >= part.first - lags))
        block = panel.take(rows, f"outside the largest balanced block of {on!r}")
        if _rows(formula, block).nobs >= part.cells:
            return block
    raise IdentificationError(
        f"{on!r} reaches more than {_LAGS[-1]} periods back, so no balanced block can be cut."
    )


def _rows(formula: str, panel: Panel) -> Design:
    """The rows of a formula; what is missing is why a block is cut, so nothing is to be told."""
    with quiet(DroppedRowsWarning):
        return Design.build(formula, panel, intercept=False)
