"""Verify a package: files against their hashes, then a rerun of a copy in a clean process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from migdev.errors import SourceError, listing
from migdev.progress import Progress
from migdev.replication.data import read_data
from migdev.replication.manifest import (
    DATA,
    Manifest,
    changed_files,
    read_json,
    read_manifest,
    sha256,
    unlisted_files,
)
from migdev.replication.numbers import TOLERANCES, compare
from migdev.replication.process import run_script

#: Seconds after which a program of a package is stopped.
TIMEOUT = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The outcome of a check of the files and, where they are as listed, of a rerun.

    Attributes
    ----------
    seal : str
        The seal of the manifest, to compare with one that the author published elsewhere.
    programs : tuple of str
        The Python files that a rerun executes or may import.
    ran : bool
        Whether they were run.
    changed : tuple of str
        Files that are missing, lie outside the folder or differ from the manifest. Nothing is run
        then.
    pages : tuple of str
        Files of ``results`` that are neither as they were written nor as the rerun writes them.
    unlisted : tuple of str
        Files that the manifest does not list; they take no part in a rerun.
    differences : tuple of str
        Numbers beyond tolerance.
    failure : str
        What the rerun printed where it did not finish.
    prepared : tuple of str
        How the analysis data made from the raw files differ from those of the package; empty
        too where the package holds no raw files.
    """

    seal: str = ""
    programs: tuple[str, ...] = ()
    ran: bool = False
    changed: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    failure: str = ""
    prepared: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing differs, in the files and, where they were run, in the numbers."""
        files = self.changed or self.pages or self.unlisted
        return not (files or self.differences or self.prepared or self.failure)

    @property
    def may_run(self) -> bool:
        """Whether every file that takes part in a rerun is as the manifest lists it."""
        return not self.changed

    def __str__(self) -> str:
        if self.passed:
            numbers = (
                "the rerun gave the same numbers "
                f"(relative {TOLERANCES['estimates']:g}; shares of draws {TOLERANCES['shares']:g})."
                if self.ran
                else "nothing was run, so the numbers were not compared."
            )
            return f"{'Verified' if self.ran else 'Files'}: every file has its hash, and {numbers}"
        lines = [f"Changed file: {text}" for text in (*self.changed, *self.pages)]
        lines += [f"Not in the manifest: {text}" for text in self.unlisted]
        lines += [f"Data made from data/raw differ: {text}" for text in self.prepared]
        lines += [f"Different number: {text}" for text in self.differences]
        lines += [f"The rerun failed: {self.failure}"] if self.failure else []
        lines += [] if self.ran or self.failure else ["Nothing was run."]
        return "\n".join(lines)


def verify(folder: str | Path, *, run: bool = True, timeout: float = TIMEOUT) -> Verification:
    """Check every file of a package, rerun its code in a copy, and compare the numbers.

    The rerun executes the Python code of the package with your rights; of a package that you do not
    trust, read the code first, or check its files alone with ``run=False``. It starts only if every
    file is as the manifest lists it, and works on a copy of those files.

    The hashes show damage and later edits. They are no signature: whoever changes a file can write
    a new manifest, so compare ``seal`` with one that the author published elsewhere.

    Parameters
    ----------
    folder : path
    run : bool
        Run the code; else only the files are checked.
    timeout : float
        Seconds after which a program is stopped.

    Raises
    ------
    SourceError
        The folder is not a replication package.
    """
    root = Path(folder).resolve()
    manifest = read_manifest(root)
    checked = Verification(
        seal=manifest.seal,
        programs=manifest.programs(),
        changed=tuple(changed_files(root, manifest)),
        unlisted=tuple(unlisted_files(root, manifest)),
    )
    if not checked.may_run:
        return checked
    if not run:
        return replace(checked, pages=tuple(_pages(root, manifest)))
    needed = ("code/run.py", "expected/numbers.json")
    if lacking := [name for name in needed if name not in manifest.files]:
        return replace(checked, failure=f"the manifest lists no {listing(lacking)}")
    expected = read_json(root / "expected" / "numbers.json")
    with tempfile.TemporaryDirectory() as scratch, Progress("programs", 2) as done:
        done.at("code/prepare.py")
        prepared = _prepare(root, manifest, Path(scratch) / "prepare", timeout)
        done()
        done.at("code/run.py")
        copy = _copy(root, manifest, Path(scratch) / "package")
        checked = replace(checked, ran=True, prepared=prepared)
        if failure := run_script(copy, "code/run.py", timeout=timeout):
            return replace(checked, failure=failure)
        try:
            found = read_json(copy / "results" / "numbers.json")
        except SourceError as error:
            return replace(checked, failure=str(error))
        pages = tuple(_pages(root, manifest, copy))
        return replace(checked, differences=tuple(compare(expected, found)), pages=pages)


def _copy(root: Path, manifest: Manifest, target: Path, without: Iterable[str] = ()) -> Path:
    """The files that a manifest lists, and data that were put where it withholds them."""
    for name in {*manifest.files, *manifest.withheld} - set(without):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target / name, follow_symlinks=False)
    return target


def _pages(root: Path, manifest: Manifest, rerun: Path | None = None) -> list[str]:
    """Pages and numbers of ``results`` that neither the package's author nor the rerun made.

    A rerun under other versions may draw a page otherwise, so the one of the rerun is as good as
    the one that was written.
    """
    found = []
    for name, digest in manifest.results.items():
        path = root / name
        if not path.is_file() or sha256(path) == digest:
            continue
        if rerun is None:
            found.append(f"{name} is not as it was written; a rerun tells whether it makes it so")
        elif not (rerun / name).is_file() or sha256(rerun / name) != sha256(path):
            found.append(
                f"{name} is neither as it was written nor as the rerun writes it; run "
                "code/run.py to make it anew"
            )
    return found


def _prepare(root: Path, manifest: Manifest, copy: Path, timeout: float) -> tuple[str, ...]:
    """Remake the analysis data from the raw files, where the package has them, and compare."""
    raw = any(name.startswith("data/raw/") for name in manifest.files)
    if "code/prepare.py" not in manifest.files or not raw:
        return ()
    _copy(root, manifest, copy, without=DATA)
    if failure := run_script(copy, "code/prepare.py", timeout=timeout):
        return (f"code/prepare.py failed: {failure}",)
    try:
        found = different_columns(root / "data", copy / "data")
        if (root / "data" / "background").exists():
            other = different_columns(root / "data" / "background", copy / "data" / "background")
            found += [f"{text} (background)" for text in other]
    except (SourceError, OSError) as error:
        return (f"they cannot be compared: {error}",)
    return tuple(found)


def different_columns(one: Path, other: Path) -> list[str]:
    """Columns of two analysis data sets that differ beyond the last digits."""
    import numpy as np
    import pandas as pd

    if not (one / "panel.csv").exists():
        return []
    panel = read_data(one)
    a, b = panel.frame, read_data(other).frame
    if list(a.columns) != list(b.columns) or len(a) != len(b):
        return [f"{b.shape[0]} rows and {b.shape[1]} columns, the package has {a.shape[0]} and "
                f"{a.shape[1]}"]  # fmt: skip
    found = []
    for name in a.columns:
        if pd.api.types.is_numeric_dtype(a[name].dtype):
            same = np.isclose(
                a[name].astype(float), b[name].astype(float), rtol=TOLERANCES["estimates"],
                atol=1e-12, equal_nan=True,
            )  # fmt: skip
        else:
            same = ((a[name] == b[name]) | (a[name].isna() & b[name].isna())).to_numpy(dtype=bool)
        if not same.all():
            row, count = int(np.flatnonzero(~same)[0]), int((~same).sum())
            where = ", ".join(str(a[key].iloc[row]) for key in (*panel.entity_columns, panel.time))
            found.append(
                f"{count} {'value' if count == 1 else 'values'} of {name!r}, first at ({where}): "
                f"{b[name].iloc[row]}, the package has {a[name].iloc[row]}"
            )
    return found
