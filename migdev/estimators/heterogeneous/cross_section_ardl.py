"""Long-run effects under common shocks: CS-ARDL and CS-DL."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from migdev.errors import FormulaError, SpecificationError
from migdev.estimators.heterogeneous.cross_section_averages import Averages, augment, check_averages
from migdev.estimators.heterogeneous.entity_regressions import (
    Inference,
    RobustMean,
    Short,
    build,
    fit_stats,
    identified,
    long_enough,
    record_average,
)
from migdev.estimators.heterogeneous.entity_regressions import trend as periods
from migdev.estimators.heterogeneous.error_correction import (
    ErrorCorrection,
    check_lags,
    error_correction,
    flag_speeds,
    restrict,
    with_terms,
)
from migdev.estimators.heterogeneous.error_correction_regressions import (
    error_correction_fields,
    identified_form,
    labels_of,
    long_run_slopes,
    with_residuals,
)
from migdev.estimators.specification import of_panel, settle
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.heterogeneous.averages import average
from migdev.kernels.heterogeneous.slopes import Slopes, entity_slopes
from migdev.options import held
from migdev.panel.formula import argument, one_term, parse, quote_columns
from migdev.protocols import Data
from migdev.results.error_correction import ErrorCorrectionEstimate
from migdev.results.facts import Facts
from migdev.results.heterogeneous import HeterogeneousEstimate
from migdev.results.sizes import caution


@dataclass(frozen=True, slots=True)
class CSARDL:
    r"""Cross-section augmented ARDL: long-run effects by entity, averaged.

    .. math::
        y_{it} &= \textstyle\sum_{l=1}^{p}\lambda_{il}y_{i,t-l} + \sum_{l=0}^{q}x_{i,t-l}'\beta_{il}
            + \sum_{l=0}^{s}\bar z_{t-l}'c_{il} + a_i + e_{it}, \quad
            \bar z_t = (\bar y_t, \bar x_t')' \quad (1) \\
        \hat\theta_i &= \frac{\sum_l\hat\beta_{il}}{1 - \sum_l\hat\lambda_{il}}, \qquad
        \hat\phi_i = \textstyle\sum_l\hat\lambda_{il} - 1, \qquad
        \hat\theta = N^{-1}\sum_i\hat\theta_i \quad (2)

    estimated in error-correction form, which leaves (2) unchanged. Weak exogeneity is enough, but T
    must be large: see :class:`CSDL` for less.

    Parameters
    ----------
    formula : str
        ``y ~ x + z`` in levels; lags, differences and averages are added.
    lags : int or tuple of int
        ARDL orders: one for all variables, or ``(p, q1, ..., qk)``.
    cross_lags : int
        s, of order T^(1/3).
    averages : tuple of str, optional
        Expressions that are averaged; by default y and all x.
    trend, robust, short, inference
        As in :class:`~migdev.ErrorCorrectionMeanGroup`.

    Raises
    ------
    IdentificationError
        An entity has no more usable periods than coefficients (named).

    References
    ----------
    Chudik and Pesaran (2015), Journal of Econometrics 188, 393-420. Chudik, Mohaddes, Pesaran and
    Raissi (2016), Advances in Econometrics 36, 85-135. Ditzen (2021), Stata Journal 21, 687-707.
    """

    formula: str
    _: KW_ONLY
    lags: int | tuple[int, ...] = 1
    cross_lags: int = 3
    averages: Averages = held(None)
    trend: bool = False
    robust: RobustMean = False
    short: Short = "raise"
    inference: Inference = "t"

    def __post_init__(self) -> None:
        if self.robust is True:
            object.__setattr__(self, "robust", "biweight")
        object.__setattr__(self, "lags", check_lags(self.lags, 1, chosen=False))
        object.__setattr__(self, "averages", check_averages(self.averages))
        settle(self)
        _check_cross_lags(self.cross_lags)

    @of_panel
    def fit(self, panel: Data) -> ErrorCorrectionEstimate:
        form, names, averages = self._form(panel)
        k = len(form.long_run)
        width = 1 + k + form.W.shape[1]
        form = restrict(form, long_enough(form.design, width, self.short, "CSARDL"))
        form, _, reduced = identified_form(form, self.short, "CSARDL")
        fit = with_residuals(reduced.own(), form, form.lagged, form.x)
        every = np.ones((len(fit.params), form.W.shape[1]), dtype=bool)
        own = long_run_slopes(fit, k)
        shown = len(names) - averages
        flag_speeds(own.params[:, k], lambda: labels_of(form), self.formula)
        said = caution("cover", "CS-ARDL", len(fit.params), float(fit.counts.mean()))
        return record_average(
            ErrorCorrectionEstimate, average(own.params[:, :shown], self.robust),
            source="Chudik and Pesaran 2015", spec=self, method="CS-ARDL",
            inference=self.inference, stats={"rss": float(fit.rss.sum())},
            **error_correction_fields(form, own, every, shown=shown, caution=said),
        )  # fmt: skip

    def _form(self, panel: Data) -> tuple[ErrorCorrection, tuple[str, ...], int]:
        """The form with averages, names of its columns, and how many are averages."""
        form = error_correction(self.formula, panel, self.lags, 1, self.trend, "CSARDL")
        parsed = parse(quote_columns(self.formula, panel.columns))
        terms = [one_term(argument(term.factors[0])) for term in [*parsed.dependent, *parsed.exog]]
        d, H, labels = augment(form.design, self.cross_lags, self.averages or terms)
        form = with_terms(restrict(form, d), H, tuple(labels))
        return form, ("lagged level", *form.long_run, *form.short_run), len(labels)


@dataclass(frozen=True, slots=True)
class CSDL:
    r"""Cross-section augmented distributed lags: the long run directly.

    .. math::
        y_{it} &= x_{it}'\theta_i + \textstyle\sum_{l=0}^{p-1}\Delta x_{i,t-l}'\delta_{il}
            + \bar y_tc_i + \sum_{l=0}^{s}\bar x_{t-l}'d_{il} + a_i + e_{it} \quad (1) \\
        \hat\theta &= N^{-1}\textstyle\sum_i\hat\theta_i \quad (2)

    Robust to unit roots, breaks and, with enough differences, to wrong lag orders, and better than
    :class:`CSARDL` for moderate T; inconsistent where y feeds back on x.

    Parameters
    ----------
    formula : str
        ``y ~ x + z`` in levels.
    lags : int
        p, the number of differences of each regressor; of order T^(1/3), since what is left out
        biases the long run where adjustment is slow.
    cross_lags : int
        s, of order T^(1/3).
    trend, short, inference
        As in :class:`~migdev.MeanGroup`.

    References
    ----------
    Chudik, Mohaddes, Pesaran and Raissi (2016), Advances in Econometrics 36, 85-135.
    """

    formula: str
    _: KW_ONLY
    lags: int = 1
    cross_lags: int = 3
    trend: bool = False
    short: Short = "raise"
    inference: Inference = "t"

    def __post_init__(self) -> None:
        if isinstance(self.lags, bool) or not isinstance(self.lags, int) or self.lags < 0:
            raise SpecificationError(f"lags={self.lags!r}; a whole number, zero or more.")
        settle(self)
        _check_cross_lags(self.cross_lags)

    @of_panel
    def fit(self, panel: Data) -> HeterogeneousEstimate:
        parsed = parse(quote_columns(self.formula, panel.columns))
        x = [argument(term.factors[0]) for term in parsed.exog if len(term.factors) == 1]
        if parsed.endog is not None or not x or len(x) < len(list(parsed.exog)):
            raise FormulaError(
                f"CSDL reads 'y ~ x + z', plain variables or expressions, not {self.formula!r}."
            )
        y = one_term(argument(parsed.dependent[0].factors[0]))
        moves = [f"D({v})" if j == 0 else f"L(D({v}), {j})" for v in x for j in range(self.lags)]
        x = [one_term(v) for v in x]
        head = "" if parsed.intercept else "0 + "
        d = build(f"{y} ~ {head}{' + '.join([*x, *moves])}", panel, "CSDL")
        d, H, labels = augment(d, self.cross_lags, [y, *x], current_only=(d.dependent,))
        names = (*d.names, *(("trend",) if self.trend else ()))
        every = (*names, *labels)

        def regressors() -> tuple[FloatArray, ...]:
            return (d.X, *([periods(d)[:, None]] if self.trend else []), H)

        def regress() -> Slopes:
            return entity_slopes(d.y, np.column_stack(regressors()), d.entity)

        kept = long_enough(d, len(every), self.short, "CSDL")
        d, H = kept, H[np.isin(d.rows, kept.rows)]
        fit = regress()
        kept = identified(d, fit, every, self.short, "CSDL")
        if kept is not d:
            d, H = kept, H[np.isin(d.rows, kept.rows)]
            fit = regress()
        return record_average(
            HeterogeneousEstimate, average(fit.params[:, : len(names)]), spec=self, design=d,
            names=names, method="CS-DL", inference=self.inference, fit=fit, slope_names=every,
            stats=fit_stats(d.y, d.entity, fit), regressors=regressors(),
            stated=Facts(
                link="identity", linear=False, principle="averages", caution=self._caution(fit)
            ),
        )  # fmt: skip

    def _caution(self, fit: Slopes) -> str:
        T = float(fit.counts.mean())
        few = self.lags < round(T ** (1 / 3))
        return caution("cover", "CS-DL", len(fit.params), T, "1 lag" if few else "T^(1/3) lags")


def _check_cross_lags(cross_lags: object) -> None:
    if isinstance(cross_lags, bool) or not isinstance(cross_lags, int) or cross_lags < 0:
        raise SpecificationError(f"cross_lags={cross_lags!r}; a whole number, zero or more.")
