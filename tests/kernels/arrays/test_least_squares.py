"""Least squares and collinearity, on either side of the sizes where methods change."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from migdev.kernels.arrays.least_squares import independent_columns, least_squares

# n k^2: QR; a Gram matrix with QR to fall back on; a Gram matrix that must do.
SIZES = [(300, 4), (20_000, 4), (1_500_000, 4)]


@pytest.mark.parametrize(("n", "k"), SIZES)
@pytest.mark.parametrize("closeness", [1.0, 1e-2, 1e-4])
def test_coefficients_residuals_and_bread(n, k, closeness):
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, k)) * [1.0, 1e6, 1e-6, 1.0]
    X[:, 3] = X[:, 0] + closeness * X[:, 3]
    y = X @ [1.0, 2e-6, 3e6, -1.0] + rng.standard_normal(n)
    fit = least_squares(X, y)
    Q, R = np.linalg.qr(X)
    expected = np.linalg.solve(R, Q.T @ y)
    # What two methods may differ by: the rounding error times the condition of unit columns.
    slack = 1e-13 / closeness if n < 1_000_000 else 1e-13 / closeness**2
    assert_allclose(fit.params, expected, rtol=slack + 1e-13)
    assert_allclose(fit.resid, y - X @ expected, atol=1e-9)
    inverse = np.linalg.inv(R)
    assert_allclose(fit.bread, inverse @ inverse.T, rtol=1e-12 / closeness**2)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_dependent_columns_are_the_later_ones(n, k):
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, k))
    assert independent_columns(X).all()
    X[:, 2] = 2 * X[:, 0] - X[:, 1]
    assert independent_columns(X).tolist() == [True, True, False, True]
    X[:, 1] = 0.0
    assert independent_columns(X).tolist() == [True, False, True, True]


@pytest.mark.parametrize(("n", "k"), SIZES[:2])
def test_close_columns_are_kept_down_to_the_rule_of_lm(n, k):
    # R's lm drops at 1e-7 of a column's length; a Gram matrix alone could not tell.
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, k))
    noise = X[:, 3].copy()
    for closeness, kept in ((1e-5, True), (1e-6, True), (1e-9, False)):
        X[:, 3] = X[:, 0] + closeness * noise
        assert independent_columns(X).tolist() == [True, True, True, kept]


def test_absorbed_columns_are_told_by_their_lengths():
    X = np.column_stack([np.ones(50), np.full(50, 1e-12)])
    assert independent_columns(X, norms=np.array([8.0, 8.0])).tolist() == [True, False]


def test_no_columns():
    y = np.arange(4.0)
    fit = least_squares(np.empty((4, 0)), y)
    assert fit.params.shape == (0,)
    assert_allclose(fit.resid, y)
    assert independent_columns(np.empty((4, 0))).shape == (0,)
