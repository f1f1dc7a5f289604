"""The Levin-Lin-Chu statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.unit_roots.adf_batch import adf_arrays, deterministics, standardised


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LlcParts:
    """The adjusted statistic and what it is made of.

    Attributes
    ----------
    statistic, t_delta, delta : float
    ratio : (N,)
        Long-run over short-run standard deviation.
    bandwidth : int
    """

    statistic: float
    t_delta: float
    delta: float
    ratio: FloatArray
    bandwidth: int


def long_run_variance(dY: FloatArray, trend: str, bandwidth: int) -> FloatArray:
    """(N,) Bartlett long-run variances of differences under the null.

    Differences are centred with an intercept and detrended with a trend (as plm; the paper's
    eq. 6 has the intercept's case).

    Parameters
    ----------
    dY : (N, T - 1)
    """
    T = dY.shape[1]
    det = deterministics(T, trend)
    if det.shape[1]:
        Q = np.linalg.qr(det)[0]
        dY = dY - (dY @ Q) @ Q.T
    total = np.einsum("nt,nt->n", dY, dY) / T
    for lag in range(1, bandwidth + 1):
        gamma = np.einsum("nt,nt->n", dY[:, lag:], dY[:, : T - lag]) / T
        total = total + 2 * (1 - lag / (bandwidth + 1)) * gamma
    return np.asarray(total)


def llc_statistic(
    Y: FloatArray, lags: IntArray, trend: str, bandwidth: int | None, at_T: bool,
    centre: str | None = None,
) -> LlcParts:  # fmt: skip
    """Eq. (1) of :func:`migdev.diagnostics.llc`.

    Parameters
    ----------
    Y : (N, T); lags : (N,)
    at_T : bool
        Read the adjustment terms at T and not at T-tilde.
    centre : {"n", "c", "ct"}, optional
        What differences lose before their long-run variance; default as ``trend``.
    """
    N, T = Y.shape
    if bandwidth is None:
        bandwidth = int(np.round(3.21 * T ** (1 / 3)))
    bandwidth = min(bandwidth, T - 2)
    Y, _ = standardised(Y, trend)
    cross = square = own = 0.0
    short = np.empty(N)
    ratio_rss = []
    for lag in np.unique(lags):
        at = lags == lag
        dy, level, W = adf_arrays(Y[at], int(lag), trend)
        e = batched_ols(dy, W)[2]
        v = batched_ols(level, W)[2]
        rho = np.einsum("gt,gt->g", e, v) / np.einsum("gt,gt->g", v, v)
        resid = e - rho[:, None] * v
        sigma2 = np.mean(resid**2, axis=1)
        short[at] = np.sqrt(sigma2)
        cross += float(np.einsum("g,gt,gt->", 1 / sigma2, e, v))
        square += float(np.einsum("g,gt,gt->", 1 / sigma2, v, v))
        own += float(np.einsum("g,gt,gt->", 1 / sigma2, e, e))
        ratio_rss.append(resid.size)
    delta = cross / square
    rss = own - delta * cross
    n = sum(ratio_rss)
    Tt = T - float(lags.mean()) - 1
    se = float(np.sqrt(rss / n / square))
    t_delta = delta / se
    ratio = np.sqrt(long_run_variance(np.diff(Y, axis=1), centre or trend, bandwidth)) / short
    published = tables("unit_roots/llc.tsv", 1)[(trend,)]
    when = T if at_T else Tt
    mu, sigma = (float(published.down(column, when)) for column in ("mean", "sd"))
    shift = N * Tt * float(ratio.mean()) / (rss / (N * Tt)) * se * mu
    return LlcParts(
        statistic=(t_delta - shift) / sigma, t_delta=t_delta, delta=delta, ratio=ratio,
        bandwidth=bandwidth,
    )  # fmt: skip
