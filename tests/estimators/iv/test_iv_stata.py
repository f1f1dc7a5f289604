"""Instrumental variables against Stata's ivreg2, and against a published table."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

import migdev as md
from tests.data import benchmark
from tests.golden import load_golden

GOLDEN = load_golden("iv_stata")
NAMES = ["w", "k", "ys", "Intercept"]
FORMULA = "n ~ 1 + [w + k + ys ~ D(w) + D(k) + D(ys) + D(D(w)) + D(D(k)) + D(D(ys))]"
# The logarithms of abdata are in single precision; see the head of iv_stata.toml.
RTOL = 2e-7


@pytest.fixture(scope="module")
def employment():
    frame = benchmark("empl_uk")
    single = np.float32
    for log, level in (("n", "emp"), ("w", "wage"), ("k", "capital"), ("ys", "output")):
        values = np.log(frame[level].astype(single).astype(float))
        frame[log] = values.astype(single).astype(float)
    frame["abwt"] = frame["year"] % 3 + 1.0
    return md.Panel.from_frame(frame, entity="firm", time="year")


def fitted(spec, panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", md.errors.WeakInstrumentsWarning)
        warnings.simplefilter("ignore", md.errors.DroppedRowsWarning)
        return spec.fit(panel)


@pytest.fixture(scope="module")
def clustered(employment):
    return fitted(md.IV2SLS(formula=FORMULA, cov=md.Clustered("entity")), employment)


def agrees(test, golden):
    *numbers, pvalue = golden
    assert test.statistic == pytest.approx(numbers[0], rel=RTOL)
    assert test.df == (numbers[1] if len(numbers) == 2 else tuple(numbers[1:]))
    assert test.pvalue == pytest.approx(pvalue, rel=1e-5)


def by_regressor(fit, name):
    values = [fit.stats[f"{name}[{d}]"] for d in ("w", "k", "ys")]
    return [getattr(v, "statistic", v) for v in values], [
        getattr(v, "pvalue", None) for v in values
    ]


@pytest.mark.parametrize("entry", ["iid", "robust", "cluster"])
def test_first_stages(clustered, entry):
    cov = {"iid": md.Unadjusted(), "robust": md.Robust("HC1"), "cluster": md.Clustered("entity")}
    fit, golden = clustered.with_cov(cov[entry]), GOLDEN[entry]
    for name, p in (("first_stage_f", "first_stage_p"), ("conditional_f", "conditional_p")):
        statistics, pvalues = by_regressor(fit, name)
        assert_allclose(statistics, golden[name], rtol=RTOL)
        assert_allclose(pvalues, golden[p], rtol=1e-5)
    if entry == "iid":
        for name in ("partial_r2", "shea_r2"):
            assert_allclose(by_regressor(fit, name)[0], golden[name], rtol=RTOL)
        assert_allclose(by_regressor(fit, "first_stage_f_classical")[0], golden["first_stage_f"])
        sigma = [fit.first_stage[d].stats["sigma"] for d in ("w", "k", "ys")]
        assert_allclose(sigma, golden["rmse"], rtol=RTOL)


def test_2sls_clustered(clustered):
    golden = GOLDEN["cluster"]
    assert_allclose(clustered.params[NAMES], golden["coef"], rtol=RTOL)
    assert_allclose(clustered.std_errors[NAMES], golden["std_error"], rtol=RTOL)
    stats = clustered.stats
    assert stats["r2"] == pytest.approx(golden["r2"], rel=RTOL)
    assert stats["sigma"] == pytest.approx(golden["rmse"], rel=RTOL)
    for name in ("hansen_j", "kleibergen_paap_lm", "anderson_rubin"):
        agrees(stats[name], golden[name])
    for name in ("cragg_donald", "kleibergen_paap"):
        assert stats[name].statistic == pytest.approx(golden[name], rel=RTOL)
    agrees(clustered.endogeneity("w"), golden["endogeneity_w"])
    agrees(clustered.difference_in_j("D(D(w))"), golden["orthogonality_d2w"])


def test_liml_clustered(employment):
    fit = fitted(md.LIML(formula=FORMULA, cov=md.Clustered("entity")), employment)
    golden = GOLDEN["liml"]
    # LIML is nearly unidentified here (F of 1.6) and enlarges what the rounding of the data leaves.
    assert_allclose(fit.params[NAMES], golden["coef"], rtol=1e-6)
    assert_allclose(fit.std_errors[NAMES], golden["std_error"], rtol=1e-6)
    assert fit.stats["kappa"] == pytest.approx(golden["kappa"], rel=1e-9)
    agrees(fit.stats["hansen_j"], golden["hansen_j"])
    agrees(fit.stats["overid_lr"], golden["overid_lr"])


@pytest.mark.parametrize("entry", ["gmm2s", "gmm2s_weighted", "gmm2s_center", "cue"])
def test_gmm_clustered(employment, entry):
    golden = GOLDEN[entry]
    small = "CR0" if entry == "gmm2s_weighted" else "CR1"
    spec = md.IVGMM(
        formula=FORMULA, weight="clustered", cov=md.Clustered("entity", kind=small),
        weights="abwt" if entry == "gmm2s_weighted" else None, center=entry == "gmm2s_center",
        steps="cue" if entry == "cue" else 2, cov_at="weights",
    )  # fmt: skip
    fit = fitted(spec, employment)
    assert_allclose(fit.params[NAMES], golden["coef"], rtol=5e-7)
    if "std_error" in golden:
        assert_allclose(fit.std_errors[NAMES], golden["std_error"], rtol=5e-7)
    agrees(fit.stats["hansen_j"], golden["hansen_j"])
    if entry == "gmm2s_weighted":
        again = fit.with_cov(md.Clustered("entity"))
        for name in ("partial_r2", "shea_r2", "first_stage_f", "conditional_f"):
            assert_allclose(by_regressor(again, name)[0], golden[name], rtol=RTOL)
        agrees(again.stats["kleibergen_paap_lm"], golden["kleibergen_paap_lm"])
        for name in ("cragg_donald", "kleibergen_paap"):
            assert again.stats[name].statistic == pytest.approx(golden[name], rel=RTOL)


# Baltagi (2006), Journal of Applied Econometrics 21, 543-547, table II, FE2SLS: coefficients and
# standard errors as printed, three decimals.
BALTAGI = {
    "lprbarr": (-0.576, 0.802), "lprbconv": (-0.423, 0.502), "lprbpris": (-0.250, 0.279),
    "lavgsen": (0.009, 0.049), "lpolpc": (0.658, 0.847), "ldensity": (0.139, 1.021),
    "lwcon": (-0.029, 0.054), "lwtuc": (0.039, 0.031), "lwtrd": (-0.018, 0.045),
    "lwfir": (-0.009, 0.037), "lwser": (0.019, 0.039), "lwmfg": (-0.243, 0.420),
    "lwfed": (-0.451, 0.527), "lwsta": (-0.019, 0.281), "lwloc": (0.263, 0.312),
    "lpctymle": (0.351, 1.011),
}  # fmt: skip


def test_crime_in_north_carolina():
    frame = benchmark("crime_nc")
    panel = md.Panel.from_frame(frame, entity="county", time="year")
    exogenous = " + ".join(n for n in BALTAGI if n not in ("lprbarr", "lpolpc"))
    formula = f"lcrmrte ~ {exogenous} + [lprbarr + lpolpc ~ ltaxpc + lmix]"
    fit = fitted(md.IV2SLS(formula=formula, effects=("entity", "time")), panel)
    for name, (coefficient, std_error) in BALTAGI.items():
        assert fit.params[name] == pytest.approx(coefficient, abs=6e-4)  # three decimals printed
        assert fit.std_errors[name] == pytest.approx(std_error, abs=6e-4)
