"""From results and options to a layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from migdev.errors import ReportError, listing, suggestion
from migdev.report.layout import Cell, Layout, Row
from migdev.report.notes import STATISTICS, brackets, covariance_text, table_notes
from migdev.report.numbers import Numbers
from migdev.report.read import (
    Column,
    Entry,
    Value,
    columns_of,
    diagnostic_rows,
    effects_rows,
    extra_rows,
    fit_rows,
)
from migdev.report.select import (
    Rename,
    arrange,
    match,
    merge_terms,
    renamer,
    select_terms,
    spanner_cells,
)
from migdev.results.facts import CONSTANTS
from migdev.results.statistic import TestStatistic

STARS = {0.1: "*", 0.05: "**", 0.01: "***"}


def build(
    results: Any,
    *,
    names: Any,
    keep: str | Sequence[str] | None,
    drop: str | Sequence[str] | None,
    order: str | Sequence[str] | None,
    rename: Rename,
    groups: Mapping[str, str | Sequence[str]],
    stars: bool | Mapping[float, str],
    stat: str | Sequence[str] | None,
    level: float,
    numbers_as: Numbers,
    fit: Any,
    diagnostics: Any,
    effects: bool,
    indicate: Mapping[str, str | Sequence[str]],
    rows: Mapping[str, Any] | None,
    covariance: bool,
    dependent: bool | None,
    numbers: bool | None,
    spanners: Mapping[str, Sequence[str | int]],
    notes: bool,
    add_notes: str | Sequence[str],
    title: str,
    label: str,
) -> Layout:
    """The layout of :func:`migdev.table`, whose options these are."""
    columns = _unified(columns_of(results, names, level))
    wanted = _statistics(stat)
    marks = _stars(stars)
    everything = merge_terms([list(c.entries) for c in columns])
    hidden, indicators = _indicators(columns, everything, indicate)
    terms = select_terms([t for t in everything if t not in hidden], keep, drop, order)
    words = renamer(rename)
    columns, terms = _merged(columns, terms, words)
    coefficients = tuple(
        row
        for heading, members in arrange(terms, groups)
        for row in _group(heading, members, columns, words, wanted, marks, numbers_as)
    )
    blocks = [coefficients]
    middle = indicators | (effects_rows(columns) if effects else {}) | extra_rows(columns, rows)
    if covariance:
        middle["Standard errors"] = [covariance_text(c.estimate) for c in columns]
    blocks.append(tuple(_text_row(name, cells, words) for name, cells in middle.items()))
    blocks.append(
        tuple(
            _fit_row(name, text, values, words, numbers_as)
            for name, text, values in fit_rows(columns, fit)
        )
    )
    blocks.append(
        tuple(
            _diagnostic_row(n, text, columns, words, numbers_as)
            for n, text in diagnostic_rows(columns, diagnostics).items()
        )
    )
    dependents = [c.estimate.dependent for c in columns]
    differ = len(set(dependents)) > 1
    row_of_dependents = differ if dependent is None else dependent
    own_names = not all(c.name == f"({i + 1})" for i, c in enumerate(columns))
    head_names = [c.name if own_names else c.estimate.method for c in columns]
    numbered = len(columns) > 1 if numbers is None else numbers
    head = _head(columns, head_names, numbered, row_of_dependents, words, spanners)
    column_marks = [f"({i + 1})" for i in range(len(columns))] if numbered else head_names
    lines: list[str] = []
    if notes:
        shown = "" if row_of_dependents or differ else words(dependents[0])
        lines = table_notes(columns, column_marks, wanted, marks, level, shown)
    lines += [add_notes] if isinstance(add_notes, str) and add_notes else list(add_notes)
    return Layout(
        columns=tuple(c.name for c in columns), head=head,
        blocks=tuple(block for block in blocks if block), notes=tuple(lines), title=title,
        label=label,
    )  # fmt: skip


# ---------------------------------------------------------------------- options


def _statistics(stat: str | Sequence[str] | None) -> list[str]:
    names = [] if stat is None else [stat] if isinstance(stat, str) else list(stat)
    alias = {
        "se": "std_error",
        "std_errors": "std_error",
        "tstat": "t",
        "pvalue": "p",
        "conf_int": "ci",
    }
    names = [alias.get(n, n) for n in names]
    for name in names:
        if name not in STATISTICS:
            raise ReportError(
                f"stat={name!r} is unknown.{suggestion(name, STATISTICS)} Use "
                f"{listing(STATISTICS)}, or None."
            )
    return list(dict.fromkeys(names))


def _stars(stars: bool | Mapping[float, str]) -> dict[float, str]:
    if isinstance(stars, bool):
        stars = STARS if stars else {}
    if not isinstance(stars, Mapping):
        raise ReportError(f"stars={stars!r}; True, False, or a mapping such as {{0.05: '*'}}.")
    chosen = dict(stars)
    for cut in chosen:
        if isinstance(cut, bool) or not isinstance(cut, Real):
            raise ReportError(
                f"stars: {cut!r} is no p-value. Write p-values with their marks: {{0.05: '*'}}."
            )
        if not 0 < cut < 1:
            raise ReportError(f"stars: {cut!r} is not between 0 and 1; write 0.05 for 5%.")
    return {float(cut): str(chosen[cut]) for cut in sorted(chosen, reverse=True)}


def _mark(p: float, stars: Mapping[float, str]) -> str:
    return next((mark for cut, mark in reversed(list(stars.items())) if p < cut), "")


def _unified(columns: list[Column]) -> list[Column]:
    """One row for the constant, whatever each library calls it."""
    names = dict.fromkeys(t for c in columns for t in c.entries if t in CONSTANTS)
    if len(names) < 2:
        return columns
    first = next(iter(names))
    return [
        Column(
            name=c.name, estimate=c.estimate,
            entries={first if t in CONSTANTS else t: entry for t, entry in c.entries.items()},
        )
        for c in columns
    ]  # fmt: skip


def _indicators(
    columns: Sequence[Column], terms: Sequence[str], indicate: Mapping[str, str | Sequence[str]]
) -> tuple[set[str], dict[str, list[str]]]:
    hidden: set[str] = set()
    found: dict[str, list[str]] = {}
    for heading, items in indicate.items():
        members = {
            term
            for item in ([items] if isinstance(items, str) else items)
            for term in match(item, terms, f"indicate[{heading!r}]")
        }
        hidden |= members
        found[heading] = ["Yes" if members & set(c.entries) else "No" for c in columns]
    return hidden, found


def _merged(
    columns: list[Column], terms: Sequence[str], words: Callable[[str], str]
) -> tuple[list[Column], list[str]]:
    """Terms that ``rename`` gives one label share a row, unless one model holds both."""
    first: dict[str, str] = {}
    onto = {term: first.setdefault(words(term), term) for term in terms}
    kept = list(dict.fromkeys(onto.values()))
    if len(kept) == len(onto):
        return columns, kept
    merged = []
    for c in columns:
        entries: dict[str, Entry] = {}
        source: dict[str, str] = {}
        for term, entry in c.entries.items():
            target = onto.get(term, term)
            if target in entries:
                raise ReportError(
                    f"rename gives {source[target]!r} and {term!r} one label, {words(term)!r}, but "
                    f"{c.name!r} has both; a reader could not tell them apart."
                )
            entries[target], source[target] = entry, term
        merged.append(Column(name=c.name, estimate=c.estimate, entries=entries))
    return merged, kept


# ---------------------------------------------------------------------- rows


def _head(
    columns: Sequence[Column],
    names: Sequence[str],
    numbered: bool,
    dependents: bool,
    words: Any,
    spanners: Mapping[str, Sequence[str | int]],
) -> tuple[Row, ...]:
    rows: list[Row] = []
    if spanners:
        cells = spanner_cells(spanners, [c.name for c in columns])
        rows.append(
            Row(
                label="", cells=tuple(Cell(text, span=span) for text, span in cells), kind="spanner"
            )
        )
    if numbered:
        rows.append(
            Row(
                label="",
                cells=tuple(Cell(f"({i + 1})") for i in range(len(columns))),
                kind="number",
            )
        )
    rows.append(Row(label="", cells=tuple(Cell(name) for name in names), kind="name"))
    if dependents:
        cells_of = tuple(Cell(words(c.estimate.dependent)) for c in columns)
        rows.append(Row(label="Dependent variable", cells=cells_of, kind="dependent"))
    return tuple(rows)


def _group(
    heading: str,
    members: Sequence[str],
    columns: Sequence[Column],
    words: Any,
    wanted: Sequence[str],
    stars: Mapping[float, str],
    numbers: Numbers,
) -> list[Row]:
    rows = [Row(label=heading, cells=(), kind="group", key=(heading, ""))] if heading else []
    for term in members:
        entries = [c.entries.get(term) for c in columns]
        known = [e for e in entries if e is not None]
        decimals = numbers.decimals([e.std_error for e in known], [e.estimate for e in known])
        rows.append(
            Row(
                label=words(term),
                cells=tuple(
                    Cell()
                    if e is None
                    else Cell(
                        numbers.value(e.estimate, decimals, term, "estimate"),
                        _mark(e.p, stars),
                        True,
                    )
                    for e in entries
                ),
                kind="estimate",
                key=(words(term), "estimate"),
                indent=bool(heading),
            )
        )
        for name, (left, right) in zip(wanted, brackets(wanted), strict=True):
            cells = tuple(
                Cell()
                if e is None
                else Cell(f"{left}{_statistic(e, name, decimals, numbers, term)}{right}", "", True)
                for e in entries
            )
            rows.append(
                Row(
                    label="",
                    cells=cells,
                    kind="statistic",
                    key=(words(term), name),
                    indent=bool(heading),
                )
            )
    return rows


def _statistic(e: Entry, name: str, decimals: int, numbers: Numbers, term: str) -> str:
    if name == "std_error":
        return numbers.value(e.std_error, decimals, name, term)
    if name == "t":
        return numbers.ratio(e.t, name)
    if name == "p":
        return numbers.probability(e.p, name)
    ends = [numbers.value(v, decimals, name, term) for v in (e.low, e.high)]
    return ", ".join(ends)


def _text_row(name: str, cells: Sequence[str], words: Any) -> Row:
    return Row(label=words(name), cells=tuple(Cell(text) for text in cells), key=(words(name), ""))


def _fit_row(name: str, text: str, values: Sequence[Value], words: Any, numbers: Numbers) -> Row:
    label = words(name) if words(name) != name else text
    cells = tuple(
        Cell(numbers.fit(v, name), number=v is not None and not isinstance(v, str)) for v in values
    )
    return Row(label=label, cells=cells, key=(label, ""))


def _diagnostic_row(
    name: str, text: str, columns: Sequence[Column], words: Any, numbers: Numbers
) -> Row:
    label = words(name) if words(name) != name else text
    tests = [c.estimate.stats.get(name) for c in columns]
    if any(isinstance(t, TestStatistic) and t.pvalue == t.pvalue for t in tests):
        label = f"{label} [p]"
    cells = []
    for test in tests:
        if isinstance(test, TestStatistic):
            p = test.pvalue
            tail = f" [{numbers.probability(p, 'p')}]" if p == p else ""  # nan: tabulated only
            cells.append(Cell(f"{numbers.ratio(test.statistic, name)}{tail}", number=True))
        else:
            cells.append(Cell(numbers.fit(test, name), number=test is not None))
    return Row(label=label, cells=tuple(cells), key=(label, ""))
