"""Durbin-Hausman statistics of residuals whose common factors are taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray

#: Mean and variance of the inverse of the integral of a squared Brownian motion, and of the
#: integral: Westerlund (2008), remark 2.
GROUP_MEAN, GROUP_VARIANCE = 5.5464, 36.7673
PANEL_MEAN, PANEL_VARIANCE = 0.5005, 0.3348


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DurbinHausman:
    """Attributes
    ----------
    own : (N,)
        Each entity's statistic; their sum is the group statistic.
    panel : float
    first, second : (N,)
        Least squares and instrumental estimates of the autoregressive root.
    """

    own: FloatArray
    panel: float
    first: FloatArray
    second: FloatArray


def durbin_hausman(e: FloatArray, bandwidth: int) -> DurbinHausman:
    r"""With :math:`\hat\phi` from least squares of e on its lag and :math:`\tilde\phi` from
    instrumenting the lag by e itself, residuals' variances :math:`\hat\sigma_i^2` and long-run
    variances :math:`\hat\omega_i^2` (Bartlett),

    .. math::
        DH_g = \sum_i\frac{\hat\omega_i^2}{\hat\sigma_i^4}(\tilde\phi_i-\hat\phi_i)^2
            \sum_te_{i,t-1}^2, \qquad
        DH_p = \frac{\bar\omega^2}{(\bar\sigma^2)^2}(\tilde\phi-\hat\phi)^2
            \sum_{it}e_{i,t-1}^2

    Parameters
    ----------
    e : (N, T)
    """
    lag, now = e[:, :-1], e[:, 1:]
    square = np.einsum("nt,nt->n", lag, lag)
    cross = np.einsum("nt,nt->n", lag, now)
    last = np.einsum("nt,nt->n", now, now)
    first, second = cross / square, last / cross
    s, w = _variances(now - first[:, None] * lag, bandwidth)
    own = w / s**2 * (second - first) ** 2 * square
    a, b = cross.sum() / square.sum(), last.sum() / cross.sum()
    s, w = _variances(now - a * lag, bandwidth)
    panel = w.mean() / s.mean() ** 2 * (b - a) ** 2 * square.sum()
    return DurbinHausman(own=own, panel=float(panel), first=first, second=second)


def _variances(u: FloatArray, bandwidth: int) -> tuple[FloatArray, FloatArray]:
    T = u.shape[1]
    s = np.einsum("nt,nt->n", u, u) / T
    w = s.copy()
    for j in range(1, bandwidth + 1):
        gamma = np.einsum("nt,nt->n", u[:, j:], u[:, :-j]) / T
        w += 2 * (1 - j / (bandwidth + 1)) * gamma
    return s, w
