"""k-class estimators: two-stage least squares, LIML, Fuller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from migdev.errors import IdentificationError
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.basis import IVBasis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KClass:
    r"""A k-class fit.

    Attributes
    ----------
    params : (k,)
    resid : (n,)
        :math:`y - X\hat\beta`, with the regressors themselves.
    bread : (k, k)
        :math:`[X'(I - \kappa M_W)X]^{-1}`.
    projected : (n, k)
        :math:`P_W X`.
    kappa : float
    """

    params: FloatArray
    resid: FloatArray
    bread: FloatArray
    projected: FloatArray
    kappa: float


def kclass(basis: IVBasis, kappa: float = 1.0) -> KClass:
    r"""Solve :math:`X'(I - \kappa M_W)(y - X\beta) = 0`.

    .. math::
        \hat\beta = [X'(I - \kappa M_W)X]^{-1} X'(I - \kappa M_W)y \quad (1)

    In the basis of the instruments, with :math:`C = \bar Q T` and :math:`S = T'^{-1}V'VT^{-1}`,

    .. math::
        T\hat\beta = [I + (1-\kappa)S]^{-1}[\bar Q'b + (1-\kappa)T'^{-1}V'v] \quad (2)

    which is as well conditioned as the second stage itself.

    Raises
    ------
    IdentificationError
        :math:`X'(I - \kappa M_W)X` is singular (``kappa`` far from one).
    """
    k, k1 = basis.C.shape[1], basis.k1
    Qbar, T = np.linalg.qr(basis.C)
    right = Qbar.T @ basis.b
    inverse = linalg.solve_triangular(T, np.eye(k))
    if kappa == 1.0:
        params, bread = inverse @ right, inverse @ inverse.T
    else:
        # Only the endogenous regressors have a first-stage residual.
        tail = inverse[k1:, :]
        S = tail.T @ (basis.V.T @ basis.V) @ tail
        middle = np.eye(k) + (1 - kappa) * S
        if np.linalg.cond(middle) > 1e12:
            raise IdentificationError(
                f"The k-class estimator with kappa = {kappa:.6g} divides by a singular matrix; "
                "use a kappa nearer to 1."
            )
        right = right + (1 - kappa) * (tail.T @ (basis.V.T @ basis.v))
        params = inverse @ np.linalg.solve(middle, right)
        bread = inverse @ np.linalg.solve(middle, inverse.T)
        bread = (bread + bread.T) / 2
    return KClass(
        params=params,
        resid=basis.y - basis.X @ params,
        bread=bread,
        projected=basis.Q @ basis.C,
        kappa=float(kappa),
    )


def liml_kappa(basis: IVBasis) -> float:
    r"""Smallest root of :math:`\det(\bar Y'M_{X_1}\bar Y - \kappa\,\bar Y'M_W\bar Y) = 0`.

    :math:`\bar Y = [y, X_2]`; the root is :math:`1 + \sigma_{\min}^2` of
    :math:`Q_2'\bar Y (\bar Y'M_W\bar Y)^{-1/2}`, so that nothing is lost where it is near one. It
    is one exactly where there are no more instruments than endogenous regressors.

    References
    ----------
    Anderson and Rubin (1949), Annals of Mathematical Statistics 20, 46-63.
    """
    if basis.overid <= 0:
        return 1.0
    residuals = np.column_stack([basis.v, basis.V])
    R = np.linalg.qr(residuals, mode="r")
    diagonal = np.abs(np.diagonal(R))
    lengths = np.sqrt(np.einsum("ij,ij->j", residuals, residuals))
    if len(R) < residuals.shape[1] or bool((diagonal <= 1e-8 * lengths).any()):
        raise IdentificationError(
            "LIML is not defined: the instruments explain the dependent and endogenous variables "
            f"up to {len(R)} residual dimensions. Use fewer instruments or effects, or more rows."
        )
    explained = np.column_stack([basis.a, basis.A])
    ratio = linalg.solve_triangular(R, explained.T, trans="T").T
    smallest = np.linalg.svd(ratio, compute_uv=False)[-1]
    return 1.0 + float(smallest) ** 2


def leverage_2sls(fit: KClass, basis: IVBasis) -> FloatArray:
    r"""(n,) diagonal of :math:`X(\hat X'\hat X)^{-1}\hat X'`, which maps y to fitted values.

    It differs from the leverage of the second stage, the diagonal of
    :math:`\hat X(\hat X'\hat X)^{-1}\hat X'`, and may lie outside [0, 1].
    """
    out: FloatArray = np.einsum("ij,ij->i", basis.X @ fit.bread, fit.projected)
    return out
