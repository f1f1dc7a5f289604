"""Multiple breaks as frames: numbers, tests, dates with intervals, regimes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.diagnostics.series import Series
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.breaks.bai_perron import BreakTests, date_intervals
from migdev.kernels.breaks.critical_values import LEVELS
from migdev.kernels.breaks.regime_fits import Regime, regimes

Tables = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuralBreaks:
    """Breaks of single series.

    Attributes
    ----------
    frame : DataFrame
        One row per entity: ``entity, nobs, breaks`` (their number), ``dates`` (a tuple: the last
        periods of the regimes that end), ``udmax, wdmax, rejects`` (UDmax refuses stability),
        ``sequential, bic, lwz`` (the number by each rule; the first is missing where there are no
        critical values).
    tests : DataFrame
        One row per entity and test: ``entity, test, breaks, statistic, 10%, 5%, 1%, rejects`` at
        ``level``. WDmax weighs by critical values at ``level`` and shows only that one.
    criteria : DataFrame
        ``entity, breaks, rss, bic, lwz, dates`` for 0, ..., M breaks.
    breaks : DataFrame
        One row per break: ``entity, break, date, lower, upper``; the interval is missing where a
        regime is fitted perfectly.
    regimes : DataFrame
        One row per regime and coefficient: ``entity, regime, first, last, nobs, term, estimate,
        std_error``.
    fitted : Series
        Fitted values of (1), aligned with ``panel.frame``; missing where a row was not used. Of
        gaps: by gap and ordinal period.
    level, confidence : float
    note : str
    """

    frame: pd.DataFrame
    tests: pd.DataFrame
    criteria: pd.DataFrame
    breaks: pd.DataFrame
    regimes: pd.DataFrame
    fitted: pd.Series
    level: float
    confidence: float
    note: str

    def __str__(self) -> str:
        if len(self.frame) > 1:
            counts = self.frame["breaks"].value_counts().sort_index()
            spread = ", ".join(f"{m}: {n}" for m, n in counts.items())
            return f"{self.note}\n{len(self.frame)} entities by number of breaks: {spread}"
        parts = [self.tests, self.breaks, self.regimes] if len(self.breaks) else [self.tests]
        tables = [
            part.drop(columns="entity").to_string(index=False, na_rep="", float_format=_short)
            for part in parts
        ]
        return "\n".join([self.note, *tables])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """Entities of the same length: their codes (g,), rows (g, T) and statistics."""

    codes: IntArray
    rows: IntArray
    found: BreakTests


def assemble(
    calendar: Any,
    s: Series,
    names: tuple[str, ...],
    pieces: list[Piece],
    chosen: IntArray,
    tables: Tables | None,
    *,
    level: float,
    confidence: float,
    errors: str,
    prewhiten: bool,
    note: str,
) -> StructuralBreaks:
    """The frames of the entities of ``s``, whose number of breaks is ``chosen`` (N,)."""
    labels = np.asarray(s.labels)
    summary: list[pd.DataFrame] = []
    tests: list[pd.DataFrame] = []
    criteria: list[pd.DataFrame] = []
    dates: list[pd.DataFrame] = []
    spans: list[pd.DataFrame] = []
    fit = np.full(len(s.entity), np.nan)
    for piece in pieces:
        periods = s.time[piece.rows]
        summary.append(
            _summary(labels[piece.codes], piece, chosen, tables, level, calendar, periods)
        )
        tests.append(_tests(labels[piece.codes], piece.found, tables, level))
        criteria.append(_criteria(labels[piece.codes], piece.found, calendar, periods))
        m = chosen[piece.codes]
        for number in np.unique(m):
            at = np.flatnonzero(m == number)
            Y, Z = s.values[piece.rows[at], 0], s.values[piece.rows[at]][:, :, 1:]
            last = piece.found.last[at, number, : number + 1]
            zero = np.zeros(len(at), dtype=np.int64)
            parts = regimes(Y, Z, last, zero, errors, prewhiten)
            who = labels[piece.codes[at]]
            if number:
                half = date_intervals(parts, confidence)
                dates.append(_dates(who, last[:, :-1], half, calendar, periods[at]))
            spans.append(_spans(who, last, parts, names, calendar, periods[at]))
            which = (np.arange(Y.shape[1]) > last[:, :, None]).sum(axis=1)
            b = np.stack([p.params for p in parts], axis=1)
            fit[piece.rows[at]] = np.einsum("gtk,gtk->gt", Z, b[np.arange(len(at))[:, None], which])
    order = pd.Index(labels)
    where = pd.MultiIndex.from_arrays([order[s.entity], s.time], names=["entity", "time"])
    empty = pd.DataFrame(columns=["entity", "break", "date", "lower", "upper"])
    return StructuralBreaks(
        frame=_sorted(summary, order), tests=_sorted(tests, order),
        criteria=_sorted(criteria, order), breaks=_sorted(dates, order) if dates else empty,
        regimes=_sorted(spans, order), fitted=pd.Series(fit, index=where, name="fitted"),
        level=level, confidence=confidence, note=note,
    )  # fmt: skip


def _sorted(parts: list[pd.DataFrame], order: pd.Index) -> pd.DataFrame:
    frame = pd.concat(parts, ignore_index=True)
    at = np.argsort(order.get_indexer(pd.Index(frame["entity"])), kind="stable")
    return frame.iloc[at].reset_index(drop=True)


def _label_tuples(calendar: Any, periods: IntArray, last: IntArray) -> list[tuple[Any, ...]]:
    """The last periods of all regimes but the final one, by entity."""
    at = np.take_along_axis(periods, last, axis=1)
    return [tuple(calendar.label(int(v)) for v in row) for row in at]


def _summary(
    who: Any, piece: Piece, chosen: IntArray, tables: Tables | None, level: float,
    calendar: Any, periods: IntArray,
) -> pd.DataFrame:  # fmt: skip
    found = piece.found
    m = chosen[piece.codes]
    names: list[tuple[Any, ...]] = [()] * len(m)
    for number in np.unique(m):
        at = np.flatnonzero(m == number)
        rows = _label_tuples(calendar, periods[at], found.last[at, number, :number])
        for i, row in zip(at, rows, strict=True):
            names[i] = row
    double = found.sup_f.max(axis=1)
    columns: dict[str, Any] = {
        "entity": who, "nobs": piece.rows.shape[1], "breaks": m,
        "dates": pd.Series(names, dtype=object), "udmax": double,
    }  # fmt: skip
    if tables is None:
        columns |= {"wdmax": np.nan, "rejects": pd.NA, "sequential": pd.NA}
    else:
        at_level, M = LEVELS.index(level), found.sup_f.shape[1]
        columns["wdmax"] = _weighted(found, tables, level)
        columns["rejects"] = double > tables[1][at_level, 0]
        more = found.further > tables[2][at_level, :M]
        columns["sequential"] = np.cumprod(more, axis=1).sum(axis=1)
    columns |= {"bic": np.argmin(found.bic, axis=1), "lwz": np.argmin(found.lwz, axis=1)}
    return pd.DataFrame(columns)


def _weighted(found: BreakTests, tables: Tables, level: float) -> FloatArray:
    cut = tables[0][LEVELS.index(level), : found.sup_f.shape[1]]
    out: FloatArray = np.max(found.sup_f * cut[0] / cut, axis=1)
    return out


def _tests(who: Any, found: BreakTests, tables: Tables | None, level: float) -> pd.DataFrame:
    g, M = found.sup_f.shape
    values = [*found.sup_f.T, found.sup_f.max(axis=1)]
    names = [*[f"sup F({m})" for m in range(1, M + 1)], "UDmax"]
    number = [*range(1, M + 1), M]
    cuts = np.full((3, 2 * M + 1), np.nan)
    if tables is not None:
        cuts[:, :M], cuts[:, M] = tables[0][:, :M], tables[1][:, 0]
        row = LEVELS.index(level)
        cuts[row, M + 1], cuts[:, M + 2 :] = tables[1][row, 1], tables[2][:, 1:M]
        values.append(_weighted(found, tables, level))
    else:
        values.append(np.full(g, np.nan))
    names += ["WDmax", *[f"sup F({m + 1}|{m})" for m in range(1, M)]]
    number += [M, *range(2, M + 1)]
    values += list(found.further[:, 1:].T)
    V = np.stack(values, axis=1)
    frame = pd.DataFrame(
        {
            "entity": np.repeat(who, len(names)), "test": names * g, "breaks": number * g,
            "statistic": V.ravel(),
            **{f"{a:.0%}": np.tile(cut, g) for a, cut in zip(LEVELS, cuts, strict=True)},
        }
    )  # fmt: skip
    if tables is None:
        frame["rejects"] = pd.NA
    else:
        frame["rejects"] = frame["statistic"] > frame[f"{level:.0%}"]
    return frame


def _criteria(who: Any, found: BreakTests, calendar: Any, periods: IntArray) -> pd.DataFrame:
    g, size = found.rss.shape
    dates = [_label_tuples(calendar, periods, found.last[:, m, :m]) for m in range(size)]
    return pd.DataFrame(
        {
            "entity": np.repeat(who, size), "breaks": np.tile(np.arange(size), g),
            "rss": found.rss.ravel(), "bic": found.bic.ravel(), "lwz": found.lwz.ravel(),
            "dates": pd.Series([dates[m][i] for i in range(g) for m in range(size)], dtype=object),
        }
    )  # fmt: skip


def _dates(
    who: Any, last: IntArray, half: FloatArray, calendar: Any, periods: IntArray
) -> pd.DataFrame:
    g, m = last.shape
    T = periods.shape[1]
    known: BoolArray = np.all(np.isfinite(half), axis=2)
    half = np.where(known[:, :, None], half, 0.0)
    low = np.clip(last + np.floor(half[:, :, 0]), 0, T - 1).astype(np.int64)
    high = np.clip(last + np.ceil(half[:, :, 1]), 0, T - 1).astype(np.int64)

    def named(at: IntArray) -> pd.Series:
        return pd.Series(calendar.labels(np.take_along_axis(periods, at, axis=1).ravel()))

    shown = pd.Series(known.ravel())
    return pd.DataFrame(
        {
            "entity": np.repeat(who, m), "break": np.tile(np.arange(1, m + 1), g),
            "date": named(last), "lower": named(low).where(shown),
            "upper": named(high).where(shown),
        }
    )  # fmt: skip


def _spans(
    who: Any, last: IntArray, parts: list[Regime], names: tuple[str, ...], calendar: Any,
    periods: IntArray,
) -> pd.DataFrame:  # fmt: skip
    g, r = last.shape
    q = len(names)
    first = np.concatenate([np.zeros((g, 1), dtype=np.int64), last[:, :-1] + 1], axis=1)

    def named(at: IntArray) -> Any:
        labels = calendar.labels(np.take_along_axis(periods, at, axis=1).ravel())
        return np.repeat(np.asarray(labels), q)

    b = np.stack([p.params for p in parts], axis=1)
    se = np.sqrt(np.stack([np.einsum("gkk->gk", p.cov) for p in parts], axis=1))
    n = np.stack([p.n for p in parts], axis=1)
    return pd.DataFrame(
        {
            "entity": np.repeat(who, r * q),
            "regime": np.tile(np.repeat(np.arange(1, r + 1), q), g),
            "first": named(first), "last": named(last), "nobs": np.repeat(n.ravel(), q),
            "term": list(names) * (g * r), "estimate": b.ravel(), "std_error": se.ravel(),
        }
    )  # fmt: skip


def _short(value: float) -> str:
    return f"{value:.4g}"
