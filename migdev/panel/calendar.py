"""Time columns read as ordinals: years, quarters, months, days or plain integers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import PanelError, listing
from migdev.kernels.arrays.types import IntArray

FREQUENCIES = ("year", "quarter", "month", "day", "integer", "window")
_PERIOD_CODES = {"year": "Y", "quarter": "Q", "month": "M", "day": "D"}
_PER_YEAR = {"year": 1, "quarter": 4, "month": 12}
_QUARTER = re.compile(r"^\s*(\d{4})\s*[-/: ]?\s*[qQ]\s*([1-4])\s*$")
_MONTH = re.compile(r"^\s*(\d{4})\s*(?:[-/:]|[mM]|-[mM])\s*(0?[1-9]|1[0-2])\s*$")
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
        return pd.Index(names[inverse])

    def year(self, ordinals: IntArray) -> IntArray:
        """Calendar year in which each period begins."""
        value = np.asarray(ordinals, dtype=np.int64) * self.delta + self.origin
        if self.freq == "day":
            return value.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        return value // _PER_YEAR.get(self.freq, 1)


def read_time(
    values: pd.Series[Any], name: str, freq: str | None = None, delta: int = 1
) -> tuple[IntArray, Calendar]:
    """Ordinals (n,) of a time column, and the calendar that reads them.

    Integers (and floats or text that hold integers) are years when all lie in 1000-2999 and plain
    integers otherwise; dates become years, quarters or months by the spacing they show, unless
    ``freq`` says which.
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
        return _from_periods(values, freq)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _from_dates(pd.DatetimeIndex(values), freq)
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
    years = len(as_int) == 0 or (as_int.min() >= 1000 and as_int.max() <= 2999)
    return as_int, freq or ("year" if years else "integer")


def _from_periods(values: pd.Series[Any], freq: str | None) -> tuple[IntArray, str]:
    code = str(values.dtype)[7:8]
    found = {"Y": "year", "A": "year", "Q": "quarter", "M": "month", "D": "day"}.get(code)
    if found is None:
        raise PanelError(f"Periods of frequency {values.dtype} are not supported; use Y, Q, M, D.")
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
    for pattern, found, per_year in ((_YEAR, "year", 1), (_QUARTER, "quarter", 4),
                                     (_MONTH, "month", 12)):  # fmt: skip
        matches = {text: pattern.match(text) for text in unique}
        if all(matches.values()):
            ordinal = {
                text: int(m[1]) * per_year + (int(m[2]) - 1 if per_year > 1 else 0)
                for text, m in matches.items()
                if m is not None
            }
            return values.map(ordinal).to_numpy(np.int64), freq or found
    try:
        dates = pd.DatetimeIndex(pd.to_datetime(values, format="ISO8601"))
    except (ValueError, TypeError):
        bad = [t for t in unique if not any(p.match(t) for p in (_YEAR, _QUARTER, _MONTH))]
        raise PanelError(
            f"{name!r} cannot be put in order: {listing(bad or unique)} are not periods. Use "
            "years (1999), quarters ('1999Q2'), months ('1999-04') or ISO dates ('1999-04-30')."
        ) from None
    return _from_dates(dates, freq)
