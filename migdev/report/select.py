"""Which coefficients a table shows, in which order and under which names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from migdev.errors import ReportError, listing, suggestion
from migdev.results.facts import CONSTANTS
from migdev.results.inference import split_outside

Rename = Mapping[str, str] | Callable[[str], str] | None


def merge_terms(columns: Iterable[Sequence[str]]) -> list[str]:
    """Terms of several models in the order in which they first appear; constants last."""
    merged = dict.fromkeys(term for terms in columns for term in terms)
    return sorted(merged, key=lambda term: term in CONSTANTS)


def select_terms(
    terms: Sequence[str],
    keep: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
) -> list[str]:
    """The terms to show.

    Each item of ``keep``, ``drop`` and ``order`` is the name of a term or, where no term has that
    name, a regular expression that is searched for in the names.

    Raises
    ------
    ReportError
        An item matches no term, or is no regular expression, or nothing is left.
    """
    chosen = list(terms)
    if keep is not None:
        wanted = set(_matches(keep, terms, "keep"))
        chosen = [term for term in chosen if term in wanted]
    if drop is not None:
        unwanted = set(_matches(drop, terms, "drop"))
        chosen = [term for term in chosen if term not in unwanted]
    if order is not None:
        first = [term for term in _matches(order, terms, "order") if term in chosen]
        chosen = [*first, *(term for term in chosen if term not in first)]
    if not chosen:
        raise ReportError("keep and drop leave no coefficient to show.")
    return chosen


def _matches(items: str | Sequence[str], terms: Sequence[str], option: str) -> list[str]:
    found: dict[str, None] = {}
    for item in [items] if isinstance(items, str) else items:
        found |= dict.fromkeys(match(item, terms, option))
    return list(found)


def match(item: str, terms: Sequence[str], option: str) -> list[str]:
    """Terms that an item names or matches."""
    if item in terms:
        return [item]
    try:
        pattern = re.compile(item)
    except re.error as error:
        raise ReportError(
            f"{option}={item!r} is neither a coefficient nor a regular expression ({error})."
            f"{suggestion(item, terms)}"
        ) from None
    hits = [term for term in terms if pattern.search(term)]
    if not hits:
        raise ReportError(
            f"{option}={item!r} matches no coefficient.{suggestion(item, terms)} Coefficients: "
            f"{listing(terms, 12)}."
        )
    return hits


def renamer(rename: Rename) -> Callable[[str], str]:
    """Labels of terms: by name, by function, or for a product by its parts."""
    if rename is None:
        return lambda term: term
    if callable(rename):
        return lambda term: str(rename(term))
    names = dict(rename)

    def label(term: str) -> str:
        if term in names:
            return names[term]
        parts = split_outside(term, ":")
        if len(parts) > 1 and any(part in names for part in parts):
            return " × ".join(names.get(part, part) for part in parts)
        return term

    return label


def arrange(
    terms: Sequence[str], groups: Mapping[str, str | Sequence[str]]
) -> list[tuple[str, list[str]]]:
    """Terms under the headings of their groups; the rest first, constants last, without one."""
    taken: dict[str, str] = {}
    parts: list[tuple[str, list[str]]] = []
    for heading, items in groups.items():
        members = _matches(items, terms, f"groups[{heading!r}]")
        for term in members:
            if term in taken:
                raise ReportError(f"groups: {term!r} is under {taken[term]!r} and {heading!r}.")
            taken[term] = heading
        parts.append((heading, members))
    rest = [term for term in terms if term not in taken]
    last = [term for term in rest if term in CONSTANTS]
    first = [term for term in rest if term not in CONSTANTS]
    return [part for part in (("", first), *parts, ("", last)) if part[1]]


def spanner_cells(
    spanners: Mapping[str, Sequence[str | int]], columns: Sequence[str]
) -> list[tuple[str, int]]:
    """Headings over several columns as (text, span), gaps filled with empty text."""
    owner: dict[int, str] = {}
    for heading, members in spanners.items():
        places = sorted(_place(m, columns, heading) for m in _as_list(members))
        if places != list(range(places[0], places[0] + len(places))):
            raise ReportError(
                f"spanners[{heading!r}] covers columns that do not stand side by side: "
                f"{listing(columns[p] for p in places)}. Reorder the results."
            )
        for place in places:
            if place in owner:
                raise ReportError(f"spanners: column {columns[place]!r} is under two headings.")
            owner[place] = heading
    cells: list[tuple[str, int]] = []
    for place in range(len(columns)):
        heading = owner.get(place, "")
        if heading and place and owner.get(place - 1) == heading:
            cells[-1] = (heading, cells[-1][1] + 1)
        else:
            cells.append((heading, 1))
    return cells


def _as_list(members: str | int | Sequence[str | int]) -> list[str | int]:
    items = [members] if isinstance(members, str | int) else list(members)
    if not items:
        raise ReportError("spanners: a heading needs at least one column.")
    return items


def _place(member: str | int, columns: Sequence[str], heading: str) -> int:
    if isinstance(member, int) and 1 <= member <= len(columns):
        return member - 1
    if member in columns:
        return list(columns).index(str(member))
    raise ReportError(
        f"spanners[{heading!r}] names column {member!r}; columns are {listing(columns)}, or their "
        f"numbers 1 to {len(columns)}.{suggestion(str(member), columns)}"
    )
