"""The sample of interactive effects where cells are missing: what can be used, and whether it
ties the factors together."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    listing,
)
from migdev.estimators.heterogeneous.entity_regressions import entity_labels
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.factors.incomplete_pattern import (
    components,
    free_directions,
    thinnest_cut,
    usable_part,
)
from migdev.notes import warn
from migdev.panel.design import Design


def cells(d: Design) -> tuple[BoolArray, IntArray]:
    """(N, T) observed cells, and the (n,) column of each row; periods without any row are no
    columns."""
    column = np.unique(d.time, return_inverse=True)[1]
    seen = np.zeros((int(d.entity.max()) + 1, int(column.max()) + 1), dtype=bool)
    seen[d.entity, column] = True
    return seen, column


def wide(d: Design) -> tuple[FloatArray, FloatArray, BoolArray]:
    """(N, T) dependent variable, (N, T, k) regressors, zero where missing, and (N, T) cells."""
    seen, column = cells(d)
    Y, X = np.zeros(seen.shape), np.zeros((*seen.shape, d.X.shape[1]))
    Y[d.entity, column], X[d.entity, column] = d.y, d.X
    return Y, X, seen


def usable(d: Design, r: int, effects: tuple[str, ...], quiet: bool = False) -> Design:
    """The design without entities and periods that r factors and the effects fit without error;
    they are named in a warning, and change no estimate."""
    seen, column = cells(d)
    rows, columns = usable_part(seen, r + ("entity" in effects), r + ("time" in effects))
    if rows.all() and columns.all():
        return d
    if not rows.any() or not columns.any():
        raise IdentificationError(
            f"{d.formula!r}: no part of the sample has more periods by entity, and more entities "
            f"by period, than {r} factors and the effects need. Use fewer factors."
        )
    words = f"no more than the {r} factors and effects, which fit them without error"
    if not quiet and not rows.all():
        gone = entity_labels(d)[~rows]
        warn(
            f"{d.formula!r}: {len(gone)} of {len(rows)} entities are left out, observed in "
            f"periods {words}: {listing(gone, 20)}.",
            DroppedEntitiesWarning,
            stacklevel=4,
        )
    if not quiet and not columns.all():
        late = d.panel.calendar.labels(np.unique(d.time)[~columns])
        warn(
            f"{d.formula!r}: {len(late)} of {len(columns)} periods are left out, observed for "
            f"entities {words}: {listing(late, 20)}.",
            DroppedRowsWarning,
            stacklevel=4,
        )
    return d.keep(rows[d.entity] & columns[column], "too few cells for the factors")


def require_tied(d: Design, r: int, effects: tuple[str, ...]) -> None:
    """Raise unless the pattern of observed cells identifies the factors up to rotation."""
    seen, _ = cells(d)
    free = free_directions(seen, r, "entity" in effects, "time" in effects)
    if not free:
        return
    labels = entity_labels(d)
    parts: Any = components(seen)
    if parts.max() > 0:
        who = "; ".join(
            f"{int((parts == c).sum())} entities with '{labels[parts == c][0]}'"
            for c in range(int(parts.max()) + 1)
        )
        raise IdentificationError(
            f"{d.formula!r}: the sample falls into {parts.max() + 1} groups of entities that share "
            f"no period ({who}), so that their factors cannot be told. Fit them apart with "
            "panel.where()."
        )
    cut, both = thinnest_cut(seen)
    period = d.panel.calendar.label(np.unique(d.time)[cut])
    raise IdentificationError(
        f"{d.formula!r}: observed cells overlap too little to tie {r} factors together; {free} "
        f"directions of theirs are free. The thinnest place is before {period}: {both} entities "
        "are observed on both sides. Use fewer factors, or a span in which entities overlap: "
        "panel.between()."
    )
