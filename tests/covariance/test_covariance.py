"""Covariance specifications: identities, brute force, options, and what they refuse."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migdev as md
from migdev.covariance.small_sample import nested
from migdev.errors import (
    CovarianceError,
    CovarianceWarning,
    FewClustersWarning,
    SpecificationError,
)
from migdev.kernels.sandwich.moments import Moments
from tests.panel_moments import assert_cov_close, ols_moments

Array = np.ndarray[Any, Any]


def panel(
    N: int = 24, T: int = 12, *, seed: int = 7, effects: tuple[str, ...] = (),
    weighted: bool = False, drop: float = 0.15, k: int = 2,
) -> Moments:  # fmt: skip
    """An unbalanced panel with gaps, coordinates, a coarse grouping, and dependent errors."""
    rng = np.random.default_rng(seed)
    entity, t = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    keep = rng.uniform(size=N * T) > drop
    keep[:T] = True
    entity, t = entity[keep], t[keep]
    entity = np.unique(entity, return_inverse=True)[1]
    n = len(entity)
    X = rng.standard_normal((n, k)) + rng.standard_normal(N)[entity, None]
    y = X.sum(axis=1) + rng.standard_normal(N)[entity] + rng.standard_normal(T)[t]
    y = y + rng.standard_normal(n) * (1 + X[:, 0] ** 2)
    columns = {
        "region": np.array(["north", "south", "east", "west", "centre", "coast"] * N)[entity],
        "latitude": rng.uniform(-60, 70, N)[entity],
        "longitude": rng.uniform(-180, 180, N)[entity],
        "shock": rng.integers(0, 15, n),
    }
    period = np.unique(t, return_inverse=True)[1]
    factors = {name: {"entity": entity, "time": period}[name] for name in effects}
    if not factors:
        X = np.column_stack([np.ones(n), X])
    weights = rng.uniform(0.5, 2, n) if weighted else None
    return ols_moments(y, X, entity, t + 1990, factors=factors, weights=weights, columns=columns)[1]


def brute_clustered(m: Moments, codes: Array) -> Array:
    """CR0 with explicit sums."""
    meat = np.zeros((m.k, m.k))
    for c in np.unique(codes):
        s = (m.X[codes == c] * m.resid[codes == c, None]).sum(axis=0)
        meat += np.outer(s, s)
    return m.bread @ meat @ m.bread


# ---------------------------------------------------------------- clusters


@pytest.mark.parametrize("name", ["entity", "time", "region", "region^time", "shock"])
def test_one_way_is_the_sum_over_clusters(name: str) -> None:
    m = panel()
    codes = m.groups(name)
    spec = md.Clustered(name, kind="CR0")
    with _few(name == "region"):
        found = spec.estimate(m)
    np.testing.assert_allclose(found.cov, brute_clustered(m, codes), rtol=1e-12)
    assert found.clusters == {name: len(np.unique(codes))}
    assert spec.requires() == tuple(p for p in name.split("^") if p not in ("entity", "time"))


def test_three_ways_add_and_subtract_intersections() -> None:
    m = panel()
    e, t, s = m.entity, m.groups("time"), m.groups("shock")
    et, es, ts = e * 100 + t, e * 100 + s, t * 100 + s
    wanted = sum(brute_clustered(m, c) for c in (e, t, s))
    wanted = wanted - sum(brute_clustered(m, c) for c in (et, es, ts))
    wanted = wanted + brute_clustered(m, et * 100 + s)
    found = md.Clustered("entity", "time", "shock", kind="CR0").estimate(m)
    assert_cov_close(found.cov, wanted, 1e-11)
    G = min(len(np.unique(c)) for c in (e, t, s))
    n = m.nobs
    stata = md.Clustered("entity", "time", "shock").estimate(m)
    np.testing.assert_allclose(stata.cov, found.cov * G / (G - 1) * (n - 1) / (n - m.k), rtol=1e-9)
    assert stata.df == G - 1


def test_intersection_of_entity_and_time_is_the_row() -> None:
    m = panel()
    fast = md.Clustered("entity", "time", kind="CR0").estimate(m).cov
    columns = {**m.columns, "e": m.entity, "t": m.time}
    slow = md.Clustered("e", "t", kind="CR0").estimate(replace(m, columns=columns)).cov
    np.testing.assert_allclose(fast, slow, rtol=1e-12)


def test_two_way_sums_are_mended() -> None:
    """Few clusters: the sum has a negative eigenvalue, R's included; here it is set to zero, in
    units of the sums' own variances, so that other units of a regressor move its variance only."""
    for seed in range(200):
        m = panel(4, 3, seed=seed, drop=0.0)
        parts = [brute_clustered(m, codes) for codes in (m.entity, m.groups("time"))]
        parts.append(m.influence().T @ m.influence())
        plain = parts[0] + parts[1] - parts[2]
        if np.linalg.eigvalsh(plain)[0] < -1e-6 * np.linalg.eigvalsh(plain)[-1]:
            break
    else:
        pytest.fail("no draw with a negative eigenvalue")
    root = np.sqrt(np.diagonal(sum(parts)))
    values, vectors = np.linalg.eigh(plain / np.outer(root, root))
    wanted = (vectors * np.maximum(values, 0)) @ vectors.T * np.outer(root, root)
    units = 10.0 ** np.arange(-m.k, m.k, 2)[: m.k]
    other = replace(m, X=m.X * units, bread=m.bread / np.outer(units, units))
    with (
        pytest.warns(CovarianceWarning, match="not positive semi-definite"),
        pytest.warns(FewClustersWarning),
    ):
        found, scaled = (md.Clustered("entity", "time", kind="CR0").estimate(x) for x in (m, other))
    np.testing.assert_allclose(found.cov, wanted, atol=1e-12 * np.abs(wanted).max())
    np.testing.assert_allclose(
        scaled.cov * np.outer(units, units), found.cov, atol=1e-12 * np.abs(wanted).max()
    )


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), power=st.floats(-6, 6))
def test_covariances_follow_the_units(seed: int, power: float) -> None:
    """A regressor in other units moves its variance by the square, and nothing else."""
    m = panel(12, 11, seed=seed)
    unit = np.array([1.0, 10.0**power, 1.0])
    other = replace(m, X=m.X * unit, bread=m.bread / np.outer(unit, unit))
    for spec in (
        md.Clustered("entity", "time"), md.Clustered("entity", kind="CR2", df="groups"),
        md.Robust("HC3"), md.DriscollKraay(), md.Conley(2000, lags=1),
    ):  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CovarianceWarning)
            a, b = spec.estimate(m).cov, spec.estimate(other).cov
        if np.linalg.eigvalsh(a)[0] > 1e-9 * np.linalg.eigvalsh(a)[-1]:  # else it was mended
            assert_cov_close(b * np.outer(unit, unit), a, 1e-7)


