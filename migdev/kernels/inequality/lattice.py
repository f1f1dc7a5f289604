"""Points spread evenly over a cube: deterministic, so that the same data give the same number."""

from __future__ import annotations

from functools import cache

import numpy as np

from migdev.kernels.arrays.types import FloatArray


@cache
def lattice(n: int, m: int) -> FloatArray:
    r"""(n, m) points of Richtmyer's lattice, folded.

    .. math:: u_{ij} = |2\{i\sqrt{p_j}\} - 1| \quad (1)

    with :math:`p_j` the j-th prime and {.} the fractional part. Every coordinate stays within
    (0, 1). The array is shared: it cannot be written to.

    References
    ----------
    Genz and Bretz (2009), Computation of Multivariate Normal and t Probabilities, Springer, ch. 4.
    """
    steps = np.sqrt(_primes(m).astype(float))
    u = np.abs(2 * ((np.arange(1, n + 1)[:, None] * steps) % 1.0) - 1)
    out: FloatArray = np.clip(u, 1e-12, 1 - 1e-12)
    out.flags.writeable = False
    return out


def _primes(m: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The first m primes."""
    found: list[int] = []
    candidate = 2
    while len(found) < m:
        if all(candidate % p for p in found):
            found.append(candidate)
        candidate += 1
    return np.array(found, dtype=np.int64)
