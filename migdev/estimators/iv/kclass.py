"""Instrumental variables with absorbed effects: two-stage least squares and LIML."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np

from migdev.covariance import (
    CovarianceOption,
    Unadjusted,
)
from migdev.errors import SpecificationError
from migdev.estimators.iv.equation import iv_equation
from migdev.estimators.iv.estimate import IVEstimate, iv_estimate
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.static.linear import Singletons
from migdev.kernels.iv.kclass import kclass, leverage_2sls, liml_kappa
from migdev.options import held
from migdev.protocols import Data


@dataclass(frozen=True, slots=True)
class IV2SLS:
    r"""Two-stage least squares, with any number of absorbed effects.

    .. math::
        y_{it} &= x_{1,it}'\beta_1 + x_{2,it}'\beta_2 + \textstyle\sum_f\alpha^f_{g_f(it)} + u_{it}
        \quad (1) \\
        \hat\beta &= (X'P_WX)^{-1}X'P_Wy, \qquad W = [X_1, Z] \quad (2)

    after y, X and Z have lost the effects (and been multiplied by the root of the weights). It is
    the estimator with one dummy per level of every effect, in the equation and in the first
    stages.

    Parameters
    ----------
    formula : str
        ``y ~ x + [d ~ z1 + z2]``: d is endogenous, z1 and z2 are excluded instruments, x is its
        own instrument. Internal instruments read ``[remit ~ L(remit, [1, 2])]``. Names of
        coefficients: exogenous regressors first, then endogenous ones.
    effects : tuple of str
        Absorbed factors, as in :class:`~migdev.FixedEffects`; they take the
        intercept. None by default.
    weights : str, optional
        Column of analytic weights.
    singletons : {"drop", "keep"}
        Groups of one observation in an effect.
    cov : Covariance
        Also the covariance of the first stages and of every robust statistic.

    Raises
    ------
    IdentificationError
        Fewer instruments than endogenous regressors, a first stage of deficient rank, or no more
        rows than instruments.

    Warns
    -----
    WeakInstrumentsWarning
        One endogenous regressor: the effective F is below its simplified 5% critical value for a
        worst-case bias of 10% (Montiel Olea and Pflueger 2013). Several: the smallest conditional
        F of Sanderson and Windmeijer (2016) is below 10.
    CollinearityWarning
        Columns or instruments were left out, or an endogenous regressor is a combination of the
        instruments and counts as exogenous.

    Notes
    -----
    Scores are :math:`\hat x_{it}\hat u_{it}` with :math:`\hat X = P_WX` and
    :math:`\hat u = y - X\hat\beta`. Leverage (HC2, HC3, CR2) is that of :math:`\hat X`, the second
    stage, as in clubSandwich and the R package ivreg; ``Robust("HC3", leverage="fitted")`` uses
    the diagonal of :math:`X(\hat X'\hat X)^{-1}\hat X'`, as AER with sandwich.

    References
    ----------
    Basmann (1957), Econometrica 25, 77-83. Theil (1953), mimeo, Central Planning Bureau. Baltagi
    (2021), Econometric Analysis of Panel Data, 6th ed., ch. 7.
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(())
    weights: str | None = None
    singletons: Singletons = "drop"
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)

    @of_panel
    def fit(self, panel: Data) -> IVEstimate:
        equation = iv_equation(self, panel)
        fit = kclass(equation.basis)
        moments = equation.moments(
            fit.projected, fit.resid, fit.bread, hat=leverage_2sls(fit, equation.basis)
        )
        return iv_estimate(self, equation, fit, moments, "2SLS", "tsls", self.cov)


@dataclass(frozen=True, slots=True)
class LIML:
    r"""Limited information maximum likelihood, Fuller's estimator, and other k-class estimators.

    .. math::
        \hat\beta &= [X'(I-\kappa M_W)X]^{-1}X'(I-\kappa M_W)y \quad (1) \\
        \hat\kappa_{LIML} &= \min_\gamma \frac{\gamma'\bar Y'M_{X_1}\bar Y\gamma}
            {\gamma'\bar Y'M_W\bar Y\gamma}, \quad \bar Y = [y, X_2] \quad (2) \\
        \hat\kappa_{Fuller} &= \hat\kappa_{LIML} - \frac{a}{n - l} \quad (3)

    with l the number of instruments, exogenous regressors and absorbed dummies among them.

    Parameters
    ----------
    formula, effects, weights, singletons, cov
        See :class:`IV2SLS`.
    fuller : float, optional
        Fuller's a: 1 is nearly unbiased, 4 has the least mean squared error.
    kappa : float, optional
        A given kappa: 0 is OLS, 1 is 2SLS.
    scores : {"projected", "kclass"}
        Scores of robust covariances: :math:`P_WX\hat u` (Stata's ivregress and ivreg2,
        linearmodels), or :math:`(I-\kappa M_W)X\hat u`, which sum to zero.

    Raises
    ------
    SpecificationError
        Both ``fuller`` and ``kappa`` are given.
    IdentificationError
        As for :class:`IV2SLS`; also when the instruments leave no residual variation.

    Warns
    -----
    WeakInstrumentsWarning, CollinearityWarning
        As for :class:`IV2SLS`.

    References
    ----------
    Anderson and Rubin (1949), Annals of Mathematical Statistics 20, 46-63. Fuller (1977),
    Econometrica 45, 939-953.
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(())
    weights: str | None = None
    singletons: Singletons = "drop"
    fuller: float | None = None
    kappa: float | None = None
    scores: Literal["projected", "kclass"] = "projected"
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        if self.fuller is not None and self.kappa is not None:
            raise SpecificationError(
                f"LIML takes fuller={self.fuller!r} or kappa={self.kappa!r}, not both: Fuller's "
                "parameter changes the LIML kappa."
            )
        if self.fuller is not None and not (np.isfinite(self.fuller) and self.fuller > 0):
            raise SpecificationError(f"fuller={self.fuller!r}; give a positive number, 1 or 4.")
        if self.kappa is not None and not np.isfinite(self.kappa):
            raise SpecificationError(f"kappa={self.kappa!r} is not a finite number.")

    @of_panel
    def fit(self, panel: Data) -> IVEstimate:
        equation = iv_equation(self, panel)
        basis = equation.basis
        method, table = "LIML", "liml"
        if self.kappa is not None:
            kappa, method, table = self.kappa, f"k-class ({self.kappa:g})", "tsls"
        else:
            kappa = liml_kappa(basis)
            if self.fuller is not None:
                kappa -= self.fuller / (len(basis.y) - basis.Q.shape[1] - equation.df_absorbed)
                method, table = f"Fuller ({self.fuller:g})", "fuller"
        fit = kclass(basis, kappa)
        X = fit.projected
        if self.scores == "kclass":
            X = X.copy()
            X[:, basis.k1 :] += (1 - kappa) * basis.V
        moments = equation.moments(X, fit.resid, fit.bread, homoskedastic=fit.bread)
        return iv_estimate(self, equation, fit, moments, method, table, self.cov, kappa=kappa)
