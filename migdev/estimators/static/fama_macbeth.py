"""Fama and MacBeth's averages of cross-section regressions."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from migdev.covariance import Clustered, CovarianceOption
from migdev.errors import DroppedRowsWarning, IdentificationError, listing
from migdev.estimators.assembly import finish
from migdev.estimators.specification import of_panel, settle
from migdev.estimators.static.linear import refuse_endogenous
from migdev.kernels.arrays.groups import level_codes
from migdev.kernels.arrays.types import BoolArray, IntArray
from migdev.kernels.heterogeneous.slopes import Slopes, entity_slopes
from migdev.kernels.sandwich.moments import UnitScores
from migdev.notes import warn
from migdev.options import held
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts


@dataclass(frozen=True, kw_only=True, eq=False)
class PeriodsEstimate(Estimate):
    """An average of the coefficients of periods.

    Attributes
    ----------
    by_period : DataFrame
        A row for each period: its coefficients, and its rows in ``nobs``.
    """

    by_period: pd.DataFrame = field(repr=False)


@dataclass(frozen=True, slots=True)
class FamaMacBeth:
    r"""Fama and MacBeth's two steps: least squares across entities in each period, then averages.

    .. math::
        \hat\beta = T^{-1}\textstyle\sum_t\hat\beta_t, \qquad
        \hat V = \{T(T-1)\}^{-1}\textstyle\sum_t(\hat\beta_t-\hat\beta)(\hat\beta_t-\hat\beta)'
        \quad (1)

    Shocks that entities share within a period do no harm to (1); effects that entities keep over
    time do, since they make the estimates of periods alike.

    Parameters
    ----------
    formula : str
    short : {"raise", "drop"}
        Periods with no more rows than coefficients, or with a collinear regression.
    cov : Covariance
        Default ``Clustered("time")``, which is (1), with t(T - 1); ``DriscollKraay()`` is Newey and
        West's for estimates that are correlated over time.

    Returns
    -------
    PeriodsEstimate
        ``by_period`` holds the coefficients of each period; ``stats`` the average R².

    References
    ----------
    Fama and MacBeth (1973), Journal of Political Economy 81, 607-636. Petersen (2009), Review of
    Financial Studies 22, 435-480.
    """

    formula: str
    _: KW_ONLY
    short: Literal["raise", "drop"] = "raise"
    cov: CovarianceOption = held(Clustered("time"))

    def __post_init__(self) -> None:
        settle(self)

    @of_panel
    def fit(self, panel: Data) -> PeriodsEstimate:
        d = Design.build(self.formula, panel, requires=self.cov.requires())
        refuse_endogenous(d, "FamaMacBeth")
        order, fit = by_period(d)
        usable = (fit.counts > d.X.shape[1]) & ~fit.dependent.any(axis=1)
        if not usable.all():
            d = self._without(d, usable)
            order, fit = by_period(d)
        T = len(fit.params)
        if T < 2:
            raise IdentificationError(
                f"{self.formula!r}: FamaMacBeth averages over periods and needs at least two."
            )
        mean = fit.params.mean(axis=0)
        y, first = d.y[order], np.cumsum(fit.counts) - fit.counts
        centred = y - np.repeat(np.add.reduceat(y, first) / fit.counts, fit.counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            r2 = 1 - fit.rss / np.add.reduceat(centred**2, first)
        times = d.time[order][first]
        scores = UnitScores(
            values=(fit.params - mean) / T, entity=np.zeros(T, dtype=np.int64), time=times,
            nobs=d.nobs, df_resid=float(T - 1),
        )  # fmt: skip
        labels = d.panel.calendar.labels(times)
        slopes = pd.DataFrame(fit.params, index=labels, columns=list(d.names))
        return finish(
            PeriodsEstimate, spec=self, design=d, scores=scores, names=d.names, params=mean,
            cov=self.cov, method="Fama-MacBeth", residual=d.y - d.X @ mean,
            stats={"r2_periods": float(r2.mean()), "periods_averaged": T},
            by_period=slopes.assign(nobs=fit.counts),
            stated=replace(
                linear_facts("averages"), labels={"r2_periods": "R², average of periods"}
            ),
        )  # fmt: skip

    def _without(self, d: Design, usable: BoolArray) -> Design:
        periods, code = np.unique(d.time, return_inverse=True)
        gone = [str(d.panel.calendar.label(int(t))) for t in periods[~usable]]
        message = (
            f"{self.formula!r}: {len(gone)} of {len(periods)} periods have no more rows than the "
            f"{d.X.shape[1]} coefficients, or a collinear regression: {listing(gone, 12)}"
        )
        if self.short == "raise" or not usable.any():
            raise IdentificationError(f"{message}. short='drop' leaves them out.")
        warn(f"{message}; they are left out.", DroppedRowsWarning, stacklevel=3)
        return d.keep(usable[code], "a period whose regression is not identified")


def by_period(d: Design) -> tuple[IntArray, Slopes]:
    """The order of rows by period, and the regression of each."""
    order = np.argsort(d.time, kind="stable")
    return order, entity_slopes(d.y[order], d.X[order], level_codes(d.time[order]))
