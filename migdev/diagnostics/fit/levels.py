"""What the panel diagnostics need of a fit: its equation in levels, on its own rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.errors import DroppedRowsWarning, ResultError
from migdev.kernels.arrays.least_squares import LeastSquares, independent_columns, least_squares
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import quiet
from migdev.panel.design import Design
from migdev.results.estimate import Estimate, Sample


def sample_of(fit: Estimate, test: str) -> Sample:
    if not isinstance(fit, Estimate) or fit.sample is None:
        raise ResultError(
            f"{test} takes a fit of this package that kept its sample, not {_named(fit)}."
        )
    return fit.sample


def moments_of(fit: Estimate, test: str) -> Moments:
    if not isinstance(fit, Estimate) or not isinstance(fit.moments, Moments):
        raise ResultError(
            f"{test} takes a fit of this package that kept its rows (regressors and residuals), "
            f"not {_named(fit)}."
        )
    if fit.residual is not None and fit.observed is not None:
        refuse_exact(fit.residual, fit.observed, test)
    return fit.moments


def refuse_exact(resid: FloatArray, y: FloatArray, test: str) -> None:
    """Refuse residuals that are the rounding error of an exact fit, of which any test is noise."""
    if np.abs(resid).max() <= 1e-12 * np.abs(y).max():
        raise ResultError(
            f"{test} is about errors, but the equation fits the dependent variable without error "
            "(a constant, or an identity among the variables), so that there are none."
        )


def _named(fit: object) -> str:
    return fit.method if isinstance(fit, Estimate) else repr(type(fit).__qualname__)


def refuse_weights(fit: Estimate, test: str) -> None:
    sample_of(fit, test)
    fit.facts.require(test, fit.method, "fits without weights", weighted=False)


def require_linear(fit: Estimate, test: str) -> None:
    """Refuse a fit that is not stated to be of an equation linear in its coefficients."""
    if isinstance(fit, Estimate):
        fit.facts.require(
            test, fit.method, "a fit of a linear equation", linear=True, link="identity"
        )


def require_least_squares(
    fit: Estimate, test: str, expected: str = "a fit by least squares", **facts: Any
) -> None:
    """Refuse a fit whose residuals are not those of least squares on a linear equation."""
    require_linear(fit, test)
    if isinstance(fit, Estimate):
        fit.facts.require(test, fit.method, expected, principle="least squares", **facts)


def levels(fit: Estimate, test: str) -> Design:
    """The equation of a fit before its effects, differences or means were taken.

    The rows are those of the fit; for first differences also the earlier ones. The columns are
    all of the formula, also those that the effects absorbed.
    """
    sample = sample_of(fit, test)
    require_linear(fit, test)
    recipe = sample.recipe
    if recipe is None:
        raise ResultError(f"{test} needs a fit that kept its design, not {fit.method}.")
    with quiet(DroppedRowsWarning):  # told when the fit was made
        d = Design.build(recipe.formula, sample.panel, weights=recipe.weights)
    if d.endog_names:
        raise ResultError(
            f"{test} is for equations without endogenous regressors, not {recipe.formula!r}."
        )
    if fit.facts.form != "differences":
        here = np.isin(d.rows, sample.rows)
        if not here.all():
            d = d.keep(here, "not in the sample of the fit")
    return d


def pooled(d: Design) -> LeastSquares:
    """Pooled OLS of an equation in levels."""
    keep = independent_columns(d.X)
    return least_squares(d.X if keep.all() else d.X[:, keep], d.y)


def describe(d: Design) -> str:
    """The sample in words."""
    return (
        f"{d.nobs:,} observations, {int(d.entity.max()) + 1:,} entities, "
        f"{len(np.unique(d.time)):,} periods"
    )
