"""Serial correlation: kernel weights, sums by period, lags within entities, contemporaneous
covariances."""

from __future__ import annotations

from typing import Literal

import numpy as np

from migdev.errors import CovarianceError
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray

#: Units whose contemporaneous covariance is formed.
MOST_UNITS = 5000
Kernel = Literal["bartlett", "parzen", "quadratic-spectral", "truncated"]


def kernel_weights(kernel: str, bandwidth: float, lags: int) -> FloatArray:
    r"""(lags + 1,) weights of lags 0, 1, ..., ``lags``; the first is 1.

    With :math:`m` the bandwidth, the largest lag for all kernels but the quadratic-spectral:

    .. math::
        \mathrm{Bartlett:}\ & 1 - z,\ z = l/(m+1) \\
        \mathrm{Parzen:}\ & 1 - 6z^2 + 6z^3\ (z \le 1/2),\ 2(1-z)^3\ (z > 1/2) \\
        \mathrm{quadratic\ spectral:}\ & \frac{3}{x^2}\Bigl(\frac{\sin x}{x} - \cos x\Bigr),\
            x = \frac{6\pi}{5}\frac{l}{m}

    References
    ----------
    Newey and West (1987), Econometrica 55, 703-708. Andrews (1991), Econometrica 59, 817-858.
    """
    lag = np.arange(lags + 1, dtype=float)
    if kernel == "quadratic-spectral":
        out = np.ones(lags + 1)
        if bandwidth > 0:
            x = 1.2 * np.pi * lag[1:] / bandwidth
            out[1:] = 3.0 / x**2 * (np.sin(x) / x - np.cos(x))
        else:
            out[1:] = 0.0
        return out
    z = lag / (bandwidth + 1)
    inside = lag <= bandwidth
    if kernel == "bartlett":
        return np.where(inside, 1.0 - z, 0.0)
    if kernel == "parzen":
        low, high = 1 - 6 * z**2 + 6 * z**3, 2 * (1 - np.minimum(z, 1.0)) ** 3
        return np.where(inside, np.where(z <= 0.5, low, high), 0.0)
    return np.where(inside, 1.0, 0.0)


def bandwidth_rule(rule: str, periods: int, longest: int) -> int:
    """Largest lag: ``"xtscc"`` floor(4 (T/100)^(2/9)) with T periods; ``"plm"`` floor(T^(1/4))
    with the longest entity; ``"fixest"`` floor(T^(1/4)) with all periods."""
    if rule == "xtscc":
        return int(np.floor(4.0 * (periods / 100.0) ** (2.0 / 9.0) + 1e-12))
    base = longest if rule == "plm" else periods
    return int(np.floor(base**0.25 + 1e-12))


def periods_of(time: IntArray) -> tuple[IntArray, IntArray]:
    """(T,) periods that occur, increasing, and (n,) codes of them."""
    low = int(time.min(initial=0))
    width = int(time.max(initial=low)) - low + 1
    if width > 16 * len(time) + 1024:
        values, codes = np.unique(time, return_inverse=True)
        return values, codes.astype(np.int64, copy=False)
    seen = np.bincount(time - low, minlength=1) > 0
    number = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + low, number[time - low]


def autocovariance_meat(sums: FloatArray, time: IntArray, weights: FloatArray) -> FloatArray:
    r"""(k, k) of :math:`\Gamma_0 + \sum_l w_l(\Gamma_l + \Gamma_l')`.

    Parameters
    ----------
    sums : (T, k)
        Scores summed by period.
    time : (T,)
        Increasing values of the periods; lags go by value, so a missing period breaks a pair.
    weights : (L + 1,)
    """
    meat = weights[0] * (sums.T @ sums)
    for lag in range(1, min(len(weights), int(time[-1] - time[0]) + 1 if len(time) else 0)):
        if weights[lag] == 0.0:
            continue
        at = np.searchsorted(time, time + lag)
        later = np.flatnonzero(np.take(time, at, mode="clip") == time + lag)
        gamma = weights[lag] * (sums[at[later]].T @ sums[later])
        meat += gamma + gamma.T
    return np.asarray(meat)


def one_row_per_cell(entity: IntArray, time: IntArray) -> bool:
    """Rows are sorted by entity, then time, and no pair occurs twice."""
    step = np.diff(entity)
    return bool(np.all((step > 0) | ((step == 0) & (np.diff(time) > 0))))


