r"""Least-squares search for thresholds in a panel with fixed effects (Hansen 1999).

With :math:`M` the projection off the entity dummies and the other regressors W, a threshold at
:math:`\gamma` adds the columns :math:`v(\gamma) = x\,1(q \le \gamma)` and lowers the sum of squares
by :math:`a'B^{-1}a` with :math:`a = v'My` and :math:`B = v'Mv`. Sorted by q both are running sums,
so that the exact search over every observed value takes one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """What is shared by all searches on one sample with one set of other regressors.

    Attributes
    ----------
    order : (n,)
        Rows by rising q.
    ends : (G,)
        Position in that order of the last row with each candidate value.
    values : (G,)
        Candidate thresholds, rising.
    x : (n, m)
        Regressors that change at the threshold, in that order.
    W : (n, k)
        Orthonormal basis of the other regressors, without entity means, in the original order.
    B : (G, m, m)
        v'Mv.
    allowed : (G,)
        Candidates that leave enough rows on both sides of every threshold.
    """

    order: IntArray
    ends: IntArray
    values: FloatArray
    x: FloatArray
    W: FloatArray
    B: FloatArray
    allowed: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Best threshold.

    Attributes
    ----------
    value : float
    position : int
        Among the candidates.
    rss : float
    rss_path : (G,)
        Sum of squared residuals at every candidate; inf where it is not allowed.
    """

    value: float
    position: int
    rss: float
    rss_path: FloatArray


def demean(X: FloatArray, entity: IntArray) -> FloatArray:
    """Deviations from entity means; X is (n,) or (n, k), rows sorted by entity.

    Columns that do not vary within entities become zero, not the rounding errors of their means.
    """
    counts = np.bincount(entity)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(X, starts, axis=0)
    means = sums / (counts if X.ndim == 1 else counts[:, None])
    out: FloatArray = X - means[entity]
    left = np.sqrt(np.sum(np.square(out), axis=0))
    out *= left > 1e-10 * np.sqrt(np.sum(np.square(X), axis=0))
    return out


def basis(W: FloatArray) -> FloatArray:
    """Orthonormal basis of the columns, dependent ones left out."""
    if W.shape[1] == 0:
        return W
    size = np.sqrt(np.einsum("ij,ij->j", W, W))
    U, s, _ = np.linalg.svd(W / np.where(size > 0, size, 1.0), full_matrices=False)
    return U[:, s > 1e-9 * max(float(s[0]), 1e-300)]


def candidates(q: FloatArray, grid: int | None, trim: float) -> FloatArray:
    """Thresholds to try: every observed value, or ``grid`` quantiles between the trims."""
    values = np.unique(q)
    if grid is None:
        return values[:-1]
    levels = np.linspace(trim, 1.0 - trim, grid)
    picked: FloatArray = np.unique(np.quantile(q, levels, method="inverted_cdf"))
    below: FloatArray = picked[picked < values[-1]]
    return below


