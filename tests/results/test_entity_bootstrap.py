"""The bootstrap of entities against refits on the panels that were drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import migdev as md
from migdev.errors import ConvergenceError, ResultError
from migdev.estimators.heterogeneous.error_correction import error_correction
from migdev.kernels.arrays.robust_mean import robust_location
from migdev.kernels.heterogeneous.entity_draws import drawn

pytestmark = [
    pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning"),
    pytest.mark.filterwarnings("ignore::migdev.errors.AdjustmentWarning"),
]


def _frame(N=12, T=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, T)).cumsum(axis=1)
    phi = -rng.uniform(0.3, 0.7, N)
    y = np.zeros((N, T))
    for t in range(1, T):
        gap = y[:, t - 1] - 0.8 * x[:, t]
        y[:, t] = y[:, t - 1] + phi * gap + 0.4 * rng.standard_normal(N)
    frame = pd.DataFrame(
        {
            "e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N), "y": y.ravel(),
            "x": x.ravel(),
        }
    )  # fmt: skip
    return frame[(frame["e"] != 3) | (frame["t"] > 9)]


def _panel(frame):
    return md.Panel.from_frame(frame, entity="e", time="t")


@pytest.mark.parametrize(
    "spec",
    [
        md.PooledMeanGroup(formula="y ~ x", lags=1),
        md.PooledMeanGroup(formula="y ~ x", lags="bic", trend=True),
        md.ErrorCorrectionMeanGroup(formula="y ~ x", lags=(2, 1)),
        md.ErrorCorrectionMeanGroup(formula="y ~ x", robust="huber"),
        md.MeanGroup(formula="y ~ L(y) + x"),
        md.MeanGroup(formula="y ~ L(y) + x", robust="biweight"),
        md.SwamyRandomCoefficients(formula="y ~ L(y) + x"),
        md.DynamicFixedEffects(formula="y ~ x", lags=(2, 1)),
        md.DynamicFixedEffects(formula="y ~ x", cov=md.Clustered("entity")),
        md.FullyModifiedOLS(formula="y ~ x", method="pooled"),
        md.DynamicOLS(formula="y ~ x", method="group"),
        md.DynamicOLS(formula="y ~ x", method="pooled"),
    ],
    ids=[
        "pmg", "pmg-bic", "mg-ec", "mg-ec-robust", "mg", "mg-robust", "swamy", "dfe", "dfe-cl",
        "fmols", "dols", "dols-pooled",
    ],
)  # fmt: skip
def test_draws_are_refits_on_the_drawn_entities(spec):
    frame = _frame()
    fit = spec.fit(_panel(frame))
    draws = fit._draws(6, 11)
    for who, draw in zip(drawn(12, 6, 11), draws, strict=True):
        parts = [frame[frame["e"] == w].assign(e=j) for j, w in enumerate(who)]
        again = spec.fit(_panel(pd.concat(parts)))
        assert_allclose(draw, again.params, rtol=1e-6, atol=1e-8)


def test_intervals_are_quantiles_of_the_draws():
    fit = md.PooledMeanGroup(formula="y ~ x", lags=1).fit(_panel(_frame()))
    table = fit.bootstrap(["x", "EC"], level=0.9, draws=99, seed=4)
    draws = fit._draws(99, 4)[:, :2]
    tail = stats.norm.cdf(np.sqrt(12 / 11) * stats.t.ppf(0.05, 11))
    assert_allclose(table["lower"], np.quantile(draws, tail, axis=0))
    assert_allclose(table["upper"], np.quantile(draws, 1 - tail, axis=0))
    plain = fit.bootstrap(["x", "EC"], level=0.9, draws=99, seed=4, expand=False)
    assert_allclose(plain["lower"], np.quantile(draws, 0.05, axis=0))
    assert_allclose(plain["upper"], np.quantile(draws, 0.95, axis=0))
    assert_allclose(table["std_error"], draws.std(axis=0, ddof=1))
    assert_allclose(table["estimate"], fit.params[["x", "EC"]])
    pd.testing.assert_frame_equal(table, fit.bootstrap(["x", "EC"], level=0.9, draws=99, seed=4))


def test_errors_of_averages_agree_with_the_spread():
    """The bootstrap's variance of an average is the spread's times (N - 1)/N."""
    frame = _frame(N=30, seed=1)
    for spec in (
        md.CSARDL(formula="y ~ x", cross_lags=1),
        md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=1),
    ):
        fit = spec.fit(_panel(frame))
        table = fit.bootstrap(draws=4000)
        expected = fit.std_errors * np.sqrt((fit.entities - 1) / fit.entities)
        assert_allclose(table["std_error"], expected, rtol=0.06)  # 4,000 draws: se 1.1%


@pytest.mark.parametrize(
    "spec",
    [
        md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=1),
        md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=1, jackknife=True),
        md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=1, recursive=True),
        md.CCEPooled(formula="y ~ L(y) + x", cross_lags=1),
        md.CCEPooled(formula="y ~ x", cov=md.Clustered("entity")),
        md.AugmentedMeanGroup(formula="y ~ x"),
        md.AugmentedMeanGroup(formula="y ~ x", impose=True, robust="huber"),
        md.CSARDL(formula="y ~ x", cross_lags=1),
        md.CSDL(formula="y ~ x", cross_lags=1),
    ],
    ids=["cce", "cce-hpj", "cce-rma", "ccep", "ccep-cl", "amg", "amg-imposed", "csardl", "csdl"],
)
def test_draws_given_the_common_shocks(spec):
    """By hand: entities' own regressions on given averages, put together as the estimate was."""
    fit = spec.fit(_panel(_frame()))
    sample, names = fit.sample, list(fit.slope_names)
    who = drawn(12, 5, 3)
    draws = fit._draws(5, 3)
    X = np.column_stack(fit.regressors)
    y = X @ np.zeros(X.shape[1]) + fit.resids.to_numpy()
    if not isinstance(spec, md.CCEPooled) and not hasattr(fit, "long_run"):
        y = y + np.einsum("nj,nj->n", X, fit.slopes[sample.entity])
    for w, draw in zip(who, draws, strict=True):
        rows = [np.flatnonzero(sample.entity == i) for i in w]
        if isinstance(spec, md.CCEPooled):
            at = np.concatenate(rows)
            target = (y + X @ fit.params.to_numpy())[at]
            expected = np.linalg.lstsq(X[at], target, rcond=None)[0]
        elif hasattr(fit, "long_run"):
            expected = fit.slopes[w][:, [names.index(n) for n in fit.names]].mean(axis=0)
        else:
            own = []
            for r in rows:
                b = np.linalg.lstsq(X[r], y[r], rcond=None)[0]
                if getattr(spec, "jackknife", False):
                    cut = [len(r) // 2, (len(r) + 1) // 2]
                    half = [
                        np.linalg.lstsq(X[part], y[part], rcond=None)[0]
                        for c in cut for part in (r[:c], r[c:])
                    ]  # fmt: skip
                    b = 2 * b - np.mean(half, axis=0)
                own.append(b[: len(fit.names)])
            robust = getattr(spec, "robust", False)
            expected = (
                np.mean(own, axis=0) if not robust else robust_location(np.array(own), robust)
            )
        assert_allclose(draw, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "spec",
    [
        md.MeanGroup(formula="y ~ L(y) + x"),
        md.MeanGroup(formula="y ~ L(y) + x", robust="huber", trend=True),
        md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=1),
        md.CCEPooled(formula="y ~ L(y) + x", cross_lags=1),
        md.AugmentedMeanGroup(formula="y ~ x"),
        md.CSDL(formula="y ~ x", cross_lags=1),
        md.ErrorCorrectionMeanGroup(formula="y ~ x", lags=(2, 1)),
        md.ErrorCorrectionMeanGroup(formula="y ~ x", lags="bic", robust="biweight"),
        md.CSARDL(formula="y ~ x", cross_lags=1),
        md.DynamicFixedEffects(formula="y ~ x", lags=(2, 1)),
    ],
    ids=["mg", "mg-robust", "cce", "ccep", "amg", "csdl", "mg-ec", "mg-ec-bic", "csardl", "dfe"],
)
def test_wild_draws_are_regressions_of_redrawn_data(spec):
    """By hand: residuals change sign by period, regressors stay, every entity is fitted anew."""
    fit = spec.fit(_panel(_frame()))
    draws = fit._draws(4, 5, "wild")
    assert_allclose(draws, fit._draws(4, 5, "wild"))
    sample, names = fit.sample, list(fit.slope_names)
    time = sample.time - sample.time.min()
    signs = np.random.default_rng(5).integers(0, 2, size=(4, time.max() + 1)) * 2.0 - 1.0
    e = fit.resids.to_numpy()
    if isinstance(spec, md.DynamicFixedEffects | md.CCEPooled):
        moved = e * np.sqrt(fit.nobs / fit.df_resid)
    else:
        moved = e * np.sqrt(fit.entity_nobs / fit.entity_df)[sample.entity]
    if isinstance(spec, md.DynamicFixedEffects):
        form = error_correction(spec.formula, sample.panel, spec.lags, 1, False, "")
        W = form.W[:, :-1]
        X = np.column_stack([form.lagged, form.x, W, np.eye(12)[sample.entity]])
        y = form.design.y
        fitted = y - e
        for v, draw in zip(signs, draws, strict=True):
            b = np.linalg.lstsq(X, fitted + v[time] * moved, rcond=None)[0]
            assert_allclose(draw[0], -b[1] / b[0], rtol=1e-8)
            assert_allclose(draw[1], b[0], rtol=1e-8)
            assert_allclose(draw[2:], b[2 : 2 + W.shape[1]], rtol=1e-8)
        return
    X = np.column_stack(fit.regressors)
    k = len(getattr(fit, "long_run", ()))
    if isinstance(spec, md.CCEPooled):
        for v, draw in zip(signs, draws, strict=True):
            y = X @ fit.params.to_numpy() + v[time] * moved
            assert_allclose(draw, np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-8)
        return
    robust = getattr(spec, "robust", False)
    for v, draw in zip(signs, draws, strict=True):
        own = []
        for i in range(12):
            r = sample.entity == i
            b = fit.slopes[i]
            kept = np.ones(len(b), dtype=bool)
            if k:
                b = np.concatenate([[b[k]], -b[k] * b[:k], b[k + 1 :]])
                kept = b != 0
            y = X[r] @ b + v[time[r]] * moved[r]
            b = np.zeros(len(b))
            b[kept] = np.linalg.lstsq(X[r][:, kept], y, rcond=None)[0]
            if k:
                b = np.concatenate([-b[1 : 1 + k] / b[0], [b[0]], b[1 + k :]])
            own.append(b[[names.index(n) for n in fit.names]])
        expected = np.mean(own, axis=0) if not robust else robust_location(np.array(own), robust)
        assert_allclose(draw, expected, rtol=1e-6, atol=1e-9)


