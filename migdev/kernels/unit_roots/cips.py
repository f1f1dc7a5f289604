"""Cross-sectionally augmented Dickey-Fuller regressions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.shift import shift
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks, period_means


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cadf:
    """One augmented regression per entity.

    Attributes
    ----------
    t : (N,)
        t-statistics of the lagged level; missing where the entity is too short.
    nobs : (N,)
        Periods of the regression; 0 where there are none.
    k : int
        Coefficients of each regression.
    collinear : (N,)
    """

    t: FloatArray
    nobs: IntArray
    k: int
    collinear: BoolArray


def cadf(y: FloatArray, entity: IntArray, time: IntArray, lags: int, trend: str) -> Cadf:
    r"""Delta y on y_{-1}, lagged differences, their cross-section averages and deterministics:

    .. math::
        \Delta y_{it} = b_iy_{i,t-1} + c_i\bar y_{t-1}
            + \textstyle\sum_{j=0}^p d_{ij}\Delta\bar y_{t-j}
            + \sum_{j=1}^p\delta_{ij}\Delta y_{i,t-j} + a_i[+ g_it] + e_{it}

    Averages are over the entities whose regression holds the period, as in plm. Gaps are allowed:
    a row is used where the entity has all its lags.

    Parameters
    ----------
    y, entity, time : (n,)
        Rows sorted by entity, then time.
    trend : {"n", "c", "ct"}
    """
    N = int(entity.max()) + 1
    if trend != "n":
        y = y - y.mean()  # the intercept takes a common constant; conditioning gains
    lagged = [shift(y, entity, time, j) for j in range(lags + 2)]
    diffs = [lagged[j] - lagged[j + 1] for j in range(lags + 1)]
    V = np.column_stack([diffs[0], lagged[1], *diffs[1:]])
    rows = np.flatnonzero(~np.isnan(V.sum(axis=1)))
    det = {"n": 0, "c": 1, "ct": 2}[trend]
    k = 1 + lags + (2 + lags) + det
    t, nobs = np.full(N, np.nan), np.bincount(entity[rows], minlength=N)
    collinear = np.zeros(N, dtype=bool)
    if not len(rows):
        return Cadf(t=t, nobs=nobs, k=k, collinear=collinear)
    V, who, when = V[rows], entity[rows], time[rows]
    means = period_means(V, np.unique(when, return_inverse=True)[1])
    codes = np.unique(who, return_inverse=True)[1]
    present = np.unique(who)
    for group, at in blocks(codes):
        n = at.shape[1]
        if n <= k:
            continue
        start = when[at[:, :1]]
        parts = [means[at], V[at][:, :, 2:]]
        if det:
            parts.append(np.ones((len(group), n, 1)))
        if det == 2:
            parts.append((when[at] - start).astype(float)[:, :, None])
        # Own level last: its t is the last pivot of QR.
        X = np.concatenate([*parts, V[at][:, :, 1:2], V[at][:, :, :1]], axis=2)
        lengths = np.sqrt(np.einsum("gtk,gtk->gk", X, X))
        X = X / np.where(lengths > 0, lengths, 1.0)[:, None, :]
        R = np.asarray(np.linalg.qr(X, mode="r"))
        pivots = np.abs(np.einsum("gkk->gk", R))
        bad = (pivots[:, :k] < 1e-7).any(axis=1) | (pivots[:, k] < 1e-12)
        # R holds [W, level, Delta y]: b = R_{kk}/R_{k-1,k-1}, se = sigma/R_{k-1,k-1}.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = R[:, k - 1, k] * np.sign(R[:, k - 1, k - 1]) / pivots[:, k]
            t[present[group]] = np.where(bad, np.nan, ratio * np.sqrt(n - k))
        collinear[present[group]] = bad
    return Cadf(t=t, nobs=nobs, k=k, collinear=collinear)
