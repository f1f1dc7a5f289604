r"""The system that is left of the normal equations once one effect is eliminated.

With the lead effect 1 eliminated exactly (its block of :math:`D'WD` is diagonal), the others solve

.. math::
    S a &= b, \qquad
    S = H - B'\,\mathrm{diag}(d_1)^{-1} B, \qquad b = D_r'W(x - \bar x_1) \quad (1)

with ``H`` the Gram matrix of the remaining dummies, ``B`` the cross-tabulation of the lead effect
with them, :math:`d_1` the weights of its levels and :math:`\bar x_1` its means. Everything here
comes from cross-tabulations, in one pass over the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

from migdev.kernels.components import cross_tab
from migdev.kernels.conjugate import Operator, Solution, conjugate_gradients
from migdev.kernels.groups import Groups
from migdev.kernels.laplacian import cliques, eliminate
from migdev.kernels.types import FloatArray, IntArray

DENSE = 1500  # levels of the remaining effects up to which S is factored densely
_SMALL = 150  # levels below which a dense factor beats everything
_CELLS = 4  # a dense cross-tabulation may hold so many cells per row of data
_PAIRS = 20_000_000  # products that forming a sparse S may take
_TINY = 1e-10  # pivot, relative to the level's weight, below which a level is redundant


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Equation (1), ready to be solved.

    Attributes
    ----------
    share : (G1, R)
        ``B / d1``, dense or sparse: lead effect of a level is minus this times the others.
    solver : DenseSolver or IterativeSolver
    rank : int, optional
        Exact rank of S where it is known.
    rank_method : str
    """

    share: Any
    solver: DenseSolver | IterativeSolver
    rank: int | None
    rank_method: str

    def lead(self, a: FloatArray) -> FloatArray:
        """(G1, m) mean of the other effects in each level of the lead effect."""
        out: FloatArray = self.share @ a
        return out


@dataclass(frozen=True, slots=True, eq=False)
class DenseSolver:
    """Pivoted Cholesky factor of S, scaled by the weights of the levels."""

    S: FloatArray
    factor: FloatArray
    pivots: IntArray
    scale: FloatArray
    method: str = "dense"

    @classmethod
    def build(cls, S: FloatArray, weight: FloatArray) -> DenseSolver:
        scale = 1.0 / np.sqrt(weight)
        scaled = np.asfortranarray(S * scale * scale[:, None])
        factor, order, rank, info = linalg.lapack.dpstrf(scaled, lower=1, tol=_TINY)
        if info < 0:
            raise ValueError(f"dpstrf refused argument {-info}.")
        pivots = order[:rank] - 1
        return cls(S, factor[:rank, :rank], pivots, scale[pivots, None])

    @property
    def rank(self) -> int:
        return len(self.pivots)

    def solve(self, b: FloatArray, total: FloatArray, floor: FloatArray, tol: float) -> Solution:
        """One solution of S a = b (redundant levels at zero), refined once."""
        a = self.basic(b)
        a += self.basic(b - self.S @ a)
        return Solution(a, 1, np.ones(b.shape[1], dtype=bool))

    def basic(self, b: FloatArray) -> FloatArray:
        a = np.zeros_like(b)
        if len(self.pivots):
            inner, _ = linalg.lapack.dpotrs(self.factor, self.scale * b[self.pivots], lower=1)
            a[self.pivots] = self.scale * inner
        return a


@dataclass(frozen=True, slots=True, eq=False)
class IterativeSolver:
    """Conjugate gradients on S with factors of its diagonal blocks.

    Attributes
    ----------
    apply : function of (R, m) arrays
        S times a.
    graphs : tuple of (G_j, G_j) sparse
        Laplacian graph of each block, exact or sampled.
    slices : tuple of slice
    precondition : function of (R, m) arrays
        Exact where ``method`` is "elimination".
    """

    apply: Operator
    graphs: tuple[Any, ...]
    slices: tuple[slice, ...]
    precondition: Operator
    method: str
    max_iterations: int = 5000

    def solve(self, b: FloatArray, total: FloatArray, floor: FloatArray, tol: float) -> Solution:
        return conjugate_gradients(
            self.apply, self.precondition, b, total, floor, tol, self.max_iterations,
            self.stronger,
        )  # fmt: skip

    def stronger(self) -> Operator:
        """Factors that eliminate as far as the graphs allow."""
        return block_solver([eliminate(g, stall=0.04) for g in self.graphs], self.slices)


