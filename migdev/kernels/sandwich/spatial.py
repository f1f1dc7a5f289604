"""Spatial correlation: products of scores of places within a distance of one another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray

#: Mean radius of the Earth, km (IUGG).
EARTH = 6371.0088


def spatial_meat(
    scores: FloatArray,
    latitude: FloatArray,
    longitude: FloatArray,
    period: IntArray,
    cutoff: float,
    *,
    bartlett: bool = False,
    radius: float = EARTH,
    block: int = 1_000_000,
) -> FloatArray:
    r"""(k, k) of :math:`\sum_t\sum_{i,j} K(d_{ij})\, s_{it}s_{jt}'`, pairs within periods.

    Places stand in order of latitude, so a block of them meets only the band of latitudes within
    the cutoff, and each pair once. Where the same places return every period, as in a panel, a
    distance serves all periods.

    Parameters
    ----------
    scores : (n, k)
    latitude, longitude : (n,)
        In degrees.
    period : (n,)
        Any integers; one value for all rows pairs them across periods.
    cutoff : float
        In the units of ``radius``; pairs at exactly the cutoff are in.
    bartlett : bool
        Weights ``1 - d / cutoff`` rather than 1.
    block : int
        Largest number of distances held at once.
    """
    n, k = scores.shape
    when = np.unique(period, return_inverse=True)[1]
    T = int(when.max(initial=-1)) + 1
    points, place = np.unique(np.column_stack([latitude, longitude]), axis=0, return_inverse=True)
    place = place.ravel()
    if len(points) * T <= 4 * n + 1024:
        sums = _sums(scores, place * T + when, len(points) * T).reshape(len(points), T * k)
        return _banded(sums, points, k, cutoff, bartlett, radius, block)
    meat = np.zeros((k, k))
    order = np.lexsort((place, when))
    edges = np.flatnonzero(np.concatenate([[True], np.diff(when[order]) != 0, [True]]))
    for start, stop in pairwise(edges):
        rows = order[start:stop]
        here, local = np.unique(place[rows], return_inverse=True)
        sums = _sums(scores[rows], local, len(here))
        meat += _banded(sums, points[here], k, cutoff, bartlett, radius, block)
    return meat


def _sums(scores: FloatArray, codes: IntArray, size: int) -> FloatArray:
    """(size, k) sums of rows by code."""
    out = np.empty((size, scores.shape[1]))
    for j in range(scores.shape[1]):
        out[:, j] = np.bincount(codes, scores[:, j], size)
    return out


def _banded(
    sums: FloatArray,
    points: FloatArray,
    k: int,
    cutoff: float,
    bartlett: bool,
    radius: float,
    block: int,
) -> FloatArray:
    """Weighted products of ``sums`` (P, T k) over pairs of ``points`` (P, 2), south to north."""
    phi, lam = np.radians(points[:, 0]), np.radians(points[:, 1])
    xyz = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    angle = cutoff / radius
    reach = np.searchsorted(phi, phi + angle + 1e-9, side="right")
    longest = 2 * np.sin(min(angle, np.pi) / 2)  # the cutoff as a chord through the sphere
    flat = sums.reshape(-1, k)
    meat: FloatArray = flat.T @ flat
    row = 0
    while row < len(phi):
        band = int(reach[row]) - row
        rows = min(len(phi) - row, max(1, block // band, 1), max(32, band))
        last = row + rows
        end = int(reach[last - 1])
        chord2 = np.zeros((rows, end - row))
        for axis in xyz:
            chord2 += (axis[row:last, None] - axis[None, row:end]) ** 2
        close = np.triu(chord2 <= longest**2 * (1 + 1e-12), 1)
        weight = close.astype(float)
        if bartlett:
            d = 2 * radius * np.arcsin(np.minimum(np.sqrt(chord2[close]) / 2, 1.0))
            weight[close] = np.maximum(1.0 - d / cutoff, 0.0)
        if close.any():
            gamma = sums[row:last].reshape(-1, k).T @ (weight @ sums[row:end]).reshape(-1, k)
            meat += gamma + gamma.T
        row = last
    return meat
