"""The Dickey-Fuller distribution of series whose trend was taken out by their mean difference."""

from __future__ import annotations

import numpy as np
from scipy import special

from migdev.kernels.arrays.types import FloatArray

_J = np.arange(25.0)
_COEFFICIENTS = np.exp(special.gammaln(_J + 0.5) - special.gammaln(_J + 1)) / np.sqrt(np.pi)
_SQUARES = (4 * _J + 1) ** 2 / 16


def bridge_integral_cdf(x: FloatArray) -> FloatArray:
    r"""Distribution of :math:`\int_0^1V(r)^2dr`, V a Brownian bridge (that of Cramer and von
    Mises):

    .. math::
        F(x) = \frac1{\pi\sqrt x}\sum_{j\ge0}\frac{\Gamma(j+1/2)}{\Gamma(1/2)j!}\sqrt{4j+1}\,
            e^{-z_j}K_{1/4}(z_j), \qquad z_j = \frac{(4j+1)^2}{16x}

    References
    ----------
    Anderson and Darling (1952), Annals of Mathematical Statistics 23, 193-212.
    """
    x = np.minimum(np.asarray(x, dtype=float), 6.0)  # beyond it F is one to 13 digits
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        z = _SQUARES / x[..., None]
        # kve carries exp(z), so that a long way out the product does not underflow twice.
        terms = _COEFFICIENTS * np.sqrt(4 * _J + 1) * np.exp(-2 * z) * special.kve(0.25, z)
        out = terms.sum(axis=-1) / (np.pi * np.sqrt(x))
    return np.where(x > 0, np.clip(out, 0.0, 1.0), 0.0)


def bridge_pvalue(t: FloatArray) -> FloatArray:
    r"""P(:math:`-\tfrac12(\int V^2)^{-1/2} < t`): the limit of the Dickey-Fuller t-statistic of
    cumulated demeaned differences. It is negative with certainty."""
    t = np.asarray(t, dtype=float)
    with np.errstate(divide="ignore"):
        p = bridge_integral_cdf(1.0 / (4.0 * t**2))
    return np.where(t < 0, p, 1.0)
