"""Excel, Stata and Parquet files to frames."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from migdev.errors import SourceError, listing, suggestion
from migdev.sources.read.delimited import drop_unnamed, header_names

#: Bytes that a file may unpack to, whatever it shrank to.
LARGEST = 500_000_000
_OFFICE = "http://schemas.openxmlformats.org/"
_SHEET = f"{{{_OFFICE}spreadsheetml/2006/main}}"
_RELATION = f"{{{_OFFICE}officeDocument/2006/relationships}}"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(slots=True)
class Loaded:
    """A frame as a file holds it, with what the file tells about its columns."""

    frame: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first_row: int = 2
    words: dict[str, pd.Series[Any]] = field(default_factory=dict)


def open_zip(raw: bytes, name: str) -> zipfile.ZipFile:
    """An archive whose files are whole and fit into memory.

    Raises
    ------
    SourceError
        It is no archive, is damaged, or unpacks without measure.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        refuse_bomb(archive, name)
        damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise SourceError(f"{name} is not a readable zip archive: {error}.") from error
    if damaged:
        raise SourceError(f"{damaged} in {name} is damaged; download it again.")
    return archive


def refuse_bomb(archive: zipfile.ZipFile, name: str) -> None:
    """Raise where a file of an archive would fill the memory; tables shrink some tenfold."""
    for inside in archive.infolist():
        if inside.file_size > max(LARGEST, 100 * inside.compress_size):
            raise SourceError(
                f"{inside.filename} in {name} unpacks to {inside.file_size / 1e9:.1f} GB from "
                f"{inside.compress_size / 1e6:.1f} MB, as no table does."
            )


def refuse_uncalculated(raw: bytes, sheet: str, name: str) -> None:
    """Raise where formulas of a sheet have no value: programs other than spreadsheets leave their
    results out, and empty cells would come of them."""
    if not raw.startswith(b"PK"):
        return
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        places = {s.get("name"): s.get(f"{_RELATION}id") for s in _parts(book, "workbook.xml")}
        files = {r.get("Id"): r.get("Target", "") for r in _parts(book, "_rels/workbook.xml.rels")}
        target = files.get(places.get(sheet), "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if path not in book.namelist() or b"<f" not in (text := book.read(path)):
            return
    cells = [
        cell.get("r", "")
        for cell in ElementTree.fromstring(text).iter(f"{_SHEET}c")
        if cell.find(f"{_SHEET}f") is not None
        and cell.get("t") != "str"
        and not cell.findtext(f"{_SHEET}v")
    ]
    if cells:
        raise SourceError(
            f"Sheet {sheet!r} of {name} has {len(cells)} formulas without a result: "
            f"{listing(cells)}. Open and save it in a spreadsheet program, which calculates them."
        )


def _parts(book: zipfile.ZipFile, name: str) -> list[ElementTree.Element]:
    path = f"xl/{name}"
    return list(ElementTree.fromstring(book.read(path)).iter()) if path in book.namelist() else []


def read_sheets(raw: bytes, name: str) -> dict[str, pd.DataFrame]:
    """Every sheet of a workbook as a grid of cells, without header."""
    if raw.startswith(b"PK"):
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(raw)) as book:
            refuse_bomb(book, name)
    fast = find_spec("python_calamine") is not None
    engine: Any = "calamine" if fast or raw.startswith(_OLD_EXCEL) else "openpyxl"
    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations, which are not data
            warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
            sheets: dict[str, pd.DataFrame] = pd.read_excel(
                io.BytesIO(raw), sheet_name=None, header=None, dtype=object,
                keep_default_na=False, na_values=[""],
                engine=engine,
            )  # fmt: skip
    except ImportError as error:
        raise SourceError(
            f"Reading {name} needs {error.name or 'openpyxl or xlrd'}: pip install 'migdev[files]'."
        ) from error
    except Exception as error:  # the engines raise errors of their own for damaged files
        raise SourceError(f"{name} cannot be read as an Excel file: {error}.") from error
    return sheets


