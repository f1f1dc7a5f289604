"""What waits for its first use: names of a package, and fields of a record.

Names load as the stub beside the package's ``__init__`` states them. It tells type checkers of a
public name by ``from home import Name as Name``; the same line says where the name is loaded from,
so that it stands in one place.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

Record = TypeVar("Record", bound=type)
_ONE_AT_A_TIME = RLock()


@cache
def homes(package: str) -> dict[str, str]:
    """The module of every public name, by name; of a room of the package, the package itself."""
    stub = Path(str(sys.modules[package].__file__)).with_suffix(".pyi")
    return {
        alias.name: str(node.module)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name  # `import X as X` is what makes a name of a stub public
    }


def load(package: str, name: str) -> Any:
    """A public name, ``_HOME`` (the modules of all but rooms) or ``_ROOMS``; kept once loaded.

    Raises
    ------
    AttributeError
        The stub has no such name.
    """
    known = homes(package)
    value: Any
    if name == "_HOME":
        value = {n: home for n, home in known.items() if home != package}
    elif name == "_ROOMS":
        value = frozenset(n for n, home in known.items() if home == package)
    elif name not in known:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    elif known[name] == package:
        return import_module(f"{package}.{name}")
    else:
        value = getattr(import_module(known[name]), name)
    setattr(sys.modules[package], name, value)
    return value


def late(*fields: str) -> Callable[[Record], Record]:
    """Let fields of a frozen dataclass be given as functions without arguments.

    A function is called once, when its field is first read, and the field holds what it returned
    from then on. Records are copied and pickled with the value, never with the function. The class
    has no slots.
    """

    def mark(record: Record) -> Record:
        for name in fields:
            setattr(record, name, _Late(name))
        setattr(record, "__getstate__", _settled)  # noqa: B010
        return record

    return mark


class _Late:
    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, record: Any, owner: Any = None) -> Any:
        if record is None:
            raise AttributeError(self.name)  # so a dataclass below sees a field without default
        value = record.__dict__[self.name]
        if callable(value):
            with _ONE_AT_A_TIME:
                value = record.__dict__[self.name]
                if callable(value):
                    value = record.__dict__[self.name] = value()
        return value

    def __set__(self, record: Any, value: Any) -> None:
        record.__dict__[self.name] = value


def _settled(record: Any) -> dict[str, Any]:
    """State of a record whose late fields have been read."""
    return {name: getattr(record, name) for name in record.__dict__}
