"""What simulations found of sizes and intervals stands where the number is printed."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import migdev as md
from migdev import diagnostics
from migdev.errors import SizeWarning
from migdev.results import sizes
from migdev.results.statistic import normal_test
from migdev.study.pretests import PreTest, PreTests
from tests.panels import matrix_panel

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "simulate_sizes.py"


def cointegrated(N: int = 20, T: int = 50) -> md.Panel:
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.standard_normal((N, T)), axis=1)
    return matrix_panel(y=x + rng.standard_normal((N, T)), x=x)


@pytest.fixture
def invented(monkeypatch) -> None:
    """A table of its own, so that these tests hold the words and not the numbers."""
    table = {("size", "IPS W-t-bar", "intercept"): {(10, 8): 0.41, (10, 100): 0.05}}
    monkeypatch.setattr(sizes, "_measured", lambda: table)


def test_nearest_sample_in_logarithms():
    # 24 periods are nearer to 20 than to 30, and 500 entities to 50, the most that were simulated.
    kind = ("cover", "Fully modified OLS, group mean")
    assert sizes.nearest(*kind, 500, 24) == (50, 20, sizes.nearest(*kind, 50, 20)[2])
    assert sizes.nearest(*kind, 11, 1e4)[:2] == (10, 200)
    assert sizes.nearest("size", "no such test", 10, 10) is None


def test_an_interval_says_how_often_it_covers():
    with pytest.warns(SizeWarning, match=r"Fully modified .*N = 20, T = 50\) 95% intervals"):
        fit = md.FullyModifiedOLS("y ~ x").fit(cointegrated())
    said = fit.facts.caution
    assert said.startswith("Coverage: in simulations (N = 20, T = 50)")
    assert fit.summary().count(said) == 1
    plain = md.MeanGroup("y ~ x").fit(cointegrated())
    assert not plain.facts.caution
    notes = md.table({"A": fit, "B": plain}).to_text(width=400)
    assert notes.count(f"(1) {said}") == 1
    assert "Coverage" not in md.table(plain).to_text()


def test_the_spread_of_slopes_is_another_covariance():
    """The sizes are those of the covariance that supposes equal slopes."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = md.FullyModifiedOLS("y ~ x", group_cov="spread").fit(cointegrated())
    assert not fit.facts.caution


@pytest.mark.usefixtures("invented")
def test_a_test_says_how_often_it_rejects():
    rng = np.random.default_rng(0)
    panel = matrix_panel(y=np.cumsum(rng.standard_normal((10, 8)), axis=1))
    with pytest.warns(
        SizeWarning, match=r"IPS W-t-bar\. Size: .*N = 10, T = 8, intercept\).* in 41%"
    ):
        test = diagnostics.ips(panel, "y")
    assert str(test).endswith(test.caution)
    assert test.finding(0.05)["note"].endswith(test.caution)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        long = diagnostics.ips(matrix_panel(y=rng.standard_normal((10, 100)).cumsum(1)), "y")
    assert not long.caution


@pytest.mark.usefixtures("invented")
def test_a_table_of_pretests_says_it_once():
    rng = np.random.default_rng(0)
    y, x = rng.standard_normal((2, 10, 12)).cumsum(axis=2)
    with pytest.warns(SizeWarning) as told:
        table = matrix_panel(y=y[:, :9], x=x[:, :9]).pretest(["y", "x"], differences=False)
    assert str(table).count("IPS W-t-bar. Size:") == 1
    assert len(told) == 1


@pytest.mark.usefixtures("invented")
def test_cautions_add_up():
    first = normal_test("IPS W-t-bar", "a null", 1.0, caution="Mind the gap.")
    with pytest.warns(SizeWarning):
        assert sizes.with_size(first, 10, 6, "intercept").caution.startswith("Mind the gap. Size:")


@pytest.mark.usefixtures("invented")
def test_a_study_says_it_once():
    rng = np.random.default_rng(0)
    panel = matrix_panel(y=np.cumsum(rng.standard_normal((10, 8)), axis=1))
    (found,) = PreTests(tests={"unit root": PreTest(test="ips", on="y")}).run(panel)
    assert "Size:" in found.note
    assert not found.warnings


def test_every_line_is_of_a_design_of_the_script():
    """Lines are those that the script prints: its sizes, and names that tests really have."""
    script = runpy.run_path(str(SCRIPT))
    tried = {(N, T) for d in script["DESIGNS"].values() for N in d.N for T in d.T}
    for (_, _, options), cells in sizes._measured().items():
        assert set(cells) <= tried or options == "instruments"
        assert all(0 <= share <= 1 for share in cells.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "N", "T", "key"),
    [
        ("unit-roots", 10, 8, ("size", "IPS W-t-bar", "intercept")),
        ("unit-roots", 50, 12, ("size", "Fisher P (ADF)", "intercept")),
        ("unit-roots", 10, 10, ("size", "Levin-Lin-Chu t*", "intercept")),
        ("common-unit-roots", 10, 10, ("size", "CIPS", "intercept")),
        ("factor", 20, 100, ("size", "CD*", "")),
        ("factor-cointegration", 20, 50, ("size", "Westerlund DHg", "")),
        ("cointegration", 20, 30, ("size", "Pedroni group-adf", "intercept, lags by aic")),
        ("cointegrating", 10, 50, ("cover", "Dynamic OLS, pooled", "")),
        ("cointegrating", 20, 50, ("cover", "Fully modified OLS, group mean", "")),
        ("jackknife-0.8", 300, 11, ("cover", "Half-panel jackknife", "persistence 0.8")),
    ],
)
def test_sizes_are_found_again(design, N, T, key):
    again = runpy.run_path(str(SCRIPT))["shares"](design, N, T, 200)[key]
    stated = sizes.nearest(*key[:2], N, T, key[2])
    assert stated[:2] == (N, T)
    error = np.sqrt(stated[2] * (1 - stated[2]) * (1 / 200 + 1 / 300))
    assert abs(again - stated[2]) < 4 * error + 0.01  # four simulation errors
