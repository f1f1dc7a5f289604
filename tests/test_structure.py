"""The picture of the house, held: imports run one way, and ``import migdev`` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import migdev

PACKAGE = Path(migdev.__file__).parent
# From the ground up; a room imports from its own floor's other rooms never, from floors below only.
FLOORS = [
    {"errors", "provenance"},
    {"identity", "options", "plugins"},
    {"kernels"},
    {"panel", "protocols", "covariance", "engines"},
    {"results", "sources", "simulate"},
    {"estimators", "welfare", "testing"},
    {"extend"},
    {"diagnostics"},
    {"study", "robustness", "evidence", "report", "replication"},
    {"hypotheses"},
    {"__main__", "cli"},
]
# Rooms on one floor that may look at one another, in one direction.
BESIDE = {
    ("panel", "protocols"), ("covariance", "protocols"), ("covariance", "panel"),
    ("engines", "protocols"), ("engines", "panel"), ("engines", "covariance"),
    ("study", "report"), ("study", "robustness"),
    ("study", "evidence"), ("study", "replication"), ("replication", "report"),
    ("testing", "estimators"), ("simulate", "results"),
    ("__main__", "cli"),
}  # fmt: skip
# Methods that hand their object to a function of a room above, imported when they are called. They
# compute nothing themselves, so nothing below depends on what stands above.
HANDED_UP = {("panel/panel.py", "Panel.pretest"): "diagnostics"}


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(path: Path) -> set[str]:
    """Rooms that a module imports at run time, at module level or inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    rooms = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
            if node.module == "migdev":
                names = [f"migdev.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("migdev.")}
    return rooms


def handed_up(path: Path) -> set[str]:
    """Rooms above that a module reaches only from the methods that :data:`HANDED_UP` names, each of
    which does no more than import a function and return what it gives."""
    here, rooms = path.relative_to(PACKAGE).as_posix(), set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for (module, name), there in HANDED_UP.items():
        if module != here:
            continue
        owner, method = name.split(".")
        body = next(
            item.body
            for cls in tree.body
            if isinstance(cls, ast.ClassDef) and cls.name == owner
            for item in cls.body
            if isinstance(item, ast.FunctionDef) and item.name == method
        )
        statements = [s for s in body if not isinstance(s, ast.Expr)]
        assert [type(s) for s in statements] == [ast.ImportFrom, ast.Return], f"{name} does more"
        elsewhere = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith(f"migdev.{there}")
            and node is not statements[0]
            and not _typing_only(tree, node)
        ]
        assert not elsewhere, f"{here} imports migdev.{there} outside {name}"
        rooms.add(there)
    return rooms


def _typing_only(tree: ast.Module, node: ast.AST) -> bool:
    return any(
        node in ast.walk(block)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
    )


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward(path: Path) -> None:
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    here = room(path)
    assert here in floor, f"{here} has no floor in this test"
    for there in imports(path) - {here, "__version__"} - handed_up(path):
        allowed = floor[there] < floor[here] or (here, there) in BESIDE
        assert allowed, f"{path.relative_to(PACKAGE)} imports migdev.{there}, which lies above it"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_kernels_know_no_pandas(path: Path) -> None:
    if room(path) != "kernels":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        (node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert not named & {"pandas", "formulaic", "statsmodels", "linearmodels"}


def _modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sorted(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    return set(out.split())


def test_import_loads_numpy_at_most() -> None:
    extra = _modules_after("import numpy, migdev") - _modules_after(
        "import numpy, importlib, __future__, typing"
    )
    assert extra == {"migdev"}, f"import migdev also loads {sorted(extra - {'migdev'})}"


def test_estimators_do_not_load_scipy_stats_or_peers() -> None:
    loaded = _modules_after(
        "import migdev as md; md.Panel; md.FixedEffects; md.Clustered; md.RandomEffects; md.IV2SLS"
    )
    heavy = {"scipy.stats", "statsmodels", "linearmodels", "matplotlib", "jinja2", "typer"}
    assert not loaded & heavy


def test_every_public_name_resolves() -> None:
    for name in migdev._HOME:
        assert getattr(migdev, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = migdev.Nonsense
