"""Marginal effects along a moderator, or by its levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from migdev.errors import ReportError
from migdev.report.figure import (
    INK,
    PALETTE,
    QUIET,
    finish,
    frame_axes,
    new_figure,
    plain_label,
    rows_of_points,
)
from migdev.results.inference import check_level
from migdev.results.marginal.margins import Margins
from migdev.results.marginal.regions import Adjustment


def marginsplot(
    margins: Margins,
    *,
    moderator: str | None = None,
    at: Mapping[str, Any] | None = None,
    by: str | None = None,
    level: float | None = None,
    adjust: Adjustment = None,
    values: Any = None,
    johnson_neyman: bool = True,
    sample: bool = True,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    size: tuple[float, float] | None = None,
) -> Any:
    """A marginal effect along its moderator, with its interval.

    Shaded where the effect differs from zero (Johnson-Neyman); the sample of the moderator stands
    below as a histogram. A factor as moderator gives one interval per level.

    Parameters
    ----------
    margins : Margins
    moderator : str, optional
        Needed where there are several numeric ones.
    at : mapping, optional
        Values of the other moderators.
    by : str, optional
        A factor: one curve for each of its levels, without shading.
    level : float, optional
        Default that of ``margins``.
    adjust : {None, "fdr", "simultaneous"}
        As in :meth:`Margins.johnson_neyman`; moves the shading, and "simultaneous" the band too.
    values : sequence, optional
        Where to draw; default the range of the sample.
    johnson_neyman, sample : bool
        Draw the shading; the histogram.
    title, xlabel, ylabel : str
    size : (float, float), optional
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    level = margins.level if level is None else check_level(level)
    effect = f"Effect of {margins.variable} on {margins.dependent}"
    if moderator is None and all(m.is_factor for m in margins.moderators):
        return _levels(margins, title, xlabel, ylabel or effect, size)
    name = margins.numeric(moderator)
    if values is None:
        values = np.linspace(*margins.range(name), 201)
    values = np.asarray(values, dtype=float)
    known = next(m for m in margins.moderators if m.name == name).numbers
    below = sample and len(known) > 0
    figure = new_figure(size or (7.0, 4.6 if below else 4.0))
    grid = figure.add_gridspec(2 if below else 1, 1, height_ratios=[5, 1] if below else [1])
    axes = figure.add_subplot(grid[0])
    axes.axhline(0, color=QUIET, linewidth=0.9, zorder=1)
    curves = _curves(margins, name, values, at, by, level)
    ranges = None
    if by is None and (johnson_neyman or adjust is not None):
        ranges = margins.johnson_neyman(level, moderator=name, at=at, adjust=adjust)
    for j, (label, curve) in enumerate(curves):
        color = PALETTE[j % len(PALETTE)]
        low, high = curve["conf_low"], curve["conf_high"]
        if ranges is not None and adjust == "simultaneous":
            low = curve["effect"] - ranges.critical * curve["std_error"]
            high = curve["effect"] + ranges.critical * curve["std_error"]
        axes.fill_between(values, low, high, color=color, alpha=0.18, linewidth=0, zorder=2)
        axes.plot(
            values, curve["effect"], color=color, linewidth=1.8, zorder=3, label=plain_label(label),
            linestyle=("-", "--", "-.", ":")[j % 4],
        )  # fmt: skip
    if ranges is not None and johnson_neyman:
        _shade(axes, ranges, float(values.min()), float(values.max()))
    axes.set_xlim(float(values.min()), float(values.max()))
    band = f"{'simultaneous ' if adjust == 'simultaneous' else ''}{100 * level:g}% band"
    axes.set_ylabel(plain_label(ylabel or f"{effect}, {band}"))
    bottom = axes
    if below:
        bottom = figure.add_subplot(grid[1], sharex=axes)
        bottom.hist(known, bins="auto", color=QUIET, alpha=0.55, linewidth=0, range=_span(known))
        bottom.set_ylabel("Sample")
        bottom.set_yticks([])
        axes.tick_params(labelbottom=False, bottom=False)
        axes.spines["bottom"].set_visible(False)
        frame_axes(bottom)
        bottom.spines["left"].set_visible(False)
    bottom.set_xlabel(plain_label(xlabel or name))
    finish(figure, axes, title, legend=len(curves) > 1)
    return figure


def _curves(
    margins: Margins,
    name: str,
    values: Any,
    at: Mapping[str, Any] | None,
    by: str | None,
    level: float,
) -> list[tuple[str, Any]]:
    if by is None:
        return [("", margins.curve(name, values, at=at, level=level))]
    factor = next((m for m in margins.moderators if m.name == by and m.is_factor), None)
    if factor is None:
        raise ReportError(
            f"by={by!r} is no factor that the effect of {margins.variable!r} depends on."
        )
    held = dict(at or {})
    return [
        (f"{by}: {choice}", margins.curve(name, values, at={**held, by: choice}, level=level))
        for choice in factor.choices
    ]


def _shade(axes: Any, ranges: Any, left: float, right: float) -> None:
    """Shade the ranges where the effect is significant, and write their bounds."""
    for region in ranges.regions:
        low, high = max(region.lower, left), min(region.upper, right)
        if region.sign and low < high:
            axes.axvspan(low, high, color=PALETTE[2], alpha=0.10, linewidth=0, zorder=0)
    for bound in ranges.bounds:
        if left < bound < right:
            axes.axvline(bound, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(
                f"{bound:.3g}", (bound, 1), xycoords=("data", "axes fraction"), color=INK,
                xytext=(3, -2), textcoords="offset points", va="top", fontsize=9,
            )  # fmt: skip


def _levels(
    margins: Margins, title: str, xlabel: str, effect: str, size: tuple[float, float] | None
) -> Any:
    """One interval per combination of levels."""
    frame = margins.frame
    names = [m.name for m in margins.moderators]
    labels = [", ".join(str(v) for v in row) for row in frame[names].to_numpy()] or [
        margins.variable
    ]
    figure = new_figure(size or (7.0, 1.1 + 0.42 * len(frame)))
    axes = figure.add_subplot()
    axes.axvline(0, color=QUIET, linewidth=0.9, zorder=1)
    rows_of_points(axes, labels, frame["effect"], frame["conf_low"], frame["conf_high"])
    axes.set_ylabel(plain_label(xlabel or ", ".join(names)))
    axes.set_xlabel(plain_label(f"{effect}, {100 * margins.level:g}% interval"))
    finish(figure, axes, title, legend=False)
    return figure


def _span(values: Any) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    return (low, high) if low < high else (low - 0.5, high + 0.5)
