"""Principal-component factors and Bai's (2009) interactive fixed effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from migdev.kernels.arrays.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interactive:
    """Least squares with factors.

    Attributes
    ----------
    params : (k,)
    factors : (T, r), with F'F / T = I
    loadings : (N, r)
    resid : (N, T)
    Z : (N, T, k)
        Regressors after factors and loadings are projected out, eq. (3).
    iterations : int
    change : float
        Largest change of the coefficients in the last iteration, in their own scale.
    converged : bool
    """

    params: FloatArray
    factors: FloatArray
    loadings: FloatArray
    resid: FloatArray
    Z: FloatArray
    iterations: int
    change: float
    converged: bool


def principal_components(W: FloatArray, r: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Factors (T, r) with F'F/T = I, loadings (N, r), and all eigenvalues of W'W/(NT), descending.

    Parameters
    ----------
    W : (N, T)
    """
    N, T = W.shape
    if T <= N:
        values, vectors = np.linalg.eigh(W.T @ W / (N * T))
        order = np.argsort(values)[::-1]
        F = np.sqrt(T) * vectors[:, order[:r]]
        return F, W @ F / T, np.maximum(values[order], 0.0)
    values, vectors = np.linalg.eigh(W @ W.T / (N * T))
    order = np.argsort(values)[::-1]
    loadings = np.sqrt(N) * vectors[:, order[:r]]
    raw = W.T @ loadings / N
    scale = np.sqrt(np.einsum("tr,tr->r", raw, raw) / T)
    scale = np.where(scale > 0, scale, 1.0)
    return raw / scale, loadings * scale, np.maximum(values[order], 0.0)


def demeaned(V: FloatArray, effects: tuple[str, ...]) -> FloatArray:
    """(N, T, ...) without the additive effects of a balanced panel."""
    out = V
    if "entity" in effects:
        out = out - out.mean(axis=1, keepdims=True)
    if "time" in effects:
        out = out - out.mean(axis=0, keepdims=True)
    return out


