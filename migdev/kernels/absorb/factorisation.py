"""Exact factors of singular positive semi-definite systems: dense with pivots, and sparse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from migdev.kernels.absorb.laplacian import independent
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

REDUNDANT = 1e-10  # pivot, relative to the weight of its level, below which the level is redundant
_FILL = 4  # growth of the matrix that elimination may cause
_BASE = 2_000_000  # entries that are always allowed
_SMALL = 150  # levels left to the dense factor at once
_STALL = 0.02  # share of the levels that a round must take


@dataclass(frozen=True, slots=True, eq=False)
class DenseFactor:
    """Cholesky factor with pivots, scaled by the weights of the levels.

    Attributes
    ----------
    factor : (rank, rank); pivots : (rank,); scale : (rank, 1); size : int
    """

    factor: FloatArray
    pivots: IntArray
    scale: FloatArray
    size: int

    @classmethod
    def build(cls, S: FloatArray, weight: FloatArray) -> DenseFactor:
        """Factor S (R, R); ``weight`` (R,) are the levels' weights, the scale of its diagonal."""
        scale = 1.0 / np.sqrt(weight)
        scaled = np.asfortranarray(S * scale * scale[:, None])
        factor, order, rank, info = linalg.lapack.dpstrf(
            scaled, lower=1, tol=REDUNDANT, overwrite_a=1
        )
        if info < 0:
            raise ValueError(f"dpstrf refused argument {-info}.")
        if rank == 1 and factor[0, 0] ** 2 <= REDUNDANT:  # it takes any positive first pivot
            rank = 0
        pivots = order[:rank].astype(np.int64) - 1
        return cls(factor[:rank, :rank], pivots, scale[pivots, None], len(S))

    @property
    def rank(self) -> int:
        return len(self.pivots)

    def solve(self, b: FloatArray) -> FloatArray:
        """(R, m) solution of S a = b with redundant levels at zero."""
        a = np.zeros_like(b)
        if len(self.pivots):
            inner, _ = linalg.lapack.dpotrs(self.factor, self.scale * b[self.pivots], lower=1)
            a[self.pivots] = self.scale * inner
        return a


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Independent levels eliminated together.

    Attributes
    ----------
    taken, left : (k,), (rest,)
        Their numbers, and those of the loosely tied levels left.
    share, hub_share : (k, rest), (k, h)
        Rows of S over the pivots, towards the levels left and towards the hubs.
    inverse : (k, 1)
        Inverse pivots, zero for redundant levels.
    """

    taken: IntArray
    left: IntArray
    share: Any
    hub_share: Any
    inverse: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SparseFactor:
    """Loosely tied levels eliminated in rounds; hubs and what is left factored densely.

    Attributes
    ----------
    loose, hubs : (a,), (h,)
        Numbers of the levels of either kind.
    steps : tuple of Step
    core : DenseFactor
        Of the loose levels left and the hubs.
    rank : int
    """

    loose: IntArray
    hubs: IntArray
    steps: tuple[Step, ...]
    core: DenseFactor
    rank: int

    @classmethod
    def build(
        cls, S: sparse.csr_array, hubs: BoolArray, dense: FloatArray, weight: FloatArray, core: int
    ) -> SparseFactor | None:
        """Factor S unless it fills in: then None.

        Parameters
        ----------
        S : (R, R)
            Without the entries among hubs, which need not be stored.
        hubs : (R,)
            Levels tied to so many others that they are left to the end.
        dense : (h, h)
            S among the hubs.
        weight : (R,)
        core : int
            Most levels that may end up in the dense factor.
        """
        rng = np.random.default_rng(0)
        at, hub = np.flatnonzero(~hubs), np.flatnonzero(hubs)
        rows = S[at]
        A, C, H, w = rows[:, at], rows[:, hub], dense.copy(), weight[at]
        allowed = _FILL * rows.nnz + _BASE
        steps, rank, spent = [], 0, 0
        while A.shape[0] > min(core - len(hub), _SMALL):
            graph = _off_diagonal(A)
            chosen = independent(graph, rng)
            if int(chosen.sum()) < _STALL * len(chosen):
                break
            taken, left = np.flatnonzero(chosen), np.flatnonzero(~chosen)
            pivot = A.diagonal()[taken]
            inverse = np.zeros_like(pivot)
            good = pivot > REDUNDANT * w[taken]
            inverse[good] = 1.0 / pivot[good]
            beside, above = graph[taken][:, left], C[taken]
            spent += _squares(beside) + _squares(above)
            if spent > 10 * allowed:
                return None
            share, hub_share = scale_rows(beside, inverse), scale_rows(above, inverse)
            H -= (above.T @ hub_share).toarray()
            C = C[left] - beside.T @ hub_share
            A = A[left][:, left] - beside.T @ share
            if A.nnz + C.nnz > allowed:
                return None
            steps.append(Step(taken, left, share, hub_share, inverse[:, None]))
            rank += int(good.sum())
            w = w[left]
        if A.shape[0] + len(hub) > core:
            return None
        corner = C.toarray()
        rest = np.block([[A.toarray(), corner], [corner.T, H]])
        last = DenseFactor.build(rest, np.concatenate([w, weight[hub]]))
        return cls(at, hub, tuple(steps), last, rank + last.rank)

    def solve(self, b: FloatArray) -> FloatArray:
        """(R, m) solution of S a = b with redundant levels at zero."""
        loose, top = b[self.loose], b[self.hubs]
        own = []
        for step in self.steps:
            taken = loose[step.taken]
            own.append(step.inverse * taken)
            top -= step.hub_share.T @ taken
            loose = loose[step.left] - step.share.T @ taken
        solved = self.core.solve(np.concatenate([loose, top]))
        a, above = solved[: len(loose)], solved[len(loose) :]
        for step, mine in zip(reversed(self.steps), reversed(own), strict=True):
            whole = np.empty((len(step.taken) + len(step.left), a.shape[1]))
            whole[step.left] = a
            whole[step.taken] = mine - step.share @ a - step.hub_share @ above
            a = whole
        out = np.empty_like(b)
        out[self.loose], out[self.hubs] = a, above
        return out


def scale_rows(matrix: Any, by: FloatArray) -> sparse.csr_array:
    """diag(by) times a matrix in CSR form."""
    data = matrix.data * np.repeat(by, np.diff(matrix.indptr))
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _squares(matrix: Any) -> int:
    ties = np.diff(matrix.indptr).astype(np.int64)
    return int(ties @ ties)


def _off_diagonal(S: sparse.csr_array) -> sparse.csr_array:
    row = np.repeat(np.arange(S.shape[0]), np.diff(S.indptr))
    off = (S.indices != row) & (S.data != 0)
    pointer = np.concatenate([[0], np.cumsum(off)])[S.indptr]
    return sparse.csr_array((S.data[off], S.indices[off], pointer), shape=S.shape)
