"""Canonical content and its SHA-256: of specifications, hypotheses and plans."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

from migdev.errors import SpecificationError
from migdev.identity.origin import origin_of

#: Metadata of a field that came after plans were registered: left out where it has its default,
#: so that plans from before it still match.
LATER = {"later": True}
#: Metadata of a field that makes what stands in a plan itself, as a question makes specifications:
#: no part of the content.
MADE = {"made": True}


def canonical(item: Any) -> Any:
    """Plain JSON content: a dataclass becomes its class and its fields, a function its address.

    Raises
    ------
    SpecificationError
        Something has no content that another machine could read or import.
    """
    if isinstance(item, Enum):
        return {"class": str(origin_of(type(item))), "name": item.name}
    if item is None or isinstance(item, bool | int | float | str):
        return item
    if is_dataclass(item) and not isinstance(item, type):
        return {
            "class": str(origin_of(type(item))),
            **{
                f.name: canonical(getattr(item, f.name))
                for f in declared(item)
                if not (f.metadata.get("later") and is_default(item, f))
            },
        }
    if isinstance(item, Mapping):
        return {str(k): canonical(v) for k, v in item.items()}
    if isinstance(item, list | tuple):
        return [canonical(v) for v in item]
    if callable(item) and hasattr(item, "__name__"):
        return {"reference": str(origin_of(item))}
    if isinstance(item, set | frozenset):
        return sorted((canonical(v) for v in item), key=to_json)
    if isinstance(item, date):
        return item.isoformat()
    if hasattr(item, "tolist"):  # numpy's scalars and arrays
        dated = getattr(getattr(item, "dtype", None), "kind", "") in "mM"
        return canonical(item.astype(str).tolist() if dated else item.tolist())
    raise SpecificationError(
        f"{item!r} of type {type(item).__name__} has no canonical form, so a plan or package "
        "cannot hold it. Give numbers, text, functions of a module, or frozen dataclasses of these."
    )


def declared(item: Any) -> Iterator[Field[Any]]:
    """The fields of a dataclass that say what it is: those it is built from."""
    return (f for f in fields(item) if f.init and not f.metadata.get("made"))


def is_default(item: Any, f: Field[Any]) -> bool:
    """Whether a field has its default value."""
    default = f.default
    if default is MISSING:
        default = MISSING if f.default_factory is MISSING else f.default_factory()
    value = getattr(item, f.name)
    return value is default or (type(value) is type(default) and to_json(value) == to_json(default))


def to_json(item: Any) -> str:
    return json.dumps(canonical(item), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(item: Any) -> str:
    """SHA-256 of the canonical content."""
    return hashlib.sha256(to_json(item).encode()).hexdigest()
