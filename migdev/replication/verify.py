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

from migdev.errors import SourceError
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
    """

    changed: tuple[str, ...]
    differences: tuple[str, ...]
    failure: str

    @property
    def passed(self) -> bool:
        return not (self.changed or self.differences or self.failure)

    def __str__(self) -> str:
        if self.passed:
            return (
                "Verified: every file has its hash, and the rerun gave the same numbers "
                f"(relative {TOLERANCES['estimates']:g}; shares of draws {TOLERANCES['shares']:g})."
            )
        lines = [f"Changed file: {text}" for text in self.changed]
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
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    changed = tuple(changed_files(root, manifest["files"]))
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "package"
        shutil.copytree(root, copy)
        (copy / "results" / "numbers.json").unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        run = subprocess.run(
            [sys.executable, "-I", "-W", "ignore", "code/run.py"], cwd=copy, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if run.returncode != 0:
            last = run.stderr.strip().splitlines()
            return Verification(changed=changed, differences=(), failure=last[-1] if last else "")
        found = json.loads((copy / "results" / "numbers.json").read_text(encoding="utf-8"))
    expected = json.loads((root / "expected" / "numbers.json").read_text(encoding="utf-8"))
    differences = tuple(compare(expected, found))
    return Verification(changed=changed, differences=differences, failure="")


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
