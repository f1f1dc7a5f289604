"""Dynamic panel thresholds against plain matrices and known truth."""

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
            "iv": md.IVStyle("x"), "draws": 0, "grid": 15}  # fmt: skip
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


@pytest.mark.parametrize("scale", [1e8, 1e-8])
def test_units_play_no_role_in_the_test_of_linearity(scale: float) -> None:
    p = world(np.random.default_rng(1), 100, 7, 0.8)
    other = p.assign(x=p.frame.x * scale)
    one, two = (quiet(spec(draws=40), q).stats["linearity"] for q in (p, other))
    assert two.statistic == pytest.approx(one.statistic, rel=1e-6)
    assert two.pvalue == one.pvalue


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


def kbn(**options: Any) -> md.DynamicPanelThreshold:
    gmm = md.GMMStyle("y", (2, 4), collapse=True)
    base = {"method": "kremer-bick-nautz", "gmm": gmm, "iv": (), "grid": None}
    return spec(**{**base, **options})


@pytest.mark.parametrize("effects", [(), ("time",)])
@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_kremer_bick_nautz_by_plain_matrices(holes: float, effects: tuple[str, ...]) -> None:
    p = world(np.random.default_rng(6), 40, 7, 0.5, holes)
    fit = quiet(kbn(effects=effects), p)
    f = p.frame
    d = pd.DataFrame({"i": f.i, "t": f.t, "y": f.y, "ly": p.L("y"), "x": f.x, "q": f.q})
    known = pd.Series(f.y.to_numpy(), index=pd.MultiIndex.from_arrays([f.i, f.t]))
    # Lags count from the period after the deviation's own.
    lags = pd.DataFrame(
        {k: known.reindex(pd.MultiIndex.from_arrays([f.i, f.t + 1 - k])).to_numpy()
         for k in (2, 3, 4)}
    ).fillna(0.0)  # fmt: skip
    ok = d.notna().all(axis=1)
    d, lags = d[ok], lags[ok]
    alone = d.groupby("i").i.transform("size") > 1
    d, lags = d[alone].reset_index(drop=True), lags[alone].reset_index(drop=True)
    F = np.zeros((len(d), len(d)))
    for rows in d.groupby("i").indices.values():
        for a, r in enumerate(rows[:-1]):
            n = len(rows) - a - 1
            F[r, r] = np.sqrt(n / (n + 1))
            F[r, rows[a + 1 :]] = -F[r, r] / n
    use = ~d.groupby("i").cumcount(ascending=False).eq(0).to_numpy()
    F = F[use]
    dummies = pd.get_dummies(d.t).to_numpy(float)[:, 1:] if effects else np.zeros((len(d), 0))
    X = F @ np.column_stack([d.ly, d.x, dummies])
    y = F @ d.y.to_numpy()
    Z = np.column_stack([lags.to_numpy()[use], F @ np.column_stack([d.x, dummies])])
    hat = Z @ np.linalg.lstsq(Z, X, rcond=None)[0]

    def D(c: float) -> Any:
        above = (d.q > c).to_numpy(float)
        return F @ np.column_stack([d.x * above, above])

    def rss(c: float) -> float:
        M = np.column_stack([hat, D(c)])
        e = y - M @ np.linalg.lstsq(M, y, rcond=None)[0]
        return float(e @ e)

    low, high = np.quantile(d.q, [0.15, 0.85], method="inverted_cdf")
    tried = [c for c in np.unique(d.q) if low <= c <= high]
    sums = np.array([rss(c) for c in tried])
    best = tried[int(np.argmin(sums))]
    assert fit.thresholds == (best,)
    assert_allclose(fit.lr_path()["value"], tried)
    lr = (sums - sums.min()) / (sums.min() / len(y))
    assert_allclose(fit.lr_path()["lr"], lr, atol=1e-7)
    inside = np.array(tried)[lr <= -2 * np.log(1 - np.sqrt(0.95))]
    interval = fit.threshold_conf_int().loc[1]
    assert (interval.lower, interval.upper) == (inside.min(), inside.max())
    # Two-step GMM with the same instruments and the shifts at the threshold.
    G, W = np.column_stack([X, D(best)]), np.column_stack([Z, D(best)])
    first = np.linalg.inv(W.T @ W)
    A = W.T @ G
    b1 = np.linalg.solve(A.T @ first @ A, A.T @ first @ W.T @ y)
    ids = d.i.to_numpy()[use]
    g = pd.DataFrame(W * (y - G @ b1)[:, None]).groupby(ids).sum().to_numpy()
    S = np.linalg.inv(g.T @ g)
    b2 = np.linalg.solve(A.T @ S @ A, A.T @ S @ W.T @ y)
    found = fit.params[["L(y)", "x", "x[q>c]", "Intercept[q>c]"]]
    assert_allclose(found, b2[[0, 1, -2, -1]], rtol=1e-7)
    m = W.T @ (y - G @ b2)
    assert fit.stats["hansen"].statistic == pytest.approx(m @ S @ m, rel=1e-6)
    assert fit.nobs == len(y)
    assert fit.regimes["rows"].sum() == len(d)


