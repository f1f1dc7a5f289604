"""Specifications as Python source: what a reader of a package runs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime, timezone
from enum import Enum
from math import isfinite
from typing import Any

import numpy as np

from migdev.errors import SpecificationError
from migdev.identity.content import declared, to_json
from migdev.identity.origin import OURS, Origin, origin_of

_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that builds an object, and what it needs.

    Attributes
    ----------
    text : str
        The expression.
    imports : tuple of str
        The lines that import what it names.
    origins : tuple of Origin
        The classes and functions it names, each once.
    """

    text: str
    imports: tuple[str, ...]
    origins: tuple[Origin, ...]


def code_of(item: Any, level: int = 0) -> Code:
    """The source of an object at a level of indentation; of a dataclass the fields that differ from
    their defaults.

    Raises
    ------
    SpecificationError
        Part of the object cannot be written, or cannot be imported elsewhere.
    """
    writer = _Writer()
    text = writer.write(item, level)
    return Code(text, tuple(sorted(writer.imports)), tuple(writer.origins.values()))


def to_code(item: Any, level: int = 0) -> str:
    """The expression alone; ``md`` is migdev, ``np`` numpy, modules have their own names."""
    return code_of(item, level).text


def rebuild(item: Any) -> Any:
    """What the source of an object builds; the same object, or it cannot travel.

    Raises
    ------
    SpecificationError
        The source builds something else, or nothing.
    """
    code, names = code_of(item), dict[str, Any]()
    try:
        exec("\n".join(code.imports), names)
        built = eval(code.text, names)
    except Exception as error:
        raise SpecificationError(
            f"{type(item).__name__} cannot be built again from its fields: {code.text!r} raises "
            f"{type(error).__name__}: {error}. Its constructor must take what its fields hold."
        ) from error
    if to_json(built) != to_json(item):
        raise SpecificationError(
            f"{type(item).__name__} cannot be built again from its fields: {code.text!r} gives "
            f"{built!r}. Its constructor must keep what it is given."
        )
    return built


class _Writer:
    """Writes source and notes what it names."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.origins: dict[str, Origin] = {}

    def write(self, item: Any, level: int = 0) -> str:
        if isinstance(item, Enum):
            return f"{self.name(type(item))}.{item.name}"
        if item is None or type(item) in (bool, int, str):
            return repr(item)
        if type(item) is float:
            return repr(item) if isfinite(item) else f'float("{item}")'
        if is_dataclass(item) and not isinstance(item, type):
            return self.call(item, level)
        if isinstance(item, Mapping):
            pairs = [f"{self.write(k)}: {self.write(v, level + 1)}" for k, v in item.items()]
            return _block("{", "}", pairs, level)
        if type(item) in (tuple, list):
            return self.sequence(item, level)
        if isinstance(item, set | frozenset):
            inner = ", ".join(sorted(map(self.write, item)))
            made = f"{{{inner}}}" if inner else ""
            return made if made and isinstance(item, set) else f"{type(item).__name__}({made})"
        if isinstance(item, date):
            return self.dated(item)
        if isinstance(item, np.generic | np.ndarray):
            return self.numeric(item)
        if callable(item) and hasattr(item, "__name__"):
            return self.name(item)
        raise _unwritable(item)

    def name(self, item: Any) -> str:
        """A class or function by its full name."""
        origin = origin_of(item)
        self.origins[str(origin)] = origin
        room, _, inner = origin.module.partition(".")
        if room == OURS:
            self.imports.add("import migdev as md")
            return ".".join(["md", *([inner] if inner else []), origin.name])
        self.imports.add(f"import {origin.module}")
        return f"{origin.module}.{origin.name}"

    def call(self, item: Any, level: int) -> str:
        """The call of a dataclass: its constructor's parameters, which its fields hold."""
        kept = {f.name: f for f in fields(item)}
        told = {f.name for f in declared(item)}
        arguments = []
        for p in inspect.signature(type(item)).parameters.values():
            if p.name not in kept:
                raise SpecificationError(
                    f"{type(item).__name__} takes {p.name!r} but keeps no field of that name, so "
                    "it cannot be built again from its fields. Keep it as a field."
                )
            if p.name not in told:
                continue
            value = getattr(item, p.name)
            if p.kind is inspect.Parameter.VAR_POSITIONAL:
                arguments += [self.write(v, level + 1) for v in value]
                continue
            f = kept[p.name]
            default = p.default if f.default_factory is MISSING else f.default_factory()
            text = self.write(value, level + 1)
            if default is inspect.Parameter.empty or text != _Writer().written(default, level + 1):
                plain = p.kind is inspect.Parameter.POSITIONAL_ONLY
                arguments.append(text if plain else f"{p.name}={text}")
        return _block(f"{self.name(type(item))}(", ")", arguments, level)

    def written(self, item: Any, level: int) -> str:
        """The source of a default, or nothing where it has none."""
        try:
            return self.write(item, level)
        except SpecificationError:
            return ""

    def sequence(self, item: Any, level: int) -> str:
        parts = [self.write(v, level + 1) for v in item]
        opening, closing = ("(", ")") if isinstance(item, tuple) else ("[", "]")
        if all("\n" not in part for part in parts):
            comma = "," if len(parts) == 1 and isinstance(item, tuple) else ""
            return f"{opening}{', '.join(parts)}{comma}{closing}"
        return _block(opening, closing, parts, level)

    def dated(self, item: Any) -> str:
        zone = getattr(item, "tzinfo", None)
        if type(item) in (date, datetime) and (zone is None or isinstance(zone, timezone)):
            self.imports.add("import datetime")
            return repr(item)
        if type(item).__name__ == "Timestamp" and zone is None:
            self.imports.add("import pandas as pd")
            return f"pd.Timestamp({item.isoformat()!r})"
        raise _unwritable(item)

    def numeric(self, item: np.generic | np.ndarray[Any, Any]) -> str:
        """Numbers, text and dates of numpy, with their type."""
        kind, size = item.dtype.kind, item.dtype.itemsize
        if kind not in "biufUmM" or (kind == "f" and size > 8):
            raise _unwritable(item)
        self.imports.add("import numpy as np")
        if isinstance(item, np.generic):
            return f"np.{item.dtype.name}({self.write(item.item())})" if kind == "f" else repr(item)
        values = item.astype("int64").tolist() if kind in "mM" else item.tolist()
        shape = "" if item.size else f".reshape({item.shape!r})"
        return f"np.array({self.write(values)}, dtype={item.dtype.str!r}){shape}"


def _unwritable(item: Any) -> SpecificationError:
    return SpecificationError(
        f"{item!r} of type {type(item).__name__} cannot be written as code, so a package cannot "
        "hold it. Give numbers, text, dates, functions of a module, or frozen dataclasses of these."
    )


def _block(opening: str, closing: str, parts: list[str], level: int) -> str:
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) + len(_INDENT) * level <= 88 and "\n" not in line:
        return line
    inner = "".join(f"\n{_INDENT * (level + 1)}{part}," for part in parts)
    return f"{opening}{inner}\n{_INDENT * level}{closing}"
