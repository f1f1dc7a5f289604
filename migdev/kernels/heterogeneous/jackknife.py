"""Half-panel jackknife of entities' own regressions."""

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
