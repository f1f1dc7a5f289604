"""What a table or figure reads of a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.errors import ReportError, listing, suggestion
from migdev.results.adapt import as_estimate, as_results
from migdev.results.estimate import Estimate
from migdev.results.facts import LABELS
from migdev.results.inference import check_level
from migdev.results.statistic import TestStatistic

DEFAULT_FIT = ("nobs", "entities", "r2_within", "r2", "r2_pseudo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A coefficient of one model."""

    estimate: float
    std_error: float
    t: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """One model of a table.

    Attributes
    ----------
    name : str
    estimate : Estimate
    entries : mapping from term to Entry
    """

    name: str
    estimate: Estimate
    entries: Mapping[str, Entry]


def columns_of(results: Any, names: Any = None, level: float = 0.95) -> list[Column]:
    """Columns from results of any kind that :func:`migdev.results.adapt.as_results` reads."""
    check_level(level)
    found = as_results(results)
    labels = _column_names(found, names)
    return [
        Column(name=label, estimate=e, entries=_entries(e, level))
        for label, e in zip(labels, (as_estimate(r) for r in found.values()), strict=True)
    ]


def _column_names(found: Mapping[str, Any], names: Any) -> list[str]:
    if names is None:
        return list(found)
    if isinstance(names, Mapping):
        for key in names:
            if key not in found:
                raise ReportError(
                    f"names[{key!r}] is no result.{suggestion(str(key), found)} Results: "
                    f"{listing(found)}."
                )
        return [str(names.get(key, key)) for key in found]
    labels = [names] if isinstance(names, str) else [str(n) for n in names]
    if len(labels) != len(found):
        raise ReportError(f"names has {len(labels)} items for {len(found)} results.")
    return labels


def _entries(e: Estimate, level: float) -> dict[str, Entry]:
    ci = e.conf_int(level)
    return {
        name: Entry(estimate=b, std_error=se, t=t, p=p, low=low, high=high)
        for name, b, se, t, p, low, high in zip(
            e.names, _floats(e.params), _floats(e.std_errors), _floats(e.tstats),
            _floats(e.pvalues), _floats(ci["lower"]), _floats(ci["upper"]), strict=True,
        )
    }  # fmt: skip


def _floats(values: Any) -> list[float]:
    return [float(v) for v in np.asarray(values, dtype=float)]


# ---------------------------------------------------------------------- rows below the coefficients

Value = float | str | None


def fit_value(e: Estimate, name: str) -> Value:
    """A fit statistic of a result; None where it has none."""
    if name in ("nobs", "df_resid"):
        return float(getattr(e, name))
    if name == "clusters":
        counts = {} if e.covariance is None else e.covariance.clusters
        return ", ".join(f"{n:,}" for n in counts.values()) or None
    value = getattr(e, name, None) if name in ("entities", "periods") else None
    value = e.stats.get(name) if value is None else value
    if isinstance(value, TestStatistic):
        return value.statistic
    if value is None or isinstance(value, bool | str):
        return None if value is None else str(value)
    return float(value)


def fit_rows(columns: Sequence[Column], fit: Any) -> list[tuple[str, str, list[Value]]]:
    """Name, label and values of the fit statistics to show.

    A statistic that two results mean differently (R² of levels, of differences) has a row for
    each meaning, unless the caller labels it.
    """
    named = isinstance(fit, Mapping)
    labels = _named(DEFAULT_FIT if fit is None else fit, {})
    rows: list[tuple[str, str, list[Value]]] = []
    for name, label in labels.items():
        values = [fit_value(c.estimate, name) for c in columns]
        if all(v is None for v in values):
            if fit is None:
                continue
            names = sorted({*LABELS, *(k for c in columns for k in c.estimate.stats)})
            held = [n for n in names if any(fit_value(c.estimate, n) is not None for c in columns)]
            near = (
                " That is a statistic, which these results do not have."
                if name in names
                else suggestion(name, names)
            )
            raise ReportError(
                f"fit: no result has {name!r}.{near} Results have: {listing(held, 20)}."
            )
        words = [label if named else c.estimate.facts.labels.get(name, name) for c in columns]
        for word in dict.fromkeys(w for w, v in zip(words, values, strict=True) if v is not None):
            shown = [v if w == word else None for w, v in zip(words, values, strict=True)]
            rows.append((name, word, shown))
    return rows


def diagnostic_rows(columns: Sequence[Column], diagnostics: Any) -> dict[str, str]:
    """Labels of the diagnostics to show; ``"all"`` for every test that a result holds.

    Only what is asked for is read: a result may compute its tests when they are read.
    """
    if diagnostics is None:
        return {}
    if isinstance(diagnostics, str) and diagnostics == "all":
        tests = {
            key: test.name
            for c in reversed(columns)
            for key, test in c.estimate.stats.items()
            if isinstance(test, TestStatistic)
        }
        order = dict.fromkeys(k for c in columns for k in c.estimate.stats if k in tests)
        return {key: tests[key] for key in order}
    labels = _named(diagnostics, {})
    for name, label in labels.items():
        found = [c.estimate.stats.get(name) for c in columns]
        if all(test is None for test in found):
            known = dict.fromkeys(k for c in columns for k in c.estimate.stats)
            raise ReportError(
                f"diagnostics: no result has {name!r}.{suggestion(name, known)} Results hold: "
                f"{listing(known, 20) or 'none'}."
            )
        if label == name:
            titles = [test.name for test in found if isinstance(test, TestStatistic)]
            labels[name] = titles[0] if titles else LABELS.get(name, name)
    return labels


def _named(items: Any, labels: Mapping[str, str]) -> dict[str, str]:
    if isinstance(items, Mapping):
        return {str(k): str(v) for k, v in items.items()}
    names = [items] if isinstance(items, str) else list(items)
    return {name: labels.get(name, name) for name in names}


def effects_rows(columns: Sequence[Column]) -> dict[str, list[str]]:
    """Rows of Yes and No for the effects of the models; empty where an estimator knows none."""
    facts = [c.estimate.facts for c in columns]
    names = dict.fromkeys(name for f in facts for name in f.effects())
    return {
        f"{_effect_label(name)} effects": [
            f.effects().get(name, "" if f.absorbed is None else "No") for f in facts
        ]
        for name in names
    }


def _effect_label(name: str) -> str:
    words = " × ".join(part.strip() for part in name.split("^"))
    return words[:1].upper() + words[1:] if name in ("entity", "time") else words


def extra_rows(columns: Sequence[Column], rows: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Rows of the user: a value per column, or a function of the estimate."""
    found: dict[str, list[str]] = {}
    for label, values in (rows or {}).items():
        if callable(values):
            call: Callable[[Estimate], Any] = values
            found[str(label)] = [_word(call(c.estimate)) for c in columns]
            continue
        if isinstance(values, Mapping):
            values = [values.get(c.name, "") for c in columns]
        if isinstance(values, str) or len(values) != len(columns):
            raise ReportError(
                f"rows[{label!r}] must hold {len(columns)} values, one for each column."
            )
        found[str(label)] = [_word(v) for v in values]
    return found


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "Yes" if value else "No"
    return "" if value is None else str(value)
