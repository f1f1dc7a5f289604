"""The result of an IV fit: an Estimate with first stages, tests and weak-instrument inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from migdev.covariance import CovarianceLike, as_covariance
from migdev.errors import CovarianceError, WeakInstrumentsWarning
from migdev.estimators.assembly import finish, r_squared, total_ss
from migdev.estimators.iv import anderson_rubin as ar
from migdev.estimators.iv import validity
from migdev.estimators.iv.anderson_rubin import ConfidenceSet
from migdev.estimators.iv.diagnostics import LazyStats, battery, strength_numbers
from migdev.estimators.iv.equation import IVEquation
from migdev.estimators.iv.problem import IVProblem
from migdev.estimators.iv.strength import weakness
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.gmm import GMMFit
from migdev.kernels.iv.kclass import KClass
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import warn
from migdev.protocols import Covariance
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts
from migdev.results.statistic import TestStatistic


@dataclass(frozen=True, kw_only=True, eq=False)
class IVEstimate(Estimate):
    """An :class:`~migdev.Estimate` by instrumental variables.

    Attributes
    ----------
    endogenous, instruments : tuple of str
        Endogenous regressors and excluded instruments, without those that were left out.
    numbers : mapping
        Numbers of the fit among :attr:`stats`, whatever the covariance.
    problem : IVProblem
        What the tests work on.
    """

    endogenous: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict, repr=False)
    problem: IVProblem = field(repr=False)
    raw: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)

    def with_cov(self, cov: CovarianceLike) -> Self:
        """The same estimate with another covariance, in its tests too, without refitting.

        Tests that belong to the weights of a GMM fit (Hansen's J) stay.
        """
        chosen = as_covariance(cov)
        new = super().with_cov(chosen)
        problem = replace(self.problem, cov=chosen)
        return replace(new, problem=problem, stats=_stats(self.numbers, problem))

    # ------------------------------------------------------------------ first stages

    @cached_property
    def first_stage(self) -> dict[str, Estimate]:
        """First-stage regressions by endogenous regressor, with the covariance of the fit."""
        coefficients = self.problem.basis.first_stage()
        return {
            name: self._auxiliary(
                name, coefficients[:, j], self.problem.basis.V[:, j], "First stage", self.raw[name]
            )
            for j, name in enumerate(self.endogenous)
        }

    @cached_property
    def reduced_form(self) -> Estimate:
        """The regression of the dependent variable on all instruments."""
        basis = self.problem.basis
        return self._auxiliary(
            self.dependent, basis.reduced_form(), basis.v, "Reduced form", self.observed
        )

    def _auxiliary(
        self,
        dependent: str,
        params: FloatArray,
        resid: FloatArray,
        method: str,
        observed: FloatArray | None,
    ) -> Estimate:
        problem = self.problem
        basis = problem.basis
        moments = problem.regression(basis.Q @ basis.R, basis.instrument_bread(), resid)
        root = None if moments.weights is None else np.sqrt(moments.weights)
        rss = float(resid @ resid)
        stats: dict[str, Any] = {
            "rss": rss, "sigma": float(np.sqrt(rss / moments.df_resid)),
        }  # fmt: skip
        if method == "First stage":
            name = dependent
            one = basis.p == 1
            key = "first_stage_f" if one else f"first_stage_f[{name}]"
            stats["first_stage_f"] = self.stats[key]
            stats["partial_r2"] = self.stats["partial_r2" if one else f"partial_r2[{name}]"]
        assert self.sample is not None
        return finish(
            Estimate, spec=self.spec, cov=problem.cov, design=self.sample, scores=moments,
            names=[*problem.exogenous, *problem.instruments], params=params, dependent=dependent,
            method=method, stats=stats, residual=resid if root is None else resid / root,
            observed=observed, stated=replace(self.stated, principle="least squares"),
        )  # fmt: skip

    # ------------------------------------------------------------------ tests with arguments

    def anderson_rubin(self, name: str | None = None, level: float = 0.95) -> ConfidenceSet:
        """Confidence set of the endogenous coefficient that holds its level with weak instruments;
        see :func:`migdev.estimators.iv.anderson_rubin.anderson_rubin_set`."""
        return ar.anderson_rubin_set(self.problem, name, level)

    def anderson_rubin_test(self, null: float | Mapping[str, float] = 0.0) -> TestStatistic:
        """Test of given endogenous coefficients; see
        :func:`migdev.estimators.iv.anderson_rubin.anderson_rubin`."""
        return ar.anderson_rubin(self.problem, null)

    def difference_in_j(self, instruments: str | Sequence[str]) -> TestStatistic:
        """Are these instruments valid, given the others? See
        :func:`migdev.estimators.iv.validity.difference_in_j`."""
        names = [instruments] if isinstance(instruments, str) else list(instruments)
        return validity.difference_in_j(self.problem, names)

    def endogeneity(self, regressors: str | Sequence[str] | None = None) -> TestStatistic:
        """C statistic: are some (default: all) endogenous regressors exogenous after all?"""
        return validity.endogeneity(self.problem, regressors)

    def durbin(self, regressors: str | Sequence[str] | None = None) -> TestStatistic:
        """Durbin's chi-square test that some (default: all) are exogenous."""
        return validity.durbin(self.problem, regressors)

    def wu_hausman(self, regressors: str | Sequence[str] | None = None) -> TestStatistic:
        """Wu and Hausman's F test that some (default: all) are exogenous."""
        return validity.wu_hausman(self.problem, regressors)


def iv_estimate(
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
    """The record of a fit; ``table`` names the critical values of Stock and Yogo."""
    d = equation.design
    problem = IVProblem(
        basis=equation.basis, moments=moments, cov=cov, resid=fit.resid,
        exogenous=equation.exogenous, endogenous=equation.endogenous,
        instruments=equation.instruments, table=table, S=S, weight=weight, j=j,
    )  # fmt: skip
    numbers = _numbers(equation, problem)
    if kappa is not None:
        numbers["kappa"] = kappa
    if iterations is not None:
        numbers["iterations"] = iterations
    _warn_if_weak(problem, spec.formula)
    raw = {name: d.endog[:, d.endog_names.index(name)] for name in equation.endogenous}
    return finish(
        IVEstimate, spec=spec, cov=cov, design=d, scores=moments, names=equation.names,
        params=fit.params, method=method, stats=_stats(numbers, problem),
        dropped_columns=equation.dropped,
        residual=fit.resid if equation.root is None else fit.resid / equation.root,
        stated=linear_facts("instruments", equation.effects),
        endogenous=equation.endogenous, instruments=equation.instruments,
        numbers=numbers, problem=problem, raw=raw,
    )  # fmt: skip


def _stats(numbers: Mapping[str, float], problem: IVProblem) -> LazyStats:
    gmm = problem.weight is not None
    return LazyStats(numbers, problem, battery(problem, gmm))


def _numbers(equation: IVEquation, problem: IVProblem) -> dict[str, float]:
    """R2, residual scale and first-stage shares of a fit; R2 may be negative."""
    d = equation.design
    total = total_ss(d.y, d.weights, bool(equation.factors) or d.holds_constant)
    rss = float(problem.resid @ problem.resid)
    out: dict[str, float] = {}
    if equation.factors:
        within = float(equation.basis.y @ equation.basis.y)
        out["r2_within"] = r_squared(rss, within)
    df = problem.moments.df_resid
    out |= {"r2": r_squared(rss, total), "sigma": float(np.sqrt(rss / df)), "rss": rss}
    return out | strength_numbers(problem)


def _warn_if_weak(problem: IVProblem, formula: str) -> None:
    """Warn by the rule of :func:`migdev.estimators.iv.strength.weakness`."""
    try:
        why = weakness(problem)
    except (CovarianceError, np.linalg.LinAlgError):
        return
    if why:
        warn(
            f"{formula!r}: weak instruments: {why}. Read the Anderson-Rubin test and set "
            "(.anderson_rubin()), or use LIML or Fuller.",
            WeakInstrumentsWarning,
            stacklevel=4,
        )
