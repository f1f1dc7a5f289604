"""What the panel diagnostics need of a fit: its equation in levels, on its own rows."""

from __future__ import annotations

import warnings

import numpy as np

from migdev.errors import DroppedRowsWarning, ResultError
from migdev.kernels.arrays.least_squares import LeastSquares, independent_columns, least_squares
from migdev.kernels.sandwich.moments import Moments
from migdev.panel.design import Design
from migdev.results.estimate import Estimate, Sample

#: ``method`` of fits of FirstDifference, whose sample lacks the first row of each entity.
DIFFERENCED = "First differences"
#: ``method`` of the fits whose residuals are those of least squares, with or without dummies.
LEAST_SQUARES = ("Pooled OLS", "Fixed effects")


def sample_of(fit: Estimate, test: str) -> Sample:
    if not isinstance(fit, Estimate) or fit.sample is None:
        raise ResultError(f"{test} takes a fit of this package that kept its sample, not {fit!r}.")
    return fit.sample


def moments_of(fit: Estimate, test: str) -> Moments:
    if not isinstance(fit, Estimate) or not isinstance(fit.moments, Moments):
        raise ResultError(
            f"{test} takes a fit of this package that kept its rows (regressors and residuals), "
            f"not {fit!r}."
        )
    return fit.moments


def refuse_weights(fit: Estimate, test: str) -> None:
    sample_of(fit, test)
    if getattr(fit.spec, "weights", None) is not None:
        raise ResultError(f"{test} is for fits without weights; fit again without weights=.")


def levels(fit: Estimate, test: str) -> Design:
    """The equation of a fit before its effects, differences or means were taken.

    The rows are those of the fit; for first differences also the earlier ones. The columns are
    all of the formula, also those that the effects absorbed.
    """
    sample = sample_of(fit, test)
    formula = getattr(fit.spec, "formula", None)
    if formula is None:
        raise ResultError(f"{test} needs a fit whose specification has a formula.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DroppedRowsWarning)  # told when the fit was made
        d = Design.build(formula, sample.panel, weights=getattr(fit.spec, "weights", None))
    if d.endog_names:
        raise ResultError(
            f"{test} is for equations without endogenous regressors, not {formula!r}."
        )
    if fit.method != DIFFERENCED:
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
