"""Bias-corrected method of moments against its moments written out, and known truth."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

import migdev as md
from migdev import errors


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec.fit(p)


def world(
    rng: np.random.Generator, N: int, T: int, rho: tuple[float, ...], holes: float = 0.0
) -> pd.DataFrame:
    """AR(p) with an exogenous regressor and error variances that differ between entities."""
    a, scale = rng.standard_normal(N), rng.uniform(0.5, 1.5, N)
    past = [np.zeros(N) for _ in rho]
    rows = []
    for t in range(40 + T):
        x = 0.3 * a + rng.standard_normal(N)
        y = sum(r * p for r, p in zip(rho, past, strict=True)) + x + a
        y = y + scale * rng.standard_normal(N)
        past = [y, *past[:-1]]
        if t >= 40:
            rows.append(pd.DataFrame({"i": range(N), "t": t, "y": y, "x": x, "a": a}))
    d = pd.concat(rows)
    return d[rng.random(len(d)) >= holes].sort_values(["i", "t"]).reset_index(drop=True)


def random_world(
    rng: np.random.Generator, N: int, T: int, holes: float = 0.0, tie: float = 0.0
) -> pd.DataFrame:
    """An AR(1) with x, z and a constant k, unrelated to the effects but for ``tie`` (x)."""
    a, k, y = rng.standard_normal(N), rng.standard_normal(N), np.zeros(N)
    rows = []
    for t in range(40 + T):
        x = tie * a + 0.7 * k + rng.standard_normal(N)
        z = rng.standard_normal(N)
        y = 0.5 * y + 0.4 * x - 0.3 * z + 0.5 * k + 1.0 + a + rng.standard_normal(N)
        if t >= 40:
            rows.append(pd.DataFrame({"i": range(N), "t": t, "y": y, "x": x, "z": z, "k": k}))
    d = pd.concat(rows)
    return d[rng.random(len(d)) >= holes].sort_values(["i", "t"]).reset_index(drop=True)


TRUTH = pd.Series({"L(y)": 0.5, "x": 0.4, "z": -0.3, "k": 0.5, "Intercept": 1.0})


def panel(d: pd.DataFrame) -> md.Panel:
    return md.Panel.from_frame(d, entity="i", time="t")


@pytest.mark.parametrize("holes", [0.0, 0.1])
@pytest.mark.parametrize("order", [1, 2])
def test_moments_written_out(order: int, holes: float) -> None:
    rho = (0.5,) if order == 1 else (0.4, 0.2)
    p = panel(world(np.random.default_rng(1), 60, 8, rho, holes))
    fit = quiet(md.BiasCorrectedMM(formula=f"y ~ L(y, {list(range(1, order + 1))}) + x"), p)
    f = p.frame.assign(**{f"l{k}": p.L("y", k).to_numpy() for k in range(1, order + 1)})
    lags = [f"l{k}" for k in range(1, order + 1)]
    f = f.dropna(subset=lags)

    def contributions(theta: Any) -> Any:
        out = []
        for _, d in f.groupby("i"):
            n = len(d)
            if n < 2:
                continue
            at = (d.t - d.t.min()).to_numpy()
            span = at[-1] + 1
            S = np.eye(span)[at]  # picks the observed periods
            M = np.eye(n) - 1 / n
            L = np.eye(span, k=-1)
            G = np.linalg.inv(
                np.eye(span)
                - sum(r * np.linalg.matrix_power(L, k + 1) for k, r in enumerate(theta[:order]))
            )
            W = d[[*lags, "x"]].to_numpy()
            e = d.y.to_numpy() - W @ theta
            m = W.T @ M @ e
            for k in range(order):
                b = np.trace(M @ S @ np.linalg.matrix_power(L, k + 1) @ G @ S.T)
                m[k] -= e @ M @ e / (n - 1) * b
            out.append(m)
        return np.array(out)

    found = optimize.root(
        lambda th: contributions(th).sum(axis=0), fit.params.to_numpy() + 0.01, tol=1e-12
    )
    assert_allclose(fit.params, found.x, rtol=1e-7)
    m = contributions(fit.params.to_numpy())
    J = np.empty((order + 1, order + 1))
    for j, e in enumerate(np.eye(order + 1)):
        up = contributions(fit.params.to_numpy() + 1e-5 * e).sum(axis=0)
        down = contributions(fit.params.to_numpy() - 1e-5 * e).sum(axis=0)
        J[:, j] = (up - down) / 2e-5
    inverse = np.linalg.inv(J)
    assert_allclose(fit.cov, inverse @ m.T @ m @ inverse.T, rtol=1e-6)


@pytest.mark.parametrize(
    ("uncorrelated", "holes", "steps"), [("", 0.15, 1), ("", 0.15, 2), ("z + k", 0.0, 2)]
)
def test_random_effects_written_out(uncorrelated: str, holes: float, steps: int) -> None:
    p = panel(random_world(np.random.default_rng(6), 40, 7, holes))
    fit = quiet(
        md.BiasCorrectedMM(
            formula="y ~ L(y) + x + z + k", model="random", uncorrelated=uncorrelated, steps=steps
        ),
        p,
    )
    f = p.frame.assign(ly=p.L("y").to_numpy()).dropna()
    free = ["z", "k"] if uncorrelated else ["x", "z", "k"]
    entities = [d for _, d in f.groupby("i") if len(d) > 1]

    prepared = []
    for d in entities:
        at = (d.t - d.t.min()).to_numpy()
        S, L = np.eye(at[-1] + 1)[at], np.eye(at[-1] + 1, k=-1)
        prepared.append((d[["ly", "x", "z", "k"]].to_numpy(), d.y.to_numpy(), S, L,
                         d[free].to_numpy(), np.eye(len(d)) - 1 / len(d)))  # fmt: skip

    def each(theta: Any) -> Any:
        out = []
        for X, y, S, L, U, M in prepared:
            e = y - X @ theta[:4] - theta[4]
            m = X[:, :3].T @ M @ e
            G = np.linalg.inv(np.eye(len(L)) - theta[0] * L)
            m[0] -= e @ M @ e / (len(y) - 1) * np.trace(M @ S @ L @ G @ S.T)
            out.append(np.r_[m, U.T @ e, e.sum()])
        return np.array(out)

    def minimum(W: Any, start: Any) -> Any:
        root = np.linalg.cholesky(W).T
        return optimize.least_squares(
            lambda th: root @ each(th).sum(axis=0), start, x_scale="jac", xtol=1e-15, ftol=1e-15,
            gtol=1e-15, max_nfev=60,
        ).x  # fmt: skip

    inside = np.concatenate([(d - d.mean()).to_numpy() for d in
                             (g[["ly", "x", "z"]] for g in entities)])  # fmt: skip
    level = pd.concat(entities)[free].assign(one=1.0).to_numpy()
    W = np.zeros((4 + len(free), 4 + len(free)))
    W[:3, :3] = np.linalg.inv(inside.T @ inside)
    W[3:, 3:] = np.linalg.inv(level.T @ level)
    start = TRUTH.to_numpy()
    theta = minimum(W, start)
    m = each(theta)
    second = np.linalg.inv(m.T @ m)
    best = minimum(second, theta)
    J = each(best).sum(axis=0) @ second @ each(best).sum(axis=0)
    assert fit.stats["hansen"].statistic == pytest.approx(J, rel=1e-5)
    assert fit.stats["hansen"].df == len(free) - 1
    if steps == 2:
        theta, W = best, second
    assert list(fit.names) == list(TRUTH.index)
    assert_allclose(fit.params, theta, rtol=2e-6)
    G = np.column_stack(
        [(each(theta + e).sum(axis=0) - each(theta - e).sum(axis=0)) / 2e-5
         for e in 1e-5 * np.eye(5)]
    )  # fmt: skip
    K = np.linalg.solve(G.T @ W @ G, G.T @ W)
    assert_allclose(fit.cov, K @ each(theta).T @ each(theta) @ K.T, rtol=1e-4)


def test_random_effects_are_unbiased_and_tighter() -> None:
    gaps, wider = [], []
    for stream in np.random.SeedSequence(9).spawn(20):
        p = panel(random_world(np.random.default_rng(stream), 120, 5, 0.05))
        fit = quiet(md.BiasCorrectedMM(formula="y ~ L(y) + x + z + k", model="random"), p)
        fixed = quiet(md.BiasCorrectedMM(formula="y ~ L(y) + x + z"), p)
        gaps.append(fit.params - TRUTH)
        wider.append(fixed.std_errors["L(y)"] > fit.std_errors["L(y)"])
    gaps = pd.DataFrame(gaps)
    assert (gaps.mean().abs() < 3.29 * gaps.std() / np.sqrt(20) + 0.01).all()
    assert np.mean(wider) > 0.8


def test_hansen_finds_a_regressor_tied_to_the_effects() -> None:
    p = panel(random_world(np.random.default_rng(10), 300, 6, tie=0.8))
    formula = "y ~ L(y) + x + z"
    wrong = quiet(md.BiasCorrectedMM(formula=formula, model="random"), p)
    assert wrong.stats["hansen"].pvalue < 1e-3
    hybrid = quiet(md.BiasCorrectedMM(formula=formula, model="random", uncorrelated="z"), p)
    assert hybrid.stats["hansen"].pvalue > 0.01
    fixed = quiet(md.BiasCorrectedMM(formula=formula), p)
    assert abs(hybrid.params["L(y)"] - fixed.params["L(y)"]) < fixed.std_errors["L(y)"]


def test_random_effects_with_time_effects() -> None:
    d = random_world(np.random.default_rng(11), 100, 6)
    spec = md.BiasCorrectedMM(formula="y ~ L(y) + x + z + k", model="random", effects=("time",))
    fit = quiet(spec, panel(d))
    moved = quiet(spec, panel(d.assign(y=d.y + 3.0 * (d.t % 3), x=d.x + 2.0 * (d.t % 2))))
    # Common shocks go into the time effects; only the first step's weight sees them.
    for name in ("L(y)", "x", "z", "k"):
        assert abs(moved.params[name] - fit.params[name]) < 0.5 * fit.std_errors[name], name
    pure = quiet(md.BiasCorrectedMM(formula="y ~ L(y)", model="random"), panel(d))
    fixed = quiet(md.BiasCorrectedMM(formula="y ~ L(y)"), panel(d))
    assert pure.params["L(y)"] == pytest.approx(fixed.params["L(y)"], rel=1e-8)
    assert "hansen" not in pure.stats


def test_no_bias_in_short_panels() -> None:
    gap, plain = [], []
    for stream in np.random.SeedSequence(3).spawn(40):
        p = panel(world(np.random.default_rng(stream), 150, 6, (0.6,), 0.05))
        fit = quiet(md.BiasCorrectedMM(formula="y ~ L(y) + x"), p)
        gap.append(fit.params["L(y)"] - 0.6)
        plain.append(fit.stats["lsdv"] - 0.6)
    assert np.mean(plain) < -0.08
    assert abs(np.mean(gap)) < 3.29 * np.std(gap) / np.sqrt(40) + 0.003


def test_time_effects_absorb_common_shocks() -> None:
    d = world(np.random.default_rng(4), 100, 8, (0.5,))
    spec = md.BiasCorrectedMM(formula="y ~ L(y) + x", effects=("time",))
    fit = quiet(spec, panel(d))
    moved = quiet(spec, panel(d.assign(x=d.x + 3.0 * (d.t % 3))))
    assert moved.params["L(y)"] == pytest.approx(fit.params["L(y)"], rel=1e-9)
    assert_allclose(fit.resids.groupby(level=0).mean(), 0.0, atol=1e-10)


@pytest.mark.slow
def test_intervals_cover() -> None:
    reps, covered = 400, 0
    for stream in np.random.SeedSequence(20240101).spawn(reps):
        p = panel(world(np.random.default_rng(stream), 150, 6, (0.5,)))
        ci = quiet(md.BiasCorrectedMM(formula="y ~ L(y) + x"), p).conf_int().loc["L(y)"]
        covered += ci.lower <= 0.5 <= ci.upper
    assert abs(covered / reps - 0.95) < 3.29 * np.sqrt(0.05 * 0.95 / reps)


@pytest.mark.slow
def test_random_effects_intervals_cover() -> None:
    reps, inside, rejected = 400, np.zeros(5), 0
    for stream in np.random.SeedSequence(20240102).spawn(reps):
        p = panel(random_world(np.random.default_rng(stream), 200, 5))
        fit = quiet(md.BiasCorrectedMM(formula="y ~ L(y) + x + z + k", model="random"), p)
        ci = fit.conf_int().to_numpy()
        inside += (ci[:, 0] <= TRUTH) & (ci[:, 1] >= TRUTH)
        rejected += fit.stats["hansen"].pvalue < 0.05
    band = 3.29 * np.sqrt(0.05 * 0.95 / reps)
    assert (np.abs(inside / reps - 0.95) < band).all()
    assert abs(rejected / reps - 0.05) < band


@pytest.mark.parametrize("order", [1, 2])
def test_the_level_of_y_plays_no_role(order: int) -> None:
    d = world(np.random.default_rng(5), 60, 8, (0.5, 0.1), holes=0.08)
    formula = "y ~ L(y) + x" if order == 1 else "y ~ L(y, [1, 2]) + x"
    base = quiet(md.BiasCorrectedMM(formula=formula), md.Panel.from_frame(d, entity="i", time="t"))
    d = d.assign(y=d.y + 1e6)
    other = quiet(md.BiasCorrectedMM(formula=formula), md.Panel.from_frame(d, entity="i", time="t"))
    # Six digits of sixteen go with the level.
    assert_allclose(other.params, base.params, atol=1e-8)
    assert_allclose(other.std_errors, base.std_errors, rtol=1e-7)


def test_one_entity_identifies_no_overidentified_model() -> None:
    d = world(np.random.default_rng(5), 1, 30, (0.5,))
    with pytest.raises(errors.IdentificationError, match="moments of 1 entities"):
        quiet(
            md.BiasCorrectedMM(formula="y ~ L(y) + x", model="random"),
            md.Panel.from_frame(d, entity="i", time="t"),
        )


def test_bad_input() -> None:
    for options, message in [
        ({"model": "mixed"}, "model"),
        ({"uncorrelated": "x"}, "belongs to model='random'"),
        ({"steps": 3}, "steps"),
    ]:
        with pytest.raises(errors.SpecificationError, match=message):
            md.BiasCorrectedMM(formula="y ~ L(y) + x", **options)
    d = random_world(np.random.default_rng(5), 30, 6)
    for wrong in ("L(y)", "i"):
        spec = md.BiasCorrectedMM(formula="y ~ L(y) + x", model="random", uncorrelated=wrong)
        with pytest.raises(errors.SpecificationError, match="not among the regressors"):
            quiet(spec, panel(d))
    spec = md.BiasCorrectedMM(formula="y ~ L(y) + x + k", model="random", uncorrelated="x")
    with pytest.raises(errors.IdentificationError, match="k do not vary"):
        quiet(spec, panel(d))
    d = world(np.random.default_rng(5), 30, 6, (0.5,))
    with pytest.raises(errors.SpecificationError, match="no lag"):
        quiet(md.BiasCorrectedMM(formula="y ~ x"), panel(d))
    with pytest.raises(errors.SpecificationError, match="effects"):
        md.BiasCorrectedMM(formula="y ~ L(y)", effects=("entity",))
    with pytest.raises(errors.IdentificationError, match="a do not vary"):
        quiet(md.BiasCorrectedMM(formula="y ~ L(y) + x + a"), panel(d))
