"""Binary and fractional outcomes against R and statsmodels; what cannot be estimated is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    FormulaError,
    IdentificationError,
    SpecificationError,
)
from migdev.kernels.limited.separation import separating_direction
from migdev.testing import check_estimator
from tests.data import benchmark
from tests.golden import load_golden
from tests.panels import lower

GOLDEN = load_golden("binary")
CLASSES = {"logit": md.Logit, "probit": md.Probit, "cloglog": md.CLogLog}
FORMULA = "ind ~ ed + exp + wks"


def world(seed=1, N=80, T=4, slope=0.7):
    rng = np.random.default_rng(seed)
    n = N * T
    frame = pd.DataFrame({"i": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)})
    frame["x"], frame["z"] = rng.standard_normal((2, n))
    frame["u"] = rng.logistic(size=n)
    frame["y"] = (slope * frame["x"] - 0.3 + frame["u"] > 0).astype(float)
    return md.Panel.from_frame(frame, entity="i", time="t")


def expected(link, **options):
    """R builds covariances on the expected information."""
    if link != "logit":
        options["information"] = "expected"
    return CLASSES[link](formula=FORMULA, **options)


@pytest.mark.parametrize("link", CLASSES)
def test_fit_matches_r(wages, link):
    golden = GOLDEN[link]
    fit = expected(link).fit(wages)
    assert_allclose(fit.params, golden["params"], rtol=1e-9)
    assert_allclose(fit.cov, lower(golden["cov"]), rtol=1e-8)
    for name in ("log_likelihood", "aic", "bic"):
        assert fit.stats[name] == pytest.approx(golden[name], rel=1e-11)
    assert fit.stats["lr"].statistic == pytest.approx(golden["lr"], rel=1e-9)
    assert fit.stats["lr"].df == 3 and fit.df_inference is None
    null = golden["log_likelihood"] - golden["lr"] / 2
    assert fit.stats["r2_pseudo"] == pytest.approx(1 - golden["log_likelihood"] / null, rel=1e-9)


@pytest.mark.parametrize("link", CLASSES)
def test_covariances_match_r(wages, link):
    golden, fit = GOLDEN[link], expected(link).fit(wages)
    n = fit.nobs
    robust = fit.with_cov(md.Robust())
    assert_allclose(robust.cov, lower(golden["robust"]) * n / (n - 1), rtol=1e-8)
    clustered = fit.with_cov(md.Clustered("entity"))
    assert_allclose(clustered.cov, lower(golden["cluster"]), rtol=1e-8)
    assert clustered.df_inference is None  # Stata's z after maximum likelihood
    weighted = expected(link, weights="ed", cov=md.Clustered("entity", kind="CR0")).fit(wages)
    assert_allclose(weighted.params, golden["weighted_params"], rtol=1e-9)
    assert_allclose(weighted.cov, lower(golden["weighted"]), rtol=1e-8)


def test_cr2_matches_clubsandwich(wages):
    fit = md.Logit(formula=FORMULA, cov=md.Clustered("entity", kind="CR2")).fit(wages)
    assert_allclose(fit.cov, lower(GOLDEN["logit"]["cr2"]), rtol=1e-7)
    assert_allclose(fit.df_inference, GOLDEN["logit"]["cr2_df"], rtol=1e-5)


def test_fractional_matches_r():
    panel = md.Panel.from_frame(benchmark("crime_nc"), entity="county", time="year")
    formula = "prbpris ~ density + avgsen + taxpc"
    with pytest.raises(FormulaError, match="fractional=True"):
        md.Logit(formula=formula).fit(panel)
    fit = md.Logit(formula=formula, fractional=True).fit(panel)
    golden = GOLDEN["fractional"]
    assert_allclose(fit.params, golden["params"], rtol=1e-9)
    assert_allclose(fit.cov, lower(golden["cov"]), rtol=1e-8)
    assert_allclose(fit.with_cov(md.Robust("HC0")).cov, lower(golden["robust"]), rtol=1e-8)
    assert fit.df_inference == fit.df_resid and fit.method == "Fractional logit"


@pytest.mark.parametrize(("link", "peer"), [("logit", sm.Logit), ("probit", sm.Probit)])
def test_observed_information_matches_statsmodels(wages, link, peer):
    fit = CLASSES[link](formula=FORMULA).fit(wages)
    frame = wages.frame
    want = peer(frame["ind"], sm.add_constant(frame[["ed", "exp", "wks"]]))
    groups = {"groups": frame["id"], "use_correction": False}
    clustered = want.fit(disp=0, tol=1e-12, cov_type="cluster", cov_kwds=groups)
    want = want.fit(disp=0, tol=1e-12)
    assert_allclose(fit.params, want.params, rtol=1e-9)
    assert_allclose(fit.cov, want.cov_params(), rtol=1e-8)
    assert_allclose(fit.pvalues, want.pvalues, rtol=1e-6)
    assert_allclose(fit.fitted, want.predict(), rtol=1e-9)
    assert fit.stats["r2_pseudo"] == pytest.approx(want.prsquared, abs=1e-10)
    G = fit.entities
    ours = fit.with_cov(md.Clustered("entity")).cov * (G - 1) / G
    assert_allclose(ours, clustered.cov_params(), rtol=1e-7)


@pytest.mark.parametrize("cls", CLASSES.values())
def test_contract(cls):
    fit = check_estimator(
        cls(formula="y ~ x + z"), world(),
        covariances=[md.Robust("HC3"), md.Clustered("entity", "time", kind="CR0"),
                     md.DriscollKraay(bandwidth=1), md.Clustered("entity", kind="CR2")],
    )  # fmt: skip
    assert_allclose(fit.moments.scores.sum(axis=0), 0, atol=1e-10)
    assert fit.facts.link in CLASSES and fit.facts.linear is False


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-6, 1e6), level=st.floats(-100, 100))
def test_units_of_a_regressor(seed, scale, level):
    panel = world(seed % 1000)
    moved = panel.assign(x=scale * panel["x"] + level * scale)
    a, b = (md.Logit(formula="y ~ x + z").fit(p) for p in (panel, moved))
    assert_allclose(b.params["x"] * scale, a.params["x"], rtol=1e-7)
    assert_allclose(b.std_errors["x"] * scale, a.std_errors["x"], rtol=1e-7)
    assert_allclose(b.stats["log_likelihood"], a.stats["log_likelihood"], rtol=1e-12)


def test_separation_is_refused_by_name():
    panel = world().assign(d=lambda p: (p["u"] > 3).astype(float))
    with pytest.raises(IdentificationError, match=r"'d' predicts the outcome of \d+ of 320 rows"):
        md.Logit(formula="y ~ x + d").fit(panel)
    whole = world().assign(a=lambda p: 0.7 * p["x"] + p["u"])
    with pytest.raises(IdentificationError, match=r"'a'.* predict.* 3\d\d of 320 rows perfectly"):
        md.Probit(formula="y ~ a + z").fit(whole)
    # Probabilities near the edge are no separation.
    steep = md.Logit(formula="y ~ x").fit(world(slope=12.0))
    assert steep.params["x"] > 8


def test_separation_agrees_with_its_definition():
    rng, free_of_it, tried = np.random.default_rng(7), 0, 0
    for _ in range(50):
        y = rng.integers(0, 2, 12).astype(float)
        X = np.column_stack([np.ones(12), rng.integers(0, 2, (12, 2))])
        direction, rows = separating_direction(y, X)
        # A binary regressor with an empty cell against the outcome separates, and so does a pair.
        cells = pd.DataFrame({"a": X[:, 1], "b": X[:, 2], "y": y}).groupby(["a", "b"])["y"].mean()
        both = cells[(cells > 0) & (cells < 1)].index.tolist()
        overlap = np.array([[1.0, a, b] for a, b in both])
        pure = [(1.0, a, b) for (a, b), m in cells.items() if m in (0, 1)]
        free = np.linalg.svd(overlap)[2][np.linalg.matrix_rank(overlap) :] if both else np.eye(3)
        if not rows.any():
            free_of_it += 1
            # No direction that leaves the mixed cells alone orders the pure ones.
            assert not direction.any()
            signs = np.array([2 * cells[(a, b)] - 1 for _, a, b in pure])
            for theta in rng.standard_normal((200, len(free))) if pure and len(free) else ():
                along = signs * (np.array(pure) @ (theta @ free))
                assert along.min() < 1e-9 or np.abs(along).max() < 1e-9
                tried += 1
        else:
            along = (2 * y - 1) * (X @ direction)
            assert along.min() > -1e-6 and (along[rows] > 0).all()
    assert 5 < free_of_it < 45
    assert tried


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda p: p["y"] + 1, "holds 1.0, 2.0, and a binary outcome holds 0 and 1"),
        (lambda p: p["y"] * 0, "'y' is 0.0 in all 320 rows"),
        (lambda p: p["x"] ** 2, "Write a condition"),
    ],
)
def test_outcomes_are_zero_and_one(values, message):
    panel = world()
    with pytest.raises(FormulaError, match=message):
        md.Logit(formula="y ~ x").fit(panel.assign(y=values(panel)))


def test_other_refusals():
    panel = world().assign(w=1.0)
    with pytest.raises(SpecificationError, match=r"weights='w' with the classical covariance"):
        md.Logit(formula="y ~ x", weights="w")
    with pytest.raises(SpecificationError, match="Logit has no instruments"):
        md.Logit(formula="y ~ [x ~ z]").fit(panel)
    with pytest.warns(CollinearityWarning, match="'c'"):
        fit = md.Logit(formula="y ~ x + c").fit(panel.assign(c=2 * panel["x"]))
    assert fit.names == ["Intercept", "x"] and "c" in fit.dropped_columns


@pytest.mark.slow
def test_size_with_clusters():
    reps, rejected = 400, 0
    for rep in range(reps):
        rng = np.random.default_rng(rep)
        N, T = 60, 5
        common = np.repeat(rng.standard_normal((2, N)), T, axis=1)
        frame = pd.DataFrame({"i": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)})
        frame["x"] = common[0] + rng.standard_normal(N * T)
        frame["y"] = (common[1] + rng.standard_normal(N * T) > 0).astype(float)
        panel = md.Panel.from_frame(frame, entity="i", time="t")
        fit = md.Probit(formula="y ~ x", cov=md.Clustered("entity")).fit(panel)
        rejected += fit.pvalues["x"] < 0.05
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps) + 0.01


def test_where_iterated_least_squares_diverge_the_maximum_is_found(wages):
    """R's glm stops at a warning here; the likelihood is concave, so its slope is zero at the
    maximum and nowhere else."""
    panel = wages.assign(woman=(wages["sex"] == "female").astype(float))
    fit = md.CLogLog("woman ~ lwage * ed * exp").fit(panel)
    assert fit.stats["log_likelihood"] == pytest.approx(-1198.0645763673, abs=1e-8)
    X = sm.add_constant(panel.frame[["lwage", "ed", "exp"]].astype(float)).to_numpy()
    one, w, e, x = X.T
    Z = np.column_stack([one, w, e, w * e, x, w * x, e * x, w * e * x])
    order = ["Intercept", "lwage", "ed", "lwage:ed", "exp", "lwage:exp", "ed:exp", "lwage:ed:exp"]
    m = np.exp(Z @ fit.params[order].to_numpy())
    y = panel.frame["woman"].to_numpy()
    score = np.where(y == 1, m / np.expm1(m), -m)
    assert np.abs(Z.T @ score / np.linalg.norm(Z, axis=0)).max() < 1e-6
    assert not fit.facts.caution
