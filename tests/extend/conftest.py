"""The package that the how-tos on extending build, installed beside migdev."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
PAGES = ("estimator", "covariance", "source", "test", "question", "reader")


def blocks(page: str) -> list[tuple[str, str]]:
    text = (HOW_TO / f"extend-{page}.md").read_text(encoding="utf-8")
    return re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)


def module_of(code: str) -> str:
    """The path that the first line of a block names, where it is a module; else ``""``."""
    found = re.match(r"# ([\w/]+\.py)\n", code)
    return found.group(1) if found else ""


def install(site: Path) -> None:
    """Write the modules of the pages, and what an installer would write of their distribution."""
    package = site / "corridorlab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for page in PAGES:
        for kind, code in blocks(page):
            if kind == "python" and module_of(code):
                (site / module_of(code)).write_text(code, encoding="utf-8")
    project = tomllib.loads(next(code for kind, code in blocks("source") if kind == "toml"))
    meta = project["project"]
    info = site / f"{meta['name']}-{meta['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {meta['name']}\nVersion: {meta['version']}\n"
    )
    lines = []
    for group, entries in meta["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    files = [p.relative_to(site).as_posix() for p in site.rglob("*.py")]
    (info / "top_level.txt").write_text("corridorlab\n")
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in files))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "site"
    install(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.chdir(tmp_path)
    yield folder
    for name in [n for n in sys.modules if n.split(".")[0] in ("corridorlab", "corridorfits")]:
        del sys.modules[name]
