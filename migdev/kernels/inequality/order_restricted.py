"""Normal likelihood under bounds on each parameter: its maximum, and how many parameters it
leaves free on average."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.special import ndtr

from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.inequality.box_probability import box_probability


def nearest_in_box(
    theta: FloatArray, cov: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    r"""The restricted maximum likelihood estimate.

    .. math::
        \tilde\theta = \arg\min_{l\le x\le u} (\hat\theta - x)'V^{-1}(\hat\theta - x) \quad (1)

    Parameters
    ----------
    theta : (m,)
    cov : (m, m)
        Positive definite.
    low, high : (m,)
        Bounds, infinite where there are none, equal where the parameter is given.
    """
    from scipy.optimize import lsq_linear

    out = np.clip(theta, low, high)
    if np.array_equal(out, theta):
        return out
    root = np.linalg.inv(np.linalg.cholesky(cov))
    given = low == high
    out[given] = low[given]
    if not given.all():
        target = root @ theta - root[:, given] @ low[given]
        found = lsq_linear(
            root[:, ~given], target, bounds=(low[~given], high[~given]), method="bvls", tol=1e-14
        )
        out[~given] = np.clip(found.x, low[~given], high[~given])  # off by rounding
    return out


def log_likelihood(theta: FloatArray, cov: FloatArray, at: FloatArray) -> float:
    """Log density of the estimates where the parameters are ``at``."""
    _, logdet = np.linalg.slogdet(2 * np.pi * cov)
    gap = theta - at
    return float(-0.5 * (logdet + gap @ np.linalg.solve(cov, gap)))


def level_probabilities(cov: FloatArray) -> FloatArray:
    r"""(m + 1,) chance that 0, ..., m coordinates of the projection on the orthant are positive.

    For a normal vector of mean zero projected in the metric of :math:`V^{-1}` on the orthant of
    non-negative vectors, the chance that just the coordinates A are positive is

    .. math:: P\{N(0, V_{A\cdot\bar A}) > 0\}\; P\{N(0, V_{\bar A\bar A}^{-1}) > 0\} \quad (1)

    with :math:`V_{A\cdot\bar A}` the covariance of A given the others. They are the weights of the
    chi-bar-square distribution.

    References
    ----------
    Shapiro (1988), International Statistical Review 56, 49-62. Silvapulle and Sen (2005),
    Constrained Statistical Inference, Wiley, ch. 3.
    """
    m = len(cov)
    out = np.zeros(m + 1)
    for k in range(m + 1):
        for inside in combinations(range(m), k):
            a = np.isin(np.arange(m), inside)
            chance = _positive(conditional(cov, a, ~a))
            out[k] += chance * _positive(
                np.asarray(np.linalg.inv(cov[np.ix_(~a, ~a)]), dtype=float)
            )
    return out


def free_parameters(cov: FloatArray, sided: BoolArray, given: BoolArray) -> float:
    """Parameters that bounds leave free on average: one for each that has none, none for each that
    is given, for the one-sided ones the mean of :func:`level_probabilities`.

    Parameters
    ----------
    cov : (m, m)
    sided, given : (m,)
        Which are bounded on one side, and which are fixed (or held within two bounds).
    """
    unbounded = int(np.sum(~sided & ~given))
    if not sided.any():
        return float(unbounded)
    weights = level_probabilities(conditional(cov, sided, given))
    return float(unbounded + weights @ np.arange(len(weights)))


def conditional(cov: FloatArray, of: BoolArray, on: BoolArray) -> FloatArray:
    """Covariance of some coordinates given others."""
    out: FloatArray = cov[np.ix_(of, of)]
    if on.any():
        cross = cov[np.ix_(on, of)]
        out = out - cross.T @ np.linalg.solve(cov[np.ix_(on, on)], cross)
    return out


def _positive(cov: FloatArray) -> float:
    """P(X > 0) for a normal vector of mean zero, in closed form up to three coordinates."""
    m = len(cov)
    if m <= 1:
        return float(ndtr(0.0)) if m else 1.0
    if m <= 3:
        spread = np.sqrt(np.diag(cov))
        angles = np.arcsin(np.clip(cov / np.outer(spread, spread), -1, 1))[np.triu_indices(m, 1)]
        return float(0.5**m + angles.sum() / (2 * np.pi * (1 if m == 2 else 2)))
    zero = np.zeros(m)
    return float(box_probability(zero, np.full(m, np.inf), zero, cov))
