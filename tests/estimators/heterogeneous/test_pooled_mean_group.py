"""Long-run panel estimators against published numbers, and brute-force maximisation."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

import migdev as md
from migdev.errors import (
    AdjustmentWarning,
    ConvergenceWarning,
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    FormulaError,
    IdentificationError,
    ResultError,
    SpecificationError,
)
from migdev.estimators.heterogeneous.dynamic_fixed_effects import DynamicFixedEffects
from migdev.estimators.heterogeneous.pooled_mean_group import (
    ErrorCorrectionMeanGroup,
    PooledMeanGroup,
)
from migdev.kernels.heterogeneous.pmg import Grams, evaluate, maximise, pooled_long_run
from tests.golden import load_golden
from tests.panels import with_gaps

GOLDEN = load_golden("pss1999")
pytestmark = [
    pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning"),
    pytest.mark.filterwarnings("ignore::migdev.errors.AdjustmentWarning"),
]


@pytest.fixture(scope="module")
def pss(data_dir):
    frame = pd.read_csv(data_dir / "benchmarks" / "pss1999_jasa2.csv")
    return md.Panel.from_frame(frame, entity="id", time="year")


@pytest.fixture(scope="module")
def fits(pss):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "pmg": PooledMeanGroup(formula="c ~ pi + y", lags=1).fit(pss),
            "mg": ErrorCorrectionMeanGroup(formula="c ~ pi + y", lags=1).fit(pss),
        }


# ------------------------------------------------------------------ published


def test_pmg_reproduces_the_published_consumption_function(fits):
    golden, fit = GOLDEN["pmg"], fits["pmg"]
    assert fit.nobs == 767
    assert list(fit.params.index) == golden["names"]
    assert_allclose(fit.params, golden["coef"], atol=1.5e-7)  # Stata stops at its own tolerance
    assert_allclose(fit.std_errors[["pi", "y"]], golden["long_run_std_errors"], atol=1.5e-7)
    assert_allclose(fit.stats["loglik"], golden["loglik"], atol=5e-4)
    assert fit.df_inference is None
    assert fit.long_run == ("pi", "y")


def test_dfe_reproduces_the_published_consumption_function(pss):
    golden = GOLDEN["dfe"]
    spec = DynamicFixedEffects(formula="c ~ pi + y", lags=1, cov=md.Clustered("entity"))
    fit = spec.fit(pss)
    assert_allclose(fit.params[golden["names"]], golden["coef"], atol=1e-6)
    # xtreg counts the entity effects in its factor (n - 1) / (n - k); the default here does not.
    ratio = fit.std_errors[golden["names"]].to_numpy() / np.array(golden["std_errors"])
    assert_allclose(ratio, ratio.mean(), rtol=1e-5)
    assert_allclose(ratio, 1, rtol=0.03)
    plain = DynamicFixedEffects(formula="c ~ pi + y").fit(pss)
    assert_allclose(plain.with_cov(md.Clustered("entity")).cov, fit.cov)


def test_hausman_reproduces_the_published_test(fits):
    test = fits["mg"].hausman(fits["pmg"], rescale="xtpmg")
    assert_allclose(test.statistic, GOLDEN["hausman"]["chi2"], atol=5e-3)
    assert_allclose(test.pvalue, GOLDEN["hausman"]["pvalue"], atol=1e-4)
    plain = fits["mg"].hausman(fits["pmg"])
    assert md.diagnostics.hausman(fits["mg"], fits["pmg"]).statistic == plain.statistic
    more = fits["mg"].hausman(fits["pmg"], rescale="sigmamore")
    assert test.statistic < more.statistic < plain.statistic
    assert plain.df == 2


# ------------------------------------------------------------------ brute force


def _ardl(panel, p=1, q=1):
    """Rows of the error-correction form by pandas alone: entity, dy, y_1, x, W."""
    f = panel.frame.copy()
    key = [panel.entity, panel.time]
    for v in ("c", "pi", "y"):
        for lag in range(1, max(p, q) + 1):
            past = f[[*key, v]].assign(**{panel.time: f[panel.time] + lag})
            f = f.merge(past, on=key, how="left", suffixes=("", f"_{lag}"))
    f["dc"] = f["c"] - f["c_1"]
    W = []
    for lag in range(1, p):
        f[f"dc_{lag}"] = f[f"c_{lag}"] - f[f"c_{lag + 1}"]
        W.append(f"dc_{lag}")
    for v in ("pi", "y"):
        for lag in range(q):
            f[f"d{v}_{lag}"] = (f[f"{v}_{lag}"] if lag else f[v]) - f[f"{v}_{lag + 1}"]
            W.append(f"d{v}_{lag}")
    return f.dropna(subset=["dc", "c_1", "pi", "y", *W]), W


def _negative_loglik(theta, groups):
    total = 0.0
    for dy, lagged, X, W in groups:
        Z = np.column_stack([lagged - X @ theta, W])
        e = dy - Z @ np.linalg.lstsq(Z, dy, rcond=None)[0]
        total += 0.5 * len(dy) * (np.log(2 * np.pi * e @ e / len(dy)) + 1)
    return total


@pytest.mark.parametrize(("p", "q"), [(1, 1), (2, 1)])
def test_pmg_is_the_maximum_in_a_gappy_panel(pss, p, q):
    panel = with_gaps(pss, 34)
    fit = PooledMeanGroup(formula="c ~ pi + y", lags=(p, q, q), cov="hessian").fit(panel)
    frame, W = _ardl(panel, p, q)
    groups = [
        (
            g["dc"].to_numpy(), g["c_1"].to_numpy(), g[["pi", "y"]].to_numpy(),
            np.column_stack([g[W].to_numpy(), np.ones(len(g))]),
        )
        for _, g in frame.groupby("id")
    ]  # fmt: skip
    assert fit.nobs == len(frame)
    start = fit.params[["pi", "y"]].to_numpy()
    best = optimize.minimize(
        _negative_loglik, start + 0.02, args=(groups,), method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000},
    )  # fmt: skip
    assert_allclose(fit.stats["loglik"], -best.fun, rtol=1e-11)
    assert_allclose(start, best.x, rtol=1e-5)
    # Observed Hessian by central differences of the brute-force likelihood.
    h = 1e-4 * np.abs(start)
    H = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            a, b = h[i] * np.eye(2)[i], h[j] * np.eye(2)[j]
            H[i, j] = (
                _negative_loglik(start + a + b, groups)
                - _negative_loglik(start + a - b, groups)
                - _negative_loglik(start - a + b, groups)
                + _negative_loglik(start - a - b, groups)
            ) / (4 * h[i] * h[j])
    assert_allclose(fit.cov.loc[["pi", "y"], ["pi", "y"]], np.linalg.inv(H), rtol=1e-4)


def test_derivatives_are_exact():
    """Of three problems at once, each with its own theta and its own weights."""
    rng = np.random.default_rng(3)
    A = rng.standard_normal((6, 20, 5))
    data = Grams.of(A.transpose(0, 2, 1) @ A, np.full(6, 20.0))
    theta = rng.standard_normal((3, 3))
    weights = np.array([[1, 1, 1, 1, 1, 1], [0, 2, 1, 3, 0, 0], [1, 0, 0, 4, 0, 1.0]])
    point = evaluate(theta, data, weights)
    assert_allclose(point.gradient, np.einsum("sn,snk->sk", weights, point.scores))
    h = 1e-6
    for j in range(3):
        up, down = (evaluate(theta + s * h * np.eye(3)[j], data, weights) for s in (1, -1))
        slope = (up.loglik - down.loglik) / (2 * h)
        assert_allclose(point.gradient[:, j], slope, rtol=1e-6, atol=1e-7)
        curve = (up.gradient - down.gradient) / (2 * h)
        assert_allclose(point.hessian[:, j], curve, rtol=1e-6, atol=1e-6)
    assert_allclose(point.hessian, point.hessian.transpose(0, 2, 1))


def test_many_problems_end_where_each_ends_alone():
    rng = np.random.default_rng(5)
    A = rng.standard_normal((8, 30, 4))
    A[:, :, 0] -= 0.4 * (A[:, :, 1] - A[:, :, 2:] @ [1.0, -0.5])
    G, T = A.transpose(0, 2, 1) @ A, np.full(8, 30.0)
    weights = np.stack([np.bincount(rng.integers(8, size=8), minlength=8) for _ in range(5)])
    together = maximise(np.zeros((5, 2)), Grams.of(G, T), weights.astype(float))
    assert together.converged.all()
    for w, theta in zip(weights, together.theta, strict=True):
        who = np.repeat(np.arange(8), w)
        alone = pooled_long_run(G[who], np.full(8, 30), [np.zeros(2)])
        assert_allclose(theta, alone.theta, rtol=1e-7)
        data = Grams.of(G[who], T)
        found = optimize.minimize(
            lambda t, data=data: -float(evaluate(t[None], data, np.ones((1, 8))).loglik[0]),
            np.zeros(2), tol=1e-10,
        )  # fmt: skip
        assert_allclose(theta, found.x, atol=1e-4)


def test_information_is_the_block_of_the_full_information_matrix(fits, pss):
    """Pesaran, Shin and Smith's matrix with theta, phi_i and the short run written out."""
    fit = fits["pmg"]
    frame, W = _ardl(pss)
    theta = fit.params[["pi", "y"]].to_numpy()
    speeds = fit.by_entity("EC")["estimate"].to_numpy()
    groups = list(frame.groupby("id"))
    size = 2 + len(groups) * (1 + len(W) + 1)
    full = np.zeros((size, size))
    for i, (_, g) in enumerate(groups):
        X = g[["pi", "y"]].to_numpy()
        own = np.column_stack([g["c_1"].to_numpy() - X @ theta, g[W], np.ones(len(g))])
        e = g["dc"].to_numpy() - own @ np.linalg.lstsq(own, g["dc"].to_numpy(), rcond=None)[0]
        at = np.r_[0, 1, 2 + i * own.shape[1] + np.arange(own.shape[1])]
        J = np.column_stack([-speeds[i] * X, own])
        full[np.ix_(at, at)] += J.T @ J / (e @ e / len(g))
    scale = 1 / np.sqrt(np.diagonal(full))
    inverse = np.linalg.inv(full * np.outer(scale, scale)) * np.outer(scale, scale)
    assert_allclose(fit.cov.loc[["pi", "y"], ["pi", "y"]], inverse[:2, :2], rtol=1e-6)


