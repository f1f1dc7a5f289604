"""What each entity adds to the estimate, for estimators that are not one regression on rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import CovarianceError
from migdev.kernels.sandwich.moments import UnitScores

Array = np.ndarray[Any, Any]
pytestmark = pytest.mark.filterwarnings("ignore")


def frame(N: int, T: int, *, seed: int, spread: float, rho: float = 0.4) -> pd.DataFrame:
    """Dynamic panels with a common shock, slopes that spread, and regions of entities."""
    rng = np.random.default_rng(seed)
    shock = 0.3 * rng.standard_normal(T).cumsum()
    parts = []
    for i in range(N):
        slope, level = 1 + spread * rng.standard_normal(), rng.standard_normal()
        x, e = np.cumsum(0.5 * rng.standard_normal(T)) + 0.3 * shock, rng.standard_normal((2, T))
        y = np.zeros(T)
        for t in range(T):
            before = y[t - 1] if t else 0.0
            y[t] = rho * before + (1 - rho) * (level + slope * x[t] + e[0, t] / 2) + 0.6 * e[1, t]
        parts.append(pd.DataFrame({"i": i, "t": 2000 + np.arange(T), "y": y + 0.2 * shock, "x": x,
                                   "z": e[0], "region": i % 10}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def as_panel(data: pd.DataFrame) -> md.Panel:
    return md.Panel.from_frame(data, entity="i", time="t")


LONG = frame(30, 26, seed=1, spread=0.3)
SHORT = frame(60, 8, seed=3, spread=0.0)
GMM: dict[str, Any] = {"gmm": (md.GMMStyle("y", (2, 3), collapse=True),), "iv": (md.IVStyle("x"),)}

SPREAD = [
    md.MeanGroup(formula="y ~ x + z"),
    md.MeanGroup(formula="y ~ x", trend=True, robust="huber"),
    md.MeanGroup(formula="y ~ x", demean=True, robust="biweight"),
    md.CCEMeanGroup(formula="y ~ x"),
    md.CCEMeanGroup(formula="y ~ L(y) + x", cross_lags=1, jackknife=True),
    md.AugmentedMeanGroup(formula="y ~ x", robust="huber"),
    md.ErrorCorrectionMeanGroup(formula="y ~ x", robust=True),
    md.CSARDL(formula="y ~ x", cross_lags=1),
    md.CSDL(formula="y ~ x", cross_lags=1),
    md.DynamicOLS(formula="y ~ x", group_cov="spread"),
]


@pytest.mark.parametrize("spec", SPREAD, ids=lambda s: type(s).__name__)
def test_averages_have_the_covariance_of_their_influence(spec: Any) -> None:
    """N/(N-1) times the sum of squares: CR1 by entity is the estimator's own, and its t(N-1)."""
    fit = spec.fit(as_panel(LONG))
    psi = fit.moments.influence()
    N = len(psi)
    assert isinstance(fit.moments, UnitScores)
    assert_allclose(psi.sum(axis=0), 0, atol=1e-10)
    assert_allclose(N / (N - 1) * psi.T @ psi, fit.cov, rtol=1e-8)
    again = fit.with_cov(md.Clustered("entity"))
    assert_allclose(again.cov, fit.cov, rtol=1e-8)
    assert again.df_inference == N - 1


MOMENTS = [
    (md.HalfPanelJackknife(formula="y ~ L(y) + x"), "G/(G-1)"),
    (md.BiasCorrectedMM(formula="y ~ L(y) + x"), "1"),
    (md.BiasCorrectedMM(formula="y ~ L(y) + x", model="random"), "1"),
    (md.AhnSchmidt(formula="y ~ L(y) + x", collapse=True, **GMM), "1"),
]


@pytest.mark.parametrize(("spec", "factor"), MOMENTS, ids=lambda s: getattr(type(s), "__name__", s))
def test_sandwiches_are_the_squares_of_their_influence(spec: Any, factor: str) -> None:
    fit = spec.fit(as_panel(SHORT))
    psi = fit.moments.influence()
    scale = len(psi) / (len(psi) - 1) if factor == "G/(G-1)" else 1.0
    assert_allclose(scale * psi.T @ psi, fit.cov, rtol=1e-8)


