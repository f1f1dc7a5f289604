"""Regressors and instruments that are the dependent variable, or make it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import FormulaError
from migdev.panel.design import Design


@pytest.fixture(params=[60, 4_002])
def panel(request: pytest.FixtureRequest) -> md.Panel:
    rng = np.random.default_rng(2)
    n = request.param
    frame = pd.DataFrame(
        {"i": np.repeat(range(n // 6), 6), "t": np.tile(range(6), n // 6), "x": rng.normal(size=n),
         "y": rng.normal(size=n) * 100, "k": rng.integers(0, 4, n), "z": rng.normal(size=n)}
    )  # fmt: skip
    frame["own"], frame["share"] = 2 * frame.y + frame.i, frame.y / 100
    frame["count"] = np.where(rng.random(n) < 0.9, 0, rng.poisson(3, n))
    return md.Panel.from_frame(frame, entity="i", time="t")


@pytest.mark.parametrize(
    "formula",
    ["y ~ y + x", "y ~ x + L(y, 0)", "y ~ L(y, [0, 1])", "y ~ [x ~ y]", "y ~ [x ~ z + L(y, 0)]",
     "y ~ [y ~ z]", "y ~ x + share", "y ~ I(2*y)", "y ~ {y - 5}", "I(y/3) ~ x + y", "y ~ I(-y)",
     "log(k + 1) ~ x + np.log(k + 1)", "L(y) ~ x + L(y, 1)", "count ~ x + count",
     "y ~ C(k)*x + I(y / 7)", "k ~ x + I(1 - k)"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
def test_the_dependent_variable_among_the_regressors(panel: md.Panel, formula: str) -> None:
    with pytest.raises(FormulaError, match="the dependent variable.*Leave it out"):
        Design.build(formula, panel)


@pytest.mark.parametrize("effects", [("entity",), ("entity", "time")])
def test_an_identity_within_the_effects(panel: md.Panel, effects: tuple[str, ...]) -> None:
    with pytest.raises(FormulaError, match="'own' is an exact linear function.* within the eff"):
        md.FixedEffects("y ~ x + own", effects=effects).fit(panel)


@pytest.mark.parametrize(
    "formula", ["y ~ L(y)", "count ~ x + k", "y ~ I(y > 0)", "y ~ x + I(y**2)", "D(y) ~ L(y)",
                "k ~ C(i) + x", "I(k > 1) ~ k"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
def test_what_is_no_identity(panel: md.Panel, formula: str) -> None:
    assert Design.build(formula, panel).nobs > 0


def test_two_rows_tell_nothing() -> None:
    frame = pd.DataFrame({"i": [1, 1, 1], "t": [0, 1, 2], "y": [1.0, 2, 3], "x": [3.0, 2, 1]})
    assert Design.build("y ~ x", md.Panel.from_frame(frame, entity="i", time="t")).nobs == 3


@pytest.mark.parametrize(
    ("with_constant", "without"),
    [
        ("y ~ C(k)", "y ~ 0 + C(k)"),
        ("y ~ C(k) + x", "y ~ 0 + C(k) + x"),
        ("y ~ x", "y ~ 0 + c + x"),
    ],
)
def test_a_constant_that_factors_span(panel: md.Panel, with_constant: str, without: str) -> None:
    panel = panel.assign(y=lambda p: p["y"] + 500, c=3.0)
    one, other = (md.PooledOLS(formula).fit(panel) for formula in (with_constant, without))
    for name in ("r2", "r2_adjusted", "sigma"):
        assert_allclose(other.stats[name], one.stats[name], rtol=1e-9)
    assert one.stats["r2"] < 0.1  # about the mean; .96 or more about zero
    assert "uncentred" not in other.facts.labels["r2"]
    free = md.PooledOLS("y ~ 0 + x").fit(panel)
    assert "uncentred" in free.facts.labels["r2"]


def test_statsmodels_agrees_on_the_constant(panel: md.Panel) -> None:
    import statsmodels.api as sm

    dummies = pd.get_dummies(panel["k"]).to_numpy(dtype=float)
    theirs = sm.OLS(panel["y"].to_numpy(), dummies).fit()
    ours = md.PooledOLS("y ~ 0 + C(k)").fit(panel)
    assert_allclose(ours.stats["r2"], theirs.rsquared, rtol=1e-9)
    assert_allclose(ours.stats["r2_adjusted"], theirs.rsquared_adj, rtol=1e-9)
