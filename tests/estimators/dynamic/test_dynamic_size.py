"""Monte Carlo of difference and system GMM: bias and size, within simulation error."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gmm_montecarlo import cell

REPS = 400
BAND = 3.29 * np.sqrt(0.05 * 0.95 / REPS)  # 99.9% of the draws of a test of size 5%


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["difference", "system"])
def test_large_panels_keep_their_size(kind: str) -> None:
    r = cell(kind, 500, 5, 0.3, REPS, seed=20240102)
    assert abs(r["bias"]) < 3.29 * r["sd"] / np.sqrt(REPS) + 0.01
    for test in ("t_windmeijer", "m2", "hansen"):
        assert abs(r[test] - 0.05) < BAND, test
    if kind == "system":
        assert abs(r["levels"] - 0.05) < BAND


@pytest.mark.slow
def test_the_windmeijer_correction_helps_where_entities_are_few() -> None:
    r = cell("difference", 50, 10, 0.3, REPS, seed=20240103)
    assert r["t_windmeijer"] < r["t_uncorrected"]
    assert abs(r["t_windmeijer"] - 0.05) < BAND + 0.02
    # The Hansen test leans to too few rejections when the entities are few (Bowsher 2002).
    assert r["hansen"] < 0.05 + BAND


@pytest.mark.slow
def test_system_gmm_is_less_biased_where_y_is_persistent() -> None:
    difference = cell("difference", 150, 5, 0.8, REPS, seed=20240104)
    system = cell("system", 150, 5, 0.8, REPS, seed=20240104)
    assert difference["bias"] < -0.05  # weak instruments pull towards within groups
    assert abs(system["bias"]) < abs(difference["bias"]) / 2
    assert system["sd"] < difference["sd"] / 2
