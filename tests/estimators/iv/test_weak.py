"""Anderson-Rubin tests and sets against regressions done one by one, and their size."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import migdev as md
from migdev.covariance.plain import plain
from migdev.errors import ResultError
from migdev.estimators.iv.anderson_rubin import ConfidenceSet
from tests.iv_panels import as_panel, simulated

ONE = "y ~ x1 + x2 + [d1 ~ z1 + z2 + z3]"
TWO = "y ~ x1 + x2 + [d1 + d2 ~ z1 + z2 + z3]"
COVS = [
    md.Unadjusted(), md.Robust("HC1"), md.Robust("HC3"), md.Clustered("entity"),
    md.Clustered("entity", kind="CR2"), md.Clustered("entity", convention="none", kind="CR0"),
    md.DriscollKraay(bandwidth=1),
]  # fmt: skip


def fitted(spec, panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", md.errors.WeakInstrumentsWarning)
        warnings.simplefilter("ignore", md.errors.FewClustersWarning)
        return spec.fit(panel)


def by_regression(frame, beta, cov, effects=("entity",), weights=None):
    """The Wald test of the instruments in the regression of y - d beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", md.errors.FewClustersWarning)
        rest = frame.assign(rest=frame["y"] - frame[list(beta)] @ list(beta.values()))
        ols = md.FixedEffects(
            formula="rest ~ x1 + x2 + z1 + z2 + z3", effects=effects, cov=cov, weights=weights
        ).fit(as_panel(rest))
        return ols.wald(["z1", "z2", "z3"])


@pytest.mark.parametrize("cov", COVS, ids=repr)
def test_the_test_is_a_regression(cov):
    frame = simulated(seed=2, keep=0.8, periods=12)
    fit = fitted(md.IV2SLS(formula=ONE, effects=("entity",), cov=cov, weights="w"), as_panel(frame))
    for value in (0.0, 0.8, -2.5):
        ours = fit.anderson_rubin_test(value)
        wald = by_regression(frame, {"d1": value}, cov, weights="w")
        assert ours.statistic == pytest.approx(wald.statistic, rel=1e-8)
        assert ours.df == pytest.approx(wald.df, rel=1e-7)
        assert ours.pvalue == pytest.approx(wald.pvalue, rel=1e-6)
    assert fit.stats["anderson_rubin"].statistic == fit.anderson_rubin_test().statistic


def test_joint_values_by_name():
    frame = simulated(seed=2)
    fit = fitted(md.LIML(formula=TWO, effects=("entity",)), as_panel(frame))
    ours = fit.anderson_rubin_test({"d1": 0.8, "d2": -0.6})
    wald = by_regression(frame, {"d1": 0.8, "d2": -0.6}, md.Unadjusted())
    assert ours.statistic == pytest.approx(wald.statistic, rel=1e-9)
    assert "d1 = 0.8, d2 = -0.6" in ours.null
    alone = fit.anderson_rubin_test({"d2": -0.6})
    assert alone.statistic == pytest.approx(
        by_regression(frame, {"d1": 0.0, "d2": -0.6}, md.Unadjusted()).statistic, rel=1e-9
    )
    with pytest.raises(ResultError, match="'d9'"):
        fit.anderson_rubin_test({"d9": 1.0})
    with pytest.raises(ResultError, match="2 endogenous regressors"):
        fit.anderson_rubin("d1")


@pytest.mark.parametrize("cov", COVS, ids=repr)
@pytest.mark.parametrize("strength", [0.03, 0.2, 1.0])
def test_the_set_is_what_the_test_accepts(cov, strength):
    frame = simulated(seed=12, strength=strength, periods=12)
    fit = fitted(md.IV2SLS(formula=ONE, effects=("entity",), cov=cov), as_panel(frame))
    for level in (0.9, 0.95):
        found = fit.anderson_rubin(level=level)
        for value in np.tan(np.linspace(-1.56, 1.56, 41)):
            p = fit.anderson_rubin_test(float(value)).pvalue
            assert (p >= 1 - level) == (value in found)
        for low, high in found.intervals:
            for end in (low, high):
                if np.isfinite(end):
                    assert fit.anderson_rubin_test(end).pvalue == pytest.approx(1 - level, rel=1e-6)


