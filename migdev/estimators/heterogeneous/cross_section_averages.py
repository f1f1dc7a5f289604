"""Cross-section averages as regressors: which, where they exist, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from migdev.errors import CollinearityWarning, DroppedRowsWarning, SpecificationError, listing
from migdev.estimators.heterogeneous.entity_regressions import refuse_two, require_several
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.heterogeneous.cce import averages_at
from migdev.notes import warn
from migdev.options import Takes
from migdev.panel.design import Design
from migdev.panel.formula import argument, one_term, parse, quote_columns
from migdev.panel.terms import evaluate_terms

_LAG = re.compile(r"^L\((?P<inner>.*?)(?:,\s*(?:k\s*=\s*)?[-+]?\d+)?\)$")

#: A field of expressions: takes one or several, and holds a tuple.
Averages: TypeAlias = Takes[str | Sequence[str] | None, tuple[str, ...] | None]


def check_averages(averages: Any) -> tuple[str, ...] | None:
    """Expressions to average as they are kept; a single one may come as text."""
    if averages is None:
        return None
    names = (averages,) if isinstance(averages, str) else tuple(averages)
    if not names or not all(isinstance(name, str) for name in names):
        raise SpecificationError(
            f"averages={averages!r}; name the variables to average, or None for those of the "
            "formula. Without averages this is MeanGroup."
        )
    return names


def averaged_variables(d: Design, lags: int, averages: Sequence[str] | None) -> list[str]:
    """Expressions whose cross-section averages enter."""
    if averages is not None:
        names = {name: f"`{name}`" for name in d.panel.columns if not name.isidentifier()}
        return list(dict.fromkeys(names.get(text, text) for text in averages))
    if not lags:
        return [d.dependent, *d.names[int(d.intercept) :]]
    parsed = parse(quote_columns(d.formula, d.panel.columns))
    terms = [
        ":".join(one_term(under_lags(argument(factor))) for factor in term.factors)
        for term in [*parsed.dependent, *parsed.exog]
    ]
    return list(dict.fromkeys(terms))


def under_lags(term: str) -> str:
    """What ``L(.)`` of a single factor holds, however often it is lagged."""
    match = _LAG.match(term)
    while match and _closed(match["inner"]):
        term = match["inner"]
        match = _LAG.match(term)
    return term


def _closed(text: str) -> bool:
    """Whether no bracket of ``text`` closes before it opens: not so in ``x) / L(z``."""
    depth = np.cumsum([(c == "(") - (c == ")") for c in text])
    return bool((depth >= 0).all())


def augmented(
    d: Design, lags: int, averages: Sequence[str] | None
) -> tuple[Design, FloatArray, list[str]]:
    """The design on rows where the averages and their lags exist, the averages (n, h) and their
    names."""
    terms = averaged_variables(d, lags, averages)
    if averages is None and not lags:
        values = np.column_stack([d.y, d.X[:, int(d.intercept) :]])
        return _placed(d, values, d.time, 0, terms, ())
    return augment(d, lags, terms)


def augment(
    d: Design, lags: int, terms: Sequence[str], current_only: Sequence[str] = ()
) -> tuple[Design, FloatArray, list[str]]:
    """The design with cross-section averages of expressions over all rows where every one of them
    is observed.

    Parameters
    ----------
    terms : sequence of str
    current_only : sequence of str
        Those among ``terms`` whose lags stay out.
    """
    values, names = evaluate_terms(" + ".join(terms), d.panel)
    rows = np.flatnonzero(~np.isnan(values).any(axis=1))
    return _placed(d, values[rows], d.panel.ordinals[rows], lags, names, current_only)


def _placed(
    d: Design,
    values: FloatArray,
    periods: IntArray,
    lags: int,
    terms: Sequence[str],
    current_only: Sequence[str],
) -> tuple[Design, FloatArray, list[str]]:
    H, known = averages_at(values, periods, d.time, lags)
    labels = [
        f"mean({term})" if lag == 0 else f"L(mean({term}), {lag})"
        for lag in range(lags + 1)
        for term in terms
    ]
    wanted = [lag == 0 or term not in current_only for lag in range(lags + 1) for term in terms]
    H, labels = H[:, wanted], [n for n, w in zip(labels, wanted, strict=True) if w]
    if not known.all():
        kept = d.keep(known, "no cross-section averages so early")
        warn(
            f"{d.formula!r}: {int((~known).sum())} of {len(known)} rows are not used: the "
            "cross-section averages do not reach back so far.",
            DroppedRowsWarning,
            stacklevel=5,
        )
        d, H = kept, H[known]
    require_several(d, "CCE")
    _refuse_mirrored(d, H)
    first = np.unique(d.time, return_index=True)[1]
    base = np.column_stack([np.ones(len(first)), d.X[first][:, common_regressors(d)]])
    keep = independent_columns(np.column_stack([base, H[first]]))[base.shape[1] :]
    if not keep.all():
        gone = [label for label, kept_ in zip(labels, keep, strict=True) if not kept_]
        warn(
            f"{d.formula!r}: {listing(gone)} are left out: over the {len(first)} periods they are "
            "collinear with the averages before them or with regressors that all entities share.",
            CollinearityWarning,
            stacklevel=5,
        )
        H, labels = H[:, keep], [n for n, kept_ in zip(labels, keep, strict=True) if kept_]
    return d, H, labels


def _refuse_mirrored(d: Design, H: FloatArray) -> None:
    """Refuse two entities whose sum of y the averages (n, h) span: what these leave of the one is
    the mirror image of the other, and both have the same slopes."""
    if d.entity[-1] != 1:
        return
    n = int(np.searchsorted(d.entity, 1))
    _, one, two = np.intersect1d(d.time[:n], d.time[n:], return_indices=True)
    base = np.column_stack([np.ones(len(one)), H[:n][one]])
    if len(one) <= base.shape[1]:
        return
    total = d.y[:n][one] + d.y[n:][two]
    left = total - base @ np.linalg.lstsq(base, total, rcond=None)[0]
    if np.abs(left).max() <= 1e-9 * np.abs(total).max():
        refuse_two(d, "Averages over entities")


def common_regressors(d: Design) -> BoolArray:
    """(k,) regressors that are the same for all entities in every period, the intercept aside."""
    common = _agree(d.X[:, int(d.intercept) :], d.time, int(np.searchsorted(d.entity, 2)))
    if common.any():
        common = _agree(d.X[:, int(d.intercept) :], d.time, d.nobs)
    return np.concatenate([np.zeros(int(d.intercept), dtype=bool), common])


def _agree(X: FloatArray, time: IntArray, n: int) -> BoolArray:
    """(k,) columns whose first n rows are equal within periods."""
    order = np.argsort(time[:n], kind="stable")
    again = np.diff(time[:n][order]) == 0
    now, before = order[1:][again], order[:-1][again]
    return np.asarray(np.all(X[now] == X[before], axis=0))


def shared(d: Design, H: FloatArray, kept: Design) -> tuple[Design, FloatArray]:
    """The averages ``H`` (n, h) on the rows of a smaller design."""
    if kept is d:
        return d, H
    return kept, H[np.isin(d.rows, kept.rows)]
