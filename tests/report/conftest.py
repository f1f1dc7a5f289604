"""Results made by hand: names that every format could trip over, and ordinary ones."""

from __future__ import annotations

import numpy as np
import pytest

from migdev.protocols import CovEstimate
from migdev.results.estimate import Estimate
from migdev.results.facts import UNSTATED, linear_facts
from migdev.results.statistic import TestStatistic, chi2_test, normal_test

ODD = (
    "50%_share", "<b>", "R&D", "a_b", "x^2", "a|b", "*x*", "$x$", "back\\slash", "tick`tick",
    "[x]", "{x}", "#1", "~x", "a\\|b", "&amp;", "x--y", '"x"', "1. x", "- x", "![i](u)", "<!--",
    "**x**", "ends\\", "`", "$", "L(x, 2):C(r)[T.a:b]",
)  # fmt: skip


def stated(method, effects):
    if "GMM" in method:
        return UNSTATED
    if "Random" in method:
        return linear_facts("least squares", (), random=effects)
    return linear_facts("least squares", effects)


def make(
    names=("Intercept", "L(remit)", "fin", "L(remit):fin"),
    *,
    params=None,
    errors=None,
    seed=1,
    method="Fixed effects",
    dependent="growth",
    effects=(),
    df=47.0,
    nobs=1234,
    stats=None,
    description="clustered by entity (CR1, 48 clusters)",
    clusters=None,
):
    rng = np.random.default_rng(seed)
    k = len(names)
    params = rng.normal(size=k) if params is None else np.asarray(params, dtype=float)
    errors = 0.1 + rng.random(k) if errors is None else np.asarray(errors, dtype=float)
    cov = np.diag(errors**2)
    return Estimate.from_arrays(
        names=list(names), params=params, cov=cov, dependent=dependent, method=method, nobs=nobs,
        df_resid=1100.0, df_inference=df, stated=stated(method, effects),
        stats={"r2": 0.81234, "entities": 48} if stats is None else stats,
        covariance=CovEstimate(
            cov=cov, df=df, description=description, convention="stata",
            clusters={"entity": 48} if clusters is None else clusters,
        ),
    )  # fmt: skip


@pytest.fixture
def three():
    tests = {
        "hansen": chi2_test("Hansen J", "valid instruments", 4.3, 3),
        "ar2": normal_test("Arellano-Bond AR(2)", "none", -1.2),
        "tabulated": TestStatistic(
            name="Tabulated", null="unit root", statistic=-3.1, distribution="tabulated",
            pvalue=float("nan"), critical_values={"5%": -2.9},
        ),
        "r2": 0.5,
    }  # fmt: skip
    return {
        "FE": make(effects=("entity", "time"), stats={"r2_within": 0.3456, "entities": 48}),
        "RE": make(
            ("L(remit)", "fin", "trade"), seed=2, method="Random effects", effects=("entity",)
        ),
        "GMM": make(
            ("const", "L(remit)", "trade", "L(y)"), seed=3, method="System GMM", df=None,
            stats=tests, description="robust (Windmeijer)", clusters={},
        ),
    }  # fmt: skip
