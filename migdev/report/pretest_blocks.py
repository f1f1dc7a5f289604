"""The pre-tests on a verdict page: what they found, and what follows from it by the rules."""

from __future__ import annotations

from typing import Any

import pandas as pd

from migdev.report.blocks import Bullets, Descriptions, Details, Text
from migdev.report.frame import frame_table
from migdev.report.words import labeller, number

#: Subjects whose tests say more than their outcome: how much, how fast, who.
TOLD = ("Convergence",)
#: Nulls that the tests of a subject share, though each words it in its own way.
_NULLS = {
    "Cointegration": "no cointegration",
    "Causality": "the right-hand variable leads the left-hand one in no entity",
}


def pretest_blocks(answer: Any) -> list[Any]:
    """Findings by subject, then the rules that held, the order and the marks."""
    levels = {test.level for test in answer.study.pretests.tests.values()}
    at_level = f" at level {levels.pop():g}" if len(levels) == 1 else ""
    blocks: list[Any] = [Text(f"Declared with the study and run before any fit{at_level}.")]
    blocks += _background(answer)
    label = labeller(answer.panel)
    for subject in dict.fromkeys(f.subject for f in answer.pretests):
        found = [f for f in answer.pretests if f.subject == subject]
        nulls = list(dict.fromkeys(f.null for f in found if f.null))
        shared = nulls[0] if len(nulls) == 1 else _NULLS.get(subject, "")
        on = {on_words(f.on, label) for f in found}
        where = f" of {on.pop()}" if len(on) == 1 else ""
        blocks.append(Text(f"{subject}{where}{f' (null: {shared})' if shared else ''}:"))
        blocks.append(_table(found, label, not where, not shared and bool(nulls)))
        if subject in TOLD:
            blocks.append(Bullets([f"{f.name}: {f.failure or f.note}." for f in found]))
    blocks += _decisions(answer)
    notes = {f.name: _note(f) for f in answer.pretests}
    blocks.append(Details("Samples and conventions of the pre-tests", (Descriptions(notes),)))
    return blocks


def _background(answer: Any) -> list[Any]:
    """On what the pre-tests were run that asked for another panel than that of the equation."""
    names = [name for name, t in answer.study.pretests.tests.items() if t.background]
    panel = answer.background
    if not names or panel is None:
        return []
    who = "All" if len(names) == len(answer.pretests) else ", ".join(names)
    periods = panel.periods
    return [
        Text(
            f"{who}: on a background panel, longer or wider than that of the equation, of "
            f"{len(panel.entities)} entities from {periods[0]} to {periods[-1]} (fingerprint "
            f"{panel.fingerprint[:12]}), or its largest balanced block."
        )
    ]


def _table(found: list[Any], label: Any, on: bool, nulls: bool) -> Any:
    rows = []
    for f in found:
        row = {"Pre-test": f.name} | ({"On": on_words(f.on, label)} if on else {})
        row |= {"Null": f.null} if nulls else {}
        row |= {
            "Statistic": number(f.statistic),
            "p": f.pvalue,
            "Critical value": number(f.critical),
            "Outcome": _outcome(f),
        }
        rows.append(row)
    frame = pd.DataFrame(rows).set_index("Pre-test")
    for name, empty in (
        ("p", frame["p"].isna()),
        ("Critical value", frame["Critical value"] == ""),
    ):
        if empty.all():
            frame = frame.drop(columns=name)
    return frame_table(frame)


def _outcome(f: Any) -> str:
    """What became of the null; of a measure, what its note says first."""
    if f.outcome == "measure":
        return "" if f.subject in TOLD else str(f.note).split("; ")[0]
    return "could not be run" if f.failure else str(f.outcome)


def on_words(on: str, label: Any) -> str:
    """What a test was run on, with the labels of the panel; an equation as it is written."""
    return on if "~" in on else str(label(on))


def _note(f: Any) -> str:
    if f.failure:
        return f"{f.test}: {f.failure}"
    kind = "" if f.outcome != "measure" else "a measure, no test"
    null = f"null: {f.null}" if f.null else ""
    return "; ".join(part for part in (f.test, kind, null, f.sample, f.note) if part) + "."


def _decisions(answer: Any) -> list[Any]:
    rulings = answer.rulings
    if not rulings:
        return [Text("No rule was declared, so nothing follows from them but what a reader sees.")]
    held = [f"{r.rule.condition}: {r.rule.reason} ({_effect(r)})." for r in rulings if r.holds]
    other = [f"{r.rule.condition}: {r.effect}." for r in rulings if not r.holds]
    blocks: list[Any] = [Text("What follows, by rules declared beforehand:")]
    blocks.append(Bullets(held) if held else Text("Nothing: the condition of no rule holds."))
    if other:
        blocks.append(Details("Rules whose condition does not hold", (Bullets(other),)))
    if not hasattr(answer, "order"):  # a joint test, whose rules mark components only
        return blocks
    declared, order = tuple(answer.study.prefer), tuple(answer.order)
    facts = {"Order in which specifications may give the verdict": ", ".join(declared)}
    if order != declared:
        facts["The same, after the pre-tests"] = ", ".join(order)
    else:
        facts["After the pre-tests"] = "the same"
    blocks.append(Descriptions(facts))
    return blocks


def _effect(ruling: Any) -> str:
    rule = ruling.rule
    if not rule.behind:
        everyone = set(rule.specs) >= set(ruling.after)
        return "marks every specification" if everyone else f"marks {', '.join(rule.specs)}"
    same = ruling.before == ruling.after
    return "the order already was so" if same else "the order changes"
