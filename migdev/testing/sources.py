"""Checks of sources of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from migdev.notes import quiet
from migdev.protocols import Source
from migdev.provenance import Extract


def check_source(source: Any, series: Sequence[str], *, unknown: str = "NO.SUCH.SERIES") -> Extract:
    """A source gives a tidy extract with its provenance, and a bad series never loses the batch.

    Parameters
    ----------
    source : Source
    series : sequence of str
        Series that it has.
    unknown : str
        A series that it has not.

    Raises
    ------
    AssertionError
    """
    assert isinstance(source, Source), f"{type(source).__name__} has no fetch(...)"
    with quiet():
        extract = source.fetch([*series, unknown])
    assert isinstance(extract, Extract), "fetch() does not give an Extract"
    assert set(series) <= set(map(str, extract.frame.columns)), "a series is not among the columns"
    assert unknown in extract.provenance.missing, "the missing series is not reported"
    origin = extract.provenance
    assert origin.publisher, "provenance names no publisher"
    assert origin.dataset, "provenance names no data set"
    assert len(origin.sha256) == 64, "provenance has no SHA-256 of what was received"
    keys = [key for key in (*extract.keys, extract.time) if key]
    assert keys, "the extract has no key"
    assert not extract.frame.duplicated(keys).any(), "a key occurs twice"
    return extract
