"""Unit-root statistics of balanced panels: Hadri, Harris-Tzavalis, Breitung."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.unit_roots.adf_batch import deterministics


def hadri_statistic(
    Y: FloatArray, trend: str, heterogeneous: bool, df_correction: bool, bandwidth: int
) -> tuple[float, FloatArray]:
    """Standardised LM statistic and the LM of each entity.

    Parameters
    ----------
    Y : (N, T)
    bandwidth : int
        Bartlett lags of the long-run variances; 0 for serially uncorrelated errors.
    """
    N, T = Y.shape
    Q = np.linalg.qr(deterministics(T, trend))[0]
    Y = Y - Y.mean(axis=1, keepdims=True)
    e = Y - (Y @ Q) @ Q.T
    divisor = T - Q.shape[1] if df_correction else T
    variance = np.einsum("nt,nt->n", e, e) / divisor
    for lag in range(1, bandwidth + 1):
        gamma = np.einsum("nt,nt->n", e[:, lag:], e[:, :-lag]) / divisor
        variance = variance + 2 * (1 - lag / (bandwidth + 1)) * gamma
    sums = np.einsum("nt,nt->n", np.cumsum(e, axis=1), np.cumsum(e, axis=1)) / T**2
    own = sums / variance
    LM = float(own.mean()) if heterogeneous else float(sums.mean() / variance.mean())
    mean, var = {"c": (1 / 6, 1 / 45), "ct": (1 / 15, 11 / 6300)}[trend]
    return float(np.sqrt(N) * (LM - mean) / np.sqrt(var)), own


def harris_tzavalis_statistic(Y: FloatArray, trend: str, T: int) -> tuple[float, float]:
    """Standardised and plain autoregressive coefficient of the pooled (within) regression.

    Parameters
    ----------
    Y : (N, T + 1)
    T : int
        Periods that enter the moments.
    """
    now, before = Y[:, 1:], Y[:, :-1]
    if trend != "n":
        Q = np.linalg.qr(deterministics(now.shape[1], trend))[0]
        now, before = now - (now @ Q) @ Q.T, before - (before @ Q) @ Q.T
    rho = float(np.einsum("nt,nt->", now, before) / np.einsum("nt,nt->", before, before))
    mean, var = {
        "n": (1.0, 2 / (T * (T - 1))),
        "c": (1 - 3 / (T + 1), 3 * (17 * T**2 - 20 * T + 17) / (5 * (T - 1) * (T + 1) ** 3)),
        "ct": (
            1 - 15 / (2 * (T + 2)),
            15 * (193 * T**2 - 728 * T + 1147) / (112 * (T + 2) ** 3 * (T - 2)),
        ),
    }[trend]
    return float(np.sqrt(len(Y)) * (rho - mean) / np.sqrt(var)), rho


def breitung_statistic(Y: FloatArray, trend: str, lags: int, robust: bool) -> float:
    """Breitung's lambda; see :func:`migdev.diagnostics.breitung`.

    Parameters
    ----------
    Y : (N, T)
    """
    dY = np.diff(Y, axis=1)
    if lags:
        # Pre-whitening: short-run dynamics of differences, filtered from levels and differences.
        base = dY - dY.mean(axis=1, keepdims=True) if trend == "ct" else dY
        n = base.shape[1] - lags
        X = np.stack([base[:, lags - j : lags - j + n] for j in range(1, lags + 1)], axis=2)
        level = Y[:, lags:-1]
        target = np.stack([base[:, lags:], level], axis=2)
        G = X.transpose(0, 2, 1) @ X
        B = np.linalg.solve(G, X.transpose(0, 2, 1) @ target[:, :, :1])[:, :, 0]
        du = dY[:, lags:] - np.einsum(
            "ntk,nk->nt",
            np.stack([dY[:, lags - j : lags - j + n] for j in range(1, lags + 1)], axis=2), B,
        )  # fmt: skip
        u = Y[:, lags:].copy()
        for j in range(1, lags + 1):
            u -= B[:, j - 1 : j] * Y[:, lags - j : Y.shape[1] - j]
        du, Y = np.diff(u, axis=1), u
    else:
        du = dY
    T = du.shape[1]
    start = Y[:, :1]
    if trend == "ct":
        # Forward orthogonal deviations remove the drift from differences; the levels lose the
        # line through their first and last point.
        t = np.arange(1, T)
        ahead = (np.cumsum(du[:, ::-1], axis=1)[:, ::-1])[:, 1:] / (T - t)
        d = np.sqrt((T - t) / (T - t + 1)) * (du[:, :-1] - ahead)
        slope = (Y[:, -1:] - start) / T
        v = Y[:, : T - 1] - start - slope * np.arange(T - 1)
        s2 = np.mean((du - du.mean(axis=1, keepdims=True)) ** 2, axis=1) * T / (T - 1)
    else:
        d = du
        v = Y[:, :-1] - (start if trend == "c" else 0.0)
        s2 = np.mean(du**2, axis=1)
    if robust:
        # Breitung and Das (2005): covariance across entities instead of variances.
        delta = float(np.einsum("nt,nt->", d, v) / np.einsum("nt,nt->", v, v))
        e = d - delta * v
        omega = e @ e.T / e.shape[1]
        top = float(np.einsum("nt,nt->", d, v))
        return top / float(np.sqrt(np.einsum("nt,nm,mt->", v, omega, v)))
    w = 1 / s2
    top = float(np.einsum("n,nt,nt->", w, d, v))
    return top / float(np.sqrt(np.einsum("n,nt,nt->", w, v, v)))
