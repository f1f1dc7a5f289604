"""Country names and codes to ISO3: retired codes, dissolved states, aggregates, names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, overload

import numpy as np
import pandas as pd

from migdev.errors import CountryError, CountryWarning, listing, suggestion
from migdev.notes import warn
from migdev.options import Aggregates, check_choice
from migdev.panel.country_codes import PARTED, aggregate_names, countries, dissolved_states
from migdev.panel.country_match import classify, patterns
from migdev.provenance import Extract

To = Literal["iso3", "iso2", "name"]
Dissolved = Literal["keep", "split", "successor", "drop"]
Unknown = Literal["raise", "keep", "drop"]


def to_iso3(values: Any, *, unknown: Unknown = "raise") -> Any:
    """ISO3 codes of country codes or English names, one by one.

    Dissolved states and aggregates keep their own codes (``SUN``, ``WLD``).

    Parameters
    ----------
    values : str, Series or sequence
    unknown : {"raise", "keep", "drop"}
        What becomes of a value that is not recognised: an error, itself, or missing.

    Raises
    ------
    CountryError
        Values are not recognised and ``unknown="raise"``.

    Warns
    -----
    CountryWarning
        A name was recognised by a pattern of country_converter, not by being known.
    """
    check_choice("unknown", unknown, Unknown)
    one = isinstance(values, str)
    series = values if isinstance(values, pd.Series) else pd.Series([values] if one else values)
    table = classify(series)
    if unknown == "raise":
        _refuse_unknown(table, "values")
    if (table["how"] == "pattern").any():
        warn("; ".join(_recodes(table)) + ".", CountryWarning, stacklevel=2)
    codes = table["code"].where(table["kind"] != "unknown", table["value"])
    if unknown == "drop":
        codes = table["code"]
    out = series.astype(object).map(dict(zip(table["value"], codes, strict=True)))
    if isinstance(values, pd.Series):
        return out
    found = [code if isinstance(code, str) else None for code in out]
    return found[0] if one else found


@overload
def harmonise(
    data: Extract, column: str | Sequence[str] | None = None, *, time: str | None = None,
    to: To = "iso3", aggregates: Aggregates = "exclude", dissolved: Dissolved = "keep",
    unknown: Unknown = "raise",
) -> Extract: ...  # fmt: skip
@overload
def harmonise(
    data: Any, column: str | Sequence[str] | None = None, *, time: str | None = None,
    to: To = "iso3", aggregates: Aggregates = "exclude", dissolved: Dissolved = "keep",
    unknown: Unknown = "raise",
) -> pd.DataFrame: ...  # fmt: skip


def harmonise(
    data: Any,
    column: str | Sequence[str] | None = None,
    *,
    time: str | None = None,
    to: To = "iso3",
    aggregates: Aggregates = "exclude",
    dissolved: Dissolved = "keep",
    unknown: Unknown = "raise",
) -> Extract | pd.DataFrame:
    """Give a country column ISO3 codes, leave out aggregates, and say what was changed.

    Parameters
    ----------
    data : Extract or frame
        Any frame that narwhals knows; a pandas frame comes back.
    column : str or sequence of str, optional
        The country column, or several (origin and destination); an Extract knows its own.
    time : str, optional
        With it, codes that would meet in one period are found here, before they make duplicate
        keys; an Extract knows its own.
    to : {"iso3", "iso2", "name"}
        What the column holds afterwards. Values without such a code or name keep the ISO3 code.
    aggregates : {"exclude", "keep"}
        Rows of world, regions, income and lending groups.
    dissolved : {"keep", "split", "successor", "drop"}
        Rows of states that no longer exist (``dissolved_states.tsv``).
        Their history is never merged with another state's unless you ask for it:

        ``keep``
            they stay entities of their own, under their own code;
        ``split``
            as ``keep``, and a code that two states bore is divided by year: ``YUG`` from 1992
            on becomes ``SCG`` (needs ``time``);
        ``successor``
            rows go to the one state commonly treated as the same (``SUN`` to ``RUS``, ``YUG``
            and ``SCG`` to ``SRB``); where there is none (``CSK``, ``ANT``) they stay;
        ``drop``
            they are left out.
    unknown : {"raise", "keep", "drop"}
        Values that are not recognised.

    Raises
    ------
    CountryError
        Unknown or missing values, or two values that become one country in the same period.

    Warns
    -----
    CountryWarning
        What was recoded, left out or recognised by a pattern, with counts of rows.
    """
    check_choice("to", to, To)
    check_choice("aggregates", aggregates, Aggregates)
    check_choice("dissolved", dissolved, Dissolved)
    check_choice("unknown", unknown, Unknown)
    if isinstance(data, Extract):
        frame, keys = data.frame, list(data.keys)
        time = time or data.time or None
    else:
        from migdev.panel.frame_input import to_pandas

        frame, keys = to_pandas(data), []
    columns = [column] if isinstance(column, str) else list(column or keys)
    absent = [name for name in columns if name not in frame.columns]
    if absent or not columns:
        raise CountryError(
            f"harmonise() needs the country column; {listing(absent) or None} is not among "
            f"{listing(frame.columns, 12)}."
        )
    for name in columns:
        beside = [key for key in dict.fromkeys([*keys, *columns]) if key != name]
        frame, notes = _harmonised(frame, name, time, beside, aggregates, dissolved, unknown)
        if notes:
            warn(f"{name!r}: " + "; ".join(notes) + ".", CountryWarning, stacklevel=2)
    if to != "iso3":
        names = {c.iso3: getattr(c, to) or c.iso3 for c in countries().values()}
        if to == "name":
            names |= {code: state.name for code, state in dissolved_states().items()}
            names |= {code: known[0] for code, known in aggregate_names().items()}
        for name in columns:
            frame[name] = [names.get(code, code) for code in frame[name]]
    return replace(data, frame=frame) if isinstance(data, Extract) else frame


def _harmonised(
    frame: pd.DataFrame, column: str, time: str | None, beside: list[str], aggregates: str,
    dissolved: str, unknown: str,
) -> tuple[pd.DataFrame, list[str]]:  # fmt: skip
    table = classify(frame[column])
    lacking = int(table.loc[table["kind"] == "missing", "rows"].sum())
    if lacking:
        raise CountryError(
            f"{lacking} rows have no {column!r}. If it holds two-letter codes, 'NA' is Namibia, "
            "which many readers take for missing; read it as text. Otherwise drop these rows."
        )
    if unknown == "raise":
        _refuse_unknown(table, f"values of {column!r}")
    notes = _recodes(table)
    kind = dict(zip(table["value"], table["kind"], strict=True))
    codes = table["code"].where(table["kind"] != "unknown", table["value"])
    values = frame[column].astype(object)
    code = values.map(dict(zip(table["value"], codes, strict=True)))
    kinds = values.map(kind).to_numpy()
    keep = np.ones(len(frame), dtype=bool)
    if aggregates == "exclude":
        keep &= kinds != "aggregate"
        notes += _left_out(table, "aggregate", "aggregates left out")
    if unknown == "drop":
        keep &= kinds != "unknown"
        notes += _left_out(table, "unknown", "unknown values left out")
    elif unknown == "keep":
        notes += _left_out(table, "unknown", "unknown values kept as they are")
    years = _years(frame, time)
    is_former = kinds == "dissolved"
    if dissolved == "drop":
        keep &= ~is_former
        notes += _left_out(table, "dissolved", "rows of dissolved states left out")
    elif is_former.any():
        code, more = _former(code, is_former, years, dissolved)
        notes += more
    if years is not None:
        notes += _parted(code[keep].to_numpy(), years[keep])
    if years is not None:
        _refuse_merging(values[keep], code[keep], frame.loc[keep, [time, *beside]])
    out = frame.loc[keep].copy()
    out[column] = code[keep].astype(str)
    return (out.reset_index(drop=True) if not keep.all() else out), notes


def _refuse_unknown(table: pd.DataFrame, what: str) -> None:
    lost = table[table["kind"] == "unknown"]
    if lost.empty:
        return
    known = [*countries(), *(n for c in countries().values() for n in (c.name, *c.other_names))]
    hints = [
        f"{value!r}:{hint}"
        for value in lost["value"][:6]
        if (hint := suggestion(str(value), known))
    ]
    extra = "" if patterns() else " pip install 'migdev[countries]' makes it know more spellings."
    raise CountryError(
        f"{len(lost)} {what} are no country that is known: {listing(lost['value'])}."
        f"{' ' if hints else ''}{' '.join(hints)} Mend them, or pass unknown='keep' or "
        f"unknown='drop'.{extra}"
    )


def _recodes(table: pd.DataFrame) -> list[str]:
    notes = []
    for how, text in (("retired code", "retired codes recoded"), ("pattern", "names guessed")):
        part = table[table["how"] == how]
        if len(part):
            pairs = [
                f"{v} to {c} ({n} rows)"
                for v, c, n in zip(part["value"], part["code"], part["rows"], strict=True)
            ]
            notes.append(f"{text}: {', '.join(pairs)}")
    return notes


def _left_out(table: pd.DataFrame, kind: str, text: str) -> list[str]:
    part = table[table["kind"] == kind]
    if part.empty:
        return []
    return [f"{len(part)} {text} ({int(part['rows'].sum())} rows): {listing(part['value'])}"]


def _years(frame: pd.DataFrame, time: str | None) -> np.ndarray[Any, Any] | None:
    if time is None or time not in frame.columns:
        return None
    from migdev.panel.calendar import read_time

    ordinals, calendar = read_time(frame[time], time)
    return calendar.year(ordinals)


def _former(
    code: pd.Series[Any], is_former: np.ndarray[Any, Any], years: np.ndarray[Any, Any] | None,
    policy: str,
) -> tuple[pd.Series[Any], list[str]]:  # fmt: skip
    """Codes of dissolved states under the policy, and what to tell."""
    if policy == "split" and years is None:
        raise CountryError("dissolved='split' divides codes by year: name the time column.")
    code, notes = code.copy(), []
    for name in code[is_former].unique():
        state, rows = dissolved_states()[name], (code == name).to_numpy()
        after = rows & (years > state.last) if years is not None else np.zeros_like(rows)
        note = f"{name} ({state.name}, {int(rows.sum())} rows)"
        if policy == "split" and state.afterwards and after.any():
            code[after] = state.afterwards
            note += (
                f" divided: {int(after.sum())} rows after {state.last} become {state.afterwards}"
            )
        elif policy == "successor" and state.continuing:
            code[rows] = state.continuing
            note += f" given to {state.continuing}"
        else:
            note += " kept as an entity of its own"
            if after.any():
                note += f", with {int(after.sum())} rows after {state.last}"
                note += (
                    f" of another state (dissolved='split' makes them {state.afterwards})"
                    if state.afterwards
                    else ", when it no longer existed"
                )
        notes.append(note)
    return code, notes


def _parted(code: np.ndarray[Any, Any], years: np.ndarray[Any, Any]) -> list[str]:
    """Codes whose territory became smaller within the data."""
    notes = []
    for name, (last, part) in PARTED.items():
        rows = code == name
        before = int((rows & (years <= last)).sum())
        if before and before < rows.sum():
            notes.append(
                f"{name} includes {part} until {last} ({before} rows) and not after "
                f"({int(rows.sum()) - before} rows), under one code"
            )
    return notes


def _refuse_merging(values: pd.Series[Any], code: pd.Series[Any], rest: pd.DataFrame) -> None:
    """Two different values that become one country in one period (and under one other key) would
    make duplicate keys; ``rest`` holds the period and the other keys."""
    seen = rest.set_axis([f"key {i}" for i in range(rest.shape[1])], axis=1)
    by = ["code", *seen.columns]
    pairs = seen.assign(value=values.astype(str), code=code).drop_duplicates()
    twice = pairs[pairs.duplicated(by, keep=False)]
    if len(twice):
        first = twice[(twice[by] == twice[by].iloc[0]).all(axis=1)]
        raise CountryError(
            f"{listing(first['value'])} all become {first['code'].iloc[0]!r} in "
            f"{first['key 0'].iloc[0]} ({len(twice.drop_duplicates(by))} such "
            "country-periods in all). Drop or combine one of them first."
        )
