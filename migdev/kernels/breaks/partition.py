"""Least-squares partitions of a series into regimes: sums of squares of all segments, and the best
dates of any number of breaks by dynamic programming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partitions:
    """The best partitions into 1, ..., M + 1 regimes.

    Attributes
    ----------
    segments : (g, T, T)
        Sums of squared residuals of the rows i..j; infinite where shorter than h.
    rss : (g, M + 1)
        Of the best partition with 0, ..., M breaks.
    last : (g, M + 1, M + 2)
        Positions of the last row of each regime, T - 1 after the last one.
    collinear : (g,)
        A regressor is constant or collinear within some h rows; the rest is missing then.
    """

    segments: FloatArray
    rss: FloatArray
    last: IntArray
    collinear: BoolArray


def partitions(Y: FloatArray, X: FloatArray, h: int, most: int) -> Partitions:
    """Global minima of the sum of squares over the dates of 0, ..., ``most`` breaks.

    Parameters
    ----------
    Y : (g, T); X : (g, T, k)
        All coefficients change at a break.
    h : int
        Rows that a regime must have, more than k.
    most : int
        M, with (M + 1) h <= T.
    """
    g, T = Y.shape
    S, bad = segment_rss(Y, X, h)
    cost = S[:, 0, :]
    starts = []
    for _ in range(most):
        total = np.full((g, T, T), np.inf)
        total[:, 1:] = cost[:, :-1, None] + S[:, 1:]
        at = np.argmin(total, axis=1)
        starts.append(at)
        cost = np.take_along_axis(total, at[:, None, :], axis=1)[:, 0]
    rows = np.arange(g)
    last = np.full((g, most + 1, most + 2), T - 1, dtype=np.int64)
    rss = np.empty((g, most + 1))
    for m in range(most + 1):
        end = np.full(g, T - 1)
        for r in range(m, 0, -1):
            end = starts[r - 1][rows, end] - 1
            last[:, m, r - 1] = end
        edges = np.concatenate([np.full((g, 1), -1), last[:, m, : m + 1]], axis=1)
        rss[:, m] = S[rows[:, None], edges[:, :-1] + 1, edges[:, 1:]].sum(axis=1)
    return Partitions(segments=S, rss=rss, last=last, collinear=bad)


def segment_rss(Y: FloatArray, X: FloatArray, h: int) -> tuple[FloatArray, BoolArray]:
    """(g, T, T) sums of squared residuals of rows i..j, by recursive residuals from h rows on, and
    series with a collinear regressor in some h rows (g,).

    References
    ----------
    Brown, Durbin and Evans (1975), Journal of the Royal Statistical Society B 37, 149-192.
    """
    g, T = Y.shape
    k = X.shape[2]
    # Orthonormal over the whole sample: the span stays, and trends are better conditioned.
    X = np.linalg.qr(X)[0] * np.sqrt(T)
    n = T - h + 1
    window = np.arange(n)[:, None] + np.arange(h)
    b, P, e, dependent = batched_ols(
        Y[:, window].reshape(g * n, h), X[:, window].reshape(g * n, h, k)
    )
    b, P = b.reshape(g, n, k), P.reshape(g, n, k, k)
    rss = np.einsum("rt,rt->r", e, e).reshape(g, n)
    S = np.full((g, T, T), np.inf)
    start = np.arange(n)
    S[:, start, start + h - 1] = rss
    for length in range(h, T):
        b, P, rss = b[:, : T - length], P[:, : T - length], rss[:, : T - length]
        x, y = X[:, length:], Y[:, length:]
        Px = np.einsum("gikl,gil->gik", P, x)
        f = 1.0 + np.einsum("gik,gik->gi", Px, x)
        v = y - np.einsum("gik,gik->gi", b, x)
        b = b + Px * (v / f)[:, :, None]
        P = P - Px[:, :, :, None] * Px[:, :, None, :] / f[:, :, None, None]
        rss = rss + v * v / f
        start = np.arange(T - length)
        S[:, start, start + length] = rss
    bad: BoolArray = np.any(dependent.reshape(g, -1), axis=1)
    S[bad] = np.nan
    return S, bad


def best_split(S: FloatArray, first: IntArray, last: IntArray) -> tuple[FloatArray, IntArray]:
    """The best single break within rows ``first``..``last`` (g,): its sum of squares, infinite
    where there is no room, and the last row before it."""
    rows = np.arange(len(S))
    total = S[rows, first, :-1] + S[rows, 1:, last]
    at = np.argmin(total, axis=1)
    return total[rows, at], at
