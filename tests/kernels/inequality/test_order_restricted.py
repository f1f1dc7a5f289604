"""Order-restricted likelihood: weights of chi-bar-square, projections, and the iris example."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from migdev.kernels.inequality.order_restricted import (
    free_parameters,
    level_probabilities,
    log_likelihood,
    nearest_in_box,
)
from tests.golden import load_golden


def random_cov(rng: np.random.Generator, m: int):
    root = rng.normal(size=(m, m + 2))
    return root @ root.T


def test_levels_of_independent_parameters_are_binomial():
    assert_allclose(level_probabilities(np.diag([1.0, 4.0, 9.0])), [1 / 8, 3 / 8, 3 / 8, 1 / 8])


def test_levels_of_ordered_means():
    """Differences of neighbours among four equal normal means: Barlow et al. (1972), table A.5:
    P(l, 4) = 1/4, 11/24, 1/4, 1/24."""
    steps = np.diff(np.eye(4), axis=0)
    found = level_probabilities(steps @ steps.T)
    assert_allclose(found, [1 / 4, 11 / 24, 1 / 4, 1 / 24], atol=1e-12)


@pytest.mark.parametrize("m", [2, 4, 5])
def test_levels_sum_to_one_and_alternate(m):
    """Even and odd levels have half each (Silvapulle and Sen 2005, prop. 3.6.1)."""
    found = level_probabilities(random_cov(np.random.default_rng(m), m))
    # Above three coordinates the orthants are of three digits.
    assert_allclose([found[::2].sum(), found[1::2].sum()], [0.5, 0.5], atol=2e-3)


def test_levels_agree_with_projections_of_draws():
    rng = np.random.default_rng(5)
    cov = random_cov(rng, 3)
    draws = rng.multivariate_normal(np.zeros(3), cov, size=1500)
    low, high = np.zeros(3), np.full(3, np.inf)
    free = [np.sum(nearest_in_box(z, cov, low, high) > 1e-9) for z in draws]
    shares = np.bincount(free, minlength=4) / len(draws)
    assert_allclose(level_probabilities(cov), shares, atol=4 * np.sqrt(0.25 / len(draws)))


@given(seed=integers(0, 2**32 - 1))
def test_the_projection_is_the_constrained_minimum(seed):
    rng = np.random.default_rng(seed)
    cov, theta = random_cov(rng, 4), 2 * rng.normal(size=4)
    low = np.array([0.0, -np.inf, -0.2, 0.3])
    high = np.array([np.inf, -0.1, 0.2, 0.3])
    found = nearest_in_box(theta, cov, low, high)
    assert (found >= low).all() and (found <= high).all()
    inverse = np.linalg.inv(cov)

    def distance(x):
        gap = theta - x
        return gap @ inverse @ gap

    start = np.clip(theta, low, high)
    best = minimize(distance, start, bounds=list(zip(low, high, strict=True)), method="L-BFGS-B")
    assert distance(found) <= best.fun * (1 + 1e-8) + 1e-8


def test_the_iris_example():
    """Ordered means as bounds on their differences, which leave the likelihood as it is."""
    golden = load_golden("gorica_iris")
    means, variance = np.array(golden["estimates"]["means"]), golden["estimates"]["variance"]
    steps = np.array([[-1.0, 1, 0], [0, -1, 1], [0, 0, 1]])
    theta, cov = steps @ means, variance * steps @ steps.T
    inf = np.inf
    bounds = [([0, 0, -inf], [inf, 0, inf]), ([0, 0, -inf], [inf] * 3), ([-inf] * 3, [inf] * 3)]
    logs, penalties = [], []
    for low, high in np.array(bounds, dtype=float):
        logs.append(log_likelihood(theta, cov, nearest_in_box(theta, cov, low, high)))
        sided = np.isfinite(low) ^ np.isfinite(high)
        penalties.append(free_parameters(cov, sided, low == high))
    asked = golden["gorica"]
    assert_allclose(logs, asked["loglik"], atol=5e-4)  # three decimals printed
    assert_allclose(penalties, asked["penalty"], atol=1e-3)  # simulated there
    score = -2 * np.array(logs) + 2 * np.array(penalties)
    weight = np.exp(-0.5 * (score - score.min()))
    assert_allclose(weight / weight.sum(), asked["weight"], atol=1e-3)
