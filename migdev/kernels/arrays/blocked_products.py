"""Products of tall, thin arrays, in blocks that BLAS computes on one thread.

A product of a million rows by three columns is bound by memory, and threads that wait for one
another cost more than they save: on a busy machine, hundredfold. Blocks below the size at which
OpenBLAS takes to threads avoid that, and sums by blocks lose fewer digits than running sums.
"""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import FloatArray

_GEMM = 200_000  # multiplications of a matrix product that stay on one thread
_GEMV = 8_000  # the same for a matrix times a vector
_DOT = 10_000  # the length up to which an inner product does
_WIDE = 10_000  # columns times columns from which the work is worth threads
_HELD = 500_000  # numbers that partial sums may take at a time


def gram(A: FloatArray, B: FloatArray | None = None) -> FloatArray:
    """(p, q) product A'B of (n, p) and (n, q); A'A without ``B``."""
    B = A if B is None else B
    n, (p, q) = len(A), (A.shape[1], B.shape[1])
    if p * q == 0 or p * q > _WIDE or n * p * q <= _GEMM:
        return A.T @ B
    rows = max(1, _GEMM // (p * q))
    many = n // rows
    left, right = _blocks(A, rows, many), _blocks(B, rows, many)
    out = A[many * rows :].T @ B[many * rows :]
    step = max(1, _HELD // (p * q))
    for start in range(0, many, step):
        at = slice(start, start + step)
        out += np.matmul(left[at].transpose(0, 2, 1), right[at]).sum(axis=0)
    return out


def product(X: FloatArray, b: FloatArray) -> FloatArray:
    """(n,) or (n, m) product X b of (n, k) and (k,) or (k, m)."""
    n, k = X.shape
    one = b.ndim == 1
    rows = _GEMV // max(1, k) if one else _GEMM // max(1, k * b.shape[1])
    if k == 0 or b.size == 0 or rows < 16 or n <= rows:
        return X @ b
    many = n // rows
    out = np.empty((n, *b.shape[1:]))
    np.matmul(_blocks(X, rows, many), b, out=out[: many * rows].reshape(many, rows, *b.shape[1:]))
    out[many * rows :] = X[many * rows :] @ b
    return out


def dot(x: FloatArray, y: FloatArray) -> float:
    """Inner product of two vectors (n,)."""
    many = len(x) // _GEMV
    if len(x) <= _DOT or not (x.flags.c_contiguous and y.flags.c_contiguous):
        return float(x @ y)
    head = many * _GEMV
    parts = np.matmul(x[:head].reshape(many, 1, _GEMV), y[:head].reshape(many, _GEMV, 1))
    return float(parts.sum() + x[head:] @ y[head:])


def _blocks(X: FloatArray, rows: int, many: int) -> FloatArray:
    """(many, rows, k) view of the first ``many * rows`` rows; a copy for odd memory layouts."""
    head = X[: many * rows]
    if X.flags.c_contiguous:
        return head.reshape(many, rows, -1)
    return head.T.reshape(X.shape[1], many, rows).transpose(1, 2, 0)
