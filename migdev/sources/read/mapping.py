"""A user's column names and the World Bank's codes: a small TOML file between them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from migdev.errors import SourceError, listing, suggestion

_TABLES = ("columns", "scale", "units", "labels", "source")
_SOURCE = ("publisher", "dataset", "vintage", "licence", "citation")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Which column of a file is which series.

    Attributes
    ----------
    columns : mapping from the file's column to the World Bank's code
    entity, time : str
        The file's key columns; ``""`` to have them recognised. ``entity`` may be several names
        (origin and destination of a corridor).
    scale : mapping from the file's column to a factor
        Multiplies the column (100 for a share written as a fraction).
    units, labels : mapping from the World Bank's code to text
    source : mapping
        ``publisher``, ``dataset``, ``vintage``, ``licence``, ``citation``.
    partial : bool
        One mapping for several files: of a file that lacks columns, the lines about these are
        passed over.

    Examples
    --------
    .. code-block:: toml

        entity = "pais"
        time = "anio"

        [columns]
        crecimiento = "NY.GDP.PCAP.KD.ZG"
        remesas = "BX.TRF.PWKR.DT.GD.ZS"

        [scale]
        remesas = 100
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    entity: str | Sequence[str] = ""
    time: str = ""
    scale: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False

    def __post_init__(self) -> None:
        codes = list(self.columns.values())
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            owners = [name for name, code in self.columns.items() if code == twice[0]]
            raise SourceError(
                f"The mapping gives {twice[0]!r} to {listing(owners)}; a series has one column."
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name the entity."""
        return as_keys(self.entity)

    @classmethod
    def read(
        cls,
        mapping: ColumnMapping | Mapping[str, str] | str | Path | None,
        *,
        partial: bool = False,
    ) -> ColumnMapping:
        """A mapping from a TOML file, a dictionary of columns, or a mapping."""
        if mapping is None:
            found = cls()
        elif isinstance(mapping, ColumnMapping):
            found = mapping
        elif isinstance(mapping, Mapping):
            found = cls(columns=dict(mapping))
        else:
            found = _from_toml(Path(mapping))
        return replace(found, partial=True) if partial else found

    def about(self, columns: Iterable[object]) -> ColumnMapping:
        """What the mapping says of a file with these columns; all of it unless ``partial``."""
        if not self.partial:
            return self
        held = {str(column) for column in columns}
        own = {old: new for old, new in self.columns.items() if old in held}
        return replace(
            self, columns=own, source=self.source if own else {},
            scale={old: factor for old, factor in self.scale.items() if old in held},
            entity=self.keys if held.issuperset(self.keys) else "",
            time=self.time if self.time in held else "",
        )  # fmt: skip

    def apply(self, frame: pd.DataFrame, name: str) -> pd.DataFrame:
        """The frame under the World Bank's codes.

        Raises
        ------
        SourceError
            A column is not in the file, a code is there already under its own name, or a column
            to scale holds text.
        """
        known = [str(c) for c in frame.columns]
        wanted = [*self.columns, *self.scale, *self.keys, *([self.time] if self.time else [])]
        absent = list(dict.fromkeys(c for c in wanted if c not in known))
        if absent:
            if self.columns and set(self.columns.values()) <= set(known):
                raise SourceError(
                    f"The mapping is the wrong way round for {name}: write the file's column "
                    f"first, {next(iter(self.columns.values()))} = {next(iter(self.columns))!r}."
                )
            hints = "".join(f" {c!r}:{h}" for c in absent[:6] if (h := suggestion(c, known)))
            raise SourceError(
                f"The mapping names {listing(absent)}, not in {name}.{hints} Its columns: "
                f"{listing(known, 12)}."
            )
        taken = [c for old, c in self.columns.items() if c in known and c != old]
        if taken:
            raise SourceError(
                f"{name} has {listing(taken)} already, which the mapping would overwrite. Drop the "
                "column or the line of the mapping."
            )
        frame = frame.copy()
        for column, factor in self.scale.items():
            if not pd.api.types.is_numeric_dtype(frame[column].dtype):
                raise SourceError(f"The mapping scales {column!r}, but it holds text.")
            frame[column] = frame[column] * factor
        return frame.rename(columns=dict(self.columns))


def _from_toml(path: Path) -> ColumnMapping:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SourceError(f"There is no mapping file {str(path)!r}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path.name} is not TOML: {error}. A line of it reads growth = "
            '"NY.GDP.PCAP.KD.ZG" under [columns]; names with dots or spaces need quotes.'
        ) from error
    known = ("entity", "time", *_TABLES)
    strange = [key for key in data if key not in known]
    if strange:
        raise SourceError(
            f"{path.name} has {listing(strange)}, which means nothing here."
            f"{suggestion(strange[0], known)} Known: {listing(known, 8)}."
        )
    tables: dict[str, Any] = {name: data.get(name, {}) for name in _TABLES}
    for name, table in tables.items():
        kind: type | tuple[type, ...] = (int, float) if name == "scale" else str
        if not isinstance(table, dict):
            raise SourceError(f"[{name}] in {path.name} must be a table, not {table!r}.")
        for key, value in table.items():
            if not isinstance(value, kind) or isinstance(value, bool):
                # growth.rate = "..." is a nested table in TOML
                raise SourceError(
                    f"[{name}] in {path.name}: {key} = {value!r} is not "
                    f"{'a number' if name == 'scale' else 'text'}. Put names with dots in quotes."
                )
    bad = [key for key in tables["source"] if key not in _SOURCE]
    if bad:
        raise SourceError(f"[source] in {path.name} knows {listing(_SOURCE)}, not {listing(bad)}.")
    if not isinstance(data.get("time", ""), str):
        raise SourceError(f"time in {path.name} must be the name of one column.")
    if not all(isinstance(key, str) for key in as_keys(data.get("entity", ""))):
        raise SourceError(f"entity in {path.name} must be the name of a column, or several names.")
    named: dict[str, Any] = {"entity": as_keys(data.get("entity")), "time": data.get("time", "")}
    return ColumnMapping(**named, **tables)


def as_keys(entity: str | Sequence[str] | None) -> tuple[str, ...]:
    """Names of key columns, given as one name, several, or none."""
    if not entity:
        return ()
    return (entity,) if isinstance(entity, str) or not isinstance(entity, Sequence) else (*entity,)
