"""Hausman tests against plm, matrix algebra and the Mundlak regression."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import migdev as md
from migdev.errors import (
    CovarianceWarning,
    ResultError,
    SpecificationError,
    VarianceComponentWarning,
)
from tests.static_panels import SAMPLES, golden, sample_panel

EFFECTS = {"individual": ("entity",), "time": ("time",), "twoways": ("entity", "time")}
# statistics of 1e-2 to 1e5 from differences of covariances: condition up to 1e5
RTOL = 1e-6


def fits(panel: md.Panel, formula: str, effects: tuple[str, ...] = ("entity",), **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VarianceComponentWarning)
        return (
            md.FixedEffects(formula=formula, effects=effects, singletons="keep").fit(panel),
            md.RandomEffects(formula=formula, effects=effects, **options).fit(panel),
        )


CLASSIC = [
    (s, e) for s in SAMPLES if not s.startswith("wages_fixed")
    for e in EFFECTS if f"phtest.{e}" in golden(s)["tests"]
]  # fmt: skip


@pytest.mark.parametrize(("sample", "effect"), CLASSIC)
def test_classic_matches_phtest(sample: str, effect: str) -> None:
    statistic, df, p = golden(sample)["tests"][f"phtest.{effect}"]
    fe, re = fits(*sample_panel(sample), EFFECTS[effect])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        test = md.diagnostics.hausman(fe, re)
    told = any(issubclass(w.category, CovarianceWarning) for w in caught)
    V = fe.cov.loc[fe.names, fe.names] - re.cov.loc[fe.names, fe.names]
    assert told == (np.linalg.eigvalsh(V)[0] < 0)
    if np.abs(fe.params - re.params[fe.names]).max() < 1e-12 * np.abs(fe.params).max():
        return
    assert abs(test.statistic) == pytest.approx(statistic, rel=RTOL)
    assert test.df == df
    if test.statistic >= 0:
        assert test.pvalue == pytest.approx(p, rel=1e-4)
    else:
        assert np.isnan(test.pvalue)
        assert told


AUX = [s for s in SAMPLES if "phtest.aux" in golden(s)["tests"]]


@pytest.mark.parametrize("sample", AUX)
@pytest.mark.parametrize("kind", ["", ".arellano.HC0", ".arellano.sss"])
def test_regression_matches_phtest_aux(sample: str, kind: str) -> None:
    want = golden(sample)["tests"].get(f"phtest.aux{kind}")
    if want is None:
        pytest.skip("plm has no number here")
    fe, re = fits(*sample_panel(sample))
    cov = {
        "": None,
        ".arellano.HC0": md.Clustered("entity", kind="CR0"),
        ".arellano.sss": md.Clustered("entity", kind="CR1"),
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few clusters
        test = md.diagnostics.hausman(fe, re, kind="mundlak", cov=cov)
    statistic, df, p = want
    assert test.statistic == pytest.approx(statistic, rel=RTOL)
    assert test.df == df
    assert test.pvalue == pytest.approx(p, rel=1e-4)


def test_robust_is_clustered_by_entity(produc: md.Panel) -> None:
    fe, re = fits(produc, "unemp ~ np.log(pcap) + np.log(pc)")
    robust = md.diagnostics.hausman(fe, re, kind="robust")
    by_hand = md.diagnostics.hausman(fe, re, kind="mundlak", cov=md.Clustered("entity"))
    assert robust.statistic == by_hand.statistic
    assert "clustered by entity" in robust.note


@pytest.mark.parametrize("sample", ["produc.full", "produc.gaps", "wages.ragged"])
def test_regression_equals_correlated_random_effects(sample: str) -> None:
    """Deviations and means span the same space beside the regressors, with the same theta."""
    panel, formula = sample_panel(sample)
    fe, re = fits(panel, formula)
    test = md.diagnostics.hausman(fe, re, kind="robust")
    d = md.Design.build(formula, panel)
    theta = re.theta["entity"].to_numpy()[d.entity][:, None]
    counts = np.bincount(d.entity)[:, None]
    sums = np.zeros((len(counts), d.X.shape[1]))
    np.add.at(sums, d.entity, d.X)
    means = (sums / counts)[d.entity]
    ybar = (np.bincount(d.entity, d.y) / counts[:, 0])[d.entity]
    X = np.column_stack([d.X - theta * means, ((1 - theta) * means)[:, 1:]])
    y = d.y - theta[:, 0] * ybar
    b = np.linalg.lstsq(X, y, rcond=None)[0]
    u = y - X @ b
    scores = np.zeros((len(counts), X.shape[1]))
    np.add.at(scores, d.entity, X * u[:, None])
    bread = np.linalg.inv(X.T @ X)
    G, n, k = len(counts), *X.shape
    V = bread @ scores.T @ scores @ bread * G / (G - 1) * (n - 1) / (n - k)
    q = d.X.shape[1] - 1
    wald = b[-q:] @ np.linalg.solve(V[-q:, -q:], b[-q:])
    assert test.statistic == pytest.approx(wald, rel=1e-7)


@pytest.mark.parametrize("sigma", ["more", "less"])
def test_common_variance(produc: md.Panel, sigma: str) -> None:
    fe, re = fits(produc, "unemp ~ np.log(pcap) + np.log(pc)")
    names = fe.names
    s_fe, s_re = fe.stats["sigma"] ** 2, re.stats["sigma"] ** 2
    V, W = fe.cov.to_numpy(), re.cov.loc[names, names].to_numpy()
    V, W = (V * s_re / s_fe, W) if sigma == "more" else (V, W * s_fe / s_re)
    gap = (fe.params - re.params[names]).to_numpy()
    want = gap @ np.linalg.solve(V - W, gap)
    test = md.diagnostics.hausman(fe, re, sigma=sigma)
    assert test.statistic == pytest.approx(want, rel=1e-8)
    assert np.linalg.eigvalsh(V - W)[0] > 0
    assert f"sigma{sigma}" in test.note


def test_classical_covariances_are_used_whatever_the_fit(produc: md.Panel) -> None:
    fe, re = fits(produc, "unemp ~ np.log(pcap) + np.log(pc)")
    again = md.diagnostics.hausman(
        fe.with_cov(md.Clustered("entity")), re.with_cov(md.Robust("HC1"))
    )
    assert again.statistic == md.diagnostics.hausman(fe, re).statistic


def test_published_statistics(grunfeld: md.Panel) -> None:
    """Baltagi (2021), chapter 4: Hausman 2.33 on Grunfeld. gretl 2022c prints 2.18602, the
    regression form with the variance over n instead of n - 5."""
    fe, re = fits(grunfeld, "inv ~ value + capital")
    assert md.diagnostics.hausman(fe, re).statistic == pytest.approx(2.33, abs=5e-3)
    gretl = md.diagnostics.hausman(fe, re, kind="mundlak").statistic * 200 / 195
    assert gretl == pytest.approx(2.18602, abs=5e-6)


def test_within_against_between(grunfeld: md.Panel) -> None:
    """Hausman and Taylor (1981): in balanced panels three contrasts give one statistic, given
    the variance components."""
    fe, _ = fits(grunfeld, "inv ~ value + capital")
    be = md.Between(formula="inv ~ value + capital").fit(grunfeld)
    test = md.diagnostics.hausman(fe, be)
    gap = (fe.params - be.params[fe.names]).to_numpy()
    V = fe.cov.to_numpy() + be.cov.loc[fe.names, fe.names].to_numpy()
    assert test.statistic == pytest.approx(gap @ np.linalg.solve(V, gap), rel=1e-9)


def test_singletons_dropped_by_the_within_fit() -> None:
    panel, formula = sample_panel("wages.ragged")
    fe, re = fits(panel, formula)
    with pytest.warns(md.errors.SingletonWarning):
        fewer = md.FixedEffects(formula=formula).fit(panel)
    assert fewer.nobs < fe.nobs
    one = md.diagnostics.hausman(fe, re, kind="robust")
    two = md.diagnostics.hausman(fewer, re, kind="robust")
    assert two.statistic == pytest.approx(one.statistic, rel=1e-9)


def test_indefinite_difference_is_told() -> None:
    """Between variation with little within: theta near 0 and more precise within fits."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        i, t = np.repeat(np.arange(8), 4), np.tile(np.arange(4), 8)
        x, z = rng.standard_normal((2, 32))
        frame = {"i": i, "t": t, "x": x, "z": z, "y": rng.standard_normal(32) + 0.3 * i * x}
        panel = md.Panel.from_frame(__import__("pandas").DataFrame(frame), entity="i", time="t")
        fe, re = fits(panel, "y ~ x + z")
        V = fe.cov.to_numpy() - re.cov.loc[fe.names, fe.names].to_numpy()
        if np.linalg.eigvalsh(V)[0] > -1e-12:
            continue
        found += 1
        with pytest.warns(CovarianceWarning, match="sigma='more'"):
            test = md.diagnostics.hausman(fe, re)
        assert "not positive semi-definite" in test.note
        assert np.isnan(test.pvalue) == (test.statistic < 0)
        better = md.diagnostics.hausman(fe, re, sigma="more")  # no warning
        assert better.statistic >= 0
    assert found > 0


def test_bad_input(grunfeld: md.Panel) -> None:
    fe, re = fits(grunfeld, "inv ~ value + capital")
    other = md.FixedEffects(formula="inv ~ np.log(capital)").fit(grunfeld)
    shorter = md.FixedEffects(formula="inv ~ value + capital").fit(grunfeld.between(1940, 1954))
    for call, message in [
        (lambda: md.diagnostics.hausman(fe, re, kind="aux"), "'mundlak'"),
        (lambda: md.diagnostics.hausman(fe, re, sigma="most"), "'less'"),
        (lambda: md.diagnostics.hausman(other, re), "share no coefficient"),
        (lambda: md.diagnostics.hausman(fe, re, cov=md.Unadjusted()), "belongs to"),
        (lambda: md.diagnostics.hausman(shorter, re, kind="mundlak"), "different rows"),
    ]:
        with pytest.raises((ResultError, SpecificationError), match=message):
            call()
