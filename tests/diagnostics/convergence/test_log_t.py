"""The log-t regression by hand, and clubs that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import IdentificationError, PanelError, SpecificationError
from tests.panels import matrix_panel


def _panel(X):
    return matrix_panel(x=X)


def _paths(rng, targets, T=40, spread=1.0, alpha=0.5):
    """Loadings that approach their targets at the rate of Phillips and Sul (2007, eq. 24)."""
    t = np.arange(1, T + 1)
    noise = rng.standard_normal((len(targets), T)) * 0.1 * spread
    decay = np.log(t + 1) * t**alpha
    start = rng.uniform(-1, 1, (len(targets), 1)) / decay
    return (np.asarray(targets)[:, None] + start + noise / decay) * (10 + 0.5 * t)


def test_log_t_by_hand():
    X = _paths(np.random.default_rng(0), np.full(12, 4.0))
    h = X / X.mean(axis=0)
    H = ((h - 1) ** 2).mean(axis=0)
    T = X.shape[1]
    t = np.arange(1, T + 1)
    at = t > T // 3
    y = np.log(H[0] / H[at]) - 2 * np.log(np.log(t[at]))
    fit = sm.OLS(y, sm.add_constant(np.log(t[at]))).fit()
    u, n = fit.resid, at.sum()
    rho = u[1:] @ u[:-1] / (u[:-1] @ u[:-1])
    width = 1.3221 * (4 * rho**2 / (1 - rho) ** 4 * n) ** 0.2
    lrv = u @ u / n
    for j in range(1, n):
        x = j / width
        a = 6 * np.pi * x / 5
        lrv += 2 * 25 / (12 * np.pi**2 * x**2) * (np.sin(a) / a - np.cos(a)) * (u[j:] @ u[:-j]) / n
    z = np.log(t[at]) - np.log(t[at]).mean()
    test = diagnostics.log_t(_panel(X), "x")
    assert_allclose(test.detail["b"], fit.params[1], rtol=1e-8)
    assert_allclose(test.detail["std_error"], np.sqrt(lrv / (z @ z)), rtol=1e-8)
    assert_allclose(test.statistic, test.detail["b"] / test.detail["std_error"])


def test_convergence_is_kept_and_divergence_refused():
    rng = np.random.default_rng(1)
    assert diagnostics.log_t(_panel(_paths(rng, np.full(20, 4.0))), "x").statistic > -1.65
    apart = _paths(rng, np.repeat([2.0, 6.0], 10))
    assert diagnostics.log_t(_panel(apart), "x").statistic < -1.65


def test_clubs_are_recovered():
    rng = np.random.default_rng(2)
    targets = np.repeat([6.0, 4.0, 2.0], 8)
    shuffled = rng.permutation(24)
    result = diagnostics.convergence_clubs(_panel(_paths(rng, targets[shuffled])), "x")
    club = result.members["club"].to_numpy()
    for level, number in ((6.0, 1), (4.0, 2), (2.0, 3)):
        assert (club[targets[shuffled] == level] == number).all(), str(result)
    assert (result.tests["t"] > -1.65).all()
    assert result.overall.statistic < -1.65
    assert "Club 3" in str(result)


def test_one_club_where_all_converge():
    result = diagnostics.convergence_clubs(
        _panel(_paths(np.random.default_rng(3), np.full(15, 3.0))), "x", last=1 / 3
    )
    assert (result.members["club"] == 1).all()
    assert len(result.tests) == 1


def test_entities_that_join_no_club():
    rng = np.random.default_rng(4)
    X = _paths(rng, [8.0, 4.0, 4.0, 4.0, 4.0, 1.0])
    X[0] *= np.linspace(1, 3, 40)
    result = diagnostics.convergence_clubs(_panel(X), "x")
    club = result.members.set_index("entity")["club"]
    assert (club.loc[[1, 2, 3, 4]] == club.loc[1]).all()
    assert club.loc[1] > 0
    assert club.loc[0] == 0


def test_log_t_refusals(grunfeld):
    with pytest.raises(PanelError, match="positive values"):
        diagnostics.log_t(grunfeld.assign(z=grunfeld["inv"] - 100), "z")
    with pytest.raises(PanelError, match="balanced"):
        diagnostics.log_t(grunfeld.where("firm != 1 or year > 1940"), "inv")
    with pytest.raises(SpecificationError, match="trim=1.2"):
        diagnostics.log_t(grunfeld, "inv", trim=1.2)
    with pytest.raises(IdentificationError, match="4 periods after trimming"):
        diagnostics.log_t(grunfeld.where("year < 1941"), "inv")
    with pytest.raises(SpecificationError, match="last=2"):
        diagnostics.convergence_clubs(grunfeld, "inv", last=2)


@pytest.mark.slow
def test_real_incomes_form_clubs(data_dir):
    """Income per head in the Penn World Table, 1970-2019: no overall convergence, few clubs."""
    pwt = pd.read_csv(data_dir / "pwt1001.csv")
    pwt["y"] = np.log(pwt["rgdpe"] / pwt["pop"])
    name = next(c for c in ("iso3", "countrycode", "entity", "geo") if c in pwt.columns)
    pwt = pwt[(pwt["year"] >= 1970) & pwt["y"].notna()]
    whole = pwt.groupby(name)["y"].transform("size") == 50
    panel = md.Panel.from_frame(pwt[whole], entity=name, time="year")
    result = diagnostics.convergence_clubs(panel, "y")
    assert result.overall.statistic < -1.65
    assert 2 <= len(result.tests) <= 12


def test_trimmed_share_survives_rounding():
    """0.57 * 100 is 56.99... in binary; the rule means 57 periods."""
    from migdev.kernels.convergence.log_t import skipped

    assert skipped(100, 0.57) == 57
    assert skipped(34, 1 / 3) == 11
    assert skipped(30, 1 / 3) == 10
    assert skipped(10, 0.0) == 1
