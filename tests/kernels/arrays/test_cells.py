"""Statistics of cells against a loop over cells and columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers
from migdev.kernels.arrays.cells import CELL_STATS, cell_counts, cell_starts, cell_stat
from numpy.testing import assert_allclose, assert_array_equal

LOOP = {
    "mean": np.mean, "sum": np.sum, "min": np.min, "max": np.max, "median": np.median,
    "std": lambda v: np.std(v, ddof=1) if len(v) > 1 else np.nan,
    "first": lambda v: v[0], "last": lambda v: v[-1], "count": len,
}  # fmt: skip


@pytest.mark.parametrize("stat", CELL_STATS)
@given(seed=integers(0, 2**32 - 1))
def test_against_a_loop(stat: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    entity = np.sort(rng.integers(0, 5, 40))
    x = rng.integers(-4, 5, (40, 3)) + rng.standard_normal((40, 3)).round(1)
    x[rng.random(x.shape) < 0.35] = np.nan
    starts = cell_starts(entity)
    ends = [*starts[1:], 40]
    wanted = np.full((len(starts), 3), np.nan)
    for i, (a, b) in enumerate(zip(starts, ends, strict=True)):
        for j in range(3):
            held = x[a:b, j][~np.isnan(x[a:b, j])]
            if len(held) or stat == "count":
                wanted[i, j] = LOOP[stat](held)
    assert_allclose(cell_stat(x, starts, stat), wanted, rtol=1e-12, atol=1e-13)
    assert_array_equal(cell_counts(x, starts), cell_stat(x, starts, "count"))


def test_starts_of_several_keys() -> None:
    assert_array_equal(cell_starts(np.array([0, 0, 0, 1]), np.array([5, 5, 6, 6])), [0, 2, 3])
    assert len(cell_starts(np.empty(0, dtype=np.int64))) == 0


def test_spread_of_a_large_level() -> None:
    x = np.array([[1e9], [1e9 + 1], [1e9 + 2]])
    assert cell_stat(x, np.array([0]), "std")[0, 0] == 1
