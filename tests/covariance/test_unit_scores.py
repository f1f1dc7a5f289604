"""Fits that keep the influence of units: which covariances work on it, and which refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import migdev as md
from migdev.errors import CovarianceError
from migdev.kernels.sandwich.moments import Moments, UnitScores
from migdev.protocols import Scores
from tests.panel_moments import ols_moments

Array = np.ndarray[Any, Any]
U, K = 30, 2
rng = np.random.default_rng(5)
PSI = rng.standard_normal((U, K)) / U
PSI -= PSI.mean(axis=0)
REGION = np.array(["a", "b", "c", "d", "e"])[rng.integers(0, 5, U)]
SCHOOL = rng.integers(0, 12, U)
UNITS = UnitScores(
    values=PSI, entity=np.arange(U), nobs=700, df_resid=U - 1.0,
    columns={"region": REGION, "school": SCHOOL, "lat": rng.uniform(-60, 60, U),
             "lon": rng.uniform(-180, 180, U)},
)  # fmt: skip


def outer(psi: Array, codes: Array) -> Array:
    sums = np.array([psi[codes == c].sum(axis=0) for c in np.unique(codes)])
    return sums.T @ sums


def test_both_records_answer_the_protocol() -> None:
    X = rng.standard_normal((40, 2))
    rows = ols_moments(X[:, 0], X[:, 1:], np.repeat(np.arange(8), 5), np.tile(np.arange(5), 8))[1]
    assert isinstance(UNITS, Scores)
    assert isinstance(rows, Scores)
    assert (UNITS.by_row, rows.by_row) == (False, True)
    np.testing.assert_array_equal(UNITS.influence(), PSI)
    psi = rows.X * rows.resid[:, None] @ rows.bread
    np.testing.assert_allclose(rows.influence(), psi, rtol=1e-13)
    by_time = np.array([psi[rows.time == t].sum(axis=0) for t in range(5)])
    np.testing.assert_allclose(rows.influence("time"), by_time, atol=1e-14)
    np.testing.assert_allclose(rows.influence(rows.time), by_time, atol=1e-14)


def test_one_way_is_the_variance_of_a_mean() -> None:
    """CR1 by unit: N/(N-1) times the sum of outer products, t(N-1); no rows are counted."""
    for convention in ("stata", "fixest", "plm", "linearmodels", "sandwich", "clubsandwich"):
        found = md.Clustered("entity", convention=convention).estimate(UNITS)
        np.testing.assert_allclose(found.cov, U / (U - 1) * PSI.T @ PSI, rtol=1e-13)
        assert found.df == U - 1
    plain = md.Clustered("entity", convention="none").estimate(UNITS)
    np.testing.assert_allclose(plain.cov, PSI.T @ PSI, rtol=1e-13)
    assert plain.df is None


def test_coarser_and_several_ways() -> None:
    by_school = md.Clustered("school").estimate(UNITS)
    G = len(np.unique(SCHOOL))
    np.testing.assert_allclose(by_school.cov, G / (G - 1) * outer(PSI, SCHOOL), rtol=1e-12)
    assert by_school.df == G - 1
    columns = {**UNITS.columns, "pair": SCHOOL // 2 + 10 * (np.arange(U) % 11)}
    m = UnitScores(values=PSI, entity=np.arange(U), nobs=700, df_resid=29.0, columns=columns)
    found = md.Clustered("school", "pair", kind="CR0").estimate(m)
    both = np.unique(np.column_stack([SCHOOL, columns["pair"]]), axis=0, return_inverse=True)[1]
    wanted = outer(PSI, SCHOOL) + outer(PSI, columns["pair"]) - outer(PSI, both.ravel())
    np.testing.assert_allclose(found.cov, wanted, rtol=1e-10)


def test_places_and_periods_where_units_carry_them() -> None:
    near = md.Conley(1e-6, latitude="lat", longitude="lon").estimate(UNITS)
    np.testing.assert_allclose(near.cov, PSI.T @ PSI, rtol=1e-12)
    cells = UnitScores(
        values=PSI, entity=np.arange(U) // 10, time=np.tile(np.arange(10), 3), nobs=700,
        df_resid=29.0,
    )  # fmt: skip
    found = md.DriscollKraay(bandwidth=0, convention="none").estimate(cells)
    np.testing.assert_allclose(found.cov, outer(PSI, cells.groups("time")), rtol=1e-12)
    assert md.DriscollKraay(bandwidth=1).estimate(cells).df == 9


@pytest.mark.parametrize(
    "spec",
    [
        md.Unadjusted(), md.Robust(), md.Robust("HC3"), md.NeweyWest(), md.BeckKatz(),
        md.Clustered("entity", kind="CR2"), md.Clustered("entity", kind="CR3"),
        md.Clustered("entity", kind="HC3"), md.Clustered("entity", df="satterthwaite"),
        md.DriscollKraay(kind="HC3"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_needs_rows_refuses_units(spec: Any) -> None:
    with pytest.raises(CovarianceError, match=r"rows of a linear fit.*30 units.*Clustered"):
        spec.estimate(UNITS)


def test_periods_are_asked_for_by_name() -> None:
    for spec in (md.DriscollKraay(), md.Clustered("time"), md.Clustered("entity^time")):
        with pytest.raises(CovarianceError, match="span all periods"):
            spec.estimate(UNITS)
    with pytest.raises(CovarianceError, match=r"Conley\(lags=2\) goes by period"):
        md.Conley(500, latitude="lat", longitude="lon", lags=2).estimate(UNITS)
    with pytest.raises(CovarianceError, match="'province'"):
        md.Clustered("province").estimate(UNITS)


def weighted(hold: bool) -> Moments:
    """A weighted fit with an absorbed effect whose moments hold the weights, or forget them."""
    draw = np.random.default_rng(8)
    entity, time = np.repeat(np.arange(9), 6), np.tile(np.arange(6), 9)
    x, w = draw.standard_normal(54), draw.uniform(0.2, 3, 54)
    y = x + draw.standard_normal(54)
    factors = {"entity": entity}
    m = ols_moments(y, x[:, None], entity, time, factors=factors, weights=w)[1]
    if hold:
        return m
    return Moments(
        X=m.X, resid=m.resid, bread=m.bread, entity=m.entity, time=m.time, factors=m.factors,
        factor_names=m.factor_names, df_absorbed=m.df_absorbed,
    )  # fmt: skip


@pytest.mark.parametrize(
    "spec",
    [md.Robust("HC2"), md.Robust("HC3"), md.Clustered("time", kind="CR2"),
     md.Clustered("time", kind="CR3"), md.NeweyWest(kind="HC3")],
    ids=repr,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::migdev.errors.FewClustersWarning")
def test_leverage_notices_weights_that_were_forgotten(spec: Any) -> None:
    """Regressors times roots of weights are not orthogonal to plain dummies."""
    spec.estimate(weighted(True))
    with pytest.raises(CovarianceError, match=r"sum to zero within its levels.*weights="):
        spec.estimate(weighted(False))
