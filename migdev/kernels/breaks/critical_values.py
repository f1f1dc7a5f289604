"""Critical values of tests of several breaks: Bai and Perron (2003), Econometrics Journal 6,
72-78."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.tables import tables
from migdev.kernels.arrays.types import FloatArray

TRIMS = (0.05, 0.10, 0.15, 0.20, 0.25)
LEVELS = (0.10, 0.05, 0.01)
MOST_COEFFICIENTS = 10


def critical_values(trim: float, q: int) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Critical values at 10, 5 and 1 per cent, in rows: of sup F(l), l = 1, 2, ..., (3, L); of
    UDmax and WDmax (3, 2); of sup F(l + 1 | l), l = 0, ..., 9 (3, 10). None where not tabulated.

    Parameters
    ----------
    trim : float
        Shortest regime as a share of the sample.
    q : int
        Coefficients that break.
    """
    at = [t for t in TRIMS if abs(t - trim) < 1e-9]
    if not at or not 1 <= q <= MOST_COEFFICIENTS:
        return None
    several, double, further = (
        np.array([found[f"{at[0]:.2f}", f"{level:.0%}"].values[q - 1] for level in LEVELS])
        for found in (
            tables(f"breaks/{name}.tsv", 2) for name in ("sup_f", "double_maximum", "sup_f_further")
        )
    )
    return several, double, further
