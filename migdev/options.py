"""Options that are choices: stated once, in an annotation, and checked here.

An option says what it takes as a type, ``Literal["drop", "keep"]`` or ``int | Literal["aic"]``.
Type checkers read it, and :func:`check_choice` and :func:`check_options` hold values to it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from migdev.errors import MigdevError, SpecificationError, suggestion

_OTHERS = {int: "a whole number", float: "a number", tuple: "a tuple of numbers"}
Given = TypeVar("Given", contravariant=True)
Held = TypeVar("Held", covariant=True)


class Takes(Generic[Given, Held]):
    """A field that takes one type and holds another, for type checkers.

    ``cov: Takes[Covariance | str, Covariance]`` lets a script write ``cov="HC1"`` and read a
    covariance. The specification's ``__post_init__`` makes one of the other; a default is given by
    :func:`held`.
    """

    def __get__(self, spec: object, owner: Any = None) -> Held:
        raise NotImplementedError

    def __set__(self, spec: object, value: Given) -> None:
        raise NotImplementedError


def held(default: Any) -> Any:
    """The default of a field that :class:`Takes` another type than it holds."""
    return default


def check_choice(
    name: str, value: object, choices: Any, error: type[MigdevError] = SpecificationError
) -> None:
    """Raise unless a value is one of the choices.

    Parameters
    ----------
    choices : type or sequence
        ``Literal[...]``, or its union with ``None``, ``bool`` and other types; beside other types
        only strings are checked. A sequence where the choices depend on the data.
    """
    known, others = (tuple(choices), ()) if isinstance(choices, list | tuple) else read(choices)
    if others and not isinstance(value, str):
        return
    if isinstance(value, Hashable) and any(
        value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in known
    ):
        return
    near = suggestion(value, map(str, known)) if isinstance(value, str) else ""
    kinds = [get_origin(t) or t for t in others]
    known_words = [*map(repr, known), *(_OTHERS[t] for t in kinds if t in _OTHERS)]
    use = " or ".join(filter(None, [", ".join(known_words[:-1]), known_words[-1]]))
    raise error(f"{name}={value!r} is unknown.{near} Use {use}.")


def check_options(spec: object) -> None:
    """Hold every field of a specification to the choices that its annotation states."""
    cls: Any = type(spec)
    for name, annotation, words in _choices_of(cls):
        value = getattr(spec, name)
        if value.__class__ is not str or value not in words:
            check_choice(name, value, annotation)


@cache
def read(annotation: Any) -> tuple[tuple[object, ...], tuple[Any, ...]]:
    """The choices that a type names, and the other types that it admits."""
    if get_origin(annotation) is Literal:
        return get_args(annotation), ()
    if get_origin(annotation) in (Union, UnionType):
        parts = [read(part) for part in get_args(annotation)]
        return sum((known for known, _ in parts), ()), sum((others for _, others in parts), ())
    if annotation is NoneType:
        return (None,), ()
    return ((False, True), ()) if annotation is bool else ((), (annotation,))


@cache
def _choices_of(spec: Any) -> tuple[tuple[str, Any, tuple[object, ...]], ...]:
    """Fields with choices beyond True, False and None; where any string will do there are none."""
    hints, found = get_type_hints(spec), []
    for field in fields(spec):
        known, others = read(hints[field.name])
        if str not in others and any(not isinstance(c, bool | NoneType) for c in known):
            found.append((field.name, hints[field.name], known))
    return tuple(found)
