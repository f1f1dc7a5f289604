r"""Instrument columns and the sums over entities that GMM needs.

A row of :math:`Z_i` holds values of a few source series: lag 3 of w in 1980, the change of n in
1979. The sources are kept once, by period, and each row names which source enters which column.
All sums, :math:`\sum_i Z_i'X_i`, :math:`\sum_i Z_i'HZ_i`, :math:`\sum_i Z_i'u_iu_i'Z_i`, are matrix
products of one row at a time over all entities; :math:`Z` itself is never stacked. In small panels
the calls would cost more than the products, so that rows are padded to one length and multiplied
together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

# Entities per block: a block of instruments of one row should stay in the processor's cache.
_BLOCK = 4096
# Multiplications of the moment covariance up to which padded rows are faster than single ones.
_SMALL = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """What a column of Z is.

    Attributes
    ----------
    variable : str
    equation : {"transformed", "level", "both"}
    lag : int or None
        None for IV-style columns.
    period : int or None
        Ordinal period of the row of a GMM-style column that is not collapsed.
    group : int
        Position of the instrument set that asked for it.
    form : str
        ``"level"``, ``"difference"``, ``"transformed"`` or ``"both"``: what enters.
    """

    variable: str
    equation: str
    lag: int | None
    period: int | None
    group: int
    form: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Padded:
    """The rows of Z that hold something, each with as many places as the longest.

    Attributes
    ----------
    rows : (Q,)
        Rows of the stack.
    values : (Q, P, N)
        Zero where a row has no further source.
    place : (J0, Q P)
        One where a place belongs to a raw column.
    """

    rows: IntArray
    values: FloatArray
    place: FloatArray

    def flat(self, x: FloatArray) -> FloatArray:
        """(Q, P, m) as (Q P, m)"""
        return x.reshape(-1, x.shape[2])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instruments:
    """Z by rows of the stack.

    Attributes
    ----------
    values : (S, N)
        Source series by period; zero where missing.
    columns : (J,)
    rows : (R,) of (columns, sources)
        For every row of the stack the columns that are not zero there and their sources.
    plan : tuple of (row, columns, sources)
        The rows that have any, with slices where indices follow each other.
    rotation : (J0, J), optional
        Linear combinations of raw columns that ``columns`` stands for; every sum below is taken of
        the raw columns and rotated.
    padded : Padded, optional
        Of small panels.
    """

    values: FloatArray
    columns: tuple[Column, ...]
    rows: tuple[tuple[IntArray, IntArray], ...]
    plan: tuple[tuple[int, slice | IntArray, slice | IntArray], ...]
    rotation: FloatArray | None = None
    padded: Padded | None = None

    @property
    def count(self) -> int:
        return len(self.columns)

    @property
    def raw(self) -> int:
        """Columns before the rotation."""
        return self.count if self.rotation is None else len(self.rotation)

    def keep(self, mask: BoolArray) -> Instruments:
        """The instruments without the columns where ``mask`` is false."""
        if mask.all():
            return self
        new = np.cumsum(mask) - 1
        rows = [(new[cols[mask[cols]]], sources[mask[cols]]) for cols, sources in self.rows]
        kept = [c for c, k in zip(self.columns, mask, strict=True) if k]
        return instruments(self.values, kept, rows)

    def of_entities(self, who: IntArray) -> Instruments:
        """The instruments of a sample of entities (m,), some more than once."""
        padded = self.padded
        if padded is not None:
            padded = replace(padded, values=padded.values[:, :, who])
        return replace(self, values=self.values[:, who], padded=padded)


def instruments(
    values: FloatArray, columns: Sequence[Column], rows: Sequence[tuple[IntArray, IntArray]]
) -> Instruments:
    """Instruments with the plan of their rows."""
    plan = tuple((r, _slice(c), _slice(s)) for r, (c, s) in enumerate(rows) if len(c))
    return Instruments(
        values=values, columns=tuple(columns), rows=tuple(rows), plan=plan,
        padded=_pad(values, len(columns), rows),
    )  # fmt: skip


def _pad(
    values: FloatArray, count: int, rows: Sequence[tuple[IntArray, IntArray]]
) -> Padded | None:
    lengths = np.array([len(cols) for cols, _ in rows])
    there = np.flatnonzero(lengths)
    most = int(lengths.max(initial=0))
    places = len(there) * most
    if not places or places**2 * values.shape[1] > _SMALL:
        return None
    filled = (np.arange(most) < lengths[there, None]).ravel()
    source = np.full(places, len(values))
    source[filled] = np.concatenate([s for _, s in rows])
    place = np.zeros((count, places))
    place[np.concatenate([c for c, _ in rows]), np.flatnonzero(filled)] = 1.0
    extended = np.concatenate([values, np.zeros((1, values.shape[1]))])
    return Padded(rows=there, values=extended[source].reshape(len(there), most, -1), place=place)


def collect(
    values: FloatArray,
    columns: Sequence[Column],
    entries: Sequence[tuple[IntArray, IntArray, IntArray]],
    n_rows: int,
) -> Instruments:
    """Instruments from entries (row, column, source), gathered by row."""
    if entries:
        row, col, source = (np.concatenate(part) for part in zip(*entries, strict=True))
    else:
        row = col = source = np.empty(0, dtype=np.int64)
    order = np.lexsort((col, row))
    row, col, source = row[order], col[order], source[order]
    cuts = np.searchsorted(row, np.arange(n_rows + 1))
    rows = tuple((col[a:b], source[a:b]) for a, b in pairwise(cuts))
    return instruments(values, columns, rows)


def _slice(index: IntArray) -> slice | IntArray:
    """A slice for consecutive indices, which spares a copy."""
    if len(index) and index[-1] - index[0] == len(index) - 1 and bool((np.diff(index) == 1).all()):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def blocks(n: int) -> Iterator[slice]:
    """Entities 0..n-1 in blocks."""
    for start in range(0, n, _BLOCK):
        yield slice(start, min(start + _BLOCK, n))


def cross(z: Instruments, A: FloatArray) -> FloatArray:
    """Sum over entities of Z_i'A_i, (J, m), for A (R, m, N) or (J,) for A (R, N)."""
    if z.padded is not None:
        p = z.padded
        B = A[p.rows] if A.ndim == 3 else A[p.rows, None]
        sums = p.place @ p.flat(np.matmul(p.values, B.swapaxes(1, 2)))
        sums = sums if z.rotation is None else z.rotation.T @ sums
        return sums if A.ndim == 3 else sums[:, 0]
    if A.ndim == 2:
        return cross_of(z, 1, lambda r, block: A[r : r + 1, block])[:, 0]
    return cross_of(z, A.shape[1], lambda r, block: A[r, :, block])


