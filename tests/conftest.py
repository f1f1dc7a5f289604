"""Fixtures shared by all tests: real data where it is, and untouched global random state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import migdev as md
from tests.data import benchmark

ROOT = Path(__file__).resolve().parents[1]


def find_data() -> Path | None:
    """The folder of real data: ``$MIGDEV_DATA``, else ``../shared/data`` beside the project."""
    folder = Path(os.environ.get("MIGDEV_DATA") or ROOT.parent / "shared" / "data")
    return folder if (folder / "wdi_panel.csv").exists() else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    folder = find_data()
    if folder is None:
        pytest.skip("real data are absent: set MIGDEV_DATA to the folder that holds wdi_panel.csv")
    return folder


@pytest.fixture(autouse=True)
def _random_state_untouched() -> Iterator[None]:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    yield
    after = np.random.get_state()[1]  # noqa: NPY002
    assert np.array_equal(before, after), "a test or the package touched global random state"


@pytest.fixture(scope="session")
def grunfeld() -> md.Panel:
    return md.Panel.from_frame(benchmark("grunfeld"), entity="firm", time="year")


@pytest.fixture(scope="session")
def produc() -> md.Panel:
    frame = benchmark("munnell_produc")
    return md.Panel.from_frame(frame, entity="state", time="year")


@pytest.fixture(scope="session")
def gasoline() -> md.Panel:
    frame = benchmark("gasoline")
    return md.Panel.from_frame(frame, entity="country", time="year")


@pytest.fixture(scope="session")
def wages() -> md.Panel:
    frame = benchmark("wages_psid")
    frame["id"] = np.repeat(np.arange(1, 596), 7)
    frame["t"] = np.tile(np.arange(1, 8), 595)
    return md.Panel.from_frame(frame, entity="id", time="t")
