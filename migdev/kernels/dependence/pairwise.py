"""Correlations of all pairs of entities over the periods that they share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.factors.interactive import principal_components


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairwiseCorrelations:
    """Pairs i < j.

    Attributes
    ----------
    rho : (M,)
    shared : (M,)
        Periods both are observed in.
    first, second : (M,)
        The entities i and j.
    N : int
    left_out : int
        Pairs with fewer than two shared periods, or without variation over them.
    """

    rho: FloatArray
    shared: FloatArray
    first: IntArray
    second: IntArray
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
        rho=rho[i, j], shared=shared[i, j], first=i, second=j, N=len(Z),
        left_out=int((~keep).sum()),
    )  # fmt: skip


def weighted_cd(pairs: PairwiseCorrelations, signs: FloatArray) -> float:
    r"""Juodis and Reese's statistic: CD with signs :math:`w_i = \pm1`, summed over draws and
    divided by their root.

    Parameters
    ----------
    signs : (draws, N)
    """
    draws, terms = len(signs), np.sqrt(pairs.shared) * pairs.rho
    total = np.einsum("gm,gm,m->", signs[:, pairs.first], signs[:, pairs.second], terms)
    return float(total / np.sqrt(len(terms)) / np.sqrt(draws))


def signs_of_series(X: FloatArray, draws: int, seed: int) -> FloatArray:
    """(draws, N) random signs, each entity's from the seed and the digits of its own series: they
    do not hang on the order of entities, on other entities or on units.

    Parameters
    ----------
    X : (N, T)
        Missing where an entity is not observed.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        Z = X - np.nanmean(X, axis=1, keepdims=True)
        Z = Z / np.sqrt(np.nanmean(Z**2, axis=1, keepdims=True))
    # Six decimals: the last ones are those of the machine. The first sign is taken as positive.
    digits = np.round(np.nan_to_num(Z, nan=99.0), 6) + 0.0
    first = digits[np.arange(len(Z)), np.argmax((digits != 0) & (digits != 99.0), axis=1)]
    turn = np.where(first < 0, -1.0, 1.0)[:, None]
    digits = np.where(digits == 99.0, digits, digits * turn) + 0.0
    met: Counter[bytes] = Counter()  # equal series have signs of their own
    signs = np.empty((draws, len(Z)))
    for i, row in enumerate(digits):
        key = sha256(row.tobytes()).digest()[:8]
        rng = np.random.default_rng([seed, int.from_bytes(key, "big"), met[key]])
        signs[:, i] = rng.choice([-1.0, 1.0], size=draws)
        met[key] += 1
    return signs


def screened_correlations(pairs: PairwiseCorrelations) -> tuple[float, int]:
    r"""Sum and number of the :math:`|\rho_{ij}|` beyond :math:`2\sqrt{\ln N/T_{ij}}`."""
    size = np.abs(pairs.rho)
    N = len(np.unique([pairs.first, pairs.second]))
    high = size > 2 * np.sqrt(np.log(N) / pairs.shared)
    return float(size[high].sum()), int(high.sum())


def bias_corrected_cd(Z: FloatArray, factors: int) -> tuple[float, float]:
    r"""Pesaran and Xie's :math:`CD^* = (CD + \sqrt{T/2}\,\theta)/(1-\theta)` and :math:`\theta`.

    CD is that of the residuals from ``factors`` principal components of the standardised series,
    :math:`\theta = 1 - N^{-1}\sum_i a_i^2`, :math:`a_i = 1 - \sigma_i\varphi'\gamma_i`,
    :math:`\varphi = N^{-1}\sum_i\gamma_i/\sigma_i`, loadings normed so that
    :math:`\Gamma'\Gamma/N = I`.

    Parameters
    ----------
    Z : (N, T)
    """
    N, T = Z.shape
    Z = Z - Z.mean(axis=1, keepdims=True)
    Z = Z / Z.std(axis=1, ddof=1, keepdims=True)
    F, loadings, _ = principal_components(Z, factors)
    e = Z - loadings @ F.T
    gamma = loadings / np.sqrt(np.mean(loadings**2, axis=0))
    sigma = np.sqrt(np.mean(e**2, axis=1))
    phi = np.mean(gamma / sigma[:, None], axis=0)
    share = float(np.mean((1 - sigma * (gamma @ phi)) ** 2))
    u = e - e.mean(axis=1, keepdims=True)
    R = u @ u.T
    root = np.sqrt(np.diagonal(R))
    rho = (R / np.outer(root, root))[np.triu_indices(N, 1)]
    CD = float(np.sqrt(T) * rho.sum() / np.sqrt(len(rho)))
    return float((CD + np.sqrt(T / 2) * (1 - share)) / share), 1 - share
