"""Panel: what it refuses at the door, how it reads time, and operators against brute force."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import migdev as md
from migdev.errors import DroppedRowsWarning, PanelError
from migdev.panel.design import Design
from migdev.panel.panel import Panel


def small(**columns) -> pd.DataFrame:
    base = {"iso3": list("bbaaa"), "year": [2001, 2000, 1999, 2001, 2002], "x": [1.0, 2, 3, 4, 5]}
    return pd.DataFrame({**base, **columns})


def read(frame, **options) -> md.Panel:
    return md.Panel.from_frame(frame, entity="iso3", time="year", **options)


def test_rows_are_sorted_and_shifts_skip_gaps():
    panel = read(small())
    assert panel["x"].tolist() == [3, 4, 5, 2, 1]
    assert_array_equal(panel.L("x"), [np.nan, np.nan, 4, np.nan, 2])  # 1999 -> 2001 is a gap
    assert_array_equal(panel.F("x"), [np.nan, 5, np.nan, 1, np.nan])
    assert_array_equal(panel.D("x"), [np.nan, np.nan, 1, np.nan, -1])
    assert_array_equal(panel.L("x", 2), [np.nan, 3, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, lambda d: pa.table(d)])
def test_any_frame_at_the_door(make):
    data = {"iso3": ["a", "a", "b"], "year": [2000, 2001, 2000], "x": [1.0, 2.0, 3.0]}
    panel = read(make(data))
    assert panel["x"].tolist() == [1, 2, 3]
    assert panel.entities.tolist() == ["a", "b"]


def test_lazy_polars_frames_are_collected():
    assert len(read(pl.DataFrame(small().to_dict("list")).lazy())) == 5


@pytest.mark.parametrize(
    ("times", "freq", "lagged"),
    [
        (["2001Q1", "2000Q4", "1999Q4", "2001Q1", "2001Q2"], "quarter", [None, None, 4, None, 2]),
        (["2001-01", "2000-12", "1999-11", "2001M1", "2001-02"], "month", [None, None, 4, None, 2]),
        (["2001", "2000", "1999", "2001", "2002"], "year", [None, None, 4, None, 2]),
        ([2.0, 1.0, 1.0, 3.0, 4.0], "integer", [None, None, 4, None, 2]),
        (
            pd.to_datetime(["2001-03-31", "2000-12-31", "1999-12-31", "2001-03-31", "2001-06-30"]),
            "quarter",
            [None, None, 4, None, 2],
        ),
        (pd.PeriodIndex(["2001", "2000", "1999", "2001", "2002"], freq="Y"), "year",
         [None, None, 4, None, 2]),
    ],
)  # fmt: skip
def test_time_is_typed(times, freq, lagged):
    panel = read(small(year=times))
    assert panel.calendar.freq == freq
    assert_array_equal(panel.L("x"), np.array(lagged, dtype=float))


def test_delta_reaches_observations_of_every_fifth_year():
    frame = pd.DataFrame({"iso3": "a", "year": [1960, 1965, 1975], "x": [1.0, 2, 3]})
    assert_array_equal(read(frame, delta=5).L("x"), [np.nan, 1, np.nan])
    assert read(frame, delta=5).periods.tolist() == [1960, 1965, 1975]
    with pytest.raises(PanelError, match="not spaced by delta=5"):
        read(frame.assign(year=[1960, 1965, 1976]), delta=5)


@given(seed=st.integers(0, 2**32 - 1), lag=st.integers(-4, 4))
@settings(max_examples=60)
def test_shift_equals_a_dictionary(seed, lag):
    rng = np.random.default_rng(seed)
    n, span = int(rng.integers(1, 6)), int(rng.integers(2, 12))
    grid = [(i, t) for i in range(n) for t in range(1990, 1990 + span)]
    kept = [g for g in grid if rng.random() < 0.7] or grid[:1]
    frame = pd.DataFrame(kept, columns=["iso3", "year"]).assign(x=rng.standard_normal(len(kept)))
    shuffled = frame.sample(frac=1, random_state=int(seed % 1000))
    panel = read(shuffled)
    known = {(i, t): x for i, t, x in frame.itertuples(index=False)}
    expected = [known.get((i, t - lag), np.nan) for i, t in
                panel.frame[["iso3", "year"]].itertuples(index=False)]  # fmt: skip
    assert_array_equal(panel.L("x", lag), expected)


def test_growth_and_winsorise():
    frame = pd.DataFrame({"iso3": "a", "year": range(2000, 2005), "y": [100.0, 110, 99, 99, 198]})
    panel = read(frame)
    assert_allclose(panel.growth("y")[1:], [10, -10, 0, 100])
    assert_allclose(panel.growth("y", log=True)[1:], 100 * np.diff(np.log(frame["y"])))
    assert panel.winsorise("y", 0.25).tolist() == [100, 110, 99, 99, 110]
    with pytest.raises(PanelError, match=r"positive values.*\('a', 2002\)"):
        read(frame.assign(y=[1.0, 1, -1, 2, 2])).growth("y")


def test_panel_is_immutable():
    panel = read(small())
    view = panel.frame
    view.loc[0, "x"] = 99
    column = panel["x"]
    column.iloc[0] = 99
    assert panel["x"].iloc[0] == 3
    with pytest.raises(AttributeError):
        panel.entity = "other"


def test_where_records_what_it_drops():
    panel = read(small()).where("x > 2", reason="too small")
    assert len(panel) == 3
    assert panel.history == ("2 rows and 1 whole entities dropped: too small",)
    assert panel.entities.tolist() == ["a"]
    assert read(small()).between(2001, 2002)["x"].tolist() == [4, 5, 1]


def test_rename_takes_labels_along():
    panel = read(small(), labels={"x": "A label"}).rename({"x": "z"})
    assert panel["z"].tolist() == [3, 4, 5, 2, 1]
    assert panel.labels == {"z": "A label"}
    with pytest.raises(PanelError, match="keep their names"):
        panel.rename({"year": "t"})
    with pytest.raises(PanelError, match="would hide"):
        panel.rename({"z": "L"})


def test_corridor_of_two_columns():
    frame = small().assign(dest=list("uvuuv"))
    panel = md.Panel.from_frame(frame, entity=("iso3", "dest"), time="year")
    assert panel.entities.tolist() == ["a-u", "a-v", "b-u", "b-v"]
    assert panel.select("x").columns == ["iso3", "dest", "year", "x"]


def test_fingerprint_follows_content_not_order():
    a, b = read(small()), read(small()[["x", "year", "iso3"]].sample(frac=1, random_state=1))
    assert a.fingerprint == b.fingerprint
    assert a.fingerprint != read(small(x=[1.0, 2, 3, 4, 6])).fingerprint


def test_fingerprint_of_text_with_gaps():
    texts = [["a", None, "b", "c", "d"], ["a", "nan", "b", "c", "d"], ["a", "", "b", "c", "d"]]
    found = [read(small()).assign(group=text).fingerprint for text in texts]
    assert len(set(found)) == 3


def test_column_of_the_byte_order_mark_is_cleaned():
    frame = small().rename(columns={"iso3": "\ufeffiso3"})
    assert read(frame).entities.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            small(year=[2000, 2000, 1, 1, 2]),
            r"2 \(iso3, year\) pairs occur twice, first \('a', 1\)",
        ),
        (small(iso3=["a", None, "b", "b", "c"]), "1 rows have no 'iso3'"),
        (small(year=[2000, None, 2001, 2002, 2003]), "1 rows have no 'year'"),
        (small(year=["pre", "post", "pre", "post", "end"]), "cannot be put in order: 'pre'"),
        (small(year=[2000.5, 2001, 2002, 2003, 2004]), "fractions such as"),
        (small(year=[True, False, True, False, True]), "True and False"),
        (small(L=1.0), "'L' would hide the operators"),
        (small(lag=1.0), "'lag' would hide"),
        (small().rename(columns={"year": "Year"}), "no column 'year' for the keys. Did you mean"),
        (small().iloc[:0], "no rows"),
        (pd.concat([small(), small()[["x"]]], axis=1), "occur twice: 'x'"),
    ],
)
def test_bad_input_is_named(frame, message):
    with pytest.raises(PanelError, match=message):
        read(frame)


def test_not_a_frame():
    with pytest.raises(PanelError, match="not dict"):
        read({"iso3": [1]})


def test_unknown_column_suggests_the_near_name():
    panel = read(small(remittances=1.0))
    with pytest.raises(PanelError, match="Did you mean 'remittances'"):
        panel["remitances"]
    with pytest.raises(PanelError, match="holds text"):
        panel.L("iso3")
    with pytest.raises(PanelError, match="whole number"):
        panel.L("x", 1.5)
    with pytest.raises(PanelError, match="keys of the panel"):
        panel.assign(year=1)
    with pytest.raises(PanelError, match="one True or False per row"):
        panel.where([1, 0, 1, 0, 1])
    with pytest.raises(PanelError, match="one value per row"):
        panel.where([True])


def test_the_frame_of_the_caller_stays_his():
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": [2000, 2001, 2000, 2001], "x": [1.0, 2, 3, 4]})
    panel = md.Panel.from_frame(frame, entity="id", time="t")
    frame.loc[0, "x"], frame.loc[0, "t"], frame["new"] = 99.0, 1990, 0
    assert panel.columns == ["id", "t", "x"]
    assert panel["x"].tolist() == [1, 2, 3, 4]
    assert list(panel.periods) == [2000, 2001]
    assert panel.ordinals.tolist() == [2000, 2001, 2000, 2001]


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint16"])
@pytest.mark.parametrize("gaps", [False, True])
def test_rows_in_any_order_are_sorted(dtype, gaps):
    rng = np.random.default_rng(4)
    ids = np.array([120, 3, 77] if dtype != "int8" else [-100, 100, 3]).astype(dtype)
    entity, time = np.repeat(ids, 6), np.tile(np.arange(2000, 2006), 3)
    if gaps:  # far too many cells for rows to be placed instead of sorted
        time = time + np.where(time == 2005, 900, 0)
    order = rng.permutation(18)
    frame = pd.DataFrame({"id": entity[order], "t": time[order], "x": np.arange(18)[order]})
    panel = md.Panel.from_frame(frame, entity="id", time="t")
    expected = pd.DataFrame({"id": entity, "t": time, "x": np.arange(18)}).sort_values(["id", "t"])
    pd.testing.assert_frame_equal(panel.frame, expected.reset_index(drop=True))
    assert list(panel.entities) == sorted(ids.tolist())
    assert panel.entity_codes.tolist() == [0] * 6 + [1] * 6 + [2] * 6


@pytest.mark.parametrize("first", [0, 7])
def test_repeats_are_found_in_unsorted_rows(first):
    time = [2001, 2000, 2001, 2000, 2002 + first, 2001]
    frame = pd.DataFrame({"id": [2, 1, 1, 2, 1, 2], "t": time, "x": 1.0})
    with pytest.raises(PanelError, match=r"1 \(id, t\) pairs occur twice, first \(2, 2001\)"):
        md.Panel.from_frame(frame, entity="id", time="t")


TEXTS = ["a", "b", "c", "a", None, "c", "b", "a"]


@pytest.mark.parametrize(
    "make",
    [
        lambda v: pd.array(v, dtype="string"),
        lambda v: pd.array(v, dtype="string[pyarrow]"),
        lambda v: pd.array(v, dtype=pd.ArrowDtype(pa.string())),
        lambda v: pd.array(v, dtype=pd.ArrowDtype(pa.large_string())),
        lambda v: pd.arrays.ArrowExtensionArray(pa.array(v).dictionary_encode()),
        lambda v: np.array(v, dtype=object),
    ],
    ids=["string", "string[pyarrow]", "arrow", "large", "dictionary", "object"],
)
def test_text_of_every_dtype_is_a_factor(make):
    frame = pd.DataFrame({"i": [1] * 8, "t": range(8), "y": np.arange(8.0) ** 2})
    panel = Panel.from_frame(frame.assign(g=make(TEXTS)), entity="i", time="t")
    for formula in ("y ~ g", "y ~ C(g)"):
        with pytest.warns(DroppedRowsWarning, match="1 missing in 'g'"):
            design = Design.build(formula, panel)
        assert design.nobs == 7
        assert [name[-3:] for name in design.names[1:]] == [".b]", ".c]"]
        assert design.X[:, 1].tolist() == [0, 1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2.5, 4, 3, None, 7, 1, 2], dtype=object),
        [Decimal("1"), Decimal("2.5"), Decimal(4), Decimal(3), None, Decimal(7), Decimal(1),
         Decimal(2)],
        pd.array(
            [Decimal("1"), Decimal("2.5"), Decimal(4), Decimal(3), None, Decimal(7), Decimal(1),
             Decimal(2)], dtype=pd.ArrowDtype(pa.decimal128(12, 4)),
        ),
    ],
    ids=["object", "decimal", "decimal128"],
)  # fmt: skip
def test_objects_that_are_numbers_are_no_factor(values):
    frame = pd.DataFrame({"i": [1] * 8, "t": range(8), "y": np.arange(8.0) ** 2})
    expected = [1, 2.5, 4, 3, 7, 1, 2]
    made = Panel.from_frame(frame.assign(x=values), entity="i", time="t")
    assigned = Panel.from_frame(frame, entity="i", time="t").assign(x=values)
    for panel in (made, assigned):
        with pytest.warns(DroppedRowsWarning, match="1 missing in 'x'"):
            assert Design.build("y ~ x", panel).X[:, 1].tolist() == expected


@pytest.mark.parametrize("dtype", [object, "boolean", "bool[pyarrow]"])
def test_truth_values_with_missing_ones(dtype):
    told = pd.Series([True, None, False, True, False], dtype=dtype)
    frame = pd.DataFrame({"i": [1] * 5, "t": range(5), "y": range(5), "b": told})
    with pytest.warns(DroppedRowsWarning, match="1 missing in 'b'"):
        design = Design.build("y ~ b", Panel.from_frame(frame, entity="i", time="t"))
    assert design.X[:, 1].tolist() == [1, 0, 1, 0]


def test_keys_of_objects_stay_as_they_are():
    frame = pd.DataFrame({"i": np.array([7, 7, 9], dtype=object), "t": [1, 2, 1], "y": 1.0})
    panel = Panel.from_frame(frame, entity="i", time="t")
    assert [repr(e) for e in panel.entities] == ["7", "9"]