def test_wild_refuses_what_is_not_linear():
    panel = _panel(_frame())
    for spec in (
        md.PooledMeanGroup(formula="y ~ x"),
        md.SwamyRandomCoefficients(formula="y ~ x"),
        md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=1, jackknife=True),
    ):
        with pytest.raises(ResultError, match="method='entities'"):
            spec.fit(panel).bootstrap(method="wild")


def test_options_are_checked():
    panel = _panel(_frame())
    fit = md.MeanGroup(formula="y ~ x").fit(panel)
    with pytest.raises(ResultError, match="no coefficient 'z'"):
        fit.bootstrap("z")
    with pytest.raises(ResultError, match="draws"):
        fit.bootstrap(draws=0)
    with pytest.raises(ResultError, match="level"):
        fit.bootstrap(level=95)
    with pytest.raises(ResultError, match="method"):
        fit.bootstrap(method="pairs")


@pytest.mark.parametrize(
    "spec",
    [
        md.CCEMeanGroup(formula="y ~ L(y) + x + L(x)", cross_lags=1),
        md.CCEPooled(formula="y ~ L(y) + x + L(x)", cross_lags=1),
        md.MeanGroup(formula="y ~ L(y) + x + L(x)", robust="huber"),
    ],
    ids=["cce", "ccep", "mg"],
)
def test_multipliers_of_dynamic_regressions(spec):
    fit = spec.fit(_panel(_frame(N=20, T=50)))
    table = fit.multipliers("x")
    theta = fit.delta("(x + `L(x)`) / (1 - `L(y)`)")
    assert_allclose(table.loc["x", ["estimate", "std_error"]].astype(float),
                    [theta.estimate, theta.std_error], rtol=1e-8)  # fmt: skip
    for method in ("entities", "wild"):
        found = fit.multipliers(method=method, level=0.9, draws=99, seed=2)
        draws = fit._draws(99, 2, method)
        at = [fit.names.index(name) for name in ("x", "L(x)", "L(y)")]
        ratio = draws[:, at[:2]].sum(axis=1) / (1 - draws[:, at[2]])
        tail = fit._tail(0.9, method, True)
        bounds = np.quantile(ratio, [tail, 1 - tail])
        assert_allclose(found.loc["x", ["lower", "upper"]].astype(float), bounds)
    with pytest.raises(ResultError, match="'delta'"):
        fit.multipliers(method="bootstrap")


