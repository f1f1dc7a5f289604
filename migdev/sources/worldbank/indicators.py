"""The World Bank's Indicators API: live, cached by vintage, batches that survive bad series."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from migdev.errors import SourceError, SourceWarning, listing
from migdev.panel.calendar import Calendar
from migdev.provenance import Extract, Provenance
from migdev.sources.cache import Entry
from migdev.sources.http import Fetcher, Rejected
from migdev.sources.worldbank.pages import LICENCE, PageReader, Pages

BASE = "https://api.worldbank.org/v2"
WDI, ARCHIVES = "2", "57"
#: The service refuses longer addresses.
LONGEST = 1400
PER_PAGE = 20000
#: The service takes no more series than this at once.
MOST_SERIES = 60
#: Years named one by one in an address of the archives; more are asked for as "all".
NAMED_YEARS = 12


@dataclass(slots=True)
class _Batch:
    """What a fetch gathers on its way."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    vintages: dict[str, None] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def leave_out_periods(self) -> None:
        """Leave out series of months or quarters, which a yearly table cannot hold."""
        for row in self.rows:
            if not (len(date := str(row["date"])) == 4 and date.isdigit()):
                why = f"its period {date!r} is no year, and only yearly series can be loaded"
                self.missing.setdefault(row["indicator"]["id"], why)
        self.rows = [r for r in self.rows if r["indicator"]["id"] not in self.missing]

    @property
    def dates(self) -> list[str]:
        """Dates of last update that the answers state."""
        return [date for date in self.vintages if date]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldBank:
    """World Development Indicators, and their archived versions.

    Parameters
    ----------
    base : str
        Address of the service.
    aggregates : {"exclude", "keep"}
        Whether regions and income groups, which the service lists among the countries, stay.
    cache_dir, max_age_days, offline, attempts, wait, timeout
        See :class:`migdev.sources.http.Fetcher`.

    Notes
    -----
    ``vintage=None`` reads the current version; ``lastupdated`` becomes its vintage. A vintage such
    as ``"2017-04"`` reads that version of the archives (source 57).

    References
    ----------
    World Bank, Indicators API documentation, version 2.
    """

    base: str = BASE
    aggregates: str = "exclude"
    cache_dir: Path | None = None
    max_age_days: float = 7.0
    offline: bool = False
    attempts: int = 5
    wait: float = 0.5
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if self.aggregates not in ("exclude", "keep"):
            raise SourceError(f"aggregates={self.aggregates!r}; use 'exclude' or 'keep'.")

    def fetch(
        self,
        series: Sequence[str],
        entities: Sequence[str] | None = None,
        periods: tuple[Any, Any] | None = None,
        vintage: str | None = None,
    ) -> Extract:
        """Fetch series for countries and years.

        Parameters
        ----------
        series : sequence of str
            World Bank codes.
        entities : sequence of str, optional
            ISO3 codes; all countries if not given.
        periods : (first, last), optional
            Years, both included.
        vintage : str, optional
            Version of the archives, ``"2017-04"`` or ``"201704"``.

        Returns
        -------
        Extract
            Columns ``iso3``, ``year`` and the codes; series that could not be had are named with
            the reason in ``provenance.missing``, and warned of.

        Raises
        ------
        SourceError
            No series could be had, or no answer and an empty cache.
        """
        if not series:
            raise SourceError("Name at least one series, such as 'BX.TRF.PWKR.DT.GD.ZS'.")
        years = None if periods is None else _years(periods)
        version = _version(vintage)
        wanted = list(dict.fromkeys(series))
        batch = self._batch(wanted, entities, years, version)
        if len(batch.dates) > 1 and not self._fetcher.silent:
            # Some came from the cache and some from a later version: all of one version, then.
            batch = self._batch(wanted, entities, years, version, fresh=True)
        if len(batch.dates) > 1:
            warnings.warn(
                f"The series are of different versions, last updated on {listing(batch.dates)}.",
                SourceWarning,
                stacklevel=2,
            )
        batch.leave_out_periods()
        if years is not None:
            first, last = years
            batch.rows = [r for r in batch.rows if first <= _year(r) <= last]
        if not batch.rows:
            why = {code: batch.missing.get(code, "the answer held no value") for code in wanted}
            reasons = "; ".join(f"{code}: {reason}" for code, reason in why.items())
            raise SourceError(f"The World Bank gave none of {listing(series)}. {reasons}")
        frame, labels, dropped = self._frame(batch.rows)
        for code in series:
            if code not in frame.columns:
                batch.missing.setdefault(code, "the answer held no value")
        if batch.missing:
            warnings.warn(
                "Not obtained from the World Bank: "
                + "; ".join(f"{code} ({why})" for code, why in batch.missing.items())
                + ".",
                SourceWarning,
                stacklevel=2,
            )
        return Extract(
            frame=frame,
            keys=("iso3",),
            time="year",
            provenance=self._provenance(batch, series, vintage, labels, dropped),
        )

    def countries(self) -> pd.DataFrame:
        """Every country and aggregate that the service knows, with region and income group.

        Returns
        -------
        DataFrame
            ``iso3, country, region, income_group, aggregate``.
        """
        pages = PageReader(self._fetcher).read(self._url("country", {}))
        rows = [row for answer, _ in pages for row in answer.rows]
        return pd.DataFrame(
            [
                {
                    "iso3": row["id"],
                    "country": row["name"],
                    "region": row["region"]["value"].strip(),
                    "income_group": row["incomeLevel"]["value"],
                    "aggregate": row["region"]["value"].strip() == "Aggregates",
                }
                for row in rows
            ]
        )

    # ------------------------------------------------------------------ requests

    @property
    def _fetcher(self) -> Fetcher:
        return Fetcher(
            source="worldbank", cache_dir=self.cache_dir, max_age_days=self.max_age_days,
            offline=self.offline, attempts=self.attempts, wait=self.wait, timeout=self.timeout,
        )  # fmt: skip

    def _batch(
        self,
        series: list[str],
        entities: Sequence[str] | None,
        years: tuple[int, int] | None,
        version: str | None,
        fresh: bool = False,
    ) -> _Batch:
        batch = _Batch()
        for codes in _chunks(series, self._room(years, version) * 3 // 5, MOST_SERIES):
            self._gather(batch, codes, entities, years, version, fresh)
        return batch

    def _gather(
        self,
        batch: _Batch,
        codes: list[str],
        entities: Sequence[str] | None,
        years: tuple[int, int] | None,
        version: str | None,
        fresh: bool,
    ) -> None:
        """Fetch several series at once; where the service refuses, halve the batch until the bad
        series stand alone. A series comes whole, with all countries and pages, or not at all."""
        reader, pages = PageReader(self._fetcher), Pages()
        try:
            for places in self._places(entities, years, version):
                pages += reader.read(self._data_url(codes, places, years, version), fresh=fresh)
        except Rejected as error:
            if len(codes) == 1:
                batch.missing[codes[0]] = str(error)
                return
            half = len(codes) // 2
            for part in (codes[:half], codes[half:]):
                self._gather(batch, part, entities, years, version, fresh)
            return
        except SourceError as error:
            batch.missing |= dict.fromkeys(codes, str(error))
            return
        for answer, entry in pages:
            batch.rows += answer.rows
            batch.entries.append(entry)
            batch.vintages[answer.lastupdated] = None

    def _data_url(
        self,
        codes: list[str],
        places: list[str],
        years: tuple[int, int] | None,
        version: str | None,
    ) -> str:
        where, what = ";".join(places) or "all", ";".join(codes)
        if version is None:
            dates = {} if years is None else {"date": f"{years[0]}:{years[1]}"}
            return self._url(f"country/{where}/indicator/{what}", {"source": WDI, **dates})
        few = years is not None and years[1] - years[0] < NAMED_YEARS
        when = "all"
        if years is not None and few:
            when = ";".join(f"YR{year}" for year in range(years[0], years[1] + 1))
        path = (
            f"sources/{ARCHIVES}/country/{where}/series/{what}/time/{when}/version/{version}/data"
        )
        return self._url(path, {})

    def _url(self, path: str, options: dict[str, str]) -> str:
        asked = {"format": "json", "per_page": str(PER_PAGE), **options}
        query = "&".join(f"{k}={quote(v, safe=':;')}" for k, v in asked.items())
        return f"{self.base}/{quote(path, safe='/;.')}?{query}"

    def _room(self, years: tuple[int, int] | None, version: str | None) -> int:
        """Characters of an address that are left for series and countries."""
        return LONGEST - len(self._data_url([], [], years, version)) - len("&page=1000")

    def _places(
        self, entities: Sequence[str] | None, years: tuple[int, int] | None, version: str | None
    ) -> list[list[str]]:
        if entities is None:
            return [[]]
        wanted = list(dict.fromkeys(str(e).upper() for e in entities))
        return _chunks(wanted, self._room(years, version) * 2 // 5)

    # ------------------------------------------------------------------ answers

    def _frame(self, rows: list[dict[str, Any]]) -> tuple[pd.DataFrame, dict[str, str], int]:
        """Tidy frame, labels of the series, and the number of rows of aggregates left out."""
        labels = {row["indicator"]["id"]: row["indicator"]["value"] for row in rows}
        long = pd.DataFrame(
            {
                "iso3": [row["countryiso3code"] or row["country"]["id"] for row in rows],
                "year": [_year(row) for row in rows],
                "series": [row["indicator"]["id"] for row in rows],
                "value": pd.to_numeric([row["value"] for row in rows], errors="coerce"),
            }
        )
        dropped = 0
        if self.aggregates == "exclude":
            listed = self.countries()
            known = set(listed.loc[~listed["aggregate"], "iso3"])
            inside = long["iso3"].isin(known)
            dropped = int((~inside).sum())
            long = long[inside]
        long = long.dropna(subset="value").drop_duplicates()
        twice = long[long.duplicated(["iso3", "year", "series"])]
        if len(twice):
            code, place, year = twice.iloc[0][["series", "iso3", "year"]]
            raise SourceError(
                f"The World Bank gave {len(twice)} values twice with different numbers, first "
                f"{code!r} for {place} in {year}."
            )
        wide = long.pivot(index=["iso3", "year"], columns="series", values="value")
        frame = wide.rename_axis(columns=None).reset_index()
        return frame, labels, dropped

    def _provenance(
        self,
        batch: _Batch,
        series: Sequence[str],
        vintage: str | None,
        labels: dict[str, str],
        dropped: int,
    ) -> Provenance:
        version = vintage or ", ".join(v for v in batch.vintages if v)
        hashes = "".join(entry.sha256 for entry in batch.entries)
        digest = batch.entries[0].sha256 if len(batch.entries) == 1 else (
            hashlib.sha256(hashes.encode()).hexdigest()
        )  # fmt: skip
        retrieved = min(entry.retrieved for entry in batch.entries)
        notes = [f"{dropped} rows of aggregates left out"] if dropped else []
        if len(batch.entries) > 1:
            notes.append(f"sha256 is that of the hashes of {len(batch.entries)} pages, in order")
        return Provenance(
            publisher="World Bank",
            dataset="World Development Indicators" if vintage is None else "WDI archives",
            series=tuple(code for code in series if code not in batch.missing),
            vintage=version,
            request=" ".join(dict.fromkeys(entry.request for entry in batch.entries)),
            retrieved=retrieved,
            sha256=digest,
            licence=LICENCE,
            citation=f"World Bank, World Development Indicators ({version or 'undated'}).",
            units={code: _unit(label) for code, label in labels.items() if _unit(label)},
            labels=labels,
            missing=dict(batch.missing),
            notes=tuple(notes),
        )


def _unit(label: str) -> str:
    """The unit that stands in brackets at the end of a label."""
    if not label.endswith(")") or "(" not in label:
        return ""
    return label[label.rindex("(") + 1 : -1]


def _version(vintage: str | None) -> str | None:
    """``"2017-04"`` as the archives write it, ``"201704"``."""
    if vintage is None:
        return None
    digits = vintage.replace("-", "")
    if len(digits) != 6 or not digits.isdigit():
        raise SourceError(f"vintage={vintage!r}; name a version of the archives such as '2017-04'.")
    return digits


def _years(periods: tuple[Any, Any]) -> tuple[int, int]:
    """First and last year of what was asked for."""
    first, last = (Calendar("year").span(bound) for bound in periods)
    if first[0] > last[1]:
        raise SourceError(f"periods={periods!r}: the first year comes after the last.")
    return first[0], last[1]


def _year(row: dict[str, Any]) -> int:
    return int(row["date"])


def _chunks(items: list[str], length: int, most: int = 10**6) -> list[list[str]]:
    """Parts of at most ``most`` items whose joined length stays below ``length``."""
    parts: list[list[str]] = []
    size = length + 1
    for item in items:
        if size + len(item) + 1 > length or len(parts[-1]) == most:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += len(item) + 1
    return parts
