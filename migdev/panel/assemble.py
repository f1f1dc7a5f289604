"""Several extracts to one Panel, with a report of every key that has no match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, overload

import numpy as np
import pandas as pd

from migdev.errors import JoinWarning, PanelError, listing
from migdev.kernels.arrays.types import BoolArray
from migdev.notes import warn
from migdev.options import check_choice
from migdev.panel.join_inputs import (
    TIME,
    Part,
    Rename,
    check_parts,
    key_names,
    named_inputs,
    period_labels,
    read_part,
    rename_columns,
)
from migdev.panel.join_keys import Place, Tables, match_tables
from migdev.panel.join_report import JoinReport, Unmatched, code_hint
from migdev.panel.panel import Panel
from migdev.provenance import Provenance

How = Literal["left", "inner", "outer"]


@overload
def join(
    inputs: Sequence[Any] | Mapping[str, Any], *, how: How = "left",
    entity: str | Sequence[str] | None = None, time: str | None = None, freq: str | None = None,
    rename: Rename | None = None, prefix: Mapping[Any, str] | None = None,
    report: Literal[False] = False,
) -> Panel: ...  # fmt: skip
@overload
def join(
    inputs: Sequence[Any] | Mapping[str, Any], *, how: How = "left",
    entity: str | Sequence[str] | None = None, time: str | None = None, freq: str | None = None,
    rename: Rename | None = None, prefix: Mapping[Any, str] | None = None,
    report: Literal[True],
) -> tuple[Panel, JoinReport]: ...  # fmt: skip


def join(
    inputs: Sequence[Any] | Mapping[str, Any],
    *,
    how: How = "left",
    entity: str | Sequence[str] | None = None,
    time: str | None = None,
    freq: str | None = None,
    rename: Rename | None = None,
    prefix: Mapping[Any, str] | None = None,
    report: bool = False,
) -> Panel | tuple[Panel, JoinReport]:
    """Join extracts, panels and frames by entity and period.

    Parameters
    ----------
    inputs : sequence, or mapping from a name to an input
        Each an :class:`~migdev.Extract`, a Panel, or a frame. The first holds entity
        and period; the others may hold entities alone (region, income group) or periods alone (a
        world price), and are then repeated over the panel. In a sequence the name of an input is
        its data set, or its place: ``"input 2"``.
    how : {"left", "inner", "outer"}
        Keep the keys of the first input, those that all inputs have, or those of any. Entities or
        periods alone never add rows.
    entity, time : str, optional
        Key columns of frames, and their names in the panel; by default those of the first Extract
        or Panel.
    freq : str, optional
        Frequency of the time columns, where their values do not tell.
    rename : mapping from name or place of an input to ``{old: new}``
        None as the new name leaves the column out.
    prefix : mapping from name or place of an input to text
        Put before all its columns.
    report : bool
        Return the :class:`~migdev.panel.join_report.JoinReport` too.

    Returns
    -------
    Panel, or (Panel, JoinReport)

    Raises
    ------
    PanelError
        Repeated keys in an input, keys or frequencies of different kinds, or a column in two
        inputs: no suffix is made up, rename one.

    Warns
    -----
    JoinWarning
        Keys without a match on either side, with counts and first names; different vintages of
        one data set.
    """
    check_choice("how", how, How)
    named = named_inputs(inputs)
    keys, clock = key_names(named, entity, time)
    parts = [read_part(name, item, keys, clock, freq) for name, item in named.items()]
    rename_columns(parts, rename or {}, prefix or {})
    check_parts(parts, keys, clock)
    tables = match_tables(parts, keys, clock)
    frame, found = _merge_all(parts, tables, keys, how)
    messages = _messages(found, parts, how)
    if messages:
        warn("; ".join(messages) + ".", JoinWarning, stacklevel=2)
    panel = _panel(frame, parts, keys, clock, how, messages)
    if not report:
        return panel
    return panel, _report(panel, parts, found, how, messages)


# ---------------------------------------------------------------------- merging


def _merge_all(
    parts: list[Part], tables: Tables, keys: list[str], how: str
) -> tuple[pd.DataFrame, list[Unmatched]]:
    frame, at, found = parts[0].frame.reset_index(drop=True), tables.first, []
    for part, table in zip(parts[1:], tables.others, strict=True):
        right, wanted = part.frame.reset_index(drop=True), at.keys(part.level)
        rows = table.find(wanted)
        here = np.ones(len(frame), dtype=bool) if rows is None else rows >= 0
        there = np.zeros(len(right), dtype=bool)
        there[slice(None) if rows is None else rows[here]] = True
        found.append(_unmatched(frame, right, part, keys, at, table.place, here, there))
        values = right.drop(columns=[k for k in (*keys, TIME) if k in right.columns])
        if rows is not None:
            values = (values.take if here.all() else values.reindex)(rows)
            values.index = frame.index
        frame = pd.concat([frame, values], axis=1)
        if how == "inner" and not here.all():
            frame, at = frame[here].reset_index(drop=True), at.take(here)
        elif how == "outer" and part.level == "panel" and not there.all():
            frame = pd.concat([frame, right[~there]], ignore_index=True)
            at = at.append(table.place.take(~there))
    return frame, found


def _unmatched(
    left: pd.DataFrame, right: pd.DataFrame, part: Part, keys: list[str], at: Place, guests: Place,
    here: BoolArray, there: BoolArray,
) -> Unmatched:  # fmt: skip
    columns = [k for k in [*keys, TIME] if k in right.columns]
    by_entity = part.level != "period"
    return Unmatched(
        name=part.name,
        level=part.level,
        rows=len(right),
        matched=int(here.sum()),
        panel_rows=len(left),
        panel_entities=at.n_entities,
        panel_only=left.loc[~here, [*keys, TIME]],
        input_only=right.loc[~there, columns],
        entities_panel_only=at.without(here) if by_entity else (),
        entities_input_only=guests.without(there) if by_entity else (),
    )


def _messages(found: list[Unmatched], parts: list[Part], how: str) -> list[str]:
    messages = []
    for one in found:
        if text := one.message(how):
            hint = code_hint([*one.entities_panel_only, *one.entities_input_only])
            messages.append(f"{text}. {hint}" if hint else text)
    vintages: dict[tuple[str, str], dict[str, None]] = {}
    for part in parts:
        for source in part.provenance:
            if source.vintage:
                key = source.publisher, source.dataset
                vintages.setdefault(key, {})[source.vintage] = None
    messages += [
        f"{dataset} comes in vintages {listing(dates)}: growth rates and shares mix well, levels "
        "of different vintages must not be subtracted"
        for (_, dataset), dates in vintages.items()
        if len(dates) > 1
    ]
    return messages


# ---------------------------------------------------------------------- results


def _panel(
    frame: pd.DataFrame, parts: list[Part], keys: list[str], clock: str, how: str,
    messages: list[str],
) -> Panel:  # fmt: skip
    calendar = parts[0].calendar
    assert calendar is not None
    if frame.empty:
        raise PanelError(
            "No key is in all inputs, so an inner join is empty: " + "; ".join(messages) + "."
        )
    raw = frame[TIME].to_numpy(dtype=np.int64)
    numbers = calendar.freq in ("year", "integer", "window")
    stamps = raw if numbers else period_labels(calendar, raw).to_numpy()
    values = [c for c in frame.columns if c not in (*keys, TIME)]
    frame = frame[keys].assign(**{clock: stamps}).join(frame[values])
    panel = Panel.from_frame(
        frame, entity=keys, time=clock, freq=calendar.freq, delta=calendar.delta,
        units={c: text for part in parts for c, text in part.units.items() if c in values},
        labels={c: text for part in parts for c, text in part.labels.items() if c in values},
        provenance=[source for part in parts for source in part.provenance],
    )  # fmt: skip
    history = [note for part in parts for note in part.history]
    notes = [f"{how} join: {message}" for message in messages]
    return replace(panel, history=(*history, *notes))


def _report(
    panel: Panel, parts: list[Part], found: list[Unmatched], how: str, messages: list[str]
) -> JoinReport:
    def keys(which: str) -> pd.DataFrame:
        tables = []
        for one in found:
            table = getattr(one, which).copy()
            if TIME in table:
                stamps = period_labels(panel.calendar, table.pop(TIME).to_numpy())
                table[panel.time] = stamps.to_numpy()
            table.insert(0, "input", one.name)
            tables.append(table)
        empty = pd.DataFrame(columns=["input", *panel.entity_columns, panel.time])
        return pd.concat(tables, ignore_index=True) if tables else empty

    columns = [
        {
            "column": c, "input": part.name, "original": was, "unit": panel.units.get(c, ""),
            "label": panel.labels.get(c, ""),
        }
        for part in parts
        for c, was in part.original.items()
    ]  # fmt: skip
    vintages = [
        (part.name, source.publisher, source.dataset, source.vintage)
        for part in parts
        for source in (part.provenance or (Provenance(publisher="", dataset=""),))
    ]
    fields = ["input", "level", "rows", "matched", "panel_only", "input_only",
              "entities_panel_only", "entities_input_only"]  # fmt: skip
    return JoinReport(
        how=how,
        rows=len(panel),
        summary=pd.DataFrame([one.row() for one in found], columns=fields),
        panel_only=keys("panel_only"),
        input_only=keys("input_only"),
        columns=pd.DataFrame(columns, columns=["column", "input", "original", "unit", "label"]),
        vintages=pd.DataFrame(vintages, columns=["input", "publisher", "dataset", "vintage"]),
        messages=tuple(messages),
    )
