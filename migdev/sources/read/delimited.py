"""Delimited text to a frame: encoding, separator, decimal mark, header."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import SourceError, SourceWarning, listing
from migdev.notes import warn

SEPARATORS = (",", ";", "\t", "|")
#: Characters, and lines of these, that tell how a file is written.
_HEAD, _SAMPLE = 2_000_000, 400
#: Lines below a table that may be a footer.
_FOOTER = 20


def exact() -> dict[str, Any]:
    """Read decimals to the last digit: the default since pandas 3.1, an option before."""
    major, minor = (int(part) for part in pd.__version__.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written."""

    separator: str
    decimal: str
    header: int
    notes: tuple[str, ...] = ()


def decode(raw: bytes, name: str, encoding: str | None = None) -> str:
    """Text of a file: UTF-8 and UTF-16 with or without byte-order mark, else Windows-1252."""
    text = _decoded(raw, name, encoding)
    return text if "\n" in text else text.replace("\r", "\n")  # lines as old Macs end them


def _decoded(raw: bytes, name: str, encoding: str | None) -> str:
    if encoding is not None:
        try:
            return raw.decode(encoding).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError) as error:
            raise SourceError(f"{name} is not {encoding}: {error}.") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        warn(
            f"{name} is not UTF-8 (byte {error.start}); read as Windows-1252. Pass encoding= if "
            "names look wrong.",
            SourceWarning,
            stacklevel=5,
        )
        return raw.decode("cp1252", errors="replace")


