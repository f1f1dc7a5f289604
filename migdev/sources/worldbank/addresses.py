"""Addresses of the World Bank's service: what is asked for, within the length it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

WDI, ARCHIVES = "2", "57"
#: The service refuses longer addresses.
LONGEST = 1400
PER_PAGE = 20000
#: The service takes no more series than this at once.
MOST_SERIES = 60
#: Years named one by one in an address of the archives; more are asked for as "all".
NAMED_YEARS = 12


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of one request.

    Attributes
    ----------
    base : str
        Address of the service.
    years : (first, last), optional
    archive : str, optional
        Version of the archives, ``"201704"``; None for the current one.
    """

    base: str
    years: tuple[int, int] | None = None
    archive: str | None = None

    def data(self, codes: Sequence[str], places: Sequence[str]) -> str:
        """Values of series for countries, all of them where none is named."""
        where, what = ";".join(places) or "all", ";".join(codes)
        if self.archive is None:
            dates = {} if self.years is None else {"date": f"{self.years[0]}:{self.years[1]}"}
            return self._url(f"country/{where}/indicator/{what}", {"source": WDI, **dates})
        when = "all"
        if self.years is not None and self.years[1] - self.years[0] < NAMED_YEARS:
            when = ";".join(f"YR{year}" for year in range(self.years[0], self.years[1] + 1))
        return self._url(
            f"sources/{ARCHIVES}/country/{where}/series/{what}/time/{when}/version/"
            f"{self.archive}/data",
            {},
        )

    def countries(self) -> str:
        return self._url("country", {})

    def batches(self, series: list[str]) -> list[list[str]]:
        """Series in parts that an address has room for."""
        return _chunks(series, self._room * 3 // 5, MOST_SERIES)

    def places(self, entities: Sequence[str] | None) -> list[list[str]]:
        """Countries in parts that an address has room for; one empty part for all of them."""
        if entities is None:
            return [[]]
        return _chunks(list(dict.fromkeys(str(e).upper() for e in entities)), self._room * 2 // 5)

    @property
    def _room(self) -> int:
        """Characters of an address that are left for series and countries."""
        return LONGEST - len(self.data([], [])) - len("&page=1000")

    def _url(self, path: str, options: dict[str, str]) -> str:
        asked = {"format": "json", "per_page": str(PER_PAGE), **options}
        query = "&".join(f"{k}={quote(v, safe=':;')}" for k, v in asked.items())
        return f"{self.base}/{quote(path, safe='/;.')}?{query}"


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