def pseudo_values(spec: Any, data: pd.DataFrame) -> Array:
    """(N, k) of (N-1)/N times the estimate less the one without an entity, about their mean."""
    whole, ids = spec.fit(as_panel(data)).params, data.i.unique()
    out = [whole - spec.fit(as_panel(data[data.i != i])).params for i in ids]
    values = (len(ids) - 1) / len(ids) * np.array(out)
    return np.asarray(values - values.mean(axis=0))


FIRST_ORDER = [
    (md.MeanGroup(formula="y ~ x", robust="biweight"), LONG, 0.99),
    (md.SwamyRandomCoefficients(formula="y ~ x + z"), LONG, 0.99),
    (md.PooledMeanGroup(formula="y ~ x"), LONG, 0.99),
    (md.PooledMeanGroup(formula="y ~ x", lags="aic", cov="hessian"), LONG, 0.99),
    (md.DynamicFixedEffects(formula="y ~ x"), LONG, 0.99),
    (md.FullyModifiedOLS(formula="y ~ x"), LONG, 0.999),
    (md.FullyModifiedOLS(formula="y ~ x", method="pooled"), LONG, 0.99),
    (md.DynamicOLS(formula="y ~ x", method="pooled"), LONG, 0.99),
    (md.HalfPanelJackknife(formula="y ~ L(y) + x"), SHORT, 0.99),
    (md.BiasCorrectedMM(formula="y ~ L(y) + x", effects=("time",)), SHORT, 0.99),
    (md.BiasCorrectedMM(formula="y ~ L(y) + x", model="random"), SHORT, 0.98),
    (md.BiasCorrectedLSDV(formula="y ~ L(y) + x", draws=0), SHORT, 0.98),
    (md.BiasCorrectedLSDV(formula="y ~ L(y) + x", order=3, initial="bb", draws=0), SHORT,
     0.98),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "data", "least"), FIRST_ORDER, ids=lambda s: getattr(type(s), "__name__", s)
)
def test_influence_is_what_an_entity_takes_with_it(
    spec: Any, data: pd.DataFrame, least: float
) -> None:
    """Against fits without one entity: the same up to terms of second order in 1/N."""
    psi = spec.fit(as_panel(data)).moments.influence("entity")
    J = pseudo_values(spec, data)
    for j in range(psi.shape[1]):
        assert np.corrcoef(psi[:, j], J[:, j])[0, 1] > least
        assert 0.75 < (J[:, j] @ psi[:, j]) / (psi[:, j] @ psi[:, j]) < 1.3


def test_late_entries_of_bias_corrected_lsdv() -> None:
    """Entities that enter late stand in batches of their own; their influence keeps its place."""
    late = SHORT[~((SHORT.i % 7 == 2) & (SHORT.t < 2003))]
    spec = md.BiasCorrectedLSDV(formula="y ~ L(y) + x", order=2, initial="ah", draws=0)
    psi, J = spec.fit(as_panel(late)).moments.influence(), pseudo_values(spec, late)
    assert np.corrcoef(psi[:, 0], J[:, 0])[0, 1] > 0.98
    random = md.BiasCorrectedMM(formula="y ~ L(y) + x", model="random")
    psi, J = random.fit(as_panel(late)).moments.influence(), pseudo_values(random, late)
    assert np.corrcoef(psi[:, 0], J[:, 0])[0, 1] > 0.98


def test_pooled_mean_group_of_an_outlying_error_variance() -> None:
    """The sandwich of the long run is that of its own influence, factor 1."""
    fit = md.PooledMeanGroup(formula="y ~ x", cov="sandwich").fit(as_panel(LONG))
    psi = fit.moments.influence()
    assert psi[:, 0] @ psi[:, 0] == pytest.approx(fit.cov.iloc[0, 0], rel=1e-10)
    assert_allclose(psi.sum(axis=0), 0, atol=1e-7)


def test_thresholds_of_dynamic_panels_keep_scores() -> None:
    rng = np.random.default_rng(5)
    data = SHORT.assign(q=rng.standard_normal(len(SHORT)))
    data["y"] = data.y + np.where(data.q > 0.2, 1.5 * data.x, 0.0)
    options = {"threshold": "q", "regime": "x", "draws": 0, "grid": 40}
    wide = {**GMM, "gmm": (md.GMMStyle("y", (2, 5)),)}
    fit = md.DynamicPanelThreshold(formula="y ~ L(y) + x", **options, **wide).fit(as_panel(data))
    psi = fit.moments.influence()
    ratio = np.sqrt((psi**2).sum(axis=0)) / fit.std_errors
    assert ((ratio > 0.7) & (ratio < 1.4)).all(), "first-order weights: S at either step"
    kbn = md.DynamicPanelThreshold(
        formula="y ~ L(y) + x", method="kremer-bick-nautz", gmm=wide["gmm"], **options
    ).fit(as_panel(data))
    assert (kbn.with_cov(md.Clustered("region")).std_errors > 0).all()


