"""Notes under a table: what the errors are, which sample, what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from migdev.errors import listing
from migdev.report.read import Column
from migdev.results.estimate import Estimate

STATISTICS = {
    "std_error": "standard errors",
    "t": "t statistics",
    "p": "p-values",
    "ci": "confidence intervals",
}
CONVENTIONS = {"stata": "Stata"}
_BRACKETS = ("parentheses", "square brackets", "braces")


def by_columns(texts: Sequence[str], marks: Sequence[str]) -> str:
    """Texts with the columns that they hold for; one text alone where all columns share it."""
    kinds = [t for t in dict.fromkeys(texts) if t]
    if not kinds:
        return ""
    if len(kinds) == 1 and all(texts):
        return kinds[0]
    return "; ".join(
        f"{_ranges([i for i, t in enumerate(texts) if t == kind], marks)} {kind}" for kind in kinds
    )


def _ranges(places: Sequence[int], marks: Sequence[str]) -> str:
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(
        marks[run[0]]
        if len(run) == 1
        else f"{marks[run[0]]}{'-' if len(run) > 2 else ', '}{marks[run[-1]]}"
        for run in runs
    )


def table_notes(
    columns: Sequence[Column],
    marks: Sequence[str],
    stats: Sequence[str],
    stars: Mapping[float, str],
    level: float,
    dependent: str,
) -> list[str]:
    """The notes that a reader needs to judge a table."""
    estimates = [c.estimate for c in columns]
    notes = [f"Dependent variable: {dependent}."] if dependent else []
    errors = by_columns([covariance_text(e) for e in estimates], marks)
    if list(stats) == ["std_error"]:
        notes.append(f"Standard errors in parentheses: {errors}.")
    else:
        notes += [*statistics_note(stats, level), f"Standard errors: {errors}."]
    if stars or set(stats) & {"p", "ci"}:
        notes.append(
            f"Tests and intervals: {by_columns([reference(e) for e in estimates], marks)}."
        )
    if stars:
        notes.append(", ".join(f"{mark} p < {cut:g}" for cut, mark in stars.items()) + ".")
    cautions = by_columns([e.facts.caution.removesuffix(".") for e in estimates], marks)
    if cautions:
        notes.append(f"{cautions}.")
    for head, texts in (
        ("Sample", [sample_text(e) for e in estimates]),
        ("Rows not used", [dropped_text(e) for e in estimates]),
        ("Left out", [columns_text(e) for e in estimates]),
    ):
        text = by_columns(texts, marks)
        if text:
            notes.append(f"{head}: {text}.")
    return notes


def statistics_note(stats: Sequence[str], level: float) -> list[str]:
    """``["Standard errors in parentheses."]``"""
    parts = []
    for name, (left, _) in zip(stats, brackets(stats), strict=True):
        what = f"{100 * level:g}% {STATISTICS[name]}" if name == "ci" else STATISTICS[name]
        where = {"(": _BRACKETS[0], "[": _BRACKETS[1], "{": _BRACKETS[2]}[left]
        parts.append(f"{what} in {where}")
    if not parts:
        return []
    text = ", ".join(parts)
    return [f"{text[:1].upper()}{text[1:]}."]


def brackets(stats: Sequence[str]) -> list[tuple[str, str]]:
    """Brackets of the statistics under an estimate: intervals square, the first other round."""
    free = [("(", ")"), ("{", "}")] if "ci" in stats else [("(", ")"), ("[", "]"), ("{", "}")]
    if len(stats) - ("ci" in stats) > len(free):
        free.append(("(", ")"))
    pairs = iter(free)
    return [("[", "]") if name == "ci" else next(pairs) for name in stats]


def covariance_text(e: Estimate) -> str:
    """The covariance with its convention and numbers of clusters."""
    c = e.covariance
    if c is None:
        return "kind not stated by the result"
    text = c.description or "kind not stated by the result"
    missing = [
        f"{n:,} clusters of {name}"
        for name, n in c.clusters.items()
        if f"{n}" not in text.replace(",", "")
    ]
    if missing:
        text += f", {' and '.join(missing)}"
    if c.convention and c.convention.lower() not in text.lower():
        text += f", small-sample convention of {CONVENTIONS.get(c.convention, c.convention)}"
    return text


def reference(e: Estimate) -> str:
    """The distribution behind tests and intervals."""
    df = e.df_inference
    if df is None or (np.ndim(df) == 0 and np.isinf(df)):
        return "normal distribution"
    if np.ndim(df) > 0:
        low, high = float(np.min(df)), float(np.max(df))
        return f"t distribution with {low:.1f} to {high:.1f} degrees of freedom by coefficient"
    return f"t distribution with {float(df):g} degrees of freedom"


def sample_text(e: Estimate) -> str:
    """Entities and span of the periods."""
    sample = e.sample
    if sample is None or not len(sample.rows):
        return ""
    first, last = (
        sample.panel.key(int(sample.rows[i]))[1]
        for i in (int(np.argmin(sample.time)), int(np.argmax(sample.time)))
    )
    return f"{e.entities:,} × {sample.panel.entity}, {sample.panel.time} {first} to {last}"


def dropped_text(e: Estimate) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in e.dropped.items())


def columns_text(e: Estimate) -> str:
    reasons: dict[str, list[str]] = {}
    for name, reason in e.dropped_columns.items():
        reasons.setdefault(reason, []).append(name)
    return "; ".join(f"{listing(names)} ({reason})" for reason, names in reasons.items())
