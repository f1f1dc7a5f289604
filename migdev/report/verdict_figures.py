"""Figures of verdicts: focal parameters by specification, and the pattern of a joint test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from migdev.report.figure import (
    INK,
    MARKERS,
    PALETTE,
    QUIET,
    finish,
    frame_axes,
    new_figure,
    plain_label,
)

#: Ends of the region of a prediction, in units of the smallest effect of interest.
REGIONS = {
    "+": (1.0, np.inf),
    "-": (-np.inf, -1.0),
    "0": (-1.0, 1.0),
    "<=0": (-np.inf, 1.0),
    ">=0": (-1.0, np.inf),
    "any": (-np.inf, np.inf),
}


def interval_plot(
    rows: Mapping[str, tuple[float, float, float]], bound: float, primary: str = ""
) -> Any:
    """Estimates with intervals, one row each, over the band of effects too small to matter; the
    primary one thick, the others with open markers."""
    figure = new_figure((7.0, 1.2 + 0.42 * len(rows)))
    axes = figure.add_subplot()
    if bound > 0:
        axes.axvspan(-bound, bound, color=PALETTE[6], alpha=0.15, linewidth=0, zorder=0)
    axes.axvline(0, color=QUIET, linewidth=0.9, zorder=1)
    for place, (name, (estimate, low, high)) in enumerate(rows.items()):
        first = not primary or name == primary
        axes.hlines(place, low, high, color=PALETTE[0], linewidth=3.0 if first else 1.2, zorder=2)
        axes.plot(
            estimate, place, marker="o" if first else "|", color=PALETTE[0],
            markersize=8 if first else 9, markeredgewidth=1.6, zorder=3,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [plain_label(name) for name in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("Estimate with its interval")
    finish(figure, axes, "", legend=False)
    return figure


def pattern_plot(answer: Any) -> Any:
    """Each effect over its smallest effect of interest with the regions that the views predict,
    and beside it the share of joint draws in each cone."""
    study, main = answer.study, answer.main
    views = {name: p for name, p in study.patterns.items() if name != study.null}
    figure = new_figure((9.0, 1.6 + 0.72 * len(study.components)))
    left, right = figure.subplots(1, 2, width_ratios=(2.4, 1))
    scaled = {
        c.name: tuple(
            value / c.hypothesis.smallest_effect
            for value in (main.focal[c.name].estimate, main.focal[c.name].low,
                          main.focal[c.name].high)
        )
        for c in study.components
    }  # fmt: skip
    reach = 1.15 * max(3.0, *(abs(v) for values in scaled.values() for v in values))
    _effects(left, scaled, views, reach)
    _shares(right, main.shares["pairs"])
    handles, labels = left.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, labelcolor=INK
    )
    return figure


def _effects(
    axes: Any, scaled: Mapping[str, tuple[float, ...]], views: Mapping[str, tuple[str, ...]],
    reach: float,
) -> None:  # fmt: skip
    axes.axvspan(-1, 1, color=PALETTE[6], alpha=0.15, linewidth=0, zorder=0)
    axes.axvline(0, color=QUIET, linewidth=0.9, zorder=1)
    for j, (view, predictions) in enumerate(views.items()):
        for place, prediction in enumerate(predictions):
            low, high = REGIONS.get(prediction, (-np.inf, np.inf))
            axes.barh(
                place + 0.18 + 0.14 * j, min(high, reach) - max(low, -reach), height=0.11,
                left=max(low, -reach), color=PALETTE[j + 1], alpha=0.55, linewidth=0,
                label=f"{view} predicts" if place == 0 else None, zorder=1,
            )  # fmt: skip
    for place, (estimate, low, high) in enumerate(scaled.values()):
        axes.hlines(place, low, high, color=PALETTE[0], linewidth=1.6, zorder=3)
        axes.plot(
            estimate, place, marker=MARKERS[0], color=PALETTE[0], markersize=7, linestyle="none",
            label="estimate" if place == 0 else None, zorder=4,
        )  # fmt: skip
    axes.set_xlim(-reach, reach)
    axes.set_yticks(range(len(scaled)), [plain_label(name) for name in scaled])
    axes.set_ylim(len(scaled) - 0.35, -0.5)
    axes.set_xlabel("Effect / smallest effect of interest")
    frame_axes(axes)


def _shares(axes: Any, shares: Mapping[str, float]) -> None:
    names = list(shares)
    for place, name in enumerate(names):
        axes.barh(place, shares[name], color=PALETTE[0], height=0.6, alpha=0.8)
        axes.annotate(
            f"{100 * shares[name]:.1f}%", (shares[name], place), xytext=(4, 0),
            textcoords="offset points", va="center", color=INK,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), [plain_label(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1.25)
    axes.set_xticks([0, 0.5, 1], ["0", "50%", "100%"])
    axes.set_xlabel("Share of draws in cone")
    frame_axes(axes)


#: What is said of a claim or a pattern, by colour.
_SAID = {"supported": 2, "established": 2, "contradicted": 1, "no effect": 0, "neither": 1}


def margin_plot(frame: Any) -> Any:
    """What is said by margin: one row for the verdict and each view or pattern, one cell for each
    margin, coloured and lettered."""
    columns = [c for c in frame.columns if c != "what" and not str(c).startswith("p ")]
    figure = new_figure((9.0, 1.6 + 0.42 * len(columns)))
    axes = figure.add_subplot()
    said = [
        (row, place, text) for row, c in enumerate(columns) for place, text in enumerate(frame[c])
    ]
    for shade in (0.15, 0.6):
        cells = [cell for cell in said if (cell[2] == "undecided") == (shade == 0.15)]
        axes.barh(
            [row for row, _, _ in cells], 0.96, left=[place - 0.48 for _, place, _ in cells],
            height=0.8, alpha=shade, linewidth=0,
            color=[PALETTE[_SAID.get(text, 6 if text == "undecided" else 2)] for *_, text in cells],
        )  # fmt: skip
    for row, place, text in said:
        axes.text(
            place, row, _SHORT.get(text, text), ha="center", va="center", color=INK, fontsize=8,
            in_layout=False,
        )  # fmt: skip
    marks = [_mark(value) for value in frame.index]
    axes.set_xticks(range(len(marks)), marks, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(columns)), [plain_label(str(c)) for c in columns])
    axes.set_ylim(len(columns) - 0.5, -0.5)
    axes.set_xlim(-0.5, len(marks) - 0.5)
    axes.set_xlabel("Smallest effect of interest")
    finish(figure, axes, "", legend=False)
    return figure


_SHORT = {
    "supported": "yes", "established": "yes", "contradicted": "no", "undecided": "?",
    "no effect": "none",
}  # fmt: skip


def _mark(value: Any) -> str:
    """A margin at an axis: three digits, or words without the declared margin's name."""
    if isinstance(value, str):
        return plain_label(value.replace(" times the declared margin", " x"))
    return f"{value:.3g}"
