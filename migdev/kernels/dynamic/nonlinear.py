r"""Moments of Ahn and Schmidt (1995) beside linear ones.

Without serial correlation of the errors, :math:`E[u_{i,L}\,\Delta u_{it}] = 0` for :math:`t < L`,
with :math:`u_{it} = \alpha_i + v_{it}` and L the last period of entity i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dynamic.instruments import Instruments, cross, scores
from migdev.kernels.dynamic.solve import Weight, invert
from migdev.kernels.dynamic.stack import Levels, Stack, differences


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quadratic:
    """Linear moments Z'u of a stack and quadratic ones of the levels.

    Attributes
    ----------
    dy : (T, N); dX : (T, k, N)
        First differences, zero where they do not exist or t is the last period.
    last_y : (N,); last_X : (k, N)
        The last complete row of every entity.
    collapse : bool
        One moment summed over t, instead of one for each t.
    """

    z: Instruments
    stack: Stack
    ZX: FloatArray
    Zy: FloatArray
    dy: FloatArray
    dX: FloatArray
    last_y: FloatArray
    last_X: FloatArray
    collapse: bool

    def contributions(self, theta: FloatArray) -> FloatArray:
        """(J + Q, N) moments of the entities."""
        linear = scores(self.z, self.stack.residuals(theta))
        last = self.last_y - theta @ self.last_X
        moved = self.dy - np.matmul(theta, self.dX)
        return np.concatenate([linear, self._gather(moved * last)])

    def sums(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(J + Q,) moments and (J + Q, k) their derivative."""
        last = self.last_y - theta @ self.last_X
        moved = self.dy - np.matmul(theta, self.dX)
        quadratic = self._gather(moved * last).sum(axis=1)
        slope = -(moved[:, None, :] * self.last_X[None] + self.dX * last)
        total = slope.sum(axis=2)
        total = total.sum(axis=0, keepdims=True) if self.collapse else total[self._alive()]
        g = np.concatenate([self.Zy - self.ZX @ theta, quadratic])
        return g, np.concatenate([-self.ZX, total])

    def _alive(self) -> BoolArray:
        alive: BoolArray = np.asarray((self.dy != 0).any(axis=1))
        return alive

    def _gather(self, products: FloatArray) -> FloatArray:
        if self.collapse:
            products = products.sum(axis=0, keepdims=True)
            return products
        return products[self._alive()]


def build(z: Instruments, stack: Stack, levels: Levels, collapse: bool) -> Quadratic:
    """Lay out the quadratic moments."""
    T, N = levels.complete.shape
    last = T - 1 - np.argmax(levels.complete[::-1], axis=0)
    dy, used = differences(levels.y, levels.complete)
    dX, _ = differences(levels.X, levels.complete)
    keep = used & (np.arange(T)[:, None] < last[None, :])
    who = np.arange(N)
    return Quadratic(
        z=z, stack=stack, ZX=cross(z, stack.X), Zy=cross(z, stack.y), dy=dy * keep,
        dX=dX * keep[:, None], last_y=levels.y[last, who], last_X=levels.X[last, :, who].T,
        collapse=collapse,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minimum:
    """Minimiser of the criterion under one weight.

    Attributes
    ----------
    params : (k,)
    gradient : (J + Q, k)
    moments : (J + Q,)
    objective : float
    converged : bool
    """

    params: FloatArray
    gradient: FloatArray
    moments: FloatArray
    objective: float
    converged: bool


def minimise(model: Quadratic, start: FloatArray, weight: Weight) -> Minimum:
    """Gauss-Newton with halved steps."""
    theta = start.copy()
    g, G = model.sums(theta)
    value = float(np.sum(np.square(weight.root.T @ g)))
    converged = False
    for _ in range(200):
        A, r = weight.root.T @ G, weight.root.T @ g
        size = np.sqrt(np.einsum("ij,ij->j", A, A))
        size = np.where(size > 0, size, 1.0)
        A = A / size  # columns of one length, so that units of measurement play no role
        step = np.linalg.lstsq(A, -r, rcond=1e-12)[0] / size
        if np.max(np.abs(step * size)) < 1e-11 * (1.0 + np.max(np.abs(theta * size))):
            converged = True
            break
        length = 1.0
        while length > 1e-8:
            candidate = theta + length * step
            g2, G2 = model.sums(candidate)
            fresh = float(np.sum(np.square(weight.root.T @ g2)))
            if fresh < value:
                break
            length /= 2.0
        else:
            converged = bool(np.max(np.abs(A.T @ r)) < 1e-8 * (1.0 + value))
            break
        theta, g, G, value = candidate, g2, G2, fresh
    return Minimum(params=theta, gradient=G, moments=g, objective=value, converged=converged)


def moment_covariance(model: Quadratic, theta: FloatArray) -> Weight:
    """Weight from the outer products of the entities' moments."""
    c = model.contributions(theta)
    return invert(c @ c.T)
