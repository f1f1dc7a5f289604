"""Golden numbers: results of other software, with their provenance, read from TOML."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def load_golden(name: str) -> dict[str, Any]:
    """The content of ``tests/golden/<name>.toml``."""
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
