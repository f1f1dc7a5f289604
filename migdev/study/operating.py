"""Operating characteristics: how often the rule of a joint test establishes and contradicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from migdev.kernels.arrays.distributions import t_lower
from migdev.kernels.arrays.types import FloatArray


def pattern_tests(
    patterns: Mapping[str, Sequence[str]], estimates: FloatArray, std_errors: FloatArray,
    bounds: FloatArray, df: FloatArray,
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:  # fmt: skip
    """p-values (B,) of every pattern in B worlds: that it is established
    (:func:`~migdev.study.cones.intersection_union`), and that it is contradicted
    (:func:`~migdev.study.cones.union_rejection`).

    Parameters
    ----------
    estimates, std_errors, df : (B, m)
    bounds : (m,)
    """
    over, under = (estimates - bounds) / std_errors, (estimates + bounds) / std_errors
    above, below = t_lower(-over, df), t_lower(under, df)  # of effects beyond the bounds
    not_over, not_under = t_lower(over, df), t_lower(-under, df)
    either, within = np.minimum(1.0, 2 * np.minimum(above, below)), np.maximum(not_over, not_under)
    one, none = np.ones_like(above), np.zeros_like(above)
    inside = {
        "+": above, "-": below, "<=0": not_over, ">=0": not_under, "0": within, "!=0": either,
        "any": none,
    }  # fmt: skip
    outside = {
        "+": not_over, "-": not_under, "<=0": above, ">=0": below, "0": either,
        "!=0": within, "any": one,
    }  # fmt: skip
    established, contradicted = {}, {}
    for name, predictions in patterns.items():
        places = list(enumerate(predictions))
        established[name] = np.max([inside[p][:, j] for j, p in places], axis=0)
        against = len(places) * np.min([outside[p][:, j] for j, p in places], axis=0)
        contradicted[name] = np.minimum(1.0, against)
    return established, contradicted


def rates(
    patterns: Mapping[str, Sequence[str]], estimates: FloatArray, std_errors: FloatArray,
    bounds: FloatArray, df: FloatArray, level: float,
) -> pd.DataFrame:  # fmt: skip
    """Share of worlds in which each pattern is established, and contradicted, at a level."""
    found = pattern_tests(patterns, estimates, std_errors, bounds, df)
    columns = zip(("established", "contradicted"), found, strict=True)
    return pd.DataFrame(
        {column: {k: float(np.mean(p < level)) for k, p in v.items()} for column, v in columns}
    ).rename_axis("pattern")