# ---------------------------------------------------------------- CR2, CR3


@pytest.mark.parametrize("effects", [(), ("entity",), ("time",), ("entity", "time")])
@pytest.mark.parametrize("by", ["entity", "time", "region"])
@pytest.mark.parametrize("weighted", [False, True])
def test_cr3_is_the_jackknife(effects: tuple[str, ...], by: str, weighted: bool) -> None:
    """Leave each cluster out, refit with the dummies, and sum the squares about the estimate."""
    m = panel(12, 11, effects=effects, weighted=weighted)
    codes = m.groups(by)
    root = np.ones(m.nobs) if m.weights is None else np.sqrt(m.weights)
    D = [np.eye(int(f.max()) + 1)[f] * root[:, None] for f in m.factors]
    full = np.column_stack([m.X, *D])
    y = m.X @ np.ones(m.k) + m.resid  # any coefficients: their difference is what matters
    wanted = np.zeros((m.k, m.k))
    for c in np.unique(codes):
        rest = codes != c
        beta = np.linalg.lstsq(full[rest], y[rest], rcond=None)[0][: m.k] - 1
        wanted += np.outer(beta, beta)
    with _few(by == "region"):
        found = md.Clustered(by, kind="CR3").estimate(m)
    assert_cov_close(found.cov, wanted, 1e-8)
    G = len(np.unique(codes))
    with _few(by == "region"):
        jackknife = md.Clustered(by, kind="CV3").estimate(m)
    np.testing.assert_allclose(jackknife.cov, found.cov * (G - 1) / G, rtol=1e-12)
    assert jackknife.df == G - 1


