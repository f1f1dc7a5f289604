"""Covariances through the estimators: the whole path from a panel, against R."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import CovarianceError, DroppedRowsWarning, MigdevWarning
from tests.covariance.test_covariance_golden import mixed_leverage, spec_for
from tests.data import benchmark
from tests.golden import load_golden
from tests.panel_moments import assert_cov_close, golden_frame, golden_weights, square

RTOL = 2e-9  # as in test_covariance_golden


@cache
def sample(tag: str) -> tuple[md.Panel, str]:
    frame = golden_frame(tag)
    y, *x = frame.columns[2:]
    return md.Panel.from_frame(frame, entity="id", time="time"), f"{y} ~ {' + '.join(x)}"


ESTIMATORS = {
    "pooling": lambda f: md.PooledOLS(formula=f),
    "within.individual": lambda f: md.FixedEffects(formula=f, effects=("entity",)),
    "within.time": lambda f: md.FixedEffects(formula=f, effects=("time",)),
    "within.twoways": lambda f: md.FixedEffects(formula=f, effects=("entity", "time")),
    "random.individual": lambda f: md.RandomEffects(formula=f),
    "random.twoways": lambda f: md.RandomEffects(formula=f, effects=("entity", "time")),
    "fd": lambda f: md.FirstDifference(formula=f),
}


# plm takes differences across gaps, where here a gap gives no difference; and its transformation of
# unbalanced two-way data is not the root used here.
CASES = [
    (tag, model) for tag in ("grunfeld", "grunfeld_gaps", "gasoline_gaps", "produc")
    for model in ESTIMATORS
    if not (tag.endswith("_gaps") and model in ("fd", "random.twoways"))
]  # fmt: skip


@pytest.mark.parametrize(("tag", "model"), CASES)
def test_with_cov_matches_r(tag: str, model: str) -> None:
    golden = load_golden(f"plm_{tag}")[model]
    panel, formula = sample(tag)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigdevWarning)  # few clusters, negative components
        fit = ESTIMATORS[model](formula).fit(panel)
        order = [n for n in golden["names"] if n in fit.params.index]
        np.testing.assert_allclose(
            fit.params[order], golden["coef"][-len(order) :], rtol=1e-7, err_msg=model
        )
        if model == "fd":
            return  # plm keeps an intercept in first differences: the slopes only
        assert len(order) == len(golden["names"])
        compared = 0
        for key, lower in golden["cov"].items():
            spec = spec_for(model.replace("random.twoways", "random.individual"), key)
            wanted = square(lower)
            if spec is None or np.linalg.eigvalsh(wanted)[0] < 0:
                continue
            compared += 1
            other = fit.with_cov(spec)
            found = other.cov.loc[golden["names"], golden["names"]].to_numpy()
            try:
                assert_cov_close(found, wanted, 1e-7)  # absorption stops at 1e-10
            except AssertionError as error:
                raise AssertionError(f"{key} -> {spec}: {error}") from None
            df = golden.get("df", {}).get(key)
            if df is not None and not mixed_leverage(model, key):
                np.testing.assert_allclose(other.df_inference, df, rtol=1e-6, err_msg=key)
        assert compared >= 0.8 * len(golden["cov"]) - 3


@pytest.mark.parametrize("model", ["iv.none", "iv.individual", "iv.weighted"])
def test_two_stage_least_squares(model: str) -> None:
    golden = load_golden("iv_covariance")[model]
    frame = golden_frame("produc")
    raw = benchmark("munnell_produc")
    frame["lhwy"], frame["w"] = np.log(raw["hwy"]), golden_weights(len(frame))
    panel = md.Panel.from_frame(frame, entity="id", time="time")
    fit = md.IV2SLS(
        formula="lgsp ~ lpc + [lemp ~ unemp + lhwy]",
        effects=("entity",) if model == "iv.individual" else (),
        weights="w" if model == "iv.weighted" else None,
    ).fit(panel)
    names = golden["names"]
    np.testing.assert_allclose(fit.params[names], golden["coef"], rtol=1e-8)
    for key, lower in golden["cov"].items():
        label = "lm.individual" if model == "iv.individual" else "lm.none"
        spec = spec_for(label, key.replace("ivreg.", "lm."))
        found = fit.with_cov(spec).cov.loc[names, names].to_numpy()
        try:
            assert_cov_close(found, square(lower), 1e-8)
        except AssertionError as error:
            raise AssertionError(f"{key} -> {spec}: {error}") from None


def test_wald_and_lincom_use_the_degrees_of_freedom_of_cr2() -> None:
    golden = load_golden("plm_gasoline")["within.twoways"]
    panel, formula = sample("gasoline")
    fit = md.FixedEffects(
        formula=formula, effects=("entity", "time"), cov=md.Clustered("entity", kind="CR2")
    ).fit(panel)
    F, q, df2, p = golden["wald"]["clubSandwich.CR2.group"]
    test = fit.wald(golden["names"])
    assert test.statistic == pytest.approx(F, rel=1e-7)
    assert test.df == pytest.approx((q, df2), rel=1e-7)
    assert test.pvalue == pytest.approx(p, rel=1e-6)
    df = golden["df"]["clubSandwich.CR2.group"]
    assert fit.lincom("lrpmg").df == pytest.approx(df[1], rel=1e-7)
    twice = fit.lincom("2*lrpmg")
    assert twice.df == pytest.approx(df[1], rel=1e-7)
    assert fit.conf_int().loc["lrpmg", "upper"] > fit.params["lrpmg"]


def test_rows_without_a_cluster_are_left_out_at_the_fit_only() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"i": np.repeat(np.arange(20), 6), "t": np.tile(np.arange(6), 20)})
    frame["x"], frame["y"] = rng.standard_normal((2, 120))
    frame["area"] = [f"a{v}" for v in frame.i // 2]
    frame.loc[[4, 50], "area"] = None
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    with pytest.warns(DroppedRowsWarning, match="area"):
        fit = md.PooledOLS(formula="y ~ x", cov=md.Clustered("area")).fit(panel)
    assert fit.nobs == 118
    assert fit.covariance.clusters == {"area": 10}
    without = md.PooledOLS(formula="y ~ x").fit(panel)
    with pytest.raises(CovarianceError, match="2 of 120 rows have no value"):
        without.with_cov(md.Clustered("area"))
    with pytest.raises(CovarianceError, match="Did you mean 'area'"):
        without.with_cov(md.Clustered("areas"))


def test_with_cov_leaves_the_fit_alone() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"i": np.repeat(np.arange(15), 12), "t": np.tile(np.arange(12), 15)})
    frame["x"], frame["y"] = rng.standard_normal((2, 180))
    fit = md.FixedEffects(formula="y ~ x").fit(md.Panel.from_frame(frame, entity="i", time="t"))
    before = fit.cov.copy()
    other = fit.with_cov(md.Clustered("entity", "time"))
    pd.testing.assert_frame_equal(fit.cov, before)
    assert other.params.equals(fit.params)
    assert other.df_inference == 11
    assert "15 x 12 clusters" in other.covariance.description
