"""Granger causality entity by entity, its panel averages, and their bootstrap."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.shift import shift
from migdev.kernels.arrays.types import BoolArray, Done, FloatArray, IntArray, untold
from migdev.kernels.heterogeneous.slopes import entity_slopes


def granger_wald(
    y: FloatArray, x: FloatArray, entity: IntArray, time: IntArray, lags: int, extra: int = 0
) -> tuple[FloatArray, IntArray, BoolArray]:
    """Wald statistics (N,) of x not causing y, regression periods (N,), and collinear entities.

    ``extra`` lags of both are in the regression but not in the test (Toda and Yamamoto).

    Parameters
    ----------
    y, x, entity, time : (n,)
        Rows sorted by entity, then time; a row is used where the entity has all lags.
    """
    N = int(entity.max()) + 1
    past = [shift(v, entity, time, j) for v in (y, x) for j in range(1, lags + extra + 1)]
    X = np.column_stack([np.ones(len(y)), *past])
    rows = np.flatnonzero(~np.isnan(X.sum(axis=1)))
    counts = np.bincount(entity[rows], minlength=N)
    W, bad = np.full(N, np.nan), np.zeros(N, dtype=bool)
    usable = counts > X.shape[1]
    rows = rows[usable[entity[rows]]]
    if not len(rows):
        return W, counts, bad
    who = np.unique(entity[rows], return_inverse=True)[1]
    full = entity_slopes(y[rows], X[rows], who)
    tested = slice(1 + lags + extra, 1 + 2 * lags + extra)
    b = full.params[:, tested]
    V = full.cov[:, tested, tested]
    # An exact fit leaves rounding errors, of no scale of their own.
    level = np.bincount(who, weights=y[rows] ** 2)
    spread = level - np.bincount(who, weights=y[rows]) ** 2 / np.bincount(who)
    exact = ~(full.rss > np.maximum(1e-20 * spread, 1e-28 * level))
    failed = full.dependent.any(axis=1) | exact
    value = np.full(len(b), np.nan)
    ok = ~failed
    value[ok] = np.einsum("ni,ni->n", b[ok], np.linalg.solve(V[ok], b[ok][:, :, None])[:, :, 0])
    W[usable], bad[usable] = value, failed
    return W, counts, bad


def standardised_wald(W: FloatArray, periods: IntArray, lags: int, small_sample: bool) -> float:
    r"""Z-bar, or Z-tilde with the moments of W for the periods of each regression.

    With :math:`T_i` periods in the regression, :math:`E(W_i) = K(T_i-2K-1)/(T_i-2K-3)` and
    :math:`V(W_i) = 2K(T_i-2K-1)^2(T_i-K-3)/\{(T_i-2K-3)^2(T_i-2K-5)\}` (Dumitrescu and Hurlin,
    eqs. 26 and 27).
    """
    N, K = len(W), lags
    if not small_sample:
        return float(np.sqrt(N / (2 * K)) * (W.mean() - K))
    T = periods.astype(float)
    mean = K * (T - 2 * K - 1) / (T - 2 * K - 3)
    var = 2 * K * (T - 2 * K - 1) ** 2 * (T - K - 3) / ((T - 2 * K - 3) ** 2 * (T - 2 * K - 5))
    return float(np.sqrt(N) * (W.mean() - mean.mean()) / np.sqrt(var.mean()))


def bootstrap_wald(
    Y: FloatArray, X: FloatArray, lags: int, reps: int, rng: np.random.Generator,
    done: Done = untold,
) -> FloatArray:  # fmt: skip
    """(reps,) average Wald statistics under the null that x causes y nowhere.

    Residuals of y's autoregressions are resampled period by period, the same periods for all
    entities, which keeps their dependence; y is rebuilt from a block of the data, x is kept
    (Dumitrescu and Hurlin 2012, section 6.2).

    Parameters
    ----------
    Y, X : (N, T)
    """
    N, T = Y.shape
    n = T - lags
    past = np.stack([Y[:, lags - j : T - j] for j in range(1, lags + 1)], axis=2)
    b, _, e, _ = batched_ols(Y[:, lags:], np.concatenate([np.ones((N, n, 1)), past], axis=2))
    e = e - e.mean(axis=1, keepdims=True)
    out = np.empty(reps)
    chunk = max(1, min(reps, 2_000_000 // (N * T)))
    for start in range(0, reps, chunk):
        B = min(chunk, reps - start)
        draws = e[:, rng.integers(0, n, size=(B, n))].transpose(1, 0, 2)  # (B, N, n)
        first = rng.integers(0, T - lags + 1, size=B)
        Z = np.empty((B, N, T))
        for j in range(lags):
            Z[:, :, j] = Y[:, first + j].T
        for t in range(lags, T):
            Z[:, :, t] = b[:, 0] + draws[:, :, t - lags]
            for j in range(1, lags + 1):
                Z[:, :, t] += b[:, j] * Z[:, :, t - j]
        entity = np.repeat(np.arange(B * N), T)
        time = np.tile(np.arange(T), B * N)
        x = np.broadcast_to(X, (B, N, T)).reshape(-1)
        W = granger_wald(Z.reshape(-1), x, entity, time, lags)[0]
        out[start : start + B] = W.reshape(B, N).mean(axis=1)
        done(B)
    return out
