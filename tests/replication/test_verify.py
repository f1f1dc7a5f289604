"""Verification: every hash first, nothing outside the folder, then a rerun in a copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import migdev as md
from migdev.errors import SourceError
from migdev.replication import verify
from migdev.replication.data import write_data
from migdev.replication.manifest import KIND, seal_of, sha256
from migdev.replication.numbers import compare
from migdev.replication.verify import Verification, different_columns

COPIES = """import shutil
from pathlib import Path
Path("results").mkdir(exist_ok=True)
shutil.copyfile("expected/numbers.json", "results/numbers.json")
"""
MARK = "from pathlib import Path\nPath({place!r}).write_text('it ran')\n"


def resealed(folder: Path, *names: str, **told: object) -> Path:
    """The manifest of a folder, with other hashes or content, sealed again as anyone can."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) | told
    for entry in manifest["files"]:
        if entry["path"] in names:
            entry |= {"sha256": sha256(folder / entry["path"])}
    path.write_text(json.dumps({**manifest, "seal": seal_of(manifest)}), encoding="utf-8")
    return folder


@pytest.fixture
def light(copied):
    """A copy of the package whose script only copies what it should compute."""

    def copy(name: str = "light") -> Path:
        folder = copied(name)
        (folder / "code" / "run.py").write_text(COPIES, encoding="utf-8")
        return resealed(folder, "code/run.py")

    return copy


def bugged(folder: Path) -> Path:
    """A script in place of the package's that leaves a mark when it is run."""
    mark = folder.parent / "mark"
    (folder / "code" / "run.py").write_text(MARK.format(place=str(mark)), encoding="utf-8")
    return mark


def test_a_package_verifies_also_elsewhere(copied):
    outcome = verify(copied("moved"))
    assert outcome.passed
    assert outcome.ran
    assert str(outcome).startswith("Verified: every file has its hash, and the rerun gave the same")


def test_files_alone_are_checked_without_a_run(copied):
    folder = copied()
    outcome = verify(folder, run=False)
    assert outcome.passed
    assert not outcome.ran
    assert outcome.programs == ("code/run.py",)
    assert outcome.seal == json.loads((folder / "manifest.json").read_text())["seal"]
    assert str(outcome) == (
        "Files: every file has its hash, and nothing was run, so the numbers were not compared."
    )
    mark = bugged(folder)
    resealed(folder, "code/run.py")
    assert verify(folder, run=False).passed
    assert not mark.exists()
    verify(folder)
    assert mark.exists()  # so the mark would have been seen


@pytest.mark.parametrize(
    "name", ["data/panel.csv", "code/run.py", "README.md", "expected/numbers.json"]
)
def test_nothing_is_run_where_a_file_differs(copied, name):
    folder = copied()
    mark = bugged(folder)
    resealed(folder, "code/run.py")
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    outcome = verify(folder)
    assert len(outcome.changed) == 1
    assert outcome.changed[0].startswith(f"{name} has SHA-256")
    assert not outcome.passed
    assert str(outcome).endswith("Nothing was run.")
    assert not mark.exists()
    path.unlink()
    assert verify(folder).changed == (f"{name} is missing",)
    assert not mark.exists()


def test_deleted_results_and_added_files_are_named(light):
    folder = light()
    (folder / "results" / "verdict.html").unlink()
    assert verify(folder).changed == ("results/verdict.html is missing",)
    folder = light("added")
    (folder / "code" / "numpy.py").write_text("raise RuntimeError('in place of numpy')")
    (folder / "results" / "figure.png").write_text("another figure")
    (folder / "code" / "__pycache__").mkdir()
    (folder / "code" / "__pycache__" / "run.pyc").write_text("what Python keeps")
    outcome = verify(folder)
    assert outcome.unlisted == ("code/numpy.py", "results/figure.png")
    assert (outcome.failure, outcome.differences) == ("", ())  # they took no part
    assert not outcome.passed
    assert "Not in the manifest: code/numpy.py" in str(outcome)


