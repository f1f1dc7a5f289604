"""Answers of the World Bank's Indicators API, version 2: pages, messages, archives."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from migdev.sources.http import Rejected, Transient

#: Messages about a parameter, sent with HTTP status 200: another try gives the same answer.
FINAL = {"105", "110", "111", "112", "115", "120", "140", "150", "160", "175", "199"}


class Refused(Rejected):
    """The service says that a series, country or version is not to be had."""


class Value(NamedTuple):
    """One value of a series; ``value`` as it came, a number, text or None."""

    series: str
    label: str
    iso3: str
    date: str
    value: Any


class Country(NamedTuple):
    """One country or aggregate."""

    iso3: str
    name: str
    region: str
    income_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One page of an answer.

    Attributes
    ----------
    rows : list of Value, or of Country
    page, pages, total : int
    lastupdated : str
    """

    rows: list[Any]
    page: int
    pages: int
    total: int
    lastupdated: str


def values(body: bytes) -> Answer:
    """Read one page of values of the current version.

    Raises
    ------
    Transient
        XML, HTML or a cut-off body where JSON was asked for, or rows of another shape.
    Refused
        A message such as 120 (invalid value) or 175 (indicator not found, deleted or archived).
    """
    header, rows = _current(body)
    return _page(header, rows, _value)


def countries(body: bytes) -> Answer:
    """Read one page of countries; raises as :func:`values`."""
    header, rows = _current(body)
    return _page(header, rows, _country)


def archived(body: bytes) -> Answer:
    """Read one page of values of the archives, whose rows name their concepts one by one; raises
    as :func:`values`."""
    content = _json(body)
    if not isinstance(content, dict):
        raise Transient("the answer is not one of the archives")
    if "message" in content:
        _refuse(content["message"])
    sources = content.get("source") or []
    listed = sources if isinstance(sources, list) else [sources]
    return _page(content, [cell for s in listed for cell in s.get("data") or []], _archived_value)


def _json(body: bytes) -> Any:
    text = body.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("<"):
        kind = "HTML" if "<html" in text[:500].lower() else "XML"
        raise Transient(f"{kind} came where JSON was asked for: {_told(text)}")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise Transient("the answer is not whole JSON") from None


def _current(body: bytes) -> tuple[dict[str, Any], list[Any]]:
    content = _json(body)
    if isinstance(content, dict) and "message" in content:
        _refuse(content["message"])
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        raise Transient("the answer has no header")
    if "message" in content[0]:
        _refuse(content[0]["message"])
    return content[0], (content[1] if len(content) > 1 and content[1] is not None else [])


def _value(row: Any) -> Value:
    series = row["indicator"]
    place = row.get("countryiso3code") or row["country"]["id"]
    return _named(series, place, row["date"], row["value"])


def _archived_value(cell: Any) -> Value:
    concepts = {c["concept"].lower(): c for c in cell["variable"]}
    series, date = concepts["series"], str(concepts["time"]["value"]).removeprefix("YR")
    return _named(series, concepts["country"]["id"], date, cell.get("value"))


def _named(series: Any, place: Any, date: Any, value: Any) -> Value:
    if not (place and series["id"] and date):
        raise ValueError("a row without series, country or date")
    return Value(str(series["id"]), str(series["value"]), str(place), str(date), value)


def _country(row: Any) -> Country:
    region, income = row["region"]["value"], row["incomeLevel"]["value"]
    return Country(row["id"], row["name"], region.strip(), income)


def _page(header: dict[str, Any], rows: list[Any], read: Any) -> Answer:
    try:
        counts = {name: int(header.get(name) or 0) for name in ("page", "pages", "total")}
        read_rows = [read(row) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Transient(f"the answer is not in its usual form ({error!r})") from None
    return Answer(rows=read_rows, lastupdated=str(header.get("lastupdated") or ""), **counts)


def _refuse(messages: Any) -> None:
    listed = messages if isinstance(messages, list) else [messages]
    known = [m if isinstance(m, dict) else {"value": m} for m in listed]
    texts = [f"{m.get('key', '')}: {m.get('value', '')} (message {m.get('id')})" for m in known]
    message = "; ".join(text.strip(": ") for text in texts)
    if all(str(m.get("id")) in FINAL for m in known):
        raise Refused(message)
    raise Transient(message)


def _told(text: str) -> str:
    words = re.sub(r"<[^>]+>", " ", text)
    return " ".join(words.split())[:120]
