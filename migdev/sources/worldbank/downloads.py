"""Files that the World Bank hands out: bulk archive, indicator downloads, DataBank extracts.

Three layouts are known, each as CSV, inside a zip, or as an Excel sheet:

- the bulk archive ``WDI_CSV.zip`` with ``WDICSV.csv`` (before 2024 ``WDIData.csv``), one row per
  country and series, one column per year;
- ``API_<code>_DS2_<language>_csv_v2_*``: the same below four lines that name source and date;
- ``P_Data_Extract_From_*``: years as ``2000 [YR2000]``, ``..`` for missing, and the date in the
  last lines; or series as columns ``Name [CODE]`` with a column ``Time``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import SourceError, listing, suggestion
from migdev.sources.read.delimited import Dialect, exact
from migdev.sources.read.layouts import Members
from migdev.sources.read.table import ReadOptions

_CODE = ("country code", "countrycode", "economy code", "country_code")
_SERIES = ("indicator code", "series code", "indicatorcode", "seriescode")
_SERIES_NAME = ("indicator name", "series name", "indicatorname", "seriesname", "series")
_COUNTRY_NAME = ("country name", "countryname", "country", "economy")
_PIECE = 50_000  # rows
_PERIOD = re.compile(r"^\s*(\d{4}(?:Q[1-4]|M\d{2})?)(?:\s*\[YR[^\]]*\])?\s*$")
_BRACKET = re.compile(r"^(.*?)\s*\[([A-Za-z0-9_.]+)\]\s*$")
_UPDATED = re.compile(r"^\s*last updated(?: date)?\s*:?\s*(.*)$", re.IGNORECASE)
_DATABASE = re.compile(r"^\s*data from database:\s*(.+?)\s*$", re.IGNORECASE)
_LICENCES = {"CC BY-4.0": "CC BY 4.0", "CC-BY 4.0": "CC BY 4.0", "CC-BY-4.0": "CC BY 4.0"}


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the header is, and what the lines above it say."""

    kind: str
    header: int
    dataset: str = ""
    vintage: str = ""


@dataclass(slots=True)
class Tidy:
    """Rows of country and period, a column per series code."""

    frame: pd.DataFrame
    time: str
    labels: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dataset: str = ""
    vintage: str = ""


def recognise(rows: Sequence[Sequence[Any]]) -> Shape | None:
    """The layout that the first rows of a file show, or None."""
    dataset = vintage = ""
    for number, row in enumerate(rows):
        cells = [_clean(cell) for cell in row]
        lower = [cell.casefold() for cell in cells]
        if cells and lower[0] == "data source" and len(cells) > 1:
            dataset = cells[1]
        elif cells and lower[0] == "last updated date" and len(cells) > 1:
            vintage = iso_date(cells[1])
        elif any(c in _CODE for c in lower) and any(c in _SERIES for c in lower):
            if any(_PERIOD.match(cell) for cell in cells):
                return Shape("series in rows", number, dataset, vintage)
        elif any(c in _CODE for c in lower) and "time" in lower and any(map(_BRACKET.match, cells)):
            return Shape("series in columns", number, dataset, vintage)
    return None


def iso_date(text: str) -> str:
    """``2024-09-19`` of ``2024-09-19``, ``09/19/2024`` or an Excel date."""
    text = text.strip()
    if found := re.match(r"^(\d{1,2})/(\d{1,2})/(\d{4})", text):
        return f"{found[3]}-{int(found[1]):02d}-{int(found[2]):02d}"
    return text[:10] if re.match(r"^\d{4}-\d{2}-\d{2}", text) else text


