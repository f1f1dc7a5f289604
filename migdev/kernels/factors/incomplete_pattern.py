"""Patterns of observed cells: which rows and columns a factor model can use, and whether the
pattern ties its factors together."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from migdev.kernels.arrays.types import BoolArray, IntArray
from migdev.kernels.factors.factor_system import bases, factor_system


def usable_part(seen: BoolArray, per_row: int, per_column: int) -> tuple[BoolArray, BoolArray]:
    """Rows (N,) and columns (T,) that are left once those with no more than ``per_row`` and
    ``per_column`` cells are taken away, again and again.

    A row with no more cells than coefficients of its own is fitted without error whatever the
    other parameters are, so that it says nothing about them.

    Parameters
    ----------
    seen : (N, T)
    """
    rows, columns = np.ones(len(seen), dtype=bool), np.ones(seen.shape[1], dtype=bool)
    while True:
        part = seen & rows[:, None] & columns
        keep_rows = rows & (part.sum(axis=1) > per_row)
        keep_columns = columns & (part.sum(axis=0) > per_column)
        if (keep_rows == rows).all() and (keep_columns == columns).all():
            return rows, columns
        rows, columns = keep_rows, keep_columns


def free_directions(seen: BoolArray, r: int, row_effect: bool, column_effect: bool) -> int:
    r"""Directions in which the factors can move, beyond their rotation, without changing any
    observed cell: zero where the pattern identifies them.

    It is the rank deficiency of the model's Jacobian at random parameters, which is that at
    almost all parameters (Kiraly, Theran and Tomioka 2015, Journal of Machine Learning Research
    16, 1391-1436).

    Parameters
    ----------
    seen : (N, T)
    """
    if seen.shape[0] < seen.shape[1]:
        seen, row_effect, column_effect = seen.T, column_effect, row_effect
    rng = np.random.default_rng(0)
    R, S = seen.shape
    F, ell = rng.standard_normal((S, r)), rng.standard_normal((R, r))
    G = np.column_stack([np.ones((S, int(row_effect))), F])
    ell = np.column_stack([ell, np.ones((R, int(column_effect)))])
    D = seen.astype(float)
    H, _ = factor_system(D, np.zeros((R, S, 0)), bases(D, G)[0], ell, np.zeros((R, S)))
    # Unit diagonal, so that the pattern alone decides.
    scale = np.sqrt(np.diagonal(H))
    scale = np.where(scale > 0, scale, 1.0)
    values = np.linalg.eigvalsh(H / scale / scale[:, None])
    free = int(np.sum(values < 1e-9 * values[-1]))
    return free - int(ell.shape[1] * G.shape[1])


def components(seen: BoolArray) -> IntArray:
    """(N,) groups of rows that are tied by common columns."""
    row, column = np.nonzero(seen)
    ties = sparse.coo_array(
        (np.ones(len(row)), (row, len(seen) + column)), shape=(sum(seen.shape), sum(seen.shape))
    )
    labels = connected_components(ties, directed=False)[1][: len(seen)]
    return np.unique(labels, return_inverse=True)[1]


def thinnest_cut(seen: BoolArray) -> tuple[int, int]:
    """The column before which a cut leaves the fewest rows on both sides, and their number."""
    T = seen.shape[1]
    first = seen.argmax(axis=1)
    last = T - 1 - seen[:, ::-1].argmax(axis=1)
    cuts = np.arange(1, T)
    both = ((first[:, None] < cuts) & (last[:, None] >= cuts)).sum(axis=0)
    at = int(np.argmin(both))
    return int(cuts[at]), int(both[at])
