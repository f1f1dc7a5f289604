"""Random effects: feasible GLS with error components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.covariance import CovarianceOption, Unadjusted
from migdev.errors import SpecificationError, VarianceComponentWarning, listing
from migdev.estimators.assembly import (
    Equation,
    finish,
    r_squared,
    report_collinear,
    root_weights,
    scaled,
    solve,
    total_ss,
)
from migdev.estimators.specification import Effects, of_panel, require_effects, settle
from migdev.estimators.static.linear import refuse_endogenous
from migdev.kernels.arrays.groups import demean, group_means, run_starts
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.random.error_components import Dummies, Root, predicted_effects
from migdev.kernels.random.variance_components import VarianceComponents, variance_components
from migdev.notes import warn
from migdev.options import held
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.estimate import Estimate
from migdev.results.facts import linear_facts

Method = Literal["swamy-arora", "wallace-hussain", "amemiya", "nerlove"]
Convention = Literal["plm", "exact", "stata"]


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomEffectsEstimate(Estimate):
    """An estimate with variance components.

    Attributes
    ----------
    theta : mapping from effect to Series
        Share of the group mean that one-way quasi-demeaning takes off, by level.
    random_effects : mapping from effect to Series
        Best linear unbiased predictions, by level.
    """

    theta: Mapping[str, pd.Series] = field(default_factory=dict, repr=False)
    random_effects: Mapping[str, pd.Series] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RandomEffects:
    r"""Feasible generalised least squares with random entity and time effects.

    .. math::
        y_{it} &= x_{it}'\beta + \mu_i + \lambda_t + \nu_{it} \quad (1) \\
        \Omega &= \sigma^2_\nu I + \sigma^2_\mu D_\mu D_\mu' + \sigma^2_\lambda D_\lambda
            D_\lambda' \quad (2) \\
        \hat\beta &= (X'\hat\Omega^{-1}X)^{-1}X'\hat\Omega^{-1}y \quad (3)

    With one effect, (3) is least squares on :math:`y_{it} - \theta_i \bar y_i`,
    :math:`\theta_i = 1 - (1 + T_i\sigma^2_\mu/\sigma^2_\nu)^{-1/2}`. With two in an unbalanced
    panel it is exact GLS too, through a root of :math:`\Omega^{-1}`. Assumes effects independent
    of the regressors; :func:`migdev.diagnostics.hausman` tests it. Engines:
    ``migdev.kernels.random.variance_components``, ``migdev.kernels.random.error_components``.

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``.
    method : {"swamy-arora", "wallace-hussain", "amemiya", "nerlove"}
        Residuals behind the variance components: within and between; pooled; within; within with
        the variance of the estimated effects. "amemiya" and "nerlove" attribute to the effects
        what regressors constant within them explain, and warn of such regressors.
    effects : tuple of str
        ``("entity",)``, ``("time",)`` or both.
    convention : {"plm", "exact", "stata"}
        "plm": expectations of the quadratic forms as R's plm: exact, except that Wallace-Hussain
        and Amemiya ignore in balanced panels that coefficients are estimated. "exact": exact
        always (Baltagi and Chang 1994; Baltagi, Song and Jung 2001; plm's ``random.dfcor = 3``).
        "stata": xtreg, re and linearmodels for one-way Swamy-Arora: the unweighted between
        regression with the harmonic mean of :math:`T_i`. All agree for Swamy-Arora in balanced
        panels; Stata's option ``sa`` is "exact".
    weights : str, optional
        Column of analytic weights: :math:`var(\nu_{it}) = \sigma^2_\nu / w_{it}`.
    cov : Covariance

    Notes
    -----
    A negative estimate of a variance is set to zero, with a VarianceComponentWarning. ``stats``
    holds ``sigma2_idiosyncratic`` (at the mean weight), ``sigma2_entity``, ``sigma2_time``,
    ``rho`` (share of the effects in the variance), ``theta_min``, ``theta_median`` and
    ``theta_max`` of the first effect, and R2 within, between and overall as squared correlations
    (Stata). Residuals are net of the predicted effects.

    Raises
    ------
    IdentificationError
        No degrees of freedom for a variance, or none left for the coefficients.
    SpecificationError
        Options that contradict each other.

    References
    ----------
    Swamy and Arora (1972), Econometrica 40, 261-275. Wallace and Hussain (1969), Econometrica 37,
    55-72. Amemiya (1971), International Economic Review 12, 1-13. Nerlove (1971), Econometrica 39,
    359-382. Wansbeek and Kapteyn (1989), Journal of Econometrics 41, 341-361. Baltagi and Chang
    (1994), Journal of Econometrics 62, 67-89. Baltagi, Song and Jung (2001), Journal of
    Econometrics 101, 357-381.
    """

    formula: str
    _: KW_ONLY
    method: Method = "swamy-arora"
    effects: Effects = held(("entity",))
    convention: Convention = "plm"
    weights: str | None = None
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        require_effects(self.effects)
        check_components(self.method, self.convention, self.effects, self.weights)

    @of_panel
    def fit(self, panel: Data) -> RandomEffectsEstimate:
        d = Design.build(self.formula, panel, weights=self.weights, requires=self.cov.requires())
        refuse_endogenous(d, "RandomEffects")
        d, dropped = drop_collinear(d)
        components = estimate_components(self, d)
        return gls(self, d, components, dropped, method="Random effects")


def check_components(
    method: str, convention: str, effects: tuple[str, ...], weights: str | None
) -> None:
    if not set(effects) <= {"entity", "time"}:
        raise SpecificationError(
            f"effects={effects!r}: random effects are of 'entity', 'time' or both, as the keys of "
            "every panel are called. Absorb other factors with FixedEffects."
        )
    if convention == "stata" and (method != "swamy-arora" or len(effects) > 1 or weights):
        raise SpecificationError(
            "convention='stata' is xtreg, re: Swamy-Arora with one effect and no weights. Use "
            "convention='exact' for other methods, two effects or weights."
        )


def drop_collinear(d: Design) -> tuple[Design, dict[str, str]]:
    """The design without columns that depend on earlier ones, with a CollinearityWarning."""
    keep = independent_columns(d.X)
    if keep.all():
        return d, {}
    equation = Equation(y=d.y, X=d.X, names=d.names, constant=d.holds_constant)
    dropped = report_collinear(equation, keep, d.formula)
    names = tuple(name for name, kept in zip(d.names, keep, strict=True) if kept)
    return replace(d, X=d.X[:, keep], names=names), dropped


def estimate_components(spec: Any, d: Design) -> VarianceComponents:
    """Variance components by the options of ``spec``, with a warning where one is negative."""
    codes = tuple(d.codes(name) for name in spec.effects)
    plain = (
        spec.convention == "plm"
        and spec.method in ("wallace-hussain", "amemiya")
        and d.weights is None
        and d.nobs == (int(d.entity.max()) + 1) * len(np.unique(d.time))
    )
    components = variance_components(
        d.y, d.X, codes, d.weights, method=spec.method, exact=not plain,
        harmonic=spec.convention == "stata",
    )  # fmt: skip
    constant = [
        name
        for name, gone in zip(d.names, components.within_missing, strict=True)
        if gone and name != "Intercept"
    ]
    if constant and spec.method in ("amemiya", "nerlove"):
        warn(
            f"{d.formula!r}: {listing(constant)} do not vary within the effects, so "
            f"method={spec.method!r} counts what they explain as variance of the effects. Use "
            "method='swamy-arora' or 'wallace-hussain'.",
            VarianceComponentWarning,
            stacklevel=4,
        )
    for name, raw in zip(spec.effects, components.raw, strict=True):
        if raw < 0:
            warn(
                f"{d.formula!r}: the variance of the {name} effects is estimated at {raw:.4g} and "
                f"set to zero ({spec.method}).",
                VarianceComponentWarning,
                stacklevel=4,
            )
    return components


def gls(
    spec: Any,
    d: Design,
    components: VarianceComponents,
    dropped: Mapping[str, str],
    *,
    method: str,
    kind: type[RandomEffectsEstimate] = RandomEffectsEstimate,
    **extra: Any,
) -> RandomEffectsEstimate:
    """Least squares on data multiplied by the root of the inverse covariance."""
    root = root_weights(d)
    factors = tuple(Dummies.build(d.codes(name), root) for name in spec.effects)
    phis = [float(v) for v in components.effects / components.idiosyncratic]
    transform = Root.build(factors, phis)
    y, X = scaled(d.y, root), scaled(d.X, root)
    equation = Equation(
        y=transform.apply(y), X=transform.apply(X), names=d.names, constant=d.holds_constant
    )
    moments, params, _, names = solve(equation, d)
    if len(phis) == 1 and root is None:
        moments = replace(moments, error_components=(spec.effects[0], phis[0]))
    if len(phis) == 1 and root is None:
        moments = replace(moments, error_components=(spec.effects[0], phis[0]))
    idiosyncratic, effects = predicted_effects(y - X @ params, transform, factors, phis)
    labels = {"entity": d.panel.entities[d.panel.entity_codes[d.rows[run_starts(d.entity)]]]}
    if "time" in spec.effects:
        labels["time"] = d.panel.calendar.labels(np.unique(d.time))
    return finish(
        kind, spec=spec, cov=spec.cov, design=d, scores=moments, names=names, params=params,
        method=method, dropped_columns=dropped,
        stats=_stats(spec, d, components, factors, phis, params, moments.resid, equation.y),
        residual=idiosyncratic if root is None else idiosyncratic / root,
        stated=linear_facts("least squares", (), form="quasi-demeaned", random=spec.effects),
        theta={
            name: pd.Series(factor.theta(phi), index=labels[name], name="theta")
            for name, factor, phi in zip(spec.effects, factors, phis, strict=True)
        },
        random_effects={
            name: pd.Series(values, index=labels[name], name=name)
            for name, values in zip(spec.effects, effects, strict=True)
        },
        **extra,
    )  # fmt: skip


def _stats(
    spec: Any,
    d: Design,
    components: VarianceComponents,
    factors: tuple[Dummies, ...],
    phis: Sequence[float],
    params: FloatArray,
    resid: FloatArray,
    y: FloatArray,
) -> dict[str, float]:
    idiosyncratic = components.idiosyncratic
    if d.weights is not None:
        idiosyncratic /= float(d.weights.mean())
    stats = {"sigma2_idiosyncratic": idiosyncratic}
    stats |= {
        f"sigma2_{name}": float(value)
        for name, value in zip(spec.effects, components.effects, strict=True)
    }
    stats["rho"] = float(components.effects.sum() / (components.effects.sum() + idiosyncratic))
    theta = factors[0].groups.spread(factors[0].theta(phis[0]))
    stats |= {
        "theta_min": float(theta.min()),
        "theta_median": float(np.median(theta)),
        "theta_max": float(theta.max()),
    }
    rss = float(resid @ resid)
    stats["r2"] = r_squared(rss, total_ss(y, None, d.holds_constant))
    fitted, w = d.X @ params, d.weights
    pairs = {
        "r2_within": (demean(d.y, d.entity, w), demean(fitted, d.entity, w)),
        "r2_between": (group_means(d.y, d.entity, w), group_means(fitted, d.entity, w)),
        "r2_overall": (d.y, fitted),
    }
    stats |= {name: _squared_correlation(a, b) for name, (a, b) in pairs.items()}
    stats["sigma"] = float(np.sqrt(rss / (d.nobs - len(params))))
    stats["rss"] = rss
    return stats


def _squared_correlation(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(a @ a) * float(b @ b)
    return float(a @ b) ** 2 / scale if scale > 0 else float("nan")
