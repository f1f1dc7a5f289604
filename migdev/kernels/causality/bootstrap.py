"""Bootstrap of panel Granger statistics under dependence between entities."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.causality.granger import granger_wald


def bootstrap_wald(
    Y: FloatArray, X: FloatArray, lags: int, reps: int, rng: np.random.Generator
) -> FloatArray:
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
    return out
