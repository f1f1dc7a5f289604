"""The how-tos on extending the package run from top to bottom, and what they build is right."""

from __future__ import annotations

import ast
import subprocess
import sys
import venv
import warnings
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm

import migdev as md
from migdev import extend
from migdev.errors import MigdevWarning
from tests.extend.conftest import PAGES, blocks, module_of


def run_pages(*pages: str) -> dict[str, object]:
    """The usage of the pages, in order and in one namespace."""
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigdevWarning)
        for page in pages:
            for kind, code in blocks(page):
                if kind == "python" and not module_of(code):
                    exec(compile(code, f"extend-{page}.md", "exec"), names)
    return names


def test_every_page_runs(site: Path) -> None:
    names = run_pages(*PAGES)
    answer = names["answer"]
    assert set(answer.fits) == {"PPML", "Lagged cost"}
    assert not answer.failures
    assert answer.pretests[0].outcome in ("rejected", "not rejected")
    assert Path("Z1.html").exists()
    assert "Z1" in md.hypotheses.table().index


def test_the_estimator_is_the_maximum_with_the_errors_of_dummies(site: Path) -> None:
    names = run_pages("estimator")
    frame, fit = names["frame"], names["fit"]
    dummies = np.eye(60)[frame.iso3]
    X = np.column_stack([frame.cost, dummies])
    oracle = sm.GLM(frame.flow, X, family=sm.families.Poisson()).fit(tol=1e-12)
    assert fit.params["cost"] == pytest.approx(oracle.params.iloc[0], rel=1e-8)
    hc0 = sm.GLM(frame.flow, X, family=sm.families.Poisson()).fit(tol=1e-12, cov_type="HC0")
    ours = fit.with_cov(md.Robust("HC0")).std_errors["cost"]
    assert ours == pytest.approx(hc0.bse.iloc[0], rel=1e-7)
    groups = {"groups": frame.iso3.to_numpy(), "use_correction": False}
    cr0 = sm.GLM(frame.flow, X, family=sm.families.Poisson()).fit(
        tol=1e-12, cov_type="cluster", cov_kwds=groups
    )
    clustered = fit.with_cov(md.Clustered("entity", kind="CR0")).std_errors["cost"]
    assert clustered == pytest.approx(cr0.bse.iloc[0], rel=1e-7)


def test_an_estimator_takes_less_than_forty_lines(site: Path) -> None:
    """Beside its mathematics: lines of the class without docstrings, blanks and the loop."""
    source = (site / "corridorlab" / "poisson.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    cls = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    loop = next(node for node in ast.walk(cls) if isinstance(node, ast.For))
    lines = set(range(cls.lineno, cls.end_lineno + 1)) - set(
        range(loop.lineno, loop.end_lineno + 1)
    )
    assert len([n for n in lines if source.splitlines()[n - 1].strip()]) < 40


def test_everything_that_pages_name_is_public() -> None:
    named = {
        node.attr
        for page in PAGES
        for kind, code in blocks(page)
        if kind == "python"
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "extend"
    }
    assert named <= set(extend.__all__)
    assert all(hasattr(extend, name) for name in extend.__all__)
    private = [
        code for page in PAGES for kind, code in blocks(page)
        if kind == "python" and "from migdev." in code.replace("from migdev.testing import", "")
    ]  # fmt: skip
    assert not private


def elsewhere(folder: Path, site: Path) -> Path:
    """A Python of another environment: the same libraries and migdev, and corridorlab where it is
    installed."""
    venv.create(folder, system_site_packages=False, with_pip=False)
    windows = sys.platform == "win32"
    python = folder / ("Scripts/python.exe" if windows else "bin/python")
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    purelib = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    repository = Path(md.__file__).resolve().parents[1]
    places = [p for p in sys.path if p and Path(p).is_dir() and Path(p) != site]
    text = "\n".join([str(repository), str(site), *places])
    Path(purelib, "places.pth").write_text(text, encoding="utf-8")
    return python


def verifies(python: Path, folder: Path) -> None:
    command = [python, "-m", "migdev", "verify", str(folder), "--yes"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=python.parent, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")
def test_parts_of_others_are_registered_judged_joined_packaged_and_verified(
    site: Path, tmp_path: Path
) -> None:
    names = run_pages(*PAGES)
    folder, panel = tmp_path / "Z1-package", names["corridors"]
    assert "corridorlab==0.3.0" in (folder / "requirements.txt").read_text(encoding="utf-8")
    assert "corridorlab.poisson.Poisson(" in (folder / "code" / "run.py").read_text("utf-8")

    study = md.hypotheses.get("Z1").study()
    study.preregister("plan.json")
    plan = Path("plan.json").read_text(encoding="utf-8")
    assert "corridorlab.poisson:Poisson" in plan
    held = study.run(panel, plan="plan.json", strict=True)
    assert held.departures == ()

    h = md.Hypothesis(claim="c", term="cost", views={"DF": "-", "CR": "0"}, smallest_effect=0.01)
    other = md.Hypothesis(claim="d", term="cost", views={"DF": "0", "CR": "+"}, smallest_effect=0.1)
    joint = md.JointStudy(
        components=(
            md.Component(name="count", hypothesis=h, spec=study.specs["PPML"]),
            md.Component(name="level", hypothesis=other, formula="flow ~ cost"),
        ),
        sample="largest", draws=199,
    ).run(panel)  # fmt: skip
    assert joint.family.unkept == ()
    joint.replication_package(tmp_path / "joint-package")

    python = elsewhere(tmp_path / "environment", site)
    verifies(python, folder)
    verifies(python, tmp_path / "joint-package")
