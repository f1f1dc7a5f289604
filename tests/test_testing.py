"""Every estimator passes the checks that outsiders are asked to pass, and the checks can fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.sources.read.local import LocalFile
from migdev.testing import check_estimator, check_result, check_source

COVARIANCES = (md.Robust("HC1"), md.Clustered("entity"), md.DriscollKraay(bandwidth=2))
STATIC = [
    md.PooledOLS(formula="y ~ x + z"),
    md.FixedEffects(formula="y ~ x + z", effects=("entity", "time")),
    md.RandomEffects(formula="y ~ x + z"),
    md.FirstDifference(formula="y ~ x + z"),
    md.CorrelatedRandomEffects(formula="y ~ x + z"),
    md.IV2SLS(formula="y ~ z + [x ~ w + v]", effects=("entity",)),
    md.LIML(formula="y ~ z + [x ~ w + v]"),
    md.IVGMM(formula="y ~ z + [x ~ w + v]"),
]
OTHERS = [
    md.Between(formula="y ~ x + z"),
    md.MeanGroup(formula="y ~ x"),
    md.CCEMeanGroup(formula="y ~ x"),
    md.CCEPooled(formula="y ~ x"),
    md.PooledMeanGroup(formula="y ~ x"),
]


@pytest.fixture(scope="module")
def panel() -> md.Panel:
    rng = np.random.default_rng(3)
    n, t = 25, 20
    w, v, u = (rng.normal(size=n * t) for _ in range(3))
    x = w + 0.5 * v + 0.5 * u
    z = rng.normal(size=n * t)
    y = x - z + u + np.repeat(rng.normal(size=n), t)
    frame = pd.DataFrame({"i": np.repeat(range(n), t), "t": np.tile(range(2000, 2000 + t), n),
                          "y": y, "x": x, "z": z, "w": w, "v": v})  # fmt: skip
    return md.Panel.from_frame(frame.drop(index=[3, 50, 51, 200]), entity="i", time="t")


@pytest.mark.parametrize("spec", STATIC, ids=lambda s: type(s).__name__)
def test_static_estimators(spec, panel):
    check_estimator(spec, panel, covariances=COVARIANCES)


@pytest.mark.parametrize("spec", OTHERS, ids=lambda s: type(s).__name__)
def test_other_estimators(spec, panel):
    check_estimator(spec, panel)


def test_the_checks_can_fail(panel):
    @dataclass
    class Loose:
        formula: str = "y ~ x"

        def fit(self, panel):
            return md.PooledOLS(formula=self.formula).fit(panel)

    with pytest.raises((AssertionError, TypeError)):
        check_estimator(Loose(), panel)
    with pytest.raises(AssertionError, match="lacks a member"):
        check_result(object())
    with pytest.raises(AssertionError, match="has no fetch"):
        check_source(object(), ["a"])


def test_a_file_is_a_source(tmp_path):
    pd.DataFrame({"iso3": ["MEX"], "year": [2000], "x": [1.5]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    assert len(check_source(LocalFile(path=tmp_path / "a.csv"), ["x"]).frame) == 1
