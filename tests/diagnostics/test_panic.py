"""PANIC by hand with numpy's SVD and statsmodels, and its size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import IdentificationError, PanelError, SpecificationError


@pytest.mark.filterwarnings("ignore:adfuller:FutureWarning")
def test_panic_by_hand(grunfeld):
    from statsmodels.tsa.stattools import adfuller

    test = diagnostics.panic(grunfeld, "np.log(value)", factors=1, lags=1)
    wide = np.log(grunfeld.frame.pivot(index="firm", columns="year", values="value")).to_numpy()
    d = np.diff(wide, axis=1)
    sd = d.std(axis=1, keepdims=True)
    u, s, v = np.linalg.svd(d / sd, full_matrices=False)
    z = d - sd * (u[:, :1] * s[0] @ v[:1])
    p = [adfuller(e, maxlag=1, regression="n", autolag=None)[1] for e in np.cumsum(z, axis=1)]
    assert_allclose(test.detail["by_entity"]["p_value"], p, rtol=1e-6)
    assert_allclose(test.statistic, (-2 * np.log(p).sum() - 20) / np.sqrt(40), rtol=1e-6)
    t = adfuller(np.cumsum(v[0]), maxlag=1, regression="c", autolag=None)[0]
    assert_allclose(test.detail["factor_adf"]["t"], t, rtol=1e-6)
    assert test.detail["factors"].shape == (19, 1)


def test_panic_without_factors_and_refusals(grunfeld):
    none = diagnostics.panic(grunfeld, "inv", factors=0)
    assert none.detail["factor_adf"].empty
    chosen = diagnostics.panic(grunfeld, "inv", factors="ER", max_factors=3, lags="aic")
    assert "factors" in chosen.note
    with pytest.raises(PanelError, match="balanced"):
        diagnostics.panic(grunfeld.where("firm != 1 or year > 1940"), "inv")
    for bad in ({"factors": "AIC"}, {"factors": 9}, {"lags": "hq"}, {"lags": 9}):
        with pytest.raises(SpecificationError):
            diagnostics.panic(grunfeld, "inv", **bad)


@pytest.mark.slow
def test_panic_tells_factor_and_idiosyncratic_apart():
    """N = 40, T = 100, 300 draws: random-walk components keep 5% whatever the factor does;
    stationary components under a random-walk factor are found."""
    rng, reps, N, T = np.random.default_rng(11), 300, 40, 100
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    size = power = 0
    for _ in range(reps):
        factor = np.cumsum(rng.standard_normal(T)) * 2
        loadings = 1 + 0.5 * rng.standard_normal((N, 1))
        walk = np.cumsum(rng.standard_normal((N, T)), axis=1)
        data = {"y": walk + loadings * rng.standard_normal(T)}
        data["z"] = loadings * factor + rng.standard_normal((N, T))
        panel = md.Panel.from_frame(
            pd.DataFrame({**keys, **{k: v.ravel() for k, v in data.items()}}),
            entity="e", time="t",
        )  # fmt: skip
        size += diagnostics.panic(panel, "y", factors=1).pvalue < 0.05
        power += diagnostics.panic(panel, "z", factors=1).pvalue < 0.05
    assert 0.01 < size / reps < 0.12, size / reps
    assert power / reps > 0.95, power / reps


@pytest.mark.filterwarnings("ignore:adfuller:FutureWarning")
def test_panic_with_trend_by_hand(grunfeld):
    from scipy.integrate import quad
    from scipy.special import gamma, kv
    from statsmodels.tsa.stattools import adfuller

    test = diagnostics.panic(grunfeld, "np.log(value)", factors=1, lags=1, trend=True)
    wide = np.log(grunfeld.frame.pivot(index="firm", columns="year", values="value")).to_numpy()
    d = np.diff(wide, axis=1)
    d = d - d.mean(axis=1, keepdims=True)
    sd = d.std(axis=1, keepdims=True)
    u, s, v = np.linalg.svd(d / sd, full_matrices=False)
    z = d - sd * (u[:, :1] * s[0] @ v[:1])
    t = [adfuller(e, maxlag=1, regression="n", autolag=None)[0] for e in np.cumsum(z, axis=1)]
    assert_allclose(test.detail["by_entity"]["t"], t, rtol=1e-6)

    def density(x, h=1e-5):  # numerical derivative of Anderson and Darling's series
        def cdf(w):
            j = np.arange(20)
            q = (4 * j + 1) ** 2 / (16 * w)
            weight = gamma(j + 0.5) / gamma(0.5) / gamma(j + 1.0)
            series = weight * np.sqrt(4 * j + 1) * np.exp(-q) * kv(0.25, q)
            return np.sum(series) / (np.pi * np.sqrt(w))

        return (cdf(x * (1 + h)) - cdf(x * (1 - h))) / (2 * x * h)

    p = [quad(density, 1e-3, 1 / (4 * w**2), limit=200)[0] for w in t]
    assert_allclose(test.detail["by_entity"]["p_value"], p, rtol=1e-5, atol=1e-8)
    assert_allclose(test.statistic, (-2 * np.log(p).sum() - 20) / np.sqrt(40), rtol=1e-5)
    tf = adfuller(np.cumsum(v[0]), maxlag=1, regression="ct", autolag=None)[0]
    assert_allclose(test.detail["factor_adf"]["t"], tf, rtol=1e-6)
    sloped = grunfeld.assign(value=grunfeld["value"] * np.exp(0.2 * grunfeld["year"]))
    again = diagnostics.panic(sloped, "np.log(value)", factors=1, lags=1, trend=True)
    assert_allclose(again.statistic, test.statistic, rtol=1e-6)
    with pytest.raises(SpecificationError, match="intercept or a trend"):
        diagnostics.panic(grunfeld, "value", trend="n")
    line = grunfeld.assign(value=np.where(grunfeld["firm"] == 3, 2.0 * grunfeld["year"], 1.0))
    line = line.assign(value=np.where(line["firm"] == 3, line["value"], grunfeld["value"]))
    with pytest.raises(IdentificationError, match="without error: '3'"):
        diagnostics.panic(line, "value", trend=True)


def test_bridge_distribution():
    """Quantiles of Cramer and von Mises' distribution (Anderson and Darling 1952, table 1)."""
    from migdev.kernels.bridge import bridge_integral_cdf, bridge_pvalue

    x = np.array([0.02480, 0.03656, 0.11888, 0.34730, 0.46136, 0.74346])
    assert_allclose(bridge_integral_cdf(x), [0.01, 0.05, 0.5, 0.9, 0.95, 0.99], atol=6e-5)
    assert_allclose(bridge_pvalue(-0.5 / np.sqrt(x)), bridge_integral_cdf(x), rtol=1e-12)
    t = np.array([-80.0, -20.0, -3.0, -1.0, -1e-8, 0.0, 2.0])
    p = bridge_pvalue(t)
    assert (np.diff(p) >= 0).all()
    assert np.isfinite(p).all()
    assert p[-1] == p[-2] == 1.0


