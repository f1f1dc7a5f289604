"""Your own files: CSV, Excel, Stata, Parquet and the World Bank's downloads, as an Extract."""

from __future__ import annotations

import gzip
import io
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from migdev.errors import CountryWarning, SourceError, SourceWarning, listing, suggestion
from migdev.provenance import Extract
from migdev.sources.csvfile import decode, read_text, sniff
from migdev.sources.mapping import ColumnMapping
from migdev.sources.numbers import MISSING_MARKS, blank_numbers, convert_text
from migdev.sources.otherfiles import (
    Loaded,
    choose_sheet,
    read_parquet,
    read_sheets,
    read_stata,
    table_of_grid,
)
from migdev.sources.table import (
    ENTITY_NAMES,
    FORMATS,
    TIME_NAMES,
    ReadOptions,
    Table,
    apply_mapping,
    find_keys,
    guess,
    keep_series,
    to_extract,
)
from migdev.sources.worldbank_files import members


def read(
    path: str | Path,
    *,
    entity: str | None = None,
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
    aggregates: str = "exclude",
) -> Extract:
    """Read a file of data and what it tells of itself.

    Parameters
    ----------
    path : str or Path
        CSV (also ``.tsv``, ``.txt``, ``.gz``), Excel, Stata, Parquet, or a download of the World
        Bank: the bulk archive ``WDI_CSV.zip``, ``API_*_DS2_*`` and ``P_Data_Extract_From_*``, as
        ``.zip``, ``.csv`` or ``.xls(x)``. Wide years come out tidy, under the columns ``iso3``,
        ``year`` and the codes of the series.
    entity, time : str, optional
        Key columns; recognised by their usual names (``iso3``, ``country``, ``year``, ...). A file
        of entities alone has the time ``""``.
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
        format=format, entity=entity, time=time, sheet=sheet, separator=separator,
        decimal=decimal, thousands=thousands, encoding=encoding, text=tuple(text),
        missing=(*MISSING_MARKS, *map(str, missing)),
        series=None if series is None else tuple(series),
    )  # fmt: skip
    mapping = ColumnMapping.read(columns)
    raw, name = bytes_of(path)
    table = _table(raw, name, options)
    apply_mapping(table, mapping, name)
    find_keys(table, mapping, options, name)
    keep_series(table, options, name)
    for problem in table.problems:
        warnings.warn(f"{name}: {problem}", SourceWarning, stacklevel=2)
    extract = to_extract(table, mapping, raw, name)
    if not table.world_bank:
        if aggregates == "exclude":
            _tell_of_aggregates(extract, name)
        return extract
    from migdev.panel.countries import harmonise

    return harmonise(extract, aggregates=aggregates, unknown="keep")


def _tell_of_aggregates(extract: Extract, name: str) -> None:
    """A file of countries with aggregates among them would count people twice."""
    from migdev.panel.country_match import classify

    if not extract.entity or pd.api.types.is_numeric_dtype(extract.frame[extract.entity].dtype):
        return
    values = extract.frame[extract.entity].dropna().unique()
    if len(values) > 1000:  # no list of countries
        return
    table = classify(values)
    found = table.loc[table["kind"] == "aggregate", "value"]
    if len(found) and (table["kind"] == "country").sum() > len(found):
        warnings.warn(
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
        entities: Sequence[str] | None = None,
        years: tuple[int, int] | None = None,
        vintage: str | None = None,
    ) -> Extract:
        """The wanted series, entities and years of the file.

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
            absent = sorted(set(entities) - set(frame[extract.entity]))
            missing |= {e: "no rows in the file" for e in absent}
            frame = frame[frame[extract.entity].isin(list(entities))]
        if years is not None:
            from migdev.panel.calendar import read_time

            ordinals, calendar = read_time(frame[extract.time], extract.time)
            at = calendar.year(ordinals)
            frame = frame[(at >= years[0]) & (at <= years[1])]
        provenance = replace(extract.provenance, missing=missing)
        return replace(extract, frame=frame.reset_index(drop=True), provenance=provenance)


# ---------------------------------------------------------------------- reading


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


def _table(raw: bytes, name: str, options: ReadOptions) -> Table:
    stem, suffix = name, Path(name).suffix.lower()
    if suffix == ".gz":
        try:
            raw, stem = gzip.decompress(raw), name[:-3]
        except (OSError, EOFError) as error:
            raise SourceError(f"{name} is damaged: {error}.") from error
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
    from migdev.sources import worldbank_tables as wb

    found = wb.layout_of_csv(stream, name, options)
    if found is not None:
        return wb.from_csv(stream, found, name, options)
    text = decode(stream.read(), name, options.encoding)
    dialect = sniff(text, name, options.separator, options.decimal, options.thousands)
    loaded = Loaded(read_text(text, dialect, name), {}, list(dialect.notes), dialect.header + 2)
    return _general(loaded, name, options, dialect.decimal)


def _from_excel(raw: bytes, name: str, options: ReadOptions) -> Table:
    from migdev.sources import worldbank_tables as wb

    sheets = read_sheets(raw, name)
    grid = sheets[choose_sheet(sheets, options.sheet, name)]
    layout = wb.layout_of_grid(grid)
    if layout is not None:
        return wb.from_sheets(grid, sheets, layout, name, options)
    return _general(table_of_grid(grid, name), name, options, options.decimal or ".")


def _from_zip(raw: bytes, name: str, options: ReadOptions) -> Table:
    from migdev.sources import worldbank_tables as wb

    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise SourceError(f"{name} is not a readable zip archive: {error}.") from error
    if damaged:
        raise SourceError(f"{damaged} in {name} is damaged; download it again.")
    with archive:
        files = members(archive.namelist(), name)
        if not files.data.lower().endswith(".csv"):
            return _from_excel(archive.read(files.data), files.data, options)
        with archive.open(files.data) as opened:
            table = _from_csv(opened, files.data, options)
        if table.world_bank:
            wb.describe_from_archive(table, archive, files)
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
    keys = {guess(frame, ENTITY_NAMES), guess(frame, TIME_NAMES), options.entity, options.time}
    converted = convert_text(
        frame, skip={*options.text, *(k for k in keys if k)}, marks=options.missing,
        decimal=decimal, thousands=options.thousands, first_row=loaded.first_row,
    )  # fmt: skip
    frame, sentinels = blank_numbers(
        frame.assign(**converted.columns), options.missing, [k for k in keys if k]
    )
    return Table(
        frame, labels=loaded.labels, words=loaded.words, problems=converted.problems,
        notes=[*loaded.notes, *converted.notes, *sentinels],
        provenance={"publisher": "local file", "dataset": name},
    )  # fmt: skip
