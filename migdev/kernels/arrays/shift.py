"""Shifts inside entities, by the value of time and not by the row before."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray


def lag_rows(entity: IntArray, time: IntArray, lag: int) -> IntArray:
    """Row that holds the same entity ``lag`` periods earlier; -1 where there is none.

    Parameters
    ----------
    entity, time : (n,)
        Codes and ordinal periods; rows sorted by entity, then time, without repeats.
    lag : int
        Periods back; negative for leads.
    """
    n = len(entity)
    rows = np.arange(n, dtype=np.int64)
    if lag == 0 or n == 0:
        return rows
    guess = rows - lag
    inside = (guess >= 0) & (guess < n)
    at = np.where(inside, guess, 0)
    hit = inside & (entity[at] == entity) & (time[at] == time - lag)
    found = np.where(hit, guess, -1)
    # A miss is final where no row was skipped: only gappy entities need the search.
    if not hit.all() and _has_gaps(entity, time):
        first = int(time.min())
        span = int(time.max()) - first + 1 + 2 * abs(lag)
        key = entity.astype(np.int64) * span + (time - first)
        miss = np.flatnonzero(~hit)
        wanted = key[miss] - lag
        spot = np.minimum(np.searchsorted(key, wanted), n - 1)
        ok = (key[spot] == wanted) & (entity[spot] == entity[miss])
        found[miss[ok]] = spot[ok]
    return found


def shift(values: FloatArray, entity: IntArray, time: IntArray, lag: int) -> FloatArray:
    """``values`` of the same entity ``lag`` periods earlier; missing where there are none."""
    return take(values, lag_rows(entity, time, lag))


def take(values: FloatArray, rows: IntArray) -> FloatArray:
    """``values[rows]``, missing where the row is -1."""
    return np.where(rows >= 0, values[rows], np.nan)


def _has_gaps(entity: IntArray, time: IntArray) -> bool:
    same: AnyArray = entity[1:] == entity[:-1]
    return bool(np.any(same & (np.diff(time) != 1)))
