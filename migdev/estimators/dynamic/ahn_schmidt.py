"""Ahn and Schmidt's non-linear moments for dynamic panels."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from migdev.errors import (
    ConvergenceWarning,
    CovarianceWarning,
    IdentificationError,
    ManyInstrumentsWarning,
    ResultError,
)
from migdev.estimators.assembly import finish
from migdev.estimators.dynamic.gmm.difference_system import DifferenceGMM, Weight
from migdev.estimators.dynamic.gmm.fit import chosen_instruments
from migdev.estimators.dynamic.gmm.problem import Problem
from migdev.estimators.dynamic.gmm.styles import GMMStyles, IVStyles
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.identity import LATER
from migdev.kernels.arrays.draws import finite_draws
from migdev.kernels.arrays.gauss_newton import Minimum
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.conditioning import Basis
from migdev.kernels.dynamic.instruments import cross, scores
from migdev.kernels.dynamic.nonlinear import (
    Quadratic,
    build,
    influence,
    minimise,
    moment_covariance,
    starting_values,
)
from migdev.kernels.dynamic.nonlinear_draws import draw
from migdev.kernels.dynamic.solve import NotIdentified, Solution, solve
from migdev.kernels.dynamic.solve import Weight as MomentWeight
from migdev.notes import quiet, warn
from migdev.options import held
from migdev.protocols import CovEstimate, Data
from migdev.results.dynamics import lag_structure, nearest_persistence
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts
from migdev.results.inference import check_level
from migdev.results.sizes import caution
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
    constant : {"none", "moments"}
        ``"moments"``: ones of every period among the linear moments, as there, and a constant in
        the level :math:`u_{iL}` of (1). Without it the estimate depends on the level of y.
    collapse : bool
        One quadratic moment, summed over t, instead of one for each t.
    steps : {2, 1}
        1 stops at the first minimum, weighted by the linear one-step estimate; 2 makes the weight
        anew from it.
    cov : {"windmeijer", "robust"}
        Clustered by entity, with the drift of the weights (Windmeijer 2005), or the sandwich
        :math:`(G'WG)^{-1}G'W\hat SWG(G'WG)^{-1}` without it.

    Notes
    -----
    Searches start at the linear estimate and at others with the first lag of y between 0 and 0.99,
    and the lowest minimum counts.

    Intervals without the correction are far too short. For N of 100 and 200, T = 7 and all lags as
    instruments, those of 95% held the truth in 45% and 65% of 400 simulated samples where the lag
    of y is 0.8, with the correction in 85% and 89%, and the symmetric bootstrap of t
    (:meth:`AhnSchmidtEstimate.bootstrap`) in 96% and 94% of 200. Where it is 0.5: 80% and 89%,
    with the correction 95%.

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
    cov: Literal["windmeijer", "robust"] = field(default="windmeijer", metadata=LATER)
    constant: Literal["none", "moments"] = field(default="none", metadata=LATER)

    def __post_init__(self) -> None:
        settle(self, {"windmeijer": "windmeijer", "robust": "robust"})
        plain = self._plain()
        for name in ("gmm", "iv"):
            object.__setattr__(self, name, getattr(plain, name))

    def _plain(self) -> DifferenceGMM:
        return DifferenceGMM(
            formula=self.formula, gmm=self.gmm, iv=self.iv, effects=self.effects,
            weight=self.weight, constant=self.constant,
        )  # fmt: skip

    @of_panel
    def fit(self, panel: Data) -> AhnSchmidtEstimate:
        """Estimate on a panel."""
        parts = self._parts(panel)
        problem, stack, names = parts.problem, parts.problem.stack, parts.problem.names
        model, linear, start = parts.model, parts.basis.weight, parts.start
        own = lag_structure(names, problem.design.dependent).own.get(1)
        others = starting_values(model, linear, start.params, own)
        before, psi = start.params, parts.pull
        for step in range(self.steps):
            weight = moment_covariance(model, before)
            found = minimise(model, others if step == 0 else [before, *others], weight)
            psi = influence(model, found.params, weight, before, psi)
            before = found.params
        N, count = stack.y.shape[1], len(model.sums(found.params))
        self._warn(found, weight, N, len(names))
        if self.cov == "robust":
            reach = np.linalg.pinv(weight.root.T @ model.gradient(found.params)) @ weight.root.T
            psi = -(reach @ model.contributions(found.params)).T
        df = linear.rank + count - parts.basis.z.count - len(names)
        stats: dict[str, object] = {"n_moments": count}
        if df > 0:
            stats["hansen"] = chi2_test(
                "Hansen J", "all moments are valid", found.objective, df, alarm="reject"
            )
        u = stack.residuals(found.params)
        rows = problem.row[stack.period][stack.used]
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        text = "Windmeijer-corrected" if self.cov == "windmeijer" else "robust"
        return finish(
            AhnSchmidtEstimate, spec=self, design=problem.design, rows=rows, names=names,
            params=found.params, scores=psi[np.unique(problem.design.entity[rows])],
            method="Ahn-Schmidt GMM", df_resid=float(len(rows) - len(names)),
            cov=CovEstimate(
                cov=psi.T @ psi, df=None, description=f"{text}, clusters: entity ({N} clusters)",
                clusters={"entity": N},
            ),
            stats=stats, dropped_columns=problem.dropped,
            residual=u[stack.used][order], observed=stack.y[stack.used][order],
            stated=linear_facts(
                "other", self.effects, form="differences", removed=("entity",),
                caution=self._caution(problem, found.params, psi),
            ),
        )  # fmt: skip

    def bootstrap(
        self, panel: Data, params: FloatArray, draws: int, seed: int
    ) -> tuple[FloatArray, FloatArray]:
        """Estimates and standard errors (B, k) on samples of entities, moments recentred at
        ``params``; see :mod:`migdev.kernels.dynamic.nonlinear_draws`."""
        parts = self._parts(panel)
        N = parts.problem.stack.y.shape[1]
        counts = np.random.default_rng(seed).multinomial(N, np.full(N, 1.0 / N), size=draws)
        return draw(parts.model, parts.basis.weight, params, counts.astype(float), self.steps)

    def _parts(self, panel: Data) -> _Parts:
        spec = self._plain()
        problem = spec.problem(panel)
        stack, basis = problem.stack, chosen_instruments(spec, problem)
        try:
            start = solve(cross(basis.z, stack.X), cross(basis.z, stack.y), basis.weight)
        except NotIdentified:
            raise IdentificationError(
                f"{self.formula!r}: the linear moments do not identify the {len(problem.names)} "
                "coefficients. Name more instruments in gmm= or iv=."
            ) from None
        model = build(basis.z, stack, problem.levels, self.collapse, self.constant == "moments")
        if not model.dy.any():
            raise IdentificationError(
                f"{self.formula!r}: no entity has three consecutive complete periods, so there are "
                "no quadratic moments. Use DifferenceGMM."
            )
        pull = (start.influence @ scores(basis.z, stack.residuals(start.params))).T
        return _Parts(problem=problem, basis=basis, start=start, pull=pull, model=model)

    def _caution(self, problem: Problem, params: FloatArray, psi: FloatArray) -> str:
        if self.cov == "robust":
            return ""
        # The estimate falls short of a persistence that its interval holds.
        high = params + 1.96 * np.sqrt(np.square(psi).sum(axis=0))
        near = nearest_persistence(problem.names, problem.design.dependent, high)
        if near is None:
            return ""
        N = problem.stack.y.shape[1]
        # With one lag the first period is spent.
        T = problem.design.nobs / N + 1
        said = caution("cover", "Ahn-Schmidt GMM", N, T, f"persistence {near}")
        return f"{said} fit.bootstrap() gives intervals that keep their level better." * bool(said)

    def _warn(self, found: Minimum, weight: MomentWeight, N: int, k: int) -> None:
        count = len(weight.root)
        if count > N:
            warn(
                f"{self.formula!r}: {count} moments for {N} entities; use collapse=True.",
                ManyInstrumentsWarning,
                stacklevel=3,
            )
        if weight.singular:
            warn(
                f"{self.formula!r}: the moment covariance has rank {weight.rank} for {count} "
                "moments; a Moore-Penrose inverse stands in.",
                CovarianceWarning,
                stacklevel=3,
            )
        if not found.converged:
            warn(
                f"{self.formula!r}: Gauss-Newton stopped before its tolerance.",
                ConvergenceWarning,
                stacklevel=3,
            )
        if weight.rank < k:
            raise IdentificationError(
                f"{self.formula!r}: the moments of {N} entities do not identify {k} coefficients. "
                "Use fewer regressors, or more entities."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parts:
    """The moments of a panel and the linear first step; ``pull`` (N, k) is what entities add."""

    problem: Problem
    basis: Basis
    start: Solution
    pull: FloatArray
    model: Quadratic


@dataclass(frozen=True, kw_only=True, eq=False)
class AhnSchmidtEstimate(Estimate):
    """An :class:`~migdev.Estimate` by linear and quadratic moments."""

    def bootstrap(self, level: float = 0.95, *, draws: int = 399, seed: int = 0) -> pd.DataFrame:
        r"""Symmetric intervals :math:`\hat\theta \pm q\,\hat\sigma` with q the quantile of
        :math:`|\theta^* - \hat\theta|/\sigma^*` over samples of entities.

        They keep their level where y is persistent and the normal ones, even with Windmeijer's
        correction, are too short.

        Returns
        -------
        DataFrame, index ``term``
            ``estimate, std_error, critical, lower, upper, draws``.

        References
        ----------
        Hall and Horowitz (1996), Econometrica 64, 891-916.
        """
        check_level(level)
        if isinstance(draws, bool) or not isinstance(draws, int) or draws < 19:
            raise ResultError(f"draws={draws!r}; a number of samples, 19 or more.")
        if self.sample is None:
            raise ResultError(f"{self.method} keeps no sample to draw from.")
        with quiet():  # the fit has reported them
            base = (
                self.spec if self.spec.cov == "windmeijer" else replace(self.spec, cov="windmeijer")
            )
            fit = self if base is self.spec else base.fit(self.sample.panel)
            estimate = self.params.to_numpy(dtype=float)
            found, errors = base.bootstrap(self.sample.panel, estimate, draws, seed)
        t, _ = finite_draws(np.abs(found - estimate) / errors, "The bootstrap")
        sigma, q = fit.std_errors.to_numpy(dtype=float), np.quantile(t, level, axis=0)
        return pd.DataFrame(
            {
                "estimate": estimate, "std_error": sigma, "critical": q,
                "lower": estimate - q * sigma, "upper": estimate + q * sigma, "draws": len(t),
            },
            index=pd.Index(list(self.names), name="term"),
        )  # fmt: skip
