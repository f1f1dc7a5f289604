"""Requests over HTTP, with retries and a cache behind them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migdev.errors import SourceError, SourceWarning
from migdev.sources.cache import Cache, Entry


class Transient(Exception):
    """An answer that another try may mend."""


class Rejected(SourceError):
    """The service answers that this very request cannot be served; others may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """GET with retries, then the cache.

    Attributes
    ----------
    source : str
        Name of the source, for the cache and messages.
    cache_dir : Path, optional
    max_age_days : float
        A cached answer younger than this is used without asking.
    offline : bool
        Never ask; also set by ``MIGDEV_OFFLINE=1``.
    attempts : int
    wait : float
        Seconds before the second try; doubled after each, with jitter.
    timeout : float
        Seconds for one try.
    """

    source: str
    cache_dir: Path | None = None
    max_age_days: float = 7.0
    offline: bool = False
    attempts: int = 5
    wait: float = 0.5
    timeout: float = 60.0

    @property
    def cache(self) -> Cache:
        return Cache(self.source, self.cache_dir)

    @property
    def silent(self) -> bool:
        return self.offline or os.environ.get("MIGDEV_OFFLINE", "") not in ("", "0")

    def get(
        self,
        url: str,
        check: Callable[[bytes], Any],
        *,
        dataset: str,
        name: str,
        licence: str = "",
        vintage: Callable[[Any], str] = lambda _: "",
        fresh: bool = False,
        only: str | None = None,
    ) -> tuple[Any, Entry]:
        """What ``check`` makes of the answer, and the cache entry that holds it.

        ``check`` raises :class:`Transient` for an answer worth another try, and SourceError for
        one that is final; only answers that pass are cached. ``fresh`` asks even where a young
        copy is in the cache; ``only`` names the version that a copy must have.

        Raises
        ------
        SourceError
            No answer after all tries and nothing in the cache, or offline with an empty cache.
        """
        cached = self.cache.find(url, only)
        if not fresh and cached is not None and cached[0].age_days < self.max_age_days:
            return check(cached[1]), cached[0]
        if self.silent:
            return self._from_cache(url, cached, check, "this is offline mode")
        try:
            body = self._ask(url, check)
        except SourceError:
            raise
        except Exception as error:
            return self._from_cache(url, cached, check, _reason(error))
        content = check(body)
        entry = self.cache.keep(
            url, body, dataset=dataset, vintage=vintage(content), name=name, licence=licence
        )
        return content, entry

    def _ask(self, url: str, check: Callable[[bytes], Any]) -> bytes:
        try:
            import httpx
            import stamina
        except ImportError:
            raise SourceError(
                f"{self.source!r} asks the network and needs: pip install 'migdev[web]'."
            ) from None

        @stamina.retry(
            on=(httpx.TransportError, Transient), attempts=self.attempts,
            wait_initial=self.wait, wait_max=30.0, timeout=None,
        )  # fmt: skip
        def ask() -> bytes:
            answer = httpx.get(url, timeout=self.timeout, follow_redirects=True)
            if answer.status_code == 429 or answer.status_code >= 500:
                raise Transient(f"HTTP status {answer.status_code}")
            if answer.status_code >= 400:
                raise Rejected(f"{url} answered with HTTP status {answer.status_code}.")
            check(answer.content)
            return bytes(answer.content)

        return ask()

    def _from_cache(
        self, url: str, cached: tuple[Entry, bytes] | None, check: Callable[[bytes], Any], why: str
    ) -> tuple[Any, Entry]:
        if cached is None:
            raise SourceError(
                f"{url} could not be read ({why}), and the cache holds no copy of it. Try again "
                "with a connection, or read a file with migdev.read()."
            )
        entry, body = cached
        warnings.warn(
            f"{self.source}: a copy of {entry.retrieved[:10]} is used, {entry.age_days:.0f} days "
            f"old, because {why}.",
            SourceWarning,
            stacklevel=4,
        )
        return check(body), entry


def _reason(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
