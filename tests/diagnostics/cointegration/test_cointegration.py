"""Pedroni, Kao and Westerlund written out entity by entity, and held to their theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.special import ndtr

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)


@pytest.fixture(scope="module")
def samples(grunfeld):
    firm = grunfeld.entity_codes
    late = grunfeld["year"].to_numpy() - 1935 >= (2 * firm) % 5
    return {"balanced": grunfeld, "unbalanced": grunfeld.where(late, "late entry")}


def _lrv(u, lags, n):
    total = u @ u / n
    for j in range(1, lags + 1):
        total += 2 * (1 - j / (lags + 1)) * (u[j:] @ u[:-j]) / n
    return total


def _pedroni_by_loops(frame, X, trend, p, k):
    """Pedroni (1999), table 1, with xtpedroni's divisors."""
    rows = []
    for _, g in frame.groupby("firm"):
        y, x, T = g["inv"].to_numpy(), g[X].to_numpy(), len(g)
        Z = np.column_stack([np.ones(T), x, *([np.arange(T)] if trend else [])])
        e = sm.OLS(y, Z).fit().resid
        L = _lrv(sm.OLS(np.diff(y), np.diff(x, axis=0)).fit().resid, k, T - 1)
        u = sm.OLS(e[1:], e[:-1]).fit().resid
        s2, lr = u @ u / (T - 1), _lrv(u, k, T - 1)
        drift = e[:-1] @ np.diff(e) - 0.5 * (lr - s2) * T
        d = np.diff(e)
        lagged = np.column_stack([d[p - j : len(d) - j] for j in range(1, p + 1)])
        M = np.eye(len(d) - p) - lagged @ np.linalg.pinv(lagged)
        dy, lev = M @ d[p:], M @ e[p:-1]
        top, bottom = dy @ lev, lev @ lev
        star = (dy @ dy - top**2 / bottom) / (T - 2 * p - 2)
        rows.append((L, lr, drift, e[:-1] @ e[:-1], T, top, bottom, star))
    L, lr, drift, ee, T, top, bottom, star = np.array(rows).T
    root = np.sqrt(len(rows))
    return {
        "panel-v": root**3 / np.sum(ee / L / T**2),
        "panel-rho": root * np.sum(T * drift / L) / np.sum(ee / L),
        "panel-t": np.sum(drift / L) / np.sqrt(np.mean(lr / L) * np.sum(ee / L)),
        "panel-adf": np.sum(top / L) / np.sqrt(np.mean(star / L) * np.sum(bottom / L)),
        "group-rho": np.sum(T * drift / ee) / root,
        "group-t": np.sum(drift / np.sqrt(lr * ee)) / root,
        "group-adf": np.sum(top / np.sqrt(star * bottom)) / root,
    }


@pytest.mark.parametrize("sample", ["balanced", "unbalanced"])
@pytest.mark.parametrize("trend", [False, True])
def test_pedroni_by_loops(samples, sample, trend):
    X = ["value", "capital"]
    test = diagnostics.pedroni(
        samples[sample], "inv ~ value + capital", lags=1, bandwidth=2, trend=trend
    )
    table = test.detail["statistics"]
    for name, value in _pedroni_by_loops(samples[sample].frame, X, trend, 1, 2).items():
        assert_allclose(table.loc[name, "statistic"], value, rtol=1e-8)
    # Two regressors: moments of the second row of the published table.
    mean, var = (-2.872, 0.555) if trend else (-2.453, 0.618)
    z = (table.loc["group-adf", "statistic"] - mean * np.sqrt(10)) / np.sqrt(var)
    assert_allclose([test.statistic, test.pvalue], [z, ndtr(z)])


def test_pedroni_lag_choice_and_options(grunfeld):
    aic = diagnostics.pedroni(grunfeld, "inv ~ value", max_lags=2)
    assert "aic" in aic.note
    v = diagnostics.pedroni(grunfeld, "inv ~ value", statistic="panel-v")
    assert_allclose(v.pvalue, 1 - ndtr(v.statistic))
    for bad, message in (
        ({"statistic": "rho"}, "statistic='rho'"), ({"trend": "n"}, "needs an intercept"),
        ({"lags": "hq"}, "lags='hq'"),
    ):  # fmt: skip
        with pytest.raises(SpecificationError, match=message):
            diagnostics.pedroni(grunfeld, "inv ~ value", **bad)
    with pytest.raises(SpecificationError, match="names no regressor"):
        diagnostics.pedroni(grunfeld, "inv")


