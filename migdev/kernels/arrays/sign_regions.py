"""Where a function of one variable differs from zero: boundaries and critical values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.polynomial import polynomial as poly

from migdev.kernels.arrays.distributions import t_quantile, t_two_sided
from migdev.kernels.arrays.types import FloatArray


def quadratic_roots(c0: float, c1: float, c2: float) -> FloatArray:
    r"""Real roots of :math:`c_0 + c_1 z + c_2 z^2`, ascending; none where it never vanishes.

    The larger root in magnitude comes first and the other from their product, so that no
    digits cancel.
    """
    scale = max(abs(c0), abs(c1), abs(c2))
    if scale == 0:
        return np.empty(0)
    if c2 == 0:
        return np.array([-c0 / c1]) if c1 != 0 else np.empty(0)
    discriminant = c1 * c1 - 4 * c2 * c0
    if discriminant < 0:
        return np.empty(0)
    q = -0.5 * (c1 + np.copysign(np.sqrt(discriminant), c1))
    if q == 0:
        return np.zeros(1)
    return np.sort(np.array([q / c2, c0 / q]))


def polynomial_roots(coefficients: FloatArray, scale: float = 1.0) -> FloatArray:
    """Real roots of a polynomial (ascending coefficients), polished by Newton steps.

    ``scale`` is a typical size of the variable; roots are sought in units of it.
    """
    c = np.asarray(coefficients, dtype=float)
    c = c[: int(np.flatnonzero(c).max(initial=-1)) + 1]
    if len(c) <= 1:
        return np.empty(0)
    if len(c) == 2:
        return np.array([-c[0] / c[1]])
    if len(c) == 3:
        return quadratic_roots(*c)
    scaled = c * scale ** np.arange(len(c))
    raw = np.asarray(poly.polyroots(scaled / np.abs(scaled).max()))
    roots = raw.real[np.abs(raw.imag) <= 1e-7 * np.maximum(1.0, np.abs(raw))]
    slope = poly.polyder(scaled)
    for _ in range(3):
        step = poly.polyval(roots, scaled)
        down = poly.polyval(roots, slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.where(down != 0, step / down, 0.0)
        roots = np.where(np.abs(move) < 1e-3 * (1 + np.abs(roots)), roots - move, roots)
    return np.unique(roots) * scale


def boundary_polynomial(
    G: FloatArray, params: FloatArray, cov: FloatArray, critical: float
) -> FloatArray:
    r"""Coefficients of :math:`\{g(z)'b\}^2 - c^2\, g(z)'Vg(z)`, ascending.

    Positive where the effect :math:`g(z)'b` is significant. With :math:`g` affine this is the
    quadratic of Johnson and Neyman, and of Fieller.

    Parameters
    ----------
    G : (k, d + 1)
        :math:`g(z) = \sum_j G_{\cdot j} z^j`.
    params : (k,); cov : (k, k)
    critical : float
    """
    effect = G.T @ params
    middle = G.T @ cov @ G
    d = G.shape[1]
    variance = np.array(
        [np.trace(middle[:, ::-1], offset=d - 1 - j) for j in range(2 * d - 1)]
    )  # sums of antidiagonals
    return np.asarray(poly.polysub(poly.polymul(effect, effect), critical**2 * variance))


def sign_changes(
    function: Callable[[FloatArray], FloatArray], low: float, high: float, points: int = 2001
) -> FloatArray:
    """Zeros of a continuous function on [low, high] where it changes sign on a grid."""
    from scipy.optimize import brentq

    grid = np.linspace(low, high, points)
    values = np.asarray(function(grid), dtype=float)
    zeros = list(grid[values == 0])
    flips = np.flatnonzero(values[:-1] * values[1:] < 0)
    zeros += [
        brentq(
            lambda z: float(function(np.array([z]))[0]), grid[i], grid[i + 1],
            xtol=1e-14 * (1 + abs(grid[i])), rtol=8.9e-16,
        )
        for i in flips
    ]  # fmt: skip
    return np.sort(np.array(zeros, dtype=float))


def fdr_critical(statistics: FloatArray, level: float, df: float | None) -> float:
    """Critical value that holds the false discovery rate of m tests at ``1 - level``.

    Benjamini and Hochberg's step-up rule: with p-values in order, the largest i with
    ``p(i) <= (1 - level) i / m`` gives the two-sided critical value at ``(1 - level) i / m``;
    where no test passes, i = 1 (Bonferroni), as Esarey and Sumner (2018).

    Parameters
    ----------
    statistics : (m,)
    """
    p = np.sort(t_two_sided(statistics, df))
    bounds = (1 - level) * np.arange(1, len(p) + 1) / len(p)
    passed = np.flatnonzero(p <= bounds)
    bound = bounds[passed[-1] if len(passed) else 0]
    return float(t_quantile(1 - bound / 2, df))


def band_critical(angle: float, level: float, df: float | None) -> float:
    r"""Critical value of a simultaneous band for an effect :math:`b_1 + b_2 z` over a range.

    :math:`V^{-1/2}` maps the ends of the range to directions ``angle`` apart. With the standard
    bivariate t vector in polar form :math:`(R, \theta)`, :math:`R^2/2 \sim F(2, df)`,

    .. math::
        P(\sup_z |t(z)| \le c) = \frac{\phi}{\pi} F_R(c)
            + \frac{2}{\pi} \int_0^{(\pi - \phi)/2} F_R(c / \cos u)\, du .

    ``angle = 0`` gives the t quantile, ``angle = pi`` (all real z) Scheffe's value.

    References
    ----------
    Wynn and Bloomfield (1971), JRSS B 33, 202-217.
    """
    from scipy.optimize import brentq

    nodes, weights = _gauss()
    half = (np.pi - angle) / 2
    u, w = half * (nodes + 1) / 2, weights * half / 2

    def tail(r: FloatArray) -> FloatArray:
        """P(R > r)."""
        if df is None or np.isinf(df):
            return np.exp(-(r**2) / 2)
        return np.asarray((1 + r**2 / df) ** (-df / 2))

    def excess(c: float) -> float:
        inside = float(w @ tail(c / np.cos(u))) * 2 / np.pi
        return angle / np.pi * float(tail(np.asarray(c))) + inside - (1 - level)

    low = float(t_quantile(0.5 + level / 2, df))
    high = low + 1.0
    while excess(high) > 0:
        high *= 2
    if excess(low) <= 0:
        return low
    return float(brentq(excess, low, high, xtol=1e-12))


@cache
def _gauss() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss-Legendre quadrature on [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return nodes, weights


def band_critical_simulated(
    G: FloatArray, cov: FloatArray, level: float, df: float | None, draws: int, seed: int
) -> float:
    """Critical value of a simultaneous band over the rows of G, from ``draws`` of the sup-t.

    Parameters
    ----------
    G : (m, k)
        Gradients of the effect at m values.
    cov : (k, k)

    References
    ----------
    Montiel Olea and Plagborg-Moller (2019), Journal of Applied Econometrics 34, 1-17.
    """
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(cov)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    load = G @ root
    load = load / np.linalg.norm(load, axis=1, keepdims=True)
    peaks = np.empty(draws)
    for start in range(0, draws, 4096):  # bounded memory
        stop = min(start + 4096, draws)
        z = rng.standard_normal((stop - start, G.shape[1]))
        if df is not None and np.isfinite(df):
            z /= np.sqrt(rng.chisquare(df, (stop - start, 1)) / df)
        peaks[start:stop] = np.abs(z @ load.T).max(axis=1)
    return float(np.quantile(peaks, level))
