"""Verify a package: files against their hashes, then a rerun in a clean process."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migdev.errors import SourceError
from migdev.replication.data import read_data
from migdev.replication.numbers import TOLERANCES, compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The outcome of a rerun.

    Attributes
    ----------
    changed : tuple of str
        Files that are missing or whose SHA-256 differs from the manifest.
    differences : tuple of str
        Numbers beyond tolerance.
    failure : str
        What the rerun printed where it did not finish.
    prepared : tuple of str
        How the analysis data made from the raw files differ from those of the package; empty
        too where the package holds no raw files.
    """

    changed: tuple[str, ...]
    differences: tuple[str, ...]
    failure: str
    prepared: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not (self.changed or self.differences or self.failure or self.prepared)

    def __str__(self) -> str:
        if self.passed:
            return (
                "Verified: every file has its hash, and the rerun gave the same numbers "
                f"(relative {TOLERANCES['estimates']:g}; shares of draws {TOLERANCES['shares']:g})."
            )
        lines = [f"Changed file: {text}" for text in self.changed]
        lines += [f"Data made from data/raw differ: {text}" for text in self.prepared]
        lines += [f"Different number: {text}" for text in self.differences]
        lines += [f"The rerun failed: {self.failure}"] if self.failure else []
        return "\n".join(lines)


def verify(folder: str | Path) -> Verification:
    """Check the manifest of a package, rerun its code elsewhere, and compare the numbers.

    Raises
    ------
    SourceError
        The folder is not a replication package.
    """
    root = Path(folder).resolve()
    if not (root / "manifest.json").exists():
        raise SourceError(f"{root.name!r} holds no manifest.json: it is not a replication package.")
    manifest = _read_json(root / "manifest.json")
    if "files" not in manifest:
        raise SourceError(f"The manifest.json in {root.name!r} lists no files; it is damaged.")
    changed = tuple(changed_files(root, manifest["files"]))
    with tempfile.TemporaryDirectory() as scratch:
        prepared = _prepare(root, Path(scratch) / "prepare")
        copy = Path(shutil.copytree(root, Path(scratch) / "package"))
        (copy / "results" / "numbers.json").unlink(missing_ok=True)
        failure = _python(copy, "code/run.py")
        if failure:
            return Verification(changed=changed, differences=(), failure=failure, prepared=prepared)
        found = _read_json(copy / "results" / "numbers.json")
    expected = _read_json(root / "expected" / "numbers.json")
    differences = tuple(compare(expected, found))
    return Verification(changed=changed, differences=differences, failure="", prepared=prepared)


def _prepare(root: Path, copy: Path) -> tuple[str, ...]:
    """Remake the analysis data from the raw files, where the package has them, and compare."""
    if not (root / "code" / "prepare.py").exists() or not (root / "data" / "raw").exists():
        return ()
    shutil.copytree(root, copy)
    for path in (copy / "data").rglob("panel.csv"):
        path.unlink()
    failure = _python(copy, "code/prepare.py")
    if failure:
        return (f"code/prepare.py failed: {failure}",)
    found = different_columns(root / "data", copy / "data")
    if (root / "data" / "background").exists():
        other = different_columns(root / "data" / "background", copy / "data" / "background")
        found += [f"{text} (background)" for text in other]
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


def _python(folder: Path, script: str) -> str:
    """Run a script of a package in a clean process; the last line of its error, or nothing."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    run = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", script], cwd=folder, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode == 0:
        return ""
    return (run.stderr.strip().splitlines() or ["it ended without a message"])[-1]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise SourceError(f"{path.name!r} of the package cannot be read: {error}.") from error


def changed_files(root: Path, files: list[dict[str, object]]) -> list[str]:
    """Names of files that are gone or differ from the manifest, with what differs."""
    found = []
    for entry in files:
        path = root / str(entry["path"])
        if not path.exists():
            found.append(f"{entry['path']} is missing")
        elif (digest := sha256(path)) != entry["sha256"]:
            size = path.stat().st_size
            found.append(
                f"{entry['path']} has SHA-256 {digest[:12]}... ({size} bytes), the manifest says "
                f"{str(entry['sha256'])[:12]}... ({entry['bytes']} bytes)"
            )
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
