"""The manifest of a package: its files with their hashes, and what differs from it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from migdev.errors import SourceError

NAME = "manifest.json"
KIND = "migdev replication package"
#: Analysis data that a package may describe without holding them.
DATA = ("data/panel.csv", "data/background/panel.csv")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says, its entries by path.

    Attributes
    ----------
    told : mapping
        The JSON.
    files : mapping from path to entry
        Files as they were written.
    withheld : mapping from path to entry
        Data that the licence keeps out; a replicator puts them there. Packages of version 1 do not
        tell their hash.
    results : mapping from path to SHA-256
        Files that a rerun makes anew.
    """

    told: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    withheld: Mapping[str, Mapping[str, Any]]
    results: Mapping[str, str]

    @property
    def seal(self) -> str:
        return str(self.told.get("seal", ""))

    @property
    def own(self) -> set[str]:
        """Paths of what the package wrote."""
        return {NAME, *self.files, *self.results}

    def programs(self) -> tuple[str, ...]:
        """The Python files that a rerun executes or may import."""
        return tuple(p for p in self.files if p.startswith("code/") and p.endswith(".py"))


def read_manifest(root: Path) -> Manifest:
    """The manifest of a folder.

    Raises
    ------
    SourceError
        There is none, or it cannot be read as one.
    """
    path = root / NAME
    if path.is_symlink() or not path.is_file():
        raise SourceError(f"{root.name!r} holds no {NAME}: it is not a replication package.")
    told = read_json(path)
    if not isinstance(told, dict) or not isinstance(told.get("files"), list):
        raise SourceError(f"The {NAME} in {root.name!r} lists no files; it is damaged.")
    results, withheld = told.get("results", {}), told.get("withheld", [])
    if not isinstance(results, dict) or not isinstance(withheld, list):
        raise SourceError(f"The {NAME} in {root.name!r} is damaged: its results or withheld files.")
    for entry in (*told["files"], *withheld):
        if not (isinstance(entry, dict) and {"path", "sha256", "bytes"} <= set(entry)):
            raise SourceError(
                f"The {NAME} in {root.name!r} has {entry!r} among its files; an entry has path, "
                "sha256 and bytes. It is damaged."
            )
    if not str(told.get("package", "")).startswith(KIND):
        raise SourceError(f"The {NAME} in {root.name!r} is not that of a replication package.")
    listed = {str(e["path"]): e for e in told["files"]}
    for name in (*listed, *(str(e["path"]) for e in withheld), *map(str, results)):
        if not name.isprintable():  # it would be sent to a terminal
            raise SourceError(f"The {NAME} in {root.name!r} names a file {name!r}; it is damaged.")
    return Manifest(
        told,
        files=listed,
        withheld={str(e["path"]): e for e in withheld}
        or {name: {} for name in DATA if "withheld" not in told and name not in listed},
        results={str(k): str(v) for k, v in results.items()},
    )


def write_manifest(root: Path, told: Mapping[str, Any], withheld: Iterable[Path] = ()) -> None:
    """List every file of a folder, apart from the results, and seal what is said."""
    kept_out = set(withheld)
    entries: dict[str, list[dict[str, Any]]] = {"files": [], "withheld": []}
    results = {}
    for name in sorted(walk(root)):
        path = root / name
        if name.startswith("results/"):
            results[name] = sha256(path)
        else:
            entry = {"path": name, "sha256": sha256(path), "bytes": path.stat().st_size}
            entries["withheld" if path in kept_out else "files"].append(entry)
    manifest = {"package": f"{KIND}, version 2", **told, **entries, "results": results}
    text = json.dumps({**manifest, "seal": seal_of(manifest)}, indent=1) + "\n"
    (root / NAME).write_text(text, encoding="utf-8", newline="\n")


def seal_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of what a manifest says, without its own seal.

    It shows damage and edits of a file that was not sealed again. It is no signature: whoever can
    write a file can write its seal, so compare it with one that the author published elsewhere.
    """
    told = {k: v for k, v in manifest.items() if k != "seal"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def changed_files(root: Path, manifest: Manifest) -> list[str]:
    """What is gone, differs from the manifest or lies outside the folder, which is not read."""
    found = []
    if "seal" in manifest.told and manifest.seal != seal_of(manifest.told):  # older ones have none
        found.append(f"{NAME} is not as it was written")
    for name in (*manifest.files, *manifest.withheld, *manifest.results):
        if why := refused(root, name):
            found.append(f"{name} {why}")
        elif not (root / name).is_file() and name not in manifest.withheld:
            found.append(f"{name} is missing")
    if found:
        return found
    for name, entry in {**manifest.files, **manifest.withheld}.items():
        path = root / name
        digest = sha256(path) if entry and path.is_file() else ""
        if digest and digest != entry["sha256"]:
            found.append(
                f"{name} has SHA-256 {digest[:12]}... ({path.stat().st_size} bytes), the manifest "
                f"says {str(entry['sha256'])[:12]}... ({entry['bytes']} bytes)"
            )
    return found


def unlisted_files(root: Path, manifest: Manifest) -> list[str]:
    """Files of a folder that its manifest does not list."""
    known = {*manifest.own, *manifest.withheld}
    made = () if manifest.results else ("results/",)  # the first packages do not list them
    found = sorted(n for n in walk(root) if n not in known and not n.startswith(made))
    return [name if name.isprintable() else ascii(name) for name in found]


def refused(root: Path, name: str) -> str:
    """Why a path of a manifest is not followed; empty where it is."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        return "leads out of the folder, and is not read"
    for i in range(1, len(parts) + 1):
        if root.joinpath(*parts[:i]).is_symlink():
            return "is or lies behind a symbolic link, and is not read"
    return ""


def walk(root: Path) -> Iterator[str]:
    """Files and links below a folder, links not followed; not what Python compiles."""
    for place, folders, files in os.walk(root):
        here = Path(place)
        folders[:] = [name for name in folders if name != "__pycache__"]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*files, *links):
            yield (here / name).relative_to(root).as_posix()


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path.name!r} of the package cannot be read: {error}.") from error


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
