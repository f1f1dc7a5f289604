"""Bias-corrected method of moments for dynamic panels with fixed or random effects."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np

from migdev.errors import ConvergenceError, IdentificationError, SpecificationError, listing
from migdev.estimators.assembly import finish
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.static.linear import drop_singletons, refuse_endogenous
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.dynamic.bias_corrected import Root, solve_moments
from migdev.kernels.dynamic.bias_corrected_levels import first_weight, minimise
from migdev.kernels.dynamic.lsdvc import Batch, batches, within
from migdev.kernels.dynamic.solve import invert
from migdev.kernels.dynamic.stack import scatter
from migdev.kernels.threshold.search import demean
from migdev.options import held
from migdev.panel.design import Design
from migdev.panel.terms import evaluate_terms
from migdev.protocols import CovEstimate, Data
from migdev.results.dynamics import lag_structure
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts
from migdev.results.statistic import chi2_test


@dataclass(frozen=True, slots=True)
class BiasCorrectedMM:
    r"""Lags of y and effects of entities, the bias of the moment conditions removed exactly
    (Breitung, Kripfganz and Hayakawa 2022).

    .. math::
        \sum_i\Big[W_i'A_ie_i - \frac{e_i'A_ie_i}{T_i-1}\,b_i(\rho)\Big] = 0 \quad (1)

    with the terms of :mod:`migdev.kernels.dynamic.bias_corrected`. Strictly exogenous regressors,
    any lags of y, errors without serial correlation and of constant variance over time, which may
    differ between entities. It needs no instruments and, unlike a two-step correction, no first
    estimate.

    ``model="random"``: regressors unrelated to the effects of entities also satisfy

    .. math:: \sum_i\sum_t (x_{it}', 1)'(y_{it} - w_{it}'\theta - \mu) = 0 \quad (2)

    and (1) with (2) is estimated by GMM in two steps; Hansen's J tests the regressors' lack of
    correlation with the effects. Regressors that do not vary over time are then allowed.

    Parameters
    ----------
    formula : str
        ``y ~ L(y, [1, 2]) + x``.
    effects : tuple of str
        ``()`` or ``("time",)``; the effects of entities are always there.
    model : {"fixed", "random"}
    uncorrelated : str
        Terms of the formula in (2), where not all regressors are unrelated to the effects
        (the hybrid model of xtdpdbc): ``"x + z"``.
    steps : {2, 1}
        Of the random-effects GMM. The first weighs by the inverse of the block-diagonal products
        of the regressors, deviations in (1) and levels in (2).

    Notes
    -----
    The covariance is the sandwich, clustered by entity. Among several roots of (1) the one whose
    Jacobian has only eigenvalues with negative real parts is taken, as the authors advise; with
    random effects the search for the minimum starts there. Time effects enter (2) but, with random
    effects, not (1), where in a balanced panel they would say nothing new. In an unbalanced panel
    (2) gives every row the same weight.

    Raises
    ------
    SpecificationError
        No lag of the dependent variable, or ``uncorrelated`` names what is not in the formula.
    IdentificationError
        Regressors that repeat others, or do not vary within entities and are not in (2).
    ConvergenceError
        No such root.

    References
    ----------
    Breitung, Kripfganz and Hayakawa (2022), Econometrics and Statistics 24, 116-132.
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(())
    model: Literal["fixed", "random"] = "fixed"
    uncorrelated: str = ""
    steps: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        settle(self)
        if self.effects not in ((), ("time",)):
            raise SpecificationError(f"effects={self.effects!r}; use () or ('time',).")
        if self.uncorrelated and self.model == "fixed":
            raise SpecificationError(
                f"uncorrelated={self.uncorrelated!r} belongs to model='random'; fixed effects may "
                "be correlated with every regressor."
            )

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        """Estimate on a panel."""
        data = self._data(panel)
        fixed, random = self._roles(data, panel)
        if not random.any():
            return self._fixed(data)
        return self._random(data, fixed, random)

    def _data(self, panel: Data) -> _Data:
        design = Design.build(self.formula, panel, intercept=False)
        refuse_endogenous(design, "BiasCorrectedMM")
        design = drop_singletons(design, ("entity",))
        own = lag_structure(design.names, design.dependent).own
        if not own or min(own) < 1:
            raise SpecificationError(
                f"{self.formula!r} has no lag of {design.dependent} among its regressors."
            )
        lags = tuple(sorted(own))
        order = [own[lag] for lag in lags]
        order += [j for j in range(len(design.names)) if j not in order]
        period = design.time - int(design.time.min())
        columns, names = [design.X[:, order]], tuple(design.names[j] for j in order)
        if self.effects:
            present = np.unique(period)[1:]
            columns.append((period[:, None] == present[None, :]).astype(float))
            labels = panel.calendar.labels(present + int(design.time.min()))
            names = (*names, *(f"time[{label}]" for label in labels))
        if self.model == "random":
            columns.append(np.ones((design.nobs, 1)))
            names = (*names, "Intercept")
        X = np.concatenate(columns, axis=1)
        shape = (int(period.max()) + 1, int(design.entity.max()) + 1)
        complete = scatter(np.ones(design.nobs), design.entity, period, shape) > 0
        return _Data(
            design=design, X=X, names=names, regressors=len(order), lags=lags, shape=shape,
            period=period, complete=complete,
        )  # fmt: skip

    def _roles(self, data: _Data, panel: Data) -> tuple[BoolArray, BoolArray]:
        """Columns with a moment within entities (k,), and with one in levels (k,)."""
        X, names = data.X, data.names
        norms = np.sqrt(np.einsum("ij,ij->j", X, X))
        inside = independent_columns(demean(X, data.design.entity), norms)
        level = np.zeros(len(names), dtype=bool)
        if self.model == "random":
            level[len(data.lags) :] = True
            if self.uncorrelated:
                named = evaluate_terms(self.uncorrelated, panel)[1]
                regressors = names[len(data.lags) : data.regressors]
                strange = [n for n in named if n not in regressors]
                if strange:
                    raise SpecificationError(
                        f"uncorrelated={self.uncorrelated!r}: {listing(strange)} is not among the "
                        f"regressors of {self.formula!r} beside the lags of "
                        f"{data.design.dependent}: {listing(regressors)}."
                    )
                level[len(data.lags) : data.regressors] = [n in named for n in regressors]
            repeats = ~independent_columns(X, norms)
        else:
            repeats = np.zeros(len(names), dtype=bool)
        bad = repeats | ~(inside | level)
        if bad.any():
            lost = [n for n, b in zip(names, bad, strict=True) if b]
            raise IdentificationError(
                f"{self.formula!r}: {', '.join(lost)} do not vary within entities, or repeat other "
                "columns. Leave them out."
            )
        if self.model == "random":
            inside[data.regressors :] = False
        return inside, level

    def _fixed(self, data: _Data) -> Estimate:
        groups = data.groups(np.ones(len(data.names), dtype=bool))
        root = self._root(groups, data)
        resid = demean(data.design.y - data.X @ root.params, data.design.entity)
        stats = {"lsdv": float(within(groups).params[0])}
        return self._estimate(data, root.params, root.influence, resid, resid, stats)

    def _random(self, data: _Data, inside: BoolArray, level: BoolArray) -> Estimate:
        design = data.design
        varying = independent_columns(
            demean(data.X, design.entity), np.sqrt(np.einsum("ij,ij->j", data.X, data.X))
        )
        start = np.zeros(len(data.names))
        start[varying] = self._root(data.groups(varying), data).params
        rest = design.y - data.X @ start
        fixed = data.X[:, ~varying]
        size = np.linalg.norm(fixed, axis=0)
        start[~varying] = np.linalg.lstsq(fixed / size, rest, rcond=None)[0] / size
        groups = data.groups(np.ones(len(data.names), dtype=bool))
        found = minimise(groups, start, data.lags, inside, level,
                         first_weight(groups, inside, level))  # fmt: skip
        weight = invert(found.contributions.T @ found.contributions)
        if weight.rank < len(data.names):
            raise IdentificationError(
                f"{self.formula!r}: the moments of {data.shape[1]} entities do not identify "
                f"{len(data.names)} coefficients. Use fewer regressors, or more entities."
            )
        second = minimise(groups, found.params, data.lags, inside, level, weight)
        if self.steps == 2:
            found = second
        if not (found.converged and second.converged):
            raise ConvergenceError(
                f"{self.formula!r}: the moments with random effects have no minimum near the "
                "estimate with fixed effects. Use model='fixed'."
            )
        resid = design.y - data.X @ found.params
        stats: dict[str, Any] = {}
        df = weight.rank - len(data.names)
        if df > 0:
            stats["hansen"] = chi2_test(
                "Hansen J", "regressors are unrelated to the effects of entities",
                second.objective, df, alarm="reject",
            )  # fmt: skip
        return self._estimate(
            data, found.params, found.influence, resid, demean(resid, design.entity), stats
        )

    def _root(self, groups: list[Batch], data: _Data) -> Root:
        root = solve_moments(groups, data.lags)
        if not root.converged:
            raise ConvergenceError(
                f"{self.formula!r}: the corrected moments have no root of the right kind near "
                "plausible persistence. The series may have a unit root, or too few periods."
            )
        return root

    def _estimate(
        self, data: _Data, params: FloatArray, psi: FloatArray, resid: FloatArray,
        inner: FloatArray, stats: dict[str, Any],
    ) -> Estimate:  # fmt: skip
        design, N = data.design, data.shape[1]
        df = design.nobs - N - (len(data.names) - (self.model == "random"))
        method = "Bias-corrected method of moments"
        return finish(
            Estimate, spec=self, design=design, scores=psi, names=data.names, params=params,
            method=method if self.model == "fixed" else f"{method}, random effects",
            df_resid=float(df),
            cov=CovEstimate(
                cov=psi.T @ psi, df=None, description=f"clustered by entity ({N} clusters)",
                clusters={"entity": N},
            ),
            stats={"sigma": float(np.sqrt(inner @ inner / df)), **stats},
            residual=resid,
            stated=linear_facts("other", self.effects, random=("entity",))
            if self.model == "random"
            else linear_facts("other", ("entity", *self.effects)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Data:
    """Columns of an equation: lags of y, regressors, time effects, and a constant where levels
    are used."""

    design: Design
    X: FloatArray
    names: tuple[str, ...]
    regressors: int
    lags: tuple[int, ...]
    shape: tuple[int, int]
    period: IntArray
    complete: BoolArray

    def groups(self, columns: BoolArray) -> list[Batch]:
        """Entities by pattern of periods, with some of the columns (k,)."""
        entity = self.design.entity
        return batches(
            scatter(self.X[:, columns], entity, self.period, self.shape),
            scatter(self.design.y, entity, self.period, self.shape), self.complete,
        )  # fmt: skip
