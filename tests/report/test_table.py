"""Tables: what they show, and what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers

import migdev as md
from migdev.errors import ReportError, ResultError
from migdev.report.notes import brackets, by_columns
from migdev.report.numbers import Numbers, fixed
from migdev.report.table import table
from tests.report.conftest import make


def cells(t, term, statistic="estimate"):
    return list(t.to_frame().loc[(term, statistic)])


def test_estimates_and_errors_in_their_columns(three):
    t = table(three)
    fe = three["FE"]
    assert t.layout.columns == ("FE", "RE", "GMM")
    assert cells(t, "L(remit):fin") == [f"{fe.params['L(remit):fin']:.3f}", "", ""]
    assert cells(t, "L(remit):fin", "std_error")[0] == f"({fe.std_errors['L(remit):fin']:.3f})"
    assert md.table is table


def test_constant_is_one_row_and_stands_last(three):
    frame = table(three).to_frame()
    terms = [row for row, statistic in frame.index if statistic == "estimate"]
    assert terms == ["L(remit)", "fin", "L(remit):fin", "trade", "L(y)", "Intercept"]
    assert [bool(c) for c in frame.loc[("Intercept", "estimate")]] == [True, False, True]


def test_stars_are_off_by_default_and_follow_their_cuts():
    fit = make(("a", "b", "c", "d"), params=[5, 2.1, 1.8, 1], errors=[1, 1, 1, 1], df=None)
    assert "*" not in table(fit).to_text()
    shown = table(fit, stars=True).to_frame()["(1)"]
    assert [shown[(t, "estimate")] for t in "abcd"] == ["5.000***", "2.100**", "1.800*", "1.000"]
    own = table(fit, stars={0.05: "†"}).to_frame()["(1)"]
    assert [own[(t, "estimate")] for t in "abcd"] == ["5.000†", "2.100†", "1.800", "1.000"]
    assert "† p < 0.05." in table(fit, stars={0.05: "†"}).to_text()
    with pytest.raises(ReportError, match=r"write 0\.05"):
        table(fit, stars={5: "*"})


def test_every_statistic_under_the_estimate():
    fit = make(("a",), params=[2.0], errors=[1.0], df=10.0)
    t = table(fit, stat=("std_error", "t", "p", "ci"), level=0.9)
    assert cells(t, "a", "std_error") == ["(1.000)"]
    assert cells(t, "a", "t") == ["{2.00}"]
    assert cells(t, "a", "p") == ["(0.073)"]
    low, high = fit.conf_int(0.9).loc["a"]
    assert cells(t, "a", "ci") == [f"[{low:.3f}, {high:.3f}]"]
    assert "90% confidence intervals in square brackets" in t.to_text(width=300)
    assert cells(table(fit, stat="t"), "a", "t") == ["(2.00)"]
    assert len(table(fit, stat=None, fit=()).to_frame()) == 1
    with pytest.raises(ReportError, match="Did you mean 'std_error'"):
        table(fit, stat="std_eror")


def test_brackets_tell_statistics_apart():
    assert brackets(["std_error", "p"]) == [("(", ")"), ("[", "]")]
    assert brackets(["ci", "std_error", "p"]) == [("[", "]"), ("(", ")"), ("{", "}")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"keep": "L(remit)"}, ["L(remit)"]),  # an exact name is no regular expression
        ({"keep": "remit"}, ["L(remit)", "L(remit):fin"]),
        ({"keep": ["trade", r"^L\(y"]}, ["trade", "L(y)"]),
        ({"drop": ["Intercept", "fin$"]}, ["L(remit)", "trade", "L(y)"]),
        (
            {"order": ["trade", "L(y)"]},
            ["trade", "L(y)", "L(remit)", "fin", "L(remit):fin", "Intercept"],
        ),
        ({"keep": "remit", "drop": ":"}, ["L(remit)"]),
    ],
)
def test_choosing_coefficients(three, options, expected):
    frame = table(three, **options).to_frame()
    assert [row for row, statistic in frame.index if statistic == "estimate"] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": "tarde"}, "matches no coefficient. Did you mean 'trade'"),
        ({"drop": "("}, "neither a coefficient nor a regular expression"),
        ({"keep": "trade", "drop": "trade"}, "leave no coefficient"),
        ({"fit": ["r2_wihtin"]}, "Did you mean 'r2_within'"),
        ({"diagnostics": ["hansne"]}, "Did you mean 'hansen'"),
        ({"spanners": {"A": ["FE", "GMM"]}}, "side by side"),
        ({"spanners": {"A": ["FE"], "B": [1]}}, "two headings"),
        ({"spanners": {"A": ["XX"]}}, "'FE', 'RE', 'GMM'"),
        ({"spanners": {"A": []}}, "at least one column"),
        ({"names": ["a"]}, "1 items for 3 results"),
        ({"names": {"fe": "a"}}, "Did you mean 'FE'"),
        ({"rows": {"Controls": ["Yes"]}}, "3 values"),
        ({"rename": {"fin": "Credit", "trade": "Credit"}}, "one label, 'Credit'"),
        ({"groups": {"A": "fin", "B": ["fin"]}}, "under 'A' and 'B'"),
        ({"digits": -1}, "whole number"),
        ({"fmt": ".3q"}, "no format of a number"),
        ({"stars": {0: "*"}}, "between 0 and 1"),
        ({"indicate": {"Region": "region"}}, "indicate"),
    ],
)  # fmt: skip
def test_refusals_name_what_was_meant(three, options, message):
    with pytest.raises(ReportError, match=message):
        table(three, **options)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "no result"), (None, "failed fits"), ({"a": ValueError("singular")}, "failed fits"),
        ("text", "not a result"), ([make(), 3], "builtins.int"),
    ],
)  # fmt: skip
def test_what_is_no_result(results, message):
    with pytest.raises(ResultError, match=message):
        table(results)


def test_levels_outside_the_unit_interval_are_refused(three):
    with pytest.raises(ResultError, match=r"write 0\.95"):
        table(three, level=95)


def test_renaming_reaches_into_products(three):
    t = table(three, rename={"L(remit)": "Remittances", "growth": "Growth", "nobs": "N"})
    text = t.to_text()
    assert "Remittances × fin" in text
    assert "Dependent variable: Growth." in text
    assert cells(t, "N", "") == ["1,234"] * 3
    assert "REMIT" in table(three, rename=str.upper).to_text()


def test_terms_of_different_models_may_share_a_label():
    a, b = make(("remit",), params=[1.0]), make(("L(remit)",), params=[2.0])
    t = table([a, b], rename={"remit": "Remittances", "L(remit)": "Remittances"})
    assert cells(t, "Remittances") == ["1.000", "2.000"]


def test_groups_head_their_rows_and_the_constant_stays_last(three):
    t = table(three, groups={"Flows": ["L(remit)", "L(remit):fin"], "Openness": "trade"})
    labels = [r.label for r in t.layout.blocks[0] if r.kind in ("group", "estimate")]
    assert labels == [
        "fin", "L(y)", "Flows", "L(remit)", "L(remit):fin", "Openness", "trade", "Intercept",
    ]  # fmt: skip
    assert [r.indent for r in t.layout.blocks[0] if r.label in ("fin", "trade")] == [False, True]


def test_rows_below_the_coefficients(three):
    t = table(
        three, diagnostics=["hansen", "ar2", "tabulated"],
        rows={
            "Controls": [True, False, None], "df": lambda e: f"{e.df_resid:.0f}",
            "Note": {"RE": "kept"},
        },
        indicate={"Trade": ["trade"]},
    )  # fmt: skip
    assert cells(t, "Controls", "") == ["Yes", "No", ""]
    assert cells(t, "df", "") == ["1100"] * 3
    assert cells(t, "Note", "") == ["", "kept", ""]
    assert cells(t, "Trade", "") == ["No", "Yes", "Yes"]
    assert ("trade", "estimate") not in t.to_frame().index
    assert cells(t, "Entity effects", "") == ["Yes", "Random", ""]
    assert cells(t, "Time effects", "") == ["Yes", "No", ""]  # nothing is known of the third
    assert cells(t, "Hansen J [p]", "") == ["", "", "4.30 [0.231]"]
    assert cells(t, "Arellano-Bond AR(2) [p]", "") == ["", "", "-1.20 [0.230]"]
    assert cells(t, "Tabulated", "") == ["", "", "-3.10"]
    assert list(table(three, diagnostics="all").to_frame().index)[-1] == ("Tabulated", "")
    assert "Entity effects" not in table(three, effects=False).to_text()
    named = table(three, fit={"r2": "R squared"}, diagnostics={"hansen": "J"})
    assert cells(named, "R squared", "") == ["", "0.812", "0.500"]
    assert cells(named, "J [p]", "")[2] == "4.30 [0.231]"


def test_a_test_is_computed_only_when_asked_for():
    class Lazy(dict):
        def get(self, key, default=None):
            assert key != "slow", "read without need"
            return super().get(key, default)

        def items(self):
            raise AssertionError("all tests were read")

    fit = make(stats=Lazy(r2=0.5, slow=None))
    assert "0.500" in table(fit, fit=("nobs", "r2")).to_text()
    assert "1,234" in table(fit).to_text()


def test_notes_say_which_columns_they_mean(three):
    text = " ".join(table(three, stars=True).to_text(width=400).split())
    assert (
        "Standard errors in parentheses: (1), (2) clustered by entity (CR1, 48 clusters), "
        "small-sample convention of Stata; (3) robust (Windmeijer)" in text
    )
    assert "(1), (2) t distribution with 47 degrees of freedom; (3) normal distribution." in text
    assert table(three, notes=False).layout.notes == ()
    own = table(three, notes=False, add_notes="Author's own.")
    assert own.layout.notes == ("Author's own.",)
    assert "parentheses: kind not stated" in table(
        md.Estimate.from_arrays(
            names=["x"], params=[1.0], cov=[[1.0]], dependent="y", method="OLS", nobs=9,
            df_resid=8.0,
        )
    ).to_text()  # fmt: skip


def test_by_columns_groups_equal_texts():
    marks = ["(1)", "(2)", "(3)", "(4)"]
    assert by_columns(["a"] * 4, marks) == "a"
    assert by_columns(["a", "b", "a", "a"], marks) == "(1), (3), (4) a; (2) b"
    assert by_columns(["a", "a", "a", ""], marks) == "(1)-(3) a"
    assert by_columns(["", "", "", ""], marks) == ""


def test_sample_and_losses_are_in_the_notes(grunfeld):
    with pytest.warns(md.errors.DroppedRowsWarning):
        lagged = md.PooledOLS(formula="inv ~ L(inv) + value").fit(grunfeld)
    with pytest.warns(md.errors.CollinearityWarning):
        collinear = md.PooledOLS(formula="inv ~ value + I(2 * value)").fit(grunfeld)
    text = " ".join(table([lagged, collinear]).to_text(width=500).split())
    assert "Sample: (1) 10 × firm, year 1936 to 1954; (2) 10 × firm, year 1935 to 1954." in text
    assert "Rows not used: (1) 10 missing in 'L(inv)'." in text
    assert "Left out: (2) 'I(2 * value)' (collinear with the columns before it)." in text


def test_headings(three):
    one = table(make())
    assert [r.kind for r in one.layout.head] == ["name"]
    assert one.layout.head[0].cells[0].text == "Fixed effects"
    several = table([make(), make(dependent="poverty")])
    assert [r.kind for r in several.layout.head] == ["number", "name", "dependent"]
    assert "Dependent variable:" not in several.to_text()
    named = table(three, names=["A", "B", "C"], spanners={"Static": ["A", 2]}, numbers=False)
    assert [(c.text, c.span) for c in named.layout.head[0].cells] == [("Static", 2), ("", 1)]
    assert [c.text for c in named.layout.head[1].cells] == ["A", "B", "C"]
    assert table(three, covariance=True).to_frame().loc[("Standard errors", "")].iloc[2] == (
        "robust (Windmeijer), small-sample convention of Stata"
    )


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("errors", "decimals"),
    [([0.5], 3), ([0.012], 3), ([0.00012], 5), ([1e-7], 8), ([250.0], 1), ([12_000.0], 0), ([], 3),
     ([float("nan")], 3), ([0.1], 3), ([0.01], 3), ([0.001], 4)],
)  # fmt: skip
def test_decimals_leave_two_digits_of_the_error(errors, decimals):
    assert Numbers().decimals(errors) == decimals


@given(exponent=integers(-7, 1), lead=floats(1, 9.99))
def test_small_errors_never_vanish(exponent, lead):
    size = lead * 10.0**exponent
    shown = fixed(size, Numbers().decimals([size]))
    assert float(shown) == pytest.approx(size, rel=0.051)


def test_extreme_numbers():
    assert fixed(float("nan"), 3) == "n/a"
    assert fixed(float("-inf"), 3) == "-inf"
    assert fixed(-0.0001, 3) == "0.000"
    assert fixed(1234567.8912, 2) == "1,234,567.89"
    assert fixed(1.5e-12, 13) == "1.50e-12"
    tiny = table(make(("x",), params=[2e-12], errors=[1e-12]))
    assert cells(tiny, "x") == ["2.00e-12"]
    assert Numbers().probability(1e-9) == "<0.001"
    assert Numbers().probability(0.9996) == "1.000"


def test_own_formats():
    fit = make(("x", "z"), params=[0.123456, 2.0], errors=[0.01, 0.5])
    assert cells(table(fit, fmt=".2f"), "x") == ["0.12"]
    assert cells(table(fit, fmt="{:+.4f}"), "x") == ["+0.1235"]
    assert cells(table(fit, fmt=lambda v: f"<{v:.1f}>"), "z") == ["<2.0>"]
    t = table(fit, fmt={"x": ".5f", "r2": ".1%", "std_error": ".1e"})
    assert cells(t, "x") == ["0.12346"]
    assert cells(t, "z") == ["2.000"]
    assert cells(t, "z", "std_error") == ["(5.0e-01)"]
    assert cells(t, "R²", "") == ["81.2%"]
    assert cells(table(fit, digits=1), "z") == ["2.00"]  # the error needs two digits


def test_degenerate_errors_are_shown_not_hidden():
    fit = make(("x",), params=[1.0], errors=[0.0])
    t = table(fit, stars=True)
    assert cells(t, "x", "std_error") == ["(0.000)"]


def test_a_statistic_that_no_result_has_is_not_its_own_correction(three):
    with pytest.raises(ReportError, match=r"'aic'\. That is a statistic, which these results do"):
        table(three, fit=["aic"])
    with pytest.raises(ReportError, match=r"'nbos'\. Did you mean 'nobs'\?"):
        table(three, fit=["nbos"])


@pytest.mark.parametrize(
    ("stars", "message"),
    [
        ({"*": 0.1}, r"'\*' is no p-value\. Write p-values with their marks: \{0\.05: '\*'\}"),
        ({5: "*"}, "5 is not between 0 and 1"),
        ({True: "*"}, "True is no p-value"),
        ("*", r"stars='\*'; True, False, or a mapping"),
    ],
)
def test_stars_by_what_they_mark(stars, message, three):
    with pytest.raises(ReportError, match=message):
        table(three, stars=stars)
