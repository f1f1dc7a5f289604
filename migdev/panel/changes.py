"""Panels made from a panel: other columns, other names, fewer rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from migdev.errors import PanelError, listing
from migdev.kernels.arrays.types import IntArray
from migdev.panel.alignment import on_rows
from migdev.panel.frame_input import OPERATORS, check_columns, hides, settled

if TYPE_CHECKING:
    from migdev.panel.panel import Panel


def assign(panel: Panel, columns: Mapping[str, Any]) -> Panel:
    """The panel with columns added or replaced, one after the other."""
    hidden = OPERATORS.intersection(columns)
    if hidden:
        raise PanelError(hides(hidden))
    _keep_keys(panel, columns, "stay as they are")
    keys = (panel.time, *panel.entity_columns)
    for name, value in columns.items():
        given = value(panel) if callable(value) else value
        values = on_rows(given, panel._frame.index, panel._origin, f"assign({name}=)")
        frame = settled(panel._frame.assign(**{name: values}), keys)
        panel = replace(panel, _frame=frame, _memo={})
    return panel


def rename(panel: Panel, columns: Mapping[str, str]) -> Panel:
    """The panel with other names of columns; units and labels go with them."""
    panel.require(*columns)
    frame = panel._frame.set_axis([columns.get(n, n) for n in panel.columns], axis=1)
    check_columns(frame, ())
    _keep_keys(panel, columns, "keep their names")
    return replace(
        panel,
        _frame=frame,
        labels={columns.get(k, k): v for k, v in panel.labels.items()},
        units={columns.get(k, k): v for k, v in panel.units.items()},
        _memo={},
    )


def _keep_keys(panel: Panel, columns: Mapping[str, Any], why: str) -> None:
    keys = {panel.time, *panel.entity_columns}.intersection(columns)
    if keys:
        raise PanelError(f"{listing(sorted(keys))} are keys of the panel and {why}.")


def where(panel: Panel, keep: Any | str | Callable[[Panel], Any], reason: str) -> Panel:
    """The rows where ``keep`` is true: an array, a condition in words, or a function."""
    if isinstance(keep, str):
        from migdev.panel.expressions.evaluate import Evaluator
        from migdev.panel.formula import quote_columns

        mask = np.asarray(Evaluator(panel).condition(quote_columns(keep, panel.columns)))
        reason = reason or f"not ({keep})"
    else:
        given = keep(panel) if callable(keep) else keep
        mask = np.asarray(on_rows(given, panel._frame.index, panel._origin, "where()"))
    if mask.dtype != bool or mask.shape != (len(panel),):
        raise PanelError(
            f"where() needs one True or False per row ({len(panel)}), not {mask.dtype} of shape "
            f"{mask.shape}."
        )
    return take(panel, np.flatnonzero(mask), reason or "where()")


def between(panel: Panel, first: Any, last: Any) -> Panel:
    """The periods from ``first`` to ``last``, both included."""
    inside = panel.calendar.within(panel.ordinals, first, last)
    return take(panel, np.flatnonzero(inside), f"outside {first} to {last}")


def take(panel: Panel, rows: IntArray, reason: str) -> Panel:
    """The panel of some rows, in its order; the rest are counted in its history."""
    rows = np.sort(np.asarray(rows, dtype=np.int64))
    lost = len(panel) - len(rows)
    kept, codes = np.unique(panel.entity_codes[rows], return_inverse=True)
    gone = len(panel.entities) - len(kept)
    notes = (f"{lost} rows and {gone} whole entities dropped: {reason}",) if lost else ()
    return replace(
        panel,
        _frame=panel._frame.iloc[rows].reset_index(drop=True),
        entities=panel.entities[kept],
        entity_codes=codes.astype(np.int64, copy=False),
        ordinals=panel.ordinals[rows],
        history=(*panel.history, *notes),
        _origin=panel._origin.take(rows),
        _memo={},
    )
