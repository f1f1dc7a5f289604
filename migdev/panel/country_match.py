"""Which country, dissolved state or aggregate a code or a name stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.util import find_spec

import numpy as np
import pandas as pd

from migdev.panel.country_codes import (
    GENERIC,
    RETIRED,
    aggregate_names,
    by_alpha2,
    by_name,
    by_number,
    countries,
    dissolved_states,
    plain,
)


def classify(values: Iterable[object]) -> pd.DataFrame:
    """What each distinct value stands for.

    Returns
    -------
    DataFrame
        One row per distinct value, in order of appearance: ``value``; ``code`` (ISO3, or the code
        of a dissolved state or aggregate, missing where unknown); ``kind`` (``country``,
        ``dissolved``, ``aggregate``, ``missing`` or ``unknown``); ``how`` it was recognised
        (``code``, ``retired code``, ``two-letter code``, ``number``, ``name``, ``pattern``);
        ``rows``, how often it occurs.
    """
    counts = pd.Series(list(values), dtype=object).value_counts(sort=False, dropna=False)
    rows = [(value, *_recognise(value)) for value in counts.index]
    table = pd.DataFrame(rows, columns=["value", "code", "kind", "how"], dtype=object)
    table["rows"] = counts.to_numpy()
    lost = table.index[table["kind"] == "unknown"]
    found = _by_pattern(tuple(str(table.at[i, "value"]) for i in lost)) if len(lost) else ()
    for i, code in zip(lost, found, strict=False):
        if code is not None:
            table.loc[i, ["code", "kind", "how"]] = [code, "country", "pattern"]
    return table


def _recognise(value: object) -> tuple[str | None, str, str]:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None, "missing", ""
    text = str(value).strip().lstrip("\ufeff")
    if not text:
        return None, "missing", ""
    code = text.upper()
    if isinstance(value, int | float | np.number) or re.fullmatch(r"\d{1,3}(\.0)?", text):
        number = by_number().get(str(int(float(text))).zfill(3) if _whole(text) else "")
        return (number, _kind(number), "number") if number else (None, "unknown", "")
    if any(code in known for known in (countries(), dissolved_states(), aggregate_names())):
        return code, _kind(code), "code"
    if code in RETIRED:
        return RETIRED[code], "country", "retired code"
    found, how = by_alpha2().get(code), "two-letter code"
    if found is None:
        found, how = by_name().get(plain(text)), "name"
    if found is None:
        return None, "unknown", ""
    return found, _kind(found), how


def _kind(code: str) -> str:
    if code in dissolved_states():
        return "dissolved"
    return "aggregate" if code in aggregate_names() else "country"


def _whole(text: str) -> bool:
    try:
        return float(text).is_integer()
    except ValueError:
        return False


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The name patterns of country_converter, current countries only."""
    if find_spec("country_converter") is None:
        return ()
    # Its converter class fails under pandas 3 for rows without a two-letter code; its table is
    # all that is needed.
    path = files("country_converter").joinpath("country_data.tsv")
    with path.open("rb") as stream:
        data = pd.read_csv(
            stream, sep="\t", usecols=["ISO3", "regex", "obsolete"], dtype=str,
            keep_default_na=False,
        )  # fmt: skip
    data = data[(data["obsolete"] == "") & data["ISO3"].isin(list(countries()))]
    return tuple(
        (iso3, re.compile(regex, re.IGNORECASE))
        for iso3, regex in zip(data["ISO3"], data["regex"], strict=True)
    )


def _by_pattern(names: Sequence[str]) -> list[str | None]:
    """Codes of names that exactly one pattern fits and whose every word that country explains;
    short texts are codes, never names."""
    found: list[str | None] = []
    for name in names:
        hits = {c: m for c, p in patterns() if len(name) > 3 and (m := p.search(name))}
        sure = [c for c, match in hits.items() if _explained(name, match, c)]
        found.append(sure[0] if len(hits) == len(sure) == 1 else None)
    return found


def _explained(name: str, match: re.Match[str], code: str) -> bool:
    """Whether each word is one of the country's names or generic; a spelling close to one of them
    counts where the pattern matched it. "Southern Africa", "Niger Delta" and "USA & Canada" hold
    words that South Africa, Niger and Canada do not explain."""
    country = countries()[code]
    known = {w for n in (country.name, *country.other_names) for w in plain(n).split()} | GENERIC
    inside = set(plain(match.group()).split())
    return all(
        word in known or (word in inside and bool(get_close_matches(word, known, 1, 0.8)))
        for word in plain(name).split()
    )
