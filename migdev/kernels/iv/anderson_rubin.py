"""Inversion of the Anderson-Rubin test: exact, without a grid."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from migdev.kernels.arrays.types import FloatArray

Intervals = tuple[tuple[float, float], ...]


def ar_statistic(beta: FloatArray, pi_y: FloatArray, pi_d: FloatArray, V: FloatArray) -> FloatArray:
    r"""Wald statistics of :math:`\pi_y - \beta\pi_d = 0` at several values of :math:`\beta`.

    Parameters
    ----------
    beta : (m,)
    pi_y, pi_d : (q,)
        Reduced form of the dependent and of the endogenous variable.
    V : (2, 2, q, q)
        Their joint covariance, of which symmetric parts matter.
    """
    b = beta[:, None, None]
    cov = V[0, 0] - 2 * b * V[0, 1] + b**2 * V[1, 1]
    gap = pi_y - beta[:, None] * pi_d
    out: FloatArray = np.einsum("mi,mi->m", gap, np.linalg.solve(cov, gap[:, :, None])[:, :, 0])
    return out


def ar_set(pi_y: FloatArray, pi_d: FloatArray, V: FloatArray, critical: float) -> Intervals:
    r"""Values of :math:`\beta` that the Anderson-Rubin test does not reject.

    The statistic :math:`\pi(\beta)'V(\beta)^{-1}\pi(\beta)` equals the critical value ``c`` where

    .. math::
        \det\begin{pmatrix} c & \pi(\beta)' \\ \pi(\beta) & V(\beta) \end{pmatrix} = 0, \quad
        \pi(\beta) = \pi_y - \beta\pi_d, \quad
        V(\beta) = V_{yy} - 2\beta V_{yd} + \beta^2 V_{dd}

    a quadratic eigenvalue problem in :math:`\beta`, solved by its companion pencil. Between
    consecutive real roots the sign is that at the midpoint; the outer pieces are judged by the
    limit. The set may be empty, bounded, unbounded or a union of intervals.

    Returns
    -------
    tuple of (low, high)
        Disjoint, in order, with infinite ends where the set is unbounded.

    References
    ----------
    Anderson and Rubin (1949), Annals of Mathematical Statistics 20, 46-63. Mikusheva (2010),
    Journal of Econometrics 157, 236-247 (shapes of such sets).
    """
    q = len(pi_y)
    # Work in units where the two reduced forms have variances of the same order.
    unit = float(np.sqrt(np.trace(V[0, 0]) / np.trace(V[1, 1])))
    L = np.linalg.cholesky(V[1, 1])

    def whiten(M: FloatArray) -> FloatArray:
        half = linalg.solve_triangular(L, M, lower=True)
        out: FloatArray = linalg.solve_triangular(L, half.T, lower=True)
        return (out + out.T) / 2

    wy = linalg.solve_triangular(L, pi_y, lower=True) / unit
    wd = linalg.solve_triangular(L, pi_d, lower=True)
    V0, V1 = whiten(V[0, 0]) / unit**2, whiten(V[0, 1]) / unit
    M0, M1, M2 = (np.zeros((q + 1, q + 1)) for _ in range(3))
    M0[0, 0], M0[0, 1:], M0[1:, 0], M0[1:, 1:] = critical, wy, wy, V0
    M1[0, 1:], M1[1:, 0], M1[1:, 1:] = -wd, -wd, -2 * V1
    M2[1:, 1:] = np.eye(q)
    zero, eye = np.zeros_like(M0), np.eye(q + 1)
    alpha, beta = linalg.eig(
        np.block([[zero, eye], [-M0, -M1]]), np.block([[eye, zero], [zero, M2]]),
        right=False, homogeneous_eigvals=True,
    )  # fmt: skip
    finite = np.abs(beta) > 1e-10 * np.abs(alpha)
    roots = alpha[finite] / beta[finite]
    real = roots.real[np.abs(roots.imag) <= 1e-6 * (1 + np.abs(roots))]
    V = np.array([[V0, V1], [V1, np.eye(q)]])

    def gap(x: FloatArray) -> FloatArray:
        return ar_statistic(np.atleast_1d(x), wy, wd, V) - critical

    cuts = _polish(np.unique(real), gap)
    limit_inside = float(wd @ wd) <= critical
    if not len(cuts):
        return ((-np.inf, np.inf),) if float(gap(np.zeros(1))[0]) <= 0 else ()
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    middle = (cuts[:-1] + cuts[1:]) / 2
    inside = np.concatenate([[limit_inside], gap(middle) <= 0, [limit_inside]])
    pieces: list[list[float]] = []
    for k, accepted in enumerate(inside):
        if not accepted:
            continue
        if pieces and pieces[-1][1] == edges[k]:
            pieces[-1][1] = edges[k + 1]
        else:
            pieces.append([edges[k], edges[k + 1]])
    return tuple((float(low * unit), float(high * unit)) for low, high in pieces)


def _polish(roots: FloatArray, gap: object) -> FloatArray:
    """Roots at which the statistic crosses the critical value, to machine precision."""
    from scipy.optimize import brentq

    def f(x: float) -> float:
        return float(gap(np.array([x]))[0])  # type: ignore[operator]

    kept: list[float] = []
    for r in roots:
        step = 1e-6 * (1 + abs(r))
        low, high = r - step, r + step
        if f(low) * f(high) < 0:
            kept.append(float(brentq(f, low, high, xtol=1e-15, rtol=8.9e-16)))
    return np.unique(np.array(kept))
