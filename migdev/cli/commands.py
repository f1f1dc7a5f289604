"""The commands: study a question, see the demo, verify a package, list the hypotheses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any

import typer

from migdev.cli.data import (
    Files,
    Shared,
    folder_files,
    preparation,
    read_options,
    simulated_panel,
)
from migdev.errors import SourceError

HELP = """From real data on remittances to a verdict that anyone can rerun.

Exit status: 0 done; 1 a package does not verify; 2 input or places that cannot be used; 3 a fault
of migdev; 130 stopped by Ctrl-C. Long work shows a bar on a terminal, unless --no-progress is given
or MIGDEV_PROGRESS=off is set.
"""
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=HELP,
)
FAILED = 1
FORMATS = ("html", "md", "tex")

Out = Annotated[Path, typer.Option("--out", help="Folder for the pages.")]


def _version(asked: bool) -> None:
    if asked:
        from migdev import __version__

        print(f"migdev {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Show no bars.")] = False,
) -> None:
    """What all commands share."""
    if no_progress:
        os.environ["MIGDEV_PROGRESS"] = "off"


@app.command()
def study(
    question: Annotated[str, typer.Argument(help="Id of the hypothesis, such as G1 or X1.")],
    out: Out,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="File of data; repeat to join several. Without one: those of the folder "
            "$MIGDEV_DATA, else a simulated world."
        ),
    ] = None,
    columns: Annotated[
        Path | None, typer.Option(help="TOML file: your column names to World Bank codes.")
    ] = None,
    reading: Annotated[
        list[str] | None,
        typer.Option(
            "--read",
            metavar="[FILE:]NAME=VALUE",
            help="How files are read, as in md.read(): decimal=, or sheet=Data. Repeat for more.",
        ),
    ] = None,
    shared: Annotated[
        Shared, typer.Option(help="Of which file to take columns that several files hold.")
    ] = "refuse",
    window: Annotated[
        int | None, typer.Option(min=0, help="Years of a window; 0 for yearly data.")
    ] = None,
    first: Annotated[int | None, typer.Option(help="First year.")] = None,
    last: Annotated[int | None, typer.Option(help="Last year.")] = None,
    plan: Annotated[Path | None, typer.Option(help="Registered plan to hold to.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse departures from the plan.")] = False,
    package: Annotated[bool, typer.Option(help="Also write a replication package.")] = False,
) -> None:
    """Answer a question of the registry with your data."""
    from migdev import hypotheses

    asked = hypotheses.get(question)
    check_years(first, last)
    pages = [f"{asked.id}.{suffix}" for suffix in FORMATS]
    check_out(out, pages)
    folder = out / f"{asked.id}-package"
    if package:
        from migdev.replication.package import check_package

        raw = [*(data or ()), *([] if columns is None else [columns])]
        check_package(folder, raw, archive=True)
    paths = data or folder_files()
    if not paths and (columns or reading or shared != "refuse"):
        raise SourceError(
            "--columns, --read and --shared are about files; add the files by --data."
        )
    files = Files(
        paths=paths, columns=columns, reading=read_options(reading or (), paths), shared=shared
    )
    panel, left_out = files.panel() if paths else (simulated_panel(), {})
    years = None
    if first is not None or last is not None:
        years = span(panel, first, last)
        panel = panel.between(*years)
    answer = asked.run(panel, window=window, plan=plan, strict=strict)
    page = answer.page()
    out.mkdir(parents=True, exist_ok=True)
    written = [page.save(out / name) for name in pages]
    print(answer)
    if package:
        written.append(
            answer.replication_package(
                folder, archive=True, plan=plan,
                raw=[*paths, *([] if columns is None else [columns])],
                preparation=preparation(asked.id, files, left_out, window, years) if paths else "",
            )
        )  # fmt: skip
    print("\nWritten: " + ", ".join(map(str, written)))


@app.command()
def demo(
    out: Out = Path("migdev-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated worlds.")] = 1,
) -> None:
    """The whole path offline, on simulated worlds: one page per world."""
    from migdev import hypotheses
    from migdev.progress import Progress
    from migdev.simulate import WORLDS, stylised_world

    asked = hypotheses.get("X1-first")
    check_out(out, [f"{view}.html" for view in WORLDS])
    out.mkdir(parents=True, exist_ok=True)
    print("SIMULATED data: these worlds describe no country.\n")
    with Progress("worlds", len(WORLDS)) as done:
        for view in done.each(WORLDS):
            answer = asked.run(stylised_world(view, seed=seed))
            page = answer.report(out / f"{view}.html")
            print(f"The world in which the {view} view is true: {answer.verdict} ({answer.reason})")
            print(f"  {page}\n")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A replication package.")],
    yes: Annotated[bool, typer.Option("--yes", help="Run its code without asking.")] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Check the files alone.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds until a program is stopped.")
    ] = 3600,
) -> None:
    """Check a replication package: its files, then its numbers by a rerun.

    The rerun executes the Python code of the package, with your rights, in a copy of the folder. It
    starts only if every file has its hash and you agree. Hashes and seal show damage and later
    edits; they are no signature, so compare the seal with one that the author published elsewhere.
    """
    from migdev.replication import verify as check

    outcome = check(folder, run=False)
    if outcome.may_run and not no_run:
        print(f"No file differs from the manifest, whose seal is {outcome.seal or 'missing'}.")
        print(f"A rerun executes with your rights: {', '.join(outcome.programs)}")
        try:
            agreed = yes or typer.confirm("Run this code?")
        except typer.Abort:
            raise SourceError("Nothing was run. Give --yes, or --no-run.") from None
        if agreed:
            outcome = check(folder, timeout=timeout)
    print(outcome)
    if not outcome.passed:
        raise typer.Exit(FAILED)


@app.command("hypotheses")
def list_hypotheses() -> None:
    """List the registry: what each view predicts, and what can be run."""
    from migdev import hypotheses

    table = hypotheses.table()
    for name, row in table.iterrows():
        state = "runnable" if row["runnable"] else f"waits for {row['waits_for']}"
        print(f"{name:4} {row['claim']} [DF {row['DF']}, CR {row['CR']}] ({state})")


def check_out(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder in which the pages cannot be written, before anything is computed."""
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SourceError(
            f"--out {str(folder)!r}: no page can be written there ({error.strerror}). Name another "
            "folder, or change the rights to this one."
        ) from error
    finally:
        for place in made:
            with suppress(OSError):  # it was not made
                place.rmdir()
    taken = [name for name in names if (folder / name).is_dir()]
    if taken:
        raise SourceError(
            f"--out {str(folder)!r}: {taken[0]!r} there is a folder, and would be a page. Move it "
            "away, or name another folder."
        )


def check_years(first: int | None, last: int | None) -> None:
    if first is not None and last is not None and first > last:
        raise SourceError(f"--first {first} is after --last {last}; exchange them.")


def span(panel: Any, first: int | None, last: int | None) -> tuple[int, int]:
    """The years that were asked for, as far as they were, within those of the data."""
    held = panel.calendar.year(panel.ordinals)
    start, end = int(min(held)), int(max(held))
    years = (start if first is None else first, end if last is None else last)
    if years[0] > end or years[1] < start:
        raise SourceError(
            f"The data run from {start} to {end}, and hold no year "
            + (f"from {first} on" if last is None else f"until {last}" if first is None
               else f"between {first} and {last}")
            + ". Give other years by --first and --last, or other data."
        )  # fmt: skip
    return years
