"""Sigma convergence: does the dispersion of entities shrink?"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from migdev.covariance import NeweyWest
from migdev.covariance.serial import Rule
from migdev.diagnostics.subjects import CONVERGENCE
from migdev.errors import (
    DroppedEntitiesWarning,
    IdentificationError,
    PanelError,
    listing,
)
from migdev.estimators.static.linear import PooledOLS
from migdev.notes import warn
from migdev.options import check_choice
from migdev.panel.design import Design
from migdev.panel.panel import Panel
from migdev.results.panel_test import PanelTest
from migdev.results.statistic import TestStatistic, chi2_test

Measure = Literal["sd", "variance", "cv"]
Entities = Literal["all periods", "any"]


def sigma_convergence(
    panel: Panel,
    variable: str,
    *,
    measure: Measure = "sd",
    entities: Entities = "all periods",
    bandwidth: float | Rule | None = None,
) -> PanelTest:
    r"""The dispersion of entities by period, and a test of its trend.

    .. math::
        s_t &= \Bigl\{(N_t-1)^{-1}\textstyle\sum_i(x_{it}-\bar x_t)^2\Bigr\}^{1/2}, \qquad
        s_t = a + b\,t + u_t \quad (1) \\
        T_2 &= (N - 2.5)\ln\Bigl[1 + \tfrac14\frac{(s_1^2 - s_T^2)^2}{s_1^2s_T^2 - s_{1T}^2}\Bigr]
            \sim \chi^2(1) \quad (2)

    The trend b is tested with Newey-West errors and t; (2) is Carree and Klomp's test that the
    first and the last variance are equal, which allows for the dependence of the two through
    :math:`s_{1T}`, the covariance of first and last values. It stands in ``detail["ends"]``.

    Parameters
    ----------
    variable : str
        A column or expression, as a rule in logs: ``np.log(gdp)``.
    measure : {"sd", "variance", "cv"}
        Standard deviation; its square; or over the mean (coefficient of variation, for levels).
    entities : {"all periods", "any"}
        Keep only entities observed in every period, so that dispersion does not move with the
        composition of the sample (others are reported); or take those that each period has.
    bandwidth : number, {"xtscc", "plm", "fixest"} or None
        Of the Newey-West errors; see :class:`~migdev.NeweyWest`.

    Returns
    -------
    PanelTest
        ``detail``: ``by_period`` (DataFrame ``period, entities, mean, dispersion``), ``trend``,
        ``std_error``, and ``ends`` (None where fewer than four entities have both ends, or the two
        move together exactly).

    Notes
    -----
    Dispersion moves slowly: with few periods the test of the trend refuses too often. Test (2)
    does not depend on the path between the ends.

    Raises
    ------
    IdentificationError
        Fewer than four periods, or fewer than two entities in one of them; dispersion that does not
        move.
    PanelError
        "cv" of a variable whose mean is not positive.

    References
    ----------
    Barro and Sala-i-Martin (1992), Journal of Political Economy 100, 223-251. Carree and Klomp
    (1997), Review of Economics and Statistics 79, 683-686.
    """
    check_choice("measure", measure, Measure)
    check_choice("entities", entities, Entities)
    d = Design.build(f"{variable} ~ 1", panel, intercept=False)
    periods, column = np.unique(d.time, return_inverse=True)
    M = np.full((len(panel.entities), len(periods)), np.nan)
    M[panel.entity_codes[d.rows], column] = d.y
    seen = np.isfinite(M)
    if entities == "all periods":
        whole = seen.all(axis=1)
        gone = panel.entities[~whole & seen.any(axis=1)]
        if whole.sum() < 2:
            raise IdentificationError(
                f"{variable!r}: {int(whole.sum())} of {len(M)} entities are observed in all "
                f"{len(periods)} periods; dispersion needs two. Shorten the span with "
                "panel.between(), or use entities='any'."
            )
        if len(gone):
            warn(
                f"{variable!r}: {len(gone)} of {len(M)} entities are left out, they are not "
                f"observed in all {len(periods)} periods: {listing(gone.tolist(), 20)}.",
                DroppedEntitiesWarning,
                stacklevel=2,
            )
        M, seen = M[whole], seen[whole]
    count = seen.sum(axis=0)
    if len(periods) < 4 or count.min() < 2:
        raise IdentificationError(
            f"{variable!r} has {len(periods)} periods with {count.min()} entities or more; a trend "
            "of dispersion needs four periods with two entities each."
        )
    mean = np.nansum(M, axis=0) / count
    if measure == "cv" and mean.min() <= 0:
        raise PanelError(
            f"measure='cv' divides by means, but those of {variable!r} fall to {mean.min():.4g}. "
            "Give levels, which are positive, or use 'sd' for logs."
        )
    variance = np.nansum((M - mean) ** 2, axis=0) / (count - 1)
    s = variance if measure == "variance" else np.sqrt(variance)
    if measure == "cv":
        s = s / mean
    if not np.ptp(s) > 1e-12 * np.abs(M[seen]).max():
        raise IdentificationError(
            f"The dispersion of {variable!r} is {s[0]:.4g} in every period: there is no movement "
            "to test."
        )
    labels = [panel.calendar.label(int(o)) for o in periods]
    series = pd.DataFrame({"e": 0, "t": periods, "dispersion": s, "trend": periods - periods[0]})
    fit = PooledOLS(formula="dispersion ~ trend", cov=NeweyWest(bandwidth=bandwidth)).fit(
        Panel.from_frame(series, entity="e", time="t", freq="integer")
    )
    assert fit.covariance is not None
    trend = fit.lincom("trend")
    return PanelTest(
        subject=CONVERGENCE, name="Sigma convergence", null="dispersion has no trend",
        alternative="dispersion falls" if trend.estimate < 0 else "dispersion grows",
        statistic=trend.statistic, distribution="t", df=trend.df, pvalue=trend.pvalue,
        sample=f"{count.min()} to {count.max()} entities, {len(periods)} periods",
        note=f"{measure} of {variable}: {s[0]:.4g} in {labels[0]}, {s[-1]:.4g} in {labels[-1]}; "
        f"{trend.estimate:+.4g} (se {trend.std_error:.3g}) a period, "
        f"{fit.covariance.description.replace(' within entities', '')}",
        detail={
            "by_period": pd.DataFrame(
                {"period": labels, "entities": count, "mean": mean, "dispersion": s}
            ),
            "trend": trend.estimate, "std_error": trend.std_error, "ends": _ends(M, labels),
        },
    )  # fmt: skip


def _ends(M: np.ndarray, labels: list[object]) -> TestStatistic | None:
    pair = M[:, [0, -1]]
    pair = pair[np.isfinite(pair).all(axis=1)]
    N = len(pair)
    if N < 4:
        return None
    V = np.cov(pair.T)
    if not np.linalg.det(V) > 1e-14 * V[0, 0] * V[1, 1]:
        return None  # one variance is zero, or the ends move together exactly
    gap = (V[0, 0] - V[1, 1]) ** 2 / (4 * np.linalg.det(V))
    return chi2_test(
        "Carree-Klomp", f"the variances of {labels[0]} and {labels[-1]} are equal",
        (N - 2.5) * np.log1p(gap), 1,
        alternative="dispersion fell" if V[1, 1] < V[0, 0] else "dispersion grew",
        sample=f"{N} entities",
    )  # fmt: skip
