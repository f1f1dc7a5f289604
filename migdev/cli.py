"""The command line: study a question, see the demo, verify a package, list the hypotheses."""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from migdev.errors import MigdevError, SourceError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="From real data on remittances to a verdict that anyone can rerun.",
)
FAILED = 1
BAD_INPUT = 2

#: What a study takes of the folder ``$MIGDEV_DATA``: country-years by World Bank code, attributes
#: of countries, poverty.
FOLDER = ("wdi_panel.csv", "country_meta.csv", "wdi_poverty_inequality_2021ppp.csv")

Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help="File of data; repeat to join several. Without one: those of the folder $MIGDEV_DATA, "
        "else a simulated world.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the pages.")]


def main() -> None:
    """Run the command line: errors of the package are messages with an exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _note  # type: ignore[assignment]
        try:
            app()
        except MigdevError as error:
            print(f"migdev: {error}", file=sys.stderr)
            sys.exit(BAD_INPUT)


def _note(message: Warning | str, *_: Any) -> None:
    """What was dropped, recoded or not matched, on standard error."""
    print(f"note: {message}", file=sys.stderr)


@app.command()
def study(
    question: Annotated[str, typer.Argument(help="Id of the hypothesis, such as G1 or X1.")],
    out: Out,
    data: Data = None,
    columns: Annotated[
        Path | None, typer.Option(help="TOML file: your column names to World Bank codes.")
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="Years of a window; 0 for yearly data.")
    ] = None,
    first: Annotated[int | None, typer.Option(help="First year.")] = None,
    last: Annotated[int | None, typer.Option(help="Last year.")] = None,
    plan: Annotated[Path | None, typer.Option(help="Registered plan to hold to.")] = None,
    strict: Annotated[bool, typer.Option(help="Refuse departures from the plan.")] = False,
    package: Annotated[bool, typer.Option(help="Also write a replication package.")] = False,
) -> None:
    """Answer a question of the registry with your data."""
    from migdev import hypotheses
    from migdev.replication.place import check_place

    asked = hypotheses.get(question)
    if package:
        check_place(out / f"{asked.id}-package")
    data = data or folder_files()
    panel = load_panel(data, columns) if data else simulated_panel(columns)
    years = None
    if first is not None or last is not None:
        held = [int(y) for y in panel.periods]
        years = (min(held) if first is None else first, max(held) if last is None else last)
        panel = panel.between(*years)
    answer = asked.run(panel, window=window, plan=plan, strict=strict)
    out.mkdir(parents=True, exist_ok=True)
    page = answer.page()
    pages = [page.save(out / f"{asked.id}.{suffix}") for suffix in ("html", "md", "tex")]
    print(answer)
    if package:
        pages.append(
            answer.replication_package(
                out / f"{asked.id}-package", archive=True, plan=plan,
                raw=[*data, *([] if columns is None else [columns])],
                preparation=preparation(asked.id, data, columns, window, years) if data else "",
            )
        )  # fmt: skip
    print("\nWritten: " + ", ".join(str(page) for page in pages))


@app.command()
def demo(
    out: Out = Path("migdev-demo"),
    seed: Annotated[int, typer.Option(help="Seed of the simulated worlds.")] = 1,
) -> None:
    """The whole path offline, on simulated worlds: one page per world."""
    from migdev import hypotheses
    from migdev.simulate import WORLDS, stylised_world

    asked = hypotheses.get("X1")
    out.mkdir(parents=True, exist_ok=True)
    print("SIMULATED data: these worlds describe no country.\n")
    for view in WORLDS:
        answer = asked.run(stylised_world(view, seed=seed))
        page = answer.report(out / f"{view}.html")
        print(f"The world in which the {view} view is true: {answer.verdict} ({answer.reason})")
        print(f"  {page}\n")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A replication package.")],
    yes: Annotated[bool, typer.Option("--yes", help="Run its code without asking.")] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Check the files alone.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds until a program is stopped.")] = 3600,
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


def folder_files() -> list[Path]:
    """Files of the folder ``$MIGDEV_DATA``, none where it is not set."""
    folder = os.environ.get("MIGDEV_DATA")
    if not folder:
        return []
    found = [path for name in FOLDER if (path := Path(folder) / name).exists()]
    if not found:
        raise SourceError(
            f"The folder MIGDEV_DATA={folder!r} holds none of {', '.join(FOLDER)}. Name files by "
            "--data, or unset it to use a simulated world."
        )
    print(f"Data of the folder {folder}: {', '.join(path.name for path in found)}.")
    return found


def simulated_panel(columns: Path | None) -> Any:
    """The world that stands in for data, with its truth told."""
    from migdev.simulate import stylised_world, truth

    if columns is not None:
        raise SourceError(f"{str(columns)!r} names columns of files; add the files by --data.")
    print(
        "SIMULATED data: a world in which the critical view is true; it describes no country.\n"
        "Effects of one percent of GDP of remittances in it: "
        + ", ".join(f"{name} {value:g}" for name, value in asdict(truth("critical")).items())
        + ".\nReal data: --data FILE (repeat it to join several), or set MIGDEV_DATA to a folder "
        f"that holds {', '.join(FOLDER)}.\ndocs/how-to/bring-your-data.md tells what files may "
        "look like.\n"
    )
    return stylised_world("critical", seed=1)


def load_panel(paths: list[Path], columns: Path | None) -> Any:
    """Files joined by country and year, aggregates excluded, codes made ISO3."""
    from migdev.panel.assemble import join
    from migdev.panel.countries import harmonise
    from migdev.sources.read.local import read

    for path in paths:
        if not path.exists():
            raise SourceError(f"There is no file {str(path)!r}.")
    return join([harmonise(read(path, columns=columns, aggregates="keep")) for path in paths])


def preparation(
    question: str,
    paths: list[Path],
    columns: Path | None,
    window: int | None,
    years: tuple[int, int] | None,
) -> str:
    """Python source that makes the analysis data from the raw files of a package."""
    names = "".join(f"\n    RAW / {path.name!r}," for path in paths)
    mapping = "None" if columns is None else f"RAW / {columns.name!r}"
    from migdev import hypotheses

    asked = hypotheses.get(question)
    between = "" if years is None else f".between({years[0]}, {years[1]})"
    options = "" if window is None else f", window={window}"
    more = (
        '\n    md.replication.write_data(question.prepare_background(panel), DATA / "background")'
        if asked.background
        else ""
    )
    return f'''"""Makes data/panel.csv from the raw files."""

from pathlib import Path

import migdev as md

DATA = Path(__file__).resolve().parents[1] / "data"
RAW = DATA / "raw"
FILES = [{names}
]

if __name__ == "__main__":
    read = [md.read(path, columns={mapping}, aggregates="keep") for path in FILES]
    panel = md.join([md.harmonise(extract) for extract in read]){between}
    question = md.hypotheses.get({question!r})
    md.replication.write_data(question.prepare(panel{options}), DATA){more}
'''
