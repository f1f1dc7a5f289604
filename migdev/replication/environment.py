"""The packages behind the numbers, pinned."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, version

#: Packages that make numbers, tables and figures; what they require follows.
ROOTS = ("migdev", "matplotlib")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def pinned(more: Iterable[str] = ()) -> list[str]:
    """``name==version`` of the packages in use and of everything they require; ``more`` are
    ``"name version"`` of those that a study itself names."""
    waiting, found = [*ROOTS, *(item.split()[0] for item in more)], dict[str, str]()
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # meant for another system, or an extra that is not installed
        for requirement in distribution(name).requires or []:
            if "extra ==" not in requirement and (match := _NAME.match(requirement)):
                waiting.append(match[0])
    first = sorted(found, key=lambda name: (name != "migdev", name))
    return [f"{name}=={found[name]}" for name in first]


def environment() -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
    }


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
