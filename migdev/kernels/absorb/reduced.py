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
3. conjugate gradients, preconditioned by what is cheap for each effect's own block (its diagonal,
   which is enough for well-connected levels, or elimination), and by more where that is slow:
   a banded factor, or elimination with sampled cliques.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from migdev.kernels.absorb.components import components_of
from migdev.kernels.absorb.conjugate import Operator, Solution, conjugate_gradients
from migdev.kernels.absorb.factorisation import DenseFactor, SparseFactor
from migdev.kernels.absorb.laplacian import eliminate
from migdev.kernels.absorb.operators import Diagonal, Implied, banded, sampled_graph
from migdev.kernels.absorb.parts import Part, block
from migdev.kernels.arrays.types import FloatArray

DENSE = 1500  # levels of the remaining effects up to which S is factored densely
CORE = 2500  # levels that sparse elimination may leave to a dense factor
LAST = 6000  # levels up to which it is so where nothing else converges
DIRECT = 400  # levels of a second effect up to which it is so without trying anything cheaper
SMALL = 150  # levels below which a dense factor beats everything


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """Equation (1), ready to be solved.

    Attributes
    ----------
    apply, precondition : functions of (R, m) arrays
    stronger : tuple of functions
        Build better preconditioners, should convergence be slow.
    slices : tuple of slice
        Levels of each part.
    method : str
        ``"dense"``, ``"elimination"`` or ``"conjugate gradients"``.
    rank : int, optional
        Rank of S where it is known exactly.
    rank_method : str
    tables : mapping from pairs of factors to tables
        Cross-tabulations on all rows that were made.
    """

    apply: Operator
    precondition: Operator
    stronger: tuple[Callable[[], Operator | None], ...]
    slices: tuple[slice, ...]
    method: str
    rank: int | None
    rank_method: str
    tables: Mapping[tuple[int, int], Any] = field(default_factory=dict)

    def solve(
        self,
        b: FloatArray,
        total: FloatArray,
        floor: FloatArray,
        tol: float,
        max_iterations: int = 5000,
    ) -> Solution:
        """One solution of S a = b; see :mod:`migdev.kernels.absorb.conjugate`."""
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
    levels = int(begin[-1])
    patience = 5 if levels <= DENSE else 1
    blocks = [[block(p, q, patience) for q in parts[j:]] for j, p in enumerate(parts)]
    formed = all(b is not None for row in blocks for b in row)
    weight = np.concatenate([p.weight for p in parts])
    own = [row[0] for row in blocks]
    hubs = np.repeat([isinstance(b, np.ndarray) for b in own], [p.size for p in parts])
    if formed and (levels <= DENSE or (levels <= CORE and hubs.all())):
        return _dense(_assembled(blocks, slices), weight, slices, None)
    factor = None
    if formed and hubs.sum() <= CORE:
        factor = SparseFactor.build(_loose(blocks), hubs, _among_hubs(blocks), weight, CORE)
    if factor is not None:
        return Reduced(
            apply=_operator(blocks, slices), precondition=factor.solve, stronger=(),
            slices=slices, method="elimination", rank=factor.rank, rank_method="reduced system",
        )  # fmt: skip
    implied = None if formed else Implied.of(parts, slices)
    apply = _operator(blocks, slices) if implied is None else implied.apply
    first = [_factor(p, b) for p, b in zip(parts, own, strict=True)]
    exact = [isinstance(b, np.ndarray) and len(b) <= SMALL for b in own]

    def bands() -> Operator | None:
        upper = [[_sparse(block(p, q, 5)) for q in parts[j:]] for j, p in enumerate(parts)]
        if any(b is None for row in upper for b in row):
            return None
        return banded(_whole(upper), weight)

    def deeper() -> Operator:
        pieces = zip(parts, first, exact, strict=True)
        return _blockwise([f if done else _better(p) for p, f, done in pieces], slices)

    def whole() -> Operator | None:
        if levels > LAST:
            return None
        return DenseFactor.build(apply(np.eye(levels)), weight).solve

    return Reduced(
        apply=apply, precondition=_blockwise(first, slices), stronger=(bands, deeper, whole),
        slices=slices, method="conjugate gradients", rank=None, rank_method="pairwise components",
        tables={
            (parts[j].factor, parts[k].factor): table
            for j, k, table in (() if implied is None else implied.couplings)
            if parts[j].mask is None and parts[k].mask is None
        },
    )  # fmt: skip


def _one(part: Part, slices: tuple[slice, ...]) -> Reduced:
    """Two effects: S is the Laplacian of a graph on the levels of the second."""
    S = block(part, part, small=part.size <= DIRECT)
    if isinstance(S, np.ndarray):
        tied = isinstance(part.table, np.ndarray) and bool((part.table > 0).all(axis=1).any())
        pieces = 1 if tied else int(connected_components(S != 0, directed=False)[0])
        return _dense(S, part.weight, slices, part.size - pieces)
    if S is None:
        return Reduced(
            apply=Implied.of([part], slices).apply, precondition=Diagonal.of(part).solve,
            stronger=(lambda: _better(part),), slices=slices,
            method="conjugate gradients", rank=part.size - components_of(part.table)[0],
            rank_method="components",
        )  # fmt: skip
    graph = _ties(S)
    degree = np.asarray(graph.sum(axis=1)).reshape(-1, 1)

    def apply(a: FloatArray) -> FloatArray:
        out: FloatArray = degree * a - graph @ a
        return out

    rank = part.size - int(connected_components(graph, directed=False)[0])
    factor = eliminate(graph) if part.size > SMALL else None
    if part.size <= DENSE and (factor is None or not factor.exact):
        return _dense(apply(np.eye(part.size)), part.weight, slices, rank)
    factor = factor or eliminate(graph)
    return Reduced(
        apply=apply, precondition=factor.solve, slices=slices, rank=rank,
        stronger=() if factor.exact else (lambda: _better(part),),
        method="elimination" if factor.exact else "conjugate gradients", rank_method="components",
    )  # fmt: skip


