"""Coverage tables against plm's balance measures, and against counting by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers
from numpy.testing import assert_allclose, assert_array_equal

import migdev as md
from migdev.errors import ResultError
from tests.data import benchmark
from tests.golden import load_golden

GOLDEN = load_golden("describe")  # R: plm::punbalancedness, sd of means and of deviations


def test_balance_and_spread_match_r() -> None:
    frame = benchmark("empl_uk")
    told = md.Panel.from_frame(frame, entity="firm", time="year").describe()
    # R prints 15 digits; sums differ in their order
    assert told.gamma == pytest.approx(GOLDEN["balance"]["gamma"], rel=1e-13)
    assert told.nu == pytest.approx(GOLDEN["balance"]["nu"], rel=1e-13)
    for variable in ("emp", "wage", "capital", "output"):
        for stat, value in GOLDEN[variable].items():
            assert told.variables.loc[variable, stat] == pytest.approx(value, rel=1e-12)


def example() -> md.Panel:
    frame = pd.DataFrame(
        {
            "iso3": ["AAA"] * 4 + ["BBB"] * 2 + ["CCC"] * 3,
            "year": [2000, 2001, 2003, 2004, 2001, 2002, 2000, 2003, 2004],
            "x": [1, np.nan, 3, np.inf, np.nan, np.nan, 5, 6, 7],
            "region": ["N", "N", None, "N", "S", "S", "E", "E", "W"],
        }
    )
    return md.Panel.from_frame(frame, entity="iso3", time="year")


def test_entities() -> None:
    table = example().describe().entities
    assert table.loc["AAA"].tolist() == [2000, 2004, 4, 1, 2]
    assert table.loc["BBB"].tolist() == [2001, 2002, 2, 0, 2]
    assert table.loc["CCC"].tolist() == [2000, 2004, 3, 2, 2]


def test_periods() -> None:
    table = example().describe().periods
    assert table["entities"].tolist() == [2, 2, 1, 2, 2]
    assert table["entering"].tolist() == [2, 1, 0, 0, 0]
    assert table["leaving"].tolist() == [0, 0, 1, 0, 2]
    assert table["absent"].tolist() == [0, 1, 2, 0, 0]


def test_variables_and_texts() -> None:
    told = example().describe()
    x = told.variables.loc["x"]
    assert (x["n"], x["missing"], x["infinite"], x["entities"]) == (6, 3, 1, 2)
    assert (x["first"], x["last"], x["min"], x["max"]) == (2000, 2004, 1, 7)
    finite = np.array([1, 3, 5, 6, 7.0])
    assert x["mean"] == pytest.approx(finite.mean())
    assert x["sd"] == pytest.approx(finite.std(ddof=1))
    assert x["sd_between"] == pytest.approx(np.std([2, 6], ddof=1))
    assert x["sd_within"] == pytest.approx(np.std([-1, 1, -1, 0, 1], ddof=1))
    assert told.texts.loc["region"].tolist() == [8, 1, pytest.approx(1 / 9), 4, False]
    assert told.missing_by_entity["x"].tolist() == [0.25, 1.0, 0.0]
    assert told.missing_by_period["x"].tolist() == [0, 1, 1, 0, 0]


def test_text_is_short_and_says_what_matters() -> None:
    text = str(example().where("year > 2000", reason="before 2001").describe())
    assert "7 rows: 3 x iso3, 4 x year (2001 to 2004)" in text
    assert "unbalanced (Ahrens-Pincus gamma" in text
    assert "2 rows and 0 whole entities dropped: before 2001" in text
    assert "other columns: 'region'" in text
    assert len(text.splitlines()) < 15


def test_balanced_panel() -> None:
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": [1, 2, 1, 2], "x": [1.0, 2, 3, 4]})
    told = md.Panel.from_frame(frame, entity="id", time="t").describe()
    assert told.balanced
    assert (told.gamma, told.nu) == (1, 1)
    assert "balanced" in str(told)


def test_all_missing_and_no_variables() -> None:
    frame = pd.DataFrame({"id": [1, 1, 2], "t": [1, 2, 1], "x": [np.nan] * 3})
    x = md.Panel.from_frame(frame, entity="id", time="t").describe().variables.loc["x"]
    assert (x["n"], x["entities"], x["first"], x["last"]) == (0, 0, None, None)
    assert np.isnan([x["mean"], x["sd_within"], x["mean_periods"]]).all()
    keys = md.Panel.from_frame(frame[["id", "t"]], entity="id", time="t").describe()
    assert keys.variables.empty
    assert "3 rows" in str(keys)


def test_tables_by_name() -> None:
    told = example().describe()
    pd.testing.assert_frame_equal(told.to_frame("periods"), told.periods)
    with pytest.raises(ResultError, match="no table 'period'"):
        told.to_frame("period")
    copy = told.to_frame("periods")
    copy["entities"] = 0
    assert told.periods["entities"].sum() == 9


@settings(max_examples=25)
@given(seed=integers(0, 10_000))
def test_counts_agree_with_groupby(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.repeat(range(7), 9), "t": np.tile(range(9), 7)})
    frame["x"] = np.where(rng.random(63) < 0.4, np.nan, rng.standard_normal(63))
    frame = frame[rng.random(63) < 0.7]
    told = md.Panel.from_frame(frame, entity="id", time="t").describe()
    by = frame.groupby("id")
    assert_array_equal(told.entities["rows"], by.size())
    span = by["t"].max() - by["t"].min() + 1
    assert_array_equal(told.entities["gaps"], span - by.size())
    means = by["x"].transform("mean")
    assert_allclose(
        told.variables.loc["x", ["sd_between", "sd_within"]].to_numpy(dtype=float),
        [by["x"].mean().std(), (frame["x"] - means).std()],
        rtol=1e-12,
    )
    shares = frame["x"].isna().groupby(frame["t"]).mean()
    assert_allclose(told.missing_by_period["x"], shares, rtol=1e-14)
