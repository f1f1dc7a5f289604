"""Progress of long work: a bar where someone watches, and where it stood when it was stopped.

A bar appears after a second, on a terminal's standard error or below the cell of a notebook, and
leaves nothing behind. It needs ``rich``, which the command line brings; without it, where nobody
watches, in threads, and with ``MIGDEV_PROGRESS=off`` in the environment, work is silent. Work
stopped by Ctrl-C carries in the notes of its ``KeyboardInterrupt`` how far it had come.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from importlib import import_module
from types import TracebackType
from typing import Any, TypeVar

Item = TypeVar("Item")

#: Seconds before a bar appears, and between its changes.
AFTER, EVERY = 1.0, 0.2
OFF = ("off", "0", "no", "false")


class Progress:
    """Work of several parts, as a context; calling it tells that parts are done.

    Parameters
    ----------
    what : str
        The parts, in the plural: ``"draws"``.
    total : int

    Examples
    --------
    >>> with Progress("draws", 999) as done:
    ...     for chunk in range(9):
    ...         done(111)
    >>> str(done)
    '999 of 999 draws'
    """

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done, self.now = what, total, 0, ""

    def __call__(self, parts: int = 1) -> None:
        """Tell that more parts are done; costs an addition."""
        self.done += parts

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items one after another, each a part."""
        for item in items:
            yield item
            self.done += 1

    def at(self, name: str) -> None:
        """Tell which part is at work now."""
        self.now = name

    def __str__(self) -> str:
        return f"{self.done} of {self.total} {self.what}" + (f", at {self.now}" if self.now else "")

    def __enter__(self) -> Progress:
        if threading.current_thread() is threading.main_thread():
            if not _WORK and _watched():
                _Watch.start()
            _WORK.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        if self in _WORK:
            _WORK.remove(self)
            if not _WORK:
                _Watch.stop()
        if isinstance(error, KeyboardInterrupt):
            error.add_note(str(self))


#: What is at work in the main thread, from the outside in.
_WORK: list[Progress] = []


def _watched() -> bool:
    """Someone sees what is shown, and has not asked for silence."""
    if os.environ.get("MIGDEV_PROGRESS", "").casefold() in OFF:
        return False
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    found = None if shell is None else shell.get_ipython()
    return type(found).__name__ == "ZMQInteractiveShell"


class _Watch:
    """A thread that looks at the work now and then, so that the work itself only counts."""

    _thread: threading.Thread | None = None
    _over = threading.Event()

    @classmethod
    def start(cls) -> None:
        cls._over = threading.Event()
        run = copy_context().run  # a notebook knows the cell by its context
        cls._thread = threading.Thread(target=run, args=(_show, cls._over), daemon=True)
        cls._thread.start()

    @classmethod
    def stop(cls) -> None:
        if cls._thread is not None:
            cls._over.set()
            cls._thread.join()
            cls._thread = None


def _show(over: threading.Event) -> None:
    """Bars for what is at work, until it is over."""
    if over.wait(AFTER):
        return
    try:
        from rich import progress
        from rich.console import Console
    except ImportError:
        return
    notebook = _in_notebook()
    bars = progress.Progress(
        progress.TextColumn("{task.description}"), progress.BarColumn(),
        progress.MofNCompleteColumn(), progress.TimeElapsedColumn(),
        console=Console(stderr=True, force_jupyter=notebook), transient=True, auto_refresh=False,
    )  # fmt: skip
    tasks: dict[int, Any] = {}
    with _shown_in_notebook(bars) if notebook else _shown_on_terminal(bars) as refresh:
        while True:
            at_work = {id(work): work for work in tuple(_WORK)}
            for key in tasks.keys() - at_work.keys():
                bars.remove_task(tasks.pop(key))
            for key, work in at_work.items():
                if key not in tasks:
                    tasks[key] = bars.add_task("", total=work.total)
                words = f"{work.what}: {work.now}" if work.now else work.what
                bars.update(tasks[key], completed=work.done, description=words)
            refresh()
            if over.wait(EVERY):
                return


@contextmanager
def _shown_on_terminal(bars: Any) -> Any:
    with bars:
        yield bars.refresh


@contextmanager
def _shown_in_notebook(bars: Any) -> Any:
    """One output below the cell, changed in place and emptied at the end."""
    shown: Any = import_module("IPython.display")
    place = shown.display(bars, display_id=True)
    try:
        yield lambda: place.update(bars)
    finally:
        place.update(shown.HTML(""))
