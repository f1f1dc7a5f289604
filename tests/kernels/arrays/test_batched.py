"""Batched least squares against one lstsq per group."""

from __future__ import annotations

import numpy as np
import pytest

from migdev.kernels.arrays.batched import batched_ols, bordered_ols, upper_inverse
from migdev.kernels.heterogeneous.slopes import entity_slopes

RNG = np.random.default_rng(11)


def one_by_one(Y: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    b = np.stack([np.linalg.lstsq(x, y, rcond=None)[0] for x, y in zip(X, Y, strict=True)])
    bread = np.stack([np.linalg.inv(x.T @ x) for x in X])
    return b, bread, Y - np.einsum("gtk,gk->gt", X, b)


@pytest.mark.parametrize(("g", "T", "k"), [(7, 20, 3), (1, 5, 5), (4, 6, 1), (3, 4, 4)])
def test_batched_ols(g: int, T: int, k: int) -> None:
    X, Y = RNG.standard_normal((g, T, k)) * 10.0 ** np.arange(k), RNG.standard_normal((g, T))
    b, bread, resid, bad = batched_ols(Y, X)
    expected = one_by_one(Y, X)
    np.testing.assert_allclose(b, expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(bread, expected[1], rtol=1e-7)
    np.testing.assert_allclose(resid, expected[2], atol=1e-9)
    assert not bad.any()


def test_no_columns_leave_the_data_as_they_are() -> None:
    Y = RNG.standard_normal((3, 4))
    b, bread, resid, bad = batched_ols(Y, np.empty((3, 4, 0)))
    assert b.shape == (3, 0) and bread.shape == (3, 0, 0) and bad.shape == (3, 0)
    np.testing.assert_array_equal(resid, Y)


def test_a_dependent_column_marks_its_group_alone() -> None:
    X, Y = RNG.standard_normal((3, 9, 3)), RNG.standard_normal((3, 9))
    X[1, :, 2] = X[1, :, 0] - 2 * X[1, :, 1]
    b, _, resid, bad = batched_ols(Y, X)
    np.testing.assert_array_equal(bad, [[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    assert np.isnan(b[1]).all() and np.isnan(resid[1]).all()
    np.testing.assert_allclose(b[[0, 2]], one_by_one(Y, X)[0][[0, 2]], rtol=1e-9)


def test_a_shared_block_is_factored_once_and_changes_nothing() -> None:
    g, T = 5, 30
    H = RNG.standard_normal((T, 3)) * [1.0, 1e5, 1e-5]
    X = RNG.standard_normal((g, T, 2)) + H[:, :1]
    Y = RNG.standard_normal((g, T)) + H[:, 1] * 1e-4
    wide = np.concatenate([X, np.broadcast_to(H, (g, T, 3))], axis=2)
    for got, expected in zip(bordered_ols(Y, X, H), batched_ols(Y, wide), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-12)


def test_near_collinear_columns_keep_their_digits() -> None:
    """A Gram matrix of these would lose all but a few digits; the triangle must not."""
    t = np.linspace(0, 1, 40)
    X = np.stack([np.column_stack([np.ones(40), t, t + 1e-5 * np.sin(9 * t)])] * 2)
    beta = np.array([1.0, 2.0, 3.0])
    b = batched_ols(X @ beta, X)[0]
    np.testing.assert_allclose(b, np.stack([beta, beta]), rtol=1e-8)


@pytest.mark.parametrize("lengths", [[12, 12, 12], [12, 9, 12, 7]])
def test_common_regressors_of_balanced_and_ragged_panels(lengths: list[int]) -> None:
    entity = np.repeat(np.arange(len(lengths)), lengths)
    time = np.concatenate([np.arange(length) for length in lengths])
    H = RNG.standard_normal((12, 2))[time]
    X, y = RNG.standard_normal((len(entity), 2)), RNG.standard_normal(len(entity))
    got = entity_slopes(y, X, entity, H)
    expected = entity_slopes(y, np.column_stack([X, H]), entity)
    for name in ("params", "bread", "rss", "resid", "dependent"):
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), atol=1e-10)


def test_a_regressor_inside_the_common_block_is_named_as_common() -> None:
    entity, time = np.repeat(np.arange(3), 10), np.tile(np.arange(10), 3)
    h = RNG.standard_normal(10)[time]
    X = np.column_stack([np.ones(30), RNG.standard_normal(30)])
    fit = entity_slopes(RNG.standard_normal(30), np.column_stack([X, h]), entity, h[:, None])
    np.testing.assert_array_equal(fit.dependent, [[False, False, False, True]] * 3)


def test_upper_inverse() -> None:
    R = np.triu(RNG.standard_normal((4, 5, 5)) + 3 * np.eye(5))
    np.testing.assert_allclose(upper_inverse(R) @ R, np.stack([np.eye(5)] * 4), atol=1e-12)
