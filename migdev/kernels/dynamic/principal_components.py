"""Principal components in place of many instruments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migdev.kernels.dynamic.instruments import Column, Instruments, cross, gram
from migdev.kernels.dynamic.stack import Stack


def rotate(z: Instruments, stack: Stack, count: int | None, group: int) -> Instruments:
    """Replace the GMM-style columns by their leading principal components.

    The components are those of the correlation matrix of the columns over all stacked rows,
    zeros of missing lags included (Mehrhoff 2009; xtabond2's ``pca``). They are combinations of
    the columns as they stand, not centred, so that every moment condition stays one.

    Parameters
    ----------
    count : int or None
        How many; None keeps those with an eigenvalue of at least one.
    group : int
        Position of the set that the components form.
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
    kept = int(np.count_nonzero(values >= 1.0)) if count is None else min(count, len(at))
    others = np.flatnonzero(~style)
    rotation = np.zeros((z.count, kept + len(others)))
    rotation[at, :kept] = vectors[:, :kept] / scale[:, None]
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
