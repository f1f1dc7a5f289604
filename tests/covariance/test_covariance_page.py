"""The reference page of covariances: its example runs and prints what the page says."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "covariance.md"


def test_the_example_prints_what_the_page_shows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```\s+```\n(.*?)```", text, re.DOTALL)
    assert found is not None
    code, output = found.groups()
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), {})
    assert printed.getvalue().strip() == output.strip()
