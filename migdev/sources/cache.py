"""Files kept by vintage and hash: nothing is overwritten, and damage is noticed.

Under ``$MIGDEV_CACHE``, else the user's cache folder, raw bytes lie at
``source/dataset/vintage/sha256-name`` beside a JSON file with the request, the date and the
licence. An index by request finds the newest copy.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from migdev.errors import SourceWarning
from migdev.notes import warn
from migdev.writing import write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A cached answer to a request."""

    request: str
    path: str
    sha256: str
    bytes: int
    vintage: str
    retrieved: str
    licence: str = ""

    @property
    def age_days(self) -> float:
        then = datetime.fromisoformat(self.retrieved)
        return (datetime.now(UTC) - then).total_seconds() / 86400


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache of one source.

    Attributes
    ----------
    source : str
        Name of the source, the first folder.
    root : Path, optional
        Default ``$MIGDEV_CACHE``, else the user's cache folder.
    """

    source: str
    root: Path | None = None

    @property
    def folder(self) -> Path:
        if self.root is not None:
            return self.root / self.source
        named = os.environ.get("MIGDEV_CACHE")
        if named:
            return Path(named) / self.source
        from platformdirs import user_cache_dir

        return Path(user_cache_dir("migdev")) / self.source

    def vintages(self, request: str) -> list[str]:
        """Versions of the answer to a request that are kept, oldest copy first."""
        return list(dict.fromkeys(entry.vintage for entry in self._entries(request)))

    def find(self, request: str, vintage: str | None = None) -> tuple[Entry, bytes] | None:
        """The newest undamaged copy of the answer to a request, of one version if named."""
        for entry in reversed(self._entries(request)):
            if vintage is not None and entry.vintage != vintage:
                continue
            path = self.folder / entry.path
            if not path.exists():
                continue
            body = path.read_bytes()
            if hashlib.sha256(body).hexdigest() == entry.sha256:
                return entry, body
            warn(
                f"The cached file {entry.path!r} is damaged (its SHA-256 is not the recorded one) "
                "and is not used.",
                SourceWarning,
                stacklevel=3,
            )
        return None

    def keep(
        self, request: str, body: bytes, *, dataset: str, vintage: str, name: str, licence: str = ""
    ) -> Entry:
        """Store an answer; a revision goes beside the older one."""
        digest = hashlib.sha256(body).hexdigest()
        place = Path(_safe(dataset)) / _safe(vintage or "undated") / f"{digest[:16]}-{_safe(name)}"
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != body:
            _write(target, body)
        entry = Entry(
            request=request, path=place.as_posix(), sha256=digest, bytes=len(body),
            vintage=vintage, retrieved=datetime.now(UTC).isoformat(timespec="seconds"),
            licence=licence,
        )  # fmt: skip
        _write(target.with_name(target.name + ".json"), json.dumps(asdict(entry)).encode())
        known = [e for e in self._entries(request) if e.sha256 != digest]
        listed = json.dumps([asdict(e) for e in [*known, entry]], indent=1)
        _write(self._index(request), listed.encode())
        return entry

    def _entries(self, request: str) -> list[Entry]:
        path = self._index(request)
        if not path.exists():
            return []
        try:
            entries = [Entry(**item) for item in json.loads(path.read_bytes())]
            return entries if all(entry.age_days < math.inf for entry in entries) else []
        except (ValueError, TypeError):  # no JSON, no text, other fields, no date
            return []  # a damaged index only costs a new request

    def _index(self, request: str) -> Path:
        digest = hashlib.sha256(request.encode()).hexdigest()
        return self.folder / "index" / f"{digest}.json"


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in name)[:80] or "unnamed"


def _write(path: Path, body: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, body)
