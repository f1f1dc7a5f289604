"""What a module stands on: the distribution that installed it, or source that can be copied."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path


def distribution_of(module: str) -> str:
    """``"name version"`` of the installed distribution that holds a module; empty where none does.

    A distribution that is installed for editing counts as none: its source may be that of no
    release.
    """
    return _owner(module.partition(".")[0], tuple(sys.path))


@lru_cache(maxsize=256)
def _owner(top: str, path: tuple[str, ...]) -> str:
    """:func:`distribution_of`; what is installed changes with the path only."""
    file = _file(top)
    for name in (top.replace("_", "-"), *_tops(path).get(top, ())):
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        place = Path(str(found.locate_file(""))).resolve()
        if _holds(found, top) and (file is None or file.is_relative_to(place)):
            return f"{found.metadata['Name']} {found.version}"
    return ""


def local_sources(module: str) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Source files of a module of no distribution with those of the local modules that it imports,
    by their path below the folder from which they are imported; and the distributions that they
    import.

    Imports are read from the source, also those inside functions; what is imported by a name that
    the source makes as it runs is not seen.
    """
    files: dict[str, Path] = {}
    needed: dict[str, None] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top == "migdev":
            continue
        owner = distribution_of(top)
        if owner:
            needed[owner] = None
            continue
        for relative, path in _files(name):
            if relative not in files:
                files[relative] = path
                waiting += _imported(path, relative)
    return dict(sorted(files.items())), tuple(sorted(needed))


def digest_of(files: Mapping[str, Path]) -> str:
    """SHA-256 of source files and their names; ends of lines do not count."""
    digest = hashlib.sha256()
    for relative in sorted(files):
        text = files[relative].read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{relative}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()


def _files(module: str) -> Iterator[tuple[str, Path]]:
    """Python files of a module and of the packages around it that exist."""
    parts = module.split(".")
    root = _root(parts[0])
    if root is None:
        return
    for i in range(1, len(parts) + 1):
        for relative in ("/".join(parts[:i]) + ".py", "/".join(parts[:i]) + "/__init__.py"):
            if (root / relative).is_file():
                yield relative, root / relative


def _root(top: str) -> Path | None:
    """The folder from which a top-level module of Python source is imported."""
    spec = _spec(top)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).parent
    return Path(spec.origin).parent if spec.origin and spec.origin.endswith(".py") else None


def _imported(path: Path, relative: str) -> list[str]:
    """Dotted names that a file imports; of ``from a import b`` also ``a.b``, maybe a module."""
    package = relative.removesuffix("/__init__.py").split("/")
    if not relative.endswith("/__init__.py"):
        package = package[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
    return found


def _spec(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except (ImportError, ValueError):  # loaded without a spec
        return None


def _file(top: str) -> Path | None:
    spec = _spec(top)
    origin = None if spec is None else spec.origin
    return Path(origin).resolve() if origin and spec is not None and spec.has_location else None


@lru_cache(maxsize=4)
def _tops(path: tuple[str, ...]) -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _holds(found: metadata.Distribution, top: str) -> bool:
    """Whether a distribution installed a module or package of that name, as far as it tells."""
    return found.files is None or any(p.parts[0].partition(".")[0] == top for p in found.files)