def test_multipliers_of_error_correction_are_the_long_run():
    panel = _panel(_frame())
    for spec in (
        md.PooledMeanGroup(formula="y ~ x"),
        md.DynamicFixedEffects(formula="y ~ x"),
        md.CSARDL(formula="y ~ x", cross_lags=1),
    ):
        fit = spec.fit(panel)
        table = fit.multipliers()
        assert list(table.index) == ["x"]
        assert_allclose(table.loc["x", ["lower", "upper"]].astype(float), fit.conf_int().loc["x"])
        drawn_table = fit.multipliers(method="entities", draws=99, seed=1)
        expected = fit.bootstrap("x", draws=99, seed=1).loc["x", ["lower", "upper"]]
        assert_allclose(
            drawn_table.loc["x", ["lower", "upper"]].astype(float), expected.astype(float)
        )
        with pytest.raises(ResultError, match="not a long-run coefficient"):
            fit.multipliers("EC")
    with pytest.raises(ResultError, match="no lag of 'y'"):
        md.MeanGroup(formula="y ~ x").fit(panel).multipliers()


def test_seeds_repeat_and_differ():
    panel = _panel(_frame())
    for spec in (md.CCEPooled(formula="y ~ x"), md.DynamicFixedEffects(formula="y ~ x")):
        fit = spec.fit(panel)
        for method in ("entities", "wild"):
            one = fit.bootstrap(method=method, draws=99, seed=1)
            pd.testing.assert_frame_equal(one, fit.bootstrap(method=method, draws=99, seed=1))
            assert (one["lower"] != fit.bootstrap(method=method, draws=99, seed=2)["lower"]).all()
            assert (one["lower"] < one["estimate"]).all()
            assert (one["estimate"] < one["upper"]).all()