def sniff(
    text: str,
    name: str,
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Dialect:
    """Separator, decimal mark and header line of a delimited text.

    Raises
    ------
    SourceError
        No table, a header of another width than the rows, or numbers that could be read in two
        ways (``1,234`` in every cell).
    """
    lines = text[:_HEAD].splitlines()[:_SAMPLE]
    if not any(line.strip() for line in lines):
        raise SourceError(f"{name} is empty.")
    choices = (separator,) if separator else SEPARATORS
    parsed = {s: list(csv.reader(lines, delimiter=s)) for s in choices}
    best = max(choices, key=lambda s: _agreement(parsed[s]))
    rows = parsed[best]
    header = _header_row(rows, name)
    body = [cell for row in rows[header + 1 :] for cell in row]
    notes = [] if best == "," else [f"columns are separated by {best!r}"]
    if header:
        notes.append(f"{header} line(s) above the header left out")
    given = decimal or {",": ".", ".": ","}.get(thousands or "")
    mark = given or decimal_mark(body, best, name)
    if mark != ".":
        notes.append(f"{mark!r} is the decimal mark")
    return Dialect(best, mark, header, tuple(notes))


def read_text(text: str, dialect: Dialect, name: str) -> pd.DataFrame:
    """The table, with empty cells missing and every other mark left as text."""
    head = io.StringIO(text[:_HEAD])
    rows = csv.reader(head, delimiter=dialect.separator)
    columns = header_names([next(rows) for _ in range(dialect.header + 1)][-1], name)
    text = _without_footer(text, dialect, len(columns), name)
    body = text[head.tell() :]
    options: dict[str, Any] = {
        "sep": dialect.separator, "header": None, "names": columns, "index_col": False,
        "keep_default_na": False, "skipinitialspace": True, "low_memory": False,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame = pd.read_csv(
                io.StringIO(body), decimal=dialect.decimal, na_values=[""], **exact(), **options,
            )  # fmt: skip
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise SourceError(
                f"{name} has rows of unequal length ({str(error).strip()}); a value with a "
                "separator inside needs quotes."
            ) from error
    if bool(frame.iloc[:, -1].isna().any()):
        _warn_of_short_rows(text, dialect, len(columns), name)
    zeros = _zeros_in_front(text, dialect)
    codes = [str(c) for c in frame.columns if zeros and _whole(frame[c])]
    if codes:
        # Codes such as 01001 stay text: read as numbers they would lose the zero.
        again = pd.read_csv(io.StringIO(body), usecols=codes, dtype=str, **options)
        for code in codes:
            if again[code].str.match(r"\s*0\d").any():
                frame[code] = again[code].str.strip().mask(frame[code].isna())
    return drop_unnamed(frame, name)


def _zeros_in_front(text: str, dialect: Dialect) -> bool:
    """Some value begins with a zero before another digit: ``01001``, not ``0.01`` or ``1e-05``."""
    characters = np.frombuffer(text.encode(), np.uint8)
    zero = np.flatnonzero(characters[1:-1] == ord("0")) + 1
    before, after = characters[zero - 1], characters[zero + 1]
    starts = np.isin(before, [*b"\n\"' ", dialect.separator.encode()[-1]])
    return bool((starts & (after >= ord("0")) & (after <= ord("9"))).any())


def _whole(column: pd.Series[Any]) -> bool:
    """Numbers that are whole where they are not missing."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else ""
    if kind != "f":
        return kind in ("i", "u")
    values = column.to_numpy()
    return bool((np.isnan(values) | (values == np.trunc(values))).all())


def _without_footer(text: str, dialect: Dialect, width: int, name: str) -> str:
    """The text without notes below the table: lines after a blank one, none of its width."""
    last = [line.strip("\r") for line in text.rstrip("\r\n").rsplit("\n", _FOOTER)[1:]]
    blank = max((i for i, line in enumerate(last) if not line.strip()), default=None)
    notes = [] if blank is None else last[blank + 1 :]
    if notes and all(_fields(line, dialect) != width for line in notes):
        _warn(f"{len(notes)} line(s) below the table of {name} are left out: {notes[0][:60]!r}.")
        return text.rstrip("\r\n").rsplit("\n", len(notes))[0]
    fields = _fields(last[-1], dialect) if last else width
    if fields < width:
        _warn(f"The last line of {name} has {fields} of {width} fields: a footer, or the file is "
              "cut short.")  # fmt: skip
    return text


def _fields(line: str, dialect: Dialect) -> int:
    return len(next(csv.reader([line], delimiter=dialect.separator), []))


def _warn_of_short_rows(text: str, dialect: Dialect, width: int, name: str) -> None:
    if '"' in text or not dialect.separator.isascii():
        reader = csv.reader(io.StringIO(text), delimiter=dialect.separator)
        rows = [(len(row), reader.line_num) for row in reader if row]
        fields, lines = np.array(rows).T
    else:  # no separator inside a value, so fields are counted without taking them apart
        characters = np.frombuffer(f"{text}\n".replace("\r", "").encode(), np.uint8)
        ends = np.flatnonzero(characters == ord("\n"))
        marks = np.flatnonzero(characters == ord(dialect.separator))
        filled = np.diff(ends, prepend=-1) > 1
        fields = (np.diff(np.searchsorted(marks, ends), prepend=0) + 1)[filled]
        lines = np.flatnonzero(filled) + 1
    short = lines[dialect.header + 1 :][fields[dialect.header + 1 :] < width]
    if len(short) and short.tolist() != [lines[-1]]:  # the last line has been told of
        _warn(f"{len(short)} rows of {name} have fewer than its {width} fields, first line "
              f"{short[0]}; what they lack is read as missing.")  # fmt: skip


def _warn(message: str) -> None:
    warn(message, SourceWarning, stacklevel=7)


def drop_unnamed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Leave out columns without a name that are empty or only number the rows."""
    for column in [c for c in frame.columns if str(c).startswith("\x00")]:
        values = frame[column]
        counts = pd.to_numeric(values, errors="coerce")
        numbers_rows = counts.diff().iloc[1:].eq(1).all() and counts.iloc[:1].isin([0, 1]).all()
        empty = values.isna() | (values.astype(str).str.strip() == "")
        if not empty.all() and not numbers_rows:
            place = list(frame.columns).index(column) + 1
            raise SourceError(f"Column {place} of {name} has values but no name; name it.")
        frame = frame.drop(columns=column)
    return frame


def header_names(cells: list[str], name: str) -> list[str]:
    clean = [cell.strip().lstrip("\ufeff") for cell in cells]
    repeated = [n for n, times in Counter(c for c in clean if c).items() if times > 1]
    if repeated:
        raise SourceError(f"Columns of {name} occur twice: {listing(repeated)}. Rename them.")
    return [c or f"\x00{i}" for i, c in enumerate(clean)]


def _agreement(rows: list[list[str]]) -> tuple[float, int]:
    """Share of lines that have the most common width, and that width; (-1, 1) if one column."""
    widths = Counter(len(row) for row in rows if row)
    width, times = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width == 1:
        return (-1.0, 1)
    first = next((len(row) for row in rows if len(row) > 1), 1)
    return (times / sum(widths.values()) - (0.5 if first != width else 0), width)


def _header_row(rows: list[list[str]], name: str) -> int:
    widths = Counter(len(row) for row in rows if row)
    width = max(widths.items(), key=lambda item: (item[1], item[0]))[0]
    for number, row in enumerate(rows):
        if len(row) == width:
            return number
        if len([cell for cell in row if cell.strip()]) > 1:
            raise SourceError(
                f"Line {number + 1} of {name} has {len(row)} fields, but most lines have {width}. "
                "Check the header, or pass separator=."
            )
    raise SourceError(f"{name} holds no table.")


def decimal_mark(cells: list[str], separator: str, name: str) -> str:
    """Point or comma, from sample cells; an error where all could be thousands as well."""
    points, commas = ([cell.strip() for cell in cells if mark in cell] for mark in ".,")
    if not commas and separator != ";":
        return "."
    comma = [c for c in commas if re.fullmatch(r"[+-]?\d+,\d+", c)]
    point = [c for c in points if re.fullmatch(r"[+-]?\d*\.\d+", c)]
    if any(re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d+", c) for c in commas):
        return ","
    thousands = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
    for mark, found, rival in ((",", comma, point), (".", point, comma)):
        unusual = mark == "," or separator == ";"
        if found and not rival and unusual and all(map(thousands.fullmatch, found)):
            if separator == "," and mark == ",":
                return "."  # 1,234 in a comma-separated file: convert_text() names the column
            raise SourceError(
                f"{found[0]!r} in {name} may be {found[0].replace(mark, '.')} or "
                f"{found[0].replace(mark, '')}: pass decimal={mark!r} or thousands={mark!r}."
            )
    return "," if len(comma) > len(point) else "."
