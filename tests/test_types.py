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

PACKAGE = Path(migdev.__file__).parent
SCRIPTS = Path(__file__).parent / "typed_scripts"
#: Rooms whose names load on first use.
LAZY = sorted(
    ".".join(("migdev", *path.parent.relative_to(PACKAGE).parts))
    for path in PACKAGE.rglob("__init__.py")
    if "\n_HOME = " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", LAZY)
def test_stub_names_what_loads_on_first_use(name: str) -> None:
    room = import_module(name)
    stub = Path(str(room.__file__)).with_suffix(".pyi")
    expected = room._HOME | dict.fromkeys(getattr(room, "_ROOMS", ()), name)
    lines = "\n".join(sorted(f"from {home} import {n} as {n}" for n, home in expected.items()))
    assert stub.exists(), f"{stub} is missing; it holds the lines\n{lines}"
    found = {
        alias.asname: node.module
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name  # `import X as X` is what makes a name of a stub public
    }
    assert found == expected, f"{stub} should hold the lines\n{lines}"


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert {"migdev", "migdev.diagnostics"} <= set(LAZY)


def _errors_of_mypy(paths: list[str]) -> str:
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--no-color-output",
         "--config-file", str(PACKAGE.parent / "pyproject.toml"), *paths],
        capture_output=True, text=True, cwd=PACKAGE.parent, check=False,
    ).stdout  # fmt: skip


def _errors_of_pyright(paths: list[str]) -> str:
    out = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *paths],
        capture_output=True, text=True, cwd=PACKAGE.parent, check=False,
    ).stdout  # fmt: skip
    if not out.strip():
        pytest.skip("pyright could not fetch its engine")
    return "\n".join(
        f"{found['file']}:{found['range']['start']['line'] + 1}: error: {found['message']}"
        for found in json.loads(out)["generalDiagnostics"]
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
