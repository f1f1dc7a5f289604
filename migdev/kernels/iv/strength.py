"""Strength of instruments: partial fits, conditional F, Cragg-Donald, rank statistics, effective F.

All take an :class:`~migdev.kernels.iv.basis.IVBasis`, in which ``A = Q2'X2`` (q, p) holds what the
excluded instruments explain and ``V`` (n, p) the residuals of the first stages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.basis import IVBasis


def partial_r2(basis: IVBasis) -> FloatArray:
    """(p,) share of each endogenous regressor, net of the exogenous ones, that the excluded
    instruments explain."""
    explained = np.einsum("ij,ij->j", basis.A, basis.A)
    out: FloatArray = explained / (explained + np.einsum("ij,ij->j", basis.V, basis.V))
    return out


def shea_r2(basis: IVBasis) -> FloatArray:
    r"""(p,) Shea's partial R2, :math:`[(X'X)^{-1}]_{jj}/[(X'P_WX)^{-1}]_{jj}`.

    References
    ----------
    Shea (1997), Review of Economics and Statistics 79, 348-352. Godfrey (1999), the same journal
    81, 550-552.
    """
    explained = basis.A.T @ basis.A
    total = explained + basis.V.T @ basis.V
    return np.diagonal(np.linalg.inv(total)) / np.diagonal(np.linalg.inv(explained))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Direction:
    r"""The linear combination of endogenous regressors that the instruments explain least.

    Attributes
    ----------
    correlation : float
        Smallest canonical correlation of the endogenous regressors and the instruments, both net
        of the exogenous regressors.
    loading : (q - p + 1,)
        :math:`U_2'\Theta v_2`: what the rank test asks to be zero.
    U2 : (q, q - p + 1)
        Directions of :math:`Q_2` that the test uses.
    residual, null : (n,)
        First-stage residual of the combination, and the combination itself, net of the exogenous
        regressors: errors of the Wald and the LM form.
    """

    correlation: float
    loading: FloatArray
    U2: FloatArray
    residual: FloatArray
    null: FloatArray


def least_explained(basis: IVBasis) -> Direction:
    r"""Singular value decomposition behind Cragg-Donald, Anderson and Kleibergen-Paap.

    .. math:: \Theta = Q_2'X_2(X_2'M_{X_1}X_2)^{-1/2} = USV'

    References
    ----------
    Kleibergen and Paap (2006), Journal of Econometrics 133, 97-126.
    """
    p = basis.p
    stacked = np.concatenate([basis.A, np.linalg.qr(basis.V, mode="r")])
    inverse = linalg.solve_triangular(np.linalg.qr(stacked, mode="r"), np.eye(p))
    theta = basis.A @ inverse
    U, s, Vt = np.linalg.svd(theta)
    v2 = inverse @ Vt[p - 1]
    U2 = U[:, p - 1 :]
    residual = basis.V @ v2
    return Direction(
        correlation=float(s[p - 1]), loading=U2.T @ (theta @ Vt[p - 1]), U2=U2,
        residual=residual, null=residual + basis.Q2 @ (basis.A @ v2),
    )  # fmt: skip


def cragg_donald(basis: IVBasis, df: float) -> float:
    r"""F form of the Cragg-Donald statistic.

    .. math::
        F = \frac{df}{q}\,\lambda_{\min}\{(X_2'M_WX_2)^{-1}X_2'P_{Q_2}X_2\}, \quad
        df = n - l - \text{absorbed}

    The minimum is taken of ``A R^{-1}`` directly, which keeps digits where the instruments are
    weak and where they are strong.

    References
    ----------
    Cragg and Donald (1993), Econometric Theory 9, 222-240.
    """
    R = np.linalg.qr(basis.V, mode="r")
    ratio = linalg.solve_triangular(R, basis.A.T, trans="T").T
    smallest = float(np.linalg.svd(ratio, compute_uv=False)[-1])
    return df * smallest**2 / basis.q


def conditional_residual(basis: IVBasis, j: int) -> tuple[FloatArray, FloatArray]:
    r"""Sanderson and Windmeijer's first stage of endogenous regressor j given the others.

    With :math:`\hat\delta` the 2SLS coefficients of :math:`x_j` on the other regressors, the
    conditional F regresses :math:`x_j - X_{-j}\hat\delta` on the instruments; it has
    :math:`q - p + 1` degrees of freedom.

    Returns
    -------
    (q,), (n,)
        Coordinates on ``Q2``, and the residual of that regression.

    References
    ----------
    Sanderson and Windmeijer (2016), Journal of Econometrics 190, 212-221.
    """
    others = [i for i in range(basis.p) if i != j]
    delta = np.linalg.lstsq(basis.A[:, others], basis.A[:, j], rcond=None)[0]
    return (
        basis.A[:, j] - basis.A[:, others] @ delta,
        basis.V[:, j] - basis.V[:, others] @ delta,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectiveF:
    """The effective first-stage F statistic and what its critical values need.

    Attributes
    ----------
    statistic : float
    bias : float
        Largest Nagar bias of 2SLS relative to its benchmark, times the noncentrality.
    W2 : (q, q)
        Covariance of the first-stage coordinates.
    """

    statistic: float
    bias: float
    W2: FloatArray

    def critical_value(self, tau: float, level: float = 0.05) -> tuple[float, float]:
        r"""Critical value for a bias of at most ``tau`` of the benchmark, and effective degrees.

        Patnaik's approximation: with :math:`x = B/\tau`,

        .. math::
            K_{eff} = \frac{\mathrm{tr}(W_2)^2(1 + 2x)}{\mathrm{tr}(W_2'W_2) +
            2x\,\mathrm{tr}(W_2)\lambda_{\max}(W_2)}

        and the value is the upper quantile of :math:`\chi^2_{K_{eff}}(xK_{eff})/K_{eff}`.
        """
        return patnaik(self.W2, self.bias / tau, level)


def patnaik(W2: FloatArray, x: float, level: float) -> tuple[float, float]:
    """Upper ``level`` quantile of the statistic when its mean is 1 + x, and K_eff."""
    trace = float(np.trace(W2))
    largest = float(np.linalg.eigvalsh(W2)[-1])
    k = trace**2 * (1 + 2 * x) / (float((W2 * W2).sum()) + 2 * x * trace * largest)
    return noncentral_chi2_quantile(1 - level, k, x * k) / k, k


def noncentral_chi2_quantile(p: float, df: float, nc: float) -> float:
    """Quantile of the noncentral chi-square distribution."""
    if nc == 0:
        return float(special.chdtri(df, 1 - p))
    guess = float(special.chndtrix(p, df, nc))
    if np.isfinite(guess) and abs(float(special.chndtr(guess, df, nc)) - p) < 1e-9:
        return guess
    from scipy.optimize import brentq

    high = df + nc + 10 * np.sqrt(2 * (df + 2 * nc)) + 10
    return float(brentq(lambda x: special.chndtr(x, df, nc) - p, 0.0, high, xtol=1e-12))


def effective_f(basis: IVBasis, W1: FloatArray, W12: FloatArray, W2: FloatArray) -> EffectiveF:
    r"""Effective F of Montiel Olea and Pflueger, for one endogenous regressor.

    .. math:: F_{eff} = \frac{x'P_{Q_2}x}{\mathrm{tr}(W_2)}

    Parameters
    ----------
    W1, W12, W2 : (q, q)
        Covariances of :math:`Q_2'y` and :math:`Q_2'x`, by the estimator of the fit; of ``W12`` the
        symmetric part matters.

    Notes
    -----
    The Nagar bias is maximised over the coefficient and the direction of the first stage: for
    every :math:`\beta` the direction is an extreme eigenvector, and :math:`\beta` is searched on
    a compactified line, refined around the best point.

    .. math::
        B = \sup_\beta \frac{\max\{|t - 2\lambda_{\min}|, |t - 2\lambda_{\max}|\}}
        {\sqrt{\mathrm{tr}(S_1)\,\mathrm{tr}(W_2)}}, \quad
        S_{12} = W_{12} - \beta W_2, \quad S_1 = W_1 - 2\beta W_{12} + \beta^2 W_2

    with :math:`t` the trace and :math:`\lambda` the eigenvalues of the symmetric part of
    :math:`S_{12}`.

    References
    ----------
    Montiel Olea and Pflueger (2013), Journal of Business & Economic Statistics 31, 358-369.
    """
    statistic = float(basis.A[:, 0] @ basis.A[:, 0]) / float(np.trace(W2))
    W12 = (W12 + W12.T) / 2
    trace2, size = float(np.trace(W2)), float(np.sqrt(np.trace(W1) / np.trace(W2)))

    def relative_bias(angle: FloatArray) -> FloatArray:
        # beta = size * tan(angle); numerator and denominator times cos(angle) stay finite.
        c, s = np.cos(angle)[:, None, None], size * np.sin(angle)[:, None, None]
        S12 = c * W12 - s * W2
        eigenvalues = np.linalg.eigvalsh(S12)
        t = np.trace(S12, axis1=1, axis2=2)
        worst = np.maximum(np.abs(t - 2 * eigenvalues[:, 0]), np.abs(t - 2 * eigenvalues[:, -1]))
        S1 = (
            c[:, 0, 0] ** 2 * np.trace(W1)
            - 2 * c[:, 0, 0] * s[:, 0, 0] * np.trace(W12)
            + s[:, 0, 0] ** 2 * trace2
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = worst / np.sqrt(np.maximum(S1, 0) * trace2)
        return np.where(np.isfinite(ratio), ratio, 0.0)

    half = np.pi / 2
    grid = np.linspace(-half, half, 257)
    width, bias = np.pi / 256, 0.0
    for _ in range(6):
        values = relative_bias(grid)
        best = int(np.argmax(values))
        bias = max(bias, float(values[best]))
        grid = np.linspace(grid[best] - width, grid[best] + width, 33)
        width /= 16
    return EffectiveF(statistic=statistic, bias=bias, W2=W2)
