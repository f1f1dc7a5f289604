"""2SLS, LIML, Fuller and GMM against linearmodels: coefficients, covariances, tests."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from linearmodels.iv import IV2SLS as Their2SLS
from linearmodels.iv import IVGMM as TheirGMM
from linearmodels.iv import IVGMMCUE as TheirCUE
from linearmodels.iv import IVLIML as TheirLIML
from numpy.testing import assert_allclose

import migdev as md
from tests.iv_panels import as_panel, simulated

# Both solve the same problem in double precision; theirs goes through pseudo-inverses.
RTOL = 1e-9
ONE = "y ~ x1 + x2 + [d1 ~ z1 + z2 + z3]"
EXACT = "y ~ x1 + x2 + [d1 ~ z1]"
TWO = "y ~ x1 + x2 + [d1 + d2 ~ z1 + z2 + z3]"
FORMULAS = {"one": ONE, "exact": EXACT, "two": TWO}
COVS = {
    "classical": (md.Unadjusted(convention="none"), {"cov_type": "unadjusted"}),
    "classical, n - k": (md.Unadjusted(), {"cov_type": "unadjusted", "debiased": True}),
    "HC0": (md.Robust("HC0", convention="none"), {"cov_type": "robust"}),
    "HC1": (md.Robust("HC1"), {"cov_type": "robust", "debiased": True}),
    "CR0": (md.Clustered("region", kind="CR0", convention="none"), {"cov_type": "clustered"}),
    "CR1": (md.Clustered("region"), {"cov_type": "clustered", "debiased": True}),
}


@pytest.fixture(scope="module")
def frame():
    return simulated()


@pytest.fixture(scope="module")
def panel(frame):
    return as_panel(frame)


def theirs(formula: str) -> str:
    return formula.replace("y ~ ", "y ~ 1 + ")


def options(given: dict, frame: pd.DataFrame) -> dict:
    return {**given, "clusters": frame["region"]} if given["cov_type"] == "clustered" else given


def same_fit(ours, other, rtol=RTOL):
    params = other.params.rename({"const": "Intercept"})
    assert_allclose(ours.params[params.index], params, rtol=rtol, atol=1e-13)
    cov = ours.cov.loc[params.index, params.index].to_numpy()
    assert_allclose(cov, other.cov.to_numpy(), rtol=100 * rtol, atol=rtol * np.abs(cov).max())


def fitted(spec, panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", md.errors.WeakInstrumentsWarning)
        warnings.simplefilter("ignore", md.errors.FewClustersWarning)
        return spec.fit(panel)


@pytest.mark.parametrize("cov", COVS)
@pytest.mark.parametrize(("formula", "weights"), [("one", "w"), ("exact", None), ("two", "w")])
def test_2sls_and_its_covariances(frame, panel, formula, cov, weights):
    ours_cov, their_cov = COVS[cov]
    w = None if weights is None else frame[weights]
    ours = fitted(md.IV2SLS(formula=FORMULAS[formula], cov=ours_cov, weights=weights), panel)
    other = Their2SLS.from_formula(theirs(FORMULAS[formula]), frame, weights=w)
    same_fit(ours, other.fit(**options(their_cov, frame)))


@pytest.mark.parametrize("cov", ["classical", "HC1", "CR1"])
@pytest.mark.parametrize("fuller", [None, 1.0])
@pytest.mark.parametrize("formula", FORMULAS)
def test_liml_and_fuller(frame, panel, formula, fuller, cov):
    ours_cov, their_cov = COVS[cov]
    ours = fitted(md.LIML(formula=FORMULAS[formula], fuller=fuller, cov=ours_cov), panel)
    other = TheirLIML.from_formula(theirs(FORMULAS[formula]), frame, fuller=fuller or 0)
    other = other.fit(**options(their_cov, frame))
    same_fit(ours, other)
    assert ours.stats["kappa"] == pytest.approx(other.kappa, rel=1e-12)


@pytest.mark.parametrize("kappa", [0.0, 0.5, 1.0, 1.05])
def test_k_class(frame, panel, kappa):
    ours = fitted(md.LIML(formula=TWO, kappa=kappa, cov=md.Unadjusted()), panel)
    other = TheirLIML.from_formula(theirs(TWO), frame, kappa=kappa)
    same_fit(ours, other.fit(cov_type="unadjusted", debiased=True))


def test_newey_west_for_one_series():
    frame = simulated(seed=3, entities=1, periods=150)
    for bandwidth in (0, 3, 7):
        cov = md.NeweyWest(bandwidth=bandwidth, convention="none")
        ours = fitted(md.IV2SLS(formula=ONE, cov=cov), as_panel(frame))
        other = Their2SLS.from_formula(theirs(ONE), frame)
        same_fit(ours, other.fit(cov_type="kernel", kernel="bartlett", bandwidth=bandwidth))


WEIGHTS = {
    "robust": ("robust", {"weight_type": "robust"}, "HC0"),
    "unadjusted": ("unadjusted", {"weight_type": "unadjusted"}, "classical"),
    "clustered": (md.Clustered("region"), {"weight_type": "clustered"}, "CR0"),
}


@pytest.mark.parametrize("steps", [1, 2, "iterated"])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("center", [False, True])
def test_gmm(frame, panel, weight, steps, weights, center):
    ours_weight, their_weight, cov = WEIGHTS[weight]
    ours_cov, their_cov = COVS[cov]
    if weight == "clustered":
        their_weight = {**their_weight, "clusters": frame["region"]}
    spec = md.IVGMM(
        formula=TWO, weight=ours_weight, steps=steps, weights=weights, center=center, cov=ours_cov
    )
    ours = fitted(spec, panel)
    w = None if weights is None else frame[weights]
    model = TheirGMM.from_formula(theirs(TWO), frame, weights=w, center=center, **their_weight)
    limit = {1: 1, 2: 2, "iterated": 1000}[steps]
    other = model.fit(iter_limit=limit, tol=1e-26, **options(their_cov, frame))
    if weight == "unadjusted" and weights:
        # Theirs takes the error variance about the mean of root-weighted residuals, which is not
        # zero; u'u/n here, as Stata. The coefficients do not depend on it.
        assert_allclose(ours.params, other.params, rtol=RTOL)
        return
    same_fit(ours, other, 1e-8 if steps == "iterated" else RTOL)
    if steps != 1:  # their one-step J has weights that are not efficient
        assert ours.stats["hansen_j"].statistic == pytest.approx(other.j_stat.stat, rel=1e-8)
        assert ours.stats["hansen_j"].pvalue == pytest.approx(other.j_stat.pval, rel=1e-7)
    if steps == 2 and not center:
        for names in (None, ["d1"]):
            c = ours.endogeneity(names)
            assert c.statistic == pytest.approx(other.c_stat(names).stat, rel=1e-7)
            assert c.df == other.c_stat(names).df


@pytest.mark.parametrize("formula", ["one", "two"])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_continuously_updated(frame, panel, weight, formula):
    ours_weight, their_weight, cov = WEIGHTS[weight]
    if weight == "clustered":
        their_weight = {**their_weight, "clusters": frame["id"]}
        ours_weight = md.Clustered("entity")
    spec = md.IVGMM(formula=FORMULAS[formula], weight=ours_weight, steps="cue", cov=COVS[cov][0])
    ours = fitted(spec, panel)
    model = TheirCUE.from_formula(theirs(FORMULAS[formula]), frame, center=False, **their_weight)
    other = model.fit(opt_options={"options": {"gtol": 1e-9}}, **options(COVS[cov][1], frame))
    # Their optimiser differentiates numerically and stops near 1e-6 of a standard error.
    gap = (ours.params - other.params).abs() / ours.std_errors
    assert gap.max() < 1e-4
    assert ours.stats["hansen_j"].statistic <= other.j_stat.stat * (1 + 1e-10)
    assert ours.stats["hansen_j"].statistic == pytest.approx(other.j_stat.stat, rel=1e-6)


def test_kernel_weights_for_one_series():
    frame = simulated(seed=4, entities=1, periods=200)
    cov = md.NeweyWest(bandwidth=4, convention="none")
    ours = fitted(md.IVGMM(formula=TWO, weight="kernel", cov=cov), as_panel(frame))
    model = TheirGMM.from_formula(theirs(TWO), frame, weight_type="kernel", bandwidth=4)
    same_fit(ours, model.fit(cov_type="kernel", bandwidth=4))


TESTS = {
    "sargan": "sargan", "basmann": "basmann", "wooldridge_overid": "wooldridge_overid",
    "basmann_f": "basmann_f", "overid_lr": "anderson_rubin",
    "wooldridge_score": "wooldridge_score",
}  # fmt: skip


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("estimator", ["2sls", "liml"])
def test_specification_tests(frame, panel, formula, estimator, weights):
    ours_class, their_class = {
        "2sls": (md.IV2SLS, Their2SLS), "liml": (md.LIML, TheirLIML),
    }[estimator]  # fmt: skip
    w = None if weights is None else frame[weights]
    ours = fitted(ours_class(formula=FORMULAS[formula], weights=weights), panel)
    other = their_class.from_formula(theirs(FORMULAS[formula]), frame, weights=w)
    other = other.fit(cov_type="unadjusted", debiased=True)
    overid = {"sargan", "basmann", "wooldridge_overid", "basmann_f", "overid_lr"}
    for name, attribute in TESTS.items():
        if formula == "exact" and name in overid:
            assert name not in ours.stats
            continue
        their = getattr(other, attribute)
        assert ours.stats[name].statistic == pytest.approx(their.stat, rel=1e-8), name
        assert ours.stats[name].pvalue == pytest.approx(their.pval, rel=1e-7), name
    for names in (None, ["d1"]):
        for ours_test, their_test in (
            (ours.durbin(names), other.durbin(names)),
            (ours.wu_hausman(names), other.wu_hausman(names)),
        ):
            assert ours_test.statistic == pytest.approx(their_test.stat, rel=1e-7)
            assert ours_test.pvalue == pytest.approx(their_test.pval, rel=1e-6)
    assert ours.stats["wu_hausman"].statistic == ours.wu_hausman().statistic
    regression = other.wooldridge_regression
    statistic = ours.stats["control_function"].statistic * regression.df
    assert statistic == pytest.approx(regression.stat, rel=1e-8)


@pytest.mark.parametrize("cov", COVS)
@pytest.mark.parametrize(("formula", "weights"), [("one", None), ("exact", None), ("two", "w")])
def test_first_stage_and_rank(frame, panel, formula, cov, weights):
    ours_cov, their_cov = COVS[cov]
    w = None if weights is None else frame[weights]
    ours = fitted(md.IV2SLS(formula=FORMULAS[formula], cov=ours_cov, weights=weights), panel)
    other = Their2SLS.from_formula(theirs(FORMULAS[formula]), frame, weights=w)
    other = other.fit(**options(their_cov, frame))
    stage = other.first_stage
    table, q = stage.diagnostics, len(ours.instruments)

    def key(name, regressor):
        return name if len(ours.endogenous) == 1 else f"{name}[{regressor}]"

    for name in ours.endogenous:
        assert ours.stats[key("partial_r2", name)] == pytest.approx(
            table.loc[name, "partial.rsquared"], rel=1e-8
        )
        if len(ours.endogenous) > 1:
            assert ours.stats[key("shea_r2", name)] == pytest.approx(
                table.loc[name, "shea.rsquared"], rel=1e-8
            )
        f = ours.stats[key("first_stage_f", name)]
        theirs_f = table.loc[name, "f.stat"] / (1 if cov.startswith("classical") else q)
        if cov == "classical":  # their F divides the Wald statistic, ours is chi-square
            theirs_f *= q
        mine = (
            f.statistic if f.distribution == "F" else f.statistic / (1 if cov == "classical" else q)
        )
        assert mine == pytest.approx(theirs_f, rel=1e-8)
        same_fit(ours.first_stage[name], stage.individual[name])
    assert ours.stats["cragg_donald"].statistic == pytest.approx(stage.cragg_donald_f, rel=1e-8)
    if cov in ("classical, n - k", "HC1", "CR1"):
        assert ours.stats["kleibergen_paap"].statistic == pytest.approx(
            stage.kleibergen_paap_f, rel=1e-8
        )
    lm = stage.kleibergen_paap
    assert ours.stats["kleibergen_paap_lm"].statistic == pytest.approx(lm.stat, rel=1e-8)
    assert ours.stats["kleibergen_paap_lm"].df == lm.df


def test_r2_may_be_negative_and_residuals_are_of_the_equation(frame, panel):
    ours = fitted(md.IV2SLS(formula=TWO), panel)
    other = Their2SLS.from_formula(theirs(TWO), frame).fit(cov_type="unadjusted", debiased=True)
    assert ours.stats["r2"] == pytest.approx(other.rsquared, rel=1e-10)
    assert ours.stats["sigma"] ** 2 == pytest.approx(other.s2, rel=1e-10)
    assert_allclose(ours.resids.to_numpy(), other.resids.to_numpy(), atol=1e-11)
    assert_allclose(
        ours.fitted.to_numpy(), frame["y"].to_numpy() - other.resids.to_numpy(), atol=1e-11
    )
