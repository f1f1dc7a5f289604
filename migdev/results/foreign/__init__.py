"""Readers of fitted models of statsmodels, linearmodels and pyfixest, none of them imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from migdev import plugins
from migdev.results.foreign.linearmodels import read_linearmodels
from migdev.results.foreign.pyfixest import read_pyfixest
from migdev.results.foreign.statsmodels import read_statsmodels

_NEVER = ("builtins", "migdev")
READERS: dict[str, Callable[[Any], Any]] = {
    "statsmodels": read_statsmodels,
    "linearmodels": read_linearmodels,
    "pyfixest": read_pyfixest,
}


def library(obj: Any) -> str | None:
    """The library that defines the class of an object, where its results can be read."""
    for kind in type(obj).__mro__:
        root = kind.__module__.split(".")[0]
        if root in READERS or (root not in _NEVER and root in plugins.READERS.names()):
            return root
    return None


def reader(library: str) -> Callable[[Any], Any]:
    """What makes an :class:`~migdev.Estimate` of a fitted model of a library."""
    return READERS[library] if library in READERS else plugins.READERS.load(library)
