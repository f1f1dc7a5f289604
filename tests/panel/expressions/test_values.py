"""Values of expressions: floats whatever the columns hold, and the words of conditions."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import migdev as md
from migdev.errors import FormulaError, PanelError
from migdev.panel.design import Design

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "Int8", "Int32", "Int64",
            "UInt8", "int8[pyarrow]", "int32[pyarrow]"]  # fmt: skip


def people(dtype: str) -> md.Panel:
    rng = np.random.default_rng(11)
    n = 400
    frame = pd.DataFrame(
        {"i": np.repeat(range(40), 10), "t": np.tile(range(10), 40), "age": rng.integers(15, 65, n),
         "a": rng.integers(1, 120, n), "reg": np.repeat(rng.choice(["n", "s"], 40), 10)}
    )  # fmt: skip
    frame["y"] = frame.age.astype(float) ** 2 + rng.normal(size=n)
    frame = frame.astype({"age": dtype, "a": dtype})
    return md.Panel.from_frame(frame, entity="i", time="t")


@pytest.mark.parametrize("dtype", INTEGERS)
def test_small_integers_do_not_wrap(dtype: str) -> None:
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    panel = people(dtype)
    age, a = (panel[name].to_numpy(dtype=float) for name in ("age", "a"))
    assert md.PooledOLS("y ~ I(age**2)").fit(panel).params["I(age ** 2)"] == pytest.approx(
        1, abs=1e-3
    )
    found = Design.build("y ~ I(age**2) + I(age*a) + I(-age) + I(age - a) + {age**3}", panel)
    expected = [age**2, age * a, -age, age - a, age**3]
    assert_array_equal(found.X[:, 1:], np.column_stack(expected))
    assert_array_equal(Design.build("y ~ age:a + C(reg)", panel).X[:, 2], age * a)
    assert_array_equal(Design.build("y ~ poly(age, 3, raw=True)", panel).X[:, 3], age**3)
    assert len(panel.where("age * a > 1000")) == int((age * a > 1000).sum())
    assert len(panel.where("age**2 > 3000")) == int((age**2 > 3000).sum())
    levels = Design.build("y ~ C(age * 10)", panel).names[1:]
    assert levels == tuple(f"C(age * 10)[T.{v:.0f}]" for v in np.unique(age * 10)[1:])


def test_large_integers() -> None:
    frame = pd.DataFrame(
        {"i": [1, 1, 2, 2], "t": [0, 1, 0, 1], "y": [1.0, 2, 4, 3],
         "pop": np.array([3_000_000, 5_000_000, 331_000_000, 1_400_000_000]),
         "id": 2**60 + np.arange(4)}
    )  # fmt: skip
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    assert_allclose(
        Design.build("y ~ I(pop**3)", panel).X[:, 1], frame["pop"].astype(float) ** 3, rtol=1e-15
    )
    assert panel.where(f"id == {2**60 + 1}")["id"].tolist() == [2**60 + 1]
    assert panel.where(f"id in [{2**60 + 1}, {2**60 + 3}]")["id"].tolist() == [2**60 + 1, 2**60 + 3]


@pytest.fixture
def panel() -> md.Panel:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"iso3": np.repeat(["MEX", "SLV", "MDA", "NPL"], 6), "year": np.tile(range(2000, 2006), 4),
         "x": rng.normal(size=24), "z": rng.uniform(1, 3, 24), "y": rng.normal(size=24),
         "flag": rng.random(24) > 0.5, "kind": pd.Categorical(np.tile(list("abc"), 8)),
         "50% share": rng.normal(size=24), "when": pd.date_range("2001-01-01", periods=24)}
    )  # fmt: skip
    frame.loc[[2, 9], "x"] = np.nan
    frame.loc[[4], "iso3"] = "MEX"
    return md.Panel.from_frame(frame, entity="iso3", time="year")


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("x > 0", lambda f: f.x > 0),
        ("x != 0", lambda f: f.x != 0),
        ("not (x > 0)", lambda f: ~(f.x > 0)),
        ("~(x > 0) & (z < 2)", lambda f: ~(f.x > 0) & (f.z < 2)),
        ("x > 0 and z < 2 or year == 2003", lambda f: (f.x > 0) & (f.z < 2) | (f.year == 2003)),
        ("2001 <= year < 2004", lambda f: f.year.between(2001, 2003)),
        ("iso3 == 'MEX'", lambda f: f.iso3 == "MEX"),
        ("iso3 != 'MEX'", lambda f: f.iso3 != "MEX"),
        ("iso3 in ['MEX', 'NPL']", lambda f: f.iso3.isin(["MEX", "NPL"])),
        ("iso3 not in ('MEX', 'NPL') and year in [2001, 2002]",
         lambda f: ~f.iso3.isin(["MEX", "NPL"]) & f.year.isin([2001, 2002])),
        ("kind == 'a'", lambda f: f.kind == "a"),
        ("flag", lambda f: f.flag),
        ("flag and not isna(x)", lambda f: f.flag & f.x.notna()),
        ("notna(x)", lambda f: f.x.notna()),
        ("`50% share` + z > 2", lambda f: f["50% share"] + f.z > 2),
        ("log(z) > 0.5", lambda f: np.log(f.z) > 0.5),
        ("np.abs(x) / z >= 0.1", lambda f: np.abs(f.x) / f.z >= 0.1),
        ("when >= '2001-01-05'", lambda f: f.when >= "2001-01-05"),
        ("year % 2 == 0", lambda f: f.year % 2 == 0),
        ("L(x) > 0", lambda f: f.groupby("iso3").x.shift() > 0),
        ("(x > 0) + (z > 2) + flag == 2", lambda f: (f.x > 0) + 0 + (f.z > 2) + f.flag == 2),
    ],
)  # fmt: skip
def test_conditions(panel: md.Panel, text: str, by_hand) -> None:
    frame = panel.frame
    assert_array_equal(panel.where(text)["z"], frame.loc[by_hand(frame), "z"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yaer > 2000", "'yaer', which is no column. Did you mean 'year'"),
        ("iso3 = 'MEX'", "Equality is written =="),
        ("iso3 == MEX", "'MEX', which is no column.*quotes"),
        ("year", "needs a condition where 'year' stands"),
        ("x + 1", "needs a condition"),
        ("", "cannot be read"),
        ("@year > 2000", "cannot be read"),
        ("C(iso3)", "stands alone as a term"),
        ("kind > 'a'", "cannot compare"),
        ("year == '2000'", "which holds numbers, with '2000'. Leave out the quotes"),
    ],
)
def test_conditions_that_cannot_be_read(panel: md.Panel, text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        panel.where(text)


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("log(z)", lambda f: np.log(f.z)),
        ("np.log1p(z)", lambda f: np.log1p(f.z)),
        ("sqrt(z) ", lambda f: np.sqrt(f.z)),
        ("minimum(x, z)", lambda f: np.minimum(f.x, f.z)),
        ("np.maximum(x, 0)", lambda f: np.maximum(f.x, 0)),
        ("clip(x, -1, 1)", lambda f: f.x.clip(-1, 1)),
        ("clip(x, lower=0)", lambda f: f.x.clip(lower=0)),
        ("round(z, 1)", lambda f: f.z.round(1)),
        ("where(x > 0, z, 0)", lambda f: np.where(f.x > 0, f.z, 0)),
        ("ifelse(x > 0, z, np.nan)", lambda f: np.where(f.x > 0, f.z, np.nan)),
        ("arcsinh(x)", lambda f: np.arcsinh(f.x)),
        ("fillna(x, 0)", lambda f: f.x.fillna(0)),
        ("isna(x)", lambda f: f.x.isna()),
        ("I((x > 0) + (z > 2))", lambda f: (f.x > 0).astype(float) + (f.z > 2)),
        ("I(x / z - 2 * z)", lambda f: f.x / f.z - 2 * f.z),
        ("I(year // 2 % 3)", lambda f: f.year // 2 % 3),
        ("I(iso3 in ['MEX'])", lambda f: f.iso3 == "MEX"),
        ("I(kind == 'a')", lambda f: f.kind == "a"),
        ("flag", lambda f: f.flag),
        ("I(flag * z)", lambda f: f.flag * f.z),
        ("standardize(z)", lambda f: (f.z - f.z.mean()) / f.z.std(ddof=0)),
        ("I(center(z)**2)", lambda f: (f.z - f.z.mean()) ** 2),
        ("L(log(z), k=2)", lambda f: np.log(f.groupby("iso3").z.shift(2))),
        ("F(I(z > 2))", lambda f: (f.z > 2).astype(float).groupby(f.iso3).shift(-1)),
    ],
)  # fmt: skip
def test_functions(panel: md.Panel, text: str, by_hand) -> None:
    frame = panel.frame
    expected = np.asarray(by_hand(frame), dtype=float)
    if not text.startswith(("fillna", "isna")) and "x" in text.replace("max", ""):
        expected = np.where(frame.x.isna(), np.nan, expected)
    rows = np.flatnonzero(~np.isnan(expected))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", md.errors.DroppedRowsWarning)
        found = Design.build(f"y ~ 0 + {text}", panel)
    assert_array_equal(found.rows, rows)
    assert_allclose(found.X[:, -1], expected[rows], rtol=1e-14)


def test_codings_of_factors(panel: md.Panel) -> None:
    names = Design.build("y ~ C(iso3, Treatment('MEX'))", panel).names
    assert names[1:] == tuple(f"C(iso3, Treatment('MEX'))[T.{c}]" for c in ("MDA", "NPL", "SLV"))
    told = Design.build("y ~ C(iso3, contr.sum)", panel)
    assert_array_equal(np.unique(told.X[:, 1:]), [-1, 0, 1])
    kept = Design.build("y ~ C(kind, levels=['c', 'a', 'b'])", panel).names
    assert [name[-2:] for name in kept[1:]] == ["a]", "b]"]


TEXT = {
    "thousands by spaces": ["1 234,5", "2 340,1", "3 120,7", "980,2"],
    "currency": ["$1.5", "$2.5", "$3.25", "$4"],
    "notes": ["1.5*", "2.5", "3.5*", "4.5"],
    "a mark": ["1.5", "2.5", "n/a", "4.5"],
    "percent": ["5%", "7.5%", "9%", "11%"],
    "codes": ["01001", "01003", "02001", "02003"],
    "minus": ["−1.5", "2.5", "−3.5", "4.5"],
}


@pytest.mark.parametrize("values", TEXT.values(), ids=TEXT)
@pytest.mark.parametrize(
    "formula", ["y ~ gdp", "y ~ x:gdp", "gdp ~ x", "y ~ log(gdp)", "y ~ L(gdp)"]
)
def test_numbers_that_are_text(panel: md.Panel, values: list[str], formula: str) -> None:
    panel = panel.assign(gdp=np.resize(values, len(panel)))
    with pytest.raises((FormulaError, PanelError), match="holds (numbers stored as )?text"):
        Design.build(formula, panel)


def test_numbers_that_are_text_are_shown(panel: md.Panel) -> None:
    odd = panel.assign(gdp=np.resize(["1 234,5", "2.5", "n/a", "7"], len(panel)))
    with pytest.raises(FormulaError, match=r"beside 'n/a', written '1 234,5'.*decimal=.*C\(gdp\)"):
        Design.build("y ~ gdp", odd)
    assert Design.build("y ~ C(gdp)", odd).X.shape == (24, 4)  # asked for


def test_words_with_a_number_among_them_stay_words(panel: md.Panel) -> None:
    words = panel.assign(band=np.resize(["0-14", "15-64", "65", "all"], len(panel)))
    assert Design.build("y ~ band", words).X.shape == (24, 4)


def test_assign_of_another_length(panel: md.Panel) -> None:
    with pytest.raises(PanelError, match="one value per row .24., but was given 3"):
        panel.assign(w=[1, 2, 3])
    with pytest.raises(PanelError, match="one value per row .24., but was given 3"):
        panel.assign(w=lambda _: np.arange(3))


def test_words_in_quotes_are_no_columns(panel: md.Panel) -> None:
    series = np.resize(["NY.GDP", "SP.POP"], len(panel))
    panel = panel.assign(**{"NY.GDP": panel["z"], "series": series})
    assert len(panel.where("series == 'NY.GDP' and NY.GDP > 0")) == 12
    assert len(panel.where('series in ["NY.GDP"]')) == 12
    found = Design.build("y ~ I(series == 'NY.GDP') + NY.GDP + I(NY.GDP**2)", panel)
    assert_array_equal(found.X[:, 1], series == "NY.GDP")
    assert_allclose(found.X[:, 3], panel["z"] ** 2)
