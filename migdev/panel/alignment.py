"""Values that a caller hands in, put on the rows of a panel; positions are not guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import PanelError
from migdev.kernels.arrays.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where the rows of a panel stood in the frame that it was read from.

    Attributes
    ----------
    index : Index
        Of that frame.
    rows : (n,), optional
        Row of that frame that each row of the panel was; None where the order is the same.
    """

    index: pd.Index[Any]
    rows: IntArray | None = None

    @property
    def in_order(self) -> bool:
        """The panel kept the order of the frame, so that positions agree."""
        return self.rows is None or bool(np.all(np.diff(self.rows) > 0))

    def series(self, values: FloatArray, name: str) -> pd.Series[float]:
        """Values by row of the panel as a column of the frame."""
        out = np.empty(len(values))
        out[slice(None) if self.rows is None else self.rows] = values
        return pd.Series(out, index=self.index, name=name)

    def take(self, rows: IntArray) -> Origin:
        return Origin(self.index, rows if self.rows is None else self.rows[rows])


def on_rows(values: Any, own: pd.Index[Any], origin: Origin, what: str) -> Any:
    """Values by row of the panel, whose own index is ``own``; a scalar stays one.

    A Series that stems from the panel stands on its rows already; one that stems from the frame
    that the panel was read from (or bears its labels) is brought to them. pandas keeps the identity
    of an index through every operation by row, which tells the two apart although both may count
    from zero. Arrays and lists are in the order of the panel's rows.

    Raises
    ------
    PanelError
        Another number of values than rows, or a Series of which nothing tells whose rows it has.
    """
    if isinstance(values, pd.Series):
        placed = _placed(values, own, origin, what)
        return placed if placed.index is own else placed.set_axis(own)
    if pd.api.types.is_scalar(values):
        return values
    if _from_elsewhere(values) and not origin.in_order:
        raise _foreign(what, len(own))
    if len(values) != len(own):
        raise _other_length(what, len(values), len(own))
    return values


def _placed(
    values: pd.Series[Any], own: pd.Index[Any], origin: Origin, what: str
) -> pd.Series[Any]:
    if values.index.is_(own):
        return values
    if values.index.is_(origin.index):
        return values if origin.rows is None else values.iloc[origin.rows]
    if values.index.equals(own) and origin.in_order:
        return values
    labels = origin.index if origin.rows is None else origin.index[origin.rows]
    counted = values.index.equals(pd.RangeIndex(len(values)))
    if not counted and labels.is_unique and values.index.is_unique:
        rows = values.index.get_indexer(labels)
        if bool((rows >= 0).all()):
            return values.iloc[rows]
    if len(values) != len(own):
        raise _other_length(what, len(values), len(own))
    raise _foreign(what, len(own))


def _other_length(what: str, given: int, n: int) -> PanelError:
    return PanelError(f"{what} needs one value per row ({n}), but was given {given}.")


def _foreign(what: str, n: int) -> PanelError:
    return PanelError(
        f"{what} was given a Series that comes neither from the panel nor from the frame it was "
        "read from, so its rows cannot be told: a panel sorts its rows. Use the panel's own "
        f"columns (panel['x'], or a function of the panel), or an array of {n} values in the order "
        "of its rows."
    )


def _from_elsewhere(values: Any) -> bool:
    """A column of polars or pyarrow, which has no labels."""
    if isinstance(values, np.ndarray | list | tuple | pd.Index | pd.api.extensions.ExtensionArray):
        return False
    import narwhals as nw

    return isinstance(nw.from_native(values, series_only=True, pass_through=True), nw.Series)