@pytest.mark.parametrize("effects", [(), ("entity",), ("entity", "time")])
@pytest.mark.parametrize("by", ["entity", "time", "region"])
@pytest.mark.parametrize("working", ["independence", "weights"])
@pytest.mark.parametrize("weighted", [False, True])
def test_cr2_is_unbiased_under_its_working_model(
    effects: tuple[str, ...], by: str, working: str, weighted: bool
) -> None:
    """The expectation of the quadratic form, by dense algebra, is the true variance.

    Weighted fits with dummies inside clusters are singular there, and only compared by formula.
    """
    m = panel(9, 10, effects=effects, weighted=weighted)
    n = m.nobs
    w = np.ones(n) if m.weights is None else m.weights
    D = [np.eye(int(f.max()) + 1)[f] for f in m.factors]
    raw = m.X / np.sqrt(w)[:, None]
    U = np.column_stack([raw, *D])
    H = U @ np.linalg.pinv(U.T @ (U * w[:, None])) @ (U * w[:, None]).T
    Theta = np.diag(1 / w) if working == "weights" else np.eye(n)
    true = m.bread @ (raw * w[:, None]).T @ Theta @ (raw * w[:, None]) @ m.bread
    M = (np.eye(n) - H) @ Theta @ (np.eye(n) - H).T
    codes = m.groups(by)
    expected = np.zeros((m.k, m.k))
    P = []
    for c in np.unique(codes):
        g = np.flatnonzero(codes == c)
        root = np.diag(np.sqrt(np.diagonal(Theta)[g]))
        s, V = np.linalg.eigh(root @ M[np.ix_(g, g)] @ root)
        inverse = (V * np.where(s > 1e-9, np.maximum(s, 1e-9) ** -0.5, 0.0)) @ V.T
        p = root @ inverse @ root @ (raw[g] * w[g, None]) @ m.bread
        P.append((g, p))
        expected += p.T @ M[np.ix_(g, g)] @ p
    if not weighted or not any(nested(f, codes) for f in m.factors):
        np.testing.assert_allclose(expected, true, rtol=1e-8, atol=1e-10 * true.max())
    influence = np.array([p.T @ (m.resid[g] / np.sqrt(w[g])) for g, p in P])
    spec = md.Clustered(by, kind="CR2", working=working)
    with _few(True):
        found = spec.estimate(m)
    assert_cov_close(found.cov, influence.T @ influence, 1e-8)
    for j in range(m.k):  # Satterthwaite from the full matrix P
        form = np.array([[a[:, j] @ M[np.ix_(g, h)] @ b[:, j] for h, b in P] for g, a in P])
        df = np.trace(form) ** 2 / np.sum(form**2)
        np.testing.assert_allclose(found.df[j], df, rtol=1e-7)


@pytest.mark.parametrize("effects", [(), ("entity", "time")])
@pytest.mark.parametrize(("cr", "hc"), [("CR2", "HC2"), ("CR3", "HC3")])
def test_clusters_of_one_row_are_hc(effects: tuple[str, ...], cr: str, hc: str) -> None:
    m = panel(effects=effects)
    m = replace(m, columns={**m.columns, "row": np.arange(m.nobs)})
    found = md.Clustered("row", kind=cr, df="groups").estimate(m)
    assert_cov_close(found.cov, md.Robust(hc).estimate(m).cov, 1e-9)


@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_nested_effects_do_not_matter_to_cr2_and_cr3(kind: str) -> None:
    m = panel(effects=("entity",))
    with _few(True):
        a = md.Clustered("entity", kind=kind).estimate(m)
        b = md.Clustered("entity", kind=kind, leverage="transformed").estimate(m)
    np.testing.assert_allclose(a.cov, b.cov, rtol=1e-10)
    np.testing.assert_allclose(a.df, b.df, rtol=1e-10)


def test_contrasts_have_degrees_of_freedom_of_their_own() -> None:
    m = panel(30, 9)
    spec = md.Clustered("entity", kind="CR2")
    df = np.asarray(spec.estimate(m).df)
    for j in range(m.k):
        assert spec.contrast_df(m, np.eye(m.k)[j]) == pytest.approx(df[j], rel=1e-12)
    R = np.array([[0.0, 1, 0], [0, 0, 1]])
    eta = spec.contrast_df(m, R)
    F, q, df2 = spec.contrast_wald(m, R, np.array([0.1, -0.2]))
    assert (q, df2) == (2, pytest.approx(eta - 1))
    # the test does not depend on how the same restrictions are written
    again = spec.contrast_wald(m, np.array([[0, 2.0, 1], [0, 1, -1]]), np.array([0.0, 0.3]))
    assert again == pytest.approx((F, q, df2), rel=1e-9)
    one = spec.contrast_wald(m, R[:1], np.array([0.1]))
    assert one[2] == pytest.approx(df[1])
    assert md.Clustered("entity").contrast_df(m, R) is None
    assert md.Clustered("entity").contrast_wald(m, R, np.zeros(2)) is None


# ---------------------------------------------------------------- rows


