"""Bias-corrected LSDV against the printed output of xtlsdvc and known truth."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors
from migdev.kernels.dynamic import lsdvc
from tests.gmm_panels import employment


@pytest.fixture(scope="module")
def industry() -> md.Panel:
    return employment().where("sector == 4")


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        for category in (errors.DroppedRowsWarning, errors.SingletonWarning):
            warnings.simplefilter("ignore", category)
        return spec.fit(p)


def spec(**options: Any) -> md.BiasCorrectedLSDV:
    base = {"formula": "n ~ L(n) + w + k", "effects": ("time",), "draws": 0}
    return md.BiasCorrectedLSDV(**{**base, **options})


@pytest.mark.parametrize(
    ("initial", "order", "printed"),
    [
        ("ah", 1, (0.5389829, -0.3375203, 0.2218794)),
        ("ah", 2, (0.5354691, -0.3380943, 0.2226967)),
        ("ah", 3, (0.6338054, -0.3258186, 0.1988694)),
        ("ab", 3, (0.6360273, -0.3256377, 0.1988754)),
    ],
)
def test_bruno_2005_appendix(
    industry: md.Panel, initial: str, order: int, printed: tuple[float, ...]
) -> None:
    """xtlsdvc n w k yr1977-yr1984 if ind==4, Bruno (2005, Stata Journal 5, appendix)."""
    fit = quiet(spec(initial=initial, order=order, convention="xtlsdvc"), industry)
    # Seven decimals, on Stata's four-byte logs.
    assert_allclose(fit.params.iloc[:3], printed, atol=1e-6)
    assert fit.stats["lsdv"] == pytest.approx(0.4056509, abs=1e-6)
    assert fit.stats["initial"] == pytest.approx(
        {"ah": 0.2204939, "ab": 0.2721012}[initial], abs=2e-6
    )


def by_hand(d: pd.DataFrame, start: Any, as_printed: bool) -> Any:
    """Bruno's formulas in plain matrices over the whole sample; d has i, t, y, ly, x, w."""
    times = np.arange(d.t.min(), d.t.max() + 1)
    T, k = len(times), len(start)
    L = np.eye(T, k=-1)
    C = L @ np.linalg.inv(np.eye(T) - start[0] * L)
    pieces = []
    for _, rows in d.groupby("i"):
        rows = rows.set_index("t").reindex(times)
        s = rows.y.notna().to_numpy().astype(float)
        A = np.diag(s) @ (np.eye(T) - np.ones((T, T)) / s.sum()) @ np.diag(s)
        W = rows[["ly", "x", "w"]].fillna(0.0).to_numpy()
        pieces.append((A, W, rows.y.fillna(0.0).to_numpy()))
    n, N = len(d), len(pieces)
    ols = np.linalg.solve(
        sum(W.T @ A @ W for A, W, _ in pieces), sum(W.T @ A @ y for A, W, y in pieces)
    )
    s2 = sum((y - W @ start) @ A @ (y - W @ start) for A, W, y in pieces) / (n - N - k)
    bars = []
    for A, W, y in pieces:
        bar = W.copy()
        bar[:, 0] -= C @ A @ (y - W @ start)
        bars.append(bar)
    P = [A @ C for A, _, _ in pieces]
    e1 = np.eye(k)[0]
    tr = np.trace
    D = sum(b.T @ A @ b for b, (A, _, _) in zip(bars, pieces, strict=True))
    Q = np.linalg.inv(D + s2 * sum(tr(p.T @ p) for p in P) * np.outer(e1, e1))
    q1, q11 = Q[:, 0], Q[0, 0]
    M2 = sum(b.T @ p @ A @ b for b, p, (A, _, _) in zip(bars, P, pieces, strict=True))
    M3 = sum(b.T @ p @ p.T @ b for b, p in zip(bars, P, strict=True))
    trP, cubic = sum(tr(p) for p in P), sum(tr(p.T @ p @ p) for p in P)
    quartic = sum(tr(p.T @ p @ p.T @ p) for p in P)
    c1 = s2 * trP * q1
    c2 = -s2 * (Q @ M2 + tr(Q @ M2) * np.eye(k) + 2 * s2 * q11 * cubic * np.eye(k)) @ q1
    last = 2 * quartic * q11**2 * (1.0 if as_printed else s2)
    c3 = s2**2 * trP * (2 * q11 * Q @ M3 @ q1 + (q1 @ M3 @ q1 + q11 * tr(Q @ M3) + last) * q1)
    return [ols - c1, ols - c1 - c2, ols - c1 - c2 - c3]


