"""Cointegrating regressions and cross-section augmented ARDL against other code and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)
from migdev.kernels.cointegration.cointegrating import dynamic_ols, fully_modified
from tests.golden import load_golden
from tests.panels import with_gaps

GOLDEN = load_golden("cointegrating")
pytestmark = pytest.mark.filterwarnings("ignore::migdev.errors.AdjustmentWarning")


# ------------------------------------------------------------------ FMOLS and DOLS


@pytest.mark.parametrize("key", [k for k in GOLDEN if k != "meta"])
def test_single_entities_match_arch(grunfeld, key):
    method, firm, trend, kernel, bandwidth = key.split(".")
    frame = grunfeld.frame.query(f"firm == {firm}")
    y, X = frame["inv"].to_numpy(), frame[["value", "capital"]].to_numpy()
    entity = np.zeros(len(y), dtype=np.int64)
    if method == "fm":
        fit = fully_modified(y, X, entity, trend, int(bandwidth), kernel)
    else:
        fit = dynamic_ols(y, X, entity, trend, 1, 1, int(bandwidth), kernel)
    assert_allclose(fit.params[0], GOLDEN[key]["params"], rtol=1e-8)
    assert_allclose(np.sqrt(np.diagonal(fit.cov[0])), GOLDEN[key]["std_errors"], rtol=1e-8)


@pytest.mark.parametrize("estimator", [md.FullyModifiedOLS, md.DynamicOLS])
def test_group_and_pooled_combine_entities(grunfeld, estimator):
    late = grunfeld.where("firm != 4 or year > 1938")
    group = estimator(formula="inv ~ value + capital", bandwidth=2).fit(late)
    own = group.by_entity()
    wide = own.pivot(index="entity", columns="term", values="estimate")[["value", "capital"]]
    errors = own.pivot(index="entity", columns="term", values="std_error")[["value", "capital"]]
    assert_allclose(group.params, wide.mean(), rtol=1e-12)
    assert_allclose(group.std_errors, np.sqrt((errors**2).sum()) / 10, rtol=1e-10)
    spread = estimator(formula="inv ~ value + capital", bandwidth=2, group_cov="spread").fit(late)
    assert_allclose(spread.std_errors, wide.std() / np.sqrt(10), rtol=1e-10)
    pooled = estimator(formula="inv ~ value + capital", bandwidth=2, method="pooled").fit(late)
    covs = group.slope_cov
    # omega S^{-1} determines the weights up to omega, which the kernel knows.
    inside = (pooled.params > wide.min()) & (pooled.params < wide.max())
    assert inside.all()
    assert covs.shape == (10, 2, 2)


def test_pooled_dols_is_one_regression(grunfeld):
    """Dummies for entities and entity-specific leads and lags, by brute force."""
    fit = md.DynamicOLS(formula="inv ~ value", method="pooled").fit(grunfeld)
    frame = grunfeld.frame.sort_values(["firm", "year"])
    rows = []
    for firm, g in frame.groupby("firm"):
        d = g["value"].diff()
        part = pd.DataFrame({"y": g["inv"], "x": g["value"], "firm": firm})
        for j in (-1, 0, 1):
            part[f"d{j}"] = d.shift(j)
        rows.append(part.dropna())
    stacked = pd.concat(rows)
    Z = [stacked["x"].to_numpy()]
    for firm in frame["firm"].unique():
        at = (stacked["firm"] == firm).to_numpy(dtype=float)
        Z += [at, *(at * stacked[f"d{j}"].to_numpy() for j in (-1, 0, 1))]
    b = np.linalg.lstsq(np.column_stack(Z), stacked["y"].to_numpy(), rcond=None)[0]
    assert_allclose(fit.params["value"], b[0], rtol=1e-8)


def test_cointegrating_regressions_refuse_and_report(grunfeld):
    gappy = grunfeld.where("~(firm == 3 and year == 1940)")
    with pytest.warns(DroppedRowsWarning, match="longest spell: 3"):
        fit = md.FullyModifiedOLS(formula="inv ~ value").fit(gappy)
    assert fit.dropped["outside the longest spell without gaps"] == 5
    with pytest.raises(PanelError, match="gaps inside 1"):
        md.FullyModifiedOLS(formula="inv ~ value", gaps="raise").fit(gappy)
    short = grunfeld.where("firm != 2 or year > 1950")
    with pytest.raises(IdentificationError, match=r"2 \(4\)"):
        md.DynamicOLS(formula="inv ~ value").fit(short)
    with pytest.warns(DroppedEntitiesWarning, match="2"):
        assert md.DynamicOLS(formula="inv ~ value", short="drop").fit(short).entities == 9
    flat = grunfeld.assign(value=np.where(grunfeld["firm"] == 6, 1.0, grunfeld["value"]))
    for estimator in (md.FullyModifiedOLS, md.DynamicOLS):
        with pytest.raises(IdentificationError, match="6: value"):
            estimator(formula="inv ~ value").fit(flat)
    twice = grunfeld.assign(twice=2 * grunfeld["value"])
    with pytest.raises(IdentificationError, match="1: twice"):
        md.FullyModifiedOLS(formula="inv ~ value + twice").fit(twice)
    for bad in ({"method": "weighted"}, {"bandwidth": -1}, {"group_cov": "hac"}):
        with pytest.raises(SpecificationError, match=next(iter(bad))):
            md.FullyModifiedOLS(formula="inv ~ value", **bad)
    with pytest.raises(SpecificationError, match="lags=-1"):
        md.DynamicOLS(formula="inv ~ value", lags=-1)


@pytest.mark.parametrize("method", ["group", "pooled"])
@pytest.mark.parametrize("estimator", [md.FullyModifiedOLS, md.DynamicOLS])
def test_a_time_series_is_a_panel_of_one_entity(grunfeld, estimator, method):
    whole = estimator(formula="inv ~ value").fit(grunfeld).by_entity()
    alone = estimator(formula="inv ~ value", method=method).fit(grunfeld.where("firm == 4"))
    own = whole.set_index("entity").loc[4]
    assert_allclose(alone.params["value"], own["estimate"], rtol=1e-12)
    assert_allclose(alone.std_errors["value"], own["std_error"], rtol=1e-12)
    with pytest.raises(IdentificationError, match="at least two"):
        estimator(formula="inv ~ value", group_cov="spread").fit(grunfeld.where("firm == 4"))


@pytest.mark.parametrize("estimator", [md.FullyModifiedOLS, md.DynamicOLS])
def test_kernels_are_chosen_by_name(grunfeld, estimator):
    name = "fm" if estimator is md.FullyModifiedOLS else "dols"
    fit = estimator(formula="inv ~ value + capital", bandwidth=3, kernel="parzen").fit(grunfeld)
    own = fit.by_entity().query("entity == 4")
    golden = GOLDEN[f"{name}.4.c.parzen.3"]
    assert_allclose(own["estimate"], golden["params"], rtol=1e-8)
    assert_allclose(own["std_error"], golden["std_errors"], rtol=1e-8)
    with pytest.raises(SpecificationError, match="kernel"):
        estimator(formula="inv ~ value", kernel="truncated")


def test_cointegrating_regressions_count_the_rows_they_use(grunfeld):
    """20 years: fully modified OLS loses the first, lags=2 and leads=1 lose 1 + 2 + 1."""
    modified = md.FullyModifiedOLS(formula="inv ~ value + capital").fit(grunfeld)
    assert (modified.nobs, modified.df_resid) == (190, 190 - 10 * 3)
    dynamic = md.DynamicOLS(formula="inv ~ value + capital", lags=2, leads=1).fit(grunfeld)
    assert (dynamic.nobs, dynamic.df_resid) == (160, 160 - 10 * (3 + 2 * 4))
    pooled = md.DynamicOLS(formula="inv ~ value", method="pooled", trend=True).fit(grunfeld)
    assert (pooled.nobs, pooled.df_resid) == (170, 170 - 10 * (2 + 3) - 1)
    for fit in (modified, dynamic, pooled):
        assert sum(fit.dropped.values()) + fit.nobs == 200
        assert fit.entity_nobs.sum() == fit.nobs == fit.resids.notna().sum()
    assert dynamic.resids.index.get_level_values("year").min() == 1938
    assert set(dynamic.entity_df) == {16 - 11}
    for bad in (True, 2.5, "auto"):
        with pytest.raises(SpecificationError, match="bandwidth"):
            md.DynamicOLS(formula="inv ~ value", bandwidth=bad)


# ------------------------------------------------------------------ CS-ARDL and CS-DL


def _levels(panel, lags, cross):
    f = panel.frame.copy()
    for v in ("inv", "value"):
        means = f.groupby("year")[v].mean()
        for j in range(cross + 1):
            f[f"m{j}_{v}"] = (f["year"] - j).map(means)
        for j in range(1, lags + 1):
            f[f"{v}_{j}"] = panel.L(v, j).to_numpy()
    return f.dropna()


@pytest.mark.parametrize("gappy", [False, True])
def test_csardl_is_the_ardl_in_levels(grunfeld, gappy):
    panel = with_gaps(grunfeld, 20) if gappy else grunfeld
    with pytest.warns(DroppedRowsWarning):
        fit = md.CSARDL(formula="inv ~ value", lags=1, cross_lags=1).fit(panel)
    f = _levels(panel, 1, 1)
    X = ["inv_1", "value", "value_1", "m0_inv", "m0_value", "m1_inv", "m1_value"]
    own = []
    for _, g in f.groupby("firm"):
        b = sm.OLS(g["inv"], sm.add_constant(g[X])).fit().params
        own.append([(b["value"] + b["value_1"]) / (1 - b["inv_1"]), b["inv_1"] - 1])
    own = np.array(own)
    assert_allclose(fit.params[["value", "EC"]], own.mean(axis=0), rtol=1e-7)
    assert_allclose(
        fit.std_errors[["value", "EC"]], own.std(axis=0, ddof=1) / np.sqrt(10), rtol=1e-7
    )
    assert fit.long_run == ("value",)
    assert list(fit.params.index) == ["value", "EC", "D(value)", "Intercept"]
    assert "L(mean(inv), 1)" in fit.slope_names


def test_csdl_by_hand(grunfeld):
    with pytest.warns(DroppedRowsWarning):
        fit = md.CSDL(formula="inv ~ value", lags=1, cross_lags=2).fit(grunfeld)
    f = _levels(grunfeld, 1, 2)
    f["d"] = f["value"] - f["value_1"]
    X = ["value", "d", "m0_inv", "m0_value", "m1_value", "m2_value"]
    own = np.array(
        [
            sm.OLS(g["inv"], sm.add_constant(g[X])).fit().params[["value", "d"]]
            for _, g in f.groupby("firm")
        ]
    )
    assert_allclose(fit.params[["value", "D(value)"]], own.mean(axis=0), rtol=1e-7)
    assert "L(mean(inv), 1)" not in fit.slope_names


def test_cross_section_augmented_options(grunfeld):
    for bad in ({"lags": 0}, {"cross_lags": -1}, {"lags": "aic"}):
        with pytest.raises(SpecificationError, match=next(iter(bad))):
            md.CSARDL(formula="inv ~ value", **bad)
    with pytest.raises(SpecificationError, match="lags=-1"):
        md.CSDL(formula="inv ~ value", lags=-1)
    with pytest.raises(IdentificationError, match="CSARDL fits"), pytest.warns(DroppedRowsWarning):
        md.CSARDL(formula="inv ~ value + capital", lags=2, cross_lags=3).fit(grunfeld)
