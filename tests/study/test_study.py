"""Studies: verdicts, plans, failures kept, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import SpecificationError
from migdev.identity import fingerprint


def world(slope: float, noise: float = 1.0, seed: int = 1) -> md.Panel:
    rng = np.random.default_rng(seed)
    n, t = 60, 12
    x = rng.normal(size=n * t) + np.repeat(rng.normal(size=n), t)
    y = slope * x + np.repeat(rng.normal(size=n), t) + noise * rng.normal(size=n * t)
    frame = pd.DataFrame(
        {"i": np.repeat(np.arange(n), t), "t": np.tile(np.arange(t), n) + 2000, "x": x, "y": y}
    )
    return md.Panel.from_frame(frame, entity="i", time="t")


def study(**options) -> md.Study:
    h = md.Hypothesis(
        claim="x raises y", term="x", views={"A": "+", "B": "<=0"}, smallest_effect=0.1
    )
    cov = md.Clustered("entity")
    specs = {
        "FE": md.Spec(estimator=md.FixedEffects(formula="y ~ x", cov=cov), strategy="within"),
        "OLS": md.Spec(
            estimator=md.PooledOLS(formula="y ~ x", cov=cov), strategy="as if randomised",
            design="external instruments",
        ),
    }  # fmt: skip
    return md.Study(h, specs=specs, **options)


@pytest.mark.parametrize(
    ("slope", "verdict", "views"),
    [
        (0.5, "supported", {"A": "supported", "B": "contradicted"}),
        (-0.5, "contradicted", {"A": "contradicted", "B": "supported"}),
        (0.0, "no effect", {"A": "contradicted", "B": "supported"}),
    ],
)
def test_verdicts_follow_the_truth(slope, verdict, views):
    answer = study().run(world(slope, noise=0.5))
    assert answer.verdict == verdict
    assert answer.views == views
    assert answer.primary == "FE"
    assert 0 < answer.minimum_detectable_effect < 0.2


def test_noise_is_undecided_with_a_detectable_effect():
    answer = study().run(world(0.1, noise=8))
    assert answer.verdict == "undecided"
    assert "would have been found with 80% power" in answer.reason
    assert "Minimum detectable effect" in str(answer)


def test_one_class_of_design_is_not_enough():
    """Pooled and fixed effects are both associations, whatever their strategies are called."""
    h = md.Hypothesis(claim="x raises y", term="x", sign=1, smallest_effect=0.1)
    specs = {
        "FE": md.Spec(estimator=md.FixedEffects(formula="y ~ x"), strategy="within"),
        "OLS": md.Spec(estimator=md.PooledOLS(formula="y ~ x"), strategy="pooled"),
    }
    answer = md.Study(h, specs).run(world(0.5))
    assert answer.verdict == "undecided"
    assert "fewer than two classes of design" in answer.reason
    assert answer.agreeing == {"association"}
    assert "all specifications are of one class of design (association)" in str(answer.decidability)


def test_a_design_of_another_sign_does_not_agree():
    panel = world(0.5, noise=0.3)
    shifted = panel.assign(y=panel["y"] - 5 * np.repeat(panel["x"].groupby(panel["i"]).mean(), 12)
                           .to_numpy())  # fmt: skip
    assert shifted is not panel
    answer = study().run(shifted)
    assert answer.frame.set_index("spec").loc["OLS", "estimate"] < 0
    assert answer.verdict == "undecided"


def test_failures_are_kept_and_the_next_in_order_gives_the_verdict():
    base = study()
    specs = {"broken": md.PooledOLS(formula="y ~ nothing"), **base.specs}
    answer = md.Study(base.hypothesis, specs).run(world(0.5))
    assert answer.primary == "FE"
    assert "names 'nothing'" in answer.failures["broken"]
    assert list(answer.frame["spec"]) == ["broken", "FE", "OLS"]
    other = md.Study(md.Hypothesis(claim="c", term="z", sign=1), {"FE": base.specs["FE"]}).run(
        world(0.5)
    )
    assert other.verdict == "undecided"
    assert "not a coefficient" in other.failures["FE"]


def test_warnings_of_the_fits_are_kept():
    panel = world(0.5)
    x = panel["x"].copy()
    x.iloc[:5] = np.nan
    answer = study().run(panel.assign(x=x))
    assert "5 of 720 rows" in answer.warnings["FE"][0]
    assert "5 of 720 rows" in str(answer)


def test_focal_parameters_may_be_functions():
    h = md.Hypothesis(claim="long run", term="x / (1 - 0.5)", sign=1, smallest_effect=0.1)
    answer = md.Study(h, study().specs).run(world(0.5, noise=0.3))
    fit = answer.fits["FE"]
    assert answer.focal["FE"].estimate == pytest.approx(2 * fit.params["x"])
    assert answer.focal["FE"].std_error == pytest.approx(2 * fit.std_errors["x"])


def test_plan_registered_kept_and_departed_from(tmp_path):
    plan = tmp_path / "plan.json"
    digest = study().preregister(plan)
    panel = world(0.5)
    answer = study().run(panel, plan=plan)
    assert (answer.plan, answer.departures) == (digest, ())
    changed = study(prefer=("OLS", "FE"))
    answer = changed.run(panel, plan=plan)
    assert answer.departures == ("prefer is ['OLS', 'FE'], planned ['FE', 'OLS']",)
    with pytest.raises(SpecificationError, match="departs from its plan: prefer"):
        changed.run(panel, plan=plan, strict=True)


def test_a_plan_changed_after_registration_is_refused(tmp_path):
    plan = tmp_path / "plan.json"
    study().preregister(plan)
    content = json.loads(plan.read_text())
    content["plan"]["hypothesis"]["smallest_effect"] = 0.01
    plan.write_text(json.dumps(content))
    with pytest.raises(SpecificationError, match="was changed after registration"):
        study().run(world(0.5), plan=plan)
    for content in ("[]", "", '"plan"', json.dumps({"sha256": fingerprint("a"), "plan": "a"})):
        plan.write_text(content)
        with pytest.raises(SpecificationError, match="is not a plan"):
            study().run(world(0.5), plan=plan)
    plan.write_bytes(b"\xff\xfe")
    with pytest.raises(SpecificationError, match="is not a plan"):
        study().run(world(0.5), plan=plan)
    with pytest.raises(SpecificationError, match="cannot be read"):
        study().run(world(0.5), plan=tmp_path)
    with pytest.raises(SpecificationError, match="There is no plan"):
        study().run(world(0.5), plan=tmp_path / "nowhere.json")


def leaves(item, path=()):
    parts = item.items() if isinstance(item, dict) else enumerate(item)
    for key, value in parts:
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def test_no_part_of_a_plan_can_be_changed(tmp_path):
    plan = tmp_path / "plan.json"
    study().preregister(plan)
    registered = plan.read_text()
    for path, value in leaves(json.loads(registered)):
        content = json.loads(registered)
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value + 1 if isinstance(value, int | float) else f"{value}!"
        plan.write_text(json.dumps(content))
        with pytest.raises(SpecificationError, match="was changed after registration"):
            study().run(world(0.5), plan=plan)


def test_plans_from_before_the_seal_still_hold(tmp_path):
    plan = tmp_path / "plan.json"
    study().preregister(plan)
    content = json.loads(plan.read_text())
    del content["seal"]
    plan.write_text(json.dumps(content))
    assert study().run(world(0.5), plan=plan).departures == ()


def test_hashes_do_not_depend_on_the_process():
    code = (
        "from migdev.identity import fingerprint; "
        "print(fingerprint({'a': {'x', 'y', 'z', 3}, 'b': frozenset({1, 'q'})}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(found) == 1
    assert fingerprint(np.arange(3)) == fingerprint([0, 1, 2])


def test_what_has_no_name_cannot_be_planned():
    with pytest.raises(SpecificationError, match="no canonical form"):
        fingerprint(partial(print))


def test_fingerprints_follow_content():
    a, b = study(), study()
    assert fingerprint(a) == fingerprint(b)
    assert fingerprint(a) != fingerprint(study(sample="poor countries"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda h: md.Study(h, {}), "at least one specification"),
        (lambda h: md.Study(h, [md.FixedEffects(formula="y ~ x")]), "specs is a list"),
        (lambda _: md.Study("h", {"FE": md.FixedEffects(formula="y ~ x")}), "asks a Hypothesis"),
        (lambda h: md.Study(h, {"a": "OLS"}), "is a str"),
        (lambda h: md.Study(h, {"FE": md.FixedEffects(formula="y ~ x")}, prefer=["Fe"]),
         "Did you mean 'FE'"),
    ],
)  # fmt: skip
def test_studies_that_cannot_be(make, message):
    with pytest.raises(SpecificationError, match=message):
        make(md.Hypothesis(claim="c", term="x", sign=1))
