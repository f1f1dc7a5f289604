"""Replication packages: written, verified by rerun, moved, damaged, zipped."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace

import pytest

import migdev as md
from migdev.errors import ReportError
from migdev.provenance import Provenance
from migdev.replication.citations import citations, key_of
from migdev.replication.data import codebook, read_data, write_data
from migdev.replication.package import write_package, zip_folder
from migdev.replication.references import METHODS, bibliography, methods_bib
from migdev.simulate import stylised_world


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


def test_the_environment_is_pinned_with_all_it_requires(package):
    lines = (package / "requirements.txt").read_text().splitlines()
    assert lines[0].startswith("migdev==")
    names = {line.split("==")[0] for line in lines}
    assert {"numpy", "pandas", "scipy", "linearmodels", "typer", "python-dateutil", "click"} & names
    assert {"python-dateutil", "patsy", "packaging"} <= names  # required by what migdev requires
    assert len(lines) == len(names)


def test_the_engine_is_cited(package, tmp_path):
    assert "@software{statsmodels" not in (package / "references.bib").read_text()
    panel = stylised_world("critical", seed=2, entities=40)
    remit = panel["BX.TRF.PWKR.DT.GD.ZS"]
    high, trade = (remit > remit.median()).astype(float), panel["NE.TRD.GNFS.ZS"]
    fit = md.Logit("high ~ trade").fit(panel.assign(high=high, trade=trade).where(trade.notna()))
    cited = write_package(fit, tmp_path / "logit") / "references.bib"
    assert "@software{statsmodels" in cited.read_text()


def test_a_library_that_a_pre_test_calls_is_cited():
    world = stylised_world("critical", seed=2, entities=20)
    tests = {"unit root": md.PreTest(test="fisher", on="y")}
    study = md.Study(
        md.Hypothesis(claim="Remittances raise growth", term="remit", sign=+1),
        {"FE": md.FixedEffects("growth ~ remit")}, pretests=md.PreTests(tests=tests),
    )  # fmt: skip
    assert "@software{statsmodels" in bibliography([study], world.provenance)
    assert "@software{statsmodels" not in bibliography([study.hypothesis], world.provenance)


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


@pytest.mark.parametrize("given", [("folder", "answer"), ("answer", None), ("folder", "folder")])
def test_what_cannot_be_packaged_is_told(answer, tmp_path, given):
    """Arguments turned round, no folder, a path in place of an answer."""
    what = {"answer": answer, "folder": str(tmp_path / "package"), None: None}
    with pytest.raises(ReportError, match=r"write_package\(answer, 'folder'\)|an answer, Study"):
        write_package(*(what[name] for name in given))
    assert not any(tmp_path.iterdir())


def test_zip_depends_on_content_alone(package, tmp_path):
    again = shutil.copytree(package, tmp_path / "m1")
    first, second = package.with_name("m1.zip"), zip_folder(again)
    assert first.read_bytes() == second.read_bytes()
    assert "m1/manifest.json" in zipfile.ZipFile(first).namelist()


def test_closed_licences_keep_the_data_out(answer, tmp_path):
    closed = Provenance(publisher="A ministry", dataset="Accounts", licence="on request only")
    private = replace(answer, panel=replace(answer.panel, provenance=(closed,)))
    folder = write_package(private, tmp_path / "closed")
    assert not (folder / "data" / "panel.csv").exists()
    assert (
        "left out: the licence does not clearly allow it: on request only"
        in (folder / "README.md").read_text()
    )
    assert "| 3 | Analysis data | fail |" in (folder / "checklist.md").read_text()
    assert "Obtain" in (folder / "README.md").read_text()
    assert "obtain the data as README.md says" in md.replication.verify(folder).failure
    write_data(answer.panel, tmp_path / "obtained")
    obtained = tmp_path / "obtained" / "panel.csv"
    shutil.copyfile(obtained, folder / "data" / "panel.csv")
    outcome = md.replication.verify(folder, run=False)
    assert outcome.passed  # its hash is known
    assert outcome.unlisted == ()
    write_package(private, folder)
    assert (folder / "data" / "panel.csv").exists()  # what the replicator obtained stays
    (folder / "data" / "panel.csv").write_text(obtained.read_text().replace("0", "1", 1))
    found = md.replication.verify(folder).changed
    assert len(found) == 1 and found[0].startswith("data/panel.csv has SHA-256")


def test_data_come_back_to_the_last_digit(answer, tmp_path):
    write_data(answer.panel, tmp_path)
    back = read_data(tmp_path)
    assert back.fingerprint == answer.panel.fingerprint
    assert back.calendar == answer.panel.calendar


def test_labels_of_a_codebook_are_no_formulas_of_a_spreadsheet(answer):
    panel = replace(answer.panel, labels={"remit": "=cmd|' /C calc'!A0"}, units={"remit": "%"})
    row = codebook(panel).set_index("variable").loc["remit"]
    assert (row["label"], row["unit"]) == ("'=cmd|' /C calc'!A0", "%")


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
