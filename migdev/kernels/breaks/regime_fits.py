"""Least squares regime by regime, with the long-run variance of each regime's moments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from migdev.kernels.arrays.batched import batched_ols
from migdev.kernels.arrays.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regime:
    """OLS of one regime of g series.

    Attributes
    ----------
    params : (g, q)
    bread : (g, q, q)
        Inverse of Z'Z.
    moments : (g, q, q)
        Z'Z / n.
    omega : (g, q, q)
        Variance of the scaled sum of z u.
    rss : (g,)
    n : (g,)
    """

    params: FloatArray
    bread: FloatArray
    moments: FloatArray
    omega: FloatArray
    rss: FloatArray
    n: IntArray

    @property
    def cov(self) -> FloatArray:
        """(g, q, q) covariance of the coefficients."""
        return self.bread @ (self.omega * self.n[:, None, None]) @ self.bread


def regimes(
    Y: FloatArray, X: FloatArray, last: IntArray, first: IntArray, errors: str, prewhiten: bool
) -> list[Regime]:
    """The regimes of every series.

    Parameters
    ----------
    Y : (g, T); X : (g, T, q)
    last : (g, r)
        Last rows of r regimes.
    first : (g,)
        First row of the first one.
    errors : {"hac", "white", "regime", "common"}
    prewhiten : bool
    """
    begin = np.concatenate([first[:, None], last[:, :-1] + 1], axis=1)
    parts = [
        _regime(Y, X, begin[:, j], last[:, j], errors, prewhiten) for j in range(last.shape[1])
    ]
    if errors != "common":
        return parts
    sigma2: FloatArray = np.sum([p.rss for p in parts], axis=0) / np.sum(
        [p.n for p in parts], axis=0
    )
    return [
        Regime(
            params=p.params, bread=p.bread, moments=p.moments, rss=p.rss, n=p.n,
            omega=p.moments * sigma2[:, None, None],
        )
        for p in parts
    ]  # fmt: skip


def _regime(
    Y: FloatArray, X: FloatArray, first: IntArray, last: IntArray, errors: str, prewhiten: bool
) -> Regime:
    n = last - first + 1
    at = first[:, None] + np.arange(int(n.max()))
    inside = at <= last[:, None]
    at = np.minimum(at, Y.shape[1] - 1)
    rows = np.arange(len(Y))[:, None]
    y, Z = np.where(inside, Y[rows, at], 0.0), np.where(inside[:, :, None], X[rows, at], 0.0)
    b, bread, e, _ = batched_ols(y, Z)
    rss = np.einsum("gt,gt->g", e, e)
    perfect = rss <= 1e-26 * np.einsum("gt,gt->g", y, y)  # rounding error is no variance
    e = np.where(inside & ~perfect[:, None], e, 0.0)
    rss = np.where(perfect, 0.0, rss)
    moments = np.swapaxes(Z, 1, 2) @ Z / n[:, None, None]
    if errors == "hac":
        omega = long_run(Z * e[:, :, None], n, prewhiten)
    elif errors == "white":
        v = Z * e[:, :, None]
        omega = np.swapaxes(v, 1, 2) @ v / n[:, None, None]
    else:
        omega = moments * (rss / n)[:, None, None]
    return Regime(params=b, bread=bread, moments=moments, omega=omega, rss=rss, n=n)


def long_run(v: FloatArray, n: IntArray, prewhiten: bool) -> FloatArray:
    r"""(g, d, d) quadratic-spectral long-run variances with Andrews's automatic bandwidth, from
    AR(1) approximations, after prewhitening by a vector autoregression of order one:

    .. math::
        \hat J &= (I - \hat A)^{-1}\hat J^*(I - \hat A)^{-1\prime}, \qquad
            \hat J^* = \frac{1}{n - d}\sum_s\sum_t k(|s - t|/S)\,v^*_sv_t^{*\prime} \\
        S &= 1.3221(\hat a n)^{1/5}, \qquad \hat a = \frac{\sum_j4\hat\rho_j^2\hat\sigma_j^4/
            (1-\hat\rho_j)^8}{\sum_j\hat\sigma_j^4/(1-\hat\rho_j)^4}

    as in the programs of Bai and Perron: n counts the rows of :math:`v^*`.

    Parameters
    ----------
    v : (g, L, d)
        Zero beyond the first n rows.
    n : (g,)

    References
    ----------
    Andrews (1991), Econometrica 59, 817-858. Andrews and Monahan (1992), Econometrica 60, 953-966.
    """
    d = v.shape[2]
    A = np.zeros((len(v), d, d))
    if prewhiten:
        now, before = v[:, 1:], v[:, :-1] * _within(v.shape[1] - 1, n - 1)
        A = np.swapaxes(np.linalg.pinv(before) @ now, 1, 2)
        v, n = now - before @ np.swapaxes(A, 1, 2), n - 1
    now, before = v[:, 1:], v[:, :-1] * _within(v.shape[1] - 1, n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.einsum("gtj,gtj->gj", now, before) / np.einsum("gtj,gtj->gj", before, before)
        gap = now - before * rho[:, None, :]
        s4 = (np.einsum("gtj,gtj->gj", gap, gap) / (n - 1)[:, None]) ** 2
        a = np.sum(4 * rho**2 * s4 / (1 - rho) ** 8, axis=1)
        a = a / np.sum(s4 / (1 - rho) ** 4, axis=1)
        width = 1.3221 * (np.nan_to_num(a) * n) ** 0.2
        x = 1.2 * np.pi * np.arange(1, v.shape[1]) / width[:, None]
        k = 3.0 / x**2 * (np.sin(x) / x - np.cos(x))
    weights = np.concatenate([np.ones((len(v), 1)), np.nan_to_num(k)], axis=1)
    t = np.arange(v.shape[1])
    K = weights[:, np.abs(t[:, None] - t)]
    J = np.swapaxes(v, 1, 2) @ (K @ v) / np.maximum(n - d, 1)[:, None, None]
    colour = np.linalg.pinv(np.eye(d) - A)
    out: FloatArray = colour @ J @ np.swapaxes(colour, 1, 2)
    return out


def _within(length: int, n: IntArray) -> FloatArray:
    return (np.arange(length) < n[:, None]).astype(float)[:, :, None]


def equality_f(parts: list[Regime]) -> FloatArray:
    r"""(g,) F statistics that neighbouring regimes share their coefficients,

    .. math:: F = \frac{T - (l + 1)q}{T\,l}\,\hat\delta'R'(R\hat VR')^{-1}R\hat\delta

    infinite where regimes are fitted perfectly.
    """
    g, q = parts[0].params.shape
    breaks = len(parts) - 1
    T = sum(p.n for p in parts)
    gap = np.stack([b.params - a.params for a, b in pairwise(parts)], axis=1)
    V = np.zeros((g, breaks, q, breaks, q))
    for j in range(breaks):
        V[:, j, :, j, :] = parts[j].cov + parts[j + 1].cov
        if j:
            V[:, j, :, j - 1, :] = V[:, j - 1, :, j, :] = -parts[j].cov
    size = breaks * q
    W, gap = V.reshape(g, size, size), gap.reshape(g, size)
    scale = np.sqrt(np.einsum("gii->gi", W))
    whole = (scale > 0).all(axis=1) & np.isfinite(gap).all(axis=1)
    out = np.where(np.isfinite(gap).all(axis=1), np.inf, np.nan)
    unit = W[whole] / (scale[whole][:, :, None] * scale[whole][:, None, :])
    values, vectors = np.linalg.eigh(unit)
    fine = values[:, 0] > 1e-13
    z = np.einsum("gij,gi->gj", vectors, gap[whole] / scale[whole])
    with np.errstate(divide="ignore", invalid="ignore"):
        wald = np.sum(z * z / values, axis=1)
    out[whole] = np.where(fine, wald, np.inf)
    return np.asarray(out * (T - (breaks + 1) * q) / (T * breaks))
