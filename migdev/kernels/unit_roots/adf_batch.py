"""Augmented Dickey-Fuller regressions of many series at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdfBatch:
    """One regression per series: Delta y on y_{-1}, lags of Delta y and deterministics.

    Attributes
    ----------
    t, rho, se : (N,)
        t-statistic, coefficient and standard error of y_{-1} (degrees of freedom corrected).
    last_t : (N,)
        t-statistic of the longest lag; of y_{-1} where there is none.
    rss : (N,)
    nobs, k : (N,)
        Periods of the regression, and its coefficients.
    collinear : (N,)
        The regression cannot be computed: a constant series, or a perfect fit.
    """

    t: FloatArray
    rho: FloatArray
    se: FloatArray
    last_t: FloatArray
    rss: FloatArray
    nobs: IntArray
    k: IntArray
    collinear: BoolArray


def deterministics(T: int, trend: str) -> FloatArray:
    """(T, 0), (T, 1) or (T, 2) for "n", "c", "ct"."""
    width = {"n": 0, "c": 1, "ct": 2}[trend]
    return np.column_stack([np.ones(T), np.arange(1.0, T + 1)])[:, :width]


def adf_arrays(
    Y: FloatArray, lag: int, trend: str, skip: int = 0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Delta y (g, n), y_{-1} (g, n), and (g, n, lag + d) lagged differences and deterministics.

    Parameters
    ----------
    Y : (g, T)
    skip : int
        Periods dropped at the start beyond those the lags cost.
    """
    first = lag + skip
    dY = np.diff(Y, axis=1)
    n = dY.shape[1] - first
    lagged = [dY[:, first - j : dY.shape[1] - j] for j in range(1, lag + 1)]
    own = deterministics(n, trend)
    det = np.broadcast_to(own, (len(Y), *own.shape))
    W = np.concatenate([np.stack(lagged, axis=2), det], axis=2) if lag else det
    return dY[:, first:], Y[:, first:-1], W


def standardised(Y: FloatArray, trend: str) -> tuple[FloatArray, FloatArray]:
    """Series on unit scale, about their mean where the regression has an intercept; the scales.

    t-statistics do not change; conditioning does.
    """
    if trend != "n":
        Y = Y - Y.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.mean(Y**2, axis=1))
    return Y / np.where(scale > 0, scale, 1.0)[:, None], scale


def adf(Y: FloatArray, lag: int, trend: str, skip: int = 0) -> AdfBatch:
    """ADF regressions of series of one length with one lag order.

    Parameters
    ----------
    Y : (g, T)
    trend : {"n", "c", "ct"}
    """
    Y, scale = standardised(Y, trend)
    dy, level, W = adf_arrays(Y, lag, trend, skip)
    X = np.concatenate([level[:, :, None], W], axis=2)
    g, n, k = X.shape
    b, bread, e, bad = batched_ols(dy, X)
    rss = np.einsum("gt,gt->g", e, e)
    collinear = bad.any(axis=1) | (scale == 0) | ~(rss > 1e-24 * n)
    s2 = rss / (n - k) if n > k else np.full(g, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt(bread[:, 0, 0] * s2)
        t = b[:, 0] / se
        last_t = b[:, lag] / np.sqrt(bread[:, lag, lag] * s2)
    return AdfBatch(
        t=t, rho=b[:, 0], se=se, last_t=last_t, rss=rss * scale**2, nobs=np.full(g, n),
        k=np.full(g, k), collinear=collinear,
    )  # fmt: skip


def adf_panel(y: FloatArray, entity: IntArray, lags: IntArray, trend: str) -> AdfBatch:
    """ADF regressions of entities with their own lengths and lag orders.

    Parameters
    ----------
    y : (n,); entity : (n,)
        Rows sorted by entity; consecutive rows are consecutive periods.
    lags : (N,)
    """
    N = len(lags)
    parts: dict[str, FloatArray] = {
        name: np.full(N, np.nan) for name in ("t", "rho", "se", "last_t", "rss")
    }
    nobs, k = np.zeros(N, dtype=np.int64), np.zeros(N, dtype=np.int64)
    collinear = np.zeros(N, dtype=bool)
    for codes, rows, lag in by_length_and_lag(entity, lags):
        fit = adf(y[rows], lag, trend)
        for name, values in parts.items():
            values[codes] = getattr(fit, name)
        nobs[codes], k[codes], collinear[codes] = fit.nobs, fit.k, fit.collinear
    return AdfBatch(**parts, nobs=nobs, k=k, collinear=collinear)


def by_length_and_lag(entity: IntArray, lags: IntArray) -> Iterator[tuple[IntArray, IntArray, int]]:
    """Entities of one length and lag order: codes (g,), rows (g, T), lag."""
    for codes, rows in blocks(entity):
        for lag in np.unique(lags[codes]):
            at = lags[codes] == lag
            yield codes[at], rows[at], int(lag)


def choose_lags(
    y: FloatArray, entity: IntArray, largest: IntArray, trend: str, criterion: str, common: bool,
    df_correction: bool = True,
) -> IntArray:  # fmt: skip
    r"""(N,) lag orders that minimise :math:`\ln(RSS/n) + c\,k/n`, c = 2 ("aic") or ln n ("bic"),
    or the largest whose last lag has |t| >= 1.96 ("t-sig", Hall 1994).

    Parameters
    ----------
    largest : (N,)
    common : bool
        Compare all orders on the sample of the largest one.
    df_correction : bool
        Residual variance behind the t of the last lag over n - k, or over n.
    """
    chosen = np.zeros(len(largest), dtype=np.int64)
    for codes, rows, top in by_length_and_lag(entity, largest):
        best = np.full(len(codes), np.inf)
        done = np.zeros(len(codes), dtype=bool)
        for lag in range(top, -1, -1):
            fit = adf(y[rows], lag, trend, skip=top - lag if common else 0)
            n, k = int(fit.nobs[0]), int(fit.k[0])
            if criterion == "t-sig":
                factor = 1.0 if df_correction else np.sqrt(n / (n - k))
                hit = ~done & ((np.abs(fit.last_t) * factor >= 1.96) | (lag == 0))
                chosen[codes[hit]] = lag
                done |= hit
                continue
            with np.errstate(divide="ignore"):
                value = np.log(fit.rss / n) + (2.0 if criterion == "aic" else np.log(n)) * k / n
            # Ties go to the larger order, which is met first, as in plm.
            better = value < best
            best[better], chosen[codes[better]] = value[better], lag
    return chosen