def block_solver(factors: Sequence[Any], slices: Sequence[slice]) -> Operator:
    if len(factors) == 1:
        only: Operator = factors[0].solve
        return only

    def solve(b: FloatArray) -> FloatArray:
        out = np.empty_like(b)
        for factor, at in zip(factors, slices, strict=True):
            out[at] = factor.solve(b[at])
        return out

    return solve


def reduce(factors: Sequence[Groups], weights: FloatArray | None) -> Reduced:
    """Form and factor equation (1); ``factors[0]`` leads."""
    lead, rest = factors[0], factors[1:]
    n = len(lead.codes)
    levels = sum(g.size for g in rest)
    if levels <= DENSE and lead.size * levels <= _CELLS * len(rest) * n + 2**16:
        return _dense_tables(lead, rest, weights)
    d1 = lead.weighted(weights)
    tables = [cross_tab(lead, g, weights) for g in rest]
    if len(rest) == 1:
        return _graph(tables[0], d1)
    return _several(tables, rest, d1, weights)


def dense_system(
    lead: Groups, rest: Sequence[Groups], weights: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """S (R, R), share (G1, R) and the weights (R,) of the remaining levels, all dense."""
    d1 = lead.weighted(weights)
    B = np.hstack([_dense_tab(lead, g, weights) for g in rest])
    share = B / d1[:, None]
    weight = np.concatenate([g.weighted(weights) for g in rest])
    S = np.diag(weight) - B.T @ share
    begin = np.cumsum([0, *(g.size for g in rest)])
    for j, g in enumerate(rest):
        for k in range(j + 1, len(rest)):
            table = _dense_tab(g, rest[k], weights)
            S[begin[j] : begin[j + 1], begin[k] : begin[k + 1]] += table
            S[begin[k] : begin[k + 1], begin[j] : begin[j + 1]] += table.T
    return S, share, weight


def _dense_tables(lead: Groups, rest: Sequence[Groups], weights: FloatArray | None) -> Reduced:
    S, share, weight = dense_system(lead, rest, weights)
    solver = DenseSolver.build(S, weight)
    if len(rest) > 1:
        return Reduced(share, solver, solver.rank, "reduced system")
    # The number of components is exact where a pivot may be near its tolerance.
    count = 1 if bool((share > 0).all(axis=1).any()) else connected_components(S != 0)[0]
    return Reduced(share, solver, rest[0].size - int(count), "components")


def _dense_tab(rows: Groups, columns: Groups, weights: FloatArray | None) -> FloatArray:
    key = rows.codes * columns.size + columns.codes
    cells = np.bincount(key, weights, rows.size * columns.size)
    return cells.reshape(rows.size, columns.size).astype(float, copy=False)


def _graph(table: sparse.csr_array, d1: FloatArray) -> Reduced:
    """Two effects: S is the Laplacian of a graph on the levels of the second."""
    share = _scale_rows(table, 1.0 / d1)
    h = table.shape[1]
    ties = np.diff(table.indptr).astype(np.int64)
    pairs = int((ties * (ties - 1)).sum())
    if pairs <= max(8 * table.nnz, 100_000):
        graph = _without_diagonal(table.T @ share)
        degree = np.asarray(graph.sum(axis=1)).reshape(-1, 1)
        components = int(connected_components(graph, directed=False)[0])

        def apply(a: FloatArray) -> FloatArray:
            out: FloatArray = degree * a - graph @ a
            return out
    else:
        graph = _sampled(table)
        transposed = table.T.tocsr()
        weight = np.asarray(table.sum(axis=0)).reshape(-1, 1)
        components = _bipartite_components(table)

        def apply(a: FloatArray) -> FloatArray:
            out: FloatArray = weight * a - transposed @ (share @ a)
            return out

    factor = eliminate(graph) if h > _SMALL else None
    if h <= DENSE and not (factor is not None and factor.exact):
        S = apply(np.eye(h))
        d2 = np.asarray(table.sum(axis=0)).ravel()
        return Reduced(share, DenseSolver.build(S, d2), h - components, "components")
    factor = factor or eliminate(graph)
    solver = IterativeSolver(
        apply, (graph,), (slice(0, h),), factor.solve,
        "elimination" if factor.exact else "conjugate gradients",
    )  # fmt: skip
    return Reduced(share, solver, h - components, "components")


def _several(
    tables: Sequence[sparse.csr_array],
    rest: Sequence[Groups],
    d1: FloatArray,
    weights: FloatArray | None,
) -> Reduced:
    """Three or more effects, too many levels for dense tables."""
    B = sparse.csr_array(sparse.hstack(tables, format="csr"))
    share = _scale_rows(B, 1.0 / d1)
    begin = np.cumsum([0, *(g.size for g in rest)])
    slices = tuple(slice(int(i), int(j)) for i, j in pairwise(begin))
    H = _gram(rest, weights)
    ties = np.diff(B.indptr).astype(np.int64)
    size = int(begin[-1])
    if int((ties**2).sum()) <= _PAIRS or size <= DENSE:
        S = sparse.csr_array(H - B.T @ share)
        if size <= DENSE:
            solver = DenseSolver.build(S.toarray(), H.diagonal())
            return Reduced(share, solver, solver.rank, "reduced system")

        def apply(a: FloatArray) -> FloatArray:
            out: FloatArray = S @ a
            return out
    else:
        transposed = B.T.tocsr()

        def apply(a: FloatArray) -> FloatArray:
            out: FloatArray = H @ a - transposed @ (share @ a)
            return out

    graphs = tuple(_sampled(table) for table in tables)
    start = block_solver([eliminate(g) for g in graphs], slices)
    solver2 = IterativeSolver(apply, graphs, slices, start, "conjugate gradients")
    return Reduced(share, solver2, None, "pairwise components")


def _gram(rest: Sequence[Groups], weights: FloatArray | None) -> sparse.csr_array:
    blocks: list[list[Any]] = [[None] * len(rest) for _ in rest]
    for j, g in enumerate(rest):
        blocks[j][j] = sparse.diags_array(g.weighted(weights))
        for k in range(j + 1, len(rest)):
            blocks[j][k] = cross_tab(g, rest[k], weights)
            blocks[k][j] = blocks[j][k].T
    return sparse.csr_array(sparse.block_array(blocks, format="csr"))


def _sampled(table: sparse.csr_array) -> sparse.csr_array:
    """Graph on the columns after the rows are eliminated, large cliques sampled."""
    pointer = table.indptr.astype(np.int64)
    rng = np.random.default_rng(0)
    head, tail, weight, _ = cliques(pointer, table.indices.astype(np.int64), table.data, rng)
    h = table.shape[1]
    i, j = np.concatenate([head, tail]), np.concatenate([tail, head])
    return sparse.csr_array(
        sparse.coo_array((np.concatenate([weight, weight]), (i, j)), shape=(h, h))
    )


def _bipartite_components(table: sparse.csr_array) -> int:
    k, h = table.shape
    pointer = np.append(table.indptr, np.full(h, table.nnz, dtype=table.indptr.dtype))
    graph = sparse.csr_array((table.data, table.indices + k, pointer), shape=(k + h, k + h))
    return int(connected_components(graph, directed=False)[0])


def _scale_rows(table: sparse.csr_array, by: FloatArray) -> sparse.csr_array:
    return sparse.csr_array(
        (table.data * np.repeat(by, np.diff(table.indptr)), table.indices, table.indptr),
        shape=table.shape,
    )


def _without_diagonal(matrix: Any) -> sparse.csr_array:
    coo = matrix.tocoo()
    off = coo.row != coo.col
    return sparse.csr_array(
        sparse.coo_array((coo.data[off], (coo.row[off], coo.col[off])), shape=coo.shape)
    )


__all__ = ["DENSE", "DenseSolver", "IterativeSolver", "Reduced", "dense_system", "reduce"]
