"""Long-run relations in dynamic panels: mean group and pooled mean group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from migdev.errors import ConvergenceError, ConvergenceWarning
from migdev.estimators.heterogeneous.entity_regressions import (
    Inference,
    RobustMean,
    Short,
    record,
    record_average,
)
from migdev.estimators.heterogeneous.error_correction import (
    Lags,
    check_lags,
    flag_speeds,
)
from migdev.estimators.heterogeneous.error_correction_regressions import (
    error_correction_fields,
    labels_of,
    long_run_slopes,
    unrestricted,
    with_residuals,
)
from migdev.estimators.specification import of_panel, settle
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.heterogeneous.averages import average
from migdev.kernels.heterogeneous.entity_draws import drawn, pooled_draws
from migdev.kernels.heterogeneous.pmg import pooled_long_run, short_run_response
from migdev.kernels.heterogeneous.slopes import Slopes
from migdev.notes import warn
from migdev.options import Takes, held
from migdev.protocols import Data
from migdev.results.error_correction import ErrorCorrectionEstimate
from migdev.results.statistic import chi2_test

Matrix = Literal["information", "hessian", "sandwich"]
MLCovariance: TypeAlias = Takes[Matrix | Literal["unadjusted", "robust"], Matrix]
# The usual words for what maximum likelihood computes.
WORDS: Mapping[str, Matrix] = {
    "information": "information",
    "unadjusted": "information",
    "hessian": "hessian",
    "sandwich": "sandwich",
    "robust": "sandwich",
}


#: With no more entities than this the likelihood may have several maxima (1 in 60 panels of 8
#: entities and 14 periods ended in a lower one from three starts, none of 30 entities did).
FEW = 30


@dataclass(frozen=True, slots=True)
class ErrorCorrectionMeanGroup:
    r"""Mean group of the error-correction form: every coefficient differs by entity.

    .. math::
        \Delta y_{it} &= \phi_i(y_{i,t-1} - x_{it}'\theta_i)
            + \textstyle\sum_{j=1}^{p-1}\lambda_{ij}\Delta y_{i,t-j}
            + \sum_{j=0}^{q-1}\Delta x_{i,t-j}'\delta_{ij} + \mu_i + \varepsilon_{it} \quad (1) \\
        \hat\theta &= N^{-1}\textstyle\sum_i\hat\theta_i \quad (2)

    Parameters
    ----------
    formula : str
        ``y ~ x + z`` in levels; lags and differences are added.
    lags : int, tuple of int, "aic" or "bic"
        ARDL orders: one for all variables, ``(p, q1, ..., qk)``, or chosen entity by entity up to
        ``max_lags`` on the sample of the longest. ``(1, 0)`` has no short-run terms.
    max_lags : int
        Largest order that a criterion may choose.
    trend : bool
        A linear trend in the short run of each entity.
    robust : False, "huber" or "biweight"
        Average by an M-estimate; speeds near zero make single long-run coefficients wild.
    short : {"raise", "drop"}
        What to do with entities that have too few periods or a constant regressor.
    inference : {"t", "normal"}
        t with N - 1 degrees of freedom, or the normal distribution of xtpmg.

    Raises
    ------
    IdentificationError
        An entity has no more usable periods than coefficients (named).

    Warns
    -----
    AdjustmentWarning
        Speeds that are positive or below -2, entity by entity.

    References
    ----------
    Pesaran and Smith (1995), Journal of Econometrics 68, 79-113. Blackburne and Frank (2007),
    Stata Journal 7, 197-208.
    """

    formula: str
    _: KW_ONLY
    lags: Lags = 1
    max_lags: int = 2
    trend: bool = False
    robust: RobustMean = False
    short: Short = "raise"
    inference: Inference = "t"

    def __post_init__(self) -> None:
        if self.robust is True:
            object.__setattr__(self, "robust", "biweight")
        settle(self)
        object.__setattr__(self, "lags", check_lags(self.lags, self.max_lags))

    @of_panel
    def fit(self, panel: Data) -> ErrorCorrectionEstimate:
        form, orders, mask, data = unrestricted(self, panel, "ErrorCorrectionMeanGroup")
        fit = with_residuals(data.own(), form, form.lagged, form.x)
        own = long_run_slopes(fit, len(form.long_run))
        flag_speeds(own.params[:, len(form.long_run)], lambda: labels_of(form), self.formula)
        return record_average(
            ErrorCorrectionEstimate, average(own.params, self.robust),
            source="Pesaran and Smith 1995", spec=self, method="Mean group, error correction",
            inference=self.inference, **error_correction_fields(form, own, mask),
            stats={
                "loglik": _loglik(fit.rss, fit.counts), "rss": float(fit.rss.sum()),
                **_order_stats(orders),
            },
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PooledMeanGroup:
    r"""Pooled mean group: a common long run, everything else by entity.

    .. math::
        \Delta y_{it} &= \phi_i(y_{i,t-1} - x_{it}'\theta)
            + \textstyle\sum_{j=1}^{p-1}\lambda_{ij}\Delta y_{i,t-j}
            + \sum_{j=0}^{q-1}\Delta x_{i,t-j}'\delta_{ij} + \mu_i + \varepsilon_{it} \quad (1) \\
        \ell(\theta) &= -\textstyle\sum_i \frac{T_i}{2}
            \{\ln(2\pi\,\hat\sigma_i^2(\theta)) + 1\} \quad (2)

    Full-information maximum likelihood under normal errors, by Newton's method on the likelihood
    (2) concentrated on :math:`\theta`. With :math:`a_i, Y_i, X_i` for
    :math:`\Delta y, y_{-1}, x` after the short-run terms are taken out,
    :math:`\xi_i = Y_i - X_i\theta`:

    .. math::
        \hat\phi_i &= \xi_i'a_i/\xi_i'\xi_i, \quad e_i = a_i - \hat\phi_i\xi_i,
            \quad \hat\sigma_i^2 = e_i'e_i/T_i \quad (3) \\
        \partial\ell/\partial\theta &= -\textstyle\sum_i(\hat\phi_i/\hat\sigma_i^2)X_i'e_i
            \quad (4) \\
        \partial^2\ell/\partial\theta\partial\theta' &= -\textstyle\sum_i\hat\sigma_i^{-2}\{
            \hat\phi_i^2X_i'X_i - v_iv_i'/\xi_i'\xi_i\}
            + \sum_i\tfrac{2\hat\phi_i^2}{T_i\hat\sigma_i^4}X_i'e_ie_i'X_i,
            \quad v_i = X_i'(e_i - \hat\phi_i\xi_i) \quad (5) \\
        \mathcal I(\theta) &= \textstyle\sum_i(\hat\phi_i^2/\hat\sigma_i^2)\,
            X_i'(I - \xi_i\xi_i'/\xi_i'\xi_i)X_i \quad (6)

    Short-run coefficients and speeds are averages over entities with the mean-group covariance;
    the long run converges faster, so its covariance with them is set to zero. Covariances that
    replace these (``with_cov``) rest on the influence of entity i: :math:`-\{\partial^2\ell\}^{-1}`
    times its term of (4) on the long run, and on the averages its own deviation over N plus what
    moves with the long run.

    Parameters
    ----------
    formula, lags, max_lags, trend, short
        As in :class:`ErrorCorrectionMeanGroup`.
    cov : {"information", "hessian", "sandwich"}
        Covariance of the long run: the inverse of (6), as in the paper and in xtpmg; of minus (5);
        or (5) around the outer product of entities' scores, for errors that are not normal or whose
        variance changes.
    inference : {"normal", "t"}
        The normal distribution (xtpmg), or t with N - 1 degrees of freedom.

    Raises
    ------
    IdentificationError
        An entity has no more usable periods than coefficients (named).

    Warns
    -----
    ConvergenceWarning
        With the gradient that is left.
    AdjustmentWarning
        Speeds that are positive or below -2, entity by entity.

    References
    ----------
    Pesaran, Shin and Smith (1999), Journal of the American Statistical Association 94, 621-634.
    """

    formula: str
    _: KW_ONLY
    lags: Lags = 1
    max_lags: int = 2
    trend: bool = False
    cov: MLCovariance = held("information")
    short: Short = "raise"
    inference: Inference = "normal"

    def __post_init__(self) -> None:
        settle(self, WORDS)
        object.__setattr__(self, "lags", check_lags(self.lags, self.max_lags))

    @of_panel
    def fit(self, panel: Data) -> ErrorCorrectionEstimate:
        form, orders, mask, data = unrestricted(self, panel, "PooledMeanGroup")
        k = len(form.long_run)
        free, G = data.own(), data.gram
        ml = pooled_long_run(G, data.counts, _starts(G, free, k))
        if not ml.converged:
            size = ", ".join(
                f"{name}: {value:.3g}"
                for name, value in zip(form.long_run, ml.gradient, strict=True)
            )
            warn(
                f"PooledMeanGroup did not converge on {self.formula!r} after {ml.iterations} "
                f"iterations; the gradient that is left is {size}. Rescale or drop regressors, or "
                "change the lags.",
                ConvergenceWarning,
                stacklevel=2,
            )
        c = np.concatenate([[1.0], -ml.theta])
        fit = with_residuals(data.along(c), form, form.lagged - form.x @ ml.theta)
        flag_speeds(fit.params[:, 0], lambda: labels_of(form), self.formula)
        short = average(fit.params)
        cov = np.zeros((k + len(short.params), k + len(short.params)))
        cov[:k, :k], cov[k:, k:] = ml.cov(self.cov), short.cov

        def influence() -> FloatArray:
            own = ml.influence
            along = np.column_stack([form.lagged - form.x @ ml.theta, form.W])
            response = short_run_response(fit, along, form.x, form.design.entity).mean(axis=0)
            return np.column_stack([own, short.influence + own @ response.T])

        own = replace(
            fit,
            params=np.column_stack([np.broadcast_to(ml.theta, (len(fit.params), k)), fit.params]),
            bread=np.pad(fit.bread, ((0, 0), (k, 0), (k, 0))),
        )
        free_loglik = _loglik(free.rss, free.counts)
        restrictions = (len(fit.params) - 1) * k
        result = record(
            ErrorCorrectionEstimate, spec=self, params=np.concatenate([ml.theta, short.params]),
            cov=cov, scores=influence, method="Pooled mean group", inference=self.inference,
            **error_correction_fields(form, own, mask, df_lost=k),
            description=f"long run: {self.cov} matrix; short run: spread of the entities' "
            "coefficients",
            stats={
                "loglik": ml.loglik, "rss": float(fit.rss.sum()),
                "iterations": ml.iterations, "converged": float(ml.converged),
                "gradient_norm": float(np.linalg.norm(ml.gradient)),
                "long_run_equality": chi2_test(
                    "Likelihood ratio", "the long run is common to all entities",
                    max(2 * (free_loglik - ml.loglik), 0.0), restrictions,
                    alternative="long-run coefficients differ by entity",
                ),
                **_order_stats(orders),
            },
        )  # fmt: skip
        # An entity's long run is the common one, and so is its covariance.
        result.slope_cov[:, :k, :k] = cov[:k, :k]
        return result

    def bootstrap(self, panel: Data, params: FloatArray, draws: int, seed: int) -> FloatArray:
        """(B, k) estimates on samples of entities drawn with replacement; see
        :meth:`migdev.results.heterogeneous.HeterogeneousEstimate.bootstrap`.

        Raises
        ------
        ConvergenceError
            Fewer than half of the samples have a maximum of the likelihood.
        """
        form, _, _, data = unrestricted(self, panel, "PooledMeanGroup")
        found = pooled_draws(
            data.gram, np.roll(data.P, 1, axis=2), data.counts, params[: len(form.long_run)],
            drawn(len(data.counts), draws, seed),
        )  # fmt: skip
        if len(found) < draws / 2:
            raise ConvergenceError(
                f"{self.formula!r}: only {len(found)} of {draws} bootstrap samples have a maximum "
                "of the likelihood. Drop regressors, or use the delta method."
            )
        return found


def _starts(G: FloatArray, free: Slopes, k: int) -> list[FloatArray]:
    """Long-run coefficients of the pooled regression, the static one, the median entity and, where
    entities are so few that one can make a maximum of its own, each of them."""
    total = (G / G[:, :1, :1]).sum(axis=0)
    pooled = np.linalg.solve(total[1:, 1:], total[1:, 0])
    static = np.linalg.solve(total[2:, 2:], total[2:, 1])
    own = -free.params[:, 1 : 1 + k] / free.params[:, :1]
    each = own[np.isfinite(own).all(axis=1)] if len(own) <= FEW else own[:0]
    return [static, -pooled[1:] / pooled[0], np.median(own, axis=0), *each]


def _loglik(rss: FloatArray, counts: IntArray) -> float:
    return float(np.sum(-0.5 * counts * (np.log(2 * np.pi * rss / counts) + 1)))


def _order_stats(orders: IntArray | None) -> dict[str, float]:
    if orders is None:
        return {}
    return {f"mean_order_{j}": float(value) for j, value in enumerate(orders.mean(axis=0))}
