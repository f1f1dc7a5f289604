r"""The system that is left of the normal equations once one effect is eliminated.

With the lead effect 1 eliminated exactly (its block of :math:`D'WD` is diagonal), the others solve

.. math::
    S a &= b, \qquad
    S = H - B'\,\mathrm{diag}(d_1)^{-1} B, \qquad b = D_r'W(x - \bar x_1) \quad (1)

with ``H`` the Gram matrix of the remaining dummies, ``B`` the cross-tabulation of the lead effect
with them, :math:`d_1` the weights of its levels and :math:`\bar x_1` its means. It comes from
cross-tabulations, in one pass over the rows, and is solved by the first of these that can:

1. a dense Cholesky factor, where there are few levels (country panels);
2. sparse elimination, where the levels are loosely tied (firms joined by a few movers);
3. conjugate gradients, preconditioned by (approximate) elimination of each effect's own block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from migdev.kernels.conjugate import Operator, Solution, conjugate_gradients
from migdev.kernels.factor import DenseFactor, SparseFactor
from migdev.kernels.laplacian import cliques, eliminate
from migdev.kernels.parts import Implicit, Part, block
from migdev.kernels.types import FloatArray

DENSE = 1500  # levels of the remaining effects up to which S is factored densely
CORE = 2500  # levels that sparse elimination may leave to a dense factor
SMALL = 150  # levels below which a dense factor beats everything


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """Equation (1), ready to be solved.

    Attributes
    ----------
    apply, precondition : functions of (R, m) arrays
    stronger : function, optional
        Builds a better preconditioner, should convergence be slow.
    slices : tuple of slice
        Levels of each part.
    method : str
        ``"dense"``, ``"elimination"`` or ``"conjugate gradients"``.
    rank : int, optional
        Rank of S where it is known exactly.
    rank_method : str
    """

    apply: Operator
    precondition: Operator
    stronger: Any
    slices: tuple[slice, ...]
    method: str
    rank: int | None
    rank_method: str

    def solve(
        self,
        b: FloatArray,
        total: FloatArray,
        floor: FloatArray,
        tol: float,
        max_iterations: int = 5000,
    ) -> Solution:
        """One solution of S a = b; see :func:`~migdev.kernels.conjugate.conjugate_gradients`."""
        if self.method == "dense":
            a = self.precondition(b)
            a += self.precondition(b - self.apply(a))
            return Solution(a, 1, np.ones(b.shape[1], dtype=bool))
        return conjugate_gradients(
            self.apply, self.precondition, b, total, floor, tol, max_iterations, self.stronger
        )


def reduce(parts: Sequence[Part]) -> Reduced:
    """Form equation (1) and choose how to solve it."""
    begin = np.cumsum([0, *(p.size for p in parts)])
    slices = tuple(slice(int(i), int(j)) for i, j in pairwise(begin))
    if len(parts) == 1:
        return _one(parts[0], slices)
    blocks = [[block(p, q) for q in parts[j:]] for j, p in enumerate(parts)]
    levels = int(begin[-1])
    weight = np.concatenate([p.weight for p in parts])
    hubs = np.repeat([isinstance(row[0], np.ndarray) for row in blocks], [p.size for p in parts])
    if levels <= DENSE or (levels <= CORE and hubs.all()):
        return _dense(_assembled(blocks, slices), weight, slices, None)
    apply = _operator(blocks, slices)
    factor = None
    if not any(isinstance(b, Implicit) for row in blocks for b in row) and hubs.sum() <= CORE:
        at = [j for j, row in enumerate(blocks) if isinstance(row[0], np.ndarray)]
        dense = np.empty((0, 0))
        if at:
            chosen = [[blocks[i][j - i] for j in at if j >= i] for i in at]
            inner = np.cumsum([0, *(parts[j].size for j in at)])
            dense = _assembled(chosen, [slice(*ends) for ends in pairwise(inner.tolist())])
        factor = SparseFactor.build(_loose(blocks), hubs, dense, weight, CORE)
    if factor is not None:
        return Reduced(
            apply=apply, precondition=factor.solve, stronger=None, slices=slices,
            method="elimination", rank=factor.rank, rank_method="reduced system",
        )  # fmt: skip
    graphs = [_graph(p) for p in parts]
    start = _blockwise([eliminate(g) for g in graphs], slices)

    def stronger() -> Operator:
        return _blockwise([eliminate(g, stall=0.04) for g in graphs], slices)

    return Reduced(
        apply=apply, precondition=start, stronger=stronger, slices=slices,
        method="conjugate gradients", rank=None, rank_method="pairwise components",
    )  # fmt: skip


def _one(part: Part, slices: tuple[slice, ...]) -> Reduced:
    """Two effects: S is the Laplacian of a graph on the levels of the second."""
    S = block(part, part)
    if isinstance(S, np.ndarray):
        tied = isinstance(part.table, np.ndarray) and bool((part.table > 0).all(axis=1).any())
        pieces = 1 if tied else int(connected_components(S != 0, directed=False)[0])
        if part.size <= DENSE:
            return _dense(S, part.weight, slices, part.size - pieces)
        S = sparse.csr_array(S)
    if isinstance(S, Implicit):
        graph = _graph(part)
        pieces = _bipartite_components(part.table)
        apply: Operator = S.times
    else:
        graph = _ties(S)
        pieces = int(connected_components(graph, directed=False)[0])
        degree = np.asarray(graph.sum(axis=1)).reshape(-1, 1)

        def apply(a: FloatArray) -> FloatArray:
            out: FloatArray = degree * a - graph @ a
            return out

    rank = part.size - pieces
    factor = eliminate(graph) if part.size > SMALL else None
    if part.size <= DENSE and (factor is None or not factor.exact):
        return _dense(apply(np.eye(part.size)), part.weight, slices, rank)
    factor = factor or eliminate(graph)
    return Reduced(
        apply=apply, precondition=factor.solve,
        stronger=None if factor.exact else lambda: eliminate(graph, stall=0.04).solve,
        slices=slices, method="elimination" if factor.exact else "conjugate gradients",
        rank=rank, rank_method="components",
    )  # fmt: skip


def _dense(
    S: FloatArray, weight: FloatArray, slices: tuple[slice, ...], rank: int | None
) -> Reduced:
    factor = DenseFactor.build(S, weight)
    return Reduced(
        apply=S.__matmul__, precondition=factor.solve, stronger=None, slices=slices,
        method="dense", rank=factor.rank if rank is None else rank,
        rank_method="reduced system" if rank is None else "components",
    )  # fmt: skip


def _assembled(blocks: Sequence[Sequence[Any]], slices: Sequence[slice]) -> FloatArray:
    """S from the upper blocks, dense."""
    S = np.empty((slices[-1].stop, slices[-1].stop))
    for i, row in enumerate(blocks):
        for j, b in enumerate(row, start=i):
            if isinstance(b, Implicit):
                b = b.times(np.eye(b.right.shape[1]))
            elif not isinstance(b, np.ndarray):
                b = b.toarray()
            S[slices[i], slices[j]] = b
            S[slices[j], slices[i]] = b.T
    return S


def _loose(blocks: Sequence[Sequence[Any]]) -> sparse.csr_array:
    """S without its dense diagonal blocks, sparse."""
    k = len(blocks)
    grid: list[list[Any]] = [[None] * k for _ in range(k)]
    for i, row in enumerate(blocks):
        for j, b in enumerate(row, start=i):
            if i == j and isinstance(b, np.ndarray):
                grid[i][i] = sparse.csr_array(b.shape)
            elif not (isinstance(row[0], np.ndarray) and isinstance(blocks[j][0], np.ndarray)):
                grid[i][j] = sparse.csr_array(b)
                grid[j][i] = grid[i][j].T
    return sparse.csr_array(sparse.block_array(grid, format="csr"))


def _operator(blocks: Sequence[Sequence[Any]], slices: Sequence[slice]) -> Operator:
    products: list[tuple[slice, slice, Operator]] = []
    for i, row in enumerate(blocks):
        for j, b in enumerate(row, start=i):
            implicit = isinstance(b, Implicit)
            products.append((slices[i], slices[j], b.times if implicit else b.__matmul__))
            if j > i:
                back = b.transposed().times if implicit else b.T.__matmul__
                products.append((slices[j], slices[i], back))

    def apply(a: FloatArray) -> FloatArray:
        out = np.zeros_like(a)
        for to, at, product in products:
            out[to] += product(a[at])
        return out

    return apply


def _blockwise(factors: Sequence[Any], slices: Sequence[slice]) -> Operator:
    def solve(b: FloatArray) -> FloatArray:
        out = np.empty_like(b)
        for factor, at in zip(factors, slices, strict=True):
            out[at] = factor.solve(b[at])
        return out

    return solve


def _graph(part: Part) -> sparse.csr_array:
    """Graph of a part's levels as the lead joins them, large cliques sampled."""
    table = sparse.csr_array(part.table)
    rng = np.random.default_rng(0)
    head, tail, weight, _ = cliques(
        table.indptr.astype(np.int64), table.indices.astype(np.int64), table.data, rng
    )
    i, j = np.concatenate([head, tail]), np.concatenate([tail, head])
    h = part.size
    return sparse.csr_array(
        sparse.coo_array((np.concatenate([weight, weight]), (i, j)), shape=(h, h))
    )


def _ties(S: sparse.csr_array) -> sparse.csr_array:
    """Edge weights of a Laplacian."""
    coo = S.tocoo()
    off = (coo.row != coo.col) & (coo.data < 0)
    return sparse.csr_array(
        sparse.coo_array((-coo.data[off], (coo.row[off], coo.col[off])), shape=coo.shape)
    )


def _bipartite_components(table: Any) -> int:
    k, h = table.shape
    table = sparse.csr_array(table)
    pointer = np.append(table.indptr, np.full(h, table.nnz, dtype=table.indptr.dtype))
    graph = sparse.csr_array((table.data, table.indices + k, pointer), shape=(k + h, k + h))
    return int(connected_components(graph, directed=False)[0])
