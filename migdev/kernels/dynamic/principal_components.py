"""Principal components in place of many instruments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migdev.kernels.dynamic.gram import gram
from migdev.kernels.dynamic.instruments import Column, Instruments, cross
from migdev.kernels.dynamic.stack import Stack


def rotate(
    z: Instruments, stack: Stack, count: int | None, group: int, standardised: bool = True
) -> Instruments:
    """Replace the GMM-style columns by their leading principal components.

    The components are those of the correlation matrix of the columns over all stacked rows,
    zeros of missing lags included (Mehrhoff 2009). They are combinations of the columns, not
    centred, so that every moment condition stays one.

    Parameters
    ----------
    count : int or None
        How many; None keeps those with an eigenvalue of at least one, and as many as the other
        columns leave of the coefficients.
    group : int
        Position of the set that the components form.
    standardised : bool
        Combine columns divided by their standard deviations, which are the principal components;
        else the columns as they stand (xtabond2's ``pca``), which depends on their units.
    """
    style = np.array([c.lag is not None for c in z.columns])
    at = np.flatnonzero(style)
    n = int(np.count_nonzero(stack.used))
    ZZ = gram(z, stack, "h1")[np.ix_(at, at)] / n
    mean = cross(z, stack.used.astype(float))[at] / n
    cov = ZZ - np.outer(mean, mean)
    scale = np.sqrt(np.diagonal(cov))
    values, vectors = np.linalg.eigh(cov / np.outer(scale, scale))
    values, vectors = values[::-1], vectors[:, ::-1]
    others = np.flatnonzero(~style)
    if count is None:  # rounding may leave an eigenvalue of one just below it
        count = max(int(np.count_nonzero(values > 0.999999)), stack.X.shape[1] - len(others))
    kept = min(count, len(at))
    rotation = np.zeros((z.count, kept + len(others)))
    rotation[at, :kept] = vectors[:, :kept] / (scale[:, None] if standardised else 1.0)
    rotation[others, kept + np.arange(len(others))] = 1.0
    columns = [
        Column(
            variable=f"component {j + 1}", equation="both", lag=None, period=None, group=group,
            form="component",
        )
        for j in range(kept)
    ]  # fmt: skip
    columns += [z.columns[j] for j in others]
    return replace(z, columns=tuple(columns), rotation=rotation)
