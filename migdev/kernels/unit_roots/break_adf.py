"""Dickey-Fuller regressions with a break at an unknown date (Zivot and Andrews)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.unit_roots.adf_batch import adf_arrays, by_length_and_lag, standardised

Shift = Literal["level", "trend", "both"]


def break_critical_values(shift: str, breaks: int) -> dict[str, float]:
    """Critical values of the smallest t: of Zivot and Andrews for one break, of Kapetanios for up
    to five."""
    return tables("unit_roots/break_adf.tsv", 1)[(shift,)].row(breaks)


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
        breaks = np.broadcast_to(break_terms(periods, last, shift), (g, n, 1 + (shift == "both")))
        X = np.concatenate([level[:, :, None], W, breaks], axis=2)
        b, bread, e, bad = batched_ols(dy, X)
        rss = np.einsum("gt,gt->g", e, e)
        with np.errstate(invalid="ignore", divide="ignore"):
            t = b[:, 0] / np.sqrt(bread[:, 0, 0] * rss / (n - X.shape[2]))
        usable = ~bad.any(axis=1) & (rss > 1e-24 * n) & (scale > 0)
        better = usable & (t < best)
        best[better], at[better] = t[better], last
    return np.where(at >= 0, best, np.nan), at


def several_breaks_adf(
    Y: FloatArray, lag: int, shift: str, trim: float, breaks: int
) -> tuple[FloatArray, IntArray]:
    r"""(g,) smallest t of :math:`\alpha` in (1) with up to m breaks, and their dates (g, m).

    Breaks are added one after the other: at each step every date at least T / 20 periods (and two)
    from those before is tried, and the one with the smallest sum of squares stays. The statistic is
    the smallest t of all these regressions.

    Parameters
    ----------
    Y, lag, shift, trim
        As in :func:`break_adf`.
    breaks : int
        m.

    Returns
    -------
    t : (g,)
        Missing where no regression can be computed.
    at : (g, m)
        Positions of the last periods before the breaks of the regression with the smallest t,
        increasing; -1 for those it does without.
    """
    T = Y.shape[1]
    Y, scale = standardised(Y, "ct")
    dy, level, W = adf_arrays(Y, lag, "ct")
    g, n = dy.shape
    periods = np.arange(T - n, T)
    cut, apart = int(trim * T), max(T // 20, 2)
    best, at = np.full(g, np.inf), np.full((g, breaks), -1)
    chosen = np.full((g, 0), -1)
    X = np.concatenate([level[:, :, None], W], axis=2)
    for step in range(breaks):
        least, stays = np.full(g, np.inf), np.full(g, -1)
        for last in range(cut, T - cut):
            moves = np.broadcast_to(
                break_terms(periods, last, shift), (g, n, 1 + (shift == "both"))
            )
            near = (np.abs(chosen - last) < apart).any(axis=1)
            b, bread, e, bad = batched_ols(dy, np.concatenate([X, moves], axis=2))
            rss = np.einsum("gt,gt->g", e, e)
            df = n - X.shape[2] - moves.shape[2]
            with np.errstate(invalid="ignore", divide="ignore"):
                t = b[:, 0] / np.sqrt(bread[:, 0, 0] * rss / df)
            usable = ~bad.any(axis=1) & (rss > 1e-24 * n) & (scale > 0) & ~near
            better = usable & (t < best)
            best[better] = t[better]
            at[better, :step], at[better, step], at[better, step + 1 :] = chosen[better], last, -1
            closer = usable & (rss < least)
            least[closer], stays[closer] = rss[closer], last
        chosen = np.column_stack([chosen, stays])
        more = np.stack([break_terms(periods, last, shift) for last in stays])
        X = np.concatenate([X, more], axis=2)
    order = np.argsort(np.where(at < 0, T, at), axis=1)
    return np.where(np.isfinite(best), best, np.nan), np.take_along_axis(at, order, axis=1)


def break_terms(periods: IntArray, last: int, shift: str) -> FloatArray:
    """(n, 1 or 2) DU and DT of eq. (1)."""
    after = (periods > last).astype(float)
    moves = {"level": [after], "trend": [after * (periods - last)]}
    moves["both"] = [*moves["level"], *moves["trend"]]
    return np.column_stack(moves[shift])


def break_adf_panel(
    y: FloatArray, entity: IntArray, lags: IntArray, shift: str, trim: float, breaks: int = 1
) -> tuple[FloatArray, IntArray]:
    """:func:`break_adf`, or :func:`several_breaks_adf` with dates (N, m), for entities with their
    own lengths and lag orders; rows sorted by entity, consecutive rows consecutive periods. Dates
    are positions within the entity."""
    t, at = np.full(len(lags), np.nan), np.full((len(lags), breaks), -1)
    for codes, rows, lag in by_length_and_lag(entity, lags):
        if breaks == 1:
            t[codes], at[codes, 0] = break_adf(y[rows], lag, shift, trim)
        else:
            t[codes], at[codes] = several_breaks_adf(y[rows], lag, shift, trim, breaks)
    return t, at