def cross_of(z: Instruments, m: int, part: Callable[[int, slice], FloatArray]) -> FloatArray:
    """The same, (J, m), with A made block by block: ``part(row, entities)`` is (m, n)."""
    out = np.zeros((z.raw, m))
    for block in blocks(z.values.shape[1]):
        for r, cols, sources in z.plan:
            out[cols] += z.values[sources, block] @ part(r, block).T
    return out if z.rotation is None else z.rotation.T @ out


def project(z: Instruments, V: FloatArray) -> FloatArray:
    """Z V by row, (R, m, N), for V (J, m)."""
    n = z.values.shape[1]
    V = V if z.rotation is None else z.rotation @ V
    out = np.zeros((len(z.rows), V.shape[1], n))
    if z.padded is not None:
        p = z.padded
        slopes = (V.T @ p.place).reshape(V.shape[1], len(p.rows), -1).swapaxes(0, 1)
        out[p.rows] = np.matmul(slopes, p.values)
        return out
    plan = z.plan
    for block in blocks(n):
        for r, cols, sources in plan:
            np.matmul(V[cols].T, z.values[sources, block], out=out[r, :, block])
    return out


def dense(z: Instruments, block: slice) -> FloatArray:
    """Z of a block of entities by row, (R, J, n)."""
    out = np.zeros((len(z.rows), z.raw, z.values[:, block].shape[1]))
    for r, cols, sources in z.plan:
        out[r, cols] = z.values[sources, block]
    return out if z.rotation is None else np.matmul(z.rotation.T, out)


def scores(z: Instruments, u: FloatArray, block: slice = slice(None)) -> FloatArray:
    """Z_i'u_i of the entities of a block, (J, n)."""
    if z.padded is not None:
        p = z.padded
        values = p.values if block == slice(None) else p.values[:, :, block]
        g: FloatArray = p.place @ p.flat(values * u[p.rows, None, block])
        return g if z.rotation is None else z.rotation.T @ g
    values = z.values[:, block]
    out = np.zeros((z.raw, values.shape[1]))
    for r, cols, sources in z.plan:
        out[cols] += values[sources] * u[r, block]
    return out if z.rotation is None else z.rotation.T @ out


def outer(z: Instruments, u: FloatArray, groups: IntArray | None = None) -> FloatArray:
    r"""Covariance of the moments, :math:`\sum_g (\sum_{i\in g} Z_i'u_i)(\cdot)'`, (J, J).

    Parameters
    ----------
    u : (R, N)
    groups : (N,), optional
        Codes of clusters of entities; every entity is its own cluster without it.
    """
    J, n = z.count, z.values.shape[1]
    if groups is None and z.padded is not None:
        g = scores(z, u)
        return g @ g.T
    if groups is None:
        S = np.zeros((J, J))
        for block in blocks(n):
            g = scores(z, u, block)
            S += g @ g.T
        return S
    total = np.zeros((int(groups.max()) + 1, J))
    for block in blocks(n):
        total += _indicator(groups[block], len(total)) @ scores(z, u, block).T
    return total.T @ total


def sum_groups(x: FloatArray, groups: IntArray | None) -> FloatArray:
    """(m, N) or (N,) entity sums x replaced by the sum over the cluster of the entity."""
    if groups is None:
        return x
    A = _indicator(groups, int(groups.max()) + 1)
    return np.ascontiguousarray((A.T @ (A @ x.T)).T)


def _indicator(groups: IntArray, count: int) -> sparse.csr_matrix:
    """(G, n) matrix of ones where an entity belongs to a group."""
    n = len(groups)
    return sparse.csr_matrix((np.ones(n), (groups, np.arange(n))), shape=(count, n))
