"""Second derivatives of a sum of squares with factors, the parameters of rows projected out."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import FloatArray


def chunks(rows: int, width: int, most: int = 4_000_000) -> list[slice]:
    """Slices of the rows, so that ``width`` numbers for each fit in ``most``."""
    step = max(1, most // max(width, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def bases(D: FloatArray, G: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal bases (R, S, q) of ``G`` over the cells of each row, zero elsewhere, and the
    inverses (R, q, q) of their triangular factors.

    Parameters
    ----------
    D : (R, S), ones and zeros; G : (S, q)
    """
    Q, triangle = np.linalg.qr(D[:, :, None] * G)
    diagonal = np.abs(np.einsum("iqq->iq", triangle))
    bad = (diagonal < 1e-12 * np.sqrt(len(G))).any(axis=1)
    if bad.any():  # a row whose cells do not tell the factors apart: only a passing state
        triangle[bad] += 1e-12 * np.sqrt(len(G)) * np.eye(G.shape[1])
    return Q, np.asarray(np.linalg.inv(triangle))


def factor_system(
    D: FloatArray, X: FloatArray, Q: FloatArray, ell: FloatArray, e: FloatArray,
    K: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    r"""Matrix (P, P) and gradient (P,) of half the concentrated sum of squares, P = S m + k.

    Parameters are those of columns (S, m), which rows weigh by :math:`\ell_i`, and the
    coefficients. Without K the matrix is Gauss and Newton's, :math:`\sum_iJ_i'M_iJ_i` with
    :math:`J_i = [I_S\otimes\ell_i', X_i]` over the cells of row i and :math:`M_i` the residual
    maker of its own regressors; with K it is exact,

    .. math::
        H = \sum_i J_i'J_i - \sum_iB_i'B_i, \qquad B_i = Q_i'J_i - K_i\otimes e_i'

    Parameters
    ----------
    D : (R, S); X : (R, S, k), zero where D is
    Q : (R, S, q)
        Bases of rows' regressors.
    ell : (R, m); e : (R, S)
    K : (R, q, m), optional
        Inverse transposed triangular factors of rows' regressors, at the loadings.
    """
    R, S, q = Q.shape
    m, k = ell.shape[1], X.shape[2]
    top = S * m
    H = np.zeros((top + k, top + k))
    for part in chunks(R, q * (top + k)):
        B = np.einsum("isq,ic->iqsc", Q[part], ell[part])
        if K is not None:
            B -= np.einsum("iqc,is->iqsc", K[part], e[part])
        right = np.einsum("isq,isk->iqk", Q[part], X[part])
        n = len(B) * q
        B = np.concatenate([B.reshape(n, top), right.reshape(n, k)], axis=1)
        H -= B.T @ B
    outer = np.einsum("ic,id->icd", ell, ell).reshape(R, m * m)
    s = np.arange(S)
    view = H[:top, :top].reshape(S, m, S, m)
    diagonal = np.zeros((S, m, S, m))
    diagonal[s, :, s, :] = (D.T @ outer).reshape(S, m, m)
    H[:top, :top] = (view + diagonal).reshape(top, top)
    cross = np.einsum("ic,isk->sck", ell, X).reshape(top, k)
    H[:top, top:] += cross
    H[top:, :top] += cross.T
    H[top:, top:] += np.einsum("isk,isl->kl", X, X)
    g = -np.concatenate([(e.T @ ell).reshape(-1), np.einsum("is,isk->k", e, X)])
    return H, g


def gauge(F: FloatArray, row_effect: int, scale: FloatArray, size: int) -> FloatArray:
    r"""(P, P) projector on the directions that rotate the factors, or shift between them and
    effects: :math:`[1, F]\otimes I_m` in scaled parameters.

    Added to a Hessian it leaves a step as it is, which has no part in these, and makes the
    matrix definite.

    Parameters
    ----------
    F : (S, r); scale : (S, m)
    """
    S, m = scale.shape
    G = np.column_stack([np.ones((S, row_effect)), F])
    out = np.zeros((size, size))
    view = np.zeros((S, m, S, m))
    for c in range(m):
        q = np.linalg.qr(G * scale[:, c : c + 1])[0]
        view[:, c, :, c] = q @ q.T
    out[: S * m, : S * m] = view.reshape(S * m, S * m)
    return out
