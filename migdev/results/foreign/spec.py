"""What is known of a model that another library fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from migdev.kernels.arrays.types import FloatArray

Rows = tuple[Any, FloatArray | None, FloatArray | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSpec:
    """What is known of a model that another library fitted.

    Attributes
    ----------
    library, model : str
    formula : str
        ``""`` where the library does not keep one.
    rows : callable, optional
        Gives, when asked, the sample as a frame, the columns (n, k) of the coefficients of the
        linear index, and the fitted means (n,); None for what is not kept.
    """

    library: str
    model: str
    formula: str = ""
    rows: Callable[[], Rows] | None = field(default=None, repr=False, compare=False)
