"""Fully modified and dynamic least squares of cointegrating regressions, entity by entity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks, partial_out
from migdev.kernels.sandwich.hac import kernel_weights
from migdev.kernels.unit_roots.adf_batch import deterministics


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cointegrating:
    """One regression per entity, after deterministics (and leads and lags) are taken out.

    Attributes
    ----------
    params : (N, k)
    S, Sy : (N, k, k) and (N, k)
        Moments with ``S params = Sy``, corrections included.
    omega : (N,)
        Long-run variance of the error given changes of the regressors.
    nobs : (N,)
    resid : (n,)
        Residuals at the entity's coefficients; missing where the regression has no row.
    dependent : (N, k)
        Columns that are linear combinations of earlier ones within the entity.
    """

    params: FloatArray
    S: FloatArray
    Sy: FloatArray
    omega: FloatArray
    nobs: IntArray
    resid: FloatArray
    dependent: BoolArray

    @property
    def cov(self) -> FloatArray:
        """(N, k, k) covariance of each entity's coefficients."""
        return np.linalg.inv(self.S) * self.omega[:, None, None]


def default_bandwidth(T: int) -> int:
    """Newey and West's rule, round(4 (T/100)^(2/9))."""
    return int(np.round(4 * (T / 100) ** (2 / 9)))


def absorbed(after: FloatArray, before: FloatArray) -> BoolArray:
    """(g, k) columns of which projections left rounding error only."""
    lengths = [np.sqrt(np.einsum("gtk,gtk->gk", v, v)) for v in (after, before)]
    return np.asarray(lengths[0] <= 1e-10 * lengths[1])


def lag_weights(kernel: str, bandwidth: int, n: int) -> FloatArray:
    """Weights of lags 0, 1, ... in a long-run covariance of n observations."""
    reach = n - 1 if kernel == "quadratic-spectral" else min(bandwidth, n - 1)
    return kernel_weights(kernel, bandwidth, reach)


def fully_modified(
    y: FloatArray, X: FloatArray, entity: IntArray, trend: str, bandwidth: int | None,
    kernel: str = "bartlett",
) -> Cointegrating:  # fmt: skip
    r"""Phillips and Hansen's estimator for each entity.

    With :math:`w_t = (\hat u_t, \Delta x_t')'`, its kernel long-run covariance :math:`\Omega` and
    one-sided :math:`\Lambda = \sum_{j\ge0}k_j\Gamma_j`,

    .. math::
        y_t^+ &= y_t - \Delta x_t'\Omega_{xx}^{-1}\Omega_{xu}, \qquad
        \lambda^+ = \Lambda_{xu} - \Lambda_{xx}\Omega_{xx}^{-1}\Omega_{xu} \\
        \hat\beta &= (\textstyle\sum\tilde x_t\tilde x_t')^{-1}(\sum\tilde x_ty_t^+ - n\lambda^+)

    where a tilde marks residuals from the deterministics and sums run over t = 2..T.

    Parameters
    ----------
    y : (n,); X : (n, k); entity : (n,)
        Rows sorted by entity, consecutive in time.
    """
    N, k = int(entity.max()) + 1, X.shape[1]
    S, Sy = np.empty((N, k, k)), np.empty((N, k))
    omega, nobs = np.empty(N), np.zeros(N, dtype=np.int64)
    resid, dependent = np.full(len(y), np.nan), np.zeros((N, k), dtype=bool)
    kept = []
    for codes, rows in blocks(entity):
        T = rows.shape[1]
        width = default_bandwidth(T) if bandwidth is None else bandwidth
        own = deterministics(T, trend)
        Q = np.linalg.qr(own)[0]
        Yg, Xg = y[rows], X[rows]
        Yt, Xt = Yg - (Yg @ Q) @ Q.T, Xg - np.einsum("tq,sq,gsk->gtk", Q, Q, Xg)
        Xt = np.where(absorbed(Xt, Xg)[:, None, :], 0.0, Xt)
        _, _, u, bad = batched_ols(Yt, Xt)
        # Levels lose their deterministics first, so drift leaves the changes where there is one.
        dX = np.diff(Xt if trend == "ct" else Xg, axis=1)
        w = np.concatenate([u[:, 1:, None], dX], axis=2)
        n = T - 1
        G0 = w.transpose(0, 2, 1) @ w / n
        Omega, Lambda = G0.copy(), G0.copy()
        for lag, weight in enumerate(lag_weights(kernel, width, n)[1:], start=1):
            # Gamma_j = E(w_{t-j} w_t'): what past changes of x share with today's error.
            G = w[:, : n - lag].transpose(0, 2, 1) @ w[:, lag:] / n
            Omega += weight * (G + G.transpose(0, 2, 1))
            Lambda += weight * G
        undefined = ~np.isfinite(Omega).all(axis=(1, 2)) & ~bad.any(axis=1)
        bad[undefined] = True
        Omega[bad.any(axis=1)] = np.eye(1 + k)
        gain = np.linalg.solve(Omega[:, 1:, 1:], Omega[:, 1:, :1])[:, :, 0]
        plus = Lambda[:, 1:, 0] - np.einsum("gij,gj->gi", Lambda[:, 1:, 1:], gain)
        P = np.linalg.qr(own[1:])[0]
        yp = Yg[:, 1:] - np.einsum("gtk,gk->gt", dX, gain)
        yp = yp - (yp @ P) @ P.T
        x1 = Xg[:, 1:] - np.einsum("tq,sq,gsk->gtk", P, P, Xg[:, 1:])
        S[codes] = x1.transpose(0, 2, 1) @ x1
        Sy[codes] = np.einsum("gtk,gt->gk", x1, yp) - n * plus
        omega[codes] = Omega[:, 0, 0] - np.einsum("gk,gk->g", Omega[:, 0, 1:], gain)
        nobs[codes], dependent[codes] = n, bad
        kept.append((codes, rows, x1, yp))
    S[dependent.any(axis=1)] = np.eye(k)
    params = np.asarray(np.linalg.solve(S, Sy[:, :, None])[:, :, 0])
    for codes, rows, x1, yp in kept:
        resid[rows[:, 1:]] = yp - np.einsum("gtk,gk->gt", x1, params[codes])
    return Cointegrating(
        params=params, S=S, Sy=Sy, omega=omega, nobs=nobs, resid=resid, dependent=dependent
    )


