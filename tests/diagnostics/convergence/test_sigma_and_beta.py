"""Sigma and beta convergence against statsmodels, scipy and the theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy import stats

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    IdentificationError,
    PanelError,
    ResultError,
    SpecificationError,
)


def _panel(X, start=1990, **more):
    N, T = X.shape
    frame = pd.DataFrame(
        {
            "e": np.repeat([f"C{i:02d}" for i in range(N)], T),
            "t": np.tile(np.arange(start, start + T), N), "x": X.ravel(),
            **{name: values.ravel() for name, values in more.items()},
        }
    )  # fmt: skip
    return md.Panel.from_frame(frame.dropna(subset=["x"]), entity="e", time="t")


def _converging(rng, N=40, T=25, speed=0.05, noise=0.01):
    start = rng.standard_normal((N, 1))
    t = np.arange(T)
    return 8 + 0.02 * t + start * np.exp(-speed * t) + noise * rng.standard_normal((N, T))


def test_sigma_trend_is_the_hac_regression_of_statsmodels():
    X = _converging(np.random.default_rng(0))
    test = diagnostics.sigma_convergence(_panel(X), "x", bandwidth=3)
    s = X.std(axis=0, ddof=1)
    ols = sm.OLS(s, sm.add_constant(np.arange(25.0))).fit(
        cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True}, use_t=True
    )
    assert_allclose(test.detail["by_period"]["dispersion"], s, rtol=1e-12)
    assert_allclose(test.detail["trend"], ols.params[1], rtol=1e-9)
    assert_allclose(test.detail["std_error"], ols.bse[1], rtol=1e-9)
    assert_allclose(test.pvalue, ols.pvalues[1], rtol=1e-7)
    assert test.alternative == "dispersion falls"


def test_equal_ends_are_those_of_pitman_and_morgan():
    """The variances are equal where sum and difference are uncorrelated: T2 is the likelihood ratio
    of that, with Carree and Klomp's scale."""
    X = _converging(np.random.default_rng(1), N=30)
    ends = diagnostics.sigma_convergence(_panel(X), "x").detail["ends"]
    r = stats.pearsonr(X[:, 0] + X[:, -1], X[:, 0] - X[:, -1]).statistic
    assert_allclose(ends.statistic, -(30 - 2.5) * np.log(1 - r**2), rtol=1e-9)
    V = np.cov(X[:, 0], X[:, -1])
    gap = (V[0, 0] - V[1, 1]) ** 2 / (V[0, 0] * V[1, 1] - V[0, 1] ** 2)
    assert_allclose(ends.statistic, 27.5 * np.log(1 + gap / 4), rtol=1e-9)


def test_sigma_keeps_whole_entities_or_any():
    X = _converging(np.random.default_rng(2), N=10)
    X[3, :5] = np.nan
    with pytest.warns(DroppedEntitiesWarning, match="C03"):
        whole = diagnostics.sigma_convergence(_panel(X), "x")
    same = diagnostics.sigma_convergence(_panel(np.delete(X, 3, axis=0)), "x")
    assert_allclose(whole.statistic, same.statistic)
    every = diagnostics.sigma_convergence(_panel(X), "x", entities="any", measure="variance")
    assert_allclose(every.detail["by_period"]["dispersion"], np.nanvar(X, axis=0, ddof=1))
    cv = diagnostics.sigma_convergence(_panel(X), "x", entities="any", measure="cv")
    assert_allclose(
        cv.detail["by_period"]["dispersion"],
        np.nanstd(X, axis=0, ddof=1) / np.nanmean(X, axis=0),
    )


def test_sigma_refusals():
    X = _converging(np.random.default_rng(3), N=6)
    with pytest.raises(SpecificationError, match="measure"):
        diagnostics.sigma_convergence(_panel(X), "x", measure="gini")
    with pytest.raises(SpecificationError, match="entities"):
        diagnostics.sigma_convergence(_panel(X), "x", entities="some")
    with pytest.raises(PanelError, match="Give levels"):
        diagnostics.sigma_convergence(_panel(X - 10), "x", measure="cv")
    with pytest.raises(IdentificationError, match="four periods"):
        diagnostics.sigma_convergence(_panel(X[:, :3]), "x")
    X[1:, 0] = np.nan
    with pytest.raises(IdentificationError, match="1 of 6 entities"):
        diagnostics.sigma_convergence(_panel(X), "x")


