"""The LM statistic of dependence, corrected for what each entity's regressors do to it."""

from __future__ import annotations

import numpy as np

from migdev.kernels.types import FloatArray

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
    trace, trace2 = T - 2 * k + first[i, j], T - 2 * k + second[i, j]
    a2 = 3 * (((n - 8) * (n + 2) + 24) / ((n + 2) * (n - 2) * (n - 4))) ** 2
    a1 = a2 - 1 / n**2
    nu = np.sqrt(trace**2 * a1 + 2 * trace2 * a2)
    return rho, (n * rho**2 - trace / n) / nu
