"""The World Bank's Indicators API: live, cached by vintage, batches that survive bad series."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from migdev.errors import SourceError, SourceWarning, listing
from migdev.notes import warn
from migdev.options import Aggregates, check_choice
from migdev.panel.calendar import Calendar
from migdev.provenance import Extract, Provenance
from migdev.sources.http import Fetcher
from migdev.sources.worldbank.addresses import Addresses
from migdev.sources.worldbank.answers import Value, archived, countries, values
from migdev.sources.worldbank.batch import Batch
from migdev.sources.worldbank.pages import LICENCE, PageReader

BASE = "https://api.worldbank.org/v2"


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
    as ``"2017-04"`` reads that version of the archives (source 57); a date such as
    ``"2024-09-19"`` the copy of that version in the cache, also offline and however old.

    References
    ----------
    World Bank, Indicators API documentation, version 2.
    """

    base: str = BASE
    aggregates: Aggregates = "exclude"
    cache_dir: Path | None = None
    max_age_days: float = 7.0
    offline: bool = False
    attempts: int = 5
    wait: float = 0.5
    timeout: float = 60.0

    def __post_init__(self) -> None:
        check_choice("aggregates", self.aggregates, Aggregates, SourceError)

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
            Version of the archives, ``"2017-04"`` or ``"201704"``, or the date of last update of a
            version in the cache.

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
        archive, version = _version(vintage)
        addresses = Addresses(self.base, years, archive)
        reader = PageReader(self._fetcher, values if archive is None else archived, version)
        wanted = list(dict.fromkeys(series))
        batch = _gathered(reader, addresses, wanted, entities)
        if len(batch.dates) > 1 and not self._fetcher.silent:
            # Some came from the cache and some from a later version: all of one version, then.
            batch = _gathered(reader, addresses, wanted, entities, fresh=True)
        if len(batch.dates) > 1:
            warn(
                f"The series are of different versions, last updated on {listing(batch.dates)}.",
                SourceWarning,
                stacklevel=2,
            )
        batch.settle(years)
        labels = {row.series: row.label for row in batch.rows}
        frame, dropped = self._frame(batch.rows) if batch.rows else (pd.DataFrame(), 0)
        for code in wanted:
            if code not in frame.columns:
                batch.missing.setdefault(code, "the answer held no value")
        if len(batch.missing) == len(wanted):
            reasons = "; ".join(f"{code}: {batch.missing[code]}" for code in wanted)
            raise SourceError(f"The World Bank gave none of {listing(series)}. {reasons}")
        if batch.missing:
            warn(
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
            provenance=_provenance(batch, series, vintage, archive is not None, labels, dropped),
        )

    def countries(self) -> pd.DataFrame:
        """Every country and aggregate that the service knows, with region and income group.

        Returns
        -------
        DataFrame
            ``iso3, country, region, income_group, aggregate``.
        """
        address = Addresses(self.base).countries()
        pages = PageReader(self._fetcher, countries).read(address)
        rows = [row for answer, _ in pages for row in answer.rows]
        if not rows:
            raise SourceError(f"{address} gave an empty list of countries. Try again later.")
        listed = pd.DataFrame(rows, columns=["iso3", "country", "region", "income_group"])
        return listed.assign(aggregate=listed["region"] == "Aggregates")

    @property
    def _fetcher(self) -> Fetcher:
        return Fetcher(
            source="worldbank", cache_dir=self.cache_dir, max_age_days=self.max_age_days,
            offline=self.offline, attempts=self.attempts, wait=self.wait, timeout=self.timeout,
        )  # fmt: skip

    def _frame(self, rows: list[Value]) -> tuple[pd.DataFrame, int]:
        """Tidy frame, and the number of rows of aggregates left out."""
        long = pd.DataFrame(rows, columns=["series", "label", "iso3", "year", "value"])
        long = long.drop(columns="label").astype({"year": "int64", "value": "float64"})
        dropped = 0
        if self.aggregates == "exclude":
            listed = self.countries()
            known = set(listed.loc[~listed["aggregate"], "iso3"])
            inside = long["iso3"].isin(known)
            dropped = int((~inside).sum())
            long = long[inside]
        wide = long.pivot(index=["iso3", "year"], columns="series", values="value")
        frame = wide.rename_axis(columns=None).reset_index()
        return frame, dropped


def _provenance(
    batch: Batch,
    series: Sequence[str],
    vintage: str | None,
    from_archives: bool,
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
        dataset="WDI archives" if from_archives else "World Development Indicators",
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


def _gathered(
    reader: PageReader, addresses: Addresses, series: list[str], entities: Sequence[str] | None,
    fresh: bool = False,
) -> Batch:  # fmt: skip
    batch, places = Batch(), addresses.places(entities)
    for codes in addresses.batches(series):
        batch.gather(reader, addresses, codes, places, fresh)
    return batch


def _version(vintage: str | None) -> tuple[str | None, str | None]:
    """``"2017-04"`` as the archives write it, ``"201704"``; or a date of last update as it is."""
    if vintage is None:
        return None, None
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", vintage):
        return None, vintage
    digits = vintage.replace("-", "")
    if len(digits) != 6 or not digits.isdigit():
        raise SourceError(
            f"vintage={vintage!r}; name a version of the archives such as '2017-04', or the date "
            "of last update of a copy in the cache such as '2024-09-19'."
        )
    return digits, None


def _years(periods: tuple[Any, Any]) -> tuple[int, int]:
    """First and last year of what was asked for."""
    first, last = (Calendar("year").span(bound) for bound in periods)
    if first[0] > last[1]:
        raise SourceError(f"periods={periods!r}: the first year comes after the last.")
    return first[0], last[1]
