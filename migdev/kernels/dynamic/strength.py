"""Strength of the instruments, one equation at a time (Sanderson and Windmeijer 2016)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.dynamic.conditioning import conditioned
from migdev.kernels.dynamic.gram import gram
from migdev.kernels.dynamic.instruments import Instruments, cross, outer, project
from migdev.kernels.dynamic.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strength:
    """Conditional first-stage statistics.

    Attributes
    ----------
    F, F_robust : (k,)
        With homoskedastic errors, and clustered by entity.
    df : int
        Degrees of freedom of the numerator: instruments less the other regressors.
    n_instruments : int
    """

    F: FloatArray
    F_robust: FloatArray
    df: int
    n_instruments: int


def conditional_f(
    z: Instruments, stack: Stack, rows: BoolArray, groups: IntArray | None = None
) -> Strength:
    r"""F of the instruments for each regressor given the others.

    The regressor :math:`x_j` is regressed on the others by two-stage least squares; its residual
    :math:`e_j = x_j - X_{-j}\hat\delta_j` on the instruments. With L instruments and k regressors

    .. math:: F_j = \frac{e_j'P_Ze_j/(L-k+1)}{e_j'M_Ze_j/(n-L)}

    The robust form is the Wald statistic of the instruments in that last regression, with
    clustered covariance, over L - k + 1. Regressors that instrument themselves need no first
    stage; theirs are infinite.

    Parameters
    ----------
    rows : (R,)
        Rows of the equation.
    """
    used = stack.used & rows[:, None]
    inside, there = _inside(z, rows), replace(stack, used=used)
    ZZ = gram(inside, there, "h1")
    alive = np.diagonal(ZZ) > 0
    basis = conditioned(_inside(inside.keep(alive), rows), there, "h1", ZZ[np.ix_(alive, alive)])
    inside, weight = basis.z, basis.weight
    X = stack.X * used[:, None, :]
    ZX = cross(inside, X)
    XX = np.matmul(X, X.swapaxes(1, 2)).sum(axis=0)
    n, L, k = int(used.sum()), weight.rank, X.shape[1]
    moving = np.flatnonzero(np.diagonal(XX) > 0)
    df = L - len(moving) + 1
    F, robust = np.full(k, np.nan), np.full(k, np.nan)
    if df < 1 or n <= L:
        return Strength(F=F, F_robust=robust, df=df, n_instruments=L)
    B = weight.root.T @ ZX
    for j in moving:
        if XX[j, j] - float(B[:, j] @ B[:, j]) <= 1e-10 * XX[j, j]:
            F[j] = robust[j] = np.inf
            continue
        others = moving[moving != j]
        e = np.zeros(k)
        e[j] = 1.0
        if len(others):
            size = np.sqrt(np.einsum("ij,ij->j", B[:, others], B[:, others]))
            size = np.where(size > 0, size, 1.0)
            e[others] = -np.linalg.lstsq(B[:, others] / size, B[:, j], rcond=1e-12)[0] / size
        fitted = float(np.sum(np.square(B @ e)))
        total = float(e @ XX @ e)
        rest = total - fitted
        F[j] = (fitted / df) / (rest / (n - L))
        c = B @ e
        pi = weight.root @ c
        v = (np.einsum("rkn,k->rn", X, e) - project(inside, pi[:, None])[:, 0]) * used
        # In coordinates where Z'Z is the identity, units of the instruments play no role.
        S = weight.root.T @ outer(inside, v, groups) @ weight.root
        robust[j] = float(c @ np.linalg.pinv(S, rcond=1e-10, hermitian=True) @ c) / df
    return Strength(F=F, F_robust=robust, df=df, n_instruments=L)


def _inside(z: Instruments, rows: BoolArray) -> Instruments:
    """The instruments of some rows (R,), without rotation or padding."""
    return Instruments(
        values=z.values, columns=z.columns, rows=z.rows,
        plan=tuple(p for p in z.plan if rows[p[0]]),
    )  # fmt: skip
