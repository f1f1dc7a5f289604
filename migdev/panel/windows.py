"""A panel of windows: means (or other statistics) over several years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from migdev.errors import (
    DroppedColumnsWarning,
    DroppedRowsWarning,
    PanelError,
    SpecificationError,
    listing,
    suggestion,
)
from migdev.kernels.arrays.groups import run_starts
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.notes import warn
from migdev.options import check_choice
from migdev.panel.alignment import Origin
from migdev.panel.calendar import read_time

if TYPE_CHECKING:
    from migdev.panel.panel import Panel

#: What is computed: name of the new column, column it comes from, statistic.
Plan = list[tuple[str, str, str]]

Partial = Literal["keep", "drop"]

#: Statistics of a window, by the names of pandas.
STATISTICS = ("mean", "sum", "std", "min", "max", "median", "first", "last", "count")


def windows(
    panel: Panel,
    years: int,
    *,
    min_obs: int | None = None,
    start: int | None = None,
    how: str | Mapping[str, str | tuple[str, str]] = "mean",
    partial: Partial = "keep",
    label: str = "window",
) -> Panel:
    """Statistics of every column over windows of ``years`` years.

    Parameters
    ----------
    years : int
        Length of a window. The windows of all entities are the same.
    min_obs : int, optional
        A statistic of fewer values than this is missing; a ``sum`` needs a value in every period
        of its window, since a sum over fewer periods would be too small. By default 3, or what a
        shorter window holds.
    start : int, optional
        First year of the first window; the panel's first year when not given. Earlier rows are
        left out.
    how : str or mapping
        One statistic for all columns, or by column: ``mean`` (where nothing is said), ``sum``,
        ``std`` (of n - 1), ``min``, ``max``, ``median``, ``first``, ``last`` (value that is not
        missing), ``count``. A new name with ``(column, statistic)`` adds a column:
        ``{"income": "first", "volatility": ("growth", "std")}``.
    partial : {"keep", "drop"}
        A last window of which the panel has not every year.
    label : str
        Name of the new time column, which holds the first year of each window.

    Returns
    -------
    Panel
        ``L``, ``F`` and ``D`` go from window to window. Columns of text stay where they are
        constant within entities. :attr:`~migdev.Panel.history` tells how many values
        ``min_obs`` took away.

    Raises
    ------
    PanelError, SpecificationError
        Options that contradict each other or name what the panel does not hold.

    Warns
    -----
    DroppedRowsWarning
        Rows before ``start``, or of a partial last window.
    DroppedColumnsWarning
        Columns of text that vary within entities.
    """
    least = _check_options(panel, years, min_obs, partial, label)
    year = panel.calendar.year(panel.ordinals)
    first, last = int(year.min()), int(year.max())
    origin = first if start is None else int(start)
    keep, notes = _rows(year, origin, years, last, partial)
    if not keep.any():
        raise PanelError(
            f"No row lies in a window of {years} years from {origin}; the panel runs from {first} "
            f"to {last}."
        )
    frame, entity = panel.frame, panel.entity_codes
    if not keep.all():
        frame, entity, year = frame[keep], entity[keep], year[keep]
    window = (year - origin) // years
    starts = run_starts(entity, window)
    numeric = [c for c in panel.columns if _is_number(panel, frame[c])]
    plan = _plan(how, numeric, panel)
    values, masked = _statistics(frame, plan, starts, least, _periods_in(panel, years))
    if masked:
        notes.append(f"{masked} values of fewer than {least} observations made missing")
    held = ~np.logical_and.reduce([np.isnan(column) for column in values.T])
    if plan and not held.all():
        notes.append(f"{int((~held).sum())} windows without any value left out")
        starts, values = starts[held], values[held]
    out = frame[list(panel.entity_columns)].iloc[starts].reset_index(drop=True)
    owner = entity[starts]
    texts, lost = _texts(panel, frame, entity, numeric)
    for name, by_entity in texts.items():
        out[name] = by_entity[owner]
    out.insert(len(panel.entity_columns), label, origin + years * window[starts])
    out = pd.concat([out, pd.DataFrame(values, columns=[n for n, _, _ in plan])], axis=1)
    return _panel(panel, out, owner, plan, years, label, notes, lost)


def _panel(
    panel: Panel, out: pd.DataFrame, owner: IntArray, plan: Plan, years: int, label: str,
    notes: list[str], lost: list[str],
) -> Panel:  # fmt: skip
    if lost:
        warn(
            f"{listing(lost)} hold text that varies within {panel.entity!r}, and were left out of "
            "the windows.",
            DroppedColumnsWarning,
            stacklevel=4,
        )
        notes.append(f"columns {listing(lost)} left out: text that varies within entities")
    labels = {
        name: f"{panel.labels.get(source, source)}, {stat} over {years} years"
        for name, source, stat in plan
    }
    head = f"windows of {years} years from {int(out[label].min())}"
    codes, entities = owner, panel.entities
    if len(run_starts(owner)) < len(entities):  # some have no window
        kept, codes = np.unique(owner, return_inverse=True)
        entities = entities[kept]
    ordinals, calendar = read_time(out[label], label, "window", years)
    return replace(
        panel, _frame=out, time=label, entities=entities, entity_codes=codes, ordinals=ordinals,
        calendar=calendar, labels=labels,
        units={n: panel.units[s] for n, s, h in plan if s in panel.units and h != "count"},
        history=(*panel.history, head + (": " + "; ".join(notes) if notes else "")),
        _origin=Origin(out.index), _memo={},
    )  # fmt: skip


def _check_options(
    panel: Panel, years: int, min_obs: int | None, partial: Partial, label: str
) -> int:
    """The least number of observations behind a statistic, once the options are sound."""
    if not isinstance(years, int | np.integer) or years < 1:
        raise SpecificationError(f"windows of {years!r} years: a window has one year or more.")
    if panel.calendar.freq == "window":
        raise SpecificationError("The panel is one of windows already; build it from the years.")
    most = _periods_in(panel, years)
    least = min(3, most) if min_obs is None else min_obs
    if not 1 <= least <= most:
        raise SpecificationError(
            f"min_obs={min_obs} with windows of {years} years, which hold 1 to {most} periods: "
            f"choose a number between 1 and {most}."
        )
    check_choice("partial", partial, Partial)
    if label in panel.columns and label != panel.time:
        raise SpecificationError(f"The panel has a column {label!r}; give the windows another.")
    return least


def _periods_in(panel: Panel, years: int) -> int:
    """Observations that a full window holds."""
    per_year = {"quarter": 4, "month": 12, "day": 365}.get(panel.calendar.freq, 1)
    return max(per_year * years // panel.calendar.delta, 1)


def _rows(
    year: IntArray, origin: int, years: int, last: int, partial: Partial
) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Rows that belong to a window, and what to tell of the others."""
    keep, notes = year >= origin, []
    if not keep.all():
        notes.append(f"{int((~keep).sum())} rows before {origin} left out")
    full = (last - origin + 1) // years
    cut = year >= origin + full * years
    if cut.any():
        span = f"{origin + full * years}-{last}"
        if partial == "drop":
            notes.append(f"{int(cut.sum())} rows of the partial last window {span} left out")
            keep &= ~cut
        else:
            notes.append(f"the last window is partial ({span})")
    dropped = [note for note in notes if note.endswith("left out")]
    if dropped:
        warn("; ".join(dropped) + ".", DroppedRowsWarning, stacklevel=4)
    return keep, notes


