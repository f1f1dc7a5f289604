"""What all tests share: workers, real data, classic sets, untouched global random state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import migdev as md
from tests.data import benchmark

ROOT = Path(__file__).resolve().parents[1]

hypothesis.settings.register_profile("busy", deadline=None)  # workers share the machine
hypothesis.settings.load_profile("busy")


def pytest_configure() -> None:
    """One BLAS thread in each worker."""
    for pool in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(pool, "1")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """No workers where a file or single tests are named: starting them would take longer."""
    few = 0 < len(config.args) < 3 and all(".py" in name for name in config.args)
    return 0 if few else None


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
