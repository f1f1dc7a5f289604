"""Public names as a type checker sees them: every one typed, wrong words refused."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import migdev
from migdev.lazy import homes

PACKAGE = Path(migdev.__file__).parent
SCRIPTS = Path(__file__).parent / "typed_scripts"
#: Rooms whose names load on first use.
LAZY = ("migdev", "migdev.diagnostics")


@pytest.mark.parametrize("name", LAZY)
def test_every_name_of_a_stub_loads(name: str) -> None:
    room = import_module(name)
    assert set(homes(name)) <= set(dir(room))
    for public, home in homes(name).items():
        found = getattr(room, public)
        assert found is (
            import_module(f"{name}.{public}") if home == name else vars(import_module(home))[public]
        )


@pytest.mark.parametrize("name", LAZY)
def test_stubs_are_sorted_and_hold_nothing_else(name: str) -> None:
    stub = Path(str(import_module(name).__file__)).with_suffix(".pyi")
    kinds = {type(node) for node in ast.parse(stub.read_text(encoding="utf-8")).body[1:]}
    assert kinds <= {ast.ImportFrom, ast.AnnAssign}
    assert {p.parent for p in PACKAGE.rglob("__init__.pyi")} == {
        Path(str(import_module(lazy).__file__)).parent for lazy in LAZY
    }


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()


def _errors_of_mypy(paths: list[str]) -> str:
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--no-color-output",
         "--config-file", str(PACKAGE.parent / "pyproject.toml"), *paths],
        capture_output=True, text=True, cwd=PACKAGE.parent, check=False,
    ).stdout  # fmt: skip


def _errors_of_pyright(paths: list[str]) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *paths],
        capture_output=True, text=True, cwd=PACKAGE.parent, check=False,
    )  # fmt: skip
    assert run.stdout.strip(), run.stderr
    return "\n".join(
        f"{found['file']}:{found['range']['start']['line'] + 1}: error: {found['message']}"
        for found in json.loads(run.stdout)["generalDiagnostics"]
        if found["severity"] == "error"
    )


CHECKERS = {"mypy": _errors_of_mypy, "pyright": _errors_of_pyright}


@pytest.mark.parametrize("checker", CHECKERS)
def test_user_scripts(checker: str) -> None:
    """Errors stand on the lines marked ``# wrong``, and on no other."""
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    scripts = sorted(SCRIPTS.glob("*.py"))
    told = CHECKERS[checker]([str(path) for path in scripts])
    found = {
        (Path(where).name, int(line))
        for where, line in re.findall(r"^(.+?\.py):(\d+): error:", told, re.MULTILINE)
    }
    expected = {
        (path.name, number)
        for path in scripts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.endswith("# wrong")
    }
    assert expected
    assert found == expected, told
