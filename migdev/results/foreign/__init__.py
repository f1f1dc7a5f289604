"""Readers of fitted models of statsmodels, linearmodels and pyfixest, none of them imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migdev.results.foreign.linearmodels import read_linearmodels
from migdev.results.foreign.pyfixest import read_pyfixest
from migdev.results.foreign.statsmodels import read_statsmodels

READERS: dict[str, Callable[[Any], Any]] = {
    "statsmodels": read_statsmodels,
    "linearmodels": read_linearmodels,
    "pyfixest": read_pyfixest,
}


def library(obj: Any) -> str | None:
    for kind in type(obj).__mro__:
        root = kind.__module__.split(".")[0]
        if root in READERS:
            return root
    return None
