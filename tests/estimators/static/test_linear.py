"""Pooled OLS and fixed effects against statsmodels with dummies, and linearmodels."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    DroppedRowsWarning,
    IdentificationError,
    SingletonWarning,
    SpecificationError,
)
from tests.static_panels import sample_panel


def world(seed: int = 1, N: int = 25, T: int = 8, keep: float = 0.75) -> md.Panel:
    """An unbalanced panel with gaps, a third factor and weights."""
    rng = np.random.default_rng(seed)
    i, t = np.repeat(np.arange(N), T), np.tile(np.arange(2000, 2000 + T), N)
    n = N * T
    frame = pd.DataFrame({"i": i, "t": t, "x": rng.standard_normal(n) + i / 10})
    frame["z"] = rng.standard_normal(n) + 0.2 * (t - 2000)
    frame["k"] = rng.integers(0, 5, n)
    frame["w"] = rng.uniform(0.2, 4, n)
    frame["y"] = 2 + frame["x"] - 0.5 * frame["z"] + i / 5 + rng.standard_normal(n)
    return md.Panel.from_frame(frame[rng.random(n) < keep], entity="i", time="t")


def dummies(*codes: np.ndarray) -> np.ndarray:
    """Independent columns that span the dummies of all factors."""
    blocks = [np.eye(c.max() + 1)[c] for c in (np.unique(c, return_inverse=True)[1] for c in codes)]
    D = np.column_stack([blocks[0], *(b[:, 1:] for b in blocks[1:])])
    kept: list[int] = []
    for j in range(D.shape[1]):
        if np.linalg.matrix_rank(D[:, [*kept, j]]) > len(kept):
            kept.append(j)
    return D[:, kept]


@pytest.mark.parametrize("weights", [None, "w"])
def test_pooled_equals_statsmodels(weights: str | None) -> None:
    panel = world()
    fit = md.PooledOLS(formula="y ~ x + z", weights=weights).fit(panel)
    frame = panel.frame
    X = sm.add_constant(frame[["x", "z"]])
    want = sm.WLS(frame["y"], X, weights=1.0 if weights is None else frame["w"]).fit()
    np.testing.assert_allclose(fit.params, want.params, rtol=1e-11)
    np.testing.assert_allclose(fit.cov, want.cov_params(), rtol=1e-10)
    np.testing.assert_allclose(fit.resids, want.resid, atol=1e-11)
    np.testing.assert_allclose(fit.fitted, want.fittedvalues, rtol=1e-11)
    np.testing.assert_allclose(fit.pvalues, want.pvalues, rtol=1e-8)
    np.testing.assert_allclose(fit.conf_int(), want.conf_int(), rtol=1e-10)
    assert fit.stats["r2"] == pytest.approx(want.rsquared, rel=1e-11)
    assert fit.stats["r2_adjusted"] == pytest.approx(want.rsquared_adj, rel=1e-11)
    assert fit.stats["sigma"] == pytest.approx(np.sqrt(want.scale), rel=1e-11)
    assert fit.df_resid == want.df_resid


def test_pooled_without_intercept() -> None:
    panel = world()
    fit = md.PooledOLS(formula="y ~ 0 + x + z").fit(panel)
    want = sm.OLS(panel.frame["y"], panel.frame[["x", "z"]]).fit()
    np.testing.assert_allclose(fit.params, want.params, rtol=1e-12)
    assert fit.stats["r2"] == pytest.approx(want.rsquared, rel=1e-12)
    assert fit.stats["r2_adjusted"] == pytest.approx(want.rsquared_adj, rel=1e-12)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(
    "effects", [("entity",), ("time",), ("entity", "time"), ("entity", "time", "k"), ("k^time",)]
)
def test_fixed_effects_equal_dummies(effects: tuple[str, ...], weights: str | None) -> None:
    panel = world()
    spec = md.FixedEffects(formula="y ~ x + z", effects=effects, weights=weights, singletons="keep")
    fit = spec.fit(panel)
    frame = panel.frame
    columns = {"entity": frame["i"], "time": frame["t"], "k": frame["k"],
               "k^time": frame["k"] * 10_000 + frame["t"]}  # fmt: skip
    D = dummies(*(columns[e].to_numpy() for e in effects))
    w = 1.0 if weights is None else frame["w"].to_numpy()
    want = sm.WLS(frame["y"].to_numpy(), np.column_stack([frame[["x", "z"]], D]), weights=w).fit()
    np.testing.assert_allclose(fit.params, want.params[:2], rtol=1e-9)
    np.testing.assert_allclose(fit.cov, want.cov_params()[:2, :2], rtol=1e-8)
    np.testing.assert_allclose(fit.resids, want.resid, atol=1e-9)
    np.testing.assert_allclose(fit.fitted, want.fittedvalues, atol=1e-8)
    assert fit.df_resid == want.df_resid
    total = np.average((frame["y"] - np.average(frame["y"], weights=w * np.ones(len(frame)))) ** 2,
                       weights=w * np.ones(len(frame)))  # fmt: skip
    share = np.average(want.resid**2, weights=w * np.ones(len(frame))) / total
    assert fit.stats["r2"] == pytest.approx(1 - share, rel=1e-10)
    assert fit.stats["sigma"] == pytest.approx(np.sqrt(want.scale), rel=1e-10)


@pytest.mark.parametrize("sample", ["grunfeld.gaps", "produc.full", "gasoline.ragged"])
@pytest.mark.parametrize("effects", [("entity",), ("time",), ("entity", "time")])
def test_matches_linearmodels(sample: str, effects: tuple[str, ...]) -> None:
    from linearmodels import PanelOLS, PooledOLS

    panel, formula = sample_panel(sample)
    d, index = md.Design.build(formula, panel), panel.index()
    y = pd.Series(d.y, index, name="y")
    X = pd.DataFrame(d.X, index, list(d.names))
    fit = md.FixedEffects(formula=formula, effects=effects, singletons="keep").fit(panel)
    want = PanelOLS(
        y, X.drop(columns="Intercept"), entity_effects="entity" in effects,
        time_effects="time" in effects,
    ).fit()  # fmt: skip
    np.testing.assert_allclose(fit.params, want.params, rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, want.std_errors, rtol=1e-8)
    np.testing.assert_allclose(fit.stats["r2_within"], want.rsquared, rtol=1e-8)
    pooled = md.PooledOLS(formula=formula).fit(panel)
    theirs = PooledOLS(y, X).fit()
    np.testing.assert_allclose(pooled.params, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(pooled.std_errors, theirs.std_errors, rtol=1e-9)


def test_published_within_estimates(grunfeld: md.Panel) -> None:
    """Baltagi (2021), table 2.1: within 0.110 and 0.310 (0.012, 0.017)."""
    fit = md.FixedEffects(formula="inv ~ value + capital").fit(grunfeld)
    assert fit.params.round(3).tolist() == [0.110, 0.310]
    assert fit.std_errors.round(3).tolist() == [0.012, 0.017]


# ---------------------------------------------------------------------- dropped rows and columns


def test_missing_values_are_counted() -> None:
    frame = world().frame
    frame.loc[[0, 7], "x"] = np.nan
    frame.loc[[7, 9, 11], "y"] = np.nan
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    with pytest.warns(DroppedRowsWarning, match="4 of"):
        fit = md.FixedEffects(formula="y ~ x + z").fit(panel)
    assert fit.dropped == {"missing in 'y'": 3, "missing in 'x'": 1}
    assert fit.nobs == len(frame) - 4


def test_singletons_are_dropped_again_and_again() -> None:
    frame = pd.DataFrame(
        {"i": [0, 0, 0, 1, 1, 1, 2, 2, 3], "t": [1, 2, 3, 1, 2, 3, 4, 1, 4],
         "y": [1.0, 2, 4, 3, 5, 2, 6, 1, 7], "x": [0.0, 1, 0, 2, 1, 1, 3, 0, 1]}
    )  # fmt: skip
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    # entity 3 is alone; without it period 4 is alone; without that entity 2 is alone
    with pytest.warns(SingletonWarning, match="3 rows are alone"):
        fit = md.FixedEffects(formula="y ~ x", effects=("entity", "time")).fit(panel)
    assert fit.nobs == 6
    assert fit.dropped == {"singletons of entity, time": 3}
    kept = md.FixedEffects(formula="y ~ x", effects=("entity", "time"), singletons="keep")
    both = kept.fit(panel)
    assert both.nobs == 9
    np.testing.assert_allclose(both.params, fit.params, rtol=1e-12)
    np.testing.assert_allclose(both.cov, fit.cov, rtol=1e-10)  # classical: nothing changes


def test_collinear_columns_are_named() -> None:
    panel = world().assign(double=lambda p: 2 * p["x"] - p["z"], const=5.0)
    with pytest.warns(CollinearityWarning, match="'double', 'const'"):
        fit = md.PooledOLS(formula="y ~ x + z + double + const").fit(panel)
    assert fit.names == ["Intercept", "x", "z"]
    assert set(fit.dropped_columns) == {"double", "const"}


def test_absorbed_columns_say_by_what() -> None:
    panel = world().assign(size=lambda p: p["i"] * 1.0, trend=lambda p: p["t"] * 1.0)
    with pytest.warns(CollinearityWarning, match="absorbed by the effects entity, time"):
        fit = md.FixedEffects(
            formula="y ~ x + size + trend", effects=("entity", "time")
        ).fit(panel)  # fmt: skip
    assert fit.names == ["x"]
    assert set(fit.dropped_columns) == {"size", "trend"}
    with pytest.raises(IdentificationError, match="no regressor is left"):
        md.FixedEffects(formula="y ~ size").fit(panel)


def test_collinear_within_the_effects() -> None:
    """x and x + size differ by an absorbed column."""
    panel = world().assign(shifted=lambda p: p["x"] + p["i"])
    with pytest.warns(CollinearityWarning, match="'shifted'"):
        fit = md.FixedEffects(formula="y ~ x + shifted").fit(panel)
    assert fit.names == ["x"]


def test_one_entity_is_a_time_series() -> None:
    panel = world()
    one = panel.where(panel.entity_codes == 3)
    fixed = md.FixedEffects(formula="y ~ x").fit(one)
    pooled = md.PooledOLS(formula="y ~ x").fit(one)
    assert fixed.params["x"] == pytest.approx(pooled.params["x"], rel=1e-12)
    assert fixed.std_errors["x"] == pytest.approx(pooled.std_errors["x"], rel=1e-12)


def test_more_parameters_than_rows() -> None:
    few = world().where(lambda p: np.arange(len(p)) < 3)
    with pytest.raises(IdentificationError, match="only 3 complete rows"):
        md.PooledOLS(formula="y ~ x + z").fit(few)
    short = world().between(2000, 2001)
    with (
        pytest.warns(CollinearityWarning),
        pytest.raises(IdentificationError, match="coefficients and .* effects, but only"),
    ):
        md.FixedEffects(
            formula="y ~ x + z + w + I(x**2)", effects=("entity", "k^time"), singletons="keep"
        ).fit(short)


def test_scaling_of_regressors_is_immaterial() -> None:
    panel = world()
    big = panel.assign(x=panel["x"] * 1e9 + 0.0, z=panel["z"] * 1e-9)
    one = md.FixedEffects(formula="y ~ x + z", effects=("entity", "time")).fit(panel)
    two = md.FixedEffects(formula="y ~ x + z", effects=("entity", "time")).fit(big)
    np.testing.assert_allclose(two.tstats, one.tstats, rtol=1e-9)


def test_zero_weights_are_left_out() -> None:
    panel = world()
    w = panel["w"].to_numpy().copy()
    w[:10] = 0
    with pytest.warns(DroppedRowsWarning, match="10 zero weight in 'w'"):
        fit = md.PooledOLS(formula="y ~ x", weights="w").fit(panel.assign(w=w))
    rest = panel.where(np.arange(len(panel)) >= 10)
    want = md.PooledOLS(formula="y ~ x", weights="w").fit(rest)
    np.testing.assert_allclose(fit.params, want.params, rtol=1e-12)


# ---------------------------------------------------------------------- the specification


def test_specifications_are_values() -> None:
    one = md.FixedEffects(formula="y ~ x", effects=["entity"], cov=md.Robust("HC1"))
    two = md.FixedEffects(formula="y ~ x", effects="entity", cov=md.Robust("HC1"))
    assert one == two
    assert hash(one) == hash(two)
    assert "y ~ x" in repr(one)
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(FrozenInstanceError):
        one.formula = "y ~ z"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effects": ()}, "names no effect"),
        ({"effects": ("entity", "entity")}, "twice"),
        ({"effects": (1,)}, "names no effect"),
        ({"singletons": "ignore"}, "'drop' or 'keep'"),
    ],
)
def test_options_are_checked_when_built(options: dict, message: str) -> None:
    with pytest.raises(SpecificationError, match=message):
        md.FixedEffects(formula="y ~ x", **options)


def test_brackets_are_refused() -> None:
    for spec in (md.PooledOLS, md.FixedEffects):
        with pytest.raises(SpecificationError, match="IV2SLS"):
            spec(formula="y ~ 1 + [x ~ z]").fit(world())


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + z", "y ~ L(x)", "y ~ x * z"])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
@pytest.mark.filterwarnings("ignore::migdev.errors.SingletonWarning")
def test_fitting_leaves_the_panel_as_it_was(formula: str, weights: str | None) -> None:
    frame = world().frame.sort_values(["i", "t"], ignore_index=True)
    kept = frame.copy()
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    spec = md.FixedEffects(formula=formula, effects=("entity", "time"), weights=weights)
    first = spec.fit(panel)
    pd.testing.assert_frame_equal(panel.frame, kept)
    pd.testing.assert_frame_equal(frame, kept)
    assert spec.fit(panel).params.tolist() == first.params.tolist()


@pytest.mark.parametrize("kind", [str, "category", float])
def test_effects_may_be_text_categories_or_the_key_columns(kind: object) -> None:
    frame = world().frame
    frame["g"] = ("g" + frame["k"].astype(str)) if kind is str else frame["k"].astype(kind)
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    expected = md.FixedEffects(formula="y ~ x", effects=("entity", "time", "k")).fit(panel)
    for effects in (("i", "t", "g"), ("entity", "t", "g"), ("g", "i^t", "k")):
        fit = md.FixedEffects(formula="y ~ x", effects=effects, singletons="keep")
        if "i^t" in effects:
            with pytest.raises(IdentificationError, match="absorbed by"):  # an effect for each row
                fit.fit(panel)
        else:
            assert fit.fit(panel).params["x"] == pytest.approx(expected.params["x"], rel=1e-12)
