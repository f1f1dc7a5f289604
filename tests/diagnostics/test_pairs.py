"""Gaps between entities against statsmodels and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from statsmodels.tsa.stattools import adfuller, zivot_andrews

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)
from migdev.kernels.break_adf import CRITICAL, break_adf


def _panel(X, start=1960):
    N, T = X.shape
    frame = pd.DataFrame(
        {
            "e": np.repeat([f"C{i}" for i in range(N)], T),
            "t": np.tile(np.arange(start, start + T), N), "x": X.ravel(),
        }
    )  # fmt: skip
    return md.Panel.from_frame(frame.dropna(), entity="e", time="t")


@pytest.mark.parametrize(("shift", "theirs"), [("level", "c"), ("both", "ct")])
@pytest.mark.parametrize("lag", [1, 2])
def test_break_statistic_is_that_of_statsmodels(shift, theirs, lag):
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((6, 60)).cumsum(axis=1)
    Y[:3] = rng.standard_normal((3, 60))
    Y[1, 30:] += 3
    t, at = break_adf(Y, lag, shift, 0.2)
    for y, ours, date in zip(Y, t, at, strict=True):
        found = zivot_andrews(y, trim=0.2, maxlag=lag, regression=theirs, autolag=None)
        assert_allclose(ours, found[0], rtol=1e-6)
        assert date == found[4]


def test_trend_break_by_hand():
    """statsmodels numbers the breaks of the trend by another period at the edges."""
    y = np.random.default_rng(1).standard_normal(50).cumsum()
    found = []
    for last in range(10, 40):
        t = np.arange(2, 50)
        X = np.column_stack(
            [y[1:-1], np.diff(y)[:-1], np.ones(48), t, np.where(t > last, t - last, 0)]
        )
        found.append(sm.OLS(np.diff(y)[1:], X).fit().tvalues[0])
    t, at = break_adf(y[None], 1, "trend", 0.2)
    assert_allclose(t[0], min(found), rtol=1e-8)
    assert at[0] == 10 + int(np.argmin(found))


def test_gaps_to_a_reference():
    X = np.random.default_rng(2).standard_normal((4, 30)).cumsum(axis=1)
    X[3, 12] = np.nan
    panel = _panel(X)
    gap = diagnostics.gap_to(panel, "x", "C1")
    frame = panel.frame.assign(gap=gap)
    assert (frame.loc[frame["e"] == "C1", "gap"] == 0).all()
    assert_allclose(frame.loc[frame["e"] == "C0", "gap"], X[0] - X[1])
    holes = diagnostics.gap_to(panel, "x", "C3")
    assert holes[frame["t"] == 1972].isna().all()
    assert holes[frame["t"] != 1972].notna().all()
    with pytest.raises(PanelError, match="no entity 'USA'"):
        diagnostics.gap_to(panel, "x", "USA")


def test_tests_of_gaps_are_those_of_single_series():
    X = np.random.default_rng(3).standard_normal((4, 40)).cumsum(axis=1)
    X[2] = X[0] + 0.5 * np.random.default_rng(4).standard_normal(40)
    result = diagnostics.gap_tests(_panel(X), "x", reference="C0", lags=1)
    frame = result.frame.set_index("entity")
    assert list(frame.index) == ["C1", "C2", "C3"]
    for i in (1, 2, 3):
        g = X[i] - X[0]
        theirs = adfuller(g, maxlag=1, autolag=None, regression="c", result_object=False)
        assert_allclose(frame.loc[f"C{i}", "adf"], theirs[0], rtol=1e-7)
        assert_allclose(frame.loc[f"C{i}", "adf_p"], theirs[1], rtol=1e-4, atol=1e-10)
        found = zivot_andrews(g, trim=0.15, maxlag=1, regression="c", autolag=None)
        assert_allclose(frame.loc[f"C{i}", "break_adf"], found[0], rtol=1e-6)
        assert frame.loc[f"C{i}", "break"] == 1960 + found[4]
        assert_allclose(frame.loc[f"C{i}", ["first", "last"]].astype(float), g[[0, -1]])
    assert frame.loc["C2", "rejects"]
    assert_allclose(result.share, frame["rejects"].mean())
    assert "of 3 gaps" in str(result)


def test_all_pairs_and_unequal_spans():
    X = np.random.default_rng(5).standard_normal((5, 45)).cumsum(axis=1)
    X[4, :10] = np.nan
    X[1, 40] = np.nan
    with pytest.warns(DroppedRowsWarning, match="gaps"):
        result = diagnostics.gap_tests(_panel(X), "x", lags="bic")
    assert len(result.frame) == 10
    row = result.frame.query("entity == 'C1' and reference == 'C4'").iloc[0]
    g = (X[1] - X[4])[10:40]
    theirs = adfuller(g, maxlag=int(row["lags"]), autolag=None, regression="c", result_object=False)
    assert_allclose(row["adf"], theirs[0], rtol=1e-7)
    assert_allclose([row["first"], row["last"]], [g[0], g[-1]])


def test_short_gaps_are_named_or_dropped():
    X = np.random.default_rng(6).standard_normal((4, 40)).cumsum(axis=1)
    X[2, 8:] = np.nan
    X[3, 8:] = X[3, :8] = np.nan
    X[3, 39] = 1.0
    with pytest.raises(IdentificationError, match="C2 - C3"):
        diagnostics.gap_tests(_panel(X), "x", lags=1)
    with pytest.warns(DroppedEntitiesWarning) as found:
        result = diagnostics.gap_tests(_panel(X), "x", lags=1, short="drop")
    assert len(found) == 2
    assert len(result.frame) == 1
    with pytest.raises(IdentificationError, match="constant"):
        diagnostics.gap_tests(_panel(np.vstack([X[:2], X[:1] + 1])), "x", lags=1)
    for options in ({"shift": "mean"}, {"trim": 0.6}, {"level": 0.2}):
        with pytest.raises(SpecificationError):
            diagnostics.gap_tests(_panel(X[:2]), "x", **options)


@pytest.mark.slow
def test_shares_tend_to_one_or_to_the_level():
    """Pesaran (2007): pairs of stationary gaps are all refused, of random walks at the level."""
    rng = np.random.default_rng(7)
    common = rng.standard_normal(120).cumsum()
    near = _panel(common + rng.standard_normal((20, 120)))
    assert diagnostics.gap_tests(near, "x", lags=1).share > 0.95
    shares, broken = [], []
    for _ in range(20):
        apart = _panel(rng.standard_normal((12, 120)).cumsum(axis=1))
        result = diagnostics.gap_tests(apart, "x", lags=1)
        shares.append(result.share)
        broken.append(result.break_share)
    assert 0.02 < np.mean(shares) < 0.09
    assert 0.02 < np.mean(broken) < 0.12


@pytest.mark.slow
@pytest.mark.parametrize("shift", ["level", "trend", "both"])
def test_critical_values_hold_in_long_series(shift):
    """1,500 random walks, T = 200: rejections at 5% within three simulation errors of 4 to 6%."""
    Y = np.random.default_rng(8).standard_normal((1500, 200)).cumsum(axis=1)
    rejected = (break_adf(Y, 1, shift, 0.15)[0] < CRITICAL[shift]["5%"]).mean()
    assert 0.025 < rejected < 0.078
