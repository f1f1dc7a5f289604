"""Seemingly unrelated regressions and three-stage least squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from migdev.covariance import CovarianceOption, Unadjusted, as_covariance
from migdev.engines.linearmodels import system_gls
from migdev.errors import ConvergenceWarning, SpecificationError
from migdev.estimators.assembly import finish, r_squared, total_ss
from migdev.estimators.specification import of_panel
from migdev.estimators.systems.estimate import SystemEstimate, SystemPart
from migdev.estimators.systems.sample import (
    System,
    across_entities,
    across_variables,
    named_equations,
    sample_of,
)
from migdev.kernels.sandwich.moments import UnitScores
from migdev.notes import warn
from migdev.options import held
from migdev.panel.design import SampleColumns
from migdev.protocols import Covariance, CovEstimate, Data
from migdev.results.facts import Facts
from migdev.results.statistic import TestStatistic, chi2_test

Equations: TypeAlias = str | Mapping[str, str] | Sequence[str] | tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SUR:
    r"""Seemingly unrelated regressions: equations whose errors are correlated within a row.

    .. math::
        y_i &= X_i\beta_i + u_i, \quad E(u_{it}u_{jt}) = \sigma_{ij} \quad (1) \\
        \hat\beta &= \{X'(\hat\Sigma^{-1}\otimes I)X\}^{-1}X'(\hat\Sigma^{-1}\otimes I)y \quad (2)

    with :math:`\hat\Sigma` from the residuals of least squares, equation by equation. Engine:
    linearmodels.

    Parameters
    ----------
    equations : mapping from name to formula, list of formulas, or one formula
        ``{"growth": "growth ~ remit + trade", "saving": "saving ~ remit + rate"}``: a row of the
        panel is an observation, and the rows that are complete in all equations are used. One
        formula makes an equation of each entity, whose observations are the periods that all have.
    debiased : bool
        :math:`\hat\sigma_{ij} = \hat u_i'\hat u_j/\sqrt{(n-k_i)(n-k_j)}` and tests by t(n - k_i),
        as systemfit; False divides by n and uses the normal distribution.
    iterate : bool
        Estimate :math:`\Sigma` again until coefficients settle: maximum likelihood under normal
        errors.
    cov : Covariance
        Default :class:`~migdev.Unadjusted`, the inverse in (2). Clustered covariances and those by
        period take the influence of rows: ``Clustered("entity^time")`` is White's. Where entities
        are the equations rows are periods: ``Clustered("time")``, ``DriscollKraay()``.

    Returns
    -------
    SystemEstimate
        Coefficients are called ``equation_term``, and ``fit.wald("growth_remit = saving_remit")``
        tests across equations. ``fit.equations`` holds each as an estimate, ``fit.correlation`` the
        correlation of their errors; ``stats`` McElroy's R², and Breusch and Pagan's test that the
        errors are uncorrelated.

    Warns
    -----
    DroppedRowsWarning
        Rows that are not complete in all equations, with the number of each.

    References
    ----------
    Zellner (1962), Journal of the American Statistical Association 57, 348-368. Breusch and Pagan
    (1980), Review of Economic Studies 47, 239-253. McElroy (1977), Journal of Econometrics 6,
    381-387.
    """

    equations: Equations
    _: KW_ONLY
    debiased: bool = True
    iterate: bool = False
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle_system(self)

    @of_panel
    def fit(self, panel: Data) -> SystemEstimate:
        system = read_system(self.equations, panel, self.cov)
        marked = [n for n, e in zip(system.names, system.kept, strict=True) if e.endog.shape[1]]
        if marked:
            raise SpecificationError(
                f"SUR has no instruments, but the equation {marked[0]!r} marks endogenous "
                "regressors in brackets. Use ThreeSLS, or drop the brackets."
            )
        return fit_system(self, system, "SUR", {"breusch_pagan": independence(system)})


@dataclass(frozen=True, slots=True)
class ThreeSLS:
    r"""Three-stage least squares: two-stage least squares of a system, weighted by the covariance
    of its errors.

    .. math::
        \hat\beta = \{\hat X'(\hat\Sigma^{-1}\otimes I)\hat X\}^{-1}
            \hat X'(\hat\Sigma^{-1}\otimes I)y, \qquad \hat X_i = P_{Z_i}X_i \quad (1)

    Engine: linearmodels.

    Parameters
    ----------
    equations, debiased, iterate, cov
        As in :class:`SUR`. Each formula marks its endogenous regressors and the instruments that it
        does not hold itself: ``{"demand": "q ~ income + [p ~ cost]", "supply": "q ~ cost + [p ~
        income]"}``.

    Raises
    ------
    IdentificationError
        The instruments of an equation do not identify its coefficients (named).

    References
    ----------
    Zellner and Theil (1962), Econometrica 30, 54-78.
    """

    equations: Equations
    _: KW_ONLY
    debiased: bool = True
    iterate: bool = False
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle_system(self)

    @of_panel
    def fit(self, panel: Data) -> SystemEstimate:
        return fit_system(self, read_system(self.equations, panel, self.cov), "3SLS")


def settle_system(spec: SUR | ThreeSLS) -> None:
    object.__setattr__(spec, "equations", named_equations(spec.equations))
    object.__setattr__(spec, "cov", as_covariance(spec.cov))


def read_system(equations: Equations, panel: Data, cov: Covariance) -> System:
    named = named_equations(equations)
    if isinstance(named, str):
        return across_entities(named, panel, cov.requires())
    return across_variables(named, panel, cov.requires())


def independence(system: System) -> TestStatistic:
    r"""Breusch and Pagan's :math:`n\sum_{i<j}r_{ij}^2`, from residuals of separate least squares.

    linearmodels takes the residuals of the second step, under which the statistic is not chi2.
    """
    bases = [np.linalg.qr(e.X)[0] for e in system.kept]
    resid = [e.y - Q @ (Q.T @ e.y) for e, Q in zip(system.kept, bases, strict=True)]
    U = np.array([u / np.sqrt(u @ u) for u in resid])
    r = (U @ U.T)[np.triu_indices(len(U), 1)]
    return chi2_test(
        "Breusch-Pagan", "errors of the equations are uncorrelated", U.shape[1] * float(r @ r),
        len(r),
    )  # fmt: skip


def fit_system(
    spec: SUR | ThreeSLS, system: System, method: str,
    tests: Mapping[str, TestStatistic] = MappingProxyType({}),
) -> SystemEstimate:  # fmt: skip
    fit = system_gls(system.kept, debiased=spec.debiased, iterate=spec.iterate)
    if not fit.converged:
        warn(
            f"{method}: coefficients still moved after 1000 steps.",
            ConvergenceWarning,
            stacklevel=3,
        )
    n = len(fit.resid)
    sizes = np.array([len(own) for own in system.terms])
    first = np.cumsum(sizes) - sizes
    scores = UnitScores(
        values=fit.influence, entity=system.entity, time=system.time, nobs=n,
        df_resid=float(fit.resid.size - sizes.sum()),
        columns=SampleColumns(system.sample.panel, system.designs[0].rows),
    )  # fmt: skip
    cov: Any = spec.cov
    if isinstance(cov, Unadjusted):
        cov = CovEstimate(
            cov=fit.cov, df=np.repeat(float(n) - sizes, sizes) if spec.debiased else None,
            description="classical (one covariance of errors for all rows)",
            convention="systemfit" if spec.debiased else "none",
        )  # fmt: skip
    parts = tuple(
        SystemPart(
            name=name, dependent=d.dependent, terms=own, first=int(start), residual=u, observed=d.y,
            sample=sample_of(d), r2=r_squared(float(u @ u), total_ss(d.y, None, d.holds_constant)),
        )
        for name, d, own, start, u in zip(
            system.names, system.designs, system.terms, first, fit.resid.T, strict=True
        )
    )  # fmt: skip
    labels, dependents = list(system.names), [d.dependent for d in system.designs]
    names = [f"{name}_{t}" for name, own in zip(labels, system.terms, strict=True) for t in own]
    return finish(
        SystemEstimate, spec=spec, design=system.sample, scores=scores, params=fit.params, cov=cov,
        names=names, method=method, dependent=", ".join(dict.fromkeys(dependents)),
        residual=None, parts=parts, sigma=pd.DataFrame(fit.sigma, index=labels, columns=labels),
        stats={"r2_mcelroy": fit.mcelroy, **tests},
        stated=Facts(
            principle="other", absorbed=(), engines=("linearmodels",),
            labels={"r2_mcelroy": "R², McElroy"},
        ),
    )  # fmt: skip