def choose_sheet(sheets: dict[str, pd.DataFrame], wanted: str | int | None, name: str) -> str:
    """The sheet asked for, the only one that holds a table, or the one called Data."""
    names = list(sheets)
    if isinstance(wanted, int):
        if not -len(names) <= wanted < len(names):
            raise SourceError(f"{name} has {len(names)} sheets, no number {wanted}.")
        return names[wanted]
    if wanted is not None:
        if wanted not in sheets:
            raise SourceError(
                f"{name} has no sheet {wanted!r}.{suggestion(wanted, names)} "
                f"Sheets: {listing(names)}."
            )
        return wanted
    filled = [n for n in names if sheets[n].notna().to_numpy().sum() > 1]
    if len(filled) == 1:
        return filled[0]
    named_data = [n for n in filled if n.strip().casefold() == "data"]
    if named_data:
        return named_data[0]
    if not filled:
        raise SourceError(f"{name} is empty.")
    raise SourceError(f"{name} has several sheets with values, {listing(filled)}: pass sheet=.")


def table_of_grid(grid: pd.DataFrame, name: str) -> Loaded:
    """The table in a grid: its header is the first row as wide as most rows."""
    widths = Counter(int(n) for n in grid.notna().sum(axis=1) if n)
    usual = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
    filled = grid.notna().sum(axis=1)
    header = int((filled >= max(2, min(usual, grid.shape[1]))).to_numpy().argmax())
    notes = [f"{header} row(s) above the header left out"] if header else []
    cells = ["" if pd.isna(c) else _heading(c) for c in grid.iloc[header]]
    body = grid.iloc[header + 1 :].reset_index(drop=True)
    body.columns = pd.Index(header_names(cells, name))
    body = body.dropna(how="all").reset_index(drop=True).infer_objects()
    return Loaded(drop_unnamed(body, name), {}, notes, header + 2)


def _heading(cell: Any) -> str:
    """A heading as text: the year 1990 is stored as 1990.0."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def read_stata(raw: bytes, name: str) -> Loaded:
    """A .dta file with its variable labels.

    Numbers with value labels stay numbers (a dummy must), except that :attr:`Loaded.words` offers
    the labels of columns whose every value has one: a country made by ``encode``.
    """
    try:
        frame = pd.read_stata(io.BytesIO(raw), convert_categoricals=False)
        with pd.read_stata(io.BytesIO(raw), iterator=True) as reader:
            labels = {str(k): v for k, v in reader.variable_labels().items() if v}
    except Exception as error:  # struct, value and key errors, by version of the format
        raise SourceError(f"{name} cannot be read as a Stata file: {error}.") from error
    try:
        named = pd.read_stata(io.BytesIO(raw), convert_categoricals=True)
    except ValueError:  # two values with one label, which a category cannot hold
        named = frame
    labelled = [str(c) for c in frame.columns if isinstance(named[c].dtype, pd.CategoricalDtype)]
    words = {
        c: named[c].astype(object)
        for c in labelled
        if all(isinstance(v, str) for v in named[c].cat.categories)
    }
    notes = [f"value labels not applied to {listing(labelled)}"] if labelled else []
    return Loaded(frame, labels, notes, words=words)


def read_parquet(raw: bytes, name: str) -> Loaded:
    """A Parquet file; a named index becomes columns."""
    try:
        frame = pd.read_parquet(io.BytesIO(raw))
    except ImportError as error:
        raise SourceError(f"Reading {name} needs pyarrow: pip install 'migdev[files]'.") from error
    except Exception as error:  # pyarrow's errors are not importable without pyarrow
        raise SourceError(f"{name} cannot be read as a Parquet file: {error}.") from error
    named = [n for n in frame.index.names if n is not None]
    return Loaded(frame.reset_index(level=named) if named else frame.reset_index(drop=True))
