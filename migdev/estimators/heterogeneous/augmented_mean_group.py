"""The augmented mean group: entities' own slopes beside an estimated common process."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from migdev.errors import (
    IdentificationError,
)
from migdev.estimators.heterogeneous.entity_regressions import (
    Inference,
    RobustMean,
    Short,
    build,
    fit_stats,
    identified,
    long_enough,
    record_average,
    trend,
)
from migdev.estimators.specification import of_panel, settle
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.averages import average
from migdev.kernels.heterogeneous.cce import common_process
from migdev.kernels.heterogeneous.slopes import (
    Slopes,
    entity_slopes,
)
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.heterogeneous import HeterogeneousEstimate


@dataclass(frozen=True, slots=True)
class AugmentedMeanGroup:
    r"""Mean group with an estimated common dynamic process.

    A pooled regression in first differences with period dummies gives the process, which then
    enters each entity's regression:

    .. math::
        \Delta y_{it} &= \Delta x_{it}'b + \textstyle\sum_{s\ge2} c_s\,\Delta D_{st} + e_{it},
            \qquad \hat\mu_t = \hat c_t,\ \hat\mu_1 = 0 \quad (1) \\
        y_{it} &= a_i + x_{it}'\beta_i + d_i\hat\mu_t + [g_i t] + u_{it} \quad (2)

    and the :math:`\hat\beta_i` are averaged.

    Parameters
    ----------
    formula : str
    trend : bool
        Give each entity its own linear trend.
    impose : bool
        Set :math:`d_i = 1`: subtract the process from the dependent variable.
    robust : False, "huber" or "biweight"
        As in :class:`MeanGroup`; xtmg's ``robust``.
    short, inference
        As in :class:`MeanGroup`.

    Raises
    ------
    IdentificationError
        As :class:`MeanGroup`; also where no entity is observed in a period and the one before it,
        so that the process breaks.

    References
    ----------
    Eberhardt and Teal (2010), Oxford Department of Economics Discussion Paper 515. Bond and
    Eberhardt (2013), Accounting for unobserved heterogeneity in panel time series models, working
    paper. Eberhardt (2012), Stata Journal 12, 61-71.
    """

    formula: str
    _: KW_ONLY
    trend: bool = False
    impose: bool = False
    robust: RobustMean = False
    short: Short = "raise"
    inference: Inference = "t"

    def __post_init__(self) -> None:
        if self.robust is True:
            object.__setattr__(self, "robust", "biweight")
        settle(self)

    @of_panel
    def fit(self, panel: Data) -> HeterogeneousEstimate:
        d = build(self.formula, panel, "AugmentedMeanGroup")
        names = (*d.names, *(("trend",) if self.trend else ()))
        every = names if self.impose else (*names, "common process")
        d = long_enough(d, len(every), self.short, "AugmentedMeanGroup")
        X = d.X[:, int(d.intercept) :]
        process, broken = common_process(d.y, X, d.entity, d.time)
        if broken:
            raise IdentificationError(
                f"{d.formula!r}: no entity is observed in both period "
                f"{panel.calendar.label(broken[0])} and the one before it, so the common process "
                "cannot be followed there. Use the periods after it: panel.between()."
            )
        y = d.y - process if self.impose else d.y
        fit = self._slopes(d, y, process)
        kept = identified(d, fit, every, self.short, "AugmentedMeanGroup")
        if kept is not d:
            mask = np.isin(d.rows, kept.rows)
            process, y, d = process[mask], y[mask], kept
            fit = self._slopes(d, y, process)
        own = fit.params[:, : len(names)]
        return record_average(
            HeterogeneousEstimate, average(own, self.robust), spec=self, design=d, names=names,
            method="Augmented mean group", source="Pesaran and Smith 1995",
            inference=self.inference, fit=fit, slope_names=every, stats=fit_stats(y, d.entity, fit),
            regressors=self._regressors(d, process),
        )  # fmt: skip

    def _slopes(self, d: Design, y: FloatArray, process: FloatArray) -> Slopes:
        return entity_slopes(y, np.column_stack(self._regressors(d, process)), d.entity)

    def _regressors(self, d: Design, process: FloatArray) -> tuple[FloatArray, ...]:
        parts = [d.X]
        if self.trend:
            parts.append(trend(d)[:, None])
        if not self.impose:
            parts.append(process[:, None])
        return tuple(parts)