@pytest.mark.parametrize("spec", [SPREAD[0], SPREAD[6]], ids=lambda s: type(s).__name__)
def test_regions_of_entities(spec: Any) -> None:
    fit = spec.fit(as_panel(LONG))
    psi = fit.moments.influence()
    region = LONG.groupby("i").region.first().to_numpy()
    sums = np.array([psi[region == r].sum(axis=0) for r in np.unique(region)])
    found = fit.with_cov(md.Clustered("region"))
    assert_allclose(found.cov, 10 / 9 * sums.T @ sums, rtol=1e-10)
    assert found.df_inference == 9
    assert found.covariance.clusters == {"region": 10}


def test_what_units_cannot_be_clustered_by() -> None:
    panel = as_panel(LONG.assign(gap=np.where(LONG.i == 4, None, "a")))
    fit = md.MeanGroup(formula="y ~ x").fit(panel)
    with pytest.raises(CovarianceError, match="'z' varies within the units"):
        fit.with_cov(md.Clustered("z"))
    with pytest.raises(CovarianceError, match="1 of 30 rows have no value in the cluster"):
        fit.with_cov(md.Clustered("gap"))
    with pytest.raises(CovarianceError, match=r"Robust\('HC1'\) works on the rows"):
        fit.with_cov(md.Robust())
    with pytest.raises(CovarianceError, match="span all periods"):
        fit.with_cov(md.DriscollKraay())


def test_joint_draws_of_mean_groups() -> None:
    """Romano-Wolf over mean groups and fixed effects on the same countries."""
    panel = as_panel(LONG)
    claims = {
        "MG": (md.MeanGroup(formula="y ~ x + z"), "x"),
        "PMG": (md.PooledMeanGroup(formula="y ~ x"), "x"),
        "CCE": (md.CCEMeanGroup(formula="y ~ x + z"), "z"),
        "FE": (md.FixedEffects(formula="y ~ x + z", cov=md.Clustered("entity")), "z"),
    }
    answers = {
        name: md.Study(
            md.Hypothesis(claim=f"{name}: {term} raises y", term=term, sign=+1),
            specs={name: spec},
        ).run(panel)
        for name, (spec, term) in claims.items()
    }  # fmt: skip
    family = md.Family(answers, draws=999)
    assert family.unkept == ()
    assert family.method == "romano-wolf"
    table = family.frame
    assert (table["p_romano_wolf"] >= table["p_value"]).all()
    assert (table["p_romano_wolf"] <= table["p_holm"] + 0.03).all()


@pytest.mark.slow
def test_pooled_mean_group_with_shocks_of_regions() -> None:
    """Entities of a region share shocks: clustered by region the long run keeps its level, where
    the information matrix, which takes them for independent, covers 81%."""
    rng, reps, N, R, T = np.random.default_rng(20240101), 300, 90, 30, 60
    region, covered = np.arange(N) % R, {"clustered": 0, "information": 0}
    i, t = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    for _ in range(reps):
        own, shared = rng.standard_normal((2, N, T)), rng.standard_normal((2, R, T))
        step, e = (own + shared[:, region]) / np.sqrt(2)
        x, gap, y = step.cumsum(axis=1), np.zeros(N), np.empty((N, T))
        for s in range(T):
            gap = 0.6 * gap - 0.4 * step[:, s] + e[:, s]  # to the long run y = x
            y[:, s] = x[:, s] + gap
        columns = {"i": i, "t": 2000 + t, "region": region[i], "y": y.ravel(), "x": x.ravel()}
        fit = md.PooledMeanGroup(formula="y ~ x").fit(as_panel(pd.DataFrame(columns)))
        other = fit.with_cov(md.Clustered("region"))
        for name, one in (("information", fit), ("clustered", other)):
            low, high = one.conf_int().loc["x"]
            covered[name] += low <= 1.0 <= high
    noise = 3.29 * np.sqrt(0.95 * 0.05 / reps)
    assert abs(covered["clustered"] / reps - 0.95) < noise
    assert covered["information"] / reps < 0.95 - noise
