"""Requests over HTTP, with retries and a cache behind them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from migdev.errors import SourceError, SourceWarning
from migdev.notes import warn
from migdev.sources.cache import Cache, Entry

#: Longest wait, in seconds, that a service may ask for before another try.
LONGEST_WAIT = 120.0


class Transient(Exception):
    """An answer that another try may mend; ``after`` seconds, where the service says so."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Busy(Exception):
    """The service asks for a longer wait than is sensible, or drips."""


class Unreachable(SourceError):
    """No answer came, and the cache holds none: other requests will fare no better."""


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
    why_offline : str
        Reason given where nothing is asked.
    attempts : int
    wait : float
        Seconds before the second try, doubled after each, with jitter; a service that says when
        (``Retry-After``) is heeded, up to two minutes.
    timeout : float
        Seconds for one try, from the request to the last byte.
    largest : int
        Bytes of the largest answer that is taken.
    """

    source: str
    cache_dir: Path | None = None
    max_age_days: float = 7.0
    offline: bool = False
    why_offline: str = "this is offline mode"
    attempts: int = 5
    wait: float = 0.5
    timeout: float = 60.0
    largest: int = 200_000_000

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
        copy is in the cache; ``only`` names the version that the content must have, and a copy of
        it is used however old it is.

        Raises
        ------
        SourceError
            No answer after all tries and nothing in the cache, or offline with an empty cache; an
            answer of another version than ``only``.
        """
        cached = self.cache.find(url, only)
        young = cached is not None and (only or cached[0].age_days < self.max_age_days)
        if cached is not None and young and not fresh:
            return check(cached[1]), cached[0]
        if self.silent:
            return self._from_cache(url, cached, check, self.why_offline)
        try:
            body = self._ask(url, check)
        except SourceError:
            raise
        except Exception as error:
            kind = SourceError if isinstance(error, Transient) else Unreachable
            return self._from_cache(url, cached, check, _reason(error), kind)
        content = check(body)
        entry = self.cache.keep(
            url, body, dataset=dataset, vintage=vintage(content), name=name, licence=licence
        )
        if only is not None and entry.vintage != only:
            raise SourceError(
                f"The cache holds no copy of the version {only}, and {self.source!r} serves that "
                f"of {entry.vintage or 'an unknown date'} now."
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

        def again(error: Exception) -> bool | float:
            if isinstance(error, Transient) and error.after is not None:
                return error.after
            return isinstance(error, httpx.TransportError | Transient)

        @stamina.retry(
            on=again, attempts=self.attempts, wait_initial=self.wait, wait_max=30.0, timeout=None
        )
        def ask() -> bytes:
            end = time.monotonic() + self.timeout
            with httpx.stream("GET", url, timeout=self.timeout, follow_redirects=True) as answer:
                status = answer.status_code
                if status == 429 or status >= 500:
                    raise Transient(f"HTTP status {status}", _asked_wait(answer.headers))
                if status >= 400:
                    raise Rejected(f"{url} answered with HTTP status {status}.")
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > self.largest:
                        raise SourceError(
                            f"{url} gives more than {self.largest / 1e6:g} MB. Ask for fewer "
                            "series, countries or years."
                        )
                    if time.monotonic() > end:
                        raise Busy(f"the answer took more than {self.timeout:g} seconds")
            check(bytes(body))
            return bytes(body)

        return ask()

    def _from_cache(
        self,
        url: str,
        cached: tuple[Entry, bytes] | None,
        check: Callable[[bytes], Any],
        why: str,
        kind: type[SourceError] = SourceError,
    ) -> tuple[Any, Entry]:
        if cached is None:
            raise kind(
                f"{url} could not be read ({why}), and the cache holds no copy of it. Try again "
                "with a connection, or read a file with migdev.read()."
            )
        entry, body = cached
        warn(
            f"{self.source}: a copy of {entry.retrieved[:10]} is used, {entry.age_days:.0f} days "
            f"old, because {why}.",
            SourceWarning,
            stacklevel=4,
        )
        return check(body), entry


def _asked_wait(headers: Any) -> float | None:
    """Seconds that a service asks to wait: a number, or a date (RFC 9110, 10.2.3)."""
    header = headers.get("retry-after", "").strip()
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    if seconds > LONGEST_WAIT:
        raise Busy(f"the service asks to wait {seconds:.0f} seconds before the next request")
    return max(seconds, 0.0)


def _reason(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
