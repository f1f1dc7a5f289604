"""Studies as Python source: what a reader of a package runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import migdev

_INDENT = "    "


def to_code(item: Any, level: int = 0) -> str:
    """Source that builds an object: dataclasses with the fields that differ from their defaults."""
    if is_dataclass(item) and not isinstance(item, type):
        return _call(item, level)
    if isinstance(item, Mapping):
        return _block("{", "}", [f"{k!r}: {to_code(v, level + 1)}" for k, v in item.items()], level)
    if isinstance(item, tuple):
        parts = [to_code(v, level + 1) for v in item]
        if all("\n" not in part for part in parts):
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        return _block("(", ")", parts, level)
    return repr(item)


def _call(item: Any, level: int) -> str:
    cls = _public(type(item))
    name = f"md.{cls.__name__}"
    if "__repr__" in vars(type(item)) and not type(item).__dataclass_params__.repr:
        return f"md.{item!r}"  # a class that writes its own constructor call
    arguments = []
    for f in fields(cls):
        value = getattr(item, f.name)
        default = f.default if f.default is not MISSING else (
            f.default_factory() if f.default_factory is not MISSING else MISSING
        )  # fmt: skip
        if f.init and (default is MISSING or value != default):
            arguments.append(f"{f.name}={to_code(value, level + 1)}")
    return _block(f"{name}(", ")", arguments, level)


def _public(cls: type) -> type:
    """The class under its public name; a question of the registry is rebuilt as its hypothesis."""
    for base in cls.__mro__:
        if base.__name__ in migdev._HOME:
            return base
    raise TypeError(f"{cls.__qualname__} has no public name in migdev.")


def _block(opening: str, closing: str, parts: list[str], level: int) -> str:
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) + len(_INDENT) * level <= 88 and "\n" not in line:
        return line
    inner = "".join(f"\n{_INDENT * (level + 1)}{part}," for part in parts)
    return f"{opening}{inner}\n{_INDENT * level}{closing}"
