r"""Approximate Cholesky factors of graph Laplacians, by rounds of independent vertices.

A Laplacian is :math:`L = \mathrm{diag}(A1) - A` for a symmetric matrix ``A`` of edge weights.
Eliminating vertex v joins its neighbours to a clique with weights :math:`a_{vi}a_{vj}/d_v`. Small
cliques are kept; of large ones each edge draws one partner with the same expected weight
(Kyng and Sachdeva 2016), so that the graph never grows dense. Here each round eliminates an
independent set of vertices of low degree at once, which makes every step one of sparse matrices.
On trees and rings all cliques are small and the factor is exact.

References
----------
Kyng and Sachdeva (2016), Approximate Gaussian elimination for Laplacians, IEEE 57th Annual
Symposium on Foundations of Computer Science, 573-582.
Gao, Kyng and Spielman (2023), Robust and practical solution of Laplacian equations by
approximate elimination, arXiv:2303.00709.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

_CORE = 250  # vertices left to a dense factor at once
_DENSE = 1500  # vertices left to a dense factor where the rounds stall
_WHOLE = 5  # cliques of vertices of this degree or less are kept whole


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Vertices at positions start..stop-1 of the order, eliminated together.

    ``share`` (k, rest) holds the weights of their edges over their degree, ``rest`` counting the
    positions from ``stop``; ``inverse`` (k, 1) their inverse degrees.
    """

    start: int
    stop: int
    share: Any
    transposed: Any
    inverse: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Elimination:
    """A factor of a Laplacian with G vertices.

    Attributes
    ----------
    order : (G,)
        Vertices in the order of their elimination, those of the core last.
    rounds : tuple of Round
    core : tuple, optional
        Dense factor of the grounded core and the positions that it holds.
    diagonal : (c, 1), optional
        Inverse degrees of a core too large for a dense factor.
    exact : bool
        No clique was sampled and the core is dense: ``solve`` solves.
    """

    order: IntArray
    rounds: tuple[Round, ...]
    core: tuple[Any, IntArray] | None
    diagonal: FloatArray | None
    exact: bool

    def solve(self, b: FloatArray) -> FloatArray:
        """(G, m) solution of L x = b, approximate unless ``exact``; b sums to zero in each
        component."""
        x = b[self.order]
        for r in self.rounds:
            x[r.stop :] += r.transposed @ x[r.start : r.stop]
        begin = self.rounds[-1].stop if self.rounds else 0
        if self.core is not None:
            factor, at = self.core
            inner = linalg.cho_solve(factor, x[at], check_finite=False)
            x[begin:] = 0.0
            x[at] = inner
        elif self.diagonal is not None:
            x[begin:] *= self.diagonal
        else:
            x[begin:] = 0.0
        for r in reversed(self.rounds):
            x[r.start : r.stop] *= r.inverse
            x[r.start : r.stop] += r.share @ x[r.stop :]
        out = np.empty_like(x)
        out[self.order] = x
        return out


def eliminate(edges: sparse.csr_array, stall: float = 0.2, seed: int = 0) -> Elimination:
    """Factor the Laplacian of a graph.

    Parameters
    ----------
    edges : (G, G)
        Symmetric weights, no diagonal.
    stall : float
        Share of the vertices that a round must take for the rounds to go on: what is left is
        dense, or too large for a dense factor and approximated by its diagonal.
    seed : int
        Of the draws; the same seed gives the same factor.
    """
    rng = np.random.default_rng(seed)
    graph, exact = edges, True
    left: IntArray = np.arange(graph.shape[0])
    order, found = [], []
    while len(left) > _CORE:
        chosen = independent(graph, rng)
        if int(chosen.sum()) < stall * len(left):
            break
        rows, rest, whole = _take_out(graph, chosen, rng)
        exact &= whole
        found.append(rows)
        order.append(left[chosen])
        graph, left = rest, left[~chosen]
    order.append(left)
    sequence: IntArray = np.concatenate(order)
    place = np.empty(len(sequence), dtype=np.int64)
    place[sequence] = np.arange(len(sequence))
    rounds, start = [], 0
    remaining = np.ones(len(sequence), dtype=bool)
    for gone, (pointer, column, weight) in zip(order[:-1], found, strict=True):
        remaining[gone] = False
        stop = start + len(gone)
        # Columns are numbered by the vertices left after the round; number them by position.
        at = (place[np.flatnonzero(remaining)] - stop)[column]
        lengths = np.diff(pointer)
        degree = _row_sums(weight, pointer)
        inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
        share = sparse.csr_array(
            (weight * np.repeat(inverse, lengths), at, pointer),
            shape=(len(gone), len(sequence) - stop),
        )
        rounds.append(Round(start, stop, share, share.T.tocsr(), inverse[:, None]))
        start = stop
    if len(left) > _DENSE:
        degree = np.asarray(graph.sum(axis=1), dtype=np.float64).reshape(-1, 1)
        diagonal = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
        return Elimination(sequence, tuple(rounds), None, diagonal, False)
    return Elimination(sequence, tuple(rounds), _dense_core(graph, start), None, exact)


