"""The command line: pages from files, the demo, verification, and plain messages."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev import hypotheses
from migdev.cli import main
from migdev.cli.data import Files, preparation, read_options
from migdev.report import verdict_figures
from migdev.simulate import stylised_world
from tests.replication.test_verify import resealed


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch, capsys):
    """The command line in this process: exit status and what it printed."""

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["migdev", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        return Done(stop.value.code or 0, printed.out, printed.err)

    return call


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "migdev", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A World-Bank-coded file and an attribute file, made of simulated data under real codes."""
    folder = tmp_path_factory.mktemp("files")
    frame = stylised_world("critical", seed=4, entities=40).frame
    codes = ["AFG", "AGO", "ALB", "ARG", "ARM", "AZE", "BDI", "BEN", "BFA", "BGD", "BGR", "BIH",
             "BLR", "BLZ", "BOL", "BRA", "BTN", "BWA", "CAF", "CHN", "CIV", "CMR", "COD", "COG",
             "COL", "COM", "CPV", "CRI", "CUB", "DJI", "DMA", "DOM", "DZA", "ECU", "EGY", "ERI",
             "ETH", "FJI", "GAB", "GEO"]  # fmt: skip
    frame["iso3"] = frame["iso3"].map(dict(zip(sorted(frame["iso3"].unique()), codes, strict=True)))
    attributes = frame[["iso3", "region", "income_group"]].drop_duplicates("iso3")
    attributes.to_csv(folder / "countries.csv", index=False)
    frame.drop(columns=["region", "income_group"]).to_csv(folder / "wdi.csv", index=False)
    return folder


