"""The picture of the house, held: imports run one way, and ``import migdev`` stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import migdev

PACKAGE = Path(migdev.__file__).parent
# From the ground up; a room imports from its own floor's other rooms never, from floors below only.
FLOORS = [
    {"errors", "notes", "progress", "provenance", "writing", "lazy"},
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
    "panel": {"protocols"},
    "covariance": {"protocols", "panel"},
    "engines": {"protocols", "panel", "covariance"},
    "simulate": {"results"},
    "testing": {"estimators"},
    "replication": {"report"},
    "study": {"report", "robustness", "evidence", "replication"},
    "__main__": {"cli"},
}
# Methods that hand their object to a function of a module above, imported when they are called.
# They compute nothing themselves, so nothing below depends on what stands above.
HANDED_UP = {
    ("panel/panel.py", "Panel.pretest"): "diagnostics/pretest_table.py",
    ("results/estimate.py", "Estimate.margins"): "results/marginal/margins.py",
}
# Subjects that estimators, diagnostics and tests share with the kernels, save these.
SUBJECTS = {
    "estimators": {
        "static": "absorb, random and arrays hold its numbers",
        "systems": "linearmodels holds its numbers",
    },
    "diagnostics": {"fit": "tests of a fit, whatever its subject"},
}
LONGEST, FULLEST = 400, 25


def modules(room: str = "") -> list[str]:
    """Paths below the package, without the package's own ``__init__``."""
    found = (p.relative_to(PACKAGE).as_posix() for p in (PACKAGE / room).rglob("*.py"))
    return sorted(p for p in found if p != "__init__.py")


def room_of(module: str) -> str:
    return Path(module).parts[0].removesuffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def import_nodes(module: str) -> list[ast.Import | ast.ImportFrom]:
    """Imports at run time, at module level or inside functions."""
    tree = tree_of(module)
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in typing_only
    ]


def names_in(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Dotted names that an import may mean: modules, and what it takes from them."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "imports are absolute"
    return [f"{node.module}.{alias.name}" for alias in node.names]


def file_of(name: str) -> str | None:
    """The module of the package that a dotted name is, or is taken from."""
    parts = name.split(".")
    if parts[0] != "migdev":
        return None
    for stop in (len(parts), len(parts) - 1):
        path = "/".join(parts[1:stop])
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if path and (PACKAGE / file).exists():
                return file
    return None


@cache
def imports_of(module: str) -> frozenset[str]:
    """Modules of the package that a module imports, save those that it hands its objects to."""
    up = {id(node) for node in handed_up(module)}
    return frozenset(
        file
        for node in import_nodes(module)
        if id(node) not in up
        for file in map(file_of, names_in(node))
        if file is not None and file != module
    )


def handed_up(module: str) -> list[ast.ImportFrom]:
    """The imports of the methods that :data:`HANDED_UP` names, each of which does no more than
    import a function and return what it gives."""
    found = []
    for (here, name), there in HANDED_UP.items():
        if here != module:
            continue
        owner, method = name.split(".")
        body = next(
            item.body
            for cls in tree_of(module).body
            if isinstance(cls, ast.ClassDef) and cls.name == owner
            for item in cls.body
            if isinstance(item, ast.FunctionDef) and item.name == method
        )
        first, *others = [s for s in body if not isinstance(s, ast.Expr)]
        assert isinstance(first, ast.ImportFrom), f"{name} does more"
        assert [type(s) for s in others] == [ast.Return], f"{name} does more"
        assert {file_of(n) for n in names_in(first)} == {there}
        found.append(first)
    return found


@pytest.mark.parametrize("module", modules())
def test_imports_run_downward(module: str) -> None:
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    here = room_of(module)
    assert here in floor, f"{here} has no floor in this test"
    for there in {room_of(file) for file in imports_of(module)} - {here}:
        allowed = floor[there] < floor[here] or there in BESIDE.get(here, ())
        assert allowed, f"{module} imports migdev.{there}, which lies above it"


def test_modules_import_in_no_circle() -> None:
    graph = {module: imports_of(module) for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports run in a circle: {' <- '.join(error.args[1])}")
    TopologicalSorter(BESIDE).prepare()


@pytest.mark.parametrize("module", modules("kernels"))
def test_kernels_know_arrays_only(module: str) -> None:
    known = {name.split(".")[0] for node in import_nodes(module) for name in names_in(node)}
    foreign = known - {"migdev", "numpy", "scipy"} - sys.stdlib_module_names
    assert not foreign, f"{module} imports {foreign}"


def test_no_module_is_too_long_and_no_folder_too_full() -> None:
    lines = {m: len((PACKAGE / m).read_text(encoding="utf-8").splitlines()) for m in modules()}
    long = {module: n for module, n in lines.items() if n > LONGEST}
    assert not long, "these ask to become two"
    folders = Counter(Path(m).parent.as_posix() for m in lines if Path(m).name != "__init__.py")
    assert max(folders.values()) <= FULLEST, folders.most_common(1)


def folders(path: Path) -> set[str]:
    return {p.parent.name for p in path.glob("*/__init__.py")}


def test_subjects_have_the_same_names_everywhere() -> None:
    subjects = folders(PACKAGE / "kernels")
    for room, own in SUBJECTS.items():
        assert folders(PACKAGE / room) - subjects == set(own)
    tests = Path(__file__).parent
    for room in ("kernels", *SUBJECTS):
        extra = folders(tests / room) - folders(PACKAGE / room)
        assert not extra, f"tests/{room} has subjects of its own: {extra}"
        assert folders(tests / room), f"tests/{room} is not by subject"


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
