"""Least squares entity by entity, batched over entities of the same length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.batched import TOL, batched_ols, bordered_ols
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

# Numbers that are factored together: what a processor's cache holds.
_TOGETHER = 2**15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """OLS of every entity on its own rows.

    Attributes
    ----------
    params : (N, k)
    bread : (N, k, k)
        Inverses of X_i'X_i.
    rss : (N,)
    counts : (N,)
        Rows of each entity.
    resid : (n,)
    dependent : (N, k)
        True for columns that are linear combinations of earlier ones within the entity; params
        and bread of such an entity are missing.
    """

    params: FloatArray
    bread: FloatArray
    rss: FloatArray
    counts: IntArray
    resid: FloatArray
    dependent: BoolArray

    @property
    def df(self) -> IntArray:
        df: IntArray = self.counts - self.params.shape[1]
        return df

    @property
    def sigma2(self) -> FloatArray:
        """(N,) RSS over degrees of freedom."""
        return np.asarray(self.rss / self.df)

    @property
    def cov(self) -> FloatArray:
        """(N, k, k) classical covariance of each entity's coefficients."""
        return self.bread * self.sigma2[:, None, None]


def blocks(entity: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Entities of the same length: codes (g,) and rows (g, T), shortest first.

    Parameters
    ----------
    entity : (n,)
        Codes 0..N-1, sorted, each present.
    """
    counts = np.bincount(entity)
    starts = np.cumsum(counts) - counts
    for length in np.unique(counts):
        codes = np.flatnonzero(counts == length)
        yield codes, starts[codes][:, None] + np.arange(length)


def entity_slopes(
    y: FloatArray, X: FloatArray, entity: IntArray, common: FloatArray | None = None
) -> Slopes:
    """OLS of ``y`` on ``X`` (and ``common``) for each entity by batched Householder QR.

    Parameters
    ----------
    y : (n,); X : (n, k); entity : (n,)
        Rows sorted by entity. Entities with fewer rows than coefficients come back missing.
    common : (n, h), optional
        Regressors that are functions of the period alone, after those of X: entities that are
        observed in the same periods share their factor.
    """
    n, k = X.shape
    N = int(entity.max(initial=-1)) + 1
    counts = np.bincount(entity, minlength=N)
    h = 0 if common is None else common.shape[1]
    found = []
    for codes, rows in blocks(entity):
        if rows.shape[1] >= k + h:
            H = None if common is None else _columns_at(common, rows)
            b, B, e, bad = _with_common(y[rows], _columns_at(X, rows), H)
            found.append((codes, rows, b, B, e, np.einsum("gt,gt->g", e, e), bad))
    if len(found) == 1 and len(found[0][0]) == N:  # all have the same length
        _, _, b, B, e, squares, bad = found[0]
        return Slopes(
            params=b, bread=B, rss=squares, counts=counts, resid=e.reshape(-1), dependent=bad
        )
    params, rss = np.full((N, k + h), np.nan), np.full(N, np.nan)
    bread, resid = np.full((N, k + h, k + h), np.nan), np.full(n, np.nan)
    dependent = np.ones((N, k + h), dtype=bool)
    for codes, rows, b, B, e, squares, bad in found:
        params[codes], bread[codes], dependent[codes] = b, B, bad
        resid[rows], rss[codes] = e, squares
    return Slopes(
        params=params, bread=bread, rss=rss, counts=counts, resid=resid, dependent=dependent
    )


def _columns_at(X: FloatArray, rows: IntArray) -> FloatArray:
    """(g, T, k) rows of a matrix, stored column by column; a view of it where that is all."""
    if rows.size == len(X):  # one block holds every row, in order
        return X.reshape(*rows.shape, X.shape[1])
    return np.moveaxis(X.T[:, rows], 0, 2)


def _with_common(
    Y: FloatArray, X: FloatArray, H: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """OLS on (X, H); one factor of H (g, T, h) serves all where it is the same in every entity."""
    if H is None:
        return batched_ols(Y, X)
    if len(H) > 1 and X.shape[2] and H.shape[2] and bool((H == H[:1]).all()):
        outcome = bordered_ols(Y, X, H[0])
        if not outcome[3].any():
            return outcome
    return batched_ols(Y, np.concatenate([X, H], axis=2))


def triangles(parts: Sequence[FloatArray], entity: IntArray) -> FloatArray:
    """(N m, m) upper triangles R_i with R_i'R_i = V_i'V_i, by entity; rows sorted by entity.

    Parameters
    ----------
    parts : arrays (n,) or (n, q)
        V, side by side; it is never put together, but for a few entities at a time.
    entity : (n,)
    """
    columns = [c for part in parts for c in (part.T if part.ndim == 2 else part[None])]
    m = len(columns)
    out = np.zeros((int(entity.max(initial=-1)) + 1, m, m))
    for codes, rows in blocks(entity):
        T = rows.shape[1]
        for some in np.array_split(np.arange(len(codes)), max(1, rows.size * m // _TOGETHER)):
            A = np.empty((m, len(some), T))
            for j, column in enumerate(columns):
                A[j] = column[rows[some]]
            out[codes[some], : min(T, m)] = np.linalg.qr(np.moveaxis(A, 0, 2), mode="r")
    return out.reshape(-1, m)


def partial_out(V: FloatArray, H: FloatArray, entity: IntArray) -> tuple[FloatArray, BoolArray]:
    """Residuals of the columns of ``V`` on ``H`` within each entity, and dependent columns of H.

    A dependent column of ``H`` is harmless here: it adds nothing to the span and is skipped.

    Parameters
    ----------
    V : (n, m); H : (n, h); entity : (n,)
    """
    N = int(entity.max(initial=-1)) + 1
    out = np.empty_like(V)
    dependent = np.zeros((N, H.shape[1]), dtype=bool)
    for codes, rows in blocks(entity):
        Vg, Hg = _columns_at(V, rows), _columns_at(H, rows)
        lengths = np.sqrt(np.einsum("gtk,gtk->gk", Hg, Hg))
        Hg = Hg / np.where(lengths > 0, lengths, 1.0)[:, None, :]
        if rows.shape[1] >= H.shape[1]:
            Q, R = np.linalg.qr(Hg)
            bad = np.abs(np.einsum("gkk->gk", R)) < TOL
            dependent[codes] = bad
            spoiled = bad.any(axis=1)
        else:
            Q = np.empty((len(codes), rows.shape[1], 0))
            spoiled = np.ones(len(codes), dtype=bool)
        for _ in range(2):  # twice is enough
            if Q.shape[2] or not spoiled.all():
                Vg = Vg - Q @ (Q.transpose(0, 2, 1) @ Vg)
        if spoiled.any():
            U, s, _ = np.linalg.svd(Hg[spoiled], full_matrices=False)
            U = U * (s > TOL * s[:, :1])[:, None, :]
            V0 = V[rows][spoiled]
            for _ in range(2):
                V0 = V0 - U @ (U.transpose(0, 2, 1) @ V0)
            Vg[spoiled] = V0
        out[rows] = Vg
    return out, dependent


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
        used = s > TOL * s[:, :1]
        U = U * used[:, None, :]
        for _ in range(2):  # the second pass takes off what rounding left
            yg = yg - U @ (U.transpose(0, 2, 1) @ yg)
        rank[codes] = used.sum(axis=1)
        rss[codes] = np.einsum("gto,gto->g", yg, yg)
    return rss, rank


def entity_gram(A: FloatArray, B: FloatArray, entity: IntArray) -> FloatArray:
    """(N, p, q) sums of A_it B_it' by entity; rows sorted by entity.

    Parameters
    ----------
    A : (n, p); B : (n, q); entity : (n,)
    """
    N = int(entity.max(initial=-1)) + 1
    out = np.empty((N, A.shape[1], B.shape[1]))
    for codes, rows in blocks(entity):
        out[codes] = _columns_at(A, rows).transpose(0, 2, 1) @ _columns_at(B, rows)
    return out


def period_means(values: FloatArray, period: IntArray) -> FloatArray:
    """(n, m) cross-section averages of the columns, repeated over the rows of each period.

    Parameters
    ----------
    values : (n, m); period : (n,) codes 0..P-1
    """
    counts = np.bincount(period).astype(float)
    means = np.empty_like(values)
    for j in range(values.shape[1]):
        totals = np.bincount(period, weights=values[:, j])
        means[:, j] = (totals / counts)[period]
    return means
