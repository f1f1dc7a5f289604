"""Where a package goes: written beside, and renamed when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from migdev.errors import ReportError, SourceError, listing
from migdev.replication.manifest import read_manifest, walk


def check_place(folder: Path) -> None:
    """Refuse a place that is neither free nor an earlier package.

    Raises
    ------
    ReportError
        It is a file, or a folder of something else.
    """
    if folder.exists() and not folder.is_dir():
        raise ReportError(f"{folder.name!r} is a file; a package is a folder. Choose another name.")
    if folder.exists() and any(folder.iterdir()):
        try:
            read_manifest(folder)
        except SourceError as error:
            raise ReportError(
                f"{folder.name!r} exists and is not a replication package ({error}) Choose another "
                "folder."
            ) from error


@contextmanager
def written_beside(folder: Path) -> Iterator[Path]:
    """An empty folder beside a place, which takes the place when the block ends well.

    An earlier package gives way then, and only what its manifest lists: other files stay. If
    anything fails before, the place is as it was.

    Raises
    ------
    ReportError
        The place is taken by something else, or by a file that the package writes itself.
    """
    place = folder.resolve()
    check_place(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    new = place.with_name(f".{place.name}-{token_hex(4)}")
    new.mkdir()
    try:
        yield new
        _exchange(new, place)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _exchange(new: Path, place: Path) -> None:
    if not place.exists() or not any(place.iterdir()):
        if place.exists():
            place.rmdir()
        new.rename(place)
        return
    own = read_manifest(place).own
    foreign = [name for name in walk(place) if name not in own]
    if taken := [name for name in foreign if (new / name).exists()]:
        raise ReportError(
            f"{place.name!r} holds {listing(taken)}, which the package there does not list and the "
            "new one writes. Move it away."
        )
    for name in foreign:
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(place / name, new / name, follow_symlinks=False)
    former = place.with_name(f"{new.name}-former")
    place.rename(former)
    try:
        new.rename(place)
    except BaseException:
        former.rename(place)
        raise
    shutil.rmtree(former)
