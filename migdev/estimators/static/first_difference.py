"""First differences."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np

from migdev.covariance import CovarianceOption, Unadjusted
from migdev.errors import DroppedRowsWarning
from migdev.estimators.assembly import Equation, finish, r_squared, scaled, solve, total_ss
from migdev.estimators.specification import of_panel, settle
from migdev.estimators.static.linear import refuse_endogenous
from migdev.notes import warn
from migdev.options import held
from migdev.panel.design import Design
from migdev.panel.differences import GAP, Gaps, difference
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts


@dataclass(frozen=True, slots=True)
class FirstDifference:
    r"""Least squares on first differences, which take out entity effects.

    .. math:: y_{it} - y_{i,t-1} = (x_{it} - x_{i,t-1})'\beta + u_{it} - u_{i,t-1} \quad (1)

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``, in levels.
    gaps : {"skip", "consecutive-observations"}
        "skip" differences over one period only, so a gap costs two differences for one missing
        period. "consecutive-observations" takes each observation less the one before it, however
        long ago, as plm does; such differences mix spans.
    intercept : {"formula", "drop"}
        "formula": an intercept in the formula (there is one unless ``0 +``) is one of the
        differenced equation, that is a linear trend in levels, as in plm and in ``regress D.y
        D.x``. "drop": it is differenced away, as in linearmodels.
    weights : str, optional
        Column of analytic weights of the levels; a difference has weight
        :math:`1/(1/w_{it} + 1/w_{i,t-1})`.
    cov : Covariance
        Rows are placed at the later period.

    Notes
    -----
    Differences lost at the start of each entity are counted in ``dropped``; those lost to gaps,
    and entities lost whole, are warned of as well.

    Raises
    ------
    IdentificationError
        No two adjacent observations, or no more differences than coefficients.

    References
    ----------
    Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 2nd ed., section 10.6.
    """

    formula: str
    _: KW_ONLY
    gaps: Gaps = "skip"
    intercept: Literal["formula", "drop"] = "formula"
    weights: str | None = None
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        d = Design.build(self.formula, panel, weights=self.weights, requires=self.cov.requires())
        refuse_endogenous(d, "FirstDifference")
        before = d
        d, norms = difference(before, self.gaps, self.intercept)
        _warn(before, d)
        root = None if d.weights is None else np.sqrt(d.weights)
        equation = Equation(
            y=scaled(d.y, root), X=scaled(d.X, root), names=d.names, constant=d.holds_constant,
            norms=norms if root is None else norms * root.max(),
            why_absorbed="no variation over time",
        )  # fmt: skip
        moments, params, dropped, names = solve(equation, d)
        rss = float(moments.resid @ moments.resid)
        stats = {
            "r2": r_squared(rss, total_ss(d.y, d.weights, d.holds_constant)),
            "sigma": float(np.sqrt(rss / moments.df_resid)),
            "rss": rss,
        }
        return finish(
            Estimate, spec=self, cov=self.cov, design=d, scores=moments, names=names, params=params,
            method="First differences", stats=stats, dropped_columns=dropped,
            residual=moments.resid if root is None else moments.resid / root,
            stated=linear_facts("least squares", form="differences", removed=("entity",)),
        )  # fmt: skip


def _warn(before: Design, after: Design) -> None:
    """Tell of differences lost to gaps, and of entities lost whole."""
    gaps = after.dropped.get(GAP, 0)
    entities = int(before.entity.max() - after.entity.max())
    if gaps or entities:
        parts = [f"{gaps} rows have no observation in the period before"] if gaps else []
        parts += [f"{entities} entities have no two adjacent observations"] if entities else []
        warn(
            f"{before.formula!r}: {' and '.join(parts)}, and give no difference.",
            DroppedRowsWarning,
            stacklevel=3,
        )
