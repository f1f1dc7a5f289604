"""``code/run.py``: the script of a package, and the modules that it imports from beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from migdev.errors import ReportError
from migdev.identity import Origin, code_of, rebuild, to_json
from migdev.panel.expressions.functions import registered_in
from migdev.replication.process import run_script
from migdev.replication.single import SingleFit

RUN = '''"""Reproduces every number of this package: data/ -> results/."""

{imports}

ROOT = Path(__file__).resolve().parents[1]
{functions}
{name} = {study}

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

#: Programs of every package, whose names its modules cannot have.
OWN = ("run.py", "prepare.py")


def script_of(answer: Any) -> tuple[str, tuple[Origin, ...]]:
    """The script that makes the results, and what it must be able to import.

    The plan's hash and departures stand in it as they were, and functions of the user's that its
    formulas call are registered first.

    Raises
    ------
    SpecificationError
        Part of the study cannot be built elsewhere.
    """
    codes = [code_of(answer.study)]
    rebuild(answer.study)
    functions = ""
    if called := registered_in(to_json(answer.study)):
        codes += [code_of(function) for function in called.values()]
        named = ", ".join(
            f"{name}={code.text}" for name, code in zip(called, codes[1:], strict=True)
        )
        functions = f"\nmd.formula_functions({named})\n"
    name, run, standard = "study", "study.run(panel)", ["from pathlib import Path"]
    more = getattr(answer, "background", None) is not None
    if more:
        run = "study.run(panel, background=background)"
    if isinstance(answer, SingleFit):
        name, run = "spec", "spec.fit(panel)"
        if answer.cov is not None:
            codes.append(code_of(answer.cov, 1))
            run += f".with_cov({codes[-1].text})"
    if answer.plan:
        told = code_of(tuple(answer.departures), 2).text
        run = REGISTERED.format(run=run, plan=answer.plan, departures=told)
        standard.insert(0, "from dataclasses import replace")
    theirs = {line for code in codes for line in code.imports} | {"import migdev as md"}
    ours = "from migdev.replication import read_data, write_results"
    text = RUN.format(
        imports="\n".join([*standard, "", *sorted(theirs), ours]),
        functions=functions, name=name, study=codes[0].text, run=run,
        background=BACKGROUND if more else "",
    )  # fmt: skip
    return text, tuple(origin for code in codes for origin in code.origins)


def write_modules(folder: Path, origins: Iterable[Origin]) -> None:
    """Copy the modules that belong to no distribution, and see that the script finds all it needs.

    Raises
    ------
    ReportError
        A module has the name of a program of the package, or needs more than was found.
    """
    files = {name: path for origin in origins for name, path in origin.files.items()}
    if taken := sorted({*files} & {*OWN}):
        raise ReportError(
            f"The module {taken[0]!r} has the name of a program of the package. Rename it."
        )
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    if files and (why := run_script(folder, "run.py", name="check")):
        raise ReportError(
            f"The package cannot be built from copies of {', '.join(files)}: {why}. What a module "
            "reads or imports as it runs must be a distribution, or be imported by its name."
        )
