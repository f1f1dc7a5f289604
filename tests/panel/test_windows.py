"""Windows against pandas' groupby, and their options."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers
from numpy.testing import assert_allclose, assert_array_equal

import migdev as md
from migdev.errors import DroppedColumnsWarning, DroppedRowsWarning, PanelError, SpecificationError
from migdev.panel.windows import STATISTICS, windows


def gappy(seed: int, entities: int = 6, years: int = 17) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "iso3": np.repeat([f"C{i:02d}" for i in range(entities)], years),
            "year": np.tile(np.arange(1980, 1980 + years), entities),
            "x": rng.standard_normal(entities * years) * 10,
            "z": rng.standard_normal(entities * years),
        }
    )
    frame.loc[rng.random(len(frame)) < 0.3, "x"] = np.nan
    frame = frame[rng.random(len(frame)) > 0.2]
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


@pytest.mark.parametrize("stat", STATISTICS)
@settings(max_examples=15)
@given(seed=integers(0, 10_000), years=integers(1, 7), min_obs=integers(1, 3))
def test_windows_match_groupby(stat: str, seed: int, years: int, min_obs: int) -> None:
    frame = gappy(seed)
    min_obs = min(min_obs, years)
    panel = md.Panel.from_frame(frame, entity="iso3", time="year")
    made = windows(panel, years, min_obs=min_obs, start=1980, how={"x": stat, "z": "mean"})
    ordered = frame.sort_values(["iso3", "year"])
    groups = ordered.groupby(["iso3", 1980 + (ordered["year"] - 1980) // years * years])
    wanted, counts = getattr(groups["x"], stat)(), groups["x"].count()
    if stat != "count":
        wanted = wanted.where(counts >= (years if stat == "sum" else min_obs))
    wanted = pd.DataFrame({"x": wanted, "z": groups["z"].mean()})
    wanted["z"] = wanted["z"].where(groups["z"].count() >= min_obs)
    wanted = wanted.dropna(how="all")
    assert_array_equal(made.frame["iso3"], wanted.index.get_level_values(0))
    assert_array_equal(made.frame["window"], wanted.index.get_level_values(1))
    # sums in another order than pandas'
    assert_allclose(made.frame["x"], wanted["x"], rtol=1e-12, atol=1e-12)
    assert_allclose(made.frame["z"], wanted["z"], rtol=1e-12, atol=1e-12)


def small(**columns: object) -> md.Panel:
    years = np.arange(1980, 1990)
    frame = pd.DataFrame({"iso3": "AAA", "year": years, "x": years - 1980.0, **columns})
    return md.Panel.from_frame(
        frame, entity="iso3", time="year", units={"x": "%"}, labels={"x": "Growth"}
    )


def test_operators_go_from_window_to_window() -> None:
    made = small().windows(5, min_obs=3)
    assert list(made.periods) == ["1980-1984", "1985-1989"]
    assert made.calendar.freq == "window"
    assert_array_equal(made["x"], [2, 7])
    assert_array_equal(made.D("x"), [np.nan, 5])
    assert_array_equal(made.L("x"), [np.nan, 2])
    assert made.units == {"x": "%"}
    assert made.labels == {"x": "Growth, mean over 5 years"}
    assert len(made.between(1985, 1989)) == 1


def test_a_missing_window_is_a_gap() -> None:
    panel = small().where(lambda p: (p["year"] < 1982) | (p["year"] > 1983))
    made = panel.windows(2, min_obs=2)
    assert_array_equal(made["window"], [1980, 1984, 1986, 1988])
    assert_array_equal(made.L("x"), [np.nan, np.nan, 4.5, 6.5])


def test_volatility_and_initial_value_beside_the_mean() -> None:
    made = small(y=np.arange(10.0) ** 2).windows(
        5, how={"y": "first", "volatility": ("x", "std"), "most": ("y", "max")}
    )
    assert_array_equal(made["x"], [2, 7])
    assert_array_equal(made["y"], [0, 25])
    assert_allclose(made["volatility"], np.std(np.arange(5), ddof=1), rtol=1e-15)
    assert_array_equal(made["most"], [16, 81])


def test_a_sum_needs_every_year() -> None:
    x = np.array([1, 1, 1, 1, np.nan, 1, 1, 1, 1, 1])
    made = small(x=x, y=1.0).windows(5, how={"x": "sum"})
    assert_array_equal(made["x"], [np.nan, 5])


def test_min_obs_is_told_in_the_history() -> None:
    x = np.array([1, 1, np.nan, np.nan, np.nan, 1, 1, 1, 1, 1])
    made = small(x=x, y=1.0).windows(5, min_obs=3)
    assert_array_equal(made["x"], [np.nan, 1])
    assert "1 values of fewer than 3 observations made missing" in made.history[-1]


def test_windows_without_a_value_are_left_out() -> None:
    x = np.array([1, 1, np.nan, np.nan, np.nan, 1, 1, 1, 1, 1])
    made = small(x=x).windows(5, min_obs=3)
    assert_array_equal(made["window"], [1985])
    assert "1 windows without any value left out" in made.history[-1]


def test_start_and_partial_last_window() -> None:
    with pytest.warns(DroppedRowsWarning, match="2 rows before 1982 left out"):
        made = small().windows(5, start=1982)
    assert list(made.periods) == ["1982-1986", "1987-1991"]
    assert_array_equal(made["x"], [4, 8])
    assert "the last window is partial (1987-1989)" in made.history[-1]
    with pytest.warns(DroppedRowsWarning, match="3 rows of the partial last window 1987-1989"):
        made = small().windows(5, start=1982, partial="drop")
    assert list(made.periods) == ["1982-1986"]
    with (
        pytest.raises(PanelError, match="No row lies in a window"),
        pytest.warns(DroppedRowsWarning),
    ):
        small().windows(5, start=1995)


def test_text_constant_within_entities_stays() -> None:
    panel = small(region="North", regime=["a"] * 5 + ["b"] * 5)
    with pytest.warns(DroppedColumnsWarning, match="'regime' hold text that varies"):
        made = panel.windows(5)
    assert made["region"].tolist() == ["North", "North"]
    assert "regime" not in made


def test_text_with_gaps_is_filled_within_the_entity() -> None:
    made = small(region=["North", None] * 5, empty=[None] * 10).windows(5)
    assert made["region"].tolist() == ["North", "North"]
    assert made["empty"].tolist() == [None, None]


def test_quarters_and_months_make_windows_of_years() -> None:
    quarters = [f"{y}Q{q}" for y in range(2000, 2004) for q in range(1, 5)]
    frame = pd.DataFrame({"id": "a", "q": quarters, "x": np.arange(16.0)})
    made = md.Panel.from_frame(frame, entity="id", time="q").windows(2, min_obs=8, how="sum")
    assert list(made.periods) == ["2000-2001", "2002-2003"]
    assert_array_equal(made["x"], [28, 92])


def test_nullable_and_truth_columns() -> None:
    n = pd.array([1, None, 3, 4, 5, 6, 7, 8, 9, 10], dtype="Int64")
    made = small(n=n, crisis=[True] * 3 + [False] * 7).windows(5)
    assert_array_equal(made["n"], [13 / 4, 8])
    assert_array_equal(made["crisis"], [0.6, 0])


def test_infinite_values_stay_infinite() -> None:
    made = small(x=[np.inf, *range(9)]).windows(5, how={"s": ("x", "std")})
    assert made["x"].iloc[0] == np.inf
    assert np.isnan(made["s"].iloc[0])


def test_corridors() -> None:
    frame = pd.DataFrame(
        {"o": ["a"] * 4 + ["b"] * 4, "d": "c", "year": [*range(4)] * 2, "x": np.arange(8.0)}
    )
    made = md.Panel.from_frame(frame, entity=["o", "d"], time="year").windows(2)
    assert made.entity_columns == ("o", "d")
    assert_array_equal(made["x"], [0.5, 2.5, 4.5, 6.5])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"years": 0}, "one year or more"),
        ({"years": 5, "min_obs": 6}, "min_obs=6 with windows of 5 years"),
        ({"years": 5, "min_obs": 0}, "min_obs=0"),
        ({"years": 5, "partial": "cut"}, "partial='cut'"),
        ({"years": 5, "how": "meen"}, "'meen' is no statistic of windows. Did you mean 'mean'"),
        ({"years": 5, "how": {"x": ("x", "std")}}, "needs a new name"),
        ({"years": 5, "how": {"new": ("region", "std")}}, "'region', which holds no numbers"),
        ({"years": 5, "how": {"region": "mean"}}, "'region', which holds no numbers"),
        ({"years": 5, "how": {"region": ("x", "std")}}, "'region', which is there already"),
        ({"years": 5, "label": "x"}, "has a column 'x'"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(SpecificationError, match=message):
        windows(small(region="North"), **options)


def test_unknown_columns_and_windows_of_windows() -> None:
    with pytest.raises(PanelError, match="no column 'xx'. Did you mean 'x'"):
        small().windows(5, how={"xx": "mean"})
    with pytest.raises(PanelError, match="no column 'xx'"):
        small().windows(5, how={"new": ("xx", "mean")})
    with pytest.raises(SpecificationError, match="windows already"):
        small().windows(5).windows(10)
