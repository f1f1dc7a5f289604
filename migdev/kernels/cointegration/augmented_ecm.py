"""Error-correction regressions augmented by cross-section averages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.shift import shift
from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks, period_means


def ecm_critical_values(N: int, trend: str, k: int) -> dict[str, float]:
    """Critical values for N entities and k regressors, linear between the rows; at the edges the
    edge."""
    table = tables("cointegration/gengenbach.tsv", 2)[trend, str(k)]
    return {level: float(table.down(level, N)) for level in table.columns}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AugmentedEcm:
    """One regression per entity.

    Attributes
    ----------
    speed, t : (N,)
        Coefficient of the lagged level and its t-statistic; missing where the entity is too short.
    nobs : (N,)
    k : int
        Coefficients of each regression.
    collinear : (N,)
    """

    speed: FloatArray
    t: FloatArray
    nobs: IntArray
    k: int
    collinear: BoolArray


def augmented_ecm(
    Z: FloatArray, entity: IntArray, time: IntArray, lags: int, trend: str
) -> AugmentedEcm:
    r"""With z = (y, x), entity by entity,

    .. math::
        \Delta y_{it} = \alpha_iy_{i,t-1} + \gamma_i'x_{i,t-1} + \pi_{i0}'\Delta x_{it}
            + \textstyle\sum_{j=1}^p\pi_{ij}'\Delta z_{i,t-j} + \omega_i'\bar z_{t-1}
            + \sum_{j=0}^p\psi_{ij}'\Delta\bar z_{t-j} + \delta_i'd_t + e_{it}

    Averages are over the entities whose regression holds the period. Gaps are allowed: a row is
    used where the entity has all its lags.

    Parameters
    ----------
    Z : (n, 1 + m); entity, time : (n,)
        Rows sorted by entity, then time.
    trend : {"c", "ct"}
    """
    N = int(entity.max()) + 1
    Z = Z - Z.mean(axis=0)  # the intercept takes constants; conditioning gains
    lagged = [np.column_stack([shift(z, entity, time, j) for z in Z.T]) for j in range(lags + 2)]
    diffs = [lagged[j] - lagged[j + 1] for j in range(lags + 1)]
    # Delta y, y_{-1}, then the rest of the entity's own regressors
    V = np.column_stack(
        [diffs[0][:, :1], lagged[1][:, :1], lagged[1][:, 1:], diffs[0][:, 1:], *diffs[1:]]
    )
    rows = np.flatnonzero(~np.isnan(V.sum(axis=1)))
    det = 1 if trend == "c" else 2
    k = V.shape[1] - 1 + V.shape[1] + det
    t, speed = np.full(N, np.nan), np.full(N, np.nan)
    nobs = np.bincount(entity[rows], minlength=N)
    collinear = np.zeros(N, dtype=bool)
    if not len(rows):
        return AugmentedEcm(speed=speed, t=t, nobs=nobs, k=k, collinear=collinear)
    V, when = V[rows], time[rows]
    means = period_means(V, np.unique(when, return_inverse=True)[1])
    present, codes = np.unique(entity[rows], return_inverse=True)
    for group, at in blocks(codes):
        n = at.shape[1]
        if n <= k:
            continue
        parts = [np.ones((len(group), n, 1)), means[at], V[at][:, :, 2:]]
        if det == 2:
            parts.append((when[at] - when[at[:, :1]]).astype(float)[:, :, None])
        # Own level last: its t is the last pivot of QR.
        X = np.concatenate([*parts, V[at][:, :, 1:2], V[at][:, :, :1]], axis=2)
        length = np.sqrt(np.einsum("gtk,gtk->gk", X, X))
        length = np.where(length > 0, length, 1.0)
        R = np.asarray(np.linalg.qr(X / length[:, None, :], mode="r"))
        pivots = np.abs(np.einsum("gkk->gk", R))
        bad = (pivots[:, :k] < 1e-7).any(axis=1) | (pivots[:, k] < 1e-12)
        with np.errstate(divide="ignore", invalid="ignore"):
            b = R[:, k - 1, k] / R[:, k - 1, k - 1]
            ratio = R[:, k - 1, k] * np.sign(R[:, k - 1, k - 1]) / pivots[:, k]
            scaled = b * length[:, k] / length[:, k - 1]
        who = present[group]
        t[who] = np.where(bad, np.nan, ratio * np.sqrt(n - k))
        speed[who] = np.where(bad, np.nan, scaled)
        collinear[who] = bad
    return AugmentedEcm(speed=speed, t=t, nobs=nobs, k=k, collinear=collinear)
