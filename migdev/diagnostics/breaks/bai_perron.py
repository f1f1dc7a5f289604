"""Breaks at unknown dates in the mean, the trend or the regression of single series."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd

from migdev.diagnostics.breaks.frames import Piece, StructuralBreaks, assemble
from migdev.diagnostics.series import Series, require_entities, unbroken_series
from migdev.errors import SpecificationError, listing
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.breaks.bai_perron import BreakTests, break_tests
from migdev.kernels.breaks.critical_values import LEVELS, MOST_COEFFICIENTS, TRIMS, critical_values
from migdev.kernels.heterogeneous.slopes import blocks
from migdev.options import Gaps, Short, check_choice, renamed
from migdev.panel.design import Design
from migdev.panel.panel import Panel

Number = int | Literal["sequential", "udmax", "bic", "lwz"]
BreakCovariance = Literal["HAC", "robust", "regime", "unadjusted"]
# What the kernel calls them, and what they were called here before.
_ERRORS = {
    "HAC": "hac", "robust": "white", "regime": "regime", "unadjusted": "common",
    "hac": "hac", "white": "white", "common": "common",
}  # fmt: skip


class BreakOptions(TypedDict, total=False):
    """Options of :func:`bai_perron` that :func:`~migdev.diagnostics.gap_breaks` hands on."""

    max_breaks: int | None
    trim: float
    cov: BreakCovariance
    prewhiten: bool
    level: float
    confidence: float


@renamed(errors="cov")
def bai_perron(
    panel: Panel,
    formula: str,
    *,
    trend: bool = False,
    breaks: Number = "sequential",
    max_breaks: int | None = None,
    trim: float = 0.15,
    cov: BreakCovariance = "HAC",
    prewhiten: bool = True,
    level: float = 0.05,
    confidence: float = 0.95,
    gaps: Gaps = "longest",
    short: Short = "raise",
) -> StructuralBreaks:
    r"""Multiple breaks at unknown dates, entity by entity (Bai and Perron 1998, 2003).

    .. math::
        y_t &= z_t'\delta_j + u_t, \qquad t = T_{j-1}+1, \dots, T_j, \quad j = 1, \dots, m+1
            \quad (1) \\
        (\hat T_1, \dots, \hat T_m) &= \arg\min \textstyle\sum_j\sum_{t=T_{j-1}+1}^{T_j}
            (y_t - z_t'\hat\delta_j)^2, \qquad T_j - T_{j-1} \ge h = \lfloor\epsilon T\rfloor
            \quad (2) \\
        F(l) &= \frac{T - (l+1)q}{T\,l}\,\hat\delta'R'(R\hat V R')^{-1}R\hat\delta,
            \qquad R\delta = (\delta_2 - \delta_1, \dots, \delta_{l+1} - \delta_l)' \quad (3) \\
        UD &= \max_{l \le M}F(l), \qquad
        WD = \max_{l \le M}\frac{c(\alpha, 1)}{c(\alpha, l)}F(l) \quad (4)

    The dates minimise (2) globally, by dynamic programming over all segments. (3) at these dates
    tests l breaks against none, (4) any number of up to M; :math:`F(l+1\,|\,l)` is the largest (3)
    of one more break inside a regime of the best l.

    Parameters
    ----------
    formula : str
        ``"np.log(gdp)"`` for breaks in the mean, or ``"y ~ x + z"``, whose coefficients (the
        intercept too) all change at a break.
    trend : bool
        Add a linear trend, in periods, that changes too.
    breaks : {"sequential", "udmax", "bic", "lwz"} or int
        How the number of breaks is chosen: the first l where :math:`F(l+1\,|\,l)` does not reject;
        none where UDmax does not reject, else the l after the last rejection of
        :math:`F(l\,|\,l-1)`, which Bai and Perron recommend where a first break alone is hard to
        see; the criteria of Yao (1988) or of Liu, Wu and Zidek (1997); or a given number.
    max_breaks : int, optional
        M; default 5, less where the trimming leaves no room.
    trim : float
        :math:`\epsilon`, the shortest regime as a share of the series. Critical values exist for
        0.05, 0.10, 0.15, 0.20 and 0.25; for others ``breaks`` must be a criterion or a number.
    cov : {"HAC", "robust", "regime", "unadjusted"}
        What (3) and the intervals allow: serial correlation and any variance, by regime
        (quadratic-spectral kernel, Andrews's bandwidth); any variance, no serial correlation; one
        variance by regime; one variance.
    prewhiten : bool
        Fit a vector autoregression to the moments of a regime before the kernel of ``"HAC"``.
    level : {0.10, 0.05, 0.01}
        Of the tests that choose the number of breaks.
    confidence : float
        Of the intervals of dates.
    gaps : {"longest", "raise"}
        Entities with gaps keep their longest unbroken spell, or raise.
    short : {"raise", "drop"}
        Entities that are too short for regimes of h periods, constant, or whose regressors are
        collinear within h periods.

    Returns
    -------
    StructuralBreaks
        Frames of numbers and tests, dates with intervals, and regimes.

    Raises
    ------
    SpecificationError
        Options without critical values or without room for the breaks.
    IdentificationError
        Entities that are too short or collinear (named).

    Notes
    -----
    A date is the last period of the old regime. Intervals rest on breaks that shrink as T grows;
    they are rounded outward to whole periods, as in R's strucchange (Bai and Perron's programs
    round to the nearest period and add one above), and end with the sample. Critical values hold
    for regressors without trends; with ``trend=True`` they are a guide only, and nowhere for unit
    roots.

    In stable series of 60 periods without serial correlation UDmax at 5% refuses 6% with
    ``cov="unadjusted"``, 9% with ``"regime"`` and 21% with ``"HAC"`` at ``trim=0.15``; 6, 6 and 10%
    at 0.25. Under first-order correlation of 0.5 only ``"HAC"`` is of use: 40% at 0.15 and 17% at
    0.25 (T = 200: 13% and 8%), where the others refuse half and more. Short annual series want
    long regimes, or lags of y among the regressors with ``"robust"`` or less.

    References
    ----------
    Bai and Perron (1998), Econometrica 66, 47-78. Bai and Perron (2003), Journal of Applied
    Econometrics 18, 1-22. Bai and Perron (2003), Econometrics Journal 6, 72-78 (critical values).
    Yao (1988), Statistics and Probability Letters 6, 181-189. Liu, Wu and Zidek (1997), Statistica
    Sinica 7, 497-525.
    """
    check_break_options(
        breaks=breaks, max_breaks=max_breaks, trim=trim, cov=cov, prewhiten=prewhiten,
        level=level, confidence=confidence,
    )  # fmt: skip
    s, names = _regression(panel, formula, trend, gaps)
    found = find_breaks(
        panel.calendar, s, names, breaks=breaks, max_breaks=max_breaks, trim=trim, cov=cov,
        prewhiten=prewhiten, level=level, confidence=confidence, short=short,
    )  # fmt: skip
    return replace(found, fitted=_placed(panel, found.fitted, s.name))


def find_breaks(
    calendar: Any,
    s: Series,
    names: tuple[str, ...],
    *,
    breaks: Number = "sequential",
    max_breaks: int | None = None,
    trim: float = 0.15,
    cov: BreakCovariance = "HAC",
    prewhiten: bool = True,
    level: float = 0.05,
    confidence: float = 0.95,
    short: Short = "raise",
) -> StructuralBreaks:
    """:func:`bai_perron` for unbroken series of (y, z), z called ``names``."""
    q, errors = len(names), _ERRORS[cov]
    tables = critical_values(trim, q)
    if tables is None and breaks in ("sequential", "udmax"):
        raise SpecificationError(
            f"breaks={breaks!r} needs critical values, which exist for trim in {listing(TRIMS)} "
            f"and up to {MOST_COEFFICIENTS} coefficients, not for trim={trim:g} and {q}. Use one "
            "of these, or breaks='bic', 'lwz' or a number."
        )
    most = _most(breaks, max_breaks, trim, None if tables is None else tables[0].shape[1])
    least = max(2 * q + 2, 5) if errors == "hac" else q + 1
    h = (trim * s.lengths + 1e-9).astype(np.int64)
    s = require_entities(
        s, (h >= least) & ((most + 1) * h <= s.lengths), short,
        f"have regimes of trim={trim:g} shorter than the {least} periods that cov={cov!r} "
        "needs",
        f"Use a larger trim, another cov, or at least {int(np.ceil(least / trim))} periods",
    )  # fmt: skip
    s = _moving(s, short)
    pieces, bad = _fitted(s, trim, most, errors, prewhiten)
    if bad.any():
        s = require_entities(
            s, ~bad, short, "have a regressor that is constant or collinear within some "
            f"{trim:.0%} of their periods",
            "Leave it out, or use a larger trim",
        )  # fmt: skip
        pieces, _ = _fitted(s, trim, most, errors, prewhiten)
    chosen = np.empty(s.N, dtype=np.int64)
    for piece in pieces:
        chosen[piece.codes] = _number(piece.found, breaks, tables, level)
    how = f"breaks={breaks!r}" + ("" if breaks in ("bic", "lwz") else f" at {level:.0%}")
    note = (
        f"breaks in {', '.join(names)} of {s.name}; trimming {trim:g}, at most {most} breaks; "
        f"errors: {errors}{', prewhitened' if errors == 'hac' and prewhiten else ''}; "
        f"{how if isinstance(breaks, str) else f'{breaks} breaks given'}"
    )
    return assemble(
        calendar, s, names, pieces, chosen, tables, level=level, confidence=confidence,
        errors=errors, prewhiten=prewhiten, note=note,
    )  # fmt: skip


def check_break_options(
    *,
    breaks: Any = "sequential",
    max_breaks: Any = None,
    trim: float = 0.15,
    cov: BreakCovariance = "HAC",
    prewhiten: bool = True,
    level: float = 0.05,
    confidence: float = 0.95,
) -> None:
    """The options of :func:`bai_perron` before any data are read."""
    whole = isinstance(breaks, int | np.integer) and not isinstance(breaks, bool)
    check_choice("breaks", breaks, Number)
    if not isinstance(breaks, str) and not (whole and breaks >= 0):
        raise SpecificationError(f"breaks={breaks!r}; a whole number, zero or more.")
    if max_breaks is not None and (isinstance(max_breaks, bool) or max_breaks < 1):
        raise SpecificationError(f"max_breaks={max_breaks!r}; at least 1.")
    if not 0 < trim < 0.5:
        raise SpecificationError(f"trim={trim}; a share between 0 and 0.5, e.g. 0.15.")
    check_choice("cov", cov, list(_ERRORS))
    if level not in LEVELS:
        raise SpecificationError(f"level={level}; critical values exist for 0.01, 0.05 and 0.1.")
    if not isinstance(prewhiten, bool):
        raise SpecificationError(f"prewhiten={prewhiten!r}; True or False.")
    if not 0 < confidence < 1:
        raise SpecificationError(f"confidence={confidence}; a share such as 0.95.")


def _most(breaks: int | str, max_breaks: int | None, trim: float, tabulated: int | None) -> int:
    room = int(1 / trim + 1e-9) - 1
    room = room if tabulated is None else min(room, tabulated)
    wanted = max(max_breaks or 0, 0 if isinstance(breaks, str) else int(breaks))
    if wanted > room:
        raise SpecificationError(
            f"{wanted} breaks do not go with trim={trim:g}, which allows {room}"
            + (" with critical values" if tabulated is not None else "")
            + ". Use a smaller trim or fewer breaks."
        )
    return max(wanted, 1) if max_breaks is not None else max(wanted, min(5, room))


def _regression(
    panel: Panel, formula: str, trend: bool, gaps: Gaps
) -> tuple[Series, tuple[str, ...]]:
    """Unbroken series of (y, z) and the names of z."""
    check_choice("gaps", gaps, Gaps)
    d = Design.build(formula if "~" in formula else f"{formula} ~ 1", panel)
    if d.endog_names:
        raise SpecificationError(
            f"bai_perron() has no instruments, but {formula!r} marks "
            f"{', '.join(d.endog_names)} as endogenous. Drop the brackets."
        )
    first = np.unique(d.entity, return_index=True)[1]
    labels = panel.entities[panel.entity_codes[d.rows[first]]]
    s = Series(
        name=d.dependent, values=np.column_stack([d.y, d.X]), entity=d.entity, time=d.time,
        labels=labels,
    )  # fmt: skip
    s = unbroken_series(s, gaps)
    names = tuple(d.names)
    if trend:
        s, names = with_trend(s), (*names, "trend")
    if not names:
        raise SpecificationError(
            f"{formula!r} has no coefficient that could break: name a regressor, or keep the "
            "intercept."
        )
    return s, names


def with_trend(s: Series) -> Series:
    """The series with a column that counts periods from one."""
    start = s.time[np.cumsum(s.lengths) - s.lengths]
    return replace(s, values=np.column_stack([s.values, s.time - start[s.entity] + 1.0]))


def _moving(s: Series, short: Short) -> Series:
    """The series without those that do not move."""
    start = np.cumsum(s.lengths) - s.lengths
    high, low = np.maximum.reduceat(s.y, start), np.minimum.reduceat(s.y, start)
    keep = high - low > 1e-12 * np.maximum(np.abs(high), np.abs(low))
    return require_entities(s, keep, short, "are constant", "Leave them out")


def _fitted(
    s: Series, trim: float, most: int, errors: str, prewhiten: bool
) -> tuple[list[Piece], BoolArray]:
    """Statistics of the entities by length, and entities with collinear regressors (N,)."""
    pieces = []
    bad = np.zeros(s.N, dtype=bool)
    for codes, rows in blocks(s.entity):
        h = int(trim * rows.shape[1] + 1e-9)
        Y, Z = s.values[rows, 0], s.values[rows][:, :, 1:]
        found = break_tests(Y, Z, h, most, errors, prewhiten)
        pieces.append(Piece(codes=codes, rows=rows, found=found))
        bad[codes] = found.collinear
    return pieces, bad


def _number(
    found: BreakTests,
    breaks: int | str,
    tables: tuple[FloatArray, FloatArray, FloatArray] | None,
    level: float,
) -> IntArray:
    """(g,) number of breaks by the rule."""
    g = len(found.rss)
    if isinstance(breaks, str) and breaks in ("bic", "lwz"):
        best: IntArray = np.argmin(getattr(found, breaks), axis=1)
        return best
    if not isinstance(breaks, str):
        return np.full(g, int(breaks), dtype=np.int64)
    assert tables is not None  # the door has asked for them
    at = LEVELS.index(level)
    rejects = found.further > tables[2][at, : found.further.shape[1]]
    if breaks == "sequential":
        first: IntArray = np.cumprod(rejects, axis=1).sum(axis=1)
        return first
    last = np.max(np.where(rejects, np.arange(1, rejects.shape[1] + 1), 0), axis=1)
    some = found.sup_f.max(axis=1) > tables[1][at, 0]
    return np.where(some, np.maximum(last, 1), 0)


def _placed(panel: Panel, fitted: pd.Series, name: str) -> pd.Series:
    """Values by entity and period on the rows of the panel."""
    keys = pd.MultiIndex.from_arrays(
        [panel.entities[panel.entity_codes], panel.ordinals], names=["entity", "time"]
    )
    out = fitted.reindex(keys)
    out.index = panel.frame.index
    return out.rename(f"{name}, fitted with breaks")