def prepare(
    q: FloatArray,
    x: FloatArray,
    W: FloatArray,
    entity: IntArray,
    values: FloatArray,
    known: FloatArray,
    least: int,
) -> Search:
    """Set up the search for one more threshold.

    Parameters
    ----------
    q : (n,); x : (n, m)
        Not demeaned.
    W : (n, k)
        Other regressors, demeaned; with x and its pieces at the ``known`` thresholds among them.
    known : (g,)
        Thresholds that are in W already.
    least : int
        Rows that every regime must hold.
    """
    n = len(x)
    order = np.argsort(q, kind="stable").astype(np.int64)
    sorted_q = q[order]
    ends = (np.searchsorted(sorted_q, values, side="right") - 1).astype(np.int64)
    xs, es = x[order], entity[order]
    counts = np.bincount(entity)
    # Sums of x over the rows of the same entity that come earlier in the order of q.
    by_entity = np.lexsort((np.arange(n), es))
    xe, first = xs[by_entity], np.searchsorted(es[by_entity], np.arange(len(counts)))
    run = np.cumsum(xe, axis=0)
    before = run - xe
    before -= before[first][es[by_entity]]
    earlier = np.empty_like(xs)
    earlier[by_entity] = before
    outer = xs[:, :, None] * xs[:, None, :]
    cross = xs[:, :, None] * earlier[:, None, :]
    step = outer - (cross + cross.swapaxes(1, 2) + outer) / counts[es][:, None, None]
    Q = basis(W)
    vW = np.cumsum(xs[:, :, None] * Q[order][:, None, :], axis=0)[ends]  # (G, m, k)
    B = np.cumsum(step, axis=0)[ends] - vW @ vW.swapaxes(1, 2)
    below = ends + 1
    cuts = np.sort(np.searchsorted(sorted_q, known, side="right")) if len(known) else known
    edges = np.concatenate([[0], cuts, [n]])
    left = edges[np.searchsorted(edges, below, side="right") - 1]
    right = edges[np.minimum(np.searchsorted(edges, below, side="left"), len(edges) - 1)]
    allowed = (below - left >= least) & (right - below >= least)
    return Search(order=order, ends=ends, values=values, x=xs, W=Q, B=B, allowed=allowed)


def search(s: Search, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums of squares (draws, G) at every candidate, and without the threshold (draws,).

    Parameters
    ----------
    y : (n, draws)
        Demeaned.
    """
    My = y - s.W @ (s.W.T @ y)
    rss0 = np.einsum("nd,nd->d", My, My)
    sorted_y = My[s.order]
    a = np.stack(
        [np.cumsum(s.x[:, [j]] * sorted_y, axis=0)[s.ends] for j in range(s.x.shape[1])], axis=1
    )  # (G, m, draws)
    m = s.x.shape[1]
    size = np.sqrt(np.maximum(np.einsum("gjj->gj", s.B), 0.0))
    alive = size > 1e-8 * np.maximum(np.sqrt(np.mean(np.square(s.x), axis=0)), 1e-300)
    scale = np.where(alive, 1.0 / np.where(alive, size, 1.0), 0.0)
    unit = s.B * scale[:, :, None] * scale[:, None, :]
    if m == 1:
        gain = np.square(a[:, 0] * scale)
    else:
        inverse = np.linalg.pinv(unit, rcond=1e-10, hermitian=True)
        scaled = a * scale[:, :, None]
        gain = np.einsum("gjd,gjl,gld->gd", scaled, inverse, scaled, optimize=True)
    path = np.where(s.allowed[:, None], rss0[None, :] - gain, np.inf)
    return path.T, rss0


def best(s: Search, y: FloatArray) -> Found:
    """The threshold with the least sum of squares for one y (n,)."""
    path, _ = search(s, y[:, None])
    at = int(np.argmin(path[0]))
    return Found(value=float(s.values[at]), position=at, rss=float(path[0, at]), rss_path=path[0])


def pieces(q: FloatArray, x: FloatArray, thresholds: FloatArray) -> FloatArray:
    """(n, m (g+1)) x in each regime, regimes from low to high q."""
    regime = np.searchsorted(np.sort(thresholds), q, side="left")
    columns = [x * (regime == r)[:, None] for r in range(len(thresholds) + 1)]
    return np.concatenate(columns, axis=1)


def residual_draws(
    rng: np.random.Generator, resid: FloatArray, entity: IntArray, draws: int, kind: str
) -> FloatArray:
    """(n, draws) bootstrap errors: whole entities with replacement, or their signs redrawn.

    ``kind="entity"`` needs entities of equal length, rows sorted by entity and period.
    """
    N = int(entity.max()) + 1
    if kind == "wild":
        signs = rng.choice(np.array([-1.0, 1.0]), size=(N, draws))
        flipped: FloatArray = resid[:, None] * signs[entity]
        return flipped
    table = resid.reshape(N, -1)
    who = rng.integers(N, size=(draws, N))
    return table[who].reshape(draws, -1).T
