"""Graphs of absorbed effects: connected components, rank of the dummies, singletons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

_HOPS = 4  # steps within which a well-connected graph is seen whole


@dataclass(frozen=True, slots=True)
class Rank:
    """Rank of the joint dummies of several factors, the intercept included.

    Attributes
    ----------
    value : int
    exact : bool
        True where it is the rank; False where it is an upper bound.
    method : str
        ``"levels"``, ``"components"``, ``"reduced system"`` or ``"pairwise components"``.
    levels : tuple of int
        Levels that occur, by factor.
    """

    value: int
    exact: bool
    method: str
    levels: tuple[int, ...]


def singletons(factors: Sequence[IntArray]) -> BoolArray:
    """(n,) True for rows that are alone in their group of some factor.

    Dropping one row can leave another alone, so the search goes on until no group of one is left
    among the rows that remain. Such rows are fitted exactly by their effect.

    References
    ----------
    Correia (2015), Singletons, cluster-robust standard errors and fixed effects: a bad mix,
    Duke University.
    """
    n = len(factors[0])
    alone: BoolArray = np.zeros(n, dtype=bool)
    codes = [np.asarray(f) for f in factors]
    counts = [np.bincount(f) for f in codes]
    if not any((c == 1).any() for c in counts):
        return alone
    # The sum of the row numbers of a level names its last row once one is left, so that a round
    # costs what it drops and not another pass over the data.
    number = np.arange(n, dtype=float)
    sums = [np.bincount(f, number) for f in codes]
    fresh = np.unique(np.concatenate([s[c == 1] for s, c in zip(sums, counts, strict=True)]))
    while len(fresh):
        rows = fresh.astype(np.int64)
        alone[rows] = True
        last = []
        for f, c, s in zip(codes, counts, sums, strict=True):
            np.subtract.at(c, f[rows], 1)
            np.subtract.at(s, f[rows], rows)
            touched = f[rows]
            last.append(s[touched[c[touched] == 1]])
        fresh = np.unique(np.concatenate(last))
    return alone


def cross_tab(rows: Groups, columns: Groups, weights: FloatArray | None = None) -> sparse.csr_array:
    """(G, H) total weight of each pair of levels, in sorted CSR form without repeats."""
    a, b, w = rows.codes, columns.codes, weights
    if len(a):
        # Neighbouring rows of a panel often repeat the pair: add up runs before sorting pairs.
        new = np.flatnonzero((a[1:] != a[:-1]) | (b[1:] != b[:-1])) + 1
        if 2 * len(new) < len(a):
            first = np.concatenate([[0], new])
            w = (
                np.diff(np.append(first, len(a))).astype(float)
                if w is None
                else np.add.reduceat(w, first)
            )
            a, b = a[first], b[first]
    data = np.ones(len(a)) if w is None else w
    if rows.starts is not None:
        pointer = np.zeros(rows.size + 1, dtype=np.int32)
        np.cumsum(np.bincount(a, minlength=rows.size), out=pointer[1:])
        table = sparse.csr_array(
            (data if data is not weights else data.copy(), b.astype(np.int32), pointer),
            shape=(rows.size, columns.size),
        )
    else:
        table = sparse.csr_array(sparse.coo_array((data, (a, b)), shape=(rows.size, columns.size)))
    table.sum_duplicates()
    return table


def count_components(first: Groups, second: Groups) -> int:
    """Connected components of the graph whose nodes are the levels of two factors and whose
    edges are the rows."""
    return components_of(cross_tab(first, second))[0]


def components_of(table: Any) -> tuple[int, IntArray]:
    """Number of components of a bipartite graph, and the component of each of its columns.

    Parameters
    ----------
    table : (k, h), dense or sparse
        Positive where two levels meet; no row or column is empty.
    """
    table = sparse.csr_array(table)
    if _in_one_piece(table):
        return 1, np.zeros(table.shape[1], dtype=np.int64)
    degrees = np.diff(table.indptr)
    # Rows with one entry tie no columns together.
    links = table[degrees > 1]
    k, h = links.shape
    graph = sparse.csr_array(
        (
            np.ones(links.nnz, dtype=np.int8),
            links.indices + np.int32(k),
            np.append(links.indptr, np.full(h, links.nnz, dtype=links.indptr.dtype)),
        ),
        shape=(k + h, k + h),
    )
    count, labels = connected_components(graph, directed=False)
    return int(count), labels[k:].astype(np.int64)


def _in_one_piece(table: sparse.csr_array) -> bool:
    """Whether a few steps from the busiest row reach every column: the usual case of large graphs,
    at a fraction of the time of a search."""
    if not table.shape[0]:
        return False
    degrees = np.diff(table.indptr)
    start = int(degrees.argmax())
    reached = np.zeros(table.shape[1], dtype=bool)
    reached[table.indices[table.indptr[start] : table.indptr[start + 1]]] = True
    known = int(np.count_nonzero(reached))
    for _ in range(_HOPS):
        if known == len(reached):
            return True
        reached = (table.T @ (table @ reached.astype(float) > 0).astype(float)) > 0
        before, known = known, int(np.count_nonzero(reached))
        if known == before:
            return False
    return known == len(reached)


def pairwise_rank(
    factors: Sequence[Groups], known: Mapping[tuple[int, int], Any] = MappingProxyType({})
) -> int:
    """Levels less, for each factor, its largest number of components with an earlier one.

    The spans of two factors meet in the indicators of their components, so that many dummies
    at least are redundant: exact for two factors, an upper bound of the rank for more.

    Parameters
    ----------
    known : mapping from pairs of factors to tables
        Cross-tabulations that are at hand, either way round.
    """

    def pieces(j: int, k: int) -> int:
        table = known.get((j, k), known.get((k, j)))
        if table is None:
            return count_components(factors[j], factors[k])
        return components_of(table)[0]

    total = factors[0].size if factors else 0
    for k in range(1, len(factors)):
        total += factors[k].size - max(pieces(j, k) for j in range(k))
    return total
