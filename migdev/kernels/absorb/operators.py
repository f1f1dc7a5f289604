"""The reduced system applied without forming it, and what can be said of it cheaply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import splu

from migdev.kernels.absorb.conjugate import Operator
from migdev.kernels.absorb.laplacian import cliques
from migdev.kernels.absorb.parts import Part, coupling
from migdev.kernels.arrays.types import FloatArray

_PROFILE = 8_000_000  # entries that a banded factor may hold
_WORK = 4e9  # multiplications that it may take
_RIDGE = 1e-10  # share of the levels' weights that makes a singular system regular


@dataclass(frozen=True, slots=True, eq=False)
class Implied:
    """S = H - B' diag(1/mass) B, by its tables.

    Attributes
    ----------
    slices : tuple of slice
    weights : tuple of (H_j, 1)
    tables : tuple of (G, H_j) sparse
        Each part with the lead; rows that say nothing about the part are empty.
    couplings : tuple of (j, k, (H_j, H_k) table)
        For j < k.
    mass : (G, 1)
    """

    slices: tuple[slice, ...]
    weights: tuple[FloatArray, ...]
    tables: tuple[Any, ...]
    couplings: tuple[tuple[int, int, Any], ...]
    mass: FloatArray

    @classmethod
    def of(cls, parts: Sequence[Part], slices: Sequence[slice]) -> Implied:
        size = max(p.lead.size if p.lead_at is None else int(p.lead_at[-1]) + 1 for p in parts)
        mass = np.ones((size, 1))
        for p in parts:
            mass[slice(None) if p.lead_at is None else p.lead_at, 0] = p.mass
        pairs = tuple(
            (j, k, coupling(p, parts[k]))
            for j, p in enumerate(parts)
            for k in range(j + 1, len(parts))
        )
        tables = tuple(_spread(p, size) for p in parts)
        return cls(tuple(slices), tuple(p.weight[:, None] for p in parts), tables, pairs, mass)

    def apply(self, a: FloatArray) -> FloatArray:
        """(R, m) S times a."""
        means = self.tables[0] @ a[self.slices[0]]
        for table, at in zip(self.tables[1:], self.slices[1:], strict=True):
            means += table @ a[at]
        means /= self.mass
        out = np.empty_like(a)
        for weight, table, at in zip(self.weights, self.tables, self.slices, strict=True):
            out[at] = weight * a[at] - table.T @ means
        for j, k, table in self.couplings:
            out[self.slices[j]] += table @ a[self.slices[k]]
            out[self.slices[k]] += table.T @ a[self.slices[j]]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal:
    """The diagonal of a part's own block, inverted: a preconditioner for well-connected levels."""

    inverse: FloatArray

    @classmethod
    def of(cls, part: Part) -> Diagonal:
        table = sparse.csr_array(part.table)
        share = np.repeat(1.0 / part.mass, np.diff(table.indptr))
        own = np.bincount(table.indices, table.data**2 * share, part.size)
        diagonal = part.weight - own
        tied = diagonal > 1e-12 * part.weight
        return cls(np.divide(1.0, diagonal, out=np.zeros_like(own), where=tied)[:, None])

    def solve(self, b: FloatArray) -> FloatArray:
        return self.inverse * b


def sampled_graph(part: Part) -> sparse.csr_array:
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


def banded(S: sparse.csr_array, weight: FloatArray) -> Operator | None:
    """Solver by a sparse factor in the Cuthill-McKee order; None where its band is wide.

    Labour markets on a ring, or any graph that is long and thin, however dense inside. With
    R = S plus a small ridge, which makes it regular, the solver is :math:`R^{-1}SR^{-1}`: the
    inverse of S up to the ridge, and clean of its null space, where rounding errors would grow.
    """
    order = reverse_cuthill_mckee(sparse.csr_matrix(S), symmetric_mode=True)
    P = S[order][:, order]
    P.sort_indices()
    some = np.diff(P.indptr) > 0
    first = np.arange(len(order))
    first[some] = np.minimum(first[some], P.indices[P.indptr[:-1][some]])
    width = (np.arange(len(order)) - first).astype(float)
    if width.sum() > _PROFILE or width @ width > _WORK:
        return None
    regular = sparse.csc_matrix(P + sparse.diags_array(_RIDGE * weight[order]))
    factor = splu(
        regular, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )

    def solve(b: FloatArray) -> FloatArray:
        out = np.empty_like(b)
        out[order] = factor.solve(P @ factor.solve(b[order]))
        return out

    return solve


def _spread(part: Part, size: int) -> Any:
    """The part's table with a row for every level of the lead."""
    table = sparse.csr_array(part.table)
    if part.lead_at is None:
        return table
    lengths = np.zeros(size, dtype=np.int64)
    lengths[part.lead_at] = np.diff(table.indptr)
    pointer = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_array((table.data, table.indices, pointer), shape=(size, part.size))
