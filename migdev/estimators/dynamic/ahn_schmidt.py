"""Ahn and Schmidt's non-linear moments for dynamic panels."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np

from migdev.errors import (
    ConvergenceWarning,
    CovarianceWarning,
    IdentificationError,
    ManyInstrumentsWarning,
)
from migdev.estimators.assembly import finish
from migdev.estimators.dynamic.gmm.difference_system import DifferenceGMM, Weight
from migdev.estimators.dynamic.gmm.fit import chosen_instruments
from migdev.estimators.dynamic.gmm.styles import GMMStyles, IVStyles
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.kernels.dynamic.instruments import cross
from migdev.kernels.dynamic.nonlinear import build, minimise, moment_covariance
from migdev.kernels.dynamic.solve import NotIdentified, solve
from migdev.notes import warn
from migdev.options import held
from migdev.protocols import CovEstimate, Data
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts
from migdev.results.statistic import chi2_test


@dataclass(frozen=True, slots=True)
class AhnSchmidt:
    r"""Difference GMM with the quadratic moments of Ahn and Schmidt (1995), eq. (4).

    .. math:: E[u_{iL}\,\Delta u_{it}] = 0, \qquad t < L, \quad u_{it} = y_{it} - x_{it}'\beta
        \quad (1)

    They follow from errors without serial correlation, ask nothing of the initial conditions, and
    keep their strength where y is persistent and the linear moments of the differenced equation
    are weak. L is the last period of the entity that a difference uses. Two steps: the linear
    one-step estimate makes the weight, Gauss-Newton finds the minimum.

    Parameters
    ----------
    formula, gmm, iv, effects, weight
        As in :class:`~migdev.DifferenceGMM`; the linear moments must identify
        the coefficients for the first step.
    collapse : bool
        One quadratic moment, summed over t, instead of one for each t.
    steps : {2, 1}
        1 stops at the first minimum, weighted by the linear one-step estimate; 2 makes the weight
        anew from it.

    Notes
    -----
    The covariance is the sandwich :math:`(G'WG)^{-1}G'W\hat SWG(G'WG)^{-1}` at the estimate,
    clustered by entity, without a finite-sample correction.

    Raises
    ------
    IdentificationError
        As :class:`~migdev.DifferenceGMM`; also when no entity has three
        consecutive complete periods, so that (1) is empty.

    References
    ----------
    Ahn and Schmidt (1995), Journal of Econometrics 68, 5-27. Kripfganz (2019), Generalized method
    of moments estimation of linear dynamic panel-data models, London Stata Conference.
    """

    #: Class of design, for verdicts.
    design: ClassVar[str] = "internal instruments"

    formula: str
    _: KW_ONLY
    gmm: GMMStyles = held(())
    iv: IVStyles = held(())
    effects: Effects = held(())
    weight: Weight = "h3"
    collapse: bool = False
    steps: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        settle(self)
        plain = self._plain()
        for name in ("gmm", "iv"):
            object.__setattr__(self, name, getattr(plain, name))

    def _plain(self) -> DifferenceGMM:
        return DifferenceGMM(
            formula=self.formula, gmm=self.gmm, iv=self.iv, effects=self.effects,
            weight=self.weight,
        )  # fmt: skip

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        """Estimate on a panel."""
        spec = self._plain()
        problem = spec.problem(panel)
        stack, names = problem.stack, problem.names
        basis = chosen_instruments(spec, problem)
        z, linear = basis.z, basis.weight
        try:
            start = solve(cross(z, stack.X), cross(z, stack.y), linear).params
        except NotIdentified:
            raise IdentificationError(
                f"{self.formula!r}: the linear moments do not identify the {len(names)} "
                "coefficients. Name more instruments in gmm= or iv=."
            ) from None
        model = build(z, stack, problem.levels, self.collapse)
        if not model.dy.any():
            raise IdentificationError(
                f"{self.formula!r}: no entity has three consecutive complete periods, so there are "
                "no quadratic moments. Use DifferenceGMM."
            )
        weight = moment_covariance(model, start)
        found = minimise(model, start, weight)
        if self.steps == 2:
            weight = moment_covariance(model, found.params)
            found = minimise(model, found.params, weight)
        gradient, N = model.gradient(found.params), stack.y.shape[1]
        count = len(gradient)
        if count > N:
            warn(
                f"{self.formula!r}: {count} moments for {N} entities; use collapse=True.",
                ManyInstrumentsWarning,
                stacklevel=2,
            )
        if weight.singular:
            warn(
                f"{self.formula!r}: the moment covariance has rank {weight.rank} for {count} "
                "moments; a Moore-Penrose inverse stands in.",
                CovarianceWarning,
                stacklevel=2,
            )
        if not found.converged:
            warn(
                f"{self.formula!r}: Gauss-Newton stopped before its tolerance.",
                ConvergenceWarning,
                stacklevel=2,
            )
        if weight.rank < len(names):
            raise IdentificationError(
                f"{self.formula!r}: the moments of {N} entities do not identify {len(names)} "
                "coefficients. Use fewer regressors, or more entities."
            )
        W = weight.matrix
        bread = np.linalg.inv(gradient.T @ W @ gradient)
        psi = -(bread @ gradient.T @ W @ model.contributions(found.params)).T
        df = linear.rank + count - z.count - len(names)
        stats: dict[str, object] = {"n_moments": count}
        if df > 0:
            stats["hansen"] = chi2_test(
                "Hansen J", "all moments are valid", found.objective, df, alarm="reject"
            )
        u = stack.residuals(found.params)
        rows = problem.row[stack.period][stack.used]
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        return finish(
            Estimate, spec=self, design=problem.design, rows=rows, names=names,
            params=found.params, scores=psi[np.unique(problem.design.entity[rows])],
            method="Ahn-Schmidt GMM", df_resid=float(len(rows) - len(names)),
            cov=CovEstimate(
                cov=psi.T @ psi, df=None, description=f"robust, clusters: entity ({N} clusters)",
                clusters={"entity": N},
            ),
            stats=stats, dropped_columns=problem.dropped,
            residual=u[stack.used][order], observed=stack.y[stack.used][order],
            stated=linear_facts("other", self.effects, form="differences", removed=("entity",)),
        )  # fmt: skip