@pytest.mark.slow
def test_study_writes_pages_and_a_package_that_verifies(files, tmp_path, run):
    done = run(
        "study", "G1", "--data", str(files / "wdi.csv"), "--data", str(files / "countries.csv"),
        "--out", str(tmp_path / "out"), "--package",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Verdict:" in done.stdout
    html = (tmp_path / "out" / "G1.html").read_text()
    assert "<svg" in html
    assert "http://" not in html.replace("http://www.w3.org", "")  # self-contained
    assert (tmp_path / "out" / "G1.tex").read_text().startswith(r"\documentclass")
    verified = process("verify", str(tmp_path / "out" / "G1-package"), "--yes")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "A rerun executes with your rights: code/prepare.py, code/run.py" in verified.stdout
    assert "Verified" in verified.stdout


@pytest.mark.slow
def test_a_package_of_a_simulated_world_verifies(tmp_path, run, monkeypatch):
    monkeypatch.delenv("MIGDEV_DATA", raising=False)
    done = run("study", "M1", "--out", str(tmp_path), "--package")
    assert done.returncode == 0, done.stderr
    verified = process("verify", str(tmp_path / "M1-package"), "--yes")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.slow
def test_packages_remake_their_data_from_raw_files(files, tmp_path, run):
    """One year given alone, a file of columns, and a digit changed in a raw file."""
    frame = pd.read_csv(files / "wdi.csv").rename(columns={"BX.TRF.PWKR.DT.GD.ZS": "Remesas"})
    frame.to_csv(tmp_path / "mine.csv", index=False)
    (tmp_path / "map.toml").write_text('[columns]\nRemesas = "BX.TRF.PWKR.DT.GD.ZS"\n')
    done = run(
        "study", "M1", "--data", str(tmp_path / "mine.csv"), "--columns",
        str(tmp_path / "map.toml"), "--first", "1985", "--out", str(tmp_path / "out"), "--package",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    moved = shutil.copytree(tmp_path / "out" / "M1-package", tmp_path / "elsewhere")
    remade = shutil.copytree(moved, tmp_path / "remade")
    (remade / "data" / "panel.csv").unlink()
    subprocess.run([sys.executable, "-W", "ignore", "code/prepare.py"], cwd=remade, check=True)
    for name in ("panel.csv", "panel.json"):
        assert (remade / "data" / name).read_bytes() == (moved / "data" / name).read_bytes()
    assert process("verify", str(moved), "--yes").returncode == 0
    raw = moved / "data" / "raw" / "mine.csv"
    frame.loc[frame["year"] == 1995, "Remesas"] += 0.01
    frame.to_csv(raw, index=False)
    verified = process("verify", str(moved), "--yes")
    assert verified.returncode == 1
    assert "Changed file: data/raw/mine.csv" in verified.stdout
    assert "Nothing was run." in verified.stdout
    verified = process("verify", str(resealed(moved, "data/raw/mine.csv")), "--yes")
    assert verified.returncode == 1
    assert "Data made from data/raw differ:" in verified.stdout
    assert "values of 'remit', first at (" in verified.stdout


def test_data_are_prepared_by_public_names():
    code = preparation(
        "G5", Files(paths=[Path("a.csv"), Path("b.csv")], columns=Path("map.toml")), {}, 5,
        (1980, 2019),
    )  # fmt: skip
    compile(code, "prepare.py", "exec")
    assert "md.hypotheses.get('G5')" in code
    assert "write_data(question.prepare_background(panel)" in preparation(
        "D1", Files(paths=[Path("a.csv")]), {}, None, None
    )
    assert "migdev" not in code.replace("import migdev as md", "")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A package whose script leaves a mark beside it when it is run."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"i": np.repeat(range(9), 5), "t": np.tile(range(5), 9)})
    frame = frame.assign(x=rng.normal(size=45), y=rng.normal(size=45))
    fit = md.FixedEffects(formula="y ~ x").fit(md.Panel.from_frame(frame, entity="i", time="t"))
    folder = md.replication.write_package(fit, tmp_path_factory.mktemp("fit") / "package")
    mark = f"from pathlib import Path\nPath({str(folder.parent / 'mark')!r}).touch()\n"
    (folder / "code" / "run.py").write_text(mark)
    return resealed(folder, "code/run.py")


@pytest.mark.parametrize(
    ("options", "answer", "ran", "status", "told"),
    [
        ([], "y\n", True, 1, "The rerun failed"),  # it writes no numbers
        (["--yes"], "", True, 1, "A rerun executes with your rights: code/run.py"),
        ([], "n\n", False, 0, "nothing was run, so the numbers were not compared"),
        ([], "", False, 2, "Nothing was run. Give --yes, or --no-run."),
        (["--no-run"], "", False, 0, "Files: every file has its hash"),
    ],
    ids=["agrees", "--yes", "declines", "no answer", "--no-run"],
)
def test_code_of_a_package_is_run_only_when_asked(
    package, run, monkeypatch, options, answer, ran, status, told
):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    done = run("verify", str(package), *options)
    assert done.returncode == status
    assert told in done.stdout + done.stderr
    mark = package.parent / "mark"
    assert mark.exists() == ran
    mark.unlink(missing_ok=True)


def test_a_place_for_a_package_is_refused_before_data_are_read(tmp_path, run):
    (tmp_path / "G1-package").mkdir()
    (tmp_path / "G1-package" / "mine.txt").write_text("precious")
    done = run("study", "G1", "--data", "nowhere.csv", "--out", str(tmp_path), "--package")
    assert done.returncode == 2
    assert "'G1-package' exists and is not a replication package" in done.stderr


def test_columns_are_mapped_by_a_small_file(files, tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.read_csv(files / "wdi.csv").rename(columns={"BX.TRF.PWKR.DT.GD.ZS": "Remesas"})
    frame.to_csv(tmp_path / "mine.csv", index=False, sep=";", decimal=",")
    (tmp_path / "map.toml").write_text('[columns]\nRemesas = "BX.TRF.PWKR.DT.GD.ZS"\n')
    done = run("study", "G1", "--data", "mine.csv", "--columns", "map.toml", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "G1.html").exists()


def test_pages_share_one_drawing_of_each_figure(files, tmp_path, run, monkeypatch):
    drawn = []
    plot = verdict_figures.pattern_plot
    monkeypatch.setattr(
        verdict_figures, "pattern_plot", lambda answer: drawn.append(answer) or plot(answer)
    )
    done = run(
        "study", "X1-first", "--data", str(files / "wdi.csv"),
        "--data", str(files / "countries.csv"),
        "--out", str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(drawn) == 1
    assert {p.name for p in tmp_path.rglob("*.*")} >= {
        "X1-first.html",
        "figure-1.svg",
        "figure-1.pdf",
    }


def test_a_mapping_serves_several_files(files, tmp_path, run):
    """Each line for the file that has its column; one that no file has is refused."""
    frame = pd.read_csv(files / "wdi.csv").rename(columns={"BX.TRF.PWKR.DT.GD.ZS": "Remesas"})
    frame.to_csv(tmp_path / "mine.csv", index=False)
    groups = pd.read_csv(files / "countries.csv").rename(columns={"income_group": "Grupo"})
    groups.to_csv(tmp_path / "groups.csv", index=False)
    lines = '[columns]\nRemesas = "BX.TRF.PWKR.DT.GD.ZS"\nGrupo = "income_group"\n'
    (tmp_path / "map.toml").write_text(lines)
    asked = ("study", "M1", "--data", str(tmp_path / "mine.csv"), "--data",
             str(tmp_path / "groups.csv"), "--columns", str(tmp_path / "map.toml"), "--out",
             str(tmp_path / "out"))  # fmt: skip
    done = run(*asked)
    assert done.returncode == 0, done.stderr
    assert "not left out" not in done.stdout
    (tmp_path / "map.toml").write_text(lines + 'Remesa = "remesa"\n')
    done = run(*asked)
    assert done.returncode == 2
    assert "names 'Remesa', in none of the files." in done.stderr


@pytest.mark.parametrize(("shared", "growth"), [("first", 1.0), ("last", 2.0)])
def test_columns_that_files_share(tmp_path, shared, growth):
    keys = pd.DataFrame({"iso3": ["AFG", "ALB"], "year": [2000, 2000]})
    keys.assign(growth=1.0, a=1.0).to_csv(tmp_path / "a.csv", index=False)
    keys.assign(growth=2.0, b=1.0).to_csv(tmp_path / "b.csv", index=False)
    files = Files(paths=[tmp_path / "a.csv", tmp_path / "b.csv"], shared=shared)
    panel, left_out = files.panel()
    assert panel["growth"].tolist() == [growth, growth]
    assert {"a", "b"} < set(panel.columns)
    code = preparation("G1", files, left_out, None, None)
    place = {"first": 1, "last": 0}[shared]
    assert f"rename={{{place}: {{'growth': None}}}}" in code


def test_files_are_read_as_asked(tmp_path):
    frame = pd.DataFrame({"pais": ["AFG", "ALB"], "year": [2000, 2000], "x": ["1,5", "conf."]})
    frame.to_csv(tmp_path / "a.csv", index=False, sep=";")
    options = read_options(["a.csv:missing=conf.,-9", "a.csv:entity=pais", "decimal=,"],
                           [tmp_path / "a.csv"])  # fmt: skip
    files = Files(paths=[tmp_path / "a.csv"], reading=options)
    assert files.panel()[0]["x"].iloc[0] == 1.5
    code = preparation("G1", files, {}, None, None)
    assert (
        "READING = {'a.csv': {'decimal': ',', 'missing': ('conf.', '-9'), 'entity': ('pais',)}}"
        in code
    )
    compile(code, "prepare.py", "exec")


@pytest.mark.slow
def test_a_package_of_files_read_and_joined_as_asked_verifies(files, tmp_path, run):
    frame = pd.read_csv(files / "wdi.csv")
    first = frame.rename(columns={"BX.TRF.PWKR.DT.GD.ZS": "Remesas"})
    first.to_csv(tmp_path / "mine.csv", index=False, sep=";", decimal=",")
    again = pd.read_csv(files / "countries.csv").assign(Remesas=0)
    again.to_csv(tmp_path / "groups.csv", index=False)
    (tmp_path / "map.toml").write_text('[columns]\nRemesas = "BX.TRF.PWKR.DT.GD.ZS"\n')
    done = run(
        "study", "M1", "--data", str(tmp_path / "mine.csv"), "--data", str(tmp_path / "groups.csv"),
        "--columns", str(tmp_path / "map.toml"), "--read", "mine.csv:decimal=,", "--shared",
        "first", "--out", str(tmp_path / "out"), "--package",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    verified = process("verify", str(tmp_path / "out" / "M1-package"), "--yes")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_yearly_data_and_years(files, tmp_path, run):
    done = run(
        "study", "G1", "--data", str(files / "wdi.csv"), "--window", "0", "--first", "1990",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_without_files_a_simulated_world_with_its_truth_stands_in(tmp_path, run, monkeypatch):
    monkeypatch.delenv("MIGDEV_DATA", raising=False)
    done = run("study", "M1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    first, truth, advice = done.stdout.splitlines()[:3]
    assert first.startswith("SIMULATED data: a world in which the critical view is true")
    assert "growth -0.05, volatility -0.15, poverty 0, dependence 0.8" in truth
    assert "--data FILE" in advice
    page = (tmp_path / "M1.html").read_text(encoding="utf-8")
    assert "Simulated data: this world describes no country" in page
    assert "SIMULATED critical world" in page


def test_without_files_the_folder_of_data_is_taken(files, tmp_path, run, monkeypatch):
    monkeypatch.setenv("MIGDEV_DATA", str(tmp_path))
    done = run("study", "M1", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "holds none of wdi_panel.csv, country_meta.csv" in done.stderr
    shutil.copy(files / "wdi.csv", tmp_path / "wdi_panel.csv")
    shutil.copy(files / "countries.csv", tmp_path / "country_meta.csv")
    done = run("study", "M1", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    told = f"Data of the folder {tmp_path}: wdi_panel.csv, country_meta.csv.\n"
    assert done.stdout.startswith(told)
    page = (tmp_path / "out" / "M1.html").read_text(encoding="utf-8")
    assert "wdi_panel.csv" in page
    assert "Simulated data" not in page


def test_verify_fails_loudly(tmp_path):
    assert process("verify", str(tmp_path)).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "G99", "--data", "wdi.csv", "--out", "out"], "no hypothesis 'G99'"),
        (["study", "G6", "--data", "wdi.csv", "--out", "out"], "waits for"),
        (["study", "G1", "--data", "nowhere.csv", "--out", "out"], "There is no file"),
        (["study", "G1", "--columns", "map.toml", "--out", "out"], "add the files by --data"),
        (["study", "G1", "--data", "countries.csv", "--out", "out"], "migdev: "),
        (["study", "X1-first", "--data", "no_poverty.csv", "--out", "out"], "'SI.POV.DDAY'"),
        (["study", "G1", "--data", "other.csv", "--out", "out"], "lack the series"),
        (["study", "G1", "--data", "wdi.csv", "--plan", "no.json", "--out", "out"], "no plan"),
        (
            ["study", "M1", "--data", "wdi.csv", "--plan", "g1.json", "--out", "out"],
            "registers 'G1'",
        ),
        (
            ["study", "X1-first", "--data", "wdi.csv", "--window", "0", "--out", "out"],
            "within a window",
        ),
        (
            ["study", "X1-first", "--data", "empty_poverty.csv", "--out", "out"],
            "no value of 'poverty'",
        ),
    ],
)
def test_bad_input_is_a_plain_message(files, tmp_path, run, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIGDEV_DATA", raising=False)
    frame = pd.read_csv(files / "wdi.csv")
    frame.to_csv(tmp_path / "wdi.csv", index=False)
    pd.read_csv(files / "countries.csv").to_csv(tmp_path / "countries.csv", index=False)
    frame.drop(columns="SI.POV.DDAY").to_csv(tmp_path / "no_poverty.csv", index=False)
    frame.assign(**{"SI.POV.DDAY": None}).to_csv(tmp_path / "empty_poverty.csv", index=False)
    hypotheses.get("G1").study().preregister(tmp_path / "g1.json")
    frame[["iso3", "year"]].assign(gdp=1.0).to_csv(tmp_path / "other.csv", index=False)
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("question", ["M1", "X1-first"])
def test_one_region_only_still_answers(files, tmp_path, run, monkeypatch, question):
    monkeypatch.chdir(tmp_path)
    frame = pd.read_csv(files / "wdi.csv")
    meta = pd.read_csv(files / "countries.csv").assign(region="South Asia")
    frame.to_csv(tmp_path / "wdi.csv", index=False)
    meta.to_csv(tmp_path / "countries.csv", index=False)
    done = run("study", question, "--data", "wdi.csv", "--data", "countries.csv", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "Verdict:" in done.stdout
    assert "Traceback" not in done.stderr
    if question == "X1-first":
        assert "holds 'South Asia' alone, so no region is left out" in done.stdout


def test_list_of_hypotheses(run):
    done = run("hypotheses")
    assert done.returncode == 0
    assert "G1   Remittances raise the growth" in done.stdout
    assert "waits for" in done.stdout


@pytest.mark.slow
def test_demo_marks_everything_as_simulated(tmp_path):
    done = process("demo", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    for view in ("development", "critical", "null"):
        assert (
            "Simulated data: this world describes no country"
            in (tmp_path / f"{view}.html").read_text()
        )
