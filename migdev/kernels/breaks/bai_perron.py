"""Tests and intervals for multiple breaks of unknown date (Bai and Perron)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import log_ndtr, ndtr

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.breaks.partition import Partitions, best_split, partitions
from migdev.kernels.breaks.regime_fits import Regime, equality_f, regimes

# Elements of one block of sums of squares.
_BLOCK = 2_000_000
# Constants of Liu, Wu and Zidek's criterion.
_C0, _DELTA0 = 0.299, 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BreakTests:
    """Statistics of g series of T rows for 1, ..., M breaks.

    Attributes
    ----------
    rss : (g, M + 1)
        Of 0, ..., M breaks.
    last : (g, M + 1, M + 2)
        Last rows of the regimes, by the number of breaks.
    sup_f : (g, M)
        Sup F of l breaks against none, at the dates of least squares.
    further : (g, M)
        Sup F(l + 1 | l), l = 0, ..., M - 1; zero where no regime has room for a further break.
    bic, lwz : (g, M + 1)
    collinear : (g,)
    """

    rss: FloatArray
    last: IntArray
    sup_f: FloatArray
    further: FloatArray
    bic: FloatArray
    lwz: FloatArray
    collinear: BoolArray


def break_tests(
    Y: FloatArray, X: FloatArray, h: int, most: int, errors: str, prewhiten: bool
) -> BreakTests:
    """All statistics of a block of series of the same length.

    Parameters
    ----------
    Y : (g, T); X : (g, T, q)
    h : int
        Rows that a regime must have.
    most : int
        M.
    errors, prewhiten
        As in :func:`migdev.kernels.breaks.regime_fits.regimes`.
    """
    g, T = Y.shape
    step = max(1, _BLOCK // (T * T))
    blocks = [
        _block(Y[i : i + step], X[i : i + step], h, most, errors, prewhiten)
        for i in range(0, g, step)
    ]
    rss, last, sup_f, further, bad = (np.concatenate(part) for part in zip(*blocks, strict=True))
    q = X.shape[2]
    m = np.arange(most + 1)
    with np.errstate(divide="ignore"):
        bic = np.log(rss / T) + np.log(T) * m * (q + 1) / T
        lwz = np.log(rss / (T - (m + 1) * q - m))
    lwz = lwz + m * (q + 1) * _C0 * np.log(T) ** (2 + _DELTA0) / T
    return BreakTests(
        rss=rss, last=last, sup_f=sup_f, further=further, bic=bic, lwz=lwz, collinear=bad
    )


def _block(
    Y: FloatArray, X: FloatArray, h: int, most: int, errors: str, prewhiten: bool
) -> tuple[FloatArray, IntArray, FloatArray, FloatArray, BoolArray]:
    found = partitions(Y, X, h, most)
    g = len(Y)
    rss, last = found.rss, found.last
    sup_f, further = np.full((g, most), np.nan), np.full((g, most), np.nan)
    good = np.flatnonzero(~found.collinear)
    if len(good):
        kept = Partitions(
            segments=found.segments[good], rss=rss[good], last=last[good],
            collinear=found.collinear[good],
        )  # fmt: skip
        y, x = Y[good], X[good]
        start = np.zeros(len(good), dtype=np.int64)
        for m in range(1, most + 1):
            parts = regimes(y, x, kept.last[:, m, : m + 1], start, errors, prewhiten)
            rss[good, m] = sum(p.rss for p in parts)
            sup_f[good, m - 1] = equality_f(parts)
            further[good, m - 1] = _further(y, x, kept, m - 1, errors, prewhiten)
    return rss, last, sup_f, further, found.collinear


def _further(
    Y: FloatArray, X: FloatArray, found: Partitions, breaks: int, errors: str, prewhiten: bool
) -> FloatArray:
    """(g,) the largest F of one break more inside a regime of the best partition."""
    best = np.zeros(len(Y))
    first = np.zeros(len(Y), dtype=np.int64)
    for s in range(breaks + 1):
        end = found.last[:, breaks, s]
        value, at = best_split(found.segments, first, end)
        room = np.flatnonzero(np.isfinite(value))
        if len(room):
            last = np.stack([at, end], axis=1)[room]
            parts = regimes(Y[room], X[room], last, first[room], errors, prewhiten)
            best[room] = np.maximum(best[room], equality_f(parts))
        first = end + 1
    return best


def date_intervals(parts: list[Regime], level: float) -> FloatArray:
    r"""(g, m, 2) by how many rows each break may lie before and after its estimate.

    With :math:`\Delta = \delta_{i+1} - \delta_i`, shrinking breaks and

    .. math::
        \phi_{i,s}^2 = \frac{\Delta'\Omega_s\Delta}{\Delta'Q_s\Delta}, \qquad
        \xi_i = \frac{\Delta'Q_{i+1}\Delta}{\Delta'Q_i\Delta}, \qquad
        \frac{\Delta'Q_i\Delta}{\phi_{i,1}^2}(\hat T_i - T_i^0) \to \arg\max_s V^{(i)}(s) \quad (1)

    Parameters
    ----------
    parts : list of m + 1 :class:`~migdev.kernels.breaks.regime_fits.Regime`
    level : float
        Confidence level.
    """
    out = []
    for left, right in pairwise(parts):
        D = right.params - left.params

        def form(M: FloatArray, D: FloatArray = D) -> FloatArray:
            return np.asarray(np.einsum("gi,gij,gj->g", D, M, D))

        q1, q2 = form(left.moments), form(right.moments)
        phi1, phi2 = form(left.omega) / q1, form(right.omega) / q2
        tail = (1 - level) / 2
        high, low = (argmax_quantile(p, q2 / q1, phi1, phi2) for p in (1 - tail, tail))
        out.append(np.stack([-high * phi1 / q1, -low * phi1 / q1], axis=1))
    return np.stack(out, axis=1)


def argmax_quantile(p: float, xi: FloatArray, phi1: FloatArray, phi2: FloatArray) -> FloatArray:
    """Quantiles of the argmax of eq. (1), by bisection; missing where a variance is zero.

    Parameters
    ----------
    p : float
    xi, phi1, phi2 : (g,)
        The ratio of moments, and the two squared phi.
    """
    width = np.ones_like(xi)
    usable = (phi1 > 0) & (phi2 > 0) & np.isfinite(xi)
    xi, phi1, phi2 = (np.where(usable, v, 1.0) for v in (xi, phi1, phi2))
    for _ in range(200):
        short = (argmax_cdf(-width, xi, phi1, phi2) > p) | (argmax_cdf(width, xi, phi1, phi2) < p)
        if not short.any():
            break
        width = np.where(short, 2 * width, width)
    low, high = -width, width
    for _ in range(80):
        middle = (low + high) / 2
        under = argmax_cdf(middle, xi, phi1, phi2) < p
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return np.where(usable, (low + high) / 2, np.nan)


def argmax_cdf(x: FloatArray, xi: FloatArray, phi1: FloatArray, phi2: FloatArray) -> FloatArray:
    r"""Distribution function of the argmax of

    .. math:: V(s) = W_1(-s) - |s|/2\ (s \le 0), \qquad
              \sqrt\xi(\phi_2/\phi_1)W_2(s) - \xi|s|/2\ (s > 0)

    References
    ----------
    Bai (1997), Review of Economics and Statistics 79, 551-563, app. B.
    """
    a, b2 = phi1 / phi2, phi1 * xi / phi2
    s = np.abs(x)
    root = np.sqrt(s)
    alpha, beta = a * (1 + a) / 2, (1 + 2 * a) / 2
    left = (
        -root / np.sqrt(2 * np.pi) * np.exp(-s / 8)
        - beta / alpha * np.exp(alpha * s + log_ndtr(-beta * root))
        + (2 * beta**2 / alpha - 2 + s / 2) * ndtr(-root / 2)
    )
    b = np.sqrt(b2)
    gamma, delta = (1 / a + 1) * xi / 2, np.sqrt(xi / a) + b / 2
    right = (
        1 + b / np.sqrt(2 * np.pi) * root * np.exp(-b2 * s / 8)
        + b * delta / gamma * np.exp(gamma * s + log_ndtr(-delta * root))
        + (2 - b2 * s / 2 - 2 * delta**2 / gamma) * ndtr(-b * root / 2)
    )  # fmt: skip
    return np.asarray(np.where(x <= 0, left, right))
