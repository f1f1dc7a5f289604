"""How many common stochastic trends do factors hold? Bai and Ng's modified Q statistics."""

from __future__ import annotations

import numpy as np
from scipy import special

from migdev.kernels.arrays.types import FloatArray

_PROBABILITIES = np.array(
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95,
     0.99]
)  # fmt: skip
#: Quantiles for 1 to 6 trends, from benchmarks/simulate_common_trends.py.
QUANTILES: dict[str, FloatArray] = {
    "c": np.array([
        [-30.55, -26.67, -23.70, -20.78, -16.98, -14.08, -11.25, -8.37, -6.63,
         -5.35, -4.31, -3.44, -2.61, -1.80, -0.83, -0.12, 1.06],
        [-41.07, -37.53, -34.39, -30.96, -26.71, -23.47, -20.03, -16.35, -14.09,
         -12.32, -10.85, -9.52, -8.26, -6.97, -5.48, -4.48, -3.11],
        [-51.22, -47.01, -43.73, -40.58, -36.06, -32.16, -28.36, -24.15, -21.47,
         -19.34, -17.54, -15.88, -14.24, -12.55, -10.52, -9.08, -6.85],
        [-61.73, -56.36, -52.91, -49.61, -44.77, -41.07, -36.82, -32.17, -29.11,
         -26.68, -24.64, -22.71, -20.76, -18.73, -16.15, -14.30, -11.49],
        [-71.98, -66.93, -63.02, -59.13, -53.78, -49.58, -45.06, -40.04, -36.72,
         -34.07, -31.82, -29.63, -27.50, -25.12, -22.19, -20.03, -16.56],
        [-81.10, -76.16, -72.24, -68.20, -62.22, -57.95, -53.14, -47.73, -44.25,
         -41.42, -38.96, -36.68, -34.27, -31.67, -28.44, -25.97, -21.96],
    ]),
    "ct": np.array([
        [-40.26, -35.21, -31.66, -28.69, -24.75, -21.50, -18.18, -14.57, -12.26,
         -10.57, -9.13, -7.80, -6.57, -5.32, -3.80, -2.67, -0.83],
        [-50.95, -46.75, -43.60, -39.91, -35.06, -31.47, -27.61, -23.40, -20.64,
         -18.50, -16.66, -15.00, -13.39, -11.66, -9.63, -8.19, -6.06],
        [-59.94, -55.88, -52.65, -49.05, -44.34, -40.21, -36.07, -31.40, -28.40,
         -26.05, -23.95, -22.04, -20.12, -18.06, -15.53, -13.69, -10.81],
        [-69.98, -65.49, -62.03, -58.32, -53.01, -48.80, -44.33, -39.25, -36.02,
         -33.42, -31.12, -29.01, -26.85, -24.56, -21.67, -19.50, -15.92],
        [-79.54, -74.84, -71.27, -67.46, -61.85, -57.46, -52.66, -47.33, -43.79,
         -40.97, -38.52, -36.12, -33.77, -31.26, -27.98, -25.65, -21.62],
        [-88.82, -83.52, -80.19, -75.85, -70.25, -65.55, -60.62, -55.08, -51.32,
         -48.34, -45.71, -43.25, -40.74, -37.97, -34.48, -31.89, -27.52],
    ]),
}  # fmt: skip
MOST = 6


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
    row = QUANTILES[trend][m - 1]
    probit = special.ndtri(_PROBABILITIES)
    if value < row[0]:
        return float(special.ndtr(_line(value, row[:2], probit[:2])))
    if value > row[-1]:
        return float(special.ndtr(_line(value, row[-2:], probit[-2:])))
    return float(special.ndtr(np.interp(value, row, probit)))


def modified_q_quantile(p: float, m: int, trend: str) -> float:
    """The tabulated value that a share ``p`` of the null distribution lies below."""
    at = int(np.flatnonzero(np.isclose(_PROBABILITIES, p))[0])
    return float(QUANTILES[trend][m - 1, at])


def _line(x: float, xs: FloatArray, ys: FloatArray) -> float:
    return float(ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]))