def gappy(scale: float = 1.0) -> md.Panel:
    rng = np.random.default_rng(8)
    a, y, rows = rng.standard_normal(25), np.zeros(25), []
    for t in range(30):
        x, w = rng.standard_normal((2, 25))
        y = 0.6 * y + x - 0.5 * w + a + 2.0 * rng.standard_normal(25)
        rows.append(pd.DataFrame({"i": range(25), "t": t, "y": scale * y, "x": x, "w": w}))
    d = pd.concat(rows[20:])
    d = d[(rng.random(len(d)) > 0.12) & ~((d.i % 5 == 0) & (d.t < 23))]
    return md.Panel.from_frame(d, entity="i", time="t")


@pytest.mark.parametrize("convention", ["derived", "xtlsdvc"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_formulas_entity_by_entity_with_gaps(order: int, convention: str) -> None:
    p = gappy()
    options = {"formula": "y ~ L(y) + x + w", "effects": (), "initial": "ah"}
    start = quiet(md.AndersonHsiao(formula="y ~ L(y) + x + w"), p).params.to_numpy()
    d = p.frame.assign(ly=p.L("y").to_numpy()).dropna()
    d = d[d.groupby("i").y.transform("size") > 1]
    fit = quiet(spec(**options, order=order, convention=convention), p)
    assert_allclose(fit.params, by_hand(d, start, convention == "xtlsdvc")[order - 1], rtol=1e-9)


@pytest.mark.parametrize("scale", [1e8, 1e-8])
def test_units_of_y_play_no_role(scale: float) -> None:
    options = {"formula": "y ~ L(y) + x + w", "effects": (), "draws": 10}
    base, other = quiet(spec(**options), gappy()), quiet(spec(**options), gappy(scale))
    units = np.array([1.0, scale, scale])
    assert_allclose(other.params / units, base.params, rtol=1e-8)
    assert_allclose(other.std_errors / units, base.std_errors, rtol=1e-8)


def test_third_order_at_the_truth_is_the_mean_bias() -> None:
    """Where the error variance is far from one, the derived third term keeps to the truth."""
    rng = np.random.default_rng(3)
    N, T, gamma, beta, sigma = 10, 10, 0.5, 0.2, 0.2
    x, start = rng.standard_normal((N, T + 1)), sigma * rng.standard_normal(N)
    gaps: list[float] = []
    biases: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(2000):
        y = np.zeros((N, T + 1))
        y[:, 0] = start
        for t in range(1, T + 1):
            e = sigma * rng.standard_normal(N)
            y[:, t] = gamma * y[:, t - 1] + beta * x[:, t] + e
        W = np.stack([y[:, :-1], x[:, 1:]], axis=2)
        groups = [lsdvc.Batch(observed=np.ones(T, dtype=bool), W=W, y=y[:, 1:], who=np.arange(N))]
        gaps.append(lsdvc.within(groups).params[0] - gamma)
        if len(gaps) <= 100:
            for printed, found in biases.items():
                truth = np.array([gamma, beta])
                found.append(lsdvc.bias(groups, truth, sigma**2, 3, printed)[0])
    mean = np.mean(gaps)  # -0.095, simulation error 0.0016
    assert abs(np.mean(biases[False]) - mean) < 0.006
    assert abs(np.mean(biases[True]) - mean) > 0.009


def test_uncorrected_covariance_is_that_of_lsdv(industry: md.Panel) -> None:
    fit = quiet(spec(), industry)
    assert fit.std_errors["L(n)"] == pytest.approx(0.0731424, abs=1e-6)
    assert fit.std_errors["w"] == pytest.approx(0.1315442, abs=1e-6)
    fe = quiet(
        md.FixedEffects(formula="n ~ L(n) + w + k", effects=("entity", "time"),
                        cov=md.Unadjusted()), industry,
    )  # fmt: skip
    assert_allclose(
        fit.std_errors[["L(n)", "w", "k"]], fe.std_errors[["L(n)", "w", "k"]], rtol=1e-8
    )


def test_bootstrap_errors(industry: md.Panel) -> None:
    fit = quiet(spec(draws=60, seed=2), industry)
    again = quiet(spec(draws=60, seed=2), industry)
    assert fit.cov.equals(again.cov)
    # xtlsdvc printed 0.091 and 0.143 from its own draws.
    assert 0.05 < fit.std_errors["L(n)"] < 0.18
    assert 0.08 < fit.std_errors["w"] < 0.25
    assert "60 samples" in fit.covariance.description


def test_residuals_have_no_entity_means(industry: md.Panel) -> None:
    fit = quiet(spec(), industry)
    assert_allclose(fit.resids.groupby(level=0).mean(), 0.0, atol=1e-12)


def dynamic(rng: np.random.Generator, N: int, T: int, rho: float, holes: float) -> md.Panel:
    a, y = rng.standard_normal(N), np.zeros(N)
    rows = []
    for t in range(30 + T):
        x = rng.standard_normal(N)
        y = rho * y + x + a + rng.standard_normal(N)
        if t >= 30:
            rows.append(pd.DataFrame({"i": range(N), "t": t, "y": y, "x": x}))
    d = pd.concat(rows)
    return md.Panel.from_frame(d[rng.random(len(d)) >= holes], entity="i", time="t")


@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_the_correction_removes_most_of_the_bias(holes: float) -> None:
    gap, plain = [], []
    for stream in np.random.SeedSequence(1).spawn(25):
        p = dynamic(np.random.default_rng(stream), 60, 8, 0.6, holes)
        fit = quiet(md.BiasCorrectedLSDV(formula="y ~ x + L(y)", draws=0, initial="ah"), p)
        gap.append(fit.params["L(y)"] - 0.6)
        plain.append(fit.stats["lsdv"] - 0.6)
    assert np.mean(plain) < -0.05
    assert abs(np.mean(gap)) < 0.35 * abs(np.mean(plain))


def test_bad_input(industry: md.Panel) -> None:
    for options, message in [
        ({"order": 4}, "order"),
        ({"initial": "gmm"}, "initial"),
        ({"effects": ("entity",)}, "effects"),
        ({"draws": -1}, "draws"),
        ({"convention": "stata"}, "convention"),
    ]:
        with pytest.raises(errors.SpecificationError, match=message):
            spec(**options)
    with pytest.raises(errors.SpecificationError, match="one lag"):
        quiet(spec(formula="n ~ L(n, [1, 2]) + w"), industry)
    with pytest.raises(errors.IdentificationError, match="sector"):
        quiet(spec(formula="n ~ L(n) + w + sector", effects=()), industry)
    with pytest.raises(errors.SpecificationError, match="must be a column"):
        quiet(spec(formula="np.log(emp) ~ L(np.log(emp)) + w", draws=5, initial="ah"), industry)


def test_measured_coverage_of_a_persistent_variable_is_printed() -> None:
    p = dynamic(np.random.default_rng(1), 50, 8, 0.85, 0.0)
    with pytest.warns(errors.SizeWarning, match="first estimate ab. Coverage"):
        fit = quiet(md.BiasCorrectedLSDV("y ~ L(y) + x", draws=5), p)
    assert fit.params["L(y)"] > 0.65
    assert "BiasCorrectedMM" in fit.facts.caution and fit.facts.caution in fit.summary()
    other = dynamic(np.random.default_rng(1), 50, 8, 0.3, 0.0)
    calm = quiet(md.BiasCorrectedLSDV("y ~ L(y) + x", draws=5), other)
    assert not calm.facts.caution
