"""Results state facts; tables and diagnostics read them or refuse by them."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from linearmodels.panel import BetweenOLS, FirstDifferenceOLS, PanelOLS, PooledOLS, RandomEffects

import migdev as md
from migdev.diagnostics.fit.levels import levels
from migdev.errors import ResultError
from migdev.kernels.sandwich.moments import Moments
from migdev.panel.design import Design
from migdev.results.adapt import as_result
from migdev.results.estimate import Estimate, Sample
from migdev.results.facts import Facts


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    n, t = 30, 6
    d = pd.DataFrame(
        {"id": np.repeat(np.arange(n), t), "year": np.tile(np.arange(2000, 2000 + t), n)}
    )
    d["x"] = rng.normal(size=n * t) + np.repeat(rng.normal(size=n), t)
    d["z"] = d.x + rng.normal(size=n * t)
    d["y"] = d.x + np.repeat(rng.normal(size=n), t) + rng.normal(size=n * t)
    d["count"] = rng.poisson(np.exp(0.3 * d.x))
    d["w"] = 0.5 + rng.random(n * t)
    return d


@pytest.fixture(scope="module")
def panel(frame):
    return md.Panel.from_frame(frame, entity="id", time="year")


def poisson(panel, formula, stated, effects=()):
    """Poisson regression by Newton's method, as an outsider would write it."""
    d = Design.build(formula, panel)
    X = d.X
    if effects:
        X = np.column_stack([X[:, 1:], np.eye(d.entity.max() + 1)[d.entity]])
    b = np.zeros(X.shape[1])
    for _ in range(50):
        mu = np.exp(X @ b)
        b = b + np.linalg.solve(X.T @ (mu[:, None] * X), X.T @ (d.y - mu))
    mu = np.exp(X @ b)
    root = np.sqrt(mu)
    names = [n for n in d.names if n != "Intercept"] if effects else list(d.names)
    k = len(names)
    bread = np.linalg.inv(X.T @ (mu[:, None] * X))[:k, :k]
    moments = Moments(
        X=X[:, :k] * root[:, None], resid=(d.y - mu) / root, bread=bread, entity=d.entity,
        time=d.time, factors=(d.entity,) if effects else (), factor_names=tuple(effects),
        df_absorbed=d.entity.max() + 1 if effects else 0, columns=d.columns,
    )  # fmt: skip

    class Spec:
        pass

    spec = Spec()
    spec.formula, spec.effects, spec.weights = formula, tuple(effects), None
    return Estimate.from_arrays(
        names=names, params=b[:k], cov=bread, dependent=d.dependent, method="Poisson",
        nobs=d.nobs, df_resid=float(d.nobs - len(b)), moments=moments, spec=spec,
        sample=Sample(panel=panel, rows=d.rows, entity=d.entity, time=d.time),
        residual=d.y - mu, observed=d.y, stated=stated,
    )  # fmt: skip


TESTS = {
    "hausman": lambda fe, fit: md.diagnostics.hausman(fe, fit),
    "f_effects": lambda fe, fit: md.diagnostics.f_effects(fe),
    "breusch_pagan_lm": lambda fe, fit: md.diagnostics.breusch_pagan_lm(fit),
    "wooldridge_serial": lambda fe, fit: md.diagnostics.wooldridge_serial(fit),
    "breusch_godfrey": lambda fe, fit: md.diagnostics.breusch_godfrey(fit),
    "poolability": lambda fe, fit: md.diagnostics.poolability(fit),
    "Bhargava": lambda fe, fit: md.diagnostics.bhargava_durbin_watson(fit),
    "Baltagi-Wu": lambda fe, fit: md.diagnostics.baltagi_wu_lbi(fit),
}


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("stated", [Facts(link="log", linear=False, absorbed=()), Facts()])
def test_diagnostics_of_linear_fits_refuse_a_poisson_fit(panel, name, stated):
    effects = poisson(panel, "count ~ x + z", stated, ("entity",))
    plain = poisson(panel, "count ~ x + z", stated)
    why = "does not say if it is linear" if stated == Facts() else "is not linear in its coeff"
    with pytest.raises(ResultError, match=f"{name}.*Poisson.*{why}"):
        TESTS[name](effects, plain)


