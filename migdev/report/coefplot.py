"""Coefficients of several results in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from migdev.report.figure import (
    MARKERS,
    PALETTE,
    QUIET,
    finish,
    new_figure,
    plain_label,
)
from migdev.report.read import columns_of
from migdev.report.select import Rename, merge_terms, renamer, select_terms
from migdev.results.facts import CONSTANTS
from migdev.results.inference import check_level


def coefplot(
    results: Any,
    *,
    names: Any = None,
    keep: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    rename: Rename = None,
    level: float = 0.95,
    inner: float | None = None,
    null: float | None = 0.0,
    title: str = "",
    xlabel: str = "",
    size: tuple[float, float] | None = None,
) -> Any:
    """Coefficients with their intervals, models side by side.

    Parameters
    ----------
    results, names, keep, drop, order, rename
        As in :func:`migdev.table`; constants are left out unless kept by name.
    level : float
        Of the intervals.
    inner : float, optional
        Level of a second, thicker interval within.
    null : float, optional
        Where to draw the reference line; None for none.
    title, xlabel : str
    size : (float, float), optional
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = columns_of(results, names, level)
    thick = None if inner is None else columns_of(results, names, check_level(inner))
    everything = merge_terms([list(c.entries) for c in columns])
    if keep is None:
        everything = [t for t in everything if t not in CONSTANTS] or everything
    terms = select_terms(everything, keep, drop, order)
    words = renamer(rename)
    figure = new_figure(size or (7.0, 1.1 + len(terms) * max(0.42, 0.2 * len(columns) + 0.12)))
    axes = figure.add_subplot()
    if null is not None:
        axes.axvline(null, color=QUIET, linewidth=0.9, zorder=1)
    step = min(0.16, 0.7 / len(columns))
    for j, column in enumerate(columns):
        shown = [(i, column.entries[t]) for i, t in enumerate(terms) if t in column.entries]
        place = np.array([i + (j - (len(columns) - 1) / 2) * step for i, _ in shown])
        color, marker = PALETTE[j % len(PALETTE)], MARKERS[j % len(MARKERS)]
        axes.hlines(
            place, [e.low for _, e in shown], [e.high for _, e in shown], color=color,
            linewidth=1.4, zorder=2,
        )  # fmt: skip
        if thick is not None:
            more = [thick[j].entries[terms[i]] for i, _ in shown]
            axes.hlines(
                place, [e.low for e in more], [e.high for e in more], color=color, linewidth=3.6,
                zorder=2,
            )  # fmt: skip
        label = (
            column.name if column.name != f"({j + 1})" else f"({j + 1}) {column.estimate.method}"
        )
        axes.plot(
            [e.estimate for _, e in shown], place, linestyle="none", marker=marker, color=color,
            markersize=6, markeredgecolor=color, zorder=3, label=plain_label(label),
        )  # fmt: skip
    axes.set_yticks(range(len(terms)), [plain_label(words(t)) for t in terms])
    axes.set_ylim(len(terms) - 0.5, -0.5)
    default = f"Estimate with {100 * level:g}% interval"
    if inner is not None:
        default += f" ({100 * inner:g}% thick)"
    axes.set_xlabel(plain_label(xlabel or default))
    finish(figure, axes, title, legend=len(columns) > 1)
    return figure
