"""Studies on data and with estimators that fall short: plain messages, answers where possible."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import migdev as md
from migdev.errors import IdentificationError, PanelError, SpecificationError
from migdev.simulate import stylised_world

X1 = md.hypotheses.get("X1-first")


@pytest.fixture(scope="module")
def world() -> md.Panel:
    return stylised_world("critical", seed=6, entities=48)


@pytest.fixture(scope="module")
def panel(world) -> md.Panel:
    return X1.prepare(world)


def run(panel: md.Panel, **options: Any):
    return X1.study(draws=49, **options).run(panel)


# ---------------------------------------------------------------------- X1


def test_no_poverty_data(world):
    with pytest.raises(PanelError, match=r"lack the series for 'poverty': 'SI.POV.DDAY'"):
        X1.run(world.select(*[c for c in world.columns if c not in ("SI.POV.DDAY", "year")]))
    with pytest.raises(PanelError, match=r"no value of 'poverty' in the sample.*'SI.POV.DDAY'"):
        X1.run(world.assign(**{"SI.POV.DDAY": np.nan}))


def test_one_region_is_a_note_and_no_error(panel):
    one = panel.where((panel["region"] == "South Asia").to_numpy(), "one region")
    answer = run(one)
    assert set(answer.variants) == {"largest"}
    assert answer.notes[0] == (
        "The panel holds 'South Asia' alone, so no region is left out in turn."
    )
    assert "so no region is left out" in str(answer)
    assert any("few clusters (8 by" in text for text in answer.warnings)


def test_no_column_of_regions(panel):
    bare = panel.select(*[c for c in panel.columns if c not in ("region", "window", "iso3")])
    answer = run(bare)
    assert answer.notes[0].startswith("The panel has no column 'region'")
    assert run(bare, region="").notes == ()
    without = panel.assign(region=np.nan)
    assert "no region at all" in run(without).notes[0]


def test_pages_of_curtailed_studies(panel, tmp_path):
    bare = panel.select(*[c for c in panel.columns if c not in ("region", "window", "iso3")])
    text = run(bare).report(tmp_path / "page.md").read_text()
    assert "so no region is left out in turn" in text
    assert "| All " in text  # the sample by decade alone


def test_a_component_that_cannot_be_fitted_is_named(panel):
    alone = panel.assign(poverty=panel["poverty"].where(panel["iso3"] == "S001"))
    with pytest.raises(IdentificationError, match="The equation of 'poverty' cannot be fitted"):
        run(alone, sample="largest")
    early = (panel.ordinals < np.median(panel.ordinals)).astype(bool)
    never = panel.assign(
        poverty=panel["poverty"].where(early), growth=panel["growth"].where(~early)
    )
    with pytest.raises(IdentificationError, match="No row is complete in all"):
        run(never)


def test_largest_sample_as_the_main_one(panel):
    answer = run(panel, sample="largest", region="")
    rows = {name: fit.nobs for name, fit in answer.main.fits.items()}
    assert rows["poverty"] < rows["growth"]
    assert set(answer.variants) == {"common"}
    assert answer.by_sample.index.tolist() == ["largest", "common"]
    assert answer.main.draws["pairs"].shape == (49, 4)


def test_few_countries_are_reported(panel):
    few = panel.where(panel["iso3"].isin([f"S{i:03d}" for i in range(1, 9)]), "eight countries")
    answer = run(few, region="")
    assert any("few clusters (8 by 'entity')" in text for text in answer.warnings)


def test_messages_come_once(world, panel):
    answer = run(panel, region="")
    assert len(set(answer.warnings)) == len(answer.warnings)
    rests = [text.split(": ", 1)[1] for text in answer.warnings]
    assert len(set(rests)) == len(rests)
    question = md.hypotheses.get("M1")
    specs = question.specs()
    static = md.Study(question, {k: specs[k] for k in ("Pooled OLS", "Random effects")})
    told = static.run(question.prepare(world)).reports
    assert told
    assert all(text.startswith("Pooled OLS, Random effects: ") for text in told)


@pytest.mark.parametrize("name", ["X1", "M1", "M2"])
def test_spreads_need_windows(world, name):
    with pytest.raises(SpecificationError, match=r"the spread within a window.*Use window=5"):
        md.hypotheses.get(name).run(world, window=0)


def test_draws_that_disagree_are_reported(panel):
    from migdev.study.joint import _doubts

    main = run(panel, region="").main
    same = {how: main.shares["pairs"] for how in main.shares}
    assert _doubts(replace(main, shares=same, singular=0), 49) == []
    shares = {**main.shares, "wild": {k: 0.0 for k in main.shares["wild"]} | {"neither": 1.0}}
    odd = replace(main, shares=shares, singular=3)
    told = _doubts(odd, 49)
    assert told[0].startswith("In 3 of 196 resampled equations")
    assert "by the wild draws: they depend on the method" in told[1]


# ---------------------------------------------------------------------- plans


def test_plans_of_other_questions_are_refused(panel, tmp_path):
    md.hypotheses.get("M1").study().preregister(tmp_path / "m1.json")
    with pytest.raises(SpecificationError, match=r"of another question: it registers 'M1'.*'G1'"):
        md.hypotheses.get("G1").study().run(panel, plan=tmp_path / "m1.json")
    with pytest.raises(SpecificationError, match=r"registers 'M1'.*joint: growth, volatility"):
        X1.study(draws=49).run(panel, plan=tmp_path / "m1.json")
    X1.study().preregister(tmp_path / "x1.json")
    with pytest.raises(SpecificationError, match="of another question"):
        md.hypotheses.get("K1").study().run(panel, plan=tmp_path / "x1.json")


# ---------------------------------------------------------------------- estimators of others


@dataclass(frozen=True)
class Foreign:
    """An estimator of another library behind ``fit(panel)``."""

    kind: str

    def fit(self, panel: md.Panel) -> Any:
        frame = panel.frame[["growth", "remit"]].dropna()
        if self.kind == "statsmodels":
            import statsmodels.formula.api as smf

            return smf.ols("growth ~ remit", frame).fit(cov_type="HC1")
        if self.kind == "numbers":
            return np.polyfit(frame["remit"], frame["growth"], 1)
        raise TypeError("unsupported operand")


def study(**kinds: Any) -> md.Study:
    h = md.Hypothesis(claim="c", term="remit", sign=1, smallest_effect=0.05)
    return md.Study(h, kinds)


def test_results_of_statsmodels_are_adapted(panel):
    answer = study(theirs=Foreign("statsmodels")).run(panel)
    theirs = Foreign("statsmodels").fit(panel)
    assert answer.estimate.estimate == pytest.approx(theirs.params["remit"], rel=1e-12)
    assert answer.estimate.std_error == pytest.approx(theirs.bse["remit"], rel=1e-12)
    family = md.Family([answer])
    assert family.unkept == ("c",)
    assert family.method == "holm"
    assert "No joint draws: the fits of 'c' keep no scores" in str(family)


def test_what_cannot_be_read_is_a_failure_in_words(panel, tmp_path):
    answer = study(
        numbers=Foreign("numbers"), broken=Foreign("broken"), own=md.PooledOLS(
            formula="growth ~ remit")
    ).run(panel)  # fmt: skip
    assert answer.failures["numbers"].startswith(
        "Foreign gives a ndarray, which has no delta() for the focal parameter"
    )
    assert answer.failures["broken"] == "TypeError: unsupported operand"
    assert answer.primary == "own"
    assert "unsupported operand" in answer.report(tmp_path / "a.html").read_text()


def test_nothing_fitted_still_makes_an_answer_and_a_page(panel, tmp_path):
    answer = study(broken=Foreign("broken")).run(panel)
    assert answer.verdict == "undecided"
    assert answer.reason == "no specification could be fitted"
    for suffix in ("html", "md", "tex"):
        assert "TypeError" in answer.report(tmp_path / f"a.{suffix}").read_text()
    assert "Not fitted: broken" in str(answer)


def test_a_focal_parameter_without_error_gives_no_verdict(panel):
    h = md.Hypothesis(claim="c", term="remit / (remit - remit)", sign=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = md.Study(h, {"a": md.PooledOLS(formula="growth ~ remit")}).run(panel)
    assert answer.verdict == "undecided"
    assert "a" in answer.failures
