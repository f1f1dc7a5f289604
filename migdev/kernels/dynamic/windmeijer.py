r"""Finite-sample correction of the two-step covariance (Windmeijer 2005).

The second step's weight rests on the estimate of the first; the usual covariance ignores that.
"""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.dynamic.instruments import Instruments, cross, cross_of, project, sum_groups
from migdev.kernels.dynamic.solve import Solution


def weight_pull(
    z: Instruments, X: FloatArray, u: FloatArray, v: FloatArray, groups: IntArray | None = None
) -> tuple[FloatArray, FloatArray]:
    r"""Both halves of :math:`-\partial S(\beta)/\partial\beta_k\, v`, each (J, k).

    .. math::
        \sum_i Z_i'x_{ik}\,(u_i'Z_iv) \quad\text{and}\quad \sum_i Z_i'u_i\,(x_{ik}'Z_iv)

    Parameters
    ----------
    X : (R, k, N); u : (R, N); v : (J,)
    groups : (N,), optional
        Clusters, whose sums replace those of single entities.
    """
    zeta = project(z, v[:, None])[:, 0]  # (R, N)
    s = sum_groups(np.einsum("rn,rn->n", zeta, u), groups)
    q = sum_groups(np.einsum("rn,rkn->kn", zeta, X), groups)
    k = X.shape[1]
    if z.padded is not None:
        both = cross(z, np.concatenate([X * s, u[:, None] * q], axis=1))
        return both[:, :k], both[:, k:]
    return (
        cross_of(z, k, lambda r, block: X[r, :, block] * s[block]),
        cross_of(z, k, lambda r, block: u[r, block] * q[:, block]),
    )


def weight_drift(
    z: Instruments,
    X: FloatArray,
    u: FloatArray,
    step: Solution,
    groups: IntArray | None = None,
) -> FloatArray:
    r"""(k, k) derivative of the estimate with respect to the one that made its weight.

    .. math::
        D_{\cdot k} = -\hat V\,X'ZS^{-1}\frac{\partial S}{\partial\beta_k}S^{-1}Z'\hat u

    Parameters
    ----------
    u : (R, N)
        Residuals of the earlier estimate, which made the weight of ``step``.
    """
    v = step.weight.root @ (step.weight.root.T @ step.moments)
    left, right = weight_pull(z, X, u, v, groups)
    return step.influence @ (left + right)


def two_step_cov(second: FloatArray, first: FloatArray, D: FloatArray) -> FloatArray:
    """Windmeijer (2005, eq. 3.7): V2 + D V2 + V2 D' + D V1 D'.

    Parameters
    ----------
    second : (k, k)
        Uncorrected covariance of the second step.
    first : (k, k)
        Robust covariance of the first step.
    """
    cross_term = D @ second
    V: FloatArray = second + cross_term + cross_term.T + D @ first @ D.T
    return (V + V.T) / 2.0


def iterated_cov(last: FloatArray, D: FloatArray) -> FloatArray:
    """The same at the fixed point of iteration: (I - D)^-1 V (I - D')^-1."""
    A = np.linalg.inv(np.eye(len(D)) - D)
    V: FloatArray = A @ last @ A.T
    return (V + V.T) / 2.0
