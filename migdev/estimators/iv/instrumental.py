"""Instrumental variables with absorbed effects: two-stage least squares, LIML and GMM."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np

from migdev.covariance import (
    Clustered,
    CovarianceOption,
    DriscollKraay,
    NeweyWest,
    OptionalCovariance,
    Robust,
    Unadjusted,
)
from migdev.covariance.plain import plain
from migdev.errors import SpecificationError
from migdev.estimators.assembly import finish, total_ss
from migdev.estimators.iv.equation import IVEquation, iv_equation
from migdev.estimators.iv.estimate import IVEstimate, fit_numbers, iv_stats, warn_if_weak
from migdev.estimators.iv.problem import IVProblem, moment_cov
from migdev.estimators.specification import Effects, settle
from migdev.estimators.static.linear import Singletons
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.gmm import GMMFit, continuously_updated, gmm, gmm_bread
from migdev.kernels.iv.kclass import KClass, kclass, leverage_2sls, liml_kappa
from migdev.kernels.sandwich.moments import Moments
from migdev.options import held
from migdev.protocols import Covariance, Data
from migdev.results.facts import linear_facts

Weight = Literal["robust", "clustered", "unadjusted", "kernel"]


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

    def fit(self, panel: Data) -> IVEstimate:
        equation = _equation(self, panel, "IV2SLS")
        fit = kclass(equation.basis)
        moments = _moments(
            equation, fit.projected, fit.resid, fit.bread, hat=leverage_2sls(fit, equation.basis)
        )
        return _result(self, equation, fit, moments, "2SLS", "tsls", self.cov)


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

    def fit(self, panel: Data) -> IVEstimate:
        equation = _equation(self, panel, "LIML")
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
        moments = _moments(equation, X, fit.resid, fit.bread, homoskedastic=fit.bread)
        return _result(self, equation, fit, moments, method, table, self.cov, kappa=kappa)


@dataclass(frozen=True, slots=True)
class IVGMM:
    r"""Generalised method of moments with instruments, in one step to continuously updated.

    .. math::
        \hat\beta = \arg\min_\beta\; g(\beta)'\hat S^{-1}g(\beta), \qquad
        g(\beta) = \textstyle\sum_t w_t (y_t - x_t'\beta) \quad (1)

    with :math:`\hat S` the covariance of :math:`g` at the residuals of the step before (the first
    step is 2SLS), or at :math:`\beta` itself ("cue").

    Parameters
    ----------
    formula, effects, weights, singletons
        See :class:`IV2SLS`.
    weight : {"robust", "clustered", "unadjusted", "kernel"} or Covariance
        What :math:`\hat S` is robust to. "clustered" takes the groups of ``cov`` where that is
        Clustered, else the entities; "kernel" takes ``cov`` where it is NeweyWest or
        DriscollKraay, else NeweyWest() within entities. Small-sample factors play no part.
    steps : int or {"iterated", "cue"}
        1 (2SLS with the J of efficient weights), 2, more, or until convergence.
    center : bool
        Take the mean of the moments off before their covariance is formed ("unadjusted" weights
        are not of this form, and stay).
    cov : Covariance, optional
        Covariance of the coefficients, :math:`B\,C'\hat S^{-1}\hat M\hat S^{-1}C\,B` with
        :math:`C = W'X`; that of ``weight`` where not given.
    cov_at : {"final", "weights"}
        Residuals of :math:`\hat M`: the final ones (Stata's ivregress, linearmodels), or those
        behind the weights (ivreg2's gmm2s, where :math:`\hat M = \hat S` and the sandwich is
        :math:`(C'\hat S^{-1}C)^{-1}`). They differ in two steps, little in large samples.

    Raises
    ------
    IdentificationError
        As for :class:`IV2SLS`; also when :math:`\hat S` is singular (fewer clusters than moments).
    ConvergenceError
        Iterated or continuously updated GMM did not converge.

    Warns
    -----
    WeakInstrumentsWarning, CollinearityWarning
        As for :class:`IV2SLS`.

    References
    ----------
    Hansen (1982), Econometrica 50, 1029-1054. Hansen, Heaton and Yaron (1996), Journal of
    Business & Economic Statistics 14, 262-280. Hall (2000), Econometrica 68, 1517-1527 (centring).
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(())
    weights: str | None = None
    singletons: Singletons = "drop"
    weight: Weight | Covariance = "robust"
    steps: int | Literal["iterated", "cue"] = 2
    center: bool = False
    cov: OptionalCovariance = held(None)
    cov_at: Literal["final", "weights"] = "final"

    def __post_init__(self) -> None:
        settle(self)
        whole = isinstance(self.steps, int) and not isinstance(self.steps, bool)
        if not ((whole and int(self.steps) >= 1) or self.steps in ("iterated", "cue")):
            raise SpecificationError(
                f"steps={self.steps!r}; give a number of steps from 1 on, 'iterated' or 'cue'."
            )

    def weighting(self) -> Covariance:
        """The covariance that estimates :math:`S`, without small-sample factors."""
        if not isinstance(self.weight, str):
            return plain(self.weight)
        if self.weight == "unadjusted":
            return plain(Unadjusted())
        if self.weight == "clustered":
            return plain(self.cov if isinstance(self.cov, Clustered) else Clustered())
        if self.weight == "kernel":
            serial = isinstance(self.cov, NeweyWest | DriscollKraay)
            return plain(self.cov if serial and self.cov is not None else NeweyWest())
        return plain(Robust())

    def covariance(self) -> Covariance:
        """The covariance of the coefficients: ``cov``, or that of the weight."""
        if self.cov is not None:
            return self.cov
        if not isinstance(self.weight, str):
            return self.weight
        named: dict[str, Covariance] = {
            "unadjusted": Unadjusted(), "clustered": Clustered(), "kernel": NeweyWest(),
            "robust": Robust(),
        }  # fmt: skip
        return named[self.weight]

    def fit(self, panel: Data) -> IVEstimate:
        cov, weight = self.covariance(), self.weighting()
        equation = _equation(self, panel, "IVGMM", (*cov.requires(), *weight.requires()))
        basis = equation.basis
        rows = _moments(equation, basis.Q, basis.v, np.eye(basis.Q.shape[1]))

        center = self.center and not isinstance(weight, Unadjusted)

        def meat(resid: FloatArray) -> FloatArray:
            return moment_cov(rows, weight, basis.Q, resid, center)

        if self.steps == "cue":
            fit = continuously_updated(basis, meat, gmm(basis, meat, 2).params)
        else:
            fit = gmm(basis, meat, 0 if self.steps == "iterated" else int(self.steps))
        bread = gmm_bread(basis, fit)
        X = basis.Q @ fit.loading
        moments = _moments(
            equation, X, fit.resid if self.cov_at == "final" else fit.before, bread,
            homoskedastic=bread @ (fit.loading.T @ fit.loading) @ bread,
        )  # fmt: skip
        words = {"1": "one step", "2": "two-step", "cue": "continuously updated"}
        step = words.get(str(self.steps), str(self.steps))
        name = f"GMM ({step} steps)" if step.isdigit() else f"GMM ({step})"
        return _result(
            self, equation, fit, moments, name, "liml" if self.steps == "cue" else "tsls", cov,
            S=fit.S, j=fit.j, weight=weight, iterations=fit.iterations,
        )  # fmt: skip


# ---------------------------------------------------------------------- shared steps


def _equation(
    spec: Any, panel: Data, estimator: str, requires: tuple[str, ...] | None = None
) -> IVEquation:
    return iv_equation(
        spec.formula, panel, effects=spec.effects, weights=spec.weights,
        singletons=spec.singletons,
        requires=spec.cov.requires() if requires is None else requires, estimator=estimator,
    )  # fmt: skip


def _moments(
    equation: IVEquation, X: FloatArray, resid: FloatArray, bread: FloatArray, **more: Any
) -> Moments:
    d = equation.design
    return Moments(
        X=X, resid=resid, bread=bread, entity=d.entity, time=d.time, factors=equation.factors,
        factor_names=equation.effects, df_absorbed=equation.df_absorbed,
        constant=d.intercept or bool(equation.factors), weights=d.weights, columns=d.columns,
        **more,
    )  # fmt: skip


def _result(
    spec: Any,
    equation: IVEquation,
    fit: KClass | GMMFit,
    moments: Moments,
    method: str,
    table: str,
    cov: Covariance,
    *,
    kappa: float | None = None,
    S: FloatArray | None = None,
    j: float | None = None,
    weight: Covariance | None = None,
    iterations: int | None = None,
) -> IVEstimate:
    d = equation.design
    problem = IVProblem(
        basis=equation.basis, moments=moments, cov=cov, resid=fit.resid,
        exogenous=equation.exogenous, endogenous=equation.endogenous,
        instruments=equation.instruments, table=table, S=S, weight=weight, j=j,
    )  # fmt: skip
    total = total_ss(d.y, d.weights, d.intercept or bool(equation.factors))
    numbers = fit_numbers(equation, problem, total)
    if kappa is not None:
        numbers["kappa"] = kappa
    if iterations is not None:
        numbers["iterations"] = iterations
    warn_if_weak(problem, spec.formula)
    raw = {name: d.endog[:, d.endog_names.index(name)] for name in equation.endogenous}
    return finish(
        IVEstimate, spec=spec, cov=cov, design=d, scores=moments, names=equation.names,
        params=fit.params, method=method, stats=iv_stats(numbers, problem),
        dropped_columns=equation.dropped,
        residual=fit.resid if equation.root is None else fit.resid / equation.root,
        stated=linear_facts("instruments", equation.effects),
        endogenous=equation.endogenous, instruments=equation.instruments,
        numbers=numbers, problem=problem, raw=raw,
    )  # fmt: skip