def _factor(part: Part, own: Any) -> Operator:
    """A cheap solver of a part's own block: dense, by elimination, or its diagonal."""
    if own is None or (isinstance(own, np.ndarray) and len(own) > SMALL):
        return Diagonal.of(part).solve
    if isinstance(own, np.ndarray):
        return DenseFactor.build(own, part.weight).solve
    return eliminate(_ties(own)).solve


def _better(part: Part) -> Operator:
    """A better solver of a part's own block: by bands, or by elimination as far as sampling goes;
    its diagonal where levels are well connected and a few iterations bring the error down."""
    diagonal = Diagonal.of(part)
    own = Implied.of([part], [slice(0, part.size)])
    b = own.apply(np.random.default_rng(0).standard_normal((part.size, 1)))
    size = np.einsum("ij,ij->j", b, diagonal.solve(b))
    probe = conjugate_gradients(own.apply, diagonal.solve, b, size, size, 1e-4, 25)
    if probe.converged.all():
        return diagonal.solve
    S = block(part, part, 5)
    if S is not None and part.size <= DENSE:
        return DenseFactor.build(_array(S), part.weight).solve
    bands = None if S is None else banded(sparse.csr_array(S), part.weight)
    return bands or eliminate(sampled_graph(part), stall=0.04).solve


def _array(matrix: Any) -> FloatArray:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def _dense(
    S: FloatArray, weight: FloatArray, slices: tuple[slice, ...], rank: int | None
) -> Reduced:
    factor = DenseFactor.build(S, weight)
    return Reduced(
        apply=S.__matmul__, precondition=factor.solve, stronger=(), slices=slices,
        method="dense", rank=factor.rank if rank is None else rank,
        rank_method="reduced system" if rank is None else "components",
    )  # fmt: skip


def _assembled(blocks: Sequence[Sequence[Any]], slices: Sequence[slice]) -> FloatArray:
    """S from the upper blocks, dense."""
    S = np.empty((slices[-1].stop, slices[-1].stop))
    for i, row in enumerate(blocks):
        for j, b in enumerate(row, start=i):
            S[slices[i], slices[j]] = _array(b)
            S[slices[j], slices[i]] = S[slices[i], slices[j]].T
    return S


def _among_hubs(blocks: Sequence[Sequence[Any]]) -> FloatArray:
    """S among the parts whose own block is dense."""
    at = [j for j, row in enumerate(blocks) if isinstance(row[0], np.ndarray)]
    if not at:
        return np.empty((0, 0))
    chosen = [[blocks[i][j - i] for j in at if j >= i] for i in at]
    ends = np.cumsum([0, *(len(blocks[j][0]) for j in at)])
    return _assembled(chosen, [slice(*pair) for pair in pairwise(ends.tolist())])


def _loose(blocks: Sequence[Sequence[Any]]) -> sparse.csr_array:
    """S without its dense diagonal blocks, sparse."""
    dense = [isinstance(row[0], np.ndarray) for row in blocks]
    kept = [
        [
            sparse.csr_array(b.shape) if dense[i] and dense[j] else b
            for j, b in enumerate(row, start=i)
        ]
        for i, row in enumerate(blocks)
    ]
    return _whole(kept)


def _whole(blocks: Sequence[Sequence[Any]]) -> sparse.csr_array:
    """S from the upper blocks, sparse."""
    grid: list[list[Any]] = [[None] * len(blocks) for _ in blocks]
    for i, row in enumerate(blocks):
        for j, b in enumerate(row, start=i):
            grid[i][j] = _sparse(b)
            if j > i:
                grid[j][i] = grid[i][j].T
    return sparse.csr_array(sparse.block_array(grid, format="csr"))


def _sparse(matrix: Any) -> Any:
    return None if matrix is None else sparse.csr_array(matrix)


def _operator(blocks: Sequence[Sequence[Any]], slices: Sequence[slice]) -> Operator:
    products: list[tuple[slice, slice, Any]] = []
    for i, row in enumerate(blocks):
        for j, b in enumerate(row, start=i):
            products.append((slices[i], slices[j], b))
            if j > i:
                products.append((slices[j], slices[i], b.T))

    def apply(a: FloatArray) -> FloatArray:
        out = np.zeros_like(a)
        for to, at, b in products:
            out[to] += b @ a[at]
        return out

    return apply


def _blockwise(solvers: Sequence[Operator], slices: Sequence[slice]) -> Operator:
    def solve(b: FloatArray) -> FloatArray:
        out = np.empty_like(b)
        for solver, at in zip(solvers, slices, strict=True):
            out[at] = solver(b[at])
        return out

    return solve


def _ties(S: sparse.csr_array) -> sparse.csr_array:
    """Edge weights of a Laplacian."""
    coo = S.tocoo()
    off = (coo.row != coo.col) & (coo.data < 0)
    return sparse.csr_array(
        sparse.coo_array((-coo.data[off], (coo.row[off], coo.col[off])), shape=coo.shape)
    )
