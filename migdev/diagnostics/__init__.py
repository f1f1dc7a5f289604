"""Diagnostics: tests as functions, each giving a TestStatistic.

The names of ``__init__.pyi`` load on first use; after them come tests of other packages.
"""

from __future__ import annotations

from typing import Any

from migdev.lazy import homes, load
from migdev.plugins import TESTS


def __getattr__(name: str) -> Any:
    if not name.startswith("_") and name not in homes(__name__) and name in TESTS.names():
        return TESTS.load(name)
    return load(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *homes(__name__), *TESTS.names()})
