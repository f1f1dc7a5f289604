"""Gaps between entities against statsmodels and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from statsmodels.tsa.stattools import adfuller, zivot_andrews

from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)
from migdev.kernels.unit_roots.break_adf import (
    break_adf,
    break_critical_values,
    several_breaks_adf,
)
from tests.panels import matrix_panel


def _panel(X, start=1960):
    return matrix_panel(start, "C{}", x=X)


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
        with pytest.raises(SpecificationError, match=next(iter(options))):
            diagnostics.gap_tests(_panel(X[:2]), "x", **options)


def _moves(t, last, shift):
    after = (t > last).astype(float)
    return {"level": [after], "trend": [after * (t - last)]}.get(shift, [after, after * (t - last)])


@pytest.mark.parametrize("shift", ["level", "trend", "both"])
def test_several_breaks_by_hand(shift):
    """Kapetanios's search written out: date after date by sums of squares, smallest t of all."""
    rng = np.random.default_rng(9)
    Y = rng.standard_normal((2, 64)).cumsum(axis=1)
    Y[1] = rng.standard_normal(64)
    Y[1, 20:] += 4
    Y[1, 42:] -= 7
    ours, at = several_breaks_adf(Y, 1, shift, 0.15, 3)
    for y, value, dates in zip(Y, ours, at, strict=True):
        t = np.arange(2, 64)
        X = [y[1:-1], np.diff(y)[:-1], np.ones(62), t]
        kept, best = [], (np.inf, ())
        for _ in range(3):
            fits = []
            for last in range(9, 55):
                if all(abs(last - k) >= 3 for k in kept):
                    fit = sm.OLS(
                        np.diff(y)[1:], np.column_stack([*X, *_moves(t, last, shift)])
                    ).fit()
                    fits.append((fit.ssr, last))
                    best = min(best, (fit.tvalues[0], tuple(sorted([*kept, last]))))
            kept.append(min(fits)[1])
            X = [*X, *_moves(t, kept[-1], shift)]
        assert_allclose(value, best[0], rtol=1e-8)
        assert tuple(d for d in dates if d >= 0) == best[1]


def test_gaps_with_several_breaks():
    rng = np.random.default_rng(10)
    X = rng.standard_normal((3, 80)).cumsum(axis=1)
    X[1] = X[0] + 0.3 * rng.standard_normal(80) + np.repeat([0, 4, -3], [30, 20, 30])
    result = diagnostics.gap_tests(_panel(X), "x", reference="C0", lags=1, breaks=2)
    frame = result.frame.set_index("entity")
    t, at = several_breaks_adf((X[1] - X[0])[None], 1, "level", 0.15, 2)
    assert_allclose(frame.loc["C1", "break_adf"], t[0], rtol=1e-9)
    assert frame.loc["C1", "breaks"] == tuple(1960 + d for d in at[0])
    assert frame.loc["C1", "breaks"] == (1989, 2009)
    assert frame.loc["C1", "break_rejects"]
    assert not frame.loc["C1", "rejects"]
    assert result.critical_values == break_critical_values("level", 2)
    assert "up to 2 breaks" in result.note
    assert "when breaks are allowed for" in str(result)
    with pytest.raises(SpecificationError, match="1 to 5"):
        diagnostics.gap_tests(_panel(X), "x", breaks=6)
    with pytest.raises(IdentificationError, match="5 breaks need"):
        diagnostics.gap_tests(_panel(X[:, :25]), "x", lags=1, breaks=5)


def test_gaps_by_regime():
    rng = np.random.default_rng(11)
    X = np.zeros((4, 70)) + rng.standard_normal(70).cumsum()
    X[1] += -4 + 0.2 * rng.standard_normal(70)  # stays
    X[2] += np.repeat([-3, -1], [25, 45]) + 0.2 * rng.standard_normal(70)  # one step nearer
    line = np.concatenate([-np.arange(30), -29 + 0.5 * np.arange(1, 41)]) * 0.1
    X[3] += line + 0.05 * rng.standard_normal(70)  # falls behind, then catches up
    panel = _panel(X)
    steps = diagnostics.gap_breaks(panel, "x", reference="C0", cov="unadjusted", level=0.01)
    frame = steps.frame.set_index("entity")
    assert list(frame["breaks"][:2]) == [0, 1]
    assert frame.loc["C2", "dates"] == (1984,)
    assert_allclose(frame.loc["C2", ["start", "end"]].astype(float), [-3, -1], atol=0.15)
    assert_allclose(frame.loc["C2", "narrowed"], 1 - frame["end"]["C2"] / frame["start"]["C2"])
    assert list(frame["closing"][:2]) == [False, True]
    moving = diagnostics.gap_breaks(panel, "x", reference="C0", trend=True, cov="regime")
    row = moving.frame.set_index("entity").loc["C3"]
    assert row["dates"] in ((1988,), (1989,))  # a kink without a step is dated to a period or so
    assert_allclose(row["slope"], 0.05, atol=0.005)
    assert row["closing"]
    # The same as the gap as a column.
    gap = diagnostics.gap_to(panel, "x", "C0")
    column = panel.assign(gap=gap).where("e == 'C2'")
    alone = diagnostics.bai_perron(column, "gap", cov="unadjusted", level=0.01)
    assert_allclose(alone.frame["udmax"], steps.detail.frame["udmax"][1:2], rtol=1e-9)
    assert_allclose(alone.fitted, steps.detail.fitted.loc["C2"], rtol=1e-9)
    assert "gaps are closing" in str(steps)
    pairs = diagnostics.gap_breaks(panel, "x", breaks=0, cov="unadjusted")
    assert len(pairs.frame) == 6
    with pytest.raises(SpecificationError, match="cov='none' is unknown"):
        diagnostics.gap_breaks(panel, "x", cov="none")


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
    rejected = (break_adf(Y, 1, shift, 0.15)[0] < break_critical_values(shift, 1)["5%"]).mean()
    assert 0.025 < rejected < 0.078


@pytest.mark.slow
@pytest.mark.parametrize("shift", ["level", "trend", "both"])
@pytest.mark.parametrize("breaks", [2, 3])
def test_critical_values_of_several_breaks(shift, breaks):
    """600 random walks of 100 periods: 0.03 to 0.07 at 5% in 1,000 draws, wider here."""
    Y = np.random.default_rng(12).standard_normal((600, 100)).cumsum(axis=1)
    cut = break_critical_values(shift, breaks)["5%"]
    rejected = (several_breaks_adf(Y, 0, shift, 0.15, breaks)[0] < cut).mean()
    assert 0.01 < rejected < 0.10