def _is_number(panel: Panel, column: pd.Series[Any]) -> bool:
    keys = {panel.time, *panel.entity_columns}
    return column.name not in keys and pd.api.types.is_numeric_dtype(column.dtype)


def _plan(how: str | Mapping[str, str | tuple[str, str]], numeric: list[str], panel: Panel) -> Plan:
    by_column = {} if isinstance(how, str) else dict(how)
    plan = []
    for column in numeric:
        chosen = by_column.pop(column, how if isinstance(how, str) else "mean")
        if not isinstance(chosen, str):
            raise SpecificationError(
                f"how gives {column!r} the pair {chosen!r}; a pair makes a new column and needs a "
                "new name."
            )
        plan.append((column, column, chosen))
    for name, pair in by_column.items():
        if isinstance(pair, str) or len(pair) != 2:
            panel.require(name)
            raise SpecificationError(f"how names {name!r}, which holds no numbers.")
        if name in panel.columns:
            raise SpecificationError(f"how makes a column {name!r}, which is there already.")
        if pair[0] not in numeric:
            panel.require(pair[0])
            raise SpecificationError(f"how takes {pair[1]} of {pair[0]!r}, which holds no numbers.")
        plan.append((name, pair[0], pair[1]))
    for _, _, stat in plan:
        if stat not in STATISTICS:
            raise SpecificationError(
                f"{stat!r} is no statistic of windows.{suggestion(str(stat), STATISTICS)} Known: "
                f"{listing(STATISTICS, 9)}."
            )
    return plan


