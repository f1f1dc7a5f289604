"""Write an answer as a replication package."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from migdev.errors import ReportError
from migdev.panel.panel import Panel
from migdev.replication.checklist import Facts, checklist
from migdev.replication.code import to_code
from migdev.replication.data import as_plain, codebook, may_share, write_data
from migdev.replication.environment import environment, pinned
from migdev.replication.numbers import TOLERANCES, write_results
from migdev.replication.readme import readme
from migdev.replication.references import bibliography
from migdev.replication.verify import seal_of, sha256

RUN = '''"""Reproduces every number of this package: data/ -> results/."""

{imports}from pathlib import Path

import migdev as md
from migdev.replication import read_data, write_results

ROOT = Path(__file__).resolve().parents[1]

study = {study}

if __name__ == "__main__":
    panel = read_data(ROOT / "data"){background}
    answer = {run}
    write_results(answer, ROOT / "results")
    print(answer)
'''

BACKGROUND = """
    background = read_data(ROOT / "data" / "background")"""

REGISTERED = """replace(
        {run},
        plan={plan!r},
        departures={departures},
    )"""

LICENCE = """The code in this folder may be used, changed and passed on without restriction, with no
warranty of any kind. The data keep the licences of their publishers, which README.md states.
"""


def write_package(
    answer: Any,
    folder: Path,
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
    answer : Answer or JointAnswer
    folder : Path
        Must not exist, or hold an earlier package.
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
    """
    if plan is not None and _registered(Path(plan)) != answer.plan:
        raise ReportError(f"{str(plan)!r} is not the plan that this answer was held to.")
    twice = [name for name, n in Counter(Path(path).name for path in raw).items() if n > 1]
    if twice:
        raise ReportError(
            f"Several raw files are called {twice[0]!r}; a package holds one of each name."
        )
    _clear(folder)
    started = perf_counter()
    shared, why = may_share(answer.panel)
    shared = shared if include_data is None else include_data
    write_data(answer.panel, folder / "data")
    background: Panel | None = getattr(answer, "background", None)
    if background is not None:
        write_data(background, folder / "data" / "background")
    if not shared:
        for path in (folder / "data").rglob("panel.csv"):
            path.unlink()
    if raw and shared:
        (folder / "data" / "raw").mkdir()
        for path in map(Path, raw):
            shutil.copyfile(path, folder / "data" / "raw" / path.name)
    (folder / "code").mkdir()
    if plan is not None:
        shutil.copyfile(plan, folder / "plan.json")
    _write(folder / "code" / "run.py", _run(answer))
    if preparation:
        _write(folder / "code" / "prepare.py", preparation)
    write_results(answer, folder / "results")
    (folder / "expected").mkdir()
    shutil.copyfile(folder / "results" / "numbers.json", folder / "expected" / "numbers.json")
    seconds = perf_counter() - started
    codebook(answer.panel).to_csv(folder / "codebook.csv", index=False, lineterminator="\n")
    _write(folder / "requirements.txt", "\n".join(pinned()) + "\n")
    _write(folder / "references.bib", bibliography(used(answer), answer.panel.provenance))
    _write(folder / "LICENSE.txt", LICENCE)
    facts = _facts(answer, shared, why, bool(preparation and raw))
    rules = checklist(facts)
    _write(folder / "checklist.md", _rules(rules))
    _write(
        folder / "README.md",
        readme(answer, title=title, authors=authors, facts=facts, rules=rules, seconds=seconds,
               environment=environment(), has_plan=plan is not None),
    )  # fmt: skip
    _write(folder / "manifest.json", json.dumps(_manifest(answer, folder), indent=1) + "\n")
    if archive:
        zip_folder(folder)
    return folder


def _registered(plan: Path) -> str:
    """The hash under which a plan was registered; whether it still holds was seen at the run."""
    try:
        return str(json.loads(plan.read_text(encoding="utf-8"))["sha256"])
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        return ""


def _run(answer: Any) -> str:
    """The script that makes the results; the plan's hash and departures stand as they were."""
    study = to_code(answer.study)
    more = getattr(answer, "background", None) is not None
    run = "study.run(panel, background=background)" if more else "study.run(panel)"
    imports = ""
    if answer.plan:
        told = to_code(tuple(answer.departures), 2)
        run = REGISTERED.format(run=run, plan=answer.plan, departures=told)
        imports = "from dataclasses import replace\n"
    return RUN.format(imports=imports, study=study, run=run, background=BACKGROUND if more else "")


def used(answer: Any) -> list[Any]:
    """The study, its estimators and their covariances: what has papers to cite."""
    fits = answer.main.fits if hasattr(answer, "main") else answer.fits
    specs = [fit.spec for fit in fits.values()]
    return [answer.study, *specs, *(fit.cov_spec for fit in fits.values())]


def zip_folder(folder: Path) -> Path:
    """A zip whose bytes depend on the content alone: names in order, one date, one mode."""
    target = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(folder):
            info = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
            info.date_time, info.external_attr = (1980, 1, 1, 0, 0, 0), 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes())
    return target


def _facts(answer: Any, shared: bool, why: str, preparation: bool) -> Facts:
    panel: Panel = answer.panel
    keys = {*panel.entity_columns, panel.time}
    return Facts(
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


def _manifest(answer: Any, folder: Path) -> dict[str, Any]:
    """Every file but the manifest, apart from them the results, which reruns may make anew, and
    where the data came from."""
    manifest = {
        "package": "migdev replication package, version 1",
        "verdict": answer.verdict,
        "plan": answer.plan,
        "seed": getattr(answer.study, "seed", None),
        "tolerances": TOLERANCES,
        "panel": answer.panel.fingerprint,
        "sources": [as_plain(p) for p in answer.panel.provenance],
        "files": [
            {
                "path": path.relative_to(folder).as_posix(),
                "sha256": sha256(path),
                "bytes": path.stat().st_size,
            }
            for path in _files(folder)
            if folder / "results" not in path.parents and path.name != "manifest.json"
        ],
        "results": {
            path.relative_to(folder).as_posix(): sha256(path) for path in _files(folder / "results")
        },
    }
    return {**manifest, "seal": seal_of(manifest)}


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def _clear(folder: Path) -> None:
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "manifest.json").exists():
            raise ReportError(
                f"{folder.name!r} exists and is not a replication package; choose another folder."
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
