"""Padded rows of instruments against one row at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import migdev as md
from migdev.errors import DroppedRowsWarning
from migdev.estimators.dynamic.gmm.problem import Problem
from migdev.kernels.dynamic.arellano_bond import differenced, m_statistics
from migdev.kernels.dynamic.gram import gram
from migdev.kernels.dynamic.instruments import cross, outer, project, scores
from migdev.kernels.dynamic.windmeijer import weight_pull
from migdev.panel.panel import Panel
from tests.gmm_panels import simulated

# Sums of the same products in another order.
CLOSE = {"rtol": 1e-12, "atol": 1e-11}


@pytest.fixture(scope="module")
def panel() -> Panel:
    d = simulated(np.random.default_rng(5), 40, 7, holes=0.1)
    return Panel.from_frame(d, entity="i", time="t")


@pytest.fixture(scope="module", params=["difference", "system", "collapsed", "deviations"])
def problem(request: pytest.FixtureRequest, panel: Panel) -> Problem:
    collapse = request.param == "collapsed"
    options = {
        "formula": "y ~ L(y) + x",
        "gmm": (md.GMMStyle("y", (2, 4), collapse=collapse), md.GMMStyle("x", (1, 3))),
    }
    kind = md.DifferenceGMM if request.param == "difference" else md.SystemGMM
    if request.param == "deviations":
        options["transform"] = "fod"
    with pytest.warns(DroppedRowsWarning):
        return kind(**options, effects=("time",)).problem(panel)


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("rotated", [False, True])
def test_padded_rows(problem: Problem, clustered: bool, rotated: bool) -> None:
    rng = np.random.default_rng(1)
    z, stack = problem.instruments, problem.stack
    N = stack.y.shape[1]
    if rotated:
        half = z.count // 2
        z = replace(z, columns=z.columns[:half], rotation=rng.normal(size=(z.count, half)))
    single = replace(z, padded=None)
    assert z.padded is not None
    groups = rng.permutation(N) % 5 if clustered else None
    u = rng.normal(size=stack.y.shape) * stack.used
    V = rng.normal(size=(z.count, 3))
    np.testing.assert_allclose(cross(z, stack.X), cross(single, stack.X), **CLOSE)
    np.testing.assert_allclose(cross(z, u), cross(single, u), **CLOSE)
    np.testing.assert_allclose(project(z, V), project(single, V), **CLOSE)
    np.testing.assert_allclose(scores(z, u), scores(single, u), **CLOSE)
    np.testing.assert_allclose(outer(z, u, groups), outer(single, u, groups), **CLOSE)
    for weight in ("h1", "h2", "h3"):
        expected = gram(single, stack, weight)
        np.testing.assert_allclose(gram(z, stack, weight), expected, **CLOSE)
    for mine, other in zip(
        weight_pull(z, stack.X, u, V[:, 0], groups),
        weight_pull(single, stack.X, u, V[:, 0], groups), strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(mine, other, **CLOSE)


def test_same_tests_of_serial_correlation(problem: Problem) -> None:
    rng = np.random.default_rng(2)
    z, stack, k = problem.instruments, problem.stack, len(problem.names)
    now = differenced(problem.levels, rng.normal(size=k))
    u = rng.normal(size=stack.y.shape) * stack.used
    influence, cov = rng.normal(size=(k, z.count)) / 100, np.eye(k) / 100
    padded = m_statistics(9, now, z, u, influence, cov)
    single = m_statistics(9, now, replace(z, padded=None), u, influence, cov)
    assert [n for _, n in padded] == [n for _, n in single]
    assert padded[0][1] > padded[1][1] > 0
    assert padded[8][1] == 0  # the panel has seven periods
    assert np.isnan(padded[8][0])
    np.testing.assert_allclose([m for m, _ in padded], [m for m, _ in single], rtol=1e-10)


def test_resampled_entities(problem: Problem) -> None:
    who = np.array([3, 3, 0, 8])
    z = problem.instruments.of_entities(who)
    np.testing.assert_allclose(
        cross(z, problem.stack.X[:, :, who]),
        cross(replace(z, padded=None), problem.stack.X[:, :, who]), **CLOSE,
    )  # fmt: skip
