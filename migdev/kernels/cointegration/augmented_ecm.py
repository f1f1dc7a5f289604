"""Error-correction regressions augmented by cross-section averages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.shift import shift
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks, period_means

#: Critical values of the average t-statistic, Gengenbach, Urbain and Westerlund (2016) as Stata's
#: xtcaec has them, at 10%, 5% and 1% (columns), for the numbers of entities below (rows), by
#: deterministics and number of regressors. xtcaec takes the last row for any N above 70; that the
#: spread falls with the root of N places it at 100, and simulation agrees.
ECM_ENTITIES = np.array([10, 15, 20, 25, 30, 40, 50, 70, 100])
_LEVELS = ("10%", "5%", "1%")


def _table(text: str) -> FloatArray:
    return -np.array([[float(v) for v in row.split()] for row in text.strip().splitlines()])


ECM_CRITICAL = {
    ("c", 1): _table("""
    2.658 2.772 2.971
    2.603 2.698 2.866
    2.568 2.653 2.796
    2.544 2.623 2.773
    2.530 2.601 2.735
    2.504 2.574 2.694
    2.492 2.554 2.672
    2.477 2.536 2.650
    2.458 2.517 2.611
    """),
    ("ct", 1): _table("""
    3.085 3.188 3.382
    3.026 3.112 3.276
    2.980 3.060 3.212
    2.965 3.041 3.189
    2.948 3.013 3.130
    2.921 2.982 3.095
    2.906 2.964 3.067
    2.892 2.946 3.045
    2.875 2.925 3.010
    """),
    ("c", 2): _table("""
    3.056 3.167 3.377
    2.993 3.083 3.265
    2.948 3.033 3.196
    2.925 3.000 3.139
    2.909 2.981 3.120
    2.885 2.949 3.071
    2.863 2.924 3.032
    2.848 2.903 3.016
    2.835 2.886 2.983
    """),
    ("ct", 2): _table("""
    3.410 3.514 3.707
    3.351 3.441 3.616
    3.306 3.389 3.531
    3.286 3.361 3.490
    3.269 3.337 3.460
    3.244 3.306 3.420
    3.227 3.282 3.395
    3.210 3.258 3.355
    3.193 3.237 3.319
    """),
    ("c", 3): _table("""
    3.393 3.513 3.728
    3.325 3.420 3.599
    3.283 3.370 3.525
    3.258 3.331 3.468
    3.238 3.305 3.438
    3.221 3.285 3.404
    3.200 3.259 3.374
    3.181 3.234 3.332
    3.162 3.213 3.301
    """),
    ("ct", 3): _table("""
    3.709 3.820 4.021
    3.644 3.737 3.904
    3.595 3.677 3.827
    3.577 3.657 3.784
    3.563 3.632 3.756
    3.535 3.594 3.706
    3.519 3.576 3.681
    3.500 3.548 3.645
    3.485 3.526 3.606
    """),
    ("c", 4): _table("""
    3.692 3.804 4.010
    3.624 3.714 3.887
    3.588 3.670 3.820
    3.560 3.643 3.784
    3.538 3.607 3.746
    3.515 3.579 3.702
    3.496 3.551 3.658
    3.475 3.523 3.620
    3.459 3.507 3.584
    """),
    ("ct", 4): _table("""
    3.983 4.098 4.299
    3.921 4.009 4.185
    3.878 3.955 4.108
    3.853 3.927 4.064
    3.831 3.898 4.025
    3.805 3.865 3.972
    3.785 3.845 3.953
    3.764 3.817 3.906
    3.749 3.793 3.881
    """),
}


def ecm_critical_values(N: int, trend: str, k: int) -> dict[str, float]:
    """Critical values for N entities, linear between the rows; at the edges the edge."""
    table = ECM_CRITICAL[trend, k]
    return {
        level: float(np.interp(N, ECM_ENTITIES, table[:, j])) for j, level in enumerate(_LEVELS)
    }


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
