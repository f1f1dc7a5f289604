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


def test_a_column_that_hides_a_function(panel):
    with pytest.raises(FormulaError, match="calls 'log'"):
        Design.build("y ~ log(z)", panel.assign(log=1.0))


def test_weights_are_checked(panel):
    with pytest.raises(PanelError, match="finite and not negative"):
        Design.build("y ~ x", panel.assign(w=-1.0), weights="w")
    with pytest.raises(PanelError, match="holds text"):
        Design.build("y ~ x", panel, weights="region")
    with pytest.raises(PanelError, match="not DataFrame"):
        Design.build("y ~ x", panel.frame)
