"""Numbers behind the covariances: hat matrices of dummies, groupings, kernels, distances."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migdev as md
from migdev.covariance.small_sample import nested
from migdev.errors import CovarianceError
from migdev.kernels.absorb.effects_basis import EffectsBasis
from migdev.kernels.arrays.blocked_products import gram
from migdev.kernels.arrays.distributions import t_two_sided
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.sandwich.cluster_adjustment import adjusted_scores, contrast_df, wald_df
from migdev.kernels.sandwich.hac import (
    bandwidth_rule,
    kernel_weights,
    panel_corrected_meat,
    periods_of,
    positions,
)
from migdev.kernels.sandwich.moments import Moments
from migdev.kernels.sandwich.sandwich import (
    inclusion_exclusion,
    intersection,
    mend,
    quadratic,
    residual_scale,
)
from migdev.kernels.sandwich.spatial import spatial_meat

Array = np.ndarray[Any, Any]


def hat_of_dummies(factors: list[Array], weights: Array | None) -> Array:
    D = np.column_stack([np.eye(int(f.max()) + 1)[f] for f in factors])
    if weights is not None:
        D = D * np.sqrt(weights)[:, None]
    return D @ np.linalg.pinv(D)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(1, 3), weighted=st.booleans(),
    first=st.sampled_from([None, 0]),
)  # fmt: skip
def test_hat_matrix_of_any_factors(
    seed: int, count: int, weighted: bool, first: int | None
) -> None:
    """Leverage and blocks equal those of the dense dummies, connected or not."""
    rng = np.random.default_rng(seed)
    n = 40
    factors = [np.unique(rng.integers(0, 9, n), return_inverse=True)[1] for _ in range(count)]
    if count > 1 and seed % 3 == 0:  # two components
        half = np.arange(n) < n // 2
        factors = [np.where(half, f % 3, 3 + f % 4) for f in factors]
        factors = [np.unique(f, return_inverse=True)[1] for f in factors]
    w = rng.uniform(0.2, 3, n) if weighted else None
    H = hat_of_dummies(factors, w)
    basis = EffectsBasis.build(factors, w, first)
    np.testing.assert_allclose(basis.leverage(), np.diagonal(H), atol=1e-10)
    Z = np.column_stack([basis.first_rows(), basis.rows()])
    np.testing.assert_allclose(Z @ Z.T, H, atol=1e-9)
    assert basis.rank == np.linalg.matrix_rank(H, tol=1e-8)


def test_nested_is_found_whatever_the_numbering() -> None:
    firm = np.array([0, 0, 1, 1, 2, 2, 3])
    assert nested(firm, np.array([1, 1, 0, 0, 1, 1, 0]))
    assert nested(firm, firm)
    assert not nested(firm, np.array([1, 0, 0, 0, 1, 1, 0]))
    assert not nested(np.array([0, 0, 1, 1, 0, 0, 1]), firm)


@given(seed=st.integers(0, 2**32 - 1), wide=st.booleans())
def test_intersection_numbers_cells(seed: int, wide: bool) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = rng.integers(0, 10**9 if wide else 5, (3, 30))
    codes = intersection([np.unique(v, return_inverse=True)[1] for v in (a, b, c)])
    pairs = {(x, y, z): g for x, y, z, g in zip(a, b, c, codes, strict=True)}
    assert len(pairs) == codes.max() + 1 == len(set(pairs.values()))


def test_signs_of_inclusion_and_exclusion() -> None:
    assert inclusion_exclusion(1) == [((0,), 1)]
    assert dict(inclusion_exclusion(3)) == {
        (0,): 1, (1,): 1, (2,): 1, (0, 1): -1, (0, 2): -1, (1, 2): -1, (0, 1, 2): 1,
    }  # fmt: skip


@pytest.mark.parametrize("shift", [1.0, 1e5])
def test_squares_of_many_rows(shift: float) -> None:
    """Nearly collinear rows are squared after the bread: the sandwich would keep five digits."""
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(9000), shift + rng.standard_normal(9000)])
    u, inverse = rng.standard_normal(9000), np.linalg.inv(np.linalg.qr(X)[1])
    found = quadratic(gram, X * u[:, None], inverse @ inverse.T)
    deviations = X[:, 1] - X[:, 1].mean()
    wanted = np.sum((deviations * u) ** 2) / np.sum(deviations**2) ** 2
    assert found[1, 1] == pytest.approx(wanted, rel=1e-8)
    assert found[0, 1] == found[1, 0]


def test_mend_is_indifferent_to_units_when_it_looks() -> None:
    good = np.array([[1e-12, 1e-3], [1e-3, 1e8]])
    assert mend(good, np.diagonal(good))[1] == 0
    bad = np.array([[1e-12, 2e-2], [2e-2, 1e8]])
    mended, negative = mend(bad, np.diagonal(bad))
    assert negative == 1
    assert np.linalg.eigvalsh(mended)[0] >= -1e-8


@pytest.mark.parametrize(
    ("kernel", "wanted"),
    [
        ("bartlett", [1, 0.75, 0.5, 0.25, 0]),
        ("truncated", [1, 1, 1, 1, 0]),
        ("parzen", [1, 0.71875, 0.25, 0.03125, 0]),
    ],
)
def test_kernel_weights(kernel: str, wanted: list[float]) -> None:
    np.testing.assert_allclose(kernel_weights(kernel, 3, 4), wanted, atol=1e-15)


def test_quadratic_spectral_weights_follow_their_formula() -> None:
    x = 6 * np.pi / 5 * np.arange(1, 4) / 2.0
    wanted = 3 / x**2 * (np.sin(x) / x - np.cos(x))
    np.testing.assert_allclose(kernel_weights("quadratic-spectral", 2.0, 3)[1:], wanted)
    np.testing.assert_array_equal(kernel_weights("quadratic-spectral", 0.0, 2), [1, 0, 0])


@pytest.mark.parametrize(
    ("rule", "periods", "lags"),
    [("xtscc", 100, 4), ("xtscc", 20, 2), ("fixest", 16, 2), ("fixest", 15, 1), ("fixest", 81, 3)],
)
def test_bandwidth_rules(rule: str, periods: int, lags: int) -> None:
    assert bandwidth_rule(rule, periods, 5) == lags
    assert bandwidth_rule("plm", 999, 16) == 2


@given(values=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=30))
def test_periods_are_those_that_occur(values: list[int]) -> None:
    times = np.array(values, dtype=np.int64)
    found, codes = periods_of(times)
    np.testing.assert_array_equal(found, np.unique(times))
    np.testing.assert_array_equal(found[codes], times)


def test_positions_within_entities() -> None:
    np.testing.assert_array_equal(positions(np.array([0, 0, 1, 2, 2, 2])), [0, 1, 0, 0, 1, 2])


def test_hc4_discounts_high_leverage_more() -> None:
    h = np.array([0.1, 0.2, 0.3, 0.9, 0.25, 0.25])  # sums to 2
    scale, exact = residual_scale("HC4", h)
    delta = np.minimum(4, 6 * h / 2)
    np.testing.assert_allclose(scale, (1 - h) ** (-delta / 2))
    assert not exact.any()
    assert residual_scale("HC3", np.array([1.0, 0.5]))[0].tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("places", "distance"),
    [
        (((48.8566, 2.3522), (51.5074, -0.1278)), 343.556),  # Paris and London
        (((0.0, 0.0), (90.0, 17.0)), 10007.543),  # a quarter of a great circle
        (((10.0, 179.9), (10.0, -179.9)), 21.901),  # across the date line
        (((45.0, 350.0), (45.0, -10.0)), 0.0),  # one meridian, written in two ways
    ],
)
def test_great_circles(places: Any, distance: float) -> None:
    """A pair is in from its distance on: by the spherical law of cosines, R = 6371 km."""
    lat, lon = np.array(places).T
    s = np.ones((2, 1))
    period = np.zeros(2, dtype=int)

    def meat(cutoff: float, bartlett: bool = False) -> float:
        out = spatial_meat(s, lat, lon, period, cutoff, bartlett=bartlett, radius=6371.0)
        return float(out[0, 0])

    assert meat(distance + 0.002) == pytest.approx(4)
    if distance > 0:
        assert meat(distance - 0.002) == pytest.approx(2)
        assert meat(2 * distance, bartlett=True) == pytest.approx(3, abs=1e-5)


def test_too_many_units_for_a_covariance_matrix() -> None:
    units = Groups.from_codes(np.arange(5001))
    one = Groups.from_codes(np.zeros(5001, dtype=int))
    with pytest.raises(CovarianceError, match="5,001 units"):
        panel_corrected_meat(np.ones((5001, 1)), np.ones(5001), units, one)


def test_balanced_clusters_have_the_degrees_of_freedom_of_a_mean() -> None:
    """The mean of G equal clusters: CR2 is the variance of cluster means, df = G - 1."""
    G, m = 7, 4
    y = np.random.default_rng(1).standard_normal(G * m)
    X = np.ones((G * m, 1))
    Q, R = np.linalg.qr(X)
    resid = y - y.mean()
    groups = Groups.from_codes(np.repeat(np.arange(G), m))
    club = adjusted_scores(Q, np.linalg.inv(R).T, resid, groups, "CR2")
    assert contrast_df(club, np.eye(1))[0] == pytest.approx(G - 1)
    assert wald_df(club, np.eye(1)) == pytest.approx(G - 1)
    means = y.reshape(G, m).mean(axis=1)
    assert (club.influence**2).sum() == pytest.approx(means.var(ddof=1) / G)


def test_a_cluster_that_is_fitted_adds_no_degree_of_freedom() -> None:
    G = 6
    X = np.column_stack([np.ones(3 * G), np.repeat(np.arange(G), 3) == 0]).astype(float)
    Q, R = np.linalg.qr(X)
    club = adjusted_scores(
        Q, np.linalg.inv(R).T, np.zeros(3 * G), Groups.from_codes(np.repeat(np.arange(G), 3)), "CR2"
    )
    # The dummy of one cluster fits it, so both coefficients rest on the other five.
    np.testing.assert_allclose(contrast_df(club, np.eye(2)), G - 2)


def million() -> Moments:
    rng = np.random.default_rng(0)
    N, T = 20_000, 50
    X = np.asfortranarray(rng.standard_normal((N * T, 3)))
    entity = np.repeat(np.arange(N), T)
    return Moments(
        X=X, resid=rng.standard_normal(N * T), bread=np.linalg.inv(X.T @ X), entity=entity,
        time=np.tile(np.arange(T), N), factors=(entity, np.tile(np.arange(T), N)),
        factor_names=("entity", "time"), df_absorbed=N + T - 1,
    )  # fmt: skip


@pytest.mark.speed
def test_a_million_rows_cost_little() -> None:
    """Against one pass that any method needs, so that a busy machine does not matter."""
    m = million()

    def best(run: Any) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return min(times)

    one_pass = best(lambda: [np.bincount(m.entity, m.X[:, j] * m.resid) for j in range(3)])
    assert best(lambda: md.Clustered("entity").estimate(m)) < 2.0 * one_pass
    assert best(lambda: md.Clustered("entity", "time").estimate(m)) < 8.0 * one_pass


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["CR1", "CR2"])
def test_size_with_few_unequal_clusters(kind: str) -> None:
    """Twelve clusters of very different size, the two largest treated, independent errors: CR2
    with Satterthwaite's degrees of freedom holds 5%, CR1 does not."""
    rng = np.random.default_rng(20240102)
    sizes = np.array([3, 3, 4, 4, 5, 6, 8, 12, 20, 30, 45, 60])
    entity = np.repeat(np.arange(12), sizes)
    n, reps, rejected = len(entity), 3000, 0
    treated = (np.arange(12) >= 10).astype(float)  # the two largest
    X = np.column_stack([np.ones(n), treated[entity]])
    Q, R = np.linalg.qr(X)
    inverse = np.linalg.inv(R)
    spec = md.Clustered("entity", kind=kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(reps):
            y = rng.standard_normal(n)
            beta = inverse @ (Q.T @ y)
            m = Moments(
                X=X, resid=y - X @ beta, bread=inverse @ inverse.T, entity=entity,
                time=np.arange(n),
            )  # fmt: skip
            c = spec.estimate(m)
            df = np.broadcast_to(c.df, 2)[1]
            rejected += t_two_sided(beta[1] / np.sqrt(c.cov[1, 1]), df) < 0.05
    rate, noise = rejected / reps, 3.29 * np.sqrt(0.05 * 0.95 / reps)
    if kind == "CR1":
        assert rate > 0.08
    else:  # the t distribution approximates: a point more is allowed
        assert abs(rate - 0.05) < noise + 0.01
