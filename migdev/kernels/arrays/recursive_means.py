"""Variables less the mean of their own past."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray


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
