"""Where data come from: Provenance, and Extract, a tidy frame that knows its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a replication package must know of a data set.

    Attributes
    ----------
    publisher, dataset : str
        Who publishes the data, and under which name.
    series : tuple of str
        Identifiers of the series, in the publisher's own codes.
    vintage : str
        Version or date of last update as the publisher states it; ``""`` where it states none.
    request : str
        URL, query or file name that gave the data.
    retrieved : str
        ISO 8601 time of retrieval.
    sha256 : str
        Hash of the raw bytes received.
    licence, citation : str
        Terms of use, and how the publisher asks to be cited.
    units, labels : mapping from column to text
    missing : mapping from series to reason
        What was asked for and not obtained.
    notes : tuple of str
        What the reader decided: separator and decimal mark, marks read as missing, rows left out.
    """

    publisher: str
    dataset: str
    series: tuple[str, ...] = ()
    vintage: str = ""
    request: str = ""
    retrieved: str = ""
    sha256: str = ""
    licence: str = ""
    citation: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A tidy frame (keys, time, value columns) and its :class:`Provenance`.

    Attributes
    ----------
    frame : DataFrame
    keys : tuple of str
        The columns that name an entity: one (a country, a municipality, a household), several
        (origin and destination of a corridor), or none for series of periods alone (a world
        price). A lone name may be given as text.
    time : str
        The column of periods; ``""`` for attributes of entities (region, income group) and for
        data of one period.
    provenance : Provenance
    """

    frame: pd.DataFrame
    keys: tuple[str, ...]
    time: str = ""
    provenance: Provenance

    def __post_init__(self) -> None:
        keys = (self.keys,) if isinstance(self.keys, str) else self.keys
        object.__setattr__(self, "keys", tuple(key for key in keys if key))
