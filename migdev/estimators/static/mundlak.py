"""Correlated random effects: random effects with the means of the regressors (Mundlak)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np

from migdev.covariance import CovarianceLike, CovarianceOption, Unadjusted
from migdev.errors import IdentificationError, ResultError
from migdev.estimators.specification import of_panel, settle
from migdev.estimators.static.linear import refuse_endogenous
from migdev.estimators.static.random_effects import (
    Convention,
    Method,
    RandomEffectsEstimate,
    check_components,
    drop_collinear,
    estimate_components,
    gls,
)
from migdev.kernels.arrays.groups import demean, group_means
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.options import held
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.statistic import f_test

Fit = TypeVar("Fit", bound="CorrelatedRandomEffectsEstimate")


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrelatedRandomEffectsEstimate(RandomEffectsEstimate):
    """Random effects with means: ``stats["mundlak"]`` follows the covariance.

    Attributes
    ----------
    means : tuple of str
        Names of the coefficients on entity means.
    """

    means: tuple[str, ...] = ()

    def with_cov(self, cov: CovarianceLike) -> Self:
        return with_mundlak(super().with_cov(cov))


@dataclass(frozen=True, slots=True)
class CorrelatedRandomEffects:
    r"""Random effects that may depend on the entity means of the regressors.

    .. math::
        y_{it} = x_{it}'\beta + z_i'\gamma + \bar x_i'\pi + \mu_i + \nu_{it} \quad (1)

    The means are taken over the observations that are used, so in unbalanced panels too
    :math:`\hat\beta` equals the fixed-effects estimate, while coefficients of regressors constant
    over time are estimated (Mundlak 1978; Wooldridge 2019). :math:`\pi = 0` is the null of random
    effects; ``stats["mundlak"]`` tests it with the covariance of the fit, and is robust where that
    covariance is. Coefficients of means are named ``mean(x)``.

    Parameters
    ----------
    formula : str
        ``dependent ~ regressors``; which of them vary over time is read from the data.
    method, convention : str
        Variance components, see :class:`~migdev.RandomEffects`.
    weights : str, optional
        Column of analytic weights, of the means too.
    cov : Covariance

    Notes
    -----
    Time dummies have means that are equal for all entities of a balanced panel; means that add
    nothing are left out and named in ``dropped_columns``.

    Raises
    ------
    IdentificationError
        No regressor varies over time, or the means of none differ between entities.

    References
    ----------
    Mundlak (1978), Econometrica 46, 69-85. Wooldridge (2019), Journal of Econometrics 211,
    137-150.
    """

    formula: str
    _: KW_ONLY
    method: Method = "swamy-arora"
    convention: Convention = "plm"
    weights: str | None = None
    cov: CovarianceOption = held(Unadjusted())

    @property
    def effects(self) -> tuple[str, ...]:
        return ("entity",)

    def __post_init__(self) -> None:
        settle(self)
        check_components(self.method, self.convention, self.effects, self.weights)

    @of_panel
    def fit(self, panel: Data) -> CorrelatedRandomEffectsEstimate:
        d = Design.build(self.formula, panel, weights=self.weights, requires=self.cov.requires())
        refuse_endogenous(d, "CorrelatedRandomEffects")
        d, dropped = drop_collinear(d)
        d, means, without = add_means(d)
        components = estimate_components(self, d)
        fit = gls(
            self, d, components, {**dropped, **without}, method="Correlated random effects",
            kind=CorrelatedRandomEffectsEstimate, means=means,
        )  # fmt: skip
        assert isinstance(fit, CorrelatedRandomEffectsEstimate)
        return with_mundlak(fit)


def add_means(d: Design) -> tuple[Design, tuple[str, ...], dict[str, str]]:
    """The design with entity means of the columns that vary over time, the names of these, and
    the means that were left out."""
    within = demean(d.X, d.entity, d.weights)
    lengths = np.sqrt(np.einsum("ij,ij->j", within, within))
    norms = np.sqrt(np.einsum("ij,ij->j", d.X, d.X))
    varying = np.flatnonzero(lengths > 1e-8 * norms)
    if not len(varying):
        raise IdentificationError(
            f"{d.formula!r}: no regressor varies over time, so there are no means to add. Use "
            "RandomEffects."
        )
    means = group_means(d.X[:, varying], d.entity, d.weights)[d.entity]
    names = [f"mean({d.names[j]})" for j in varying]
    X = np.column_stack([d.X, means])
    keep = independent_columns(X)
    k = d.X.shape[1]
    kept = tuple(name for name, is_kept in zip(names, keep[k:], strict=True) if is_kept)
    if not kept:
        raise IdentificationError(
            f"{d.formula!r}: the means of the regressors do not differ between entities. Use "
            "RandomEffects."
        )
    why = "the means do not differ between entities, or depend on other columns"
    without = {name: why for name in names if name not in kept}
    return replace(d, X=X[:, keep], names=(*d.names, *kept)), kept, without


def with_mundlak(fit: Fit) -> Fit:
    """The estimate with the test that the coefficients of the means are zero."""
    names = fit.names
    R = np.eye(len(names))[[names.index(name) for name in fit.means]]
    try:
        wald, note = fit.wald(R), f"Wald test of {', '.join(fit.means)}"
    except ResultError as error:  # fewer clusters than means: the fit stands, the test does not
        wald, note = f_test("", "", np.nan, len(R), np.nan), str(error)
    test = replace(
        wald, name="Mundlak", alternative="correlated effects", note=note,
        null="random effects: the effects do not depend on the means of the regressors",
    )  # fmt: skip
    stats: dict[str, Any] = {**fit.stats, "mundlak": test}
    return replace(fit, stats=stats)
