"""Gaps between entities: do they close, and did their course break?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.diagnostics.lags import lag_orders
from migdev.diagnostics.series import Series, require_entities, trend_code, unbroken_series
from migdev.engines.statsmodels import mackinnon_pvalue
from migdev.errors import (
    DroppedEntitiesWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
    listing,
    suggestion,
)
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.unit_roots.adf_batch import adf_panel
from migdev.kernels.unit_roots.break_adf import Shift, break_adf_panel, break_critical_values
from migdev.notes import warn
from migdev.options import Gaps, Short, check_choice
from migdev.panel.design import Design
from migdev.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class GapTests:
    """Unit-root tests of gaps, one by one, with and without a break.

    Attributes
    ----------
    frame : DataFrame
        One row per gap: ``entity, reference, first, last`` (the gap in its first and last period),
        ``nobs, lags, adf, adf_p, break_adf, break`` (the last period before the break that speaks
        most against a unit root; with more than one break ``breaks``, a tuple of them), ``rejects,
        break_rejects``.
    share, break_share : float
        Share of gaps whose unit root is refused at ``level``, without and with a break.
    level : float
    critical_values : mapping
        Of ``break_adf``.
    note : str
    """

    frame: pd.DataFrame
    share: float
    break_share: float
    level: float
    critical_values: dict[str, float]
    note: str

    def finding(self, level: float) -> dict[str, Any]:
        """What a pre-test reads: the share of gaps whose unit root is refused, in words."""
        gaps = self.frame
        closer = float((gaps["last"].abs() < gaps["first"].abs()).mean())
        return {
            "test": "Share of gaps without a unit root", "null": "the gap has a unit root",
            "statistic": self.share, "sample": f"{len(gaps)} gaps",
            "note": f"refused at {self.level:.0%} in {self.share:.1%} of gaps, in "
            f"{self.break_share:.1%} with a break; {closer:.0%} of gaps are smaller at the end "
            f"than at the start; {self.note}",
        }  # fmt: skip

    def __str__(self) -> str:
        return (
            f"{self.note}\nunit root refused at {self.level:.0%} in {self.share:.1%} of "
            f"{len(self.frame)} gaps, {self.break_share:.1%} when "
            f"{'breaks are' if 'breaks' in self.frame else 'a break is'} allowed for"
        )


def gap_to(panel: Panel, variable: str, reference: Any) -> pd.Series:
    r"""The gap of every entity to a reference entity in the same period,
    :math:`x_{it} - x_{rt}`; missing where the reference is not observed.

    Parameters
    ----------
    variable : str
        A column or an expression such as ``np.log(gdp)``, in which the gap is one of logs.
    reference
        Label of the entity, e.g. ``"USA"``.

    Returns
    -------
    Series aligned with ``panel.frame``, ready for ``panel.assign(gap=...)``.

    Raises
    ------
    PanelError
        The panel has no such entity.
    """
    M, periods = _matrix(panel, variable)
    r = _place(panel, reference)
    gap = M - M[r]
    column = np.searchsorted(periods, panel.ordinals)
    return pd.Series(
        gap[panel.entity_codes, column], index=panel.frame.index, name=f"gap to {reference}"
    )


def gap_tests(
    panel: Panel,
    variable: str,
    *,
    reference: Any = None,
    lags: int | Literal["aic", "bic", "t-sig"] = "aic",
    max_lags: int | None = None,
    trend: bool = False,
    shift: Shift = "level",
    breaks: int = 1,
    trim: float = 0.15,
    level: float = 0.05,
    short: Short = "raise",
    gaps: Gaps = "longest",
) -> GapTests:
    r"""Unit roots in the gaps between entities, to one of them or in all pairs.

    .. math::
        \Delta g_t = \mu\,[+\ \beta t] + \alpha g_{t-1} + \textstyle\sum_j c_j\Delta g_{t-j} + e_t,
        \qquad g_t = x_{it} - x_{jt} \quad (1)

    A gap without a unit root and without a trend does not widen for ever (long-run convergence);
    without a unit root about a trend the entities catch up or fall behind. The second test adds one
    break at the date that speaks most against a unit root; it always holds a trend (Zivot and
    Andrews). With ``breaks`` of two to five it allows for up to so many, found one after the other
    (Kapetanios); :func:`gap_breaks` dates them and tells whether a gap closes. Where entities do
    not converge, the share of refusals tends to ``level``; where they do, to one (Pesaran 2007).
    Single gaps are not independent of one another: the share is a measure, not a test.

    Parameters
    ----------
    variable : str
        A column or expression, as a rule in logs: ``np.log(gdp)``.
    reference : label, optional
        The entity to which gaps are taken; None for all N(N-1)/2 pairs.
    lags, max_lags
        Lagged differences: a number, or chosen gap by gap by ``"aic"``, ``"bic"``, ``"t-sig"``, in
        the regression with intercept and trend for the test with a break.
    trend : bool
        A trend in (1).
    shift : {"level", "trend", "both"}
        What breaks.
    breaks : int
        Most breaks of the second test, 1 to 5.
    trim : float
        Share of periods at either end without a break.
    level : {0.01, 0.05, 0.10}
    short : {"raise", "drop"}
        Gaps with too few common periods.
    gaps : {"longest", "raise"}
        A gap that is not observed in between keeps its longest spell, or raises.

    Notes
    -----
    Critical values with a break are asymptotic: at 5% they refuse 7 to 9% of random walks of 50
    periods, and the nominal share from 100 to 200 on; those of several breaks refuse
    6 to 16% in 50 periods (most with five breaks in trend) and 2 to 7% in 100.

    References
    ----------
    Bernard and Durlauf (1995), Journal of Applied Econometrics 10, 97-108. Oxley and Greasley
    (1995), Economic Record 71, 259-270. Kapetanios (2005), Journal of Time Series Analysis 26,
    123-133. Pesaran (2007), Journal of Econometrics 138, 312-355. Zivot and Andrews (1992), Journal
    of Business and Economic Statistics 10, 251-270.
    """
    code = trend_code(trend)
    check_choice("shift", shift, Shift)
    if not 0 < trim < 0.5:
        raise SpecificationError(f"trim={trim}; a share between 0 and 0.5, e.g. 0.15.")
    if level not in (0.01, 0.05, 0.10):
        raise SpecificationError(f"level={level}; critical values exist for 0.01, 0.05 and 0.1.")
    if isinstance(breaks, bool) or breaks not in (1, 2, 3, 4, 5):
        raise SpecificationError(f"breaks={breaks!r}; critical values exist for 1 to 5.")
    s, ends = gap_series(panel, variable, reference, gaps, short)
    terms = (breaks - 1) * (2 if shift == "both" else 1)
    least = (16 if isinstance(lags, str) else 2 * int(lags) + 8) + 4 * terms
    s = require_entities(
        s, s.lengths >= least, short,
        f"have fewer than the {least} common periods a break needs"
        if breaks == 1 else f"have fewer than the {least} common periods {breaks} breaks need",
        "Leave them out",
    )  # fmt: skip
    s, orders, how = lag_orders(s, lags, max_lags, code, short, True)
    s, break_orders, _ = lag_orders(s, lags, max_lags, "ct", short, True)
    break_orders = np.minimum(break_orders, (s.lengths - 8 - 2 * terms) // 2)
    fit = adf_panel(s.y, s.entity, orders, code)
    t, at = break_adf_panel(s.y, s.entity, break_orders, shift, trim, breaks)
    critical = break_critical_values(shift, breaks)
    bad = fit.collinear | np.isnan(t)
    if bad.any():
        raise IdentificationError(
            f"{s.name!r}: {int(bad.sum())} gaps are fitted perfectly: "
            f"{listing([str(e) for e in s.labels[bad]], 12)}. Leave these entities out."
        )
    p = mackinnon_pvalue(fit.t, code)
    first = np.cumsum(s.lengths) - s.lengths
    calendar = panel.calendar
    chosen = ends.loc[s.labels]
    frame = pd.DataFrame(
        {
            "entity": chosen["entity"].to_numpy(), "reference": chosen["reference"].to_numpy(),
            "first": s.y[first], "last": s.y[first + s.lengths - 1], "nobs": fit.nobs,
            "lags": orders, "adf": fit.t, "adf_p": p, "break_adf": t,
            **_dates(calendar, s.time, first, at),
            "rejects": p < level, "break_rejects": t < critical[f"{level:.0%}"],
        }
    )  # fmt: skip
    note = (
        f"gaps in {variable} {'of all pairs' if reference is None else f'to {reference}'}; {how}; "
        f"{'intercept and trend' if code == 'ct' else 'intercept'}; "
        f"{'break' if breaks == 1 else f'up to {breaks} breaks'} in the "
        f"{'level and trend' if shift == 'both' else shift}, about a trend"
    )
    return GapTests(
        frame=frame, share=float(frame["rejects"].mean()),
        break_share=float(frame["break_rejects"].mean()), level=level,
        critical_values=critical, note=note,
    )  # fmt: skip


def _dates(calendar: Any, time: IntArray, first: IntArray, at: IntArray) -> dict[str, Any]:
    """The column of dates: one break as it is, several as tuples."""
    if at.shape[1] == 1:
        return {"break": [calendar.label(int(o)) for o in time[first + at[:, 0]]]}
    rows = [
        tuple(calendar.label(int(time[start + v])) for v in row if v >= 0)
        for start, row in zip(first, at, strict=True)
    ]
    return {"breaks": pd.Series(rows, dtype=object)}


def _matrix(panel: Panel, variable: str) -> tuple[FloatArray, IntArray]:
    """(N, T) values over all periods of the panel, missing where not observed, and the periods."""
    d = Design.build(f"{variable} ~ 1", panel, intercept=False)
    periods = np.arange(panel.ordinals.min(), panel.ordinals.max() + 1)
    M = np.full((len(panel.entities), len(periods)), np.nan)
    M[panel.entity_codes[d.rows], panel.ordinals[d.rows] - periods[0]] = d.y
    return M, periods


def _place(panel: Panel, reference: Any) -> int:
    if reference not in panel.entities:
        names = [str(e) for e in panel.entities]
        raise PanelError(
            f"The panel has no entity {reference!r}.{suggestion(str(reference), names)} It has "
            f"{listing(names, 12)}."
        )
    return list(panel.entities).index(reference)


def gap_series(
    panel: Panel, variable: str, reference: Any, gaps: Gaps, short: Short
) -> tuple[Series, pd.DataFrame]:
    """The gaps as unbroken series, and who is at their ends, by label."""
    M, periods = _matrix(panel, variable)
    N = len(M)
    if N < 2:
        raise IdentificationError(
            f"{variable!r} has one entity, and gaps are between entities: give at least two."
        )
    if reference is None:
        i, j = np.triu_indices(N, 1)
    else:
        r = _place(panel, reference)
        i = np.delete(np.arange(N), r)
        j = np.full(N - 1, r)
    names = panel.entities.astype(str)
    ends = pd.DataFrame({"entity": panel.entities[i], "reference": panel.entities[j]})
    ends.index = names[i] if reference is not None else names[i] + " - " + names[j]
    G = M[i] - M[j]
    seen = np.isfinite(G)
    empty: BoolArray = ~np.any(seen, axis=1)
    if empty.any():
        gone = [str(e) for e in ends.index[empty]]
        message = f"{variable!r}: {len(gone)} of {len(G)} gaps have no common period"
        if short == "raise" or empty.all():
            raise IdentificationError(
                f"{message}: {listing(gone, 20)}. Leave these entities out"
                + ("." if empty.all() else ", or use short='drop'.")
            )
        warn(
            f"{message} and are left out: {listing(gone, 20)}.", DroppedEntitiesWarning,
            stacklevel=3,
        )  # fmt: skip
        G, seen, ends = G[~empty], seen[~empty], ends.loc[~empty]
    entity, column = np.nonzero(seen)
    s = Series(
        name=f"gap in {variable}", values=G[seen][:, None], entity=entity, time=periods[column],
        labels=pd.Index(ends.index),
    )  # fmt: skip
    s = unbroken_series(s, gaps)
    start = np.cumsum(s.lengths) - s.lengths
    spread = np.maximum.reduceat(s.y, start) - np.minimum.reduceat(s.y, start)
    rounding = 1e-12 * float(np.nanmax(np.abs(M)))
    keep = (spread > rounding) | (s.lengths == 1)
    return require_entities(s, keep, short, "are constant", "Leave them out"), ends
