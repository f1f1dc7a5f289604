"""What is ruled out, by hand and in three units; the verdict as a function of the margin."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t

import migdev as md
from migdev.evidence.published import partial_correlation
from migdev.report.joint import joint_page
from migdev.report.verdict import verdict_page
from migdev.simulate import stylised_world
from migdev.study.decision_rule import verdict
from tests.study.test_study import study, world


@pytest.fixture(scope="module")
def growth():
    question = md.hypotheses.get("G1")
    specs = {k: v for k, v in question.specs().items() if "GMM" not in k}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = question.prepare(stylised_world("critical", seed=2, entities=40))
        return md.Study(question, specs, prefer=question.prefer).run(panel)


def test_bounds_by_hand(growth):
    fit, out = growth.fits["Fixed effects"], growth.ruled_out
    b, s = fit.params["remit"], fit.std_errors["remit"]
    reach = t.isf(0.05, fit.df_inference) * s
    assert_allclose((out.low, out.high), (b - reach, b + reach), rtol=1e-9)
    assert out.smallest_margin == pytest.approx(max(abs(b - reach), abs(b + reach)), rel=1e-9)


def test_at_the_smallest_margin_the_verdict_turns(growth):
    out, found = growth.ruled_out, growth.estimate
    assert verdict("+", found, 0.999 * out.smallest_margin) != "no effect"
    assert verdict("+", found, 1.001 * out.smallest_margin) == "no effect"


def test_partial_correlations_are_those_of_published_estimates(growth):
    fit, out = growth.fits["Fixed effects"], growth.ruled_out
    r, _ = partial_correlation(float(fit.tstats["remit"]), fit.df_resid)
    assert_allclose(out.correlation * fit.params["remit"], r, rtol=1e-12)
    small = out.margins["small partial correlation, 0.07"]
    assert_allclose(out.frame.loc["small partial correlation, 0.07", "natural"], small)
    assert_allclose(small * out.correlation, 0.07)
    assert any("Andrews and Kasy" in name for name in out.margins)  # corrected for bias
    assert not any("simple mean" in name for name in out.margins)


def test_standard_deviations_are_within_entities(growth):
    fit, out = growth.fits["Fixed effects"], growth.ruled_out
    frame = growth.panel.frame.iloc[fit.sample.rows]
    within = frame[["remit", "growth"]] - frame.groupby("iso3")[["remit", "growth"]].transform(
        "mean"
    )
    spread = np.sqrt((within**2).sum())
    assert_allclose(out.spread, spread["remit"] / spread["growth"], rtol=1e-10)


def test_expressions_have_no_standard_deviations():
    answer = study().run(world(0.5))
    other = md.Study(
        md.Hypothesis(claim="c", term="2*x + 1", sign=1, smallest_effect=0.1), answer.study.specs
    ).run(answer.panel)
    assert np.isnan(other.ruled_out.spread)
    assert "rule out values of 2*x + 1 above" in other.rules_out


def test_sentences(growth):
    assert growth.rules_out.startswith(
        "At the 5% level the data rule out that ten percent of GDP more of remittances received "
        "goes with growth of GDP per capita that is higher"
    )
    assert "percentage points a year" in growth.rules_out
    assert str(growth).splitlines()[1] == growth.rules_out + "."
    instrumented = replace(growth, order=("IV, internal",))
    assert "raises growth of GDP per capita" in instrumented.rules_out
    assert (growth.is_effect, instrumented.is_effect) == (False, True)


def test_pages_tell_of_measurement_and_reverse_causation(growth):
    text = verdict_page(growth).to_markdown()
    share = growth.panel.frame["remit"].iloc[growth.fits["Fixed effects"].sample.rows].mean()
    assert growth.threats.average == pytest.approx(share)
    for words in (
        "Classical error in its recording weakens the association",
        "Reverse causation alone would make it if one unit more of",
        f"lowers the share of Remittances received by {share / 100:.3f}",
    ):
        assert words in text, words


def test_verdicts_by_margin(growth):
    frame = growth.by_margin()
    assert frame.index.is_monotonic_increasing
    declared = frame[frame["what"] == "declared margin"].iloc[0]
    assert declared["verdict"] == growth.verdict
    assert {v: declared[v] for v in ("DF", "CR")} == growth.views
    turned = frame[frame["what"] == "smallest margin for no effect"]
    assert list(turned["verdict"]) == ["no effect"]
    before = frame[frame.index < turned.index[0]]
    assert not (before["verdict"] == "no effect").any()


def test_without_a_declared_margin_there_is_one_that_would_do():
    answer = study().run(world(0.0))
    bare = md.Study(
        replace(answer.hypothesis, smallest_effect=0.0), answer.study.specs
    ).run(answer.panel)  # fmt: skip
    assert bare.evidence is None
    assert "no effect" in set(bare.by_margin()["verdict"])
    text = verdict_page(bare).to_markdown()
    assert "no regions can be compared" in text


def test_nothing_fitted_leaves_nothing_to_say():
    h = md.Hypothesis(claim="c", term="z", sign=1, views={"A": "+"}, smallest_effect=0.1)
    answer = md.Study(h, {"FE": md.FixedEffects(formula="y ~ x")}).run(world(0.5))
    assert answer.decidability is None
    assert answer.ruled_out is None
    assert answer.threats is None
    assert answer.by_margin().empty
    assert "nothing could have been established" in verdict_page(answer).to_markdown()


@pytest.fixture(scope="module")
def joint():
    question = md.hypotheses.get("X1-first")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        panel = question.prepare(stylised_world("critical", seed=2, entities=40))
        return question.study(draws=49, region="").run(panel)


def test_joint_verdicts_by_margin(joint):
    frame = joint.by_margin()
    declared = frame.loc["declared margin"]
    assert declared["verdict"] == joint.verdict
    for name, p in joint.main.pvalues.items():
        assert declared[f"p {name}"] == pytest.approx(p, rel=1e-9)
    assert isinstance(frame, pd.DataFrame)


def test_joint_pages_open_with_what_could_be_decided(joint):
    page = joint_page(joint)
    assert page.sections[0].title == "What could be decided"
    text = page.to_markdown()
    for words in ("attainable", "rule out", "Bayes factor", "a picture and no test", "association"):
        assert words in text
    assert "| Effect on |" not in text


def test_a_pattern_out_of_reach_is_not_merely_undecided(joint):
    """Errors so large that an estimate of zero is not "no effect"."""
    able = joint.decidability.patterns
    assert not able.loc["null", "could"]
    noisy = {k: replace(f, estimate=0.0, std_error=10.0) for k, f in joint.main.focal.items()}
    dull = dict.fromkeys(joint.main.pvalues, 1.0)
    answer = replace(joint, main=replace(joint.main, focal=noisy, pvalues=dull, rejections=dull))
    assert answer.verdict == "undecided"
    assert (
        "null is not contradicted, and could not have been established by any estimate (best "
        "attainable p = 0.49" in answer.reason
    )
