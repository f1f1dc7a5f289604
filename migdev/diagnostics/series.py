"""A variable of a panel as unbroken series, ready for tests that go by entity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import pandas as pd

from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
    listing,
)
from migdev.kernels.arrays.balanced_part import largest_balanced_part
from migdev.kernels.arrays.spells import longest_spells
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import period_means
from migdev.notes import warn
from migdev.options import Gaps, Short, check_choice
from migdev.panel.calendar import Calendar
from migdev.panel.design import Design
from migdev.panel.panel import Panel

#: What a regression holds besides the variables, in words, by the code of its trend.
DETERMINISTICS = {"n": "no deterministics", "c": "intercept", "ct": "intercept and trend"}
Trend = bool | Literal["n", "c", "ct"] | None
TRENDS = {False: "c", True: "ct", None: "n", "n": "n", "c": "c", "ct": "ct"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Values by entity without gaps inside.

    Attributes
    ----------
    name : str
    values : (n, m)
        One column per variable.
    entity, time : (n,)
        Codes 0..N-1 and ordinal periods, rows sorted by entity, then time.
    labels : Index of the N entities
    calendar : Calendar, optional
        To name periods by.
    """

    name: str
    values: FloatArray
    entity: IntArray
    time: IntArray
    labels: pd.Index
    calendar: Calendar | None = None

    @property
    def y(self) -> FloatArray:
        return np.ascontiguousarray(self.values[:, 0])

    @property
    def lengths(self) -> IntArray:
        return np.bincount(self.entity)

    @property
    def N(self) -> int:
        return len(self.labels)

    @property
    def periods(self) -> float:
        """Average number of periods."""
        return len(self.entity) / self.N

    @property
    def sample(self) -> str:
        short, long = int(self.lengths.min()), int(self.lengths.max())
        span = f"{short}" if short == long else f"{short} to {long}"
        return f"{self.N} entities, {span} periods, {len(self.entity)} observations"

    def keep(self, mask: BoolArray) -> Series:
        rows = mask[self.entity]
        codes = np.cumsum(mask) - 1
        return replace(
            self, values=self.values[rows], entity=codes[self.entity[rows]], time=self.time[rows],
            labels=self.labels[mask],
        )  # fmt: skip

    def matrix(self, what: str, instead: str = "") -> FloatArray:
        """(N, T, m) values of a balanced panel.

        Parameters
        ----------
        instead : str
            What to use where the panel is not balanced, such as ``"ips()"``.

        Raises
        ------
        PanelError
            Entities differ in their first or last period.
        """
        T = int(self.lengths.max())
        first = self.time[np.unique(self.entity, return_index=True)[1]]
        if self.lengths.min() < T or first.min() < first.max():
            raise PanelError(
                f"{what} is defined for balanced panels only, but {self.name!r} covers "
                f"{self.lengths.min()} to {T} periods by entity. Cut a common span with "
                "panel.between(first, last) and leave out entities that do not fill it"
                + (f", or use {instead}." if instead else ".")
                + self.balanced_part
            )
        return self.values.reshape(self.N, T, self.values.shape[1])

    @property
    def balanced_part(self) -> str:
        """A sentence that names the largest balanced part, for refusals."""
        part = largest_balanced_part(self.entity, self.time)
        if part is None or self.calendar is None:
            return ""
        gone = [f"{label}" for label in self.labels[~part.entities]]
        first, last = self.calendar.label(part.first), self.calendar.label(part.last)
        return (
            f" The largest balanced part holds {int(part.entities.sum())} of {self.N} entities "
            f"from {first} to {last} ({part.cells} of {len(self.entity)} rows)"
            + (f"; it leaves out {listing(gone, 12)}." if gone else ".")
        )

    def wide(self) -> tuple[FloatArray, BoolArray]:
        """(N, T) first variable, not a number where missing, and (N, T) cells; T periods occur."""
        column = np.unique(self.time, return_inverse=True)[1]
        X = np.full((self.N, int(column.max()) + 1), np.nan)
        X[self.entity, column] = self.values[:, 0]
        return X, ~np.isnan(X)


def read_series(
    panel: Panel, expression: str, *, gaps: Gaps = "longest", demean: bool = False
) -> Series:
    """Evaluate an expression (or several, ``"y ~ x + z"``) and cut it to unbroken series.

    Parameters
    ----------
    gaps : {"longest", "raise"}
        Entities with missing periods inside keep their longest unbroken spell (the latest of
        equals), or raise.
    demean : bool
        Subtract each period's average over entities first, against common shocks.

    Raises
    ------
    PanelError
        ``gaps="raise"`` and there are some.
    """
    check_choice("gaps", gaps, Gaps)
    return unbroken_series(observed_series(panel, expression, demean=demean), gaps)


