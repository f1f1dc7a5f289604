"""Westerlund's (2007) error-correction tests of cointegration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import BoolArray, Done, FloatArray, IntArray, untold
from migdev.kernels.cointegration.pedroni import bartlett
from migdev.kernels.unit_roots.adf_batch import deterministics


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EcmParts:
    """What one entity adds to the four statistics; all (g,).

    Attributes
    ----------
    alpha, se : error-correction coefficient and its standard error
    ratio : alpha_i(1), the ratio of long-run standard deviations
    cross, square : sums of the lagged level times the difference, and squared, after the other
        regressors are taken out
    rss : residual sum of squares
    df : degrees of freedom
    collinear : the regression cannot be computed
    """

    alpha: FloatArray
    se: FloatArray
    ratio: FloatArray
    cross: FloatArray
    square: FloatArray
    rss: FloatArray
    df: int
    collinear: BoolArray


def ecm_parts(V: FloatArray, lags: int, leads: int, trend: str, bandwidth: int) -> EcmParts:
    """Error-correction regressions of series of one length.

    Parameters
    ----------
    V : (g, T, 1 + k)
        Dependent variable and regressors.
    bandwidth : int
        Bartlett lags of the long-run variances.
    """
    T, k = V.shape[1], V.shape[2] - 1
    D = np.diff(V, axis=1)
    first, last = lags, D.shape[1] - leads
    n = last - first
    dy, level, W = _ecm_arrays(V, lags, leads, trend)
    own = deterministics(T, trend)[1:]
    dyt, _, dy_resid, bad = batched_ols(dy, W)
    level_resid = batched_ols(level, W)[2]
    cross = np.einsum("gt,gt->g", level_resid, dy_resid)
    square = np.einsum("gt,gt->g", level_resid, level_resid)
    alpha = np.divide(cross, square, out=np.full(len(V), np.nan), where=square > 0)
    e = dy_resid - alpha[:, None] * level_resid
    rss = np.einsum("gt,gt->g", e, e)
    coefficients = W.shape[2] + 1
    df = n - coefficients
    se = np.sqrt(np.divide(rss / df, square, out=np.full(len(V), np.nan), where=square > 0))
    # u: what neither levels, deterministics nor lags of Delta y explain; it exists where these do,
    # beyond the periods that leads cost.
    X = np.concatenate([level[:, :, None], W], axis=2)
    b = batched_ols(dy, X)[0]
    d = own.shape[1]
    shift = 0.0 if trend == "n" else V[:, first:last, 0].mean(axis=1, keepdims=True)
    end = D.shape[1]
    longer = np.broadcast_to(own[first:end], (len(V), end - first, d))
    u = D[:, first:end, 0] - b[:, :1] * (V[:, first:end, 0] - shift)
    u = u - np.einsum("gtd,gd->gt", longer, b[:, 1 : 1 + d])
    u = u - np.einsum("gtk,gk->gt", V[:, first:end, 1:], b[:, 1 + d : 1 + d + k])
    for j in range(1, lags + 1):
        u = u - b[:, d + k + j : d + k + j + 1] * D[:, first - j : end - j, 0]
    dy_all = D[:, :, 0]
    if trend == "ct":
        dy_all = dy_all - dy_all.mean(axis=1, keepdims=True)
    omega_u = bartlett(u, bandwidth, u.shape[1])[1]
    omega_y = bartlett(dy_all, bandwidth, dy_all.shape[1])[1]
    ratio = np.sqrt(np.divide(omega_u, omega_y, out=np.full(len(V), np.nan), where=omega_y > 0))
    return EcmParts(
        alpha=alpha, se=se, ratio=ratio, cross=cross, square=square, rss=rss,
        df=df,
        collinear=bad.any(axis=1)
        | ~np.isfinite(dyt).all(axis=1)
        | ~(square > 0)
        | ~(rss > 1e-20 * np.einsum("gt,gt->g", dy, dy)),
    )  # fmt: skip


def combine(groups: FloatArray, pooled: FloatArray, df: FloatArray, pooled_df: float) -> FloatArray:
    """(..., 4) Gt, Ga, Pt, Pa from entities on the last axis but one.

    Parameters
    ----------
    groups : (..., N, 3)
        alpha, se, ratio with each entity's own lags.
    pooled : (..., N, 4)
        cross, square, rss, ratio with the common lags.
    df : (N,)
        Degrees of freedom of each entity's regression.
    """
    alpha, se, ratio = np.moveaxis(groups, -1, 0)
    Gt = (alpha / se).mean(axis=-1)
    Ga = (df * alpha / ratio).mean(axis=-1)
    cross, square, rss, ratio = np.moveaxis(pooled, -1, 0)
    bottom = square.sum(axis=-1)
    a = (cross / ratio).sum(axis=-1) / bottom
    s2 = (rss / pooled_df / ratio**2).mean(axis=-1)
    return np.stack([Gt, Ga, a / np.sqrt(s2 / bottom), pooled_df * a], axis=-1)


def bootstrap_statistics(
    V: FloatArray, lags: int, leads: int, trend: str, bandwidth: int, reps: int,
    rng: np.random.Generator, done: Done = untold,
) -> FloatArray:  # fmt: skip
    """(reps, 4) statistics under no cointegration, robust to dependence between entities.

    Differences of y are regressed on their lags and on differences of x, leads and lags (Westerlund
    2007, section 4); residuals and changes of x are drawn together, the same periods for all
    entities, and cumulated.

    Parameters
    ----------
    V : (N, T, 1 + k)
    """
    N, T, width = V.shape
    k = width - 1
    D = np.diff(V, axis=1)
    Dx = D[:, :, 1:] - D[:, :, 1:].mean(axis=1, keepdims=True)
    first, last = lags, D.shape[1] - leads
    n = last - first
    own = deterministics(n, "n" if trend == "n" else "c" if trend == "c" else "ct")
    det = np.broadcast_to(own, (N, *own.shape))
    past = [D[:, first - j : last - j, :1] for j in range(1, lags + 1)]
    moves = [D[:, first - j : last - j, 1:] for j in range(-leads, lags + 1)]
    X = np.concatenate([det, *past, *moves], axis=2)
    b, _, e, _ = batched_ols(D[:, first:last, 0], X)
    e = e - e.mean(axis=1, keepdims=True)
    d = own.shape[1]
    phi, gamma = b[:, d : d + lags], b[:, d + lags :].reshape(N, leads + lags + 1, k)
    # Residuals and changes of x of the same period.
    pool_x = Dx[:, first:last]
    burn = lags + leads + 10
    length = T + burn + leads
    out = np.empty((reps, 4))
    chunk = max(1, min(reps, 1_500_000 // (N * length * width)))
    for start in range(0, reps, chunk):
        B = min(chunk, reps - start)
        draw = rng.integers(0, n, size=(B, length))
        es = np.moveaxis(e[:, draw], 0, 1)  # (B, N, length)
        xs = np.moveaxis(pool_x[:, draw], 0, 1)  # (B, N, length, k)
        dy = np.zeros((B, N, length))
        for t in range(lags, length - leads):
            dy[:, :, t] = es[:, :, t]
            for j in range(1, lags + 1):
                dy[:, :, t] += phi[:, j - 1] * dy[:, :, t - j]
            for i, j in enumerate(range(-leads, lags + 1)):
                dy[:, :, t] += np.einsum("bnk,nk->bn", xs[:, :, t - j], gamma[:, i])
        stop = length - leads
        z = np.concatenate([dy[:, :, :stop, None], xs[:, :, :stop]], axis=3)
        sample = np.cumsum(z, axis=2)[:, :, -T:].reshape(B * N, T, width)
        parts = ecm_parts(sample, lags, leads, trend, bandwidth)
        groups = np.stack([parts.alpha, parts.se, parts.ratio], axis=-1).reshape(B, N, 3)
        pooled = np.stack([parts.cross, parts.square, parts.rss, parts.ratio], axis=-1).reshape(
            B, N, 4
        )
        out[start : start + B] = combine(groups, pooled, np.full(N, float(parts.df)), parts.df)
        done(B)
    return out


def best_orders(
    V: FloatArray, min_lags: int, max_lags: int, max_leads: int, trend: str, common: bool
) -> tuple[IntArray, IntArray]:
    r"""(g,) lags and leads with the smallest AIC among all up to the largest.

    Parameters
    ----------
    V : (g, T, 1 + k)
    common : bool
        :math:`\ln(RSS/n) + 2k/n` on the sample of the largest orders; else
        :math:`-2\ln L + 2k` on each order's own.
    """
    g = len(V)
    best = np.full(g, np.inf)
    lags, leads = np.full(g, min_lags, dtype=np.int64), np.zeros(g, dtype=np.int64)
    for p in range(max_lags, min_lags - 1, -1):
        for q in range(max_leads, -1, -1):
            cut = (max_lags - p, max_leads - q) if common else (0, 0)
            dy, level, W = _ecm_arrays(V, p, q, trend, cut)
            X = np.concatenate([level[:, :, None], W], axis=2)
            e = batched_ols(dy, X)[2]
            n, k = X.shape[1:]
            with np.errstate(divide="ignore"):
                value = np.log(np.einsum("gt,gt->g", e, e) / n) + 2.0 * k / n
            if not common:
                value = n * (value + 1 + np.log(2 * np.pi))
            better = value < best
            best[better], lags[better], leads[better] = value[better], p, q
    return lags, leads


def _ecm_arrays(
    V: FloatArray, lags: int, leads: int, trend: str, cut: tuple[int, int] = (0, 0)
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Delta y (g, n), y_{-1} (g, n), and deterministics, x_{-1} and differences (g, n, m).

    ``cut`` periods at the start and the end are left out beyond those that lags and leads cost.
    """
    g, T, _ = V.shape
    D = np.diff(V, axis=1)  # D[:, t] is the change into period t + 1
    first, last = lags + cut[0], D.shape[1] - leads - cut[1]
    own = deterministics(T, trend)[1:]
    det = np.broadcast_to(own[first:last], (g, last - first, own.shape[1]))
    past_y = [D[:, first - j : last - j, 0] for j in range(1, lags + 1)]
    moves = [D[:, first - j : last - j, 1:] for j in range(-leads, lags + 1)]
    pieces = [det, V[:, first:last, 1:], *[p[:, :, None] for p in past_y], *moves]
    level = V[:, first:last, 0]
    if trend != "n":
        level = level - level.mean(axis=1, keepdims=True)
    return D[:, first:last, 0], level, np.concatenate(pieces, axis=2)