def test_leverage_of_dummies_is_that_of_the_full_regression() -> None:
    for weighted in (False, True):
        m = panel(effects=("entity", "time"), weighted=weighted)
        root = np.ones(m.nobs) if m.weights is None else np.sqrt(m.weights)
        D = np.column_stack([np.eye(int(f.max()) + 1)[f] for f in m.factors]) * root[:, None]
        h = np.einsum("ij,ji->i", m.X, np.linalg.pinv(m.X))
        h = h + np.einsum("ij,ji->i", D, np.linalg.pinv(D))
        meat = (m.X * (m.resid / (1 - h))[:, None] ** 2).T @ m.X
        wanted = m.bread @ meat @ m.bread
        assert_cov_close(md.Robust("HC3").estimate(m).cov, wanted, 1e-9)


def test_rows_fitted_exactly_are_reported() -> None:
    rng = np.random.default_rng(3)
    n = 30
    X = np.column_stack([np.ones(n), rng.standard_normal(n), np.arange(n) == 4])
    _, m = ols_moments(rng.standard_normal(n), X, np.arange(n), np.zeros(n, dtype=int))
    with pytest.warns(CovarianceWarning, match="1 rows are fitted exactly"):
        found = md.Robust("HC3").estimate(m)
    assert np.isfinite(found.cov).all()


def test_moments_that_are_not_least_squares_have_no_leverage() -> None:
    m = replace(panel(), bread=panel().bread * 1.5)
    for spec in (md.Robust("HC2"), md.Clustered("entity", kind="CR2")):
        with pytest.raises(CovarianceError, match="least-squares"):
            spec.estimate(m)
    assert np.isfinite(md.Robust("HC1").estimate(m).cov).all()


def test_classical_of_gmm_uses_its_own_bread() -> None:
    m = panel()
    other = replace(m, homoskedastic=m.bread * 2)
    a, b = md.Unadjusted().estimate(m).cov, md.Unadjusted().estimate(other).cov
    np.testing.assert_allclose(b, 2 * a)


# ---------------------------------------------------------------- serial


def _lag_weight(kernel: str, lag: int, m: float) -> float:
    z = lag / (m + 1)
    if kernel == "truncated":
        return float(lag <= m)
    if kernel == "bartlett":
        return max(0.0, 1 - z)
    if lag > m:
        return 0.0
    return 1 - 6 * z**2 + 6 * z**3 if z <= 0.5 else 2 * (1 - z) ** 3


@pytest.mark.parametrize("kernel", ["bartlett", "parzen", "truncated"])
@pytest.mark.parametrize("gap", [False, True])
def test_hac_by_a_double_loop(kernel: str, gap: bool) -> None:
    """Lags go by the value of time: rows of two entities, and a period that nobody has."""
    m = panel(8, 14)
    if gap:
        m = replace(m, time=m.time + 3 * (m.time > 1996))
    s, band = m.scores, 3
    dk, nw = np.zeros((m.k, m.k)), np.zeros((m.k, m.k))
    for i in range(m.nobs):
        for j in range(m.nobs):
            w = _lag_weight(kernel, abs(int(m.time[i] - m.time[j])), band)
            dk += w * np.outer(s[i], s[j])
            nw += w * np.outer(s[i], s[j]) * (m.entity[i] == m.entity[j])
    for spec, meat in ((md.DriscollKraay, dk), (md.NeweyWest, nw)):
        wanted = m.bread @ meat @ m.bread
        if np.linalg.eigvalsh(wanted)[0] < 0:
            with pytest.warns(CovarianceWarning):
                spec(bandwidth=band, kernel=kernel, convention="none").estimate(m)
            continue
        found = spec(bandwidth=band, kernel=kernel, convention="none").estimate(m)
        assert_cov_close(found.cov, wanted, 1e-10)


def test_gaps_by_position_close_them() -> None:
    m = panel(8, 14)
    closed = md.DriscollKraay(bandwidth=2).estimate(m).cov
    apart = replace(m, time=m.time + 5 * (m.time > 1996))
    assert not np.allclose(md.DriscollKraay(bandwidth=2).estimate(apart).cov, closed)
    found = md.DriscollKraay(bandwidth=2, gaps="position").estimate(apart).cov
    np.testing.assert_allclose(found, closed, rtol=1e-12)
    full = panel(8, 14, drop=0.0)
    stretched = replace(full, time=full.time * 2)
    a = md.NeweyWest(bandwidth=2).estimate(full).cov
    np.testing.assert_allclose(
        md.NeweyWest(bandwidth=2, gaps="position").estimate(stretched).cov, a, rtol=1e-12
    )
    b = md.NeweyWest(bandwidth=1).estimate(stretched).cov  # no pair is one apart
    np.testing.assert_allclose(b, md.Robust("HC1").estimate(full).cov, rtol=1e-12)


