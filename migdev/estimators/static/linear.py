"""Pooled OLS and fixed effects."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np

from migdev.covariance import CovarianceOption, Unadjusted
from migdev.errors import SingletonWarning, SpecificationError
from migdev.estimators.assembly import (
    Equation,
    finish,
    r_squared,
    root_weights,
    scaled,
    solve,
    total_ss,
)
from migdev.estimators.specification import Effects, of_panel, require_effects, settle
from migdev.kernels.absorb.absorber import Absorber, singletons
from migdev.kernels.arrays.blocked_products import dot
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray
from migdev.notes import warn
from migdev.options import held
from migdev.panel.design import Design
from migdev.panel.sample import refuse_identities
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts

Singletons = Literal["drop", "keep"]


@dataclass(frozen=True, slots=True)
class PooledOLS:
    r"""Ordinary (or weighted) least squares on the stacked panel.

    .. math:: \hat\beta = (X'WX)^{-1} X'Wy \quad (1)

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``; an intercept is included unless ``0 +`` or ``- 1`` says not.
    weights : str, optional
        Column of analytic weights (inverse variances up to scale).
    cov : Covariance
        Default :class:`~migdev.Unadjusted`.

    Raises
    ------
    FormulaError, IdentificationError
        See :meth:`migdev.Design.build`; also when there are no more rows than
        coefficients.
    """

    formula: str
    _: KW_ONLY
    weights: str | None = None
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        d = Design.build(self.formula, panel, weights=self.weights, requires=self.cov.requires())
        refuse_endogenous(d, "PooledOLS")
        root, constant = root_weights(d), d.holds_constant
        equation = Equation(
            y=scaled(d.y, root), X=scaled(d.X, root), names=d.names, constant=constant
        )
        moments, params, dropped, names = solve(equation, d)
        rss = dot(moments.resid, moments.resid)
        r2 = r_squared(rss, total_ss(d.y, d.weights, constant))
        stats = {
            "r2": r2,
            "r2_adjusted": 1 - (1 - r2) * (d.nobs - constant) / (d.nobs - len(params)),
            "sigma": float(np.sqrt(rss / moments.df_resid)),
            "rss": rss,
        }
        residual = moments.resid if root is None else moments.resid / root
        return finish(
            Estimate, spec=self, cov=self.cov, design=d, scores=moments, names=names, params=params,
            method="Pooled OLS", stats=stats, dropped_columns=dropped, residual=residual,
            stated=linear_facts("least squares", ()),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FixedEffects:
    r"""Least squares with any number of absorbed factors.

    .. math::
        y_{it} &= x_{it}'\beta + \textstyle\sum_f \alpha^f_{g_f(it)} + u_{it} \quad (1) \\
        \hat\beta &= (\tilde X'W\tilde X)^{-1}\tilde X'W\tilde y \quad (2)

    where a tilde marks residuals from the (weighted) projection on the dummies of all factors
    (Frisch-Waugh-Lovell). Engine: ``migdev.kernels.absorb.absorber``: direct, without iteration or
    tolerance, unless three or more effects, or two, tie many thousand levels densely together. The
    degrees of freedom count the exact rank of the dummies; where three or more such effects make
    it out of reach, redundant levels are counted by pairs of effects (as reghdfe does).

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``; the effects take the intercept.
    effects : tuple of str
        ``"entity"``, ``"time"``, any column, or products such as ``"region^time"``.
    weights : str, optional
        Column of analytic weights.
    singletons : {"drop", "keep"}
        Groups of one observation fit exactly and overstate the number of clusters; "drop" (as
        reghdfe) removes them, again and again until none is left, and reports it.
    cov : Covariance

    Raises
    ------
    IdentificationError
        Every regressor is absorbed by the effects, or no residual degree of freedom is left.

    References
    ----------
    Correia (2017), Linear models with high-dimensional fixed effects: an efficient and feasible
    estimator, working paper. Baltagi (2021), Econometric Analysis of Panel Data, 6th ed., ch. 2-3.
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(("entity",))
    weights: str | None = None
    singletons: Singletons = "drop"
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        require_effects(self.effects)

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        d = Design.build(
            self.formula, panel, weights=self.weights, intercept=False,
            requires=(*self.effects, *self.cov.requires()),
        )  # fmt: skip
        refuse_endogenous(d, "FixedEffects")
        d, groups = factors_of(d, self.effects, self.singletons)
        effects, norms = d.roles(self.effects), column_norms(d.X, d.weights)
        # The design is this fit's own: its regressors become residuals where they are.
        X, y = own_columns(d.X), d.y.copy()
        columns = [y, *(X[:, j] for j in range(X.shape[1]))]
        within = Absorber.build(groups, d.weights).sweep(columns, X)
        root = root_weights(d)
        equation = Equation(
            y=scaled(y, root), X=scaled(X, root), names=d.names, norms=norms,
            factors=tuple(g.codes for g in groups), factor_names=effects,
            df_absorbed=within.rank,
            why_absorbed=f"absorbed by the effects {', '.join(effects)}",
        )  # fmt: skip
        moments, params, dropped, names = solve(equation, d)
        rss = dot(moments.resid, moments.resid)
        tss = dot(equation.y, equation.y)
        if rss <= 1e-18 * tss:
            within_effects = f" within the effects {', '.join(effects)}"
            refuse_identities(
                d.formula, equation.y, d.dependent, equation.X, d.names, within_effects
            )
        stats = {
            "r2_within": r_squared(rss, tss),
            "r2": r_squared(rss, total_ss(d.y, d.weights)),
            "sigma": float(np.sqrt(rss / moments.df_resid)),
            "rss": rss,
        }
        return finish(
            Estimate, spec=self, cov=self.cov, design=d, scores=moments, names=names, params=params,
            method="Fixed effects", stats=stats, dropped_columns=dropped,
            residual=moments.resid if root is None else moments.resid / root,
            stated=linear_facts("least squares", effects),
        )  # fmt: skip


def factors_of(
    design: Design, effects: tuple[str, ...], singletons: str
) -> tuple[Design, tuple[Groups, ...]]:
    """The absorbed factors, and the design without groups of one row if these are to drop."""
    groups = tuple(Groups.from_codes(design.codes(name)) for name in effects)
    if singletons == "drop" and any(bool((g.counts == 1).any()) for g in groups):
        design = drop_singletons(design, effects)
        groups = tuple(Groups.from_codes(design.codes(name)) for name in effects)
    return design, groups


def column_norms(X: FloatArray, weights: FloatArray | None) -> FloatArray:
    """(k,) lengths of the columns, in the metric of the weights."""
    squares = [dot(x, x if weights is None else weights * x) for x in X.T]
    norms: FloatArray = np.sqrt(np.array(squares))
    return norms


def own_columns(X: FloatArray) -> FloatArray:
    """X in Fortran order, and free to be written to."""
    if X.flags.f_contiguous and X.flags.writeable:
        return X
    return np.array(X, order="F")


def drop_singletons(design: Design, effects: tuple[str, ...]) -> Design:
    """The design without groups of one observation, with a SingletonWarning."""
    single = singletons([design.codes(name) for name in effects])
    if not single.any():
        return design
    warn(
        f"{design.formula!r}: {int(single.sum())} rows are alone in their group of "
        f"{' or '.join(effects)} and are left out (singletons='keep' would keep them).",
        SingletonWarning,
        stacklevel=4,
    )
    return design.keep(~single, f"singletons of {', '.join(effects)}")


def refuse_endogenous(design: Design, estimator: str) -> None:
    if design.endog_names:
        raise SpecificationError(
            f"{estimator} has no instruments, but {design.formula!r} marks "
            f"{', '.join(design.endog_names)} as endogenous. Use IV2SLS, or drop the brackets."
        )
