"""Cointegrating regressions in panels: fully modified and dynamic OLS."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np

from migdev.errors import FormulaError, SpecificationError
from migdev.estimators.heterogeneous.entity_regressions import (
    Short,
    build,
    identified,
    long_enough,
    record,
    unbroken,
)
from migdev.estimators.specification import of_panel, settle
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.cointegration.cointegrating import (
    Cointegrating,
    dynamic_ols,
    fully_modified,
    pooled_cointegrating,
)
from migdev.kernels.heterogeneous.averages import average
from migdev.kernels.heterogeneous.slopes import Slopes
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.facts import linear_facts
from migdev.results.heterogeneous import HeterogeneousEstimate
from migdev.results.sizes import caution


@dataclass(frozen=True, slots=True)
class FullyModifiedOLS:
    r"""Fully modified OLS of a cointegrating relation.

    For each entity Phillips and Hansen's corrections take endogeneity and serial correlation out
    (:math:`y^+`, :math:`\lambda^+`; see ``migdev.kernels.cointegration.cointegrating``):

    .. math::
        \hat\beta_i &= S_i^{-1}(\textstyle\sum_t\tilde x_{it}y_{it}^+ - n_i\lambda_i^+), \qquad
            \hat V_i = \hat\omega_{i,u.x}S_i^{-1}, \quad S_i = \sum_t\tilde x_{it}\tilde x_{it}'
            \quad (1) \\
        \hat\beta_{G} &= N^{-1}\textstyle\sum_i\hat\beta_i, \qquad
            \hat V_G = N^{-2}\sum_i\hat V_i \quad (2) \\
        \hat\beta_{P} &= (\textstyle\sum_iS_i)^{-1}\sum_iS_i\hat\beta_i, \qquad
            \hat V_P = S^{-1}(\sum_i\hat\omega_{i,u.x}S_i)S^{-1} \quad (3)

    Parameters
    ----------
    formula : str
        ``y ~ x + z`` in levels; intercepts by entity are always in.
    method : {"group", "pooled"}
        (2), which lets slopes differ, or (3).
    trend : bool
        Entity trends.
    bandwidth : int, optional
        Largest lag of the long-run covariances (the scale of the quadratic-spectral kernel, which
        has no largest lag); default round(4 (T/100)^(2/9)) by entity.
    kernel : {"bartlett", "parzen", "quadratic-spectral"}
    group_cov : {"within", "spread"}
        For ``method="group"``: (2), for slopes that are the same or given; or the spread of the
        entities' slopes, as a mean-group estimator.
    gaps : {"longest", "raise"}
        Entities with gaps keep their longest unbroken spell, or raise.
    short : {"raise", "drop"}
        Entities with too few periods or a constant regressor.

    Raises
    ------
    IdentificationError
        As :class:`~migdev.MeanGroup`.

    Warns
    -----
    SizeWarning
        Intervals by (2) and (3) are too short in most panels: bias and long-run variances are of
        order 1/T, and averages over many entities make the standard errors small beside them.

    References
    ----------
    Phillips and Hansen (1990), Review of Economic Studies 57, 99-125. Pedroni (2000), Advances in
    Econometrics 15, 93-130; Pedroni (2001), Review of Economics and Statistics 83, 727-731.
    Phillips and Moon (1999), Econometrica 67, 1057-1111.
    """

    formula: str
    _: KW_ONLY
    method: Literal["group", "pooled"] = "group"
    trend: bool = False
    bandwidth: int | None = None
    kernel: Literal["bartlett", "parzen", "quadratic-spectral"] = "bartlett"
    group_cov: Literal["within", "spread"] = "within"
    gaps: Literal["longest", "raise"] = "longest"
    short: Short = "raise"

    def __post_init__(self) -> None:
        _check(self)

    @of_panel
    def fit(self, panel: Data) -> HeterogeneousEstimate:
        code = "ct" if self.trend else "c"

        def regress(y: FloatArray, X: FloatArray, d: Design) -> Cointegrating:
            return fully_modified(y, X, d.entity, code, self.bandwidth, self.kernel)

        why = "the first period of an entity has no changes of the regressors"
        return _fit(self, panel, regress, 3 + self.trend, 1, "Fully modified OLS", why)


@dataclass(frozen=True, slots=True)
class DynamicOLS:
    r"""OLS of a cointegrating relation with lags and leads of changes of the regressors.

    .. math::
        y_{it} = a_i [+ g_it] + x_{it}'\beta_i
            + \textstyle\sum_{j=-q}^{p}\Delta x_{i,t-j}'c_{ij} + u_{it} \quad (1)

    with the long-run variance of u in the covariance; averages and pooling as in
    :class:`FullyModifiedOLS`, eqs. (2) and (3).

    Parameters
    ----------
    formula, method, trend, bandwidth, kernel, group_cov, gaps, short
        As in :class:`FullyModifiedOLS`.
    lags, leads : int
        p and q.

    References
    ----------
    Saikkonen (1991), Econometric Theory 7, 1-21. Stock and Watson (1993), Econometrica 61, 783-820.
    Kao and Chiang (2000), Advances in Econometrics 15, 179-222. Pedroni (2001), Review of Economics
    and Statistics 83, 727-731. Mark and Sul (2003), Oxford Bulletin of Economics and Statistics 65,
    655-680.
    """

    formula: str
    _: KW_ONLY
    lags: int = 1
    leads: int = 1
    method: Literal["group", "pooled"] = "group"
    trend: bool = False
    bandwidth: int | None = None
    kernel: Literal["bartlett", "parzen", "quadratic-spectral"] = "bartlett"
    group_cov: Literal["within", "spread"] = "within"
    gaps: Literal["longest", "raise"] = "longest"
    short: Short = "raise"

    def __post_init__(self) -> None:
        _check(self)
        for name in ("lags", "leads"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise SpecificationError(f"{name}={value!r}; a whole number, zero or more.")

    @of_panel
    def fit(self, panel: Data) -> HeterogeneousEstimate:
        code = "ct" if self.trend else "c"

        def regress(y: FloatArray, X: FloatArray, d: Design) -> Cointegrating:
            return dynamic_ols(
                y, X, d.entity, code, self.lags, self.leads, self.bandwidth, self.kernel
            )

        cost = self.lags + self.leads + 1
        why = "no lags and leads of changes of the regressors"
        return _fit(self, panel, regress, 1 + self.trend + cost, 1 + cost, "Dynamic OLS", why)


def _check(spec: FullyModifiedOLS | DynamicOLS) -> None:
    settle(spec)
    whole = isinstance(spec.bandwidth, int) and not isinstance(spec.bandwidth, bool)
    if spec.bandwidth is not None and (not whole or spec.bandwidth < 0):
        raise SpecificationError(
            f"bandwidth={spec.bandwidth!r}; a whole number of lags, zero or more, or None for the "
            "rule of thumb."
        )


def _fit(
    spec: Any, panel: Data, regress: Any, lost: int, per_regressor: int, what: str, why: str
) -> HeterogeneousEstimate:
    d = build(spec.formula, panel, what, intercept=False)
    if not d.names:
        raise FormulaError(f"{spec.formula!r} has no regressor.")
    d = unbroken(d, spec.gaps)
    k = len(d.names)
    # A time series is a panel of one entity; only the spread of slopes needs several.
    least = 2 if (spec.method, spec.group_cov) == ("group", "spread") else 1
    d = long_enough(d, lost + per_regressor * k, spec.short, what, least)
    fit = regress(d.y, d.X, d)
    kept = identified(d, _slopes(fit, fit.nobs), d.names, spec.short, what, least)
    if kept is not d:
        d = kept
        fit = regress(d.y, d.X, d)
    N, name = len(fit.params), f"{what}, {'pooled' if spec.method == 'pooled' else 'group mean'}"
    mean = average(fit.params)
    params, influence = mean.params, mean.influence
    if spec.method == "pooled":
        params, cov, influence = pooled_cointegrating(fit)
        how = "long-run variances by entity"
    elif spec.group_cov == "spread":
        cov, how = mean.cov, "spread of the entities' coefficients"
    else:
        cov = fit.cov.sum(axis=0) / N**2
        how = "averages of the entities' long-run covariances"
    said = ""
    if spec.method == "pooled" or spec.group_cov == "within":
        said = caution("cover", name, N, d.nobs / N)
    df = fit.nobs - per_regressor * k - 1 - int(spec.trend)
    own = _slopes(fit, df)
    used = ~np.isnan(fit.resid)
    return record(
        HeterogeneousEstimate, spec=spec, design=d.keep(used, why), names=d.names, params=params,
        cov=cov, scores=influence,
        method=name, stated=linear_facts("averages", caution=said),
        description=how, inference="normal", fit=own, slope_names=d.names,
        slope_df=df, residual=fit.resid[used],
        pooling=fit.S if spec.method == "pooled" else None,
        df_resid=float(df.sum() + (N - 1) * k * (spec.method == "pooled")),
        stats={"omega_mean": float(fit.omega.mean())},
    )  # fmt: skip


def _slopes(fit: Cointegrating, df: IntArray) -> Slopes:
    """The fit as entities' slopes whose classical covariance is the long-run one."""
    return Slopes(
        params=fit.params,
        bread=np.asarray(np.linalg.inv(fit.S)),
        rss=fit.omega * df,
        counts=fit.nobs,
        resid=fit.resid,
        dependent=fit.dependent,
    )
