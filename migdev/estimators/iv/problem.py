"""What an IV fit leaves to its tests: the data in the basis of the instruments, and the errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from migdev.covariance.plain import plain, quietly
from migdev.errors import ResultError, suggestion
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.basis import IVBasis, with_instruments
from migdev.kernels.iv.gmm import polarised
from migdev.kernels.sandwich.moments import Moments
from migdev.protocols import Covariance
from migdev.results.statistic import TestStatistic, chi2_test, f_test


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IVProblem:
    """An IV equation after its fit.

    Attributes
    ----------
    basis : IVBasis
    moments : Moments
        Of the fit; its rows, factors and columns serve the auxiliary regressions too.
    cov : Covariance
        The covariance of the fit, used by every robust statistic.
    resid : (n,)
        Residuals of the fit, times the square root of the weights.
    exogenous, endogenous, instruments : tuple of str
        Columns of the basis; ``instruments`` are the excluded ones.
    table : str
        Which critical values of Stock and Yogo apply: ``"tsls"``, ``"liml"`` or ``"fuller"``.
    S : (l, l), optional
        Covariance of the moments that a GMM fit used.
    weight : Covariance, optional
        What estimated it.
    j : float, optional
        Minimum of the objective of a GMM fit.
    """

    basis: IVBasis
    moments: Moments
    cov: Covariance
    resid: FloatArray
    exogenous: tuple[str, ...]
    endogenous: tuple[str, ...]
    instruments: tuple[str, ...]
    table: str = "tsls"
    S: FloatArray | None = None
    weight: Covariance | None = None
    j: float | None = None

    @property
    def nobs(self) -> int:
        return self.basis.nobs

    @property
    def exact(self) -> bool:
        """Whether what the fit leaves of y is rounding error."""
        largest = max(np.abs(self.basis.y).max(), np.abs(self.basis.b).max())
        return bool(np.abs(self.resid).max() <= 1e-12 * largest)

    @property
    def df_first_stage(self) -> int:
        """Rows less instruments, exogenous regressors and absorbed dummies."""
        return int(self.nobs - self.basis.Q.shape[1] - self.moments.df_absorbed)

    @property
    def sample(self) -> str:
        return f"{self.nobs:,} observations"

    @property
    def rule(self) -> Covariance:
        """What estimates the covariance of moments in tests: the weight of GMM, else that of the
        fit, without small-sample factors."""
        return plain(self.cov) if self.weight is None else self.weight

    def position(self, name: str) -> int:
        """Column of an endogenous regressor."""
        if name not in self.endogenous:
            raise ResultError(
                f"{name!r} is not an endogenous regressor of this fit."
                f"{suggestion(name, self.endogenous)} Those are {', '.join(self.endogenous)}."
            )
        return self.endogenous.index(name)

    def regression(self, X: FloatArray, bread: FloatArray, resid: FloatArray) -> Moments:
        """Moments of an auxiliary least-squares regression on the same rows."""
        return replace(self.moments, X=X, bread=bread, resid=resid, homoskedastic=None, hat=None)

    def first_stage(self, resid: FloatArray) -> Moments:
        """Moments of a regression on all instruments, in their orthonormal basis."""
        return self.regression(self.basis.Q, np.eye(self.basis.Q.shape[1]), resid)

    def instrument_cov(self, resid: FloatArray) -> FloatArray:
        """(q, q) covariance of coefficients on ``Q2`` in a regression with these residuals."""
        k1 = self.basis.k1
        return quietly(self.cov, self.first_stage(resid)).cov[k1:, k1:]

    def joint_cov(self, j: int) -> FloatArray:
        """(2, 2, q, q) covariance of reduced form and first stage of regressor j, symmetrised."""
        U = np.column_stack([self.basis.v, self.basis.V[:, j]])
        return polarised(self.instrument_cov, U)

    def meat(self, resid: FloatArray, basis: IVBasis | None = None) -> FloatArray:
        """(l, l) covariance of the sum of ``Q_t u_t``, without small-sample factors."""
        return moment_cov(self.moments, self.rule, (basis or self.basis).Q, resid)

    def augmented(self, tested: list[int]) -> IVBasis:
        """The equation with some endogenous regressors among the instruments."""
        k1 = self.basis.k1
        extra = self.basis.X[:, [k1 + j for j in tested]]
        return with_instruments(self.basis, np.column_stack([self.basis.Q, extra]))


def moment_cov(
    template: Moments, cov: Covariance, Q: FloatArray, resid: FloatArray, center: bool = False
) -> FloatArray:
    """(l, l) covariance of the sum of ``Q_t u_t``; ``center`` takes the mean off first."""
    X = Q
    if center:
        scores = Q * resid[:, None]
        X, resid = scores - scores.mean(axis=0), np.ones(len(resid))
    moments = replace(
        template, X=X, bread=np.eye(Q.shape[1]), resid=resid, homoskedastic=None, hat=None
    )
    return quietly(cov, moments).cov


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The null distribution of a Wald statistic W of q restrictions.

    ``scale * W`` is F(q, df), or chi2(q) where ``df`` is None.
    """

    scale: float
    q: int
    df: float | None

    def test(self, name: str, null: str, wald: float, **more: str) -> TestStatistic:
        if self.df is None:
            return chi2_test(name, null, wald, self.q, **more)
        return f_test(name, null, self.scale * wald, self.q, self.df, **more)

    def critical(self, level: float) -> float:
        """Upper ``1 - level`` quantile of W."""
        if self.df is None:
            return float(special.chdtri(self.q, 1 - level))
        return float(special.fdtri(self.q, self.df, level)) / self.scale


def reference(cov: Covariance, moments: Moments, positions: slice) -> Reference:
    """Reference distribution of the Wald test that coefficients ``positions`` are zero."""
    R = np.eye(moments.k)[positions]
    q = len(R)
    contrast = getattr(cov, "contrast_df", None)
    eta = None if contrast is None else contrast(moments, R)
    if eta is not None:  # Hotelling's T2 with Satterthwaite degrees of freedom
        df2 = float(eta) - q + 1
        return Reference(scale=df2 / (float(eta) * q), q=q, df=df2)
    df = quietly(cov, moments).df
    low = None if df is None else float(np.min(df))
    return Reference(scale=1.0 / q, q=q, df=None if low is None or np.isinf(low) else low)


def wald(value: FloatArray, cov: FloatArray) -> float:
    """``value' cov^-1 value``; nan where the covariance is singular."""
    if np.linalg.matrix_rank(cov, hermitian=True) < len(cov):
        return float("nan")
    return float(value @ np.linalg.solve(cov, value))
