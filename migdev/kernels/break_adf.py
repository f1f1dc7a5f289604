"""Dickey-Fuller regressions with a break at an unknown date (Zivot and Andrews)."""

from __future__ import annotations

import numpy as np

from migdev.kernels.adf_batch import adf_arrays, by_length_and_lag, standardised
from migdev.kernels.batched import batched_ols
from migdev.kernels.types import FloatArray, IntArray

# Zivot and Andrews (1992), tables 2 to 4: asymptotic, break fraction estimated.
CRITICAL = {
    "level": {"1%": -5.34, "5%": -4.80, "10%": -4.58},
    "trend": {"1%": -4.93, "5%": -4.42, "10%": -4.11},
    "both": {"1%": -5.57, "5%": -5.08, "10%": -4.82},
}


def break_adf(Y: FloatArray, lag: int, shift: str, trim: float) -> tuple[FloatArray, IntArray]:
    r"""(g,) smallest t of :math:`\alpha` over break dates, and the dates that give them.

    .. math::
        \Delta y_t = \mu + \beta t + \theta\,DU_t + \gamma\,DT_t + \alpha y_{t-1}
            + \textstyle\sum_{j=1}^{p} c_j\Delta y_{t-j} + e_t, \qquad
        DU_t = 1(t > T_B),\ DT_t = (t - T_B)\,DU_t \quad (1)

    Parameters
    ----------
    Y : (g, T)
    lag : int
        p.
    shift : {"level", "trend", "both"}
        Which of DU and DT enter.
    trim : float
        Share of periods at either end without a break.

    Returns
    -------
    t : (g,)
        Missing where no regression can be computed.
    at : (g,)
        Position of the last period before the break.
    """
    T = Y.shape[1]
    Y, scale = standardised(Y, "ct")
    dy, level, W = adf_arrays(Y, lag, "ct")
    g, n = dy.shape
    periods = np.arange(T - n, T)  # positions of the rows of the regression
    best, at = np.full(g, np.inf), np.full(g, -1)
    cut = int(trim * T)
    for last in range(cut, T - cut):
        after = (periods > last).astype(float)
        moves = {"level": [after], "trend": [after * (periods - last)]}
        moves["both"] = [*moves["level"], *moves["trend"]]
        breaks = np.broadcast_to(np.column_stack(moves[shift]), (g, n, len(moves[shift])))
        X = np.concatenate([level[:, :, None], W, breaks], axis=2)
        b, bread, e, bad = batched_ols(dy, X)
        rss = np.einsum("gt,gt->g", e, e)
        with np.errstate(invalid="ignore", divide="ignore"):
            t = b[:, 0] / np.sqrt(bread[:, 0, 0] * rss / (n - X.shape[2]))
        usable = ~bad.any(axis=1) & (rss > 1e-24 * n) & (scale > 0)
        better = usable & (t < best)
        best[better], at[better] = t[better], last
    return np.where(at >= 0, best, np.nan), at


def break_adf_panel(
    y: FloatArray, entity: IntArray, lags: IntArray, shift: str, trim: float
) -> tuple[FloatArray, IntArray]:
    """:func:`break_adf` for entities with their own lengths and lag orders; rows sorted by entity,
    consecutive rows consecutive periods. Dates are positions within the entity."""
    t, at = np.full(len(lags), np.nan), np.full(len(lags), -1)
    for codes, rows, lag in by_length_and_lag(entity, lags):
        t[codes], at[codes] = break_adf(y[rows], lag, shift, trim)
    return t, at
