"""Separation: regressors that predict some outcomes perfectly, so that no maximum exists."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray

#: Of columns scaled to a largest absolute value of one; the solver keeps 1e-7.
TOL = 1e-6


def separating_direction(y: FloatArray, X: FloatArray) -> tuple[FloatArray, BoolArray]:
    r"""(k,) a direction along which a binary likelihood rises for ever, zero where there is none,
    and (n,) the rows that it predicts perfectly.

    .. math::
        \max_{-1\le\beta\le1} \textstyle\sum_i s_ix_i'\beta \quad
        \text{subject to } s_ix_i'\beta \ge 0 \text{ for all } i, \qquad s_i = 2y_i - 1

    Parameters
    ----------
    y : (n,)
        Zeros and ones.
    X : (n, k)

    References
    ----------
    Albert and Anderson (1984), Biometrika 71, 1-10. Konis (2007), Linear programming algorithms
    for detecting separated data in binary logistic regression models, DPhil thesis, Oxford.
    """
    from scipy.optimize import linprog

    size = np.abs(X).max(axis=0)
    A = X / size * (2 * y - 1)[:, None]
    found = linprog(-A.mean(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1, 1))
    slopes = np.asarray(found.x, dtype=np.float64)  # bounded, and zero is feasible: it is found
    direction = np.where(np.abs(slopes) > TOL, slopes, 0.0) / size
    rows: BoolArray = A @ slopes > TOL
    return (direction if rows.any() else np.zeros_like(direction)), rows