def test_no_lags_is_the_covariance_by_period_or_by_row() -> None:
    m = panel()
    np.testing.assert_allclose(
        md.DriscollKraay(bandwidth=0, convention="none").estimate(m).cov,
        md.Clustered("time", kind="CR0").estimate(m).cov, rtol=1e-12,
    )  # fmt: skip
    np.testing.assert_allclose(
        md.NeweyWest(bandwidth=0).estimate(m).cov, md.Robust("HC1").estimate(m).cov, rtol=1e-12
    )


@pytest.mark.parametrize(("rule", "lags"), [(None, 2), ("xtscc", 2), ("plm", 1), ("fixest", 1)])
def test_bandwidth_rules(rule: str | None, lags: int) -> None:
    m = panel(20, 15)  # floor(4 (15/100)^(2/9)) = 2, floor(15^(1/4)) = 1
    found = md.DriscollKraay(bandwidth=rule).estimate(m)
    assert f"{lags} lags" in found.description
    np.testing.assert_array_equal(found.cov, md.DriscollKraay(bandwidth=lags).estimate(m).cov)


def test_beck_katz_by_hand() -> None:
    m = panel(6, 15)
    N, t = 6, m.groups("time")
    u = np.full((t.max() + 1, N), np.nan)
    u[t, m.entity] = m.resid
    complete = ~np.isnan(u).any(axis=1)
    for rule in ("pairwise", "casewise"):
        sigma = np.empty((N, N))
        for i in range(N):
            for j in range(N):
                both = u[complete] if rule == "casewise" else u
                sigma[i, j] = np.nanmean(both[:, i] * both[:, j])
        meat = np.zeros((m.k, m.k))
        for p in np.unique(t):
            rows = np.flatnonzero(t == p)
            meat += m.X[rows].T @ sigma[np.ix_(m.entity[rows], m.entity[rows])] @ m.X[rows]
        wanted = m.bread @ meat @ m.bread
        found = md.BeckKatz(unbalanced=rule).estimate(m)
        assert_cov_close(found.cov, wanted, 1e-10)
        assert found.df is None
    n, K = m.nobs, m.k
    nmk = md.BeckKatz(kind="HC1").estimate(m).cov
    np.testing.assert_allclose(nmk, md.BeckKatz().estimate(m).cov * n / (n - K), rtol=1e-12)


def test_beck_katz_casewise_needs_a_complete_period() -> None:
    rng = np.random.default_rng(1)
    entity, t = np.repeat(np.arange(5), 10), np.tile(np.arange(10), 5)
    keep = entity != t % 5
    X = np.column_stack([np.ones(keep.sum()), rng.standard_normal(keep.sum())])
    _, m = ols_moments(rng.standard_normal(keep.sum()), X, entity[keep], t[keep])
    with pytest.raises(CovarianceError, match="none of the 10 periods holds all 5 entities"):
        md.BeckKatz(unbalanced="casewise").estimate(m)
    md.BeckKatz().estimate(m)


def test_stacked_equations_share_an_entity_and_a_period() -> None:
    """Two rows per entity and period, in any order (system GMM): sums by cell, not by row."""
    m = panel(12, 14)
    rng = np.random.default_rng(6)
    order = rng.permutation(2 * m.nobs)
    twice = replace(
        m, X=np.vstack([m.X, 2 * m.X])[order], resid=np.tile(m.resid, 2)[order],
        entity=np.tile(m.entity, 2)[order], time=np.tile(m.time, 2)[order], columns={},
    )  # fmt: skip
    threefold = replace(m, X=3 * m.X)  # what the two rows of a cell add up to
    for spec in (
        md.Clustered("entity", "time", kind="CR0"),
        md.NeweyWest(bandwidth=2, convention="none"),
        md.NeweyWest(bandwidth=2, convention="none", gaps="position"),
        md.DriscollKraay(bandwidth=2, convention="none"),
    ):
        assert_cov_close(spec.estimate(twice).cov, spec.estimate(threefold).cov, 1e-10)
    with pytest.raises(CovarianceError, match="several rows in one period"):
        md.BeckKatz().estimate(twice)


# ---------------------------------------------------------------- space


def _distance(lat: Array, lon: Array, i: int, j: int, radius: float) -> float:
    """Great circle through unit vectors: another route than the haversine."""

    def vector(p: int) -> Array:
        a, b = np.radians(lat[p]), np.radians(lon[p])
        return np.array([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)])

    u, v = vector(i), vector(j)
    return radius * float(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v))


