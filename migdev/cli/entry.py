"""The door of the command line: every failure is one line that says what to do, and a status."""

from __future__ import annotations

import os
import re
import sys
import traceback
import warnings
from typing import Any

import typer

from migdev.cli.commands import app
from migdev.errors import MigdevError

#: Exit statuses, as ``migdev --help`` documents them; 1 is a package that does not verify.
BAD_INPUT, OWN_FAULT, STOPPED = 2, 3, 130


def main() -> None:
    """Run the command line and exit with its status."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _note  # type: ignore[assignment]
        sys.exit(_run())


def _run() -> int:
    try:
        command = typer.main.get_command(app)
        with command.make_context("migdev", sys.argv[1:]) as context:
            command.invoke(context)
        sys.stdout.flush()
        return 0
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        return _tell("Stopped.", STOPPED)
    except MigdevError as error:
        return _tell(f"{error}{_as_option(str(error))}", BAD_INPUT)
    except BrokenPipeError:  # whoever reads has enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = "" if error.filename is None else f" {str(error.filename)!r}"
        return _tell(
            f"Cannot read or write{place}: {error.strerror or error}. Name another place, or "
            "change the rights to this one.",
            BAD_INPUT,
        )
    except KeyboardInterrupt as stop:
        stood = ", of ".join(getattr(stop, "__notes__", ()))
        return _tell(f"Stopped{f' after {stood}' if stood else ''}. Nothing is left half done.",
                     STOPPED)  # fmt: skip
    except MemoryError:
        return _tell("There is not enough memory. Give fewer or smaller files.", BAD_INPUT)
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error)
            return BAD_INPUT
        if hasattr(error, "format_message"):  # a command that is not written as it should be
            return _tell(_usage(error), BAD_INPUT)
        if os.environ.get("MIGDEV_TRACEBACK"):
            traceback.print_exc()
        return _tell(
            f"A fault of migdev, not yours: {type(error).__name__}: {error}. Run it again with "
            "MIGDEV_TRACEBACK=1 in the environment and report what it prints.",
            OWN_FAULT,
        )


def _tell(message: str, status: int) -> int:
    print(f"migdev: {' '.join(message.split())}", file=sys.stderr)
    return status


def _usage(error: Any) -> str:
    """What typer says of a command that is not written as it should be, in a line."""
    context = getattr(error, "ctx", None)
    command = "migdev" if context is None else context.command_path
    message = error.format_message().rstrip(".")
    return f"{message}{'' if message.endswith('?') else '.'} See {command} --help."


def _as_option(message: str) -> str:
    """How an option of Python that a message names is given here."""
    from migdev.cli.data import READING

    named = next((name for name in READING if re.search(rf"\b{name}=", message)), None)
    return "" if named is None else f" On the command line: --read {named}=VALUE."


def _note(message: Warning | str, *_: Any) -> None:
    """What was dropped, recoded or not matched, on standard error."""
    print(f"note: {message}{_as_option(str(message))}", file=sys.stderr)
