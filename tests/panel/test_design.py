"""Design: terms, names, the sample, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    DroppedRowsWarning,
    FormulaError,
    IdentificationError,
    PanelError,
)
from migdev.panel.design import Design
from migdev.panel.panel import Panel


@pytest.fixture
def panel() -> md.Panel:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "iso3": np.repeat(list("abcde"), 6),
            "year": np.tile(np.arange(2000, 2006), 5),
            "y": rng.normal(size=30),
            "x": rng.normal(size=30),
            "z": rng.uniform(1, 2, size=30),
            "NY.GDP.PCAP.KD": rng.uniform(1, 2, size=30),
            "50%_share": rng.normal(size=30),
            "region": np.repeat(["s", "n", "n", "s", "w"], 6),
            "w": rng.uniform(0.5, 2, size=30),
        }
    )
    return md.Panel.from_frame(frame, entity="iso3", time="year")


def test_names_and_values(panel):
    d = Design.build("y ~ x + x:z + np.log(z)", panel)
    f = panel.frame
    assert d.names == ("Intercept", "x", "np.log(z)", "x:z")
    assert_allclose(d.X, np.column_stack([np.ones(30), f.x, np.log(f.z), f.x * f.z]))
    assert d.dependent == "y"
    assert d.dropped == {}


@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ L(x)", ("Intercept", "L(x)")),
        ("y ~ L(x, [1, 2])", ("Intercept", "L(x, 1)", "L(x, 2)")),
        ("y ~ 0 + F(x) + D(z)", ("F(x)", "D(z)")),
        ("y ~ L(D(y), 2)", ("Intercept", "L(D(y), 2)")),
        ("y ~ region", ("Intercept", "region[T.s]", "region[T.w]")),
        ("y ~ 0 + region", ("region[n]", "region[s]", "region[w]")),
        ("y ~ x*region - region", ("Intercept", "x", "x:region[T.s]", "x:region[T.w]")),
        ("y ~ NY.GDP.PCAP.KD + L(NY.GDP.PCAP.KD)",
         ("Intercept", "NY.GDP.PCAP.KD", "L(NY.GDP.PCAP.KD)")),
        ("y ~ `50%_share` + L(`50%_share`, 1)", ("Intercept", "50%_share", "L(50%_share, 1)")),
        ("y ~ x + I(x**2)", ("Intercept", "x", "I(x ** 2)")),
    ],
)  # fmt: skip
def test_terms_keep_the_names_that_users_wrote(panel, formula, names):
    assert Design.build(formula, panel).names == names


def test_shifts_have_the_values_of_the_panel(panel):
    with pytest.warns(DroppedRowsWarning, match=r"10 of 30 rows.*5 missing in 'L\(x, 1\)'"):
        d = Design.build("y ~ L(x, [1, 2])", panel)
    expected = np.column_stack([panel.L("x"), panel.L("x", 2)])
    assert_allclose(d.X[:, 1:], expected[d.rows])
    assert len(d.rows) == 20


def test_instruments_stand_in_brackets(panel):
    with pytest.warns(DroppedRowsWarning):
        d = Design.build("y ~ z + x + [x ~ L(x, [1, 2])]", panel)
    assert d.names == ("Intercept", "z")  # a regressor named endogenous is not exogenous too
    assert d.endog_names == ("x",)
    assert d.instrument_names == ("L(x, 1)", "L(x, 2)")


def test_missing_rows_are_counted_by_the_first_reason(panel):
    x, region, w = panel["x"].copy(), panel["region"].copy(), panel["w"].copy()
    x.iloc[[0, 3]], region.iloc[[3, 8]], w.iloc[4] = np.nan, None, 0.0
    holed = panel.assign(x=x, region=region, w=w)
    with pytest.warns(DroppedRowsWarning, match="4 of 30"):
        d = Design.build("y ~ x + region", holed, weights="w")
    assert d.dropped == {
        "missing in 'x'": 2, "missing in 'region'": 1, "zero weight in 'w'": 1,
    }  # fmt: skip
    assert np.isfinite(d.X).all()
    with pytest.warns(DroppedRowsWarning, match="missing in 'region'"):
        assert Design.build("y ~ z", holed, requires=("region^time",)).nobs == 28


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ xx", "names 'xx', which the panel does not hold. Did you mean 'x'"),
        ("y ~ lag(x)", r"Use L\(x\)"),
        ("y", "A formula reads"),
        ("y ~ x ~ z", "A formula reads"),
        ("y + x ~ z", "2 dependent variables"),
        ("y ~ z + [x ~ z]", "must be excluded"),
        ("y ~ [x]", "Brackets hold"),
        ("y ~ [x ~ z] + [w ~ z]", "put all endogenous variables"),
        ("y ~ (x", "never closes"),
        ("y ~ L(x, 1.5)", None),
    ],
)
def test_formulas_that_cannot_be_read(panel, formula, message):
    with pytest.raises((FormulaError, PanelError), match=message):
        Design.build(formula, panel)


def test_infinite_values_are_located(panel):
    z = panel["z"].copy()
    z.iloc[8] = 0.0
    with pytest.raises(FormulaError, match=r"'np.log\(z\)' is infinite in 1 rows.*'b', 2002"):
        Design.build("y ~ np.log(z)", panel.assign(z=z))
    z.iloc[8] = np.inf
    with pytest.raises(FormulaError, match="'z' is infinite"):
        Design.build("y ~ z", panel.assign(z=z))


def test_a_dependent_variable_of_several_columns_is_refused(panel):
    panel = panel.assign(word=np.resize(["a", "b", "c"], len(panel)))
    with pytest.raises(FormulaError, match="dependent variable has 2 columns"):
        Design.build("word ~ 1", panel)


def test_numbers_stored_as_text_are_refused(panel):
    text = panel["x"].map(lambda v: f"{v:.3f}".replace(".", ",")).astype(object)
    text.iloc[2] = ".."
    with pytest.raises(FormulaError, match="'t' holds numbers stored as text beside '..'"):
        Design.build("y ~ t", panel.assign(t=text))


def test_all_missing_variable(panel):
    with pytest.raises(IdentificationError, match="'x', which is missing in all 30 rows"):
        Design.build("y ~ x", panel.assign(x=np.nan))


def test_spacing_is_explained_when_no_row_has_a_lag(panel):
    sparse = panel.where(panel["year"].to_numpy() % 2 == 0)
    with pytest.raises(IdentificationError, match="lie 2 periods apart: give delta=2"):
        Design.build("y ~ L(x)", sparse)


def test_a_column_named_like_a_function(panel):
    found = Design.build("y ~ log(z) + log", panel.assign(log=panel["x"]))
    assert_allclose(found.X[:, 1:], np.column_stack([np.log(panel["z"]), panel["x"]]))


def test_weights_are_checked(panel):
    with pytest.raises(PanelError, match="finite and not negative"):
        Design.build("y ~ x", panel.assign(w=-1.0), weights="w")
    with pytest.raises(PanelError, match="holds text"):
        Design.build("y ~ x", panel, weights="region")
    with pytest.raises(PanelError, match="not DataFrame"):
        Design.build("y ~ x", panel.frame)


@pytest.mark.parametrize(
    ("formula", "column"),
    [
        ("y ~ I(x > 0)", lambda p: np.where(p["x"].isna(), np.nan, p["x"] > 0)),
        ("y ~ np.where(x > 0, 1, 0)", lambda p: np.where(p["x"].isna(), np.nan, p["x"] > 0)),
        ("y ~ C(x > 0)", lambda p: np.where(p["x"].isna(), np.nan, p["x"] > 0)),
        ("y ~ I(`x` > 0):z", lambda p: np.where(p["x"].isna(), np.nan, p["x"] > 0) * p["z"]),
        ("y ~ I(L(x) > 0)", lambda p: np.where(p.L("x").isna(), np.nan, p.L("x") > 0)),
        ("y ~ L(I(x > 0), 2)", lambda p: np.where(p.L("x", 2).isna(), np.nan, p.L("x", 2) > 0)),
        ("y ~ C(F(s))", lambda p: p.F("s")),
        ("y ~ D(I(x > 0))", lambda p: np.where(p.D("x").isna(), np.nan, p.D(p["x"] > 0))),
    ],
)  # fmt: skip
def test_a_comparison_with_a_missing_value_is_missing(formula, column):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {"i": np.repeat(range(6), 7), "t": np.tile(range(7), 6), "y": rng.normal(size=42),
         "x": rng.normal(size=42), "z": rng.normal(size=42), "s": rng.integers(0, 2, 42)}
    )  # fmt: skip
    frame.loc[::5, "x"] = np.nan
    panel = Panel.from_frame(frame, entity="i", time="t")
    expected = np.asarray(column(panel), dtype=float)
    with pytest.warns(DroppedRowsWarning):
        design = Design.build(formula, panel)
    assert np.array_equal(design.rows, np.flatnonzero(~np.isnan(expected)))
    assert np.array_equal(design.X[:, 1], expected[design.rows])


def test_expressions_that_treat_missing_values_are_left_alone():
    frame = pd.DataFrame({"i": [1] * 5, "t": range(5), "y": range(5), "x": [1.0, None, 3, 0, 2]})
    panel = Panel.from_frame(frame, entity="i", time="t")
    for formula in ("y ~ np.isnan(x)", "y ~ fillna(x, 0)", "y ~ np.where(np.isnan(x), 0, x)"):
        assert Design.build(formula, panel).nobs == 5


def test_centring_and_scaling_pass_over_missing_values():
    frame = pd.DataFrame({"i": [1] * 5, "t": range(5), "y": range(5), "x": [1.0, None, 3, 0, 2]})
    panel = Panel.from_frame(frame, entity="i", time="t")
    known = frame["x"].dropna()
    for formula, expected in (
        ("y ~ center(x)", known - known.mean()),
        ("y ~ scale(x)", (known - known.mean()) / known.std()),
    ):
        with pytest.warns(DroppedRowsWarning):
            design = Design.build(formula, panel)
        np.testing.assert_allclose(design.X[:, 1], expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("growth ~ remit + remit**2", r"'remit' to a power.*I\(x\*\*2\)"),
        ("growth ~ remit^2", r"I\(x\*\*2\)"),
        ("growth ~ np.log(remit)**2", r"I\(x\*\*2\)"),
        ("growth ~ L(remit, 1:3)", r"L\(remit, \[1, 2, 3\]\)"),
        ("growth ~ L(C(remit))", r"C\(L\(x\)\)"),
        ("growth ~ when", r"C\(\.\) for dummies"),
    ],
)
def test_formulas_that_would_mislead(formula, message):
    frame = pd.DataFrame(
        {"i": [1] * 5, "t": range(5), "growth": [1.0, 3, 2, 5, 4], "remit": [2, 1, 4, 3, 9],
         "when": pd.to_datetime(["2001-01-01"] * 5)}
    )  # fmt: skip
    with pytest.raises(FormulaError, match=message):
        Design.build(formula, Panel.from_frame(frame, entity="i", time="t"))


def test_squares_of_sums_still_cross_terms(panel):
    from migdev.panel.formula import parse

    assert [str(t) for t in parse("y ~ (a + b)**2").exog] == ["a", "b", "a:b"]
    assert [str(t) for t in parse("y ~ I(a**2) + {b**2}").exog] == ["I(a ** 2)", "b ** 2"]
