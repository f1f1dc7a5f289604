"""Leverage after weighted and iterated least squares: Poisson with dummies against R's sandwich and
clubSandwich, from the moments that such an estimator hands over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

import migdev as md
from migdev.kernels.sandwich.moments import Moments
from tests.golden import load_golden
from tests.panel_moments import assert_cov_close, ols_moments, square

Array = np.ndarray[Any, Any]
GOLDEN = load_golden("glm_covariance")  # R: sandwich::vcovHC, clubSandwich::vcovCR
I = np.arange(96)  # noqa: E741 - the row number, as in make_glm_covariance.R
Y = ((7 * I + I // 5) % 9).astype(float)
X = np.column_stack([((5 * I) % 11) / 4 + (I % 8) / 8, ((3 * I + I // 7) % 13) / 6])
COLUMNS = {"region": I // 16, "club": I // 4, "other": I % 8}


def moments(model: str) -> tuple[Array, Moments]:
    """The last least-squares step, region dummies absorbed; working weights are held."""
    factors = {"region": COLUMNS["region"]}
    entity, time = I // 4, I % 4
    if model == "wls":
        weights = 0.5 + ((3 * I + I // 7) % 5) / 2
        b, m = ols_moments(Y, X, entity, time, factors=factors, weights=weights, columns=COLUMNS)
        return b, replace(m, variance=1 / weights)
    mean = Y + 0.5
    for _ in range(50):
        working = np.log(mean) + (Y - mean) / mean
        b, m = ols_moments(working, X, entity, time, factors=factors, weights=mean, columns=COLUMNS)
        mean = np.exp(working - m.resid / np.sqrt(mean))
    return b, replace(m, variance=mean)


def spec(key: str) -> Any:
    package, kind, *group = key.removeprefix("sandwich.").split(".")
    if package == "vcovHC":
        return md.Robust(kind, convention="none")
    return md.Clustered(*group, kind=kind, convention="none")


@pytest.mark.filterwarnings("ignore::migdev.errors.FewClustersWarning")
@pytest.mark.parametrize(
    ("model", "key"), [(m, k) for m in ("poisson", "wls") for k in GOLDEN[m]["cov"]]
)
def test_as_in_r(model: str, key: str) -> None:
    b, m = moments(model)
    np.testing.assert_allclose(b, GOLDEN[model]["coef"], rtol=1e-10)
    wanted = square(GOLDEN[model]["cov"][key])
    assert_cov_close(spec(key).estimate(m).cov, wanted, 1e-8)  # IRLS stops at 1e-10


@pytest.mark.parametrize("kind", ["HC2", "HC3"])
def test_without_absorption_as_in_statsmodels(kind: str) -> None:
    """WLS by statsmodels, whose leverage is that of the regressors times roots of the weights."""
    weights = 0.5 + ((3 * I + I // 7) % 5) / 2
    ones = np.column_stack([np.ones(96), X])
    m = ols_moments(Y, ones, I // 4, I % 4, weights=weights)[1]
    fit = sm.WLS(Y, ones, weights=weights).fit(cov_type=kind)
    found = md.Robust(kind, convention="none").estimate(m)
    np.testing.assert_allclose(np.sqrt(np.diagonal(found.cov)), fit.bse, rtol=1e-10)
