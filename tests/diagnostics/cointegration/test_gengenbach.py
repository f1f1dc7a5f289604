"""The average error-correction t-statistic by statsmodels; its critical values by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import DroppedEntitiesWarning, IdentificationError, SpecificationError
from migdev.kernels.cointegration.augmented_ecm import augmented_ecm, ecm_critical_values


def _panel(seed, N, T, m, gaps=False):
    rng = np.random.default_rng(seed)
    f = np.cumsum(rng.standard_normal((T, m + 1)), axis=0)
    Z = np.cumsum(rng.standard_normal((N, T, m + 1)), axis=1)
    Z = 50 + Z + (1 + rng.standard_normal((N, 1, m + 1))) * f
    frame = pd.DataFrame({"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)})
    for j in range(m + 1):
        frame["yxzvw"[j]] = Z[:, :, j].ravel()
    if gaps:
        frame = frame[((3 * frame["e"] + frame["t"]) % 23 != 0) & (frame["t"] >= frame["e"] % 4)]
    return md.Panel.from_frame(frame, entity="e", time="t")


def _by_entity(frame, names, lags, trend):
    wide = {n: frame.pivot(index="t", columns="e", values=n) for n in names}
    pieces = {}
    for n, w in wide.items():
        pieces[n, "level"] = w.shift(1)
        for j in range(lags + 1):
            pieces[n, j] = w.shift(j) - w.shift(j + 1)
    usable = sum(p.notna().astype(int) for p in pieces.values()) == len(pieces)
    means = {key: p.where(usable).mean(axis=1) for key, p in pieces.items()}
    t, speed = [], []
    for e in usable.columns:
        at = usable[e].to_numpy()
        own = [pieces[key][e] for key in pieces if key not in ((names[0], 0), (names[0], "level"))]
        X = np.column_stack(
            [pieces[names[0], "level"][e], *own, *means.values(), np.ones(len(at))]
            + ([np.arange(len(at))] if trend else [])
        )
        fit = sm.OLS(pieces[names[0], 0][e].to_numpy()[at], X[at]).fit()
        t.append(fit.tvalues[0])
        speed.append(fit.params[0])
    return t, speed


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize(("m", "lags", "trend"), [(1, 0, False), (1, 2, True), (3, 1, False)])
def test_by_entity(m, lags, trend, gaps):
    panel = _panel(1, 8, 60, m, gaps)
    names = list("yxzvw"[: m + 1])
    test = diagnostics.gengenbach(panel, f"y ~ {' + '.join(names[1:])}", lags=lags, trend=trend)
    t, speed = _by_entity(panel.frame.reset_index(), names, lags, trend)
    assert_allclose(test.detail["by_entity"]["t"], t, rtol=1e-6)
    assert_allclose(test.detail["by_entity"]["speed"], speed, rtol=1e-6)
    assert_allclose(test.statistic, np.mean(t), rtol=1e-6)
    assert "edge (10)" in test.note


def test_critical_values_lie_between_their_rows():
    exact = ecm_critical_values(20, "c", 1)
    assert exact == {"10%": -2.568, "5%": -2.653, "1%": -2.796}
    assert_allclose(ecm_critical_values(45, "ct", 2)["5%"], -(3.306 + 3.282) / 2)
    assert ecm_critical_values(500, "c", 4)["1%"] == -3.584


def test_refusals():
    panel = _panel(2, 5, 40, 2)
    run = diagnostics.gengenbach
    short = panel.where("e != 3 or t > 31")
    with pytest.raises(IdentificationError, match="'3'"):
        run(short, "y ~ x")
    with pytest.warns(DroppedEntitiesWarning, match="'3'"):
        test = run(short, "y ~ x", short="drop")
    rest = run(panel.where("e != 3"), "y ~ x")
    assert_allclose(test.statistic, rest.statistic, rtol=1e-9)
    flat = panel.assign(x=np.where(panel["e"] == 4, 1.0, panel["x"]))
    with pytest.raises(IdentificationError, match="constant variable or a collinear.*'4'"):
        run(flat, "y ~ x")
    for formula in ("y", "y ~ 1", "y ~ x + z + I(x**2) + I(z**2) + I(x*z)"):
        with pytest.raises(SpecificationError, match="regressor"):
            run(panel, formula)
    for bad, message in (
        ({"lags": -1}, "lags=-1"), ({"lags": "aic"}, "lags='aic'"), ({"trend": "n"}, "intercept"),
    ):  # fmt: skip
        with pytest.raises(SpecificationError, match=message):
            run(panel, "y ~ x", **bad)
    with pytest.raises(IdentificationError, match="at least three"):
        run(panel.where("e == 1"), "y ~ x")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("N", "m", "trend"), [(10, 1, "c"), (30, 1, "ct"), (100, 1, "c"), (20, 3, "c")]
)
def test_critical_values_by_simulation(N, m, trend):
    """T = 200, no cointegration, common stochastic trends, 600 draws."""
    rng, reps, T = np.random.default_rng(25), 600, 200
    entity, time = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    draws = []
    for _ in range(reps):
        f = np.cumsum(rng.standard_normal((T, m + 1)), axis=0)
        Z = np.cumsum(rng.standard_normal((N, T, m + 1)), axis=1)
        Z += (1 + rng.standard_normal((N, 1, m + 1))) * f
        fit = augmented_ecm(Z.reshape(N * T, m + 1), entity, time, 0, trend)
        draws.append(fit.t.mean())
    cuts = ecm_critical_values(N, trend, m)
    for level, p in (("10%", 0.1), ("5%", 0.05)):
        share = np.mean(np.array(draws) < cuts[level])
        print(N, m, trend, level, share)
        assert abs(share - p) < 3.29 * np.sqrt(p * (1 - p) / reps), (level, share)


@pytest.mark.slow
def test_finds_cointegration():
    """N = 20, T = 60, 100 draws, errors with root 0.6 about a common stochastic trend."""
    rng, reps, N, T, found = np.random.default_rng(26), 100, 20, 60, 0
    for _ in range(reps):
        f = np.cumsum(rng.standard_normal(T))
        x = np.cumsum(rng.standard_normal((N, T)), axis=1) + f
        u = np.zeros((N, T))
        for t in range(1, T):
            u[:, t] = 0.6 * u[:, t - 1] + rng.standard_normal(N)
        frame = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
        frame |= {"x": x.ravel(), "y": (x + (1 + rng.standard_normal((N, 1))) * f + u).ravel()}
        panel = md.Panel.from_frame(pd.DataFrame(frame), entity="e", time="t")
        test = diagnostics.gengenbach(panel, "y ~ x")
        found += test.statistic < test.critical_values["5%"]
    print(found)
    assert found > 95, found