@pytest.mark.parametrize("kernel", ["uniform", "bartlett"])
@pytest.mark.parametrize(("lags", "across"), [(0, False), (2, False), (0, True)])
def test_conley_by_a_double_loop(kernel: str, lags: int, across: bool) -> None:
    m = panel(14, 8)
    cutoff = 4000.0
    lat, lon = m.columns["latitude"], m.columns["longitude"]
    s = m.scores
    meat = np.zeros((m.k, m.k))
    for i in range(m.nobs):
        for j in range(m.nobs):
            w = 0.0
            gap = abs(int(m.time[i] - m.time[j]))
            if gap == 0 or across:
                d = _distance(lat, lon, i, j, 6371.0088)
                if d <= cutoff:
                    w = 1.0 if kernel == "uniform" else 1 - d / cutoff
            elif m.entity[i] == m.entity[j] and gap <= lags:
                w = 1 - gap / (lags + 1)
            meat += w * np.outer(s[i], s[j])
    wanted = m.bread @ meat @ m.bread
    spec = md.Conley(cutoff, kernel=kernel, lags=lags, across_time=across)
    if np.linalg.eigvalsh(wanted)[0] < 0:
        with pytest.warns(CovarianceWarning, match="not positive semi-definite"):
            spec.estimate(m)
    else:
        assert_cov_close(spec.estimate(m).cov, wanted, 1e-9)
    assert spec.requires() == ("latitude", "longitude")


def test_conley_in_small_blocks_is_the_same() -> None:
    from migdev.kernels.sandwich.spatial import spatial_meat

    rng = np.random.default_rng(11)
    n = 300
    s, lat, lon = rng.standard_normal((n, 2)), rng.uniform(-40, 40, n), rng.uniform(0, 90, n)
    lat[:20], lon[:20] = lat[20:40], lon[20:40]  # shared places
    period = rng.integers(0, 3, n)
    for bartlett in (False, True):
        whole = spatial_meat(s, lat, lon, period, 1500.0, bartlett=bartlett)
        parts = spatial_meat(s, lat, lon, period, 1500.0, bartlett=bartlett, block=97)
        np.testing.assert_allclose(parts, whole, rtol=1e-11, atol=1e-11)


def test_conley_between_its_limits() -> None:
    """A tiny cutoff leaves rows (or places) alone; a huge one pairs all rows of a period."""
    m = panel(drop=0.1)
    np.testing.assert_allclose(
        md.Conley(1e-3).estimate(m).cov, md.Robust("HC0").estimate(m).cov, rtol=1e-11
    )
    np.testing.assert_allclose(
        md.Conley(1e-3, across_time=True).estimate(m).cov,
        md.Clustered("entity", kind="CR0").estimate(m).cov, rtol=1e-11,
    )  # fmt: skip
    np.testing.assert_allclose(
        md.Conley(3e4).estimate(m).cov, md.Clustered("time", kind="CR0").estimate(m).cov, rtol=1e-9
    )


@pytest.mark.parametrize(
    ("latitude", "match"),
    [(np.nan, "rows have no 'latitude'"), (120.0, "exchanged")],
)
def test_conley_refuses_impossible_places(latitude: float, match: str) -> None:
    m = panel()
    lat = m.columns["latitude"].copy()
    lat[5] = latitude
    with pytest.raises(CovarianceError, match=match):
        md.Conley(500).estimate(replace(m, columns={**m.columns, "latitude": lat}))
    text = m.columns["latitude"].astype(str).astype(object)
    text[0] = "50N"
    with pytest.raises(CovarianceError, match="not numeric"):
        md.Conley(500).estimate(replace(m, columns={**m.columns, "latitude": text}))


# ---------------------------------------------------------------- conventions


def test_factors_and_distributions_of_the_table() -> None:
    """Every row of the table in Clustered's docstring, on a panel with nested entity effects."""
    m = panel(effects=("entity",))
    n, k, N = m.nobs, m.k, int(m.entity.max()) + 1
    base = md.Clustered("entity", kind="CR0").estimate(m).cov
    g = N / (N - 1)
    table = {
        "stata": (g * (n - 1) / (n - k - 1), N - 1),
        "fixest": (g * (n - 1) / (n - k - 1), N - 1),
        "plm": (g * (n - 1) / (n - k), n - k - N),
        "linearmodels": (n / (n - k - 1), n - k - N),
        "sandwich": (g * (n - 1) / (n - k - N), n - k - N),
        "clubsandwich": (g, n - k - N),
        "none": (1.0, None),
    }
    for convention, (factor, df) in table.items():
        found = md.Clustered("entity", convention=convention).estimate(m)
        np.testing.assert_allclose(found.cov, factor * base, rtol=1e-12, err_msg=convention)
        assert found.df == df
        assert found.convention == convention


