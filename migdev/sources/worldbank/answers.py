"""Answers of the World Bank's Indicators API, version 2: pages, messages, archives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from migdev.sources.http import Rejected, Transient

#: Messages about a parameter, sent with HTTP status 200: another try gives the same answer.
FINAL = {"105", "110", "111", "112", "115", "120", "140", "150", "160", "175", "199"}


class Refused(Rejected):
    """The service says that a series, country or version is not to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One page of an answer.

    Attributes
    ----------
    rows : list of dict
    page, pages, total : int
    lastupdated : str
    """

    rows: list[dict[str, Any]]
    page: int
    pages: int
    total: int
    lastupdated: str


def decode(body: bytes) -> Answer:
    """Read one page.

    Raises
    ------
    Transient
        XML, HTML or a cut-off body where JSON was asked for.
    Refused
        A message such as 120 (invalid value) or 175 (indicator not found, deleted or archived).
    """
    text = body.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("<"):
        kind = "HTML" if "<html" in text[:500].lower() else "XML"
        raise Transient(f"{kind} came where JSON was asked for: {_told(text)}")
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        raise Transient("the answer is not whole JSON") from None
    if isinstance(content, dict):
        return _archive(content)
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        raise Transient("the answer has no header")
    header = content[0]
    if "message" in header:
        _refuse(header["message"])
    rows = content[1] if len(content) > 1 and content[1] is not None else []
    return _page(header, rows)


def _archive(content: dict[str, Any]) -> Answer:
    """An answer of the archives: rows name their concepts one by one."""
    if "message" in content:
        _refuse(content["message"])
    rows = []
    sources = content.get("source") or []
    for source in sources if isinstance(sources, list) else [sources]:
        for cell in source.get("data") or []:
            concepts = {c["concept"].lower(): c for c in cell["variable"]}
            rows.append(
                {
                    "indicator": concepts["series"],
                    "countryiso3code": concepts["country"]["id"],
                    "date": str(concepts["time"]["value"]).removeprefix("YR"),
                    "value": cell.get("value"),
                }
            )
    return _page(content, rows)


def _page(header: dict[str, Any], rows: list[dict[str, Any]]) -> Answer:
    def count(name: str) -> int:
        return int(header.get(name) or 0)

    return Answer(
        rows=rows, page=count("page"), pages=count("pages"), total=count("total"),
        lastupdated=str(header.get("lastupdated") or ""),
    )  # fmt: skip


def _refuse(messages: Any) -> None:
    listed = messages if isinstance(messages, list) else [messages]
    texts = [f"{m.get('key', '')}: {m.get('value', '')} (message {m.get('id')})" for m in listed]
    message = "; ".join(text.strip(": ") for text in texts)
    if all(str(m.get("id")) in FINAL for m in listed):
        raise Refused(message)
    raise Transient(message)


def _told(text: str) -> str:
    import re

    words = re.sub(r"<[^>]+>", " ", text)
    return " ".join(words.split())[:120]
