"""Probabilities of boxes against scipy's multivariate normal, and in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers
from numpy.testing import assert_allclose
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from migdev.kernels.inequality.box_probability import box_probability, lower_root


def problem(rng: np.random.Generator, m: int):
    root = rng.normal(size=(m, m + 2))
    cov = root @ root.T
    spread = np.sqrt(np.diag(cov))
    low = np.where(rng.random(m) < 0.4, -np.inf, -spread * rng.uniform(0.2, 1.5, m))
    high = np.where(rng.random(m) < 0.4, np.inf, spread * rng.uniform(0.2, 1.5, m))
    return low, high, 0.3 * rng.normal(size=m), cov


@pytest.mark.parametrize(("m", "digits"), [(1, 1e-12), (2, 5e-6), (4, 5e-5), (6, 5e-3)])
def test_boxes_agree_with_scipy(m, digits):
    rng = np.random.default_rng(m)
    for _ in range(3):
        low, high, mean, cov = problem(rng, m)
        theirs = multivariate_normal.cdf(
            high,
            mean,
            cov,
            lower_limit=low,
            maxpts=2_000_000,
            abseps=1e-8,
            releps=1e-6,
            rng=np.random.default_rng(1),
        )
        assert_allclose(box_probability(low, high, mean, cov), theirs, rtol=digits)


def test_orthant_of_two_in_closed_form():
    for rho in (-0.9, 0.0, 0.5, 0.99):
        cov = np.array([[1, rho], [rho, 1]])
        exact = 0.25 + np.arcsin(rho) / (2 * np.pi)  # Sheppard
        found = box_probability(np.zeros(2), np.full(2, np.inf), np.zeros(2), cov)
        assert_allclose(found, exact, rtol=1e-5)


def test_orthants_of_three_and_four_in_closed_form():
    rng = np.random.default_rng(2)
    for _ in range(5):
        root = rng.normal(size=(3, 5))
        cov = root @ root.T
        spread = np.sqrt(np.diag(cov))
        angles = np.arcsin((cov / np.outer(spread, spread))[np.triu_indices(3, 1)])
        exact = 1 / 8 + angles.sum() / (4 * np.pi)
        found = box_probability(np.zeros(3), np.full(3, np.inf), np.zeros(3), cov)
        assert_allclose(found, exact, rtol=1e-5)
    pair, alike = np.array([[1, 0.6], [0.6, 1]]), np.kron(np.eye(2), np.ones((2, 2)))
    cov = np.kron(np.eye(2), pair)[np.ix_([0, 2, 1, 3], [0, 2, 1, 3])]
    exact = (0.25 + np.arcsin(0.6) / (2 * np.pi)) ** 2
    found = box_probability(np.zeros(4), np.full(4, np.inf), np.zeros(4), np.stack([cov, alike]))
    assert_allclose(found[0], exact, rtol=1e-4)
    assert_allclose(found[1], 0.25, rtol=1e-3)  # two pairs of the same: by the lattice


def test_a_box_far_in_the_tail_keeps_its_digits():
    """Where a share of draws is zero."""
    far = box_probability([8.0, -np.inf], [9.0, -8.0], np.zeros(2), np.eye(2))
    exact = (ndtr(-8.0) - ndtr(-9.0)) * ndtr(-8.0)
    assert 0 < exact < 1e-29
    assert_allclose(far, exact, rtol=1e-10)


@given(seed=integers(0, 2**32 - 1))
def test_a_half_space_and_its_rest_make_the_whole(seed):
    rng = np.random.default_rng(seed)
    low, high, mean, cov = problem(rng, 3)
    cut = float(rng.normal())
    low[0], high[0] = -np.inf, np.inf
    left = box_probability(low, np.array([cut, *high[1:]]), mean, cov)
    right = box_probability(np.array([cut, *low[1:]]), high, mean, cov)
    # Each half has its own points: half a percent is what they differ by in three dimensions.
    assert_allclose(left + right, box_probability(low, high, mean, cov), rtol=5e-3, atol=1e-4)


def test_batches_are_their_members():
    rng = np.random.default_rng(3)
    parts = [problem(rng, 3) for _ in range(5)]
    together = box_probability(*(np.array(part) for part in zip(*parts, strict=True)))
    assert_allclose(together, [box_probability(*part) for part in parts], rtol=1e-12)


def test_a_coordinate_that_the_others_fix():
    """y = x: inside where both bounds hold."""
    cov = np.ones((2, 2))
    assert_allclose(lower_root(cov), [[1, 0], [1, 0]])
    found = box_probability([0.0, -np.inf], [np.inf, 1.0], np.zeros(2), cov)
    assert_allclose(found, ndtr(1.0) - 0.5, atol=5e-4)
