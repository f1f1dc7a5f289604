"""Covariances robust to serial and cross-sectional correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from migdev.covariance import small_sample
from migdev.covariance.basic import HC, Leverage
from migdev.covariance.common import (
    mended,
    periods,
    rescaled,
    rows_of,
)
from migdev.covariance.small_sample import Convention
from migdev.errors import CovarianceError, SpecificationError
from migdev.kernels.arrays.blocked_products import product
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.hac import (
    Kernel,
    autocovariance_meat,
    bandwidth_rule,
    kernel_weights,
    one_row_per_cell,
    panel_corrected_meat,
    periods_of,
    positions,
    summed_by_cell,
    within_meat,
)
from migdev.kernels.sandwich.sandwich import quadratic
from migdev.options import check_options
from migdev.protocols import CovEstimate, Scores

Rule = Literal["xtscc", "plm", "fixest"]
Gaps = Literal["value", "position"]


def _check_serial(spec: DriscollKraay | NeweyWest) -> None:
    check_options(spec)
    band = spec.bandwidth
    if not (band is None or isinstance(band, str) or (np.isfinite(band) and band >= 0)):
        raise SpecificationError(
            f"bandwidth={band!r}; it is the largest lag, a number of periods from 0 on, one of "
            f"the rules {', '.join(map(repr, get_args(Rule)))}, or None for 'xtscc'."
        )


def _bandwidth(spec: DriscollKraay | NeweyWest, m: Scores, periods: int) -> float:
    band = spec.bandwidth
    if band is None or isinstance(band, str):
        longest = int(np.bincount(m.entity).max(initial=0))
        return float(min(bandwidth_rule(band or "xtscc", periods, longest), periods - 1))
    return float(band)


def _weights(
    spec: DriscollKraay | NeweyWest, bandwidth: float, span: int, periods: int
) -> FloatArray:
    if bandwidth >= periods:
        raise CovarianceError(
            f"bandwidth={bandwidth:g} reaches over all {periods} periods of the sample, where "
            "scores add up to zero and the covariance shrinks to nothing. Use a smaller one."
        )
    lags = max(span - 1, 0)
    if spec.kernel != "quadratic-spectral":
        lags = min(lags, int(bandwidth))
    return kernel_weights(spec.kernel, bandwidth, lags)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriscollKraay:
    r"""Covariance robust to correlation across entities and, up to a lag, over time.

    .. math::
        \hat V = B\Bigl\{\hat\Gamma_0 + \sum_{l=1}^{m} w_l(\hat\Gamma_l + \hat\Gamma_l')\Bigr\}B,
        \qquad \hat\Gamma_l = \sum_t s_t s_{t-l}', \quad s_t = \sum_i x_{it}\hat u_{it} \quad (1)

    It rests on many periods; with few it is too small.

    Parameters
    ----------
    bandwidth : number, {"xtscc", "plm", "fixest"} or None
        The largest lag m (Bartlett weights :math:`1 - l/(m+1)`; ivreg2's and reghdfe's ``bw`` is
        m + 1). Rules: "xtscc", the default, is :math:`\lfloor 4(T/100)^{2/9}\rfloor` with the
        number T of periods; "plm" :math:`\lfloor \max_i T_i^{1/4}\rfloor`; "fixest"
        :math:`\lfloor T^{1/4}\rfloor`.
    kernel : {"bartlett", "parzen", "quadratic-spectral", "truncated"}
    gaps : {"value", "position"}
        Lags go by the value of time, so a period that no entity has breaks a pair; "position"
        counts the periods that occur (plm, linearmodels).
    kind : {"HC0", "HC1", "HC2", "HC3", "HC4"}
        Rescaling of the residuals before they are summed (plm's ``type``); HC1 is left to the
        convention.
    convention : str
        Factor and distribution, with K counting all effects: "stata" (xtscc, ivreg2, reghdfe) and
        "fixest" :math:`\frac{T}{T-1}\frac{n-1}{n-K}`, t(T - 1); "linearmodels" and "sandwich"
        (vcovPL) :math:`n/(n-K)`, t(n - K); "plm" 1, t(n - K); "none" 1, normal.
    leverage : {"dummies", "transformed"}
        See :class:`Robust`.

    Raises
    ------
    CovarianceError
        One period only, or a bandwidth that reaches over all periods.

    References
    ----------
    Driscoll and Kraay (1998), Review of Economics and Statistics 80, 549-560. Hoechle (2007),
    Stata Journal 7, 281-312.
    """

    bandwidth: float | Rule | None = None
    kernel: Kernel = "bartlett"
    gaps: Gaps = "value"
    kind: HC = "HC0"
    convention: Convention = "stata"
    leverage: Leverage = "dummies"

    def __post_init__(self) -> None:
        _check_serial(self)

    def requires(self) -> tuple[str, ...]:
        return ()

    def estimate(self, moments: Scores) -> CovEstimate:
        m, factor = moments, 1.0
        if self.kind != "HC0":
            rows = rows_of(m, repr(self))
            m, factor = rescaled(rows, self.kind, self.leverage), 1.0
            if self.kind == "HC1":
                factor = small_sample.rowwise(rows, self.convention, "HC1").factor
        when, codes = periods(m, "DriscollKraay()")
        if len(when) < 2:
            raise CovarianceError(
                "DriscollKraay() sums scores by period and needs many periods; the sample has "
                "one. Use Robust() or Clustered()."
            )
        time = np.arange(len(when)) if self.gaps == "position" else when
        bandwidth = _bandwidth(self, m, len(when))
        weights = _weights(self, bandwidth, int(time[-1] - time[0]) + 1, len(when))
        correction = small_sample.driscoll_kraay(m, self.convention, len(when))
        cov = autocovariance_meat(m.influence(codes), time, weights)
        return CovEstimate(
            cov=mended(m, cov, factor * correction.factor, self),
            df=correction.df,
            description=f"Driscoll-Kraay ({self.kernel}, {bandwidth:g} lags, {len(when)} periods)",
            convention=self.convention,
            clusters={"time": len(when)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NeweyWest:
    r"""Covariance robust to heteroskedasticity and serial correlation within entities.

    .. math::
        \hat V = B\sum_i\Bigl\{\hat\Gamma_{i0} + \sum_{l=1}^{m}
            w_l(\hat\Gamma_{il} + \hat\Gamma_{il}')\Bigr\}B, \qquad
        \hat\Gamma_{il} = \sum_t \hat u_{it}\hat u_{i,t-l}\,x_{it}x_{i,t-l}' \quad (1)

    With one entity it is the estimator of Newey and West (1987) for a time series.

    Parameters
    ----------
    bandwidth : number, {"xtscc", "plm", "fixest"} or None
        The largest lag m, or a rule for it; see :class:`DriscollKraay`.
    kernel : {"bartlett", "parzen", "quadratic-spectral", "truncated"}
    gaps : {"value", "position"}
        Lags go by the value of time (Stata's newey after tsset, fixest); "position" pairs
        neighbouring rows of an entity across a gap (pyfixest).
    kind, leverage
        See :class:`DriscollKraay`.
    convention : str
        Factor and distribution, with K counting all effects: "stata" (newey), "linearmodels" and
        "sandwich" (vcovPL) :math:`n/(n-K)`, t(n - K); "fixest"
        :math:`\frac{T}{T-1}\frac{n-1}{n-K}`, t(T - 1); "plm" 1, t(n - K); "none" 1, normal.

    References
    ----------
    Newey and West (1987), Econometrica 55, 703-708.
    """

    bandwidth: float | Rule | None = None
    kernel: Kernel = "bartlett"
    gaps: Gaps = "value"
    kind: HC = "HC0"
    convention: Convention = "stata"
    leverage: Leverage = "dummies"

    def __post_init__(self) -> None:
        _check_serial(self)

    def requires(self) -> tuple[str, ...]:
        return ()

    def estimate(self, moments: Scores) -> CovEstimate:
        m = rescaled(rows_of(moments, "NeweyWest()"), self.kind, self.leverage)
        periods = len(periods_of(m.time)[0])
        scores, entity, time = summed_by_cell(m.scores, m.entity, m.time)
        if self.gaps == "position":
            time = positions(entity)
        bandwidth = _bandwidth(self, m, periods)
        weights = _weights(self, bandwidth, int(time.max() - time.min()) + 1, periods)
        cov = quadratic(lambda rows: within_meat(rows, entity, time, weights), scores, m.bread)
        correction = small_sample.newey_west(m, self.convention, periods)
        factor = correction.factor
        if self.kind == "HC1":
            factor *= small_sample.rowwise(m, self.convention, "HC1").factor
        return CovEstimate(
            cov=mended(m, cov, factor, self),
            df=correction.df,
            description=f"Newey-West within entities ({self.kernel}, {bandwidth:g} lags)",
            convention=self.convention,
            clusters={},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BeckKatz:
    r"""Panel-corrected standard errors: one contemporaneous covariance of the entities.

    .. math::
        \hat V = B\Bigl(\sum_t X_t'\hat\Sigma X_t\Bigr)B, \qquad
        \hat\sigma_{ij} = T_{ij}^{-1}\sum_t \hat u_{it}\hat u_{jt} \quad (1)

    Errors may differ in variance and be correlated across entities in a period, in the same way
    in all periods, and are independent over time. It rests on T larger than N.

    Parameters
    ----------
    cluster : {"time", "entity"}
        "time": eq. (1), ``vcovBK(cluster="time")`` of plm and xtpcse of Stata. "entity": the same
        with the roles exchanged, one covariance of the periods for all entities
        (``vcovBK(cluster="group")``).
    unbalanced : {"pairwise", "casewise"}
        :math:`T_{ij}` over the periods that both entities have (plm; Stata's option ``pairwise``),
        or only over those that all have (Stata's default).
    diagonal : bool
        Variances only (``hetonly`` in Stata).
    kind : {"HC0", "HC1", "HC2", "HC3", "HC4"}
        Rescaling of the residuals, as plm's ``type``; HC1 is Stata's option ``nmk``.
    convention : str
        Distribution: "stata" and "fixest" normal, "plm" and others t(n - K); K of HC1 as in
        :class:`Robust`.
    leverage : {"dummies", "transformed"}
        See :class:`Robust`.

    Raises
    ------
    CovarianceError
        One period only (one entity with ``cluster="entity"``); "casewise", and no period is
        complete; more than 5,000 units; several rows for an entity in a period.

    References
    ----------
    Beck and Katz (1995), American Political Science Review 89, 634-647.
    """

    cluster: Literal["time", "entity"] = "time"
    unbalanced: Literal["pairwise", "casewise"] = "pairwise"
    diagonal: bool = False
    kind: HC = "HC0"
    convention: Convention = "stata"
    leverage: Leverage = "dummies"

    def __post_init__(self) -> None:
        check_options(self)

    def requires(self) -> tuple[str, ...]:
        return ()

    def estimate(self, moments: Scores) -> CovEstimate:
        m = rescaled(rows_of(moments, "BeckKatz()"), self.kind, self.leverage)
        if not one_row_per_cell(m.entity, m.time):
            raise CovarianceError(
                "BeckKatz() pairs the rows of a period by entity, but here an entity has several "
                "rows in one period (stacked equations). Use DriscollKraay() or Clustered()."
            )
        entity = Groups.from_codes(m.entity)
        time = Groups.from_codes(periods_of(m.time)[1])
        unit, block = (entity, time) if self.cluster == "time" else (time, entity)
        names = ("entities", "periods") if self.cluster == "time" else ("periods", "entities")
        if block.size < 2 and not self.diagonal:
            one = "period" if self.cluster == "time" else "entity"
            raise CovarianceError(
                f"BeckKatz() averages products of residuals over {names[1]}; the sample has one "
                f"{one}, where scores add up to zero and the covariance shrinks to nothing. Use "
                "Robust() or Clustered()."
            )
        cov = panel_corrected_meat(
            product(m.X, m.bread), m.resid, unit, block,
            pairwise=self.unbalanced == "pairwise", diagonal=self.diagonal,
        )  # fmt: skip
        if cov is None:
            raise CovarianceError(
                f"BeckKatz(unbalanced='casewise'): none of the {block.size} {names[1]} holds all "
                f"{unit.size} {names[0]}. Use unbalanced='pairwise', or drop {names[0]} with gaps."
            )
        correction = small_sample.beck_katz(m, self.convention, self.kind)
        return CovEstimate(
            cov=mended(m, cov, correction.factor, self),
            df=correction.df,
            description=f"panel-corrected, Beck-Katz ({unit.size} {names[0]}, {block.size} "
            f"{names[1]}, {self.unbalanced})",
            convention=self.convention,
            clusters={},
        )
