"""Replication packages: written, verified by rerun, moved, damaged, zipped."""

from __future__ import annotations

import json
import shutil
import warnings
import zipfile
from dataclasses import replace

import pytest

import migdev as md
from migdev.errors import ReportError, SourceError
from migdev.provenance import Provenance
from migdev.replication.code import to_code
from migdev.replication.data import read_data, write_data
from migdev.replication.numbers import compare
from migdev.replication.package import zip_folder
from migdev.replication.references import METHODS, methods_bib
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


@pytest.mark.parametrize("name", ["G1", "G4", "X1", "K1"])
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
    assert compare({"a": 1}, {"b": 1}) == ["a is missing", "b is new"]
    assert compare([1.0, 2.0], [1.0, 3.0]) == ["[1] is 3.0, expected 2.0"]


def test_every_method_has_its_paper():
    known = methods_bib()
    for name, keys in METHODS.items():
        assert all(key in known for key in keys), name
        assert hasattr(md, name), name
