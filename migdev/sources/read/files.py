"""Files to tables, by their format and by the layout of their publisher."""

from __future__ import annotations

import csv
import gzip
import io
import re
from pathlib import Path
from typing import Any

from migdev.errors import SourceError, listing, suggestion
from migdev.sources.numbers import blank_numbers, convert_text
from migdev.sources.read.delimited import decode, read_text, sniff
from migdev.sources.read.formats import (
    LARGEST,
    Loaded,
    choose_sheet,
    open_zip,
    read_parquet,
    read_sheets,
    read_stata,
    refuse_uncalculated,
    table_of_grid,
)
from migdev.sources.read.layouts import members_of, of_csv, of_grid
from migdev.sources.read.table import (
    FORMATS,
    TIME_NAMES,
    ReadOptions,
    Table,
    guess,
    guess_keys,
)


def bytes_of(path: str | Path) -> tuple[bytes, str]:
    """Content and name of a file."""
    if re.match(r"^[a-z]+://", str(path)):
        raise SourceError(f"read() reads files of this computer; download {str(path)!r} first.")
    place = Path(path).expanduser()
    if place.is_dir():
        raise SourceError(f"{str(place)!r} is a folder; name a file in it.")
    if not place.exists():
        beside = [p.name for p in place.parent.iterdir()] if place.parent.is_dir() else []
        raise SourceError(f"There is no file {str(place)!r}.{suggestion(place.name, beside)}")
    raw = place.read_bytes()
    if not raw.strip():
        raise SourceError(f"{place.name} is empty.")
    return raw, place.name


def table_of(raw: bytes, name: str, options: ReadOptions) -> Table:
    stem, suffix = name, Path(name).suffix.lower()
    if suffix == ".gz":
        try:
            with gzip.open(io.BytesIO(raw)) as packed:
                most = max(LARGEST, 100 * len(raw))
                raw, stem = packed.read(most + 1), name[:-3]
        except (OSError, EOFError) as error:
            raise SourceError(f"{name} is damaged: {error}.") from error
        if len(raw) > most:
            raise SourceError(f"{name} unpacks to a hundred times its size, as no table does.")
        suffix = Path(stem).suffix.lower()
    kind = options.format or FORMATS.get(suffix)
    if kind is None:
        raise SourceError(
            f"{name} ends in {suffix or 'nothing'!r}; known are {listing(FORMATS, 20)}. Pass "
            "format= if it is one of these in disguise."
        )
    if kind == "zip":
        return _from_zip(raw, name, options)
    if kind == "csv":
        return _from_csv(io.BytesIO(raw), stem, options)
    if kind == "excel":
        return _from_excel(raw, name, options)
    loaded = read_stata(raw, name) if kind == "stata" else read_parquet(raw, name)
    return _general(loaded, name, options, decimal=options.decimal or ".")


def _from_csv(stream: Any, name: str, options: ReadOptions) -> Table:
    try:
        found = of_csv(stream, name, options)
        if found is not None:
            layout, shape, dialect = found
            return layout.from_csv(stream, shape, dialect, name, options)
        text = decode(stream.read(), name, options.encoding)
        dialect = sniff(text, name, options.separator, options.decimal, options.thousands)
        frame = read_text(text, dialect, name)
    except csv.Error as error:
        raise SourceError(
            f"{name} is no table of separated values ({error}). Save it anew as CSV in UTF-8, or "
            "pass format= if it is of another kind."
        ) from error
    loaded = Loaded(frame, {}, list(dialect.notes), dialect.header + 2)
    return _general(loaded, name, options, dialect.decimal)


def _from_excel(raw: bytes, name: str, options: ReadOptions) -> Table:
    sheets = read_sheets(raw, name)
    chosen = choose_sheet(sheets, options.sheet, name)
    refuse_uncalculated(raw, chosen, name)
    grid = sheets[chosen]
    found = of_grid(grid)
    if found is not None:
        layout, shape = found
        return layout.from_sheets(grid, sheets, shape, name, options)
    return _general(table_of_grid(grid, name), name, options, options.decimal or ".")


def _from_zip(raw: bytes, name: str, options: ReadOptions) -> Table:
    with open_zip(raw, name) as archive:
        members = members_of(archive.namelist(), name)
        if not members.data.lower().endswith(".csv"):
            return _from_excel(archive.read(members.data), members.data, options)
        with archive.open(members.data) as opened:
            table = _from_csv(opened, members.data, options)
        if table.layout is not None:
            table.layout.describe(table, archive, members)
    return table


def _general(loaded: Loaded, name: str, options: ReadOptions, decimal: str) -> Table:
    """Any other table: text to numbers, everything else as it is."""
    frame = loaded.frame
    absent = [c for c in options.text if c not in frame.columns]
    if absent:
        raise SourceError(
            f"text= names {listing(absent)}, not in {name}."
            f"{suggestion(absent[0], map(str, frame.columns))}"
        )
    named = (*guess_keys(frame), *options.entity, guess(frame, TIME_NAMES), options.time)
    keys = [key for key in named if key]
    converted = convert_text(
        frame, skip={*options.text, *keys}, marks=options.missing,
        decimal=decimal, thousands=options.thousands, first_row=loaded.first_row,
    )  # fmt: skip
    frame, sentinels = blank_numbers(frame.assign(**converted.columns), options.missing, keys)
    return Table(
        frame, labels=loaded.labels, words=loaded.words, problems=converted.problems,
        notes=[*loaded.notes, *converted.notes, *sentinels],
        provenance={"publisher": "local file", "dataset": name},
    )  # fmt: skip
