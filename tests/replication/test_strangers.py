"""Packages with estimators, covariances and tests of others; packages of a fit alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import ReportError, SpecificationError
from migdev.replication import verify, write_package
from tests.strangers import ESTIMATOR, SLOPE, install, load, write

HELPER = "def slope(x, y):\n    return float(x @ y / (x @ x))\n"
TEST = """
import numpy as np


def spread(panel, variable):
    values = panel[variable].to_numpy()
    return md.TestStatistic(
        name="Spread", null="none", statistic=float(np.var(values)), pvalue=0.5,
        distribution="t", subject="Spread",
    )
"""


def world() -> md.Panel:
    rng = np.random.default_rng(1)
    n, t = 12, 8
    x = rng.normal(size=n * t)
    frame = pd.DataFrame(
        {"i": np.repeat(np.arange(n), t), "t": np.tile(np.arange(t), n) + 2000, "x": x,
         "y": 0.5 * x + rng.normal(size=n * t)}
    )  # fmt: skip
    return md.Panel.from_frame(frame, entity="i", time="t")


def run(estimator, **options) -> md.Answer:
    hypothesis = md.Hypothesis(claim="x raises y", term="x", sign=1, smallest_effect=0.1)
    specs = {"own": estimator, "ours": md.FixedEffects(formula="y ~ x")}
    return md.Study(hypothesis, specs, **options).run(world())


def test_a_module_beside_the_data_travels_with_what_it_imports(tmp_path, monkeypatch):
    lazy = ESTIMATOR.format(imports="from lab import helper\n", slope="helper.slope(x, y)")
    write(tmp_path / "work", {"mine.py": lazy + TEST, "lab/helper.py": HELPER})
    module = load(monkeypatch, tmp_path / "work", "mine")
    pretests = md.PreTests(tests={"spread": md.PreTest(test="mine:spread", on="y")})
    answer = run(module.FixedEffects(power=3.0, cov=md.Robust("HC3")), pretests=pretests)
    assert not answer.failures
    folder = answer.replication_package(tmp_path / "package")
    code = (folder / "code" / "run.py").read_text()
    assert "import migdev as md\nimport mine\n" in code
    assert "mine.FixedEffects(power=3.0, cov=md.Robust(kind='HC3'))" in code
    assert "test=mine.spread" in code
    assert (folder / "code" / "lab" / "helper.py").read_text() == HELPER
    assert not list(folder.rglob("__pycache__"))
    assert "| `code/mine.py` | imported by `code/run.py` |" in (folder / "README.md").read_text()
    references = (folder / "references.bib").read_text()
    assert "stranger1999" in references
    assert "correia2017" in references  # of ours, which is used too
    monkeypatch.undo()  # the module is gone from here
    outcome = verify(folder)
    assert outcome.passed, str(outcome)
    assert outcome.programs == ("code/lab/helper.py", "code/mine.py", "code/run.py")
    helper = folder / "code" / "lab" / "helper.py"
    helper.write_text(HELPER.replace("x @ y", "2 * x @ y"))
    assert verify(folder).changed[0].startswith("code/lab/helper.py has SHA-256")


def test_a_namesake_alone_is_not_cited_as_ours(tmp_path, monkeypatch):
    write(tmp_path, {"alone.py": ESTIMATOR.format(imports="", slope=SLOPE)})
    module = load(monkeypatch, tmp_path, "alone")
    hypothesis = md.Hypothesis(claim="x raises y", term="x", sign=1)
    answer = md.Study(hypothesis, {"own": module.FixedEffects()}).run(world())
    references = (answer.replication_package(tmp_path / "p") / "references.bib").read_text()
    assert "stranger1999" in references
    assert "correia2017" not in references


def test_a_distribution_is_required_and_not_copied(tmp_path, monkeypatch):
    write(tmp_path, {"remitown/__init__.py": ESTIMATOR.format(imports="", slope=SLOPE)})
    install(tmp_path, "remitown", "1.2", "remitown/__init__.py")
    module = load(monkeypatch, tmp_path, "remitown")
    folder = run(module.FixedEffects()).replication_package(tmp_path / "package")
    assert "remitown==1.2" in (folder / "requirements.txt").read_text().splitlines()
    assert [p.name for p in (folder / "code").iterdir()] == ["run.py"]
    assert "@software{remitown" in (folder / "references.bib").read_text()
    failure = verify(folder).failure  # it is not installed where packages are run
    assert failure.startswith("ModuleNotFoundError: No module named 'remitown' (requirements.txt")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"run.py": ESTIMATOR.format(imports="", slope=SLOPE)}, "'run.py' has the name of a prog"),
        (
            {
                "hidden.py": ESTIMATOR.format(
                    imports="import importlib\nhelper = importlib.import_module('helper' 'two')\n",
                    slope="helper.slope(x, y)",
                ),
                "helpertwo.py": HELPER,
            },
            "No module named 'helpertwo'",
        ),
    ],
    ids=["name", "hidden import"],
)
def test_modules_that_cannot_travel_are_refused(tmp_path, monkeypatch, files, message):
    write(tmp_path, files)
    module = load(monkeypatch, tmp_path, next(iter(files)).removesuffix(".py"))
    with pytest.raises(ReportError, match=message):
        run(module.FixedEffects()).replication_package(tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_classes_of_a_script_or_function_are_refused_before_anything_is_written(tmp_path):
    class Own(md.FixedEffects):
        pass

    with pytest.raises(SpecificationError, match="at the top level of the module"):
        run(Own(formula="y ~ x")).replication_package(tmp_path / "package")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------- a fit alone


@pytest.mark.parametrize(
    ("fit", "code"),
    [
        (
            lambda p: md.FixedEffects(formula="y ~ x", cov=md.Clustered("entity")).fit(p),
            "spec.fit(panel)\n",
        ),
        (
            lambda p: md.FixedEffects(formula="y ~ x").fit(p).with_cov(md.Robust("HC3")),
            "spec.fit(panel).with_cov(md.Robust(kind='HC3'))\n",
        ),
        (lambda p: md.MeanGroup(formula="y ~ x").fit(p), "spec.fit(panel)\n"),
    ],
    ids=["clustered", "with_cov", "mean group"],
)
def test_a_fit_has_its_package(tmp_path, fit, code):
    folder = write_package(fit(world()), tmp_path / "fit")
    assert f"answer = {code}" in (folder / "code" / "run.py").read_text()
    assert (folder / "results" / "table.tex").exists()
    assert "makes one fit with the data" in (folder / "README.md").read_text()
    assert set(json.loads((folder / "expected" / "numbers.json").read_text())) == {"fits"}
    outcome = verify(folder)
    assert outcome.passed, str(outcome)


def test_what_nothing_can_run_again_is_refused(tmp_path):
    fit = md.FixedEffects(formula="y ~ x").fit(world())
    for item, message in (
        (replace(fit, spec=None), "keeps no specification or no panel"),
        (replace(fit, sample=None), "keeps no specification or no panel"),
        (
            replace(fit, params=fit.params * 2),
            "does not give it again on its panel: fits.fit.params",
        ),
        (fit.params, "not of a Series"),
    ):
        with pytest.raises(ReportError, match=message):
            write_package(item, tmp_path / "fit")
    with pytest.raises(ReportError, match="is not the plan that this answer"):
        write_package(fit, tmp_path / "fit", plan=tmp_path / "plan.json")
    assert list(tmp_path.iterdir()) == []
