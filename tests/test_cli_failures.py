"""The command line against hostile input, Ctrl-C and full disks: a line, a status, nothing left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

import migdev as md
from tests.test_cli import Done, files, run

__all__ = ["files", "run"]  # fixtures

HOSTILE = {
    "no command": ([], "Usage:"),
    "another command": (["studdy"], "Did you mean 'study'? See "),
    "no question": (["study"], "Missing argument"),
    "no place": (["study", "X1"], "Missing option '--out'"),
    "no number": (["study", "X1", "--out", "out", "--first", "abc"], "--first"),
    "years to come": (["study", "X1", "--out", "out", "--first", "2050"], "The data run from 1"),
    "years long gone": (["study", "X1", "--out", "out", "--last", "-5"], "hold no year until -5"),
    "years turned round": (
        ["study", "X1", "--out", "out", "--first", "2010", "--last", "2000"],
        "--first 2010 is after --last 2000; exchange them.",
    ),
    "years between data": (
        ["study", "X1", "--out", "out", "--first", "1500", "--last", "1600"],
        "no year between 1500 and 1600",
    ),
    "a window below zero": (["study", "X1", "--out", "out", "--window", "-5"], "--window"),
    "a window of a millennium": (["study", "X1", "--out", "out", "--window", "1000"], "rows is"),
    "a seed below zero": (["demo", "--out", "out", "--seed", "-1"], "--seed"),
    "a file for a folder": (["study", "X1", "--out", "file"], "no page can be written there"),
    "a folder in a file": (["demo", "--out", "file/out"], "no page can be written there"),
    "a folder for a page": (["study", "X1", "--out", "taken"], "'X1.html' there is a folder"),
    "a folder for data": (["study", "X1", "--out", "out", "--data", "."], "is a folder"),
    "no such data": (["study", "X1", "--out", "out", "--data", "wid.csv"], "mean 'wdi.csv'"),
    "data of nothing": (["study", "X1", "--out", "out", "--data", "empty.csv"], "is empty"),
    "bytes": (["study", "X1", "--out", "out", "--data", "bytes.csv"], "migdev: "),
    "no zip": (["study", "X1", "--out", "out", "--data", "no.zip"], "not a readable zip archive"),
    "the same file twice": (
        ["study", "X1", "--out", "out", "--data", "wdi.csv", "--data", "wdi.csv"],
        "Give --shared first or --shared last",
    ),
    "a folder of columns": (
        ["study", "X1", "--out", "out", "--data", "wdi.csv", "--columns", "."], "Is a directory",
    ),
    "columns that are no TOML": (
        ["study", "X1", "--out", "out", "--data", "wdi.csv", "--columns", "wdi.csv"], "not TOML",
    ),
    "a folder for a plan": (["study", "X1", "--out", "out", "--plan", "."], "cannot be read"),
    "two readings": (
        ["study", "X1", "--out", "out", "--data", "two.csv"],
        "On the command line: --read decimal=VALUE.",
    ),
    "reading without a value": (
        ["study", "X1", "--out", "out", "--data", "wdi.csv", "--read", "decimal"], "NAME=VALUE",
    ),
    "reading of another file": (
        ["study", "X1", "--out", "out", "--data", "wdi.csv", "--read", "a.csv:sheet=x"],
        "names no file of --data",
    ),
    "raw files of one name": (
        ["study", "X1", "--out", "out", "--data", "wdi.csv", "--data", "taken/wdi.csv",
         "--package"],
        "Several raw files are called 'wdi.csv'",
    ),
    "no package": (["verify", "file"], "holds no manifest.json"),
    "nothing to verify": (["verify", "nowhere"], "holds no manifest.json"),
    "time below zero": (["verify", "file", "--timeout", "-1"], "--timeout"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_in_a_line_and_a_status(files, tmp_path, run, monkeypatch, name):
    """Also before anything is computed, and nothing is left behind."""
    arguments, message = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIGDEV_DATA", raising=False)
    for raw in ("wdi.csv", "taken/wdi.csv"):
        (tmp_path / "taken" / "X1.html").mkdir(parents=True, exist_ok=True)
        shutil.copy(files / "wdi.csv", tmp_path / raw)
    (tmp_path / "file").touch()
    (tmp_path / "empty.csv").touch()
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "no.zip").write_bytes(b"PK nothing")
    (tmp_path / "two.csv").write_text("iso3;year;x\nAFG;2000;1,234\nALB;2000;5,678\n")
    before = sorted(tmp_path.rglob("*"))
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr + done.stdout
    last = done.stderr.splitlines()[-1:]
    assert not arguments or last[0].startswith("migdev: ")
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_places_are_refused_before_anything_is_computed(tmp_path, run, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("migdev.hypotheses.registry.Question.run", None)
    monkeypatch.setattr("migdev.cli.commands.folder_files", None)
    done = run("study", "X1", "--out", str(tmp_path / "file"))
    assert done.returncode == 2 and "no page can be written" in done.stderr


def test_version(run):
    assert run("--version") == Done(0, f"migdev {md.__version__}\n", "")


def test_bars_are_turned_off_by_an_option(run, monkeypatch):
    monkeypatch.setenv("MIGDEV_PROGRESS", "on")
    run("--no-progress", "hypotheses")
    assert os.environ["MIGDEV_PROGRESS"] == "off"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "migdev: Stopped. Nothing is left half done.\n"),
        (MemoryError(), 2, "migdev: There is not enough memory. Give fewer or smaller files.\n"),
        (PermissionError(13, "Permission denied", "a.csv"), 2,
         "migdev: Cannot read or write 'a.csv': Permission denied. Name another place, or change "
         "the rights to this one.\n"),
        (RuntimeError("odd"), 3, "migdev: A fault of migdev, not yours: RuntimeError: odd."),
    ],
)  # fmt: skip
def test_other_failures_are_a_line_and_a_status(run, monkeypatch, error, status, message):
    def fail() -> None:
        raise error

    monkeypatch.setattr("migdev.hypotheses.registry.table", fail)
    monkeypatch.setattr("migdev.hypotheses.table", fail)
    done = run("hypotheses")
    assert done.returncode == status
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
    monkeypatch.setenv("MIGDEV_TRACEBACK", "1")
    assert ("Traceback" in run("hypotheses").stderr) == (status == 3)


STOP = """
import os, pathlib, signal, sys
from migdev import cli
from migdev.study import study
what = sys.argv.pop(1)
if what == "fit":
    study.readable = lambda *given: os.kill(os.getpid(), signal.SIGINT)
else:
    pathlib.Path.replace = lambda *given: os.kill(os.getpid(), signal.SIGINT)
cli.main()
"""


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("fit", "migdev: Stopped after 0 of 6 specifications, at Pooled OLS. Nothing is left half"),
        ("page", "migdev: Stopped. Nothing is left half done."),
    ],
)
def test_ctrl_c_leaves_nothing_and_says_where_it_stood(tmp_path, what, told):
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", STOP, what, "study", "M1", "--out", str(out),
         "--package"],
        capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k != "MIGDEV_DATA"},
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1].startswith(told)
    assert [p for p in out.rglob("*") if p.is_file()] == []


def test_a_reader_that_has_enough_is_no_failure(tmp_path):
    script = f"{sys.executable} -m migdev hypotheses 2> {tmp_path}/told | head -n 1"
    assert subprocess.run(script, shell=True, capture_output=True, text=True, check=True).stdout
    assert (tmp_path / "told").read_text() == ""
