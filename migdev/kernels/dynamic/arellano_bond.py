"""Arellano-Bond tests of serial correlation in first-differenced residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.dynamic.instruments import Instruments, cross, sum_groups
from migdev.kernels.dynamic.stack import Levels, Stack, differences, transform


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Differenced:
    """Residuals and regressors of the first-differenced equation.

    Attributes
    ----------
    e : (T, N); X : (T, k, N)
        Zero where the difference does not exist.
    """

    e: FloatArray
    X: FloatArray


def differenced(levels: Levels, params: FloatArray, constant: bool = False) -> Differenced:
    """First differences of the residuals in levels, whatever transformation was estimated."""
    dX, used = differences(levels.X, levels.complete)
    dy, _ = differences(levels.y, levels.complete)
    if constant:
        dX = np.concatenate([dX, used[:, None, :].astype(float)], axis=1)
    return Differenced(e=dy - np.matmul(params, dX), X=dX)


def differenced_of(stack: Stack, u: FloatArray, T: int) -> Differenced:
    """The same, taken from a stack that is in first differences, with residuals u (R, N)."""
    moved = np.flatnonzero(~stack.level)
    e = np.zeros((T, u.shape[1]))
    X = np.zeros((T, *stack.X.shape[1:]))
    e[stack.period[moved]] = u[moved]
    X[stack.period[moved]] = stack.X[moved]
    return Differenced(e=e, X=X)


def m_statistics(
    orders: int,
    now: Differenced,
    z: Instruments,
    u: FloatArray,
    influence: FloatArray,
    cov: FloatArray,
    groups: IntArray | None = None,
) -> list[tuple[float, int]]:
    r"""m_1, m_2, ... of Arellano and Bond (1991, eq. 8), and the numbers of pairs behind them.

    .. math::
        m_j = \frac{\sum_i e_{i,-j}'e_i}{\sqrt{
        \sum_i (e_{i,-j}'e_i)^2
        - 2\,e_{-j}'X\,A\,\sum_i Z_i'u_i\,e_i'e_{i,-j}
        + e_{-j}'X\,\hat V\,X'e_{-j}}}, \qquad A = (X'ZWZ'X)^{-1}X'ZW

    Parameters
    ----------
    orders : int
        The highest order.
    now : Differenced
        Residuals e of the estimate that is tested, whatever made its weight.
    u : (R, N)
        Its stacked residuals.
    influence : (k, J)
        A.
    cov : (k, k)
        The covariance that is reported, with the Windmeijer correction where it is asked for.
    groups : (N,), optional
        Clusters of entities.
    """
    T, N = now.e.shape
    there = now.e != 0
    found = min(orders, T - 1)
    if found < 1:
        return [(float("nan"), 0)] * orders
    own, slopes = np.zeros((found, N)), np.zeros((found, len(cov)))
    pairs = [0] * orders
    for j in range(1, found + 1):
        lagged, e = now.e[:-j], now.e[j:]
        pairs[j - 1] = int(np.count_nonzero(there[:-j] & there[j:]))
        np.einsum("tn,tn->n", lagged, e, out=own[j - 1])
        np.einsum("tn,tkn->k", lagged, now.X[j:], out=slopes[j - 1])
    by_cluster, sums = sum_groups(own, groups), own.sum(axis=1)
    if z.padded is not None:
        weighted = cross(z, u[:, None] * by_cluster)
    else:  # one at a time: all at once would hold a copy of the residuals for each
        weighted = np.stack([cross(z, u * w) for w in by_cluster], axis=1)
    variance = (
        np.einsum("jn,jn->j", own, by_cluster)
        - 2.0 * np.einsum("jk,kj->j", slopes, influence @ weighted)
        + np.einsum("jk,kl,jl->j", slopes, cov, slopes)
    )
    values = np.full(orders, np.nan)
    fine = np.flatnonzero((variance > 0) & (np.array(pairs[:found]) > 0))
    values[fine] = sums[fine] / np.sqrt(variance[fine])
    return [(float(m), n) for m, n in zip(values, pairs, strict=True)]


def classical_m_statistic(
    order: int,
    now: Differenced,
    levels: Levels,
    z: Instruments,
    stack: Stack,
    influence: FloatArray,
    cov: FloatArray,
    sigma2: float,
) -> tuple[float, int]:
    r"""m_j when the errors are taken as homoskedastic and serially uncorrelated.

    .. math::
        \sigma^2\|f\|^2 - 2\sigma^2\,e_{-j}'X\,A\,Z'(M_*f) + e_{-j}'X\hat VX'e_{-j},
        \qquad f = M_\Delta'e_{-j}

    replaces the variance: :math:`M_\Delta` takes first differences, and :math:`M_*` is the
    transformation of the estimate stacked on the identity where it uses levels too.
    """
    lagged = np.zeros_like(now.e)
    lagged[order:] = now.e[: now.e.shape[0] - order]
    lagged[now.e == 0] = 0.0
    pairs = int(np.count_nonzero(lagged))
    if pairs == 0:
        return float("nan"), 0
    statistic = float(np.einsum("tn,tn->", lagged, now.e))
    f = lagged.copy()
    f[:-1] -= lagged[1:]
    moved, _ = transform(f, levels.complete, stack.transform)
    weighted = np.where(stack.level[:, None], f[stack.period], moved[stack.period]) * stack.used
    slope = np.einsum("tn,tkn->k", lagged, now.X)
    covered = sigma2 * (influence @ cross(z, weighted))
    spread = sigma2 * float(np.einsum("tn,tn->", f, f))
    variance = float(spread - 2.0 * slope @ covered + slope @ cov @ slope)
    if variance <= 0:
        return float("nan"), pairs
    return statistic / np.sqrt(variance), pairs
