"""The hat matrix of absorbed dummies, without forming the dummies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from migdev.errors import CovarianceError
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray

#: Levels of all factors but one that may be factorised densely.
MOST_LEVELS = 6000
#: Numbers in a dense (n, q) basis: 0.8 GB.
MOST_NUMBERS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectsBasis:
    r"""Orthonormal basis of the column space of (weighted) dummies, one row at a time.

    With :math:`W^{1/2}D_1` the dummies of ``first`` and :math:`\tilde D_2` those of the other
    factors after projection on them, the hat matrix is

    .. math::
        H = P_1 + \tilde D_2 (\tilde D_2'\tilde D_2)^{+} \tilde D_2' = P_1 + QQ' \quad (1)

    and row :math:`t` of :math:`Q` is :math:`w_t^{1/2}\{\sum_f c_{f,g_f(t)} - \bar c_{g_1(t)}\}`:
    two look-ups, whatever the number of rows.

    Attributes
    ----------
    first : Groups
    mass : (L1,)
        Total weight of the levels of ``first``.
    rest : tuple of (n,) codes, numbered through all factors
    coef : (L2, r); centre : (L1, r)
    root : (n,), optional
        Square roots of the weights.
    """

    first: Groups
    mass: FloatArray
    rest: tuple[IntArray, ...]
    coef: FloatArray
    centre: FloatArray
    root: FloatArray | None

    @classmethod
    def build(
        cls, factors: Sequence[IntArray], weights: FloatArray | None, first: int | None = None
    ) -> EffectsBasis:
        """Basis of ``factors``; ``first`` (default: the largest) is eliminated exactly.

        Raises
        ------
        CovarianceError
            The other factors have more levels than a dense factorisation can take.
        """
        groups = [Groups.from_codes(f) for f in factors]
        if first is None:
            first = int(np.argmax([g.size for g in groups]))
        head = groups[first]
        others = [g for i, g in enumerate(groups) if i != first]
        n = len(head.codes)
        w = np.ones(n) if weights is None else weights
        mass = head.weighted(weights)
        offsets = np.cumsum([0, *(g.size for g in others)])
        if offsets[-1] > MOST_LEVELS:
            raise CovarianceError(
                f"The leverage of {len(factors)} crossed effects needs a dense factorisation of "
                f"{offsets[-1]:,} levels; the limit is {MOST_LEVELS:,}. Use HC1 or CR1, or "
                "leverage='transformed'."
            )
        rest = tuple(g.codes + start for g, start in zip(others, offsets[:-1], strict=True))
        if not rest:
            return cls(
                first=head, mass=mass, rest=(), coef=np.empty((0, 0)),
                centre=np.empty((head.size, 0)), root=None if weights is None else np.sqrt(w),
            )  # fmt: skip
        at = (np.tile(np.arange(n), len(rest)), np.concatenate(rest))
        D = sparse.csr_array((np.ones(len(at[0])), at), shape=(n, int(offsets[-1])))
        wD = sparse.csr_array((np.tile(w, len(rest)), at), shape=D.shape)
        cross = sparse.csr_array((w, (head.codes, np.arange(n))), shape=(head.size, n)) @ D
        gram = (D.T @ wD).toarray() - (cross.T @ (sparse.diags_array(1.0 / mass) @ cross)).toarray()
        scale = 1.0 / np.sqrt(wD.sum(axis=0))
        values, vectors = linalg.eigh(gram * np.outer(scale, scale))
        keep = values > 1e-10
        coef = scale[:, None] * vectors[:, keep] / np.sqrt(values[keep])
        centre = np.asarray(cross @ coef) / mass[:, None]
        return cls(
            first=head, mass=mass, rest=rest, coef=coef, centre=centre,
            root=None if weights is None else np.sqrt(w),
        )  # fmt: skip

    @property
    def rank(self) -> int:
        return self.first.size + int(self.coef.shape[1])

    def rows(self, start: int = 0, stop: int | None = None) -> FloatArray:
        """(m, r) rows of Q: what the other factors add to ``first``."""
        cut = slice(start, stop)
        out: FloatArray = -self.centre[self.first.codes[cut]]
        for codes in self.rest:
            out += self.coef[codes[cut]]
        if self.root is not None:
            out *= self.root[cut, None]
        return out

    def first_rows(self) -> FloatArray:
        """(n, L1) orthonormal dummies of ``first``, dense."""
        n = len(self.first.codes)
        require_room(n, self.first.size)
        out = np.zeros((n, self.first.size))
        root = np.ones(n) if self.root is None else self.root
        out[np.arange(n), self.first.codes] = root / np.sqrt(self.mass[self.first.codes])
        return out

    def leverage(self) -> FloatArray:
        """(n,) diagonal of eq. (1)."""
        h: FloatArray = self.first.spread(1.0 / self.mass)
        if self.root is not None:
            h = h * self.root**2
        if not self.rest:
            return h
        h = h.copy()
        step = max(1, 4_000_000 // max(1, self.coef.shape[1]))
        for start in range(0, len(h), step):
            Q = self.rows(start, start + step)
            h[start : start + step] += np.einsum("ij,ij->i", Q, Q)
        return h


def require_room(n: int, columns: int) -> None:
    """Raise a CovarianceError where a dense (n, columns) basis would be too large."""
    if n * columns > MOST_NUMBERS:
        raise CovarianceError(
            f"CR2 and CR3 with {columns:,} columns that the clusters do not absorb would need a "
            f"dense {n:,} x {columns:,} matrix. Use CR1 (or CR0), or leverage='transformed'."
        )
