"""At the door of a panel: frames of any kind, keys, their codes and their order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import PanelError, listing, suggestion
from migdev.kernels.arrays.groups import level_codes
from migdev.kernels.arrays.types import AnyArray, IntArray
from migdev.panel.calendar import Calendar

OPERATORS = frozenset({"L", "F", "D", "lag", "C"})


def to_pandas(frame: Any) -> pd.DataFrame:
    if not isinstance(frame, pd.DataFrame):
        import narwhals as nw

        try:
            native = nw.from_native(frame)
        except TypeError as error:
            raise PanelError(
                f"from_frame() reads pandas, polars, pyarrow and other frames, not "
                f"{type(frame).__name__}."
            ) from error
        eager = native.collect() if isinstance(native, nw.LazyFrame) else native
        frame = eager.to_pandas()
    out: pd.DataFrame = frame
    if isinstance(out.index, pd.MultiIndex) or out.index.name is not None:
        levels = [n for n in out.index.names if n is not None and n not in out.columns]
        out = out.reset_index(level=levels) if levels else out
    renamed = {c: str(c).lstrip("\ufeff") for c in out.columns if str(c).startswith("\ufeff")}
    return out.rename(columns=renamed) if renamed else out


def settled(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The frame with text, numbers and truth values in dtypes that formulas know as such.

    Text of ``string`` and pyarrow dtypes becomes ``str``, a pyarrow dictionary categorical, truth
    values with missing ones 0, 1 and missing, and a column of Python objects that are all numbers
    (or truth values) a column of these; formulas would otherwise read them as factors, or not at
    all. Keys stay as they are.
    """
    changed = {}
    for name, dtype in zip(frame.columns, frame.dtypes.array, strict=True):
        if name in keys or (isinstance(dtype, np.dtype) and dtype.kind != "O"):
            continue
        known = _settled_column(frame[name], dtype)
        if known is not None:
            changed[name] = known
    if changed:
        frame = frame.copy(deep=False)
        for name, known in changed.items():
            frame[name] = known
    return frame


def _settled_column(column: pd.Series[Any], dtype: Any) -> pd.Series[Any] | None:
    """The column in a dtype that formulas know; None where it has one."""
    if isinstance(dtype, pd.StringDtype):
        return None if dtype.na_value is not pd.NA else column.astype("str")
    if isinstance(dtype, pd.ArrowDtype):
        told = str(dtype.pyarrow_dtype)
        if told.startswith("dictionary"):
            return column.astype(object).where(column.notna(), None).astype("category")
        if "string" in told:
            return column.astype("str")
        if told.startswith("decimal"):
            return column.astype("double[pyarrow]")
    if dtype.kind == "O":
        found = column.infer_objects()
        if found.dtype.kind != "O":
            return found
        held = pd.api.types.infer_dtype(column, skipna=True)
        numbers = ("integer", "floating", "mixed-integer-float", "decimal", "boolean")
        return column.astype(float) if held in numbers else None
    if pd.api.types.is_bool_dtype(dtype) and bool(column.isna().any()):
        return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index)
    return None


def check_columns(data: pd.DataFrame, keys: Sequence[str]) -> None:
    labels = list(data.columns)
    names = [str(c) for c in labels]
    for key in keys:
        if key not in labels:
            raise PanelError(
                f"There is no column {key!r} for the keys.{suggestion(key, names)} "
                f"Columns: {listing(names, 12)}."
            )
    if len(set(labels)) < len(labels):
        repeated = data.columns[data.columns.duplicated()].unique()
        raise PanelError(f"Columns occur twice: {listing(repeated)}. Rename or drop one of each.")
    hidden = OPERATORS.intersection(names)
    if hidden:
        raise PanelError(hides(hidden))
    if len(data) == 0:
        raise PanelError("The frame has no rows.")


def hides(names: set[str] | frozenset[str]) -> str:
    return (
        f"Columns named {listing(sorted(names))} would hide the operators of the same name in "
        "formulas. Rename them."
    )


def entity_codes(data: pd.DataFrame, keys: Sequence[str]) -> tuple[IntArray, pd.Index[Any]]:
    if len(keys) == 1:
        whole = _whole_numbers(data[keys[0]])
        if whole is not None:
            codes = level_codes(whole)
            unique = np.empty(int(codes.max()) + 1, dtype=whole.dtype)
            unique[codes] = whole
            return codes, pd.Index(unique)
    for key in keys:
        lacking = int(data[key].isna().sum())
        if lacking:
            raise PanelError(
                f"{lacking} rows have no {key!r}; a panel needs an entity in every row. "
                "Drop or fill them first."
            )
    if len(keys) == 1:
        codes, entities = pd.factorize(data[keys[0]], sort=True)
        index = pd.Index(entities)
        if isinstance(index, pd.CategoricalIndex):
            index = pd.Index(index.to_numpy())
        return codes.astype(np.int64, copy=False), index
    tuples = pd.MultiIndex.from_frame(data[list(keys)])
    codes, pairs = pd.factorize(tuples, sort=True)
    names: list[Hashable] = ["-".join(str(part) for part in pair) for pair in pairs]
    return codes.astype(np.int64, copy=False), pd.Index(names)


def column_codes(column: pd.Series[Any]) -> IntArray:
    """(n,) codes 0..G-1 in the order of the values, -1 where they are missing."""
    whole = _whole_numbers(column)
    if whole is not None:
        return level_codes(whole)
    return pd.factorize(column, sort=True)[0].astype(np.int64, copy=False)


def _whole_numbers(column: pd.Series[Any]) -> AnyArray | None:
    """The values of a column of plain whole numbers, which cannot be missing."""
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iu" or not len(column):
        return None
    return column.to_numpy()


def sorting(codes: IntArray, ordinals: IntArray) -> IntArray | None:
    """Rows in the order of entity and time; None where they are in it."""
    n = len(codes)
    later = ordinals[1:] >= ordinals[:-1]
    later &= codes[1:] == codes[:-1]
    if bool(np.all(later | (codes[1:] > codes[:-1]))):
        return None
    first = int(ordinals.min())
    span = int(ordinals.max()) - first + 1
    cells = (int(codes.max()) + 1) * span
    if cells <= 8 * n + 1024:  # nearly every cell is taken: place the rows instead of sorting
        key = codes * span + (ordinals - first)
        place = np.full(cells, -1, dtype=np.int64)
        place[key] = np.arange(n)
        order = place[place >= 0]
        if len(order) == n:
            return order
    return np.lexsort((ordinals, codes)).astype(np.int64, copy=False)


def refuse_repeats(
    codes: IntArray,
    ordinals: IntArray,
    entities: pd.Index[Any],
    calendar: Calendar,
    names: tuple[str, str],
) -> None:
    repeats = np.flatnonzero((codes[1:] == codes[:-1]) & (ordinals[1:] == ordinals[:-1]))
    if len(repeats):
        row = int(repeats[0])
        first = (plain(entities[codes[row]]), calendar.label(int(ordinals[row])))
        pairs = len(np.unique(np.stack([codes[repeats], ordinals[repeats]]), axis=1).T)
        raise PanelError(
            f"{pairs} ({names[0]}, {names[1]}) pairs occur twice, first {first}; a panel holds "
            "one row per pair. Aggregate them, or name a finer entity."
        )


def plain(value: Any) -> Any:
    """A numpy scalar as the Python value that a message shows."""
    return value.item() if isinstance(value, np.generic) else value
