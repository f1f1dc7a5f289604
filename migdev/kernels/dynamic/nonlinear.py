r"""Moments of Ahn and Schmidt (1995) beside linear ones.

Without serial correlation of the errors, :math:`E[u_{i,L}\,\Delta u_{it}] = 0` for :math:`t < L`,
with :math:`u_{it} = \alpha_i + v_{it}` and L the last period of entity i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.gauss_newton import Minimum, gauss_newton
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

    def sums(self, theta: FloatArray) -> FloatArray:
        """(J + Q,) moments."""
        last = self.last_y - theta @ self.last_X
        moved = self.dy - np.matmul(theta, self.dX)
        quadratic = self._gather(moved * last).sum(axis=1)
        return np.concatenate([self.Zy - self.ZX @ theta, quadratic])

    def gradient(self, theta: FloatArray) -> FloatArray:
        """(J + Q, k) derivative of the moments."""
        last = self.last_y - theta @ self.last_X
        moved = self.dy - np.matmul(theta, self.dX)
        slope = -(moved[:, None, :] * self.last_X[None] + self.dX * last).sum(axis=2)
        slope = slope.sum(axis=0, keepdims=True) if self.collapse else slope[self._alive()]
        return np.concatenate([-self.ZX, slope])

    def _alive(self) -> BoolArray:
        return np.asarray((self.dy != 0).any(axis=1))

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


def minimise(model: Quadratic, start: FloatArray, weight: Weight) -> Minimum:
    """The minimiser of the criterion under one weight."""
    R = weight.root.T
    return gauss_newton(
        lambda theta: np.asarray(R @ model.sums(theta)),
        lambda theta: np.asarray(R @ model.gradient(theta)), start,
    )  # fmt: skip


def moment_covariance(model: Quadratic, theta: FloatArray) -> Weight:
    """Weight from the outer products of the entities' moments."""
    c = model.contributions(theta)
    return invert(c @ c.T)
