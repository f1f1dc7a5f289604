"""Joins: keys without a match are told, column names never collide in silence."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from
from numpy.testing import assert_array_equal

import migdev as md
from migdev.errors import JoinWarning, PanelError, SpecificationError
from migdev.panel.assemble import join
from migdev.provenance import Extract, Provenance


def extract(dataset: str, frame: pd.DataFrame, vintage: str = "", **kwargs: object) -> Extract:
    told = Provenance(publisher="Bank", dataset=dataset, vintage=vintage, **kwargs)
    entity = next((c for c in ("iso3", "code") if c in frame), "")
    time = next((c for c in ("year", "period") if c in frame), "")
    return Extract(frame=frame, keys=entity, time=time, provenance=told)


WDI = pd.DataFrame(
    {
        "iso3": ["MEX", "MEX", "PER", "PER", "TWN"],
        "year": [2000, 2001, 2000, 2001, 2000],
        "growth": [4.9, -0.4, 2.7, 0.6, 6.3],
    }
)
FIN = pd.DataFrame(
    {
        "code": ["PER", "MEX", "MEX", "XKX"],
        "period": ["2000", "2001", "2002", "2001"],
        "credit": [25.0, 13.0, 14.0, 30.0],
    }
)


def test_left_join_tells_both_sides() -> None:
    inputs = [extract("WDI", WDI, units={"growth": "%"}), extract("Finance", FIN)]
    with pytest.warns(JoinWarning) as caught:
        panel, report = join(inputs, report=True)
    assert str(caught[0].message) == (
        "'Finance' has no match for 3 of 5 rows of the panel (1 of 3 entities not at all: 'TWN'); "
        "2 of its 4 rows have none in the panel (entities not at all: 'XKX'), and are left out."
    )
    assert (panel.entity, panel.time, len(panel)) == ("iso3", "year", 5)
    assert_array_equal(panel["credit"], [np.nan, 13, 25, np.nan, np.nan])
    assert panel.units == {"growth": "%"}
    assert [told.dataset for told in panel.provenance] == ["WDI", "Finance"]
    assert panel.history[0].startswith("left join: 'Finance' has no match for 3 of 5")

    row = report.summary.iloc[0]
    assert row.tolist() == ["Finance", "panel", 4, 2, 3, 2, 1, 1]
    assert report.panel_only[["iso3", "year"]].to_numpy().tolist() == [
        ["MEX", 2000], ["PER", 2001], ["TWN", 2000],
    ]  # fmt: skip
    assert report.input_only[["iso3", "year"]].to_numpy().tolist() == [
        ["MEX", 2002], ["XKX", 2001],
    ]  # fmt: skip
    assert report.columns["column"].tolist() == ["growth", "credit"]
    assert "left join of 2 inputs: 5 rows" in str(report)


def test_inner_and_outer() -> None:
    inputs = [extract("WDI", WDI), extract("Finance", FIN)]
    with pytest.warns(JoinWarning, match="which are dropped"):
        inner = join(inputs, how="inner")
    assert inner.frame[["iso3", "year"]].to_numpy().tolist() == [["MEX", 2001], ["PER", 2000]]
    with pytest.warns(JoinWarning, match="and are added"):
        outer = join(inputs, how="outer")
    assert len(outer) == 7
    assert outer.frame.iloc[2].tolist()[:2] == ["MEX", 2002]
    with pytest.warns(JoinWarning), pytest.raises(PanelError, match="inner join is empty"):
        join([extract("A", WDI[WDI["iso3"] == "TWN"]), extract("B", FIN)], how="inner")


def test_full_match_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = join([extract("WDI", WDI), extract("More", WDI.rename(columns={"growth": "g"}))])
    assert_array_equal(panel["g"], panel["growth"])
    assert panel.history == ()


def test_attributes_and_period_series_are_repeated() -> None:
    meta = pd.DataFrame({"iso3": ["MEX", "PER", "TWN"], "region": ["N", "S", "E"]})
    oil = pd.DataFrame({"year": [2000, 2001], "oil": [28.4, 24.5]})
    panel, report = join(
        [extract("WDI", WDI), extract("Meta", meta), extract("Oil", oil)], report=True
    )
    assert panel["region"].tolist() == ["N", "N", "S", "S", "E"]
    assert_array_equal(panel["oil"], [28.4, 24.5, 28.4, 24.5, 28.4])
    assert report.summary["level"].tolist() == ["entity", "period"]
    with pytest.warns(JoinWarning, match=r"1 of 3 entities not at all: 'TWN'"):
        inner = join([extract("WDI", WDI), extract("Meta", meta[:2])], how="inner")
    assert len(inner) == 4
    with pytest.warns(JoinWarning, match="no match for 2 of 5 rows"):
        outer = join([extract("WDI", WDI), extract("Oil", oil[:1])], how="outer")
    assert len(outer) == 5


def test_first_input_must_be_a_panel() -> None:
    meta = pd.DataFrame({"iso3": ["MEX"], "region": ["N"]})
    with pytest.raises(PanelError, match="'Meta' comes first and must hold entity and period"):
        join([extract("Meta", meta), extract("WDI", WDI)])


def test_collisions_are_refused_until_renamed() -> None:
    inputs = [extract("WDI", WDI), extract("PWT", WDI)]
    with pytest.raises(PanelError, match=r"'growth' is in 'WDI' and in 'PWT'. Pass rename="):
        join(inputs)
    panel = join(inputs, rename={"PWT": {"growth": "growth_pwt"}})
    assert_array_equal(panel["growth_pwt"], panel["growth"])
    assert "pwt_growth" in join(inputs, prefix={1: "pwt_"})
    assert join(inputs, rename={"PWT": {"growth": None}}).columns == ["iso3", "year", "growth"]


def test_renamed_units_and_labels_travel() -> None:
    inputs = [
        extract("WDI", WDI, units={"growth": "%"}),
        extract("PWT", WDI, units={"growth": "% a year"}, labels={"growth": "Growth"}),
    ]
    panel, report = join(inputs, rename={"PWT": {"growth": "g"}}, report=True)
    assert panel.units == {"growth": "%", "g": "% a year"}
    assert panel.labels == {"g": "Growth"}
    assert panel.provenance[1].labels == {"g": "Growth"}
    assert report.columns.iloc[1].tolist() == ["g", "PWT", "growth", "% a year", "Growth"]


def test_vintages_are_flagged() -> None:
    more = WDI.rename(columns={"growth": "g"})
    old, new = extract("WDI", WDI, "2021-09-15"), extract("WDI", more, "2026-07-01")
    with pytest.warns(JoinWarning, match="WDI comes in vintages '2021-09-15', '2026-07-01'"):
        panel, report = join([old, new], report=True)
    assert report.vintages["vintage"].tolist() == ["2021-09-15", "2026-07-01"]
    assert report.vintages["input"].tolist() == ["WDI", "input 2"]
    assert len(panel) == 5


def test_retired_codes_are_hinted_at() -> None:
    left = pd.DataFrame({"iso3": ["ROU"], "year": [2000], "x": 1.0})
    right = pd.DataFrame({"iso3": ["ROM"], "year": [2000], "z": 1.0})
    with pytest.warns(JoinWarning, match=r"'ROM' is ROU: harmonise\(\) the inputs first"):
        join([extract("A", left), extract("B", right)])


def test_frames_and_panels_of_any_kind() -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    credit = FIN.rename(columns={"code": "iso3", "period": "year"}).assign(
        year=lambda f: f["year"].astype(int)
    )
    first = md.Panel.from_frame(WDI, entity="iso3", time="year", units={"growth": "%"})
    want = None
    for frame in (credit, pl.from_pandas(credit), pa.Table.from_pandas(credit),
                  pl.from_pandas(credit).lazy()):  # fmt: skip
        with pytest.warns(JoinWarning, match="'fin' has no match"):
            panel = join({"wdi": first, "fin": frame})
        want = panel.frame if want is None else want
        pd.testing.assert_frame_equal(panel.frame, want)
        assert panel.units == {"growth": "%"}


def test_frames_need_the_names_of_their_keys() -> None:
    with pytest.raises(SpecificationError, match="pass entity= and time="):
        join([WDI, WDI])
    with pytest.raises(PanelError, match="'input 2' holds neither 'iso3' nor 'year'"):
        join([WDI, FIN], entity="iso3", time="year")


def test_categories_meet_text_but_numbers_do_not() -> None:
    right = WDI.rename(columns={"growth": "g"}).assign(iso3=lambda f: f["iso3"].astype("category"))
    assert len(join([extract("A", WDI), extract("B", right)])) == 5
    with pytest.raises(PanelError, match="'iso3' is text in 'A' and numbers in 'B'"):
        join([extract("A", WDI), extract("B", right.assign(iso3=range(5)))])


def test_repeated_and_lacking_keys() -> None:
    twice = pd.concat([FIN, FIN.iloc[[1]]])
    with pytest.raises(PanelError, match=r"1 repeated \(iso3, year\), first \('MEX', 2001\)"):
        join([extract("A", WDI), extract("B", twice)])
    meta = pd.DataFrame({"iso3": ["MEX", "MEX"], "region": ["N", "S"]})
    with pytest.raises(PanelError, match="if it has periods, name their column with time="):
        join([extract("A", WDI), extract("B", meta)])
    with pytest.raises(PanelError, match="'B' has rows without 'iso3'"):
        join([extract("A", WDI), extract("B", FIN.assign(code=["PER", None, "MEX", "XKX"]))])


def test_frequencies_must_agree() -> None:
    quarters = FIN.assign(period=["2000Q1", "2000Q2", "2001Q1", "2001Q2"])
    with pytest.raises(PanelError, match="'B' is by quarter, but 'A' by year"):
        join([extract("A", WDI), extract("B", quarters)])


def test_quarters_keep_their_names() -> None:
    left = pd.DataFrame({"iso3": "MEX", "period": ["2000Q1", "2000Q3"], "x": [1.0, 2]})
    right = pd.DataFrame(
        {"iso3": "MEX", "period": pd.to_datetime(["2000-04-01", "2000-07-01"]), "z": 1}
    )
    with pytest.warns(JoinWarning):
        panel, report = join([extract("A", left), extract("B", right)], how="outer", report=True)
    assert panel["period"].tolist() == ["2000Q1", "2000Q2", "2000Q3"]
    assert report.input_only["period"].tolist() == ["2000Q2"]


def test_windows_join_windows() -> None:
    years = pd.DataFrame({"iso3": "MEX", "year": range(1980, 1990), "x": np.arange(10.0)})
    a = md.Panel.from_frame(years, entity="iso3", time="year")
    b = md.Panel.from_frame(years.rename(columns={"x": "z"}), entity="iso3", time="year")
    panel = join([a.windows(5), b.windows(5)])
    assert list(panel.periods) == ["1980-1984", "1985-1989"]
    assert_array_equal(panel.D("z"), [np.nan, 5])
    with pytest.raises(PanelError, match="differ in length or start"):
        join([a.windows(5), b.windows(2)])
    with pytest.warns(JoinWarning):
        _, report = join([a.windows(5), b.where("year > 1984").windows(5)], report=True)
    assert report.panel_only["window"].tolist() == ["1980-1984"]


def test_corridors() -> None:
    left = pd.DataFrame({"o": ["a", "b"], "d": ["c", "c"], "year": 2000, "x": [1.0, 2]})
    right = pd.DataFrame({"o": ["b", "a"], "d": ["c", "c"], "year": 2000, "z": [3.0, 4]})
    panel = join([left, right], entity=["o", "d"], time="year")
    assert panel.entity_columns == ("o", "d")
    assert_array_equal(panel["z"], [4, 3])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"how": "cross"}, SpecificationError, "how='cross'"),
        (
            {"rename": {"Wdi": {}}},
            SpecificationError,
            "'Wdi', which is no input. Did you mean 'WDI'",
        ),
        ({"prefix": {7: "a"}}, SpecificationError, "prefix names 7"),
        ({"rename": {0: {"grwth": "g"}}}, PanelError, "'grwth' to rename. Did you mean 'growth'"),
        (
            {"rename": {0: {"growth": "year"}}},
            PanelError,
            "'year' to a column; it is a key",
        ),
    ],
)
def test_bad_options(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        join([extract("WDI", WDI), extract("Finance", FIN)], **options)


def test_bad_inputs() -> None:
    with pytest.raises(SpecificationError, match="no input"):
        join([])
    with pytest.raises(SpecificationError, match="a list of inputs"):
        join(extract("WDI", WDI))
    clash = WDI.assign(code="x").rename(columns={"iso3": "land"})
    part = Extract(
        frame=clash.rename(columns={"code": "iso3"}), keys=("land",), time="year",
        provenance=Provenance(publisher="", dataset="B"),
    )  # fmt: skip
    with pytest.raises(PanelError, match="'B' has a column 'iso3' beside its key"):
        join([extract("A", WDI), part])


@settings(max_examples=25)
@given(seed=integers(0, 10_000), how=sampled_from(["left", "inner", "outer"]))
def test_joins_match_pandas(seed: int, how: str) -> None:
    rng = np.random.default_rng(seed)

    def part(name: str) -> pd.DataFrame:
        grid = pd.MultiIndex.from_product(
            [list("abcde"), range(2000, 2006)], names=["iso3", "year"]
        )
        frame = pd.DataFrame({name: rng.standard_normal(30)}, index=grid).reset_index()
        # (a, 2000) is always there, so that no join is empty
        kept = (rng.random(30) < 0.6) | (np.arange(30) == 0)
        return frame[kept].sample(frac=1, random_state=seed)

    x, z, w = part("x"), part("z"), part("w")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JoinWarning)
        panel, report = join(
            [extract("x", x), extract("z", z), extract("w", w)], how=how, report=True
        )
    wanted = x.merge(z, how=how, on=["iso3", "year"]).merge(w, how=how, on=["iso3", "year"])
    wanted = wanted.sort_values(["iso3", "year"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(panel.frame, wanted, check_dtype=False)
    assert report.rows == len(wanted)
    first = report.summary.iloc[0]
    assert first["matched"] + first["panel_only"] == len(x)
    assert first["matched"] + first["input_only"] == len(z)


KINDS = ("int16", "int64", "float64", "str", "category", "corridor")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["left", "inner", "outer"])
@pytest.mark.parametrize("spread", [1, 10**12], ids=["near", "far"])
def test_keys_of_any_kind_match_pandas(kind: str, how: str, spread: int) -> None:
    """Periods far apart take the hashed path, and would overflow a product of codes."""
    rng = np.random.default_rng(5)

    def part(name: str, n: int) -> pd.DataFrame:
        unit, time = rng.integers(0, 40, n), rng.integers(0, 9, n) * spread
        keys: dict[str, object] = {"unit": unit.astype(kind)} if kind[-1].isdigit() else {}
        if kind == "corridor":
            keys = {"origin": [f"O{i % 7}" for i in unit], "destination": unit // 7}
        elif not keys:
            keys = {"unit": pd.Series([f"U{i:02d}" for i in unit], dtype=kind)}
        frame = pd.DataFrame({**keys, "t": time, name: rng.standard_normal(n)})
        return frame.drop_duplicates([*keys, "t"])

    x, z = part("x", 120), part("z", 90)
    entity = ["origin", "destination"] if kind == "corridor" else ["unit"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JoinWarning)
        panel = join([x, z], entity=entity, time="t", freq="integer", how=how)
        again = join([x, x.rename(columns={"x": "same"})], entity=entity, time="t", freq="integer")
    plain = [f.astype({k: object for k in entity}) if kind == "category" else f for f in (x, z)]
    wanted = plain[0].merge(plain[1], how=how, on=[*entity, "t"])
    wanted = wanted.sort_values([*entity, "t"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(panel.frame, wanted, check_dtype=False, check_categorical=False)
    assert_array_equal(again["same"], again["x"])


def test_a_repeated_key_is_refused_whatever_the_keys() -> None:
    x = pd.DataFrame({"unit": [1, 1, 2], "t": [0, 10**12, 0], "x": 1.0})
    twice = pd.DataFrame({"unit": [2, 1, 2], "t": [0, 0, 0], "z": 1.0})
    with pytest.raises(PanelError, match=r"'input 2' holds 1 repeated \(unit, t\), first \(2, 0\)"):
        join([x, twice], entity="unit", time="t", freq="integer")
