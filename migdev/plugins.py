"""Parts that other packages bring, found by the entry points of their distributions.

A package names what it brings in its ``pyproject.toml``, one group for each kind of part::

    [project.entry-points."migdev.sources"]
    centralbank = "mypackage.data:CentralBank"

======================  =====================================================================
``migdev.sources``      name of a source: its class (:class:`~migdev.protocols.Source`)
``migdev.layouts``      any name: a :class:`~migdev.sources.read.layouts.Layout` of files
``migdev.readers``      name of a library: a function that makes an Estimate of its fitted models
``migdev.tests``        name of a test: a function as those of :mod:`migdev.diagnostics`
``migdev.questions``    id of a question: the :class:`~migdev.hypotheses.Question`
======================  =====================================================================

Nothing is imported before a part is asked for by its name, and built-in names come first.
Estimators and covariances are classes that one imports, and need no entry point.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from migdev.errors import (
    MigdevError,
    PluginWarning,
    ResultError,
    SourceError,
    SpecificationError,
    listing,
    suggestion,
)
from migdev.notes import warn

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True, slots=True)
class Group:
    """One kind of part.

    Attributes
    ----------
    name : str
        The group of entry points, such as ``"migdev.sources"``.
    kind : str
        What a part is called in messages: ``"source"``.
    error : type
        Raised where a part cannot be had.
    """

    name: str
    kind: str
    error: type[MigdevError]

    def names(self) -> tuple[str, ...]:
        """Names of the parts that installed packages bring, in order."""
        return tuple(sorted(_found(self.name, tuple(sys.path))))

    def load(self, name: str, built_in: Iterable[str] = ()) -> Any:
        """The part of a name, imported now.

        Parameters
        ----------
        name : str
        built_in : iterable of str
            Names known beside those of packages, for the message.

        Raises
        ------
        MigdevError
            Of the group's class: no package brings the name, two do, or what it names does not
            import.
        """
        entries = _found(self.name, tuple(sys.path)).get(name, ())
        if not entries:
            known = [*built_in, *self.names()]
            hint = f" Known: {listing(known, 20)}." if known else ""
            raise self.error(f"There is no {self.kind} {name!r}.{suggestion(name, known)}{hint}")
        if len(entries) > 1:
            raise self.error(
                f"{len(entries)} packages bring a {self.kind} {name!r}: "
                f"{' and '.join(map(_package, entries))}. Keep one of them installed."
            )
        try:
            return entries[0].load()
        except Exception as error:  # whatever the other package raises on import
            raise self.error(
                f"The {self.kind} {name!r} of {_package(entries[0])} does not load: "
                f"{type(error).__name__}: {error}. Mend or update that package."
            ) from error

    def load_all(
        self, checked: Callable[[str, Any], Any] = lambda _, part: part
    ) -> Iterator[tuple[str, Any]]:
        """Names and parts, each held to a check; what fails is left out with a PluginWarning."""
        for name in self.names():
            try:
                yield name, checked(name, self.load(name))
            except self.error as error:
                warn(str(error), PluginWarning, stacklevel=2)


SOURCES = Group("migdev.sources", "source", SourceError)
LAYOUTS = Group("migdev.layouts", "layout of files", SourceError)
READERS = Group("migdev.readers", "reader of results of", ResultError)
TESTS = Group("migdev.tests", "test", SpecificationError)
QUESTIONS = Group("migdev.questions", "hypothesis", SpecificationError)


@lru_cache(maxsize=32)
def _found(group: str, path: tuple[str, ...]) -> dict[str, tuple[EntryPoint, ...]]:
    """Entry points of a group by name; searched again where the import path has changed."""
    from importlib.metadata import entry_points  # takes longer to load than the rest of this

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=group):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _package(entry: EntryPoint) -> str:
    dist = entry.dist
    return f"{dist.name} {dist.version} ({entry.value})" if dist is not None else entry.value
