"""All pages of one answer of the World Bank, of one version, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migdev.errors import SourceError, listing
from migdev.sources.cache import Entry
from migdev.sources.http import Fetcher
from migdev.sources.worldbank.answers import Answer, Value

LICENCE = "CC BY 4.0"
#: Pages that an answer may have: the service cuts at 20,000 rows, and all of WDI has 27 million.
MOST_PAGES = 1500
Pages = list[tuple[Answer, Entry]]


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads the pages of an address, and refuses what does not hang together.

    Pages in the cache may be older than those just fetched; where their dates or totals differ,
    rows come twice or are fewer than promised, all pages are fetched anew. Offline, the newest
    version of which the cache holds every page is taken.

    Attributes
    ----------
    fetcher : Fetcher
    decode : callable
        Reads the body of a page.
    version : str, optional
        Date of last update that the pages must bear; taken from the cache where it holds them.
    """

    fetcher: Fetcher
    decode: Callable[[bytes], Answer]
    version: str | None = None

    def read(self, url: str, *, fresh: bool = False) -> Pages:
        """Every page of an answer.

        Raises
        ------
        SourceError
            A page could not be had, or the pages differ in version or total, repeat rows, or hold
            another number of rows than promised, also when fetched again.
        """
        found = self._pages(url, fresh=fresh, vintage=self.version)
        trouble = inconsistency(found)
        if trouble and self.fetcher.silent:
            return self._from_cache(url, trouble)
        if trouble:
            found = self._pages(url, fresh=True, vintage=self.version)
            trouble = inconsistency(found)
        if trouble:
            raise SourceError(
                f"The pages of {url} do not hang together: {trouble}. The service may be in the "
                "middle of an update; try again later."
            )
        return found

    def _pages(self, url: str, *, fresh: bool = False, vintage: str | None = None) -> Pages:
        found: Pages = []
        page, pages = 1, 1
        of: Callable[[Answer], str] = lambda answer: answer.lastupdated  # noqa: E731
        while page <= pages:
            found.append(
                self.fetcher.get(
                    f"{url}&page={page}", self.decode, dataset="indicators",
                    name=f"page-{page}.json", licence=LICENCE, vintage=of, fresh=fresh,
                    only=vintage,
                )
            )  # fmt: skip
            pages = found[-1][0].pages
            page += 1
            if pages > MOST_PAGES:
                raise SourceError(
                    f"{url} promises {pages:,} pages, more than the {MOST_PAGES:,} that are read. "
                    "Ask for fewer series, countries or years."
                )
        return found

    def _from_cache(self, url: str, trouble: str) -> Pages:
        versions = self.fetcher.cache.vintages(f"{url}&page=1")
        for version in reversed(versions):
            try:
                found = self._pages(url, vintage=version)
            except SourceError:
                continue
            if not inconsistency(found):
                return found
        raise SourceError(
            f"The cached pages of {url} do not hang together ({trouble}), and this is offline "
            "mode. Fetch them again with a connection."
        )


def inconsistency(pages: Pages) -> str:
    """Why pages do not belong together; ``""`` where they do."""
    answers = [answer for answer, _ in pages]
    dates = list(dict.fromkeys(a.lastupdated for a in answers))
    if len(dates) > 1:
        return f"they were last updated on {listing(dates)}"
    totals = list(dict.fromkeys(a.total for a in answers))
    if len(totals) > 1:
        return f"they promise {listing(totals)} rows in all"
    numbers = [a.page for a in answers]
    if any(numbers) and numbers != list(range(1, len(numbers) + 1)):
        return f"they are numbered {listing(numbers)}"
    rows = [row for answer in answers for row in answer.rows]
    if totals and len(rows) != totals[0]:
        return f"{len(rows)} rows came, {totals[0]} were promised"
    # Values of one series, place and date with another number are told of where they are used.
    keys = {row if not isinstance(row, Value) else (*row[:4], str(row.value)) for row in rows}
    if len(keys) < len(rows):
        return f"{len(rows) - len(keys)} of their {len(rows)} rows come twice"
    return ""
