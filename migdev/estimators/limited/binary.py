"""Binary and fractional outcomes: logit, probit, complementary log-log."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from scipy import special

from migdev.covariance import CovarianceOption, Unadjusted
from migdev.engines.statsmodels import BinaryFit, binary_response
from migdev.errors import (
    ConvergenceWarning,
    FormulaError,
    IdentificationError,
    SpecificationError,
    listing,
)
from migdev.estimators.assembly import Equation, finish, report_collinear, require_rows, solve
from migdev.estimators.specification import of_panel, settle
from migdev.estimators.static.linear import refuse_endogenous
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.limited.separation import separating_direction
from migdev.notes import warn
from migdev.options import held
from migdev.panel.design import Design
from migdev.protocols import Covariance, Data
from migdev.results.estimate import Estimate
from migdev.results.facts import Facts
from migdev.results.statistic import chi2_test

Information = Literal["observed", "expected"]
#: Probabilities nearer to 0 or 1 than this call for a look at separation.
_EXTREME = 1e-7


@dataclass(frozen=True, slots=True)
class Logit:
    r"""Logit by maximum likelihood.

    .. math::
        P(y=1|x) &= \Lambda(x'\beta) = 1/(1+e^{-x'\beta}) \quad (1) \\
        \hat\beta &: \textstyle\sum_i w_i\{y_i-\Lambda(x_i'\hat\beta)\}x_i = 0 \quad (2)

    Engine: statsmodels' ``GLM``. There are no ``effects``: with few periods their estimates are so
    poor that those of the slopes are inconsistent. Dummies of few levels, ``C(region)``, are fine.

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``; the dependent variable holds zeros and ones.
    weights : str, optional
        Column of sampling weights; they need a robust or clustered covariance.
    fractional : bool
        The dependent variable may lie between 0 and 1 (Papke and Wooldridge): quasi-likelihood,
        for which a robust covariance is the right one. The classical one is scaled by Pearson's
        statistic over its degrees of freedom.
    cov : Covariance
        Default :class:`~migdev.Unadjusted`, the inverse of the information. Tests use the normal
        distribution, and the factors are those of Stata after maximum likelihood: n/(n-1) robust,
        G/(G-1) clustered.

    Raises
    ------
    FormulaError
        The dependent variable holds other numbers, or one only.
    IdentificationError
        Separation: a combination of regressors predicts some outcomes perfectly, and no maximum
        exists. The regressors and the number of rows are named.

    Notes
    -----
    ``stats`` holds the log likelihood, McFadden's R² (``r2_pseudo``), AIC, BIC and the likelihood
    ratio of all slopes. Coefficients are effects on the log odds, not on the probability.

    References
    ----------
    Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 2nd ed., ch. 15. Papke
    and Wooldridge (1996), Journal of Applied Econometrics 11, 619-632.
    """

    formula: str
    _: KW_ONLY
    weights: str | None = None
    fractional: bool = False
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        check_weights(self)

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        return fit_binary(self, panel, "logit", "Logit")


@dataclass(frozen=True, slots=True)
class Probit:
    r"""Probit by maximum likelihood: :math:`P(y=1|x) = \Phi(x'\beta)`, else as :class:`Logit`.

    Parameters
    ----------
    formula, weights, fractional, cov
        As in :class:`Logit`.
    information : {"observed", "expected"}
        Whose inverse covariances are built on: the second derivatives of the sample at hand
        (Stata, statsmodels' ``Probit``) or their expectation (R's ``glm``). In a logit they agree.

    References
    ----------
    Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 2nd ed., ch. 15.
    """

    formula: str
    _: KW_ONLY
    weights: str | None = None
    fractional: bool = False
    information: Information = "observed"
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        check_weights(self)

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        return fit_binary(self, panel, "probit", "Probit", self.information)


@dataclass(frozen=True, slots=True)
class CLogLog:
    r"""Complementary log-log by maximum likelihood: :math:`P(y=1|x) = 1 - \exp(-e^{x'\beta})`, the
    hazard of a duration grouped into periods; else as :class:`Logit`.

    Parameters
    ----------
    formula, weights, fractional, cov
        As in :class:`Logit`.
    information : {"observed", "expected"}
        As in :class:`Probit`.

    References
    ----------
    Prentice and Gloeckler (1978), Biometrics 34, 57-67.
    """

    formula: str
    _: KW_ONLY
    weights: str | None = None
    fractional: bool = False
    information: Information = "observed"
    cov: CovarianceOption = held(Unadjusted())

    def __post_init__(self) -> None:
        settle(self)
        check_weights(self)

    @of_panel
    def fit(self, panel: Data) -> Estimate:
        return fit_binary(self, panel, "cloglog", "Complementary log-log", self.information)


class Binary(Protocol):
    """What the three specifications share."""

    @property
    def formula(self) -> str: ...
    @property
    def weights(self) -> str | None: ...
    @property
    def fractional(self) -> bool: ...
    @property
    def cov(self) -> Covariance: ...


def check_weights(spec: Binary) -> None:
    if spec.weights is not None and isinstance(spec.cov, Unadjusted):
        raise SpecificationError(
            f"weights={spec.weights!r} with the classical covariance: the inverse of the "
            "information is no covariance of a weighted likelihood. Use cov=Robust() or "
            "Clustered(...)."
        )


def fit_binary(
    spec: Binary, panel: Data, link: Any, method: str, information: str = "observed"
) -> Estimate:
    """Maximum likelihood, and one step of weighted least squares from there, whose moments any
    covariance takes."""
    d = Design.build(spec.formula, panel, weights=spec.weights, requires=spec.cov.requires())
    refuse_endogenous(d, type(spec).__name__)
    require_outcomes(d, spec.fractional)
    keep = independent_columns(d.X)
    dropped = report_collinear(Equation(y=d.y, X=d.X, names=d.names), keep, d.formula)
    X = d.X[:, keep]
    names = tuple(name for name, kept in zip(d.names, keep, strict=True) if kept)
    require_rows(d.formula, d.nobs, X.shape[1])
    fit = binary_response(d.y, X, link, d.weights, information == "observed")
    caution = refuse_separation(d, X, names, fit)
    root = np.sqrt(fit.curvature)
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(root > 0, fit.score / root, 0.0)
    moments, params, _, _ = solve(
        Equation(y=root * fit.index + step, X=root[:, None] * X, names=names, constant=d.intercept),
        d,
    )
    variance = None
    if link == "logit" or information == "expected":
        variance = np.maximum(fit.mean * (1 - fit.mean), np.finfo(float).tiny)
        variance = variance / (1.0 if d.weights is None else d.weights)
    moments = replace(
        moments, weights=None if variance is None else fit.curvature, variance=variance,
        dispersion=None if spec.fractional else 1.0,
    )  # fmt: skip
    return finish(
        Estimate, spec=spec, cov=spec.cov, design=d, scores=moments, names=names, params=params,
        method=f"Fractional {method.lower()}" if spec.fractional else method,
        stats=likelihood_stats(d, fit.mean, len(params), spec), dropped_columns=dropped,
        residual=d.y - fit.mean,
        stated=Facts(
            link=link, linear=False, principle="other", absorbed=(), caution=caution,
            engines=("statsmodels",),
        ),
    )  # fmt: skip


def require_outcomes(d: Design, fractional: bool) -> None:
    values = np.unique(d.y)
    if fractional and values[0] >= 0 and values[-1] <= 1 and len(values) > 1:
        return
    if np.array_equal(values, [0.0, 1.0]):
        return
    found = listing(values.tolist(), 4)
    if len(values) == 1:
        raise FormulaError(
            f"{d.dependent!r} is {found} in all {d.nobs} rows of the sample: there is nothing to "
            "explain. Take a sample with both outcomes."
        )
    raise FormulaError(
        f"{d.dependent!r} holds {found}, and a binary outcome holds 0 and 1. Write a condition, "
        f"such as panel.assign(some=panel[{d.dependent!r}] > 0)"
        + (
            "; or fractional=True for shares between 0 and 1."
            if values[0] >= 0 and values[-1] <= 1
            else "."
        )
    )


def refuse_separation(d: Design, X: FloatArray, names: tuple[str, ...], fit: BinaryFit) -> str:
    """Raise where no maximum exists; warn where it was not reached, and give what to tell."""
    extreme = np.minimum(fit.mean, 1 - fit.mean).min() < _EXTREME
    if fit.converged and not extreme:
        return ""
    whole = (d.y == 0) | (d.y == 1)
    direction, rows = separating_direction(d.y[whole], X[whole])
    if rows.any() and not (np.abs(X[~whole] @ direction) > 0).any():
        who = [n for n, b in zip(names, direction, strict=True) if b and n != "Intercept"]
        raise IdentificationError(
            f"{d.formula!r}: {listing(who)} predict{'s' if len(who) == 1 else ''} the outcome of "
            f"{int(rows.sum())} of {d.nobs} rows perfectly (separation), and the likelihood has no "
            "maximum. Leave out a regressor, or the rows that it predicts."
        )
    if fit.converged:
        return ""
    said = "The likelihood was still rising when the search stopped: this is not its maximum."
    warn(f"{d.formula!r}. {said}", ConvergenceWarning, stacklevel=4)
    return said


def likelihood_stats(d: Design, p: FloatArray, k: int, spec: Binary) -> dict[str, Any]:
    w = np.ones(d.nobs) if d.weights is None else d.weights

    def likelihood(mean: Any) -> float:
        return float(w @ (special.xlogy(d.y, mean) + special.xlog1py(1 - d.y, -mean)))

    value = likelihood(p)
    stats: dict[str, Any] = {"log_likelihood": value}
    if d.intercept:
        null = likelihood(np.average(d.y, weights=w))
        stats["r2_pseudo"] = 1 - value / null
        if k > 1 and not spec.fractional and d.weights is None:
            stats["lr"] = chi2_test(
                "Likelihood ratio", "all slopes are zero", 2 * (value - null), k - 1.0
            )
    stats |= {"aic": 2 * k - 2 * value, "bic": k * float(np.log(d.nobs)) - 2 * value}
    return stats