@pytest.mark.parametrize(
    ("by", "effects", "parameters"),
    [
        ("time", ("entity",), lambda k, N, T: k + N),
        ("entity", ("entity", "time"), lambda k, N, T: k + T),
        ("time", ("entity", "time"), lambda k, N, T: k + N),
        ("region", ("entity", "time"), lambda k, N, T: k + T),
        ("region^time", ("entity", "time"), lambda k, N, T: k + N + T - 1),
    ],
)
def test_effects_nested_in_clusters_are_found(by: str, effects: Any, parameters: Any) -> None:
    m = panel(effects=effects)
    n, N, T = m.nobs, int(m.entity.max()) + 1, len(np.unique(m.time))
    G = len(np.unique(m.groups(by)))
    with _few(by == "region"):
        base = md.Clustered(by, kind="CR0").estimate(m).cov
        found = md.Clustered(by).estimate(m).cov
    factor = G / (G - 1) * (n - 1) / (n - parameters(m.k, N, T))
    np.testing.assert_allclose(found, factor * base, rtol=1e-12)


def test_two_effects_nested_together_count_one_constant() -> None:
    """Entities and regions both lie in regions: time alone is left, with the constant."""
    m = panel(effects=("entity", "time"))
    region = m.groups("region")
    m = replace(
        m, factors=(*m.factors, region), factor_names=(*m.factor_names, "region"),
    )  # the rank is unchanged: regions are sums of entities  # fmt: skip
    n, T, G = m.nobs, len(np.unique(m.time)), 6
    with _few(True):
        base = md.Clustered("region", kind="CR0").estimate(m).cov
        found = md.Clustered("region").estimate(m).cov
    np.testing.assert_allclose(found, G / (G - 1) * (n - 1) / (n - m.k - T) * base, rtol=1e-12)


# ---------------------------------------------------------------- refusals


def test_one_cluster_is_an_error() -> None:
    m = panel()
    m = replace(m, columns={**m.columns, "world": np.ones(m.nobs)})
    with pytest.raises(CovarianceError, match="one cluster only by 'world'"):
        md.Clustered("world").estimate(m)
    with pytest.raises(CovarianceError, match="one cluster only by 'world'"):
        md.Clustered("entity", "world").estimate(m)


def test_few_clusters_are_a_warning() -> None:
    m = panel()
    with pytest.warns(FewClustersWarning, match="6 by 'region'"):
        md.Clustered("region").estimate(m)
    with pytest.warns(FewClustersWarning, match="Satterthwaite degrees of freedom go down"):
        md.Clustered("region", kind="CR2").estimate(panel(N=6))


def test_ten_clusters_are_enough_to_be_quiet() -> None:
    m = panel(10, 10, drop=0.0)
    md.Clustered("entity", "time").estimate(m)


@pytest.mark.parametrize("gone", [None, np.nan], ids=["None", "nan"])
def test_missing_clusters_are_an_error(gone: Any) -> None:
    m = panel()
    region = m.columns["region"].astype(object)
    region[[3, 8]] = gone
    m = replace(m, columns={**m.columns, "region": region})
    for name in ("region", "region^time"):
        with pytest.raises(CovarianceError, match="2 of .* rows have no value in .* 'region'"):
            md.Clustered(name).estimate(m)


def test_unknown_cluster_suggests_a_name() -> None:
    with pytest.raises(CovarianceError, match="Did you mean 'region'"):
        md.Clustered("regoin").estimate(panel())


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: md.Robust("HC5"), "HC5"),
        (lambda: md.Robust(convention="sas"), "convention='sas'"),
        (lambda: md.Robust("HC3", leverage="none"), "leverage"),
        (lambda: md.Clustered("a", "b", "c", "d"), "one to three"),
        (lambda: md.Clustered("a", "a"), "different"),
        (lambda: md.Clustered(3), "by name"),
        (lambda: md.Clustered("a", kind="CR9"), "CR9"),
        (lambda: md.Clustered("a", kind="cr2"), "Did you mean 'CR2'"),
        (lambda: md.Clustered("a", "b", kind="CR2", df="satterthwaite"), "one way"),
        (lambda: md.DriscollKraay(bandwidth=-1), "largest lag"),
        (lambda: md.DriscollKraay(bandwidth="andrews"), "bandwidth"),
        (lambda: md.NeweyWest(kernel="tukey"), "kernel"),
        (lambda: md.NeweyWest(gaps="skip"), "gaps"),
        (lambda: md.BeckKatz(unbalanced="listwise"), "unbalanced"),
        (lambda: md.BeckKatz(cluster="group"), "cluster"),
        (lambda: md.Conley(0), "cutoff"),
        (lambda: md.Conley(100, kernel="gauss"), "kernel"),
        (lambda: md.Conley(100, lags=-1), "lags"),
        (lambda: md.Conley(100, lags=2, across_time=True), "across_time"),
        (lambda: md.Unadjusted(convention=""), "convention"),
    ],
)
def test_bad_options_raise_when_the_spec_is_built(make: Any, match: str) -> None:
    with pytest.raises(SpecificationError, match=match):
        make()


