r"""Each remaining effect on the rows that say something about it, once the lead effect is gone.

A level of the lead effect that meets only one level of another effect (a worker who never moves)
is explained by its own mean: its rows drop out of every block of the reduced system that involves
the other effect. A :class:`Part` keeps the rows that are left. In matched data these are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from migdev.kernels.absorb.components import cross_tab
from migdev.kernels.absorb.factorisation import scale_rows
from migdev.kernels.arrays.blocked_products import gram, product
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

_FEW = 0.6  # share of rows below which the moving rows are worth copying
_CELLS = 4  # cells per row of data up to which a cross-tabulation is kept dense
_TERMS = 20_000_000  # products that forming a block with few cells may take
_EASY = 8  # products per entry of a table that forming any block may take
_FULL = 0.1  # share of entries above which a block with few cells is dense
_MOST = 6_250_000  # few cells: those of 2,500 levels by 2,500
_BASE = 2**16  # cells that are always dense


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One remaining effect.

    Attributes
    ----------
    factor : int
        Its place among the factors, as given.
    mask : (n,) bool, optional
        Rows that count; None where all do. ``rows`` are their numbers.
    rows : (r,), optional
    lead, other : Groups
        The lead effect and this one on those rows.
    weights : (r,), optional
    lead_at : (G,), optional
        Levels of the whole lead effect that ``lead`` holds; None where it holds all.
    mass : (G,)
        Weight of the levels of ``lead``.
    table : (G, H), dense or sparse
        Weight of each pair of levels.
    """

    factor: int
    mask: BoolArray | None
    rows: IntArray | None
    lead: Groups
    other: Groups
    weights: FloatArray | None
    lead_at: IntArray | None
    mass: FloatArray
    table: Any

    @property
    def dense(self) -> bool:
        return isinstance(self.table, np.ndarray)

    @property
    def size(self) -> int:
        """Number of levels H that count."""
        return self.other.size

    @property
    def weight(self) -> FloatArray:
        """(H,) weight of the levels of this effect on the rows that count."""
        return self.other.weighted(self.weights)

    def gather(self, values: FloatArray) -> FloatArray:
        """(r,) the rows of a vector that count."""
        return values if self.rows is None else values[self.rows]

    def means(self, a: FloatArray) -> FloatArray:
        """(G, m) mean of the effects ``a`` (H, m) in each level of the lead."""
        if isinstance(self.table, np.ndarray):
            return product(self.table, a) / self.mass[:, None]
        out: FloatArray = (self.table @ a) / self.mass[:, None]
        return out

    def subtract(self, values: FloatArray, a: FloatArray, means: FloatArray) -> None:
        """Take the effects ``a`` (H,) less their lead means (G,) from ``values`` (n,)."""
        if self.rows is None:  # one vector at a time keeps memory low
            values -= self.other.spread(a)
            values += self.lead.spread(means)
        else:
            values[self.rows] -= self.other.spread(a) - self.lead.spread(means)


def make_parts(groups: Sequence[Groups], lead: int, weights: FloatArray | None) -> tuple[Part, ...]:
    """The effects that the lead does not nest, each on the rows that say something about it."""
    parts = []
    first = groups[lead]
    for j, other in enumerate(groups):
        if j == lead:
            continue
        several = _several(first, other)
        if not several.any():
            continue
        mask, rows, inner, outer, w, at = None, None, first, other, weights, None
        if not several.all():
            moving: BoolArray = first.spread(several)
            if np.count_nonzero(moving) < _FEW * len(moving):
                mask, rows = moving, np.flatnonzero(moving)
                inner = Groups.from_codes(first.codes[rows])
                outer = Groups.from_codes(other.codes[rows])
                w = None if weights is None else weights[rows]
                at = np.flatnonzero(several)
        mass = inner.weighted(w)
        table = tabulate(inner, outer, w)
        parts.append(
            Part(
                factor=j, mask=mask, rows=rows, lead=inner, other=outer, weights=w, lead_at=at,
                mass=mass, table=table,
            )
        )  # fmt: skip
    return tuple(parts)


