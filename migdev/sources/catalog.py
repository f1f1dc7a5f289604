"""Names of sources: those built in, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from migdev.errors import SourceError, listing
from migdev.notes import warn
from migdev.plugins import SOURCES
from migdev.protocols import Source
from migdev.provenance import Extract

_BUILT_IN = {
    "worldbank": "migdev.sources.worldbank.indicators:WorldBank",
    "file": "migdev.sources.read.local:LocalFile",
}


def names() -> tuple[str, ...]:
    """Every source that can be loaded, built-in ones first."""
    return (*_BUILT_IN, *(name for name in SOURCES.names() if name not in _BUILT_IN))


def source(name: str, **options: Any) -> Source:
    """The source of a name, built with its options.

    Raises
    ------
    SourceError
        The name is not known, its package does not load, or what it loads is no source.
    """
    factory = _factory(name)
    try:
        made = factory(**options)
    except TypeError as error:
        raise SourceError(f"Source {name!r} does not take these options: {error}.") from error
    if not isinstance(made, Source):
        raise SourceError(
            f"{name!r} gave a {type(made).__name__}, which has no fetch(series, entities, "
            "periods, vintage) and so is no source."
        )
    return made


def load(
    name: str,
    series: Sequence[str] | Mapping[str, str] | str = (),
    *,
    entities: Sequence[Any] | None = None,
    periods: tuple[Any, Any] | None = None,
    vintage: str | None = None,
    **options: Any,
) -> Extract:
    """Fetch series from a source by its name.

    Parameters
    ----------
    name : str
        One of :func:`names`: ``"worldbank"``, ``"file"`` (with ``path=``), or a source that a
        package brings.
    series : sequence of str, or mapping from your name to the source's
        With a mapping the columns come under your names.
    entities : sequence, optional
        Codes of the entities, tuples where several columns name one (origin and destination of a
        corridor); all when not given.
    periods : (first, last), optional
        Both included; all when not given. ``years=`` is its former name and still understood.
    vintage : str, optional
        Version of the data; the newest when not given.
    **options
        Passed to the source when it is built.

    Returns
    -------
    Extract
        Series that could not be had are named in ``provenance.missing``.
    """
    wanted = [series] if isinstance(series, str) else list(series)
    if isinstance(series, Mapping):
        wanted = list(series.values())
        twice = sorted({code for code in wanted if wanted.count(code) > 1})
        if twice:
            raise SourceError(f"{listing(twice)} is asked for under two names; give it one.")
    if "years" in options:
        warn("load(years=) is called periods= now.", DeprecationWarning, stacklevel=2)
        periods = options.pop("years")
    extract = source(name, **options).fetch(wanted, entities, periods, vintage)
    return _rename(extract, series) if isinstance(series, Mapping) else extract


def _rename(extract: Extract, mapping: Mapping[str, str]) -> Extract:
    new = {code: mine for mine, code in mapping.items()}
    keys = {*extract.keys, extract.time}.intersection(mapping)
    if keys:
        raise SourceError(f"{listing(sorted(keys))} names a key of the data; choose another name.")
    origin = extract.provenance
    return replace(
        extract,
        frame=extract.frame.rename(columns=new),
        provenance=replace(
            origin,
            units={new.get(c, c): text for c, text in origin.units.items()},
            labels={new.get(c, c): text for c, text in origin.labels.items()},
        ),
    )


def _factory(name: str) -> Callable[..., Any]:
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        built_in: Callable[..., Any] = getattr(import_module(module), attribute)
        return built_in
    loaded: Callable[..., Any] = SOURCES.load(name, _BUILT_IN)
    return loaded
