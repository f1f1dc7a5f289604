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


def test_bad_input() -> None:
    d = world(np.random.default_rng(5), 30, 6, (0.5,))
    with pytest.raises(errors.SpecificationError, match="no lag"):
        quiet(md.BiasCorrectedMM(formula="y ~ x"), panel(d))
    with pytest.raises(errors.SpecificationError, match="effects"):
        md.BiasCorrectedMM(formula="y ~ L(y)", effects=("entity",))
    with pytest.raises(errors.IdentificationError, match="a do not vary"):
        quiet(md.BiasCorrectedMM(formula="y ~ L(y) + x + a"), panel(d))