def tabulate(rows: Groups, columns: Groups, weights: FloatArray | None) -> Any:
    """(G, H) weight of each pair of levels, dense where that is small."""
    cells = rows.size * columns.size
    if cells > _CELLS * len(rows.codes) + _BASE:
        return cross_tab(rows, columns, weights)
    table = np.bincount(rows.codes * columns.size + columns.codes, weights, cells)
    return table.reshape(rows.size, columns.size).astype(float, copy=False)


def block(one: Part, two: Part, patience: int = 1, small: bool = True) -> Any:
    """(H1, H2) block of the reduced system, dense or sparse; None if it is costly to form.

    ``patience`` multiplies the cost up to which it is formed; ``small`` lets blocks of few cells
    cost more than the tables they come from.
    """
    if one is two:
        weight = one.weight

        def own() -> Any:
            return np.diag(weight) if one.dense else sparse.diags_array(weight).tocsr()

        return _block(own, one.table, one.table, one.mass, patience, small)
    if one.mask is None and two.mask is None:
        return _block(lambda: coupling(one, two), one.table, two.table, one.mass, patience, small)
    left, right, lead, w = _shared(one, two)
    tables = tabulate(lead, left, w), tabulate(lead, right, w)
    return _block(lambda: tabulate(left, right, w), *tables, lead.weighted(w), patience, small)


def coupling(one: Part, two: Part) -> Any:
    """(H1, H2) weight of each pair of levels on the rows that count for both."""
    if one.mask is None and two.mask is None:
        return tabulate(one.other, two.other, one.weights)
    left, right, _, w = _shared(one, two)
    return tabulate(left, right, w)


def _shared(one: Part, two: Part) -> tuple[Groups, Groups, Groups, FloatArray | None]:
    """Both effects, the lead and the weights on the rows that count for both."""
    both = one.mask if two.mask is None else two.mask
    if one.mask is not None and two.mask is not None:
        both = one.mask & two.mask
    assert both is not None
    at, also = _within(one, both), _within(two, both)
    w = None if one.weights is None else one.weights[at]
    return _cut(one.other, at), _cut(two.other, also), Groups.from_codes(one.lead.codes[at]), w


def _block(
    tied: Callable[[], Any], left: Any, right: Any, mass: FloatArray, patience: int, small: bool
) -> Any:
    """``tied()``, the weight of each pair of levels, less what goes through the lead."""
    if small and isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return _array(tied()) - gram(left, right / mass[:, None])
    left, right = sparse.csr_array(left), sparse.csr_array(right)
    few = small and left.shape[1] * right.shape[1] <= _MOST
    terms = int(np.diff(left.indptr).astype(np.int64) @ np.diff(right.indptr))
    if terms > patience * (_TERMS if few else _EASY * right.nnz + _BASE):
        return None
    together, joined = tied(), left.T @ scale_rows(right, 1.0 / mass)
    if isinstance(together, np.ndarray) or (few and joined.nnz > _FULL * np.prod(joined.shape)):
        return _array(together) - joined.toarray()
    return sparse.csr_array(together - joined)


def _within(part: Part, both: BoolArray) -> IntArray:
    return np.flatnonzero(both if part.rows is None else both[part.rows])


def _cut(groups: Groups, at: IntArray) -> Groups:
    """The levels on some rows, numbered as before: some may not occur."""
    codes = groups.codes[at]
    return Groups(codes, np.bincount(codes, minlength=groups.size), None)


def _array(matrix: Any) -> FloatArray:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def _several(lead: Groups, other: Groups) -> BoolArray:
    """(G,) whether a lead level meets several levels of another factor."""
    if lead.starts is not None:
        differs = other.codes != np.repeat(other.codes[lead.starts], lead.counts)
        return np.logical_or.reduceat(differs, lead.starts)
    anchor = np.empty(lead.size, dtype=np.intp)
    anchor[lead.codes] = other.codes
    several = np.zeros(lead.size, dtype=bool)
    several[lead.codes[other.codes != anchor[lead.codes]]] = True
    return several
