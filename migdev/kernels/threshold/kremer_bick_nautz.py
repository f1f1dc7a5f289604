r"""Least-squares threshold after a reduced form, in forward orthogonal deviations.

With :math:`\hat X = P_ZX` the regressors predicted from the instruments and
:math:`D(\gamma) = [w1(q>\gamma)]^*` the deviations of what shifts, the sum of squares of
:math:`y^*` on :math:`[\hat X, D(\gamma)]` needs only the moments :math:`Z'X, Z'y, Z'D` and the
products of y and D (Caner and Hansen 2004; Kremer, Bick and Nautz 2013).
"""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dynamic.instruments import Instruments, cross
from migdev.kernels.dynamic.solve import Weight
from migdev.kernels.dynamic.stack import Stack, deviations


def moved(
    w: FloatArray, q: FloatArray, complete: BoolArray, stack: Stack, gamma: float
) -> FloatArray:
    """(R, m, N) deviations of w above the threshold, for w (T, m, N) and q (T, N) in levels."""
    above = (q > gamma) & complete
    D, _ = deviations(w * above[:, None], complete)
    return D[stack.period]


def rss_path(
    z: Instruments, first: Weight, stack: Stack, w: FloatArray, q: FloatArray,
    complete: BoolArray, grid: FloatArray,
) -> FloatArray:  # fmt: skip
    """(G,) sum of squared residuals at every candidate threshold.

    Parameters
    ----------
    first : Weight
        Inverse of Z'Z.
    w : (T, m, N); q, complete : (T, N)
    """
    B = first.root.T @ cross(z, stack.X)
    predicted = B.T @ B
    reduced = B.T @ (first.root.T @ cross(z, stack.y))
    total = float(np.einsum("rn,rn->", stack.y, stack.y))
    path = np.empty(len(grid))
    for g, gamma in enumerate(grid):
        D = moved(w, q, complete, stack, float(gamma))
        between = B.T @ (first.root.T @ cross(z, D))
        own = np.einsum("rin,rjn->ij", D, D, optimize=True)
        N = np.block([[predicted, between], [between.T, own]])
        c = np.concatenate([reduced, np.einsum("rin,rn->i", D, stack.y)])
        size = np.sqrt(np.diagonal(N))
        scale = np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 0.0)
        inverse = np.linalg.pinv(N * np.outer(scale, scale), rcond=1e-11, hermitian=True)
        path[g] = total - (c * scale) @ inverse @ (c * scale)
    return path
