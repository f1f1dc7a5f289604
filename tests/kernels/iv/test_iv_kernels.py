"""The algebra behind instrumental variables against formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

from migdev.errors import IdentificationError
from migdev.kernels.iv import strength as weak_iv
from migdev.kernels.iv.anderson_rubin import ar_set, ar_statistic
from migdev.kernels.iv.basis import iv_basis, orthonormal
from migdev.kernels.iv.gmm import continuously_updated, gmm, polarised, root
from migdev.kernels.iv.kclass import kclass, leverage_2sls, liml_kappa
from migdev.kernels.iv.stock_yogo import stock_yogo


def data(seed=0, n=120, p=2, q=4, strength=0.5):
    rng = np.random.default_rng(seed)
    X1 = np.column_stack([np.ones(n), rng.standard_normal((n, 2))])
    Z = rng.standard_normal((n, q)) + 0.3 * X1[:, 1:2]
    common = rng.standard_normal(n)
    X2 = strength * Z @ rng.standard_normal((q, p)) + common[:, None] + rng.standard_normal((n, p))
    y = X1 @ [1, 2, -1] + X2.sum(axis=1) + common * np.exp(0.3 * Z[:, 0]) + rng.standard_normal(n)
    return y, X1, X2, Z


def projector(A):
    return A @ np.linalg.pinv(A)


@pytest.mark.parametrize("kappa", [0.0, 0.7, 1.0, 1.02])
def test_kclass_is_its_formula(kappa):
    y, X1, X2, Z = data()
    X, W = np.column_stack([X1, X2]), np.column_stack([X1, Z])
    M = np.eye(len(y)) - projector(W)
    A = X.T @ (np.eye(len(y)) - kappa * M)
    fit = kclass(iv_basis(y, X1, X2, Z), kappa)
    assert_allclose(fit.params, np.linalg.solve(A @ X, A @ y), rtol=1e-10)
    assert_allclose(fit.bread, np.linalg.inv(A @ X), rtol=1e-9)
    assert_allclose(fit.projected, projector(W) @ X, atol=1e-11)
    assert_allclose(fit.resid, y - X @ fit.params, atol=1e-12)


def test_leverage_maps_y_to_fitted_values():
    y, X1, X2, Z = data()
    basis = iv_basis(y, X1, X2, Z)
    X, Xhat = basis.X, projector(np.column_stack([X1, Z])) @ basis.X
    H = X @ np.linalg.solve(Xhat.T @ Xhat, Xhat.T)
    assert_allclose(leverage_2sls(kclass(basis), basis), np.diagonal(H), atol=1e-12)


def test_liml_kappa_minimises_the_variance_ratio():
    y, X1, X2, Z = data()
    W = np.column_stack([X1, Z])
    Y = np.column_stack([y, X2])
    M1, MW = np.eye(len(y)) - projector(X1), np.eye(len(y)) - projector(W)
    roots = np.linalg.eigvals(np.linalg.solve(Y.T @ MW @ Y, Y.T @ M1 @ Y))
    kappa = liml_kappa(iv_basis(y, X1, X2, Z))
    assert kappa == pytest.approx(roots.real.min(), rel=1e-11)
    fit = kclass(iv_basis(y, X1, X2, Z), kappa)
    u = fit.resid  # the ratio of restricted and unrestricted sums of squares at the estimate
    ratio = (u @ M1 @ u) / (u @ MW @ u)
    assert ratio == pytest.approx(kappa, rel=1e-11)


def test_liml_kappa_is_one_under_exact_identification():
    y, X1, X2, Z = data(q=2)
    assert liml_kappa(iv_basis(y, X1, X2, Z)) == 1.0


def test_liml_without_residual_variation_is_an_error():
    y, X1, X2, Z = data(n=9, q=4)
    with pytest.raises(IdentificationError, match="LIML is not defined"):
        liml_kappa(iv_basis(y, X1, X2, Z))


def test_a_singular_k_class_is_an_error():
    y, X1, X2, Z = data(p=1)
    basis = iv_basis(y, X1, X2, Z)
    singular = 1 + float(basis.A[:, 0] @ basis.A[:, 0]) / float(basis.V[:, 0] @ basis.V[:, 0])
    with pytest.raises(IdentificationError, match="singular"):
        kclass(basis, singular)


def test_large_problems_are_as_orthonormal():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((40_000, 25))
    W[:, 1] = W[:, 0] + 1e-5 * W[:, 1]  # ill-conditioned, and badly scaled
    W *= 10.0 ** rng.integers(-6, 6, 25)
    Q, R = orthonormal(W)
    assert_allclose(Q.T @ Q, np.eye(25), atol=1e-13)
    assert_allclose(Q @ R / np.abs(W).max(axis=0), W / np.abs(W).max(axis=0), atol=1e-13)
    assert_allclose(np.tril(R, -1), 0)


def test_the_basis_keeps_its_promises():
    y, X1, X2, Z = data()
    b = iv_basis(y, X1, X2, Z)
    assert_allclose(b.Q @ b.R, np.column_stack([X1, Z]), atol=1e-12)
    V = np.column_stack([np.zeros_like(X1), b.V])
    assert_allclose(b.Q @ b.C + V, b.X, atol=1e-12)
    assert_allclose(b.Q @ b.b + b.v, y, atol=1e-12)
    assert_allclose(b.Q.T @ np.column_stack([b.V, b.v]), 0, atol=1e-13)
    W = np.column_stack([X1, Z])
    assert_allclose(b.first_stage(), np.linalg.lstsq(W, X2, rcond=None)[0], rtol=1e-9)
    assert_allclose(b.reduced_form(), np.linalg.lstsq(W, y, rcond=None)[0], rtol=1e-9)
    assert_allclose(b.instrument_bread(), np.linalg.inv(W.T @ W), rtol=1e-9)


# ---------------------------------------------------------------------- GMM


def white(Q):
    return lambda u: Q.T @ (Q * (u**2)[:, None])


def test_two_step_gmm_is_its_formula():
    y, X1, X2, Z = data()
    X, W = np.column_stack([X1, X2]), np.column_stack([X1, Z])
    b = iv_basis(y, X1, X2, Z)
    fit = gmm(b, white(b.Q), 2)
    u = y - X @ np.linalg.lstsq(projector(W) @ X, y, rcond=None)[0]
    S = W.T @ (W * (u**2)[:, None])
    A = X.T @ W @ np.linalg.inv(S) @ W.T
    params = np.linalg.solve(A @ X, A @ y)
    assert_allclose(fit.params, params, rtol=1e-9)
    g = W.T @ (y - X @ params)
    assert fit.j == pytest.approx(g @ np.linalg.solve(S, g), rel=1e-9)


def test_iterated_gmm_is_a_fixed_point():
    b = iv_basis(*data())
    fit = gmm(b, white(b.Q), 0)
    from migdev.kernels.iv.gmm import gmm_step

    again, _ = gmm_step(b, white(b.Q)(fit.resid))
    assert_allclose(again, fit.params, rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_continuous_updating_reaches_the_minimum(seed):
    y, X1, X2, Z = data(seed, strength=0.3)
    b = iv_basis(y, X1, X2, Z)
    fit = continuously_updated(b, white(b.Q), gmm(b, white(b.Q), 2).params)

    def objective(beta):
        u = y - b.X @ beta
        g = b.Q.T @ u
        return g @ np.linalg.solve(white(b.Q)(u), g)

    assert fit.j == pytest.approx(objective(fit.params), rel=1e-10)
    scale = np.sqrt(np.diagonal(np.linalg.inv(b.C.T @ fit.loading)))
    steps = 1e-3 * scale * np.eye(len(fit.params))
    slopes = [(objective(fit.params + s) - objective(fit.params - s)) / 2e-3 for s in steps]
    assert_allclose(slopes, 0, atol=1e-5)
    other = optimize.minimize(objective, fit.params + 0.3 * scale, method="Nelder-Mead")
    assert other.fun >= fit.j - 1e-9


def test_polarised_blocks_rebuild_the_form():
    rng = np.random.default_rng(1)
    Q, U, g = rng.standard_normal((50, 3)), rng.standard_normal((50, 3)), rng.standard_normal(3)
    blocks = polarised(white(Q), U)
    assert_allclose(np.einsum("i,j,ijab->ab", g, g, blocks), white(Q)(U @ g), rtol=1e-11)


def test_a_singular_covariance_of_moments_is_an_error():
    with pytest.raises(IdentificationError, match="3 moments has rank 1"):
        root(np.ones((3, 3)))


# ---------------------------------------------------------------------- strength


def test_rank_statistics_with_one_regressor_are_the_first_stage():
    b = iv_basis(*data(p=1))
    df = b.nobs - b.Q.shape[1]
    A, V = b.A[:, 0], b.V[:, 0]
    F = (A @ A) / (V @ V) * df / b.q
    assert weak_iv.cragg_donald(b, df) == pytest.approx(F, rel=1e-12)
    d = weak_iv.least_explained(b)
    assert d.correlation**2 == pytest.approx(weak_iv.partial_r2(b)[0], rel=1e-12)
    assert d.loading @ d.loading / (d.residual @ d.residual) * df / b.q == pytest.approx(F)
    assert weak_iv.shea_r2(b) == pytest.approx(weak_iv.partial_r2(b))


def test_cragg_donald_is_the_smallest_eigenvalue():
    y, X1, X2, Z = data(p=3, q=5)
    b = iv_basis(y, X1, X2, Z)
    M1 = np.eye(len(y)) - projector(X1)
    MW = np.eye(len(y)) - projector(np.column_stack([X1, Z]))
    df = len(y) - 8
    G = np.linalg.solve(X2.T @ MW @ X2 / df, X2.T @ (M1 - MW) @ X2) / 5
    assert weak_iv.cragg_donald(b, df) == pytest.approx(np.linalg.eigvals(G).real.min(), rel=1e-9)
    r = weak_iv.least_explained(b).correlation
    assert weak_iv.cragg_donald(b, df) == pytest.approx(r**2 / (1 - r**2) * df / 5, rel=1e-10)


def test_conditional_first_stage_is_2sls_of_one_on_the_others():
    y, X1, X2, Z = data(p=3, q=5)
    b = iv_basis(y, X1, X2, Z)
    W = np.column_stack([X1, Z])
    for j in range(3):
        others = np.column_stack([X1, np.delete(X2, j, axis=1)])
        delta = np.linalg.lstsq(projector(W) @ others, X2[:, j], rcond=None)[0]
        e = X2[:, j] - others @ delta
        value, resid = weak_iv.conditional_residual(b, j)
        assert_allclose(b.Q2.T @ e, value, atol=1e-10)
        assert_allclose(e - projector(W) @ e, resid, atol=1e-10)


# Critical values of weakivtest (Pflueger and Wang 2015, Stata Journal 15, 216-225) for one
# instrument, where the effective degrees of freedom are 1 and the bias attains its bound, by
# x = 1/tau; weakivtest takes 1/0.3 as 3.33.
ONE_INSTRUMENT = {20: 37.418, 10: 23.109, 5: 15.062, 3.33: 12.039}


@pytest.mark.parametrize(("x", "value"), ONE_INSTRUMENT.items())
def test_effective_f_with_one_instrument(x, value):
    b = iv_basis(*data(p=1, q=1))
    one = np.ones((1, 1))
    fit = weak_iv.effective_f(b, 2 * one, 0.5 * one, 3 * one)
    assert fit.bias == pytest.approx(1, abs=1e-9)
    cut, k = fit.critical_value(1 / x)
    assert k == pytest.approx(1)
    assert cut == pytest.approx(value, abs=6e-4)  # three decimals printed


@pytest.mark.parametrize("seed", range(5))
def test_nagar_bias_is_maximal(seed):
    rng = np.random.default_rng(seed)
    q = 4
    B = rng.standard_normal((2 * q, 2 * q + 3))
    W = B @ B.T
    W1, W12, W2 = W[:q, :q], W[:q, q:], W[q:, q:]
    fit = weak_iv.effective_f(iv_basis(*data(p=1, q=q)), W1, W12, W2)

    def ratio(beta):
        S12 = (W12 + W12.T) / 2 - beta * W2
        S1 = W1 - beta * (W12 + W12.T) + beta**2 * W2
        e = np.linalg.eigvalsh(S12)
        t = np.trace(S12)
        worst = max(abs(t - 2 * e[0]), abs(t - 2 * e[-1]))
        return worst / np.sqrt(np.trace(S1) * np.trace(W2))

    grid = np.concatenate([np.tan(np.linspace(-1.57, 1.57, 1001)), [1e9, -1e9]])
    assert max(map(ratio, grid)) <= fit.bias * (1 + 1e-9)
    assert max(map(ratio, grid)) == pytest.approx(fit.bias, rel=1e-4)
    assert fit.bias <= 1 + 1e-12


def test_two_equally_good_instruments_have_no_nagar_bias():
    fit = weak_iv.effective_f(iv_basis(*data(p=1, q=2)), np.eye(2), 0.3 * np.eye(2), np.eye(2))
    assert fit.bias == pytest.approx(0, abs=1e-12)
    assert fit.critical_value(0.1)[0] == pytest.approx(stats.chi2.isf(0.05, 2) / 2)


@pytest.mark.parametrize(("p", "df", "nc"), [(0.95, 1, 10), (0.95, 2.4, 51.3), (0.99, 30, 900.0)])
def test_noncentral_quantile(p, df, nc):
    x = weak_iv.noncentral_chi2_quantile(p, df, nc)
    assert stats.ncx2.cdf(x, df, nc) == pytest.approx(p, abs=1e-9)


def test_stock_yogo_tables():
    assert stock_yogo("tsls bias", 1, 3) == {
        "5% bias": 13.91, "10% bias": 9.08, "20% bias": 6.46, "30% bias": 5.39,
    }  # fmt: skip
    assert stock_yogo("tsls size", 1, 1)["10% size"] == 16.38
    assert stock_yogo("tsls size", 2, 2)["10% size"] == 7.03
    assert stock_yogo("tsls size", 1, 30)["25% size"] == 23.65
    assert stock_yogo("liml size", 2, 3)["10% size"] == 5.44
    assert stock_yogo("fuller bias", 1, 2)["5% bias"] == 13.46
    assert stock_yogo("tsls bias", 1, 2) == {}
    assert stock_yogo("tsls bias", 4, 9) == {}
    assert stock_yogo("tsls size", 1, 31) == {}


# ---------------------------------------------------------------------- the Anderson-Rubin set


def joint(rng, q, strength):
    B = rng.standard_normal((2 * q, 2 * q + 2))
    S = B @ B.T / (2 * q)
    V = np.array(
        [[S[:q, :q], (S[:q, q:] + S[q:, :q]) / 2], [(S[:q, q:] + S[q:, :q]) / 2, S[q:, q:]]]
    )
    pi_d = strength * rng.standard_normal(q)
    return 0.7 * pi_d + rng.standard_normal(q), pi_d, V


@pytest.mark.parametrize("q", [1, 2, 5])
@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("seed", range(6))
def test_the_set_is_where_the_test_accepts(q, strength, seed):
    pi_y, pi_d, V = joint(np.random.default_rng(seed), q, strength)
    critical = stats.chi2.isf(0.05, q)
    pieces = ar_set(pi_y, pi_d, V, critical)
    grid = np.tan(np.linspace(-1.5705, 1.5705, 20001))
    accepted = ar_statistic(grid, pi_y, pi_d, V) <= critical
    inside = np.zeros(len(grid), dtype=bool)
    for low, high in pieces:
        inside |= (grid >= low) & (grid <= high)
    assert (accepted == inside).all()
    for low, high in pieces:
        for end in (low, high):
            if np.isfinite(end):
                at = ar_statistic(np.array([end]), pi_y, pi_d, V)[0]
                assert at == pytest.approx(critical, rel=1e-8)


def test_one_instrument_gives_fieller():
    pi_y, pi_d, V = (
        np.array([2.0]),
        np.array([3.0]),
        np.array([[[[0.5]], [[0.1]]], [[[0.1]], [[0.4]]]]),
    )
    c = stats.chi2.isf(0.05, 1)
    a, b, k = 9 - c * 0.4, -2 * (6 - c * 0.1), 4 - c * 0.5
    roots = np.sort(np.roots([a, b, k]))
    assert_allclose(ar_set(pi_y, pi_d, V, c), [roots], rtol=1e-10)


def test_the_set_can_be_empty_or_the_line():
    V = np.array([[np.eye(2), np.zeros((2, 2))], [np.zeros((2, 2)), np.eye(2)]])
    assert ar_set(np.array([9.0, 0]), np.array([0, 9.0]), V, 5.99) == ()
    assert ar_set(np.array([0.1, 0]), np.array([0, 0.1]), V, 5.99) == ((-np.inf, np.inf),)
    pieces = ar_set(np.array([3.0, 0]), np.array([1.0, 0.0]), V, 5.99)
    assert len(pieces) == 2
    assert pieces[0][0] == -np.inf
    assert pieces[1][1] == np.inf


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_set_moves_with_the_units(unit):
    pi_y, pi_d, V = joint(np.random.default_rng(3), 3, 3.0)
    V = V.copy()
    plain = np.array(ar_set(pi_y, pi_d, V, 7.8))
    V[0, 0] *= unit**2
    V[0, 1] *= unit
    V[1, 0] *= unit
    assert_allclose(np.array(ar_set(pi_y * unit, pi_d, V, 7.8)) / unit, plain, rtol=1e-9)
