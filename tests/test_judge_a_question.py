"""The page docs/how-to/judge-a-question.md runs from top to bottom."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from migdev.errors import MigdevWarning
from migdev.hypotheses import registry

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "judge-a-question.md"


@pytest.mark.slow
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTERED", {})
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigdevWarning)
        for body in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
            exec(compile(body, str(PAGE), "exec"), names)
    answer, family = names["answer"], names["family"]
    assert answer.plan
    assert answer.departures == ()
    assert answer.verdict == "supported"  # in this world they do
    assert len(family.frame) == 3
    assert names["md"].replication.verify(tmp_path / "package").passed
    assert (tmp_path / "verdict.html").exists()
    assert (tmp_path / "package.zip").exists()
