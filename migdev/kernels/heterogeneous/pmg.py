"""Full-information maximum likelihood of the pooled mean group estimator."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import Slopes, entity_gram

# Gains below this share of the log-likelihood cannot be told from its rounding.
_ROUNDING = 1e-9


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
        if kind == "hessian":
            return np.asarray(np.linalg.inv(-self.hessian))
        return np.asarray(self.influence.T @ self.influence)

    @property
    def influence(self) -> FloatArray:
        """(N, k) what each entity adds to theta, to first order."""
        return np.asarray(np.linalg.solve(-self.hessian, self.scores.T).T)


def short_run_response(fit: Slopes, Z: FloatArray, x: FloatArray, entity: IntArray) -> FloatArray:
    r"""(N, m, k) derivative of every entity's speed and short run by the common long run,
    :math:`(Z_i'Z_i)^{-1}(\phi_iZ_i'X_i - e_1u_i'X_i)` with Z = (xi, W) and residuals u."""
    pull = fit.params[:, :1, None] * entity_gram(Z, x, entity)
    pull[:, 0] -= entity_gram(x, fit.resid[:, None], entity)[:, :, 0]
    return np.asarray(fit.bread @ pull)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The concentrated likelihood of S problems and its derivatives, each at its own theta.

    Attributes
    ----------
    loglik : (S,); speed, sigma2 : (S, N); scores : (S, N, k), without the weights
    gradient : (S, k); hessian, information : (S, k, k)
    """

    loglik: FloatArray
    speed: FloatArray
    sigma2: FloatArray
    scores: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    information: FloatArray

    def put(self, at: IntArray, others: Points) -> None:
        """Write other points over those at ``at``."""
        for field in fields(self):
            getattr(self, field.name)[at] = getattr(others, field.name)

    def take(self, at: IntArray | BoolArray) -> Points:
        return Points(*(getattr(self, field.name)[at] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Maxima:
    """Where Newton's method ended in each of S problems: theta (S, k), the points there,
    iterations (S,) and whether it is a maximum (S,)."""

    theta: FloatArray
    points: Points
    iterations: IntArray
    converged: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """Gram matrices of (Delta y, y_{-1}, x), the short-run regressors taken out, by their blocks.

    Attributes
    ----------
    a : (N,); p : (N, 1 + k); Q : (N, 1 + k, 1 + k); X : (N, k, k)
        Of Delta y; of Z = (y_{-1}, x) with Delta y; of Z; of x.
    T : (N,)
        Rows behind each.
    """

    a: FloatArray
    p: FloatArray
    Q: FloatArray
    X: FloatArray
    T: FloatArray

    @classmethod
    def of(cls, G: FloatArray, T: FloatArray | IntArray) -> Grams:
        """From matrices (N, 2 + k, 2 + k) and numbers of rows (N,)."""
        blocks = (G[:, 0, 0], G[:, 0, 1:], G[:, 1:, 1:], G[:, 2:, 2:], T)
        return cls(*(np.ascontiguousarray(block, dtype=float) for block in blocks))


def evaluate(theta: FloatArray, data: Grams, weights: FloatArray) -> Points:
    """Eqs. (3)-(6) of :class:`migdev.PooledMeanGroup`.

    Parameters
    ----------
    theta : (S, k)
    data : Grams
    weights : (S, N)
        How often each entity counts.
    """
    S, k = theta.shape
    N, T = len(data.T), data.T
    c = np.column_stack([np.ones(S), -theta])
    Qc = (c @ data.Q.reshape(-1, 1 + k).T).reshape(S, N, 1 + k)  # Z'xi, xi = Z c
    d = (Qc @ c[:, :, None])[:, :, 0]  # xi'xi
    speed = c @ data.p.T / d
    rss = np.maximum(data.a - speed**2 * d, 0.0)
    sigma2 = rss / T
    with np.errstate(divide="ignore"):
        loglik = -0.5 * (weights * T * (np.log(2 * np.pi * sigma2) + 1)).sum(axis=1)
    q = Qc[:, :, 1:]  # x'xi
    u = data.p[:, 1:] - speed[:, :, None] * q  # x'e
    scores = -(speed / sigma2)[:, :, None] * u
    v = u - speed[:, :, None] * q
    per = weights / sigma2
    pull = per * speed**2
    level = (pull @ data.X.reshape(N, k * k)).reshape(S, k, k)
    hessian = _outer(per / d, v) + 2 * _outer(weights / T, scores) - level
    gradient = (weights[:, None, :] @ scores)[:, 0]
    return Points(loglik, speed, sigma2, scores, gradient, hessian, level - _outer(pull / d, q))


def _outer(weights: FloatArray, v: FloatArray) -> FloatArray:
    """(S, k, k) sums of w v v' over entities."""
    return (v * weights[:, :, None]).transpose(0, 2, 1) @ v


def pooled_long_run(
    G: FloatArray, counts: IntArray, starts: list[FloatArray], max_iter: int = 200
) -> PooledLongRun:
    """The best of the maxima that Newton's method finds from several starts.

    Parameters
    ----------
    G : (N, 2 + k, 2 + k)
        Gram matrices of (Delta y, y_{-1}, x) after the short-run regressors are taken out.
    counts : (N,)
    starts : list of (k,)
    """
    scale = long_run_scale(G)
    found = maximise(
        np.stack(starts) * scale, Grams.of(scaled_gram(G, scale), counts),
        np.ones((len(starts), len(G))), max_iter,
    )  # fmt: skip
    best = int(np.lexsort((found.points.loglik, found.converged))[-1])
    point = found.points.take(np.array([best]))
    outer = np.outer(scale, scale)
    return PooledLongRun(
        theta=found.theta[best] / scale, speed=point.speed[0], sigma2=point.sigma2[0],
        loglik=float(point.loglik[0]), gradient=point.gradient[0] * scale,
        hessian=point.hessian[0] * outer, information=point.information[0] * outer,
        scores=point.scores[0] * scale, iterations=int(found.iterations[best]),
        converged=bool(found.converged[best]),
    )  # fmt: skip


def long_run_scale(G: FloatArray) -> FloatArray:
    """(k,) size of the long-run regressors beside the lagged level."""
    total = np.einsum("nii->i", G)
    return np.asarray(np.sqrt(total[2:] / total[1]))


def scaled_gram(G: FloatArray, scale: FloatArray) -> FloatArray:
    D = np.concatenate([[1.0, 1.0], 1 / scale])
    return np.asarray(G * np.outer(D, D))


def maximise(
    theta: FloatArray, data: Grams, weights: FloatArray, max_iter: int = 200, tol: float = 1e-10
) -> Maxima:
    """Newton's method on S problems at once.

    Where the Hessian is not negative definite the information matrix, which is positive definite
    unless regressors are collinear, takes its place (Fisher scoring). Steps are halved until the
    likelihood rises.

    Parameters
    ----------
    theta : (S, k)
        Starts.
    data : Grams; weights : (S, N)
        As in :func:`evaluate`.
    tol : float
        On the Newton decrement g'(-H)^{-1}g, twice the gain that a further step promises. Where
        that is lost in the rounding of the likelihood, steps go on while they still shrink it.
    """
    S = len(theta)
    theta, points = theta.copy(), evaluate(theta, data, weights)
    iterations, converged = np.full(S, max_iter), np.zeros(S, dtype=bool)
    going, before = np.arange(S), np.full(S, np.inf)
    for iteration in range(1, max_iter + 1):
        now = points if len(going) == S else points.take(going)
        step, decrement, definite = _direction(now)
        size = 1 + np.abs(now.loglik)
        near = definite & (decrement < _ROUNDING * size)
        done = ~(decrement >= tol * tol * size) | (near & (decrement > before[going] / 4))
        iterations[going[done]] = iteration
        converged[going[done]] = near[done]
        before[going] = decrement
        going, step, near = going[~done], step[~done], near[~done]
        stuck = _climb(theta, points, going, step, near, data, weights)
        iterations[going[stuck]] = iteration
        going = going[~stuck]
        if not len(going):
            break
    return Maxima(theta, points, iterations, converged)


def _direction(points: Points) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Steps (S, k), their decrements (S,), NaN where there is no direction, and where the Hessian
    is negative definite (S,)."""
    curvature = -points.hessian
    able = definite = _positive(curvature)
    if not definite.all():
        curvature[~definite] = points.information[~definite]
        able = definite | _positive(curvature)
        curvature[~able] = np.eye(curvature.shape[1])
    step = np.asarray(np.linalg.solve(curvature, points.gradient[:, :, None])[:, :, 0], float)
    decrement: FloatArray = np.einsum("sk,sk->s", points.gradient, step)
    decrement[~able] = np.nan
    return step, decrement, definite


def _positive(matrices: FloatArray) -> BoolArray:
    finite = np.asarray(np.isfinite(matrices).all(axis=(1, 2)))
    if not finite.all():
        matrices = np.where(finite[:, None, None], matrices, 0.0)
    return np.asarray(np.linalg.eigvalsh(matrices)[:, 0] > 0)


def _climb(
    theta: FloatArray, points: Points, going: IntArray, step: FloatArray, near: BoolArray,
    data: Grams, weights: FloatArray,
) -> BoolArray:  # fmt: skip
    """Move ``theta`` and ``points`` of the problems ``going`` uphill, those ``near`` a maximum by a
    whole step; True where no step rose."""
    length = 1.0
    stuck = np.ones(len(going), dtype=bool)
    while length > 1e-10 and stuck.any():
        who = np.flatnonzero(stuck)
        at = going[who]
        trial = theta[at] + length * step[who]
        there = evaluate(trial, data, weights[at])
        rose = near[who] | (there.loglik > points.loglik[at])
        theta[at[rose]] = trial[rose]
        points.put(at[rose], there if rose.all() else there.take(rose))
        stuck[who[rose]] = False
        length /= 2
    return stuck
