"""Averages over entities that are drawn with replacement."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.robust_mean import robust_location
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.heterogeneous.pmg import Grams, long_run_scale, maximise, scaled_gram

_CHUNK = 2_000_000  # numbers in the scores of the draws that are maximised together


def drawn(N: int, replications: int, seed: int) -> IntArray:
    """(B, N) entities of each sample."""
    return np.random.default_rng(seed).integers(N, size=(replications, N))


def mean_draws(slopes: FloatArray, robust: bool | str, who: IntArray) -> FloatArray:
    """(B, k) averages, or M-estimates, of the slopes (N, k) of the entities ``who`` (B, N)."""
    if robust is not False:
        parts = np.array_split(who, max(1, who.size * slopes.shape[1] // _CHUNK))
        return np.concatenate([robust_location(slopes[w], str(robust)) for w in parts])
    N = len(slopes)
    weights = np.stack([np.bincount(w, minlength=N) for w in who]) / N
    return np.asarray(weights @ slopes)


def weighted_draws(sums: FloatArray, W: FloatArray, who: IntArray) -> FloatArray:
    r"""(B, k) pooled estimates :math:`(\sum_iW_i)^{-1}\sum_is_i` over the entities ``who`` (B, N).

    Parameters
    ----------
    sums : (N, k)
        :math:`s_i = X_i'y_i`, or :math:`W_i\hat\beta_i`.
    W : (N, k, k)
        :math:`X_i'X_i`.
    """
    N = len(sums)
    counts = np.stack([np.bincount(w, minlength=N) for w in who]).astype(float)
    total = np.tensordot(counts, W, axes=(1, 0))
    pull = counts @ sums
    return np.asarray(np.linalg.solve(total, pull[:, :, None])[:, :, 0])


def wild_slopes(
    slopes: FloatArray, influence: FloatArray, entity: IntArray, time: IntArray, signs: FloatArray
) -> FloatArray:
    r"""(B, N, p) slopes of every entity after its residuals change sign, period by period:
    :math:`\hat\beta_i + \sum_tv_t(X_i'X_i)^{-1}x_{it}\hat e_{it}`.

    Parameters
    ----------
    slopes : (N, p)
    influence : (n, p)
        :math:`(X_i'X_i)^{-1}x_{it}\hat e_{it}`.
    entity, time : (n,)
        Codes 0..N-1 and 0..P-1.
    signs : (B, P)
        The same for all entities of a period.
    """
    N, p = slopes.shape
    M = np.zeros((signs.shape[1], N, p))
    M[time, entity] = influence
    return slopes + (signs @ M.reshape(len(M), N * p)).reshape(-1, N, p)


def random_signs(periods: int, replications: int, seed: int) -> FloatArray:
    """(B, P) of -1 and 1."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.integers(0, 2, size=(replications, periods)) * 2.0 - 1.0)


def swamy_draws(slopes: FloatArray, V: FloatArray, who: IntArray) -> FloatArray:
    """(B, k) GLS averages of the slopes (N, k) with covariances V (N, k, k) of the entities ``who``
    (B, N): eqs. (1) and (2) of ``SwamyRandomCoefficients`` in every sample."""
    out = np.empty((len(who), slopes.shape[1]))
    step = max(1, _CHUNK // (who.shape[1] * slopes.shape[1] ** 2))
    N = who.shape[1]
    for i in range(0, len(who), step):
        b, own = slopes[who[i : i + step]], V[who[i : i + step]]
        gap = b - b.mean(axis=1, keepdims=True)
        spread = np.swapaxes(gap, 1, 2) @ gap / (N - 1)
        Delta = spread - own.mean(axis=1)
        bad = np.linalg.eigvalsh(Delta)[:, 0] < 0
        Delta[bad] = spread[bad]
        precision = np.linalg.inv(Delta[:, None] + own)
        pull = np.einsum("bnij,bnj->bi", precision, b)
        out[i : i + step] = np.linalg.solve(precision.sum(axis=1), pull[:, :, None])[:, :, 0]
    return out


def pooled_draws(
    G: FloatArray, P: FloatArray, counts: IntArray, theta: FloatArray, who: IntArray
) -> FloatArray:
    r"""(B', k + 1 + m) pooled-mean-group estimates on samples of entities: the long run is
    maximised anew, and speeds and short-run coefficients follow from it.

    .. math::
        \hat\phi_i = \frac{\xi_i'a_i}{\xi_i'\xi_i}, \qquad
        \hat\delta_i = P_{i,\Delta y} - \hat\phi_i(P_{i,y_{-1}} - P_{i,x}\theta)

    Parameters
    ----------
    G : (N, 2 + k, 2 + k)
        Gram matrices of (Delta y, y_{-1}, x) after the short-run regressors are taken out.
    P : (N, m, 2 + k)
        Coefficients of the same on the short-run regressors.
    counts : (N,)
    theta : (k,)
        Where the search starts.
    who : (B, N)

    Returns
    -------
    Samples whose likelihood has no maximum are left out, so B' may fall short of B.
    """
    N, scale = len(G), long_run_scale(G)
    data, start = Grams.of(scaled_gram(G, scale), counts), theta * scale
    found = []
    for some in np.array_split(who, max(1, who.size * len(theta) // _CHUNK)):
        weights = np.stack([np.bincount(w, minlength=N) for w in some]).astype(float)
        ends = maximise(np.broadcast_to(start, (len(some), len(start))), data, weights)
        c = np.column_stack([np.ones(len(some)), -ends.theta / scale])
        share, speed = weights / N, ends.points.speed
        short = share @ P[:, :, 0] - np.einsum(
            "sn,snm->sm", share * speed, np.tensordot(c, P[:, :, 1:], axes=(1, 2))
        )
        rows = np.column_stack([-c[:, 1:], (share * speed).sum(axis=1), short])
        found.append(rows[ends.converged])
    return np.concatenate(found)
