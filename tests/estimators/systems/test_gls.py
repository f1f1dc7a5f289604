"""Systems of equations against systemfit, linearmodels and published numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from linearmodels.system import SUR as PeerSUR
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    CovarianceError,
    DroppedRowsWarning,
    IdentificationError,
    ResultError,
    SpecificationError,
)
from migdev.testing import check_estimator
from tests.golden import load_golden
from tests.panels import lower

GOLDEN = load_golden("systems")
MARKET = {
    "demand": "consump ~ income + [price ~ farmPrice + trend]",
    "supply": "consump ~ farmPrice + trend + [price ~ income]",
}
ORDER = [0, 2, 1, 3, 5, 6, 4]  # systemfit's price comes second, ours, endogenous, last
VARIANTS = {"plain": {}, "undebiased": {"debiased": False}, "iterated": {}}


@pytest.fixture(scope="module")
def kmenta():
    frame = pd.DataFrame(GOLDEN["kmenta"]).assign(country="USA")
    return md.Panel.from_frame(frame, entity="country", time="trend").assign(
        trend_=lambda p: p["trend"].astype(float)
    )


@pytest.fixture(scope="module")
def pair(grunfeld):
    return grunfeld.where(
        grunfeld["firm"].isin([3, 8]).to_numpy(), "General Electric, Westinghouse"
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_three_stage_least_squares_matches_systemfit(kmenta, variant):
    golden = GOLDEN["threesls"][variant]
    equations = {k: f.replace("trend", "trend_") for k, f in MARKET.items()}
    fit = md.ThreeSLS(equations, iterate=variant == "iterated", **VARIANTS[variant]).fit(kmenta)
    tol = 1e-8 if variant == "iterated" else 1e-9  # where steps of the iteration end
    assert_allclose(fit.params, np.array(golden["params"])[ORDER], rtol=tol)
    assert_allclose(fit.cov, lower(golden["cov"])[np.ix_(ORDER, ORDER)], rtol=10 * tol)
    assert_allclose(fit.sigma, lower(golden["sigma"]), rtol=10 * tol)
    if variant == "iterated":  # otherwise systemfit takes the covariance of the last residuals
        assert fit.stats["r2_mcelroy"] == pytest.approx(golden["mcelroy"], rel=1e-8)
    assert fit.names[:3] == ["demand_Intercept", "demand_income", "demand_price"]
    if variant == "plain":
        # t with n - k of each equation, as systemfit without restrictions across equations.
        assert_allclose(fit.df_inference, [17] * 3 + [16] * 4)
    else:
        assert (fit.df_inference is None) == (variant == "undebiased")


@pytest.mark.parametrize("variant", VARIANTS)
def test_equations_of_entities_match_systemfit(pair, variant):
    golden = GOLDEN["firms"][variant]
    fit = md.SUR(
        "inv ~ value + capital", iterate=variant == "iterated", debiased=variant == "plain"
    ).fit(pair)
    assert_allclose(fit.params, golden["params"], rtol=1e-8)
    assert_allclose(fit.cov, lower(golden["cov"]), rtol=1e-7)
    assert_allclose(fit.sigma, lower(golden["sigma"]), rtol=1e-7)
    assert fit.names[1] == "3_value" and fit.nobs == 20 and fit.entities == 2


@pytest.mark.parametrize(
    ("debiased", "t"), [(True, [-0.95, 2.66, 5.56]), (False, [-1.03, 2.88, 6.04])]
)
def test_equations_of_entities_as_printed(pair, debiased, t):
    fit = md.SUR("inv ~ value + capital", debiased=debiased).fit(pair)
    # SAS's PROC SYSLIN (debiased) and TSP (not) on Zellner's example: four decimals, t with two.
    assert_allclose(fit.params, [-27.7193, 0.0383, 0.1390, -1.2520, 0.0576, 0.0640], atol=5.1e-5)
    assert_allclose(fit.tstats[:3], t, atol=0.0051)


def test_ten_firms_match_systemfit(grunfeld):
    golden = GOLDEN["firms"]["all"]
    fit = md.SUR(equations="inv ~ value + capital").fit(grunfeld)
    assert_allclose(fit.params, golden["params"], rtol=1e-8)
    s = fit.std_errors.to_numpy()
    assert_allclose(fit.cov / np.outer(s, s), lower(golden["cov"]) / np.outer(s, s), atol=1e-8)


def test_equations_on_rows_match_systemfit_and_linearmodels(grunfeld):
    golden = GOLDEN["panel"]["plain"]
    panel = grunfeld.assign(t=lambda p: p["year"].astype(float))
    spec = md.SUR({"a": "inv ~ value", "b": "capital ~ value + t"})
    fit = spec.fit(panel)
    assert_allclose(fit.params, golden["params"], rtol=1e-8)
    s = fit.std_errors.to_numpy()
    assert_allclose(fit.cov / np.outer(s, s), lower(golden["cov"]) / np.outer(s, s), atol=1e-8)
    frame = panel.frame.assign(Intercept=1.0)
    peer = PeerSUR(
        {
            "a": {"dependent": frame["inv"], "exog": frame[["Intercept", "value"]]},
            "b": {"dependent": frame["capital"], "exog": frame[["Intercept", "value", "t"]]},
        }
    )
    options = {"method": "gls", "debiased": False}
    loose = md.SUR(spec.equations, debiased=False).fit(panel)
    want = peer.fit(cov_type="unadjusted", **options)
    assert_allclose(loose.std_errors, want.std_errors, rtol=1e-8)
    white = loose.with_cov(md.Clustered("entity^time", kind="CR0"))
    want = peer.fit(cov_type="robust", **options)
    assert_allclose(white.std_errors, want.std_errors, rtol=1e-8)
    clustered = loose.with_cov(md.Clustered("entity", kind="CR0"))
    groups = frame["firm"].to_numpy()
    want = peer.fit(cov_type="clustered", clusters=groups, **options)
    assert_allclose(clustered.std_errors, want.std_errors, rtol=1e-8)
    with pytest.raises(CovarianceError, match="rows of a linear fit"):
        loose.with_cov(md.Robust("HC3"))


def test_breusch_pagan_by_hand(pair):
    test = md.SUR("inv ~ value + capital").fit(pair).stats["breusch_pagan"]
    resid = [
        md.PooledOLS("inv ~ value + capital").fit(pair.where(pair["firm"] == f, "one")).resids
        for f in (3, 8)
    ]
    assert test.statistic == pytest.approx(20 * np.corrcoef(*resid)[0, 1] ** 2, rel=1e-9)
    assert test.df == 1


def test_parts_of_a_system(pair):
    fit = md.SUR("inv ~ value + capital").fit(pair)
    part = fit.equations["8"]
    assert list(part.params.index) == ["Intercept", "value", "capital"]
    assert_allclose(part.params, fit.params[3:])
    assert_allclose(part.std_errors, fit.std_errors[3:])
    assert_allclose(part.pvalues, fit.pvalues[3:])
    assert_allclose(part.fitted + part.resids, pair["inv"][pair["firm"] == 8])
    assert_allclose(np.diagonal(fit.correlation), 1)
    other = fit.with_cov(md.Clustered("time"))
    assert_allclose(other.equation("8").cov, other.cov.iloc[3:, 3:])
    R = np.array([0, 1, 0, 0, -1, 0])
    gap, V = R @ fit.params.to_numpy(), R @ fit.cov.to_numpy() @ R
    assert fit.wald("3_value = 8_value").statistic == pytest.approx(gap**2 / V)
    with pytest.raises(ResultError, match="no equation '9'"):
        fit.equation("9")


def test_identical_regressors_give_least_squares(grunfeld):
    fit = md.SUR({"a": "inv ~ value", "b": "capital ~ value"}).fit(grunfeld)
    for name, formula in (("a", "inv ~ value"), ("b", "capital ~ value")):
        assert_allclose(
            fit.equation(name).params, md.PooledOLS(formula).fit(grunfeld).params, rtol=1e-9
        )


def test_the_common_sample_is_told(grunfeld):
    spec = md.SUR({"a": "inv ~ value", "b": "capital ~ L(value)"})
    with pytest.warns(DroppedRowsWarning, match="190 of 200 rows.*'a' 200, 'b' 190"):
        fit = spec.fit(grunfeld)
    assert fit.nobs == 190 and fit.dropped == {"incomplete in an equation": 10}
    late = grunfeld.where((grunfeld["firm"] != 2) | (grunfeld["year"] > 1940), "late")
    with pytest.warns(DroppedRowsWarning, match="14 of 20 periods are complete for all 10"):
        fit = md.SUR("inv ~ value").fit(late)
    assert fit.nobs == 14
    apart = grunfeld.where((grunfeld["firm"] == 1) == (grunfeld["year"] > 1944), "apart")
    with pytest.raises(IdentificationError, match="no period is complete for all 10"):
        md.SUR("inv ~ value").fit(apart)


def test_contract(grunfeld, pair):
    check_estimator(
        md.SUR({"a": "inv ~ value", "b": "capital ~ value + year_"}),
        grunfeld.assign(year_=lambda p: p["year"].astype(float)),
        covariances=[md.Clustered("entity"), md.DriscollKraay(bandwidth=1)],
    )
    spec = md.SUR("inv ~ value + capital", cov="driscoll-kraay")
    fit = check_estimator(spec, pair, covariances=[md.Clustered("time")])
    assert_allclose(fit.moments.influence().sum(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("equations", "error", "message"),
    [
        ({"a": "inv ~ value"}, SpecificationError, "two or more formulas"),
        (["inv ~ value", "inv ~ capital"], SpecificationError, "different dependent variables"),
        (3, SpecificationError, "equations=3"),
        ({"a": "inv ~ [value ~ capital]", "b": "capital ~ value"}, SpecificationError, "ThreeSLS"),
    ],
)
def test_equations_are_named_once(grunfeld, equations, error, message):
    with pytest.raises(error, match=message):
        md.SUR(equations).fit(grunfeld)


def test_instruments_must_identify(kmenta):
    weak = {**MARKET, "supply": "consump ~ farmPrice + [price ~ I(2*farmPrice)]"}
    with pytest.raises(IdentificationError, match="do not identify 'price'"):
        md.ThreeSLS(weak).fit(kmenta)


def test_collinear_columns_are_told(grunfeld):
    panel = grunfeld.assign(twice=2 * grunfeld["value"])
    with pytest.warns(CollinearityWarning, match="'twice'"):
        fit = md.SUR({"a": "inv ~ value + twice", "b": "capital ~ value"}).fit(panel)
    assert "a_twice" in fit.dropped_columns and fit.params.size == 4
