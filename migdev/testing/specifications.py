"""What every specification keeps: it is frozen, hashable, comparable and printable."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any


def check_specification(spec: Any) -> None:
    """A frozen dataclass whose equal copies compare, hash and print alike.

    Raises
    ------
    AssertionError
    """
    kind = type(spec).__name__
    assert is_dataclass(spec), f"{kind} is not a dataclass"
    assert hash(spec) == hash(copy.copy(spec)), "equal specifications have different hashes"
    assert spec == copy.copy(spec), "a copy of the specification is not equal to it"
    assert kind in repr(spec), "repr() does not name the class"
    if not fields(spec):
        return
    first = fields(spec)[0].name
    try:
        setattr(spec, first, getattr(spec, first))
    except (FrozenInstanceError, AttributeError):
        return
    raise AssertionError("the specification is not frozen")
