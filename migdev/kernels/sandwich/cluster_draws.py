"""Joint cluster bootstrap of linear equations, in batches: no loop over draws or clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.groups import run_starts
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray

#: A column of which the others leave less than this share is not identified beside them.
SINGULAR = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterSums:
    """What a least-squares equation is made of, cluster by cluster.

    Attributes
    ----------
    A : (G, k, k)
        Sums of X'X.
    c : (G, k)
        Sums of X'y. Clusters that are not in the equation's sample hold zeros.
    """

    A: FloatArray
    c: FloatArray


def cluster_sums(X: FloatArray, y: FloatArray, cluster: IntArray, G: int) -> ClusterSums:
    """Sums by cluster of X'X and X'y.

    Parameters
    ----------
    X : (n, k); y : (n,)
    cluster : (n,)
        Codes in 0..G-1, in any order.
    """
    k = X.shape[1]
    A, c = np.zeros((G, k, k)), np.zeros((G, k))
    order = np.argsort(cluster, kind="stable")
    codes = cluster[order]
    starts = run_starts(codes)
    present = codes[starts]
    Xs, ys = X[order], y[order]
    for j in range(k):  # columns, not rows: k is small
        A[present, j] = np.add.reduceat(Xs * Xs[:, [j]], starts, axis=0)
    c[present] = np.add.reduceat(Xs * ys[:, None], starts, axis=0)
    return ClusterSums(A=A, c=c)


def pairs_draws(sums: ClusterSums, weights: FloatArray, focal: int) -> tuple[FloatArray, int]:
    """Estimates of one coefficient when whole clusters are drawn with replacement.

    Parameters
    ----------
    sums : ClusterSums
    weights : (B, G)
        How often each cluster is in each draw.
    focal : int
        Position of the coefficient.

    Returns
    -------
    draws : (B,)
    singular : int
        Draws in which the coefficients were not all identified; solved by pseudo-inverse.
    """
    G, k = sums.c.shape
    order = [*(j for j in range(k) if j != focal), focal]
    parts = np.concatenate([sums.A, sums.c[:, :, None]], axis=2)[:, order][:, :, [*order, k]]
    # Draws along the last axis, so that every step is over whole rows of memory.
    systems = (parts.reshape(G, -1).T @ weights.T).reshape(k, k + 1, -1)
    scale = 1 / np.sqrt(np.maximum(np.einsum("jjb->jb", systems[:, :k]), np.finfo(float).tiny))
    systems *= scale[:, None]
    systems[:, :k] *= scale
    draws, left = _last_coefficient(systems)
    bad = left < SINGULAR
    if bad.any():
        A, c = np.moveaxis(systems[:, :k, bad], 2, 0), systems[:, k, bad]
        inverse = np.linalg.pinv(A, rcond=1e-10, hermitian=True)
        draws[bad] = np.einsum("bk,kb->b", inverse[:, -1], c)
    return draws * scale[-1], int(bad.sum())


def _last_coefficient(systems: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The last coefficient of each system, by taking the other columns out one after another.

    Parameters
    ----------
    systems : (k, k + 1, B)
        X'X, with ones on its diagonal, and X'y beside it.

    Returns
    -------
    coefficient : (B,)
    left : (B,)
        The least share of its square that a column keeps when those before it are taken out.
    """
    rest, left = systems, np.full(systems.shape[2], np.inf)
    while True:
        np.minimum(left, rest[0, 0], out=left)
        pivot = np.where(left < SINGULAR, np.inf, rest[0, 0])
        if len(rest) == 1:
            return rest[0, 1] / pivot, left
        rest = rest[1:, 1:] - (rest[1:, 0] / pivot)[:, None] * rest[0, 1:]


def resampling_weights(rng: np.random.Generator, draws: int, G: int) -> FloatArray:
    """(draws, G) multinomial counts: clusters drawn with replacement."""
    return rng.multinomial(G, np.full(G, 1 / G), size=draws).astype(float)


def wild_draws(
    params: FloatArray, influence: FloatArray, rng: np.random.Generator, draws: int
) -> FloatArray:
    r"""Joint wild cluster bootstrap of several focal parameters.

    With Rademacher weights :math:`v_g` shared by all equations of a cluster, residuals times
    :math:`v_g` give :math:`\theta^* = \hat\theta + \sum_g v_g \psi_g`, exactly, as the estimator is
    linear.

    Parameters
    ----------
    params : (m,)
    influence : (G, m)
        Sums by cluster of bread times scores.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90, 414-427.
    """
    signs = rng.integers(0, 2, size=(draws, len(influence))) * 2.0 - 1.0
    return np.asarray(params + signs @ influence)


def multiplier_statistics(
    influence: FloatArray, present: BoolArray, rng: np.random.Generator, draws: int
) -> FloatArray:
    r"""Joint draws of t statistics under their nulls, by one random sign per cluster.

    With the sums :math:`\psi_{gj}` of influences over the :math:`G_j` clusters of equation j and
    Rademacher signs :math:`v_g` that all equations of a cluster share,

    .. math::
        S_j = \sum_g v_g \psi_{gj}, \qquad
        t^*_j = S_j \Big/ \sqrt{\tfrac{G_j}{G_j - 1}
            \big(\textstyle\sum_g \psi_{gj}^2 - S_j^2 / G_j\big)} \quad (1)

    which is the t statistic of the mean of :math:`v_g \psi_{gj}`: studentised draw by draw, so that
    few clusters give the heavy tails they should.

    Parameters
    ----------
    influence : (G, m)
    present : (G, m)
        Which clusters are in the sample of each equation; influences are zero elsewhere.

    Returns
    -------
    (draws, m)
    """
    signs = rng.integers(0, 2, size=(draws, len(influence))) * 2.0 - 1.0
    S = signs @ influence
    G = present.sum(axis=0)
    spread = G / (G - 1) * np.maximum(np.sum(influence**2, axis=0) - S**2 / G, 0.0)
    with np.errstate(divide="ignore"):  # all signs alike: an infinite statistic, as it should be
        return np.asarray(S / np.sqrt(spread))
