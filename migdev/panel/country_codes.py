"""Codes of countries, of states that no longer exist, and of the World Bank's aggregates.

The names of current countries are in ``countries.tsv`` (ISO 3166 codes, the English name as the
World Bank writes it, and other names in use), those of the others in ``dissolved_states.tsv`` and
``aggregates.tsv``. ``CHI`` (Channel Islands) and ``XKX`` (Kosovo) are
not in ISO 3166 but in the World Bank's data, and are kept under its codes.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# The same state under an older code: of ISO 3166-3, of the World Bank before 2016, of the IMF.
RETIRED = {
    "ADO": "AND", "AFI": "DJI", "BUR": "MMR", "BYS": "BLR", "DHY": "BEN", "HVO": "BFA",
    "IMY": "IMN", "KOS": "XKX", "KSV": "XKX", "NHB": "VUT", "PSX": "PSE", "RHO": "ZWE",
    "ROM": "ROU", "SDS": "SSD", "TMP": "TLS", "UNK": "XKX", "UVK": "XKX", "WBG": "PSE",
    "ZAR": "COD",
}  # fmt: skip

# Two-letter codes outside ISO 3166-1: Eurostat's, and retired ones that name one state.
OTHER_ALPHA2 = {
    "AN": "ANT", "BU": "MMR", "DD": "DDR", "EL": "GRC", "SU": "SUN", "TP": "TLS", "UK": "GBR",
    "YD": "YMD", "YU": "YUG", "ZR": "COD",
}  # fmt: skip

# Numbers of the United Nations that are no longer given out.
RETIRED_NUMBERS = {
    "200": "CSK", "230": "ETH", "278": "DDR", "280": "GFR", "530": "ANT", "582": "PCI",
    "720": "YMD", "736": "SDN", "810": "SUN", "886": "YAR", "890": "YUG", "891": "SCG",
}  # fmt: skip

# States that kept their code when part of them left: the last year with it, and what left.
PARTED = {"SDN": (2011, "South Sudan"), "ETH": (1993, "Eritrea")}

# Words of official names that say nothing of which country it is.
GENERIC = frozenset(
    "of republic rep kingdom democratic dem peoples people federation federal federative fed state "
    "states islamic arab socialist commonwealth principality sultanate union united plurinational "
    "bolivarian cooperative co operative independent territory territories island islands is "
    "country nation duchy grand".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DissolvedState:
    """A state or territory that no longer exists.

    Attributes
    ----------
    first, last : int
        First and last year to which annual data under this code refer.
    successors : tuple of str
        ISO3 codes of the states that hold its territory now.
    continuing : str
        The one successor that is commonly treated as the same state, or ``""``.
    afterwards : str
        The state that bore the same code after ``last``, or ``""``.
    """

    code: str
    name: str
    first: int
    last: int
    successors: tuple[str, ...]
    continuing: str = ""
    afterwards: str = ""
    other_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Country:
    """A row of ``countries.tsv``."""

    iso3: str
    iso2: str
    numeric: str
    name: str
    other_names: tuple[str, ...]


def _rows(name: str) -> Iterator[dict[str, str]]:
    """The lines of a table beside this module, without its comments."""
    text = files("migdev.panel").joinpath(f"{name}.tsv").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return csv.DictReader(lines, delimiter="\t")


def _names(joined: str) -> tuple[str, ...]:
    return tuple(joined.split("|")) if joined else ()


@cache
def countries() -> dict[str, Country]:
    """Current countries and territories by ISO3 code."""
    return {
        row["iso3"]: Country(
            row["iso3"], row["iso2"], row["numeric"], row["name"], _names(row["other_names"])
        )
        for row in _rows("countries")
    }


@cache
def dissolved_states() -> dict[str, DissolvedState]:
    """States and territories that no longer exist, by code."""
    return {
        row["code"]: DissolvedState(
            code=row["code"], name=row["name"], first=int(row["first"]), last=int(row["last"]),
            successors=tuple(row["successors"].split()), continuing=row["continuing"],
            afterwards=row["afterwards"], other_names=_names(row["other_names"]),
        )
        for row in _rows("dissolved_states")
    }  # fmt: skip


@cache
def aggregate_names() -> dict[str, tuple[str, ...]]:
    """Names of the aggregates of the World Bank's databases, by code; the current one first."""
    return {row["code"]: (row["name"], *_names(row["other_names"])) for row in _rows("aggregates")}


@cache
def by_alpha2() -> dict[str, str]:
    return {c.iso2: c.iso3 for c in countries().values()} | OTHER_ALPHA2


@cache
def by_number() -> dict[str, str]:
    current = {c.numeric: c.iso3 for c in countries().values() if c.numeric}
    return RETIRED_NUMBERS | current


@cache
def by_name() -> dict[str, str]:
    """Normalised English names of countries, dissolved states and aggregates, to codes."""
    names: dict[str, str] = {}
    for code, known in aggregate_names().items():
        names |= {plain(name): code for name in known}
    for state in dissolved_states().values():
        names |= {plain(name): state.code for name in (state.name, *state.other_names)}
    for country in countries().values():
        names |= {plain(name): country.iso3 for name in (country.name, *country.other_names)}
    return names


def plain(name: str) -> str:
    """A name without accents, case, punctuation and articles, for comparison."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"['’`.]", "", text)
    words = re.sub(r"[^a-z0-9]+", " ", text).split()
    return " ".join("saint" if w == "st" else w for w in words if w != "the")
