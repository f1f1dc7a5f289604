"""The bootstrap of entities against refits on the panels that were drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import ConvergenceError, ResultError
from migdev.kernels.entity_draws import drawn

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
    ],
    ids=["pmg", "pmg-bic", "mg-ec", "mg-ec-robust", "mg"],
)
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
    table = fit.bootstrap(["x", "EC"], level=0.9, replications=99, seed=4)
    draws = fit._draws(99, 4)[:, :2]
    assert_allclose(table["lower"], np.quantile(draws, 0.05, axis=0))
    assert_allclose(table["upper"], np.quantile(draws, 0.95, axis=0))
    assert_allclose(table["std_error"], draws.std(axis=0, ddof=1))
    assert_allclose(table["estimate"], fit.params[["x", "EC"]])
    pd.testing.assert_frame_equal(
        table, fit.bootstrap(["x", "EC"], level=0.9, replications=99, seed=4)
    )


def test_errors_of_averages_agree_with_the_spread():
    """The bootstrap's variance of an average is the spread's times (N - 1)/N."""
    frame = _frame(N=30, seed=1)
    for spec in (
        md.CSARDL(formula="y ~ x", cross_lags=1),
        md.CCEMeanGroup(formula="y ~ L(y) + x", lags=1),
    ):
        fit = spec.fit(_panel(frame))
        table = fit.bootstrap(replications=4000)
        expected = fit.std_errors * np.sqrt((fit.entities - 1) / fit.entities)
        assert_allclose(table["std_error"], expected, rtol=0.06)  # 4,000 draws: se 1.1%


def test_what_is_no_average_refuses():
    panel = _panel(_frame())
    jackknifed = md.CCEMeanGroup(formula="y ~ L(y) + x", lags=1, jackknife=True).fit(panel)
    pooled = md.CCEPooled(formula="y ~ x").fit(panel)
    for fit in (jackknifed, pooled, md.DynamicFixedEffects(formula="y ~ x").fit(panel)):
        with pytest.raises(ResultError, match="not an average"):
            fit.bootstrap()
    fit = md.MeanGroup(formula="y ~ x").fit(panel)
    with pytest.raises(ResultError, match="no coefficient 'z'"):
        fit.bootstrap("z")
    with pytest.raises(ResultError, match="replications"):
        fit.bootstrap(replications=0)
    with pytest.raises(ResultError, match="level"):
        fit.bootstrap(level=95)


def test_samples_without_a_maximum_are_counted(monkeypatch):
    from migdev.estimators import pooled_mean_group as room

    fit = md.PooledMeanGroup(formula="y ~ x").fit(_panel(_frame()))
    everything = room.pooled_draws
    monkeypatch.setattr(room, "pooled_draws", lambda *a: everything(*a)[:60])
    assert (fit.bootstrap(replications=99)["draws"] == 60).all()
    monkeypatch.setattr(room, "pooled_draws", lambda *a: everything(*a)[:40])
    with pytest.raises(ConvergenceError, match="only 40 of 99"):
        fit.bootstrap(replications=99)


@pytest.mark.slow
def test_pooled_intervals_cover():
    """80 panels, N = 20, T = 40: the 90% interval of the long run holds the truth near 90%."""
    hits = 0
    for seed in range(80):
        fit = md.PooledMeanGroup(formula="y ~ x").fit(_panel(_frame(N=20, seed=100 + seed)))
        low, high = fit.bootstrap("x", level=0.9, replications=99).iloc[0][["lower", "upper"]]
        hits += low < 0.8 < high
    assert 0.78 < hits / 80 < 0.99
