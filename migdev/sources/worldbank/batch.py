"""Several series at once: gathered whole, halved where something stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from migdev.errors import SourceError
from migdev.sources.cache import Entry
from migdev.sources.http import Rejected, Unreachable
from migdev.sources.worldbank.addresses import Addresses
from migdev.sources.worldbank.answers import Value
from migdev.sources.worldbank.pages import PageReader, Pages

#: Requests in vain after which the service is taken to be down.
PATIENCE = 12


@dataclass(slots=True)
class Batch:
    """What a fetch gathers on its way.

    Attributes
    ----------
    rows : list of Value
    entries : list of Entry
        The cached pages.
    vintages : dict
        Dates of last update, in the order in which they came.
    missing : dict from series to reason
    """

    rows: list[Value] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    vintages: dict[str, None] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    _failures: int = 0

    def gather(
        self,
        reader: PageReader,
        addresses: Addresses,
        codes: list[str],
        places: Sequence[list[str]],
        fresh: bool = False,
        why: str = "",
    ) -> None:
        """Fetch several series at once.

        A series comes whole, with all countries and pages, or not at all. Where the service
        refuses or fails the batch is halved until the bad series stand alone. Halves of a failed
        batch are asked for once, without further tries, and from the cache alone where no answer
        came.
        """
        found: Pages = []
        try:
            for part in places:
                found += reader.read(addresses.data(codes, part), fresh=fresh)
        except SourceError as error:
            fetcher = reader.fetcher
            if isinstance(error, Unreachable):
                fetcher = replace(fetcher, offline=True, why_offline="the service does not answer")
                why = why or str(error)
            elif not isinstance(error, Rejected) and not fetcher.silent:
                self._failures += 1
                fetcher = replace(fetcher, attempts=1)
            if len(codes) == 1 or self._failures > PATIENCE:
                message = str(error) if isinstance(error, Rejected) else why or str(error)
                self.missing |= dict.fromkeys(codes, message)
                return
            half, reader = len(codes) // 2, replace(reader, fetcher=fetcher)
            for some in (codes[:half], codes[half:]):
                self.gather(reader, addresses, some, places, fresh, why)
            return
        for answer, entry in found:
            self.rows += answer.rows
            self.entries.append(entry)
            self.vintages[answer.lastupdated] = None

    def settle(self, years: tuple[int, int] | None) -> None:
        """Leave out what a yearly table of numbers cannot hold, series by series, and other years.

        A series with a period that is no year, a value that is no number, or two values of one
        year is named among the missing: the rest of it would have a hole that nobody sees.
        """
        kept: dict[tuple[str, str, str], Value] = {}
        for row in self.rows:
            if not (len(row.date) == 4 and row.date.isdigit()):
                why = f"its period {row.date!r} is no year, and only yearly series can be loaded"
                self.missing.setdefault(row.series, why)
            elif row.value is not None and _wanted(row.date, years):
                number, key = _number(row.value), (row.series, row.iso3, row.date)
                if number is None:
                    why = f"its value {row.value!r} for {row.iso3} in {row.date} is no number"
                    self.missing.setdefault(row.series, why)
                elif key in kept:
                    why = f"it has two values for {row.iso3} in {row.date}"
                    self.missing.setdefault(row.series, why)
                else:
                    kept[key] = row._replace(value=number)
        self.rows = [row for row in kept.values() if row.series not in self.missing]

    @property
    def dates(self) -> list[str]:
        """Dates of last update that the answers state."""
        return [date for date in self.vintages if date]


def _wanted(date: str, years: tuple[int, int] | None) -> bool:
    return years is None or years[0] <= int(date) <= years[1]


def _number(value: object) -> float | None:
    """A number, or text that is one as Python and JSON write it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
