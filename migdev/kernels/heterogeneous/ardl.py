"""Entity regressions with lag orders that differ by entity."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.kernels.arrays.batched import TOL, upper_inverse
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import Slopes, entity_slopes, triangles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compressed:
    """Each entity's (W, X, y) as the rows of its triangle: every regression among these columns
    has the same coefficients, errors and RSS there as in the data, on far fewer rows.

    Attributes
    ----------
    y : (r,); X : (r, p); W : (r, m); entity : (r,), r = N (m + p + 1)
    counts : (N,)
        Rows of each entity in the data.
    """

    y: FloatArray
    X: FloatArray
    W: FloatArray
    entity: IntArray
    counts: IntArray

    @classmethod
    def of(
        cls, y: FloatArray, X: Sequence[FloatArray], W: FloatArray, entity: IntArray
    ) -> Compressed:
        """From the data; X in parts (n,) or (n, q)."""
        m = W.shape[1]
        V = triangles([W, *X, y], entity)
        return cls(
            y=V[:, -1], X=V[:, m:-1], W=V[:, :m], counts=np.bincount(entity),
            entity=np.repeat(np.arange(len(V) // V.shape[1]), V.shape[1]),
        )  # fmt: skip

    def reduce(self, mask: BoolArray) -> Reduced:
        """Take out the terms of W that each entity keeps, ``mask`` (N, m)."""
        N, m, p = *mask.shape, self.X.shape[1]
        V = np.column_stack([self.W, self.X, self.y]).reshape(N, m + p + 1, m + p + 1)
        P, B = np.zeros((N, m, p + 1)), np.zeros((N, m, m))
        tail, dependent = np.empty((N, p + 1, p + 1)), np.zeros((N, p + m), dtype=bool)
        for pattern, at in _patterns(mask):
            h, keep = int(pattern.sum()), np.flatnonzero(pattern)
            R: Any = V[at]
            if h < m:
                R = np.linalg.qr(R[:, :, np.append(keep, np.arange(m, m + p + 1))], mode="r")
            lengths = np.sqrt(np.einsum("gij,gij->gj", R, R))
            pivots = np.abs(np.einsum("gjj->gj", R))
            bad = pivots[:, :-1] <= TOL * lengths[:, :-1]
            dependent[np.ix_(at, p + keep)], dependent[at, :p] = bad[:, :h], bad[:, h:]
            R[bad.any(axis=1), :, :-1] = np.eye(h + p + 1)[:, :-1]
            inverse = upper_inverse(R[:, :h, :h])
            P[np.ix_(at, keep)] = inverse @ R[:, :h, h:]
            B[np.ix_(at, keep, keep)] = inverse @ inverse.transpose(0, 2, 1)
            tail[at] = R[:, h:, h:]
        return Reduced(P=P, B=B, tail=tail, dependent=dependent, counts=self.counts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """Regressions of y on X or on one combination of it, next to terms W that differ by entity.

    Attributes
    ----------
    P : (N, m, p + 1)
        Coefficients of (X, y) on the terms kept; zero for those left out.
    B : (N, m, m)
        Inverse of W'W.
    tail : (N, p + 1, p + 1)
        Upper triangle of (X, y) once W is out.
    dependent : (N, p + m)
        Columns of (X, W) that are collinear.
    counts : (N,)
    """

    P: FloatArray
    B: FloatArray
    tail: FloatArray
    dependent: BoolArray
    counts: IntArray

    @property
    def gram(self) -> FloatArray:
        """(N, p + 1, p + 1) Gram matrices of (y, X) without W."""
        V = np.roll(self.tail, 1, axis=2)
        return np.asarray(V.transpose(0, 2, 1) @ V)

    def own(self) -> Slopes:
        """y on (X, W); missing for entities with collinear columns."""
        p = self.tail.shape[1] - 1
        inverse = upper_inverse(self.tail[:, :p, :p])
        return self._slopes(
            np.einsum("nij,nj->ni", inverse, self.tail[:, :p, p]), self.P[:, :, :p],
            inverse @ inverse.transpose(0, 2, 1), self.tail[:, p, p] ** 2, self.dependent,
        )  # fmt: skip

    def along(self, c: FloatArray) -> Slopes:
        """y on (X c, W), c (p,)."""
        p = len(c)
        xi, a = self.tail[:, :, :p] @ c, self.tail[:, :, p]
        length = np.einsum("ni,ni->n", xi, xi)
        speed = np.einsum("ni,ni->n", xi, a) / length
        rss = ((a - speed[:, None] * xi) ** 2).sum(axis=1)
        return self._slopes(
            speed[:, None], (self.P[:, :, :p] @ c)[:, :, None], 1 / length[:, None, None], rss,
            np.delete(self.dependent, np.s_[1:p], axis=1),
        )  # fmt: skip

    def _slopes(
        self, b: FloatArray, S: FloatArray, bread: FloatArray, rss: FloatArray, bad: BoolArray
    ) -> Slopes:
        """Coefficients ``b`` (N, q) of regressors that load on W with ``S`` (N, m, q), then W's."""
        q, cross = b.shape[1], -S @ bread
        whole = np.empty((len(b), q + S.shape[1], q + S.shape[1]))
        whole[:, :q, :q], whole[:, q:, :q] = bread, cross
        whole[:, :q, q:] = cross.transpose(0, 2, 1)
        whole[:, q:, q:] = self.B - cross @ S.transpose(0, 2, 1)
        params = np.concatenate([b, self.P[:, :, -1] - np.einsum("nmq,nq->nm", S, b)], axis=1)
        failed = bad.any(axis=1)
        params[failed], whole[failed] = np.nan, np.nan
        return Slopes(
            params=params, bread=whole, rss=rss, counts=self.counts, resid=np.empty(0),
            dependent=bad,
        )  # fmt: skip


