"""Figures: what is drawn, in which colours, without any global state."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import ReportError
from migdev.report.coefplot import coefplot
from migdev.report.figure import PALETTE, as_laid_out, svg
from migdev.report.marginsplot import marginsplot
from migdev.report.verdict_figures import interval_plot
from migdev.results.estimate import Estimate
from migdev.results.marginal.margins import margins
from tests.report.conftest import ODD, make

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def interaction():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(size=300), "z": rng.normal(2, 1, 300)})
    data["k"] = rng.choice(["a", "b"], 300)
    e = Estimate.from_arrays(
        names=["x", "x:z", "x:k[T.b]"], params=np.array([1.0, -0.5, 0.3]),
        cov=np.diag([0.02, 0.002, 0.01]), dependent="growth", method="OLS", nobs=300,
        df_resid=296.0,
    )  # fmt: skip
    return margins(e, "x", data=data)


def segments(axes):
    return [
        np.array(path.vertices)
        for lines in axes.collections
        if type(lines).__name__ == "LineCollection"
        for path in lines.get_paths()
    ]


def test_coefficients_and_intervals_are_where_they_belong(three):
    figure = md.coefplot(three, keep=["L(remit)", "trade"], level=0.9)
    (axes,) = figure.axes
    labels = [t.get_text() for t in axes.get_yticklabels()]
    assert labels == ["L(remit)", "trade"]
    drawn = {tuple(np.round(s[:, 0], 10)) for s in segments(axes)}
    wanted = {
        tuple(np.round(e.conf_int(0.9).loc[t], 10))
        for e in three.values()
        for t in ("L(remit)", "trade")
        if t in e.params
    }
    assert drawn == wanted
    points = {round(float(x), 10) for line in axes.lines[1:] for x in line.get_xdata()}
    assert round(float(three["FE"].params["L(remit)"]), 10) in points
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["FE", "RE", "GMM"]
    assert "90% interval" in axes.get_xlabel()


def test_constants_are_drawn_only_when_named(three):
    def labels(**options):
        return [t.get_text() for t in coefplot(three, **options).axes[0].get_yticklabels()]

    assert "Intercept" not in labels()
    assert "Intercept" in labels(keep=["Intercept", "fin"])
    assert [t.get_text() for t in coefplot(make(("const",))).axes[0].get_yticklabels()] == ["const"]


def test_inner_interval_doubles_the_lines(three):
    one, two = coefplot(three["FE"]), coefplot(three["FE"], inner=0.5)
    assert len(segments(two.axes[0])) == 2 * len(segments(one.axes[0]))
    with pytest.raises(ValueError, match="write 0.95"):
        coefplot(three["FE"], inner=50)


def test_odd_names_are_drawn_as_they_stand():
    text = svg(coefplot(make(ODD), title="$a$ & <b>", xlabel="$x$ in %"), inline=False)
    root = ET.fromstring(text)
    shown = {"".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")}
    assert set(ODD) - shown == set()
    assert {"$a$ & <b>", "$x$ in %"} <= shown


def test_margins_are_drawn_with_band_ranges_and_sample(interaction):
    figure = md.marginsplot(interaction, moderator="z", at={"k": "a"})
    top, bottom = figure.axes
    curve = interaction.curve("z", at={"k": "a"})
    line = max(top.lines, key=lambda item: len(item.get_xdata()))
    assert_allclose(line.get_ydata(), curve["effect"])
    jn = interaction.johnson_neyman(moderator="z", at={"k": "a"})
    low, high = interaction.range("z")
    inside = [b for b in jn.bounds if low < b < high]
    assert inside
    marked = [item.get_xdata()[0] for item in top.lines if len(set(item.get_xdata())) == 1]
    assert_allclose(sorted(marked), sorted(inside))
    assert sum(p.get_height() for p in bottom.patches) == 300
    assert "95% band" in top.get_ylabel()
    plain = marginsplot(interaction, moderator="z", johnson_neyman=False, sample=False)
    assert len(plain.axes) == 1
    band = marginsplot(interaction, moderator="z", adjust="simultaneous")
    assert "simultaneous 95% band" in band.axes[0].get_ylabel()


def test_curves_by_a_factor(interaction):
    figure = marginsplot(interaction, moderator="z", by="k")
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["k: a", "k: b"]
    with pytest.raises(ReportError, match="no factor"):
        marginsplot(interaction, moderator="z", by="z")


def test_factor_moderators_give_one_interval_per_level():
    e = Estimate.from_arrays(
        names=["x", "x:k[T.b]"], params=np.array([1.0, 0.3]), cov=np.diag([0.02, 0.01]),
        dependent="growth", method="OLS", nobs=300, df_resid=296.0,
    )  # fmt: skip
    m = margins(e, "x")
    (axes,) = marginsplot(m).axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["(base)", "b"]
    assert_allclose(
        [s[:, 0] for s in segments(axes)], m.frame[["conf_low", "conf_high"]].to_numpy()
    )


def test_interval_plot_bands_what_is_too_small():
    (axes,) = interval_plot({"FE": (0.2, 0.1, 0.3), "IV": (0.5, -0.2, 1.2)}, 0.1).axes
    assert_allclose([s[:, 0] for s in segments(axes)], [[0.1, 0.3], [-0.2, 1.2]])
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert_allclose([band.x0, band.x1], [-0.1, 0.1])
    assert not interval_plot({"FE": (0.2, 0.1, 0.3)}, 0.0).axes[0].patches


def test_svg_is_the_same_each_time_and_fit_for_a_page(three):
    first, again = svg(coefplot(three)), svg(coefplot(three))
    assert first == again
    root = ET.fromstring(first)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert len({i.split("-")[0] for i in ids}) == 1
    other = svg(coefplot(three["FE"]))
    assert not set(ids) & {e.get("id") for e in ET.fromstring(other).iter() if e.get("id")}
    for reference in (r for e in root.iter() for k, r in e.attrib.items() if k.endswith("href")):
        assert reference.removeprefix("#") in ids
    assert "currentColor" in first
    assert f"var(--series-1, {PALETTE[0]})" in first
    assert "<?xml" not in first
    assert "http://" not in first.replace("http://www.w3.org", "")


def test_palette_is_told_apart_by_the_colour_blind():
    """Simulated deuteranopia and protanopia (Vienot, Brettel and Mollon 1999)."""

    def linear(color):
        c = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)

    lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    deutan = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    protan = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
    for kind in (np.eye(3), deutan, protan):
        seen = [np.linalg.solve(lms, kind @ lms @ linear(c)) for c in PALETTE[:4]]
        seen = [np.sign(s) * np.abs(s) ** (1 / 2.4) for s in seen]
        gaps = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
        assert min(gaps) > 1 / 8  # a step of 32 of 255 in one channel; shapes differ too


def test_missing_matplotlib_is_named(three, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ReportError, match=r"migdev\[plot\]"):
        coefplot(three)


def test_pyplot_stays_out():
    code = (
        "import sys, numpy as np\n"
        "import migdev as md\n"
        "e = md.Estimate.from_arrays(names=['x'], params=np.ones(1), cov=np.eye(1), dependent='y',"
        " method='OLS', nobs=9, df_resid=8.0)\n"
        "from migdev.report.figure import svg\n"
        "svg(md.coefplot(e))\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_a_figure_is_drawn_again_as_it_was_laid_out(three):
    figure = md.coefplot(three)
    svg(figure)
    (axes,), engine = figure.axes, figure.get_layout_engine()
    laid_out = axes.get_position().bounds
    with as_laid_out(figure):
        axes.set_ylabel("a label that a layout would make room for")
        figure.draw_without_rendering()
    assert_allclose(axes.get_position().bounds, laid_out)
    assert figure.get_layout_engine() is engine
    figure.draw_without_rendering()
    assert axes.get_position().x0 > laid_out[0]
