"""Phillips and Perron's Z_t for many series."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.kernels.unit_roots.adf_batch import adf_arrays, standardised


def phillips_perron(y: FloatArray, entity: IntArray, lags: int, trend: str) -> FloatArray:
    r"""(N,) Dickey-Fuller t-statistics corrected for serial correlation.

    .. math::
        Z_t = \sqrt{\hat\gamma_0/\hat\lambda^2}\,t
            - \frac{(\hat\lambda^2 - \hat\gamma_0)\,n\,\widehat{se}}{2\hat\lambda s}

    with :math:`\hat\gamma_j = n^{-1}\sum_t \hat u_t\hat u_{t-j}`, :math:`\hat\lambda^2` their
    Bartlett sum over ``lags`` and :math:`s^2 = RSS/(n-k)` (Hamilton 1994, Time Series Analysis,
    eq. 17.6.8).

    Parameters
    ----------
    y : (n,); entity : (n,)
        Rows sorted by entity; consecutive rows are consecutive periods.
    """
    out = np.empty(int(entity.max()) + 1)
    for codes, rows in blocks(entity):
        Y, _ = standardised(y[rows], trend)
        dy, level, W = adf_arrays(Y, 0, trend)
        X = np.concatenate([level[:, :, None], W], axis=2)
        b, bread, u, _ = batched_ols(dy, X)
        n, k = X.shape[1:]
        gamma0 = np.einsum("gt,gt->g", u, u) / n
        s2 = gamma0 * n / (n - k)
        se = np.sqrt(bread[:, 0, 0] * s2)
        lam2 = gamma0.copy()
        for lag in range(1, min(lags, n - 1) + 1):
            gamma = np.einsum("gt,gt->g", u[:, lag:], u[:, : n - lag]) / n
            lam2 += 2 * (1 - lag / (lags + 1)) * gamma
        out[codes] = np.sqrt(gamma0 / lam2) * b[:, 0] / se - (lam2 - gamma0) * n * se / (
            2 * np.sqrt(lam2 * s2)
        )
    return out
