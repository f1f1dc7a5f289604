"""Blocked products against plain ones, for every memory layout and remainder."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from migdev.kernels.arrays.blocked_products import dot, gram, product


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize(
    ("n", "k", "m"), [(5, 2, 1), (70_001, 3, 2), (9_000, 30, 4), (700, 120, 3)]
)
def test_products_are_those_of_numpy(order, n, k, m):
    rng = np.random.default_rng(n)
    X, Y, b = rng.standard_normal((n, k)), rng.standard_normal((n, m)), rng.standard_normal((k, m))
    if order == "strided":
        X, Y = np.repeat(X, 2, axis=0)[::2], np.repeat(Y, 2, axis=1)[:, ::2]
    else:
        X, Y = np.array(X, order=order), np.array(Y, order=order)
    assert_allclose(gram(X), X.T @ X, rtol=1e-12, atol=1e-9)
    assert_allclose(gram(X, Y), X.T @ Y, rtol=1e-12, atol=1e-9)
    assert_allclose(product(X, b), X @ b, rtol=1e-12, atol=1e-12)
    assert_allclose(product(X, b[:, 0]), X @ b[:, 0], rtol=1e-12, atol=1e-12)
    assert dot(X[:, 0], Y[:, 0]) == pytest.approx(X[:, 0] @ Y[:, 0], rel=1e-11, abs=1e-9)


def test_no_columns_and_no_rows():
    assert gram(np.empty((9, 0))).shape == (0, 0)
    assert product(np.empty((9, 0)), np.empty(0)).tolist() == [0.0] * 9
    assert dot(np.empty(0), np.empty(0)) == 0.0