@pytest.mark.parametrize(
    "name",
    ["../secret.txt", "/etc/hostname", "code/../../secret.txt", "..\\secret.txt", "C:/x", ""],
)
def test_paths_that_leave_the_folder_are_not_read(copied, name):
    folder = copied()
    (folder.parent / "secret.txt").write_text("a secret")
    digest = sha256(folder.parent / "secret.txt")
    mark = bugged(folder)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    entry = {"path": name, "sha256": "0" * 64, "bytes": 1}
    resealed(folder, "code/run.py", files=[*files, entry])
    resealed(folder, "code/run.py")
    outcome = verify(folder)
    assert outcome.changed == (f"{name} leads out of the folder, and is not read",)
    assert digest[:12] not in str(outcome)
    assert not mark.exists()
    resealed(folder, "code/run.py", files=files, results={name: "0" * 64})
    for run in (True, False):
        assert verify(folder, run=run).changed == outcome.changed


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_symbolic_links_are_not_followed(copied):
    folder = copied()
    target = folder.parent / "elsewhere"
    target.mkdir()
    for name in ("panel.csv", "panel.json"):
        (folder / "data" / name).rename(target / name)
    (folder / "data").rmdir()
    (folder / "data").symlink_to(target)
    assert verify(folder).changed == tuple(
        f"data/{name} is or lies behind a symbolic link, and is not read"
        for name in ("panel.csv", "panel.json")
    )
    folder = copied("one")
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to(copied("two") / "README.md")
    (folder / "notes").symlink_to(target)
    outcome = verify(folder)
    assert outcome.changed == ("README.md is or lies behind a symbolic link, and is not read",)
    assert outcome.unlisted == ("notes",)


def test_a_page_may_be_remade_but_not_edited(copied):
    folder = copied("remade")
    page = folder / "results" / "verdict.html"
    written = page.read_text(encoding="utf-8")
    subprocess.run(
        [sys.executable, "-W", "ignore", "code/run.py"], cwd=folder, check=True, capture_output=True
    )
    assert page.read_text(encoding="utf-8") == written
    page.write_text(written.replace("remit", "credit"), encoding="utf-8")
    outcome = verify(folder)
    assert outcome.pages[0].startswith("results/verdict.html is neither as it was written")
    assert not outcome.passed
    unrun = verify(folder, run=False)
    assert unrun.may_run
    assert unrun.pages[0].startswith("results/verdict.html is not as it was written")
    assert not unrun.passed


def test_a_page_that_the_rerun_draws_otherwise_is_no_change(light):
    """Written by other versions: the page in the folder is that of the rerun."""
    folder = light()
    manifest = json.loads((folder / "manifest.json").read_text())
    resealed(folder, results={**manifest["results"], "results/verdict.html": "0" * 64})
    assert len(verify(folder).pages) == 1
    page = (folder / "results" / "verdict.html").read_text(encoding="utf-8")
    draws = f"Path('results/verdict.html').write_text({page!r}, encoding='utf-8', newline='')"
    (folder / "code" / "run.py").write_text(COPIES + draws, encoding="utf-8")
    assert verify(resealed(folder, "code/run.py")).passed


def test_a_manifest_is_sealed(copied):
    folder = copied()
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert manifest["seal"] == seal_of(manifest)
    manifest["verdict"] = "supported by hand"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    outcome = verify(folder)
    assert outcome.changed == ("manifest.json is not as it was written",)
    assert not outcome.ran