def test_mg_and_lag_choice_match_statsmodels(pss):
    import statsmodels.api as sm

    fit = ErrorCorrectionMeanGroup(formula="c ~ pi + y", lags="bic", max_lags=2).fit(pss)
    frame, _ = _ardl(pss, 2, 2)
    chosen, own = [], []
    for _, g in frame.groupby("id"):
        best = None
        for p in (1, 2):
            for q1 in (0, 1, 2):
                for q2 in (0, 1, 2):
                    W = [*["dc_1"][: p - 1], *["dpi_0", "dpi_1"][:q1], *["dy_0", "dy_1"][:q2]]
                    r = sm.OLS(g["dc"], sm.add_constant(g[["c_1", "pi", "y", *W]])).fit()
                    ic = len(g) * np.log(r.ssr / len(g)) + np.log(len(g)) * len(r.params)
                    if best is None or ic < best[0]:
                        best = (ic, (p, q1, q2), r.params)
        chosen.append(best[1])
        b = best[2]
        own.append([-b["pi"] / b["c_1"], -b["y"] / b["c_1"], b["c_1"], b.get("dpi_1", 0.0)])
    own = np.array(own)
    assert_allclose([fit.stats[f"mean_order_{j}"] for j in range(3)], np.mean(chosen, axis=0))
    names = ["pi", "y", "EC", "L(D(pi), 1)"]
    assert_allclose(fit.params[names], own.mean(axis=0), rtol=1e-8)
    assert_allclose(fit.std_errors[names], own.std(axis=0, ddof=1) / np.sqrt(24), rtol=1e-8)


