"""Dynamic panel threshold against plain matrices and known truth."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors

GMM = (
    md.GMMStyle("y", (2, 3), collapse=True),
    md.GMMStyle("x", (1, 2), collapse=True),
    md.GMMStyle("q", (1, 3), collapse=True),
)


def world(rng: np.random.Generator, N: int, T: int, shift: float, holes: float = 0.0) -> Any:
    a, y = rng.standard_normal(N), np.zeros(N)
    q = rng.standard_normal(N)
    rows = []
    for t in range(25 + T):
        x = 0.5 * a + rng.standard_normal(N)
        q = 0.5 * q + rng.standard_normal(N)
        y = 0.4 * y + 0.3 * x + (0.2 + shift * x) * (shift > 0) * (q > 0.2) + a
        y = y + 0.5 * rng.standard_normal(N)
        if t >= 25:
            rows.append(pd.DataFrame({"i": range(N), "t": t, "y": y, "x": x, "q": q}))
    d = pd.concat(rows)
    d = d[rng.random(len(d)) >= holes].sort_values(["i", "t"])
    return md.Panel.from_frame(d.reset_index(drop=True), entity="i", time="t")


def spec(**options: Any) -> md.DynamicPanelThreshold:
    base = {"formula": "y ~ L(y) + x", "threshold": "q", "regime": "x", "gmm": GMM,
            "iv": md.IVStyle("x"), "replications": 0, "grid": 15}  # fmt: skip
    return md.DynamicPanelThreshold(**{**base, **options})


def quiet(s: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return s.fit(p)


@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_matches_plain_matrices(holes: float) -> None:
    p = world(np.random.default_rng(1), 150, 7, 0.8, holes)
    fit = quiet(spec(), p)
    f = p.frame
    d = pd.DataFrame({"i": f.i, "t": f.t, "y": f.y, "ly": p.L("y"), "x": f.x, "q": f.q})
    ok = d.notna().all(axis=1).to_numpy()
    before = p.lag_rows(1)
    use = ok & (before >= 0) & ok[np.maximum(before, 0)]
    at, lag = np.flatnonzero(use), before[use]
    v = {k: d[k].to_numpy() for k in d}

    def D(values: Any) -> Any:
        return values[at] - values[lag]

    Z = pd.DataFrame({f"{n}{k}": p.L(n, k) for n, ks in
                      (("y", (2, 3)), ("x", (1, 2)), ("q", (1, 2, 3))) for k in ks})  # fmt: skip
    Z = np.column_stack([Z.fillna(0.0).to_numpy()[at], D(v["x"])])
    y, ids, t = D(v["y"]), v["i"][at], v["t"][at]

    def X(c: float) -> Any:
        above = v["q"] > c
        return np.column_stack([D(v["ly"]), D(v["x"]), D(v["x"] * above), D(above * 1.0)])

    H = (2.0 * (ids[:, None] == ids) * (t[:, None] == t)
         - 1.0 * (ids[:, None] == ids) * (np.abs(t[:, None] - t) == 1))  # fmt: skip

    def solve(c: float, W: Any) -> tuple[float, Any]:
        G = Z.T @ X(c)
        b = np.linalg.solve(G.T @ W @ G, G.T @ W @ (Z.T @ y))
        g = Z.T @ (y - X(c) @ b)
        return float(g @ W @ g), b

    def S(c: float, b: Any) -> Any:
        g = pd.DataFrame(Z * (y - X(c) @ b)[:, None]).groupby(ids).sum().to_numpy()
        return g.T @ g

    values = v["q"][np.unique(np.concatenate([at, lag]))]
    grid = np.unique(np.quantile(values, np.linspace(0.15, 0.85, 15), method="inverted_cdf"))
    W = np.linalg.inv(Z.T @ H @ Z)
    c1 = min(grid, key=lambda c: solve(c, W)[0])
    W = np.linalg.inv(S(c1, solve(c1, W)[1]))
    c2 = min(grid, key=lambda c: solve(c, W)[0])
    J, b = solve(c2, W)
    assert fit.stats["threshold"] == c2
    assert_allclose(fit.params.iloc[:4], b, rtol=1e-8)
    assert fit.stats["hansen"].statistic == pytest.approx(J, rel=1e-8)
    assert fit.stats["hansen"].df == 8 - 5
    h = 1.06 * 1.5 * len(np.unique(ids)) ** -0.2 * values.std(ddof=1)
    K = np.exp(-(((v["q"] - c2) / h) ** 2) / 2) / (h * np.sqrt(2 * np.pi))
    slope = Z.T @ D((v["x"] * b[2] + b[3]) * K)
    G = np.column_stack([-Z.T @ X(c2), slope])
    assert_allclose(fit.cov, np.linalg.inv(G.T @ W @ G), rtol=1e-6)


def test_truth_is_found() -> None:
    """With instruments that follow the shape of the shift: x by powers of an exogenous q."""
    p = world(np.random.default_rng(2), 1500, 8, 1.0)
    f = p.frame
    p = p.assign(**{f"x{k}": f.x * f.q**k for k in (1, 2, 3)}, q2=f.q**2, q3=f.q**3)
    powers = md.IVStyle("x + x1 + x2 + x3 + q + q2 + q3")
    fit = quiet(spec(grid=60, iv=powers, gmm=md.GMMStyle("y", (2, 4), collapse=True)), p)
    assert fit.stats["threshold"] == pytest.approx(0.2, abs=0.12)
    for name, value in (("L(y)", 0.4), ("x", 0.3), ("x[q>c]", 1.0), ("Intercept[q>c]", 0.2)):
        gap = abs(fit.params[name] - value)
        assert gap < 4 * fit.std_errors[name], name


def test_linearity() -> None:
    shifted = quiet(spec(replications=99), world(np.random.default_rng(3), 300, 7, 1.0))
    assert shifted.stats["linearity"].pvalue < 0.05
    linear = quiet(spec(replications=99), world(np.random.default_rng(4), 300, 7, 0.0))
    assert linear.stats["linearity"].pvalue > 0.01


@pytest.mark.slow
def test_size_of_the_linearity_test() -> None:
    reps, rejected = 200, 0
    for stream in np.random.SeedSequence(20240101).spawn(reps):
        p = world(np.random.default_rng(stream), 300, 7, 0.0)
        rejected += quiet(spec(replications=99), p).stats["linearity"].pvalue < 0.05
    # The supremum of a two-step Wald statistic over-rejects somewhat at 300 entities.
    assert rejected / reps < 0.05 + 3.29 * np.sqrt(0.05 * 0.95 / reps) + 0.03


def test_bad_input() -> None:
    for options, message in [
        ({"trim": 0.5}, "trim"),
        ({"grid": 1}, "grid"),
        ({"bandwidth": 0.0}, "bandwidth"),
        ({"replications": -1}, "replications"),
        ({"gmm": (), "iv": ()}, "no instruments"),
    ]:
        with pytest.raises(errors.SpecificationError, match=message):
            spec(**options)
    p = world(np.random.default_rng(5), 60, 6, 0.5)
    with pytest.raises(errors.SpecificationError, match="names 2"):
        quiet(spec(threshold="q + x"), p)
    with pytest.raises(errors.IdentificationError, match="at no threshold"):
        quiet(spec(gmm=md.GMMStyle("y", (2, 2), collapse=True)), p)
    fixed = p.assign(k=p["i"].to_numpy() * 1.0)
    with pytest.raises(errors.IdentificationError, match="k do not vary"):
        quiet(spec(threshold="k"), fixed)