def choose_orders(
    data: Compressed, owner: IntArray, order: IntArray, largest: int, criterion: str
) -> IntArray:
    r"""(N, 1 + k) lag orders that minimise :math:`T\ln(RSS/T) + c\,m` by entity, c = 2 (AIC) or
    ln T (BIC), over all combinations on the sample of the largest one.

    Parameters
    ----------
    data : Compressed
        The columns of X are always in, those of W by their lag.
    owner, order : (m,)
        The variable of each term of W, -1 for terms always in, and its lag. A variable with order q
        keeps the terms with lags below q.
    """
    variables = data.X.shape[1]  # the lagged level and k regressors: as many orders
    counts = data.counts
    penalty = np.full(len(counts), 2.0) if criterion == "aic" else np.log(counts)
    best = np.full(len(counts), np.inf)
    chosen = np.zeros((len(counts), variables), dtype=np.int64)
    ranges = [range(1, largest + 1), *[range(largest + 1)] * (variables - 1)]
    for orders in itertools.product(*ranges):
        keep = (owner < 0) | (order < np.asarray(orders)[owner])
        fit = entity_slopes(data.y, np.column_stack([data.X, data.W[:, keep]]), data.entity)
        with np.errstate(divide="ignore"):
            value = counts * np.log(fit.rss / counts) + penalty * (variables + keep.sum())
        better = value < best
        best[better], chosen[better] = value[better], orders
    return chosen


def term_mask(orders: IntArray, owner: IntArray, order: IntArray) -> BoolArray:
    """(N, m) which terms each entity keeps."""
    return (owner < 0) | (order < orders[:, np.maximum(owner, 0)])


def _patterns(mask: BoolArray) -> Iterator[tuple[BoolArray, IntArray]]:
    """Each set of terms and the entities that keep it."""
    if mask.all():
        yield mask[0], np.arange(len(mask))
        return
    patterns, which = np.unique(mask, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        yield pattern, np.flatnonzero(which.reshape(-1) == i)
