r"""Instruments as an orthonormal basis, in which every IV estimator and test is small algebra.

Notation (docs/notation.md): :math:`X_1` (n, k1) exogenous regressors, :math:`X_2` (n, p)
endogenous ones, :math:`Z` (n, q) excluded instruments, :math:`X = [X_1, X_2]` (n, k),
:math:`W = [X_1, Z]` (n, l). All are multiplied by the square root of the weights, after the
absorbed effects are taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from migdev.kernels.arrays.types import FloatArray

# Below this many multiplications Householder QR costs nothing that a user would notice.
_QR_WORK = 2e7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IVBasis:
    r"""The data of an IV equation in a basis of its instruments.

    With :math:`W = QR`, :math:`Q = [Q_1, Q_2]`, where :math:`Q_1` spans :math:`X_1` and
    :math:`Q_2` spans what the excluded instruments add to it:

    .. math:: X = QC + [0, V], \qquad y = Qb + v

    Attributes
    ----------
    y : (n,); X : (n, k)
    Q : (n, l); R : (l, l)
    C : (l, k); b : (l,)
        Coordinates :math:`Q'X` and :math:`Q'y`.
    V : (n, p); v : (n,)
        Residuals of the first stages and of the reduced form.
    k1, p, q : int
        Numbers of exogenous and endogenous regressors and of excluded instruments.
    """

    y: FloatArray
    X: FloatArray
    Q: FloatArray
    R: FloatArray
    C: FloatArray
    b: FloatArray
    V: FloatArray
    v: FloatArray
    k1: int

    @property
    def p(self) -> int:
        return int(self.V.shape[1])

    @property
    def q(self) -> int:
        return int(self.Q.shape[1]) - self.k1

    @property
    def nobs(self) -> int:
        return len(self.y)

    @property
    def overid(self) -> int:
        """Instruments beyond the endogenous regressors."""
        return self.q - self.p

    @property
    def A(self) -> FloatArray:
        r"""(q, p) :math:`Q_2'X_2`: what the excluded instruments explain of :math:`X_2`."""
        return self.C[self.k1 :, self.k1 :]

    @property
    def a(self) -> FloatArray:
        r"""(q,) :math:`Q_2'y`."""
        return self.b[self.k1 :]

    @property
    def Q2(self) -> FloatArray:
        """(n, q) basis of what the excluded instruments add."""
        return self.Q[:, self.k1 :]

    def first_stage(self) -> FloatArray:
        r"""(l, p) coefficients of :math:`X_2` on :math:`W`."""
        return linalg.solve_triangular(self.R, self.C[:, self.k1 :])

    def reduced_form(self) -> FloatArray:
        r"""(l,) coefficients of y on :math:`W`."""
        return linalg.solve_triangular(self.R, self.b)

    def instrument_bread(self) -> FloatArray:
        """(l, l) inverse of W'W."""
        inverse: FloatArray = linalg.solve_triangular(self.R, np.eye(len(self.R)))
        return inverse @ inverse.T


def orthonormal(W: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Q (n, l) with orthonormal columns and R (l, l) upper triangular, W = QR.

    Householder for small problems; for large ones Cholesky QR, done twice, which is as accurate
    for columns that passed :func:`migdev.kernels.arrays.least_squares.independent_columns`.

    References
    ----------
    Yamamoto, Nakatsukasa, Yanagisawa and Fukaya (2015), Electronic Transactions on Numerical
    Analysis 44, 306-326.
    """
    n, k = W.shape
    if k == 0:
        return W, np.empty((0, 0))
    if n * k * k <= _QR_WORK:
        Q, R = np.linalg.qr(W)
        return Q, R
    scale = np.sqrt(np.einsum("ij,ij->j", W, W))
    Q, R = W / scale, np.eye(k)
    for _ in range(2):
        factor = np.linalg.cholesky(Q.T @ Q).T
        Q = linalg.solve_triangular(factor, Q.T, trans="T").T
        R = factor @ R
    return np.ascontiguousarray(Q), R * scale


def iv_basis(y: FloatArray, X1: FloatArray, X2: FloatArray, Z: FloatArray) -> IVBasis:
    """Put an equation into the basis of its instruments; [X1, Z] must have full column rank."""
    k1 = X1.shape[1]
    Q, R = orthonormal(np.column_stack([X1, Z]))
    b, D = Q.T @ y, Q.T @ X2
    V, v = X2 - Q @ D, y - Q @ b
    # A second projection removes what rounding left of the instruments in the residuals.
    db, dD = Q.T @ v, Q.T @ V
    b, D, v, V = b + db, D + dD, v - Q @ db, V - Q @ dD
    C = np.zeros((Q.shape[1], k1 + X2.shape[1]))
    C[:k1, :k1] = R[:k1, :k1]
    C[:, k1:] = D
    return IVBasis(
        y=y, X=np.column_stack([X1, X2]), Q=Q, R=R, C=C, b=b, V=V, v=v, k1=k1,
    )  # fmt: skip


def with_instruments(basis: IVBasis, W: FloatArray) -> IVBasis:
    """The same equation with all of ``W`` (n, l) as instruments, for tests that add moments.

    Only ``Q``, ``R``, ``C`` and ``b`` describe the new set; no column counts as exogenous.
    """
    Q, R = orthonormal(W)
    return IVBasis(
        y=basis.y, X=basis.X, Q=Q, R=R, C=Q.T @ basis.X, b=Q.T @ basis.y,
        V=np.empty((basis.nobs, 0)), v=basis.v, k1=0,
    )  # fmt: skip
