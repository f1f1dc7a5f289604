"""One answer and its package, made once; tests that change a package copy it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import migdev as md
from migdev.simulate import stylised_world


@pytest.fixture(scope="session")
def answer() -> md.Answer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        question = md.hypotheses.get("M1")
        panel = question.prepare(stylised_world("critical", seed=2, entities=40))
        specs = question.study().specs
        kept = {name: specs[name] for name in ("Pooled OLS", "Random effects", "Fixed effects")}
        return md.Study(question, kept).run(panel)


@pytest.fixture(scope="session")
def package(answer: md.Answer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return answer.replication_package(tmp_path_factory.mktemp("package") / "m1", archive=True)


@pytest.fixture
def copied(package: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the package under a name."""

    def copy(name: str = "copy") -> Path:
        return Path(shutil.copytree(package, tmp_path / name))

    return copy