def interactive_effects(
    Y: FloatArray, X: FloatArray, r: int, tol: float = 1e-11, max_iter: int = 20_000
) -> Interactive:
    r"""Minimise :math:`\sum_{it}(y_{it} - x_{it}'\beta - \lambda_i'f_t)^2`.

    Alternates between factors given beta and beta given the common component, from several starts
    (pooled least squares; least squares after the factors of all variables are taken out), and
    keeps the smallest sum of squares. Every third step is extrapolated where that lowers the sum.

    Parameters
    ----------
    Y : (N, T); X : (N, T, k)
    """
    N, T, k = X.shape
    flat = X.reshape(N * T, k)
    gram = np.asarray(np.linalg.inv(flat.T @ flat))
    pooled = gram @ (flat.T @ Y.reshape(-1))
    wide = np.concatenate([Y, *np.moveaxis(X, 2, 0)], axis=0)
    scale = np.sqrt((wide**2).mean(axis=1, keepdims=True))
    F = principal_components(wide / np.where(scale > 0, scale, 1.0), min(r * (k + 1), T // 2))[0]
    starts = [pooled, _given_factors(Y, X, F, pooled)]
    best: Interactive | None = None
    for start in starts:
        fit = _alternate(Y, X, r, start, gram, flat, tol, max_iter)
        if best is None or float(np.sum(fit.resid**2)) < float(np.sum(best.resid**2)):
            best = fit
    assert best is not None
    return best


def _given_factors(Y: FloatArray, X: FloatArray, F: FloatArray, fallback: FloatArray) -> FloatArray:
    Q = np.linalg.qr(F)[0]
    My = Y - (Y @ Q) @ Q.T
    MX = X - np.einsum("tq,nqk->ntk", Q, np.einsum("sq,nsk->nqk", Q, X))
    flat = MX.reshape(-1, X.shape[2])
    S = flat.T @ flat
    if np.linalg.cond(S) > 1e12:
        return fallback
    return np.asarray(np.linalg.solve(S, flat.T @ My.reshape(-1)))


def _alternate(
    Y: FloatArray, X: FloatArray, r: int, start: FloatArray, gram: FloatArray, flat: FloatArray,
    tol: float, max_iter: int,
) -> Interactive:  # fmt: skip
    beta = start
    scale = np.sqrt(np.diagonal(gram) * np.sum((Y - X @ start) ** 2) / Y.size) + 1e-300
    previous: list[FloatArray] = []
    change, iteration = np.inf, 0
    while iteration < max_iter:
        iteration += 1
        W = Y - X @ beta
        F, loadings, _ = principal_components(W, r)
        new = gram @ (flat.T @ (Y - loadings @ F.T).reshape(-1))
        change = float(np.max(np.abs(new - beta) / scale))
        if change < tol:
            beta = new
            break
        previous.append(new)
        if len(previous) == 3:
            beta = _extrapolated(Y, X, r, previous)
            previous = []
        else:
            beta = new
    W = Y - X @ beta
    F, loadings, _ = principal_components(W, r)
    Q = np.linalg.qr(F)[0]
    MX = X - np.einsum("tq,nqk->ntk", Q, np.einsum("sq,nsk->nqk", Q, X))
    A = loadings @ np.linalg.solve(loadings.T @ loadings, loadings.T)  # a_ik / N
    Z = MX - np.einsum("im,mtk->itk", A, MX)
    return Interactive(
        params=beta, factors=F, loadings=loadings, resid=W - loadings @ F.T, Z=Z,
        iterations=iteration, change=change, converged=change < tol,
    )  # fmt: skip


def _sum_of_squares(Y: FloatArray, X: FloatArray, r: int, beta: FloatArray) -> float:
    values = principal_components(Y - X @ beta, r)[2]
    return float(values[r:].sum())


def _extrapolated(Y: FloatArray, X: FloatArray, r: int, points: list[FloatArray]) -> FloatArray:
    """Aitken's step along three iterates, where it lowers the sum of squares."""
    first, second = points[1] - points[0], points[2] - points[1]
    bend = second - first
    size = float(bend @ bend)
    if size == 0:
        return points[2]
    step = points[2] - float(second @ bend) / size * second
    better = _sum_of_squares(Y, X, r, step) < _sum_of_squares(Y, X, r, points[2])
    return step if better else points[2]


def bias(X: FloatArray, fit: Interactive) -> tuple[FloatArray, FloatArray]:
    """B/N and C/T of Bai (2009, section 7), to be subtracted from the coefficients.

    B comes from heteroskedasticity over entities, C from heteroskedasticity over periods.

    Parameters
    ----------
    X : (N, T, k)
    """
    N, T, _ = X.shape
    F, L, e = fit.factors, fit.loadings, fit.resid
    D = np.einsum("ntk,ntl->kl", fit.Z, fit.Z) / (N * T)
    inner = np.linalg.inv(L.T @ L / N)
    V = np.einsum("im,mtk->itk", L @ np.linalg.solve(L.T @ L, L.T), X)
    sigma = np.mean(e**2, axis=1)
    left = np.einsum("itk,tr->ikr", X - V, F) / T
    B = -np.linalg.solve(D, np.einsum("ikr,rs,is,i->k", left, inner, L, sigma) / N)
    omega = np.mean(e**2, axis=0)
    Q = np.linalg.qr(F)[0]
    MX = X - np.einsum("tq,nqk->ntk", Q, np.einsum("sq,nsk->nqk", Q, X))
    C = -np.linalg.solve(D, np.einsum("itk,t,tr,rs,is->k", MX, omega, F, inner, L) / (N * T))
    return B / N, C / T


#: What chooses the number of factors.
Criterion = Literal["IC_p1", "IC_p2", "ER", "GR"]


def factor_criteria(W: FloatArray, largest: int) -> dict[str, int]:
    """Numbers of factors by Bai and Ng's (2002) IC_p1 and IC_p2 and Ahn and Horenstein's (2013)
    eigenvalue and growth ratios.

    Parameters
    ----------
    W : (N, T)
    """
    N, T = W.shape
    values = principal_components(W, 1)[2]
    m = min(N, T)
    tail = np.array([values[r:].sum() for r in range(largest + 2)])
    r = np.arange(largest + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ic1 = np.log(tail[:-1]) + r * (N + T) / (N * T) * np.log(N * T / (N + T))
        ic2 = np.log(tail[:-1]) + r * (N + T) / (N * T) * np.log(m)
        mock = values[:m].sum() / np.log(m)
        extended = np.concatenate([[mock], values])
        er = extended[: largest + 1] / extended[1 : largest + 2]
        full = np.concatenate([[tail[0] + mock], tail])
        mu = np.log(full[:-1] / full[1:])
        gr = mu[: largest + 1] / mu[1 : largest + 2]
    return {
        "IC_p1": int(np.argmin(ic1)), "IC_p2": int(np.argmin(ic2)),
        "ER": int(np.argmax(er)), "GR": int(np.argmax(gr)),
    }  # fmt: skip
