"""Sums and means by group, the inner loop of every absorbed effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """A factor whose levels all occur.

    Attributes
    ----------
    codes : (n,)
        Level of each row, 0..G-1.
    counts : (G,)
        Rows of each level.
    starts : (G,), optional
        First row of each level where the rows are sorted by level; runs are then summed and
        spread without an index, several times as fast.
    """

    codes: IntArray
    counts: IntArray
    starts: IntArray | None

    @classmethod
    def from_codes(cls, codes: IntArray | Groups) -> Groups:
        """Number the levels that occur 0..G-1 in their order; gaps in the codes are closed.

        Raises
        ------
        ValueError
            ``codes`` is not a vector of whole numbers, or holds negative ones.
        """
        if isinstance(codes, Groups):
            return codes
        codes = np.asarray(codes)
        if codes.ndim != 1 or codes.dtype.kind not in "iu":
            raise ValueError(
                f"A factor is a vector of whole numbers, not {codes.dtype} of shape {codes.shape}."
            )
        if len(codes) and int(codes.min()) < 0:
            raise ValueError("A factor holds negative codes (missing levels?); give 0..G-1.")
        codes, counts = _numbered(codes)
        starts = None
        if bool((codes[1:] >= codes[:-1]).all()):
            starts = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(counts) else counts
        return cls(codes, counts, starts)

    @property
    def size(self) -> int:
        """Number of levels G."""
        return len(self.counts)

    def sums(self, values: FloatArray) -> FloatArray:
        """(G,) or (G, m) sums of ``values``, (n,) or (n, m), by level."""
        if values.ndim == 2:
            out = np.empty((self.size, values.shape[1]))
            for j in range(values.shape[1]):
                out[:, j] = self.sums(values[:, j])
            return out
        if self.starts is not None:
            return np.add.reduceat(values, self.starts) if len(values) else values
        binned: AnyArray = np.bincount(self.codes, values, self.size)
        return binned

    def spread(self, by_level: AnyArray) -> AnyArray:
        """Value of each row's level: (n,) from (G,), (n, m) from (G, m)."""
        if self.starts is not None:
            return np.repeat(by_level, self.counts, axis=0)
        return by_level.take(self.codes, axis=0)

    def weighted(self, weights: FloatArray | None) -> FloatArray:
        """(G,) total weight of each level: its rows where there are no weights."""
        return self.counts.astype(float) if weights is None else self.sums(weights)


def level_codes(values: AnyArray) -> IntArray:
    """(n,) codes 0..G-1 of the values (n,) in their order; whole numbers need no sorting."""
    values = np.asarray(values)
    if values.dtype.kind in "iu" and len(values):
        whole, low = values.astype(np.int64, copy=False), int(values.min())
        return _numbered(whole if low == 0 else whole - low)[0].astype(np.int64, copy=False)
    return np.unique(values, return_inverse=True)[1].astype(np.int64, copy=False)


def _numbered(codes: AnyArray) -> tuple[IntArray, IntArray]:
    """Codes without gaps from whole numbers that are not negative, and their counts."""
    codes = codes.astype(np.intp, copy=False)
    if len(codes) and int(codes.max()) > 4 * len(codes) + 1024:
        codes = np.unique(codes, return_inverse=True)[1]
    counts = np.bincount(codes)
    if not counts.all():
        number = np.cumsum(counts > 0) - 1
        codes, counts = number[codes], counts[counts > 0]
    return codes, counts


def run_starts(*keys: IntArray) -> IntArray:
    """First row (m,) of each run of equal keys; rows sorted by the keys."""
    n = len(keys[0])
    if n == 0:
        return np.empty(0, dtype=np.int64)
    change = np.zeros(n, dtype=bool)
    change[0] = True
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(change).astype(np.int64, copy=False)


def group_sums(values: FloatArray, codes: IntArray) -> FloatArray:
    """(G,) or (G, m) sums of ``values``, (n,) or (n, m), by the levels that occur in ``codes``."""
    return Groups.from_codes(codes).sums(np.asarray(values, dtype=float))


def group_means(
    values: FloatArray, codes: IntArray, weights: FloatArray | None = None
) -> FloatArray:
    """(G,) or (G, m) means, weighted if there are ``weights`` (n,), by the levels that occur."""
    groups = Groups.from_codes(codes)
    return _means(np.asarray(values, dtype=float), groups, weights)


def demean(values: FloatArray, codes: IntArray, weights: FloatArray | None = None) -> FloatArray:
    """``values`` less the (weighted) mean of their group; shape kept."""
    groups = Groups.from_codes(codes)
    values = np.asarray(values, dtype=float)
    return np.subtract(values, groups.spread(_means(values, groups, weights)))


def _means(values: FloatArray, groups: Groups, weights: FloatArray | None) -> FloatArray:
    if weights is None:
        total, mass = groups.sums(values), groups.counts.astype(float)
    else:
        scaled = values * (weights if values.ndim == 1 else weights[:, None])
        total, mass = groups.sums(scaled), groups.sums(weights)
    means: FloatArray = total / (mass if values.ndim == 1 else mass[:, None])
    return means
