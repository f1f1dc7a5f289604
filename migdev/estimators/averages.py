"""Cross-section averages as regressors: which, where they exist, and what they are called."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np

from migdev.errors import CollinearityWarning, DroppedRowsWarning, listing
from migdev.estimators.entities import require_several
from migdev.kernels.cce import averages_at
from migdev.kernels.least_squares import independent_columns
from migdev.kernels.types import FloatArray, IntArray
from migdev.panel.design import Design

_LAG = re.compile(r"^L\((?P<inner>.*?)(?:,\s*\d+)?\)$")


def averaged_variables(d: Design, lags: int, averages: Sequence[str] | None) -> list[str]:
    """Expressions whose cross-section averages enter."""
    if averages is not None:
        return list(dict.fromkeys(averages))
    terms = [d.dependent, *d.names[int(d.intercept) :]]
    if lags:
        terms = [under_lags(term) for term in terms]
    return list(dict.fromkeys(terms))


def under_lags(term: str) -> str:
    match = _LAG.match(term)
    while match:
        term = match["inner"]
        match = _LAG.match(term)
    return term


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the main design has told what is missing
        z = Design.build(f"{terms[0]} ~ 0 + {' + '.join(terms)}", d.panel)
    names = list(z.names)
    return _placed(d, z.X, z.time, lags, names, current_only)


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
        warnings.warn(
            f"{d.formula!r}: {int((~known).sum())} of {len(known)} rows are not used: the "
            "cross-section averages do not reach back so far.",
            DroppedRowsWarning,
            stacklevel=5,
        )
        d, H = kept, H[known]
    require_several(d, "CCE")
    first = np.unique(d.time, return_index=True)[1]
    ones = np.ones((len(first), 1))
    keep = independent_columns(np.column_stack([ones, H[first]]))[1:]
    if not keep.all():
        gone = [label for label, kept_ in zip(labels, keep, strict=True) if not kept_]
        warnings.warn(
            f"{d.formula!r}: {listing(gone)} are left out: over the {len(first)} periods they are "
            "collinear with the averages before them.",
            CollinearityWarning,
            stacklevel=5,
        )
        H, labels = H[:, keep], [n for n, kept_ in zip(labels, keep, strict=True) if kept_]
    return d, H, labels


def shared(d: Design, H: FloatArray, kept: Design) -> tuple[Design, FloatArray]:
    """The averages ``H`` (n, h) on the rows of a smaller design."""
    if kept is d:
        return d, H
    return kept, H[np.isin(d.rows, kept.rows)]