def test_what_a_test_needs_beyond_linearity(panel):
    fe = md.FixedEffects(formula="y ~ x").fit(panel)
    ols = md.PooledOLS(formula="y ~ x").fit(panel)
    be = md.Between(formula="y ~ x").fit(panel)
    re = md.RandomEffects(formula="y ~ x").fit(panel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        iv = md.IV2SLS(formula="y ~ [x ~ z]").fit(panel)
    mg = md.MeanGroup(formula="y ~ x").fit(panel)
    weighted = md.PooledOLS(formula="y ~ x", weights="w").fit(panel)
    d = md.diagnostics
    for call, message in (
        (lambda: d.hausman(fe, ols), "these are Fixed effects and Pooled OLS"),
        (lambda: d.hausman(iv, re), "by instrumental variables"),
        (lambda: d.hausman(re, fe), "these are Random effects and Fixed effects"),
        (lambda: d.f_effects(be), "not Between"),
        (lambda: d.breusch_godfrey(iv), "by least squares, but this fit .* instrumental"),
        (lambda: d.poolability(mg), r"kept its rows .* not Mean group\."),
        (lambda: d.baltagi_wu_lbi(re), "is fitted to quasi-demeaned data"),
        (lambda: d.wooldridge_serial(weighted), "without weights.* has weights"),
    ):
        with pytest.raises(ResultError, match=message):
            call()
    assert levels(mg, "a test").nobs == mg.nobs


def test_facts_of_our_own_fits(panel):
    fe = md.FixedEffects(formula="y ~ x", effects=("entity", "time")).fit(panel)
    assert (fe.facts.link, fe.facts.linear, fe.facts.principle) == (
        "identity", True, "least squares",
    )  # fmt: skip
    assert fe.facts.absorbed == ("entity", "time")
    assert (fe.facts.scores, fe.facts.nobs) == ("rows", 180)
    assert fe.with_cov(md.Clustered("entity")).facts == fe.facts
    fd = md.FirstDifference(formula="y ~ x").fit(panel)
    assert (fd.facts.form, fd.facts.removed, fd.facts.absorbed) == (
        "differences",
        ("entity",),
        None,
    )
    mg = md.MeanGroup(formula="y ~ x").fit(panel)
    assert mg.facts.absorbed is None
    weighted = md.PooledOLS(formula="y ~ 0 + x", weights="w").fit(panel)
    assert weighted.facts.weighted
    assert weighted.facts.labels["r2"] == "R², uncentred"


def test_a_row_of_r_squared_holds_one_kind_of_number(panel, frame):
    indexed = frame.set_index(["id", "year"])
    formula = "y ~ x"
    ours = {
        "OLS": md.PooledOLS(formula=formula).fit(panel),
        "FE": md.FixedEffects(formula=formula, effects=("entity", "time")).fit(panel),
        "FD": md.FirstDifference(formula=f"{formula} - 1").fit(panel),
        "BE": md.Between(formula=formula).fit(panel),
        "RE": md.RandomEffects(formula=formula).fit(panel),
    }
    both = f"{formula} + EntityEffects + TimeEffects"
    theirs = {
        "OLS": PooledOLS.from_formula("y ~ 1 + x", indexed).fit(),
        "FE": PanelOLS.from_formula(both, indexed).fit(),
        "FD": FirstDifferenceOLS.from_formula(formula, indexed).fit(),
        "BE": BetweenOLS.from_formula("y ~ 1 + x", indexed).fit(),
        "RE": RandomEffects.from_formula("y ~ 1 + x", indexed).fit(),
    }
    names = {
        "OLS": "R²", "FE": "R²", "FD": "R² of differences, uncentred", "BE": "R² of means",
        "RE": "R², quasi-demeaned",
    }  # fmt: skip
    for key, fit in ours.items():
        other = as_result(theirs[key])
        assert fit.facts.labels["r2"] == other.facts.labels["r2"] == names[key]
        assert fit.stats["r2"] == pytest.approx(other.stats["r2"], abs=1e-10)
    assert theirs["FE"].rsquared != pytest.approx(theirs["FE"].rsquared_inclusive, abs=0.1)
    shown = md.table(list(ours.values())).to_frame()
    rows = [row for row, _ in shown.index if row.startswith("R²")]
    assert rows == [
        "R² within", "R²", "R² of differences, uncentred", "R² of means", "R², quasi-demeaned",
    ]  # fmt: skip
    assert [bool(v) for v in shown.loc[("R²", "")]] == [True, True, False, False, False]
    one = md.table(list(ours.values()), fit={"r2": "R squared"}).to_frame()
    assert all(one.loc[("R squared", "")])  # a label of the caller's own covers all


def test_effects_rows_are_empty_where_an_estimator_knows_none(panel, frame):
    fits = [
        md.FixedEffects(formula="y ~ x").fit(panel),
        md.PooledOLS(formula="y ~ x").fit(panel),
        md.Between(formula="y ~ x").fit(panel),
        md.MeanGroup(formula="y ~ x").fit(panel),
        md.FirstDifference(formula="y ~ x").fit(panel),
        smf.quantreg("y ~ x", frame).fit(),
    ]
    shown = md.table(fits).to_frame()
    assert list(shown.loc[("Entity effects", "")]) == ["Yes", "No", "", "", "Yes", ""]


def test_links_of_foreign_fits(frame):
    pf = pytest.importorskip("pyfixest")
    d = frame.assign(positive=(frame.y > 0).astype(int))
    Binomial, links = sm.families.Binomial, sm.families.links
    for fit, link in (
        (smf.ols("y ~ x", d), "identity"),
        (smf.logit("positive ~ x", d), "logit"),
        (smf.probit("positive ~ x", d), "probit"),
        (smf.poisson("count ~ x", d), "log"),
        (smf.glm("positive ~ x", d, family=Binomial(links.CLogLog())), "cloglog"),
        (smf.glm("count ~ x", d, family=sm.families.Poisson()), "log"),
        (smf.glm("y ~ x", d, family=sm.families.Gaussian()), "identity"),
        (smf.quantreg("y ~ x", d), None),
    ):
        options = {"disp": 0} if type(fit).__name__ in ("Logit", "Probit", "Poisson") else {}
        facts = as_result(fit.fit(**options)).facts
        assert facts.link == link
        assert facts.absorbed is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = pf.fepois("count ~ x | id", d), pf.feglm("positive ~ x", d, family="logit")
    assert [as_result(f).facts.link for f in fits] == ["log", "logit"]
    assert as_result(fits[0]).facts.absorbed == ("id",)


def test_quantile_regression_says_which_covariance_it_has(frame):
    pf = pytest.importorskip("pyfixest")
    model = smf.quantreg("y ~ x", frame)
    robust, iid = as_result(model.fit(q=0.3)), as_result(model.fit(q=0.3, vcov="iid"))
    assert robust.covariance.description.startswith("robust to heteroskedasticity (density")
    assert iid.covariance.description.startswith("iid errors (density")
    assert robust.facts.labels["r2_pseudo"] == "Pseudo R² (Koenker-Machado)"
    for vcov, words in (("nid", "Hendricks-Koenker"), ("iid", "iid errors")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = pf.quantreg("y ~ x", frame, vcov=vcov)
        assert words in as_result(fit).covariance.description


def test_likelihoods_are_not_called_homoskedastic(frame):
    fit = smf.poisson("count ~ x", frame).fit(disp=0)
    assert as_result(fit).covariance.description == "model-based (inverse information)"
    gee = smf.gee("y ~ x", "id", frame).fit()
    assert as_result(gee).covariance.description == "clustered by group (GEE sandwich)"
