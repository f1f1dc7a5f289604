"""Long-run coefficients and responses."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors
from migdev.results.dynamics import lag_structure
from tests.gmm_panels import panel, simulated


@pytest.fixture(scope="module")
def fit() -> Any:
    frame = simulated(np.random.default_rng(1), 120, 8)
    spec = md.DifferenceGMM(
        formula="y ~ L(y, [1, 2]) + x + L(x)",
        gmm=(md.GMMStyle("y", (2, 4), collapse=True), md.GMMStyle("x", (1, 3), collapse=True)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DroppedRowsWarning)
        return spec.fit(panel(frame))


def test_lag_structure_reads_names() -> None:
    names = ["Intercept", "L(y)", "L(y, 2)", "x", "L(x, 3)", "time[2001]", "log(z)", "L(log(z))"]
    lags = lag_structure(names, "y")
    assert lags.own == {1: 1, 2: 2}
    assert lags.others == {"x": {0: 3, 3: 4}, "log(z)": {0: 6, 1: 7}}


def test_long_run_matches_the_delta_method(fit: Any) -> None:
    row = fit.long_run("x").loc["x"]
    by_hand = fit.delta("(x + L(x)) / (1 - L(y, 1) - L(y, 2))")
    assert row.estimate == pytest.approx(by_hand.estimate, rel=1e-12)
    assert row.std_error == pytest.approx(by_hand.std_error, rel=1e-9)
    assert_allclose((row.lower, row.upper), by_hand.conf_int(), rtol=1e-9)


def test_permanent_change_tends_to_the_long_run(fit: Any) -> None:
    path = fit.response("x", 200)
    assert path.response.iloc[0] == pytest.approx(fit.params["x"])
    assert path.response.iloc[1] == pytest.approx(
        fit.params["x"] * (1 + fit.params["L(y, 1)"]) + fit.params["L(x)"]
    )
    row = fit.long_run("x").loc["x"]
    assert path.response.iloc[-1] == pytest.approx(row.estimate, rel=1e-6)
    assert path.std_error.iloc[-1] == pytest.approx(row.std_error, rel=1e-5)
    once = fit.response("x", 200, permanent=False)
    assert_allclose(once.response.cumsum(), path.response)


def test_bootstrap_intervals(fit: Any) -> None:
    draws = fit.long_run("x", method="bootstrap", draws=199, seed=3)
    again = fit.long_run("x", method="bootstrap", draws=199, seed=3)
    assert draws.equals(again)
    row, delta = draws.loc["x"], fit.long_run("x").loc["x"]
    assert row.lower < row.estimate < row.upper
    # Widths of two approximations to one interval, at 120 entities.
    assert 0.5 < (row.upper - row.lower) / (delta.upper - delta.lower) < 2.0
    path = fit.response("x", 3, method="bootstrap", draws=99)
    assert (path.lower < path.upper).all()


def test_bootstrap_of_one_draw_is_a_refit() -> None:
    """A draw equals a fit on the panel of the drawn entities, its moments shifted."""
    frame = simulated(np.random.default_rng(4), 40, 6)
    spec = md.DifferenceGMM(
        formula="y ~ L(y)", gmm=md.GMMStyle("y", (2, 2), collapse=True), steps=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DroppedRowsWarning)
        fit = spec.fit(panel(frame))
        draws = spec.bootstrap(panel(frame), fit.params.to_numpy(), 3, seed=9)
        who = np.random.default_rng(9).integers(40, size=40)
        parts = [frame[frame.i == w].assign(i=j) for j, w in enumerate(who)]
        import pandas as pd

        # Exactly identified: the moments of the full sample are zero, nothing is shifted.
        drawn = spec.fit(panel(pd.concat(parts)))
    assert draws[0, 0] == pytest.approx(drawn.params["L(y)"], rel=1e-10)


def test_refusals(fit: Any) -> None:
    with pytest.raises(errors.ResultError, match="not a regressor"):
        fit.long_run("q")
    with pytest.raises(errors.ResultError, match="method"):
        fit.long_run(method="jackknife")
    with pytest.raises(errors.ResultError, match="horizons"):
        fit.response("x", -1)
    with pytest.raises(errors.ResultError, match="level"):
        fit.long_run(level=95)
    with pytest.raises(errors.SpecificationError, match="draws"):
        fit.long_run(method="bootstrap", draws=0)
