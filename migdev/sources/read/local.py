"""Your own files: CSV, Excel, Stata, Parquet and the World Bank's downloads, as an Extract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from migdev.errors import CountryWarning, SourceError, SourceWarning, listing
from migdev.notes import warn
from migdev.options import Aggregates
from migdev.provenance import Extract
from migdev.sources.numbers import MISSING_MARKS
from migdev.sources.read.files import bytes_of, table_of
from migdev.sources.read.mapping import ColumnMapping, as_keys
from migdev.sources.read.table import (
    ReadOptions,
    apply_mapping,
    find_keys,
    keep_series,
    to_extract,
)


def read(
    path: str | Path,
    *,
    entity: str | Sequence[str] | None = None,
    time: str | None = None,
    columns: ColumnMapping | Mapping[str, str] | str | Path | None = None,
    series: Sequence[str] | None = None,
    format: str | None = None,
    sheet: str | int | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    missing: Sequence[str | float] = (),
    text: Sequence[str] = (),
    aggregates: Aggregates = "exclude",
) -> Extract:
    """Read a file of data and what it tells of itself.

    Parameters
    ----------
    path : str or Path
        CSV (also ``.tsv``, ``.txt``, ``.gz``), Excel, Stata, Parquet, or a download of the World
        Bank: the bulk archive ``WDI_CSV.zip``, ``API_*_DS2_*`` and ``P_Data_Extract_From_*``, as
        ``.zip``, ``.csv`` or ``.xls(x)``. Wide years come out tidy, under the columns ``iso3``,
        ``year`` and the codes of the series.
    entity : str or sequence of str, optional
        Column that names the entity, or several that do (origin and destination); recognised by
        their usual names (``iso3``, ``country``, ``origin`` and ``destination``, ...).
    time : str, optional
        Column of periods; recognised too. A file of entities alone has the time ``""``.
    columns : mapping, ColumnMapping or path of a TOML file, optional
        The file's column names to the World Bank's codes.
    series : sequence of str, optional
        Columns, or World Bank series, to keep. Those not found are named in
        ``provenance.missing`` and warned of; if none is found, an error.
    format : {"csv", "excel", "stata", "parquet", "zip"}, optional
        Where the name does not tell.
    sheet : str or int, optional
        Sheet of a workbook; needed only where several hold values and none is called Data.
    separator, decimal, encoding : str, optional
        Read from the file when not given: ``,``, ``;``, tab or bar; point or comma; UTF-8 (with
        or without byte-order mark), UTF-16, or else Windows-1252.
    thousands : str, optional
        Separator of thousands. Never guessed: a column that has them stays text, with a warning.
    missing : sequence of str or number
        What stands for a missing value beside :data:`~migdev.sources.numbers.MISSING_MARKS`, such
        as ``"conf."`` or ``-999``.
    text : sequence of str
        Columns that stay text.
    aggregates : {"exclude", "keep"}
        Rows of world, regions and income groups in the World Bank's downloads. In other files they
        stay, with a warning; :func:`~migdev.harmonise` leaves them out.

    Returns
    -------
    Extract
        ``provenance.notes`` tells what was decided.

    Raises
    ------
    SourceError
        No such file, an empty or damaged one, repeated or nameless columns, a number that can be
        read in two ways, columns of the mapping that are not there.

    Warns
    -----
    SourceWarning
        A column that is mostly numbers but stays text (with values and rows), an encoding that
        was guessed, a file cut short, series not found.
    CountryWarning
        Aggregates left out and retired codes recoded, in the World Bank's downloads; aggregates
        found among the countries of another file, where they stay.
    """
    options = ReadOptions(
        format=format, entity=as_keys(entity), time=time, sheet=sheet, separator=separator,
        decimal=decimal, thousands=thousands, encoding=encoding, text=tuple(text),
        missing=(*MISSING_MARKS, *map(str, missing)),
        series=None if series is None else tuple(series),
    )  # fmt: skip
    mapping = ColumnMapping.read(columns)
    raw, name = bytes_of(path)
    table = table_of(raw, name, options)
    mapping = mapping.about(table.frame.columns)
    apply_mapping(table, mapping, name)
    find_keys(table, mapping, options, name)
    keep_series(table, options, name)
    for problem in table.problems:
        warn(f"{name}: {problem}", SourceWarning, stacklevel=2)
    extract = to_extract(table, mapping, raw, name)
    if not table.countries:
        if aggregates == "exclude":
            _tell_of_aggregates(extract, name)
        return extract
    from migdev.panel.countries import harmonise

    return harmonise(extract, aggregates=aggregates, unknown="keep")


def _tell_of_aggregates(extract: Extract, name: str) -> None:
    """A file of countries with aggregates among them would count people twice."""
    from migdev.panel.country_match import classify

    for key in extract.keys:
        column = extract.frame[key]
        if pd.api.types.is_numeric_dtype(column.dtype):
            continue
        values = column.dropna().unique()
        if len(values) > 1000:  # no list of countries
            continue
        table = classify(values)
        found = table.loc[table["kind"] == "aggregate", "value"]
        if len(found) and (table["kind"] == "country").sum() > len(found):
            warn(
                f"{name} holds {len(found)} aggregates among its countries: {listing(found)}. "
                "harmonise() leaves them out; aggregates='keep' says that they are wanted.",
                CountryWarning,
                stacklevel=3,
            )


class LocalFile:
    """A file as a :class:`~migdev.protocols.Source`; options are those of :func:`read`."""

    def __init__(self, path: str | Path, **options: Any) -> None:
        self.path, self.options = path, options

    def fetch(
        self,
        series: Sequence[str],
        entities: Sequence[Any] | None = None,
        periods: tuple[Any, Any] | None = None,
        vintage: str | None = None,
    ) -> Extract:
        """The wanted series, entities (tuples where several columns name one) and periods.

        Raises
        ------
        SourceError
            ``vintage`` is not the file's, or none of the series is in it.
        """
        extract = read(self.path, series=list(series) or None, **self.options)
        held = extract.provenance.vintage
        if vintage is not None and vintage != held:
            raise SourceError(
                f"{Path(self.path).name} is of vintage {held or 'unknown'!r}, not {vintage!r}."
            )
        frame = extract.frame
        missing = dict(extract.provenance.missing)
        if entities is not None:
            frame, absent = _rows_of(frame, extract.keys, entities)
            missing |= dict.fromkeys(absent, "no rows in the file")
        if periods is not None:
            from migdev.panel.calendar import read_time

            ordinals, calendar = read_time(frame[extract.time], extract.time)
            frame = frame[calendar.within(ordinals, *periods)]
        provenance = replace(extract.provenance, missing=missing)
        return replace(extract, frame=frame.reset_index(drop=True), provenance=provenance)


def _rows_of(
    frame: pd.DataFrame, keys: tuple[str, ...], entities: Sequence[Any]
) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the wanted entities, and the names of those that have none."""
    wanted = [e if isinstance(e, tuple) else (e,) for e in entities]
    odd = next((e for e in wanted if len(e) != len(keys)), None)
    if odd is not None:
        raise SourceError(
            f"entities= names {odd if len(odd) > 1 else odd[0]!r}, but an entity of this file is "
            f"named by {listing(keys) or 'no column'}: give a tuple with a value of each."
        )
    held = list(zip(*(frame[key] for key in keys), strict=True))
    chosen, there = set(wanted), set(held)
    absent = ["-".join(map(str, e)) for e in dict.fromkeys(wanted) if e not in there]
    return frame[[row in chosen for row in held]], absent
