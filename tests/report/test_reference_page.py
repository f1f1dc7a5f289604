"""The reference page tells the truth: its code runs, and prints what the page shows."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "tables.md"


def test_examples_print_what_the_page_shows(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, object] = {}
    printed, shown = "", 0
    for language, body in blocks:
        if language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(body, PAGE.name, "exec"), names)
            printed = out.getvalue()
        else:
            assert body == printed
            shown += 1
    assert shown == 2
    assert (tmp_path / "report.html").exists()
