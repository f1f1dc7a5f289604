"""A dependent variable without variation: a fit of zeros, and no share explained."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import migdev as md

SPECS = [
    md.PooledOLS(formula="y ~ x"),
    md.FixedEffects(formula="y ~ x"),
    md.FixedEffects(formula="y ~ x", effects=("entity", "time")),
    md.Between(formula="y ~ x"),
    md.FirstDifference(formula="y ~ x"),
    md.IV2SLS(formula="y ~ 1 + [x ~ z]"),
]


@pytest.mark.parametrize("value", [2.0, 2.1])  # a mean that is exact, and one that is rounded
@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_a_constant_has_no_r_squared(spec, value):
    rng = np.random.default_rng(4)
    n = 60
    frame = pd.DataFrame({"i": np.repeat(np.arange(10), 6), "t": np.tile(np.arange(6), 10)})
    frame["z"] = rng.standard_normal(n)
    frame["x"] = frame["z"] + rng.standard_normal(n)
    frame["y"] = value
    fit = spec.fit(md.Panel.from_frame(frame, entity="i", time="t"))
    assert abs(fit.params["x"]) < 1e-12
    assert np.isnan(fit.stats["r2"])
