"""Mean group, random coefficients, CCE and AMG against plm, MASS and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    FormulaError,
    IdentificationError,
    ResultError,
    SpecificationError,
)
from migdev.estimators.heterogeneous.augmented_mean_group import AugmentedMeanGroup
from migdev.estimators.heterogeneous.cce import (
    CCEMeanGroup,
    CCEPooled,
)
from migdev.estimators.heterogeneous.mean_group import MeanGroup, SwamyRandomCoefficients
from tests.golden import load_golden
from tests.panels import lower, matrix_panel, with_gaps

GOLDEN = load_golden("heterogeneous")
FORMULA = {
    "grunfeld": "inv ~ value + capital",
    "grunfeld_gaps": "inv ~ value + capital",
    "produc": "lgsp ~ lpcap + lpc + lemp + unemp",
}
# With gaps inside, plm's trend counts rows where the trend here counts periods.
CASES = [(s, t) for s in FORMULA for t in (False, True) if not (t and s == "grunfeld_gaps")]
# Golden numbers carry 15 digits; averages over centred averages lose a few to conditioning.
RTOL = 1e-8


@pytest.fixture(scope="module")
def panels(grunfeld, produc):
    logs = {f"l{v}": np.log(produc[v]) for v in ("gsp", "pcap", "pc", "emp")}
    return {
        "grunfeld": grunfeld,
        "grunfeld_gaps": with_gaps(grunfeld, 20),
        "produc": produc.assign(**logs),
    }


def agree(fit, golden, names=None, rtol=RTOL):
    names = names or golden["names"]
    at = [golden["names"].index(n) for n in names]
    assert_allclose(fit.params[names], np.array(golden["coef"])[at], rtol=rtol)
    cov = lower(golden["cov"])[np.ix_(at, at)]
    assert_allclose(fit.cov.loc[names, names], cov, rtol=rtol, atol=rtol * np.abs(cov).max())


@pytest.mark.parametrize(("sample", "trend"), CASES)
@pytest.mark.parametrize("model", ["mg", "dmg", "cmg"])
def test_mean_groups_match_plm(panels, sample, trend, model):
    golden = GOLDEN[f"{sample}.pmg.{model}" + (".trend" if trend else "")]
    options = {"formula": FORMULA[sample], "trend": trend, "inference": "normal"}
    if model == "cmg":
        fit = CCEMeanGroup(**options).fit(panels[sample])
    else:
        fit = MeanGroup(**options, demean=model == "dmg").fit(panels[sample])
    names = [n for n in golden["names"] if not n.endswith(".bar")]
    agree(fit, golden, names)
    assert_allclose(fit.resids.iloc[:3], golden["resid"][:3], rtol=1e-6)
    assert_allclose((fit.resids**2).sum(), golden["resid"][3], rtol=1e-8)
    own = fit.by_entity()
    first = own[own["entity"] == own["entity"].iloc[0]].set_index("term")["estimate"]
    at = [golden["names"].index(n) for n in names]
    assert_allclose(first[names], np.array(golden["first_entity"])[at], rtol=1e-7)
    assert fit.df_inference is None


@pytest.mark.parametrize(("sample", "trend"), CASES)
def test_cce_matches_plm(panels, sample, trend):
    tag = ".trend" if trend else ""
    # pcce solves normal equations; on these data that leaves six digits (pmg's QR agrees to ten).
    rtol = 1e-5 if sample == "produc" else RTOL
    mg = CCEMeanGroup(formula=FORMULA[sample], trend=trend).fit(panels[sample])
    golden = GOLDEN[f"{sample}.pcce.mg{tag}"]
    agree(mg, golden, golden["names"], rtol)
    if not trend and sample != "grunfeld_gaps":
        assert_allclose(mg.stats["r2_mg"], golden["r2"], rtol=rtol)
    pooled = CCEPooled(formula=FORMULA[sample], trend=trend).fit(panels[sample])
    golden = GOLDEN[f"{sample}.pcce.p{tag}"]
    assert_allclose(pooled.params[golden["names"]], golden["coef"], rtol=rtol)
    if sample != "grunfeld_gaps":  # plm scales by the shortest entity
        agree(pooled, golden, rtol=rtol)


def test_cce_pooled_takes_other_covariances(panels):
    golden = GOLDEN["grunfeld.pcce.p.cov"]
    fit = CCEPooled(formula=FORMULA["grunfeld"]).fit(panels["grunfeld"])
    clustered = fit.with_cov(md.Clustered("entity", kind="CR0"))
    assert_allclose(clustered.cov, lower(golden["arellano"]), rtol=1e-8)
    direct = CCEPooled(formula=FORMULA["grunfeld"], cov=md.Clustered("entity", kind="CR0")).fit(
        panels["grunfeld"]
    )
    assert_allclose(direct.cov, clustered.cov)


def test_cce_pooled_covariance_in_unbalanced_panels(panels):
    """Brute force of eq. (2) with projection matrices."""
    panel = panels["grunfeld_gaps"]
    fit = CCEPooled(formula=FORMULA["grunfeld"]).fit(panel)
    frame = panel.frame
    for v in ("inv", "value", "capital"):
        frame[f"m_{v}"] = frame.groupby("year")[v].transform("mean")
    S, slopes = [], []
    for _, g in frame.groupby("firm"):
        H = np.column_stack([np.ones(len(g)), g[["m_inv", "m_value", "m_capital"]]])
        M = np.eye(len(g)) - H @ np.linalg.pinv(H)
        X, y = g[["value", "capital"]].to_numpy(), g["inv"].to_numpy()
        S.append(X.T @ M @ X)
        slopes.append(np.linalg.solve(S[-1], X.T @ M @ y))
    gap = np.array(slopes) - np.mean(slopes, axis=0)
    meat = sum(s @ np.outer(b, b) @ s for s, b in zip(S, gap, strict=True))
    bread = np.linalg.inv(sum(S))
    N = len(S)
    assert_allclose(fit.cov, N / (N - 1) * bread @ meat @ bread, rtol=1e-8)
    # plm divides by the shortest entity in one place and by all rows in another.
    plm = GOLDEN["grunfeld_gaps.pcce.p"]["cov"]
    sizes = fit.entity_nobs
    factor = (sizes.mean() / sizes.min()) ** 2
    assert_allclose(fit.cov.to_numpy()[np.tril_indices(2)] * factor, plm, rtol=1e-7)


@pytest.mark.parametrize("sample", FORMULA)
def test_swamy_matches_plm(panels, sample):
    fit = SwamyRandomCoefficients(formula=FORMULA[sample]).fit(panels[sample])
    agree(fit, GOLDEN[f"{sample}.pvcm"])
    test = fit.stats["constancy"]
    assert test.df == len(fit.params) * (fit.entities - 1)
    assert test.pvalue < 1e-6


@pytest.mark.parametrize("kind", ["huber", "biweight"])
@pytest.mark.parametrize("sample", FORMULA)
def test_robust_averages_match_rlm(panels, sample, kind):
    golden = GOLDEN[f"{sample}.rlm.{'bisquare' if kind == 'biweight' else kind}"]
    fit = MeanGroup(formula=FORMULA[sample], robust=kind).fit(panels[sample])
    assert_allclose(fit.params, golden["coef"], rtol=1e-7)
    assert_allclose(fit.std_errors, golden["std_errors"], rtol=1e-6)
    if kind == "biweight":
        same = MeanGroup(formula=FORMULA[sample], robust=True).fit(panels[sample])
        assert_allclose(same.params, fit.params)


def test_robust_average_shrugs_off_an_outlier(panels):
    frame = panels["grunfeld"].frame
    frame.loc[frame["firm"] == 3, "inv"] *= 1e4
    panel = md.Panel.from_frame(frame, entity="firm", time="year")
    plain = MeanGroup(formula="inv ~ value").fit(panel).params["value"]
    robust = MeanGroup(formula="inv ~ value", robust=True).fit(panel).params["value"]
    clean = MeanGroup(formula="inv ~ value", robust=True).fit(panels["grunfeld"]).params["value"]
    assert abs(robust - clean) < 0.05 < abs(plain - clean)


# ------------------------------------------------------------------ dynamic CCE and AMG


def _brute(frame, y, X):
    import statsmodels.api as sm

    own = [
        sm.OLS(g[y].to_numpy(), sm.add_constant(g[X].to_numpy(), has_constant="add")).fit().params
        for _, g in frame.groupby("firm")
    ]
    return np.array(own)


def test_dynamic_cce_matches_brute_force(panels):
    panel = panels["grunfeld_gaps"]
    with pytest.warns(DroppedRowsWarning):
        fit = CCEMeanGroup(formula="inv ~ L(inv) + value", cross_lags=1).fit(panel)
    frame = panel.frame
    frame["Linv"] = panel.L("inv")
    for v in ("inv", "value"):
        means = frame.groupby("year")[v].mean()
        frame[f"m_{v}"] = frame["year"].map(means)
        frame[f"m1_{v}"] = (frame["year"] - 1).map(means)
    own = _brute(frame.dropna(), "inv", ["Linv", "value", "m_inv", "m_value", "m1_inv", "m1_value"])
    assert_allclose(fit.params, own.mean(axis=0)[:3], rtol=1e-7)
    assert_allclose(fit.std_errors, own[:, :3].std(axis=0, ddof=1) / np.sqrt(len(own)), rtol=1e-7)
    assert fit.slope_names[3:] == (
        "mean(inv)", "mean(value)", "L(mean(inv), 1)", "L(mean(value), 1)",
    )  # fmt: skip


@pytest.mark.parametrize("impose", [False, True])
@pytest.mark.parametrize("trend", [False, True])
def test_amg_matches_brute_force(panels, impose, trend):
    """The first stage with explicit differenced dummies, as in xtmg."""
    panel = panels["grunfeld_gaps"]
    fit = AugmentedMeanGroup(formula="inv ~ value", impose=impose, trend=trend).fit(panel)
    frame = panel.frame
    years = sorted(frame["year"].unique())[1:]
    for s in years:
        frame[f"d{s}"] = (frame["year"] == s).astype(float)
    columns = ["inv", "value", *(f"d{s}" for s in years)]
    lagged = frame[["firm", "year", *columns]].assign(year=frame["year"] + 1)
    both = frame.merge(lagged, on=["firm", "year"], suffixes=("", "_l"))
    D = both[columns].to_numpy() - both[[f"{c}_l" for c in columns]].to_numpy()
    c = np.linalg.lstsq(D[:, 1:], D[:, 0], rcond=None)[0][1:]
    frame["mu"] = frame["year"].map({years[0] - 1: 0.0, **dict(zip(years, c, strict=True))})
    frame["t"] = frame["year"] - frame.groupby("firm")["year"].transform("min") + 1
    X = ["value", *(["t"] if trend else []), *([] if impose else ["mu"])]
    if impose:
        frame["inv"] = frame["inv"] - frame["mu"]
    own = _brute(frame, "inv", X)[:, : 2 + trend]
    assert_allclose(fit.params, own.mean(axis=0), rtol=1e-7)
    assert_allclose(fit.std_errors, own.std(axis=0, ddof=1) / np.sqrt(len(own)), rtol=1e-7)


# ------------------------------------------------------------------ what can go wrong


def _toy(rows):
    frame = pd.DataFrame(rows, columns=["e", "t", "y", "x"])
    return md.Panel.from_frame(frame, entity="e", time="t")


@pytest.fixture
def toy():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "e": np.repeat(list("abcd"), 8),
            "t": np.tile(np.arange(8), 4),
            "y": rng.standard_normal(32),
            "x": rng.standard_normal(32),
        }
    )
    frame = frame[~((frame["e"] == "b") & (frame["t"] > 1))]
    frame.loc[frame["e"] == "c", "x"] = 2.0
    return md.Panel.from_frame(frame, entity="e", time="t")


@pytest.mark.parametrize("estimator", [MeanGroup, SwamyRandomCoefficients])
def test_short_and_constant_entities_are_named(toy, estimator):
    with pytest.raises(IdentificationError, match=r"b \(2\)"):
        estimator(formula="y ~ x").fit(toy)
    with pytest.raises(IdentificationError, match="c: x"):
        estimator(formula="y ~ x").fit(toy.where("e != 'b'"))
    with pytest.warns(DroppedEntitiesWarning) as caught:
        fit = estimator(formula="y ~ x", short="drop").fit(toy)
    assert [("'b'" in str(w.message), "'c'" in str(w.message)) for w in caught] == [
        (True, False),
        (False, True),
    ]
    assert list(fit.entity_labels) == ["a", "d"]
    assert sum(fit.dropped.values()) == 10


def test_cce_pooled_names_a_constant_regressor(toy):
    with pytest.raises(IdentificationError, match="c: x"):
        CCEPooled(formula="y ~ x").fit(toy.where("e != 'b'"))
    with pytest.warns(DroppedEntitiesWarning):
        fit = CCEPooled(formula="y ~ x", short="drop").fit(toy)
    assert list(fit.entity_labels) == ["a", "d"]


def test_cce_pooled_needs_a_regressor(grunfeld):
    with pytest.raises(FormulaError, match="needs a regressor"):
        CCEPooled(formula="inv ~ 1").fit(grunfeld)


def test_one_entity_is_refused(grunfeld):
    with pytest.raises(IdentificationError, match="at least two"):
        MeanGroup(formula="inv ~ value").fit(grunfeld.where("firm == 1"))


def test_average_of_a_common_variable_is_left_out(panels):
    panel = panels["grunfeld"]
    panel = panel.assign(oil=np.sin(panel["year"].to_numpy(dtype=float)))
    with pytest.warns(CollinearityWarning, match=r"mean\(oil\)"):
        fit = CCEMeanGroup(formula="inv ~ value + oil").fit(panel)
    assert list(fit.params.index) == ["Intercept", "value", "oil"]
    named = CCEMeanGroup(formula="inv ~ value + oil", averages=("inv", "value")).fit(panel)
    np.testing.assert_allclose(fit.params, named.params, rtol=1e-12)
    with pytest.raises(IdentificationError, match="'oil' are the same for all"):
        CCEPooled(formula="inv ~ value + oil").fit(panel)
    with pytest.warns(CollinearityWarning, match=r"mean\(I\(2"):
        CCEMeanGroup(formula="inv ~ value", averages=("inv", "value", "I(2 * value)")).fit(panel)


@pytest.mark.parametrize(
    ("formula", "averaged"),
    [
        ("inv ~ L(inv)*L(value)", ["inv", "value", "inv:value"]),
        ("inv ~ L(inv, k=1) + L(value, 2)", ["inv", "value"]),
        ("inv ~ L(value, -1)", ["inv", "value"]),
        ("inv ~ {L(value) / L(capital)}", ["inv", "L(value) / L(capital)"]),
        ("inv ~ L(np.log(value), 1)", ["inv", "np.log(value)"]),
        ("inv ~ poly(value, 2)", ["inv", "poly(value, 2)[1]", "poly(value, 2)[2]"]),
    ],
)
@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
def test_lagged_averages_are_of_the_variables_under_the_lags(panels, formula, averaged):
    fit = CCEMeanGroup(formula=formula, cross_lags=1).fit(panels["grunfeld"])
    current = [n for n in fit.slope_names if n.startswith("mean(")]
    assert current == [f"mean({name})" for name in averaged]
    assert f"L(mean({averaged[-1]}), 1)" in fit.slope_names


def test_options_are_checked():
    for bad in (
        {"robust": "mean"}, {"short": "ignore"}, {"inference": "z"}, {"robust": 1},
    ):  # fmt: skip
        with pytest.raises(SpecificationError, match=next(iter(bad))):
            MeanGroup(formula="y ~ x", **bad)
    with pytest.raises(SpecificationError, match="cross_lags=-1"):
        CCEMeanGroup(formula="y ~ x", cross_lags=-1)
    for estimator in (CCEMeanGroup, CCEPooled, md.CSARDL):
        assert estimator(formula="y ~ x", averages="gdp").averages == ("gdp",)
        assert hash(estimator(formula="y ~ x", averages=["y", "x"]))
        for bad in ((), [1]):
            with pytest.raises(SpecificationError, match="averages="):
                estimator(formula="y ~ x", averages=bad)
    with pytest.raises(SpecificationError, match="no instruments"):
        MeanGroup(formula="inv ~ [value ~ capital]").fit(
            _toy([(1, 1, 0.0, 0.0)]).assign(inv=1.0, value=1.0, capital=2.0)
        )


def test_by_entity_and_caterpillar(panels):
    fit = MeanGroup(formula="inv ~ value").fit(panels["grunfeld"])
    frame = fit.by_entity("value")
    import statsmodels.api as sm

    g = panels["grunfeld"].frame.query("firm == 4")
    ols = sm.OLS(g["inv"].to_numpy(), sm.add_constant(g["value"].to_numpy())).fit()
    row = frame.set_index("entity").loc[4]
    assert_allclose(row["std_error"], ols.bse[1], rtol=1e-9)
    assert_allclose(row["p_value"], ols.pvalues[1], rtol=1e-8)
    assert_allclose([row["conf_low"], row["conf_high"]], ols.conf_int()[1], rtol=1e-8)
    with pytest.raises(ResultError, match="Did you mean 'value'"):
        fit.by_entity("valu")
    import matplotlib as mpl

    mpl.use("Agg")
    ax = fit.caterpillar("value")
    assert len(ax.get_yticks()) == 10
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.slow
def test_mean_group_keeps_its_size():
    """5% within the binomial error of 1,000 draws, slopes drawn N(1, 0.3)."""
    rng, reps, N, T = np.random.default_rng(20240101), 1000, 40, 25
    entity, time = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    rejected = 0
    for _ in range(reps):
        x = rng.standard_normal(N * T)
        y = np.repeat(1 + 0.3 * rng.standard_normal(N), T) * x + rng.standard_normal(N * T)
        frame = pd.DataFrame({"e": entity, "t": time, "y": y, "x": x})
        panel = md.Panel.from_frame(frame, entity="e", time="t")
        rejected += MeanGroup(formula="y ~ x").fit(panel).pvalue("x", null=1.0) < 0.05
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps)


def test_half_panel_jackknife_by_hand(panels):
    panel = panels["grunfeld"]  # 19 rows with one lag: both ways of splitting
    with pytest.warns(DroppedRowsWarning):
        fit = CCEMeanGroup(formula="inv ~ L(inv)", jackknife=True).fit(panel)
    frame = panel.frame
    frame["Linv"] = panel.L("inv")
    frame = frame.dropna()
    for v in ("inv", "Linv"):
        frame[f"m_{v}"] = frame.groupby("year")[v].transform("mean")
    X = ["Linv", "m_inv", "m_Linv"]
    row = frame.groupby("firm").cumcount()
    full = _brute(frame, "inv", X)
    halves = sum(_brute(frame[part], "inv", X) for part in (row < 9, row >= 9, row < 10, row >= 10))
    own = (2 * full - halves / 4)[:, :2]
    assert_allclose(fit.params, own.mean(axis=0), rtol=1e-7)
    assert_allclose(fit.std_errors, own.std(axis=0, ddof=1) / np.sqrt(10), rtol=1e-7)
    with (
        pytest.raises(IdentificationError, match="needs more periods"),
        pytest.warns(DroppedRowsWarning),
    ):
        CCEMeanGroup(formula="inv ~ L(inv) + value + capital", cross_lags=1, jackknife=True).fit(
            panel
        )


@pytest.mark.parametrize("model", ["mg", "cce", "dcce"])
def test_penn_sample_matches_gauss(data_dir, model):
    from migdev import diagnostics

    golden = load_golden("penn_cce")[model]
    frame = pd.read_csv(data_dir / "benchmarks" / "xtdcce2_penn_sample.csv").dropna()
    panel = md.Panel.from_frame(frame, entity="id", time="year")
    formula = "log_rgdpo ~ log_ck + log_ngd"
    if model == "dcce":  # the library takes averages after the lag of y has cost a year
        panel = panel.assign(y1=panel.L("log_rgdpo")).where("year > 1961")
        averages = ("log_rgdpo", "log_ck", "log_ngd", "log_hc")
        spec = CCEMeanGroup(formula=f"{formula} + y1", cross_lags=3, averages=averages)
        with pytest.warns(DroppedRowsWarning, match="reach back"):
            fit = spec.fit(panel)
    else:
        fit = (MeanGroup if model == "mg" else CCEMeanGroup)(formula=formula).fit(panel)
    assert_allclose(fit.params[golden["names"]], golden["coef"], rtol=2e-7)
    assert_allclose(fit.std_errors[golden["names"]], golden["std_errors"], rtol=2e-7)
    assert_allclose(diagnostics.pesaran_cd(fit).statistic, golden["cd"], atol=6e-5)


@pytest.mark.parametrize("model", ["mg", "cce", "dcce", "cs_ardl"])
@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
@pytest.mark.filterwarnings("ignore::migdev.errors.AdjustmentWarning")
def test_penn_sample_matches_csdm(data_dir, model):
    from migdev import diagnostics

    golden = load_golden("penn_csdm")[model]
    frame = pd.read_csv(data_dir / "benchmarks" / "xtdcce2_penn_sample.csv")
    frame = frame[frame["id"].isin(frame["id"].unique()[:15]) & frame["year"].between(1970, 2007)]
    panel = md.Panel.from_frame(frame, entity="id", time="year")
    formula = "log_rgdpo ~ log_hc + log_ck + log_ngd"
    spec = {
        "mg": MeanGroup(formula=formula),
        "cce": CCEMeanGroup(formula=formula),
        "dcce": CCEMeanGroup(formula=f"{formula} + L(log_rgdpo)", cross_lags=3),
        "cs_ardl": md.CSARDL(formula=formula, lags=(1, 0, 0, 0), cross_lags=3),
    }[model]
    fit = spec.fit(panel)
    assert fit.nobs == golden["nobs"]
    # Half a unit of the last printed digit.
    assert_allclose(fit.params[golden["names"]], golden["coef"], atol=5.1e-5, rtol=0)
    assert_allclose(fit.std_errors[golden["names"]], golden["std_errors"], atol=5.1e-5, rtol=0)
    assert_allclose(diagnostics.pesaran_cd(fit).statistic, golden["cd"], atol=5.1e-5)
    if "r2" in golden:
        assert_allclose(fit.stats["r2_mg"], golden["r2"], atol=5.1e-5)


@pytest.mark.parametrize("level", [0.0, 5.1, -1e6])
def test_swamy_refuses_a_constant_at_any_level(level):
    """Of 5.1 the residuals are rounding errors, not zero."""
    rng = np.random.default_rng(0)
    y, x = rng.standard_normal((2, 6, 20))
    y[2] = level
    with pytest.raises(IdentificationError, match=r"fits 1 of 6 entities without error: 2\."):
        SwamyRandomCoefficients("y ~ x").fit(matrix_panel(y=y, x=x))
