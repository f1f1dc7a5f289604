"""PANIC by hand with numpy's SVD and statsmodels, and its size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import PanelError, SpecificationError


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
