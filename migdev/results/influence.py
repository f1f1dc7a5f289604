"""What the entities of a sample add to an estimate."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray


def entity_influence(fit: Any) -> tuple[IntArray, FloatArray] | None:
    """Codes (N,) in the panel of the entities of a fit, and what each adds to the coefficients
    (N, k); None where the fit keeps no scores by entity."""
    moments, sample = getattr(fit, "moments", None), getattr(fit, "sample", None)
    if moments is None or sample is None:
        return None
    known = np.unique(sample.panel.entity_codes[sample.rows])
    psi = moments.influence("entity")
    return (known, psi) if len(psi) == len(known) else None
