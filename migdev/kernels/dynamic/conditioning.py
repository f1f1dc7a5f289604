r"""A basis of the instruments that keeps its digits where they nearly repeat each other.

Lags of a variable with a mean far above its spread are nearly one column, and nearly the time
effects. :math:`\sum_i Z_i'H_iZ_i` squares the distance between them, and past some 1e4 spreads
rounding decides its rank. Where the sum shows such columns, :math:`M'Z` itself, with
:math:`H = MM'`, is brought to orthonormal columns by QR over blocks of entities. Only the basis
changes: estimates are those of the columns as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.gram import halves
from migdev.kernels.dynamic.instruments import Column, Instruments
from migdev.kernels.dynamic.solve import Weight, invert
from migdev.kernels.dynamic.stack import Stack

# Distance of a unit column from the span of those before it: repeats it, stands well apart.
_REPEATS, _APART = 1e-9, 3e-4
# Numbers of M'Z that are held at once.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basis:
    """Instruments with their first-step weight.

    Attributes
    ----------
    z : Instruments
    A : (r, r)
        Z'HZ.
    weight : Weight
        Its inverse.
    columns : (J,)
        The instruments that were asked for; those of ``z`` where ``loading`` is None.
    loading : (r, J), optional
        ``columns`` as combinations of the columns of ``z``.
    """

    z: Instruments
    A: FloatArray
    weight: Weight
    columns: tuple[Column, ...]
    loading: FloatArray | None = None


def conditioned(z: Instruments, stack: Stack, weight: str, A: FloatArray) -> Basis:
    """The instruments as they are where Z'HZ (``A``) tells them apart, else in orthonormal columns.

    Columns that repeat others to the last digits stay: a generalised inverse sees to them.
    """
    first = invert(A)
    plain = Basis(z=z, A=A, weight=first, columns=z.columns)
    if first.distance > _APART:
        return plain
    R = _triangle(z, stack, weight)
    size = np.sqrt(np.einsum("ij,ij->j", R, R))
    factor, order = linalg.qr(R / size, mode="r", pivoting=True)
    apart = np.abs(np.diagonal(factor))
    rank = int(np.count_nonzero(apart > _REPEATS))
    if rank == first.rank and float(apart[rank - 1]) > _APART:
        return plain
    rotation, loading = np.zeros((z.count, rank)), np.zeros((rank, z.count))
    inverse = linalg.solve_triangular(factor[:rank, :rank], np.eye(rank))
    rotation[order[:rank]] = inverse / size[order[:rank], None]
    loading[:, order] = factor[:rank] * size[order]
    if z.rotation is not None:
        rotation = z.rotation @ rotation
    columns = tuple(z.columns[j] for j in order[:rank])
    return Basis(
        z=replace(z, columns=columns, rotation=rotation), A=np.eye(rank),
        weight=Weight(root=np.eye(rank), rank=rank), columns=z.columns, loading=loading,
    )  # fmt: skip


def _triangle(z: Instruments, stack: Stack, weight: str) -> FloatArray:
    """R (J, J) of M'Z = QR."""
    J, N = z.count, stack.y.shape[1]
    size = max(1, _BLOCK // (J * (len(stack.level) + 1)))
    R = np.zeros((0, J))
    for start in range(0, N, size):
        part = halves(z, stack, weight, slice(start, start + size))
        rows = part.transpose(0, 2, 1).reshape(-1, J)
        R = linalg.qr(np.concatenate([R, rows]), mode="r", check_finite=False)[0][:J]
    return R if len(R) == J else np.concatenate([R, np.zeros((J - len(R), J))])
