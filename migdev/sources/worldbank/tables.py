"""World Bank downloads as tables: layouts found in files, and what lies beside the data."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from migdev.errors import SourceError, listing
from migdev.provenance import Extract
from migdev.sources.numbers import blank_numbers, convert_text
from migdev.sources.read.delimited import Dialect
from migdev.sources.read.files import bytes_of
from migdev.sources.read.formats import open_zip, read_sheets
from migdev.sources.read.layouts import Members, members_of
from migdev.sources.read.mapping import ColumnMapping
from migdev.sources.read.table import ReadOptions, Table, to_extract
from migdev.sources.worldbank import downloads as wb


class Downloads:
    """The layouts of the World Bank as :class:`~migdev.sources.read.layouts.Layout`."""

    def recognise(self, rows: Sequence[Sequence[Any]]) -> wb.Shape | None:
        return wb.recognise(rows)

    def from_csv(
        self, stream: Any, shape: wb.Shape, dialect: Dialect, name: str, options: ReadOptions
    ) -> Table:
        frame, known = wb.read_rows(stream, dialect, shape, name, options)
        return _table(frame, shape, name, options, dialect.decimal, known)

    def from_sheets(
        self, grid: pd.DataFrame, sheets: dict[str, pd.DataFrame], shape: wb.Shape, name: str,
        options: ReadOptions,
    ) -> Table:  # fmt: skip
        table = _table(with_header(grid, shape.header), shape, name, options, ".")
        for title, sheet in sheets.items():
            words = title.casefold()
            if "metadata" in words and ("indicator" in words or "series" in words):
                _add_series(table, with_header(sheet, 0))
        return table

    def members(self, names: Sequence[str]) -> Members | None:
        return wb.members(names)

    def describe(self, table: Table, archive: zipfile.ZipFile, members: Members) -> None:
        """Labels, units, licence and, for want of a stated one, the date of the file."""
        if members.series:
            _add_series(table, _side_table(archive, members.series))
        if not table.provenance["vintage"]:
            year, month, day = archive.getinfo(members.data).date_time[:3]
            if year > 1980:  # the zip format's zero
                table.provenance["vintage"] = f"file of {year}-{month:02d}-{day:02d}"
        _cite(table)


LAYOUT = Downloads()


def read_countries(path: str | Path) -> Extract:
    """Name, region and income group of countries, from a download that holds them.

    Parameters
    ----------
    path : str or Path
        A zip archive or workbook of the World Bank (bulk, ``API_*`` or DataBank), or the CSV of
        countries out of one.

    Returns
    -------
    Extract
        ``iso3, country, region, income_group``, one row per country; time is ``""``. Join it to a
        panel with :func:`migdev.join`.

    Raises
    ------
    SourceError
        The file holds no table of countries.
    """
    raw, name = bytes_of(path)
    suffix = Path(name).suffix.lower()
    if suffix == ".zip":
        with open_zip(raw, name) as archive:
            members = members_of(archive.namelist(), name)
            if not members.countries:
                raise SourceError(
                    f"{name} holds no table of countries: {listing(archive.namelist())}."
                )
            frame = _side_table(archive, members.countries)
    elif suffix in (".xls", ".xlsx"):
        sheets = read_sheets(raw, name)
        titles = [t for t in sheets if "countr" in t.casefold()]
        if not titles:
            raise SourceError(f"{name} has no sheet of countries: {listing(sheets)}.")
        frame = with_header(sheets[titles[0]], 0)
    else:
        frame = _read_side(io.BytesIO(raw))
    table = Table(
        wb.country_metadata(frame), keys=("iso3",), layout=LAYOUT, countries=True,
        provenance=_facts("World Bank country metadata", ""),
    )  # fmt: skip
    return to_extract(table, ColumnMapping(), raw, name)


def with_header(grid: pd.DataFrame, header: int) -> pd.DataFrame:
    """A grid of cells with one of its rows as column names."""
    body = grid.iloc[header + 1 :].reset_index(drop=True)
    body.columns = pd.Index([_text(cell, place) for place, cell in enumerate(grid.iloc[header])])
    return body.infer_objects()


def _text(cell: Any, place: int) -> str:
    if cell is None or cell != cell:
        return f"\x00{place}"
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _table(
    frame: pd.DataFrame,
    shape: wb.Shape,
    name: str,
    options: ReadOptions,
    decimal: str,
    known: Sequence[str] = (),
) -> Table:
    values = [c for c in frame.columns if wb.holds_values(str(c))]
    converted = convert_text(
        frame[values], marks=options.missing, decimal=decimal, thousands=options.thousands,
        first_row=shape.header + 2,
    )  # fmt: skip
    stuck = [c for c, v in converted.columns.items() if not pd.api.types.is_numeric_dtype(v.dtype)]
    if stuck:
        messages = [*converted.problems, *converted.notes]
        raise SourceError(f"{name} holds text among its values: {' '.join(messages[:3])}")
    out = wb.tidy(frame.assign(**converted.columns), shape, name, options.series, known)
    frame, sentinels = blank_numbers(out.frame, options.missing, ["iso3", out.time])
    notes = [*out.notes, *sentinels, *(n for n in converted.notes if "no value at all" not in n)]
    table = Table(
        frame, ("iso3",), out.time, _facts(out.dataset or "World Bank data", out.vintage),
        labels=out.labels, units={c: wb.unit_of(text) for c, text in out.labels.items()},
        missing=out.missing, layout=LAYOUT, countries=True, notes=notes,
    )  # fmt: skip
    _cite(table)
    return table


def _facts(dataset: str, vintage: str) -> dict[str, Any]:
    return {
        "publisher": "World Bank", "dataset": dataset, "vintage": vintage, "licence": "CC BY 4.0",
    }  # fmt: skip


def _cite(table: Table) -> None:
    vintage = table.provenance["vintage"]
    dated = (
        f" ({'' if vintage.startswith('file') else 'last updated '}{vintage})" if vintage else ""
    )
    table.provenance["citation"] = f"World Bank, {table.provenance['dataset']}{dated}."


def _add_series(table: Table, metadata: pd.DataFrame) -> None:
    labels, units, licence = wb.series_metadata(metadata)
    table.labels |= {code: text for code, text in labels.items() if code in table.labels}
    table.units |= {code: text for code, text in units.items() if code in table.labels}
    if licence:
        table.provenance["licence"] = licence


def _side_table(archive: zipfile.ZipFile, member: str) -> pd.DataFrame:
    return _read_side(io.BytesIO(archive.read(member)))


def _read_side(stream: io.BytesIO) -> pd.DataFrame:
    try:
        return pd.read_csv(
            stream,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            encoding_errors="replace",
        )
    except pd.errors.ParserError as error:
        raise SourceError(f"A table of metadata cannot be read: {error}.") from error
