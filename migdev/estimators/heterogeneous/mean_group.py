"""Panels whose slopes differ by entity: mean group and random coefficients."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from migdev.errors import IdentificationError, listing
from migdev.estimators.heterogeneous.entity_regressions import (
    Inference,
    RobustMean,
    Short,
    build,
    entity_labels,
    exactly_fitted,
    fit_stats,
    identified,
    long_enough,
    record,
    record_average,
    refuse_two,
    trend,
)
from migdev.estimators.specification import of_panel, settle
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.averages import average
from migdev.kernels.heterogeneous.entity_draws import drawn, swamy_draws
from migdev.kernels.heterogeneous.slopes import (
    Slopes,
    entity_gram,
    entity_slopes,
    period_means,
)
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.facts import linear_facts
from migdev.results.heterogeneous import HeterogeneousEstimate
from migdev.results.statistic import chi2_test


@dataclass(frozen=True, slots=True)
class MeanGroup:
    r"""Average the OLS slopes of N entities.

    .. math::
        \hat\beta &= N^{-1} \textstyle\sum_i \hat\beta_i \quad (1) \\
        \hat V &= [N(N-1)]^{-1} \textstyle\sum_i
            (\hat\beta_i - \hat\beta)(\hat\beta_i - \hat\beta)' \quad (2)

    Assumes slopes independent of the regressors and errors independent across entities; for
    common shocks see :class:`CCEMeanGroup`. Engine: ``migdev.kernels.heterogeneous.slopes``.

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``, in the units of the panel.
    trend : bool
        Give each entity its own linear trend (periods since its first one, from one).
    demean : bool
        Take each period's cross-section average off every variable first (the "demeaned mean
        group", R's ``pmg(model="dmg")``).
    robust : False, "huber" or "biweight"
        Average by an M-estimate that weighs outlying entities down, coefficient by coefficient:
        Huber's (1.345) or Tukey's biweight (4.685); True means "biweight".
    short : {"raise", "drop"}
        What to do with entities that have too few periods or a constant regressor.
    inference : {"t", "normal"}
        t with N - 1 degrees of freedom, or the normal distribution of Stata's xtmg and plm.

    Raises
    ------
    IdentificationError
        An entity has no more usable periods than coefficients, or a regressor that is constant
        or collinear within it (both name the entities), or there is only one entity.

    References
    ----------
    Pesaran and Smith (1995), Journal of Econometrics 68, 79-113. Huber (1981), Robust Statistics,
    ch. 6. Hamilton (1991), Stata Technical Bulletin 2, 21-26, for averages robust to outliers.
    """

    formula: str
    _: KW_ONLY
    trend: bool = False
    demean: bool = False
    robust: RobustMean = False
    short: Short = "raise"
    inference: Inference = "t"

    def __post_init__(self) -> None:
        if self.robust is True:
            object.__setattr__(self, "robust", "biweight")
        settle(self)

    @of_panel
    def fit(self, panel: Data) -> HeterogeneousEstimate:
        d = build(self.formula, panel, "MeanGroup")
        names = (*d.names, "trend") if self.trend else d.names
        d = long_enough(d, len(names), self.short, "MeanGroup")
        y, X = self._variables(d)
        fit = entity_slopes(y, X, d.entity)
        kept = identified(d, fit, names, self.short, "MeanGroup")
        if kept is not d:
            d = kept
            y, X = self._variables(d)
            fit = entity_slopes(y, X, d.entity)
        if self.demean and len(fit.params) == 2:
            refuse_two(d, "Averages over entities (demean=True)")
        return record_average(
            HeterogeneousEstimate, average(fit.params, self.robust), spec=self, design=d,
            names=names, method="Mean group" + (", demeaned" if self.demean else ""),
            source="Pesaran and Smith 1995", inference=self.inference, fit=fit,
            slope_names=names, regressors=(X,),
            stats=fit_stats(y, d.entity, fit),
            stated=linear_facts("averages", removed=("time",) if self.demean else ()),
        )  # fmt: skip

    def _variables(self, d: Design) -> tuple[FloatArray, FloatArray]:
        y, X = d.y, d.X
        if self.demean:
            stacked = np.column_stack([y, X])
            before = np.einsum("nkk->nk", entity_gram(stacked, stacked, d.entity))
            stacked -= period_means(stacked, d.codes("time"))
            after = np.einsum("nkk->nk", entity_gram(stacked, stacked, d.entity))
            # A variable that all entities share leaves rounding error.
            stacked[(after <= 1e-16 * before)[d.entity]] = 0.0
            if d.intercept:
                stacked[:, 1] = 1.0
            y, X = stacked[:, 0], stacked[:, 1:]
        return y, np.column_stack([X, trend(d)]) if self.trend else X


@dataclass(frozen=True, slots=True)
class SwamyRandomCoefficients:
    r"""Swamy's GLS average of entities' slopes.

    .. math::
        \hat\beta &= \textstyle\sum_i W_i\hat\beta_i, \qquad
        W_i = \{\sum_j (\hat\Delta + \hat V_j)^{-1}\}^{-1}(\hat\Delta + \hat V_i)^{-1} \quad (1) \\
        \hat\Delta &= \frac{1}{N-1}\sum_i(\hat\beta_i-\bar\beta)(\hat\beta_i-\bar\beta)'
            - \frac1N\sum_i\hat V_i \quad (2)

    with :math:`\hat V_i = \hat\sigma_i^2(X_i'X_i)^{-1}`. Where (2) is not positive semi-definite
    its second term is left out, as Swamy proposes (and Stata's xtrc and plm's pvcm do).
    ``by_entity()`` holds the entities' own OLS; ``stats["constancy"]`` tests equal slopes.

    Parameters
    ----------
    formula : str
    short : {"raise", "drop"}
        What to do with entities that have too few periods or a constant regressor.
    inference : {"normal", "t"}
        The normal distribution (xtrc, plm), or t with N - 1 degrees of freedom.

    Raises
    ------
    IdentificationError
        As :class:`MeanGroup`.

    References
    ----------
    Swamy (1970), Econometrica 38, 311-323.
    """

    formula: str
    _: KW_ONLY
    short: Short = "raise"
    inference: Inference = "normal"

    def __post_init__(self) -> None:
        settle(self)

    @of_panel
    def fit(self, panel: Data) -> HeterogeneousEstimate:
        d = build(self.formula, panel, "SwamyRandomCoefficients")
        d = long_enough(d, len(d.names), self.short, "SwamyRandomCoefficients")
        fit = entity_slopes(d.y, d.X, d.entity)
        kept = identified(d, fit, d.names, self.short, "SwamyRandomCoefficients")
        if kept is not d:
            d = kept
            fit = entity_slopes(d.y, d.X, d.entity)
        exact = exactly_fitted(d, fit.rss)
        if exact.any():
            raise IdentificationError(
                f"{d.formula!r} fits {int(exact.sum())} of {len(exact)} entities without error: "
                f"{listing(entity_labels(d)[exact], 12)}. Their weights are not defined; leave "
                "them out with panel.where()."
            )
        params, cov, influence, Delta, mended = _swamy(fit)
        N, k = fit.params.shape
        XX = entity_gram(d.X, d.X, d.entity) / fit.sigma2[:, None, None]
        pooled = np.linalg.solve(XX.sum(axis=0), np.einsum("nij,nj->i", XX, fit.params))
        gap = fit.params - pooled
        note = "the second term of Swamy's covariance of slopes was left out" if mended else ""
        return record(
            HeterogeneousEstimate, spec=self, design=d, names=d.names, params=params, cov=cov,
            scores=influence, method="Swamy random coefficients",
            description="Swamy (1970)" + (f"; {note}" if note else ""),
            inference=self.inference, fit=fit, slope_names=d.names,
            residual=d.y - d.X @ params, df_resid=float(d.nobs - k),
            stats={
                **fit_stats(d.y, d.entity, fit),
                "constancy": chi2_test(
                    "Swamy test of parameter constancy", "all entities share the coefficients",
                    float(np.einsum("ni,nij,nj->", gap, XX, gap)), k * (N - 1),
                    alternative="coefficients differ by entity", note=note,
                ),
                **{
                    f"sd({name})": float(np.sqrt(max(value, 0.0)))
                    for name, value in zip(d.names, np.diagonal(Delta), strict=True)
                },
            },
        )  # fmt: skip

    def bootstrap(self, panel: Data, params: FloatArray, draws: int, seed: int) -> FloatArray:
        """(B, k) estimates on samples of entities drawn with replacement; see
        :meth:`migdev.results.heterogeneous.HeterogeneousEstimate.bootstrap`."""
        fit = self.fit(panel)
        return swamy_draws(fit.slopes, fit.slope_cov, drawn(len(fit.slopes), draws, seed))


def _swamy(fit: Slopes) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, bool]:
    """Params, cov, influence (N, k) of the entities at given weights, covariance of the slopes, and
    whether eq. (2) had to be mended."""
    spread = average(fit.params).cov * len(fit.params)
    # In units of the slopes' own spread, so that the sign of an eigenvalue and the inverses below
    # do not hang on the units of the regressors.
    unit = np.sqrt(np.diagonal(spread))
    unit = np.where(unit > 0, unit, 1.0)
    outer = np.outer(unit, unit)
    V = fit.cov / outer
    Delta = spread / outer - V.mean(axis=0)
    mended = bool((np.linalg.eigvalsh(Delta) < 0).any())
    if mended:
        Delta = spread / outer
    precision = np.linalg.inv(Delta + V)
    cov = np.linalg.inv(precision.sum(axis=0))
    params = unit * (cov @ np.einsum("nij,nj->i", precision, fit.params / unit))
    pull = np.einsum("nij,nj->ni", precision, (fit.params - params) / unit)
    return params, (cov + cov.T) / 2 * outer, pull @ cov * unit, Delta * outer, mended
