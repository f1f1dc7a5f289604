"""Serial-correlation tests against plm and brute force, and their size."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import ResultError, SpecificationError
from tests.static_panels import SAMPLES, golden, sample_panel

VARYING = [s for s in SAMPLES if not s.startswith("wages_fixed")]


@pytest.mark.parametrize("sample", VARYING)
@pytest.mark.parametrize("name", ["pwartest", "pwfdtest.fd", "pwfdtest.fe", "drukker"])
def test_wooldridge_matches_r(sample: str, name: str) -> None:
    want = golden(sample)["tests"].get(name)
    if want is None:
        pytest.skip("plm has no number here")
    panel, formula = sample_panel(sample)
    fit = md.PooledOLS(formula=formula).fit(panel)
    options = {
        "pwartest": {"kind": "within", "gaps": "consecutive-observations"},
        "pwfdtest.fd": {
            "kind": "difference", "null": "differences", "gaps": "consecutive-observations",
        },
        "pwfdtest.fe": {"kind": "difference", "gaps": "consecutive-observations"},
        "drukker": {},
    }[name]  # fmt: skip
    test = md.diagnostics.wooldridge_serial(fit, **options)
    assert test.statistic == pytest.approx(want[0], rel=1e-8)
    assert test.df == tuple(want[1:3])
    assert test.pvalue == pytest.approx(want[3], rel=1e-6)


def test_wooldridge_takes_any_fit(grunfeld: md.Panel) -> None:
    formula = "inv ~ value + capital"
    want = md.diagnostics.wooldridge_serial(md.PooledOLS(formula=formula).fit(grunfeld))
    for spec in (md.FixedEffects, md.RandomEffects, md.FirstDifference):
        fit = spec(formula=formula).fit(grunfeld)
        assert md.diagnostics.wooldridge_serial(fit).statistic == pytest.approx(want.statistic)


@pytest.mark.parametrize("sample", VARYING)
@pytest.mark.parametrize("model", ["pooling", "within", "random"])
def test_breusch_godfrey_matches_pbgtest(sample: str, model: str) -> None:
    panel, formula = sample_panel(sample)
    spec = {
        "pooling": md.PooledOLS(formula=formula),
        "within": md.FixedEffects(formula=formula, singletons="keep"),
        "random": md.RandomEffects(formula=formula),
    }[model]
    fit = spec.fit(panel)
    for key, options in (("1", {}), ("2", {"lags": 2}), ("1.F", {"distribution": "F"})):
        want = golden(sample)["tests"][f"pbgtest.{model}.{key}"]
        test = md.diagnostics.breusch_godfrey(fit, by="stacked", **options)
        assert test.statistic == pytest.approx(want[0], rel=1e-8)
        assert test.pvalue == pytest.approx(want[-1], rel=1e-6, abs=1e-300)
        if key == "1.F" and model != "within":  # lmtest's lm() knows of no absorbed effects
            assert test.df == tuple(want[1:3])


def test_breusch_godfrey_lags_by_entity(grunfeld: md.Panel) -> None:
    fit = md.PooledOLS(formula="inv ~ value + capital").fit(grunfeld)
    e = fit.resids
    lag = e.groupby(level=0).shift(1).fillna(0.0).to_numpy()
    X = np.column_stack([fit.moments.X, lag])
    v = e.to_numpy() - X @ np.linalg.lstsq(X, e.to_numpy(), rcond=None)[0]
    want = 200 * (1 - v @ v / (e @ e))
    assert md.diagnostics.breusch_godfrey(fit).statistic == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("sample", VARYING)
@pytest.mark.parametrize("model", ["pooling", "within"])
def test_durbin_watson_matches_pbnftest(sample: str, model: str) -> None:
    panel, formula = sample_panel(sample)
    if model == "pooling":
        fit = md.PooledOLS(formula=formula).fit(panel)
    else:
        fit = md.FixedEffects(formula=formula, singletons="keep").fit(panel)
    want = golden(sample)["tests"]
    bnf, lbi = md.diagnostics.bhargava_durbin_watson(fit), md.diagnostics.baltagi_wu_lbi(fit)
    assert bnf.statistic == pytest.approx(want[f"pbnftest.{model}.bnf"][0], rel=1e-9)
    assert lbi.statistic == pytest.approx(want[f"pbnftest.{model}.lbi"][0], rel=1e-9)


@pytest.mark.parametrize("estimator", ["pooled", "within"])
@pytest.mark.parametrize("name", ["bhargava_durbin_watson", "baltagi_wu_lbi"])
def test_null_moments_are_exact(estimator: str, name: str) -> None:
    """Mean and variance of a ratio of quadratic forms from the eigenvalues of MAM."""
    panel, formula = sample_panel("grunfeld.gaps")
    spec = md.PooledOLS if estimator == "pooled" else md.FixedEffects
    fit = spec(formula=formula).fit(panel)
    test = getattr(md.diagnostics, name)(fit)
    n = len(panel)
    codes, time = panel.entity_codes, panel.ordinals
    A = np.zeros((n, n))
    for r in range(n):
        first = r == 0 or codes[r - 1] != codes[r]
        last = r == n - 1 or codes[r + 1] != codes[r]
        if not first and time[r] - time[r - 1] == 1:
            step = np.zeros(n)
            step[r], step[r - 1] = 1, -1
            A += np.outer(step, step)
        elif not first:
            A[r, r] += 1
        if name == "baltagi_wu_lbi":
            A[r, r] += first + last + (not last and time[min(r + 1, n - 1)] - time[r] != 1)
    X = md.Design.build(formula, panel).X
    if estimator == "within":
        X = np.column_stack([X[:, 1:], np.eye(codes.max() + 1)[codes]])
    M = np.eye(n) - X @ np.linalg.pinv(X)
    e = fit.resids.to_numpy()
    assert test.statistic == pytest.approx(e @ A @ e / (e @ e), rel=1e-10)
    m = n - X.shape[1]
    MA = M @ A
    mean = np.trace(MA) / m
    variance = 2 * (m * np.trace(MA @ MA) - np.trace(MA) ** 2) / (m**2 * (m + 2))
    assert test.note == (
        f"mean {mean:.4f} and standard deviation {np.sqrt(variance):.4f} under the null"
    )


def test_published_statistics(grunfeld: md.Panel) -> None:
    """gretl 2022c prints F(1, 9) = 263.592, and DW = 0.684475, where plm and we have 0.6844797."""
    fe = md.FixedEffects(formula="inv ~ value + capital").fit(grunfeld)
    test = md.diagnostics.wooldridge_serial(fe)
    assert test.statistic == pytest.approx(263.592, abs=5e-4)
    assert test.df == (1, 9)
    assert test.pvalue == pytest.approx(5.6626e-08, rel=1e-5)
    assert md.diagnostics.bhargava_durbin_watson(fe).statistic == pytest.approx(0.684475, abs=1e-5)


def test_other_effects_have_no_pvalue(grunfeld: md.Panel) -> None:
    fit = md.FixedEffects(formula="inv ~ value", effects=("entity", "time")).fit(grunfeld)
    test = md.diagnostics.bhargava_durbin_watson(fit)
    assert np.isfinite(test.statistic)
    assert np.isnan(test.pvalue)


def test_bad_input(grunfeld: md.Panel) -> None:
    fit = md.PooledOLS(formula="inv ~ value").fit(grunfeld)
    re = md.RandomEffects(formula="inv ~ value").fit(grunfeld)
    weighted = md.PooledOLS(formula="inv ~ value", weights="w").fit(grunfeld.assign(w=1.0))
    two = md.PooledOLS(formula="inv ~ value").fit(grunfeld.between(1953, 1954))
    w, bg = md.diagnostics.wooldridge_serial, md.diagnostics.breusch_godfrey
    for call, message in [
        (lambda: w(fit, kind="xtserial"), "'drukker'"),
        (lambda: w(fit, null="differences"), "belongs to"),
        (lambda: w(fit, gaps="drop"), "'skip'"),
        (lambda: w(weighted), "without weights"),
        (lambda: w(two), "0 residuals have a predecessor"),
        (lambda: bg(fit, 0), "a whole number of at least 1"),
        (lambda: bg(fit, by="rows"), "'stacked'"),
        (lambda: bg(fit, 30), "lower lags="),
        (lambda: md.diagnostics.bhargava_durbin_watson(re), "PooledOLS or FixedEffects"),
    ]:
        with pytest.raises((ResultError, SpecificationError), match=message):
            call()


def worlds(rng: np.random.Generator, rho: float, N: int = 40, T: int = 8) -> md.Panel:
    e = rng.standard_normal((N, T + 20))
    for t in range(1, T + 20):
        e[:, t] += rho * e[:, t - 1]
    x = rng.standard_normal((N, T))
    y = rng.standard_normal((N, 1)) + x + e[:, 20:]
    i, t = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    frame = pd.DataFrame({"i": i, "t": t, "y": y.ravel(), "x": x.ravel()})
    return md.Panel.from_frame(frame, entity="i", time="t")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["drukker", "within", "bhargava_durbin_watson", "random"])
def test_size(name: str) -> None:
    rng, reps, rejected = np.random.default_rng(5), 1000, 0
    for _ in range(reps):
        panel = worlds(rng, 0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name == "random":
                fit = md.RandomEffects(formula="y ~ x").fit(panel)
                test = md.diagnostics.breusch_godfrey(fit)
            elif name == "bhargava_durbin_watson":
                fit = md.FixedEffects(formula="y ~ x").fit(panel)
                test = md.diagnostics.bhargava_durbin_watson(fit)
            else:
                fit = md.PooledOLS(formula="y ~ x").fit(panel)
                test = md.diagnostics.wooldridge_serial(fit, kind=name)
        rejected += test.pvalue < 0.05
    band = 3.29 * np.sqrt(0.05 * 0.95 / reps)
    if name == "random":  # conservative: the variance ratio is estimated
        assert 0.005 < rejected / reps < 0.05 + band
    else:
        assert abs(rejected / reps - 0.05) < band


def test_power() -> None:
    panel = worlds(np.random.default_rng(6), 0.5, N=80, T=10)
    fe = md.FixedEffects(formula="y ~ x").fit(panel)
    assert md.diagnostics.wooldridge_serial(fe).pvalue < 1e-3
    assert md.diagnostics.wooldridge_serial(fe, kind="within").pvalue < 1e-3
    assert md.diagnostics.bhargava_durbin_watson(fe).pvalue < 1e-6
