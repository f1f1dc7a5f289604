"""Averages over entities that are drawn with replacement."""

from __future__ import annotations

import numpy as np

from migdev.kernels.pmg import pooled_long_run
from migdev.kernels.robust_mean import robust_mean
from migdev.kernels.types import FloatArray, IntArray


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
    rows = []
    for w in who:
        ml = pooled_long_run(G[w], counts[w], [theta])
        if not ml.converged:
            continue
        c = np.concatenate([[1.0], -ml.theta])
        gap = P[w][:, :, 1:] @ c
        short = P[w][:, :, 0] - ml.speed[:, None] * gap
        rows.append(np.concatenate([ml.theta, [ml.speed.mean()], short.mean(axis=0)]))
    return np.array(rows).reshape(len(rows), len(theta) + 1 + P.shape[1])
