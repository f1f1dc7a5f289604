"""2SLS against R: AER with sandwich and clubSandwich, plm; Stata's ivreg2; a published table."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from tests.data import benchmark
from tests.golden import load_golden
from tests.panels import gap_rule, lower

GOLDEN = load_golden("iv")
X = "lprbconv + lavgsen + ldensity"
Z = "ltaxpc + lmix + lwcon"
ENTRIES = [f"{s}.{m}" for s in ("full", "gaps") for m in (
    "one", "two", "weighted", "entity", "twoways", "entity_weighted",
)]  # fmt: skip
PLM = [f"{s}.plm.{e}.{m}" for s in ("full", "gaps") for e in ("individual", "twoways")
       for m in ("one", "two")]  # fmt: skip
EFFECTS = {"none": (), "entity": ("entity",), "twoways": ("entity", "time")}
# 15 digits printed; the R side loses some to normal equations with dummies.
RTOL = 1e-8

COVS = {
    "vcov": md.Unadjusted(),
    "sandwich.HC0": md.Robust("HC0"),
    "sandwich.HC1": md.Robust("HC1"),
    "sandwich.HC2": md.Robust("HC2", leverage="fitted"),
    "sandwich.HC3": md.Robust("HC3", leverage="fitted"),
    "sandwich.CL.county": md.Clustered("entity", convention="clubsandwich"),
    "sandwich.CL.county.HC0": md.Clustered("entity", kind="CR0"),
    "sandwich.CL.county.year": md.Clustered("entity", "time", convention="clubsandwich"),
    "sandwich.PL.lag2": md.DriscollKraay(bandwidth=2, convention="none"),
    "sandwich.PL.lag2.within": md.NeweyWest(bandwidth=2, gaps="value", convention="none"),
    "sandwich.PC": md.BeckKatz(),
    "clubSandwich.CR0": md.Clustered("entity", kind="CR0"),
    "clubSandwich.CR1": md.Clustered("entity", convention="clubsandwich"),
    "clubSandwich.CR1S": md.Clustered("entity", convention="sandwich"),
    "clubSandwich.CR2": md.Clustered("entity", kind="CR2"),
    "clubSandwich.CR3": md.Clustered("entity", kind="CR3"),
}

SKIP_WEIGHTED = {
    "sandwich.HC2", "sandwich.HC3",  # AER's hat values leave the weights out
    "sandwich.PC",  # residuals without, scores with weights
}  # fmt: skip
# clubSandwich inverts (I - H)_gg, which is singular where dummies lie within clusters.
SKIP_EFFECTS = {"clubSandwich.CR3"}


@pytest.fixture(scope="module")
def crime() -> dict[str, md.Panel]:
    frame = benchmark("crime_nc").sort_values(["county", "year"])
    subsets = {"full": frame, "gaps": frame[gap_rule(len(frame), 7)]}
    return {
        name: md.Panel.from_frame(
            f.assign(weight=1.0 + np.arange(len(f)) % 3), entity="county", time="year"
        )
        for name, f in subsets.items()
    }


def fitted(spec, panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", md.errors.WeakInstrumentsWarning)
        warnings.simplefilter("ignore", md.errors.FewClustersWarning)
        warnings.simplefilter("ignore", md.errors.CovarianceWarning)
        return spec.fit(panel)


def recov(fit, cov):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", md.errors.FewClustersWarning)
        warnings.simplefilter("ignore", md.errors.CovarianceWarning)
        return fit.with_cov(cov)


def spec_of(entry):
    formula = f"lcrmrte ~ {X} + [{entry['endog']} ~ {Z}]"
    weights = "weight" if entry["weighted"] else None
    return md.IV2SLS(formula=formula, effects=EFFECTS[entry["effects"]], weights=weights)


def same_cov(ours, names, triangle, rtol=RTOL):
    theirs = lower(triangle)
    scale = np.sqrt(np.outer(np.diagonal(theirs), np.diagonal(theirs)))
    mine = ours.loc[names, names].to_numpy()
    assert_allclose(mine / scale, theirs / scale, atol=10 * rtol)


@pytest.mark.parametrize("key", ENTRIES)
def test_ivreg_with_sandwich_and_clubsandwich(crime, key):
    entry = GOLDEN[key]
    fit = fitted(spec_of(entry), crime[key.split(".")[0]])
    assert fit.nobs == entry["nobs"]
    assert fit.df_resid == entry["df_residual"]
    names = entry["names"]
    assert_allclose(fit.params[names], entry["coef"], rtol=RTOL)
    assert fit.stats["sigma"] == pytest.approx(entry["sigma"], rel=RTOL)
    seen = 0
    for name, triangle in entry["cov"].items():
        skipped = SKIP_WEIGHTED if entry["weighted"] else set()
        skipped = skipped | (SKIP_EFFECTS if entry["effects"] != "none" else set())
        if name not in COVS or name in skipped:
            continue
        again = recov(fit, COVS[name])
        same_cov(again.cov, names, triangle)
        seen += 1
        kind = name.removeprefix("clubSandwich.")
        if kind in entry["df"] and kind != "CR1":
            df = pd.Series(again.df_inference, index=again.names)[names]
            assert_allclose(df, entry["df"][kind], rtol=1e-6)
    assert seen >= 9


@pytest.mark.parametrize("key", ENTRIES)
def test_diagnostics_of_aer(crime, key):
    entry = GOLDEN[key]
    fit = fitted(spec_of(entry), crime[key.split(".")[0]])
    one = len(fit.endogenous) == 1
    robust = recov(fit, md.Robust("HC1"))
    tests = entry["tests"]
    for name, (df1, df2, statistic, pvalue) in tests.items():
        kind, _, test = name.partition(".")
        chosen = robust.stats if kind == "HC1" else fit.stats
        if test.startswith("Weak instruments"):
            regressor = test.removeprefix("Weak instruments").strip(" ()")
            ours = chosen["first_stage_f" if one else f"first_stage_f[{regressor}]"]
        elif test == "Wu-Hausman":
            ours = chosen["control_function" if kind == "HC1" else "wu_hausman"]
        else:
            ours, df2 = chosen["sargan"], None
        assert ours.statistic == pytest.approx(statistic, rel=1e-7), name
        assert ours.df == (pytest.approx((df1, df2)) if df2 is not None else df1)
        assert ours.pvalue == pytest.approx(pvalue, rel=1e-5), name
    assert len(tests) >= 6


@pytest.mark.parametrize("key", ["full.one", "full.two", "gaps.one", "gaps.two", "gaps.entity"])
def test_joint_test_with_cr2(crime, key):
    entry = GOLDEN[key]
    if "HTZ" not in entry["df"]:
        pytest.skip("clubSandwich gives none")
    fit = recov(fitted(spec_of(entry), crime[key.split(".")[0]]), COVS["clubSandwich.CR2"])
    F, df1, df2, p = entry["df"]["HTZ"]
    test = fit.wald([n for n in fit.names if n != "Intercept"])
    assert test.statistic == pytest.approx(F, rel=1e-7)
    assert test.df == pytest.approx((df1, df2), rel=1e-6)
    assert test.pvalue == pytest.approx(p, rel=1e-5)


@pytest.mark.parametrize("key", PLM)
def test_plm_within(crime, key):
    entry = GOLDEN[key]
    fit = fitted(spec_of(entry), crime[key.split(".")[0]])
    names = entry["names"]
    assert_allclose(fit.params[names], entry["coef"], rtol=1e-7)
    assert (fit.nobs, fit.df_resid) == (entry["nobs"], entry["df_residual"])
    same_cov(fit.cov, names, entry["cov"]["vcov"])
    for kind, cov in {
        "plm.arellano.HC0": md.Clustered("entity", kind="CR0"),
        "plm.arellano.HC1": md.Clustered("entity", kind="HC1", convention="plm"),
        "plm.arellano.sss": md.Clustered("entity", convention="plm"),
        "plm.SCC.2": md.DriscollKraay(bandwidth=2, convention="plm", gaps="position"),
    }.items():
        if kind in entry["cov"]:
            same_cov(recov(fit, cov).cov, names, entry["cov"][kind])
