"""Write an answer as a replication package."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any

from migdev.errors import ReportError
from migdev.panel.panel import Panel
from migdev.replication.checklist import Contents, checklist
from migdev.replication.data import as_plain, codebook, may_share, write_data
from migdev.replication.environment import environment, pinned
from migdev.replication.manifest import DATA, NAME, read_manifest, write_manifest
from migdev.replication.numbers import TOLERANCES
from migdev.replication.place import check_place, written_beside
from migdev.replication.readme import readme
from migdev.replication.references import bibliography
from migdev.replication.results import page_of, write_results
from migdev.replication.script import script_of, write_modules
from migdev.replication.single import as_answer
from migdev.writing import beside

LICENCE = """The code in this folder may be used, changed and passed on without restriction, with no
warranty of any kind. The data keep the licences of their publishers, which README.md states.
"""


def write_package(
    answer: Any,
    folder: str | Path,
    *,
    title: str = "",
    authors: str = "",
    raw: Sequence[str | Path] = (),
    preparation: str = "",
    plan: str | Path | None = None,
    include_data: bool | None = None,
    archive: bool = False,
) -> Path:
    """Write a folder (and, with ``archive``, a zip beside it) that anyone can rerun and verify.

    Parameters
    ----------
    answer : Answer, JointAnswer or Estimate
        A fit alone is run again at once, to see that its specification gives it.
    folder : path
        Must not exist, or hold an earlier package. The package is written beside it and takes its
        place when it is whole; files that an earlier one does not list stay.
    title, authors : str
        For the README.
    raw : sequence of paths
        Raw data files; copied where the licence allows.
    preparation : str
        Python source that makes the analysis data from ``data/raw``; written to
        ``code/prepare.py``.
    plan : path, optional
        The registered plan that the answer was held to; copied.
    include_data : bool, optional
        Whether the analysis data go in; decided by the licences of the sources if not given.
    archive : bool
        Also write ``folder.zip``, the same bytes for the same content.

    Raises
    ------
    ReportError
        The folder holds something else, or the plan is not the one of the answer.
    SpecificationError
        A class or function of the study cannot be imported elsewhere, or not be built again.
    """
    if not isinstance(folder, str | PathLike):
        raise ReportError(
            f"A package goes to a folder, not to a {type(folder).__name__}: write_package(answer, "
            "'folder')."
        )
    place = Path(folder)
    check_package(place, raw, archive=archive)
    held = getattr(answer, "plan", "")
    if plan is not None and not (held and _registered(Path(plan)) == held):
        raise ReportError(f"{str(plan)!r} is not the plan that this answer was held to.")
    answer = as_answer(answer)
    script, origins = script_of(answer)
    with written_beside(place) as new:
        started = perf_counter()
        shared, why = may_share(answer.panel)
        shared = shared if include_data is None else include_data
        data = _write_data(answer, new, raw if shared else ())
        _write(new / "code" / "run.py", script)
        write_modules(new / "code", origins)
        if preparation:
            _write(new / "code" / "prepare.py", preparation)
        if plan is not None:
            shutil.copyfile(plan, new / "plan.json")
        write_results(answer, new / "results")
        (new / "expected").mkdir()
        shutil.copyfile(new / "results" / "numbers.json", new / "expected" / "numbers.json")
        seconds = perf_counter() - started
        codebook(answer.panel).to_csv(new / "codebook.csv", index=False, lineterminator="\n")
        needed = sorted({name for origin in origins for name in origin.distributions})
        _write(new / "requirements.txt", "\n".join(pinned(needed)) + "\n")
        software = [*sorted(engines(answer)), *(name.split()[0] for name in needed)]
        cited = bibliography(used(answer), answer.panel.provenance, software)
        _write(new / "references.bib", cited)
        _write(new / "LICENSE.txt", LICENCE)
        facts = _facts(answer, shared, why, bool(preparation and raw))
        rules = checklist(facts)
        _write(new / "checklist.md", _rules(rules))
        _write(
            new / "README.md",
            readme(answer, title=title, authors=authors, facts=facts, rules=rules, seconds=seconds,
                   environment=environment(), has_plan=plan is not None, page=page_of(answer),
                   modules=sorted({f for o in origins for f in o.files})),
        )  # fmt: skip
        write_manifest(new, _told(answer), () if shared else data)
        for path in () if shared else data:
            path.unlink()
    if archive:
        zip_folder(place)
    return place


def _write_data(answer: Any, folder: Path, raw: Sequence[str | Path]) -> list[Path]:
    """The analysis data, those of pre-tests and raw files; the paths of the data proper."""
    write_data(answer.panel, folder / "data")
    background: Panel | None = getattr(answer, "background", None)
    if background is not None:
        write_data(background, folder / "data" / "background")
    if raw:
        (folder / "data" / "raw").mkdir()
    for path in map(Path, raw):
        shutil.copyfile(path, folder / "data" / "raw" / path.name)
    return [path for name in DATA if (path := folder / name).exists()]


def _registered(plan: Path) -> str:
    """The hash under which a plan was registered; whether it still holds was seen at the run."""
    try:
        return str(json.loads(plan.read_text(encoding="utf-8"))["sha256"])
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        return ""


def used(answer: Any) -> list[Any]:
    """The study, its estimators and their covariances: what has papers to cite."""
    fits = _fits(answer)
    return [answer.study, *(fit.spec for fit in fits), *(fit.cov_spec for fit in fits)]


def engines(answer: Any) -> set[str]:
    """The packages that computed the fits beside our own code."""
    return {name for fit in _fits(answer) for name in fit.facts.engines}


def _fits(answer: Any) -> list[Any]:
    return list((answer.main if hasattr(answer, "main") else answer).fits.values())


def zip_folder(folder: Path) -> Path:
    """A zip of what a package wrote, whose bytes depend on the content alone: names in order, one
    date, one mode."""
    target = _archive_of(folder)
    with (
        beside(target) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for name in sorted(read_manifest(folder).own):
            info = zipfile.ZipInfo(f"{folder.name}/{name}")
            info.date_time, info.external_attr = (1980, 1, 1, 0, 0, 0), 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, (folder / name).read_bytes())
    return target


def _archive_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.zip")


def check_package(folder: Path, raw: Sequence[str | Path] = (), *, archive: bool = False) -> None:
    """Refuse a package that cannot be written, before anything is computed.

    Raises
    ------
    ReportError
        Its place, or that of its archive, is taken by something else, or two raw files share a
        name.
    """
    check_place(folder.resolve())
    twice = [name for name, n in Counter(Path(path).name for path in raw).items() if n > 1]
    if twice:
        raise ReportError(
            f"Several raw files are called {twice[0]!r}; a package holds one of each name."
        )
    target = _archive_of(folder)
    if archive and target.exists():
        try:
            names = zipfile.ZipFile(target).namelist()
        except (OSError, zipfile.BadZipFile):
            names = []
        if f"{target.stem}/{NAME}" not in names:
            raise ReportError(
                f"{target.name!r} exists and is not the archive of a package. Move it away, or "
                "choose another folder."
            )


def _facts(answer: Any, shared: bool, why: str, preparation: bool) -> Contents:
    panel: Panel = answer.panel
    keys = {*panel.entity_columns, panel.time}
    return Contents(
        data_included=shared,
        data_note=f"data/panel.csv ({why})" if shared else f"left out: {why}",
        sources_named=bool(panel.provenance),
        sources_cited=bool(panel.provenance) and all(p.citation for p in panel.provenance),
        preparation=preparation,
        labelled=all(panel.labels.get(c) for c in panel.columns if c not in keys),
        plan=bool(answer.plan),
        licence=True,
    )


def _rules(rules: Iterable[tuple[int, str, str, str]]) -> str:
    lines = ["# Data and Code Availability Standard", "", "| rule | | outcome | where |",
             "| --- | --- | --- | --- |"]  # fmt: skip
    return "\n".join([*lines, *(f"| {n} | {r} | {o} | {note} |" for n, r, o, note in rules)]) + "\n"


def _told(answer: Any) -> dict[str, Any]:
    """What a manifest tells beside its files: the verdict, and where the data came from."""
    return {
        "verdict": answer.verdict,
        "plan": answer.plan,
        "seed": getattr(answer.study, "seed", None),
        "tolerances": TOLERANCES,
        "panel": answer.panel.fingerprint,
        "sources": [as_plain(p) for p in answer.panel.provenance],
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
