"""Correlated random effects: equal to fixed effects, and a test of random effects."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import IdentificationError, SpecificationError, VarianceComponentWarning
from tests.static_panels import SAMPLES, sample_panel


def quietly(spec, panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # components at zero, absorbed regressors
        return spec.fit(panel)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("method", ["swamy-arora", "wallace-hussain"])
def test_slopes_equal_fixed_effects(sample: str, method: str) -> None:
    panel, formula = sample_panel(sample)
    cre = quietly(md.CorrelatedRandomEffects(formula=formula, method=method), panel)
    fe = quietly(md.FixedEffects(formula=formula, singletons="keep"), panel)
    np.testing.assert_allclose(cre.params[fe.names], fe.params, rtol=1e-7)


def test_weighted_slopes_equal_weighted_fixed_effects() -> None:
    panel, formula = sample_panel("produc.gaps")
    panel = panel.assign(w=0.5 + np.arange(len(panel)) % 7)
    cre = md.CorrelatedRandomEffects(formula=formula, weights="w").fit(panel)
    fe = md.FixedEffects(formula=formula, weights="w").fit(panel)
    np.testing.assert_allclose(cre.params[fe.names], fe.params, rtol=1e-8)


@pytest.mark.parametrize("sample", ["grunfeld.full", "grunfeld.gaps"])
def test_time_dummies(sample: str) -> None:
    """In unbalanced panels the means of time dummies differ, and belong in (Wooldridge 2019)."""
    panel, formula = sample_panel(sample)
    formula += " + C(year)"
    # more regressors than entities: Swamy-Arora has no between regression
    cre = quietly(md.CorrelatedRandomEffects(formula=formula, method="nerlove"), panel)
    fe = quietly(md.FixedEffects(formula=formula), panel)
    np.testing.assert_allclose(cre.params[fe.names], fe.params, rtol=1e-7, atol=1e-9)
    means = [name for name in cre.means if "year" in name]
    if panel.balanced:
        assert not means
        assert sum("mean(C(year)" in name for name in cre.dropped_columns) == 19
    else:
        assert means


def test_mundlak_statistic_is_the_wald_of_the_means(produc: md.Panel) -> None:
    spec = md.CorrelatedRandomEffects(formula="unemp ~ np.log(pcap) + np.log(pc)")
    fit = spec.fit(produc)
    assert fit.means == ("mean(np.log(pcap))", "mean(np.log(pc))")
    b, V = fit.params[list(fit.means)], fit.cov.loc[list(fit.means), list(fit.means)]
    want = float(b @ np.linalg.solve(V, b)) / 2
    assert fit.stats["mundlak"].statistic == pytest.approx(want, rel=1e-10)
    assert fit.stats["mundlak"].df == (2, fit.df_resid)


def test_mundlak_statistic_follows_the_covariance(produc: md.Panel) -> None:
    spec = md.CorrelatedRandomEffects(formula="unemp ~ np.log(pcap) + np.log(pc)")
    fit = spec.fit(produc)
    robust = fit.with_cov(md.Clustered("entity"))
    again = md.CorrelatedRandomEffects(formula=spec.formula, cov=md.Clustered("entity"))
    assert robust.stats["mundlak"] == again.fit(produc).stats["mundlak"]
    assert robust.stats["mundlak"].statistic != fit.stats["mundlak"].statistic
    assert fit.with_cov(md.Unadjusted()).stats["mundlak"] == fit.stats["mundlak"]


def test_constant_regressors_have_no_mean() -> None:
    panel, formula = sample_panel("wages_fixed.full")
    fit = md.CorrelatedRandomEffects(formula=formula).fit(panel)
    assert "ed" in fit.names
    assert fit.means == ("mean(wks)", "mean(union)", "mean(smsa)")


def test_fewer_clusters_than_means(grunfeld: md.Panel) -> None:
    panel = grunfeld.assign(block=grunfeld.entity_codes // 5)
    spec = md.CorrelatedRandomEffects(formula="inv ~ value + capital", cov=md.Clustered("block"))
    fit = quietly(spec, panel)
    assert np.isnan(fit.stats["mundlak"].statistic)
    assert "clusters" in fit.stats["mundlak"].note


def test_what_goes_wrong(grunfeld: md.Panel) -> None:
    panel = grunfeld.assign(size=grunfeld.entity_codes.astype(float))
    with pytest.raises(IdentificationError, match="no regressor varies over time"):
        md.CorrelatedRandomEffects(formula="inv ~ size").fit(panel)
    with pytest.raises(IdentificationError, match="do not differ between entities"):
        md.CorrelatedRandomEffects(formula="inv ~ year").fit(panel)
    with pytest.raises(SpecificationError, match="'nerlove'"):
        md.CorrelatedRandomEffects(formula="inv ~ value", method="fe")


@pytest.mark.slow
@pytest.mark.parametrize("dependence", [0.0, 1.0])
def test_mundlak_size_and_power(dependence: float) -> None:
    rng, reps, rejected = np.random.default_rng(3), 600, 0
    i, t = np.repeat(np.arange(60), 5), np.tile(np.arange(5), 60)
    for _ in range(reps):
        level = rng.standard_normal(60)
        x = level[i] + rng.standard_normal(300)
        effect = dependence * level + rng.standard_normal(60)
        y = x + effect[i] + rng.standard_normal(300)
        frame = pd.DataFrame({"i": i, "t": t, "x": x, "y": y})
        panel = md.Panel.from_frame(frame, entity="i", time="t")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VarianceComponentWarning)
            fit = md.CorrelatedRandomEffects(formula="y ~ x", cov=md.Clustered("entity")).fit(panel)
        rejected += fit.stats["mundlak"].pvalue < 0.05
    if dependence:
        assert rejected / reps > 0.95
    else:
        assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps)
