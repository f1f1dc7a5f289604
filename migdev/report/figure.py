"""What figures share (extra ``plot``): palette, axes, rows of intervals, and SVG."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from migdev.errors import ReportError
from migdev.report.escape import plain

# Okabe and Ito's palette without its yellow, which white ground swallows; told apart by shape too.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#6b6b6b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, QUIET, GROUND = "#1d2327", "#5a646c", "#ffffff"


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


@contextmanager
def as_laid_out(figure: Any) -> Iterator[None]:
    """A figure that was drawn before is drawn again as it stands, without seeking its layout."""
    engine = figure.get_layout_engine()
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def new_figure(size: tuple[float, float]) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ReportError("Figures need matplotlib: pip install 'migdev[plot]'.") from None
    return Figure(figsize=size, layout="constrained", facecolor=GROUND)


def plain_label(text: str) -> str:
    """A label that matplotlib does not read as mathematics."""
    return plain(text).replace("$", r"\$")


def frame_axes(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def finish(figure: Any, axes: Any, title: str, *, legend: bool) -> None:
    frame_axes(axes)
    if title:
        figure.suptitle(plain_label(title), color=INK, fontsize=12, x=0.01, ha="left")
    if legend:
        entries = len(axes.get_legend_handles_labels()[0])
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1.0), ncols=min(4, entries), frameon=False,
            labelcolor=INK, borderaxespad=0.2, handletextpad=0.4,
        )  # fmt: skip


def rows_of_points(axes: Any, labels: Sequence[str], points: Any, lows: Any, highs: Any) -> None:
    """One row for each label, from the top down."""
    places = np.arange(len(labels))
    axes.hlines(places, lows, highs, color=PALETTE[0], linewidth=1.4, zorder=2)
    axes.plot(
        points, places, linestyle="none", marker="o", color=PALETTE[0], markersize=6, zorder=3
    )
    axes.set_yticks(places, [plain_label(text) for text in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
