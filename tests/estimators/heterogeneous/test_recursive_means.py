"""Recursive mean adjustment of dynamic CCE, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import FormulaError, SpecificationError

pytestmark = pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")


def _frame(N=15, T=40, seed=0):
    rng = np.random.default_rng(seed)
    rho, b, a = rng.uniform(0.4, 0.8, N), rng.normal(0.5, 0.1, N), rng.normal(1, 1, N)
    g, gx = rng.normal(0.7, 0.3, N), rng.normal(0.5, 0.3, N)
    f, x, y = np.zeros(T + 50), np.zeros((N, T + 50)), np.zeros((N, T + 50))
    for t in range(1, T + 50):
        f[t] = 0.6 * f[t - 1] + rng.standard_normal()
        x[:, t] = 0.3 * a + 0.5 * x[:, t - 1] + gx * f[t] + rng.standard_normal(N)
        y[:, t] = a + rho * y[:, t - 1] + b * x[:, t] + g * f[t] + rng.standard_normal(N)
    frame = pd.DataFrame(
        {
            "e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N),
            "y": y[:, 50:].ravel(), "x": x[:, 50:].ravel(),
        }
    )  # fmt: skip
    return frame, rho.mean()


def _panel(frame):
    return md.Panel.from_frame(frame, entity="e", time="t")


@pytest.mark.parametrize(("unbalanced", "lags"), [(False, 1), (True, 1), (True, 0)])
def test_adjusted_regressions_by_hand(unbalanced, lags):
    frame, _ = _frame()
    if unbalanced:
        frame = frame[(frame["e"] != 2) | (frame["t"] > 4)]
        frame = frame[(frame["e"] != 5) | (frame["t"] != 20)]
    fit = md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=lags, recursive=True).fit(
        _panel(frame)
    )
    adjusted = frame.copy()
    for name in ("y", "x"):
        for _, own in frame.groupby("e"):
            past = own[name].expanding().mean().shift()
            adjusted.loc[own.index, name] = own[name] - past
    whole = pd.MultiIndex.from_product([frame["e"].unique(), range(40)], names=["e", "t"])
    adjusted = adjusted.set_index(["e", "t"]).reindex(whole)
    adjusted["past"] = adjusted.groupby("e")["y"].shift()
    # Without lags of the averages, the average of the lag is one of them.
    averaged = ["y", "x"] if lags else ["y", "past", "x"]
    means = adjusted.dropna(subset=averaged).groupby("t")[averaged].mean().reindex(range(40))
    slopes = []
    for _, own in adjusted.groupby("e"):
        own = own.droplevel("e")
        columns = [means.shift(j) for j in range(lags + 1)]
        data = pd.concat([own["y"], own["past"], own["x"], *columns], axis=1).dropna().to_numpy()
        slopes.append(np.linalg.lstsq(data[:, 1:], data[:, 0], rcond=None)[0])
    slopes = np.array(slopes)[:, :2]
    assert list(fit.params.index) == ["L(y)", "x"]
    assert_allclose(fit.params, slopes.mean(axis=0), rtol=1e-8)
    assert_allclose(fit.cov, np.cov(slopes.T) / 15, rtol=1e-7)
    assert "mean(y)" in fit.slope_names
    assert ("L(mean(x), 1)" if lags else "mean(L(y))") in fit.slope_names
    assert "recursive mean adjustment" in fit.method


def test_expressions_keep_their_names():
    frame, _ = _frame()
    frame["z"] = np.exp(frame["x"])
    panel = _panel(frame)
    plain = md.CCEMeanGroup(formula="y ~ L(y) + x + L(x)", recursive=True).fit(panel)
    fit = md.CCEMeanGroup(formula="y ~ L(y) + np.log(z) + L(np.log(z))", recursive=True).fit(panel)
    assert list(fit.params.index) == ["L(y)", "np.log(z)", "L(np.log(z))"]
    assert fit.dependent == "y"
    assert_allclose(fit.params, plain.params, rtol=1e-8)
    assert fit.sample.panel is panel


def test_recursive_refusals():
    panel = _panel(_frame()[0])
    for options in ({"jackknife": True}, {"trend": True}, {"averages": ("y",)}):
        with pytest.raises(SpecificationError, match="recursive=True"):
            md.CCEMeanGroup(formula="y ~ L(y)", recursive=True, **options)
    with pytest.raises(FormulaError, match="without products"):
        md.CCEMeanGroup(formula="y ~ L(y):x", recursive=True).fit(panel)


@pytest.mark.slow
def test_the_bias_of_short_panels_shrinks():
    """40 panels, N = 50, T = 40: the bias of the autoregressive coefficient falls by a tenth at
    least."""
    plain, adjusted = [], []
    for seed in range(40):
        frame, truth = _frame(N=50, seed=seed)
        panel = _panel(frame)
        for recursive, found in ((False, plain), (True, adjusted)):
            spec = md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=3, recursive=recursive)
            found.append(spec.fit(panel).params["L(y)"] - truth)
    assert np.mean(plain) < -0.05
    assert abs(np.mean(adjusted)) < 0.9 * abs(np.mean(plain))