def test_packages_of_version_1_verify(light):
    """They name no withheld data; the first had neither a seal nor their results."""
    folder = light()
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest |= {"package": "migdev replication package, version 1"}
    for key in ("withheld", "seal", "results"):
        del manifest[key]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert verify(folder).passed
    manifest["files"] = [e for e in manifest["files"] if e["path"] != "data/panel.csv"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert verify(folder).passed  # the data came from elsewhere, as the README of such a one asks


def test_a_damaged_manifest_is_a_plain_error(copied, tmp_path):
    folder = copied()
    path = folder / "manifest.json"
    for text, message in (
        ("{", "'manifest.json' of the package cannot be read"),
        ("{}", "lists no files"),
        ('{"files": ["data/panel.csv"]}', "among its files"),
        ('{"files": [], "results": []}', "its results or withheld files"),
        (
            json.dumps({"package": KIND, "files": [], "results": {"\x1b[2J": ""}}),
            r"names a file '\\x1b\[2J'",
        ),
        ('{"files": []}', "not that of a replication package"),
    ):
        path.write_text(text)
        with pytest.raises(SourceError, match=message):
            verify(folder)
    path.unlink()
    with pytest.raises(SourceError, match="not a replication package"):
        verify(folder)
    outcome = verify(resealed(copied("bare"), files=[]), run=True)
    assert outcome.failure == "the manifest lists no 'code/run.py', 'expected/numbers.json'"


def test_other_numbers_and_broken_code_are_named(light):
    folder = light()
    honest = (folder / "expected" / "numbers.json").read_text()
    path = folder / "expected" / "numbers.json"
    told = json.loads(path.read_text())
    told["focal"]["Fixed effects"]["estimate"] += 0.5
    path.write_text(json.dumps(told))
    write = f"Path('results/numbers.json').write_text({honest!r})"
    (folder / "code" / "run.py").write_text(COPIES + write)
    resealed(folder, "code/run.py")
    outcome = verify(resealed(folder, "expected/numbers.json"))
    assert len(outcome.differences) == 1
    assert outcome.differences[0].startswith("focal.Fixed effects.estimate is")
    for code, message in (
        ("raise RuntimeError('no')", "RuntimeError: no"),
        ("import time; time.sleep(60)", "it was stopped after 1 seconds"),
        ("import no_such_module", "(requirements.txt lists what must be installed)"),
        ("pass", "'numbers.json' of the package cannot be read"),
        ("import sys; sys.exit(3)", "it ended without a message"),
    ):
        (folder / "code" / "run.py").write_text(code)
        timeout = 1.0 if "sleep" in code else 600.0
        outcome = verify(resealed(folder, "code/run.py"), timeout=timeout)
        assert message in outcome.failure
        assert str(outcome).startswith("The rerun failed: ")


def test_the_rerun_works_on_a_copy(copied):
    folder = copied()
    (folder / "code" / "run.py").write_text(
        "from pathlib import Path\nfor p in Path().rglob('*'):\n    p.is_file() and p.unlink()\n"
    )
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    resealed(folder, "code/run.py")
    before[folder / "manifest.json"] = (folder / "manifest.json").read_bytes()
    assert verify(folder).failure
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_data_are_remade_from_raw_files_in_the_rerun(answer, tmp_path):
    raw = tmp_path / "raw.csv"
    write_data(answer.panel, tmp_path)
    (tmp_path / "panel.csv").rename(raw)
    prepare = (
        "import shutil\nfrom pathlib import Path\n"
        "DATA = Path(__file__).resolve().parents[1] / 'data'\n"
        "shutil.copyfile(DATA / 'raw' / 'raw.csv', DATA / 'panel.csv')\n"
    )
    folder = answer.replication_package(tmp_path / "p", raw=[raw], preparation=prepare)
    (folder / "code" / "run.py").write_text(COPIES)
    outcome = verify(resealed(folder, "code/run.py"))
    assert outcome.passed
    assert outcome.programs == ("code/prepare.py", "code/run.py")
    lines = raw.read_text().splitlines()
    (folder / "data" / "raw" / "raw.csv").write_text("\n".join(lines[:-1]) + "\n")
    outcome = verify(resealed(folder, "data/raw/raw.csv"))
    assert f"Data made from data/raw differ: {len(lines) - 2} rows" in str(outcome)
    (folder / "code" / "prepare.py").write_text("raise ValueError('no data')")
    outcome = verify(resealed(folder, "code/prepare.py"))
    assert outcome.prepared == ("code/prepare.py failed: ValueError: no data",)


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
    assert compare({"failures": {"IV": "weak"}}, {"failures": {"IV": "too weak"}}) == []
    assert compare({"failures": {"IV": "weak"}}, {"failures": {}}) == ["failures.IV is missing"]


def test_the_outcome_in_words():
    outcome = Verification(changed=("a is missing",), unlisted=("b",))
    assert str(outcome) == "Changed file: a is missing\nNot in the manifest: b\nNothing was run."
    assert not outcome.may_run
    assert replace(outcome, changed=()).may_run
    assert "differs" not in (md.replication.verify.__doc__ or "")