def dynamic_ols(
    y: FloatArray, X: FloatArray, entity: IntArray, trend: str, lags: int, leads: int,
    bandwidth: int | None, kernel: str = "bartlett",
) -> Cointegrating:  # fmt: skip
    """Least squares with lags and leads of changes of the regressors (Saikkonen, Stock-Watson).

    Parameters
    ----------
    y : (n,); X : (n, k); entity : (n,)
        Rows sorted by entity, consecutive in time.
    """
    N, k = int(entity.max()) + 1, X.shape[1]
    S, Sy = np.empty((N, k, k)), np.empty((N, k))
    params, omega = np.empty((N, k)), np.empty(N)
    nobs, dependent = np.zeros(N, dtype=np.int64), np.zeros((N, k), dtype=bool)
    resid = np.full(len(y), np.nan)
    for codes, rows in blocks(entity):
        T = rows.shape[1]
        Xg = X[rows]
        dX = np.diff(Xg, axis=1)
        at = np.arange(1 + lags, T - leads)
        own = deterministics(T, trend)[at]
        shifts = [dX[:, at - 1 - j] for j in range(-leads, lags + 1)]
        W = np.concatenate([np.broadcast_to(own, (len(codes), *own.shape)), *shifts], axis=2)
        n = len(at)
        flat = np.repeat(np.arange(len(codes)), n)
        V = np.concatenate([y[rows][:, at, None], Xg[:, at]], axis=2)
        V = partial_out(
            V.reshape(-1, 1 + k), W.reshape(len(codes) * n, -1), flat
        )[0].reshape(len(codes), n, 1 + k)  # fmt: skip
        gone = absorbed(V[:, :, 1:], Xg[:, at])[:, None, :]
        b, _, e, bad = batched_ols(V[:, :, 0], np.where(gone, 0.0, V[:, :, 1:]))
        width = default_bandwidth(T) if bandwidth is None else bandwidth
        S[codes] = V[:, :, 1:].transpose(0, 2, 1) @ V[:, :, 1:]
        Sy[codes] = np.einsum("gtk,gt->gk", V[:, :, 1:], V[:, :, 0])
        params[codes], omega[codes] = b, _long_run(e, lag_weights(kernel, width, n))
        nobs[codes], dependent[codes] = n, bad
        resid[rows[:, at]] = e
    S[dependent.any(axis=1)] = np.eye(k)
    return Cointegrating(
        params=params, S=S, Sy=Sy, omega=omega, nobs=nobs, resid=resid, dependent=dependent
    )


def _long_run(e: FloatArray, weights: FloatArray) -> FloatArray:
    """(g,) long-run variances of the rows of e (g, n), not centred."""
    n = e.shape[1]
    total: FloatArray = np.einsum("gt,gt->g", e, e) / n
    for lag, weight in enumerate(weights[1:], start=1):
        total = total + 2 * weight * np.einsum("gt,gt->g", e[:, lag:], e[:, : n - lag]) / n
    return total


def pooled_cointegrating(fit: Cointegrating) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Common slopes, their covariance with long-run variances by entity, and the influence (N, k)
    of the entities."""
    total = fit.S.sum(axis=0)
    params = np.linalg.solve(total, fit.Sy.sum(axis=0))
    inverse = np.linalg.inv(total)
    meat = np.einsum("n,nij->ij", fit.omega, fit.S)
    return params, inverse @ meat @ inverse, (fit.Sy - fit.S @ params) @ inverse
