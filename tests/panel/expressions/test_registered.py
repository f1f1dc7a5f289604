"""Functions that a user registers: called by formulas, named in plans, travelling in packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import FormulaError, SpecificationError
from migdev.panel.expressions import functions, grammar
from tests.strangers import load, write

MODULE = '''"""Functions of one's own."""

import numpy as np


def winsor(x, share=0.1):
    low, high = np.nanquantile(x, [share, 1 - share])
    return np.clip(x, low, high)
'''


@pytest.fixture(autouse=True)
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(functions, "_registered", {})
    grammar.read.cache_clear()
    yield
    grammar.read.cache_clear()


@pytest.fixture
def panel() -> md.Panel:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {"i": np.repeat(range(20), 6), "t": np.tile(range(6), 20), "x": rng.normal(size=120)}
    )
    return md.Panel.from_frame(frame.assign(y=frame.x + rng.normal(size=120)), entity="i", time="t")


def test_a_registered_function_is_called(panel: md.Panel) -> None:
    with pytest.raises(FormulaError, match=r"winsor\(\) is not among.*md\.formula_functions"):
        md.PooledOLS("y ~ winsor(x)").fit(panel)
    md.formula_functions(
        winsor=lambda x, share=0.1: np.clip(x, *np.quantile(x, [share, 1 - share]))
    )
    fit = md.PooledOLS("y ~ winsor(x, share=0.05)").fit(panel)
    by_hand = panel.assign(w=np.clip(panel["x"], *np.quantile(panel["x"], [0.05, 0.95])))
    assert_allclose(fit.params, md.PooledOLS("y ~ w").fit(by_hand).params, rtol=1e-12)
    assert len(panel.where("winsor(x) > 0")) == int((panel["x"] > 0).sum())
    with pytest.raises(FormulaError, match=r"may depend on other rows by winsor\(\)"):
        fit.predict(panel.between(2, 5))
    assert_allclose(fit.predict(), fit.fitted)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"log": np.log}, "'log' mean something"),
        ({"L": np.log}, "'L' mean something"),
        ({"np": np.log}, "'np' mean something"),
        ({"mine": 3}, "needs a function, not int"),
    ],
)
def test_what_cannot_be_registered(named: dict[str, object], message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        md.formula_functions(**named)


@pytest.mark.parametrize("made", [np.ones(3), np.ones((120, 2)), np.array(["a"] * 120)])
def test_what_it_returns_is_checked(panel: md.Panel, made: np.ndarray) -> None:
    md.formula_functions(odd=lambda x: made)
    with pytest.raises(FormulaError, match=r"odd\(\) should return 120 numbers, one per row"):
        md.PooledOLS("y ~ odd(x)").fit(panel)


@pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")
def test_it_travels_by_its_module(
    panel: md.Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "lib", {"trimming.py": MODULE})
    module = load(monkeypatch, tmp_path / "lib", "trimming")
    md.formula_functions(winsor=module.winsor, unused=np.cbrt)
    fit = md.PooledOLS("y ~ winsor(x)").fit(panel)
    folder = md.replication.write_package(fit, tmp_path / "package")
    code = (folder / "code" / "run.py").read_text(encoding="utf-8")
    assert "md.formula_functions(winsor=trimming.winsor)" in code
    assert (folder / "code" / "trimming.py").exists()
    command = [sys.executable, "-m", "migdev", "verify", str(folder), "--yes"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    stripped = code.replace("md.formula_functions(winsor=trimming.winsor)", "")
    (folder / "code" / "run.py").write_text(stripped, encoding="utf-8")
    command = [sys.executable, str(folder / "code" / "run.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode != 0
    assert "winsor() is not among the functions" in done.stderr


def test_a_function_that_cannot_travel(panel: md.Panel, tmp_path: Path) -> None:
    md.formula_functions(twice=lambda x: 2 * x)
    fit = md.PooledOLS("y ~ twice(x)").fit(panel)
    with pytest.raises(SpecificationError, match="lambda"):
        md.replication.write_package(fit, tmp_path / "package")


def test_a_plan_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"first.py": MODULE, "second.py": MODULE})
    one, other = (load(monkeypatch, tmp_path, name).winsor for name in ("first", "second"))
    study = md.Study(
        md.Hypothesis(claim="c", term="winsor(x)", sign=+1),
        specs={"OLS": md.PooledOLS("y ~ winsor(x)")},
    )
    md.formula_functions(winsor=one)
    study.preregister(tmp_path / "plan.json")
    plan = (tmp_path / "plan.json").read_text(encoding="utf-8")
    assert '"winsor"' in plan
    assert "first:winsor" in plan
    from migdev.study.plan import plan_content

    held = plan_content(study)
    md.formula_functions(winsor=other)
    assert plan_content(study) != held
