"""Time columns read as ordinals: years, quarters, months, days or plain integers."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import PanelError, listing
from migdev.kernels.arrays.types import BoolArray, IntArray

FREQUENCIES = ("year", "quarter", "month", "day", "integer", "window")
_PER_YEAR = {"year": 1, "quarter": 4, "month": 12}
_QUARTER = re.compile(r"^\s*(\d{4})\s*[-/: ]?\s*[qQ]\s*([1-4])\s*$")
_MONTH = re.compile(r"^\s*(\d{4})\s*(?:[-/:]|[mM]|-[mM])\s*(0?[1-9]|1[0-2])\s*$")
_WINDOW = re.compile(r"^\s*(\d{4})\s*-\s*(\d{4})\s*$")
_SPLIT = re.compile(r"^\s*(\d{4})\s*[-/]\s*(\d{2}|\d{4})\s*$")
_ZONE = r"(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?:Z|[+-]\d{2}:?\d{2})$"
_YEAR = re.compile(r"^\s*\ufeff?\s*(?:YR)?(\d{4})\s*$")


@dataclass(frozen=True, slots=True)
class Calendar:
    """How ordinals of a panel read as time.

    ``ordinal`` counts periods of ``freq``; consecutive observations differ by ``delta`` periods,
    so the panel works with ``ordinal // delta``. For windows, ``origin`` is the first year of
    window zero.
    """

    freq: str
    delta: int = 1
    origin: int = 0

    def label(self, ordinal: int) -> Any:
        """The period as a reader writes it: 1999, '1999Q2', '1999-04', '1995-1999'."""
        value = int(ordinal) * self.delta + self.origin
        if self.freq == "window":
            return f"{value}-{value + self.delta - 1}"
        if self.freq == "quarter":
            return f"{value // 4}Q{value % 4 + 1}"
        if self.freq == "month":
            return f"{value // 12}-{value % 12 + 1:02d}"
        if self.freq == "day":
            return str(np.datetime64(value, "D"))
        return value

    def labels(self, ordinals: IntArray) -> pd.Index[Any]:
        unique, inverse = np.unique(ordinals, return_inverse=True)
        names = np.array([self.label(v) for v in unique], dtype=object)
        if self.freq in ("year", "integer"):
            names = names.astype(np.int64)
        labels: pd.Index[Any] = pd.Index(names[inverse])
        return labels

    def year(self, ordinals: IntArray) -> IntArray:
        """Calendar year in which each period begins."""
        value = np.asarray(ordinals, dtype=np.int64) * self.delta + self.origin
        if self.freq == "day":
            return value.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        per_year = _PER_YEAR.get(self.freq, 1)
        return value if per_year == 1 else value // per_year

    def span(self, value: Any) -> tuple[int, int]:
        """First and last ordinal that a period covers: 2000 is four quarters of a panel of
        quarters, and 2000-05-31 lies in the year 2000 of one of years.

        Raises
        ------
        PanelError
            Not a year, quarter, month or date (a whole number, where periods are such).
        """
        if self.freq == "integer":
            number = _from_numbers(np.asarray([value], dtype=float), "a bound", None)[0][0]
            begin = end = int(number)
        else:
            begin, end = (_ordinal(day, self.freq) for day in _days(value))
        early = 0 if self.freq == "window" else self.delta - 1  # a window is met by its years
        return (begin - self.origin + early) // self.delta, (end - self.origin) // self.delta

    def within(self, ordinals: IntArray, first: Any, last: Any) -> BoolArray:
        """(n,) which ordinals lie from the period ``first`` to ``last``, both included."""
        begin, end = self.span(first)[0], self.span(last)[1]
        if begin > end:
            raise PanelError(f"The first period {first!r} comes after the last, {last!r}.")
        return (ordinals >= begin) & (ordinals <= end)


def _days(value: Any) -> tuple[np.datetime64, np.datetime64]:
    """First and last day of a year, quarter, month or date."""
    if isinstance(value, int | float | np.number) and float(value).is_integer():
        value = str(int(value))
    if isinstance(value, str):
        for pattern, step in ((_YEAR, 12), (_QUARTER, 3), (_MONTH, 1)):
            if found := pattern.match(value):
                place = step * (int(found[2]) - 1) if step < 12 else 0
                return _months(int(found[1]) * 12 + place, step)
        if found := _WINDOW.match(value):
            first, last = int(found[1]), int(found[2])
            return _months(first * 12, 12 * (last - first + 1))
    try:
        if isinstance(value, pd.Period):
            return value.start_time.to_datetime64(), value.end_time.to_datetime64()
        dated = isinstance(value, str | dt.date | np.datetime64) and not pd.isna(value)
        day = pd.Timestamp(value).tz_localize(None).to_datetime64() if dated else None
    except (ValueError, TypeError):
        day = None
    if day is None:
        raise PanelError(
            f"{value!r} is no period. Use a year (1999), quarter ('1999Q2'), month ('1999-04') or "
            "date ('1999-04-30')."
        )
    return day, day


def _months(first: int, number: int) -> tuple[np.datetime64, np.datetime64]:
    """First and last day of months, counted from the year 0."""
    months = np.array([first, first + number], dtype=np.int64) - 1970 * 12
    start, after = months.astype("datetime64[M]").astype("datetime64[D]")
    return start, after - np.timedelta64(1, "D")


def _ordinal(day: np.datetime64, freq: str) -> int:
    if freq == "day":
        return int(day.astype("datetime64[D]").astype(np.int64))
    month = int(day.astype("datetime64[M]").astype(np.int64)) + 1970 * 12
    return month // (12 // _PER_YEAR.get(freq, 1))


def read_time(
    values: pd.Series[Any], name: str, freq: str | None = None, delta: int = 1
) -> tuple[IntArray, Calendar]:
    """Ordinals (n,) of a time column, and the calendar that reads them.

    Integers (and floats or text that hold integers) are years when all lie in 1000-2999 and plain
    integers otherwise; dates become years, quarters or months by the spacing they show, unless
    ``freq`` says which. Times of a zone stand for the day on its own clocks. Text such as
    ``2000/01, 2001/02``, each the year after, is of years that begin in one and end in the next,
    and bears the first.

    Raises
    ------
    PanelError
        Missing, unordered or fractional periods, or periods coarser than ``freq``.
    """
    if freq is not None and freq not in FREQUENCIES:
        raise PanelError(f"freq={freq!r} is not known; use one of {listing(FREQUENCIES)}.")
    if delta < 1:
        raise PanelError(f"delta={delta} is not a positive number of periods.")
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else ""
    if kind not in ("i", "u") and bool(values.isna().any()):
        raise PanelError(
            f"{int(values.isna().sum())} rows have no {name!r}; a panel needs a period in every "
            "row. Drop or fill them first."
        )
    if kind in ("i", "u", "f"):
        raw, found = _from_numbers(values.to_numpy(), name, freq)
    else:
        raw, found = _ordinals(values, name, freq)
    if delta == 1:
        return raw, Calendar(found)
    rest = np.unique((raw - raw.min()) % delta) if len(raw) else np.array([0])
    if len(rest) > 1:
        raise PanelError(
            f"{name!r} is not spaced by delta={delta}: some periods lie off that grid. "
            "Use the true spacing, or leave delta at 1."
        )
    origin = int(raw.min()) % delta if len(raw) else 0
    return (raw - origin) // delta, Calendar(found, delta, origin)


def _ordinals(values: pd.Series[Any], name: str, freq: str | None) -> tuple[IntArray, str]:
    if isinstance(values.dtype, pd.PeriodDtype):
        return _from_periods(values, name, freq)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _from_dates(pd.DatetimeIndex(values).tz_localize(None), freq)
    if pd.api.types.is_bool_dtype(values.dtype):
        raise PanelError(f"{name!r} holds True and False; a time column needs ordered periods.")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _from_numbers(values.to_numpy(), name, freq)
    return _from_text(values.astype(str), name, freq)


def _from_numbers(values: Any, name: str, freq: str | None) -> tuple[IntArray, str]:
    as_int = values.astype(np.int64, copy=False)
    if not np.issubdtype(values.dtype, np.integer) and not np.array_equal(as_int, values):
        raise PanelError(
            f"{name!r} holds fractions such as {values[as_int != values][0]!r}; a period is a "
            "whole number, a date or text such as '2001Q3'."
        )
    if freq in ("quarter", "month", "day"):
        raise PanelError(
            f"{name!r} holds whole numbers, which cannot be read as freq={freq!r}. Give text such "
            "as '2001Q3' or '2001-07', or dates."
        )
    years = len(as_int) == 0 or (as_int.min() >= 1000 and as_int.max() <= 2999)
    return as_int, freq or ("year" if years else "integer")


def _from_periods(values: pd.Series[Any], name: str, freq: str | None) -> tuple[IntArray, str]:
    code = str(values.dtype)[7:8]
    found = {"Y": "year", "A": "year", "Q": "quarter", "M": "month", "D": "day"}.get(code)
    if found is None:
        raise PanelError(f"Periods of frequency {values.dtype} are not supported; use Y, Q, M, D.")
    if found != "day":
        freq = _not_finer(found, freq, name)
    return _from_dates(pd.DatetimeIndex(values.dt.to_timestamp()), freq or found)


def _from_dates(dates: pd.DatetimeIndex, freq: str | None) -> tuple[IntArray, str]:
    if freq is None:
        months = set(dates.month.unique())
        days = set(dates.day.unique())
        regular = len(days) == 1 or bool(dates.is_month_end.all())
        if not regular:
            freq = "day"
        elif len(months) == 1:
            freq = "year"
        elif len({m % 3 for m in months}) == 1:
            freq = "quarter"
        else:
            freq = "month"
    year, month = dates.year.to_numpy(np.int64), dates.month.to_numpy(np.int64)
    if freq == "year":
        return year, freq
    if freq == "quarter":
        return year * 4 + (month - 1) // 3, freq
    if freq == "month":
        return year * 12 + month - 1, freq
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64), "day"


def _from_text(values: pd.Series[str], name: str, freq: str | None) -> tuple[IntArray, str]:
    unique = values.unique()
    if freq in (None, "year") and (begins := _split_years(unique)):
        return np.array([begins[text] for text in values], dtype=np.int64), "year"
    for pattern, found in ((_YEAR, "year"), (_QUARTER, "quarter"), (_MONTH, "month")):
        matches = {text: m for text in unique if (m := pattern.match(text))}
        if len(matches) == len(unique):
            step = 12 // _PER_YEAR[found]
            months = {
                text: int(m[1]) * 12 + (step * (int(m[2]) - 1) if step < 12 else 0)
                for text, m in matches.items()
            }
            chosen = _not_finer(found, freq, name)
            ordinal = {text: month // (12 // _PER_YEAR[chosen]) for text, month in months.items()}
            return values.map(ordinal).to_numpy(np.int64), chosen
    try:
        wall = values.str.replace(_ZONE, r"\1", regex=True)
        dates = pd.DatetimeIndex(pd.to_datetime(wall, format="ISO8601"))
    except (ValueError, TypeError):
        bad = [t for t in unique if not any(p.match(t) for p in (_YEAR, _QUARTER, _MONTH))]
        raise PanelError(
            f"{name!r} cannot be put in order: {listing(bad or unique)} are not periods. Use "
            "years (1999), quarters ('1999Q2'), months ('1999-04') or ISO dates ('1999-04-30')."
        ) from None
    return _from_dates(dates, freq)


def _split_years(unique: Any) -> dict[str, int]:
    """First years of text such as ``2000/01`` that is all of a year and the next; else nothing.

    A lone ``2000/01`` is the month, and so are texts of which one is not such a pair.
    """
    found = {text: m for text in unique if (m := _SPLIT.match(text))}
    pairs = len(found) == len(unique) and all(
        int(m[2]) in (int(m[1]) + 1, (int(m[1]) + 1) % 100) for m in found.values()
    )
    if not pairs or (len(unique) == 1 and _MONTH.match(unique[0])):
        return {}
    return {text: int(m[1]) for text, m in found.items()}


def _not_finer(found: str, freq: str | None, name: str) -> str:
    """The frequency to read periods in; they can be gathered, but not divided."""
    if freq is None or freq == found:
        return found
    if freq not in _PER_YEAR or _PER_YEAR[freq] > _PER_YEAR[found]:
        raise PanelError(
            f"{name!r} holds {found}s, which cannot be read as freq={freq!r}. Leave freq out, or "
            "give dates."
        )
    return freq