def test_kao_by_loops(grunfeld):
    frame = grunfeld.frame
    fe = md.FixedEffects(formula="inv ~ value").fit(grunfeld)
    beta = fe.params["value"]
    e = {f: None for f in frame["firm"].unique()}
    w = []
    for f, g in frame.groupby("firm"):
        y, x = g["inv"].to_numpy(), g["value"].to_numpy()
        e[f] = y - y.mean() - beta * (x - x.mean())
        w.append(np.column_stack([np.diff(y), np.diff(x)]))
    level = np.concatenate([v[1:-1] for v in e.values()])
    d = np.concatenate([np.diff(v)[1:] for v in e.values()])
    d1 = np.concatenate([np.diff(v)[:-1] for v in e.values()])
    Z = np.column_stack([level, d1])
    b = np.linalg.lstsq(Z, d, rcond=None)[0]
    s2 = np.sum((d - Z @ b) ** 2) / len(d)
    t = b[0] / np.sqrt(s2 * np.linalg.inv(Z.T @ Z)[0, 0])
    n = len(w[0])
    S = sum(v.T @ v for v in w) / (10 * n)
    G = sum(v[1:].T @ v[:-1] for v in w) / (10 * n)
    O = S + 0.5 * (G + G.T)  # noqa: E741
    v, v0 = (m[0, 0] - m[0, 1] ** 2 / m[1, 1] for m in (S, O))
    z = (t + np.sqrt(60 * v / v0) / 2) / np.sqrt(v0 / (2 * v) + 0.3 * v / v0)
    test = diagnostics.kao(grunfeld, "inv ~ value", lags=1, bandwidth=1)
    assert_allclose(test.statistic, z, rtol=1e-8)
    assert set(test.detail) == {"ADF", "DF-rho*", "DF-t*", "DF-rho", "DF-t"}


def _westerlund_by_loops(frame, trend, p, q, k):
    """Westerlund (2007) with xtwest's divisors, one regressor."""
    rows = []
    for _, g in frame.groupby("firm"):
        y, x, T = g["inv"].to_numpy(), g["value"].to_numpy(), len(g)
        dy, dx = np.diff(y), np.diff(x)
        at = np.arange(p, len(dy) - q)
        det = [np.ones(len(dy)), *([np.arange(len(dy))] if trend else [])]
        W = np.column_stack(
            [
                *[v[at] for v in det], x[at], *[dy[at - j] for j in range(1, p + 1)],
                *[dx[at - j] for j in range(-q, p + 1)],
            ]
        )  # fmt: skip
        fit = sm.OLS(dy[at], np.column_stack([y[at], W])).fit()
        b, c = fit.params, len(det)
        far = np.arange(p, len(dy))
        u = dy[far] - b[0] * y[far] - sum(b[1 + j] * det[j][far] for j in range(c))
        u = u - b[1 + c] * x[far] - sum(b[1 + c + j] * dy[far - j] for j in range(1, p + 1))
        centred = dy - dy.mean() if trend else dy
        ratio = np.sqrt(_lrv(u, k, len(u)) / _lrv(centred, k, len(centred)))
        M = np.eye(len(at)) - W @ np.linalg.pinv(W)
        rows.append(
            (
                b[0],
                fit.bse[0],
                ratio,
                fit.df_resid,
                y[at] @ M @ dy[at],
                y[at] @ M @ y[at],
                fit.ssr,
                T,
            )
        )
    a, se, ratio, df, cross, square, ssr, T = np.array(rows).T
    tn = T.mean() - p - q - 1 - (len(det) + 2 + p + (p + q + 1))
    pooled = np.sum(cross / ratio) / square.sum()
    s2 = np.mean(ssr / tn / ratio**2)
    return [
        np.mean(a / se),
        np.mean(df * a / ratio),
        pooled / np.sqrt(s2 / square.sum()),
        tn * pooled,
    ]


@pytest.mark.parametrize("sample", ["balanced", "unbalanced"])
@pytest.mark.parametrize("trend", [False, True])
@pytest.mark.parametrize(("lags", "leads"), [(1, 0), (2, 1)])
def test_westerlund_by_loops(samples, sample, trend, lags, leads):
    test = diagnostics.westerlund(
        samples[sample], "inv ~ value", trend=trend, lags=lags, leads=leads, bandwidth=2
    )
    expected = _westerlund_by_loops(samples[sample].frame, trend, lags, leads, 2)
    assert_allclose(test.detail["statistics"]["statistic"], expected, rtol=1e-6)
    mean, var = (-2.3664, 0.6603) if trend else (-1.7776, 0.8071)
    assert_allclose(test.statistic, np.sqrt(10) * (expected[0] - mean) / np.sqrt(var), rtol=1e-6)


def test_westerlund_chooses_lags_and_bootstraps(grunfeld):
    chosen = diagnostics.westerlund(grunfeld, "inv ~ value", lags="aic", max_lags=2)
    assert set(chosen.detail["by_entity"]["lags"]) <= {0, 1, 2}
    some = diagnostics.westerlund(grunfeld, "inv ~ value", lags="aic", min_lags=1, max_lags=2)
    assert set(some.detail["by_entity"]["lags"]) <= {1, 2}
    with pytest.raises(SpecificationError, match="min_lags=4"):
        diagnostics.westerlund(grunfeld, "inv ~ value", lags="aic", min_lags=4)
    boot = diagnostics.westerlund(grunfeld, "inv ~ value", draws=99, seed=3)
    again = diagnostics.westerlund(grunfeld, "inv ~ value", draws=99, seed=3)
    assert boot.pvalue == again.pvalue
    assert 0 < boot.pvalue <= 1
    with pytest.raises(SpecificationError, match="fixed lags"):
        diagnostics.westerlund(grunfeld, "inv ~ value", lags="aic", draws=9)