def test_under_homoskedasticity_the_set_is_a_quadratic():
    frame = simulated(seed=1)
    fit = fitted(md.IV2SLS(formula=ONE), as_panel(frame))
    n = len(frame)
    X1 = np.column_stack([np.ones(n), frame[["x1", "x2"]]])
    W = np.column_stack([X1, frame[["z1", "z2", "z3"]]])
    P = W @ np.linalg.pinv(W)
    M, N = np.eye(n) - P, P - X1 @ np.linalg.pinv(X1)
    y, d = frame["y"].to_numpy(), frame["d1"].to_numpy()
    c = stats.f.isf(0.05, 3, n - 6) * 3 / (n - 6)
    a, b, k = (
        d @ (N - c * M) @ d, -2 * (d @ (N - c * M) @ y), y @ (N - c * M) @ y,
    )  # fmt: skip
    low, high = np.sort(np.roots([a, b, k]))
    assert a > 0
    assert_allclose(fit.anderson_rubin().intervals, [(low, high)], rtol=1e-9)


def test_exactly_identified_sets_hold_the_estimate_and_meet_wald_when_strong():
    frame = simulated(seed=4, strength=2.0, entities=200)
    fit = fitted(md.IV2SLS(formula="y ~ x1 + x2 + [d1 ~ z1]", cov=md.Robust()), as_panel(frame))
    found = fit.anderson_rubin("d1")
    assert fit.params["d1"] in found
    assert found.shape == "interval"
    low, high = found.intervals[0]
    wald = fit.conf_int().loc["d1"]
    assert (low, high) == pytest.approx((wald["lower"], wald["upper"]), abs=0.02)
    assert fit.anderson_rubin_test(fit.params["d1"]).statistic == pytest.approx(0, abs=1e-15)


def test_the_set_follows_the_covariance():
    fit = fitted(md.IV2SLS(formula=ONE), as_panel(simulated(seed=1)))
    wider = fit.with_cov(md.Clustered("entity"))
    whole = fitted(md.IV2SLS(formula=ONE, cov=md.Clustered("entity")), as_panel(simulated(seed=1)))
    assert wider.anderson_rubin().intervals == whole.anderson_rubin().intervals
    assert wider.anderson_rubin().intervals != fit.anderson_rubin().intervals


@pytest.mark.parametrize(
    ("intervals", "shape", "bounded"),
    [
        ((), "empty", True),
        (((1.0, 2.0),), "interval", True),
        (((-np.inf, 2.0),), "half-line", False),
        (((-np.inf, np.inf),), "line", False),
        (((-np.inf, 1.0), (2.0, np.inf)), "two half-lines", False),
        (((0.0, 1.0), (2.0, 3.0)), "union", True),
    ],
)
def test_shapes_of_sets(intervals, shape, bounded):
    found = ConfidenceSet(name="d", level=0.9, intervals=intervals, method="Anderson-Rubin")
    assert (found.shape, found.bounded) == (shape, bounded)
    assert (1.0 in found) == any(low <= 1 <= high for low, high in intervals)
    assert "90% Anderson-Rubin set" in str(found)
    assert ("empty" in str(found)) == (shape == "empty")


def test_a_level_in_per_cent_is_refused():
    fit = fitted(md.IV2SLS(formula=ONE), as_panel(simulated()))
    with pytest.raises(ResultError, match=r"0\.95"):
        fit.anderson_rubin(level=95)


@pytest.mark.parametrize(
    ("cov", "reduced"),
    [
        (md.Unadjusted(), md.Unadjusted(convention="none")),
        (md.Robust("HC3"), md.Robust("HC0", convention="none")),
        (
            md.Clustered("region", kind="CR2"),
            md.Clustered("region", kind="CR0", convention="none", df="groups"),
        ),
        (md.NeweyWest(bandwidth=3), md.NeweyWest(bandwidth=3, convention="none")),
        (md.Conley(10.0), md.Conley(10.0, convention="none")),
    ],
)
def test_plain_covariances_are_sums_of_scores(cov, reduced):
    assert plain(cov) == reduced


