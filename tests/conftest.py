"""Fixtures shared by all tests: real data where it is, and untouched global random state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import migdev as md

ROOT = Path(__file__).resolve().parents[1]


def find_data() -> Path | None:
    """The folder of real data: ``$MIGDEV_DATA``, else ``../shared/data`` beside the project."""
    folder = Path(os.environ.get("MIGDEV_DATA") or ROOT.parent / "shared" / "data")
    return folder if (folder / "README.md").exists() else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    folder = find_data()
    if folder is None:
        pytest.skip("real data are absent: set MIGDEV_DATA to the folder that holds them")
    return folder


@pytest.fixture(autouse=True)
def _random_state_untouched() -> Iterator[None]:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    yield
    after = np.random.get_state()[1]  # noqa: NPY002
    assert np.array_equal(before, after), "a test or the package touched global random state"


def _benchmark(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "benchmarks" / f"{name}.csv")


@pytest.fixture(scope="session")
def grunfeld(data_dir: Path) -> md.Panel:
    return md.Panel.from_frame(_benchmark(data_dir, "grunfeld"), entity="firm", time="year")


@pytest.fixture(scope="session")
def produc(data_dir: Path) -> md.Panel:
    frame = _benchmark(data_dir, "munnell_produc")
    return md.Panel.from_frame(frame, entity="state", time="year")


@pytest.fixture(scope="session")
def gasoline(data_dir: Path) -> md.Panel:
    frame = _benchmark(data_dir, "gasoline")
    return md.Panel.from_frame(frame, entity="country", time="year")


@pytest.fixture(scope="session")
def wages(data_dir: Path) -> md.Panel:
    frame = _benchmark(data_dir, "wages_psid")
    frame["id"] = np.repeat(np.arange(1, 596), 7)
    frame["t"] = np.tile(np.arange(1, 8), 595)
    return md.Panel.from_frame(frame, entity="id", time="t")
