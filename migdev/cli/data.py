"""The data of a study: files of the user, of the folder ``$MIGDEV_DATA``, or a simulated world."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from migdev.errors import SourceError, listing, suggestion

#: What a study takes of the folder ``$MIGDEV_DATA``: country-years by World Bank code, attributes
#: of countries, poverty.
FOLDER = (
    "wdi_panel.csv", "country_meta.csv", "wdi_poverty_inequality_2021ppp.csv", "wdi_more.csv",
    "pwt110.csv", "wgi_1996_2022.csv",
)  # fmt: skip
#: Options of :func:`migdev.read` that ``--read`` takes; those that hold several values.
READING = (
    "entity", "time", "sheet", "separator", "decimal", "thousands", "encoding", "format",
    "missing", "text",
)  # fmt: skip
SEVERAL = ("entity", "missing", "text")

Shared = Literal["refuse", "first", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Files with how they are read and joined.

    Attributes
    ----------
    paths : sequence of Path
        None for a simulated world.
    columns : Path, optional
        The file that maps columns.
    reading : mapping from file name to options of :func:`migdev.read`
        ``""`` for all files.
    shared : {"refuse", "first", "last"}
        Of which file to take columns that several hold.
    """

    paths: Sequence[Path]
    columns: Path | None = None
    reading: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared: Shared = "refuse"

    def options(self, path: Path) -> dict[str, Any]:
        return {**self.reading.get("", {}), **self.reading.get(path.name, {})}

    def extracts(self) -> list[Any]:
        """The files as extracts with codes made ISO3 and aggregates excluded."""
        from migdev.panel.countries import harmonise
        from migdev.sources.read.local import read
        from migdev.sources.read.mapping import ColumnMapping

        for path in self.paths:
            if not path.exists():
                beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
                raise SourceError(f"There is no file {str(path)!r}.{suggestion(path.name, beside)}")
        mapping = ColumnMapping.read(self.columns, partial=len(self.paths) > 1)
        found = [
            read(path, columns=mapping, aggregates="keep", **self.options(path))
            for path in self.paths
        ]
        held = {str(column) for extract in found for column in extract.frame.columns}
        absent = [old for old, new in mapping.columns.items() if new not in held]
        if absent:
            raise SourceError(
                f"{str(self.columns)!r} names {listing(absent)}, in none of the files."
                f"{suggestion(absent[0], held)}"
            )
        return [harmonise(extract) for extract in found]

    def panel(self) -> tuple[Any, dict[int, dict[str, None]]]:
        """The files joined by country and year, and the columns left out of each for that."""
        from migdev.panel.assemble import join

        extracts = self.extracts()
        left_out = self._left_out(extracts)
        return join(extracts, rename=left_out), left_out

    def _left_out(self, extracts: Sequence[Any]) -> dict[int, dict[str, None]]:
        """By the place of a file, the columns that are taken of another one."""
        holders: dict[str, list[int]] = {}
        for i, extract in enumerate(extracts):
            for column in extract.frame.columns:
                if column not in (*extract.keys, extract.time):
                    holders.setdefault(str(column), []).append(i)
        found: dict[int, dict[str, None]] = {}
        twice = {column: held for column, held in holders.items() if len(held) > 1}
        if twice and self.shared == "refuse":
            column, held = next(iter(twice.items()))
            raise SourceError(
                f"{listing(twice)} {'is' if len(twice) == 1 else 'are'} in more than one file, "
                f"{column!r} in {listing(self.paths[i].name for i in held)}. Give --shared first "
                "or --shared last, to take such columns of the first or the last file that has "
                "them."
            )
        for column, held in twice.items():
            for i in held[1:] if self.shared == "first" else held[:-1]:
                found.setdefault(i, {})[column] = None
        return found


def read_options(given: Sequence[str], paths: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """``[FILE:]NAME=VALUE`` by file, ``""`` for all files.

    Raises
    ------
    SourceError
        It is not written so, or names no option or no file.
    """
    found: dict[str, dict[str, Any]] = {}
    names = [path.name for path in paths]
    for text in given:
        left, equals, value = text.partition("=")
        file, _, name = left.rpartition(":")
        if not equals or name not in READING:
            raise SourceError(
                f"--read {text} is not NAME=VALUE or FILE:NAME=VALUE, with one of the options "
                f"{listing(READING, 12)}.{suggestion(name, READING)}"
            )
        if file and file not in names:
            raise SourceError(
                f"--read {text} names no file of --data.{suggestion(file, names)} Files: "
                f"{listing(names)}."
            )
        several = tuple(value.split(",")) if name in SEVERAL and value != "," else value
        found.setdefault(file, {})[name] = several
    return found


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


def simulated_panel() -> Any:
    """The world that stands in for data, with its truth told."""
    from migdev.simulate import stylised_world, truth

    print(
        "SIMULATED data: a world in which the critical view is true; it describes no country.\n"
        "Effects of one percent of GDP of remittances in it: "
        + ", ".join(f"{name} {value:g}" for name, value in asdict(truth("critical")).items())
        + ".\nReal data: --data FILE (repeat it to join several), or set MIGDEV_DATA to a folder "
        f"that holds {', '.join(FOLDER)}.\nThe World Bank publishes them as one archive, which "
        "--data WDI_CSV.zip reads as it is: "
        "https://datatopics.worldbank.org/world-development-indicators.\n"
        "docs/how-to/bring-your-data.md tells what files may look like; `migdev demo` shows the "
        "page of each view's world.\n"
    )
    return stylised_world("critical", seed=1)


def preparation(
    question: str,
    files: Files,
    left_out: dict[int, dict[str, None]],
    window: int | None,
    years: tuple[int, int] | None,
) -> str:
    """Python source that makes the analysis data from the raw files of a package."""
    from migdev import hypotheses

    asked = hypotheses.get(question)
    names = "".join(f"\n    RAW / {path.name!r}," for path in files.paths)
    mapping, columns = "", ""
    if files.columns is not None:
        partial = ", partial=True" if len(files.paths) > 1 else ""
        mapping = f"\n    mapping = md.ColumnMapping.read(RAW / {files.columns.name!r}{partial})"
        columns = ", columns=mapping"
    given = {path.name: files.options(path) for path in files.paths if files.options(path)}
    reading = f"\nREADING = {given!r}" if given else ""
    options = ", **READING.get(path.name, {})" if given else ""
    rename = f", rename={left_out!r}" if left_out else ""
    between = "" if years is None else f".between({years[0]}, {years[1]})"
    windows = "" if window is None else f", window={window}"
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
]{reading}

if __name__ == "__main__":{mapping}
    read = [md.read(path, aggregates="keep"{columns}{options}) for path in FILES]
    panel = md.join([md.harmonise(extract) for extract in read]{rename}){between}
    question = md.hypotheses.get({question!r})
    md.replication.write_data(question.prepare(panel{windows}), DATA){more}
'''
