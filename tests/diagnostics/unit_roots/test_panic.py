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
        with pytest.raises(SpecificationError, match=next(iter(bad))):
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
    from migdev.kernels.unit_roots.panic import bridge_integral_cdf, bridge_pvalue

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


def _modified_q_by_steps(F, m, lags, parametric):
    """Bai and Ng (2004, section 3.2) step by step, with a general eigenvalue solver."""
    T = len(F)
    w, v = np.linalg.eig(F.T @ F / T**2)
    y = F @ v[:, np.argsort(-w)[:m]]
    if parametric:
        d = np.diff(y, axis=0)
        X = np.array([np.concatenate([d[t - j] for j in range(1, lags + 1)])
                      for t in range(lags, T - 1)])  # fmt: skip
        pi = np.linalg.lstsq(X, d[lags:], rcond=None)[0].T
        y = np.array([y[t] - sum(pi[:, (j - 1) * m : j * m] @ y[t - j] for j in range(1, lags + 1))
                      for t in range(lags, T)])  # fmt: skip
        S = np.zeros((m, m))
    else:
        A = np.linalg.solve(y[:-1].T @ y[:-1], y[:-1].T @ y[1:]).T
        u = [y[t] - A @ y[t - 1] for t in range(1, T)]
        S = np.zeros((m, m))
        for j in range(1, lags + 1):
            S += (1 - j / (lags + 1)) * sum(
                np.outer(u[t - j], u[t]) for t in range(j, len(u))
            ) / T  # fmt: skip
    left = sum(np.outer(y[t], y[t - 1]) + np.outer(y[t - 1], y[t]) for t in range(1, len(y)))
    right = sum(np.outer(y[t - 1], y[t - 1]) for t in range(1, len(y)))
    phi = 0.5 * (left - T * (S + S.T)) @ np.linalg.inv(right)
    return T * (np.linalg.eigvals(phi).real.min() - 1)


def _walks(rng, N, T, walks, others, drift=False):
    """A panel under random walks and autoregressions with root 0.5."""
    u = rng.standard_normal((T, walks + others))
    F = np.cumsum(u, axis=0)
    for t in range(1, T):
        u[t] += 0.5 * u[t - 1]
    F[:, walks:] = 2 * u[:, walks:]
    X = (1 + rng.standard_normal((N, walks + others))) @ F.T + rng.standard_normal((N, T))
    X = X + drift * rng.standard_normal((N, 1)) * np.arange(T)
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    return md.Panel.from_frame(pd.DataFrame({**keys, "x": X.ravel()}), entity="e", time="t")


@pytest.mark.parametrize("trend", [False, True])
def test_common_trends_by_steps(trend):
    panel = _walks(np.random.default_rng(31), 30, 80, 2, 1, trend)
    test = diagnostics.panic(panel, "x", factors=3, trend=trend, common_lags=2)
    F = test.detail["factors"].to_numpy()
    t = np.arange(len(F))
    D = np.column_stack([np.ones(len(F)), t]) if trend else np.ones((len(F), 1))
    F = F - D @ np.linalg.lstsq(D, F, rcond=None)[0]
    table = test.detail["common_trends"]
    for m in (1, 2, 3):
        assert_allclose(table.loc[m, "MQ_c"], _modified_q_by_steps(F, m, 2, False), rtol=1e-8)
        assert_allclose(table.loc[m, "MQ_f"], _modified_q_by_steps(F, m, 2, True), rtol=1e-8)
    for name in ("MQ_c", "MQ_f"):
        rejected = [table.loc[m, name] < table.loc[m, "critical_5"] for m in (3, 2, 1)]
        expected = 0 if all(rejected) else 3 - rejected.index(False)
        assert test.detail["trends"][name] == expected
    assert ((table["MQ_c"] < table["critical_5"]) == (table["MQ_c p_value"] < 0.05)).all()


def test_common_trends_distribution():
    """Fuller's limit of T(rho - 1) for one trend (Hamilton 1994, table B.5), and the 5% column of
    Bai and Ng's table for up to six, within simulation error of either."""
    from migdev.kernels.unit_roots.panic import modified_q_pvalue, modified_q_quantile

    for trend, printed in {"c": [-20.7, -14.1, -11.3], "ct": [-29.5, -21.8, -18.3]}.items():
        mine = [modified_q_quantile(p, 1, trend) for p in (0.01, 0.05, 0.1)]
        assert_allclose(mine, printed, rtol=0.03)
    five = {"c": [-13.730, -23.535, -32.296, -40.442, -48.617, -57.040],
            "ct": [-21.313, -31.356, -40.180, -48.421, -55.818, -64.393]}  # fmt: skip
    for trend, printed in five.items():
        mine = [modified_q_quantile(0.05, m, trend) for m in range(1, 7)]
        assert_allclose(mine, printed, rtol=0.035)
        for m in range(1, 7):
            assert modified_q_pvalue(mine[m - 1], m, trend) == pytest.approx(0.05, rel=1e-6)
            p = [modified_q_pvalue(v, m, trend) for v in np.linspace(-150, 10, 60)]
            assert (np.diff(p) > 0).all()
            assert 0 <= p[0] < 1e-3
            assert p[-1] <= 1


def test_common_trends_edges(grunfeld):
    assert diagnostics.panic(grunfeld, "inv", factors=0).detail["trends"]["MQ_c"] == 0
    with pytest.raises(SpecificationError, match="common_lags"):
        diagnostics.panic(grunfeld, "inv", factors=1, common_lags=30)
    rng = np.random.default_rng(32)
    many = diagnostics.panic(_walks(rng, 30, 60, 1, 0), "x", factors=7, max_factors=8)
    assert many.detail["trends"] == {"MQ_c": None, "MQ_f": None}
    assert many.detail["common_trends"].empty
    late = grunfeld.where("firm != 1 or year > 1940")
    with pytest.raises(PanelError, match=r"balanced part holds 9 of 10.*1935 to 1954.*out '1'"):
        diagnostics.panic(late, "inv")


@pytest.mark.slow
def test_common_trends_are_counted():
    """N = 40, T = 200, two random walks among three factors, 200 draws: both find two."""
    rng, reps = np.random.default_rng(33), 200
    found = {"MQ_c": 0, "MQ_f": 0}
    for _ in range(reps):
        trends = diagnostics.panic(_walks(rng, 40, 200, 2, 1), "x", factors=3).detail["trends"]
        for name in found:
            found[name] += trends[name] == 2
    print({k: v / reps for k, v in found.items()})
    assert min(found.values()) / reps > 0.85, found
