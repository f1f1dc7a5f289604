"""Canonical content and its SHA-256: of specifications, hypotheses and plans."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from migdev.errors import SpecificationError

#: Metadata of a field that came after plans were registered: left out where it has its default,
#: so that what says no more than it did keeps its hash.
LATER = {"later": True}


def canonical(item: Any) -> Any:
    """Plain JSON content: a dataclass becomes its class and its fields."""
    if item is None or isinstance(item, bool | int | float | str):
        return item
    if is_dataclass(item) and not isinstance(item, type):
        name = f"{type(item).__module__}.{type(item).__qualname__}"
        told = {
            f.name: canonical(getattr(item, f.name))
            for f in fields(item)
            if not (f.metadata.get("later") and getattr(item, f.name) == f.default)
        }
        return {"class": name, **told}
    if isinstance(item, Mapping):
        return {str(k): canonical(v) for k, v in item.items()}
    if isinstance(item, list | tuple):
        return [canonical(v) for v in item]
    if callable(item) and hasattr(item, "__qualname__"):
        return f"{item.__module__}.{item.__qualname__}"
    if isinstance(item, set | frozenset):
        return sorted((canonical(v) for v in item), key=to_json)
    if hasattr(item, "tolist"):  # numpy's scalars and arrays
        return canonical(item.tolist())
    raise SpecificationError(
        f"{item!r} of type {type(item).__name__} has no canonical form, so a plan cannot hold it."
    )


def to_json(item: Any) -> str:
    return json.dumps(canonical(item), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(item: Any) -> str:
    """SHA-256 of the canonical content."""
    return hashlib.sha256(to_json(item).encode()).hexdigest()