def _row_sums(values: FloatArray, pointer: IntArray) -> FloatArray:
    out = np.zeros(len(pointer) - 1)
    some = np.diff(pointer) > 0
    if len(values):
        out[some] = np.add.reduceat(values, pointer[:-1][some])
    return out


def independent(graph: sparse.csr_array, rng: np.random.Generator) -> BoolArray:
    """Mask of vertices of low degree, no two of them neighbours."""
    degree = np.diff(graph.indptr)
    some = degree > 0
    chosen: BoolArray = ~some
    if not graph.nnz:
        return chosen
    starts = graph.indptr[:-1][some]
    key = rng.random(len(degree))
    key[degree > max(2.0, float(np.median(degree)))] = np.inf
    lowest = np.full(len(key), np.inf)
    for _ in range(3):  # three passes come near to a maximal set
        lowest[some] = np.minimum.reduceat(key[graph.indices], starts)
        fresh = key < lowest
        chosen |= fresh
        key[fresh] = np.inf
        beside = np.logical_or.reduceat(fresh[graph.indices], starts)
        key[np.flatnonzero(some)[beside]] = np.inf
    return chosen


def _take_out(
    graph: sparse.csr_array, chosen: BoolArray, rng: np.random.Generator
) -> tuple[tuple[IntArray, IntArray, FloatArray], sparse.csr_array, bool]:
    """Rows of the chosen vertices as (pointer, column, weight), the graph of the others after
    the elimination, and whether it is exact. Others are numbered anew."""
    lengths = np.diff(graph.indptr)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    number = np.cumsum(~chosen) - 1
    gone = chosen[owner]
    pointer = np.concatenate([[0], np.cumsum(lengths[chosen])])
    column, weight = number[graph.indices[gone]], graph.data[gone]
    head, tail, new, whole = cliques(pointer, column, weight, rng)
    stay = ~gone & ~chosen[graph.indices]
    i = np.concatenate([number[owner[stay]], head, tail])
    j = np.concatenate([number[graph.indices[stay]], tail, head])
    v = np.concatenate([graph.data[stay], new, new])
    h = int(len(lengths) - chosen.sum())
    rest = sparse.csr_array(sparse.coo_array((v, (i, j)), shape=(h, h)))
    return (pointer, column, weight), rest, whole


def cliques(
    pointer: IntArray, column: IntArray, weight: FloatArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray, FloatArray, bool]:
    """Edges that eliminating the rows of a sparse matrix leaves among its columns.

    Returns
    -------
    head, tail : (e,) columns; weight : (e,); exact : bool
        An edge may occur more than once. Exact where no clique was sampled.
    """
    lengths = np.diff(pointer)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    total = _row_sums(weight, pointer)
    small = lengths <= _WHOLE
    heads, tails, weights = [column[:0]], [column[:0]], [weight[:0]]
    left = np.repeat(np.where(small, pointer[1:], 0), lengths) - np.arange(len(column))
    for step in range(1, min(_WHOLE, int(lengths.max(initial=0)))):
        p = np.flatnonzero(left > step)
        heads.append(column[p])
        tails.append(column[p + step])
        weights.append(weight[p] * weight[p + step] / total[owner[p]])
    exact = bool(small.all())
    if not exact:
        large = np.flatnonzero(~small[owner])
        ranked = large[np.lexsort((weight[large], owner[large]))]
        w, who, where = weight[ranked], owner[ranked], column[ranked]
        ends = np.flatnonzero(np.append(who[1:] != who[:-1], True))
        end = np.repeat(ends, np.diff(np.concatenate([[-1], ends])))
        reach = np.cumsum(w)
        p = np.flatnonzero(np.arange(len(w)) < end)
        tail = reach[end[p]] - reach[p]
        drawn = np.searchsorted(reach, reach[p] + rng.random(len(p)) * tail)
        heads.append(where[p])
        tails.append(where[np.clip(drawn, p + 1, end[p])])
        weights.append(w[p] * tail / total[who[p]])
    return np.concatenate(heads), np.concatenate(tails), np.concatenate(weights), exact


def _dense_core(graph: sparse.csr_array, start: int) -> tuple[Any, IntArray] | None:
    """Dense factor of what is left, with one vertex of each component held at zero."""
    if graph.shape[0] == 0:
        return None
    _, label = connected_components(graph, directed=False)
    held = np.zeros(graph.shape[0], dtype=bool)
    held[np.unique(label, return_index=True)[1]] = True
    free = np.flatnonzero(~held)
    if len(free) == 0:
        return None
    dense = graph.toarray()
    laplacian = np.diag(dense.sum(axis=1)) - dense
    factor = linalg.cho_factor(laplacian[np.ix_(free, free)], lower=True, check_finite=False)
    return factor, free + start
