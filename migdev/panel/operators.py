"""Lags, leads, differences, growth and winsorising: by entity and time value, never by row.

Each takes the data and the name of a column, or (n,) numbers in the order of the rows, and gives
(n,) numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import PanelError
from migdev.kernels.arrays.shift import take
from migdev.kernels.arrays.types import FloatArray
from migdev.protocols import Data


def lag(data: Data, values: Any, k: int = 1, operator: str = "L") -> FloatArray:
    """Value of the same entity ``k`` periods earlier; missing across a gap."""
    if not isinstance(k, int | np.integer):
        raise PanelError(f"{operator}(x, k) shifts by a whole number of periods, not {k!r}.")
    if not data.time:
        raise PanelError(f"{operator}(x) goes from period to period, but the data have no periods.")
    rows = data.lag_rows(int(-k if operator == "F" else k))
    return take(numbers(data, values, operator), rows)


def lead(data: Data, values: Any, k: int = 1) -> FloatArray:
    """Value of the same entity ``k`` periods later; missing across a gap."""
    return lag(data, values, k, "F")


def difference(data: Data, values: Any, k: int = 1) -> FloatArray:
    """Change over ``k`` periods, x - L(x, k); the second difference is ``D(D(x))``."""
    return numbers(data, values, "D") - lag(data, values, k, "D")


def growth(data: Data, values: Any, k: int = 1, log: bool = False) -> FloatArray:
    """Growth over ``k`` periods in %: 100 (x / L(x, k) - 1), or 100 D(log x, k)."""
    now, before = numbers(data, values, "growth"), lag(data, values, k, "growth")
    rows = np.flatnonzero((now <= 0) | (before <= 0))
    if len(rows):
        raise PanelError(
            f"growth needs positive values, but {len(rows)} are not, first at "
            f"{data.key(int(rows[0]))}. Use D() for a variable that changes sign."
        )
    ratio = now / before
    return 100 * (np.log(ratio) if log else ratio - 1)


def winsorise(data: Data, values: Any, p: float = 0.01, by: str | None = None) -> FloatArray:
    """Values beyond the ``p`` and ``1 - p`` quantiles pulled back to them, in the whole or within
    the periods (``by="time"``) or groups of a column."""
    if not 0 <= p < 0.5:
        raise PanelError(f"winsorise(p={p}): p is the share in each tail, 0 <= p < 0.5.")
    x = pd.Series(numbers(data, values, "winsorise"))
    if by is None:
        low, high = x.quantile([p, 1 - p])
        return np.asarray(x.clip(low, high), dtype=float)
    groups = x.groupby(data.ordinals if by in ("time", data.time) else data[by].to_numpy())
    lows, highs = groups.transform("quantile", p), groups.transform("quantile", 1 - p)
    return np.asarray(x.clip(lows, highs), dtype=float)


def numbers(data: Data, values: Any, operator: str) -> FloatArray:
    """(n,) numbers of a column by its name, or of values by row.

    Raises
    ------
    PanelError
        Text, or another number of values than rows.
    """
    name = values if isinstance(values, str) else getattr(values, "name", None)
    column = data[values] if isinstance(values, str) else values
    if len(column) != len(data):
        raise PanelError(
            f"{operator}() needs one value per row ({len(data)}), but was given {len(column)}."
        )
    try:
        return np.asarray(column, dtype=float)
    except (TypeError, ValueError):
        raise PanelError(
            f"{operator}() needs numbers, but {name or 'its argument'!r} holds text."
        ) from None
