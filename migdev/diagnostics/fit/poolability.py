"""Poolability: do slopes differ between entities, or between periods?"""

from __future__ import annotations

from typing import Literal

import numpy as np

from migdev.diagnostics.fit.levels import (
    describe,
    levels,
    moments_of,
    refuse_weights,
    require_least_squares,
)
from migdev.errors import DroppedEntitiesWarning, ResultError
from migdev.kernels.heterogeneous.slopes import group_fits
from migdev.notes import warn
from migdev.options import check_choice
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic, f_test

By = Literal["entity", "time"]


def poolability(fit: Estimate, by: By = "entity") -> TestStatistic:
    r"""Chow test that coefficients are equal between entities (or periods).

    .. math::
        F = \frac{(RSS_R - \sum_i RSS_i)/(df_R - \sum_i df_i)}{\sum_i RSS_i/\sum_i df_i} \quad (1)

    Parameters
    ----------
    fit : Estimate
        The fit under the null: PooledOLS (all coefficients equal) or FixedEffects with the effect
        ``by`` (equal slopes). Against it stands a regression of its own for each group.
    by : {"entity", "time"}

    Notes
    -----
    Groups with no more rows than coefficients, or with collinear regressors, count with their
    rank; those that are fitted perfectly add nothing, and a warning counts them. Assumes
    homoskedastic errors. plm's ``pooltest``.

    References
    ----------
    Chow (1960), Econometrica 28, 591-605. Baltagi (2021), Econometric Analysis of Panel Data,
    6th ed., section 4.1.
    """
    check_choice("by", by, By)
    moments = moments_of(fit, "poolability")
    refuse_weights(fit, "poolability")
    require_least_squares(
        fit,
        "poolability",
        f"a fit of PooledOLS, or of FixedEffects with effects=({by!r},)",
        form="levels",
    )
    if moments.factor_names not in ((), (by,)):
        raise ResultError(
            f"poolability by {by} takes a fit of PooledOLS, or of FixedEffects with "
            f"effects=({by!r},), not {fit.method} with {moments.factor_names or 'no'} effects."
        )
    d = levels(fit, "poolability")
    codes = d.codes(by)
    order = np.argsort(codes, kind="stable")
    X = d.X
    if moments.factor_names and not d.intercept:
        X = np.column_stack([np.ones(d.nobs), X])
    rss_group, rank = group_fits(d.y[order], X[order], codes[order])
    df_group = np.bincount(codes) - rank
    df, rss = int(df_group.sum()), float(rss_group.sum())
    perfect = int((df_group <= 0).sum())
    if len(df_group) < 2:
        raise ResultError(
            f"poolability compares regressions by {by}, but there is one only: give a fit of two."
        )
    if df <= 0 or rss <= 1e-24 * float(d.y @ d.y):
        raise ResultError(f"Every {by} is fitted perfectly; poolability cannot be tested.")
    if perfect:
        warn(
            f"poolability: {perfect} of {len(df_group)} groups by {by} have no residual degree of "
            "freedom and add nothing to the test.",
            DroppedEntitiesWarning,
            stacklevel=2,
        )
    rss_null, df_null = float(moments.resid @ moments.resid), moments.df_resid
    what = "slopes" if moments.factor_names else "coefficients"
    return f_test(
        "Poolability", f"the same {what} for every {by}",
        max(rss_null - rss, 0.0) / (df_null - df) / (rss / df), df_null - df, df,
        alternative=f"{what} differ", sample=describe(d),
    )  # fmt: skip
