"""Components that are specifications: any estimator with influence, beside formulas."""

from __future__ import annotations

import numpy as np
import pytest

import migdev as md
from migdev.errors import IdentificationError, SpecificationError
from migdev.report.joint import joint_page

# What is left out is the subject of other tests.
pytestmark = pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")

GROWTH = "growth ~ remit + L(y) + trade"
GAP = "trade_gap ~ remit + L(y) + trade"


def hypothesis(term: str, bound: float, **views: str) -> md.Hypothesis:
    return md.Hypothesis(claim="c", term=term, views=views, smallest_effect=bound)


def fe(formula: str, **options) -> md.FixedEffects:
    return md.FixedEffects(
        formula=formula, effects=("entity", "time"), cov=md.Clustered("entity"), **options
    )


GROWS = hypothesis("remit", 0.05, DF="+", CR="<=0")
GAPS = hypothesis("remit", 0.25, DF="0", CR="+")


def joint(first: md.Component, second: md.Component, **options) -> md.JointStudy:
    return md.JointStudy(components=(first, second), **{"draws": 999, **options})


def by_formula(name: str, h: md.Hypothesis, formula: str) -> md.Component:
    return md.Component(name=name, hypothesis=h, formula=formula)


@pytest.fixture(scope="module")
def world() -> md.Panel:
    asked = md.hypotheses.get("X1-first")
    return asked.prepare(md.simulate.stylised_world("critical", seed=4, entities=60))


@pytest.mark.parametrize("sample", ["common", "largest"])
def test_the_specification_of_a_formula_gives_its_numbers(world, sample):
    short = joint(by_formula("g", GROWS, GROWTH), by_formula("d", GAPS, GAP), sample=sample)
    long = joint(
        md.Component(name="g", hypothesis=GROWS, spec=fe(GROWTH)),
        md.Component(name="d", hypothesis=GAPS, spec=md.Spec(estimator=fe(GAP), strategy="w")),
        sample=sample,
    )
    one, other = short.fit(world), long.fit(world)
    np.testing.assert_allclose(one.cov, other.cov, rtol=1e-10)
    for how in ("wild", "sandwich"):
        np.testing.assert_allclose(one.draws[how].mean(0), other.draws[how].mean(0), atol=0.02)
    assert one.pvalues == pytest.approx(other.pvalues, rel=1e-8)
    # Draws to first order have the sandwich's spread, up to 999 draws; fitted anew they are wider,
    # and depend on one another alike.
    anew, first = one.draws["pairs"], other.draws["pairs"]
    np.testing.assert_allclose(first.std(axis=0), np.sqrt(np.diag(other.cov)), rtol=0.08)
    np.testing.assert_allclose(first.std(axis=0), anew.std(axis=0), rtol=0.25)
    assert abs(np.corrcoef(first.T)[0, 1] - np.corrcoef(anew.T)[0, 1]) < 0.15


def test_estimators_of_other_kinds_each_on_its_own_sample(world):
    pooled = md.CCEPooled(formula="trade_gap ~ remit", short="drop", cov=md.Clustered("entity"))
    iv = md.IV2SLS(
        formula="growth ~ trade + [remit ~ L(remit)]", effects=("entity", "time"),
        cov=md.Clustered("entity"),
    )  # fmt: skip
    study = joint(
        md.Component(name="growth", hypothesis=hypothesis("r", 0.05, DF="+", CR="<=0"),
                     spec=md.Spec(estimator=iv, term="2 * remit")),
        md.Component(name="gap", hypothesis=GAPS, spec=pooled),
        sample="largest",
    )  # fmt: skip
    answer = study.run(world)
    main = answer.main
    assert main.fits["growth"].nobs != main.fits["gap"].nobs
    fit = main.fits["growth"]
    assert main.focal["growth"].estimate == pytest.approx(2 * fit.params["remit"])
    errors = [2 * fit.std_errors["remit"], main.fits["gap"].std_errors["remit"]]
    np.testing.assert_allclose(np.sqrt(np.diag(main.cov)), errors, rtol=1e-10)
    np.testing.assert_allclose(main.draws["wild"].std(axis=0), errors, rtol=0.1)
    np.testing.assert_allclose(main.draws["pairs"].std(axis=0), errors, rtol=0.12)
    assert answer.family.unkept == ()
    assert "first order" in answer.notes[0]
    page = joint_page(answer).to_markdown()
    assert f"{main.fits['gap'].method} of trade_gap ~ remit" in page.replace("\\", "")
    assert list(answer.failures) == ["common"]  # the variant that this estimator cannot give
    assert "no formula with free weights" in answer.failures["common"]


def test_pretests_mark_components(world):
    pretests = md.PreTests(
        tests={"CD": md.PreTest(test="pesaran_cd", on="growth", level=0.49)},
        rules=(
            md.PreTestRule(when={"CD": "rejected"}, specs=("g",), reason="shared shocks"),
            md.PreTestRule(when={"CD": "not rejected"}, specs=("d",), reason="no shared shocks"),
        ),
    )
    study = joint(by_formula("g", GROWS, GROWTH), by_formula("d", GAPS, GAP), pretests=pretests)
    answer = study.run(world)
    outcome = answer.pretests[0].outcome
    assert list(answer.marks) == ["g" if outcome == "rejected" else "d"]
    assert "shared shocks" in str(answer)
    assert answer.pretest_frame.loc[0, "outcome"] == outcome
    assert "Declared with the study and run before any fit" in joint_page(answer).to_markdown()


def test_what_cannot_be_a_component(world):
    with pytest.raises(SpecificationError, match="has both"):
        md.Component(name="g", hypothesis=GROWS, formula=GROWTH, spec=fe(GROWTH))
    with pytest.raises(SpecificationError, match="has neither"):
        md.Component(name="g", hypothesis=GROWS)
    mean_group = md.Component(
        name="m", hypothesis=GAPS, spec=md.MeanGroup(formula="trade_gap ~ remit", short="drop")
    )
    with pytest.raises(SpecificationError, match="'m' cannot be fitted on the rows of the others"):
        joint(by_formula("g", GROWS, GROWTH), mean_group)
    rule = md.PreTestRule(when={"CD": "rejected"}, specs=("g",), behind=("m",), reason="r")
    pretests = md.PreTests(tests={"CD": md.PreTest(test="pesaran_cd", on="growth")}, rules=(rule,))
    with pytest.raises(SpecificationError, match="none stands behind another"):
        joint(by_formula("g", GROWS, GROWTH), mean_group, sample="largest", pretests=pretests)


class Silent:
    """An estimator that keeps no scores."""

    def fit(self, panel):
        return md.as_result({"remit": (0.1, 0.02)}, nobs=10, dependent="y")


def test_a_fit_without_influence_is_refused(world):
    study = joint(
        by_formula("g", GROWS, GROWTH),
        md.Component(name="s", hypothesis=GAPS, spec=Silent()),
        sample="largest",
    )
    with pytest.raises(IdentificationError, match="keeps no influence by entity"):
        study.fit(world)