def test_lags_over_the_whole_sample_are_refused() -> None:
    m = panel()
    for spec in (md.DriscollKraay(bandwidth=12), md.NeweyWest(bandwidth=12)):
        with pytest.raises(CovarianceError, match="reaches over all 12 periods"):
            spec.estimate(m)
    cross = replace(m, time=np.full(m.nobs, 2000))
    with pytest.raises(CovarianceError, match="needs many periods"):
        md.DriscollKraay().estimate(cross)
    found = md.NeweyWest().estimate(replace(cross, entity=np.arange(m.nobs)))
    np.testing.assert_allclose(found.cov, md.Robust().estimate(m).cov, rtol=1e-12)


def test_too_many_crossed_levels_are_refused_with_advice() -> None:
    from migdev.kernels.absorb import effects_basis

    n = 14_000
    rng = np.random.default_rng(0)
    factors = (rng.permutation(n) // 2, rng.permutation(n) // 2)
    with pytest.raises(CovarianceError, match="leverage='transformed'"):
        effects_basis.EffectsBasis.build(factors, None)
    with pytest.raises(CovarianceError, match="Use CR1"):
        effects_basis.require_room(10_000_000, 100)


# ---------------------------------------------------------------- specifications


@pytest.mark.parametrize(
    "spec",
    [
        md.Unadjusted(), md.Robust(), md.Robust("HC3", convention="plm"), md.Clustered(),
        md.Clustered("entity", "time", kind="CR0"),
        md.Clustered("region^time", kind="CR2", df="groups", working="weights"),
        md.DriscollKraay(bandwidth=3), md.NeweyWest(bandwidth="plm", kernel="parzen"),
        md.BeckKatz(diagonal=True), md.Conley(500.0, latitude="lat", lags=2),
    ],
    ids=repr,
)  # fmt: skip
def test_specs_are_values(spec: Any) -> None:
    """They print what builds them, compare, hash, and cannot be changed."""
    again = eval(f"md.{spec!r}", {"md": md})
    assert again == spec
    assert hash(again) == hash(spec)
    assert isinstance(spec, md.protocols.Covariance)
    with pytest.raises(AttributeError):
        spec.convention = "plm"


def test_description_names_clusters_and_lags() -> None:
    m = panel()
    found = md.Clustered("entity", "time").estimate(m)
    assert found.description == "clustered by entity and time (CR1, 24 x 12 clusters)"
    assert found.clusters == {"entity": 24, "time": 12}
    assert "2 lags, 12 periods" in md.DriscollKraay().estimate(m).description


def _few(expected: bool) -> Any:
    """Few clusters are expected: the warning is let pass."""

    @contextmanager
    def quiet() -> Iterator[None]:
        with warnings.catch_warnings():
            if expected:
                warnings.simplefilter("ignore", FewClustersWarning)
            yield

    return quiet()


def test_panel_corrected_errors_need_several_periods(grunfeld: md.Panel) -> None:
    one = grunfeld.where("year == 1940")
    with pytest.raises(CovarianceError, match="the sample has one period"):
        md.PooledOLS(formula="inv ~ value", cov=md.BeckKatz()).fit(one)
    with pytest.raises(CovarianceError, match="the sample has one entity"):
        md.PooledOLS(formula="inv ~ value", cov=md.BeckKatz(cluster="entity")).fit(
            grunfeld.where("firm == 1")
        )
    variances = md.PooledOLS(formula="inv ~ value", cov=md.BeckKatz(diagonal=True)).fit(one)
    robust = md.PooledOLS(formula="inv ~ value", cov=md.Robust(kind="HC0")).fit(one)
    np.testing.assert_allclose(variances.cov, robust.cov, rtol=1e-10)
