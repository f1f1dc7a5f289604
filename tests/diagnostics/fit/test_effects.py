"""F and LM tests for effects against plm, and by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import (
    ResultError,
    SingletonWarning,
    SpecificationError,
    VarianceComponentWarning,
)
from tests.static_panels import SAMPLES, golden, sample_panel

EFFECTS = {"individual": ("entity",), "time": ("time",), "twoways": ("entity", "time")}
KIND = {"bp": "breusch-pagan", "honda": "honda", "kw": "king-wu", "ghm": "ghm"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_f_effects_match_plm(sample: str) -> None:
    panel, formula = sample_panel(sample)
    for effect, effects in EFFECTS.items():
        want = golden(sample)["tests"].get(f"pFtest.{effect}")
        if want is None:
            continue
        fe = within(panel, formula, effects, "keep")
        if effect == "twoways" and fe.moments.df_absorbed < fe.entities + fe.periods - 1:
            continue  # plm counts N + T - 1 effects also where the panel is not connected
        test = md.diagnostics.f_effects(fe)
        assert test.statistic == pytest.approx(want[0], rel=1e-8)
        assert test.df == tuple(want[1:3])
        assert test.pvalue == pytest.approx(want[3], rel=1e-6)
        pooled = md.PooledOLS(formula=formula).fit(panel)
        assert md.diagnostics.f_effects(fe, pooled).statistic == pytest.approx(
            test.statistic, rel=1e-10
        )


def within(panel, formula, effects, singletons):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # time-invariant regressors, singletons
        return md.FixedEffects(formula=formula, effects=effects, singletons=singletons).fit(panel)


@pytest.mark.parametrize("sample", ["grunfeld.full", "produc.gaps"])
def test_time_given_entity_effects(sample: str) -> None:
    panel, formula = sample_panel(sample)
    two = within(panel, formula, ("entity", "time"), "keep")
    one = within(panel, formula, ("entity",), "keep")
    want = golden(sample)["tests"]["pFtest.twoways_given_individual"]
    test = md.diagnostics.f_effects(two, one)
    assert test.null == "no effects of time, given those of entity"
    assert test.statistic == pytest.approx(want[0], rel=1e-8)
    assert test.df == tuple(want[1:3])


def test_singletons_may_differ() -> None:
    panel, formula = sample_panel("wages.ragged")
    want = golden("wages.ragged")["tests"]["pFtest.individual"]
    with pytest.warns(SingletonWarning):
        fe = md.FixedEffects(formula=formula).fit(panel)
    test = md.diagnostics.f_effects(fe, md.PooledOLS(formula=formula).fit(panel))
    assert test.statistic == pytest.approx(want[0], rel=1e-9)
    assert test.df == tuple(want[1:3])


def test_weighted_f_is_that_of_dummies(grunfeld: md.Panel) -> None:
    panel = grunfeld.assign(w=np.linspace(0.5, 2, 200))
    fe = md.FixedEffects(formula="inv ~ value + capital", weights="w").fit(panel)
    import statsmodels.formula.api as smf

    data = panel.frame
    big = smf.wls("inv ~ value + capital + C(firm)", data, weights=data["w"]).fit()
    small = smf.wls("inv ~ value + capital", data, weights=data["w"]).fit()
    want = big.compare_f_test(small)
    test = md.diagnostics.f_effects(fe)
    assert test.statistic == pytest.approx(want[0], rel=1e-9)
    assert test.df == (want[2], big.df_resid)


LM = [(s, key) for s in SAMPLES for key in golden(s)["tests"] if key.startswith("plmtest")]


@pytest.mark.parametrize(("sample", "key"), LM)
def test_lm_matches_plm(sample: str, key: str) -> None:
    want = golden(sample)["tests"][key]
    _, effect, kind = key.split(".")
    panel, formula = sample_panel(sample)
    pooled = md.PooledOLS(formula=formula).fit(panel)
    test = md.diagnostics.breusch_pagan_lm(pooled, EFFECTS[effect], kind=KIND[kind])
    assert test.statistic == pytest.approx(want[0], rel=1e-8)
    assert test.pvalue == pytest.approx(want[-1], rel=1e-5)
    if kind == "bp":
        assert test.df == want[1]


def test_lm_takes_any_fit(grunfeld: md.Panel) -> None:
    formula = "inv ~ value + capital"
    pooled = md.diagnostics.breusch_pagan_lm(md.PooledOLS(formula=formula).fit(grunfeld))
    for fit in (
        md.FixedEffects(formula=formula).fit(grunfeld),
        md.RandomEffects(formula=formula).fit(grunfeld),
        md.FirstDifference(formula=formula).fit(grunfeld),
    ):
        assert md.diagnostics.breusch_pagan_lm(fit).statistic == pytest.approx(pooled.statistic)


def test_bad_input(grunfeld: md.Panel) -> None:
    pooled = md.PooledOLS(formula="inv ~ value").fit(grunfeld)
    weighted = md.PooledOLS(formula="inv ~ value", weights="w").fit(grunfeld.assign(w=1.0))
    last = md.PooledOLS(formula="inv ~ value").fit(grunfeld.between(1954, 1954))
    fe = md.FixedEffects(formula="inv ~ value").fit(grunfeld)
    fewer = md.PooledOLS(formula="inv ~ value").fit(grunfeld.between(1940, 1954))
    lm, f = md.diagnostics.breusch_pagan_lm, md.diagnostics.f_effects
    for call, message in [
        (lambda: lm(pooled, kind="bp"), "'breusch-pagan'"),
        (lambda: lm(pooled, ("region",)), "'entity', 'time' or both"),
        (lambda: lm(pooled, kind="ghm"), "two effects"),
        (lambda: lm(weighted), "without weights"),
        (lambda: lm(last), "one observation"),
        (lambda: f(pooled), "absorbed effects"),
        (lambda: f(fe, fewer), "different rows"),
        (lambda: f(fe, fe), "not nested"),
        (lambda: lm("fit"), "kept its sample"),
    ]:
        with pytest.raises((ResultError, SpecificationError), match=message):
            call()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["breusch-pagan", "honda"])
def test_lm_keeps_its_size(kind: str) -> None:
    rng, reps, rejected = np.random.default_rng(11), 1000, 0
    i, t = np.repeat(np.arange(40), 8), np.tile(np.arange(8), 40)
    frame = pd.DataFrame({"i": i, "t": t})
    for _ in range(reps):
        frame = frame.assign(x=rng.standard_normal(320), y=rng.standard_normal(320))
        fit = md.PooledOLS(formula="y ~ x").fit(md.Panel.from_frame(frame, entity="i", time="t"))
        rejected += md.diagnostics.breusch_pagan_lm(fit, kind=kind).pvalue < 0.05
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps)


def test_lm_has_power(grunfeld: md.Panel) -> None:
    with pytest.warns(VarianceComponentWarning):
        re = md.RandomEffects(formula="inv ~ value + capital", effects=("time",)).fit(grunfeld)
    assert md.diagnostics.breusch_pagan_lm(re, kind="honda").pvalue < 1e-10
    assert md.diagnostics.breusch_pagan_lm(re, ("time",), kind="honda").pvalue > 0.5
