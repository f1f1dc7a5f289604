"""Verify a package: files against their hashes, then a rerun in a clean process."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
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
        Files that are missing or whose SHA-256 differs from the manifest; and pages of ``results``
        that are neither those of the manifest nor those of the rerun.
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
    manifest = _read_manifest(root)
    changed = changed_files(root, manifest["files"])
    if "seal" in manifest and manifest["seal"] != seal_of(manifest):  # older packages have none
        changed.append("manifest.json is not as it was written")
    expected, failure = None, ""
    try:
        expected = _read_json(root / "expected" / "numbers.json")
    except SourceError as error:
        failure = str(error)
    with tempfile.TemporaryDirectory() as scratch:
        prepared = _prepare(root, Path(scratch) / "prepare")
        copy = Path(shutil.copytree(root, Path(scratch) / "package"))
        (copy / "results" / "numbers.json").unlink(missing_ok=True)
        failure = _python(copy, "code/run.py") or failure
        differences: list[str] = []
        if not failure:
            differences = compare(expected, _read_json(copy / "results" / "numbers.json"))
            changed += changed_results(root, copy, manifest.get("results", {}))
    return Verification(
        changed=tuple(changed), differences=tuple(differences), failure=failure, prepared=prepared
    )


def seal_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of what a manifest says, without its own seal."""
    told = {k: v for k, v in manifest.items() if k != "seal"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read_manifest(root: Path) -> dict[str, Any]:
    manifest = _read_json(root / "manifest.json")
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, list):
        raise SourceError(f"The manifest.json in {root.name!r} lists no files; it is damaged.")
    for entry in files:
        if not (isinstance(entry, dict) and {"path", "sha256", "bytes"} <= set(entry)):
            raise SourceError(
                f"The manifest.json in {root.name!r} has {entry!r} among its files; an entry has "
                "path, sha256 and bytes. It is damaged."
            )
    return dict(manifest)


def changed_results(root: Path, rerun: Path, written: Mapping[str, str]) -> list[str]:
    """Pages and numbers of ``results`` that neither the package's author nor the rerun made.

    A rerun under other versions may draw a page otherwise, so the one of the rerun is as good as
    the one that was written.
    """
    found = []
    for name, digest in written.items():
        path, remade = root / name, rerun / name
        if path.is_file() and sha256(path) != digest:
            if remade.is_file() and sha256(remade) == sha256(path):
                continue
            found.append(
                f"{name} is neither as it was written nor as the rerun writes it; run "
                "code/run.py to make it anew"
            )
    return found


def _prepare(root: Path, copy: Path) -> tuple[str, ...]:
    """Remake the analysis data from the raw files, where the package has them, and compare."""
    if not (root / "code" / "prepare.py").exists() or not (root / "data" / "raw").exists():
        return ()
    shutil.copytree(root, copy)
    try:
        return tuple(_remade(root, copy))
    except (SourceError, OSError) as error:
        return (f"they cannot be compared: {error}",)


def _remade(root: Path, copy: Path) -> list[str]:
    for path in (copy / "data").rglob("panel.csv"):
        path.unlink()
    failure = _python(copy, "code/prepare.py")
    if failure:
        return [f"code/prepare.py failed: {failure}"]
    found = different_columns(root / "data", copy / "data")
    if (root / "data" / "background").exists():
        other = different_columns(root / "data" / "background", copy / "data" / "background")
        found += [f"{text} (background)" for text in other]
    return found


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


#: Runs a script as the main one, with the migdev that verifies, also where it is not installed.
_LAUNCH = """
import runpy, sys
sys.path.append(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _python(folder: Path, script: str) -> str:
    """Run a script of a package in a clean process; the last line of its error, or nothing."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    home = str(Path(__file__).resolve().parents[2])
    run = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-W", "ignore", "-c", _LAUNCH, home, script],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", errors="replace",
        check=False,
    )  # fmt: skip
    if run.returncode == 0:
        return ""
    return (run.stderr.strip().splitlines() or ["it ended without a message"])[-1]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path.name!r} of the package cannot be read: {error}.") from error


def changed_files(root: Path, files: list[dict[str, object]]) -> list[str]:
    """Names of files that are gone or differ from the manifest, with what differs."""
    found = []
    for entry in files:
        path = root / str(entry["path"])
        if not path.is_file():
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