@pytest.mark.slow
def test_panic_with_trend_keeps_its_size():
    """N = 40, T = 100, 300 draws, drifts of their own: walks keep 5%, stationary components about
    a trend and under a random-walk factor are found."""
    rng, reps, N, T = np.random.default_rng(27), 300, 40, 100
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    size = power = 0
    for _ in range(reps):
        drift = rng.standard_normal((N, 1)) * np.arange(T)
        loadings = 1 + 0.5 * rng.standard_normal((N, 1))
        walk = np.cumsum(rng.standard_normal((N, T)), axis=1)
        data = {"y": drift + walk + loadings * rng.standard_normal(T)}
        noise = rng.standard_normal((N, T))
        data["z"] = drift + loadings * np.cumsum(2 * rng.standard_normal(T)) + noise
        panel = md.Panel.from_frame(
            pd.DataFrame({**keys, **{k: v.ravel() for k, v in data.items()}}),
            entity="e", time="t",
        )  # fmt: skip
        size += diagnostics.panic(panel, "y", factors=1, trend=True).pvalue < 0.05
        power += diagnostics.panic(panel, "z", factors=1, trend=True).pvalue < 0.05
    print(size / reps, power / reps)
    assert 0.01 < size / reps < 0.12, size / reps
    assert power / reps > 0.95, power / reps
