r"""Bootstrap of entities for linear and quadratic moments, all draws at once.

The moments of a draw are recentred, :math:`g^*(\theta) - g(\hat\theta)`, as an overidentified model
is not true in the sample that plays the population (Hall and Horowitz 1996, Econometrica 64,
891-916). Every draw repeats the steps of the estimate and its corrected standard errors, so that
t statistics can be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.instruments import scores
from migdev.kernels.dynamic.nonlinear import Quadratic
from migdev.kernels.dynamic.solve import Weight

# Numbers per entity, moment and coefficient that are held at once.
_BLOCK = 4_000_000


def draw(
    model: Quadratic, first: Weight, params: FloatArray, counts: FloatArray, steps: int
) -> tuple[FloatArray, FloatArray]:
    """Estimates and standard errors (B, k) of samples where entity i counts ``counts[b, i]`` times.

    Parameters
    ----------
    first : Weight
        Of the linear first step, kept in all draws.
    params : (k,)
        The estimate, at which moments are recentred and searches start.
    counts : (B, N)
    """
    Zy = scores(model.z, model.stack.y)
    ZX = np.array([scores(model.z, model.stack.X[:, j]) for j in range(len(params))])
    centre = model.sums(params)
    size = max(1, _BLOCK // (len(params) * len(centre) * counts.shape[1]))
    found = []
    for at in range(0, len(counts), size):
        w = counts[at : at + size]
        sample = _Sample(
            model=model, Zy=Zy, ZX=ZX, w=w, centre=centre, wZX=np.einsum("bn,kjn->bjk", w, ZX),
            wZy=w @ Zy.T,
        )  # fmt: skip
        theta, psi = sample.linear(first)
        for _ in range(steps):
            theta, psi = sample.step(theta, psi, params)
        found.append((theta, np.sqrt(np.einsum("bn,bkn->bk", w, psi**2))))
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sample:
    """Moments of b draws; Zy (J, N) and ZX (k, J, N) by entity, w (b, N)."""

    model: Quadratic
    Zy: FloatArray
    ZX: FloatArray
    w: FloatArray
    centre: FloatArray
    wZX: FloatArray
    wZy: FloatArray

    def linear(self, first: Weight) -> tuple[FloatArray, FloatArray]:
        """The one-step estimates (b, k) and what entities add to them (b, k, N)."""
        X = first.root.T @ self.wZX
        reach = np.linalg.pinv(X) @ first.root.T
        theta = np.einsum("bkj,bj->bk", reach, self.wZy - self.centre[: len(self.Zy)])
        u = self.Zy - np.tensordot(theta, self.ZX, 1)
        return theta, reach @ u

    def step(
        self, before: FloatArray, pull: FloatArray, params: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The next estimates, and what entities add to them with the drift of the weight."""
        c, w = self.contributions(before), self.w[:, None]
        R = _roots((c * w) @ c.swapaxes(1, 2))
        ends = [
            self.minimise(R, start) for start in (np.broadcast_to(params, before.shape), before)
        ]
        lower = ends[0][1] <= ends[1][1]
        theta = np.where(lower[:, None], ends[0][0], ends[1][0])
        g, G = self.sums(theta)
        reach = np.linalg.pinv(R @ G) @ R
        v = np.einsum("bpm,bpq,bq->bm", R, R, g)
        slopes = self.slopes(before)  # (b, k, M, N)
        own, along = np.einsum("bm,bmn->bn", v, c), np.einsum("bm,bkmn->bkn", v, slopes)
        change = np.einsum("bn,bkmn->bmk", self.w * own, slopes)
        change += c @ (along * w).swapaxes(1, 2)
        return theta, reach @ change @ pull - reach @ c

    def levels(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals of the last levels (b, N) and of the differences (b, T, N)."""
        m = self.model
        return m.last_y - theta @ m.last_X, m.dy - np.einsum("bk,tkn->btn", theta, m.dX)

    def contributions(self, theta: FloatArray) -> FloatArray:
        """(b, M, N)"""
        last, moved = self.levels(theta)
        linear = self.Zy - np.tensordot(theta, self.ZX, 1)
        return np.concatenate([linear, self.gathered(moved * last[:, None])], axis=1)

    def slopes(self, theta: FloatArray) -> FloatArray:
        """(b, k, M, N) derivatives of the moments of the entities."""
        m, (last, moved) = self.model, self.levels(theta)
        parts = [
            np.concatenate(
                [np.broadcast_to(ZX, (len(theta), *ZX.shape)),
                 self.gathered(moved * m.last_X[j] + m.dX[:, j] * last[:, None])], axis=1,
            )
            for j, ZX in enumerate(self.ZX)
        ]  # fmt: skip
        return -np.stack(parts, axis=1)

    def sums(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Recentred moments (b, M) and their derivatives (b, M, k)."""
        m, (last, moved) = self.model, self.levels(theta)
        heavy = self.w * last
        quadratic = self.gathered(np.einsum("btn,bn->bt", moved, heavy)[..., None])[..., 0]
        linear = self.wZy - np.einsum("bjk,bk->bj", self.wZX, theta)
        slope = (moved * self.w[:, None]) @ m.last_X.T + np.einsum("bn,tkn->btk", heavy, m.dX)
        g = np.concatenate([linear, quadratic], axis=1) - self.centre
        return g, -np.concatenate([self.wZX, self.gathered(slope)], axis=1)

    def gathered(self, by_period: FloatArray) -> FloatArray:
        """(b, T, ...) as the quadratic moments (b, Q, ...)."""
        if self.model.collapse:
            by_period = by_period.sum(axis=1, keepdims=True)
            return by_period
        return by_period[:, self.model.alive]

    def minimise(self, R: FloatArray, start: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gauss-Newton with halved steps: minima (b, k) and their values (b,)."""
        theta = start.copy()
        g, G = self.sums(theta)
        value = np.square(np.einsum("bpm,bm->bp", R, g)).sum(axis=1)
        for _ in range(50):
            J, r = R @ G, np.einsum("bpm,bm->bp", R, g)
            step = -np.einsum("bkp,bp->bk", np.linalg.pinv(J), r)
            gain = np.square(np.einsum("bpk,bk->bp", J, step)).sum(axis=1)
            length = np.where(gain > 1e-14 * (1.0 + value), 1.0, 0.0)
            if not length.any():
                break
            for _ in range(25):
                fresh = self.sums(theta + length[:, None] * step)
                new = np.square(np.einsum("bpm,bm->bp", R, fresh[0])).sum(axis=1)
                worse = (length > 0) & ~(new < value)
                if not worse.any():
                    break
                length = np.where(worse, length / 2.0, length)
            length = np.where(new < value, length, 0.0)
            if not length.any():
                break
            theta = theta + length[:, None] * step
            g, G = self.sums(theta)
            value = np.square(np.einsum("bpm,bm->bp", R, g)).sum(axis=1)
        return theta, value


def _roots(S: FloatArray) -> FloatArray:
    """(b, M, M) R with R'R the (generalised) inverse of each S."""
    d = np.sqrt(np.einsum("bmm->bm", S))
    scale = np.where(d > 0, 1.0 / np.where(d > 0, d, 1.0), 0.0)
    values, vectors = np.linalg.eigh(S * scale[:, :, None] * scale[:, None, :])
    kept = values > S.shape[1] * 1e-13 * values[:, -1:]
    root = np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    R: FloatArray = root[:, :, None] * (vectors.swapaxes(1, 2) * scale[:, None, :])
    return R
