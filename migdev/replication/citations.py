"""Citations in docstrings as BibTeX, for methods without an entry of their own."""

from __future__ import annotations

import inspect
import re
from typing import Any

# "Swamy (1970), Econometrica 38, 311-323": authors, year, the rest up to the next of its kind.
_CITED = re.compile(
    r"(?P<authors>[A-Z][^().;]*?) \((?P<year>\d{4})[a-z]?\), (?P<rest>.*?)"
    r"(?=\.(?: [A-Z][^().]*? \(\d{4}|\s*$)|\s*$)"
)
_ARTICLE = re.compile(r"^(?P<journal>\D+?) (?P<volume>\d+)(?:\(\d+\))?, (?P<pages>\d+(?:-\d+)?)$")
_HEADING = re.compile(r"\n\s*References\n\s*-+\n(.*?)(?:\n\s*\n\s*\w+\n\s*-+|\Z)", re.DOTALL)


def citations(item: Any) -> list[str]:
    """BibTeX of the works in the References section of a docstring."""
    section = _HEADING.search(inspect.getdoc(item) or "")
    if section is None:
        return []
    text = " ".join(section[1].split())
    return [_entry(match) for match in _CITED.finditer(text)]


def _entry(match: re.Match[str]) -> str:
    authors = [a for a in re.split(r", and |, | and ", match["authors"]) if a]
    key = f"{re.sub(r'[^a-z]', '', authors[0].split()[-1].lower())}{match['year']}"
    people = " and ".join(f"{{{a}}}" for a in authors)
    fields = {"author": people, "year": match["year"]}
    article = _ARTICLE.match(match["rest"])
    if article:
        fields |= {"journal": article["journal"], "volume": article["volume"]}
        fields["pages"] = article["pages"].replace("-", "--")
    else:
        fields["note"] = match["rest"]
    escaped = {k: re.sub(r"([%&#_$])", r"\\\1", v) for k, v in fields.items()}
    body = ",\n".join(f"  {k} = {{{v}}}" for k, v in escaped.items())
    return f"@{'article' if article else 'misc'}{{{key},\n{body}\n}}"


def key_of(entry: str) -> str:
    """The key of a BibTeX entry."""
    return entry[entry.index("{") + 1 : entry.index(",")]
