"""Predictions on the sample and on new data, and estimated effects."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import FormulaError, PanelError, PredictionWarning, ResultError
from tests.golden import load_golden
from tests.panels import gap_rule

GOLDEN = load_golden("fixef")


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(5)
    n, t = 24, 11
    rows = n * t
    d = pd.DataFrame(
        {
            "id": np.repeat([f"c{i:02d}" for i in range(n)], t),
            "year": np.tile(np.arange(2000, 2000 + t), n),
            "x": rng.normal(size=rows) + np.repeat(rng.normal(size=n), t),
            "g": rng.choice(list("abc"), rows),
            "q": rng.random(rows) > 0.5,
            "w": 0.5 + rng.random(rows),
            "region": np.repeat(rng.choice(list("uvw"), n), t),
        }
    )
    d["z"] = d.x + rng.normal(size=rows)
    own, y = rng.normal(size=n), np.zeros(rows)
    for i in range(rows):
        before = y[i - 1] if i % t else 0.0
        y[i] = 0.4 * before + d.x[i] + own[i // t] + 0.1 * (i % t) + rng.normal()
    d = d.assign(y=y, size=np.exp(0.2 * rng.normal(size=rows)))
    return d.sample(frac=1.0, random_state=1)  # not sorted


@pytest.fixture(scope="module")
def panel(frame):
    return md.Panel.from_frame(frame, entity="id", time="year")


@pytest.fixture(scope="module")
def gappy(frame):
    """Gaps, missing regressors and an entity of one row."""
    d = frame.sort_values(["id", "year"]).reset_index(drop=True)
    d.loc[[3, 50], "x"] = np.nan
    d = d.drop(index=[8, 19, 100, *range(len(d) - 10, len(d))])
    return md.Panel.from_frame(d, entity="id", time="year")


RICH = "y ~ x + I(x ** 2) + C(g) + L(x) + np.log(size) + q + center(z)"
STYLES = {"gmm": (md.GMMStyle("y", (2, 4)),), "iv": (md.IVStyle("x"),)}
LINEAR = {
    "pooled": md.PooledOLS(formula=RICH),
    "weighted": md.PooledOLS(formula=RICH, weights="w"),
    "no intercept": md.PooledOLS(formula="y ~ 0 + C(g):x + z"),
    "one effect": md.FixedEffects(formula=RICH),
    "two, weighted": md.FixedEffects(formula=RICH, effects=("entity", "time"), weights="w"),
    "three": md.FixedEffects(formula="y ~ x", effects=("entity", "region^time", "g")),
    "random": md.RandomEffects(formula=RICH),
    "two random": md.RandomEffects(formula=RICH, effects=("entity", "time")),
    "correlated": md.CorrelatedRandomEffects(formula="y ~ x + C(g)"),
    "differences": md.FirstDifference(formula="y ~ x + C(g)"),
    "without drift": md.FirstDifference(formula="y ~ x", intercept="drop"),
    "2sls": md.IV2SLS(formula="y ~ C(g) + [x ~ z]"),
    "2sls, effects": md.IV2SLS(formula="y ~ C(g) + [x ~ z]", effects=("entity", "time")),
    "mean group": md.MeanGroup(formula="y ~ x + L(x)", short="drop"),
    "mean group, trend": md.MeanGroup(formula="y ~ x", trend=True, short="drop"),
    "swamy": md.SwamyRandomCoefficients(formula="y ~ x", short="drop"),
    "difference gmm": md.DifferenceGMM(formula="y ~ L(y) + x", effects=("time",), **STYLES),
    "system gmm": md.SystemGMM(formula="y ~ L(y) + x", effects=("time",), **STYLES),
    "anderson-hsiao": md.AndersonHsiao(formula="y ~ L(y) + x", effects=("time",)),
    "ahn-schmidt": md.AhnSchmidt(formula="y ~ L(y) + x", **STYLES),
    "moments": md.BiasCorrectedMM(formula="y ~ L(y) + x", effects=("time",)),
    "lsdvc": md.BiasCorrectedLSDV(formula="y ~ L(y) + x", effects=("time",)),
    "jackknife": md.HalfPanelJackknife(formula="y ~ L(y) + x"),
}


def fitted(spec, panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec.fit(panel)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("sample", ["panel", "gappy"])
def test_predictions_of_the_sample_are_the_fitted_values(name, sample, request):
    data = request.getfixturevalue(sample)
    if sample == "gappy" and name in ("jackknife",):
        data = request.getfixturevalue("panel")
    fit = fitted(LINEAR[name], data)
    assert_allclose(fit.predict(), fit.fitted, rtol=0, atol=1e-10)
    again = fit.predict(data)  # made anew from the panel, for all its rows
    assert len(again) == len(data)
    assert_allclose(again.reindex(fit.fitted.index), fit.fitted, rtol=0, atol=1e-10)


def test_first_stages_predict_too(panel):
    stage = fitted(LINEAR["2sls, effects"], panel).first_stage["x"]
    assert_allclose(stage.predict(panel).reindex(stage.fitted.index), stage.fitted, atol=1e-10)


def test_a_frame_gets_its_own_rows_back(frame, panel):
    fit = fitted(md.FixedEffects(formula=RICH), panel)
    by_frame, by_panel = fit.predict(frame), fit.predict(panel)
    assert by_frame.index.equals(frame.index)
    keys = pd.MultiIndex.from_frame(frame[["id", "year"]])
    assert_allclose(by_frame.to_numpy(), by_panel.loc[keys].to_numpy(), rtol=1e-12)
    assert fit.predict(frame.set_index(["id", "year"])).index.equals(keys)


def test_new_data_are_coded_as_in_the_fit(frame, panel):
    """Against dummies and columns written by hand, with statsmodels."""
    d = frame.sort_values(["id", "year"])
    d = d.assign(before=d.groupby("id").x.shift(), mid=d.z - d.z.mean())
    formula = "y ~ x + I(x**2) + C(g) + before + np.log(size) + q + mid + C(id) + C(year)"
    by_hand = smf.ols(formula, d.dropna()).fit()
    fit = fitted(md.FixedEffects(formula=RICH, effects=("entity", "time")), panel)
    part = d[(d.year >= 2006) & (d.g != "a")].assign(x=lambda f: f.x + 1)  # another mean, no base
    new = part.assign(before=part.groupby("id").x.shift())
    gaps = part.groupby("id").year.diff() != 1
    new.loc[gaps, "before"] = np.nan
    want = by_hand.predict(new.assign(mid=new.z - d.z.mean()))
    got = fit.predict(part.drop(columns="y"))
    assert_allclose(got, want, rtol=1e-9)
    assert got.isna().sum() == gaps.sum()  # the first rows have no lag in these data


def test_what_the_fit_did_not_see_is_missing_and_told(frame, panel):
    fit = md.FixedEffects(formula="y ~ x + C(g)", effects=("entity", "time")).fit(panel)
    d = frame.sort_values(["id", "year"]).head(22).reset_index(drop=True)
    d.loc[3, "g"] = "new"
    d.loc[4, "x"] = np.nan
    d.loc[d.id == "c01", "id"] = "stranger"
    d.loc[10, "year"] = 2031
    with pytest.warns(PredictionWarning) as told:
        found = fit.predict(d)
    text = str(told[0].message)
    assert "entity has levels that it did not see ('stranger')" in text
    assert "time has levels that it did not see ('2031')" in text
    assert "C(g) has levels that it did not see ('new')" in text
    lost = found.isna().to_numpy()
    assert set(np.flatnonzero(lost)) == {3, 4, 10, *range(11, 22)}
    with pytest.warns(PredictionWarning, match=r"C\(g\) has levels"):
        plain = fit.predict(d, effects="none")
    assert set(np.flatnonzero(plain.isna())) == {3, 4}
    known = ~lost
    sums = fit.effects["entity"].loc[d.id[known]].to_numpy()
    sums = sums + fit.effects["time"].loc[d.year[known]].to_numpy()
    assert_allclose(found[known] - plain[known], sums, rtol=1e-9)


def test_means_are_those_of_the_fit(panel):
    fit = md.PooledOLS(formula="y ~ center(x) + scale(size) + C(g) + bs(z, df=4)").fit(panel)
    later = panel.between(2007, 2010)
    index = fit.fitted.index.intersection(later.index())
    assert_allclose(fit.predict(later).loc[index], fit.fitted.loc[index], rtol=1e-10)


@pytest.mark.parametrize("text", ["I(x - x.mean())", "np.mean(x)", "x.rank()"])
def test_expressions_that_look_at_other_rows_are_refused(panel, text):
    with pytest.raises(FormulaError, match=r"depends on other rows.*center\(x\)"):
        md.PooledOLS(formula=f"y ~ {text}").fit(panel)


def test_columns_of_another_kind_are_refused(frame, panel):
    fit = md.PooledOLS(formula="y ~ x + C(g)").fit(panel)
    with pytest.raises(FormulaError, match="'x' holds text or truth values, but numbers in"):
        fit.predict(frame.assign(x="much"))
    with pytest.raises(FormulaError, match="'g' holds numbers, but text"):
        fit.predict(frame.assign(g=1.0))
    with pytest.raises(FormulaError, match="names 'x', which the panel does not hold"):
        fit.predict(frame.drop(columns="x"))
    with pytest.raises(PanelError, match="'year'"):
        fit.predict(frame.drop(columns="year"))
    with pytest.raises(ResultError, match="effects='all'"):
        fit.predict(frame, effects="all")
    empty = fit.predict(frame.assign(x=None))
    assert empty.isna().all()


def test_a_column_left_out_as_collinear_must_stay_so(frame):
    d = frame.assign(double=2 * frame.x + 1, fixed=frame.region.map({"u": 1.0, "v": 2.0, "w": 5.0}))
    panel = md.Panel.from_frame(d, entity="id", time="year")
    with pytest.warns(md.errors.CollinearityWarning):
        pooled = md.PooledOLS(formula="y ~ x + double").fit(panel)
    assert_allclose(pooled.predict(d), pooled.predict(panel).loc[keys_of(d)].to_numpy())
    moved = d.assign(double=np.where(d.year == 2003, 0.0, d.double))
    with pytest.warns(PredictionWarning, match="24 rows would need the coefficients of 'double'"):
        assert (pooled.predict(moved).isna() == (d.year == 2003)).all()
    with pytest.warns(md.errors.CollinearityWarning):
        within = md.FixedEffects(formula="y ~ x + fixed").fit(panel)
    assert not within.predict(d).isna().any()
    with pytest.warns(PredictionWarning, match="'fixed'"):
        assert within.predict(d.assign(fixed=d.fixed + (d.id == "c05"))).isna().sum() == 11
    # A level that only rows without y have: its dummy is zero in the sample.
    odd = d.assign(g=d.g.where(d.year < 2010, "late"), y=d.y.where(d.year < 2010))
    with pytest.warns(md.errors.MigdevWarning):
        fit = md.PooledOLS(formula="y ~ x + C(g)").fit(
            md.Panel.from_frame(odd, entity="id", time="year")
        )
    with pytest.warns(PredictionWarning, match="late"):
        assert (fit.predict(odd).isna() == (d.year == 2010)).all()


def keys_of(d):
    return pd.MultiIndex.from_frame(d[["id", "year"]])


def test_entities_have_their_own_slopes(frame, panel):
    fit = md.MeanGroup(formula="y ~ x").fit(panel)
    new = frame.assign(x=1.5)
    own = fit.by_entity().pivot(index="entity", columns="term", values="estimate")
    want = own["Intercept"] + 1.5 * own["x"]
    assert_allclose(fit.predict(new), want.loc[new.id].to_numpy())
    average = fit.params["Intercept"] + 1.5 * fit.params["x"]
    assert_allclose(fit.predict(new, effects="none"), average)
    with pytest.warns(PredictionWarning, match="'elsewhere'"):
        assert fit.predict(new.assign(id="elsewhere").drop_duplicates("year")).isna().all()


@pytest.mark.parametrize(
    "spec",
    [
        md.Between(formula="y ~ x"),
        md.CCEMeanGroup(formula="y ~ x"),
        md.AugmentedMeanGroup(formula="y ~ x"),
        md.InteractiveFixedEffects(formula="y ~ x", factors=1),
        md.MeanGroup(formula="y ~ x", demean=True),
        md.DifferenceGMM(formula="y ~ L(y) + x", transform="fod", **STYLES),
        md.FullyModifiedOLS(formula="y ~ x"),
    ],
)
def test_who_cannot_predict_says_so(spec, panel):
    fit = fitted(spec, panel)
    assert_allclose(fit.predict(), fit.fitted)
    with pytest.raises(ResultError, match="cannot predict other data"):
        fit.predict(panel)


def test_refusals_name_the_way(panel, frame):
    with pytest.raises(ResultError, match="keeps no design.*library that fitted it"):
        md.as_result(smf.ols("y ~ x", frame).fit()).predict(frame)
    fit = md.CorrelatedRandomEffects(formula="y ~ x").fit(panel)
    with pytest.raises(ResultError, match=r"'mean\(x\)' are not columns"):
        fit.predict(panel, effects="none")
    for other, message in (
        (md.PooledOLS(formula="y ~ x"), "has absorbed no effects"),
        (md.RandomEffects(formula="y ~ x"), r"in \.random_effects"),
    ):
        with pytest.raises(ResultError, match=message):
            other.fit(panel).effects  # noqa: B018


# ---------------------------------------------------------------------- estimated effects


@pytest.mark.parametrize("sample", ["whole", "gaps"])
def test_effects_are_those_of_plm(grunfeld, sample):
    want = GOLDEN[sample]
    panel = grunfeld if sample == "whole" else grunfeld.where(gap_rule(200, 20))
    one = md.FixedEffects(formula="inv ~ value + capital").fit(panel)
    assert [str(e) for e in one.effects["entity"].index] == want["firms"]
    assert_allclose(one.effects["entity"], want["one_way"], rtol=1e-9)  # 15 digits, cond. 1e5
    both = md.FixedEffects(formula="inv ~ value + capital", effects=("entity", "time")).fit(panel)
    assert_allclose(both.params, want["coef"], rtol=1e-10)
    if sample == "whole":
        for name in ("entity", "time"):
            effects = both.effects[name]
            assert_allclose(effects - effects.mean(), want[name], rtol=1e-9)
        assert both.effects["time"].mean() == pytest.approx(0, abs=1e-10)
    total, unknown = both.effects.at(panel)
    assert not unknown
    assert_allclose(total, want["sums"], rtol=1e-9)


def test_effects_are_those_of_dummies_and_of_pyfixest(gappy):
    pf = pytest.importorskip("pyfixest")
    fit = fitted(md.FixedEffects(formula="y ~ x", effects=("entity", "time"), weights="w"), gappy)
    d = gappy.frame.iloc[fit.sample.rows].assign(lag=0.0)
    dummies = smf.wls("y ~ x + C(id) + C(year) - 1", d, weights=d.w).fit()
    sums = dummies.fittedvalues - dummies.params["x"] * d.x
    assert_allclose(fit.effects.at(gappy)[0][fit.sample.rows], sums, rtol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pf.feols("y ~ x | id + year", d, weights="w").fixef()
    by_id, by_year = theirs["C(id)"], theirs["C(year)"]
    ours = fit.effects["entity"]
    first = ours.index[0]
    for level, effect in ours.items():
        want = by_id.get(level, 0.0) - by_id.get(first, 0.0)
        assert effect - ours[first] == pytest.approx(want, abs=1e-5)  # their solver's tolerance
    assert len(by_year) >= 10


def test_components_and_weighted_means():
    rng = np.random.default_rng(2)
    d = pd.DataFrame({"id": np.repeat(np.arange(8), 6), "year": np.tile(np.arange(6), 8)})
    d["kind"] = np.where(d.id < 4, d.year % 2, 2 + d.year % 3)  # two blocks that never meet
    d["x"], d["w"] = rng.normal(size=48), 0.5 + rng.random(48)
    d["y"] = d.x + d.id + d.kind + rng.normal(size=48)
    panel = md.Panel.from_frame(d, entity="id", time="year")
    fit = md.FixedEffects(formula="y ~ x", effects=("entity", "kind"), weights="w").fit(panel)
    effects = fit.effects
    assert effects.components == 2
    assert "within each of 2 connected components" in effects.identification
    assert list(effects.component["entity"]) == [0] * 4 + [1] * 4
    assert list(effects.component["kind"]) == [0, 0, 1, 1, 1]
    by_row = effects["kind"].loc[d.kind].to_numpy()
    for block in (d.id < 4, d.id >= 4):
        assert np.average(by_row[block], weights=d.w[block]) == pytest.approx(0, abs=1e-12)
    assert "Estimated effects" in str(effects)
    assert list(effects) == ["entity", "kind"]
