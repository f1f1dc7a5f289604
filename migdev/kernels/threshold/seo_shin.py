r"""First-differenced GMM with a threshold (Seo and Shin 2016).

.. math::
    \Delta y_{it} = \Delta x_{it}'\beta + \delta'\,\Delta[w_{it}1(q_{it} > \gamma)]
        + \Delta\varepsilon_{it}
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import BoolArray, Done, FloatArray, untold
from migdev.kernels.dynamic.instruments import Instruments, cross, outer, scores
from migdev.kernels.dynamic.solve import NotIdentified, Solution, Weight, invert, solve
from migdev.kernels.dynamic.stack import Stack, differences


def between_trims(q: FloatArray, grid: int | None, trim: float) -> FloatArray:
    """Thresholds to try: ``grid`` quantiles of q (n,) from ``trim`` to ``1 - trim``, or every
    value between them."""
    if grid is not None:
        levels = np.linspace(trim, 1.0 - trim, grid)
        return np.unique(np.quantile(q, levels, method="inverted_cdf"))
    low, high = np.quantile(q, [trim, 1.0 - trim], method="inverted_cdf")
    values: FloatArray = np.unique(q)
    return np.asarray(values[(values >= low) & (values <= high)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """Arrays of the model.

    Attributes
    ----------
    w : (T, m, N); q : (T, N)
        What shifts, in levels, and the threshold variable; zero where not complete.
    complete : (T, N)
    ZX : (J, k); Zy : (J,)
    """

    z: Instruments
    stack: Stack
    w: FloatArray
    q: FloatArray
    complete: BoolArray
    ZX: FloatArray
    Zy: FloatArray

    def shifted(self, gamma: float) -> FloatArray:
        """(R, m, N) differences of w above the threshold."""
        above = (self.q > gamma) & self.complete
        moved, _ = differences(self.w * above[:, None], self.complete)
        return moved[self.stack.period]

    def at(self, gamma: float, weight: Weight) -> Solution:
        """GMM given the threshold."""
        ZD = cross(self.z, self.shifted(gamma))
        return solve(np.concatenate([self.ZX, ZD], axis=1), self.Zy, weight)

    def residuals(self, gamma: float, params: FloatArray) -> FloatArray:
        """(R, N)"""
        k = self.ZX.shape[1]
        u: FloatArray = self.stack.residuals(params[:k]) - np.matmul(
            params[k:], self.shifted(gamma)
        )
        return u

    def slope(self, gamma: float, delta: FloatArray, bandwidth: float) -> FloatArray:
        """(J,) derivative of the moments with respect to the threshold, smoothed by a Gaussian
        kernel."""
        kernel = np.exp(-0.5 * np.square((self.q - gamma) / bandwidth))
        kernel /= bandwidth * np.sqrt(2.0 * np.pi)
        level = np.matmul(delta, self.w) * kernel * self.complete
        moved, _ = differences(level, self.complete)
        return cross(self.z, moved[self.stack.period])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """Criterion over the grid.

    Attributes
    ----------
    gamma : float
    fit : Solution
    path : (G,)
        inf where the model is not identified.
    """

    gamma: float
    fit: Solution
    path: FloatArray


def profile(model: Model, grid: FloatArray, weight: Weight) -> Profile | None:
    """The threshold that minimises the criterion under one weight."""
    path = np.full(len(grid), np.inf)
    best: Solution | None = None
    for g, gamma in enumerate(grid):
        try:
            fit = model.at(float(gamma), weight)
        except NotIdentified:
            continue
        path[g] = fit.objective
        if best is None or fit.objective < best.objective:
            best, at = fit, float(gamma)
    return None if best is None else Profile(gamma=at, fit=best, path=path)


def covariance(
    model: Model, gamma: float, params: FloatArray, weight: Weight, bandwidth: float
) -> tuple[FloatArray, FloatArray]:
    """(k+m+1, k+m+1) (G'S^-1 G)^-1 of slopes, shifts and threshold together, and (N, k+m+1)
    -(G'S^-1 G)^-1 G'S^-1 g_i, what each entity adds to them."""
    k = model.ZX.shape[1]
    ZD = cross(model.z, model.shifted(gamma))
    slope = model.slope(gamma, params[k:], bandwidth)
    B = weight.root.T @ np.column_stack([-model.ZX, -ZD, slope])
    size = np.sqrt(np.einsum("ij,ij->j", B, B))
    size = np.where(size > 0, size, 1.0)
    V = np.linalg.pinv((B / size).T @ (B / size), hermitian=True) / np.outer(size, size)
    g = scores(model.z, model.residuals(gamma, params))
    return np.asarray(V, dtype=np.float64), -(V @ (B.T @ (weight.root.T @ g))).T


def linearity(
    model: Model, grid: FloatArray, first: Weight, draws: int, rng: np.random.Generator,
    done: Done = untold,
) -> tuple[float, FloatArray]:  # fmt: skip
    r"""Supremum over the grid of the Wald statistic of :math:`\delta = 0`, and its bootstrap.

    At every threshold the model is estimated in two steps; the draws multiply the moments of each
    entity by a standard normal (Hansen 1996), with the same multipliers at all thresholds.
    """
    k = model.ZX.shape[1]
    N = model.stack.y.shape[1]
    eta = rng.standard_normal((N, draws))
    sup, sups = 0.0, np.zeros(draws)
    for gamma in grid:
        done(1)
        try:
            one = model.at(float(gamma), first)
            u = model.residuals(float(gamma), one.params)
            weight = invert(outer(model.z, u))
            two = model.at(float(gamma), weight)
        except NotIdentified:
            continue
        u = model.residuals(float(gamma), two.params)
        V = two.influence @ outer(model.z, u) @ two.influence.T
        size = np.sqrt(np.diagonal(V[k:, k:]))
        scale = np.outer(size, size)
        inverse = np.linalg.pinv(V[k:, k:] / scale, rcond=1e-12, hermitian=True) / scale
        delta = two.params[k:]
        sup = max(sup, float(delta @ inverse @ delta))
        g = scores(model.z, u) @ eta
        star = two.influence[k:] @ g
        sups = np.maximum(sups, np.einsum("md,ml,ld->d", star, inverse, star))
    return sup, sups
