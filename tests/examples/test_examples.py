"""Examples and the README run on real data and print what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def run(code: list[str], data_dir: Path) -> str:
    done = subprocess.run(
        [sys.executable, *code], capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "MIGDEV_DATA": str(data_dir)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readme_prints_its_true_output(data_dir):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    expected = re.search(r"```text\n(.*?)```", text, re.DOTALL)[1]
    assert run(["-c", script], data_dir) == expected
    statements = [line for line in script.splitlines() if line.strip()]
    assert len(statements) <= 15


def test_growth_example_has_the_known_figures(data_dir):
    printed = run(["examples/growth.py"], data_dir)
    tajikistan = float(re.search(r"Tajikistan 2013: remittances ([\d.]+)%", printed)[1])
    assert tajikistan > 40
    assert "Mexico 2023: remittances 3.7% of GDP" in printed
    assert printed.count("smallest effect these data could have found") == 8


def test_joint_example_holds_to_its_plan(data_dir, tmp_path):
    printed = run(["examples/joint_pattern.py", str(tmp_path)], data_dir)
    assert "Verdict:" in printed
    assert "Departure from the plan" not in printed
    assert "SHA-256" in (tmp_path / "X1.html").read_text(encoding="utf-8")


def test_long_run_example_answers_with_every_estimator(data_dir):
    printed = run(["examples/long_run.py"], data_dir)
    assert len(re.findall(r"remit [+-]0\.\d{3} \[", printed)) == 6
    countries = int(re.match(r"(\d+) countries", printed)[1])
    assert countries > 100
    assert "half-life" in printed


def test_dynamic_growth_example_shows_its_diagnostics(data_dir):
    printed = run(["examples/dynamic_growth.py"], data_dir)
    counts = re.findall(r"instruments (\d+) for (\d+) countries", printed)
    assert len(counts) == 2
    assert all(int(few) < int(many) for few, many in counts)
    assert len(re.findall(r"Hansen p = 0\.\d{3}, m2 p = 0\.\d{3}", printed)) == 2
    assert printed.count("smallest conditional F") == 2


def test_dynamic_example_reports_what_fails(data_dir):
    printed = run(["examples/dynamic_growth.py"], data_dir)
    assert "more than countries" in printed
    crowded = re.search(r"Hansen J \[p\].*\[1\.000\]", printed)
    assert crowded, "too many instruments no longer blunt the Hansen test: mend the page on it"
    assert len(re.findall(r"effect of remittances at low, median and high credit", printed)) == 4
