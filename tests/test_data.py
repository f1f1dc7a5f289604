"""The sets that ship with the tests are those that the golden numbers were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.data import HERE
from tests.golden import HERE as GOLDEN
from tests.golden import load_golden

SHIPPED = sorted(path.name for path in (HERE / "benchmarks").glob("*.csv"))


def _hashes(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of file and hash, as the golden files write them in ``data`` and ``sha256``."""
    sha = table.get("sha256")
    if isinstance(sha, dict):
        yield from sha.items()
    elif sha is not None and "data" in table:
        files, hashes = ([v] if isinstance(v, str) else v for v in (table["data"], sha))
        yield from ((Path(f).name, h) for f, h in zip(files, hashes, strict=True))
    for value in table.values():
        if isinstance(value, dict):
            yield from _hashes(value)


@pytest.mark.parametrize("name", SHIPPED)
def test_golden_numbers_come_from_this_file(name):
    stated = {
        sha
        for path in GOLDEN.glob("*.toml")
        for file, sha in _hashes(load_golden(path.stem))
        if file == name
    }
    assert stated == {hashlib.sha256((HERE / "benchmarks" / name).read_bytes()).hexdigest()}


def test_origin_and_licence_of_every_file_are_told():
    rows = (HERE / "README.md").read_text(encoding="utf-8").splitlines()
    told = {row.split("`")[1]: row.split(" | ") for row in rows if row.startswith("| `")}
    assert sorted(told) == SHIPPED
    assert all(len(cells) == 5 and all(cells) for cells in told.values())
