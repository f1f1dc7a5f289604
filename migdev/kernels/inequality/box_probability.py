"""Probability that a normal vector lies in a box, one coordinate after the other, on deterministic
points: Gauss and Legendre's in up to four coordinates, a lattice's in more."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.inequality.lattice import lattice

#: Points of the lattice: three digits or more of a probability in eight dimensions.
POINTS = 4096
#: Points by coordinate in so many of them: four digits, two where coordinates are nearly STEEP.
NODES = {1: 1, 2: 32, 3: 20, 4: 12}
#: A coordinate with less than this share of its spread left, given the former ones, is as good as
#: inside or outside: too steep for few points.
STEEP = 0.1


def box_probability(low: Any, high: Any, mean: Any, cov: Any) -> FloatArray:
    r"""P(low < X < high) for X normal, batched.

    With the Cholesky factor L of the covariance, coordinate by coordinate,

    .. math::
        P = E\Big[\prod_j \{\Phi(b_j) - \Phi(a_j)\}\Big], \quad
        a_j = \Big(l_j - \mu_j - \sum_{k<j} L_{jk}\,\eta_k\Big) / L_{jj} \quad (1)

    where :math:`\eta_k` is normal within :math:`(a_k, b_k)` (the simulator of Geweke,
    Hajivassiliou and Keane). A product of probabilities keeps its relative accuracy where the box
    is far in the tail, which a share of draws does not. The j-th factor depends on j - 1 of the
    :math:`\eta` alone, so the product rule asks few normal quantiles of all its points.

    Parameters
    ----------
    low, high, mean : (..., m)
        Bounds may be infinite.
    cov : (..., m, m)
        Positive semi-definite; a coordinate that the former ones fix is inside or outside.

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
    left = np.diagonal(L, axis1=-2, axis2=-1)
    spread = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    smooth = np.logical_and(m in NODES, (left > STEEP * spread).all(axis=-1))
    if smooth.all():
        return _by_coordinate(a0, b0, L, NODES[m])
    on_lattice = _by_coordinate(a0, b0, L, None)
    if not smooth.any():
        return on_lattice
    return np.where(smooth, _by_coordinate(a0, b0, L, NODES[m]), on_lattice)


def _by_coordinate(a0: FloatArray, b0: FloatArray, L: FloatArray, n: int | None) -> FloatArray:
    """Eq. (1) with n points of each coordinate, or those of the lattice; bounds (..., m, 1) less
    the mean, L (..., m, m)."""
    m, batch = L.shape[-1], L.shape[:-2]
    total, eta = np.ones((*batch, 1)), np.zeros((*batch, 0, 1))
    for j in range(m):
        # numpy's einsum over an empty axis may give whatever the memory holds.
        shift = np.einsum("...k,...kp->...p", L[..., j, :j], eta) if j else 0.0
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
        if j == m - 1:
            break
        if n is not None:
            u, w = _nodes(n)
            total = _flat(total[..., None] * w)
            at = _flat(below[..., None] + u * width[..., None])
            eta, mirror = (np.repeat(v, len(u), axis=-1) for v in (eta, mirror))
        else:
            at = below + lattice(POINTS, m - 1)[:, j] * width
        draw = ndtri(np.clip(at, 1e-300, 1 - 1e-16))
        draw = np.where(mirror, -draw, draw)
        former = np.broadcast_to(eta, (*eta.shape[:-1], draw.shape[-1]))
        eta = np.concatenate([former, draw[..., None, :]], axis=-2)
    out: FloatArray = total.mean(axis=-1) if n is None else total.sum(axis=-1)
    return out


@cache
def _nodes(n: int) -> tuple[FloatArray, FloatArray]:
    r"""(n,) points of the unit interval and their weights.

    Gauss and Legendre's in t with :math:`u = t^3(10 - 15t + 6t^2)`, which takes the edge off
    normal quantiles at both ends.
    """
    x, w = np.polynomial.legendre.leggauss(n)
    t = (x + 1) / 2
    return t**3 * (10 - 15 * t + 6 * t**2), 15 * w * t**2 * (1 - t) ** 2


def _flat(values: FloatArray) -> FloatArray:
    return values.reshape(*values.shape[:-2], -1)


def _side(distance: FloatArray) -> FloatArray:
    """Minus or plus infinity: where a coordinate without spread lies."""
    return np.where(distance >= 0, np.inf, -np.inf)


def lower_root(cov: FloatArray) -> FloatArray:
    """(..., m, m) Cholesky factor; a column of zeros where nothing is left of a coordinate."""
    m = cov.shape[-1]
    L = np.zeros(cov.shape)
    for j in range(m):
        rest = cov[..., j:, j]
        if j:  # no einsum over an empty axis
            rest = rest - np.einsum("...ik,...k->...i", L[..., j:, :j], L[..., j, :j])
        pivot = rest[..., 0]
        left = pivot > 1e-12 * cov[..., j, j]
        with np.errstate(divide="ignore", invalid="ignore"):
            column = rest / np.sqrt(np.where(left, pivot, np.nan))[..., None]
        L[..., j:, j] = np.where(left[..., None], column, 0.0)
    return L
