"""Cones: the joint patterns that rival views predict, and where draws of the estimates fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from migdev.errors import SpecificationError, listing
from migdev.kernels.arrays.distributions import t_lower, t_quantile
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.study.decision_rule import check_prediction

#: The share of draws that lie in no cone goes by this name.
NEITHER = "neither"
#: Where an effect may lie: below minus the smallest one, within, or above it.
_REACH = {
    "+": {1}, "-": {-1}, "0": {0}, "<=0": {-1, 0}, ">=0": {0, 1}, "!=0": {-1, 1}, "any": {-1, 0, 1},
}  # fmt: skip


def overlapping(patterns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The first two patterns of which no prediction of one excludes that of the other."""
    for one, other in combinations(patterns, 2):
        pairs = zip(patterns[one], patterns[other], strict=True)
        if all(_REACH[a] & _REACH[b] for a, b in pairs):
            return one, other
    return ()


def in_region(prediction: str, values: FloatArray, bound: float) -> BoolArray:
    """Whether values lie in the region of a prediction.

    ``+`` above the smallest effect, ``-`` below its negative, ``0`` between the two, ``<=0`` not
    above it, ``>=0`` not below its negative, ``!=0`` beyond either.
    """
    check_prediction(prediction)
    regions = {
        "+": values > bound,
        "-": values < -bound,
        "0": np.abs(values) <= bound,
        "<=0": values <= bound,
        ">=0": values >= -bound,
        "!=0": np.abs(values) > bound,
        "any": np.ones(np.shape(values), dtype=bool),
    }
    return np.asarray(regions[prediction])


def cone_shares(
    draws: FloatArray, patterns: Mapping[str, Sequence[str]], bounds: Sequence[float]
) -> dict[str, float]:
    """Share of joint draws in the cone of each pattern, and in none (``"neither"``).

    Parameters
    ----------
    draws : (B, m)
    patterns : mapping from pattern to m predictions
    bounds : (m,)
        Smallest effects of interest.

    Raises
    ------
    SpecificationError
        A draw lies in two cones: the patterns do not exclude one another.
    """
    inside = {
        name: np.all(
            [in_region(p, draws[:, j], bounds[j]) for j, p in enumerate(predictions)], axis=0
        )
        for name, predictions in patterns.items()
    }
    hits = np.sum(list(inside.values()), axis=0)
    if np.any(hits > 1):
        raise SpecificationError(
            f"The patterns {listing(patterns)} overlap: {int(np.sum(hits > 1))} draws lie in two "
            "cones. Patterns must differ in at least one prediction that excludes the other."
        )
    shares = {name: float(np.mean(mask)) for name, mask in inside.items()}
    return {**shares, NEITHER: float(np.mean(hits == 0))}


def region_pvalue(
    prediction: str, estimate: Any, std_error: Any, bound: float, df: float | None
) -> FloatArray:
    """p-value of the null that a parameter lies outside the region of a prediction.

    One-sided against the nearest edge; for ``0`` the larger of two one-sided tests, for ``!=0``
    twice the smaller. Estimates and errors may be arrays.
    """
    over, under = (estimate - bound) / std_error, (estimate + bound) / std_error
    above, below = t_lower(-over, df), t_lower(under, df)  # nulls: not above, not below
    within = np.maximum(t_lower(over, df), t_lower(-under, df))
    found: dict[str, FloatArray] = {
        "+": above,
        "-": below,
        "<=0": t_lower(over, df),
        ">=0": t_lower(-under, df),
        "0": within,
        "!=0": np.minimum(1.0, 2 * np.minimum(above, below)),
        "any": np.zeros_like(above),
    }
    return found[check_prediction(prediction)]


def established(
    prediction: str, estimate: Any, std_error: Any, bound: float, df: float | None, level: float
) -> BoolArray:
    """Whether :func:`region_pvalue` is below the level, by critical values."""
    tail = level / 2 if check_prediction(prediction) == "!=0" else level
    reach = t_quantile(1 - tail, df) * std_error
    distance = {
        "+": estimate - bound,
        "-": -estimate - bound,
        "<=0": bound - estimate,
        ">=0": estimate + bound,
        "0": bound - np.abs(estimate),
        "!=0": np.abs(estimate) - bound,
        "any": np.full_like(reach, np.inf),
    }[prediction]
    return np.asarray(distance > reach)


#: The rejection of one region establishes another; "any" excludes nothing.
_OPPOSITE = {"+": "<=0", "-": ">=0", "0": "!=0", "!=0": "0", "<=0": "+", ">=0": "-"}


def outside_pvalue(
    prediction: str, estimate: Any, std_error: Any, bound: float, df: float | None
) -> FloatArray:
    """p-value of the null that a parameter lies inside the region of a prediction."""
    if check_prediction(prediction) == "any":
        return np.ones_like(np.asarray(estimate, dtype=float))
    return region_pvalue(_OPPOSITE[prediction], estimate, std_error, bound, df)


def union_rejection(
    predictions: Sequence[str],
    estimates: Sequence[float],
    std_errors: Sequence[float],
    bounds: Sequence[float],
    dfs: Sequence[float | None],
) -> float:
    """p-value of the null that a whole pattern holds: Bonferroni over its parts."""
    parts = [
        float(outside_pvalue(p, e, s, b, d))
        for p, e, s, b, d in zip(predictions, estimates, std_errors, bounds, dfs, strict=True)
    ]
    return min(1.0, len(parts) * min(parts))


def intersection_union(
    predictions: Sequence[str],
    estimates: Sequence[float],
    std_errors: Sequence[float],
    bounds: Sequence[float],
    dfs: Sequence[float | None],
) -> float:
    """p-value of an intersection-union test: the null is that the pattern fails somewhere.

    The largest of the components' p-values; the test has its level whatever the correlation.

    References
    ----------
    Berger (1982), Technometrics 24, 295-300.
    """
    return max(
        float(region_pvalue(p, e, s, b, d))
        for p, e, s, b, d in zip(predictions, estimates, std_errors, bounds, dfs, strict=True)
    )
