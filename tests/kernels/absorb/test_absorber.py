"""Absorption against brute-force dummies, whichever way the reduced system is solved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import booleans, integers, sampled_from
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from migdev.errors import ConvergenceError
from migdev.kernels.absorb import conjugate, laplacian, parts, reduced
from migdev.kernels.absorb import factorisation as factor
from migdev.kernels.absorb.absorber import Absorber, absorb, dummy_rank
from migdev.kernels.absorb.components import (
    components_of,
    count_components,
    cross_tab,
    pairwise_rank,
    singletons,
)
from migdev.kernels.absorb.effects import recover_effects
from migdev.kernels.arrays.groups import Groups, demean, group_means, group_sums

# Errors of brute force and kernel are both some 1e-13 times the condition of the dummies.
EXACT = 1e-10


def dummies(factors):
    blocks = [np.eye(int(f.max()) + 1)[f] for f in factors]
    D = np.hstack(blocks)
    return D[:, D.any(axis=0)]


def brute_force(X, factors, weights=None):
    """Residuals of the weighted projection on the dummies, and their rank."""
    root = np.ones(len(X)) if weights is None else np.sqrt(weights)
    U, s, _ = np.linalg.svd(root[:, None] * dummies(factors), full_matrices=False)
    U = U[:, s > 1e-10 * s[0]]
    Z = root[:, None] * X
    return (Z - U @ (U.T @ Z)) / root[:, None], U.shape[1]


def random_case(seed, rows=120, most=4):
    rng = np.random.default_rng(seed)
    n, q = int(rng.integers(2, rows)), int(rng.integers(1, most + 1))
    factors = [rng.integers(0, rng.integers(1, max(2, n // 2)), n) for _ in range(q)]
    if rng.random() < 0.5:
        factors[0] = np.sort(factors[0])
    if q > 1 and rng.random() < 0.3:
        factors[1] = factors[0] // 2  # nested
    weights = None if rng.random() < 0.5 else rng.uniform(0.1, 10, n)
    return rng.standard_normal((n, 3)), factors, weights


@pytest.fixture(params=["as it comes", "dense", "sparse", "iterative"])
def way(request, monkeypatch):
    """Send small problems down the roads that large ones take."""
    monkeypatch.setattr(parts, "_BASE", 2**16 if request.param == "dense" else 0)
    if request.param in ("sparse", "iterative"):
        monkeypatch.setattr(parts, "_CELLS", 0)
        for name, value in (("DENSE", 3), ("DIRECT", 3), ("SMALL", 3), ("CORE", 4)):
            monkeypatch.setattr(reduced, name, value)
        monkeypatch.setattr(laplacian, "_CORE", 2)
        monkeypatch.setattr(laplacian, "_DENSE", 20)
    if request.param == "iterative":
        for name in ("_TERMS", "_EASY"):
            monkeypatch.setattr(parts, name, -(10**9))
        monkeypatch.setattr(factor, "_FILL", -1000)
        monkeypatch.setattr(factor, "_BASE", 0)
    return request.param


@pytest.mark.parametrize("seed", range(40))
def test_residuals_and_rank_are_those_of_dummies(seed, way):
    X, factors, weights = random_case(seed)
    found = absorb(X, factors, weights)
    expected, rank = brute_force(X, factors, weights)
    assert_allclose(found.values, expected, atol=EXACT)
    if found.rank_exact:
        assert found.rank == rank
    else:
        assert found.rank >= rank
    assert found.levels == tuple(len(np.unique(f)) for f in factors)


def test_the_roads_are_taken(way):
    rng = np.random.default_rng(0)
    factors = [rng.integers(0, 60, 400), rng.integers(0, 50, 400), rng.integers(0, 40, 400)]
    taken = {absorb(np.ones(400), factors[:q]).method for q in (2, 3)}
    assert taken <= (
        {"dense"} if way in ("as it comes", "dense") else {"elimination", "conjugate gradients"}
    )
    if way == "iterative":
        assert taken == {"conjugate gradients"}


@given(seed=integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_residuals_are_orthogonal_and_idempotent(seed):
    X, factors, weights = random_case(seed, rows=60)
    found = absorb(X, factors, weights).values
    w = np.ones(len(X)) if weights is None else weights
    assert_allclose(dummies(factors).T @ (w[:, None] * found), 0, atol=1e-8)
    assert_allclose(absorb(found, factors, weights).values, found, atol=EXACT)


@given(seed=integers(0, 2**32 - 1), size=sampled_from([1.0, 1e4]))
@settings(max_examples=60)
def test_shifts_of_levels_are_absorbed(seed, size):
    X, factors, weights = random_case(seed, rows=60)
    rng = np.random.default_rng(seed)
    shifted = X.copy()
    for f in factors:
        shifted += size * rng.standard_normal((int(f.max()) + 1, 3))[f]
    expected = absorb(X, factors, weights).values
    assert_allclose(absorb(shifted, factors, weights).values, expected, atol=1e-9 * size)


@given(seed=integers(0, 2**32 - 1), keep=booleans())
@settings(max_examples=40)
def test_row_order_does_not_matter(seed, keep):
    X, factors, weights = random_case(seed, rows=60)
    order = np.random.default_rng(seed).permutation(len(X))
    w = None if weights is None else weights[order]
    mixed = absorb(X[order], [f[order] for f in factors], w)
    assert_allclose(mixed.values, absorb(X, factors, weights).values[order], atol=EXACT)


def test_weights_are_a_metric_and_do_not_scale_the_residuals():
    rng = np.random.default_rng(3)
    x, f, w = rng.standard_normal((30, 1)), np.repeat(np.arange(6), 5), rng.uniform(1, 5, 30)
    means = np.bincount(f, w * x[:, 0]) / np.bincount(f, w)
    assert_allclose(absorb(x, [f], w).values[:, 0], x[:, 0] - means[f], atol=1e-14)
    assert_allclose(absorb(x, [f], 7 * w).values, absorb(x, [f], w).values, atol=1e-14)


def test_disconnected_graph_counts_its_components():
    # Two labour markets that share no firm, and a firm whose only worker never moves.
    worker = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    firm = np.array([0, 1, 1, 0, 2, 3, 3, 2, 4, 4])
    assert count_components(Groups.from_codes(worker), Groups.from_codes(firm)) == 3
    rank = dummy_rank([worker, firm])
    assert (rank.value, rank.exact, rank.levels) == (5 + 5 - 3, True, (5, 5))


def test_constant_and_absorbed_columns_become_nothing():
    rng = np.random.default_rng(1)
    e, t = np.repeat(np.arange(30), 8), np.tile(np.arange(8), 30)
    keep = rng.random(240) < 0.8
    e, t = e[keep], t[keep]
    columns = np.column_stack([np.full(len(e), 1e6), e * 3.0, np.sin(t) * 1e3, 5.0 * e - 7.0 * t])
    found = absorb(columns, [e, t]).values
    assert_allclose(found / np.abs(columns).max(axis=0), 0, atol=1e-13)


def test_large_levels_leave_small_variation_intact():
    # x varies by 1 around entity levels of 1e6: six digits are lost, ten stay.
    rng = np.random.default_rng(2)
    e, t = np.repeat(np.arange(50), 12), np.tile(np.arange(12), 50)
    x = rng.standard_normal((600, 1))
    found = absorb(x + 1e6 * rng.standard_normal(50)[e][:, None], [e, t]).values
    assert_allclose(found, absorb(x, [e, t]).values, atol=1e-8)


def test_fewer_rows_than_levels():
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, 50, 40), rng.integers(0, 50, 40)
    X = rng.standard_normal((40, 2))
    expected, rank = brute_force(X, [a, b])
    found = absorb(X, [a, b])
    assert found.rank == rank
    assert_allclose(found.values, expected, atol=EXACT)


def test_codes_may_have_gaps():
    rng = np.random.default_rng(6)
    X, a, b = rng.standard_normal((60, 2)), rng.integers(0, 9, 60), rng.integers(0, 5, 60)
    gaps = absorb(X, [a * 1000 + 7, b * 3])
    assert_allclose(gaps.values, absorb(X, [a, b]).values, atol=1e-13)
    assert gaps.levels == (len(np.unique(a)), len(np.unique(b)))


def test_one_factor_twice_is_one_factor():
    rng = np.random.default_rng(7)
    X, a = rng.standard_normal((60, 2)), rng.integers(0, 9, 60)
    twice = absorb(X, [a, a])
    assert twice.rank == len(np.unique(a))
    assert_allclose(twice.values, absorb(X, [a]).values, atol=1e-14)


def test_overwrite_works_in_place_and_default_does_not():
    rng = np.random.default_rng(8)
    X, a, b = rng.standard_normal((60, 2)), rng.integers(0, 9, 60), rng.integers(0, 5, 60)
    X = np.asfortranarray(X)
    before = X.copy()
    values = absorb(X, [a, b]).values
    assert_allclose(X, before, atol=0)
    inside = absorb(X, [a, b], overwrite=True).values
    assert np.shares_memory(inside, X)
    assert_allclose(X, values, atol=0)


def ring(seed, workers, periods, firms, share=0.01):
    """Workers at firms on a ring; few ever move, and only next door."""
    rng = np.random.default_rng(seed)
    worker = np.repeat(np.arange(workers), periods)
    time = np.tile(np.arange(periods), workers)
    home, moves = rng.integers(0, firms, workers), rng.random(workers) < share
    when = rng.integers(1, periods, workers)
    return worker, (home[worker] + (moves[worker] & (time >= when[worker]))) % firms


@pytest.mark.parametrize("shuffle", [False, True])
def test_badly_connected_effects_are_exact(shuffle):
    # 400 firms in one long ring of some 8 moves per link: alternating projections would need
    # tens of thousands of sweeps. Orthogonality to every dummy is the check at this size.
    worker, firm = ring(1, workers=40_000, periods=4, firms=400, share=0.08)
    rng = np.random.default_rng(0)
    if shuffle:
        order = rng.permutation(len(worker))
        worker, firm = worker[order], firm[order]
    x = rng.standard_normal(len(worker)) + np.sin(firm / 400 * 2 * np.pi) * 10
    found = absorb(x[:, None], [worker, firm])
    r = found.values[:, 0]
    assert found.rank == 40_000 + 400 - 1
    assert np.abs(np.bincount(worker, r)).max() < 1e-10
    assert np.abs(np.bincount(firm, r)).max() < 1e-9
    # The projection is also the right one: adding firm effects changes nothing.
    shifted = absorb((x + 50 * rng.standard_normal(400)[firm])[:, None], [worker, firm])
    assert_allclose(shifted.values[:, 0], r, atol=1e-10)


def test_three_badly_connected_effects_are_exact():
    worker, firm = ring(2, workers=30_000, periods=5, firms=3000, share=0.05)
    rng = np.random.default_rng(4)
    town = np.where(rng.random(len(firm)) < 0.01, (firm // 5 + 1) % 600, firm // 5)
    factors = [worker, firm, town]
    x = rng.standard_normal((len(worker), 2))
    shift = sum(10 * rng.standard_normal(int(f.max()) + 1)[f] for f in factors)
    found = absorb(x + shift[:, None], factors)
    assert found.rank_exact
    for f in factors:
        assert np.abs(group_sums(found.values, f)).max() < 1e-8
    assert_allclose(found.values, absorb(x, factors).values, atol=1e-9)


def test_dense_graph_goes_by_conjugate_gradients():
    # 4,000 firms met at random: sparse elimination would fill in.
    rng = np.random.default_rng(9)
    worker, firm = np.repeat(np.arange(20_000), 4), rng.integers(0, 4000, 80_000)
    x = rng.standard_normal((80_000, 2))
    found = absorb(x, [worker, firm])
    assert found.method == "conjugate gradients"
    assert np.abs(group_sums(found.values, worker)).max() < 1e-9
    assert np.abs(group_sums(found.values, firm)).max() < 1e-9
    shifted = absorb(x + 30 * rng.standard_normal(4000)[firm][:, None], [worker, firm])
    assert_allclose(shifted.values, found.values, atol=1e-9)


@pytest.mark.parametrize("way_out", ["bands", "deeper"])
@pytest.mark.parametrize("third", [False, True])
def test_clusters_of_firms_call_for_a_stronger_preconditioner(monkeypatch, way_out, third):
    # Forty dense labour markets on a ring, joined by few movers.
    rng = np.random.default_rng(10)
    n = 15_000
    market = rng.integers(0, 40, n)
    first = market * 50 + rng.integers(0, 50, n)
    moved = np.where(rng.random(n) < 0.004, (market + 1) % 40, market)
    second = moved * 50 + rng.integers(0, 50, n)
    factors = [np.repeat(np.arange(n), 2), np.column_stack([first, second]).ravel()]
    if third:
        factors.append(rng.integers(0, 300, 2 * n))
    for name in ("DENSE", "CORE", "DIRECT"):
        monkeypatch.setattr(reduced, name, 100)
    for module in (laplacian, factor):
        monkeypatch.setattr(module, "_SMALL" if module is factor else "_DENSE", 100)
    used = []
    original = reduced.banded

    def banded(S, weight):
        found = original(S, weight) if way_out == "bands" else None
        used.append(found is not None)
        return found

    monkeypatch.setattr(reduced, "banded", banded)
    x = rng.standard_normal((2 * n, 1))
    found = absorb(x, factors)
    assert found.method == "conjugate gradients"
    # Bands of the whole system come first; with three effects, those of each block follow.
    assert used == ([True] if way_out == "bands" else [False] * (1 + third))
    for f in factors:
        assert np.abs(group_sums(found.values, f)).max() < 1e-8
    shifted = absorb(x + 30 * rng.standard_normal(2000)[factors[1]][:, None], factors)
    assert_allclose(shifted.values, found.values, atol=1e-9)


def test_failing_iterations_are_an_error(monkeypatch):
    monkeypatch.setattr(reduced.Reduced.solve, "__defaults__", (2,))
    rng = np.random.default_rng(9)
    worker, firm = np.repeat(np.arange(20_000), 4), rng.integers(0, 4000, 80_000)
    with pytest.raises(ConvergenceError, match="2 effects did not converge in 2 iterations"):
        absorb(rng.standard_normal((80_000, 1)), [worker, firm])


@given(seed=integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_pairwise_rank_bounds_the_rank(seed):
    X, factors, _ = random_case(seed, rows=60)
    rank = brute_force(X, factors)[1]
    bound = pairwise_rank([Groups.from_codes(f) for f in factors])
    assert bound >= rank
    if len(factors) < 3:
        assert bound == rank


@given(seed=integers(0, 2**32 - 1), cells=sampled_from([1, 2, 5, 40]), dense=booleans())
@settings(max_examples=100)
def test_components_of_tables(seed, cells, dense):
    """Long chains, islands and graphs in one piece, against a search of the whole graph."""
    rng = np.random.default_rng(seed)
    k, h = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    islands = int(rng.integers(1, 4))
    a, b = rng.integers(0, k, cells * h), rng.integers(0, h, cells * h)
    same = a % islands == b % islands
    a = np.concatenate([a[same], np.arange(max(k, h)) % k])
    b = np.concatenate([b[same], np.arange(max(k, h)) % h])
    table = cross_tab(Groups.from_codes(a), Groups.from_codes(b), rng.uniform(0.5, 2, len(a)))
    graph = sparse.block_array([[None, table], [table.T, None]])
    count, labels = connected_components(graph, directed=False)
    found, of_columns = components_of(table.toarray() if dense else table)
    assert found == count
    assert count_components(Groups.from_codes(b), Groups.from_codes(a)) == count
    pairs = np.column_stack([of_columns, labels[table.shape[0] :]])
    assert len(np.unique(pairs, axis=0)) == len(np.unique(of_columns)) == count


def test_rank_of_three_large_factors_is_that_of_their_pairs():
    """Tables that solving has made are counted on, either way round."""
    rng = np.random.default_rng(5)
    n = 200_000
    left = rng.integers(0, 2, n)
    factors = [
        rng.integers(0, 6000, n) * 2 + left, rng.integers(0, 3000, n),
        rng.integers(0, 1500, n) * 2 + left,
    ]  # fmt: skip
    for w in (None, rng.uniform(1, 2, n)):
        built = Absorber.build(factors, w)
        assert built.system is not None
        assert built.system.tables
        assert not built.rank.exact
        assert built.rank.value == pairwise_rank([Groups.from_codes(f) for f in factors])


@given(seed=integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_singletons_match_pruning_by_hand(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    factors = [rng.integers(0, rng.integers(1, n + 1), n) for _ in range(rng.integers(1, 4))]
    keep = np.ones(n, dtype=bool)
    while True:
        alone = np.zeros(n, dtype=bool)
        for f in factors:
            alone |= keep & (np.bincount(f[keep], minlength=n)[f] == 1)
        if not alone.any():
            break
        keep &= ~alone
    assert_allclose(singletons(factors), ~keep)


def test_singletons_unravel_a_chain():
    # Each row shares one level with the next: the last falls, then the one before, ...
    n = 2000
    a, b = np.arange(n) // 2, (np.arange(n) + 1) // 2
    assert singletons([a, b]).all()


@pytest.mark.parametrize("seed", range(30))
def test_recovered_effects_fit_like_dummies(seed, way):
    X, factors, weights = random_case(seed)
    effects = recover_effects(X[:, 0], factors, weights)
    found = [np.unique(f, return_inverse=True)[1] for f in factors]
    fitted = sum(a[f] for a, f in zip(effects, found, strict=True))
    expected = X[:, 0] - brute_force(X[:, :1], factors, weights)[0][:, 0]
    assert_allclose(fitted, expected, atol=1e-9)
    w = np.ones(len(X)) if weights is None else weights
    for a, f in zip(effects[1:], found[1:], strict=True):
        assert np.average(a[f], weights=w) == pytest.approx(0, abs=1e-9)


def test_recovered_effects_of_a_balanced_panel_are_means():
    rng = np.random.default_rng(11)
    e, t = np.repeat(np.arange(8), 5), np.tile(np.arange(5), 8)
    v = rng.standard_normal(40)
    entity, time = recover_effects(v, [e, t])
    assert_allclose(entity, group_means(v, e), atol=1e-13)
    assert_allclose(time, group_means(v, t) - v.mean(), atol=1e-13)


def test_group_helpers():
    codes, x = np.array([2, 0, 2, 5]), np.array([1.0, 2.0, 3.0, 4.0])
    assert_allclose(group_sums(x, codes), [2, 4, 4])
    assert_allclose(group_means(x, codes, np.array([1.0, 1.0, 3.0, 2.0])), [2, 2.5, 4])
    assert_allclose(demean(np.column_stack([x, x]), codes)[:, 1], [-1, 0, 1, 0])


@pytest.mark.parametrize(
    ("factors", "weights", "message"),
    [
        ([], None, "at least one factor"),
        ([np.array([0, 1]), np.array([0])], None, "equal lengths"),
        ([np.array([0, -1])], None, "negative codes"),
        ([np.array([0.5, 1.0])], None, "whole numbers"),
        ([np.array([0, 1])], np.array([1.0, 0.0]), "positive, finite"),
        ([np.array([0, 1])], np.array([1.0, np.nan]), "positive, finite"),
    ],
)
def test_bad_factors_and_weights_are_refused(factors, weights, message):
    with pytest.raises(ValueError, match=message):
        Absorber.build(factors, weights)


def test_conjugate_gradients_solve_a_singular_system():
    rng = np.random.default_rng(12)
    B = rng.standard_normal((30, 20))
    S = B @ B.T
    b = S @ rng.standard_normal((30, 2))
    total = np.full(2, 1e6)
    found = conjugate.conjugate_gradients(
        S.__matmul__, lambda r: r, b, total, np.zeros(2), 1e-12, 500
    )
    assert found.converged.all()
    assert_allclose(S @ found.x, b, atol=1e-6)
