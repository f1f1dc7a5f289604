"""The exponent of dependence between entities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.factors.interactive import principal_components


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponent:
    """Bailey, Kapetanios and Pesaran's estimates.

    Attributes
    ----------
    raw, adjusted, alpha : float
        From the variance of the average alone; less its idiosyncratic part; less the mean of the
        loadings that differ from zero.
    std_error : float
        Of ``alpha``; missing where it counts fewer than two entities.
    selected : int
        Entities whose loadings differ from zero.
    """

    raw: float
    adjusted: float
    alpha: float
    std_error: float
    selected: int


def dependence_exponent(X: FloatArray, factors: int, size: float, scaled: bool = True) -> Exponent:
    r"""With :math:`\hat\sigma^2` the variance over time of the cross-section average,

    .. math::
        \hat\alpha = 1 + \frac{\ln\hat\sigma^2}{2\ln N}, \quad
        \tilde\alpha = \hat\alpha - \frac{\hat c_N}{2N\hat\sigma^2\ln N}, \quad
        \mathring\alpha = \tilde\alpha - \frac{\ln\hat\mu_v^2}{2\ln N}

    :math:`\hat c_N` is N times the variance of the average of what ``factors`` principal
    components leave; :math:`\hat\mu_v^2` the variance of the average of those entities whose slope
    on the standardised average is significant by Holm's rule at ``size``.

    Parameters
    ----------
    X : (N, T), centred by entity
    scaled : bool
        The variance of the loadings over their squared mean, or as it is (xtcse2).
    """
    N, T = X.shape
    log = np.log(N)
    mean = X.mean(axis=0)
    variance = float(mean @ mean) / (T - 1)
    raw = 1 + np.log(variance) / (2 * log)
    F, loadings, _ = principal_components(X, factors)
    left = (X - loadings @ F.T).mean(axis=0)
    left = left - left.mean()
    adjusted = raw - float(left @ left) / (T - 1) / (2 * log * variance)
    slopes = X @ mean / (mean @ mean)
    e = X - np.outer(slopes, mean)
    with np.errstate(divide="ignore"):  # an entity that is the average
        t = np.abs(slopes) / np.sqrt(np.einsum("nt,nt->n", e, e) / (T - 2) / (mean @ mean))
    order = np.argsort(-t, kind="stable")
    critical = special.ndtri(1 - size / np.arange(N, 0, -1) / 2)
    passed = t[order] >= critical
    count = int(N if passed.all() else np.argmin(passed))
    chosen = X[order[:count]].mean(axis=0) if count else mean
    mu = float(chosen @ chosen) / T if count else 1.0
    alpha = adjusted - np.log(mu) / (2 * log)
    return Exponent(
        raw=float(raw), adjusted=float(adjusted), alpha=float(alpha),
        std_error=_std_error(X, mean, float(alpha), mu if scaled else 1.0), selected=count,
    )  # fmt: skip


def _std_error(X: FloatArray, mean: FloatArray, alpha: float, mu: float) -> float:
    r"""From :math:`\{T^{-1}V + 4N^{-\alpha}\sigma_v^2/\mu_v^2\}/(2\ln N)^2`: V is the
    long-run variance of the squared average, by an autoregression of order ceil(T^(1/3))."""
    N, T = X.shape
    unit = mean / mean.std(ddof=1)
    square = unit**2 - np.mean(unit**2)
    p = int(np.ceil(np.cbrt(T) - 1e-9))
    lags = np.column_stack([square[p - j : T - j] for j in range(1, p + 1)])
    b = np.linalg.lstsq(lags, square[p:], rcond=None)[0]
    u = square[p:] - lags @ b
    long_run = float(u @ u) / (T - p) / (1 - b.sum()) ** 2
    loadings = X @ unit / (unit @ unit)
    count = int(np.clip(np.round(N**alpha), 1, N))
    if count < 2:
        return float("nan")
    largest = loadings[np.argsort(-np.abs(loadings), kind="stable")[:count]]
    spread = float(np.var(largest, ddof=1))
    total = long_run / T + 4 / N * N ** (1 - alpha) * spread / mu
    return float(np.sqrt(total) / (2 * np.log(N)))
