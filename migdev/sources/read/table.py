"""What a reader of files is told, and what it hands on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from migdev.errors import SourceError, listing, suggestion
from migdev.provenance import Extract, Provenance
from migdev.sources.numbers import MISSING_MARKS, is_text
from migdev.sources.read.mapping import ColumnMapping

ENTITY_NAMES = (
    "iso3", "iso3c", "iso3code", "countrycode", "isocode", "iso", "wbcode", "countrycodewb",
    "countryiso3", "entity", "country", "countryname", "economy", "code", "iso2", "id",
)  # fmt: skip
#: Two columns that name an entity together, where no single one does.
CORRIDORS = (
    ("origin", "destination"), ("iso3o", "iso3d"), ("isoo", "isod"), ("origen", "destino"),
    ("exporter", "importer"), ("sending", "receiving"),
)  # fmt: skip
TIME_NAMES = (
    "year", "period", "quarter", "month", "date", "time", "timeperiod", "refyear", "yr", "anio",
    "año", "ano", "annee", "année", "jahr", "window",
)  # fmt: skip
FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".dat": "csv", ".xlsx": "excel", ".xls": "excel",
    ".xlsm": "excel", ".dta": "stata", ".parquet": "parquet", ".pq": "parquet", ".zip": "zip",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What :func:`read` was told; None leaves a choice to the file."""

    format: str | None = None
    entity: tuple[str, ...] = ()
    time: str | None = None
    sheet: str | int | None = None
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    missing: Sequence[str] = MISSING_MARKS
    text: Sequence[str] = ()
    series: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS.values():
            known = sorted(set(FORMATS.values()))
            raise SourceError(f"format={self.format!r} is not known; use one of {listing(known)}.")
        if self.decimal not in (None, ".", ","):
            raise SourceError(f"decimal={self.decimal!r} must be '.' or ','.")
        if self.thousands is not None and self.thousands == self.decimal:
            raise SourceError(f"decimal and thousands are both {self.decimal!r}.")


@dataclass(slots=True)
class Table:
    """What a reader hands to :func:`read`: a frame, its keys and what the file tells.

    ``layout`` is that of the publisher, None for any other table; ``countries`` says that the
    publisher codes rows by country with aggregates among them, so that :func:`read` harmonises.
    """

    frame: pd.DataFrame
    keys: tuple[str, ...] = ()
    time: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    words: dict[str, pd.Series[Any]] = field(default_factory=dict)
    layout: Any = None
    countries: bool = False


def apply_mapping(table: Table, mapping: ColumnMapping, name: str) -> None:
    if mapping == ColumnMapping():
        return
    table.frame = mapping.apply(table.frame, name)
    new = mapping.columns
    table.labels = {new.get(c, c): text for c, text in table.labels.items()} | dict(mapping.labels)
    table.units = {new.get(c, c): text for c, text in table.units.items()} | dict(mapping.units)
    table.words = {new.get(c, c): words for c, words in table.words.items()}
    table.notes += [f"{c!r} multiplied by {by:g}" for c, by in mapping.scale.items()]


def guess(frame: pd.DataFrame, names: Sequence[str]) -> str | None:
    plain = _plain_names(frame)
    return next((plain[name] for name in names if name in plain), None)


def _plain_names(frame: pd.DataFrame) -> dict[str, str]:
    """Columns by their letters and digits in lower case, the first of each."""
    return {re.sub(r"[\W_]+", "", str(c)).casefold(): str(c) for c in reversed(frame.columns)}


def guess_keys(frame: pd.DataFrame) -> tuple[str, ...]:
    """The column that names the entity by its usual name, or the two of a corridor."""
    one, plain = guess(frame, ENTITY_NAMES), _plain_names(frame)
    for pair in CORRIDORS:
        both = [plain[name] for name in pair if name in plain]
        if len(both) == 2 and (one is None or one.casefold() in ("code", "id")):
            return tuple(both)
    return (one,) if one else ()


def find_keys(table: Table, mapping: ColumnMapping, options: ReadOptions, name: str) -> None:
    new = mapping.columns
    mapped = tuple(new.get(key, key) for key in mapping.keys)
    table.keys = options.entity or mapped or table.keys or guess_keys(table.frame)
    chosen = options.time or new.get(mapping.time, mapping.time) or table.time
    table.time = chosen or guess(table.frame, TIME_NAMES) or ""
    known = [str(c) for c in table.frame.columns]
    for role, key in (*(("entity", key) for key in table.keys), ("time", table.time)):
        if key and key not in known:
            raise SourceError(
                f"{role}={key!r} is not a column of {name}.{suggestion(key, known)} "
                f"Columns: {listing(known, 12)}."
            )
    years = [c for c in table.frame.columns if re.fullmatch(r"\s*(19|20)\d\d\s*", str(c))]
    if not table.time and len(years) > 2:
        table.problems.append(
            f"{len(years)} columns are named by years ({listing(years, 3)}), and none holds the "
            "time: bring the table to one row per entity and year, as DataFrame.melt() does."
        )
    for key in (key for key in table.keys if key in table.words):
        table.frame = table.frame.assign(**{key: table.words[key]})
        table.notes.append(f"{key!r} holds its value labels")
    for key in (*table.keys, table.time):
        if key and is_text(table.frame[key]):
            cells = table.frame[key].astype(object)
            clean = cells.map(lambda v: v.strip() if isinstance(v, str) else v)
            table.frame = table.frame.assign(**{key: clean.mask(clean == "")})


def keep_series(table: Table, options: ReadOptions, name: str) -> None:
    """The wanted columns; what is not there is named, and loses nothing else."""
    if options.series is None:
        return
    keys = [k for k in (*table.keys, table.time) if k]
    held = [s for s in dict.fromkeys(options.series) if s in table.frame.columns]
    known = [str(c) for c in [*table.labels, *table.frame.columns] if c not in keys]
    for wanted in options.series:
        if wanted not in held:
            table.missing.setdefault(wanted, f"not in {name}.{suggestion(wanted, known)}")
    reasons = "; ".join(f"{s}: {why}" for s, why in list(table.missing.items())[:6])
    if not [s for s in held if s not in table.missing]:
        raise SourceError(f"None of the series asked for can be had. {reasons}")
    if table.missing:
        table.problems.append(f"{len(table.missing)} series cannot be had: {reasons}")
    table.frame = table.frame[[*keys, *(s for s in held if s not in keys)]]


def to_extract(table: Table, mapping: ColumnMapping, raw: bytes, name: str) -> Extract:
    keys = [k for k in (*table.keys, table.time) if k]
    rest = [str(c) for c in table.frame.columns if c not in keys]
    frame = table.frame[[*keys, *rest]].reset_index(drop=True)
    facts = {**table.provenance, **mapping.source}
    provenance = Provenance(
        **{"publisher": "local file", "dataset": name, **facts},
        series=tuple(rest),
        request=name,
        sha256=hashlib.sha256(raw).hexdigest(),
        units={c: u for c, u in table.units.items() if c in rest and u},
        labels={c: text for c, text in table.labels.items() if c in rest and text},
        missing=dict(table.missing),
        notes=tuple(table.notes),
    )
    return Extract(frame=frame, keys=table.keys, time=table.time, provenance=provenance)