# ---------------------------------------------------------------------- size (slow)


def weak_design(rng, n=150, q=3, pi=0.0, rho=0.9, beta=0.0):
    """Arrays of a linear IV model with first-stage coefficients ``pi`` and endogeneity ``rho``."""
    Z = rng.standard_normal((n, q))
    e = rng.standard_normal((n, 2))
    u = e[:, 0] * (0.5 + np.abs(Z[:, 0]))
    v = rho * e[:, 0] + np.sqrt(1 - rho**2) * e[:, 1]
    d = Z.sum(axis=1) * pi + v
    return beta * d + u, np.ones((n, 1)), d[:, None], Z


def frame_of(arrays):
    import pandas as pd

    y, _, d, Z = arrays
    n = len(y)
    columns = {"id": np.arange(n), "year": 0, "y": y, "d1": d[:, 0]}
    columns |= {f"z{j + 1}": Z[:, j] for j in range(Z.shape[1])}
    return pd.DataFrame(columns)


@pytest.mark.slow
@pytest.mark.parametrize("pi", [0.0, 0.05])
def test_anderson_rubin_keeps_its_size_when_instruments_are_weak(pi):
    rng, reps = np.random.default_rng(20240101), 1000
    ar = wald = 0
    for _ in range(reps):
        panel = as_panel(frame_of(weak_design(rng, pi=pi)))
        fit = fitted(md.IV2SLS(formula="y ~ 1 + [d1 ~ z1 + z2 + z3]", cov=md.Robust("HC3")), panel)
        ar += 0.0 not in fit.anderson_rubin()
        wald += fit.pvalues["d1"] < 0.05
    band = 3.29 * np.sqrt(0.05 * 0.95 / reps)
    assert abs(ar / reps - 0.05) < band
    assert wald / reps > 0.15  # the t test does not


@pytest.mark.slow
def test_fuller_is_nearly_unbiased_and_2sls_is_not():
    # Hahn, Hausman and Kuersteiner (2004), Econometrics Journal 7, 272-306: with many instruments
    # of moderate strength Fuller(1) is nearly unbiased, 2SLS is pulled towards OLS.
    from migdev.kernels.iv.basis import iv_basis
    from migdev.kernels.iv.kclass import kclass, liml_kappa

    rng, reps, n, q = np.random.default_rng(7), 2000, 200, 12
    found = np.empty((reps, 3))
    for r in range(reps):
        Z = rng.standard_normal((n, q))
        e = rng.standard_normal((n, 2))
        v = 0.8 * e[:, 0] + 0.6 * e[:, 1]
        d = 0.12 * Z.sum(axis=1) + v
        b = iv_basis(e[:, 0], np.ones((n, 1)), d[:, None], Z)
        kappa = liml_kappa(b)
        for c, k in enumerate((1.0, kappa, kappa - 1 / (n - q - 1))):
            found[r, c] = kclass(b, k).params[-1]
    mean, se = found.mean(axis=0), found.std(axis=0) / np.sqrt(reps)
    assert mean[0] > 0.1
    assert abs(mean[2]) < max(0.01, 4 * se[2])
    assert abs(np.median(found[:, 1])) < 0.02  # LIML is median unbiased


@pytest.mark.slow
def test_overidentification_tests_keep_their_size():
    rng, reps = np.random.default_rng(11), 1000
    names = ("sargan", "hansen_j", "wooldridge_overid")
    rejected = dict.fromkeys(names, 0)
    for _ in range(reps):
        panel = as_panel(frame_of(weak_design(rng, n=300, pi=0.6, rho=0.5)))
        spec = md.IV2SLS(formula="y ~ 1 + [d1 ~ z1 + z2 + z3]", cov=md.Robust("HC1"))
        stats_ = fitted(spec, panel).stats
        for name in names:
            rejected[name] += stats_[name].pvalue < 0.05
    band = 3.29 * np.sqrt(0.05 * 0.95 / reps)
    assert abs(rejected["hansen_j"] / reps - 0.05) < band
    assert abs(rejected["wooldridge_overid"] / reps - 0.05) < band
    assert rejected["sargan"] / reps > 0.05 + band  # heteroskedasticity spoils it