def observed_series(panel: Panel, expression: str, *, demean: bool = False) -> Series:
    """As :func:`read_series`, with every observed period and gaps left in."""
    formula = expression if "~" in expression else f"{expression} ~ 1"
    d = Design.build(formula, panel, intercept=False)
    values = np.column_stack([d.y, d.X])
    if demean:
        if len(np.unique(d.entity)) < 3:
            raise IdentificationError(
                f"{expression!r} with demean=True needs three entities: less their average, two "
                "are mirror images with one statistic twice. Use demean=False."
            )
        values = values - period_means(values, np.unique(d.time, return_inverse=True)[1])
    name = d.dependent if "~" not in expression else expression
    first = np.unique(d.entity, return_index=True)[1]
    labels = panel.entities[panel.entity_codes[d.rows[first]]]
    return Series(
        name=name, values=values, entity=d.entity, time=d.time, labels=labels,
        calendar=panel.calendar,
    )  # fmt: skip


def unbroken_series(s: Series, gaps: Gaps) -> Series:
    rows, broken = longest_spells(s.entity, s.time)
    if not len(broken):
        return s
    names = list(s.labels[broken])
    if gaps == "raise":
        raise PanelError(
            f"{s.name!r} has gaps inside {len(names)} of {s.N} entities: {listing(names, 12)}. "
            "Fill them, cut the sample, or keep the longest spell of each with gaps='longest'."
            + s.balanced_part
        )
    warn(
        f"{s.name!r}: {int((~rows).sum())} of {len(rows)} rows are not used: {len(names)} "
        f"entities have gaps and keep their longest spell: {listing(names, 12)}.",
        DroppedRowsWarning,
        stacklevel=5,
    )
    return replace(s, values=s.values[rows], entity=s.entity[rows], time=s.time[rows])


def require_entities(
    s: Series,
    keep: BoolArray,
    short: Short | Literal["refuse"],
    reason: str,
    remedy: str,
    fewest: int = 1,
) -> Series:
    """The series where ``keep`` (N,) is true; the others raise or are dropped, by name.

    ``short="refuse"`` raises like "raise", for tests that have no such option to recommend.
    """
    if short != "refuse":
        check_choice("short", short, Short)
    if keep.all():
        return s
    gone = [f"{label}" for label in s.labels[~keep]]
    if short != "drop" or keep.sum() < fewest:
        raise IdentificationError(
            f"{s.name!r}: {len(gone)} of {s.N} entities {reason}: {listing(gone, 20)}. {remedy}."
            + (" short='drop' leaves them out." if short == "raise" else "")
        )
    warn(
        f"{s.name!r}: {len(gone)} of {s.N} entities are left out, they {reason}: "
        f"{listing(gone, 20)}.",
        DroppedEntitiesWarning,
        stacklevel=4,
    )
    return s.keep(keep)


class Regressions(Protocol):
    """One regression per entity: periods it has (N,), coefficients, collinear ones (N,)."""

    @property
    def nobs(self) -> IntArray: ...
    @property
    def k(self) -> int: ...
    @property
    def collinear(self) -> BoolArray: ...


R = TypeVar("R", bound=Regressions)


def averaged_regressions(
    s: Series, fit: Callable[[Series], R], short: Short, test: str, remedy: str
) -> tuple[Series, R]:
    """The series whose regressions on averages over entities can all be fitted, and these.

    Leaving an entity out changes the averages, and may shorten others, so that it is done until
    no more is to leave out.
    """
    while s.N >= 3:
        found = fit(s)
        long = found.nobs > found.k
        if not long.all():
            s = require_entities(
                s, long, short,
                f"have no more than the {found.k} usable periods that the regression takes", remedy,
            )  # fmt: skip
        elif found.collinear.any():
            s = require_entities(
                s, ~found.collinear, short, "have a constant variable or a collinear regression",
                "Leave them out",
            )  # fmt: skip
        else:
            return s, found
    raise IdentificationError(
        f"{test} averages over entities and needs at least three: of two, averages make "
        "each the mirror image of the other, with one statistic twice."
    )


def trend_code(trend: Any) -> str:
    """ "n", "c" or "ct" for None, False and True."""
    if not (trend is None or isinstance(trend, bool | str)) or trend not in TRENDS:
        raise SpecificationError(
            f"trend={trend!r}; use False (intercept), True (intercept and trend), or 'n' (neither)."
        )
    return TRENDS[trend]
