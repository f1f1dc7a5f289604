"""Corrections of entities' own dynamic regressions for short series: the half-panel jackknife, and
variables less the mean of their own past."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import entity_slopes


def half_panel(
    y: FloatArray, X: FloatArray, entity: IntArray, slopes: FloatArray
) -> tuple[FloatArray, BoolArray]:
    r"""(N, k) slopes :math:`2\hat\beta_i - (\hat\beta_i^a + \hat\beta_i^b)/2`, and entities whose
    halves cannot be fitted.

    Halves are the first and the second half of the entity's rows; with an odd number of rows both
    ways of splitting are averaged (Dhaene and Jochmans 2015).

    Parameters
    ----------
    y : (n,); X : (n, k); entity : (n,)
        Rows sorted by entity, then time.
    slopes : (N, k)
        Of the whole rows.
    """
    counts = np.bincount(entity)
    start = np.cumsum(counts) - counts
    position = np.arange(len(y)) - start[entity]
    total = np.zeros_like(slopes)
    bad = np.zeros(len(counts), dtype=bool)
    for cut in (counts // 2, (counts + 1) // 2):
        for half in (position < cut[entity], position >= cut[entity]):
            fit = entity_slopes(y[half], X[half], entity[half])
            total += fit.params / 4
            bad |= fit.dependent.any(axis=1)
    return 2 * slopes - total, bad


def less_past_mean(x: FloatArray, entity: IntArray) -> FloatArray:
    r"""(n,) :math:`x_{it} - (t-1)^{-1}\sum_{s<t}x_{is}` over the earlier rows of the entity that
    are observed; missing in its first one.

    Parameters
    ----------
    x : (n,)
        Missing values stay missing and do not count.
    entity : (n,)
        Codes 0..N-1; rows sorted by entity, then time.
    """
    seen = np.isfinite(x)
    # About the entity's mean, so that the running sums over all rows lose no digits.
    N = int(entity.max(initial=-1)) + 1
    count = np.maximum(np.bincount(entity[seen], minlength=N), 1)
    centre = (np.bincount(entity[seen], weights=x[seen], minlength=N) / count)[entity]
    z = np.where(seen, x - centre, 0.0)
    start = np.searchsorted(entity, np.arange(N))
    sums, counts = (np.concatenate([[0.0], np.cumsum(v)]) for v in (z, seen.astype(float)))
    past, number = (v[:-1] - v[start[entity]] for v in (sums, counts))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(seen & (number > 0), x - centre - past / number, np.nan)