def test_samples_without_a_maximum_are_counted(monkeypatch):
    from migdev.estimators.heterogeneous import pooled_mean_group as room

    fit = md.PooledMeanGroup(formula="y ~ x").fit(_panel(_frame()))
    everything = room.pooled_draws
    monkeypatch.setattr(room, "pooled_draws", lambda *a: everything(*a)[:60])
    assert (fit.bootstrap(draws=99)["draws"] == 60).all()
    monkeypatch.setattr(room, "pooled_draws", lambda *a: everything(*a)[:40])
    with pytest.raises(ConvergenceError, match="only 40 of 99"):
        fit.bootstrap(draws=99)


def _common(rng, N=30, T=30, dynamic=False):
    """x and y share a factor; the long-run slope of x is 1 on average."""
    f = np.zeros(T + 20)
    x = rng.standard_normal((N, T + 20))
    for t in range(1, T + 20):
        f[t] = 0.5 * f[t - 1] + rng.standard_normal()
        x[:, t] += 0.6 * x[:, t - 1]
    x += rng.uniform(0.2, 0.8, (N, 1)) * f
    slope = 1 + 0.3 * rng.standard_normal(N)
    e = rng.uniform(0.5, 1.5, (N, 1)) * f + rng.standard_normal((N, T + 20))
    y = slope[:, None] * x + e
    if dynamic:
        y = np.zeros_like(x)
        phi = -rng.uniform(0.3, 0.7, N)
        for t in range(1, T + 20):
            y[:, t] = y[:, t - 1] + phi * (y[:, t - 1] - slope * x[:, t]) + 0.5 * e[:, t]
    frame = pd.DataFrame(
        {
            "e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N),
            "x": x[:, 20:].ravel(), "y": y[:, 20:].ravel(),
        }
    )  # fmt: skip
    return _panel(frame), slope.mean()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "periods"),
    [
        (md.CCEMeanGroup(formula="y ~ x"), 30),
        (md.CCEMeanGroup(formula="y ~ x", jackknife=True), 40),
        (md.CCEPooled(formula="y ~ x"), 30),
        (md.AugmentedMeanGroup(formula="y ~ x"), 30),
        (md.CSDL(formula="y ~ x", cross_lags=2), 40),
        (md.CSARDL(formula="y ~ x", cross_lags=2), 70),
    ],
    ids=["cce", "cce-hpj", "ccep", "amg", "csdl", "csardl"],
)
def test_intervals_cover(spec, periods):
    """150 panels of 30 entities under a common factor: 90% intervals of the population's slope by
    entities, of these entities' average by signs of residuals; three simulation errors are 0.07."""
    hits = []
    for seed in range(150):
        panel, own = _common(np.random.default_rng(seed), 30, periods, isinstance(spec, md.CSARDL))
        fit = spec.fit(panel)
        low, high = fit.bootstrap("x", level=0.9, draws=199).iloc[0][["lower", "upper"]]
        hit = [low < 1 < high]
        if fit.averaged is None:
            table = fit.bootstrap("x", level=0.9, draws=199, method="wild")
            low, high = table.iloc[0][["lower", "upper"]]
            hit.append(low < own < high)
        hits.append(hit)
    assert (np.mean(hits, axis=0) > 0.80).all()
    assert (np.mean(hits, axis=0) < 0.98).all()


