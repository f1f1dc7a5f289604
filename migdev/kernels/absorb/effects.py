"""Absorbed effects, level by level, once the coefficients are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from migdev.kernels.absorb.absorber import Absorber
from migdev.kernels.absorb.components import components_of, cross_tab
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray


def recover_effects(
    values: FloatArray, factors: Sequence[IntArray], weights: FloatArray | None = None
) -> tuple[FloatArray, ...]:
    r"""Effects by level that fit ``values`` best.

    .. math:: \min_a \sum_t w_t \Bigl(v_t - \sum_f a^f_{g_f(t)}\Bigr)^2 \quad (1)

    With :math:`v = y - X\hat\beta` these are the estimates of the fixed effects. Dummies of
    several factors are redundant, so the fit is unique and its split among factors is not. The
    split returned gives every factor but the first the weighted mean zero, and the first the level:
    within each connected component of the first two factors for those two, over all rows for any
    further factor. Effects are comparable within components only.

    Parameters
    ----------
    values : (n,); factors : sequence of (n,) codes; weights : (n,), optional

    Returns
    -------
    tuple of (G_f,)
        By level of each factor, in the order of the levels that occur.
    """
    absorber = Absorber.build(factors, weights)
    values = np.asarray(values, dtype=float)
    groups = absorber.groups
    effects = list(absorber.effects(values[:, None]))
    out = [e[:, 0] for e in effects]
    if len(groups) > 1:
        weight = groups[1].weighted(weights)
        count, label = components_of(cross_tab(groups[0], groups[1]))
        shift = np.bincount(label, weight * out[1], count) / np.bincount(label, weight, count)
        out[1] = out[1] - shift[label]
        out[0] = out[0] + shift[_first_labels(groups[0], groups[1], label)]
    for f in range(2, len(groups)):
        level = float(np.average(out[f], weights=groups[f].weighted(weights)))
        out[f] = out[f] - level
        out[0] = out[0] + level
    return tuple(out)


def _first_labels(first: Groups, second: Groups, label: IntArray) -> IntArray:
    """Component of each level of the first factor, from those of the second."""
    found = np.empty(first.size, dtype=np.int64)
    found[first.codes] = label[second.codes]
    return found
