"""The limits of Johansen's rank tests, approximated by gamma distributions."""

from __future__ import annotations

import numpy as np
from scipy import special

from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import FloatArray


def rank_pvalue(statistic: FloatArray, m: FloatArray, trend: str, kind: str) -> FloatArray:
    """Upper tails of the trace (``kind="trace"``) or largest-eigenvalue (``"max"``) statistic.

    Parameters
    ----------
    statistic, m : arrays of one shape
        m is the number of variables less the rank under the null.

    References
    ----------
    Doornik (1998), Journal of Economic Surveys 12, 573-593.
    """
    shape, rate = _gamma(np.asarray(m, dtype=float), trend, kind)
    return np.asarray(special.gammaincc(shape, rate * np.asarray(statistic, dtype=float)))


def rank_critical(m: int, trend: str, kind: str) -> dict[str, float]:
    """Critical values at 1%, 5% and 10% of the same approximation."""
    shape, rate = _gamma(np.array(float(m)), trend, kind)
    return {
        f"{level:.0%}": float(special.gammainccinv(shape, level) / rate)
        for level in (0.01, 0.05, 0.10)
    }


def _gamma(m: FloatArray, trend: str, kind: str) -> tuple[FloatArray, FloatArray]:
    moments = tables("cointegration/rank_tests.tsv", 2)[kind, trend].values
    terms = np.stack([m**2, m, np.ones_like(m), m == 1, m == 2, np.sqrt(m)], axis=-1)
    mean, variance = np.moveaxis(terms @ moments.T, -1, 0)
    return np.asarray(mean**2 / variance), np.asarray(mean / variance)
