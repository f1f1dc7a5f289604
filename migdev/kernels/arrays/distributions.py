"""Tails and quantiles through scipy.special: scipy.stats costs a second of import time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from migdev.kernels.arrays.types import FloatArray


def t_two_sided(statistic: Any, df: Any = None) -> FloatArray:
    """P(|t| > |statistic|) with ``df`` degrees of freedom; the normal where df is None or inf.

    The lower tail is evaluated at -|statistic|, which keeps full relative accuracy.
    """
    s = -np.abs(np.asarray(statistic, dtype=float))
    if df is None:
        return np.asarray(2.0 * special.ndtr(s))
    d = np.asarray(df, dtype=float)
    with np.errstate(invalid="ignore"):
        tail = np.where(np.isinf(d), special.ndtr(s), special.stdtr(np.where(np.isinf(d), 1, d), s))
    return np.asarray(2.0 * tail)


def t_lower(statistic: Any, df: Any = None) -> FloatArray:
    """P(t < statistic)."""
    s = np.asarray(statistic, dtype=float)
    if df is None:
        return np.asarray(special.ndtr(s))
    d = np.asarray(df, dtype=float)
    return np.asarray(
        np.where(np.isinf(d), special.ndtr(s), special.stdtr(np.where(np.isinf(d), 1, d), s))
    )


def t_quantile(p: float, df: Any = None) -> FloatArray:
    """Quantile of the t distribution; of the normal where df is None or inf."""
    if df is None:
        return np.asarray(special.ndtri(p))
    d = np.asarray(df, dtype=float)
    return np.asarray(
        np.where(np.isinf(d), special.ndtri(p), special.stdtrit(np.where(np.isinf(d), 1, d), p))
    )


def chi2_tail(statistic: float, df: float) -> float:
    """P(chi2(df) > statistic)."""
    return float(special.chdtrc(df, statistic))


def f_tail(statistic: float, df1: float, df2: float | None) -> float:
    """P(F(df1, df2) > statistic); df2 None or inf means chi2(df1) / df1."""
    if df2 is None or np.isinf(df2):
        return chi2_tail(df1 * statistic, df1)
    return float(special.fdtrc(df1, df2, statistic))


def normal_upper(statistic: float) -> float:
    """P(z > statistic)."""
    return float(special.ndtr(-statistic))
