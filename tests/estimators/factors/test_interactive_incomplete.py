"""Interactive effects where cells are missing: the optimum by brute force, reduction to balanced
panels, the tangent space by dummies, guards, and Monte Carlo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    ConvergenceWarning,
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
)
from migdev.kernels.factors.incomplete_factors import incomplete_effects, least_sums
from migdev.kernels.factors.incomplete_inference import incomplete_bias, incomplete_criteria
from migdev.kernels.factors.incomplete_pattern import free_directions, usable_part
from migdev.kernels.factors.interactive import bias, demeaned, factor_criteria, interactive_effects
from tests.panels import matrix_panel

EFFECTS = [(), ("entity",), ("time",), ("entity", "time")]


def _data(rng, N=40, T=30, r=2, k=2, noise=1.0):
    F, L = rng.standard_normal((T, r)), rng.standard_normal((N, r)) + 1
    X = rng.standard_normal((N, T, k))
    X += 0.5 * (L @ F.T)[:, :, None] + 0.5 * F.sum(axis=1)[None, :, None]
    Y = X @ np.arange(1, k + 1.0) + L @ F.T + noise * rng.standard_normal((N, T))
    return Y + rng.standard_normal((N, 1)) + rng.standard_normal(T), X


def _late(rng, N, T, shortest, share=0.1):
    """Entities that enter late, and holes at random."""
    seen = np.arange(T) >= rng.integers(0, T - shortest, N)[:, None]
    return seen & (rng.random((N, T)) > share)


def _panel(Y, X, seen):
    Y = np.where(seen, Y, np.nan)
    return matrix_panel(y=Y, **{f"x{j + 1}": X[:, :, j] for j in range(X.shape[2])})


def _alternating(Y, X, seen, effects, F, sweeps=3000):
    """Alternating least squares with a regression per entity and per period, by loops."""
    N, T, k = X.shape
    F, r, b = F.copy(), F.shape[1], np.zeros(k)
    L, a, x = np.zeros((N, r)), np.zeros(N), np.zeros(T)
    last = np.inf
    for _ in range(sweeps):
        W = Y - X @ b
        for i in range(N):
            at = seen[i]
            G = np.column_stack([F[at], np.ones((at.sum(), int("entity" in effects)))])
            c = np.linalg.lstsq(G, (W[i] - x)[at], rcond=None)[0]
            L[i], a[i] = c[:r], c[r] if "entity" in effects else 0.0
        for t in range(T):
            at = seen[:, t]
            G = np.column_stack([L[at], np.ones((at.sum(), int("time" in effects)))])
            c = np.linalg.lstsq(G, (W[:, t] - a)[at], rcond=None)[0]
            F[t], x[t] = c[:r], c[r] if "time" in effects else 0.0
        common = a[:, None] + x + L @ F.T
        b = np.linalg.lstsq(X[seen], (Y - common)[seen], rcond=None)[0]
        value = float(np.sum((Y - X @ b - common)[seen] ** 2))
        if last - value < 1e-13 * value:
            break
        last = value
    return b, value


@pytest.mark.parametrize("effects", EFFECTS)
def test_the_optimum_is_that_of_alternating_least_squares(effects):
    rng = np.random.default_rng(11)
    Y, X = _data(rng, N=14, T=11, r=1, noise=0.5)
    seen = rng.random(Y.shape) > 0.2
    fit = incomplete_effects(Y, X, seen, 1, effects)
    # Alternation often ends in a worse minimum; one start is near the factors that Newton found.
    starts = [rng.standard_normal((11, 1)) for _ in range(3)]
    starts.append(fit.factors + 0.2 * rng.standard_normal((11, 1)))
    runs = [_alternating(Y, X, seen, effects, F) for F in starts]
    params, value = min(runs, key=lambda run: run[1])
    assert fit.converged
    assert_allclose(np.sum(fit.resid**2), value, rtol=1e-9)
    assert_allclose(fit.params, params, rtol=2e-5)  # alternation stops short of the optimum
    T = Y.shape[1]
    common = fit.entity_effects[:, None] + fit.time_effects + fit.loadings @ fit.factors.T
    assert_allclose(np.where(seen, Y - X @ fit.params - common, 0), fit.resid, atol=1e-10)
    assert_allclose(fit.factors.T @ fit.factors / T, np.eye(1), atol=1e-12)
    if "entity" in effects:
        assert_allclose(fit.factors.sum(axis=0), 0, atol=1e-10)
    if "time" in effects:
        assert_allclose(fit.loadings.sum(axis=0), 0, atol=1e-10)


def test_what_is_missing_does_not_matter():
    rng = np.random.default_rng(12)
    Y, X = _data(rng)
    seen = _late(rng, *Y.shape, 10)
    one = incomplete_effects(Y, X, seen, 2, ("entity",))
    junk = np.where(seen, Y, 1e6)
    other = incomplete_effects(junk, np.where(seen[:, :, None], X, np.nan), seen, 2, ("entity",))
    assert_allclose(one.params, other.params, rtol=1e-9)


def test_imputation_stops_where_newton_does():
    """Fitted values put in the missing cells leave the balanced estimator where it is."""
    rng = np.random.default_rng(13)
    Y, X = _data(rng)
    seen = rng.random(Y.shape) > 0.3
    fit = incomplete_effects(Y, X, seen, 2, ("entity", "time"))
    common = fit.entity_effects[:, None] + fit.time_effects + fit.loadings @ fit.factors.T
    W = np.where(seen, Y - X @ fit.params, common)
    again = demeaned(W, ("entity", "time"))
    u, s, v = np.linalg.svd(again, full_matrices=False)
    filled = W - again + (u[:, :2] * s[:2]) @ v[:2]
    assert_allclose(filled, common, atol=1e-8)
    left = (Y - common)[seen]
    assert_allclose(np.linalg.lstsq(X[seen], left, rcond=None)[0], fit.params, rtol=1e-9)


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("shape", [(24, 15), (15, 24)])
def test_without_missing_cells_it_is_the_balanced_estimator(effects, shape):
    rng = np.random.default_rng(14)
    Y, X = _data(rng, *shape)
    Y += rng.standard_normal(shape) * np.linspace(0.1, 3, shape[0])[:, None]
    Y, X = Y - Y.mean(), X - X.mean(axis=(0, 1))
    whole = np.ones(shape, dtype=bool)
    fit = incomplete_effects(Y, X, whole, 2, effects)
    Xd = demeaned(X, effects)
    known = interactive_effects(demeaned(Y, effects), Xd, 2)
    assert_allclose(fit.params, known.params, rtol=1e-8)
    assert_allclose(fit.resid, known.resid, atol=1e-7)
    assert_allclose(fit.Z, known.Z, atol=1e-7)
    assert_allclose(fit.loadings @ fit.factors.T, known.loadings @ known.factors.T, atol=1e-7)
    scale = np.abs(fit.loadings.T @ fit.loadings).max()
    assert_allclose(fit.loadings.T @ fit.loadings, known.loadings.T @ known.loadings,
                    atol=1e-7 * scale)  # fmt: skip
    for mine, his in zip(incomplete_bias(fit, whole, effects), bias(Xd, known), strict=True):
        assert_allclose(mine, his, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("effects", EFFECTS)
def test_tangent_space_by_dummies(effects):
    rng = np.random.default_rng(15)
    Y, X = _data(rng, N=12, T=10, r=1, k=2)
    seen = rng.random(Y.shape) > 0.2
    fit = incomplete_effects(Y, X, seen, 1, effects)
    i, t = np.nonzero(seen)
    E, P = np.eye(12)[i], np.eye(10)[t]
    J = [E * fit.factors[t], P * fit.loadings[i]]
    J += [E] if "entity" in effects else []
    J += [P] if "time" in effects else []
    D = np.concatenate(J, axis=1)
    coef, _, rank, _ = np.linalg.lstsq(D, X[seen], rcond=1e-10)
    assert_allclose(fit.Z[seen], X[seen] - D @ coef, atol=1e-9)
    rho, kappa = int("entity" in effects), int("time" in effects)
    assert rank == 12 * (1 + rho) + 10 * (1 + kappa) - (1 + rho) * (1 + kappa)
    assert free_directions(seen, 1, bool(rho), bool(kappa)) == 0


def test_bias_terms_by_loops():
    rng = np.random.default_rng(16)
    Y, X = _data(rng, N=12, T=10, r=1, k=1)
    seen = rng.random(Y.shape) > 0.2
    fit = incomplete_effects(Y, X, seen, 1, ("entity",))
    F, L = fit.factors[:, 0], fit.loadings[:, 0]
    e, count = fit.resid, seen.sum(axis=1)
    sigma, omega = (e**2).sum(axis=1) / count, (e**2).sum(axis=0) / seen.sum(axis=0)
    B = C = 0.0
    for t in range(10):
        at = np.flatnonzero(seen[:, t])
        A = sum(L[i] ** 2 for i in at)
        S = sum(sigma[i] * L[i] ** 2 for i in at)
        for i in at:
            B -= fit.on_loadings[i, 0, 0] / A * (sigma[i] * L[i] - S / A * L[i])
    for i in range(12):
        at = np.flatnonzero(seen[i])
        G = np.column_stack([np.ones(len(at)), F[at]])
        A = np.linalg.inv(G.T @ G)
        S = (G * omega[at][:, None]).T @ G
        for g, t in zip(G, at, strict=True):
            C -= fit.on_factors[t, 0, 0] * (A @ (omega[t] * g - S @ A @ g))[1]
    meat = np.sum(fit.Z**2)
    b, c = incomplete_bias(fit, seen, ("entity",))
    assert_allclose([b[0], c[0]], [B / meat, C / meat], rtol=1e-8)
    # One variance for all: no bias.
    even = type(fit)(**{n: getattr(fit, n) for n in fit.__slots__} | {"resid": seen * 1.0})
    assert_allclose(incomplete_bias(even, seen, ("entity",)), 0, atol=1e-13)


def test_spec_on_an_unbalanced_panel():
    rng = np.random.default_rng(17)
    Y, X = _data(rng, N=50, T=30)
    seen = _late(rng, 50, 30, 12)
    panel = _panel(Y, X, seen)
    spec = md.InteractiveFixedEffects(formula="y ~ x1 + x2", factors=2)
    fit = spec.fit(panel)
    kernel = incomplete_effects(Y, X, seen, 2, ("entity",))
    corrected = kernel.params - sum(incomplete_bias(kernel, seen, ("entity",)))
    assert_allclose(fit.params, corrected, rtol=1e-9)
    Z, e = kernel.Z[seen], kernel.resid[seen]
    inverse = np.linalg.inv(Z.T @ Z)
    n = int(seen.sum())
    df = n - 2 - 2 * (50 + 30 - 2) - 50
    assert fit.df_resid == df
    assert_allclose(fit.cov, inverse @ ((Z * (e**2)[:, None]).T @ Z) @ inverse * n / df, rtol=1e-6)
    assert fit.stats["starts_at_minimum"] >= 3
    assert (fit.with_cov(md.Clustered("entity")).std_errors > 0).all()
    assert_allclose(fit.resids, e - X[seen] @ (corrected - kernel.params), atol=1e-7)
    raw = md.InteractiveFixedEffects(formula="y ~ x1 + x2", factors=2, bias_correction=False)
    assert_allclose(raw.fit(panel).params, kernel.params, rtol=1e-9)
    shuffled = panel.frame.sample(frac=1.0, random_state=1)
    again = spec.fit(md.Panel.from_frame(shuffled, entity="e", time="t"))
    assert_allclose(again.params, fit.params, rtol=1e-10)


def test_number_of_factors():
    rng = np.random.default_rng(18)
    Y, X = _data(rng, N=60, T=50, r=3)
    seen = rng.random(Y.shape) > 0.2
    fit = md.InteractiveFixedEffects(formula="y ~ x1 + x2", factors="IC_p2", max_factors=4,
                                     effects=("entity", "time"))  # fmt: skip
    assert fit.fit(_panel(Y, X, seen)).stats["factors"] == 3
    W = demeaned(rng.standard_normal((30, 40)) + np.outer(np.ones(30), np.arange(40)), ("time",))
    whole = np.ones(W.shape, dtype=bool)
    sums = least_sums(W, whole, 3, ())
    s = np.linalg.svd(W, compute_uv=False) ** 2
    assert_allclose(sums, [s[j:].sum() for j in range(4)], rtol=1e-5)  # stops at 1e-6
    mine, his = incomplete_criteria(sums, whole), factor_criteria(W, 3)
    assert mine == {"IC_p1": his["IC_p1"], "IC_p2": his["IC_p2"]}
    noise = rng.standard_normal((40, 30)), rng.standard_normal((40, 30, 1))
    none = _panel(*noise, rng.random((40, 30)) > 0.1)
    with pytest.raises(IdentificationError, match="IC_p2 finds no factor"):
        md.InteractiveFixedEffects(formula="y ~ x1", factors="IC_p2", effects=()).fit(none)


def test_entities_and_periods_that_say_nothing():
    rng = np.random.default_rng(19)
    Y, X = _data(rng, N=30, T=25)
    seen = rng.random(Y.shape) > 0.2
    spec = md.InteractiveFixedEffects(formula="y ~ x1 + x2", factors=2)
    base = spec.fit(_panel(Y, X, seen))
    Y, X = np.concatenate([Y, Y[:1] + 1]), np.concatenate([X, X[:1] * 2])
    seen = np.concatenate([seen, np.arange(25)[None, :] < 3])
    with pytest.warns(DroppedEntitiesWarning, match="1 of 31 entities.*2 factors.*: 30"):
        fit = spec.fit(_panel(Y, X, seen))
    assert_allclose(fit.params, base.params, rtol=1e-9)
    assert fit.df_resid == base.df_resid
    seen = seen[:30].copy()
    seen[:, 7] = np.arange(30) < 2
    with pytest.warns(DroppedRowsWarning, match="1 of 25 periods are left out.*: 7"):
        fit = spec.fit(_panel(Y[:30], X[:30], seen))
    assert len(fit.factors) == 24
    rows, columns = usable_part(np.eye(4, dtype=bool), 1, 1)
    assert not rows.any()
    assert not columns.any()
    with pytest.raises(IdentificationError, match="no part of the sample"):
        spec.fit(_panel(Y[:30], X[:30], np.arange(25) // 3 == np.arange(30)[:, None] % 8))


def test_patterns_that_do_not_tie_the_factors():
    rng = np.random.default_rng(20)
    Y, X = _data(rng, N=40, T=30)
    early = (np.arange(40) < 20)[:, None] == (np.arange(30) < 15)
    spec = md.InteractiveFixedEffects(formula="y ~ x1", factors=2)
    with pytest.raises(IdentificationError, match="2 groups of entities that share no period"):
        spec.fit(_panel(Y, X, early))
    bridge = early.copy()
    bridge[0] = True
    with pytest.raises(IdentificationError, match=r"3 directions.*before 15: 1 entities"):
        spec.fit(_panel(Y, X, bridge))
    with pytest.raises(IdentificationError, match="too little for any factor"):
        md.InteractiveFixedEffects(formula="y ~ x1", factors="IC_p2").fit(_panel(Y, X, early))
    bridge[[1, 2, 3]] = True
    assert spec.fit(_panel(Y, X, bridge)).stats["converged"] == 1
    fixed = _panel(Y, X, bridge)
    fixed = fixed.assign(size=fixed["e"].to_numpy(dtype=float))
    with pytest.raises(IdentificationError, match="size is collinear or absorbed"):
        md.InteractiveFixedEffects(formula="y ~ x1 + size").fit(fixed)
    with pytest.raises(IdentificationError, match="factors are too many"):
        md.InteractiveFixedEffects(formula="y ~ x1", factors=15, effects=()).fit(
            _panel(Y, X, rng.random(Y.shape) > 0.02)
        )


def test_warns_where_a_minimum_may_be_local(monkeypatch):
    import migdev.estimators.factors.interactive as module

    rng = np.random.default_rng(21)
    Y, X = _data(rng, N=20, T=15, noise=4.0)
    panel = _panel(Y, X, rng.random(Y.shape) > 0.3)
    kernel = module.incomplete_effects

    def few(*args):
        fit = kernel(*args[:5], 1)
        return type(fit)(**{n: getattr(fit, n) for n in fit.__slots__} | {"starts": 5})

    monkeypatch.setattr(module, "incomplete_effects", few)
    with pytest.warns(ConvergenceWarning, match="only one of 5 starts"):
        md.InteractiveFixedEffects(formula="y ~ x1 + x2", factors=1).fit(panel)


@pytest.mark.parametrize("seed", [0, 2])
def test_many_starts_find_nothing_lower(seed):
    rng = np.random.default_rng(100 + seed)
    Y, X = _data(rng, N=30, T=20, r=2, k=1, noise=2.0)
    seen = _late(rng, 30, 20, 8)
    fit = incomplete_effects(Y, X, seen, 2, ("entity",))
    sums = []
    for s in range(8):
        one = incomplete_effects(Y, X, seen, 2, ("entity",), 3, np.random.default_rng(1000 + s))
        sums.append(np.sum(one.resid**2))
    assert np.sum(fit.resid**2) <= min(sums) * (1 + 1e-9)


@pytest.mark.parametrize("seed", [200, 239])
def test_starts_that_end_higher_do_not_end_the_search(seed):
    """Late entry, two factors: random factors end in a worse minimum (200), or follow valleys in
    which loadings grow without bound and rounding decides whether they converge (239)."""
    rng = np.random.default_rng(seed)
    F, L = rng.standard_normal((24, 2)), rng.standard_normal((30, 2)) + 1
    X = ((0.5 * L + 0.3 * L**2 + 0.5) @ F.T + rng.standard_normal((30, 24)))[:, :, None]
    Y = X[:, :, 0] + L @ F.T + 0.8 * rng.standard_normal((30, 24))
    seen = _late(rng, 30, 24, 9)
    seen[:8] = True
    fit = incomplete_effects(Y, X, seen, 2, ("entity",))
    assert fit.converged
    assert fit.agreeing == 3
    assert fit.starts <= 20


@pytest.mark.slow
def test_bias_correction_and_size():
    """N = 20, T = 80, 35 per cent missing, one factor in x, variances that differ by entity and go
    with loadings and with what x takes of the factor, 300 draws: the bias of order 1/N is mostly
    removed, and the t-test holds."""
    L = np.random.default_rng(5).standard_normal((20, 1)) + 1
    high = L > 1
    rng, reps, N, T = np.random.default_rng(22), 300, 20, 80
    estimates, raw, rejected = [], [], 0
    for _ in range(reps):
        F = rng.standard_normal((T, 1))
        x = np.where(high, 2.0, -1.0) @ F.T + rng.standard_normal((N, T))
        Y = x + L @ F.T + np.where(high, 1.5, 0.3) * rng.standard_normal((N, T))
        panel = _panel(Y, x[:, :, None], rng.random((N, T)) >= 0.35)
        spec = md.InteractiveFixedEffects(formula="y ~ x1", factors=1, effects=())
        fit = spec.fit(panel)
        estimates.append(fit.params["x1"])
        raw.append(replace(spec, bias_correction=False).fit(panel).params["x1"])
        rejected += fit.pvalue("x1", null=1.0) < 0.05
    error = np.std(estimates) / np.sqrt(reps)
    print(np.mean(estimates) - 1, np.mean(raw) - 1, error, rejected / reps)
    assert np.mean(raw) - 1 < -4 * error
    assert abs(np.mean(estimates) - 1) < 0.3 * abs(np.mean(raw) - 1)
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps)


@pytest.mark.slow
def test_size_with_late_entry():
    """N = 60, T = 40, half missing (entry up to 28 periods late, holes), entity effects, one factor
    in x, variances by loading, 300 draws, in each of which three starts agree: a draw in which
    only one does would warn, and a warning is an error."""
    rng, reps, N, T = np.random.default_rng(23), 300, 60, 40
    estimates, rejected = [], 0
    for _ in range(reps):
        F, L = rng.standard_normal((T, 1)), rng.standard_normal((N, 1)) + 1
        x = (0.5 * L + 0.3 * L**2 + 0.5) @ F.T + rng.standard_normal((N, T))
        Y = x + L @ F.T + (0.3 + 0.5 * np.abs(L)) * rng.standard_normal((N, T))
        seen = _late(rng, N, T, 12)
        seen[:10] = rng.random((10, T)) > 0.1
        panel = _panel(Y + rng.standard_normal((N, 1)), x[:, :, None], seen)
        fit = md.InteractiveFixedEffects(formula="y ~ x1", factors=1).fit(panel)
        estimates.append(fit.params["x1"])
        rejected += fit.pvalue("x1", null=1.0) < 0.05
    error = np.std(estimates) / np.sqrt(reps)
    print(np.mean(estimates) - 1, error, rejected / reps)
    assert abs(np.mean(estimates) - 1) < 4 * error
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps)
