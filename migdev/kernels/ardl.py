"""Entity regressions with lag orders that differ by entity."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from migdev.kernels.slopes import Slopes, entity_slopes, partial_out, triangles
from migdev.kernels.types import BoolArray, FloatArray, IntArray


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
    def of(cls, y: FloatArray, X: FloatArray, W: FloatArray, entity: IntArray) -> Compressed:
        m = W.shape[1]
        V = triangles(np.column_stack([W, X, y]), entity)
        return cls(
            y=V[:, -1], X=V[:, m:-1], W=V[:, :m], counts=np.bincount(entity),
            entity=np.repeat(np.arange(len(V) // V.shape[1]), V.shape[1]),
        )  # fmt: skip

    def fit(self, X: FloatArray, mask: BoolArray) -> Slopes:
        """y on ``X`` (r, q) and the terms that each entity keeps; residuals are those of the
        compressed rows."""
        fit = masked_slopes(self.y, X, self.W, self.entity, mask)
        return replace(fit, counts=self.counts)


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
    mask: BoolArray = (owner < 0) | (order < orders[:, np.maximum(owner, 0)])
    return mask


def masked_slopes(
    y: FloatArray, X: FloatArray, W: FloatArray, entity: IntArray, mask: BoolArray
) -> Slopes:
    """OLS of ``y`` on ``X`` and the terms of ``W`` that each entity keeps; others come as zero.

    ``dependent`` marks collinear columns. ``counts`` lacks the left-out terms' degrees of freedom,
    so read them from the mask.

    Parameters
    ----------
    y : (n,); X : (n, p); W : (n, m); entity : (n,); mask : (N, m)
    """
    if mask.all():
        return entity_slopes(y, np.column_stack([X, W]), entity)
    N, p, m = len(mask), X.shape[1], W.shape[1]
    params, bread = np.zeros((N, p + m)), np.zeros((N, p + m, p + m))
    dependent = np.zeros((N, p + m), dtype=bool)
    rss, resid = np.empty(N), np.empty(len(y))
    for pattern, codes, rows in _patterns(mask, entity):
        columns = np.concatenate([np.arange(p), p + np.flatnonzero(pattern)])
        V = np.column_stack([X[rows], W[rows][:, pattern]])
        fit = entity_slopes(y[rows], V, _renumber(entity[rows]))
        params[np.ix_(codes, columns)] = fit.params
        bread[np.ix_(codes, columns, columns)] = fit.bread
        dependent[np.ix_(codes, columns)] = fit.dependent
        rss[codes], resid[rows] = fit.rss, fit.resid
    return Slopes(
        params=params, bread=bread, rss=rss, counts=np.bincount(entity), resid=resid,
        dependent=dependent,
    )  # fmt: skip


def masked_partial_out(
    V: FloatArray, W: FloatArray, entity: IntArray, mask: BoolArray
) -> FloatArray:
    """Residuals of ``V`` (n, v) on the terms of ``W`` that each entity keeps."""
    if mask.all():
        return partial_out(V, W, entity)[0]
    out = np.empty_like(V)
    for pattern, _, rows in _patterns(mask, entity):
        out[rows] = partial_out(V[rows], W[rows][:, pattern], _renumber(entity[rows]))[0]
    return out


def _patterns(mask: BoolArray, entity: IntArray) -> Iterator[tuple[BoolArray, IntArray, IntArray]]:
    patterns, which = np.unique(mask, axis=0, return_inverse=True)
    which = which.reshape(-1)
    for i, pattern in enumerate(patterns):
        codes = np.flatnonzero(which == i)
        rows = np.arange(len(entity)) if len(patterns) == 1 else np.flatnonzero(which[entity] == i)
        yield pattern, codes, rows


def _renumber(codes: IntArray) -> IntArray:
    numbers: IntArray = np.unique(codes, return_inverse=True)[1].astype(np.int64, copy=False)
    return numbers
