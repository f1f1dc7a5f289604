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
    told = [line for line in printed.splitlines() if line.startswith("Departure from the plan")]
    # the rule for single claims was worded anew after the plan; that for patterns was not
    assert all("Departure from the plan: the rule is " in line for line in told)
    assert "SHA-256" in (tmp_path / "X1.html").read_text(encoding="utf-8")


def test_states_example_holds_to_its_plan(data_dir, tmp_path):
    printed = run(["examples/mexico_states.py", str(tmp_path)], data_dir)
    assert "Verdict: undecided" in printed
    assert "Departure from the plan" not in printed
    assert printed.count("Decidable: ") == 3
    page = (tmp_path / "X1-MX.html").read_text(encoding="utf-8")
    assert "SHA-256" in page
    assert "could not have been established" in page


def test_long_run_example_answers_with_every_estimator(data_dir):
    printed = run(["examples/long_run.py"], data_dir)
    assert len(re.findall(r"remit [+-]0\.\d{3} \[", printed)) == 7 + 6
    countries = int(re.match(r"(\d+) countries", printed)[1])
    assert countries > 100
    assert "half-life" in printed
    # Income has a unit root and countries share shocks: estimators with terms for them come first.
    assert re.search(r"CIPS of income.*not rejected", printed)
    assert printed.count("countries share shocks") == 2
    assert printed.count("Order: CS-ARDL, CCE mean group, ") == 1  # incomes adjust slowly
    assert printed.count("Order: CCE mean group, ") == 1
    assert printed.count("Verdict: ") == 2


def test_dynamic_example_reports_what_fails(data_dir):
    printed = run(["examples/dynamic_growth.py"], data_dir)
    assert "more than countries" in printed
    crowded = re.search(r"Hansen J \[p\].*\[1\.000\]", printed)
    assert crowded, "too many instruments no longer blunt the Hansen test: mend the page on it"
    assert len(re.findall(r"smallest conditional F of the first stages: [\d.]+", printed)) == 3
    assert len(re.findall(r"effect of remittances at low, median and high credit", printed)) == 4


def test_income_gap_example_tells_kinds_of_convergence_apart(data_dir):
    """Incomes did not draw together as a whole; given investment and schooling they converge at the
    two percent a year of Barro and Sala-i-Martin."""
    printed = run(["examples/income_gap.py"], data_dir)
    assert int(re.match(r"(\d+) countries", printed)[1]) > 140
    told = r"Dispersion: rejected\. sd of income: ([\d.]+) in 1970, ([\d.]+) in 2019; (\S+)"
    start, end, slope = (float(v) for v in re.search(told, printed).groups())
    assert start < end
    assert slope > 0
    absolute, conditional = (
        float(v) for v in re.findall(r"([\d.]+)% of a gap closes per period", printed)
    )
    assert absolute < 1 < 1.5 < conditional < 3
    assert re.search(r"One path, or clubs: rejected\. b = -0\.\d+.* clubs of ", printed)
    assert "The pre-tests hold against it: incomes do not approach one path" in printed
    shares = [
        re.search(r"refused at 5% in ([\d.]+)% of gaps", printed)[1],
        re.search(r"unit root refused at 5% in ([\d.]+)% of \d+ gaps", printed)[1],
    ]
    assert all(float(share) < 25 for share in shares)


def test_real_exchange_rate_example_answers_for_both_measures(data_dir):
    printed = run(["examples/real_exchange_rate.py"], data_dir)
    found = re.findall(r"^(reer|price): (\d+) countries", printed, re.M)
    assert [name for name, _ in found] == ["reer", "price"]
    assert int(found[0][1]) > 25
    assert int(found[1][1]) > 100
    assert len(re.findall(r"remit [+-]\d\.\d{4} \[", printed)) == 16
    assert len(re.findall(r"^Verdict: ", printed, re.M)) == 2
    assert len(re.findall(r"^Pre-test: Gengenbach-Urbain-Westerlund: ", printed, re.M)) == 2
    assert printed.count("bootstrap of countries") == 4
    lives = [float(v) for v in re.findall(r"half-life = ([\d.]+)", printed)]
    assert len(lives) == 2
    assert all(1 < life < 8 for life in lives)  # the usual three to five years, and a margin
