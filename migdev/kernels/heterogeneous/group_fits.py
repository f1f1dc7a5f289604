"""Residual sums of squares and ranks of one regression per group."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks

# Singular values of unit columns below this share of the largest count as zero (R's lm: 1e-7).
_TOL = 1e-7


def group_fits(y: FloatArray, X: FloatArray, group: IntArray) -> tuple[FloatArray, IntArray]:
    """Residual sum of squares (G,) and rank (G,) of the regression of ``y`` on ``X`` by group.

    Groups may be shorter than k, and regressors collinear within them.

    Parameters
    ----------
    y : (n,); X : (n, k); group : (n,)
        Codes 0..G-1, sorted, each present.
    """
    size = int(group.max(initial=-1)) + 1
    rss, rank = np.zeros(size), np.zeros(size, dtype=np.int64)
    for codes, rows in blocks(group):
        Xg, yg = X[rows], y[rows][:, :, None]
        lengths = np.sqrt(np.einsum("gtk,gtk->gk", Xg, Xg))
        U, s, _ = np.linalg.svd(
            Xg / np.where(lengths > 0, lengths, 1.0)[:, None, :], full_matrices=False
        )
        used = s > _TOL * s[:, :1]
        U = U * used[:, None, :]
        for _ in range(2):  # the second pass takes off what rounding left
            yg = yg - U @ (U.transpose(0, 2, 1) @ yg)
        rank[codes] = used.sum(axis=1)
        rss[codes] = np.einsum("gto,gto->g", yg, yg)
    return rss, rank
