"""The inputs of a join, brought to common keys, and refused where they cannot meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from migdev.errors import PanelError, SpecificationError, listing, suggestion
from migdev.kernels.arrays.types import IntArray
from migdev.panel.calendar import Calendar, read_time
from migdev.panel.frame_input import to_pandas
from migdev.panel.panel import Panel
from migdev.provenance import Extract, Provenance

Rename: TypeAlias = Mapping[Any, Mapping[str, str | None]]

#: Column of whole numbers that stands for the periods while inputs are joined.
TIME = "\x00time"


@dataclass(slots=True)
class Part:
    """One input with its keys under common names and its periods as whole numbers."""

    name: str
    frame: pd.DataFrame
    level: str
    calendar: Calendar | None
    provenance: tuple[Provenance, ...]
    units: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    original: dict[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()


def named_inputs(inputs: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(inputs, Mapping):
        named = dict(inputs)
    elif isinstance(inputs, list | tuple):
        named = {}
        for place, item in enumerate(inputs, 1):
            name = item.provenance.dataset if isinstance(item, Extract) else f"input {place}"
            named[name if name and name not in named else f"input {place}"] = item
    else:
        raise SpecificationError("join() takes a list of inputs, or a mapping from names to them.")
    if not named:
        raise SpecificationError("join() was given no input.")
    return named


def key_names(
    named: Mapping[str, Any], entity: str | Sequence[str] | None, time: str | None
) -> tuple[list[str], str]:
    keys = [entity] if isinstance(entity, str) else list(entity or [])
    for item in named.values():
        if isinstance(item, Panel):
            keys, time = keys or list(item.entity_columns), time or item.time
        elif isinstance(item, Extract):
            keys, time = keys or list(item.keys), time or item.time
    if not keys or not time:
        raise SpecificationError(
            "join() cannot tell the keys: pass entity= and time=, the names of the key columns of "
            "your frames."
        )
    return keys, time


def read_part(name: str, item: Any, keys: list[str], clock: str, freq: str | None) -> Part:
    if isinstance(item, Panel):
        frame = item.frame
        own, own_time = list(item.entity_columns), item.time
        sources, units, labels = item.provenance, dict(item.units), dict(item.labels)
        history = item.history
    elif isinstance(item, Extract):
        frame = item.frame
        own, own_time = list(item.keys), item.time
        sources, history = (item.provenance,), ()
        units, labels = dict(item.provenance.units), dict(item.provenance.labels)
    else:
        frame = to_pandas(item)
        own = [k for k in keys if k in frame.columns]
        own_time = clock if clock in frame.columns else ""
        sources, units, labels, history = (), {}, {}, ()
    if own and len(own) != len(keys):
        raise PanelError(
            f"{name!r} names entities by {listing(own)}, but the panel by {listing(keys)}."
        )
    if not own and not own_time:
        raise PanelError(
            f"{name!r} holds neither {listing(keys)} nor {clock!r}. Columns: "
            f"{listing(frame.columns, 12)}."
        )
    new = dict(zip([*own, own_time], [*keys, clock] if own else [clock], strict=False))
    taken = [n for o, n in new.items() if o and n != o and n in frame.columns]
    if taken:
        raise PanelError(
            f"{name!r} has a column {taken[0]!r} beside its key; the panel calls its key so. "
            "Rename the column."
        )
    frame = frame.rename(columns={o: n for o, n in new.items() if o})
    lacking = [k for k in (keys if own else []) if frame[k].isna().any()]
    if lacking:
        raise PanelError(f"{name!r} has rows without {listing(lacking)}. Drop or fill them first.")
    calendar = None
    if own_time:
        if isinstance(item, Panel):
            ordinals, calendar = item.ordinals, item.calendar
            raw = ordinals * calendar.delta + calendar.origin
        else:
            raw, calendar = read_time(frame[clock], clock, freq)
        frame = frame.drop(columns=clock).assign(**{TIME: raw})
    level = "panel" if own and own_time else "entity" if own else "period"
    values = [str(c) for c in frame.columns if c not in (*keys, TIME)]
    return Part(
        name, frame, level, calendar, tuple(sources), units, labels, {c: c for c in values}, history
    )


def rename_columns(parts: list[Part], rename: Rename, prefix: Mapping[Any, str]) -> None:
    places = {key: i for i, part in enumerate(parts) for key in (part.name, i)}
    for option, given in (("rename", rename), ("prefix", prefix)):
        strange = [key for key in given if key not in places]
        if strange:
            names = [p.name for p in parts]
            raise SpecificationError(
                f"{option} names {strange[0]!r}, which is no input."
                f"{suggestion(str(strange[0]), names)} Inputs: {listing(names, 12)}."
            )
    for key, changes in rename.items():
        part = parts[places[key]]
        absent = [c for c in changes if c not in part.original]
        if absent:
            raise PanelError(
                f"{part.name!r} has no column {absent[0]!r} to rename."
                f"{suggestion(absent[0], part.original)}"
            )
        gone = [c for c, new in changes.items() if new is None]
        part.frame = part.frame.drop(columns=gone)
        part.original = {c: c for c in part.original if c not in gone}
        _apply_names(part, {c: new for c, new in changes.items() if new is not None})
    for key, text in prefix.items():
        part = parts[places[key]]
        _apply_names(part, {c: f"{text}{c}" for c in part.original})


def _apply_names(part: Part, new: Mapping[str, str]) -> None:
    part.frame = part.frame.rename(columns=new)
    part.original = {new.get(c, c): was for c, was in part.original.items()}
    part.units = {new.get(c, c): text for c, text in part.units.items()}
    part.labels = {new.get(c, c): text for c, text in part.labels.items()}
    part.provenance = tuple(
        replace(
            source,
            units={new.get(c, c): text for c, text in source.units.items()},
            labels={new.get(c, c): text for c, text in source.labels.items()},
        )
        for source in part.provenance
    )


def check_parts(parts: list[Part], keys: list[str], clock: str) -> None:
    first = parts[0]
    if first.level != "panel":
        raise PanelError(
            f"{first.name!r} comes first and must hold entity and period, but holds one row per "
            f"{first.level}. Put it after a panel."
        )
    owner: dict[str, str] = {}
    for part in parts:
        for column in part.original:
            if column in (*keys, clock):
                raise PanelError(
                    f"{part.name!r} gives the name {column!r} to a column; it is a key."
                )
            if column in owner:
                raise PanelError(
                    f"{column!r} is in {owner[column]!r} and in {part.name!r}. Pass "
                    f"rename={{{part.name!r}: {{{column!r}: 'another name'}}}} (None leaves it "
                    f"out), or prefix={{{part.name!r}: '...'}}."
                )
            owner[column] = part.name
        if part.calendar is not None and first.calendar is not None:
            _check_calendar(part.name, part.calendar, first)
        for key in keys if part.level != "period" else ():
            if is_text(part.frame[key]) != is_text(first.frame[key]):
                kinds = ["text" if is_text(p.frame[key]) else "numbers" for p in (first, part)]
                raise PanelError(
                    f"{key!r} is {kinds[0]} in {first.name!r} and {kinds[1]} in {part.name!r}; "
                    "give both the same kind."
                )


def _check_calendar(name: str, calendar: Calendar, first: Part) -> None:
    own = first.calendar
    assert own is not None
    if calendar.freq != own.freq:
        raise PanelError(
            f"{name!r} is by {calendar.freq}, but {first.name!r} by {own.freq}. Aggregate one of "
            "them, or pass freq=."
        )
    if own.freq == "window" and (calendar.delta, calendar.origin) != (own.delta, own.origin):
        raise PanelError(
            f"The windows of {name!r} and {first.name!r} differ in length or start; make them so "
            "that they meet."
        )


def is_text(column: pd.Series[Any]) -> bool:
    return not pd.api.types.is_numeric_dtype(column.dtype)


def period_labels(calendar: Calendar, raw: IntArray) -> pd.Index[Any]:
    """Labels of periods counted as :data:`TIME` counts them, without spacing and origin."""
    return calendar.labels((np.asarray(raw, dtype=np.int64) - calendar.origin) // calendar.delta)
