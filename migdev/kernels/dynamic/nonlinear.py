r"""Moments of Ahn and Schmidt (1995) beside linear ones.

Without serial correlation of the errors, :math:`E[u_{i,L}\,\Delta u_{it}] = 0` for :math:`t < L`,
with :math:`u_{it} = \alpha_i + v_{it}` and L the last period of entity i.
"""

from __future__ import annotations

from collections.abc import Sequence
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

    def slopes(self, theta: FloatArray) -> FloatArray:
        """(k, J + Q, N) derivatives of the moments of the entities."""
        last = self.last_y - theta @ self.last_X
        moved = self.dy - np.matmul(theta, self.dX)
        return np.array(
            [
                -np.concatenate(
                    [scores(self.z, self.stack.X[:, j]), self._gather(moved * x + dx * last)]
                )
                for j, (x, dx) in enumerate(zip(self.last_X, self.dX.swapaxes(0, 1), strict=True))
            ]
        )

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
        slope = slope.sum(axis=0, keepdims=True) if self.collapse else slope[self.alive]
        return np.concatenate([-self.ZX, slope])

    @property
    def alive(self) -> BoolArray:
        """(T,) periods that have a quadratic moment."""
        return np.asarray((self.dy != 0).any(axis=1))

    def _gather(self, products: FloatArray) -> FloatArray:
        if self.collapse:
            products = products.sum(axis=0, keepdims=True)
            return products
        return products[self.alive]


def build(
    z: Instruments, stack: Stack, levels: Levels, collapse: bool, centred: bool = False
) -> Quadratic:
    """Lay out the quadratic moments.

    Parameters
    ----------
    centred : bool
        Measure the last levels from their means, which adds a constant to them.
    """
    T, N = levels.complete.shape
    last = T - 1 - np.argmax(levels.complete[::-1], axis=0)
    dy, used = differences(levels.y, levels.complete)
    dX, _ = differences(levels.X, levels.complete)
    keep = used & (np.arange(T)[:, None] < last[None, :])
    who = np.arange(N)
    last_y, last_X = levels.y[last, who], levels.X[last, :, who].T
    if centred:
        last_y, last_X = last_y - last_y.mean(), last_X - last_X.mean(axis=1, keepdims=True)
    return Quadratic(
        z=z, stack=stack, ZX=cross(z, stack.X), Zy=cross(z, stack.y), dy=dy * keep,
        dX=dX * keep[:, None], last_y=last_y, last_X=last_X, collapse=collapse,
    )  # fmt: skip


def minimise(model: Quadratic, starts: Sequence[FloatArray], weight: Weight) -> Minimum:
    """The lowest minimum of the criterion under one weight that is reached from the starts."""
    R = weight.root.T
    found = [
        gauss_newton(
            lambda theta: np.asarray(R @ model.sums(theta)),
            lambda theta: np.asarray(R @ model.gradient(theta)), start,
        )
        for start in starts
    ]  # fmt: skip
    return min(found, key=lambda m: (not m.converged, m.objective))


def starting_values(
    model: Quadratic, weight: Weight, first: FloatArray, own: int | None
) -> list[FloatArray]:
    """The linear estimate, and those where a coefficient (of the lag of y) is held at 0 to 0.99.

    The quadratic moments may have minima on either side of the truth.
    """
    if own is None:
        return [first]
    rest = np.arange(len(first)) != own
    linear = len(model.Zy)
    ZX, Zy = weight.root.T @ model.ZX[:linear], weight.root.T @ model.Zy
    size = np.linalg.norm(ZX, axis=0)
    starts = [first]
    for value in (0.0, 0.5, 0.8, 0.99):
        theta = np.full(len(first), value)
        target = Zy - value * ZX[:, own]
        theta[rest] = np.linalg.lstsq(ZX[:, rest] / size[rest], target, rcond=None)[0] / size[rest]
        starts.append(theta)
    return starts


def influence(
    model: Quadratic, found: FloatArray, weight: Weight, before: FloatArray, pull: FloatArray
) -> FloatArray:
    r"""(N, k) what each entity adds to a minimum, the drift of its weight with it.

    .. math::
        \psi_i = -(G'WG)^{-1}G'W\,g_i(	ilde	heta) + D\,	ilde\psi_i, \qquad
        D_{\cdot k} = (G'WG)^{-1}G'Wrac{\partial S}{\partial	ilde	heta_k}War g

    with :math:`W = S(	ilde	heta)^{-1}` made by the estimate before, so that
    :math:`\sum\psi_i\psi_i'` is the covariance of Windmeijer (2005, eq. 3.7).

    Parameters
    ----------
    before : (k,); pull : (N, k)
        The estimate before, and what each entity adds to it.
    """
    W, G = weight.matrix, model.gradient(found)
    reach = np.linalg.solve(G.T @ W @ G, G.T @ W)
    c, slopes = model.contributions(before), model.slopes(before)
    v = W @ model.sums(found)
    along = np.matmul(v, slopes)  # (k, N)
    change = np.matmul(slopes, c.T @ v) + np.matmul(along, c.T)  # (k, J + Q)
    psi: FloatArray = -(reach @ c).T + pull @ (reach @ change.T).T
    return psi


def moment_covariance(model: Quadratic, theta: FloatArray) -> Weight:
    """Weight from the outer products of the entities' moments."""
    c = model.contributions(theta)
    return invert(c @ c.T)
