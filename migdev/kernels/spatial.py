"""Spatial correlation: products of scores of places within a distance of one another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from migdev.kernels.groups import Groups
from migdev.kernels.types import FloatArray, IntArray

#: Mean radius of the Earth, km (IUGG).
EARTH = 6371.0088


def haversine(
    lat1: FloatArray, lon1: FloatArray, lat2: FloatArray, lon2: FloatArray, radius: float = EARTH
) -> FloatArray:
    r"""Great-circle distances; arguments in radians, broadcast together.

    .. math::
        d = 2R\arcsin\sqrt{\sin^2\tfrac{\phi_1-\phi_2}{2}
            + \cos\phi_1\cos\phi_2\sin^2\tfrac{\lambda_1-\lambda_2}{2}}
    """
    a = np.sin((lat1 - lat2) / 2) ** 2
    a = a + np.cos(lat1) * np.cos(lat2) * np.sin((lon1 - lon2) / 2) ** 2
    d: FloatArray = 2 * radius * np.arcsin(np.sqrt(np.minimum(a, 1.0)))
    return d


def spatial_meat(
    scores: FloatArray,
    latitude: FloatArray,
    longitude: FloatArray,
    period: IntArray,
    cutoff: float,
    *,
    bartlett: bool = False,
    radius: float = EARTH,
    block: int = 4_000_000,
) -> FloatArray:
    r"""(k, k) of :math:`\sum_t\sum_{i,j} K(d_{ij})\, s_{it}s_{jt}'`, pairs within periods.

    Rows that share a place and a period are summed first. Within a period places stand in order
    of latitude, so a block of rows meets only the band of latitudes within the cutoff.

    Parameters
    ----------
    scores : (n, k)
    latitude, longitude : (n,)
        In degrees.
    period : (n,)
        Codes; one code for all rows pairs them across periods.
    cutoff : float
        In the units of ``radius``; pairs at exactly the cutoff are in.
    bartlett : bool
        Weights ``1 - d / cutoff`` rather than 1.
    block : int
        Largest number of distances held at once.
    """
    k = scores.shape[1]
    order = np.lexsort((longitude, latitude, period))
    lat, lon = np.radians(latitude[order]), np.radians(longitude[order])
    when, s = period[order], scores[order]
    new = np.ones(len(when), dtype=bool)
    new[1:] = (np.diff(when) != 0) | (np.diff(lat) != 0) | (np.diff(lon) != 0)
    if not new.all():
        s = Groups.from_codes(np.cumsum(new) - 1).sums(s)
        lat, lon, when = lat[new], lon[new], when[new]
    reach = cutoff / radius + 1e-12  # a band is never too narrow by rounding
    edges = np.flatnonzero(np.concatenate([[True], np.diff(when) != 0, [True]]))
    meat = np.zeros((k, k))
    for start, stop in pairwise(edges):
        here = slice(start, stop)
        phi, lam, sp = lat[here], lon[here], s[here]
        high = np.searchsorted(phi, phi + reach, side="right")
        row = 0
        while row < stop - start:
            rows = max(1, min(stop - start - row, block // max(1, int(high[row]) - row)))
            last = row + rows
            while rows > 1 and rows * (int(high[last - 1]) - row) > block:
                rows = rows // 2
                last = row + rows
            columns = slice(row, int(high[last - 1]))  # each pair once: from its southern place
            d = haversine(
                phi[row:last, None], lam[row:last, None], phi[None, columns], lam[None, columns],
                radius,
            )  # fmt: skip
            weight = np.where(d <= cutoff, 1.0 - d / cutoff if bartlett else 1.0, 0.0)
            weight = np.triu(weight, 1)
            gamma = sp[row:last].T @ (weight @ sp[columns])
            meat += gamma + gamma.T
            row = last
        meat += sp.T @ sp
    return meat
