"""The Durbin-Hausman tests written out entity by entity, their size and power."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtr

import migdev as md
from migdev import diagnostics
from migdev.errors import IdentificationError, PanelError, SpecificationError


def _long_run(u, lags):
    s = u @ u / len(u)
    return s, s + 2 * sum(
        (1 - j / (lags + 1)) * (u[j:] @ u[:-j]) / len(u) for j in range(1, lags + 1)
    )


def _by_loops(frame, y, X, r, lags):
    """Westerlund (2008), section 3."""
    d = []
    for _, g in frame.groupby("firm"):
        dy, dx = np.diff(g[y].to_numpy()), np.diff(g[X].to_numpy(), axis=0)
        d.append(dy - dx @ np.linalg.lstsq(dx, dy, rcond=None)[0])
    u, s, v = np.linalg.svd(np.array(d), full_matrices=False)
    e = np.cumsum(np.array(d) - (u[:, :r] * s[:r]) @ v[:r], axis=1)
    own = []
    for w in e:
        ols, iv = w[1:] @ w[:-1] / (w[:-1] @ w[:-1]), w[1:] @ w[1:] / (w[1:] @ w[:-1])
        sigma, omega = _long_run(w[1:] - ols * w[:-1], lags)
        own.append(omega / sigma**2 * (iv - ols) ** 2 * (w[:-1] @ w[:-1]))
    a, b = e[:, 1:].ravel(), e[:, :-1].ravel()
    ols, iv = a @ b / (b @ b), a @ a / (a @ b)
    sigma, omega = np.array([_long_run(w[1:] - ols * w[:-1], lags) for w in e]).mean(axis=0)
    pooled = omega / sigma**2 * (iv - ols) ** 2 * (b @ b)
    N = len(e)
    return (
        np.sqrt(N) * (np.mean(own) - 5.5464) / np.sqrt(36.7673),
        np.sqrt(N) * (pooled / N - 1 / 0.5005) / np.sqrt(0.3348 / 0.5005**4),
    )


@pytest.mark.parametrize("factors", [0, 1, 2])
@pytest.mark.parametrize("X", [["value"], ["value", "capital"]])
def test_by_loops(grunfeld, X, factors):
    def run(**options):
        return diagnostics.westerlund_durbin_hausman(
            grunfeld, f"inv ~ {' + '.join(X)}", factors=factors, **options
        )

    expected = _by_loops(grunfeld.frame, "inv", X, factors, 2)
    test = run()
    assert_allclose(test.detail["statistics"]["z"], expected, rtol=1e-7)
    assert_allclose([test.statistic, test.pvalue], [expected[0], ndtr(-expected[0])], rtol=1e-7)
    assert_allclose(run(statistic="DHp").statistic, expected[1], rtol=1e-7)
    none = _by_loops(grunfeld.frame, "inv", X, factors, 0)
    assert_allclose(run(bandwidth=0).detail["statistics"]["z"], none, rtol=1e-7)
    shifted = grunfeld.assign(inv=grunfeld["inv"] + 1000 * grunfeld["firm"])
    again = diagnostics.westerlund_durbin_hausman(
        shifted, f"inv ~ {' + '.join(X)}", factors=factors
    )
    assert_allclose(again.statistic, expected[0], rtol=1e-6)


def test_choice_and_refusals(grunfeld):
    run = diagnostics.westerlund_durbin_hausman
    chosen = run(grunfeld, "inv ~ value", factors="GR", max_factors=3)
    assert 0 <= chosen.detail["factors"] <= 3
    fixed = run(grunfeld, "inv ~ value", factors=chosen.detail["factors"])
    assert chosen.statistic == fixed.statistic
    with pytest.raises(PanelError, match="balanced"):
        run(grunfeld.where("firm != 2 or year > 1940"), "inv ~ value")
    for bad in ({"statistic": "DH"}, {"factors": 9}, {"factors": "AIC"}, {"bandwidth": -1}):
        with pytest.raises(SpecificationError, match=next(iter(bad))):
            run(grunfeld, "inv ~ value", **bad)
    for formula in ("inv", "inv ~ 1"):
        with pytest.raises(SpecificationError, match="names no regressor"):
            run(grunfeld, formula)
    flat = grunfeld.assign(value=np.where(grunfeld["firm"] == 6, 1.0, grunfeld["value"]))
    with pytest.raises(IdentificationError, match="collinear variable: '6'"):
        run(flat, "inv ~ value")


@pytest.mark.slow
def test_size_and_power_under_a_factor():
    """N = 30, T = 100, 300 draws at 5%, a strong factor in y and x: walks as errors, then roots
    of 0.7. The right tail of the statistics is long, so both over-reject a little."""
    rng, reps, N, T = np.random.default_rng(24), 300, 30, 100
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    size, power = np.zeros(2), np.zeros(2)
    for _ in range(reps):
        f = np.cumsum(rng.standard_normal(T))
        loadings = 1 + 0.5 * rng.standard_normal((N, 1))
        x = np.cumsum(rng.standard_normal((N, T)), axis=1) + f
        shocks = rng.standard_normal((N, T))
        u = np.zeros((N, T))
        for t in range(1, T):
            u[:, t] = 0.7 * u[:, t - 1] + shocks[:, t]
        base = x + loadings * rng.standard_normal(T)
        data = {"x": x, "y": base + np.cumsum(shocks, axis=1), "z": base + u}
        panel = md.Panel.from_frame(
            pd.DataFrame({**keys, **{k: v.ravel() for k, v in data.items()}}),
            entity="e", time="t",
        )  # fmt: skip
        for left, count in (("y", size), ("z", power)):
            test = diagnostics.westerlund_durbin_hausman(panel, f"{left} ~ x")
            count += test.detail["statistics"]["p_value"].to_numpy() < 0.05
    print(size / reps, power / reps)
    assert (size / reps < 0.2).all(), size / reps
    assert (size / reps > 0.02).all(), size / reps
    assert (power / reps > 0.9).all(), power / reps
