"""One-step, two-step, iterated and continuously updated GMM for linear moments.

All take the sums Z'X and Z'y and a function for the covariance of the moments, never Z.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from migdev.kernels.arrays.types import BoolArray, FloatArray

# Squared distance of a unit column from the span of the others, below which it repeats them.
_RANK = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weight:
    """Inverse, or generalised inverse, of a moment covariance: ``root @ root.T``.

    Attributes
    ----------
    root : (J, r)
    rank : int
    distance : float
        The least distance of a unit column of Z, in the metric of H, from the span of those before
        it; zero where the matrix is singular.
    """

    root: FloatArray
    rank: int
    distance: float = 0.0

    @property
    def singular(self) -> bool:
        return self.rank < len(self.root)

    @property
    def matrix(self) -> FloatArray:
        return self.root @ self.root.T


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """Minimiser of (Z'y - Z'Xb)' W (Z'y - Z'Xb).

    Attributes
    ----------
    params : (k,)
    bread : (k, k)
        (X'Z W Z'X)^-1.
    influence : (k, J)
        bread X'Z W: the estimate is this times Z'y.
    weight : Weight
    moments : (J,)
        Z'u at the estimate.
    objective : float
    steps : int
        Weighting matrices used.
    """

    params: FloatArray
    bread: FloatArray
    influence: FloatArray
    weight: Weight
    moments: FloatArray
    objective: float
    steps: int = 1


class NotIdentified(ValueError):
    """Z'X has not full column rank; ``columns`` says which columns the others explain."""

    def __init__(self, columns: BoolArray) -> None:
        super().__init__("the instruments do not identify every coefficient")
        self.columns = columns


def invert(A: FloatArray) -> Weight:
    """Inverse of a moment covariance; Moore-Penrose where it is singular.

    The rank is judged after scaling to unit diagonal, so that units of measurement play no role.
    """
    J = len(A)
    d = np.sqrt(np.maximum(np.diagonal(A), 0.0))
    alive = d > 0
    scale = np.where(alive, 1.0 / np.where(alive, d, 1.0), 0.0)
    unit = A * np.outer(scale, scale)
    if alive.all():
        L, info = linalg.lapack.dpotrf(unit, lower=1, clean=1)
        distance = 0.0 if info else float(np.min(np.diagonal(L), initial=1.0))
        if distance**2 > _RANK:
            inverse, _ = linalg.lapack.dtrtri(L, lower=1)
            return Weight(root=scale[:, None] * inverse.T, rank=J, distance=distance)
    values = linalg.eigvalsh(unit)
    rank = int(np.count_nonzero(values > J * 1e-13 * max(float(values[-1]), 1e-300)))
    values, vectors = linalg.eigh(A)
    rank = min(rank, int(np.count_nonzero(values > 0)))
    top = slice(J - rank, J)
    return Weight(root=vectors[:, top] / np.sqrt(values[top]), rank=rank)


def solve(ZX: FloatArray, Zy: FloatArray, weight: Weight, steps: int = 1) -> Solution:
    """GMM with a given weight.

    Parameters
    ----------
    ZX : (J, k); Zy : (J,)

    Raises
    ------
    NotIdentified
    """
    B = weight.root.T @ ZX
    size = np.sqrt(np.einsum("ij,ij->j", B, B))
    k = B.shape[1]
    if len(B) < k or not size.all():
        raise NotIdentified(size == 0 if not size.all() else np.ones(k, dtype=bool))
    Q, R = _qr(B / size)
    weak = np.abs(np.diagonal(R)) < 1e-9
    if weak.any():
        raise NotIdentified(weak)
    inverse = linalg.lapack.dtrtri(R)[0] / size[:, None]
    influence = inverse @ (weight.root @ Q).T
    params = influence @ Zy
    moments = Zy - ZX @ params
    scaled = weight.root.T @ moments
    return Solution(
        params=params, bread=inverse @ inverse.T, influence=influence, weight=weight,
        moments=moments, objective=float(scaled @ scaled), steps=steps,
    )  # fmt: skip


