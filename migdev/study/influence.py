"""What each entity adds to a focal parameter: what families and joint tests draw signs on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import SpecificationError, listing
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.results.inference import delta_function, gradient
from migdev.results.influence import entity_influence


def influence(fit: Any, term: str) -> pd.Series[float] | None:
    r"""What each entity adds to a focal parameter, by label; None where the fit keeps no scores.

    For :math:`g(\hat\beta)` the influence of the entity on the coefficients times the gradient.
    """
    found = entity_influence(fit)
    if found is None:
        return None
    known, psi = found
    function, _ = delta_function(term, fit.names)
    slope = gradient(function, fit.params.to_numpy(dtype=float))
    return pd.Series(psi @ slope, index=fit.sample.panel.entities[known])


def aligned(parts: Sequence[pd.Series[float] | None]) -> tuple[FloatArray, BoolArray]:
    """(G, m) influences of all entities on all focal parameters, and who is in which sample.

    Raises
    ------
    SpecificationError
        Some answer shares no entity with the others.
    """
    table = pd.concat([p for p in parts if p is not None], axis=1)
    present = table.notna().to_numpy()
    alone = [j for j in range(present.shape[1]) if not present[present[:, j]].sum(axis=1).max() > 1]
    if alone and present.shape[1] > 1:
        raise SpecificationError(
            f"Answer {alone[0] + 1} of the family shares no entity with the others: its entities "
            f"are {listing(table.index[present[:, alone[0]]], 3)}. Answers of a family rest on the "
            "same panel; name their entities alike."
        )
    return table.fillna(0.0).to_numpy(dtype=float), np.asarray(present)
