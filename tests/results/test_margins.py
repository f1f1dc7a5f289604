"""Marginal effects, Johnson-Neyman ranges, turning points, U tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import assume, given, settings
from hypothesis.strategies import floats, integers
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import ResultError
from migdev.kernels.arrays.distributions import t_quantile
from migdev.kernels.arrays.sign_regions import (
    band_critical,
    band_critical_simulated,
    boundary_polynomial,
    fdr_critical,
    polynomial_roots,
    quadratic_roots,
)
from migdev.results.estimate import Estimate
from migdev.results.marginal.margins import margins
from tests.data import benchmark
from tests.golden import load_golden

GOLDEN = load_golden("margins")


def estimate(names, seed=3, df=60.0, scale=0.2):
    """An estimate with random coefficients and a full covariance."""
    rng = np.random.default_rng(seed)
    k = len(names)
    root = rng.normal(size=(k, k)) * scale
    return Estimate.from_arrays(
        names=names, params=rng.normal(size=k), cov=root @ root.T + 1e-3 * np.eye(k),
        dependent="growth", method="OLS", nobs=200, df_resid=df,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wages_frame():
    return benchmark("wages_psid")


def fit(frame, formula):
    return smf.ols(formula, frame).fit(cov_type="HC1", use_t=True)


# ---------------------------------------------------------------------- against R


def test_quadratic_with_interaction_matches_r(wages_frame):
    g = GOLDEN["quadratic"]
    m = margins(
        fit(wages_frame, "lwage ~ exp + I(exp ** 2) + ed + exp:ed"), "exp",
        at={"exp": g["exp"], "ed": g["ed"]}, data=wages_frame,
    )  # fmt: skip
    assert [x.name for x in m.moderators] == ["ed", "exp"]
    assert len(m.frame) == 9
    picked = [
        m.frame[(m.frame["exp"] == x) & (m.frame["ed"] == e)].iloc[0]
        for x, e in zip(g["exp"], g["ed"], strict=True)
    ]
    # R prints 15 digits; two QR factorisations of the same data differ near 1e-11.
    assert_allclose([r["effect"] for r in picked], g["effect"], rtol=1e-9)
    assert_allclose([r["std_error"] for r in picked], g["std_error"], rtol=1e-9)


def test_johnson_neyman_matches_roots_of_r(wages_frame):
    g = GOLDEN["quadratic"]
    m = margins(
        fit(wages_frame, "lwage ~ exp + I(exp ** 2) + ed + exp:ed"), "exp", data=wages_frame
    )
    by_exp = m.johnson_neyman(moderator="exp", at={"ed": 12})
    assert by_exp.critical == pytest.approx(g["critical"][0], rel=1e-12)
    assert_allclose(by_exp.bounds, g["jn_exp_at_ed_12"], rtol=1e-8)
    assert [r.sign for r in by_exp.regions] == [1, 0, -1]
    assert sum(r.share for r in by_exp.regions) == pytest.approx(1)
    by_ed = m.johnson_neyman(moderator="ed", at={"exp": 20})
    assert_allclose(by_ed.bounds, g["jn_ed_at_exp_20"], rtol=1e-8)


def test_turning_point_and_u_test_match_r(wages_frame):
    g = GOLDEN["quadratic"]
    m = margins(
        fit(wages_frame, "lwage ~ exp + I(exp ** 2) + ed + exp:ed"), "exp", data=wages_frame
    )
    tp = m.turning_point(at={"ed": 12})
    assert_allclose([tp.estimate, tp.std_error], g["turning_point"], rtol=1e-9)
    assert len(tp.fieller) == 1
    assert_allclose(tp.fieller[0], g["fieller"], rtol=1e-9)
    assert tp.shape == "maximum"
    assert tp.inside
    assert tp.share_below == pytest.approx(g["share_below"][0], rel=1e-12)
    u = m.u_test(at={"ed": 12})
    assert u.name == "Lind-Mehlum inverse U test"
    assert u.statistic == pytest.approx(min(np.abs(g["u_t"])), rel=1e-9)
    # A tail of 1e-18 moves by some 80 times the relative error of its statistic.
    assert u.pvalue == pytest.approx(g["u_p"][0], rel=1e-6)
    average = m.average()
    assert_allclose([average.estimate, average.std_error], g["average"], rtol=1e-9)


def test_default_values_are_percentiles_of_the_sample(wages_frame):
    m = margins(fit(wages_frame, "lwage ~ exp + I(exp ** 2)"), "exp", data=wages_frame)
    assert list(m.frame["exp"]) == GOLDEN["quadratic"]["percentiles"]


def test_logarithms_match_r(wages_frame):
    g = GOLDEN["logs"]
    res = fit(wages_frame, "lwage ~ np.log(wks) + I(np.log(wks) ** 2) + ed + np.log(wks):ed")
    m = margins(res, "wks", at={"wks": g["wks"], "ed": g["ed"]}, data=wages_frame)
    picked = [
        m.frame[(m.frame["wks"] == x) & (m.frame["ed"] == e)].iloc[0]
        for x, e in zip(g["wks"], g["ed"], strict=True)
    ]
    assert_allclose([r["effect"] for r in picked], g["effect"], rtol=1e-8)
    assert_allclose([r["std_error"] for r in picked], g["std_error"], rtol=1e-8)
    jn = m.johnson_neyman(moderator="wks", at={"ed": 12})
    assert_allclose(jn.bounds, g["jn_wks_at_ed_12"], rtol=1e-7)
    assert jn.searched == (wages_frame["wks"].min(), wages_frame["wks"].max())
    # In the logarithm itself the effect is linear, and its turning point lies outside the sample.
    by_log = margins(res, "np.log(wks)", at={"np.log(wks)": 3.0, "ed": 12}, data=wages_frame)
    point = by_log.turning_point()
    assert np.exp(point.estimate) == pytest.approx(g["turning_point"][0], rel=1e-8)
    assert point.std_error * np.exp(point.estimate) == pytest.approx(
        g["turning_point"][1], rel=1e-7
    )
    with pytest.raises(ResultError, match="crosses zero 0 times"):
        m.turning_point(at={"ed": 12})


def test_factor_moderators_match_r(wages_frame):
    g = GOLDEN["factor"]
    res = fit(wages_frame, "lwage ~ exp * sex")
    m = margins(res, "exp", data=wages_frame)
    assert list(m.frame["sex"]) == g["levels"]
    assert_allclose(m.frame["effect"], g["effect"], rtol=1e-9)
    assert_allclose(m.frame["std_error"], g["std_error"], rtol=1e-9)
    dummy = margins(res, "sex[male]", at={"exp": g["exp"]}, data=wages_frame)
    assert_allclose(dummy.frame["effect"], g["male_effect"], rtol=1e-9)
    assert_allclose(dummy.frame["std_error"], g["male_std_error"], rtol=1e-9)
    with pytest.raises(ResultError, match=r"one of its dummies, 'sex\[male\]'"):
        margins(res, "sex", data=wages_frame)
    with pytest.raises(ResultError, match="no level 'mael'.*'male'"):
        margins(res, "exp", at={"sex": "mael"}, data=wages_frame)


def test_cubic_has_four_exact_bounds(wages_frame):
    m = margins(
        fit(wages_frame, "lwage ~ exp + I(exp ** 2) + I(exp ** 3)"), "exp", data=wages_frame
    )
    jn = m.johnson_neyman()
    assert_allclose(jn.bounds, GOLDEN["cubic"]["jn"], rtol=1e-7)
    assert np.isinf(jn.searched).all()


def test_printed_output_of_the_package_interactions():
    """Slopes of Illiteracy by Murder in state.x77: fdr t = 2.35, OUTSIDE [-7.87, 8.51]."""
    g = GOLDEN["states"]
    b, k = np.array(g["coef"]), 4
    V, V3 = (np.array(g[name]).reshape(k, k) for name in ("cov", "cov_hc3"))
    z = np.linspace(*g["range"], 1000)
    rows = np.column_stack([0 * z, np.ones_like(z), 0 * z, z])
    t = rows @ b / np.sqrt(np.einsum("ij,jk,ik->i", rows, V, rows))
    critical = fdr_critical(t, 0.95, g["df"])
    assert round(critical, 2) == 2.35
    G = np.array([[0, 0], [1, 0], [0, 0], [0, 1.0]])
    bounds = polynomial_roots(boundary_polynomial(G, b, V3, critical))
    # The step-up rule makes the critical value, and with it the far bound, depend on the grid a
    # little; the grid behind the printed numbers is known to have some 1,000 values only.
    assert_allclose(bounds, [-7.87, 8.51], rtol=2e-3)
    # The same through the public call, with one covariance for both steps.
    e = Estimate.from_arrays(
        names=["Intercept", "Illiteracy", "Murder", "Illiteracy:Murder"], params=b, cov=V,
        dependent="Income", method="OLS", nobs=50, df_resid=float(g["df"]),
    )  # fmt: skip
    jn = margins(e, "Illiteracy", at={"Murder": 5}).johnson_neyman(adjust="fdr", values=z)
    assert jn.critical == pytest.approx(critical, rel=1e-12)
    assert [r.sign for r in jn.regions] == [1, 0, -1]


# ---------------------------------------------------------------------- against brute force

FUNCTIONS = {
    "x": lambda x, z, w: x,
    "I(x ** 2)": lambda x, z, w: x**2,
    "x:z": lambda x, z, w: x * z,
    "x:I(z ** 2)": lambda x, z, w: x * z**2,
    "np.log(x):z": lambda x, z, w: np.log(x) * z,
    "I(x / (1 + z))": lambda x, z, w: x / (1 + z),
    "np.sqrt(x * w)": lambda x, z, w: np.sqrt(x * w),
    "np.exp(-x)": lambda x, z, w: np.exp(-x),
    "I(x ** z)": lambda x, z, w: x**z,
    "np.power(x, 3):w": lambda x, z, w: x**3 * w,
    "I(2 ** x)": lambda x, z, w: 2**x,
    "np.maximum(x - 0.3, 0)": lambda x, z, w: np.maximum(x - 0.3, 0),
    "np.arcsinh(x)": lambda x, z, w: np.arcsinh(x),
    "I(1 / x)": lambda x, z, w: 1 / x,
    "I(x ** -2)": lambda x, z, w: x**-2.0,
    "z:w": lambda x, z, w: z * w,
    "Intercept": lambda x, z, w: 1.0,
}


@settings(max_examples=40)
@given(x=floats(0.4, 3), z=floats(0.4, 3), w=floats(0.4, 3), seed=integers(0, 10_000))
def test_effects_are_derivatives(x, z, w, seed):
    e = estimate(list(FUNCTIONS), seed)
    row = margins(e, "x", at={"x": x, "z": z, "w": w}).frame.iloc[0]
    h = 1e-5
    g = np.array([(f(x + h, z, w) - f(x - h, z, w)) / (2 * h) for f in FUNCTIONS.values()])
    # Central differences err by h^2 times a third derivative, which 1 / x**2 makes large.
    scale = np.abs(g).max()
    assert row["effect"] == pytest.approx(g @ e.params, abs=2e-6 * scale * 20)
    assert row["std_error"] == pytest.approx(np.sqrt(g @ e.cov @ g), abs=2e-6 * scale * 20)


@settings(max_examples=60)
@given(seed=integers(0, 100_000), level=floats(0.5, 0.999))
def test_johnson_neyman_regions_agree_with_the_t_test(seed, level):
    e = estimate(["x", "x:z", "x:I(z ** 2)"][: 2 + seed % 2], seed)
    m = margins(e, "x", at={"z": [0.0]})
    jn = m.johnson_neyman(level)
    assert jn.regions[0].lower == -np.inf
    assert jn.regions[-1].upper == np.inf
    for region in jn.regions:
        low, high = max(region.lower, -1e3), min(region.upper, 1e3)
        if high - low < 1e-4:
            continue
        inner = low + (high - low) * np.linspace(0.01, 0.99, 25)
        curve = m.curve(values=inner, level=level)
        significant = np.sign(curve["conf_low"]) * (curve["conf_low"] * curve["conf_high"] > 0)
        assert set(significant) == {region.sign}


def test_fieller_set_may_be_the_whole_line_or_two_rays():
    def with_errors(se_linear, se_square):
        return Estimate.from_arrays(
            names=["x", "I(x ** 2)"], params=np.array([1.0, -0.1]),
            cov=np.diag([se_linear**2, se_square**2]), dependent="y", method="OLS", nobs=50,
            df_resid=40.0,
        )  # fmt: skip

    sharp = margins(with_errors(0.1, 0.01), "x", at={"x": 0}).turning_point()
    assert sharp.estimate == pytest.approx(5)
    assert len(sharp.fieller) == 1
    rays = margins(with_errors(0.1, 0.1), "x", at={"x": 0}).turning_point()
    assert len(rays.fieller) == 2
    assert rays.fieller[0][0] == -np.inf
    assert rays.fieller[1][1] == np.inf
    line = margins(with_errors(2.0, 0.1), "x", at={"x": 0}).turning_point()
    assert line.fieller == ((-np.inf, np.inf),)
    assert "(-inf, inf)" in str(line)


def test_u_test_follows_its_definition():
    e = Estimate.from_arrays(
        names=["x", "I(x ** 2)"], params=np.array([-2.0, 0.5]), cov=np.diag([0.04, 0.0025]),
        dependent="y", method="OLS", nobs=100, df_resid=97.0,
    )  # fmt: skip
    m = margins(e, "x", at={"x": [0, 5]})
    u = m.u_test(0, 5)
    t = np.array([-2 / 0.2, 3 / np.sqrt(0.04 + 100 * 0.0025)])
    assert u.statistic == pytest.approx(t[1])
    from scipy.stats import t as student

    assert u.pvalue == pytest.approx(student.sf(t[1], 97))
    assert "U shape" in u.alternative
    outside = m.u_test(0, 1.5)  # the minimum is at 2
    assert outside.pvalue > 0.5
    assert "wrong way" in outside.note
    assert m.u_test(0, 5, shape="inverse U").pvalue > 0.999


def test_stata_utest_printout():
    """A printed run of Stata's utest: bounds, slopes, t ratios and Fieller's interval."""
    low, high = 1.076234, 8.922791
    slopes, t = np.array([3.092651, -3.118511]), np.array([87.91404, -88.62811])
    b2 = (slopes[1] - slopes[0]) / (2 * (high - low))
    b1 = slopes[0] - 2 * b2 * low
    # Two t ratios leave one free element of the covariance: the lower end of Fieller's interval.
    target = 4.9615547
    rows = np.array([[1, 4 * low, 4 * low**2], [1, 4 * high, 4 * high**2]])
    c = float(t_quantile(0.975, 1e6))
    point = np.array([1, 4 * target, 4 * target**2])
    left = np.vstack([rows, point])
    right = [(slopes[0] / t[0]) ** 2, (slopes[1] / t[1]) ** 2, ((b1 + 2 * b2 * target) / c) ** 2]
    v11, v12, v22 = np.linalg.solve(left, right)
    e = Estimate.from_arrays(
        names=["x", "I(x ** 2)"], params=np.array([b1, b2]),
        cov=np.array([[v11, v12], [v12, v22]]), dependent="y", method="OLS", nobs=10**6,
        df_resid=1e6,
    )  # fmt: skip
    m = margins(e, "x", at={"x": [low, high]})
    tp = m.turning_point()
    assert tp.estimate == pytest.approx(4.983179, abs=1e-6)
    # Seven printed digits of the lower end fix the variance to about four.
    assert_allclose(tp.fieller[0], [4.9615547, 5.0047879], atol=2e-6)
    assert m.u_test(low, high).statistic == pytest.approx(87.91404, rel=1e-6)


# ---------------------------------------------------------------------- critical values


def test_band_between_pointwise_and_scheffe():
    pointwise, scheffe = band_critical(0.0, 0.95, 30), band_critical(np.pi, 0.95, 30)
    assert pointwise == pytest.approx(float(t_quantile(0.975, 30)), rel=1e-9)
    from scipy.stats import f

    assert scheffe == pytest.approx(np.sqrt(2 * f.ppf(0.95, 2, 30)), rel=1e-9)
    assert pointwise < band_critical(1.0, 0.95, 30) < scheffe
    normal = band_critical(np.pi, 0.95, None)
    assert normal == pytest.approx(np.sqrt(-2 * np.log(0.05)), rel=1e-9)


@pytest.mark.parametrize("df", [12.0, None])
def test_exact_band_agrees_with_simulation(df):
    rng = np.random.default_rng(5)
    root = rng.normal(size=(2, 2))
    V = root @ root.T
    z = np.linspace(-1, 2, 400)
    G = np.column_stack([np.ones_like(z), z])
    ends = G[[0, -1]] @ V @ G[[0, -1]].T
    angle = np.arccos(ends[0, 1] / np.sqrt(ends[0, 0] * ends[1, 1]))
    exact = band_critical(angle, 0.95, df)
    drawn = band_critical_simulated(G, V, 0.95, df, 200_000, 1)
    # The standard error of a 95% quantile from 200,000 draws is about 0.004 (0.007 with 12 df).
    assert drawn == pytest.approx(exact, abs=0.025)


def test_adjusted_ranges_are_nested():
    e = estimate(["x", "x:z"], 8, scale=0.5)
    data = pd.DataFrame({"x": np.ones(40), "z": np.linspace(-2, 4, 40)})
    m = margins(e, "x", data=data)
    plain, band = m.johnson_neyman(), m.johnson_neyman(adjust="simultaneous")
    assert band.critical > plain.critical
    significant = lambda jn: sum(r.share for r in jn.regions if r.sign)  # noqa: E731
    assert significant(band) <= significant(plain)
    quadratic = margins(estimate(["x", "x:z", "x:I(z ** 2)"], 8), "x", data=data)
    first = quadratic.johnson_neyman(adjust="simultaneous", seed=1)
    assert first.critical == quadratic.johnson_neyman(adjust="simultaneous", seed=1).critical
    assert first.critical > plain.critical
    with pytest.raises(ResultError, match="adjust='bonferroni'"):
        m.johnson_neyman(adjust="bonferroni")


def test_fdr_without_any_rejection_is_bonferroni():
    t = np.array([0.1, 0.5, 1.0, -0.3])
    assert fdr_critical(t, 0.95, 20) == pytest.approx(float(t_quantile(1 - 0.05 / 8, 20)))
    strong = np.full(7, 9.0)
    assert fdr_critical(strong, 0.95, 20) == pytest.approx(float(t_quantile(0.975, 20)))


# ---------------------------------------------------------------------- roots


@settings(max_examples=80)
@given(a=floats(-1e6, 1e6), b=floats(-1e6, 1e6), c=floats(1e-6, 1e3))
def test_quadratic_roots_are_the_factors(a, b, c):
    assume(abs(a - b) >= 1e-4 * max(abs(a), abs(b), 1))  # a double root carries half the digits
    roots = quadratic_roots(c * a * b, -c * (a + b), c)
    assert_allclose(roots, sorted([a, b]), rtol=1e-6, atol=1e-6)


def test_roots_of_degenerate_polynomials():
    assert len(quadratic_roots(0, 0, 0)) == 0
    assert len(quadratic_roots(1, 0, 1)) == 0
    assert_allclose(quadratic_roots(0, 0, 2), [0])
    assert_allclose(quadratic_roots(-4, 2, 0), [2])
    assert len(polynomial_roots(np.array([3.0]))) == 0
    assert_allclose(polynomial_roots(np.array([-6, 11, -6, 1.0])), [1, 2, 3], rtol=1e-12)
    big = np.poly1d([1.0, 2000.0, 30000.0], r=True).coef[::-1]
    assert_allclose(polynomial_roots(big, 1e4), [1, 2000, 30000], rtol=1e-9)


# ---------------------------------------------------------------------- names of terms


def test_lags_are_variables_of_their_own():
    e = estimate(["Intercept", "remit", "L(remit)", "L(remit):fin", "L(remit, 2)", "L(fin)"])
    m = margins(e, "L(remit)", at={"fin": [0, 10]})
    assert_allclose(
        m.frame["effect"],
        [e.params["L(remit)"], e.params["L(remit)"] + 10 * e.params["L(remit):fin"]],
    )
    assert_allclose(margins(e, "L(remit, 1)", at={"fin": 0}).frame["effect"], e.params["L(remit)"])
    plain = margins(e, "remit")
    assert plain.frame["effect"].item() == e.params["remit"]
    assert plain.moderators == ()
    assert plain.average().estimate == e.params["remit"]
    with pytest.raises(ResultError, match="L\\(x\\)"):
        margins(estimate(["L(x)", "L(x):z"]), "x")


def test_lag_within_a_square_and_logarithm_of_a_lag():
    e = estimate(["L(x)", "I(L(x) ** 2)", "np.log(L(z)):L(x)"])
    m = margins(e, "L(x)", at={"L(x)": [2.0], "L(z)": [3.0]})
    assert m.frame["effect"].item() == pytest.approx(
        e.params.iloc[0] + 4 * e.params.iloc[1] + np.log(3) * e.params.iloc[2]
    )


def test_columns_with_odd_names():
    data = pd.DataFrame(
        {
            "50%_share": [1.0, 2, 3],
            "NY.GDP.PCAP.KD": [4.0, 5, 9],
            "a b": [1.0, 0, 1],
            "x": [1.0, 2, 3],
        }
    )
    e = estimate(["x", "x:50%_share", "x:NY.GDP.PCAP.KD", "x:I(a b ** 2)"])
    m = margins(e, "x", at={"50%_share": 2, "NY.GDP.PCAP.KD": 3, "`a b`": 2}, data=data)
    b = e.params.to_numpy()
    assert m.frame["effect"].item() == pytest.approx(b[0] + 2 * b[1] + 3 * b[2] + 4 * b[3])
    # Without data, dots are part of a name.
    bare = margins(estimate(["x", "x:NY.GDP.PCAP.KD"]), "x", at={"NY.GDP.PCAP.KD": 3})
    assert bare.moderators[0].name == "NY.GDP.PCAP.KD"


def test_levels_with_colons_and_brackets():
    e = estimate(["x", "x:C(region)[T.Africa: west (sub)]", "x:C(region)[T.Asia]"])
    m = margins(e, "x")
    assert list(m.frame["region"]) == ["(base)", "Africa: west (sub)", "Asia"]
    assert m.frame["effect"].iloc[1] == pytest.approx(e.params.iloc[0] + e.params.iloc[1])
    assert "region" in str(m)
    with pytest.raises(ResultError, match="no numeric moderator"):
        m.johnson_neyman()


def test_two_moderators_and_a_triple_product():
    e = estimate(["x", "x:z", "x:d[T.True]", "x:z:d[T.True]", "z", "d[T.True]"])
    data = pd.DataFrame({"x": np.arange(9.0), "z": np.arange(9.0), "d": [True, False, True] * 3})
    m = margins(e, "x", data=data)
    assert [mod.name for mod in m.moderators] == ["d", "z"]
    assert set(m.frame["d"]) == {"False", "True"}
    b = e.params.to_numpy()
    row = m.frame[(m.frame["d"] == "True") & (m.frame["z"] == 4)].iloc[0]
    assert row["effect"] == pytest.approx(b[0] + 4 * b[1] + b[2] + 4 * b[3])
    base, other = (m.johnson_neyman(moderator="z", at={"d": v}) for v in ("False", "True"))
    assert base.bounds != other.bounds
    average = m.average()
    share = 2 / 3
    expected = b[0] + 4 * b[1] + share * b[2] + b[3] * np.mean(data["z"] * data["d"])
    assert average.estimate == pytest.approx(expected)


def test_dummies_are_shown_at_both_values():
    e = estimate(["x", "x:d"])
    data = pd.DataFrame({"x": np.arange(10.0), "d": [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]})
    assert list(margins(e, "x", data=data).frame["d"]) == [0, 1]


@pytest.mark.parametrize(
    ("variable", "options", "message"),
    [
        ("y", {}, "no coefficient"),
        ("remti", {}, "Did you mean 'remit'"),
        ("remit", {"at": {"foo": 1}}, "does not depend on 'foo'"),
        ("remit", {}, "not known; give at="),
        ("remit", {"at": {"fin": []}}, "holds no value"),
        ("remit", {"at": {"fin": "high"}}, "must hold numbers"),
        ("remit", {"at": {"fin": np.inf}}, "finite"),
        ("remit", {"at": {"fin": 1}, "level": 95}, "write 0.95"),
        ("remit:fin", {}, "is a product"),
    ],
)
def test_bad_input_is_told_how_to_mend(variable, options, message):
    with pytest.raises(ResultError, match=message):
        margins(estimate(["remit", "fin", "remit:fin"]), variable, **options)


def test_a_variable_within_a_spline_is_refused():
    fit = estimate(["Intercept", "x", "bs(x, df=4)[1]", "bs(x, df=4)[2]", "bs(z, df=4)[1]"])
    with pytest.raises(ResultError, match=r"stands within bs\(x, df=4\)\[1\]"):
        fit.margins("x")


def test_undefined_effect_raises():
    e = estimate(["np.log(x)", "x:z"])
    with pytest.raises(ResultError, match="not defined at .*x = -1"):
        margins(e, "x", at={"x": [1, -1], "z": 0})
    with pytest.raises(ResultError, match="cannot be differentiated"):
        margins(estimate(["np.floor(x)"]), "x")
    with pytest.raises(ResultError, match="no turning point"):
        margins(estimate(["x", "x:z"]), "x", at={"z": 1}).turning_point()


# ---------------------------------------------------------------------- with a panel


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(11)
    n, t = 30, 12
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), t), "year": np.tile(np.arange(2000, 2000 + t), n),
            "remit": rng.gamma(2, 2, n * t), "fin": rng.normal(30, 10, n * t),
            "region": np.repeat(rng.choice(["Africa", "Asia", "LAC"], n), t),
        }
    )  # fmt: skip
    frame["growth"] = (
        1 + 0.6 * frame.remit - 0.02 * frame.remit**2 - 0.01 * frame.remit * frame.fin
        + rng.normal(size=n * t)
    )  # fmt: skip
    frame.loc[5:9, "fin"] = np.nan
    return md.Panel.from_frame(frame, entity="id", time="year")


def test_estimates_of_a_panel_know_their_sample(panel):
    with pytest.warns(md.errors.DroppedRowsWarning):
        est = md.PooledOLS(formula="growth ~ L(remit) + fin + L(remit):fin + L(remit):region").fit(
            panel
        )
    m = est.margins("L(remit)")
    assert {x.name for x in m.moderators} == {"fin", "region"}
    fin = panel["fin"].to_numpy()[est.sample.rows]
    assert sorted(set(m.frame["fin"])) == pytest.approx(np.percentile(fin, [10, 25, 50, 75, 90]))
    assert set(m.frame["region"]) == {"Africa", "Asia", "LAC"}
    jn = m.johnson_neyman(moderator="fin", at={"region": "Asia"})
    assert sum(r.share for r in jn.regions) == pytest.approx(1)
    assert "observed range" in str(jn)


def test_lagged_square_reads_the_lag_from_the_panel(panel):
    with pytest.warns(md.errors.DroppedRowsWarning):
        est = md.PooledOLS(formula="growth ~ L(remit) + I(L(remit) ** 2)").fit(panel)
    m = est.margins("L(remit)")
    lagged = panel.L("remit").to_numpy()[est.sample.rows]
    assert list(m.frame["L(remit)"]) == pytest.approx(np.percentile(lagged, [10, 25, 50, 75, 90]))
    assert m.range("L(remit)") == (lagged.min(), lagged.max())
    text = str(m)
    assert "Marginal effect of L(remit) on growth" in text
    assert "Johnson-Neyman" in text


def test_satterthwaite_degrees_change_along_the_moderator(panel):
    with pytest.warns(md.errors.DroppedRowsWarning):
        est = md.PooledOLS(
            formula="growth ~ remit + fin + remit:fin", cov=md.Clustered("entity", kind="CR2")
        ).fit(panel)
    m = est.margins("remit", at={"fin": [10, 30, 50]})
    for value, low in zip(m.frame["fin"], m.frame["conf_low"], strict=True):
        c = est.lincom(f"remit + {value}*remit:fin")
        assert low == pytest.approx(c.conf_int()[0], rel=1e-10)
    jn = m.johnson_neyman(0.9)
    assert np.isnan(jn.critical)
    for bound in jn.bounds:
        c = est.lincom(f"remit + {bound:.17g}*remit:fin")
        assert c.pvalue == pytest.approx(0.1, abs=1e-9)
    with pytest.raises(ResultError, match="one number of degrees of freedom"):
        m.johnson_neyman(adjust="simultaneous")


@pytest.mark.slow
def test_fieller_covers_and_the_u_test_keeps_its_size():
    """True minimum at the lower end of the sample: Fieller holds it in 95%, and the U test, at the
    boundary of its null (slope zero at that end, steep at the other), rejects in 5%."""
    rng, reps, n = np.random.default_rng(20240101), 800, 60
    x = np.linspace(0, 1, n)
    X = np.column_stack([np.ones(n), x, x**2])
    inverse = np.linalg.inv(X.T @ X)
    covered = rejected = simultaneous = 0
    data = pd.DataFrame({"x": x})
    for _ in range(reps):
        y = 2 * x**2 + 0.3 * rng.normal(size=n)
        b = inverse @ X.T @ y
        s2 = np.sum((y - X @ b) ** 2) / (n - 3)
        m = margins(
            Estimate.from_arrays(
                names=["Intercept", "x", "I(x ** 2)"], params=b, cov=s2 * inverse, dependent="y",
                method="OLS", nobs=n, df_resid=n - 3.0,
            ),
            "x", data=data,
        )  # fmt: skip
        covered += any(low <= 0 <= high for low, high in m.turning_point().fieller)
        rejected += m.u_test(0, 1).pvalue < 0.05
        critical = m.johnson_neyman(adjust="simultaneous").critical
        curve = m.curve()
        simultaneous += bool(
            (np.abs(curve["effect"] - 4 * x_grid(curve)) <= critical * curve["std_error"]).all()
        )
    bound = 3.29 * np.sqrt(0.05 * 0.95 / reps)
    assert abs(covered / reps - 0.95) < bound
    assert abs(rejected / reps - 0.05) < bound
    assert abs(simultaneous / reps - 0.95) < bound


def x_grid(curve):
    return curve["x"].to_numpy()
