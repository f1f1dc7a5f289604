"""Figures of results, drawn with matplotlib (extra ``plot``)."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from migdev.errors import ReportError
from migdev.report.escape import plain
from migdev.report.read import columns_of
from migdev.report.select import CONSTANTS, Rename, merge_terms, renamer, select_terms
from migdev.results.inference import check_level
from migdev.results.marginal.margins import Margins

# Okabe and Ito's palette without its yellow, which white ground swallows; told apart by shape too.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#6b6b6b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, QUIET, GROUND = "#1d2327", "#5a646c", "#ffffff"


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
    figure = _figure(size or (7.0, 1.1 + len(terms) * max(0.42, 0.2 * len(columns) + 0.12)))
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
            markersize=6, markeredgecolor=color, zorder=3, label=_text(label),
        )  # fmt: skip
    axes.set_yticks(range(len(terms)), [_text(words(t)) for t in terms])
    axes.set_ylim(len(terms) - 0.5, -0.5)
    default = f"Estimate with {100 * level:g}% interval"
    if inner is not None:
        default += f" ({100 * inner:g}% thick)"
    axes.set_xlabel(_text(xlabel or default))
    _finish(figure, axes, title, legend=len(columns) > 1)
    return figure


def marginsplot(
    margins: Margins,
    *,
    moderator: str | None = None,
    at: Mapping[str, Any] | None = None,
    by: str | None = None,
    level: float | None = None,
    adjust: str | None = None,
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
    figure = _figure(size or (7.0, 4.6 if below else 4.0))
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
            values, curve["effect"], color=color, linewidth=1.8, zorder=3, label=_text(label),
            linestyle=("-", "--", "-.", ":")[j % 4],
        )  # fmt: skip
    if ranges is not None and johnson_neyman:
        _shade(axes, ranges, float(values.min()), float(values.max()))
    axes.set_xlim(float(values.min()), float(values.max()))
    band = f"{'simultaneous ' if adjust == 'simultaneous' else ''}{100 * level:g}% band"
    axes.set_ylabel(_text(ylabel or f"{effect}, {band}"))
    bottom = axes
    if below:
        bottom = figure.add_subplot(grid[1], sharex=axes)
        bottom.hist(known, bins="auto", color=QUIET, alpha=0.55, linewidth=0, range=_span(known))
        bottom.set_ylabel("Sample")
        bottom.set_yticks([])
        axes.tick_params(labelbottom=False, bottom=False)
        axes.spines["bottom"].set_visible(False)
        _frame(bottom)
        bottom.spines["left"].set_visible(False)
    bottom.set_xlabel(_text(xlabel or name))
    _finish(figure, axes, title, legend=len(curves) > 1)
    return figure


def interval_plot(
    rows: Mapping[str, tuple[float, float, float]],
    bound: float = 0.0,
    *,
    null: float | None = 0.0,
    title: str = "",
    xlabel: str = "Estimate with interval",
    size: tuple[float, float] | None = None,
) -> Any:
    """Points with intervals, one row each, over a band of values too small to matter.

    Parameters
    ----------
    rows : mapping from label to (estimate, lower, upper)
    bound : float
        Half the width of the band around ``null``; 0 for none.
    null : float, optional
        Where to draw the reference line.
    title, xlabel : str
    size : (float, float), optional
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not rows:
        raise ReportError("interval_plot needs at least one row of (estimate, lower, upper).")
    figure = _figure(size or (7.0, 1.1 + 0.42 * len(rows)))
    axes = figure.add_subplot()
    if null is not None:
        axes.axvline(null, color=QUIET, linewidth=0.9, zorder=1)
        if bound > 0:
            axes.axvspan(null - bound, null + bound, color=QUIET, alpha=0.15, linewidth=0, zorder=0)
    _points(axes, list(rows), *zip(*rows.values(), strict=True))
    axes.set_xlabel(_text(xlabel))
    _finish(figure, axes, title, legend=False)
    return figure


def svg(figure: Any, *, inline: bool = True) -> str:
    """A figure as an ``<svg>`` element.

    Text stays text. With ``inline`` the colours become CSS variables of the page and
    ``currentColor``, so that one drawing serves light and dark pages, and the ids are made unique.
    The same figure gives the same string.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "migdev"}):
        figure.savefig(
            buffer, format="svg", transparent=inline,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )  # fmt: skip
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font(-family)?: ([^;\"]*?)'[^\";]*sans-serif", r"font\1: \2sans-serif", text)
    if not inline:
        return text
    for i, color in enumerate(PALETTE):
        text = re.sub(f"(?<=: ){color}", f"var(--series-{i + 1}, {color})", text)
    text = text.replace(f": {INK}", ": currentColor").replace(
        f": {QUIET}", ": var(--quiet, #5a646c)"
    )
    mark = f"f{hashlib.sha256(text.encode()).hexdigest()[:8]}-"
    text = re.sub(r'\bid="', f'id="{mark}', text)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{mark}", text)


# ---------------------------------------------------------------------- parts


def _figure(size: tuple[float, float]) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ReportError("Figures need matplotlib: pip install 'migdev[plot]'.") from None
    return Figure(figsize=size, layout="constrained", facecolor=GROUND)


def _text(label: str) -> str:
    """A label that matplotlib does not read as mathematics."""
    return plain(label).replace("$", r"\$")


def _frame(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def _finish(figure: Any, axes: Any, title: str, *, legend: bool) -> None:
    _frame(axes)
    if title:
        figure.suptitle(_text(title), color=INK, fontsize=12, x=0.01, ha="left")
    if legend:
        entries = len(axes.get_legend_handles_labels()[0])
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(4, entries), frameon=False,
            labelcolor=INK, borderaxespad=0.2, handletextpad=0.4,
        )  # fmt: skip


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
    figure = _figure(size or (7.0, 1.1 + 0.42 * len(frame)))
    axes = figure.add_subplot()
    axes.axvline(0, color=QUIET, linewidth=0.9, zorder=1)
    _points(axes, labels, frame["effect"], frame["conf_low"], frame["conf_high"])
    axes.set_ylabel(_text(xlabel or ", ".join(names)))
    axes.set_xlabel(_text(f"{effect}, {100 * margins.level:g}% interval"))
    _finish(figure, axes, title, legend=False)
    return figure


def _points(axes: Any, labels: Sequence[str], points: Any, lows: Any, highs: Any) -> None:
    """One row for each label, from the top down."""
    places = np.arange(len(labels))
    axes.hlines(places, lows, highs, color=PALETTE[0], linewidth=1.4, zorder=2)
    axes.plot(
        points, places, linestyle="none", marker="o", color=PALETTE[0], markersize=6, zorder=3
    )
    axes.set_yticks(places, [_text(label) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)


def _span(values: Any) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    return (low, high) if low < high else (low - 0.5, high + 0.5)
