"""Multiple breaks against strucchange, Bai and Perron's published example, and brute force."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)
from migdev.kernels.breaks.bai_perron import argmax_cdf, argmax_quantile
from migdev.kernels.breaks.critical_values import TRIMS, critical_values
from migdev.kernels.breaks.partition import partitions, segment_rss
from migdev.kernels.breaks.regime_fits import long_run
from tests.golden import load_golden
from tests.panels import matrix_panel

GOLDEN = load_golden("breaks")


def _one(y, start=1, **columns):
    frame = pd.DataFrame({"e": "A", "t": np.arange(start, start + len(y)), "y": y, **columns})
    return md.Panel.from_frame(frame, entity="e", time="t")


def _panel(X, start=1):
    return matrix_panel(start, "C{}", y=X)


def _case(name):
    if name == "nile":
        return _one(sm.datasets.nile.load_pandas().data["volume"].to_numpy()), "y", False
    d = sm.datasets.macrodata.load_pandas().data
    if name == "interest":
        return _one(d["realint"].to_numpy()), "y", False
    if name == "inflation":
        return _one(d["infl"].to_numpy(), bill=d["tbilrate"].to_numpy()), "y ~ bill", False
    return _one(np.log(d["realgdp"].to_numpy())), "y", True


@pytest.mark.parametrize("name", ["nile", "interest", "inflation", "output"])
@pytest.mark.parametrize("cov", ["regime", "unadjusted", "robust"])
def test_strucchange(name, cov):
    """14 digits are printed; sums of squares grow by recursive residuals here, hence 1e-8."""
    g = GOLDEN[name]
    panel, formula, trend = _case(name)
    found = diagnostics.bai_perron(
        panel, formula, trend=trend, breaks=g["number"], max_breaks=5, trim=g["h"], cov=cov
    )
    T, q = len(panel), 2 - (formula == "y") + trend
    assert_allclose(found.criteria["rss"], g["rss"], rtol=1e-8)
    ours = T * found.criteria["bic"] + T * (np.log(2 * np.pi) + 1) + np.log(T) * (q + 1)
    assert_allclose(ours, g["bic"], rtol=1e-8)
    for m in range(1, 6):
        assert list(found.criteria["dates"][m]) == g[f"dates_{m}"]
    assert list(found.frame["dates"][0]) == g[f"dates_{g['number']}"]
    assert (
        found.breaks[["lower", "upper"]].to_numpy().tolist()
        == g[{"unadjusted": "common", "robust": "white"}.get(cov, cov)]
    )
    assert_allclose(found.regimes["estimate"], np.ravel(g["params"]), rtol=1e-8, atol=1e-10)
    if cov == "robust":
        assert_allclose(found.regimes["std_error"], np.ravel(g["white_errors"]), rtol=1e-7)
    if cov == "unadjusted":
        assert_allclose(found.tests["statistic"][0], g["sup_f"], rtol=1e-8)
        gap = (found.criteria["rss"].shift() - found.criteria["rss"])[1]
        rss = found.criteria["rss"][1]
        assert_allclose(found.tests["statistic"][0], gap / rss * (T - 2 * q), rtol=1e-8)


def _real_interest():
    """The series of Garcia and Perron, which comes with strucchange."""
    if shutil.which("Rscript") is None:
        pytest.skip("R, which holds the data, is not installed")
    code = "library(strucchange); data(RealInt); cat(sprintf('%.10f', RealInt))"
    run = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("strucchange, which holds the data, is not installed")
    y = np.array(run.stdout.split(), dtype=float)
    quarters = pd.period_range("1961Q1", periods=len(y), freq="Q").astype(str)
    frame = pd.DataFrame({"e": "US", "t": quarters, "y": y})
    return md.Panel.from_frame(frame, entity="e", time="t")


def test_the_real_interest_rate_of_the_united_states():
    """Bai and Perron (2003, table 1), three decimals as mbreaks 1.0.1 prints them."""
    panel = _real_interest()
    found = diagnostics.bai_perron(panel, "y")
    table = found.tests.set_index("test")["statistic"]
    several = [57.906, 43.014, 33.323, 24.771, 18.326]
    assert_allclose(table[[f"sup F({m})" for m in range(1, 6)]], several, atol=6e-4)
    further = [33.927, 14.725, 0.033, 0.0]
    assert_allclose(table[[f"sup F({m + 1}|{m})" for m in range(1, 5)]], further, atol=6e-4)
    assert_allclose(table["UDmax"], 57.906, atol=6e-4)
    assert_allclose(table["WDmax"], 57.906, atol=6e-4)
    row = found.frame.iloc[0]
    assert (row["breaks"], row["bic"], row["lwz"]) == (3, 2, 2)
    assert row["dates"] == ("1966Q4", "1972Q3", "1980Q3")
    assert_allclose(found.regimes["estimate"], [1.82, 0.87, -1.80, 5.64], atol=6e-3)
    two = diagnostics.bai_perron(panel, "y", breaks="bic")
    assert_allclose(two.regimes["estimate"], [1.355, -1.796, 5.643], atol=6e-4)
    assert_allclose(two.regimes["std_error"], [0.155, 0.511, 0.603], atol=6e-4)
    assert_allclose(two.criteria["rss"][2], 455.950, atol=6e-4)
    # (37, 50) and (77, 82) there, rounded by another rule; quarters 37 and 77 are these.
    assert two.breaks["lower"].tolist() == ["1969Q4", "1980Q1"]


def _by_hand(v, prewhiten):
    n, d = v.shape
    A = np.zeros((d, d))
    if prewhiten:
        A = np.linalg.lstsq(v[:-1], v[1:], rcond=None)[0].T
        v = v[1:] - v[:-1] @ A.T
        n -= 1
    above = below = 0.0
    for j in range(d):
        rho = v[1:, j] @ v[:-1, j] / (v[:-1, j] @ v[:-1, j])
        s2 = np.sum((v[1:, j] - rho * v[:-1, j]) ** 2) / (n - 1)
        above += 4 * rho**2 * s2**2 / (1 - rho) ** 8
        below += s2**2 / (1 - rho) ** 4
    width = 1.3221 * (above / below * n) ** 0.2
    J = v.T @ v
    for lag in range(1, n):
        x = 6 * np.pi * lag / width / 5
        G = v[lag:].T @ v[:-lag]
        J = J + 3 * (np.sin(x) / x - np.cos(x)) / x**2 * (G + G.T)
    C = np.linalg.inv(np.eye(d) - A)
    return C @ (J / (n - d)) @ C.T


@pytest.mark.parametrize("prewhiten", [True, False])
def test_long_run_variances_by_hand(prewhiten):
    rng = np.random.default_rng(0)
    n = np.array([30, 22, 40])
    v = np.zeros((3, 40, 2))
    for i, size in enumerate(n):
        v[i, :size] = rng.standard_normal((size, 2)).cumsum(axis=0) * 0.3
        v[i, :size] += rng.standard_normal((size, 2))
    ours = long_run(v, n, prewhiten)
    for i, size in enumerate(n):
        assert_allclose(ours[i], _by_hand(v[i, :size], prewhiten), rtol=1e-9)


def _rss(y, Z):
    return float(np.sum((y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]) ** 2))


def test_dates_are_global_minima():
    rng = np.random.default_rng(1)
    T, h = 26, 4
    Y = rng.standard_normal((3, T))
    Z = np.stack([np.ones((3, T)), rng.standard_normal((3, T)).cumsum(axis=1)], axis=2)
    found = partitions(Y, Z, h, 3)
    S, bad = segment_rss(Y, Z, h)
    assert not bad.any()
    for i in range(3):
        for a, b in ((0, 3), (5, 20), (3, 25), (22, 25)):
            expected = _rss(Y[i, a : b + 1], Z[i, a : b + 1])
            assert_allclose(S[i, a, b], expected, rtol=1e-9, atol=1e-12)
        assert np.isinf(S[i, 10, 12])
        for m in range(4):
            best = (np.inf, ())
            for cuts in itertools.combinations(range(h - 1, T - h), m):
                edges = (-1, *cuts, T - 1)
                if min(np.diff(edges)) >= h:
                    value = sum(S[i, a + 1, b] for a, b in itertools.pairwise(edges))
                    best = min(best, (value, cuts))
            assert_allclose(found.rss[i, m], best[0], rtol=1e-10)
            assert tuple(found.last[i, m, :m]) == best[1]


@pytest.mark.parametrize("cov", ["HAC", "robust", "regime", "unadjusted"])
def test_sequential_statistic_is_the_test_of_one_break_in_a_regime(cov):
    rng = np.random.default_rng(2)
    y = rng.standard_normal(90)
    y[30:] += 3
    y[70:] -= 1
    # Regimes of at least 13 of 90 periods, so the parts are searched with the same h.
    whole = diagnostics.bai_perron(_one(y), "y", cov=cov)
    table = whole.tests.set_index("test")["statistic"]
    (cut,) = whole.criteria["dates"][1]
    values = []
    for part in (y[:cut], y[cut:]):
        alone = diagnostics.bai_perron(
            _one(part), "y", cov=cov, trim=13.0001 / len(part), breaks=1, max_breaks=1
        )
        values.append(alone.tests["statistic"][0])
    assert_allclose(table["sup F(2|1)"], max(values), rtol=1e-9)


def test_double_maximum_weighs_by_critical_values():
    found = diagnostics.bai_perron(_case("interest")[0], "y", cov="regime")
    table = found.tests.set_index("test")
    F = table["statistic"][[f"sup F({m})" for m in range(1, 6)]].to_numpy()
    cut = critical_values(0.15, 1)[0][1]
    assert_allclose(table["statistic"]["UDmax"], F.max())
    assert_allclose(table["statistic"]["WDmax"], np.max(F * cut[0] / cut))
    assert table.loc["sup F(2|1)", "5%"] == 10.13
    assert table.loc["UDmax", "1%"] == 12.37
    assert table.loc["WDmax", "5%"] == 9.91


def test_rules_for_the_number():
    rng = np.random.default_rng(3)
    y = rng.standard_normal(120)
    y[40:80] += 1.5  # out and back: one break is hard to see, two are not
    panel = _one(y)
    assert diagnostics.bai_perron(panel, "y", breaks="udmax").frame["breaks"][0] == 2
    for rule in ("bic", "lwz"):
        assert diagnostics.bai_perron(panel, "y", breaks=rule).frame["breaks"][0] == 2
    fixed = diagnostics.bai_perron(panel, "y", breaks=4)
    assert fixed.frame["breaks"][0] == 4
    assert len(fixed.regimes) == 5
    assert len(fixed.breaks) == 4
    none = diagnostics.bai_perron(panel, "y", breaks=0)
    assert len(none.breaks) == 0
    assert_allclose(none.fitted, y.mean())


def test_batches_are_single_series():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((5, 60))
    X[1, 25:] += 3
    X[2, 30:] += 2
    X[2, 45:] -= 4
    X[3, :8] = np.nan
    X[4, 50] = np.nan
    panel = _panel(X)
    with pytest.warns(DroppedRowsWarning, match="longest spell"):
        found = diagnostics.bai_perron(panel, "y", cov="regime")
    assert list(found.frame["entity"]) == [f"C{i}" for i in range(5)]
    assert list(found.frame["nobs"]) == [60, 60, 60, 52, 50]
    for i, cut in enumerate((slice(None), slice(None), slice(None), slice(8, None), slice(0, 50))):
        alone = diagnostics.bai_perron(
            _one(X[i][cut], start=1 + (cut.start or 0)), "y", cov="regime"
        )
        for part in ("frame", "tests", "criteria", "breaks", "regimes"):
            ours = getattr(found, part)
            ours = ours[ours["entity"] == f"C{i}"].drop(columns="entity")
            theirs = getattr(alone, part).drop(columns="entity")
            pd.testing.assert_frame_equal(
                ours.reset_index(drop=True), theirs, check_dtype=False, rtol=1e-9
            )
        who = panel.frame["e"] == f"C{i}"
        mine = found.fitted[who].dropna().to_numpy()
        assert_allclose(mine, alone.fitted.to_numpy(), rtol=1e-9)
    assert found.fitted[panel.frame.eval("e == 'C4' and t > 51")].isna().all()
    assert "5 entities by number of breaks" in str(found)
    assert "sup F(1)" in str(alone)


def test_quantiles_of_the_date():
    """7.687 and 11.033 where both sides are alike: Yao (1987), Annals of Statistics 15, 1321."""
    one = np.ones(1)
    assert_allclose(argmax_quantile(0.95, one, one, one), 7.687, atol=6e-4)
    assert_allclose(argmax_quantile(0.975, one, one, one), 11.033, atol=6e-4)
    xi, a, b = np.array([0.5]), np.array([2.0]), np.array([3.0])
    q = argmax_quantile(0.3, xi, a, b)
    assert_allclose(argmax_cdf(q, xi, a, b), 0.3, atol=1e-12)
    mirrored = argmax_quantile(0.7, 1 / xi, b, a)
    # Looking backward, sides change places and time runs in units of the other side.
    assert_allclose(q, -mirrored * (b / a) / xi, rtol=1e-9)
    assert np.isnan(argmax_quantile(0.5, one, 0 * one, one)[0])


def test_tables_are_ordered():
    for trim, most in zip(TRIMS, (9, 8, 5, 3, 2), strict=True):
        for q in range(1, 11):
            several, double, further = critical_values(trim, q)
            assert several.shape == (3, most)
            assert (np.diff(several, axis=0) > 0).all()
            assert (np.diff(several, axis=1) < 0).all()
            assert_allclose(several[:, 0], further[:, 0])
            assert (double[:, 0] >= several[:, 0]).all()
            assert (double[:, 1] > double[:, 0]).all()
            assert (np.diff(further, axis=1) >= 0).all()
    assert critical_values(0.12, 1) is None
    assert critical_values(0.15, 11) is None


def test_refusals():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((3, 40))
    X[1] = 2.0
    X[2, 12:] = np.nan
    panel = _panel(X)
    with pytest.raises(IdentificationError, match=r"C2.*larger trim.*at least 34 periods"):
        diagnostics.bai_perron(panel, "y")
    with pytest.warns(DroppedEntitiesWarning) as caught:
        kept = diagnostics.bai_perron(panel, "y", short="drop")
    assert len(caught) == 2
    assert list(kept.frame["entity"]) == ["C0"]
    with pytest.raises(IdentificationError, match=r"constant: 'C1'"):
        diagnostics.bai_perron(_panel(X[:2]), "y")
    step = (np.arange(40) > 20).astype(float)
    with pytest.raises(IdentificationError, match="collinear within some 15%"):
        diagnostics.bai_perron(_one(X[0], z=step), "y ~ z")
    y = X[:1].copy()
    y[0, 20] = np.nan
    with pytest.raises(PanelError, match="gaps"):
        diagnostics.bai_perron(_panel(y), "y", gaps="raise")
    ok = _panel(X[:1])
    for options, message in (
        ({"breaks": "aic"}, "breaks='aic'"), ({"breaks": -1}, "breaks=-1"),
        ({"breaks": True}, "breaks=True"), ({"max_breaks": 0}, "max_breaks=0; at least 1"),
        ({"trim": 0.6}, "trim=0.6"), ({"cov": "hc3"}, "cov='hc3'"),
        ({"level": 0.2}, "level=0.2"), ({"confidence": 95}, "confidence=95"),
        ({"gaps": "fill"}, "gaps='fill'"), ({"short": "keep"}, "short='keep'"),
        ({"trim": 0.12}, "not for trim=0.12"), ({"breaks": 6}, "trim=0.15, which allows 5"),
        ({"max_breaks": 3, "trim": 0.25}, "trim=0.25, which allows 2"),
    ):  # fmt: skip
        with pytest.raises(SpecificationError, match=message):
            diagnostics.bai_perron(
                panel if "short" in options else ok, "y", **{"cov": "unadjusted", **options}
            )
    with pytest.raises(SpecificationError, match="no coefficient"):
        diagnostics.bai_perron(ok, "y ~ 0")
    free = diagnostics.bai_perron(ok, "y", trim=0.12, breaks="bic", cov="unadjusted")
    assert free.tests["5%"].isna().all()
    assert free.frame["sequential"].isna().all()


def test_a_perfect_step_is_found():
    y = np.where(np.arange(40) < 17, 1.0, 3.0)
    found = diagnostics.bai_perron(_one(y), "y", breaks=1, cov="unadjusted")
    assert found.frame["dates"][0] == (17,)
    assert np.isinf(found.tests["statistic"][0])
    assert found.breaks[["lower", "upper"]].isna().all(axis=None)
    assert_allclose(found.fitted, y)


@pytest.mark.slow
def test_size_and_number():
    """1,000 stable series of 100 periods at 5%: one variance, or one by regime; then two breaks of
    two standard deviations, whose number and dates are found."""
    rng = np.random.default_rng(6)
    X = rng.standard_normal((1000, 100))
    for cov, most in (("unadjusted", 0.08), ("regime", 0.09)):
        found = diagnostics.bai_perron(_panel(X), "y", cov=cov)
        assert 0.02 < found.frame["rejects"].mean() < most
        assert 0.02 < (found.frame["breaks"] > 0).mean() < most
    X[:, 30:] += 2
    X[:, 65:] -= 3
    found = diagnostics.bai_perron(_panel(X), "y", cov="regime")
    assert (found.frame["breaks"] == 2).mean() > 0.85
    two = found.breaks[found.breaks["entity"].isin(found.frame.query("breaks == 2")["entity"])]
    true = np.where(two["break"] == 1, 30, 65)
    covered = (two["lower"] <= true) & (true <= two["upper"])
    assert 0.92 < covered.mean() <= 1.0
