"""Replication packages: written, verified by rerun, moved, damaged, zipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import migdev as md
from migdev.errors import ReportError, SourceError
from migdev.provenance import Provenance
from migdev.replication.citations import citations, key_of
from migdev.replication.code import to_code
from migdev.replication.data import read_data, write_data
from migdev.replication.numbers import compare
from migdev.replication.package import zip_folder
from migdev.replication.references import METHODS, methods_bib
from migdev.replication.verify import changed_files, different_columns, seal_of
from migdev.simulate import stylised_world


@pytest.fixture(scope="module")
def answer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return md.hypotheses.get("M1").run(stylised_world("critical", seed=2, entities=40))


@pytest.fixture(scope="module")
def package(answer, tmp_path_factory):
    return answer.replication_package(tmp_path_factory.mktemp("package") / "m1", archive=True)


def test_everything_a_package_needs_is_there(package):
    names = {p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()}
    assert {
        "README.md", "LICENSE.txt", "manifest.json", "codebook.csv", "requirements.txt",
        "references.bib", "checklist.md", "code/run.py", "data/panel.csv", "data/panel.json",
        "expected/numbers.json", "results/numbers.json", "results/verdict.html",
    } <= names  # fmt: skip
    manifest = json.loads((package / "manifest.json").read_text())
    assert {f["path"] for f in manifest["files"]} >= {"data/panel.csv", "code/run.py"}
    readme = (package / "README.md").read_text()
    for heading in ("Data availability", "Computational requirements", "Instructions to replic"):
        assert heading in readme
    assert "@article{swamy1972" in (package / "references.bib").read_text()
    assert "| 13 | Documentation | pass |" in (package / "checklist.md").read_text()
    assert any(line.startswith("numpy==") for line in
               (package / "requirements.txt").read_text().splitlines())  # fmt: skip


def test_a_package_verifies_also_elsewhere(package, tmp_path):
    moved = shutil.copytree(package, tmp_path / "moved")
    outcome = md.replication.verify(moved)
    assert outcome.passed
    assert "Verified" in str(outcome)


def test_one_changed_digit_is_caught_and_named(package, tmp_path):
    damaged = shutil.copytree(package, tmp_path / "damaged")
    path = damaged / "data" / "panel.csv"
    lines = path.read_text().splitlines()
    row = next(i for i, line in enumerate(lines) if i > 40 and all(line.split(",")))
    cells = lines[row].split(",")
    cells[-1] = cells[-1][:-3] + ("1" if cells[-1][-3] != "1" else "2") + cells[-1][-2:]
    cells[4] = str(float(cells[4]) + 0.5)
    path.write_text("\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]]) + "\n")
    outcome = md.replication.verify(damaged)
    assert not outcome.passed
    assert outcome.changed[0].startswith("data/panel.csv has SHA-256")
    assert outcome.differences
    assert "Changed file: data/panel.csv" in str(outcome)


def test_results_of_a_rerun_are_no_change(package, tmp_path):
    """Pages and figures are remade, and may differ by the version of the drawing library."""
    moved = shutil.copytree(package, tmp_path / "moved")
    for path in (moved / "results").rglob("*.*"):
        path.write_text("remade")
    listed = json.loads((moved / "manifest.json").read_text())["files"]
    assert not any(f["path"].startswith("results/") for f in listed)
    assert changed_files(moved, listed) == []


def test_a_page_may_be_remade_but_not_edited(package, tmp_path):
    moved = shutil.copytree(package, tmp_path / "remade")
    subprocess.run(
        [sys.executable, "-W", "ignore", "code/run.py"], cwd=moved, check=True, capture_output=True
    )
    assert md.replication.verify(moved).passed
    page = next((moved / "results").glob("*.html"))
    page.write_text(page.read_text(encoding="utf-8").replace("remit", "credit"), encoding="utf-8")
    outcome = md.replication.verify(moved)
    assert not outcome.passed
    assert f"results/{page.name} is neither as it was written" in outcome.changed[0]


def test_a_manifest_is_sealed(package, tmp_path):
    moved = shutil.copytree(package, tmp_path / "sealed")
    manifest = json.loads((moved / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seal"] == seal_of(manifest)
    manifest["verdict"] = "supported by hand"
    (moved / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    outcome = md.replication.verify(moved)
    assert outcome.changed == ("manifest.json is not as it was written",)
    assert not outcome.passed
    del manifest["seal"]  # as packages were written before
    (moved / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert md.replication.verify(moved).passed


def test_a_damaged_manifest_is_a_plain_error(package, tmp_path):
    moved = shutil.copytree(package, tmp_path / "moved")
    (moved / "manifest.json").write_text("{")
    with pytest.raises(SourceError, match="'manifest.json' of the package cannot be read"):
        md.replication.verify(moved)
    (moved / "manifest.json").write_text("{}")
    with pytest.raises(SourceError, match="lists no files"):
        md.replication.verify(moved)
    (moved / "manifest.json").write_text('{"files": ["data/panel.csv"]}')
    with pytest.raises(SourceError, match="among its files"):
        md.replication.verify(moved)


def test_the_environment_is_pinned_with_all_it_requires(package):
    lines = (package / "requirements.txt").read_text().splitlines()
    assert lines[0].startswith("migdev==")
    names = {line.split("==")[0] for line in lines}
    assert {"numpy", "pandas", "scipy", "linearmodels", "typer", "python-dateutil", "click"} & names
    assert {"python-dateutil", "patsy", "packaging"} <= names  # required by what migdev requires
    assert len(lines) == len(names)


def test_provenance_comes_back(answer, tmp_path):
    write_data(answer.panel, tmp_path)
    back = read_data(tmp_path)
    assert back.provenance == answer.panel.provenance
    assert back.history == answer.panel.history


def test_the_plan_goes_along(tmp_path):
    question = md.hypotheses.get("M1")
    prepared = question.prepare(stylised_world("critical", seed=2, entities=30))
    study = question.study()
    static = md.Study(question, {k: study.specs[k] for k in ("Pooled OLS", "Fixed effects")})
    static.preregister(tmp_path / "plan.json")
    answer = static.run(prepared, plan=tmp_path / "plan.json")
    folder = answer.replication_package(tmp_path / "package", plan=tmp_path / "plan.json")
    assert (folder / "plan.json").read_bytes() == (tmp_path / "plan.json").read_bytes()
    assert f"plan={answer.plan!r}" in (folder / "code" / "run.py").read_text()
    assert "(`plan.json`)" in (folder / "README.md").read_text()
    assert "| 12 | Pre-registration | pass |" in (folder / "checklist.md").read_text()
    assert md.replication.verify(folder).passed
    other = md.Study(md.Hypothesis(claim="c", term="x", sign=1), static.specs)
    other.preregister(tmp_path / "other.json")
    with pytest.raises(ReportError, match="is not the plan"):
        answer.replication_package(tmp_path / "second", plan=tmp_path / "other.json")


def test_raw_files_of_one_name_are_refused(answer, tmp_path):
    (tmp_path / "a").mkdir()
    for folder in (tmp_path, tmp_path / "a"):
        (folder / "raw.csv").write_text("x\n")
    with pytest.raises(ReportError, match="Several raw files are called 'raw.csv'"):
        answer.replication_package(
            tmp_path / "p", raw=[tmp_path / "raw.csv", tmp_path / "a" / "raw.csv"]
        )


def test_differences_of_remade_data_are_named(answer, tmp_path):
    write_data(answer.panel, tmp_path / "one")
    changed = answer.panel.assign(remit=answer.panel["remit"] * 1.001)
    write_data(changed, tmp_path / "other")
    assert different_columns(tmp_path / "one", tmp_path / "one") == []
    found = different_columns(tmp_path / "one", tmp_path / "other")
    assert len(found) == 1
    assert "values of 'remit', first at (S0" in found[0]
    write_data(answer.panel.take(np.arange(20), "few"), tmp_path / "short")
    assert "20 rows" in different_columns(tmp_path / "one", tmp_path / "short")[0]


def test_missing_files_and_broken_code_are_named(package, tmp_path):
    broken = shutil.copytree(package, tmp_path / "broken")
    (broken / "codebook.csv").unlink()
    (broken / "code" / "run.py").write_text("raise RuntimeError('no')\n")
    outcome = md.replication.verify(broken)
    assert "codebook.csv is missing" in outcome.changed
    assert outcome.failure == "RuntimeError: no"
    with pytest.raises(SourceError, match="not a replication package"):
        md.replication.verify(tmp_path)


def test_zip_depends_on_content_alone(package, tmp_path):
    again = shutil.copytree(package, tmp_path / "m1")
    first, second = package.with_name("m1.zip"), zip_folder(again)
    assert first.read_bytes() == second.read_bytes()
    assert "m1/manifest.json" in zipfile.ZipFile(first).namelist()


def test_closed_licences_keep_the_data_out(answer, tmp_path):
    closed = Provenance(publisher="A ministry", dataset="Accounts", licence="on request only")
    private = replace(answer, panel=replace(answer.panel, provenance=(closed,)))
    folder = private.replication_package(tmp_path / "closed")
    assert not (folder / "data" / "panel.csv").exists()
    assert (
        "left out: the licence does not clearly allow it: on request only"
        in (folder / "README.md").read_text()
    )
    assert "| 3 | Analysis data | fail |" in (folder / "checklist.md").read_text()
    assert "Obtain" in (folder / "README.md").read_text()
    assert "obtain the data as README.md says" in md.replication.verify(folder).failure


def test_a_folder_of_something_else_is_left_alone(answer, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ReportError, match="is not a replication package"):
        answer.replication_package(tmp_path)


def test_data_come_back_to_the_last_digit(answer, tmp_path):
    write_data(answer.panel, tmp_path)
    back = read_data(tmp_path)
    assert back.fingerprint == answer.panel.fingerprint
    assert back.calendar == answer.panel.calendar


@pytest.mark.parametrize("name", ["G1", "G4", "X1", "K1", "G5", "M8", "D1", "D7"])
def test_code_rebuilds_the_study(name):
    study = md.hypotheses.get(name).study()
    rebuilt = eval(to_code(study), {"md": md})
    assert to_code(rebuilt) == to_code(study)


def test_comparison_has_its_tolerances():
    assert (
        compare({"a": 1.0, "shares": {"x": 0.5}}, {"a": 1.0 + 1e-9, "shares": {"x": 0.505}}) == []
    )
    assert compare({"a": 1.0}, {"a": 1.001}) == ["a is 1.001, expected 1.0"]
    assert compare({"shares": {"x": 0.5}}, {"shares": {"x": 0.6}}) != []
    assert compare({"a": None}, {"a": 1.0}) == ["a is 1.0, expected None"]
    assert compare({"gradient_norm": 1e-13}, {"gradient_norm": 2e-12}) == []
    assert compare({"a": 1}, {"b": 1}) == ["a is missing", "b is new"]
    assert compare([1.0, 2.0], [1.0, 3.0]) == ["[1] is 3.0, expected 2.0"]


def test_every_method_has_its_paper():
    known = methods_bib()
    for name, keys in METHODS.items():
        assert all(key in known for key in keys), name
        assert hasattr(md, name), name


def test_every_estimator_is_cited():
    """By an entry of its own, or as its docstring cites; later ones too."""
    without = {"GMMStyle", "IVStyle", "Unadjusted", "PooledOLS"}
    for name, home in md._HOME.items():
        if not home.startswith(("migdev.estimators", "migdev.covariance")) or name in without:
            continue
        found = METHODS.get(name) or citations(getattr(md, name))
        assert found, f"{name} cites nothing"
        assert all("year = {" in entry for entry in citations(getattr(md, name))), name


def test_docstrings_become_bibtex():
    found = citations(md.SwamyRandomCoefficients)
    assert found == [
        "@article{swamy1970,\n  author = {{Swamy}},\n  year = {1970},\n"
        "  journal = {Econometrica},\n  volume = {38},\n  pages = {311--323}\n}"
    ]
    several = citations(md.CCEMeanGroup)
    keys = [key_of(entry) for entry in several]
    assert keys[:3] == ["pesaran2006", "chudik2015", "kapetanios2011"]
    assert "{Chudik} and {Pesaran}" in several[1]
    assert "{Kapetanios} and {Pesaran} and {Yamagata}" in several[2]
    books = citations(md.FirstDifference)
    assert books[0].startswith("@misc{wooldridge2010")
    assert "2nd ed., section 10.6" in books[0]

    class Silent:
        """No reference."""

    assert citations(Silent) == []
