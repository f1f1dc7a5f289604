"""Gaps between entities by regime: when did their course break, and do they close?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
import pandas as pd
from scipy.special import ndtri

from migdev.diagnostics.breaks.bai_perron import (
    BreakOptions,
    Number,
    check_break_options,
    find_breaks,
    with_trend,
)
from migdev.diagnostics.breaks.frames import StructuralBreaks
from migdev.diagnostics.convergence.gap_tests import gap_series
from migdev.options import Gaps, Short, renamed
from migdev.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class GapBreaks:
    """Gaps by regime.

    Attributes
    ----------
    frame : DataFrame
        One row per gap: ``entity, reference, nobs, breaks`` (their number), ``dates`` (last periods
        of the regimes that end), ``start, end`` (the fitted gap in its first and last period),
        ``narrowed`` (:math:`1 - |end|/|start|`, the share of the first gap that is gone; negative
        where it grew), ``slope, slope_error`` (change of the gap per period in the last regime and
        its standard error, with ``trend=True``), ``closing`` (with a trend: the last regime moves
        to zero, one-sided at ``level``; without: the last regime is nearer to zero than the first).
    share : float
        Share of gaps that are closing.
    detail : StructuralBreaks
        Tests, intervals of dates and regimes, by gap.
    """

    frame: pd.DataFrame
    share: float
    detail: StructuralBreaks

    def __str__(self) -> str:
        return (
            f"{self.detail.note}\n{self.share:.1%} of {len(self.frame)} gaps are closing; "
            f"{(self.frame['breaks'] > 0).mean():.1%} have breaks"
        )


@renamed(errors="cov")
def gap_breaks(
    panel: Panel,
    variable: str,
    *,
    reference: Any = None,
    trend: bool = False,
    breaks: Number = "udmax",
    short: Short = "raise",
    gaps: Gaps = "longest",
    **options: Unpack[BreakOptions],
) -> GapBreaks:
    r"""Multiple breaks in the gaps between entities, to one of them or in all pairs.

    .. math::
        g_t = x_{it} - x_{jt} = \mu_k\,[+\ \beta_kt] + u_t, \qquad T_{k-1} < t \le T_k \quad (1)

    by :func:`~migdev.diagnostics.bai_perron`. Steps between means with ``trend=False``; with
    a trend the last regime's slope tells whether the gap is closing now. Both presume deviations
    without a unit root: see :func:`~migdev.diagnostics.gap_tests` with ``breaks=``.

    Parameters
    ----------
    variable, reference, short, gaps
        As in :func:`~migdev.diagnostics.gap_tests`.
    trend : bool
        A trend in every regime.
    breaks
        As in :func:`~migdev.diagnostics.bai_perron`; the default sees a gap that leaves its
        course and comes back, where no single break is significant.
    **options
        Further ones of :func:`~migdev.diagnostics.bai_perron`, such as ``trim=``,
        ``cov=``, ``level=``.

    Returns
    -------
    GapBreaks

    References
    ----------
    Bai and Perron (2003), Journal of Applied Econometrics 18, 1-22. Oxley and Greasley (1995),
    Economic Record 71, 259-270.
    """
    check_break_options(breaks=breaks, **options)
    s, ends = gap_series(panel, variable, reference, gaps, short)
    one = replace(s, values=np.column_stack([s.y, np.ones(len(s.entity))]))
    names = ("Intercept", "trend") if trend else ("Intercept",)
    found = find_breaks(
        panel.calendar,
        with_trend(one) if trend else one,
        names,
        short=short,
        breaks=breaks,
        **options,
    )
    ordered = found.fitted.groupby(level="entity", sort=False)
    labels = found.frame["entity"]
    start, end = ordered.first().loc[labels].to_numpy(), ordered.last().loc[labels].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        narrowed = 1 - np.abs(end) / np.abs(start)
    out = pd.DataFrame(
        {
            "entity": ends.loc[labels, "entity"].to_numpy(),
            "reference": ends.loc[labels, "reference"].to_numpy(),
            **{name: found.frame[name] for name in ("nobs", "breaks", "dates")},
            "start": start, "end": end, "narrowed": narrowed,
        }
    )  # fmt: skip
    if trend:
        slopes = found.regimes[found.regimes["term"] == "trend"]
        last = slopes.groupby("entity", sort=False, observed=True).last().loc[labels]
        out["slope"] = last["estimate"].to_numpy()
        out["slope_error"] = last["std_error"].to_numpy()
        toward = -np.sign(end) * out["slope"] / out["slope_error"]
        out["closing"] = toward > float(ndtri(1 - found.level))
    else:
        out["closing"] = np.abs(end) < np.abs(start)
    return GapBreaks(frame=out, share=float(out["closing"].mean()), detail=found)
