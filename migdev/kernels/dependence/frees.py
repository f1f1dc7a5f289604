"""Frees' statistic of dependence between entities and its limiting distribution."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from migdev.kernels.arrays.types import FloatArray

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_PANELS = 40


def frees_statistic(ranks: FloatArray, N: int, T: int) -> float:
    r"""Frees' :math:`N\{\bar R^2 - (T-1)^{-1}\}`, of squared rank correlations.

    Parameters
    ----------
    ranks : (M,)
        Rank correlations of all pairs.
    """
    return float(N * (np.mean(ranks**2) - 1.0 / (T - 1)))


def _scales(T: int) -> tuple[float, float, float, float]:
    """Scales a, b and degrees of freedom of the two chi-squared variables in Q."""
    a = 4.0 * (T + 2) / (5.0 * (T - 1) ** 2 * (T + 1))
    b = 2.0 * (5 * T + 6) / (5.0 * T * (T - 1) * (T + 1))
    return a, b, T - 1.0, T * (T - 3) / 2.0


def frees_tail(q: float, T: int) -> float:
    r"""P(Q > q), Q being the limit of Frees' statistic as N grows:

    .. math::
        Q = a(\chi^2_{1,T-1}-(T-1)) + b(\chi^2_{2,T(T-3)/2}-\tfrac{T(T-3)}2), \quad
        a = \frac{4(T+2)}{5(T-1)^2(T+1)},\ b = \frac{2(5T+6)}{5T(T-1)(T+1)}

    By Gauss-Legendre quadrature over the second variable; T is at least 4.
    """
    a, b, d1, d2 = _scales(T)
    top = d2 + (q + a * d1) / b  # beyond it Q > q whatever the first variable is
    if top <= 0:
        return 1.0
    spread = 12.0 * np.sqrt(2 * d2) + 60.0
    low, high = max(0.0, d2 - spread), min(top, d2 + spread)
    if high <= low:
        return float(special.chdtrc(d2, top))
    edges = np.linspace(low, high, _PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    x = edges[:-1, None] + half * (1 + _NODES)
    density = np.exp(
        (d2 / 2 - 1) * np.log(x) - x / 2 - d2 / 2 * np.log(2.0) - special.gammaln(d2 / 2)
    )
    first = special.chdtrc(d1, np.maximum((q - b * (x - d2)) / a + d1, 0.0))
    inside = float(np.sum(half * _WEIGHTS * density * first))
    return min(1.0, inside + float(special.chdtrc(d2, high)))


def frees_variance(T: int) -> float:
    """Variance of Q, for the normal approximation."""
    a, b, d1, d2 = _scales(T)
    return 2 * a**2 * d1 + 2 * b**2 * d2


def frees_quantile(p: float, T: int) -> float:
    """The value that Q exceeds with probability ``p``."""
    sd = float(np.sqrt(frees_variance(T)))
    return float(optimize.brentq(lambda q: frees_tail(q, T) - p, -10 * sd, 40 * sd, xtol=1e-12))