def _qr(B: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Q (m, k) and R (k, k) with m >= k; numpy's function takes three times as long if small."""
    k = B.shape[1]
    factored, tau, _, _ = linalg.lapack.dgeqrf(B, lwork=64 * k)
    R = np.triu(factored[:k])
    Q, _, _ = linalg.lapack.dorgqr(factored, tau, lwork=64 * k)
    return Q, R


def iterate(
    ZX: FloatArray,
    Zy: FloatArray,
    covariance: Callable[[FloatArray], FloatArray],
    start: Solution,
    *,
    tol: float = 1e-10,
    max_iterations: int = 200,
) -> tuple[Solution, Solution, bool]:
    """Update the weight until the estimate stays: last step, the one before, converged."""
    previous, current = start, start
    for step in range(2, max_iterations + 2):
        previous = current
        current = solve(ZX, Zy, invert(covariance(previous.params)), step)
        change = np.abs(current.params - previous.params)
        size = np.abs(current.params) + np.sqrt(np.diagonal(current.bread))  # free of units
        if bool((change <= tol * size).all()):
            return current, previous, True
    return current, previous, False


def continuous(
    ZX: FloatArray,
    Zy: FloatArray,
    covariance: Callable[[FloatArray], FloatArray],
    pull: Callable[[FloatArray, FloatArray], FloatArray],
    start: Solution,
) -> tuple[Solution, FloatArray, bool]:
    r"""Continuously updated GMM: the weight moves with the parameters.

    .. math:: Q(b) = g(b)'S(b)^{-1}g(b), \qquad g(b) = Z'y - Z'Xb

    Parameters
    ----------
    pull : function of (params, v) -> (J, k)
        :math:`\sum_i Z_i'x_{ik}\,(u_i'Z_i v)`, the derivative of S(b) contracted with v.

    Returns
    -------
    solution, reach, converged
        ``reach`` (k, J) is what a moment adds to the estimate, :math:`H^{-1}D'S^{-1}`; summed with
        S it gives the covariance of Newey and Windmeijer (2009, Econometrica 77, 687-719), which
        stays valid when there are many weak moments: :math:`H^{-1}D'S^{-1}DH^{-1}`.
    """
    from scipy import optimize

    root = linalg.cholesky(start.bread, lower=True)

    def pieces(b: FloatArray) -> tuple[float, FloatArray, Weight, FloatArray, FloatArray]:
        weight = invert(covariance(b))
        g = Zy - ZX @ b
        v = weight.root @ (weight.root.T @ g)
        D = ZX - pull(b, v)
        return float(g @ v), -2.0 * (D.T @ v), weight, g, D

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        value, slope, *_ = pieces(start.params + root @ theta)
        return value, root.T @ slope

    found = optimize.minimize(
        objective, np.zeros(len(root)), jac=True, method="BFGS",
        options={"gtol": 1e-8, "maxiter": 500},
    )  # fmt: skip
    theta, hessian = np.asarray(found.x, dtype=float), np.eye(len(root))
    slope = objective(theta)[1]
    for _ in range(20):  # Newton steps from the slopes, to full accuracy
        hessian = _hessian(lambda x: objective(x)[1], theta)
        step = np.linalg.solve(hessian, slope)
        candidate = theta - step
        fresh = objective(candidate)[1]
        if not np.linalg.norm(fresh) < np.linalg.norm(slope):
            break
        theta, slope = candidate, fresh
        if np.max(np.abs(step)) < 1e-11:
            break
    b = start.params + root @ theta
    value, _, weight, g, D = pieces(b)
    A = weight.root.T @ D @ root
    reach = root @ np.linalg.solve(hessian / 2.0, A.T) @ weight.root.T
    bread = np.asarray(np.linalg.inv(ZX.T @ weight.matrix @ ZX), dtype=np.float64)
    converged = bool(np.linalg.norm(slope) < 1e-6 * (1.0 + value)) and bool(
        (np.linalg.eigvalsh(hessian) > 0).all()
    )
    solution = Solution(
        params=b, bread=bread, influence=bread @ (ZX.T @ weight.matrix), weight=weight,
        moments=g, objective=value, steps=int(found.nit) + 1,
    )  # fmt: skip
    return solution, reach, converged


def _hessian(slope: Callable[[FloatArray], FloatArray], at: FloatArray) -> FloatArray:
    h = 1e-5
    rows = [(slope(at + h * e) - slope(at - h * e)) / (2 * h) for e in np.eye(len(at))]
    H = np.array(rows)
    return (H + H.T) / 2.0
