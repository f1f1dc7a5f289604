"""Pedroni's and Kao's residual-based cointegration statistics."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.kernels.unit_roots.adf_batch import adf_arrays, choose_lags, deterministics


def bartlett(U: FloatArray, lags: int, divisor: float) -> tuple[FloatArray, FloatArray]:
    """(g,) variances and Bartlett long-run variances of the rows of U (g, T), not centred."""
    T = U.shape[1]
    gamma0 = np.einsum("gt,gt->g", U, U) / divisor
    total = gamma0.copy()
    for lag in range(1, min(lags, T - 1) + 1):
        gamma = np.einsum("gt,gt->g", U[:, lag:], U[:, : T - lag]) / divisor
        total += 2 * (1 - lag / (lags + 1)) * gamma
    return gamma0, total


def residuals_of(V: FloatArray, trend: str) -> tuple[FloatArray, BoolArray]:
    """Residuals (g, T) of V[:, :, 0] on the others and deterministics, and dependent columns."""
    g, T, _ = V.shape
    own = deterministics(T, trend)
    X = np.concatenate([np.broadcast_to(own, (g, *own.shape)), V[:, :, 1:]], axis=2)
    _, _, e, bad = batched_ols(V[:, :, 0], X)
    return e, np.asarray(bad.any(axis=1))


def pedroni_statistics(
    V: FloatArray, entity: IntArray, trend: str, lags: int | str, max_lags: int | None,
    bandwidth: int | None, common: bool = True,
) -> tuple[dict[str, float], IntArray]:  # fmt: skip
    """The seven statistics before standardisation, divided by nothing, and ADF lags (N,).

    Conventions of Pedroni (1999, table 1): long-run variances over T - 1 with Bartlett weights,
    the correction lambda summed over T.

    Parameters
    ----------
    V : (n, 1 + k)
        Dependent variable and regressors, rows sorted by entity, consecutive in time.
    bandwidth : int, optional
        Default round(4 (T/100)^(2/9)) by entity.
    common : bool
        A criterion compares lag orders on the sample of the largest one.
    """
    N = int(entity.max()) + 1
    e = np.empty(len(V))
    for _, rows in blocks(entity):
        e[rows] = residuals_of(V[rows], trend)[0]
    counts = np.bincount(entity)
    if isinstance(lags, str):
        schwert = (12 * (counts / 100) ** 0.25).astype(np.int64)
        largest = np.minimum(schwert if max_lags is None else max_lags, (counts - 4) // 2)
        orders = choose_lags(e, entity, largest, "n", lags, common=common)
    else:
        orders = np.full(N, lags, dtype=np.int64)
    parts = {k: np.empty(N) for k in ("L", "ss", "lr", "ede", "ee", "Nadf", "Dadf", "s2")}
    T = counts.astype(float)
    for codes, rows in blocks(entity):
        n = rows.shape[1]
        width = round(4 * (n / 100) ** (2 / 9)) if bandwidth is None else bandwidth
        E, W = e[rows], np.diff(V[rows], axis=1)
        eta = batched_ols(W[:, :, 0], W[:, :, 1:])[2]
        parts["L"][codes] = bartlett(eta, width, n - 1)[1]
        lagged, d = E[:, :-1], np.diff(E, axis=1)
        parts["ede"][codes] = np.einsum("gt,gt->g", lagged, d)
        parts["ee"][codes] = np.einsum("gt,gt->g", lagged, lagged)
        rho = parts["ede"][codes] / parts["ee"][codes]
        u = d - rho[:, None] * lagged
        parts["ss"][codes], parts["lr"][codes] = bartlett(u, width, n - 1)
        for lag in np.unique(orders[codes]):
            at = orders[codes] == lag
            dy, level, X = adf_arrays(E[at], int(lag), "n")
            dy, level = batched_ols(dy, X)[2], batched_ols(level, X)[2]
            top = np.einsum("gt,gt->g", dy, level)
            bottom = np.einsum("gt,gt->g", level, level)
            rss = np.einsum("gt,gt->g", dy, dy) - top**2 / bottom
            who = codes[at]
            parts["Nadf"][who], parts["Dadf"][who] = top, bottom
            parts["s2"][who] = rss / (n - 2 * lag - 2)
    lam = 0.5 * (parts["lr"] - parts["ss"])
    drift = parts["ede"] - lam * T
    L, ee = parts["L"], parts["ee"]
    sigma = np.mean(parts["lr"] / L)
    s = np.mean(parts["s2"] / L)
    root = np.sqrt(N)
    statistics = {
        "panel-v": root**3 / np.sum(ee / L / T**2),
        "panel-rho": root * np.sum(T * drift / L) / np.sum(ee / L),
        "panel-t": np.sum(drift / L) / np.sqrt(sigma * np.sum(ee / L)),
        "panel-adf": np.sum(parts["Nadf"] / L) / np.sqrt(s * np.sum(parts["Dadf"] / L)),
        "group-rho": np.sum(T * drift / ee) / root,
        "group-t": np.sum(drift / np.sqrt(ee * parts["lr"])) / root,
        "group-adf": np.sum(parts["Nadf"] / np.sqrt(parts["Dadf"] * parts["s2"])) / root,
    }
    return {name: float(value) for name, value in statistics.items()}, orders


def kao_statistics(V: FloatArray, lags: int, bandwidth: int) -> dict[str, float] | None:
    """Kao's (1999) five statistics, standard normal under the null; None where changes of the
    regressors explain those of y without error, so that there is no variance to scale them by.

    Parameters
    ----------
    V : (N, T, 1 + k)
        Dependent variable and regressors of a balanced panel.
    lags : int
        Lagged differences of the ADF statistic.
    bandwidth : int
        Bartlett lags of the long-run covariance of differences.
    """
    N, T, _ = V.shape
    M = V - V.mean(axis=1, keepdims=True)
    X, y = M[:, :, 1:].reshape(N * T, -1), M[:, :, 0].reshape(-1)
    e = (y - X @ np.linalg.lstsq(X, y, rcond=None)[0]).reshape(N, T)
    d, lagged = np.diff(e, axis=1), e[:, :-1]
    ee = float(np.sum(lagged**2))
    delta = float(np.sum(lagged * d)) / ee
    resid = d - delta * lagged
    s2 = float(np.sum(resid**2)) / (N * (T - 1))
    t = delta * np.sqrt(ee / s2)
    dy, level, W = adf_arrays(e, lags, "n")
    Z = np.concatenate([level[:, :, None], W], axis=2).reshape(-1, 1 + lags)
    target = dy.reshape(-1)
    b = np.linalg.lstsq(Z, target, rcond=None)[0]
    u = target - Z @ b
    adf = b[0] / np.sqrt(np.linalg.inv(Z.T @ Z)[0, 0] * (u @ u) / len(u))
    w = np.diff(V, axis=1)
    n = T - 1
    Sigma = np.einsum("ntj,ntk->jk", w, w) / (N * n)
    Omega = Sigma.copy()
    for lag in range(1, min(bandwidth, n - 1) + 1):
        G = np.einsum("ntj,ntk->jk", w[:, lag:], w[:, : n - lag]) / (N * n)
        Omega += (1 - lag / (bandwidth + 1)) * (G + G.T)
    v, v0 = _conditional(Sigma), _conditional(Omega)
    if not (v > 1e-10 * Sigma[0, 0] and v0 > 1e-10 * Omega[0, 0]):
        return None
    shift, scale = np.sqrt(6 * N * v / v0) / 2, np.sqrt(v0 / (2 * v) + 3 * v / (10 * v0))
    root, rho = np.sqrt(N), delta
    return {
        "DF-rho": float((root * n * rho + 3 * root) / np.sqrt(10.2)),
        "DF-t": float(np.sqrt(1.25) * t + np.sqrt(1.875 * N)),
        "DF-rho*": float(
            (root * n * rho + 3 * root * v / v0) / np.sqrt(3 + 36 * v**2 / (5 * v0**2))
        ),
        "DF-t*": float((t + shift) / scale),
        "ADF": float((adf + shift) / scale),
    }


def _conditional(S: FloatArray) -> float:
    """Variance of the first variable given the others."""
    return float(S[0, 0] - S[0, 1:] @ np.linalg.lstsq(S[1:, 1:], S[1:, 0])[0])
