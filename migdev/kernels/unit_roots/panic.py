"""Distributions behind PANIC: the limit of the t-statistic of components whose trend was taken out,
and Bai and Ng's modified Q statistics of the number of common stochastic trends."""

from __future__ import annotations

import numpy as np
from scipy import special

from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import FloatArray

MOST = 6
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


def modified_q(F: FloatArray, m: int, lags: int, parametric: bool) -> float:
    r"""MQ_f (parametric) or MQ_c of m trends: :math:`T(\hat\nu - 1)`, with :math:`\hat\nu` the
    smallest eigenvalue of

    .. math::
        \tfrac12\Big\{\sum_t(y_ty_{t-1}' + y_{t-1}y_t') - T(\hat\Sigma_1+\hat\Sigma_1')\Big\}
        \Big(\sum_ty_{t-1}y_{t-1}'\Big)^{-1}

    y holds the m principal components of F with the largest variance. MQ_c corrects for serial
    correlation by :math:`\hat\Sigma_1 = T^{-1}\sum_{j=1}^J(1-\tfrac j{J+1})\sum_t
    \hat\xi_{t-j}\hat\xi_t'`, from the residuals of y on its lag; MQ_f filters y by the
    coefficients of a VAR(p) of its differences, and sets it to zero.

    Parameters
    ----------
    F : (T, r)
        Demeaned or detrended factors.
    lags : int
        J of MQ_c, p of MQ_f.
    """
    T = len(F)
    values, vectors = np.linalg.eigh(F.T @ F)
    y = F @ vectors[:, np.argsort(values)[::-1][:m]]
    correction = np.zeros((m, m))
    if parametric:
        if lags:
            d = np.diff(y, axis=0)
            past = np.column_stack([d[lags - j : len(d) - j] for j in range(1, lags + 1)])
            pi = np.linalg.lstsq(past, d[lags:], rcond=None)[0]
            filtered = y[lags:].copy()
            for j in range(1, lags + 1):
                filtered -= y[lags - j : T - j] @ pi[(j - 1) * m : j * m]
            y = filtered
    else:
        phi = np.linalg.lstsq(y[:-1], y[1:], rcond=None)[0]
        u = y[1:] - y[:-1] @ phi
        for j in range(1, lags + 1):
            correction += (1 - j / (lags + 1)) * u[:-j].T @ u[j:]
    lag, now = y[:-1], y[1:]
    cross = lag.T @ now - correction
    root = np.linalg.inv(np.linalg.cholesky(lag.T @ lag))
    middle = root @ (cross + cross.T) @ root.T / 2
    return float(T * (np.linalg.eigvalsh(middle)[0] - 1))


def modified_q_pvalue(value: float, m: int, trend: str) -> float:
    """Share of the null distribution below ``value``: quantiles interpolated in probits, and
    beyond the table extrapolated."""
    quantiles = tables("unit_roots/common_trends.tsv", 1)[(trend,)]
    row = quantiles.values[m - 1]
    probit = special.ndtri([float(p) for p in quantiles.columns])
    if value < row[0]:
        return float(special.ndtr(_line(value, row[:2], probit[:2])))
    if value > row[-1]:
        return float(special.ndtr(_line(value, row[-2:], probit[-2:])))
    return float(special.ndtr(np.interp(value, row, probit)))


def modified_q_quantile(p: float, m: int, trend: str) -> float:
    """The tabulated value that a share ``p`` of the null distribution lies below."""
    return tables("unit_roots/common_trends.tsv", 1)[(trend,)].row(m)[f"{p:g}"]


def _line(x: float, xs: FloatArray, ys: FloatArray) -> float:
    return float(ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]))