def test_chosen_lags_enter_the_pooled_likelihood(pss):
    fit = PooledMeanGroup(formula="c ~ pi + y", lags="bic", max_lags=1).fit(pss)
    assert 0 < fit.stats["mean_order_1"] < 1
    full = PooledMeanGroup(formula="c ~ pi + y", lags=1).fit(pss)
    assert fit.stats["loglik"] < full.stats["loglik"]
    terms = fit.by_entity("D(pi)")
    assert 0 < (terms["estimate"] == 0).sum() < 24


# ------------------------------------------------------------------ properties


def test_units_do_not_matter(pss, fits):
    frame = pss.frame.assign(pi=1e4 * pss["pi"], y=1e-3 * pss["y"])
    fit = PooledMeanGroup(formula="c ~ pi + y").fit(
        md.Panel.from_frame(frame, entity="id", time="year")
    )
    scale = np.array([1e-4, 1e3])
    assert_allclose(fit.params.iloc[:2], fits["pmg"].params.iloc[:2] * scale, rtol=1e-8)
    assert_allclose(fit.std_errors.iloc[:2], fits["pmg"].std_errors.iloc[:2] * scale, rtol=1e-8)


def test_half_life_and_entity_coefficients(fits):
    fit = fits["pmg"]
    phi = fit.params["EC"]
    life = fit.half_life()
    assert_allclose(life.estimate, np.log(0.5) / np.log(1 + phi))
    slope = -np.log(0.5) / np.log(1 + phi) ** 2 / (1 + phi)
    assert_allclose(life.std_error, abs(slope) * fit.std_errors["EC"])
    lives = fit.half_lives()
    assert lives.isna().sum() == 1  # one speed is positive
    own = fit.by_entity()
    assert (own[own["term"] == "pi"]["estimate"] == fit.params["pi"]).all()
    assert_allclose(own[own["term"] == "pi"]["std_error"], fit.std_errors["pi"])
    assert_allclose(own[own["term"] == "EC"]["estimate"].mean(), phi)


