"""Pooled Granger causality with heterogeneous autoregressions, jackknifed over half-panels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.shift import shift
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import entity_gram, partial_out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledCausality:
    """Half-panel jackknife estimate of the pooled effects of lagged x.

    Attributes
    ----------
    params : (m,)
        Jackknife estimate, lag by lag within each variable.
    plain : (m,)
        The pooled estimate before the jackknife.
    cov : (m, m)
    wald : float
    periods : (N,)
        Rows of each entity's regression.
    """

    params: FloatArray
    plain: FloatArray
    cov: FloatArray
    wald: float
    periods: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LaggedRows:
    """Rows where an entity has all lags: y, lags of y with the intercept, lags of x."""

    y: FloatArray
    Z: FloatArray
    X: FloatArray
    entity: IntArray


def lagged_rows(
    y: FloatArray, x: FloatArray, entity: IntArray, time: IntArray, lags: int
) -> LaggedRows:
    """Arrays of the regression of y on its own lags and those of x (n, k)."""
    own = [shift(y, entity, time, j) for j in range(1, lags + 1)]
    other = [
        shift(np.ascontiguousarray(x[:, c]), entity, time, j)
        for c in range(x.shape[1]) for j in range(1, lags + 1)
    ]  # fmt: skip
    V = np.column_stack([np.ones(len(y)), *own, *other])
    rows = np.flatnonzero(~np.isnan(V.sum(axis=1)))
    return LaggedRows(y=y[rows], Z=V[rows, : 1 + lags], X=V[rows, 1 + lags :], entity=entity[rows])


def jackknife_causality(rows: LaggedRows, heteroskedastic: bool) -> PooledCausality:
    r"""Eqs. (2)-(4) of :func:`migdev.diagnostics.juodis_karavias_sarafidis`.

    Entities with an odd number of rows are split both ways and the halves averaged (Dhaene and
    Jochmans 2015, Review of Economic Studies 82, 991-1030).
    """
    counts = np.bincount(rows.entity)
    m = rows.X.shape[1]
    start = np.cumsum(counts) - counts
    position = np.arange(len(rows.y)) - start[rows.entity]
    full, Xt, yt = _pooled(rows, np.ones(len(rows.y), dtype=bool))
    halves = []
    for cut in (counts // 2, (counts + 1) // 2):
        first = position < cut[rows.entity]
        halves.append((_pooled(rows, first)[0] + _pooled(rows, ~first)[0]) / 2)
    params = 2 * full - (halves[0] + halves[1]) / 2
    e = yt - Xt @ params
    J = Xt.T @ Xt
    df = float(np.sum(counts - rows.Z.shape[1]) - m)
    if heteroskedastic:
        meat = (Xt * (e**2)[:, None]).T @ Xt * (len(e) / df)
    else:
        meat = J * float(e @ e) / df
    inverse = np.linalg.inv(J)
    cov = inverse @ meat @ inverse
    return PooledCausality(
        params=params, plain=full, cov=cov, wald=float(params @ np.linalg.solve(cov, params)),
        periods=counts,
    )  # fmt: skip


def _pooled(rows: LaggedRows, at: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    who = np.unique(rows.entity[at], return_inverse=True)[1]
    V = np.column_stack([rows.y[at], rows.X[at]])
    V = partial_out(V, rows.Z[at], who)[0]
    X, y = V[:, 1:], V[:, 0]
    S = entity_gram(X, X, who).sum(axis=0)
    return np.asarray(np.linalg.solve(S, X.T @ y)), X, y
