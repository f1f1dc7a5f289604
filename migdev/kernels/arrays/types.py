"""The array types that the kernels exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
AnyArray: TypeAlias = NDArray[Any]
#: Is told how many more draws, points of a grid, ... are done.
Done: TypeAlias = Callable[[int], object]


def untold(parts: int) -> None:
    """Nobody follows the work."""
