"""Least squares of many groups of the same length at once, by their triangular factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray

#: Distance of a unit column from the span of those before it, as in R's lm.
TOL = 1e-7


def batched_ols(
    Y: FloatArray, X: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Coefficients (g, k), inverses of X'X (g, k, k), residuals (g, T), dependent columns (g, k).

    The triangle of (X, y) holds all that is needed, so Q is never formed.

    Parameters
    ----------
    Y : (g, T); X : (g, T, k) with T >= k
    """
    g, _, k = X.shape
    if k == 0:
        return np.empty((g, 0)), np.empty((g, 0, 0)), Y.copy(), np.zeros((g, 0), dtype=bool)
    A, scale = _scaled(Y, X)
    inverse, c, bad = _triangle(A)
    b = c * scale
    inverse *= scale[:, :, None]
    resid = Y.copy()
    for j in range(k):
        resid -= A[j] * c[:, j, None]
    bread = inverse @ inverse.transpose(0, 2, 1)
    failed = bad.any(axis=1)
    if failed.any():
        b[failed], bread[failed], resid[failed] = np.nan, np.nan, np.nan
    return b, bread, resid, bad


def bordered_ols(
    Y: FloatArray, X: FloatArray, H: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    r""":func:`batched_ols` on (X, H) where H (T, h) has the same rows in every entity.

    .. math:: (H, X) = (Q_H, Q)\begin{pmatrix} R_H & P \\ 0 & R\end{pmatrix}
    """
    g, _, k = X.shape
    h = H.shape[1]
    lengths = np.linalg.norm(H, axis=0)
    unit = 1.0 / np.where(lengths > 0, lengths, 1.0)
    Q, R_H = np.linalg.qr(H * unit)
    bad = np.zeros((g, k + h), dtype=bool)
    bad[:, k:] = np.abs(np.diagonal(R_H)) < TOL
    if bad.any():
        return np.empty((g, 0)), np.empty((g, 0, 0)), Y, bad
    A, scale = _scaled(Y, X)
    P = A @ Q
    A -= P @ Q.T
    again = A @ Q  # twice is enough
    A -= again @ Q.T
    P += again
    inverse, c, bad[:, :k] = _triangle(A)
    resid = A[k]
    for j in range(k):
        resid -= A[j] * c[:, j, None]
    to_H = upper_inverse(R_H[None])[0] * unit[:, None]
    S = np.einsum("hi,kgi->ghk", to_H, P[:k])
    b = np.concatenate([c * scale, P[k] @ to_H.T - np.einsum("ghk,gk->gh", S, c)], axis=1)
    root = np.zeros((g, k + h, k + h))
    root[:, :k, h:] = inverse * scale[:, :, None]
    root[:, k:, :h] = to_H
    root[:, k:, h:] = -S @ inverse
    return b, root @ root.transpose(0, 2, 1), resid, bad


def _scaled(Y: FloatArray, X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(k + 1, g, T) columns of X at unit length, then Y; (g, k) factors of the columns."""
    g, T, k = X.shape
    A = np.empty((k + 1, g, T))
    A[:k] = np.moveaxis(X, 2, 0)
    A[k] = Y
    lengths = np.sqrt(np.einsum("kgt,kgt->kg", A[:k], A[:k]))
    scale = 1.0 / np.where(lengths > 0, lengths, 1.0)
    A[:k] *= scale[:, :, None]
    return A, np.ascontiguousarray(scale.T)


def _triangle(A: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Of the batched QR of (X, y), A (k + 1, g, T): the inverse of R (g, k, k), coefficients
    (g, k), and dependent columns (g, k)."""
    k = len(A) - 1
    joint: Any = np.linalg.qr(A.transpose(1, 2, 0), mode="r")
    z, R = joint[:, :k, k], joint[:, :k, :k]
    bad = np.abs(np.einsum("gkk->gk", R)) < TOL
    failed = bad.any(axis=1)
    if failed.any():
        R[failed] = np.eye(k)
    inverse = upper_inverse(R)
    return inverse, np.einsum("gij,gj->gi", inverse, z), bad


def upper_inverse(R: FloatArray) -> FloatArray:
    """(g, k, k) inverses of upper triangular matrices, column by column."""
    inverse = np.zeros_like(R)
    pivots = 1.0 / np.einsum("gkk->gk", R)
    for j in range(R.shape[1]):
        inverse[:, j, j] = pivots[:, j]
        if j:
            head = np.einsum("gil,gl->gi", inverse[:, :j, :j], R[:, :j, j])
            inverse[:, :j, j] = -head * pivots[:, j, None]
    return inverse
