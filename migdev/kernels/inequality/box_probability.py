"""Probability that a normal vector lies in a box, by the simulator of Geweke, Hajivassiliou and
Keane on deterministic points."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.inequality.lattice import lattice

#: Points of the lattice: three digits or more of a probability in eight dimensions.
POINTS = 4096


def box_probability(low: Any, high: Any, mean: Any, cov: Any, points: int = POINTS) -> FloatArray:
    r"""P(low < X < high) for X normal, batched.

    With the Cholesky factor L of the covariance, coordinate by coordinate,

    .. math::
        P = E\Big[\prod_j \{\Phi(b_j) - \Phi(a_j)\}\Big], \quad
        a_j = \Big(l_j - \mu_j - \sum_{k<j} L_{jk}\,\eta_k\Big) / L_{jj} \quad (1)

    where :math:`\eta_k` is normal within :math:`(a_k, b_k)`. A product of probabilities keeps its
    relative accuracy where the box is far in the tail, which a share of draws does not.

    Parameters
    ----------
    low, high, mean : (..., m)
        Bounds may be infinite.
    cov : (..., m, m)
        Positive semi-definite; a coordinate that the former ones fix is inside or outside.
    points : int

    References
    ----------
    Genz (1992), Journal of Computational and Graphical Statistics 1, 141-149. Hajivassiliou,
    McFadden and Ruud (1996), Journal of Econometrics 72, 85-134.
    """
    mean = np.asarray(mean, dtype=float)
    cov = np.asarray(cov, dtype=float)
    shape = np.broadcast_shapes(np.shape(low), np.shape(high), mean.shape, cov.shape[:-1])
    m = shape[-1]
    a0 = np.broadcast_to(low - mean, shape)[..., None]
    b0 = np.broadcast_to(high - mean, shape)[..., None]
    L = np.broadcast_to(lower_root(cov), (*shape[:-1], m, m))
    u = lattice(points, max(m - 1, 1))
    total = np.ones((*shape[:-1], points))
    eta = np.zeros((*shape[:-1], m, points))
    for j in range(m):
        shift = np.einsum("...k,...kp->...p", L[..., j, :j], eta[..., :j, :])
        scale = L[..., j, j][..., None]
        fixed = scale <= 0
        a, b = a0[..., j, :] - shift, b0[..., j, :] - shift
        if fixed.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                a, b = (np.where(fixed, _side(x), x / scale) for x in (a, b))
        else:
            a, b = a / scale, b / scale
        # In the upper tail the mirrored interval keeps the digits.
        mirror = a > 0
        if np.isposinf(b0[..., j, :]).all() and not fixed.any():  # one tail gives both ends
            tail = ndtr(-np.abs(a))
            below, width = np.where(mirror, 0.0, tail), np.where(mirror, tail, 1 - tail)
        else:
            below = ndtr(np.where(mirror, -b, a))
            width = np.maximum(ndtr(np.where(mirror, -a, b)) - below, 0.0)
        total = total * width
        if j < m - 1:
            draw = ndtri(np.clip(below + u[:, j] * width, 1e-300, 1 - 1e-16))
            eta[..., j, :] = np.where(mirror, -draw, draw)
    out: FloatArray = total.mean(axis=-1)
    return out


def _side(distance: FloatArray) -> FloatArray:
    """Minus or plus infinity: where a coordinate without spread lies."""
    return np.where(distance >= 0, np.inf, -np.inf)


def lower_root(cov: FloatArray) -> FloatArray:
    """(..., m, m) Cholesky factor; a column of zeros where nothing is left of a coordinate."""
    m = cov.shape[-1]
    L = np.zeros(cov.shape)
    for j in range(m):
        rest = cov[..., j:, j] - np.einsum("...ik,...k->...i", L[..., j:, :j], L[..., j, :j])
        pivot = rest[..., 0]
        left = pivot > 1e-12 * cov[..., j, j]
        with np.errstate(divide="ignore", invalid="ignore"):
            column = rest / np.sqrt(np.where(left, pivot, np.nan))[..., None]
        L[..., j:, j] = np.where(left[..., None], column, 0.0)
    return L
