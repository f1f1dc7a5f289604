"""The LM statistic of dependence, corrected for what each entity's regressors do to it."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray

_BLOCK = 20_000_000  # doubles held at a time


def bias_adjusted_terms(e: FloatArray, Q: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Correlations of residuals and the standardised terms of Pesaran, Ullah and Yamagata, pairs
    i < j:

    .. math::
        z_{ij} = \frac{(T-k)\hat\rho_{ij}^2 - \mu_{ij}}{\nu_{ij}}, \quad
        \mu_{ij} = \frac{tr(M_iM_j)}{T-k}, \quad
        \nu_{ij}^2 = tr(M_iM_j)^2a_1 + 2\,tr\{(M_iM_j)^2\}a_2

    The traces come from the singular values s of :math:`Q_i'Q_j`: :math:`T - 2k + \sum s^2` and
    :math:`T - 2k + \sum s^4`.

    Parameters
    ----------
    e : (N, T)
        Residuals of each entity's regression.
    Q : (N, T, k)
        Orthonormal bases of its regressors; T > k + 8.

    Returns
    -------
    rho, z : (M,)
    """
    N, T, k = Q.shape
    n = float(T - k)
    unit = e / np.sqrt(np.einsum("nt,nt->n", e, e))[:, None]
    i, j = np.triu_indices(N, 1)
    rho = (unit @ unit.T)[i, j]
    flat = Q.transpose(1, 0, 2).reshape(T, N * k)
    first, second = np.empty((N, N)), np.empty((N, N))
    step = max(1, _BLOCK // (N * k * k))
    for start in range(0, N, step):
        stop = min(start + step, N)
        S = (flat[:, start * k : stop * k].T @ flat).reshape(stop - start, k, N, k)
        S = S.transpose(0, 2, 1, 3)
        first[start:stop] = np.einsum("abkl,abkl->ab", S, S)
        SS = S.transpose(0, 1, 3, 2) @ S
        second[start:stop] = np.einsum("abkl,abkl->ab", SS, SS)
    return rho, _standardised(rho, n, T - 2 * k + first[i, j], T - 2 * k + second[i, j])


def _standardised(
    rho: FloatArray, n: float | FloatArray, trace: FloatArray, trace2: FloatArray
) -> FloatArray:
    a2 = 3 * (((n - 8) * (n + 2) + 24) / ((n + 2) * (n - 2) * (n - 4))) ** 2
    a1 = a2 - 1 / n**2
    nu = np.sqrt(trace**2 * a1 + 2 * trace2 * a2)
    return np.asarray((n * rho**2 - trace / n) / nu)


def overlapping_terms(
    Y: FloatArray, X: FloatArray, seen: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """Correlations, standardised terms and shared periods of pairs i < j, each from regressions of
    both entities over the periods they share, and the number of pairs left out.

    So fitted, the moments of :func:`bias_adjusted_terms` hold for every pair with its own T. Left
    out are pairs that share no more than k + 8 periods, or over them are collinear or fitted
    without error.

    Parameters
    ----------
    Y : (N, T); X : (N, T, k), intercept among them; seen : (N, T)
    """
    N, T, k = X.shape
    i, j = np.triu_indices(N, 1)
    shared = seen.astype(float) @ seen.T.astype(float)
    keep = shared[i, j] > k + 8
    total = len(i)
    i, j = i[keep], j[keep]
    rho, trace, trace2 = np.empty(len(i)), np.empty(len(i)), np.empty(len(i))
    good = np.ones(len(i), dtype=bool)
    step = max(1, _BLOCK // (8 * T * k))
    for start in range(0, len(i), step):
        at = slice(start, start + step)
        mask = seen[i[at]] & seen[j[at]]
        Qi, ei, bad_i = orthogonal_fit(Y[i[at]], X[i[at]], mask)
        Qj, ej, bad_j = orthogonal_fit(Y[j[at]], X[j[at]], mask)
        good[at] = ~(bad_i | bad_j)
        rho[at] = np.einsum("pt,pt->p", ei, ej)
        S = Qi.transpose(0, 2, 1) @ Qj
        SS = S.transpose(0, 2, 1) @ S
        count = mask.sum(axis=1) - 2 * k
        trace[at] = count + np.einsum("pkl,pkl->p", S, S)
        trace2[at] = count + np.einsum("pkl,pkl->p", SS, SS)
    i, j, rho = i[good], j[good], rho[good]
    T_ij = shared[i, j]
    z = _standardised(rho, T_ij - k, trace[good], trace2[good])
    return rho, z, T_ij, total - len(i)


def orthogonal_fit(
    Y: FloatArray, X: FloatArray, mask: BoolArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Bases (P, T, k) of masked regressors, residuals (P, T) of unit length, and failures."""
    X = np.where(mask[:, :, None], X, 0.0)
    length = np.sqrt(np.einsum("ptk,ptk->pk", X, X))
    Q, R = np.linalg.qr(X / np.where(length > 0, length, 1.0)[:, None, :])
    bad = (np.abs(np.einsum("pkk->pk", R)) < 1e-9).any(axis=1)
    y = np.where(mask, Y, 0.0)
    y -= mask * (y.sum(axis=1) / mask.sum(axis=1))[:, None]
    e = y
    for _ in range(2):  # twice is enough
        e = e - np.einsum("ptk,pk->pt", Q, np.einsum("ptk,pt->pk", Q, e))
    size = np.sqrt(np.einsum("pt,pt->p", e, e))
    spread = np.where(mask, Y, -np.inf).max(axis=1) - np.where(mask, Y, np.inf).min(axis=1)
    bad |= ~(np.abs(e).max(axis=1) > 1e-10 * spread)
    return Q, e / np.where(size > 0, size, 1.0)[:, None], bad
