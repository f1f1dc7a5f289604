"""Combinations, Wald tests and the delta method against statsmodels and closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import migdev as md
from migdev.errors import ResultError
from migdev.results.estimate import Estimate
from migdev.results.inference import gradient, restriction_matrix, wald_test

NAMES = ["Intercept", "50%_share", "L(x, 2)", "a", "a:b", "NY.GDP.X", "I(a ** 2)", "R&D", "aa"]


def estimate(df: float | None = 30.0, names: list[str] | None = None) -> Estimate:
    names = NAMES if names is None else names
    k = len(names)
    rng = np.random.default_rng(0)
    A = rng.standard_normal((k, k))
    return Estimate.from_arrays(
        names=names, params=np.arange(1.0, k + 1) / 3, cov=A @ A.T / 40, dependent="y",
        method="made up", nobs=100, df_resid=30.0, df_inference=df,
    )  # fmt: skip


def row(**weights: float) -> np.ndarray:
    return np.array([weights.get(name, 0.0) for name in NAMES])


# ---------------------------------------------------------------------- against statsmodels


@pytest.fixture(scope="module")
def pair() -> tuple[Estimate, object]:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.standard_normal((60, 3)), columns=["x", "z", "q"])
    frame["y"] = 1 + frame["x"] - 0.4 * frame["z"] + rng.standard_normal(60)
    frame["i"], frame["t"] = np.arange(60) // 6, np.arange(60) % 6
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    ours = md.PooledOLS(formula="y ~ x + z + q + x:z").fit(panel)
    return ours, smf.ols("y ~ x + z + q + x:z", frame).fit()


@pytest.mark.parametrize("text", ["x + z", "x - 2*z = 1", "q", "(x + z)/2 - x:z", "3*x = z + q"])
def test_lincom_equals_t_test(pair, text: str) -> None:
    ours, theirs = pair
    c = ours.lincom(text)
    left, _, right = text.partition("=")
    R, r, _ = restriction_matrix([text], ours.names)
    want = theirs.t_test((R, r))
    assert c.estimate == pytest.approx(want.effect[0] - r[0], rel=1e-10)
    assert c.std_error == pytest.approx(want.sd[0, 0], rel=1e-10)
    assert c.statistic == pytest.approx(want.tvalue[0, 0], rel=1e-10)
    assert c.pvalue == pytest.approx(float(want.pvalue), rel=1e-8)
    low, high = want.conf_int()[0] - r[0]
    assert c.conf_int() == pytest.approx((low, high), rel=1e-9)
    if "x:z" not in text and "/" not in text:
        again = theirs.t_test(text if right else f"{left} = 0")
        assert c.statistic == pytest.approx(again.tvalue[0, 0], rel=1e-10)


@pytest.mark.parametrize("text", ["x = 0, z = 0", "x = z, q = 1", "x + z + q = 0"])
def test_wald_equals_f_test(pair, text: str) -> None:
    ours, theirs = pair
    want = theirs.f_test(text)
    test = ours.wald(text)
    assert test.statistic == pytest.approx(float(want.fvalue), rel=1e-10)
    assert test.df == (want.df_num, want.df_denom)
    assert test.pvalue == pytest.approx(float(want.pvalue), rel=1e-8)
    assert test.null == "; ".join(part.strip() for part in text.split(","))


def test_wald_without_df_is_chi2(pair) -> None:
    ours, theirs = pair
    want = theirs.wald_test("x = 0, z = 0", use_f=False, scalar=True)
    R = restriction_matrix(["x", "z"], ours.names)
    test = wald_test(ours.params.to_numpy(), ours.cov.to_numpy(), R[0], R[1], None, "null")
    assert test.distribution == "chi2"
    assert test.statistic == pytest.approx(float(want.statistic), rel=1e-10)
    assert test.pvalue == pytest.approx(float(want.pvalue), rel=1e-8)


def test_delta_equals_closed_form(pair) -> None:
    ours, _ = pair
    b, V = ours.params, ours.cov
    c = ours.delta("x / (1 - z)")
    slope = pd.Series(0.0, index=b.index)
    slope["x"], slope["z"] = 1 / (1 - b["z"]), b["x"] / (1 - b["z"]) ** 2
    assert c.estimate == pytest.approx(b["x"] / (1 - b["z"]), rel=1e-14)
    assert c.std_error == pytest.approx(np.sqrt(slope @ V @ slope), rel=1e-12)
    again = ours.delta(lambda p: p["x"] / (1 - p["z"]), name="long run")
    assert again.name == "long run"
    assert again.std_error == pytest.approx(c.std_error, rel=1e-12)


def test_delta_of_a_linear_function_is_lincom(pair) -> None:
    ours, _ = pair
    one, two = ours.delta("x - 2*z"), ours.lincom("x - 2*z")
    assert one.estimate == pytest.approx(two.estimate, rel=1e-14)
    assert one.std_error == pytest.approx(two.std_error, rel=1e-14)
    assert one.df == two.df


def test_functions_of_the_delta_method(pair) -> None:
    ours, _ = pair
    b, V = ours.params, ours.cov
    c = ours.delta("exp(q) + sqrt(exp(q)) + log(exp(q))")
    slope = np.exp(b["q"]) + 0.5 * np.exp(b["q"] / 2) + 1
    assert c.std_error == pytest.approx(slope * np.sqrt(V.loc["q", "q"]), rel=1e-12)


# ---------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "weights", "value"),
    [
        ("50%_share", {"50%_share": 1}, 0),
        ("`50%_share` - 2*L(x, 2) = 3", {"50%_share": 1, "L(x, 2)": -2}, 3),
        ("a:b + a", {"a:b": 1, "a": 1}, 0),
        ("a = aa", {"a": 1, "aa": -1}, 0),
        ("2*NY.GDP.X", {"NY.GDP.X": 2}, 0),
        ("I(a ** 2) + 4*a", {"I(a ** 2)": 1, "a": 4}, 0),
        ("R&D - Intercept = -1.5", {"R&D": 1, "Intercept": -1}, -1.5),
        ("(a + aa + 1)/2 = a", {"a": -0.5, "aa": 0.5}, -0.5),
        ("-(a - 50%_share)*1e3", {"a": -1e3, "50%_share": 1e3}, 0),
        ("L(x,2)", {"L(x, 2)": 1}, 0),
        ("I(a**2)", {"I(a ** 2)": 1}, 0),
    ],
)
def test_names_are_read_as_they_are(text: str, weights: dict, value: float) -> None:
    R, r, _ = restriction_matrix([text], NAMES)
    np.testing.assert_allclose(R[0], row(**weights), atol=1e-12)
    assert r[0] == pytest.approx(value, abs=1e-12)


def test_lists_are_split_outside_parentheses() -> None:
    R, _, labels = restriction_matrix("L(x, 2) = 0, a, 50%_share = a:b", NAMES)
    assert labels == ["L(x, 2) = 0", "a = 0", "50%_share = a:b"]
    np.testing.assert_array_equal(R[0], row(**{"L(x, 2)": 1}))
    np.testing.assert_array_equal(R[2], row(**{"50%_share": 1, "a:b": -1}))


def test_names_from_a_formula() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"i": np.arange(80) // 8, "t": np.arange(80) % 8, "y": rng.standard_normal(80),
         "50%_share": rng.standard_normal(80), "NY.GDP.X": rng.standard_normal(80),
         "g": np.where(np.arange(80) % 3, "low = 1", "high, 2")}
    )  # fmt: skip
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    with pytest.warns(md.errors.DroppedRowsWarning):
        fit = md.PooledOLS(
            formula="y ~ L(`50%_share`, 2) + NY.GDP.X*`50%_share` + g"
        ).fit(panel)  # fmt: skip
    for name in fit.names:
        c = fit.lincom(name)
        assert c.estimate == pytest.approx(fit.params[name], rel=1e-14)
        assert c.std_error == pytest.approx(fit.std_errors[name], rel=1e-12)
        assert fit.wald([name]).statistic == pytest.approx(fit.tstats[name] ** 2, rel=1e-10)
        assert fit.pvalue(name) == pytest.approx(fit.pvalues[name], rel=1e-10)
    joint = fit.wald(fit.names[1:])
    assert joint.df == (len(fit.names) - 1, fit.df_resid)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b", "'b', which is not a coefficient"),
        ("NY.GDP", "not a coefficient"),
        ("a * aa", "not linear"),
        ("a / aa", "not linear"),
        ("log(a)", "not linear"),
        ("a = aa = 0", "more than one equals"),
        ("a +", "cannot be read"),
        ("a b", "cannot be read"),
    ],
)
def test_errors_of_combinations(text: str, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        estimate().lincom(text)


def test_suggests_the_near_name() -> None:
    with pytest.raises(ResultError, match="Did you mean 'capital'"):
        estimate(names=["value", "capital"]).lincom("captial")


def test_spaces_of_names_matter_between_words() -> None:
    names = ["remit share", "remitshare"]
    for text, want in (("remitshare", [0, 1]), ("remit  share", [1, 0])):
        np.testing.assert_array_equal(restriction_matrix([text], names)[0][0], want)


# ---------------------------------------------------------------------- Wald


def test_wald_is_invariant_to_units() -> None:
    """Coefficients that differ by 14 orders of magnitude are tested jointly all the same."""
    fit = estimate(names=["a", "b", "c"])
    scale = np.array([1e-11, 1.0, 1e7])
    other = Estimate.from_arrays(
        names=["a", "b", "c"], params=fit.params.to_numpy() * scale,
        cov=fit.cov.to_numpy() * np.outer(scale, scale), dependent="y", method="made up",
        nobs=100, df_resid=30.0,
    )  # fmt: skip
    one, two = fit.wald(["a", "b", "c"]), other.wald(["a", "b", "c"])
    assert two.statistic == pytest.approx(one.statistic, rel=1e-9)


def test_repeated_restrictions_are_refused() -> None:
    for restrictions in (["a", "2*a"], ["a = 1", "aa = 1", "a + aa = 2"]):
        with pytest.raises(ResultError, match="covariance of rank"):
            estimate().wald(restrictions)
    with pytest.raises(ResultError, match="2 columns"):
        estimate().wald(np.eye(2))


def test_matrix_restrictions() -> None:
    fit = estimate()
    R = np.zeros((2, len(NAMES)))
    R[0, 1], R[1, 3] = 1, 1
    assert fit.wald(R).statistic == pytest.approx(fit.wald(["50%_share", "a"]).statistic)


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), q=st.integers(1, 3))
def test_wald_is_invariant_to_equivalent_restrictions(seed: int, q: int) -> None:
    rng = np.random.default_rng(seed)
    fit = estimate(names=list("abcd"))
    R, A = rng.standard_normal((q, 4)), rng.standard_normal((q, q)) + 3 * np.eye(q)
    assert fit.wald(A @ R).statistic == pytest.approx(fit.wald(R).statistic, rel=1e-6)


# ---------------------------------------------------------------------- distributions, levels


@pytest.mark.parametrize("df", [None, 7.0, np.inf])
def test_reference_distribution(df: float | None) -> None:
    fit = estimate(df=df)
    law = stats.norm() if df is None or np.isinf(df) else stats.t(df)
    np.testing.assert_allclose(fit.pvalues, 2 * law.sf(np.abs(fit.tstats)), rtol=1e-10)
    half = law.ppf(0.95) * fit.std_errors
    ci = fit.conf_int(level=0.90)
    np.testing.assert_allclose(ci["lower"], fit.params - half, rtol=1e-12)
    np.testing.assert_allclose(ci["upper"], fit.params + half, rtol=1e-12)
    c = fit.lincom("a")
    np.testing.assert_allclose(c.conf_int(0.90), ci.loc["a"], rtol=1e-12)
    joint = fit.wald(["a", "aa"])
    assert joint.distribution == ("F" if df == 7.0 else "chi2")


def test_tiny_pvalues_keep_their_digits() -> None:
    fit = Estimate.from_arrays(
        names=["a"], params=np.array([30.0]), cov=np.eye(1), dependent="y", method="made up",
        nobs=10, df_resid=100.0, df_inference=None,
    )  # fmt: skip
    assert fit.pvalues["a"] == pytest.approx(2 * stats.norm.sf(30), rel=1e-10)


def test_df_by_coefficient() -> None:
    fit = estimate(df=np.arange(5.0, 14.0))
    np.testing.assert_allclose(
        fit.pvalues, 2 * stats.t.sf(np.abs(fit.tstats), np.arange(5.0, 14.0)), rtol=1e-10
    )
    assert fit.lincom("a").df == 8.0
    assert fit.lincom("a + aa").df == 8.0  # the smaller of the two
    assert fit.wald(["a", "aa"]).df[1] == 5.0


def test_null_values() -> None:
    fit = estimate()
    t = (fit.params["a"] - 0.7) / fit.std_errors["a"]
    assert fit.pvalue("a", null=0.7) == pytest.approx(2 * stats.t.sf(abs(t), 30), rel=1e-10)


@pytest.mark.parametrize("level", [95, 0, 1, -0.5])
def test_levels_are_checked(level: float) -> None:
    with pytest.raises(ResultError, match=r"write 0\.95"):
        estimate().conf_int(level=level)
    with pytest.raises(ResultError, match=r"write 0\.95"):
        estimate().lincom("a").conf_int(level)


# ---------------------------------------------------------------------- derivatives


def test_gradient_by_complex_steps_and_by_differences() -> None:
    at = np.array([0.3, -1.2, 2.0])
    smooth = gradient(lambda b: np.exp(b[0]) * b[1] / b[2], at)
    want = [np.exp(0.3) * -1.2 / 2, np.exp(0.3) / 2, np.exp(0.3) * 1.2 / 4]
    np.testing.assert_allclose(smooth, want, rtol=1e-15)
    kinked = gradient(lambda b: abs(b[1]) * float(b[0].real), at)  # no complex derivative
    np.testing.assert_allclose(kinked, [1.2, -0.3, 0], atol=1e-9)


@pytest.mark.parametrize("nothing", [[], (), "", np.empty((0, 2))])
def test_no_restriction_is_no_test(nothing):
    with pytest.raises(ResultError, match=r"No restriction was given\. Name some"):
        estimate().wald(nothing)
