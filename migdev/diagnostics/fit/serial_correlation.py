"""Tests for serial correlation of the idiosyncratic errors by auxiliary regressions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from migdev.diagnostics.fit.levels import (
    describe,
    levels,
    moments_of,
    refuse_exact,
    refuse_weights,
    require_least_squares,
)
from migdev.diagnostics.subjects import SERIAL
from migdev.errors import ResultError, SpecificationError
from migdev.kernels.arrays.distributions import chi2_tail
from migdev.kernels.arrays.groups import demean, group_sums
from migdev.kernels.arrays.least_squares import independent_columns, least_squares
from migdev.kernels.arrays.shift import lag_rows
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import Moments
from migdev.options import check_choice, renamed
from migdev.panel.design import Design
from migdev.panel.differences import Gaps, difference, previous_rows
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic, f_test

Kind = Literal["drukker", "within", "difference"]
Null = Literal["levels", "differences"]
By = Literal["entity", "stacked"]
Distribution = Literal["chi2", "F"]


def wooldridge_serial(
    fit: Estimate,
    *,
    kind: Kind = "drukker",
    null: Null = "levels",
    gaps: Gaps = "skip",
) -> TestStatistic:
    r"""Wooldridge's tests for first-order serial correlation.

    Residuals are regressed on their lag inside entities, and the slope is compared with the value
    it has without serial correlation, with a covariance clustered by entity.

    .. math:: \hat e_{it} = \rho\,\hat e_{i,t-1} + v_{it}, \quad H_0: \rho = \rho_0 \quad (1)

    ==============  ============================  =====================  =====================
    kind            residuals                     :math:`\rho_0`         who
    ==============  ============================  =====================  =====================
    ``drukker``     differences without           -1/2                   Stata's xtserial;
                    intercept; (1) without                               F(1, N - 1)
                    intercept, factor N/(N-1)
    ``within``      entity effects; (1) with      -1/(T - 1)             plm's pwartest;
                    intercept                                            F(1, n - 2)
    ``difference``  differences, intercept by     -1/2, or 0 for         plm's pwfdtest;
                    the formula; (1) with         null=differences       F(1, n - 2)
                    intercept
    ==============  ============================  =====================  =====================

    Parameters
    ----------
    fit : Estimate
        Any unweighted fit with a formula; the residuals are computed here, from its rows.
    kind : {"drukker", "within", "difference"}
    null : {"levels", "differences"}
        No serial correlation of the errors in levels, or, for ``kind="difference"``, of their
        differences.
    gaps : {"skip", "consecutive-observations"}
        Lags and differences over one period only, or over the observation before, as plm.

    Notes
    -----
    ``within`` is for short balanced panels: with gaps or unequal :math:`T_i` its null value holds
    only roughly (T is the number of periods).

    References
    ----------
    Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, 2nd ed., sections
    10.5.4 and 10.6.3. Drukker (2003), Stata Journal 3(2), 168-177.
    """
    check_choice("kind", kind, Kind)
    check_choice("null", null, Null)
    check_choice("gaps", gaps, Gaps)
    if null == "differences" and kind != "difference":
        raise ResultError("null='differences' belongs to kind='difference'.")
    refuse_weights(fit, "wooldridge_serial")
    d = levels(fit, "wooldridge_serial")
    if kind == "within":
        T = len(np.unique(d.time))
        rho0 = -1 / (T - 1)
        e, moved = _within_residuals(d), d
    else:
        rho0 = 0.0 if null == "differences" else -0.5
        moved, norms = difference(d, gaps, "drop" if kind == "drukker" else "formula")
        e = _residuals(moved.y, moved.X, norms)
    refuse_exact(e, d.y, "wooldridge_serial")
    before = previous_rows(moved, gaps)[0]
    later = np.flatnonzero(before >= 0)
    if len(later) < 3 or len(np.unique(moved.entity[later])) < 2:
        raise ResultError(
            f"wooldridge_serial: {len(later)} residuals have a predecessor, in "
            f"{len(np.unique(moved.entity[later]))} entities; it takes three, in two entities."
        )
    x = e[before[later], None]
    if kind != "drukker":
        x = np.column_stack([x, np.ones(len(later))])
    entity = np.unique(moved.entity[later], return_inverse=True)[1]
    aux = least_squares(x, e[later])
    clusters = int(entity.max()) + 1
    influence = group_sums(x * aux.resid[:, None], entity) @ aux.bread[:, 0]
    variance = float(influence @ influence) * (
        clusters / (clusters - 1) if kind == "drukker" else 1.0
    )
    own = float(aux.resid @ aux.resid) / len(later) * float(aux.bread[0, 0])
    if variance <= 1e-20 * own or np.abs(aux.resid).max() <= 1e-10 * np.abs(e).max():
        raise ResultError(
            "wooldridge_serial clusters residuals by entity, but these tell nothing: they follow "
            "from the ones before without error (trends), or their scores sum to zero in every "
            "entity (copies of one). There is no standard error to test with."
        )
    df = clusters - 1 if kind == "drukker" else len(later) - 2
    what = "differences" if null == "differences" else "levels"
    return f_test(
        f"Wooldridge ({kind})", f"no first-order serial correlation of the errors in {what}",
        (float(aux.params[0]) - rho0) ** 2 / variance, 1, df, alternative="serial correlation",
        sample=describe(d), note=f"slope {aux.params[0]:.4f}, {rho0:.4f} under the null; "
        f"{len(later)} pairs of residuals",
    )  # fmt: skip


@renamed(order="lags")
def breusch_godfrey(
    fit: Estimate,
    lags: int = 1,
    *,
    by: By = "entity",
    distribution: Distribution = "chi2",
) -> TestStatistic:
    r"""Breusch-Godfrey test on the (quasi-)demeaned equation.

    .. math:: \hat e = X^*\gamma + \rho_1 \hat e_{-1} + \dots + \rho_p \hat e_{-p} + v, \quad
        LM = n R^2 \sim \chi^2(p) \quad (1)

    Lags before the first observation are zero.

    Parameters
    ----------
    fit : Estimate
        PooledOLS, FixedEffects, RandomEffects, ...
    lags : int
        p.
    by : {"entity", "stacked"}
        Lags by entity and period, or, as plm's ``pbgtest``, by row of the stacked panel, where
        the first residuals of an entity are lagged to the last of the entity before.
    distribution : {"chi2", "F"}

    Notes
    -----
    Demeaning itself correlates residuals by :math:`-1/(T-1)`, so after FixedEffects the test
    needs a long panel. After RandomEffects the quasi-demeaned errors are uncorrelated under the
    null, but their variance ratio is estimated, which makes the test conservative in short panels
    (about 2% for a nominal 5% at T = 8).

    References
    ----------
    Godfrey (1978), Econometrica 46, 1293-1301. Wooldridge (2010), section 10.6.3.
    """
    if not isinstance(lags, int) or lags < 1:
        raise SpecificationError(
            f"lags={lags!r}; give a whole number of at least 1. How they are counted is by="
            "'entity' or 'stacked'."
        )
    check_choice("by", by, By)
    check_choice("distribution", distribution, Distribution)
    m = moments_of(fit, "breusch_godfrey")
    require_least_squares(fit, "breusch_godfrey")
    columns = [_lagged(m, k, by) for k in range(1, lags + 1)]
    X = np.column_stack([m.X, *columns])
    keep = independent_columns(X)
    added = int(keep[m.k :].sum())
    if added < lags:
        raise ResultError(f"Only {added} of {lags} lags of the residuals can be used; lower lags=.")
    v = least_squares(X[:, keep], m.resid).resid
    # resid is orthogonal to X, so the sums of squares need no further projection
    rss, tss = float(v @ v), float(m.resid @ m.resid)
    df = m.nobs - X.shape[1]
    words: dict[str, Any] = {
        "alternative": f"serial correlation up to order {lags}",
        "sample": f"{m.nobs:,} observations", "note": f"lags by {by}",
    }  # fmt: skip
    null = f"no serial correlation up to order {lags}"
    if distribution == "F":
        return f_test(
            "Breusch-Godfrey", null, (tss - rss) / lags / (rss / df), lags, df, **words
        )  # fmt: skip
    statistic = m.nobs * (1 - rss / tss)
    return TestStatistic(
        subject=SERIAL, name="Breusch-Godfrey", null=null, statistic=statistic, distribution="chi2",
        df=float(lags), pvalue=chi2_tail(statistic, lags), **words,
    )  # fmt: skip


def _lagged(m: Moments, k: int, by: By) -> FloatArray:
    rows = np.arange(m.nobs) - k if by == "stacked" else lag_rows(m.entity, m.time, k)
    return np.where(rows >= 0, m.resid[rows], 0.0)


def _within_residuals(d: Design) -> FloatArray:
    norms = np.sqrt(np.einsum("ij,ij->j", d.X, d.X))
    return _residuals(demean(d.y, d.entity), demean(d.X, d.entity), norms)


def _residuals(y: FloatArray, X: FloatArray, norms: FloatArray) -> FloatArray:
    return least_squares(X[:, independent_columns(X, norms)], y).resid
