"""Options that are choices: stated once, in an annotation, and checked here.

An option says what it takes as a type, ``Literal["drop", "keep"]`` or ``int | Literal["aic"]``.
Type checkers read it, and :func:`check_choice` and :func:`check_options` hold values to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from functools import cache, wraps
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from migdev.errors import MigdevError, RenamedWarning, SpecificationError, suggestion
from migdev.notes import warn

_OTHERS = {int: "a whole number", float: "a number", tuple: "a tuple of numbers"}
#: Entities that are too short for a regression, or that it does not identify.
Short = Literal["raise", "drop"]
#: Entities with periods missing inside: their longest unbroken spell, or an error.
Gaps = Literal["longest", "raise"]
#: Rows of aggregates such as "World" among countries.
Aggregates = Literal["exclude", "keep"]
Given = TypeVar("Given", contravariant=True)
Held = TypeVar("Held", covariant=True)
Target = TypeVar("Target", bound=Callable[..., Any])


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
        held = value in words if value.__class__ is str else any(value is w for w in words)
        if not held:
            check_choice(name, value, annotation)


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


def renamed(**former: str) -> Callable[[Target], Target]:
    """Let a function or a specification take options by their former names, with a warning."""

    def take(target: Target) -> Target:
        call: Any = vars(target)["__init__"] if isinstance(target, type) else target

        @wraps(call)
        def understood(*args: Any, **options: Any) -> Any:
            for old in former.keys() & options.keys():
                new = former[old]
                if new in options:
                    raise SpecificationError(f"{old}= is the former name of {new}=; give one.")
                warn(
                    f"{target.__name__}({old}=) is called {new}= now.", RenamedWarning, stacklevel=2
                )
                options[new] = options.pop(old)
            return call(*args, **options)

        named: Any = understood
        if isinstance(target, type):
            named = target
            named.__init__ = understood
        named.__former__ = former
        return cast(Target, named)

    return take


def former_names(target: Any) -> Mapping[str, str]:
    """What :func:`renamed` let a function or a specification take: former names to those of now."""
    return getattr(target, "__former__", {})
