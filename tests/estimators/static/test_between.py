"""The between estimator against plm and linearmodels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    CovarianceError,
    IdentificationError,
    SpecificationError,
)
from tests.static_panels import SAMPLES, assert_agrees, golden, sample_panel

CASES = [(s, key) for s in SAMPLES for key in golden(s)["between"]]


@pytest.mark.parametrize(("sample", "key"), CASES)
def test_matches_plm(sample: str, key: str) -> None:
    panel, formula = sample_panel(sample)
    effect, *weighted = key.split("_")
    by = {"individual": "entity", "time": "time"}[effect]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollinearityWarning)  # schooling by year, balanced
        fit = md.Between(formula=formula, effects=(by,), weighted=bool(weighted)).fit(panel)
    assert_agrees(fit, golden(sample)["between"][key], rtol=1e-7)


@pytest.mark.parametrize("sample", ["grunfeld.gaps", "produc.ragged", "wages.ragged"])
@pytest.mark.parametrize("weights", [False, True])
def test_matches_linearmodels(sample: str, weights: bool) -> None:
    from linearmodels import BetweenOLS

    panel, formula = sample_panel(sample)
    w = 0.5 + np.arange(len(panel)) % 7
    panel = panel.assign(w=w)
    d, index = md.Design.build(formula, panel), panel.index()
    theirs = BetweenOLS(
        pd.Series(d.y, index), pd.DataFrame(d.X, index, list(d.names)),
        weights=pd.DataFrame({"w": w}, index) if weights else None,
    )  # fmt: skip
    spec = md.Between(formula=formula, weights="w" if weights else None, cov=md.Robust("HC1"))
    fit, want = spec.fit(panel), theirs.fit(cov_type="robust")
    np.testing.assert_allclose(fit.params, want.params, rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, want.std_errors, rtol=1e-8)
    assert fit.stats["r2"] == pytest.approx(want.rsquared, rel=1e-9)


def test_residuals_go_by_group(grunfeld: md.Panel) -> None:
    fit = md.Between(formula="inv ~ value + capital").fit(grunfeld)
    assert list(fit.resids.index) == list(range(1, 11))
    means = grunfeld.frame.groupby("firm")["inv"].mean()
    np.testing.assert_allclose(fit.fitted + fit.resids, means, rtol=1e-12)
    by_year = md.Between(formula="inv ~ value + capital", effects=("time",)).fit(grunfeld)
    assert list(by_year.resids.index) == list(range(1935, 1955))
    assert by_year.entities == 10
    assert by_year.periods == 20


def test_columns_that_vary_within_only_are_dropped(grunfeld: md.Panel) -> None:
    trend = grunfeld["year"] - 1944.5  # balanced: mean zero in every firm
    with pytest.warns(CollinearityWarning, match="no variation between the means by entity"):
        fit = md.Between(formula="inv ~ value + trend").fit(grunfeld.assign(trend=trend))
    assert fit.names == ["Intercept", "value"]


def test_clusters_of_entities() -> None:
    rng = np.random.default_rng(0)
    i = np.repeat(np.arange(40), 3)
    frame = pd.DataFrame({"i": i, "t": np.tile(range(3), 40), "region": i // 3})
    frame = frame.assign(x=rng.standard_normal(120), y=rng.standard_normal(120), year=frame["t"])
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    fit = md.Between(formula="y ~ x", cov=md.Clustered("region", kind="CR0")).fit(panel)
    d = fit.moments
    scores = np.zeros((14, 2))
    np.add.at(scores, np.arange(40) // 3, d.X * d.resid[:, None])
    np.testing.assert_allclose(fit.cov, d.bread @ scores.T @ scores @ d.bread, rtol=1e-10)
    with pytest.raises(CovarianceError, match="'year' varies within"):
        md.Between(formula="y ~ x", cov=md.Clustered("year")).fit(panel)


def test_what_goes_wrong(grunfeld: md.Panel) -> None:
    with pytest.raises(SpecificationError, match="by \\('entity',\\)"):
        md.Between(formula="inv ~ value", effects=("entity", "time"))
    few = grunfeld.where(grunfeld.entity_codes < 2)
    with pytest.raises(IdentificationError, match="only 2 complete rows"):
        md.Between(formula="inv ~ value").fit(few)
