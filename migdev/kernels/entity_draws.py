"""Averages over entities that are drawn with replacement."""

from __future__ import annotations

import numpy as np

from migdev.kernels.pmg import long_run_scale, maximise, scaled_gram
from migdev.kernels.robust_mean import robust_mean
from migdev.kernels.types import FloatArray, IntArray

_CHUNK = 2_000_000  # numbers in the scores of the draws that are maximised together


def drawn(N: int, replications: int, seed: int) -> IntArray:
    """(B, N) entities of each sample."""
    who: IntArray = np.random.default_rng(seed).integers(N, size=(replications, N))
    return who


def mean_draws(slopes: FloatArray, robust: bool | str, who: IntArray) -> FloatArray:
    """(B, k) averages, or M-estimates, of the slopes (N, k) of the entities ``who`` (B, N)."""
    if robust is not False:
        return np.stack([robust_mean(slopes[w], str(robust))[0] for w in who])
    N = len(slopes)
    weights = np.stack([np.bincount(w, minlength=N) for w in who]) / N
    return np.asarray(weights @ slopes)


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
    Gs, T, c0 = scaled_gram(G, scale), counts.astype(float), theta * scale
    found = []
    for some in np.array_split(who, max(1, who.size * len(theta) // _CHUNK)):
        weights = np.stack([np.bincount(w, minlength=N) for w in some]).astype(float)
        ends = maximise(np.broadcast_to(c0, (len(some), len(c0))), Gs, T, weights)
        c = np.column_stack([np.ones(len(some)), -ends.theta / scale])
        share, speed = weights / N, ends.points.speed
        short = share @ P[:, :, 0] - np.einsum(
            "sn,snm->sm", share * speed, np.tensordot(c, P[:, :, 1:], axes=(1, 2))
        )
        rows = np.column_stack([-c[:, 1:], (share * speed).sum(axis=1), short])
        found.append(rows[ends.converged])
    return np.concatenate(found)