def _statistics(
    frame: pd.DataFrame, plan: Plan, starts: IntArray, min_obs: int, full: int
) -> tuple[FloatArray, int]:
    """Statistics (cells, columns of the plan), and how many values min_obs made missing."""
    sources = list(dict.fromkeys(source for _, source, _ in plan))
    numbers = frame[sources]
    others = [c for c in sources if numbers[c].dtype != np.float64]
    if others:
        numbers = numbers.assign(
            **{c: numbers[c].to_numpy(dtype=float, na_value=np.nan) for c in others}
        )
    sizes = np.diff(starts, append=len(frame))
    cells = numbers.groupby(np.repeat(np.arange(len(starts)), sizes), sort=False)
    whole = not any(np.isnan(numbers[c].to_numpy()).any() for c in sources)
    counts = np.tile(sizes[:, None], len(sources)) if whole else cells.count().to_numpy()
    out = np.empty((len(starts), len(plan)), order="F")
    masked = 0
    for stat in dict.fromkeys(stat for _, _, stat in plan):
        places = [i for i, (_, _, chosen) in enumerate(plan) if chosen == stat]
        of = [sources.index(plan[i][1]) for i in places]
        n = counts[:, of]
        if stat == "count":
            out[:, places] = n
            continue
        chosen = cells if of == list(range(len(sources))) else cells[[sources[j] for j in of]]
        out[:, places] = getattr(chosen, stat)().to_numpy()
        few = n < (full if stat == "sum" else min_obs)
        for i, column, less in zip(places, n.T, few.T, strict=True):
            if less.any():
                masked += int(np.count_nonzero(column[less]))
                out[less, i] = np.nan
    return out, masked


def _texts(
    panel: Panel, frame: pd.DataFrame, entity: IntArray, numeric: list[str]
) -> tuple[dict[str, np.ndarray[Any, Any]], list[str]]:
    """Text by entity code for the columns constant within entities, and names of the others."""
    keys = {panel.time, *panel.entity_columns}
    kept, lost = {}, []
    for name in [c for c in panel.columns if c not in keys and c not in numeric]:
        codes, values = pd.factorize(frame[name])
        known = codes >= 0
        size = len(panel.entities)
        low, high = np.full(size, len(values)), np.full(size, -1)
        np.minimum.at(low, entity[known], codes[known])
        np.maximum.at(high, entity[known], codes[known])
        if bool(((low == high) | (high < 0)).all()):
            words = np.array([*values, None], dtype=object)
            kept[name] = words[high]
        else:
            lost.append(name)
    return kept, lost