def test_kremer_bick_nautz_finds_the_truth() -> None:
    fit = quiet(kbn(), world(np.random.default_rng(7), 200, 8, 0.5))
    assert fit.thresholds[0] == pytest.approx(0.2, abs=0.05)
    for name, value in (("L(y)", 0.4), ("x", 0.3), ("x[q>c]", 0.5), ("Intercept[q>c]", 0.2)):
        assert abs(fit.params[name] - value) < 3.5 * fit.std_errors[name], name
    assert "Thresholds of q" in fit.summary()
    assert fit.delta("x + `x[q>c]`").estimate == pytest.approx(0.8, abs=0.15)


def test_kremer_bick_nautz_needs_exogenous_shifts() -> None:
    p = world(np.random.default_rng(8), 60, 6, 0.5)
    both = (md.GMMStyle("y", (2, 3), collapse=True), md.GMMStyle("x", (1, 2), collapse=True))
    with pytest.raises(errors.SpecificationError, match="x would be endogenous"):
        quiet(kbn(gmm=both), p)
    with pytest.raises(errors.SpecificationError, match=r"L\(y\) would be endogenous"):
        quiet(kbn(threshold="L(y)"), p)


@pytest.mark.slow
def test_kremer_bick_nautz_covers() -> None:
    reps, covered, gaps = 200, 0, []
    for stream in np.random.SeedSequence(20240101).spawn(reps):
        fit = quiet(kbn(), world(np.random.default_rng(stream), 60, 6, 0.3))
        interval, tried = fit.threshold_conf_int().loc[1], fit.candidates
        # Thresholds between two observed values give the same regimes as the lower one.
        truth = tried[tried <= 0.2].max()
        covered += interval.lower <= truth <= interval.upper
        gaps.append(fit.thresholds[0] - 0.2)
    assert abs(np.median(gaps)) < 0.03
    # Conservative for shifts that are not small (Hansen 2000).
    assert covered / reps > 0.95 - 3.29 * np.sqrt(0.05 * 0.95 / reps)


def test_linearity() -> None:
    shifted = quiet(spec(draws=99), world(np.random.default_rng(3), 300, 7, 1.0))
    assert shifted.stats["linearity"].pvalue < 0.05
    linear = quiet(spec(draws=99), world(np.random.default_rng(4), 300, 7, 0.0))
    assert linear.stats["linearity"].pvalue > 0.01


@pytest.mark.slow
def test_size_of_the_linearity_test() -> None:
    reps, rejected = 200, 0
    for stream in np.random.SeedSequence(20240101).spawn(reps):
        p = world(np.random.default_rng(stream), 300, 7, 0.0)
        rejected += quiet(spec(draws=99), p).stats["linearity"].pvalue < 0.05
    # The supremum of a two-step Wald statistic over-rejects somewhat at 300 entities.
    assert rejected / reps < 0.05 + 3.29 * np.sqrt(0.05 * 0.95 / reps) + 0.03


def test_bad_input() -> None:
    for options, message in [
        ({"trim": 0.5}, "trim"),
        ({"grid": 1}, "grid"),
        ({"bandwidth": 0.0}, "bandwidth"),
        ({"method": "hansen"}, "method"),
        ({"draws": -1}, "draws"),
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
