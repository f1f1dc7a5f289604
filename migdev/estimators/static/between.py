"""The between estimator: least squares on group means."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace

import numpy as np
import pandas as pd

from migdev.covariance import CovarianceOption, Unadjusted
from migdev.errors import ResultError, SpecificationError
from migdev.estimators.assembly import Equation, finish, r_squared, scaled, solve, total_ss
from migdev.estimators.specification import Effects, of_panel, settle
from migdev.estimators.static.linear import refuse_endogenous
from migdev.kernels.arrays.groups import group_means, group_sums
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.options import held
from migdev.panel.design import Design, UnitColumns
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts


@dataclass(frozen=True, kw_only=True, eq=False)
class BetweenEstimate(Estimate):
    """An estimate on means: residuals and fitted values go by group.

    Attributes
    ----------
    groups : Index
        Entities, or periods.
    """

    groups: pd.Index | None = field(default=None, repr=False)

    def _by_row(self, values: FloatArray | None, name: str) -> pd.Series:
        if values is None or self.groups is None:
            raise ResultError(f"{self.method} keeps no {name}.")
        return pd.Series(values, index=self.groups, name=name)


@dataclass(frozen=True, slots=True)
class Between:
    r"""Least squares on the means of entities, or of periods.

    .. math::
        \bar y_i = \bar x_i'\beta + \bar u_i, \quad
        \hat\beta = (\textstyle\sum_i \omega_i \bar x_i \bar x_i')^{-1}
        \textstyle\sum_i \omega_i \bar x_i \bar y_i \quad (1)

    with :math:`\omega_i = 1`, or :math:`T_i` where ``weighted``. The number of observations is
    the number of groups.

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``.
    effects : tuple of str
        ``("entity",)`` for means over time, ``("time",)`` for means over entities.
    weighted : bool
        Weight each mean by the number of its observations (Stata's ``xtreg, be wls``; the
        ``reweight`` of linearmodels). By default means count alike, as in plm.
    weights : str, optional
        Column of analytic weights: means are weighted, and each counts by its total weight.
    cov : Covariance
        Groups are the observations; a column it clusters by must be constant within them.

    Raises
    ------
    IdentificationError
        No more groups than coefficients.

    References
    ----------
    Baltagi (2021), Econometric Analysis of Panel Data, 6th ed., section 2.3.
    """

    formula: str
    _: KW_ONLY
    effects: Effects = held(("entity",))
    weighted: bool = False
    weights: str | None = None
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        if self.effects not in (("entity",), ("time",)):
            raise SpecificationError(
                f"effects={self.effects!r}: Between takes means by ('entity',) or by ('time',), as "
                "the keys of every panel are called."
            )

    @of_panel
    def fit(self, panel: Data) -> BetweenEstimate:
        d = Design.build(self.formula, panel, weights=self.weights, requires=self.cov.requires())
        refuse_endogenous(d, "Between")
        (by,) = self.effects
        codes = d.codes(by)
        y, X = group_means(d.y, codes, d.weights), group_means(d.X, codes, d.weights)
        mass = None
        if d.weights is not None:
            mass = group_sums(d.weights, codes)
        elif self.weighted:
            mass = np.bincount(codes).astype(float)
        root = None if mass is None else np.sqrt(mass)
        # A column that varies within groups only has means of rounding error.
        norms = np.sqrt(group_sums(d.X**2, codes).sum(axis=0) * len(y) / d.nobs)
        equation = Equation(
            y=scaled(y, root), X=scaled(X, root), names=d.names, constant=d.holds_constant,
            norms=norms if mass is None or root is None else norms * root.max(),
            why_absorbed=f"no variation between the means by {by}",
        )  # fmt: skip
        collapsed = collapse(d, codes, by, y, X, mass)
        moments, params, dropped, names = solve(equation, collapsed)
        moments = replace(moments, columns=UnitColumns(d.columns, codes))
        rss = float(moments.resid @ moments.resid)
        residual = y - X[:, [d.names.index(name) for name in names]] @ params
        groups = (
            panel.entities[panel.entity_codes[collapsed.rows]]
            if by == "entity"
            else panel.calendar.labels(np.unique(d.time))
        )
        stats = {
            "r2": r_squared(rss, total_ss(y, mass, d.holds_constant)),
            "sigma": float(np.sqrt(rss / moments.df_resid)),
            "rss": rss,
        }
        return finish(
            BetweenEstimate, spec=self, cov=self.cov, design=d, scores=moments, names=names,
            params=params, method="Between", stats=stats, dropped_columns=dropped,
            residual=residual, observed=y, stated=linear_facts("least squares", form="means"),
            groups=groups.rename(getattr(panel, by)),
        )  # fmt: skip


def collapse(
    d: Design, codes: IntArray, by: str, y: FloatArray, X: FloatArray, mass: FloatArray | None
) -> Design:
    """The design with one row per group; ``rows`` are the first of each."""
    first = np.unique(codes, return_index=True)[1]
    here = np.zeros(len(first), dtype=np.int64)
    return replace(
        d, y=y, X=X, weights=mass, rows=d.rows[first], endog=d.endog[first],
        instruments=d.instruments[first],
        entity=np.arange(len(first)) if by == "entity" else here,
        time=here if by == "entity" else d.time[first],
    )  # fmt: skip
