"""Plans registered before classes had public names: they match, and a changed one is refused."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import pytest

import migdev as md
from migdev.errors import MigdevWarning, SpecificationError
from migdev.identity import fingerprint
from migdev.simulate import stylised_world
from migdev.study.former import FORMER_RULES, as_now
from migdev.study.plan import RULE, check_plan, read_plan
from tests.golden.make_former_plans import FILE, studies
from tests.strangers import ESTIMATOR, SLOPE, load, write
from tests.study.test_study import world

#: What is told of every former plan: its rule is no longer that of today.
OTHER_RULE = f"the rule is {RULE!r}, planned {FORMER_RULES[0]!r}"
PLANS = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture
def plan(tmp_path):
    def written(content):
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return written


#: The order of G5 when its plan was registered; a static estimator led the dynamic one.
STATIC_FIRST = (
    "CCE mean group", "Augmented mean group", "CS-ARDL", "Mean group", "Pooled mean group",
    "Dynamic fixed effects",
)  # fmt: skip


def registered(name):
    """What a former plan registers."""
    study = studies()[name]
    if name != "G5":
        return study
    question = replace(study.hypothesis, prefer=STATIC_FIRST)
    return replace(study, hypothesis=question, prefer=STATIC_FIRST)


def test_questions_that_changed_read_their_former_plans(plan):
    found = check_plan(studies()["G5"], plan(PLANS["G5"]), strict=False)[1]
    assert found[-1] == OTHER_RULE
    assert [text.partition(" is ")[0] for text in found[:-1]] == ["hypothesis.prefer", "prefer"]


@pytest.mark.parametrize("name", PLANS)
def test_former_plans_match(plan, name):
    former = PLANS[name]
    assert "migdev:" not in json.dumps(former)
    study = registered(name)
    digest, told = check_plan(study, plan(former), strict=True)
    assert digest == former["sha256"]
    assert told == (OTHER_RULE,)


@pytest.mark.parametrize("name", PLANS)
def test_a_changed_former_plan_is_refused(plan, name):
    for change in ("rule", "class"):
        former = json.loads(json.dumps(PLANS[name]))
        former["plan"][change] += "!"
        with pytest.raises(SpecificationError, match="was changed after registration"):
            read_plan(plan(former))


def test_departures_from_a_former_plan_are_named(plan):
    study = studies()["every"]
    specs = dict(study.specs)
    specs["fe"] = replace(specs["fe"], estimator=replace(specs["fe"].estimator, effects=("time",)))
    specs["mg"] = md.Spec(
        estimator=md.SwamyRandomCoefficients(formula="y ~ x"), strategy="MeanGroup"
    )
    found = check_plan(replace(study, specs=specs), plan(PLANS["every"]), strict=False)[1]
    assert found[-1] == OTHER_RULE
    assert found[0] == "specs.fe.estimator.effects is ['time'], planned ['entity', 'time']"
    assert (
        "specs.mg.estimator.class is 'migdev:SwamyRandomCoefficients', planned 'migdev:MeanGroup'"
        in found
    )


def test_a_study_runs_by_a_former_plan(plan):
    question = md.hypotheses.get("G1")
    data = stylised_world("critical", seed=2, entities=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigdevWarning)
        answer = question.run(data, plan=plan(PLANS["G1"]), strict=True)
    assert (answer.plan, answer.departures) == (PLANS["G1"]["sha256"], (OTHER_RULE,))


def test_a_rule_that_never_was_is_a_departure(plan):
    content = {**PLANS["G1"]["plan"], "rule": "as we like it"}
    former = plan({"sha256": fingerprint(content), "plan": content})
    with pytest.raises(SpecificationError, match="planned 'as we like it'"):
        check_plan(md.hypotheses.get("G1").study(), former, strict=True)


def test_a_class_of_others_matches_by_its_address(plan, tmp_path, monkeypatch):
    """Registered as ``module.name``; its version or source was not told then."""
    write(tmp_path, {"theirs.py": ESTIMATOR.format(imports="", slope=SLOPE)})
    module = load(monkeypatch, tmp_path, "theirs")
    hypothesis = md.Hypothesis(claim="c", term="x", sign=1)
    study = md.Study(hypothesis, {"own": module.FixedEffects()})
    study.preregister(tmp_path / "now.json")
    content = json.loads((tmp_path / "now.json").read_text())["plan"]
    named = content["specs"]["own"]["estimator"]
    assert named["class"].startswith("theirs:FixedEffects (source ")
    assert check_plan(study, tmp_path / "now.json", strict=True)[1] == ()
    named["class"] = "theirs.FixedEffects"
    former = plan({"sha256": fingerprint(content), "plan": content})
    assert check_plan(study, former, strict=True)[1] == ()
    write(tmp_path, {"theirs.py": ESTIMATOR.format(imports="", slope="0.0")})
    found = check_plan(study, tmp_path / "now.json", strict=False)[1]
    assert len(found) == 1
    assert found[0].startswith("specs.own.estimator.class is 'theirs:FixedEffects (source ")


def test_what_cannot_be_imported_elsewhere_is_refused_when_a_plan_is_written(tmp_path):
    class Own(md.FixedEffects):
        pass

    study = md.Study(md.Hypothesis(claim="c", term="x", sign=1), {"own": Own(formula="y ~ x")})
    with pytest.raises(SpecificationError, match="A plan or package cannot hold Own, which"):
        study.preregister(tmp_path / "plan.json")
    assert not (tmp_path / "plan.json").exists()
    assert study.run(world(0.5)).primary == "own"  # without a plan it runs


def test_former_names_of_options_are_those_of_now():
    cls = "migdev.estimators.dynamic.lsdvc.BiasCorrectedLSDV"
    now = as_now({"class": cls, "replications": 200, "seed": 0})
    assert now == {"class": "migdev:BiasCorrectedLSDV", "draws": 200, "seed": 0}
    test = {"class": "migdev.study.pretests.PreTest", "test": "dumitrescu_hurlin", "on": "y ~ x"}
    now = as_now({**test, "options": [["bootstrap", 499], ["short", "drop"]]})
    assert now["options"] == [["draws", 499], ["short", "drop"]]
    other = {"class": "somewhere:Estimator (somewhere 1.0)", "replications": 3}
    assert as_now(other) == other