@pytest.mark.slow
def test_dynamic_intervals_cover():
    """150 panels of 25 entities, 80 periods, one slope and speed: dynamic fixed effects, 90%."""
    hits = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((25, 80)).cumsum(axis=1)
        y = np.zeros((25, 80))
        for t in range(1, 80):
            y[:, t] = 0.5 * y[:, t - 1] + 0.4 * x[:, t] + 0.4 * rng.standard_normal(25)
        frame = pd.DataFrame(
            {
                "e": np.repeat(np.arange(25), 80), "t": np.tile(np.arange(80), 25),
                "x": x.ravel(), "y": y.ravel(),
            }
        )  # fmt: skip
        fit = md.DynamicFixedEffects(formula="y ~ x").fit(_panel(frame))
        row = []
        for method in ("entities", "wild"):
            table = fit.bootstrap("x", level=0.9, draws=199, method=method)
            low, high = table.iloc[0][["lower", "upper"]]
            row.append(low < 0.8 < high)
        hits.append(row)
    assert (np.mean(hits, axis=0) > 0.80).all()
    assert (np.mean(hits, axis=0) < 0.98).all()


@pytest.mark.slow
def test_pooled_intervals_cover():
    """80 panels, N = 20, T = 40: the 90% interval of the long run holds the truth near 90%."""
    hits = 0
    for seed in range(80):
        fit = md.PooledMeanGroup(formula="y ~ x").fit(_panel(_frame(N=20, seed=100 + seed)))
        low, high = fit.bootstrap("x", level=0.9, draws=99).iloc[0][["lower", "upper"]]
        hits += low < 0.8 < high
    assert 0.78 < hits / 80 < 0.99