def test_beta_is_the_regression_of_statsmodels():
    rng = np.random.default_rng(4)
    X = _converging(rng)
    z = rng.uniform(1, 2, (40, 25))
    X = X + 0.3 * z.mean(axis=1, keepdims=True) * np.linspace(0, 1, 25)
    result = diagnostics.beta_convergence(_panel(X, z=z), "x", controls=["np.log(z)"])
    W = sm.add_constant(np.column_stack([X[:, 0], np.log(z).mean(axis=1)]))
    ols = sm.OLS((X[:, -1] - X[:, 0]) / 24, W).fit(cov_type="HC1")
    assert_allclose(result.fit.params, ols.params, rtol=1e-8)
    assert_allclose(result.fit.cov, ols.cov_params(), rtol=1e-7)
    b, se = ols.params[1], ols.bse[1]
    speed = -np.log(1 + 24 * b) / 24
    assert_allclose(result.speed.estimate, speed, rtol=1e-8)
    assert_allclose(result.speed.std_error, se / (1 + 24 * b), rtol=1e-6)
    assert_allclose(result.half_life.estimate, np.log(2) / speed, rtol=1e-8)
    assert_allclose(result.half_life.std_error, np.log(2) / speed**2 * se / (1 + 24 * b), rtol=1e-6)
    at_first = diagnostics.beta_convergence(
        _panel(X, z=z), "x", controls=("z",), controls_at="first"
    )
    W = sm.add_constant(np.column_stack([X[:, 0], z[:, 0]]))
    ols = sm.OLS((X[:, -1] - X[:, 0]) / 24, W).fit()
    assert_allclose(at_first.fit.params, ols.params, rtol=1e-8)


def test_beta_recovers_the_speed_and_reads_a_span():
    X = _converging(np.random.default_rng(5), N=200, noise=0.001)
    result = diagnostics.beta_convergence(_panel(X), "x", first=1995, last=2010)
    assert result.periods == 15
    low, high = result.speed.conf_int(0.999)
    assert low < 0.05 < high
    assert "1995 to 2010" in str(result)
    assert "half-life" in str(result)


def test_beta_without_convergence_has_no_half_life():
    X = _converging(np.random.default_rng(6), speed=-0.02)
    result = diagnostics.beta_convergence(_panel(X), "x")
    assert result.speed.estimate < 0
    with pytest.raises(ResultError, match="do not close"):
        _ = result.half_life
    assert "half-life" not in str(result)
    X[:, -1] = 16 - X[:, 0] + 0.01 * np.random.default_rng(7).normal(size=len(X))
    with pytest.raises(ResultError, match="change places"):
        _ = diagnostics.beta_convergence(_panel(X), "x").speed


def test_beta_names_entities_without_ends():
    X = _converging(np.random.default_rng(7), N=12)
    X[2, 0] = np.nan
    panel = _panel(X)
    with pytest.raises(IdentificationError, match="C02"):
        diagnostics.beta_convergence(panel, "x")
    with pytest.warns(DroppedEntitiesWarning, match="C02"):
        result = diagnostics.beta_convergence(panel, "x", missing="drop")
    assert result.fit.nobs == 11
    with pytest.raises(IdentificationError, match="both ends"):
        diagnostics.beta_convergence(panel, "x", first=1980)
    with pytest.raises(SpecificationError, match="sequence"):
        diagnostics.beta_convergence(panel, "x", controls="z")
    with pytest.raises(SpecificationError, match="controls_at"):
        diagnostics.beta_convergence(panel, "x", controls_at="last")
    with pytest.raises(SpecificationError, match="missing"):
        diagnostics.beta_convergence(panel, "x", missing="fill")
