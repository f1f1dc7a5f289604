"""BibTeX of the methods, software and data behind an answer."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import migdev
from migdev.provenance import Provenance
from migdev.replication.citations import citations, key_of

#: Papers of methods whose entries are in ``methods.bib``, by class.
METHODS: dict[str, tuple[str, ...]] = {
    "PooledOLS": (),
    "FixedEffects": ("correia2017",),
    "RandomEffects": ("swamy1972", "baltagi1994"),
    "CorrelatedRandomEffects": ("mundlak1978",),
    "IV2SLS": ("andrews2019",),
    "LIML": ("andrews2019",),
    "IVGMM": ("hansen1982",),
    "DifferenceGMM": ("arellano1991", "windmeijer2005"),
    "SystemGMM": ("blundell1998", "windmeijer2005", "roodman2009"),
    "MeanGroup": ("pesaran1995",),
    "PooledMeanGroup": ("pesaran1999",),
    "CCEMeanGroup": ("pesaran2006",),
    "CCEPooled": ("pesaran2006",),
    "Clustered": ("liang1986", "cameron2011"),
    "Robust": ("white1980",),
    "DriscollKraay": ("driscoll1998",),
    "NeweyWest": ("newey1987",),
    "BeckKatz": ("beck1995",),
    "Conley": ("conley1999",),
    "Study": ("schuirmann1987", "bloom1995"),
    "JointStudy": (
        "schuirmann1987",
        "bloom1995",
        "berger1982",
        "cameron2008",
        "holm1979",
        "romano2005",
    ),
}


def methods_bib() -> dict[str, str]:
    """Entries of ``methods.bib`` by key."""
    text = files("migdev.replication").joinpath("methods.bib").read_text(encoding="utf-8")
    entries = [entry.strip() for entry in text.split("\n\n") if entry.strip()]
    return {key_of(entry): entry for entry in entries}


def bibliography(
    used: Sequence[Any], provenance: Iterable[Provenance], more: Iterable[str] = ()
) -> str:
    """BibTeX for the methods of some objects, the software (what is told in ``more`` too, and what
    pre-tests call), and the data.

    A method that is not among :data:`METHODS` is cited as its docstring cites.
    """
    known, methods = methods_bib(), dict[str, str]()
    for item in used:
        name = type(item).__name__
        ours = name in METHODS and getattr(migdev, name) is type(item)
        found = [known[k] for k in METHODS[name]] if ours else citations(type(item))
        for entry in found:
            key = key_of(entry)
            methods.setdefault(key, known.get(key, entry))
    tests = [test for item in used for test in pretests_of(item)]
    for entry in (entry for test in tests for entry in citations(test)):
        key = key_of(entry)
        methods.setdefault(key, known.get(key, entry))
    if any(getattr(h, "literature", "") == "growth" for item in used for h in hypotheses_of(item)):
        methods["cazachevici2020"] = known["cazachevici2020"]
    entries = list(methods.values())
    called = sorted({engine for test in tests for engine in engines_of(test)})
    software = dict.fromkeys(("migdev", "numpy", "scipy", "pandas", *called, *more))
    entries += [_software(name) for name in software]
    entries += [
        _data(p, i)
        for i, p in enumerate({(p.dataset, p.vintage): p for p in provenance}.values(), 1)
    ]
    return "\n\n".join(entries) + "\n"


def pretests_of(item: Any) -> list[Any]:
    """The functions that a study's pre-tests call."""
    declared = getattr(item, "pretests", None)
    if declared is None:
        return []
    return list(dict.fromkeys(test.function for test in declared.tests.values()))


def engines_of(test: Any) -> set[str]:
    """The libraries whose engines the module of a test calls."""
    homes = (getattr(v, "__module__", None) for v in vars(sys.modules[test.__module__]).values())
    found = (str(home).rpartition(".") for home in homes)
    return {library for room, _, library in found if room == "migdev.engines"}


def hypotheses_of(item: Any) -> list[Any]:
    """The hypotheses of a study, single or joint."""
    parts = getattr(item, "components", None)  # of a joint study; estimators may have others
    held = [item, *parts] if isinstance(parts, tuple) else [item]
    return [part.hypothesis for part in held if hasattr(part, "hypothesis")]


def _software(name: str) -> str:
    author = "The migdev developers" if name == "migdev" else f"The {name} developers"
    return (
        f"@software{{{name},\n  author = {{{{{author}}}}},\n  title = {{{name}}},\n"
        f"  version = {{{version(name)}}}\n}}"
    )


def _data(p: Provenance, number: int) -> str:
    note = p.citation or f"{p.publisher}: {p.dataset}"
    safe = re.sub(r"([%&#_$])", r"\\\1", note)
    title = re.sub(r"([%&#_$])", r"\\\1", f"{p.dataset} {p.vintage}".strip())
    return (
        f"@misc{{data{number},\n  author = {{{{{p.publisher}}}}},\n  title = {{{{{title}}}}},\n"
        f"  note = {{{safe}}},\n  year = {{{p.retrieved[:4]}}}\n}}"
    )
