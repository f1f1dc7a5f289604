"""Common correlated effects: slopes under shocks that all entities share."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from migdev.covariance import OptionalCovariance
from migdev.errors import (
    FormulaError,
    IdentificationError,
    SpecificationError,
    listing,
)
from migdev.estimators.heterogeneous.cross_section_averages import (
    Averages,
    augmented,
    check_averages,
    common_regressors,
    shared,
)
from migdev.estimators.heterogeneous.entity_regressions import (
    Inference,
    Short,
    build,
    entity_labels,
    fit_stats,
    identified,
    long_enough,
    record,
    record_average,
    trend,
)
from migdev.estimators.heterogeneous.recursive_means import recursive_design
from migdev.estimators.specification import of_panel, settle
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.averages import average
from migdev.kernels.heterogeneous.cce import cce_pooled
from migdev.kernels.heterogeneous.slopes import (
    Slopes,
    entity_gram,
    entity_slopes,
    partial_out,
)
from migdev.kernels.heterogeneous.small_t import half_panel
from migdev.kernels.sandwich.moments import Moments
from migdev.options import held, renamed
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.results.heterogeneous import HeterogeneousEstimate


@renamed(lags="cross_lags")
@dataclass(frozen=True, slots=True)
class CCEMeanGroup:
    r"""Common correlated effects, averaged over entities.

    Each entity's regression is augmented by cross-section averages of the variables, which span
    the common factors:

    .. math::
        y_{it} &= a_i + x_{it}'\beta_i + \textstyle\sum_{l=0}^{p}\bar z_{t-l}'c_{il} + e_{it},
            \qquad \bar z_t = (\bar y_t, \bar x_t')' \quad (1) \\
        \hat\beta &= N^{-1}\textstyle\sum_i\hat\beta_i \quad (2)

    With a lagged dependent variable in the formula and ``cross_lags > 0`` this is the dynamic CCE
    estimator of Chudik and Pesaran (2015). :meth:`by_entity` of the result holds the coefficients
    of the averages too, as ``mean(x)``. Engine: ``migdev.kernels.heterogeneous.slopes``.

    Parameters
    ----------
    formula : str
        ``y ~ x``, or dynamic ``y ~ L(y) + x``.
    cross_lags : int
        Lags of the cross-section averages; of order T^(1/3) in a dynamic model.
    averages : tuple of str, optional
        Expressions whose averages are added. By default the dependent variable and the
        regressors as written; with ``cross_lags > 0`` the variables under ``L(.)``, so that
        ``y ~ L(y) + x`` adds averages of y and x and their lags.
    trend : bool
        Give each entity its own linear trend.
    jackknife : bool
        Average half-panel jackknife slopes, :math:`2\hat\beta_i - (\hat\beta_i^a +
        \hat\beta_i^b)/2`, against the bias of order 1/T in dynamic models; each half of an
        entity's rows must hold more periods than coefficients.
    recursive : bool
        Recursive mean adjustment instead: every variable is taken less the mean of its own past,
        :math:`\tilde w_{it} = w_{it} - (t-1)^{-1}\sum_{s<t}w_{is}`, lagged and averaged so, and
        there is no intercept. It removes part of the bias of order 1/T and adds little variance.
    short : {"raise", "drop"}
        What to do with entities that have too few periods or a constant regressor.
    inference : {"t", "normal"}
        t with N - 1 degrees of freedom, or the normal distribution of xtdcce2 and plm.

    Notes
    -----
    Averages are taken over all rows of the panel where every averaged variable is observed.
    Those that repeat a regressor which all entities share (an oil price, a dummy of years) are left
    out with a warning, so that each entity keeps its own coefficient of it.

    Raises
    ------
    IdentificationError
        As :class:`MeanGroup`.

    References
    ----------
    Pesaran (2006), Econometrica 74, 967-1012. Chudik and Pesaran (2015), Journal of Econometrics
    188, 393-420. Kapetanios, Pesaran and Yamagata (2011), Journal of Econometrics 160, 326-348.
    Choi, Mark and Sul (2010), Oxford Bulletin of Economics and Statistics 72, 567-599.
    """

    formula: str
    _: KW_ONLY
    cross_lags: int = 0
    averages: Averages = held(None)
    trend: bool = False
    jackknife: bool = False
    recursive: bool = False
    short: Short = "raise"
    inference: Inference = "t"

    def __post_init__(self) -> None:
        settle(self)
        object.__setattr__(self, "averages", check_averages(self.averages))
        _check_lags(self.cross_lags)
        if self.recursive and (self.jackknife or self.trend or self.averages is not None):
            raise SpecificationError(
                "recursive=True goes with the averages of the formula's variables, without "
                "jackknife=True, trend=True and averages=."
            )

    @of_panel
    def fit(self, panel: Panel) -> HeterogeneousEstimate:
        if self.recursive:
            d, H, labels = recursive_design(self.formula, panel, self.cross_lags, "CCEMeanGroup")
        else:
            d = build(self.formula, panel, "CCEMeanGroup")
            d, H, labels = augmented(d, self.cross_lags, self.averages)
        names = (*d.names, *(("trend",) if self.trend else ()))
        every = (*names, *labels)
        least = 2 * len(every) + 1 if self.jackknife else len(every)
        what = "CCEMeanGroup, twice for the jackknife," if self.jackknife else "CCEMeanGroup"
        d, H = shared(d, H, long_enough(d, least, self.short, what))
        fit = self._slopes(d, H)
        kept = identified(d, fit, every, self.short, "CCEMeanGroup")
        if kept is not d:
            d, H = shared(d, H, kept)
            fit = self._slopes(d, H)
        k = len(names)
        slopes = fit.params[:, :k]
        if self.jackknife:
            slopes = self._jackknifed(d, H, fit)[:, :k]
        return record_average(
            HeterogeneousEstimate, average(slopes), spec=self, design=d, names=names,
            method=("Dynamic CCE mean group" if self.cross_lags else "CCE mean group")
            + (", half-panel jackknife" if self.jackknife else "")
            + (", recursive mean adjustment" if self.recursive else ""),
            source="Pesaran 2006, eq. 58", inference=self.inference, fit=fit, slope_names=every,
            regressors=(self._own_terms(d), H), averaged=slopes if self.jackknife else None,
            stats=fit_stats(d.y, d.entity, fit),
        )  # fmt: skip

    def _jackknifed(self, d: Design, H: FloatArray, fit: Slopes) -> FloatArray:
        slopes, bad = half_panel(
            d.y, np.column_stack([self._own_terms(d), H]), d.entity, fit.params
        )
        if bad.any():
            raise IdentificationError(
                f"{d.formula!r}: in half of the periods the regressors are collinear in "
                f"{int(bad.sum())} entities: {listing(entity_labels(d)[bad], 12)}. Leave them out "
                "with panel.where(), or use jackknife=False."
            )
        return slopes

    def _slopes(self, d: Design, H: FloatArray) -> Slopes:
        return entity_slopes(d.y, self._own_terms(d), d.entity, H)

    def _own_terms(self, d: Design) -> FloatArray:
        return np.column_stack([d.X, trend(d)]) if self.trend else d.X


@renamed(lags="cross_lags")
@dataclass(frozen=True, slots=True)
class CCEPooled:
    r"""Common correlated effects with common slopes.

    .. math::
        \hat\beta &= (\textstyle\sum_i X_i'M_iX_i)^{-1}\sum_i X_i'M_iy_i \quad (1) \\
        \hat V &= \frac{N}{N-1}\, S^{-1}\Big\{\sum_i S_i(\hat\beta_i-\bar\beta)
            (\hat\beta_i-\bar\beta)'S_i\Big\}S^{-1},
            \qquad S_i = X_i'M_iX_i,\ S = \textstyle\sum_i S_i \quad (2)

    :math:`M_i` takes out the entity's intercept, cross-section averages and trend. (2) is Pesaran's
    non-parametric covariance (2006, eq. 67-69), in a form that holds in unbalanced panels too;
    plm's ``pcce`` agrees where the panel is balanced, and where not is larger by the factor
    :math:`(\bar T/\min_iT_i)^2`.

    Parameters
    ----------
    formula, cross_lags, averages, trend, short, inference
        As in :class:`CCEMeanGroup`.
    cov : Covariance, optional
        Another covariance of the defactored regression (:class:`~migdev.Clustered`,
        :class:`~migdev.DriscollKraay`); None for (2).

    References
    ----------
    Pesaran (2006), Econometrica 74, 967-1012.
    """

    formula: str
    _: KW_ONLY
    cross_lags: int = 0
    averages: Averages = held(None)
    trend: bool = False
    short: Short = "raise"
    inference: Inference = "t"
    cov: OptionalCovariance = held(None)

    def __post_init__(self) -> None:
        settle(self)
        object.__setattr__(self, "averages", check_averages(self.averages))
        _check_lags(self.cross_lags)

    @of_panel
    def fit(self, panel: Panel) -> HeterogeneousEstimate:
        requires = () if self.cov is None else self.cov.requires()
        d = build(self.formula, panel, "CCEPooled", requires=requires)
        if len(d.names) == int(d.intercept):
            raise FormulaError(f"CCEPooled needs a regressor; {self.formula!r} has none.")
        common = common_regressors(d)
        if common.any() and (self.averages is None or d.dependent in self.averages):
            raise IdentificationError(
                f"{self.formula!r}: {listing(np.array(d.names)[common].tolist())} are the same for "
                "all entities in every period, and the averages leave nothing of them to a pooled "
                "slope. Leave them out, or use CCEMeanGroup."
            )
        d, H, labels = augmented(d, self.cross_lags, self.averages)
        width = len(d.names) + len(labels) + self.trend
        d, H = shared(d, H, long_enough(d, width, self.short, "CCEPooled"))
        fit, My, MX, absorbed = self._defactored(d, H)
        names = d.names[int(d.intercept) :]
        kept = identified(d, fit, names, self.short, "CCEPooled")
        if kept is not d:
            d, H = shared(d, H, kept)
            fit, My, MX, absorbed = self._defactored(d, H)
        S = entity_gram(MX, MX, d.entity)
        params, cov = cce_pooled(S, entity_gram(MX, My[:, None], d.entity)[:, :, 0], fit.params)
        resid = My - MX @ params
        moments = Moments(
            X=MX, resid=resid, bread=np.linalg.inv(S.sum(axis=0)), entity=d.entity, time=d.time,
            df_absorbed=absorbed, columns=d.columns,
        )  # fmt: skip
        rss = float(resid @ resid)
        result = record(
            HeterogeneousEstimate, spec=self, design=d, names=names, params=params, cov=cov,
            method="CCE pooled", description="non-parametric (Pesaran 2006, eq. 67-69)",
            inference=self.inference, fit=fit, slope_names=names, residual=resid,
            df_resid=float(moments.df_resid), scores=moments, pooling=S, regressors=(MX,),
            stats={"sigma": float(np.sqrt(rss / moments.df_resid)), "rss": rss},
        )  # fmt: skip
        return result if self.cov is None else result.with_cov(self.cov)

    def _defactored(self, d: Design, H: FloatArray) -> tuple[Slopes, FloatArray, FloatArray, int]:
        X = d.X[:, int(d.intercept) :]
        extra = [trend(d)[:, None]] if self.trend else []
        H = np.column_stack([np.ones((d.nobs, int(d.intercept))), *extra, H])
        M, dependent = partial_out(np.column_stack([d.y, X]), H, d.entity)
        My, MX = M[:, 0], M[:, 1:]
        # What the averages absorb is left as rounding error, which QR would take for a regressor.
        before = np.sqrt(np.einsum("nkk->nk", entity_gram(X, X, d.entity)))
        after = np.sqrt(np.einsum("nkk->nk", entity_gram(MX, MX, d.entity)))
        absorbed = (after <= 1e-8 * before)[d.entity]
        fit = entity_slopes(My, np.where(absorbed, 0.0, MX), d.entity)
        return fit, My, MX, int(np.count_nonzero(~dependent))


def _check_lags(lags: object) -> None:
    if not isinstance(lags, int) or isinstance(lags, bool) or lags < 0:
        raise SpecificationError(f"cross_lags={lags!r}; give a whole number, zero or more.")
