"""What the package has to tell while it works: a warning, or a note that is kept as a value.

:func:`warn` tells whoever listens. Inside :func:`collect` its notes are values, inside
:func:`quiet` they are dropped, and else they are warnings of Python. Listeners belong to a context
(a thread, a task), whereas the filters of the module ``warnings`` belong to the process: threads
that change them hear one another's, or nothing.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class _Listener:
    """Who hears warnings of some categories; the rest are for the listener around it."""

    categories: tuple[type[Warning], ...]
    outer: _Listener | None
    notes: list[Warning] = field(default_factory=list)

    def hears(self, note: Warning) -> bool:
        if isinstance(note, self.categories):
            self.notes.append(note)
            return True
        return self.outer is not None and self.outer.hears(note)


_LISTENER: ContextVar[_Listener | None] = ContextVar("listener", default=None)


def warn(message: str, category: type[Warning], stacklevel: int = 1) -> None:
    """Tell whoever listens, else as :func:`warnings.warn`."""
    listener = _LISTENER.get()
    if listener is None or not listener.hears(category(message)):
        warnings.warn(message, category, stacklevel=_outside(stacklevel + 1))


def _outside(least: int) -> int:
    """The ``stacklevel`` of :func:`warn`'s first caller outside the package, ``least`` or more."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and (
        level < least or str(frame.f_globals.get("__name__")).startswith("migdev.")
    ):
        level, frame = level + 1, frame.f_back
    return level


@contextmanager
def collect() -> Iterator[list[Warning]]:
    """Keep all notes of the block, those of other libraries too, in the order they come."""
    with _listening((Warning,)) as listener, _Foreign():
        yield listener.notes


@contextmanager
def quiet(*categories: type[Warning]) -> Iterator[None]:
    """Drop what is told elsewhere: notes of some categories of ours, or all of everyone."""
    if categories:
        with _listening(categories):
            yield
    else:
        with collect():
            yield


@contextmanager
def _listening(categories: tuple[type[Warning], ...]) -> Iterator[_Listener]:
    listener = _Listener(categories, _LISTENER.get())
    token = _LISTENER.set(listener)
    try:
        yield listener
    finally:
        _LISTENER.reset(token)


class _Foreign:
    """Bring the warnings of other libraries to the listener of their context.

    They come by the module ``warnings``, whose state is that of the process: the first block
    changes it, the last gives it back.
    """

    _lock = threading.Lock()
    _open = 0
    _before: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if _Foreign._open == 0:
                _Foreign._before = warnings.catch_warnings()
                _Foreign._before.__enter__()
                show = warnings.showwarning
                warnings.simplefilter("always")

                def heard(message: Any, *where: Any, **more: Any) -> None:
                    listener = _LISTENER.get()
                    if listener is None or not listener.hears(message):
                        show(message, *where, **more)

                warnings.showwarning = heard
            _Foreign._open += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            _Foreign._open -= 1
            if _Foreign._open == 0:
                _Foreign._before.__exit__(None, None, None)
