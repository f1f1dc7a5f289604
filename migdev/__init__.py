"""migdev: econometrics on migrant remittances, from real data to an estimate you can defend.

The names of ``__init__.pyi`` load on first use, so ``import migdev`` costs no more than numpy.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    from migdev.lazy import load

    return load(__name__, name)


def __dir__() -> list[str]:
    from migdev.lazy import homes

    return sorted({*globals(), *homes(__name__)})
