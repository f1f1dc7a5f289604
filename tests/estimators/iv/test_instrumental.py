"""Instrumental variables with absorbed effects: brute force, odd data, and what results carry."""

from __future__ import annotations

import pickle
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linearmodels.iv import IV2SLS as Their2SLS
from linearmodels.iv import IVGMM as TheirGMM
from linearmodels.iv import IVLIML as TheirLIML
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    CovarianceError,
    DroppedRowsWarning,
    FewClustersWarning,
    IdentificationError,
    ResultError,
    SingletonWarning,
    SpecificationError,
    WeakInstrumentsWarning,
)
from migdev.testing import check_estimator, check_result
from tests.iv_panels import as_panel, simulated

ONE = "y ~ x1 + x2 + [d1 ~ z1 + z2 + z3]"
TWO = "y ~ x1 + x2 + [d1 + d2 ~ z1 + z2 + z3]"
REPORTED = (
    CollinearityWarning, DroppedRowsWarning, FewClustersWarning, SingletonWarning,
    WeakInstrumentsWarning,
)  # fmt: skip


def fitted(spec, panel):
    with warnings.catch_warnings():
        for category in REPORTED:
            warnings.simplefilter("ignore", category)
        return spec.fit(panel)


@contextmanager
def reports(category, match=None):
    """As pytest.warns, letting weak instruments be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakInstrumentsWarning)
        with pytest.warns(category, match=match) as caught:
            yield caught


@pytest.fixture(scope="module")
def frame():
    return simulated(seed=5)


@pytest.fixture(scope="module")
def panel(frame):
    return as_panel(frame)


# ---------------------------------------------------------------------- effects are dummies


def dummies(frame: pd.DataFrame, effects: tuple[str, ...]) -> pd.DataFrame:
    names = {"entity": "id", "time": "year"}
    blocks = [pd.get_dummies(frame[names.get(e, e)], prefix=e, dtype=float) for e in effects]
    return pd.concat([blocks[0], *(b.iloc[:, 1:] for b in blocks[1:])], axis=1)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(
    ("effects", "keep"),
    [(("entity",), 1.0), (("entity", "time"), 0.7), (("entity", "time", "region"), 0.7),
     (("time", "region"), 0.6)],
)  # fmt: skip
def test_absorbed_effects_equal_dummies(effects, keep, weights):
    frame = simulated(seed=11, keep=keep, entities=26)
    panel = as_panel(frame)
    D = dummies(frame, effects)
    if "region" in effects and "entity" in effects:  # regions are constant within entities
        D = dummies(frame, ("entity", "time"))
    exog = pd.concat([frame[["x1", "x2"]], D], axis=1)
    endog, z = frame[["d1", "d2"]], frame[["z1", "z2", "z3"]]
    w = None if weights is None else frame[weights]
    names = ["x1", "x2", "d1", "d2"]
    common = {"effects": effects, "weights": weights, "formula": TWO, "singletons": "keep"}

    ours = fitted(md.IV2SLS(**common), panel)
    model = Their2SLS(frame["y"], exog, endog, z, weights=w)
    theirs = model.fit(cov_type="unadjusted", debiased=True)
    assert_allclose(ours.params[names], theirs.params[names], rtol=1e-8)
    assert_allclose(ours.cov.loc[names, names], theirs.cov.loc[names, names], rtol=1e-7)
    assert ours.df_resid == theirs.df_resid
    assert_allclose(ours.resids.to_numpy(), theirs.resids.to_numpy(), atol=1e-9)
    for name in ("sargan", "basmann", "wooldridge_overid", "basmann_f", "wooldridge_score"):
        their = getattr(theirs, name)
        assert ours.stats[name].statistic == pytest.approx(their.stat, rel=1e-7), name
        assert ours.stats[name].pvalue == pytest.approx(their.pval, rel=1e-6), name
    assert ours.stats["durbin"].statistic == pytest.approx(theirs.durbin().stat, rel=1e-7)
    assert ours.stats["wu_hausman"].pvalue == pytest.approx(theirs.wu_hausman().pval, rel=1e-6)
    stage = theirs.first_stage
    assert ours.stats["cragg_donald"].statistic == pytest.approx(stage.cragg_donald_f, rel=1e-8)
    f = ours.stats["first_stage_f[d1]"]
    assert f.statistic == pytest.approx(stage.diagnostics.loc["d1", "f.stat"], rel=1e-7)
    assert f.pvalue == pytest.approx(stage.diagnostics.loc["d1", "f.pval"], rel=1e-5)

    robust = ours.with_cov(md.Robust("HC1"))
    theirs = model.fit(cov_type="robust", debiased=True)
    assert_allclose(robust.cov.loc[names, names], theirs.cov.loc[names, names], rtol=1e-7)
    assert robust.stats["kleibergen_paap"].statistic == pytest.approx(
        theirs.first_stage.kleibergen_paap_f, rel=1e-7
    )
    assert robust.stats["kleibergen_paap_lm"].statistic == pytest.approx(
        theirs.first_stage.kleibergen_paap.stat, rel=1e-7
    )

    for fuller in (None, 1.0):
        ours = fitted(md.LIML(**common, fuller=fuller), panel)
        theirs = TheirLIML(frame["y"], exog, endog, z, weights=w, fuller=fuller or 0)
        theirs = theirs.fit(cov_type="unadjusted", debiased=True)
        assert ours.stats["kappa"] == pytest.approx(theirs.kappa, rel=1e-10)
        assert_allclose(ours.params[names], theirs.params[names], rtol=1e-8)
        assert_allclose(ours.cov.loc[names, names], theirs.cov.loc[names, names], rtol=1e-7)


def test_gmm_with_effects_partials_them_out(frame, panel):
    # Weights would differ if the dummies were moments too; absorbed effects are partialled out of
    # the moments, as xtivreg2 and ivreghdfe do.
    inside = frame.drop(columns=["id", "year", "region"])
    inside = inside - inside.groupby(frame["id"]).transform("mean")
    ours = fitted(
        md.IVGMM(formula=ONE, effects="entity", cov=md.Robust("HC0", convention="none")), panel
    )
    model = TheirGMM(inside["y"], inside[["x1", "x2"]], inside[["d1"]], inside[["z1", "z2", "z3"]])
    theirs = model.fit(cov_type="robust")
    assert_allclose(ours.params, theirs.params[["x1", "x2", "d1"]], rtol=1e-9)
    assert_allclose(ours.cov, theirs.cov.loc[ours.names, ours.names], rtol=1e-8)
    assert ours.stats["hansen_j"].statistic == pytest.approx(theirs.j_stat.stat, rel=1e-8)


def test_exact_identification_is_the_ratio_of_reduced_forms(frame, panel):
    fit = fitted(md.IV2SLS(formula="y ~ x1 + [d1 ~ z1]", effects=("entity", "time")), panel)
    ratio = fit.reduced_form.params["z1"] / fit.first_stage["d1"].params["z1"]
    assert fit.params["d1"] == pytest.approx(ratio, rel=1e-10)
    for other in (
        md.LIML(formula="y ~ x1 + [d1 ~ z1]", effects=("entity", "time")),
        md.IVGMM(formula="y ~ x1 + [d1 ~ z1]", effects=("entity", "time")),
        md.IVGMM(formula="y ~ x1 + [d1 ~ z1]", effects=("entity", "time"), steps="cue"),
    ):
        again = fitted(other, panel)
        assert_allclose(again.params, fit.params, rtol=1e-8)
        assert "hansen_j" not in again.stats
        assert "sargan" not in again.stats


def test_first_stage_is_a_regression_of_its_own(frame, panel):
    cov = md.Clustered("entity", kind="CR2")
    fit = fitted(md.IV2SLS(formula=TWO, effects=("entity", "time"), weights="w", cov=cov), panel)
    for name in ("d1", "d2"):
        ols = md.FixedEffects(
            formula=f"{name} ~ x1 + x2 + z1 + z2 + z3", effects=("entity", "time"), weights="w",
            cov=cov,
        ).fit(panel)  # fmt: skip
        stage = fit.first_stage[name]
        assert isinstance(stage, md.Estimate)
        assert_allclose(stage.params[ols.names], ols.params, rtol=1e-9)
        assert_allclose(stage.std_errors[ols.names], ols.std_errors, rtol=1e-8)
        assert_allclose(stage.df_inference, ols.df_inference, rtol=1e-7)
        assert_allclose(stage.resids, ols.resids, atol=1e-10)
        assert_allclose(stage.fitted, ols.fitted, atol=1e-10)
        wald = ols.wald(["z1", "z2", "z3"])
        f = fit.stats[f"first_stage_f[{name}]"]
        assert (f.statistic, *f.df) == pytest.approx((wald.statistic, *wald.df), rel=1e-7)
        assert f.pvalue == pytest.approx(wald.pvalue, rel=1e-6)
    reduced = md.FixedEffects(
        formula="y ~ x1 + x2 + z1 + z2 + z3", effects=("entity", "time"), weights="w", cov=cov
    ).fit(panel)
    assert_allclose(fit.reduced_form.std_errors[reduced.names], reduced.std_errors, rtol=1e-8)


def test_with_cov_is_a_fit_with_that_covariance(frame, panel):
    base = fitted(md.IV2SLS(formula=ONE, effects=("entity",)), panel)
    for cov in (
        md.Robust("HC3"), md.Clustered("entity"), md.Clustered("entity", "time"),
        md.DriscollKraay(bandwidth=2), md.NeweyWest(bandwidth=1), md.BeckKatz(),
        md.Clustered("region", kind="CR2"),
    ):  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewClustersWarning)
            warnings.simplefilter("ignore", md.errors.CovarianceWarning)
            again = base.with_cov(cov)
            whole = fitted(md.IV2SLS(formula=ONE, effects=("entity",), cov=cov), panel)
            assert_allclose(again.cov, whole.cov, rtol=1e-12)
            assert set(again.stats) == set(whole.stats)
            for name in again.stats:
                a, b = again.stats[name], whole.stats[name]
                a, b = getattr(a, "statistic", a), getattr(b, "statistic", b)
                # endogeneity has more moments than the panel has periods
                assert a == b or (name == "endogeneity" and np.isnan(a) and np.isnan(b)), name
    assert "hansen_j" not in base.stats
    assert "hansen_j" in again.stats
    assert base.cov_spec == md.Unadjusted()  # the first is as it was


def test_conley_applies(frame):
    rng = np.random.default_rng(2)
    places = rng.uniform(-5, 5, (30, 2))
    frame = frame.assign(latitude=places[frame["id"], 0], longitude=places[frame["id"], 1])
    fit = fitted(md.IV2SLS(formula=ONE, cov=md.Conley(1e-6)), as_panel(frame))
    # Places alone with themselves: in one period every row stands for itself.
    hc0 = fit.with_cov(md.Robust("HC0", convention="none"))
    assert_allclose(fit.cov, hc0.cov, rtol=1e-10)


# ---------------------------------------------------------------------- internal instruments


def test_internal_instruments_on_a_panel_with_gaps():
    frame = simulated(seed=8, entities=40, periods=12, keep=0.8)
    frame.loc[frame.index[::17], "d1"] = np.nan
    panel = as_panel(frame)
    with reports((DroppedRowsWarning, SingletonWarning)) as caught:
        fit = md.IV2SLS(
            formula="y ~ x1 + [d1 ~ L(d1, [1, 2]) + z1]", effects=("entity", "time"),
            cov=md.Clustered("entity"),
        ).fit(panel)  # fmt: skip
    assert "L(d1, 2)" in str(caught[0].message)
    assert fit.instruments == ("L(d1, 1)", "L(d1, 2)", "z1")
    by_key = frame.set_index(["id", "year"])["d1"]
    rows = frame.copy()
    for lag in (1, 2):
        keys = pd.MultiIndex.from_arrays([frame["id"], frame["year"] - lag])
        rows[f"l{lag}"] = by_key.reindex(keys).to_numpy()
    rows = rows.dropna(subset=["d1", "l1", "l2"])
    while True:  # singletons
        alone = rows.groupby("id")["y"].transform("size").eq(1)
        alone |= rows.groupby("year")["y"].transform("size").eq(1)
        if not alone.any():
            break
        rows = rows[~alone]
    assert fit.nobs == len(rows)
    exog = pd.concat([rows[["x1"]], dummies(rows, ("entity", "time"))], axis=1)
    theirs = Their2SLS(rows["y"], exog, rows[["d1"]], rows[["l1", "l2", "z1"]])
    theirs = theirs.fit(cov_type="unadjusted")
    assert_allclose(fit.params, theirs.params[["x1", "d1"]], rtol=1e-8)


def test_remittances_and_growth(data_dir):
    frame = pd.read_csv(
        data_dir / "wdi_panel.csv",
        usecols=["iso3", "year", "NY.GDP.PCAP.KD.ZG", "BX.TRF.PWKR.DT.GD.ZS", "NE.GDI.TOTL.ZS"],
    )
    frame = frame.rename(
        columns={
            "NY.GDP.PCAP.KD.ZG": "growth", "BX.TRF.PWKR.DT.GD.ZS": "remit",
            "NE.GDI.TOTL.ZS": "invest",
        }
    )  # fmt: skip
    frame = frame[frame["year"].between(1990, 2019)]
    panel = md.Panel.from_frame(frame, entity="iso3", time="year")
    with reports(DroppedRowsWarning):
        fit = md.IV2SLS(
            formula="growth ~ invest + [remit ~ L(remit, [1, 2])]", effects=("entity", "time"),
            cov=md.Clustered("entity"),
        ).fit(panel)  # fmt: skip
    assert fit.nobs > 3000
    assert fit.entities > 120
    assert fit.stats["effective_f"].statistic > 100
    assert np.isfinite(fit.std_errors).all()
    low, high = fit.anderson_rubin().intervals[0]
    assert low < fit.params["remit"] < high


# ---------------------------------------------------------------------- odd data


def test_singletons_are_dropped_and_reported(frame):
    frame = frame[(frame["id"] > 0) | (frame["year"] == 2000)]
    with reports(SingletonWarning, match="1 rows are alone"):
        fit = md.IV2SLS(formula=ONE, effects=("entity",)).fit(as_panel(frame))
    assert fit.nobs == len(frame) - 1
    assert fit.dropped == {"singletons of entity": 1}
    kept = fitted(md.IV2SLS(formula=ONE, effects=("entity",), singletons="keep"), as_panel(frame))
    assert kept.nobs == len(frame)
    assert_allclose(kept.params, fit.params, rtol=1e-10)


def test_collinear_columns_are_left_out_and_named(frame):
    frame = frame.assign(
        x3=frame["x1"] - 2 * frame["x2"], z4=frame["z1"] + frame["x1"],
        z5=frame["z1"] - frame["z2"], z6=frame["id"] ** 2.0,
    )  # fmt: skip
    panel = as_panel(frame)
    spec = md.IV2SLS(
        formula="y ~ x1 + x2 + x3 + [d1 ~ z1 + z2 + z3 + z4 + z5 + z6]", effects=("entity",)
    )
    with reports(CollinearityWarning) as caught:
        fit = spec.fit(panel)
    text = str(caught[0].message)
    assert "'x3' (collinear with the columns before it)" in text
    assert "'z4', 'z5' (instrument collinear with the exogenous regressors" in text
    assert "'z6' (instrument absorbed by the effects entity)" in text
    assert set(fit.dropped_columns) == {"x3", "z4", "z5", "z6"}
    clean = fitted(md.IV2SLS(formula=ONE, effects=("entity",)), panel)
    assert_allclose(fit.params, clean.params, rtol=1e-10)
    assert fit.stats["sargan"].df == 2
    assert fit.instruments == ("z1", "z2", "z3")


def test_a_constant_instrument_and_a_repeated_endogenous_regressor(frame):
    frame = frame.assign(one=1.0, again=2 * frame["d1"])
    with reports(CollinearityWarning, match="'again'.*'one'"):
        fit = md.IV2SLS(formula="y ~ x1 + [d1 + again ~ z1 + one + z2]").fit(as_panel(frame))
    assert fit.endogenous == ("d1",)
    assert fit.instruments == ("z1", "z2")


def test_an_endogenous_regressor_that_the_instruments_determine_is_exogenous(frame):
    frame = frame.assign(d3=frame["z1"] + 3 * frame["z2"] - frame["x1"])
    panel = as_panel(frame)
    with reports(CollinearityWarning, match="'d3' are linear combinations of the instruments"):
        fit = md.IV2SLS(formula="y ~ x1 + [d1 + d3 ~ z1 + z2 + z3]").fit(panel)
    assert fit.endogenous == ("d1",)
    plain = fitted(md.IV2SLS(formula="y ~ x1 + d3 + [d1 ~ z1 + z3]"), panel)
    assert_allclose(fit.params[plain.names], plain.params, rtol=1e-8)
    with pytest.raises(IdentificationError, match="nothing is endogenous"):
        fitted(md.IV2SLS(formula="y ~ x1 + [d1 ~ d1 + z1]"), panel)


def test_under_identification_is_an_error_with_names(frame):
    frame = frame.assign(z4=2 * frame["z1"] + frame["x1"])
    panel = as_panel(frame)
    with pytest.raises(
        IdentificationError, match="2 endogenous regressors.*1 excluded instruments"
    ):
        md.IV2SLS(formula="y ~ x1 + [d1 + d2 ~ z1]").fit(panel)
    with (
        reports(CollinearityWarning),
        pytest.raises(IdentificationError, match="'z4' \\(instrument collinear"),
    ):
        md.IV2SLS(formula="y ~ x1 + [d1 + d2 ~ z1 + z4]").fit(panel)
    with (
        reports(CollinearityWarning),
        pytest.raises(IdentificationError, match="absorbed by the effects entity"),
    ):
        md.IV2SLS(formula="y ~ x1 + [d1 ~ region]", effects="entity").fit(panel)


def test_a_first_stage_without_rank_is_an_error(frame):
    rng = np.random.default_rng(0)
    z = rng.standard_normal(len(frame))
    design = np.column_stack([np.ones(len(frame)), frame[["x1", "d1"]]])
    z -= design @ np.linalg.lstsq(design, z, rcond=None)[0]
    frame = frame.assign(useless=z)
    panel = as_panel(frame)
    with pytest.raises(IdentificationError, match="'d1' are unrelated to the instruments"):
        md.IV2SLS(formula="y ~ x1 + [d1 ~ useless]").fit(panel)
    twins = as_panel(_same_projection(frame, "d1", "z1", "z2"))
    with pytest.raises(IdentificationError, match=r"cannot tell .* apart"):
        md.IV2SLS(formula="y ~ x1 + [d1 + twin ~ z1 + z2]").fit(twins)


def _same_projection(frame, d, *z):
    """``twin`` has twice the projection of d on x1 and the instruments, and another residual."""
    W = np.column_stack([np.ones(len(frame)), frame["x1"], *(frame[name] for name in z)])
    noise = np.random.default_rng(1).standard_normal(len(frame))
    noise -= W @ np.linalg.lstsq(W, noise, rcond=None)[0]
    projection = W @ np.linalg.lstsq(W, frame[d].to_numpy(), rcond=None)[0]
    return frame.assign(twin=2 * projection + noise)


def test_more_instruments_than_rows(frame):
    small = frame.iloc[:7].assign(id=0, year=range(7))
    with pytest.raises(IdentificationError, match="only 7 complete rows"):
        md.IV2SLS(formula="y ~ x1 + x2 + [d1 ~ z1 + z2 + z3 + w]").fit(as_panel(small))


def test_no_brackets_and_bad_options(panel):
    with pytest.raises(SpecificationError, match="brackets"):
        md.IV2SLS(formula="y ~ x1").fit(panel)
    for estimator, options, message in (
        (md.IV2SLS, {"singletons": "maybe"}, "singletons='maybe'"),
        (md.IV2SLS, {"effects": ("entity", "entity")}, "names one effect twice"),
        (md.LIML, {"fuller": 1, "kappa": 1.0}, "not both"),
        (md.LIML, {"fuller": -1}, "fuller=-1"),
        (md.LIML, {"kappa": float("nan")}, "kappa=nan"),
        (md.LIML, {"scores": "other"}, "scores='other'"),
        (md.IVGMM, {"weight": "robst"}, "Did you mean 'robust'"),
        (md.IVGMM, {"steps": 0}, "steps=0"),
        (md.IVGMM, {"steps": True}, "steps=True"),
        (md.IVGMM, {"cov_at": "somewhere"}, "cov_at='somewhere'"),
    ):
        with pytest.raises(SpecificationError, match=message):
            estimator(formula=ONE, **options)


def test_one_cluster_and_too_few_for_weights(frame):
    one = as_panel(frame.assign(block=1, few=frame["id"] % 4))
    with pytest.raises(CovarianceError, match="one cluster"):
        fitted(md.IV2SLS(formula=ONE, cov=md.Clustered("block")), one)
    with pytest.raises(IdentificationError, match="moments has rank"):
        fitted(md.IVGMM(formula=ONE, weight=md.Clustered("few")), one)
    # The estimate stands, and the J that needs the inverse says why it is missing.
    fit = fitted(md.IV2SLS(formula=ONE, cov=md.Clustered("few")), one)
    j = fit.stats["hansen_j"]
    assert np.isnan(j.statistic)
    assert "too few clusters" in j.note
    assert "too few clusters" in fit.summary()


def test_hc2_after_liml_says_why_not(panel):
    with pytest.raises(CovarianceError, match="least-squares"):
        fitted(md.LIML(formula=ONE, cov=md.Robust("HC2")), panel)


def test_long_and_short_panels():
    for entities, periods in ((4, 40), (60, 3)):
        frame = simulated(seed=21, entities=entities, periods=periods)
        D = dummies(frame, ("entity", "time"))
        fit = fitted(md.IV2SLS(formula=ONE, effects=("entity", "time")), as_panel(frame))
        exog = pd.concat([frame[["x1", "x2"]], D], axis=1)
        theirs = Their2SLS(frame["y"], exog, frame[["d1"]], frame[["z1", "z2", "z3"]])
        theirs = theirs.fit(cov_type="unadjusted", debiased=True)
        assert_allclose(fit.std_errors, theirs.std_errors[["x1", "x2", "d1"]], rtol=1e-8)


def test_no_intercept_and_missing_values(frame):
    frame = frame.copy()
    frame.loc[[3, 5, 9], "z2"] = np.nan
    frame.loc[[5, 20], "w"] = np.nan
    with reports(DroppedRowsWarning, match="4 of 240 rows"):
        fit = md.IV2SLS(formula="y ~ 0 + x1 + x2 + [d1 ~ z1 + z2 + z3]", weights="w").fit(
            as_panel(frame)
        )
    rows = frame.dropna()
    theirs = Their2SLS(
        rows["y"], rows[["x1", "x2"]], rows[["d1"]], rows[["z1", "z2", "z3"]], weights=rows["w"]
    ).fit(cov_type="unadjusted", debiased=True)
    assert_allclose(fit.params, theirs.params, rtol=1e-9)
    assert fit.stats["r2"] == pytest.approx(theirs.rsquared, rel=1e-9)
    assert fit.dropped == {"missing in 'z2'": 3, "missing in 'w'": 1}


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_units_do_not_matter(frame, scale):
    plain = fitted(md.LIML(formula=TWO), as_panel(frame))
    other = frame.assign(d1=frame["d1"] * scale, z2=frame["z2"] / scale, y=frame["y"] * scale)
    fit = fitted(md.LIML(formula=TWO), as_panel(other))
    assert fit.params["d1"] == pytest.approx(plain.params["d1"], rel=1e-7)
    assert fit.stats["sargan"].statistic == pytest.approx(plain.stats["sargan"].statistic, rel=1e-7)
    assert fit.stats["kappa"] == pytest.approx(plain.stats["kappa"], rel=1e-10)


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1))
def test_only_the_span_of_the_instruments_matters(seed):
    frame = simulated(seed=9, keep=0.8)
    turn = np.random.default_rng(seed).standard_normal((3, 3)) + 2 * np.eye(3)
    turned = frame.copy()
    turned[["z1", "z2", "z3"]] = frame[["z1", "z2", "z3"]].to_numpy() @ turn
    cov = md.Clustered("entity")
    for spec in (
        md.IV2SLS(formula=ONE, effects=("entity",), cov=cov),
        md.IVGMM(formula=ONE, effects=("entity",), weight="clustered", cov=cov),
    ):
        a, b = fitted(spec, as_panel(frame)), fitted(spec, as_panel(turned))
        assert_allclose(a.params, b.params, rtol=1e-6, atol=1e-9)
        for name in ("first_stage_f", "kleibergen_paap_lm", "hansen_j", "anderson_rubin",
                     "cragg_donald", "endogeneity", "effective_f"):  # fmt: skip
            assert a.stats[name].statistic == pytest.approx(b.stats[name].statistic, rel=1e-6)


@settings(max_examples=6)
@given(shift=st.floats(-100, 100), factor=st.floats(0.01, 100))
def test_effects_take_levels_and_weights_have_no_scale(shift, factor):
    frame = simulated(seed=9, keep=0.9)
    other = frame.assign(
        y=frame["y"] + shift * frame["id"], d1=frame["d1"] - shift * frame["id"],
        w=frame["w"] * factor,
    )  # fmt: skip
    spec = md.IV2SLS(formula=ONE, effects=("entity",), weights="w", cov=md.Clustered("entity"))
    a, b = fitted(spec, as_panel(frame)), fitted(spec, as_panel(other))
    assert_allclose(a.params, b.params, rtol=1e-7, atol=1e-9)
    assert_allclose(a.std_errors, b.std_errors, rtol=1e-7)
    for name in ("hansen_j", "sargan", "first_stage_f", "wu_hausman"):
        assert a.stats[name].statistic == pytest.approx(b.stats[name].statistic, rel=1e-6)


# ---------------------------------------------------------------------- weak instruments


def test_weak_instruments_are_a_warning_that_names_its_rule():
    weak = as_panel(simulated(seed=3, strength=0.02))
    with pytest.warns(WeakInstrumentsWarning, match="effective F of 'd1'.*Montiel Olea"):
        md.IV2SLS(formula=ONE, cov=md.Robust("HC1")).fit(weak)
    with pytest.warns(WeakInstrumentsWarning, match="conditional F of 'd.'.*below 10"):
        md.LIML(formula=TWO).fit(weak)
    strong = as_panel(simulated(seed=3, strength=1.5, entities=80))
    md.IV2SLS(formula=ONE, cov=md.Robust("HC1")).fit(strong)  # warnings are errors here
    md.LIML(formula=TWO).fit(strong)


# ---------------------------------------------------------------------- what results carry


@pytest.mark.parametrize(
    "spec",
    [
        md.IV2SLS(formula=TWO, effects=("entity", "time")),
        md.LIML(formula=ONE, fuller=1.0),
        md.IVGMM(formula=ONE, effects=("entity",), weight="clustered", steps="iterated"),
        md.IVGMM(formula=ONE, steps="cue"),
    ],
    ids=lambda s: type(s).__name__,
)
def test_the_shared_checks_of_estimators(panel, spec):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakInstrumentsWarning)
        fit = check_estimator(
            spec, panel, covariances=(md.Clustered("entity"), md.DriscollKraay(bandwidth=2))
        )
        for stage in fit.first_stage.values():
            check_result(stage)


def test_specs_compare_hash_print_and_travel(panel):
    a, b = md.IV2SLS(formula=ONE, effects="entity"), md.IV2SLS(formula=ONE, effects=("entity",))
    assert a == b
    assert hash(a) == hash(b)
    assert "d1 ~ z1" in repr(a)
    assert pickle.loads(pickle.dumps(a)) == a
    assert md.IVGMM(formula=ONE, weight=md.Clustered("region")) != md.IVGMM(formula=ONE)


def test_tests_of_subsets_name_what_they_lack(panel):
    fit = fitted(md.IV2SLS(formula=TWO, cov=md.Robust("HC1")), panel)
    with pytest.raises(ResultError, match="'d3' is not an endogenous regressor"):
        fit.endogeneity(["d3"])
    with pytest.raises(ResultError, match="'z9' is not an instrument"):
        fit.difference_in_j("z9")
    with pytest.raises(ResultError, match="test fewer of them"):
        fit.difference_in_j(["z1", "z2"])
    with pytest.raises(ResultError, match="at least one"):
        fit.wu_hausman([])
    j = fit.difference_in_j("z3")
    assert j.df == 1
    assert j.statistic == pytest.approx(fit.stats["hansen_j"].statistic, rel=1e-10)


def test_difference_in_j_of_an_exogenous_regressor(frame, panel):
    # Treating x2 as endogenous, with one instrument to spare.
    fit = fitted(md.IV2SLS(formula=ONE, cov=md.Robust("HC1")), panel)
    test = fit.difference_in_j("x2")
    assert 0 <= test.statistic <= fit.stats["hansen_j"].statistic
    assert test.df == 1


def test_summary_holds_every_test(panel):
    fit = fitted(md.IV2SLS(formula=TWO, effects=("entity",), cov=md.Clustered("entity")), panel)
    text = fit.summary()
    for words in ("First-stage F, d1", "Cragg-Donald", "Kleibergen-Paap rk LM", "Hansen J",
                  "Sargan", "Wu-Hausman", "Anderson-Rubin", "Conditional F"):  # fmt: skip
        assert words in text
    assert fit.glance().loc[0, "r2_within"] == fit.stats["r2_within"]
    assert fit.method == "2SLS"
    assert len(fit.stats) == len(list(fit.stats))
    again = pickle.loads(pickle.dumps(fit.stats))
    assert again["hansen_j"].statistic == fit.stats["hansen_j"].statistic


def test_fixed_weights_scores_of_liml(frame, panel):
    fit = fitted(md.LIML(formula=ONE, scores="kclass", cov=md.Robust("HC0")), panel)
    assert_allclose(fit.moments.scores.sum(axis=0), 0, atol=1e-8)
    other = fitted(md.LIML(formula=ONE, cov=md.Robust("HC0")), panel)
    assert_allclose(fit.params, other.params)
    assert not np.allclose(fit.std_errors, other.std_errors, rtol=1e-6)


@pytest.mark.parametrize("effects", [(), ("entity",)])
@pytest.mark.parametrize("level", [0.0, 5.0, 1e6])
@pytest.mark.parametrize("formula", ["c ~ [x ~ z]", "c ~ [x ~ z + w]"])
def test_a_constant_dependent_variable_has_no_tests_of_errors(formula, level, effects):
    rng = np.random.default_rng(0)
    x, z, w = rng.standard_normal((3, 200))
    frame = {"i": np.repeat(range(40), 5), "t": np.tile(range(5), 40), "z": z, "w": w}
    frame["x"] = x + z + w
    panel = md.Panel.from_frame(pd.DataFrame({**frame, "c": level}), entity="i", time="t")
    fit = md.IV2SLS(formula, effects=effects).fit(panel)
    assert "not defined: the equation is fitted without error" in str(fit)
    assert np.isnan(fit.stats["durbin"].statistic)
    assert np.isfinite(fit.stats["first_stage_f"].statistic)
    fit.glance()
    md.table(fit, diagnostics="all")
    for spec in (md.IVGMM(formula, effects=effects), md.LIML(formula, effects=effects)):
        try:
            assert "not defined" in str(spec.fit(panel))
        except IdentificationError as error:
            refusal = str(error)
            assert "LIML is not defined" in refusal or "leaves no residuals" in refusal