def unit_of(label: str) -> str:
    """What stands in the last brackets of a series' name: ``% of GDP``."""
    found = re.search(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*$", label)
    return found[1].strip() if found else ""


def tidy(
    table: pd.DataFrame,
    shape: Shape,
    name: str,
    series: Sequence[str] | None,
    known: Sequence[str] = (),
) -> Tidy:
    """Bring a table of either layout to rows of country and period.

    Raises
    ------
    SourceError
        A country and series occur twice (a further dimension), or no series is left.
    """
    table = table.rename(columns=lambda c: _clean(c))
    code = _find(table, _CODE)
    table, dataset, updated = _without_footer(table, code)
    if shape.kind == "series in rows":
        out = _from_rows(table, code, name, series)
    else:
        out = _from_columns(table, code, name, series)
    out.dataset = shape.dataset or dataset
    out.vintage = shape.vintage or updated
    if series is not None:
        known = [*known, *out.labels]
        for wanted in series:
            if wanted not in out.frame.columns:
                out.missing.setdefault(wanted, f"not in {name}.{suggestion(wanted, known)}")
    return out


def _from_rows(table: pd.DataFrame, code: str, name: str, series: Sequence[str] | None) -> Tidy:
    id_series = _find(table, _SERIES)
    periods = {c: m[1] for c in table.columns if (m := _PERIOD.match(str(c)))}
    id_name = _find(table, _SERIES_NAME, optional=True)
    keys = table[id_series].astype(str).str.strip()
    labels = dict(zip(keys, table[id_name].astype(str) if id_name else keys, strict=True))
    if series is not None:
        keep = keys.isin(list(series)).to_numpy()
        table, keys = table[keep], keys[keep]
    entity, entities = pd.factorize(table[code].astype(str).str.strip())
    item, items = pd.factorize(keys)
    place = entity * max(len(items), 1) + item
    if len(np.unique(place)) < len(place):
        pairs = pd.DataFrame({"e": entity, "s": item})
        row = int(np.flatnonzero(pairs.duplicated().to_numpy())[0])
        known = {code, id_series, id_name, _find(table, _COUNTRY_NAME, optional=True)}
        others = [str(c) for c in table.columns if c not in periods and c not in known]
        raise SourceError(
            f"{name} holds {keys.iloc[row]!r} for {entities[entity[row]]!r} more than once"
            + (f", told apart by {listing(others)}; keep one value of it." if others else ".")
        )
    # (countries, periods, series), filled in one assignment
    values = np.full((len(entities), len(periods), len(items)), np.nan)
    values[entity, :, item] = table[list(periods)].to_numpy(dtype=float)
    flat = values.reshape(len(entities) * len(periods), len(items))
    frame = pd.DataFrame(flat, columns=list(items))
    frame.insert(0, "iso3", np.repeat(np.asarray(entities, dtype=object), len(periods)))
    return _finish(frame, np.tile(list(periods.values()), len(entities)), labels)


def _from_columns(table: pd.DataFrame, code: str, name: str, series: Sequence[str] | None) -> Tidy:
    time = next(c for c in table.columns if str(c).casefold() == "time")
    brackets = {c: m for c in table.columns if (m := _BRACKET.match(str(c)))}
    labels = {m[2]: m[1] for m in brackets.values()}
    chosen = {c: m[2] for c, m in brackets.items() if series is None or m[2] in series}
    frame = table[list(chosen)].rename(columns=chosen).astype(float)
    frame.insert(0, "iso3", table[code].astype(str).str.strip())
    stamps = table[time].astype(str).str.strip().str.replace(r"\.0$", "", regex=True)
    stamps = stamps.str.replace(r"\s*\[YR[^\]]*\]$", "", regex=True)
    twice = pd.DataFrame({"e": frame["iso3"], "t": stamps}).duplicated()
    if twice.any():
        row = int(np.flatnonzero(twice.to_numpy())[0])
        raise SourceError(
            f"{name} holds {frame['iso3'].iloc[row]!r} in {stamps.iloc[row]} more than once; it "
            "has a further dimension. Keep one value of it."
        )
    return _finish(frame.reset_index(drop=True), stamps.to_numpy(), labels)


def _finish(frame: pd.DataFrame, stamps: Any, labels: dict[str, str]) -> Tidy:
    items = [c for c in frame.columns if c != "iso3"]
    yearly = all(re.fullmatch(r"\d{4}", str(s)) for s in pd.unique(pd.Series(stamps)))
    time = "year" if yearly else "period"
    frame.insert(1, time, np.asarray(stamps).astype(np.int64) if yearly else list(stamps))
    empty = [c for c in items if frame[c].isna().all()]
    held = frame[items].notna().any(axis=1).to_numpy()
    notes = []
    if not held.all():
        notes.append(f"{int((~held).sum())} country-periods without any value left out")
    labels = {c: labels.get(c, c) for c in [*items, *labels]}
    return Tidy(
        frame[held].reset_index(drop=True), time, labels,
        {c: "in the file, but without any value" for c in empty}, notes,
    )  # fmt: skip


def _without_footer(table: pd.DataFrame, code: str) -> tuple[pd.DataFrame, str, str]:
    """Leave out the lines below the table, and read database and date from them."""
    empty = table[code].isna() | (table[code].astype(str).str.strip() == "")
    dataset = updated = ""
    for text in map(_clean, table.loc[empty].to_numpy(dtype=object).ravel()):
        if found := _DATABASE.match(text):
            dataset = found[1]
        elif (found := _UPDATED.match(text)) and found[1]:
            updated = iso_date(found[1])
    return table[~empty].reset_index(drop=True), dataset, updated


def _find(table: pd.DataFrame, names: Sequence[str], optional: bool = False) -> Any:
    for column in table.columns:
        if str(column).casefold() in names:
            return column
    if optional:
        return None
    raise SourceError(
        f"There is no column {names[0]!r} in this World Bank file; columns: "
        f"{listing(table.columns, 8)}."
    )


def holds_values(column: str) -> bool:
    """A column of a period, or of a series as ``Name [CODE]``."""
    return bool(_PERIOD.match(column) or _BRACKET.match(column))


def _clean(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell).strip().lstrip("\ufeff")


# ---------------------------------------------------------------------- files beside the data


def members(tables: Sequence[str]) -> Members | None:
    """Which table of an archive is the data, and which describe countries and series."""
    base = {n: n.rsplit("/", 1)[-1].lower() for n in tables}

    def first(*patterns: str) -> str:
        return next((n for p in patterns for n in tables if re.search(p, base[n])), "")

    countries = first(r"^metadata_country", r"^[a-z]*country\.csv$", r"country - metadata")
    series = first(r"^metadata_indicator", r"^[a-z]*series\.csv$", r"series - metadata")
    data = first(r"^api_", r"^[a-z]+(csv|data)\.csv$", r"_data\.csv$", r"^p_data_extract")
    rest = [n for n in tables if n not in (countries, series)]
    if not data and len(rest) != 1:
        return None
    return Members(data or rest[0], countries, series)


def series_metadata(table: pd.DataFrame) -> tuple[dict[str, str], dict[str, str], str]:
    """Labels and units by series code, and the licence where the file tells one."""
    columns = {_clean(c).casefold().replace("_", " "): c for c in table.columns}
    code = next(
        (columns[c] for c in ("series code", "code", "indicator code") if c in columns), None
    )
    if code is None:
        return {}, {}, ""
    codes = table[code].map(_clean)

    def column(*names: str) -> dict[str, str]:
        found = next((columns[n] for n in names if n in columns), None)
        if found is None:
            return {}
        pairs = zip(codes, table[found].map(_clean), strict=True)
        return {key: text for key, text in pairs if key and text}

    licences = set(column("license type").values())
    licence = licences.pop() if len(licences) == 1 else ""
    return (
        column("indicator name", "series name"),
        column("unit of measure"),
        (_LICENCES.get(licence, licence)),
    )


def country_metadata(table: pd.DataFrame) -> pd.DataFrame:
    """``iso3, country, region, income_group`` of the countries; aggregates have no region."""
    columns = {_clean(c).casefold().replace(" ", ""): c for c in table.columns}
    wanted: Mapping[str, tuple[str, ...]] = {
        "iso3": ("countrycode", "code"),
        "country": ("tablename", "shortname", "countryname"),
        "region": ("region",),
        "income_group": ("incomegroup",),
    }
    found = {
        new: next((columns[n] for n in names if n in columns), None)
        for new, names in wanted.items()
    }
    lacking = [new for new in ("iso3", "region") if found[new] is None]
    if lacking:
        raise SourceError(f"The country table has no column for {listing(lacking)}.")
    out = pd.DataFrame(
        {new: table[old].map(_clean) for new, old in found.items() if old is not None}
    )
    return out[out["region"] != ""].reset_index(drop=True)


def read_rows(
    stream: Any, dialect: Dialect, shape: Shape, name: str, options: ReadOptions
) -> tuple[pd.DataFrame, list[str]]:
    """A delimited file in pieces, keeping the rows of the wanted series; and all series in it."""
    form: dict[str, Any] = {
        "sep": dialect.separator, "skiprows": shape.header, "keep_default_na": False,
        "encoding": options.encoding or "utf-8-sig", "index_col": False,
    }  # fmt: skip
    marks = [m for mark in options.missing for m in (mark, mark.upper(), mark.capitalize())]
    known: dict[str, None] = {}
    kept = []
    try:
        header = [str(c) for c in pd.read_csv(stream, nrows=0, **form).columns]
        stream.seek(0)
        id_series = next((c for c in header if _clean(c).casefold() in _SERIES), None)
        for piece in pd.read_csv(
            stream, decimal=dialect.decimal, chunksize=_PIECE,
            na_values={c: marks if holds_values(c) else [""] for c in header}, low_memory=False,
            **exact(), **form,
        ):  # fmt: skip
            if id_series is None or options.series is None:
                kept.append(piece)
                continue
            codes = piece[id_series]
            known |= dict.fromkeys(codes.dropna().unique())
            # rows without a series code are the lines below the table
            kept.append(piece[codes.isna() | codes.isin(list(options.series))])
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise SourceError(f"{name} cannot be read as a World Bank file: {error}.") from error
    return pd.concat(kept, ignore_index=True), [str(code) for code in known]
