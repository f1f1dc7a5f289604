"""Full-information maximum likelihood of the pooled mean group estimator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledLongRun:
    """Maximum of the likelihood concentrated on the common long-run coefficients.

    Attributes
    ----------
    theta : (k,)
    speed : (N,)
        Error-correction coefficients phi_i.
    sigma2 : (N,)
        RSS_i / T_i.
    loglik : float
    gradient : (k,)
    hessian, information : (k, k)
        Observed Hessian of the concentrated likelihood (negative definite at a maximum) and
        the block of the information matrix that belongs to theta.
    scores : (N, k)
    iterations : int
    converged : bool
    """

    theta: FloatArray
    speed: FloatArray
    sigma2: FloatArray
    loglik: float
    gradient: FloatArray
    hessian: FloatArray
    information: FloatArray
    scores: FloatArray
    iterations: int
    converged: bool

    def cov(self, kind: str) -> FloatArray:
        """(k, k) covariance of theta: "information", "hessian" or "sandwich"."""
        if kind == "information":
            return np.asarray(np.linalg.inv(self.information))
        inverse = np.linalg.inv(-self.hessian)
        if kind == "hessian":
            return np.asarray(inverse)
        return np.asarray(inverse @ (self.scores.T @ self.scores) @ inverse)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """The concentrated likelihood and its derivatives at one theta."""

    loglik: float
    speed: FloatArray
    sigma2: FloatArray
    scores: FloatArray
    hessian: FloatArray
    information: FloatArray


def _evaluate(theta: FloatArray, G: FloatArray, T: FloatArray) -> _Point:
    """Eqs. (3)-(6) of :class:`migdev.estimators.pooled_mean_group.PooledMeanGroup`.

    Parameters
    ----------
    theta : (k,)
    G : (N, 2 + k, 2 + k)
        Gram matrices of (Delta y, y_{-1}, x) after the short-run regressors are taken out.
    T : (N,)
    """
    c = np.concatenate([[1.0], -theta])
    p, Q = G[:, 0, 1:], G[:, 1:, 1:]  # Z'a and Z'Z with a = Delta y, Z = (y_{-1}, x)
    Qc = Q @ c
    d = Qc @ c  # xi'xi, xi = y_{-1} - x'theta
    speed = (p @ c) / d
    rss = np.maximum(G[:, 0, 0] - speed**2 * d, 0.0)
    sigma2 = rss / T
    with np.errstate(divide="ignore"):
        loglik = float(np.sum(-0.5 * T * (np.log(2 * np.pi * sigma2) + 1)))
    q, Qx = Qc[:, 1:], Q[:, 1:, 1:]  # x'xi and x'x
    u = p[:, 1:] - speed[:, None] * q  # x'e
    scores = -(speed / sigma2)[:, None] * u
    r = 2 * speed[:, None] * u  # gradient of rss
    v = u - speed[:, None] * q
    second = 2 * (speed[:, None, None] ** 2 * Qx - v[:, :, None] * v[:, None, :] / d[:, None, None])
    hessian = -0.5 * (
        np.einsum("n,nij->ij", 1 / sigma2, second) - np.einsum("n,ni,nj->ij", T / rss**2, r, r)
    )
    free = Qx - q[:, :, None] * q[:, None, :] / d[:, None, None]
    information = np.einsum("n,nij->ij", speed**2 / sigma2, free)
    return _Point(loglik, speed, sigma2, scores, hessian, information)


def pooled_long_run(
    G: FloatArray, counts: IntArray, starts: list[FloatArray], tol: float = 1e-10,
    max_iter: int = 200,
) -> PooledLongRun:  # fmt: skip
    """Newton's method from several starts; the best maximum is kept.

    Where the Hessian is not negative definite the information matrix, which always is positive
    definite, takes its place (Fisher scoring). Steps are halved until the likelihood rises.

    Parameters
    ----------
    G : (N, 2 + k, 2 + k)
        Gram matrices of (Delta y, y_{-1}, x) after the short-run regressors are taken out.
    counts : (N,)
    starts : list of (k,)
    tol : float
        On the Newton decrement g'(-H)^{-1}g, twice the gain that a further step promises.
    """
    T = counts.astype(float)
    scale = np.sqrt(G.sum(axis=0).diagonal()[2:] / G.sum(axis=0)[1, 1])
    D = np.concatenate([[1.0, 1.0], 1 / scale])
    Gs = G * np.outer(D, D)
    best: tuple[_Point, FloatArray, int, bool] | None = None
    for start in starts:
        outcome = _newton(start * scale, Gs, T, tol, max_iter)
        better = best is None or (outcome[3], outcome[0].loglik) > (best[3], best[0].loglik)
        if better:
            best = outcome
    assert best is not None
    point, theta, iterations, converged = best
    outer = np.outer(scale, scale)
    return PooledLongRun(
        theta=theta / scale, speed=point.speed, sigma2=point.sigma2, loglik=point.loglik,
        gradient=point.scores.sum(axis=0) * scale, hessian=point.hessian * outer,
        information=point.information * outer, scores=point.scores * scale,
        iterations=iterations, converged=converged,
    )  # fmt: skip


def _newton(
    theta: FloatArray, G: FloatArray, T: FloatArray, tol: float, max_iter: int
) -> tuple[_Point, FloatArray, int, bool]:
    point = _evaluate(theta, G, T)
    for iteration in range(1, max_iter + 1):
        gradient = point.scores.sum(axis=0)
        curvature = -point.hessian
        if not np.linalg.eigvalsh(curvature)[0] > 0:
            curvature = point.information
        step = np.linalg.solve(curvature, gradient)
        decrement = float(gradient @ step)
        if decrement < tol * tol * (1 + abs(point.loglik)) or not np.isfinite(decrement):
            definite = bool(np.linalg.eigvalsh(-point.hessian)[0] > 0)
            return point, theta, iteration, definite and np.isfinite(decrement)
        length = 1.0
        while length > 1e-10:
            trial = _evaluate(theta + length * step, G, T)
            if trial.loglik > point.loglik:
                break
            length /= 2
        else:  # rounding error is all that is left to gain
            done = decrement < 1e-8 * (1 + abs(point.loglik)) ** 0.5
            return point, theta, iteration, done
        theta, point = theta + length * step, trial
    return point, theta, max_iter, False
