"""Draws of a statistic, where some samples may not identify it."""

from __future__ import annotations

import numpy as np

from migdev.errors import IdentificationError
from migdev.kernels.arrays.types import FloatArray


def finite_draws(draws: FloatArray, what: str) -> tuple[FloatArray, str]:
    """The draws (B, ...) that are finite, and a note of how many are not.

    A statistic that is not a number compares as false with any other, so a count over all draws
    would take each such draw for one that lies on the far side.

    Raises
    ------
    IdentificationError
        Fewer than half are finite.
    """
    kept: FloatArray = draws[np.isfinite(draws.reshape(len(draws), -1)).all(axis=1)]
    if 2 * len(kept) < len(draws):
        raise IdentificationError(
            f"{what}: only {len(kept)} of {len(draws)} bootstrap samples identify the statistic. "
            "Some series hardly vary (mostly zero, or constant): leave them out, use fewer lags, "
            "or no bootstrap."
        )
    lost = len(draws) - len(kept)
    return kept, f"{lost} of {len(draws)} samples without the statistic left out" if lost else ""
