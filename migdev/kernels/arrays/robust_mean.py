"""Means that outlying entities cannot move: M-estimates of location."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import FloatArray

_TUNING = {"huber": 1.345, "biweight": 4.685}
_MAD = 0.6745


def robust_mean(
    slopes: FloatArray, kind: str, tol: float = 1e-12, max_iter: int = 500
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""M-estimate of the mean of each column, with a covariance from the influence functions.

    .. math::
        \sum_i \psi\{(\beta_i - m)/s\} = 0, \qquad s = \mathrm{med}_i|\beta_i - m| / 0.6745

    with Huber's :math:`\psi` (1.345) or Tukey's biweight (4.685), both 95% efficient at the normal;
    the biweight starts from Huber's estimate. The covariance is

    .. math::
        V_{jl} = \frac{\kappa_j\kappa_l s_j s_l \sum_i\psi_{ij}\psi_{il}}
                      {N(N-1)\,\bar\psi'_j\bar\psi'_l},
        \qquad \kappa_j = 1 + \mathrm{var}(\psi'_j)/(N\bar\psi_j'^2)

    (Huber 1981, eq. 6.5 and 6.6).

    Parameters
    ----------
    slopes : (N, k)
    kind : {"huber", "biweight"}

    Returns
    -------
    mean : (k,); cov : (k, k); weights : (N, k)
    """
    N = len(slopes)
    location = robust_location(slopes, kind, tol, max_iter)
    u, scale = _scaled(slopes, location)
    weights = _weights(u, kind)
    psi, slope = weights * u, _derivative(u, kind)
    mean_slope = slope.mean(axis=0)
    kappa = 1 + slope.var(axis=0, ddof=1) / (N * mean_slope**2)
    factor = kappa * scale / mean_slope
    cov = (psi.T @ psi) / (N * (N - 1)) * np.outer(factor, factor)
    return location, cov, weights


def robust_location(
    slopes: FloatArray, kind: str, tol: float = 1e-12, max_iter: int = 500
) -> FloatArray:
    """(..., k) M-estimates of the mean over the last axis but one of (..., N, k)."""
    location = np.median(slopes, axis=-2)
    for step in ("huber",) if kind == "huber" else ("huber", "biweight"):
        for _ in range(max_iter):
            u, scale = _scaled(slopes, location)
            weights = _weights(u, step)
            new = (weights * slopes).sum(axis=-2) / weights.sum(axis=-2)
            moved = np.abs(new - location) > tol * np.maximum(scale, np.abs(new))
            location = new
            if not moved.any():
                break
    return np.asarray(location)


def _scaled(slopes: FloatArray, location: FloatArray) -> tuple[FloatArray, FloatArray]:
    gap = slopes - location[..., None, :]
    scale = np.median(np.abs(gap), axis=-2) / _MAD
    # Half of the entities share one value, or come to it step by step: nothing is left to weigh.
    scale = np.where(scale > 1e-14 * np.abs(gap).max(axis=-2), scale, np.inf)
    u: FloatArray = np.where(np.isfinite(scale)[..., None, :], gap / scale[..., None, :], 0.0)
    return u, np.where(np.isfinite(scale), scale, 0.0)


def _weights(u: FloatArray, kind: str) -> FloatArray:
    c = _TUNING[kind]
    size = np.abs(u)
    if kind == "huber":
        return np.asarray(np.minimum(1.0, c / np.maximum(size, 1e-300)))
    return np.asarray(np.where(size < c, (1 - (u / c) ** 2) ** 2, 0.0))


def _derivative(u: FloatArray, kind: str) -> FloatArray:
    c = _TUNING[kind]
    if kind == "huber":
        return np.asarray((np.abs(u) <= c).astype(float))
    t = (u / c) ** 2
    return np.asarray(np.where(t < 1, (1 - t) * (1 - 5 * t), 0.0))
