"""Correlations of all pairs of entities over the periods that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairwiseCorrelations:
    """Pairs i < j.

    Attributes
    ----------
    rho : (M,)
    shared : (M,)
        Periods both are observed in.
    N : int
    left_out : int
        Pairs with fewer than two shared periods, or without variation over them.
    """

    rho: FloatArray
    shared: FloatArray
    N: int
    left_out: int


def wide(values: FloatArray, entity: IntArray, time: IntArray) -> FloatArray:
    """(N, P) values, missing where an entity is not observed."""
    column = np.unique(time, return_inverse=True)[1]
    out = np.full((int(entity.max()) + 1, int(column.max()) + 1), np.nan)
    out[entity, column] = values
    return out


def pairwise_correlations(
    values: FloatArray, entity: IntArray, time: IntArray
) -> PairwiseCorrelations:
    """Each pair centred over its own shared periods (R's ``pairwise.complete.obs``).

    Parameters
    ----------
    values, entity, time : (n,)
    """
    Z = wide(values, entity, time)
    Z -= np.nanmean(Z, axis=1, keepdims=True)
    scale = np.sqrt(np.nanmean(Z**2, axis=1, keepdims=True))
    Z /= np.where(scale > 0, scale, 1.0)
    M = (~np.isnan(Z)).astype(float)
    Z = np.nan_to_num(Z)
    shared = M @ M.T
    sums, squares, cross = Z @ M.T, (Z**2) @ M.T, Z @ Z.T
    with np.errstate(divide="ignore", invalid="ignore"):
        own = squares - sums**2 / shared
        cov = cross - sums * sums.T / shared
        rho = cov / np.sqrt(own * own.T)
    i, j = np.triu_indices(len(Z), 1)
    varies = np.minimum(own, own.T)[i, j] > 1e-12 * shared[i, j]
    keep = (shared[i, j] >= 2) & varies
    i, j = i[keep], j[keep]
    return PairwiseCorrelations(
        rho=rho[i, j], shared=shared[i, j], N=len(Z), left_out=int((~keep).sum())
    )
