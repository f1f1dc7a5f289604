"""Files that are whole or not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A place beside a file, which becomes the file when the block ends well.

    Whatever stops it, Ctrl-C too, leaves the file as it was and nothing beside it.
    """
    partial = path.with_name(f".{path.name}-{token_hex(4)}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file at once; text in UTF-8, with its line ends as they are."""
    body = content.encode() if isinstance(content, str) else content
    with beside(path) as partial:
        partial.write_bytes(body)
