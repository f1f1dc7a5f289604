"""What a package's script writes, and a rerun must reproduce."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from migdev.replication.numbers import numbers, plain
from migdev.replication.single import SingleFit
from migdev.results.estimate import Estimate


def write_results(answer: Any, folder: str | Path) -> Path:
    """Write ``numbers.json`` and the page of an answer, or the table of a fit."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    told = SingleFit(answer) if isinstance(answer, Estimate) else answer
    text = json.dumps(plain(numbers(told)), indent=1, sort_keys=True) + "\n"
    (path / "numbers.json").write_text(text, encoding="utf-8", newline="\n")
    page = told.page()
    for suffix in ("html", "tex", "md"):
        page.save(path / f"{page_of(told)}.{suffix}")
    return path


def page_of(answer: Any) -> str:
    """The name of the page of an answer, without its suffix."""
    return "table" if isinstance(answer, SingleFit) else "verdict"
