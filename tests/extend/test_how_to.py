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


@pytest.mark.slow
def test_a_package_with_parts_of_others_verifies_in_another_environment(
    site: Path, tmp_path: Path
) -> None:
    names = run_pages(*PAGES)
    folder = tmp_path / "Z1-package"
    assert "corridorlab==0.3.0" in (folder / "requirements.txt").read_text()
    code = (folder / "code" / "run.py").read_text()
    assert "corridorlab.poisson.Poisson(" in code
    home = tmp_path / "elsewhere"
    venv.create(home, system_site_packages=False, with_pip=False)
    python = home / "bin" / "python" if sys.platform != "win32" else home / "Scripts" / "python.exe"
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    # The environment finds the same libraries and migdev, and corridorlab where it is installed.
    places = [p for p in sys.path if p and Path(p).is_dir() and Path(p) != site]
    repository = Path(md.__file__).resolve().parents[1]
    Path(purelib, "places.pth").write_text("\n".join([str(repository), str(site), *places]))
    done = subprocess.run(
        [python, "-m", "migdev", "verify", str(folder), "--yes"],
        capture_output=True, text=True, cwd=home, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    del names
