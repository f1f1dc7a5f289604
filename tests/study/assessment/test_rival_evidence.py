"""Rivals compared: Bayes factors by integration, GORICA against known weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm, t

from migdev.errors import ResultError
from migdev.study.assessment.parts import Parts
from migdev.study.assessment.rival_evidence import rival_evidence
from tests.study.assessment.cases import four, one


@pytest.mark.parametrize(("df", "precise"), [(None, 1e-9), (12.0, 5e-3)])  # t: 24 slices
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_bayes_factors_of_one_part_by_integration(df, precise, scale):
    parts = replace(
        one("+", theta=1.3, error=0.6, df=df), patterns={"view": ("+",), "other": ("!=0",)}
    )

    def density(x):
        fit = norm.pdf(1.3, x, 0.6) if df is None else t.pdf((1.3 - x) / 0.6, df) / 0.6
        return fit * norm.pdf(x, 0, scale)

    whole = quad(density, -np.inf, np.inf)[0]
    inside = quad(density, -1, 1)[0] / whole
    above = quad(density, 1, np.inf)[0] / whole
    prior = {"0": norm.cdf(1 / scale) - norm.cdf(-1 / scale), "+": norm.sf(1 / scale)}
    found = rival_evidence(parts, scales=[scale]).bayes_factors.loc[scale]
    assert_allclose(found.loc["view", "against_all"], above / prior["+"], rtol=precise)
    assert_allclose(
        found.loc["view", "against_null"], above / prior["+"] / (inside / prior["0"]), rtol=precise
    )
    assert_allclose(
        found.loc["other", "against_all"], (1 - inside) / (1 - prior["0"]), rtol=precise
    )


def test_bayes_factors_of_four_parts_by_importance_draws():
    """A million draws from the prior, weighted by the likelihood."""
    parts = replace(four(theta=(1.6, -1.4, -1.2, 0.2), error=0.6), dfs=(None,) * 4)
    found = rival_evidence(parts, scales=[1.0]).bayes_factors.loc[1.0]
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(1_000_000, 4))
    gap = draws - parts.theta
    weight = np.exp(-0.5 * np.sum(gap @ np.linalg.inv(parts.cov) * gap, axis=1))
    masks = {
        "DF": (draws[:, 0] > 1) & (draws[:, 1:3] < -1).all(axis=1) & (draws[:, 3] < 1),
        "null": (np.abs(draws) < 1).all(axis=1),
    }
    for name, mask in masks.items():
        assert_allclose(
            found.loc[name, "against_all"],
            (weight @ mask / weight.sum()) / found.loc[name, "prior"],
            rtol=0.03,
        )
        assert_allclose(found.loc[name, "prior"], mask.mean(), rtol=0.05)


def test_gorica_of_half_lines_by_hand():
    """One part at 1.5 margins: within + (penalty 1/2), outside 0 (penalty 0), free (penalty 1)."""
    found = rival_evidence(
        replace(one("+", theta=1.5, error=0.5), patterns={"view": ("+",), "null": ("0",)})
    ).gorica
    assert_allclose(found["penalty"], [0.5, 0.0, 1.0])
    best = norm.logpdf(1.5, 1.5, 0.5)
    assert_allclose(found["loglik"], [best, norm.logpdf(1.5, 1.0, 0.5), best])
    score = -2 * found["loglik"] + 2 * found["penalty"]
    expected = np.exp(-score / 2) / np.exp(-score / 2).sum()
    assert_allclose(found["weight"], expected)


def test_each_part_is_left_out_in_turn():
    parts = four(theta=(3, -3, -3, 0))
    found = rival_evidence(parts)
    assert list(found.left_out.index.unique("left_out")) == list(parts.names)
    alone = rival_evidence(parts.without(0)).bayes_factors.loc[1.0]
    assert_allclose(
        found.left_out.loc["growth", "against_null"].loc["CR"], alone.loc["CR", "against_null"]
    )
    assert rival_evidence(one("+")).left_out.empty


def test_the_ratio_of_two_views_is_not_given():
    found = rival_evidence(four(theta=(3, -3, -3, 0)))
    assert set(found.bayes_factors.columns) == {
        "prior", "posterior", "against_null", "against_all",
    }  # fmt: skip
    low, high = found.factor("DF")
    assert 10 < low <= high
    assert found.factor("CR", "all")[1] < 0.1
    assert "against the null pattern" in str(found)
    assert found.gorica["weight"].idxmax() == "DF"


def test_the_same_parts_give_the_same_numbers():
    first, again = (rival_evidence(four(theta=(2, -1, 0, 1))).bayes_factors for _ in range(2))
    assert first.equals(again)


def test_a_part_that_the_others_make_is_refused():
    parts = four()
    twin = Parts(
        names=("a", "b"), theta=np.zeros(2), cov=np.ones((2, 2)), dfs=(30.0, 30.0),
        bounds=np.ones(2), patterns={"v": ("+", "+")}, level=parts.level,
    )  # fmt: skip
    with pytest.raises(ResultError, match="singular joint covariance"):
        rival_evidence(twin)
