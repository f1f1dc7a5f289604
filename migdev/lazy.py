"""Names of a package that load on first use, as the stub beside its ``__init__`` states them.

A stub tells type checkers of a public name by ``from home import Name as Name``; the same line says
where the name is loaded from, so that it stands in one place.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


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
