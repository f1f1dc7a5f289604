"""Average marginal effects, elasticities and predictions, for linear fits and fits with a link."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import ResultError
from migdev.results.links import LINKS
from tests.data import benchmark
from tests.golden import load_golden

GOLDEN, OTHER = load_golden("average_margins"), load_golden("marginaleffects")
FORMULA = "member ~ exp * ed + I(exp ** 2) + np.log(wks) + C(sex)"
SHORT = "member ~ exp * ed + I(exp ** 2) + C(sex)"


@pytest.fixture(scope="module")
def frame():
    d = benchmark("wages_psid")
    d["member"] = (d["union"] == "yes").astype(int)
    d["person"], d["year"] = np.arange(len(d)) // 7, np.arange(len(d)) % 7 + 1976
    return d


@pytest.fixture(scope="module")
def fits(frame):
    panel = md.Panel.from_frame(frame, entity="person", time="year")
    return {
        "logit": md.Logit(FORMULA).fit(panel),
        "probit": md.Probit(FORMULA, information="expected").fit(panel),
        "cloglog": md.CLogLog(SHORT, information="expected").fit(panel),
        "poisson": md.as_result(
            smf.poisson("wks ~ exp * ed + I(exp ** 2) + C(sex)", frame).fit(disp=0, tol=1e-14)
        ),
    }


def numbers(result, name, labels=()):
    """Estimates, then errors, in the order of the labels of a column."""
    table = result.frame
    if len(labels):
        table = table.set_index(name).loc[list(labels)]
    return [*table["estimate"], *table["std_error"]]


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "poisson"])
def test_averages_match_r(fits, link):
    fit, want = fits[link], GOLDEN[link]
    few = link in ("cloglog", "poisson")
    # Differences of differences in R keep some six digits of what cancels.
    close = {"rtol": 1e-5, "atol": 1e-9}
    for v in ("exp", "ed") if few else ("exp", "ed", "wks"):
        assert_allclose(numbers(fit.average_margins(v), ""), want[f"dydx_{v}"], **close)
    contrast = fit.average_margins("sex")
    assert list(contrast.frame["contrast"]) == ["male - female"]
    assert_allclose(numbers(contrast, ""), want["contrast_sex"], **close)
    for kind in ("eyex", "eydx", "dyex"):
        found = fit.average_margins("exp", kind=kind)
        assert_allclose(numbers(found, ""), want[f"{kind}_exp"], **close)
    sexes, ages = ("female", "male"), (5.0, 20.0)
    for found, name, labels, key in (
        (fit.average_margins("exp", by="sex"), "sex", sexes, "dydx_exp_by_sex"),
        (fit.average_margins("exp", at="means"), "", (), "dydx_exp_at_means"),
        (fit.average_margins("ed", at={"exp": ages}), "exp", ages, "dydx_ed_at_exp_5_20"),
        (fit.average_predictions(), "", (), "prediction"),
        (fit.average_predictions(by="sex"), "sex", sexes, "prediction_by_sex"),
        (fit.average_predictions(at="means"), "", (), "prediction_at_means"),
        (fit.average_predictions(at={"exp": ages}), "exp", ages, "prediction_at_exp_5_20"),
    ):
        assert_allclose(numbers(found, name, labels), want[key], **close)


def test_averages_match_marginaleffects(fits):
    fit, want = fits["logit"], OTHER["logit"]
    order = ("ed", "wks", "exp")
    close = {"rtol": 1e-8, "atol": 1e-11}  # ten digits printed, differences of 1e-4
    for key, options in (
        ("dydx", {}), ("eyex", {"kind": "eyex"}), ("dydx_at_means", {"at": "means"}),
    ):  # fmt: skip
        found = fit.average_margins(*order, **options).frame["estimate"]
        assert_allclose(found, want[key], rtol=1e-7, atol=1e-9)
    assert_allclose(fit.average_margins("sex").frame["estimate"], want["contrast_sex"], **close)
    by = fit.average_margins("exp", by="sex").frame["estimate"]
    assert_allclose(by, want["dydx_work_by_sex"], rtol=1e-7)
    assert_allclose(
        fit.average_predictions(by="sex").frame["estimate"], want["prediction_by_sex"], **close
    )
    assert_allclose(
        fit.average_predictions(at="means").frame["estimate"], want["prediction_at_means"], **close
    )


def test_own_and_foreign_fits_agree(frame, fits):
    theirs = md.as_result(smf.logit(FORMULA, frame).fit(disp=0, tol=1e-14, maxiter=100))
    for options in ({}, {"kind": "eyex"}, {"by": "sex"}, {"at": "means"}, {"scale": "index"}):
        one = fits["logit"].average_margins("exp", "wks", "sex", **options)
        two = theirs.average_margins("exp", "wks", "sex", **options)
        assert_allclose(
            one.frame[["estimate", "std_error"]], two.frame[["estimate", "std_error"]], rtol=1e-7
        )


@pytest.mark.parametrize("family", ["logit", "probit", "poisson", "negativebinomial"])
def test_averages_match_get_margeff(frame, family):
    """statsmodels: every column alone, so for models without products and powers."""
    d = frame.assign(city=(frame.smsa == "yes").astype(float))
    outcome = {"poisson": "wks", "negativebinomial": "exp"}.get(family, "member")
    names = ("lwage", "ed", "city")
    res = getattr(smf, family)(f"{outcome} ~ {' + '.join(names)}", d).fit(disp=0, maxiter=200)
    ours = md.as_result(res)
    for method in ("dydx", "eyex", "eydx", "dyex"):
        want = res.get_margeff(method=method)
        found = ours.average_margins(*names, kind=method).frame
        assert_allclose(found["estimate"], want.margeff, rtol=1e-9)
        assert_allclose(found["std_error"], want.margeff_se, rtol=1e-5)  # numerical there
        assert_allclose(found["p_value"], want.pvalues, rtol=1e-3, atol=1e-12)
    if family in ("logit", "probit"):
        want = res.get_margeff(dummy=True)
        found = ours.average_margins("city", discrete=["city"]).frame
        assert found["contrast"].item() == "1 - 0"
        assert found["estimate"].item() == pytest.approx(want.margeff[-1], rel=1e-9)
        assert found["std_error"].item() == pytest.approx(want.margeff_se[-1], rel=1e-6)


def test_an_exposure_scales_the_mean(frame):
    """statsmodels leaves it out of get_margeff; the slope of the mean is beta times the mean."""
    res = smf.poisson("wks ~ ed", frame, exposure=40.0 + frame.exp).fit(disp=0)
    found = md.as_result(res).average_margins().frame["estimate"].item()
    assert found == pytest.approx(res.params["ed"] * frame.wks.mean(), rel=1e-6)


def test_glm_with_other_links(frame):
    for link in (sm.families.links.CLogLog(), sm.families.links.Probit()):
        res = smf.glm("member ~ exp + ed", frame, family=sm.families.Binomial(link)).fit()
        want = res.get_margeff()
        found = md.as_result(res).average_margins().frame
        assert_allclose(found["estimate"], want.margeff, rtol=1e-6)  # numerical there
        assert_allclose(found["std_error"], want.margeff_se, rtol=1e-4)


# ---------------------------------------------------------------------- linear fits


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(8)
    n, t = 25, 8
    d = pd.DataFrame({"id": np.repeat(np.arange(n), t), "year": np.tile(np.arange(t), n)})
    d["x"], d["z"] = rng.normal(size=(2, n * t)) + 3
    d["kind"], d["q"] = rng.choice(list("abc"), n * t), rng.random(n * t) > 0.4
    d["w"] = rng.random(n * t)
    d["y"] = 5 + d.x * d.z + rng.normal(size=n)[d.id] + rng.normal(size=n * t)
    return md.Panel.from_frame(d, entity="id", time="year")


def test_a_linear_fit_by_hand(panel):
    fit = md.PooledOLS("y ~ x * z + I(x ** 2) + C(kind):x + C(kind) + q", cov="HC1").fit(panel)
    d, b = panel.frame, fit.params
    kinds = {k: (d.kind == k).astype(float) for k in "bc"}
    g = pd.DataFrame(0.0, index=d.index, columns=fit.names)
    g["x"], g["I(x ** 2)"], g["x:z"] = 1.0, 2 * d.x, d.z
    for k in "bc":
        g[f"C(kind)[T.{k}]:x"] = kinds[k]
    m = g.mean()
    found = fit.average_margins("x").frame.iloc[0]
    assert found["estimate"] == pytest.approx(m @ b, rel=1e-12)
    assert found["std_error"] == pytest.approx(np.sqrt(m @ fit.cov @ m), rel=1e-10)
    assert found["estimate"] == pytest.approx(fit.margins("x").average().estimate, rel=1e-12)
    low, high = fit.conf_int().loc["q"]
    q = fit.average_margins("q").frame.iloc[0]
    assert (q["contrast"], q["conf_low"]) == ("1 - 0", pytest.approx(low))
    assert q["conf_high"] == pytest.approx(high)
    weighted = fit.average_margins("x", weights="w").frame["estimate"].item()
    assert weighted == pytest.approx(np.average(g @ b, weights=d.w), rel=1e-12)
    kind = fit.average_margins("kind").frame
    want = [b[f"C(kind)[T.{k}]"] + b[f"C(kind)[T.{k}]:x"] * d.x.mean() for k in "bc"]
    assert_allclose(kind["estimate"], want, rtol=1e-10)
    mean = fit.average_predictions().frame
    assert mean["estimate"].item() == pytest.approx(d.y.mean(), rel=1e-12)
    years = fit.average_margins("x", by="time").frame
    assert list(years["time"]) == list(range(8))
    assert_allclose(years["estimate"], (g @ b).groupby(d.year).mean(), rtol=1e-10)


def test_effects_enter_means_and_are_told(panel):
    fit = md.FixedEffects("y ~ x * z | id + year").fit(panel)
    d, fitted = panel.frame, fit.predict(panel).to_numpy()
    elasticity = fit.average_margins("x", kind="eyex")
    slope = fit.params["x"] + fit.params["x:z"] * d.z
    assert elasticity.frame["estimate"].item() == pytest.approx(np.mean(slope * d.x / fitted))
    assert elasticity.note == "Effects of entity and time are held at their estimates."
    assert fit.average_margins("x").note == ""
    assert "Average elasticities on y (Fixed effects)" in str(elasticity)
    own = md.MeanGroup("y ~ x").fit(panel)
    assert own.average_margins("x").frame["estimate"].item() == pytest.approx(own.params["x"])
    difference = md.FirstDifference("y ~ x * z").fit(panel)
    found = difference.average_margins("x").frame["estimate"].item()
    b = difference.params
    assert found == pytest.approx(b["x"] + b["x:z"] * d.z[d.year > 0].mean())
    with pytest.raises(ResultError, match="fitted to differences"):
        difference.average_predictions()


def test_a_lag_is_a_variable_of_its_own(panel):
    with pytest.warns(md.errors.DroppedRowsWarning):
        fit = md.PooledOLS("y ~ x + L(x) + I(L(x) ** 2)").fit(panel)
    frame = fit.average_margins().frame.set_index("term")
    assert list(frame.index) == ["x", "L(x)"]
    lag = panel.L("x").to_numpy()[fit.sample.rows]
    assert frame.loc["L(x)", "estimate"] == pytest.approx(
        fit.params["L(x)"] + 2 * fit.params["I(L(x) ** 2)"] * lag.mean()
    )


def test_poisson_with_absorbed_effects_by_brute_force(panel):
    """The delta method by complex steps through the whole sample, effects held."""
    pf = pytest.importorskip("pyfixest")
    rng = np.random.default_rng(4)
    d = panel.frame.assign(count=rng.poisson(np.exp(0.1 * panel.frame.x)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = pf.fepois("count ~ x * z | id", d, vcov="hetero")
    fit = md.as_result(res)
    found = fit.average_margins("x")
    assert "Effects of id are held" in found.note
    X = np.column_stack([d.x, d.z, d.x * d.z])
    rest = res._Y_hat_link - X @ res._beta_hat

    def average(b):
        return np.mean(np.exp(X @ b + rest) * (b[0] + b[2] * d.z.to_numpy()))

    b = np.asarray(res._beta_hat, dtype=float)
    J = np.array([np.imag(average(b + 1e-30j * e)) / 1e-30 for e in np.eye(3)])
    assert found.frame["estimate"].item() == pytest.approx(average(b), rel=1e-10)
    assert_allclose(found.jacobian[0], J, rtol=1e-10)
    assert_allclose(found.cov, J @ res._vcov @ J, rtol=1e-10)
    # every row's mean times its coefficient, where there is no product
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = pf.fepois("count ~ x | id", d)
    one = md.as_result(plain).average_margins().frame["estimate"].item()
    assert one == pytest.approx(plain._beta_hat[0] * plain._Y_hat_response.mean())


@pytest.mark.parametrize("name", LINKS)
def test_links_and_their_derivatives(name):
    link, x = LINKS[name], np.linspace(-2.5, 1.5, 41)
    assert_allclose(link.link(link.inverse(x)), x, atol=1e-12)
    h = 1e-5
    up, down = link.inverse(x + h), link.inverse(x - h)
    assert_allclose(link.slope(x), (up - down) / (2 * h), atol=1e-9)
    assert_allclose(link.bend(x), (link.slope(x + h) - link.slope(x - h)) / (2 * h), atol=1e-9)


def test_refusals_say_what_is_missing(panel, frame):
    fit = md.PooledOLS("y ~ x + C(kind)").fit(panel)
    median = md.as_result(smf.quantreg("wks ~ exp", frame).fit())
    arrays = md.as_result(sm.Logit(frame.member, sm.add_constant(frame[["exp"]])).fit(disp=0))
    assert arrays.average_margins().frame["term"].tolist() == ["exp"]
    spline = md.PooledOLS("y ~ x + bs(z, df=4)").fit(panel)
    sums = md.as_result(smf.ols("y ~ x + C(kind, Sum)", panel.frame).fit())
    for call, message in (
        (lambda: fit.average_margins("xx"), "no variable 'xx'"),
        (lambda: fit.average_margins("x", kind="dx"), "kind='dx' is unknown"),
        (lambda: fit.average_margins("x", at="median"), "at='median' is unknown"),
        (lambda: fit.average_margins("x", by="z2"), "names no column"),
        (lambda: fit.average_margins("x", weights="kind"), "names no column of weights"),
        (lambda: fit.average_predictions(at={"kind": "d"}), "no level 'd'"),
        (lambda: fit.average_predictions(at={"x": np.nan}), "must hold finite numbers"),
        (lambda: fit.average_margins("x", data=panel.frame), "keeps its sample"),
        (lambda: median.average_margins("exp"), "states no link"),
        (lambda: spline.average_margins("x"), r"values of 'bs\(z, df=4\)' .* not known"),
        (lambda: sums.average_margins("x"), "fit with treatment coding"),
    ):
        with pytest.raises(ResultError, match=message):
            call()
    assert median.average_margins("exp", scale="index").frame["estimate"].item() == pytest.approx(
        median.params["exp"]
    )
