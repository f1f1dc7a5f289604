r"""The first-step weighting matrix, :math:`\sum_i Z_i'H_iZ_i`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.dynamic.instruments import Instruments, Padded, blocks, dense
from migdev.kernels.dynamic.stack import Stack, later_rows


def gram(z: Instruments, stack: Stack, weight: str) -> FloatArray:
    r""":math:`\sum_i Z_i'H_iZ_i`, (J, J), the first-step weighting matrix.

    ``weight`` names H as xtabond2 does. h1: the identity. h2: :math:`MM'` for the transformed
    equation, with M the transformation, the identity for levels, nothing between them (DPD for
    Ox). h3: also :math:`M` between the transformed equation and levels, the covariance of
    :math:`(Mv_i, v_i)` for unit errors and no effects.
    """
    if z.rotation is not None:
        return _gram_rotated(z, stack, weight)
    H = row_weights(stack, weight)
    deviate = stack.transform == "fod" and weight == "h3" and bool(stack.level.any())
    if z.padded is not None and not deviate:
        return _gram_padded(z, z.padded, H, stack)
    out = np.zeros((z.raw, z.raw))
    n = z.values.shape[1]
    plan = z.plan
    whole = np.asarray(stack.used.all(axis=1))
    for block in blocks(n):
        parts = []
        for r, cols, sources in plan:
            values = z.values[sources, block]
            parts.append((r, cols, values if whole[r] else values * stack.used[r, block]))
        for i, (r, cols, left) in enumerate(parts):
            for q, other, right in parts[i:]:
                if H[r, q] == 0:
                    continue
                product = H[r, q] * (left @ right.T)
                out[_pair(cols, other)] += product
                if q != r:
                    out[_pair(other, cols)] += product.T
        if deviate:
            _add_deviation_cross(out, parts, stack, block)
    return out


def _gram_rotated(z: Instruments, stack: Stack, weight: str) -> FloatArray:
    """From the combinations themselves: combined afterwards, sums of raw columns lose digits."""
    out = np.zeros((z.count, z.count))
    for block in blocks(z.values.shape[1]):
        rows = halves(z, stack, weight, block).transpose(1, 0, 2).reshape(z.count, -1)
        out += rows @ rows.T
    return out


def _gram_padded(z: Instruments, p: Padded, H: FloatArray, stack: Stack) -> FloatArray:
    Q, P, _ = p.values.shape
    flat = p.flat(p.values * stack.used[p.rows, None])
    products = (flat @ flat.T).reshape(Q, P, Q, P) * H[np.ix_(p.rows, p.rows)][:, None, :, None]
    return p.place @ products.reshape(Q * P, Q * P) @ p.place.T


def halves(z: Instruments, stack: Stack, weight: str, block: slice) -> FloatArray:
    """M'Z of a block of entities, (Q, J, n): summed over Q and n its products are Z'HZ."""
    level, period = stack.level, stack.period
    Z = dense(z, block) * stack.used[:, None, block]
    joint = weight == "h3" and bool(level.any())
    if weight == "h1" or (stack.transform == "fod" and not joint):
        return Z
    moved = np.zeros((int(period.max()) + 1, *Z.shape[1:]))
    moved[period[~level]] = Z[~level]
    if stack.transform == "fd":
        moved[:-1] -= moved[1:]
    else:
        complete = np.zeros((len(moved), Z.shape[2]), dtype=bool)
        complete[period[level]] = stack.used[level, block]
        n = np.maximum(later_rows(complete), 1)[:, None]
        moved *= np.sqrt(n / (n + 1.0))
        share = moved / n
        moved -= np.cumsum(share, axis=0) - share
        moved *= complete[:, None]
    if joint:
        moved[period[level]] += Z[level]
        return moved
    return np.concatenate([moved, Z[level]]) if level.any() else moved


def _pair(rows: slice | IntArray, cols: slice | IntArray) -> Any:
    if isinstance(rows, slice) or isinstance(cols, slice):
        return rows, cols
    return np.ix_(rows, cols)


def row_weights(stack: Stack, weight: str) -> FloatArray:
    """(R, R) H between rows; the same for all entities, as their missing rows are zero in Z."""
    H = np.eye(len(stack.level))
    if weight == "h1" or stack.transform == "fod":
        return H
    gap = stack.period[:, None] - stack.period[None, :]
    inner = ~stack.level[:, None] & ~stack.level[None, :]
    H[inner & (gap == 0)] = 2.0
    H[inner & (np.abs(gap) == 1)] = -1.0
    if weight == "h3":
        across = ~stack.level[:, None] & stack.level[None, :]
        M = (across & (gap == 0)) * 1.0 - (across & (gap == 1)) * 1.0
        H += M + M.T
    return H


def _add_deviation_cross(
    out: FloatArray,
    parts: Sequence[tuple[int, slice | IntArray, FloatArray]],
    stack: Stack,
    block: slice,
) -> None:
    """Add Z_transformed' M Z_level for forward deviations, whose M differs between entities."""
    at_level = {int(stack.period[r]): (c, v) for r, c, v in parts if stack.level[r]}
    at_moved = {int(stack.period[r]): (c, v) for r, c, v in parts if not stack.level[r]}
    rows = np.flatnonzero(stack.level)
    periods, complete = stack.period[rows], stack.used[rows][:, block]
    later = later_rows(complete)
    ahead = np.zeros((len(out), complete.shape[1]))
    for t in periods[::-1]:
        i = int(np.searchsorted(periods, t))
        n = np.maximum(later[i], 1)
        scale = np.sqrt(n / (n + 1.0))
        if int(t) in at_moved:
            cols, left = at_moved[int(t)]
            left = left * scale
            product = -(left / n) @ ahead.T
            if int(t) in at_level:
                other, right = at_level[int(t)]
                product[:, other] += left @ right.T
            out[cols] += product
            out[:, cols] += product.T
        if int(t) in at_level:
            other, right = at_level[int(t)]
            ahead[other] += right
