"""Where a class or function is imported from, so that another machine can import it too."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from migdev.errors import SpecificationError
from migdev.identity.sources import digest_of, distribution_of, local_sources

OURS = "migdev"


@dataclass(frozen=True, slots=True)
class Origin:
    """The address of a class or function, and what must be installed or copied to find it there.

    Attributes
    ----------
    module, name : str
        ``from module import name``; a nested name has dots.
    distributions : tuple of str
        ``"name version"`` of what must be installed: first that of the module itself. Empty for
        migdev and the standard library.
    files : mapping from relative path to Path
        Source of a module that belongs to no installed distribution and of the modules beside it
        that it imports; a package copies them.
    """

    module: str
    name: str
    distributions: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{self.module}:{self.name}"

    def __str__(self) -> str:
        """The address with what fixes its content: a version, or the hash of its source."""
        if self.files:
            return f"{self.address} (source {digest_of(self.files)})"
        return f"{self.address} ({self.distributions[0]})" if self.distributions else self.address


def origin_of(item: Any) -> Origin:
    """Where a class or function is imported from.

    Raises
    ------
    SpecificationError
        It cannot be imported elsewhere: it has no name, or was defined in a script, a notebook or a
        function.
    """
    module = getattr(item, "__module__", None) or type(item).__module__
    name = str(getattr(item, "__qualname__", None) or getattr(item, "__name__", ""))
    if _is_ours(module):
        return _public(item, module, name)
    if "<lambda>" in name:
        raise _refused("a function without a name (lambda)", "Define it with def in a module.")
    if module in ("__main__", "__mp_main__"):
        raise _refused(
            f"{name}, which was defined in the script or notebook that is running",
            f"Move it to a file of its own beside, such as my_{name.lower()}.py, and import it.",
        )
    if "<locals>" in name:
        raise _refused(
            f"{name.rpartition('.')[2]}, which {module}.{name.split('.')[0]} defines as it runs",
            "Define it at the top level of the module.",
        )
    try:
        found = resolve(f"{module}:{name}")
    except SpecificationError as error:
        raise _refused(name or repr(item), str(error)) from error
    if found is not item:
        raise _refused(
            f"{module}.{name}, because importing that name gives another object",
            "It was defined again or wrapped later; give the object that the module holds.",
        )
    if module.partition(".")[0] in sys.stdlib_module_names:
        return Origin(module, name)
    owner = distribution_of(module)
    if owner:
        return Origin(module, name, (owner,))
    files, needed = local_sources(module)
    if not files:
        raise _refused(
            f"{module}.{name}: the module belongs to no installed distribution and has no source",
            "Install it, or write it to a .py file that can be imported.",
        )
    return Origin(module, name, needed, files)


def resolve(address: str) -> Any:
    """The object of ``"module:name"``.

    Raises
    ------
    SpecificationError
        The address is none, or nothing is there.
    """
    module, _, name = address.partition(":")
    if not module or not name:
        raise SpecificationError(
            f"{address!r} cannot be imported; write 'module:name', of a module that Python finds."
        )
    try:
        found: Any = sys.modules[module] if module in sys.modules else import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise SpecificationError(f"{address!r} cannot be imported: {error}.") from error
    return found


def public_name(name: str) -> str | None:
    """The address of a public name of migdev, ``migdev:FixedEffects``; None where it has none."""
    return next((f"{room}:{name}" for room, names in _rooms() if hasattr(names, name)), None)


def _rooms() -> Iterator[tuple[str, Any]]:
    """migdev itself and its public rooms, with what they hold."""
    top = import_module(OURS)
    yield OURS, top
    for room in sorted(top._ROOMS):
        yield f"{OURS}.{room}", import_module(f"{OURS}.{room}")


def _is_ours(module: str) -> bool:
    return module == OURS or module.startswith(f"{OURS}.")


def _public(item: Any, module: str, name: str) -> Origin:
    """The room under whose public name an object of ours is found: the object, not the name."""
    for room, held in _rooms():
        if getattr(held, name, None) is item:
            return Origin(room, name)
    raise _refused(f"{module}.{name}, an inner part of migdev", "Use what migdev exports.")


def _refused(what: str, advice: str) -> SpecificationError:
    return SpecificationError(f"A plan or package cannot hold {what}. {advice}")