def test_speeds_that_do_not_correct_are_flagged(pss):
    with (
        pytest.warns(AdjustmentWarning, match=r"'137 \(0.008\)'"),
        pytest.warns(DroppedRowsWarning),
    ):
        PooledMeanGroup(formula="c ~ pi + y").fit(pss)


def test_likelihood_ratio_counts_restrictions(fits):
    test = fits["pmg"].stats["long_run_equality"]
    assert test.df == 46
    gain = fits["mg"].stats["loglik"] - fits["pmg"].stats["loglik"]
    assert_allclose(test.statistic, 2 * gain)


def test_non_convergence_reports_the_gradient(pss, monkeypatch):
    import migdev.estimators.heterogeneous.pooled_mean_group as module

    monkeypatch.setattr(
        module, "pooled_long_run", lambda G, T, s: pooled_long_run(G, T, s[:1], max_iter=1)
    )
    with pytest.warns(ConvergenceWarning, match="gradient that is left is pi: "):
        fit = PooledMeanGroup(formula="c ~ pi + y").fit(pss)
    assert fit.stats["converged"] == 0.0


def test_short_entities_are_named(pss):
    short = pss.where((pss["id"] != 112) | (pss["year"] > 1988))
    with pytest.raises(IdentificationError, match=r"112 \(4\)"):
        PooledMeanGroup(formula="c ~ pi + y").fit(short)
    with pytest.warns(DroppedEntitiesWarning, match="112"):
        fit = PooledMeanGroup(formula="c ~ pi + y", short="drop").fit(short)
    assert fit.entities == 23


def test_bad_specifications():
    for bad in (0, (1, -1), "hq", 1.5, None, (), True):
        with pytest.raises(SpecificationError, match="lags="):
            PooledMeanGroup(formula="c ~ pi", lags=bad)
    with pytest.raises(SpecificationError, match="cov="):
        PooledMeanGroup(formula="c ~ pi", cov="windmeijer")
    assert PooledMeanGroup("c ~ pi", cov="robust") == PooledMeanGroup("c ~ pi", cov="sandwich")
    for estimator in (DynamicFixedEffects, md.CSARDL):
        with pytest.raises(SpecificationError, match="lags='aic'; give one number"):
            estimator(formula="c ~ pi", lags="aic")
    listed = PooledMeanGroup(formula="c ~ pi", lags=[1, 1])
    assert hash(listed) == hash(PooledMeanGroup(formula="c ~ pi", lags=(1, 1)))


def test_bad_formulas(pss, fits):
    with pytest.raises(FormulaError, match="no regressor"):
        PooledMeanGroup(formula="c ~ 1").fit(pss)
    with pytest.raises(FormulaError, match="interactions"):
        PooledMeanGroup(formula="c ~ pi:y").fit(pss)
    with pytest.raises(SpecificationError, match="give 3"):
        PooledMeanGroup(formula="c ~ pi + y", lags=(1, 1)).fit(pss)
    with pytest.raises(ResultError, match="rescale"):
        fits["mg"].hausman(fits["pmg"], rescale="more")


def test_the_highest_of_several_maxima_is_found():
    """Eight entities of 14 periods whose likelihood has two maxima, against a grid of long runs."""
    rng = np.random.default_rng(8022)
    N, T = 8, 14
    x, y = rng.standard_normal((N, T)).cumsum(1), np.zeros((N, T))
    phi = -rng.uniform(0.1, 0.6, N)
    for t in range(1, T):
        y[:, t] = y[:, t - 1] + phi * (y[:, t - 1] - x[:, t - 1]) + rng.standard_normal(N)
    frame = pd.DataFrame(
        {"i": np.repeat(range(N), T), "t": np.tile(range(T), N), "y": y.ravel(), "x": x.ravel()}
    )
    fit = PooledMeanGroup("y ~ x").fit(md.Panel.from_frame(frame, entity="i", time="t"))

    def loglik(theta: float) -> float:
        total = 0.0
        for i in range(N):
            Z = np.column_stack([np.ones(T - 1), y[i, :-1] - theta * x[i, 1:], np.diff(x[i])])
            dy = np.diff(y[i])
            rss = np.sum((dy - Z @ np.linalg.lstsq(Z, dy, rcond=None)[0]) ** 2)
            total -= 0.5 * (T - 1) * (np.log(2 * np.pi * rss / (T - 1)) + 1)
        return total

    grid = np.linspace(-4, 6, 2001)
    values = np.array([loglik(theta) for theta in grid])
    assert np.sum(np.diff(np.sign(np.diff(values))) < 0) >= 2  # several maxima
    assert fit.stats["loglik"] >= values.max() - 1e-9
    assert fit.params["x"] == pytest.approx(grid[values.argmax()], abs=0.005)