@pytest.mark.parametrize("common", [True, False])
def test_westerlund_orders_by_loops(grunfeld, common):
    """The common sample by the AIC per period; own samples by that of Stata's estat ic."""
    test = diagnostics.westerlund(
        grunfeld, "inv ~ value", lags="aic", max_lags=3, leads=1, common_sample=common
    )
    expected = []
    for _, g in grunfeld.frame.groupby("firm"):
        y, x = g["inv"].to_numpy(), g["value"].to_numpy()
        dy, dx = np.diff(y), np.diff(x)
        found = {}
        for p in range(4):
            for q in range(2):
                rows = range(3, 18) if common else range(p, 19 - q)
                X = [
                    [1, y[t], x[t], *(dy[t - j] for j in range(1, p + 1)),
                     *(dx[t - j] for j in range(-q, p + 1))]
                    for t in rows
                ]  # fmt: skip
                found[p, q] = sm.OLS(dy[list(rows)], np.array(X)).fit().aic
        expected.append(min(found, key=found.get))
    chosen = test.detail["by_entity"][["lags", "leads"]].to_numpy()
    assert_allclose(chosen, expected)


def test_short_gappy_and_constant_series(samples, grunfeld):
    with pytest.raises(PanelError, match="balanced"):
        diagnostics.kao(samples["unbalanced"], "inv ~ value")
    short = grunfeld.where("firm != 5 or year > 1949")
    with pytest.raises(IdentificationError, match="'5'"):
        diagnostics.westerlund(short, "inv ~ value", lags=1)
    with pytest.warns(DroppedEntitiesWarning, match="'5'"):
        test = diagnostics.westerlund(short, "inv ~ value", lags=1, short="drop")
    assert len(test.detail["by_entity"]) == 9
    gappy = grunfeld.where("~(firm == 2 and year == 1937)")
    with pytest.warns(DroppedRowsWarning, match="longest spell: 2"):
        diagnostics.pedroni(gappy, "inv ~ value", lags=1)
    flat = grunfeld.assign(value=np.where(grunfeld["firm"] == 6, 1.0, grunfeld["value"]))
    for test in (diagnostics.pedroni, diagnostics.kao, diagnostics.westerlund):
        with pytest.raises(IdentificationError, match="collinear variable: '6'"):
            test(flat, "inv ~ value", lags=1)


def _system(rng, N, T, root, factor=0.0):
    x = np.cumsum(rng.standard_normal((N, T)) + factor * rng.standard_normal(T), axis=1)
    e = rng.standard_normal((N, T)) + factor * rng.standard_normal(T)
    u = np.zeros((N, T))
    for t in range(1, T):
        u[:, t] = root * u[:, t - 1] + e[:, t]
    frame = pd.DataFrame(
        {
            "e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N),
            "y": (x + u).ravel(), "x": x.ravel(),
        }
    )  # fmt: skip
    return md.Panel.from_frame(frame, entity="e", time="t")


@pytest.mark.slow
def test_size_and_power():
    """N = 20, T = 100, 300 draws; a factor breaks Westerlund's normal, not his bootstrap."""
    rng, reps = np.random.default_rng(8), 300
    size = np.zeros(4)
    power = np.zeros(3)
    factor = np.zeros(2)
    for draw in range(reps):
        panel = _system(rng, 20, 100, 1.0)
        size += [
            diagnostics.pedroni(panel, "y ~ x", lags=1).pvalue < 0.05,
            diagnostics.kao(panel, "y ~ x").pvalue < 0.05,
            diagnostics.westerlund(panel, "y ~ x").pvalue < 0.05,
            diagnostics.westerlund(panel, "y ~ x", statistic="Pa").pvalue < 0.05,
        ]
        panel = _system(rng, 20, 100, 0.8)
        power += [
            diagnostics.pedroni(panel, "y ~ x", lags=1).pvalue < 0.05,
            diagnostics.kao(panel, "y ~ x").pvalue < 0.05,
            diagnostics.westerlund(panel, "y ~ x").pvalue < 0.05,
        ]
        if draw < 100:
            panel = _system(rng, 20, 50, 1.0, factor=2.0)
            test = diagnostics.westerlund(panel, "y ~ x", draws=99, seed=draw)
            both = test.detail["statistics"].loc["Gt", ["p_value", "bootstrap_p_value"]]
            factor += both.to_numpy(dtype=float) < 0.05
    assert (size / reps < 0.13).all(), size / reps
    assert (size / reps > 0.01).all(), size / reps
    assert (power / reps > 0.9).all(), power / reps
    assert factor[0] / 100 > 0.18, factor
    assert factor[1] / 100 < 0.13, factor
