"""Tests of overidentifying restrictions: Sargan, Hansen, difference-in-Hansen."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dynamic.solve import NotIdentified, invert, solve


def excluding(
    ZX: FloatArray, Zy: FloatArray, S: FloatArray, A: FloatArray, keep: BoolArray,
    loading: FloatArray | None = None,
) -> tuple[float, int] | None:  # fmt: skip
    """Hansen statistic and degrees of freedom without a group of instruments.

    The weight is the inverse of the submatrix of the full model's S, which keeps the difference
    from turning negative (Hayashi 2000; xtabond2). Degrees of freedom count the independent
    instruments, judged by A = Z'HZ. None where too few remain. Where the sums are of other columns,
    ``loading`` (r, J) makes the instruments of them, and ``keep`` (J,) speaks of the instruments.
    """
    k = ZX.shape[1]
    if int(keep.sum()) < k:
        return None
    if loading is not None:
        span = loading[:, keep] / np.linalg.norm(loading[:, keep], axis=0)
        U, size, _ = np.linalg.svd(span, full_matrices=False)
        U = U[:, size > 1e-9 * size[0]]
        ZX, Zy, S, A = U.T @ ZX, U.T @ Zy, U.T @ S @ U, U.T @ A @ U
        keep = np.ones(U.shape[1], dtype=bool)
    weight = invert(S[np.ix_(keep, keep)])
    rank = invert(A[np.ix_(keep, keep)]).rank
    if min(weight.rank, rank) < k:
        return None
    try:
        fit = solve(ZX[keep], Zy[keep], weight)
    except NotIdentified:
        return None
    return fit.objective, rank - k


def sargan(moments: FloatArray, root: FloatArray, sigma2: float) -> float:
    r""":math:`\hat u'Z(Z'HZ)^{-1}Z'\hat u/\hat\sigma^2`."""
    scaled = root.T @ moments
    return float(scaled @ scaled) / sigma2 if sigma2 > 0 else float(np.nan)
