"""Trend and cycle against R, on gaps and on what each filter must leave alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import DroppedRowsWarning, IdentificationError, SpecificationError
from tests.data import benchmark
from tests.golden import load_golden

GOLDEN = load_golden("filters")["cycle"]
METHODS = [("hp", {}), ("hp", {"sided": 1}), ("bk", {}), ("cf", {}), ("hamilton", {})]


def panel_of(Y, years=None, **columns):
    N, T = Y.shape
    years = np.arange(1960, 1960 + T) if years is None else years
    frame = pd.DataFrame(
        {"i": np.repeat(np.arange(N), T), "t": np.tile(years, N), "y": Y.ravel(), **columns}
    )
    return md.Panel.from_frame(frame, entity="i", time="t")


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_filters_match_r_with_their_defaults(method, options):
    frame = benchmark("us_macrodata_quarterly")
    quarter = frame["year"].astype(int).astype(str) + "Q" + frame["quarter"].astype(int).astype(str)
    panel = md.Panel.from_frame(
        frame.assign(i="USA", t=quarter, y=100 * np.log(frame["realgdp"])), entity="i", time="t"
    )
    found = md.cycle(panel, "y", method=method, **options)
    golden = np.array(GOLDEN["hp_one_sided" if options else method])
    assert_allclose(found, golden, atol=2e-9)  # twelve digits printed of numbers below 10
    trend = md.cycle(panel, "y", method=method, component="trend", **options)
    held = found.notna()
    assert_allclose((trend + found)[held], panel["y"][held], rtol=1e-14)


@pytest.mark.parametrize(("method", "options"), METHODS)
def test_gaps_stay_gaps(method, options):
    Y = np.random.default_rng(5).standard_normal((3, 60)).cumsum(axis=1)
    panel = panel_of(Y).assign(z=lambda p: p["y"].where((p["i"] != 1) | (p["t"] != 1990)))
    found = md.cycle(panel, "z", method=method, **options)
    assert list(found.index) == list(panel.frame.index)
    at = panel["i"] == 1
    for part in (at & (panel["t"] < 1990), at & (panel["t"] > 1990), panel["i"] == 2):
        alone = panel.where(part.to_numpy(), "one spell")
        assert_allclose(found[part], md.cycle(alone, "y", method=method, **options), atol=1e-9)
    assert np.isnan(found[at & (panel["t"] == 1990)]).all()
    assert_allclose(panel.assign(c=found)["c"], found)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1), level=st.floats(-1e6, 1e6), slope=st.floats(-10, 10),
    which=st.integers(0, 4),
)  # fmt: skip
def test_a_level_is_no_cycle_and_a_line_is_trend(seed, level, slope, which):
    method, options = METHODS[which]
    y = np.random.default_rng(seed).standard_normal((1, 40)).cumsum(axis=1)
    line = level + (slope * np.arange(40.0) if method in ("hp", "cf") else 0.0)
    a, b = (md.cycle(panel_of(v), "y", method=method, **options) for v in (y, y + line))
    assert_allclose(a, b, atol=1e-7)


def test_one_sided_trend_does_not_look_ahead():
    y = np.random.default_rng(3).standard_normal((1, 40)).cumsum(axis=1)
    early = md.cycle(panel_of(y[:, :25]), "y", sided=1)
    assert_allclose(md.cycle(panel_of(y), "y", sided=1)[:25], early, atol=1e-9)
    later = md.cycle(panel_of(y[:, :25]), "y")
    assert abs(md.cycle(panel_of(y), "y")[24] - later.iloc[-1]) > 0.01


def test_short_spells_are_named():
    panel = panel_of(np.random.default_rng(1).standard_normal((2, 12)))
    cut = panel.where(((panel["i"] == 0) | (panel["t"] > 1969)).to_numpy(), "late")
    with pytest.warns(DroppedRowsWarning, match="1 of 2 unbroken spells.*4 periods.*'1'"):
        found = md.cycle(cut, "y")
    assert found.notna().sum() == 12
    with pytest.raises(IdentificationError, match="2 of 2 unbroken spells"):
        md.cycle(panel, "y", method="bk", truncation=6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "hodrick"}, "method='hodrick' is unknown"),
        ({"low": 2}, "'hp' takes 'smoothing', 'sided', not 'low'"),
        ({"sided": 3}, "sided=3"),
        ({"smoothing": -1}, "smoothing=-1; 0 or more"),
        ({"method": "bk", "low": 9}, "low=9 is not below high=8"),
        ({"method": "cf", "low": 1}, "low=1; 2 or more"),
        ({"method": "hamilton", "horizon": 0}, "horizon=0"),
        ({"component": "noise"}, "component='noise'"),
    ],
)
def test_options_are_held_to_the_method(options, message):
    panel = panel_of(np.random.default_rng(1).standard_normal((2, 12)))
    with pytest.raises(SpecificationError, match=message):
        md.cycle(panel, "y", **options)


def test_plain_periods_have_no_default():
    panel = panel_of(np.random.default_rng(1).standard_normal((2, 12)), np.arange(12))
    with pytest.raises(SpecificationError, match="years, quarters and months only; give smoothing"):
        md.cycle(panel, "y")
    assert md.cycle(panel, "y", smoothing=100).notna().all()
