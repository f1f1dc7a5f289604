"""Cross-section averages, pooled CCE, and the common dynamic process of AMG."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.least_squares import independent_columns, least_squares
from migdev.kernels.arrays.shift import lag_rows
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import period_means


def averages_at(
    values: FloatArray, periods: IntArray, at: IntArray, lags: int
) -> tuple[FloatArray, BoolArray]:
    """Cross-section averages and their lags at given periods, and where all of them exist.

    Parameters
    ----------
    values : (m, p); periods : (m,)
        Data that are averaged, and their ordinal periods.
    at : (n,)
        Periods at which the averages are wanted.
    lags : int

    Returns
    -------
    (n, p (lags + 1)) averages, lag by lag; (n,) True where no average is missing.
    """
    low = min(int(periods.min()), int(at.min()) - lags)
    span = int(max(periods.max(), at.max())) - low + 1
    counts = np.bincount(periods - low, minlength=span)
    sums = np.stack([np.bincount(periods - low, column, span) for column in values.T])
    with np.errstate(invalid="ignore"):
        means = sums / counts  # 0 / 0: nothing is observed in that period
    path = np.concatenate([means[:, lags - lag : span - lag] for lag in range(lags + 1)])
    index = at - low - lags
    return path[:, index].T, ~np.isnan(path).any(axis=0)[index]


def cce_pooled(S: FloatArray, XMy: FloatArray, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pooled CCE slopes and Pesaran's non-parametric covariance.

    Parameters
    ----------
    S : (N, k, k) of X_i'M_iX_i; XMy : (N, k); slopes : (N, k) of each entity alone
    """
    N = len(S)
    total = S.sum(axis=0)
    params = np.linalg.solve(total, XMy.sum(axis=0))
    pull = np.einsum("nij,nj->ni", S, slopes - slopes.mean(axis=0))
    half = np.linalg.solve(total, pull.T)
    return params, half @ half.T * (N / (N - 1))


def common_process(
    y: FloatArray, X: FloatArray, entity: IntArray, time: IntArray
) -> tuple[FloatArray, list[int]]:
    """Eberhardt and Teal's common dynamic process at every row, and periods where it breaks.

    The regression of differences on differences and differenced period dummies is the within-period
    regression of differences; its period effects are the steps of the process.

    Parameters
    ----------
    y : (n,); X : (n, k); entity, time : (n,)
    """
    before = lag_rows(entity, time, 1)
    now = np.flatnonzero(before >= 0)
    dy, dX = y[now] - y[before[now]], X[now] - X[before[now]]
    periods = np.unique(time)
    first = int(periods[0])
    steps, codes = np.unique(time[now], return_inverse=True)
    wanted = np.arange(first + 1, int(periods[-1]) + 1)
    broken = [int(p) for p in np.setdiff1d(wanted, steps)]
    if broken:
        return np.zeros(len(y)), broken
    stacked = np.column_stack([dy, dX])
    within = stacked - period_means(stacked, codes)
    lengths = np.sqrt(np.einsum("ij,ij->j", dX, dX))
    keep = independent_columns(within[:, 1:], lengths)  # common variables belong to the process
    slopes = np.zeros(dX.shape[1])
    slopes[keep] = least_squares(within[:, 1:][:, keep], within[:, 0]).params
    step = np.bincount(codes, weights=dy - dX @ slopes) / np.bincount(codes)
    path = np.concatenate([[0.0], np.cumsum(step)])
    process: FloatArray = path[time - first]
    return process, []
