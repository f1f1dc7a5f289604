"""Least squares with collinear columns found, named and left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from migdev.kernels.arrays.blocked_products import gram, product
from migdev.kernels.arrays.types import BoolArray, FloatArray

# Up to so many multiplications Householder QR costs nothing that a user would notice; up to the
# second number it is the fallback where a Gram matrix would lose more than half the digits of
# scaled columns, and beyond that a Gram matrix must do.
_QR_WORK, _QR_MOST = 2e4, 2e7
# Squared distance of unit columns above which a Gram matrix, refined once, is as good as QR; and
# above which it needs no refinement (some 1e-14 of the coefficients), which large problems feel.
_WELL, _APART = 1e-4, 1e-2
_LARGE = 1e5
# Squared distances of unit columns: QR resolves 1e-7 (the rule of R's lm), a Gram matrix 3e-6.
_TOL_QR = 1e-14
_TOL_GRAM = 1e-11
# A column this much shorter than before the effects were absorbed is rounding error.
_ABSORBED = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeastSquares:
    """Solution of min ||y - Xb||.

    Attributes
    ----------
    params : (k,)
    bread : (k, k)
        Inverse of X'X.
    resid : (n,)
    """

    params: FloatArray
    bread: FloatArray
    resid: FloatArray


def normal_matrix(X: FloatArray) -> FloatArray | None:
    """X'X (k, k) where the functions below go by it, so that it is formed once; else None."""
    n, k = X.shape
    return gram(X) if k and n * k * k > _QR_WORK else None


def independent_columns(
    X: FloatArray, norms: FloatArray | None = None, G: FloatArray | None = None
) -> BoolArray:
    """(k,) True for columns that are not linear combinations of earlier ones.

    A column counts as dependent where its distance from the span of the earlier columns, relative
    to its length, is below 1e-7 (R's lm); where the problem is so large that a Gram matrix must
    do, below 3e-6. Distances clearly above these are read off a Gram matrix.

    Parameters
    ----------
    X : (n, k)
    norms : (k,), optional
        Lengths of the columns before effects were absorbed; a column shorter than 1e-8 of that
        has been absorbed.
    G : (k, k), optional
        :func:`normal_matrix`, if it is known.
    """
    n, k = X.shape
    keep = np.zeros(k, dtype=bool)
    if k == 0:
        return keep
    work = n * k * k
    G = normal_matrix(X) if G is None else G
    squares = np.einsum("ij,ij->j", X, X) if G is None else np.diagonal(G)
    lengths = np.sqrt(squares)
    floor = np.zeros(k) if norms is None else _ABSORBED * norms
    alive = np.flatnonzero((lengths > floor) & (lengths > 0))
    if not len(alive):
        return keep
    if G is not None:
        unit = G[np.ix_(alive, alive)] / np.outer(lengths[alive], lengths[alive])
        distances = _distances_gram(unit, _TOL_GRAM)
        if work > _QR_MOST or bool((distances > _WELL).all()):
            keep[alive[distances > _TOL_GRAM]] = True
            return keep
    Q = X[:, alive] / lengths[alive]
    keep[alive[_distances_qr(Q, _TOL_QR) > _TOL_QR]] = True
    return keep


def _distances_qr(Q: FloatArray, tol: float) -> FloatArray:
    """Squared distances of unit columns from the span of the earlier, kept ones."""
    n, k = Q.shape
    R = np.linalg.qr(Q, mode="r")
    diagonal = np.zeros(k)
    diagonal[: min(n, k)] = np.diagonal(R) ** 2
    if bool((diagonal > tol).all()):
        return diagonal
    return _distances_gram_schmidt(Q, tol)


def _distances_gram_schmidt(Q: FloatArray, tol: float) -> FloatArray:
    n, k = Q.shape
    basis = np.empty((n, 0))
    distances = np.zeros(k)
    for j in range(k):
        column = Q[:, j]
        for _ in range(2):  # twice is enough
            column = column - basis @ (basis.T @ column)
        distances[j] = column @ column
        if distances[j] > tol:
            basis = np.column_stack([basis, column / np.sqrt(distances[j])])
        else:
            distances[j] = 0.0
    return distances


def _distances_gram(G: FloatArray, tol: float) -> FloatArray:
    """The same from the Gram matrix, by Cholesky without pivots that skips dependent columns."""
    try:
        squares: FloatArray = np.diagonal(np.linalg.cholesky(G)) ** 2
        if bool((squares > tol).all()):
            return squares
    except np.linalg.LinAlgError:
        pass
    k = len(G)
    L = np.zeros_like(G)
    distances = np.zeros(k)
    for j in range(k):
        distance = G[j, j] - L[j, :j] @ L[j, :j]
        if distance > tol:
            distances[j] = distance
            L[j, j] = np.sqrt(distance)
            L[j + 1 :, j] = (G[j + 1 :, j] - L[j + 1 :, :j] @ L[j, :j]) / L[j, j]
    return distances


def least_squares(X: FloatArray, y: FloatArray, G: FloatArray | None = None) -> LeastSquares:
    """Solve for independent columns: by QR, or by normal equations on scaled columns with one
    step of refinement where the problem is large and the columns are well apart.

    Parameters
    ----------
    X : (n, k) of full column rank; y : (n,)
    G : (k, k), optional
        :func:`normal_matrix`, if it is known.
    """
    n, k = X.shape
    if k == 0:
        return LeastSquares(params=np.empty(0), bread=np.empty((0, 0)), resid=y.copy())
    G = normal_matrix(X) if G is None else G
    if G is None:
        return _by_qr(X, y)
    scale = 1.0 / np.sqrt(np.diagonal(G))
    unit = G * np.outer(scale, scale)
    nearest = float(_distances_gram(unit, 0.0).min())
    if n * k * k <= _QR_MOST and nearest <= _WELL:
        return _by_qr(X, y)
    # LAPACK itself: scipy's cho_solve takes longer to check its arguments than to solve for them
    L, failed = lapack.dpotrf(unit, lower=1)
    if failed:
        raise np.linalg.LinAlgError(f"X'X ({k} x {k}) is not positive definite.")
    params = scale * lapack.dpotrs(L, scale * gram(X, y[:, None])[:, 0], lower=1)[0]
    resid = y - product(X, params)
    if n < _LARGE or nearest <= _APART:
        step = scale * lapack.dpotrs(L, scale * gram(X, resid[:, None])[:, 0], lower=1)[0]
        params = params + step
        resid -= product(X, step)
    bread = lapack.dpotrs(L, np.eye(k), lower=1)[0] * np.outer(scale, scale)
    return LeastSquares(params=params, bread=(bread + bread.T) / 2, resid=resid)


def _by_qr(X: FloatArray, y: FloatArray) -> LeastSquares:
    Q, R = np.linalg.qr(X)
    params = linalg.solve_triangular(R, Q.T @ y)
    inverse = linalg.solve_triangular(R, np.eye(X.shape[1]))
    return LeastSquares(params=params, bread=inverse @ inverse.T, resid=y - X @ params)
