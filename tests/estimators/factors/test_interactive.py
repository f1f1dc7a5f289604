"""Interactive fixed effects: the optimum, its covariance, and Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

import migdev as md
from migdev.errors import ConvergenceWarning, IdentificationError, PanelError, SpecificationError
from migdev.kernels.factors.interactive import (
    bias,
    demeaned,
    factor_criteria,
    interactive_effects,
    principal_components,
)
from tests.panels import matrix_panel


def _data(rng, N=40, T=30, r=2, k=2, skew=False):
    F, L = rng.standard_normal((T, r)), rng.standard_normal((N, r)) + 1
    X = rng.standard_normal((N, T, k))
    X += 0.5 * (L @ F.T)[:, :, None] + 0.5 * F.sum(axis=1)[None, :, None]
    e = rng.standard_normal((N, T))
    if skew:
        e *= rng.uniform(0.3, 2, (N, 1))
    Y = X @ np.linspace(1, 2, k) + L @ F.T + e
    return Y, X


def _panel(Y, X):
    return matrix_panel(y=Y, **{f"x{j + 1}": X[:, :, j] for j in range(X.shape[2])})


def test_the_optimum_is_that_of_a_general_optimiser():
    Y, X = _data(np.random.default_rng(0))
    fit = interactive_effects(Y, X, 2)
    assert fit.converged

    def objective(b):
        s = np.linalg.svd(Y - X @ b, compute_uv=False)
        return np.sum(s[2:] ** 2)

    best = optimize.minimize(objective, np.array([0.5, 2.5]), method="Nelder-Mead",
                             options={"xatol": 1e-10, "fatol": 1e-10, "maxiter": 4000})  # fmt: skip
    assert_allclose(fit.params, best.x, rtol=1e-6)
    assert_allclose(np.sum(fit.resid**2), best.fun, rtol=1e-10)
    T = Y.shape[1]
    assert_allclose(fit.factors.T @ fit.factors / T, np.eye(2), atol=1e-10)
    assert_allclose(np.einsum("ntk,tr->nkr", fit.Z, fit.factors), 0, atol=1e-7)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_principal_components_are_the_svd(shape):
    W = np.random.default_rng(1).standard_normal(shape)
    F, L, values = principal_components(W, 3)
    u, s, v = np.linalg.svd(W, full_matrices=False)
    assert_allclose(L @ F.T, u[:, :3] * s[:3] @ v[:3], atol=1e-9)
    assert_allclose(values[:5], s[:5] ** 2 / W.size, rtol=1e-9)


def test_spec_takes_out_effects_and_corrects_bias():
    Y, X = _data(np.random.default_rng(2), skew=True)
    panel = _panel(Y + np.arange(40)[:, None], X)
    raw = md.InteractiveFixedEffects(formula="y ~ x1 + x2", factors=2, bias_correction=False).fit(
        panel
    )
    fit = md.InteractiveFixedEffects(formula="y ~ x1 + x2", factors=2).fit(panel)
    Yd, Xd = demeaned(Y, ("entity",)), demeaned(X, ("entity",))
    kernel = interactive_effects(Yd, Xd, 2)
    assert_allclose(raw.params, kernel.params, rtol=1e-7)
    assert_allclose(fit.params, kernel.params - sum(bias(Xd, kernel)), rtol=1e-7)
    Z, e = kernel.Z.reshape(-1, 2), kernel.resid.reshape(-1)
    inverse = np.linalg.inv(Z.T @ Z)
    hc0 = inverse @ ((Z * (e**2)[:, None]).T @ Z) @ inverse
    df = 1200 - 2 - 2 * (40 + 30 - 2) - 40
    assert fit.df_resid == df
    assert_allclose(fit.cov, hc0 * 1200 / df, rtol=1e-6)
    clustered = fit.with_cov(md.Clustered("entity"))
    assert (clustered.std_errors > 0).all()
    assert fit.factors.shape == (30, 2)
    assert list(fit.loadings.index[:2]) == [0, 1]


def test_bias_terms_by_loops():
    Y, X = _data(np.random.default_rng(3), N=8, T=10, r=1, k=1, skew=True)
    fit = interactive_effects(Y, X, 1)
    N, T = Y.shape
    F, L, e = fit.factors, fit.loadings, fit.resid
    G = np.linalg.inv(L.T @ L / N)
    M = np.eye(T) - F @ F.T / T
    D = B = C = 0.0
    omega = np.diag((e**2).mean(axis=0))
    for i in range(N):
        V = sum(L[i] @ G @ L[k] * X[k] for k in range(N)) / N
        Z = M @ X[i] - sum(L[i] @ G @ L[k] * M @ X[k] for k in range(N)) / N
        D = D + Z.T @ Z / (N * T)
        B = B - ((X[i] - V).T @ F / T) @ G @ L[i] * np.mean(e[i] ** 2) / N
        C = C - X[i].T @ M @ omega @ F @ G @ L[i] / (N * T)
    b, c = bias(X, fit)
    assert_allclose(b, np.linalg.solve(D, B) / N, rtol=1e-8)
    assert_allclose(c, np.linalg.solve(D, C) / T, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("criterion", ["IC_p1", "IC_p2", "ER", "GR"])
def test_number_of_factors_is_found(criterion):
    Y, X = _data(np.random.default_rng(4), N=60, T=60, r=3)
    fit = md.InteractiveFixedEffects(
        formula="y ~ x1 + x2", factors=criterion, max_factors=6, effects=()
    ).fit(_panel(Y, X))
    assert fit.stats["factors"] == 3
    noise = np.random.default_rng(5).standard_normal((60, 60))
    assert factor_criteria(noise, 5)[criterion] == 0


def test_refusals(grunfeld, monkeypatch):
    formula = "inv ~ value + capital"
    gaps = grunfeld.where("firm != 1 or year > 1940")
    with pytest.raises(PanelError, match="'ER' compares eigenvalues"):
        md.InteractiveFixedEffects(formula=formula, factors="ER").fit(gaps)
    with pytest.raises(IdentificationError, match="5 factors are too many"):
        md.InteractiveFixedEffects(formula=formula, factors=5).fit(grunfeld)
    fixed = grunfeld.assign(size=grunfeld["firm"].to_numpy(dtype=float))
    with pytest.raises(IdentificationError, match="size is collinear or absorbed"):
        md.InteractiveFixedEffects(formula="inv ~ value + size").fit(fixed)
    for bad in (
        {"factors": 0},
        {"factors": "AIC"},
        {"effects": ("firm",)},
        {"max_factors": 0},
        {"max_starts": 0},
    ):
        with pytest.raises(SpecificationError, match=next(iter(bad))):
            md.InteractiveFixedEffects(formula=formula, **bad)
    import migdev.estimators.factors.interactive as module

    monkeypatch.setattr(
        module, "interactive_effects", lambda Y, X, r: interactive_effects(Y, X, r, max_iter=2)
    )
    with pytest.warns(ConvergenceWarning, match="coefficients still move"):
        md.InteractiveFixedEffects(formula=formula).fit(grunfeld)


@pytest.mark.slow
def test_unbiased_with_right_size():
    """N = T = 40, one factor correlated with x, skedastic over entities, 300 draws."""
    rng, reps = np.random.default_rng(6), 300
    estimates, rejected = [], 0
    for _ in range(reps):
        Y, X = _data(rng, N=40, T=40, r=1, k=1, skew=True)
        fit = md.InteractiveFixedEffects(formula="y ~ x1", factors=1, effects=()).fit(_panel(Y, X))
        estimates.append(fit.params["x1"])
        rejected += fit.pvalue("x1", null=1.0) < 0.05
    error = np.std(estimates) / np.sqrt(reps)
    assert abs(np.mean(estimates) - 1) < 4 * error
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps)
