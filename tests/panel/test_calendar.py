"""Time columns of every kind, and periods asked for in another frequency than the data's."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import PanelError
from migdev.panel.calendar import read_time


def labels(values, **options) -> list:
    ordinals, calendar = read_time(pd.Series(values), "t", **options)
    return calendar.labels(ordinals).tolist()


def panel_of(values, **options) -> md.Panel:
    frame = pd.DataFrame({"i": "a", "t": values, "x": np.arange(len(values), dtype=float)})
    return md.Panel.from_frame(frame, entity="i", time="t", **options)


def test_times_of_a_zone_stand_for_the_day_on_its_clocks() -> None:
    paris = pd.to_datetime(["2000-01-01", "2001-01-01", "2002-01-01"]).tz_localize("Europe/Paris")
    assert labels(paris) == [2000, 2001, 2002]  # in UTC the evenings of the years before
    london = pd.date_range("2024-03-29", "2024-04-02", tz="Europe/London")  # the clocks go forward
    days = ["2024-03-29", "2024-03-30", "2024-03-31", "2024-04-01", "2024-04-02"]
    assert labels(london) == days
    assert labels([t.isoformat() for t in london]) == days  # two offsets in one column of text
    assert labels(pd.Series(list(london), dtype=object)) == days
    assert len(panel_of(london)) == 5
    assert labels(["2024-03-31T00:00:00Z", "2024-04-01T00:00:00.000Z"]) == days[2:4]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (["2000/01", "2001/02"], [2000, 2001]),
        (["1998/99", "1999/00", "2000/01"], [1998, 1999, 2000]),
        (["2011-12", "2012-13"], [2011, 2012]),
        (["2000-2001", "2001-2002"], [2000, 2001]),
        (["2012/13"], [2012]),
        (["2000/01"], ["2000-01"]),  # one month, as far as anyone can tell
        (["2000/01", "2000/02"], ["2000-01", "2000-02"]),
        (["2000/01", "2001/01"], ["2000-01", "2001-01"]),
    ],
)
def test_years_that_end_in_the_next(text: list[str], read: list) -> None:
    assert labels(text) == read


def test_who_has_months_says_so() -> None:
    assert labels(["2000/01", "2001/02"], freq="month") == ["2000-01", "2001-02"]


def test_periods_are_gathered_and_never_divided() -> None:
    assert labels(["2000Q1", "2001Q4"], freq="year") == [2000, 2001]
    assert labels(["2000-05", "2001-12"], freq="quarter") == ["2000Q2", "2001Q4"]
    assert labels(pd.PeriodIndex(["2000Q1", "2001Q4"], freq="Q"), freq="year") == [2000, 2001]
    for values, freq, message in (
        (["2000", "2001"], "quarter", "holds years, which cannot be read as freq='quarter'"),
        (["2000Q1"], "month", "holds quarters"),
        (pd.PeriodIndex(["2000"], freq="Y"), "month", "holds years"),
        ([2000, 2001], "quarter", "holds whole numbers"),
    ):
        with pytest.raises(PanelError, match=message):
            labels(values, freq=freq)


QUARTERS = [f"{y}Q{q}" for y in (1999, 2000, 2001) for q in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("values", "bounds", "kept"),
    [
        (QUARTERS, (2000, 2000), QUARTERS[4:8]),
        (QUARTERS, ("2000Q3", 2001), QUARTERS[6:]),
        (QUARTERS, ("2000-05", pd.Period("2000-12", "M")), QUARTERS[5:8]),
        (QUARTERS, (dt.date(2000, 5, 31), pd.Timestamp("2000-07-01", tz="Asia/Tokyo")),
         QUARTERS[5:7]),
        ([1999, 2000, 2001], ("2000-05-31", "2001Q1"), [2000, 2001]),
        ([1999, 2000, 2001], (np.int64(2000), 2000.0), [2000]),
        (["1999-12", "2000-01", "2000-12", "2001-01"], ("2000", "2000"), ["2000-01", "2000-12"]),
        (pd.to_datetime(["1999-12-31", "2000-01-01", "2000-12-31", "2001-01-03"]), (2000, 2000),
         ["2000-01-01", "2000-12-31"]),
        ([1, 2, 3, 4], (2, 3), [2, 3]),
    ],
)  # fmt: skip
def test_between_takes_whole_periods(values, bounds, kept) -> None:
    assert panel_of(values).between(*bounds).periods.tolist() == kept


def test_between_with_spacing_and_windows() -> None:
    fifth = panel_of([1990, 1995, 2000, 2005], delta=5)
    assert fifth.between(1991, 2004).periods.tolist() == [1995, 2000]
    windows = panel_of(range(1990, 2005)).windows(5)
    assert windows.between(1996, 2000).periods.tolist() == ["1995-1999", "2000-2004"]
    assert windows.between("1995-1999", "1995-1999").periods.tolist() == ["1995-1999"]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((2001, 2000), "first period 2001 comes after the last, 2000"),
        (("spring", 2000), "'spring' is no period. Use a year"),
        ((2000, None), "None is no period"),
        ((2000.5, 2001), "2000.5 is no period"),
    ],
)
def test_bounds_that_are_none(bounds, message: str) -> None:
    with pytest.raises(PanelError, match=message):
        panel_of([1999, 2000, 2001]).between(*bounds)
