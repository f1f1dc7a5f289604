"""Results of statsmodels, linearmodels and pyfixest read as estimates."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from linearmodels.iv import IV2SLS, IVGMM
from linearmodels.panel import BetweenOLS, PanelOLS, PooledOLS, RandomEffects
from linearmodels.system import SUR
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import ResultError
from migdev.results.adapt import as_estimate, as_result, as_results
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n, t = 25, 8
    x, z = rng.normal(size=(2, n * t))
    d = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), t), "year": np.tile(np.arange(2000, 2000 + t), n),
            "x": x + 0.5 * z, "z": z, "z2": rng.normal(size=n * t), "w": 0.5 + rng.random(n * t),
        }
    )  # fmt: skip
    d["growth"] = 1 + d.x + np.repeat(rng.normal(size=n), t) + rng.normal(size=n * t)
    d["poor"] = (d.growth > 1).astype(int)
    d["count"] = rng.poisson(np.exp(0.3 * d.x))
    d["kind"] = rng.choice(["a", "b", "c"], n * t)
    return d


def same(res, ours, *, names=None, p=None, ci=None):
    """Coefficients, errors, p-values and intervals as the library gives them."""
    assert isinstance(ours, Estimate)
    bse = getattr(res, "bse", None)
    bse = getattr(res, "std_errors", bse) if bse is None else bse
    assert_allclose(ours.params.to_numpy(), np.asarray(res.params, dtype=float), rtol=1e-14)
    assert_allclose(ours.std_errors.to_numpy(), np.asarray(bse, dtype=float), rtol=1e-12)
    assert ours.names == list(names if names is not None else res.params.index)
    # Two routes to the same tail; their relative difference is that of the special functions.
    assert_allclose(
        ours.pvalues, np.asarray(res.pvalues if p is None else p), rtol=1e-9, atol=1e-15
    )
    expected = np.asarray(res.conf_int() if ci is None else ci)
    assert_allclose(ours.conf_int().to_numpy(), expected, rtol=1e-9)


# ---------------------------------------------------------------------- statsmodels


@pytest.mark.parametrize(
    ("options", "description", "df"),
    [
        ({}, "classical (homoskedastic)", 197.0),
        ({"cov_type": "HC1"}, "robust to heteroskedasticity (HC1)", None),
        ({"cov_type": "HC3", "use_t": True}, "robust to heteroskedasticity (HC3)", 197.0),
        ({"cov_type": "HAC", "cov_kwds": {"maxlags": 3}}, "HAC (3 lags)", None),
    ],
)
def test_statsmodels_linear(frame, options, description, df):
    res = smf.ols("growth ~ x + z", frame).fit(**options)
    ours = as_result(res)
    same(res, ours)
    assert ours.covariance.description == description
    assert ours.df_inference == df
    assert (ours.dependent, ours.method, ours.nobs) == ("growth", "OLS", 200)
    assert ours.df_resid == 197
    assert ours.stats["r2"] == res.rsquared
    assert ours.stats["r2_adjusted"] == res.rsquared_adj
    assert ours.spec.library == "statsmodels"
    assert ours.spec.formula == "growth ~ x + z"


def test_statsmodels_clusters_are_counted(frame):
    kwds = {"groups": frame["id"]}
    res = smf.ols("growth ~ x", frame).fit(cov_type="cluster", cov_kwds=kwds)
    ours = as_result(res)
    same(res, ours)
    assert dict(ours.covariance.clusters) == {"id": 25}
    assert ours.covariance.description == "clustered (25 clusters of id)"
    with_t = smf.ols("growth ~ x", frame).fit(cov_type="cluster", cov_kwds=kwds, use_t=True)
    same(with_t, as_result(with_t))
    assert as_result(with_t).df_inference == 24
    both = frame[["id", "year"]].to_numpy()
    two = smf.ols("growth ~ x", frame).fit(cov_type="cluster", cov_kwds={"groups": both})
    same(two, as_result(two))
    assert list(as_result(two).covariance.clusters.values()) == [25, 8]


def test_statsmodels_arrays_without_names(frame):
    X = sm.add_constant(frame[["x", "z"]].to_numpy())
    res = sm.OLS(frame["growth"].to_numpy(), X).fit()
    same(res, as_result(res), names=["const", "x1", "x2"])


def test_statsmodels_other_models(frame):
    weights = smf.wls("growth ~ x", frame, weights=frame["w"]).fit()
    same(weights, as_result(weights))
    for build, method in (
        (smf.logit("poor ~ x + z", frame), "Logit"), (smf.probit("poor ~ x", frame), "Probit"),
        (smf.poisson("count ~ x", frame), "Poisson"),
    ):  # fmt: skip
        res = build.fit(disp=0)
        ours = as_result(res)
        same(res, ours)
        assert ours.method == method
        assert ours.df_inference is None
        assert ours.stats["r2_pseudo"] == pytest.approx(res.prsquared)
    glm = smf.glm("count ~ x", frame, family=sm.families.Poisson()).fit()
    same(glm, as_result(glm))
    assert as_result(glm).method == "GLM, Poisson"
    quantile = smf.quantreg("growth ~ x", frame).fit(q=0.5)
    same(quantile, as_result(quantile))
    robust = smf.rlm("growth ~ x", frame).fit()
    same(robust, as_result(robust))


def test_statsmodels_several_outcomes(frame):
    res = sm.MNLogit(frame["kind"], sm.add_constant(frame[["x"]])).fit(disp=0)
    ours = as_result(res)
    assert ours.names == ["b: const", "b: x", "c: const", "c: x"]
    bse = pd.DataFrame(res.bse)
    assert_allclose(ours.std_errors.to_numpy(), bse.to_numpy().ravel(order="F"), rtol=1e-10)
    assert ours.dependent == "kind"


# ---------------------------------------------------------------------- linearmodels


@pytest.mark.parametrize("debiased", [True, False])
def test_linearmodels_panel(frame, debiased):
    panel = frame.set_index(["id", "year"])
    model = PanelOLS.from_formula("growth ~ x + z + EntityEffects + TimeEffects", panel)
    res = model.fit(cov_type="clustered", cluster_entity=True, debiased=debiased)
    ours = as_result(res)
    same(res, ours)
    assert ours.df_inference == (res.df_resid if debiased else None)
    assert ours.dependent == "growth"
    assert ours.method == "PanelOLS"
    assert ours.facts.absorbed == ("entity", "time")
    assert (ours.stats["entities"], ours.stats["periods"]) == (25, 8)
    # rsquared is that of the data after both effects, rsquared_within after entity effects only.
    assert ours.stats["r2_within"] == pytest.approx(res.rsquared)
    assert ours.stats["r2_within_entities"] == pytest.approx(res.rsquared_within)
    assert ours.stats["r2"] == pytest.approx(res.rsquared_inclusive)
    assert ours.covariance.description == "clustered (25 clusters)"
    assert ours.stats["f_effects"].pvalue == pytest.approx(res.f_pooled.pval)


@pytest.mark.parametrize("model", [PooledOLS, RandomEffects, BetweenOLS])
def test_linearmodels_other_panel_models(frame, model):
    res = model.from_formula("growth ~ 1 + x", frame.set_index(["id", "year"])).fit()
    ours = as_result(res)
    same(res, ours)
    assert ours.nobs == res.nobs
    assert ours.covariance.description == "classical (homoskedastic)"


def test_linearmodels_driscoll_kraay_keeps_its_name(frame):
    panel = frame.set_index(["id", "year"])
    res = PanelOLS.from_formula("growth ~ x", panel).fit(cov_type="kernel")
    same(res, as_result(res))
    assert as_result(res).covariance.description == "Driscoll-Kraay"


@pytest.mark.parametrize("debiased", [True, False])
def test_linearmodels_iv(frame, debiased):
    res = IV2SLS.from_formula("growth ~ 1 + [x ~ z + z2]", frame).fit(
        cov_type="clustered", clusters=frame["id"], debiased=debiased
    )
    ours = as_result(res)
    same(res, ours)
    assert ours.method == "IV-2SLS"
    assert dict(ours.covariance.clusters) == {"group 1": 25}
    assert ours.stats["sargan"].pvalue == pytest.approx(res.sargan.pval)
    gmm = IVGMM.from_formula("growth ~ 1 + [x ~ z + z2]", frame).fit()
    assert isinstance(as_result(gmm).stats["hansen"], TestStatistic)
    assert as_result(gmm).stats["hansen"].statistic == pytest.approx(gmm.j_stat.stat)


def test_linearmodels_systems(frame):
    res = SUR.from_formula({"first": "growth ~ 1 + x", "second": "z2 ~ 1 + x"}, frame).fit()
    joint = as_result(res)
    same(res, joint)
    assert joint.names[0] == "first_Intercept"
    columns = as_results(res)
    assert list(columns) == ["first", "second"]
    same(res.equations["second"], columns["second"])
    assert columns["second"].dependent == "z2"
    assert list(as_results({"SUR": res})) == ["SUR first", "SUR second"]


# ---------------------------------------------------------------------- pyfixest


def test_pyfixest(frame):
    pf = pytest.importorskip("pyfixest")
    for formula, vcov, description in (
        ("growth ~ x + z", "iid", "classical (homoskedastic)"),
        ("growth ~ x + z", "HC1", "robust to heteroskedasticity (HC1)"),
        (
            "growth ~ x + z",
            {"CRV1": "id + year"},
            "clustered by id and year (CRV1, 25 x 8 clusters)",
        ),
        ("growth ~ x + z | id + year", {"CRV1": "id"}, "clustered by id (CRV1, 25 clusters)"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            res = pf.feols(formula, frame, vcov=vcov)
        ours = as_result(res)
        assert_allclose(ours.params, res.coef(), rtol=1e-14)
        assert_allclose(ours.std_errors, res.se(), rtol=1e-12)
        # pyfixest takes 1 - cdf, which loses digits of small tails.
        assert_allclose(ours.pvalues, res.pvalue(), rtol=1e-6, atol=1e-14)
        assert_allclose(ours.conf_int().to_numpy(), res.confint().to_numpy(), rtol=1e-9)
        assert ours.covariance.description == description
        assert ours.nobs == 200
        assert ours.dependent == "growth"
    assert ours.facts.absorbed == ("id", "year")
    assert ours.df_resid == 200 - 2 - 25 - 8 + 1
    assert ours.df_inference == 24
    assert dict(ours.covariance.clusters) == {"id": 25}


def test_pyfixest_poisson_iv_and_multiple(frame):
    pf = pytest.importorskip("pyfixest")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        poisson = pf.fepois("count ~ x | id", frame, vcov={"CRV1": "id"})
        iv = pf.feols("growth ~ 1 | id | x ~ z", frame)
        multi = pf.feols("growth + z2 ~ x | sw(id, year)", frame)
    ours = as_result(poisson)
    assert ours.df_inference is None
    assert ours.method == "Poisson"
    assert_allclose(ours.pvalues, poisson.pvalue(), rtol=1e-6, atol=1e-14)
    assert as_result(iv).method == "IV"
    assert_allclose(as_result(iv).std_errors, iv.se(), rtol=1e-12)
    results = as_result(multi)
    assert [r.dependent for r in results] == ["growth", "z2", "growth", "z2"]
    assert list(as_results(multi)) == ["1", "2", "3", "4"]
    with pytest.raises(ResultError, match="holds 4 models"):
        as_estimate(multi)


# ---------------------------------------------------------------------- together


def test_all_libraries_in_one_table(frame):
    panel = frame.set_index(["id", "year"])
    ours = md.FixedEffects(formula="growth ~ x + z", cov=md.Clustered("entity")).fit(
        md.Panel.from_frame(frame, entity="id", time="year")
    )
    theirs = PanelOLS.from_formula("growth ~ x + z + EntityEffects", panel).fit(
        cov_type="clustered", cluster_entity=True
    )
    ols = smf.ols("growth ~ x + z", frame).fit()
    t = md.table({"migdev": ours, "linearmodels": theirs, "statsmodels": ols})
    shown = t.to_frame()
    assert shown.loc[("x", "estimate"), "migdev"] == shown.loc[("x", "estimate"), "linearmodels"]
    assert list(shown.loc[("Entity effects", "")]) == ["Yes", "Yes", ""]
    assert list(shown.loc[("Entities", "")]) == ["25", "25", ""]
    one, two, three = shown.loc[("R²", "")]
    assert one == two == f"{theirs.rsquared_inclusive:.3f}"
    assert three == f"{ols.rsquared:.3f}"
    within = shown.loc[("R² within", "")]
    assert list(within) == [f"{theirs.rsquared:.3f}"] * 2 + [""]
    assert list(shown.loc[("Observations", "")]) == ["200"] * 3


def test_what_is_no_result_is_told_apart(frame):
    with pytest.raises(ResultError, match="Call its fit\\(\\) first"):
        as_result(smf.ols("growth ~ x", frame))
    with pytest.raises(ResultError, match="Call its fit\\(\\) first"):
        as_result(IV2SLS.from_formula("growth ~ 1 + [x ~ z]", frame))
    with pytest.raises(ResultError, match=r"pandas\.DataFrame is not a result"):
        as_result(frame)
    with pytest.raises(ResultError, match="Two results are called '1'"):
        as_results({1: Plain(), "1": Plain()})


class Plain:
    """An object that fulfils the protocol and belongs to no library."""

    params = pd.Series([1.0, 2.0], index=["a", "b"])
    cov = pd.DataFrame(np.eye(2), index=["a", "b"], columns=["a", "b"])
    nobs, df_resid, dependent, method = 50, 48.0, "y", "Plain"
    stats = {"r2": 0.5}  # noqa: RUF012


def test_the_protocol_is_enough():
    plain = Plain()
    assert as_result(plain) is plain
    e = as_estimate(plain)
    assert e.df_inference == 48.0
    assert list(e.std_errors) == [1.0, 1.0]
    assert "Plain" in md.table(plain).to_text()


def test_an_answer_with_fits_is_read():
    class Answer:
        fits = {"one": Plain()}  # noqa: RUF012

    assert list(as_results(Answer())) == ["one"]


def test_reading_results_imports_no_library():
    code = (
        "import sys\n"
        "import migdev.results.adapt, migdev.report.table, migdev.results.marginal.margins\n"
        "bad = {'statsmodels', 'linearmodels', 'pyfixest', 'matplotlib', 'jinja2', 'docx'}\n"
        "print(sorted(bad & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