def summed_by_cell(
    scores: FloatArray, entity: IntArray, time: IntArray
) -> tuple[FloatArray, IntArray, IntArray]:
    """Scores summed by entity and period and sorted so; as they are where they are so already."""
    if one_row_per_cell(entity, time):
        return scores, entity, time
    pairs, cell = np.unique(np.column_stack([entity, time]), axis=0, return_inverse=True)
    groups = Groups.from_codes(cell.ravel())
    sums = np.column_stack([groups.sums(scores[:, j]) for j in range(scores.shape[1])])
    return sums, pairs[:, 0], pairs[:, 1]


def within_meat(
    scores: FloatArray, entity: IntArray, time: IntArray, weights: FloatArray
) -> FloatArray:
    r"""(k, k) of the same, with products of rows of one entity only; no row is matched twice.

    Parameters
    ----------
    scores : (n, k); entity, time : (n,)
        Sorted by entity, then time, one row for each pair; see :func:`summed_by_cell`.
    weights : (L + 1,)
    """
    n = len(scores)
    meat = weights[0] * (scores.T @ scores)
    if n < 2 or len(weights) < 2:
        return np.asarray(meat)
    span = int(time.max() - time.min()) + 1
    key = entity * (span + len(weights)) + (time - time.min())
    regular = bool(np.all((np.diff(key) == 1) | (np.diff(entity) != 0)))
    for lag in range(1, min(len(weights), span)):
        if weights[lag] == 0.0:
            continue
        if regular:  # without gaps the pair stands `lag` rows further
            same = (entity[lag:] == entity[:-lag]).astype(float)
            gamma = scores[lag:].T @ (scores[:-lag] * same[:, None])
        else:
            at = np.searchsorted(key, key + lag)
            earlier = np.flatnonzero(np.take(key, at, mode="clip") == key + lag)
            gamma = scores[at[earlier]].T @ scores[earlier]
        meat += weights[lag] * (gamma + gamma.T)
    return np.asarray(meat)


def positions(entity: IntArray) -> IntArray:
    """(n,) position 0, 1, ... of each row within its entity; rows sorted by entity."""
    starts = np.flatnonzero(np.concatenate([[True], entity[1:] != entity[:-1]]))
    counts = np.diff(np.append(starts, len(entity)))
    return np.asarray(np.arange(len(entity)) - np.repeat(starts, counts))


def panel_corrected_meat(
    X: FloatArray,
    resid: FloatArray,
    unit: Groups,
    block: Groups,
    *,
    pairwise: bool = True,
    diagonal: bool = False,
) -> FloatArray | None:
    r"""(k, k) of :math:`\sum_b X_b'\hat\Sigma X_b`, with one :math:`\hat\Sigma` for all blocks.

    .. math:: \hat\sigma_{ij} = T_{ij}^{-1} \textstyle\sum_b \hat u_{ib}\hat u_{jb}

    over the :math:`T_{ij}` blocks that hold both units (pairwise) or all units (casewise).

    Parameters
    ----------
    X : (n, k); resid : (n,)
    unit : Groups
        Rows and columns of :math:`\Sigma`: entities for panel-corrected standard errors.
    block : Groups
        Periods for panel-corrected standard errors.

    Returns
    -------
    (k, k), or None where no block holds all units (casewise).
    """
    N, T, k = unit.size, block.size, X.shape[1]
    if N > MOST_UNITS:
        raise CovarianceError(
            f"Panel-corrected standard errors would estimate a covariance matrix of {N:,} units "
            f"from {T:,} observations each; the limit is {MOST_UNITS:,}. Use DriscollKraay() or "
            "Clustered()."
        )
    u, seen = np.zeros((T, N)), np.zeros((T, N))
    u[block.codes, unit.codes] = resid
    seen[block.codes, unit.codes] = 1.0
    if diagonal:
        if not pairwise:
            full = seen.all(axis=1)
            if not full.any():
                return None
            u, seen = u[full], seen[full]
        sigma2 = (u * u).sum(axis=0) / seen.sum(axis=0)
        out: FloatArray = X.T @ (X * sigma2[unit.codes, None])
        return out
    if not pairwise:
        full = seen.all(axis=1)
        if not full.any():
            return None
        sigma = u[full].T @ u[full] / np.count_nonzero(full)
    else:
        both = seen.T @ seen
        sigma = u.T @ u / np.where(both > 0, both, 1.0)
    meat = np.zeros((k, k))
    step = max(1, 20_000_000 // max(1, N * k))
    by_block = np.argsort(block.codes, kind="stable")
    ends = np.concatenate([[0], np.cumsum(block.counts)])
    for start in range(0, T, step):
        stop = min(T, start + step)
        rows = by_block[ends[start] : ends[stop]]
        dense = np.zeros((stop - start, N, k))
        dense[block.codes[rows] - start, unit.codes[rows]] = X[rows]
        meat += np.einsum("tik,til->kl", dense, sigma @ dense)
    return (meat + meat.T) / 2
