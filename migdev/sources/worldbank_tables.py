"""World Bank downloads as tables: layouts found in files, and what lies beside the data."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from migdev.errors import SourceError, listing
from migdev.provenance import Extract
from migdev.sources import worldbank_files as wb
from migdev.sources.csvfile import SEPARATORS, Dialect, decimal_mark
from migdev.sources.mapping import ColumnMapping
from migdev.sources.numbers import blank_numbers, convert_text
from migdev.sources.otherfiles import read_sheets
from migdev.sources.table import ReadOptions, Table, to_extract

_HEAD = 65_536


def layout_of_csv(stream: Any, name: str, options: ReadOptions) -> tuple[wb.Layout, Dialect] | None:
    """The layout of a delimited file, and how it is written; None if it is none of ours."""
    start = stream.read(_HEAD)
    stream.seek(0)
    head = start.decode(options.encoding or "utf-8-sig", errors="replace")
    lines = head.splitlines()[:60]
    if len(start) == _HEAD:
        lines = lines[:-1]
    for separator in (options.separator,) if options.separator else SEPARATORS:
        rows = list(csv.reader(lines, delimiter=separator))
        layout = wb.recognise(rows[:12])
        if layout is not None:
            cells = [cell for row in rows[layout.header + 1 :] for cell in row]
            mark = options.decimal or decimal_mark(cells, separator, name)
            return layout, Dialect(separator, mark, layout.header)
    return None


def from_csv(
    stream: Any, found: tuple[wb.Layout, Dialect], name: str, options: ReadOptions
) -> Table:
    layout, dialect = found
    frame, known = wb.read_rows(stream, dialect, layout, name, options)
    return _table(frame, layout, name, options, dialect.decimal, known)


def layout_of_grid(grid: pd.DataFrame) -> wb.Layout | None:
    return wb.recognise(grid.head(12).to_numpy(dtype=object).tolist())


def from_sheets(
    grid: pd.DataFrame, sheets: dict[str, pd.DataFrame], layout: wb.Layout, name: str,
    options: ReadOptions,
) -> Table:  # fmt: skip
    table = _table(with_header(grid, layout.header), layout, name, options, ".")
    for title, sheet in sheets.items():
        if "metadata" in title.casefold() and ("indicator" in title.casefold() or "series" in
                                               title.casefold()):  # fmt: skip
            _add_series(table, with_header(sheet, 0))
    return table


def describe_from_archive(table: Table, archive: zipfile.ZipFile, files: wb.Members) -> None:
    """Labels, units, licence and, for want of a stated one, the date of the file."""
    if files.series:
        _add_series(table, _side_table(archive, files.series))
    if not table.provenance["vintage"]:
        year, month, day = archive.getinfo(files.data).date_time[:3]
        if year > 1980:  # the zip format's zero
            table.provenance["vintage"] = f"file of {year}-{month:02d}-{day:02d}"
    _cite(table)


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
    from migdev.sources.local import bytes_of

    raw, name = bytes_of(path)
    suffix = Path(name).suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            files = wb.members(archive.namelist(), name)
            if not files.countries:
                raise SourceError(
                    f"{name} holds no table of countries: {listing(archive.namelist())}."
                )
            frame = _side_table(archive, files.countries)
    elif suffix in (".xls", ".xlsx"):
        sheets = read_sheets(raw, name)
        titles = [t for t in sheets if "countr" in t.casefold()]
        if not titles:
            raise SourceError(f"{name} has no sheet of countries: {listing(sheets)}.")
        frame = with_header(sheets[titles[0]], 0)
    else:
        frame = _read_side(io.BytesIO(raw))
    table = Table(
        wb.country_metadata(frame), entity="iso3", world_bank=True,
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
    layout: wb.Layout,
    name: str,
    options: ReadOptions,
    decimal: str,
    known: Sequence[str] = (),
) -> Table:
    values = [c for c in frame.columns if wb.holds_values(str(c))]
    converted = convert_text(
        frame[values], marks=options.missing, decimal=decimal, thousands=options.thousands,
        first_row=layout.header + 2,
    )  # fmt: skip
    stuck = [c for c, v in converted.columns.items() if not pd.api.types.is_numeric_dtype(v.dtype)]
    if stuck:
        told = [*converted.problems, *converted.notes]
        raise SourceError(f"{name} holds text among its values: {' '.join(told[:3])}")
    out = wb.tidy(frame.assign(**converted.columns), layout, name, options.series, known)
    frame, sentinels = blank_numbers(out.frame, options.missing, ["iso3", out.time])
    notes = [*out.notes, *sentinels, *(n for n in converted.notes if "no value at all" not in n)]
    table = Table(
        frame, "iso3", out.time, _facts(out.dataset or "World Bank data", out.vintage),
        labels=out.labels, units={c: wb.unit_of(text) for c, text in out.labels.items()},
        missing=out.missing, world_bank=True, notes=notes,
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
