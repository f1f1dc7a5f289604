"""The exponent of dependence step by step, and where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from migdev import diagnostics
from migdev.errors import IdentificationError, PanelError, SpecificationError
from tests.panels import matrix_panel


def _panel(X):
    return matrix_panel(x=X)


def _by_steps(X, pca, size):
    """xtcse2's steps, variable periods x entities."""
    x = (X - X.mean(axis=1, keepdims=True)).T
    T, N = x.shape
    bar = x.mean(axis=1)
    s2 = np.sum((bar - bar.mean()) ** 2) / (T - 1)
    hat = 1 + 0.5 * np.log(s2) / np.log(N)
    u, s, v = np.linalg.svd(x, full_matrices=False)
    e = (x - (u[:, :pca] * s[:pca]) @ v[:pca]).mean(axis=1)
    c = np.sum((np.sqrt(N) * (e - e.mean())) ** 2) / (T - 1)
    tilde = hat - c / (2 * np.log(N) * N * s2)
    Z = np.column_stack([np.ones(T), bar])
    t = []
    for i in range(N):
        b, rss, *_ = np.linalg.lstsq(Z, x[:, i], rcond=None)
        se = np.sqrt(rss[0] / (T - 2) * np.linalg.inv(Z.T @ Z)[1, 1])
        t.append(abs(b[1] / se))
    chosen = []
    for j, i in enumerate(np.argsort(t)[::-1]):
        if t[i] < norm.ppf(1 - size / (N - j) / 2):
            break
        chosen.append(i)
    alpha = tilde - 0.5 * np.log(np.var(x[:, chosen].mean(axis=1))) / np.log(N)
    p = int(np.ceil(T ** (1 / 3)))
    unit = bar / bar.std(ddof=1)
    q = unit**2 - np.mean(unit**2)
    W = np.column_stack([q[p - j : T - j] for j in range(1, p + 1)])
    b, rss, *_ = np.linalg.lstsq(W, q[p:], rcond=None)
    lrv = rss[0] / (T - p) / (1 - b.sum()) ** 2
    slope = x.T @ unit / (unit @ unit)
    n = min(N, round(N**alpha))
    top = slope[np.argsort(np.abs(slope))[::-1][:n]]
    spread = np.sum((top - top.mean()) ** 2) / (n - 1)
    mu = np.var(x[:, chosen].mean(axis=1))
    both = [np.sqrt(lrv / T + 4 / N * N ** (1 - alpha) * spread / m) for m in (mu, 1.0)]
    return hat, tilde, alpha, *(b / (2 * np.log(N)) for b in both), len(chosen)


def _draw(rng, N, T, alpha):
    f = np.zeros(T)
    for t in range(1, T):
        f[t] = 0.5 * f[t - 1] + np.sqrt(0.75) * rng.standard_normal()
    loadings = np.zeros((N, 1))
    reached = round(N**alpha)
    loadings[:reached, 0] = rng.uniform(0.5, 1.5, reached)
    return rng.permutation(loadings) * f + rng.standard_normal((N, T))


@pytest.mark.parametrize(("N", "T"), [(30, 50), (60, 40)])
def test_by_steps(N, T):
    X = _draw(np.random.default_rng(N), N, T, 0.8)
    fit = diagnostics.dependence_exponent(_panel(X), "x", factors=2)
    expected = _by_steps(X, 2, 0.1)
    stata = diagnostics.dependence_exponent(_panel(X), "x", factors=2, convention="xtcse2")
    got = [fit.raw, fit.adjusted, fit.alpha, fit.std_error, stata.std_error, fit.selected]
    assert_allclose(got, expected, rtol=1e-8)
    low, high = fit.interval(0.9)
    assert_allclose([low, high], fit.alpha + np.array([-1, 1]) * norm.ppf(0.95) * fit.std_error)
    assert f"{fit.alpha:.4f}" in str(fit)


