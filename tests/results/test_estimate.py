"""The estimation record: with_cov, tidy, glance, summary, rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import ResultError
from migdev.results.estimate import Estimate
from migdev.results.statistic import (
    TestStatistic,
    chi2_test,
    f_test,
    normal_test,
    t_test,
)
from tests.data import benchmark


@pytest.fixture(scope="module")
def fit() -> Estimate:
    frame = benchmark("grunfeld")
    panel = md.Panel.from_frame(frame, entity="firm", time="year")
    return md.FixedEffects(formula="inv ~ value + capital").fit(panel)


def test_with_cov_equals_a_refit(fit: Estimate) -> None:
    before = fit.cov.copy()
    robust = fit.with_cov(md.Robust("HC1"))
    again = md.FixedEffects(formula="inv ~ value + capital", cov=md.Robust("HC1"))
    want = again.fit(fit.sample.panel)
    pd.testing.assert_frame_equal(robust.cov, want.cov)
    assert robust.covariance.description == want.covariance.description
    pd.testing.assert_frame_equal(fit.cov, before)
    assert robust.std_errors is not fit.std_errors
    assert not np.allclose(robust.std_errors, fit.std_errors)


def test_with_cov_needs_scores() -> None:
    bare = Estimate.from_arrays(
        names=["a"], params=np.ones(1), cov=np.eye(1), dependent="y", method="Oracle", nobs=9,
        df_resid=8.0,
    )  # fmt: skip
    with pytest.raises(ResultError, match=r"Oracle keeps no scores, .* be replaced\.$"):
        bare.with_cov(md.Unadjusted())
    with pytest.raises(ResultError, match="keeps no resids"):
        _ = bare.resids
    with pytest.raises(ResultError, match="keeps no fitted"):
        _ = bare.fitted
    assert bare.entities is None
    assert bare.dropped == {}
    assert bare.fingerprint == ""


def test_tidy_has_the_names_of_broom(fit: Estimate) -> None:
    tidy = fit.tidy(level=0.9)
    assert list(tidy.columns) == [
        "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    assert tidy["term"].tolist() == ["value", "capital"]
    np.testing.assert_allclose(tidy["conf_high"], fit.conf_int(0.9)["upper"])


def test_glance_is_one_row(fit: Estimate) -> None:
    row = fit.glance().iloc[0]
    assert row["nobs"] == 200
    assert row["entities"] == 10
    assert row["periods"] == 20
    assert row["df_resid"] == 188
    assert row["r2_within"] == pytest.approx(0.7668, abs=5e-5)  # plm, to four digits


def test_summary_tells_everything(fit: Estimate) -> None:
    text = str(fit.with_cov(md.Clustered("entity")))
    for part in (
        "Fixed effects: inv",
        "200 observations",
        "10 entities",
        "capital",
        "Standard err",
    ):
        assert part in text


def test_rows_are_labelled(fit: Estimate) -> None:
    assert fit.resids.index.names == ["firm", "year"]
    assert fit.resids.index[0] == (1, 1935)
    inv = fit.sample.panel["inv"].to_numpy()
    np.testing.assert_allclose(fit.fitted + fit.resids, inv, rtol=1e-12)
    assert abs(fit.resids.sum()) < 1e-8


def test_provenance(fit: Estimate) -> None:
    assert len(fit.fingerprint) == 64
    assert set(fit.versions) >= {"migdev", "numpy", "pandas"}
    assert fit.spec == md.FixedEffects(formula="inv ~ value + capital")


def test_versions_name_the_engine(fit: Estimate) -> None:
    from statsmodels.regression.linear_model import OLS

    panel = fit.sample.panel
    panel = panel.assign(high=(panel["inv"] > 100).astype(float))
    logit = md.Logit("high ~ capital").fit(panel)
    assert set(logit.versions) - set(fit.versions) == {"statsmodels"}
    system = md.SUR({"a": "inv ~ value", "b": "value ~ capital"}).fit(panel)
    assert set(system.versions) - set(fit.versions) == {"linearmodels"}
    assert set(system.equation("a").versions) == set(system.versions)
    foreign = md.as_result(OLS(panel["inv"].to_numpy(), np.ones(len(panel))).fit())
    assert set(foreign.versions) - set(fit.versions) == {"statsmodels"}


def test_an_estimate_is_a_result(fit: Estimate) -> None:
    from migdev.protocols import Result

    assert isinstance(fit, Result)


# ---------------------------------------------------------------------- TestStatistic


def test_pvalues_of_statistics() -> None:
    from scipy import stats

    assert chi2_test("a", "null", 5.0, 3).pvalue == pytest.approx(stats.chi2.sf(5, 3), rel=1e-12)
    assert f_test("a", "null", 2.0, 3, 20).pvalue == pytest.approx(stats.f.sf(2, 3, 20), rel=1e-12)
    assert f_test("a", "null", 2.0, 3, np.inf).pvalue == pytest.approx(stats.chi2.sf(6, 3))
    assert t_test("a", "null", -2.0, 9).pvalue == pytest.approx(2 * stats.t.sf(2, 9), rel=1e-12)
    assert normal_test("a", "null", -1.0).pvalue == pytest.approx(2 * stats.norm.sf(1))
    assert normal_test("a", "null", -1.0, sided=1).pvalue == pytest.approx(stats.norm.cdf(1))


def test_statistics_speak() -> None:
    text = str(f_test("Chow", "equal slopes", 2.0, 3, 20, alternative="they differ", note="short"))
    assert "Chow: 2.0000 ~ F(3, 20), p = 0.146" in text
    assert "H0: equal slopes" in text
    assert "H1: they differ" in text
    assert text.endswith("short")
    table = TestStatistic(
        name="Unit root", null="a unit root", statistic=-2.5, distribution="tabulated",
        pvalue=float("nan"), critical_values={"5%": -1.95},
    )  # fmt: skip
    assert "p =" not in str(table)
    assert "5%: -1.950" in str(table)