def test_units_do_not_matter():
    X = _draw(np.random.default_rng(2), 30, 60, 0.9)
    one = diagnostics.dependence_exponent(_panel(X), "x")
    other = diagnostics.dependence_exponent(_panel(1e4 * X + 7), "x")
    assert_allclose([one.alpha, one.std_error], [other.alpha, other.std_error], rtol=1e-8)
    scaled = X * np.geomspace(1, 100, 30)[:, None]
    a = diagnostics.dependence_exponent(_panel(scaled), "x", standardize=True)
    b = diagnostics.dependence_exponent(_panel(X), "x", standardize=True)
    assert_allclose(a.alpha, b.alpha, rtol=1e-8)


def test_refusals(grunfeld):
    run = diagnostics.dependence_exponent
    with pytest.raises(PanelError, match=r"or use missing='em'.*balanced part holds 9 of 10"):
        run(grunfeld.where("firm != 2 or year > 1940"), "inv")
    for bad in (
        {"factors": 0},
        {"missing": "fill"},
        {"factors": 10},
        {"level": 0.0},
        {"convention": "x"},
    ):
        with pytest.raises(SpecificationError, match=next(iter(bad))):
            run(grunfeld, "inv", **bad)
    with pytest.raises(SpecificationError, match="level=95"):
        run(grunfeld, "inv").interval(95)
    X = np.random.default_rng(1).standard_normal((20, 30))
    with pytest.raises(IdentificationError, match="every period"):
        run(_panel(X - X.mean(axis=0)), "x")
    with pytest.raises(IdentificationError, match="constant: '3'"):
        run(_panel(np.where(np.arange(20)[:, None] == 3, 1.0, X)), "x")


def test_filled_cells_by_imputation():
    """The EM algorithm by loops: components of the filled matrix, until nothing moves."""
    rng = np.random.default_rng(3)
    X = _draw(rng, 30, 60, 0.9)
    seen = rng.random(X.shape) > 0.15
    panel = _panel(np.where(seen, X, np.nan))
    fit = diagnostics.dependence_exponent(panel, "x", factors=1, missing="em")
    Z = np.where(seen, X, 0.0)
    Z = np.where(seen, X - Z.sum(axis=1, keepdims=True) / seen.sum(axis=1, keepdims=True), 0.0)
    W = Z.copy()
    for _ in range(500):
        u, s, v = np.linalg.svd(W, full_matrices=False)
        W = np.where(seen, Z, s[0] * np.outer(u[:, 0], v[0]))
    raw, adjusted, alpha, *_ = _by_steps(W, 1, 0.1)
    assert_allclose([fit.raw, fit.adjusted, fit.alpha], [raw, adjusted, alpha], rtol=1e-7)
    assert f"{1 - seen.mean():.0%} of cells filled" in fit.note
    whole = diagnostics.dependence_exponent(_panel(X), "x", factors=1, missing="em")
    assert whole == diagnostics.dependence_exponent(_panel(X), "x", factors=1)
    early = (np.arange(30) < 15)[:, None] == (np.arange(60) < 30)
    with pytest.raises(IdentificationError, match="overlap too little for 1 components"):
        diagnostics.dependence_exponent(
            _panel(np.where(early, X, np.nan)), "x", factors=1, missing="em"
        )


@pytest.mark.slow
def test_filled_panels_find_the_truth():
    """N = 100, T = 100, a fifth of the cells missing, 100 draws."""
    rng, found = np.random.default_rng(24), []
    for _ in range(100):
        X = _draw(rng, 100, 100, 0.85)
        X[rng.random(X.shape) < 0.2] = np.nan
        found.append(diagnostics.dependence_exponent(_panel(X), "x", missing="em").alpha)
    print(np.mean(found), np.std(found))
    assert abs(np.mean(found) - 0.85) < 0.03, np.mean(found)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.7, 0.85, 1.0])
def test_finds_the_truth(alpha):
    """N = 100, T = 100, 200 draws: mean within 0.03 of the truth, intervals cover it."""
    rng, reps = np.random.default_rng(23), 200
    found, covered = [], 0
    for _ in range(reps):
        fit = diagnostics.dependence_exponent(_panel(_draw(rng, 100, 100, alpha)), "x")
        found.append(fit.alpha)
        low, high = fit.interval()
        covered += low <= alpha <= high
    print(alpha, np.mean(found), np.std(found), covered / reps)
    assert abs(np.mean(found) - alpha) < 0.03, np.mean(found)
    assert covered / reps > 0.85, covered / reps
