"""Dispersion of entities' slopes around a pooled estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.heterogeneous.slopes import blocks, entity_gram


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dispersion:
    """Standardised dispersion.

    Attributes
    ----------
    delta, adjusted : float
    swamy : float
        The unstandardised sum S.
    """

    delta: float
    adjusted: float
    swamy: float


def dispersion(
    y: FloatArray, X: FloatArray, entity: IntArray, partialled: int, hac: int | None
) -> Dispersion:
    r"""Pesaran and Yamagata's (2008) eqs. 26, 27 and 29; with ``hac`` Blomquist and Westerlund's.

    Parameters
    ----------
    y : (n,); X : (n, k)
        After the other regressors of each entity are taken out.
    partialled : int
        How many these are, the intercept among them.
    hac : int, optional
        Bartlett lags of the long-run covariance of scores; -1 for floor(4 (T/100)^(2/9)).
    """
    T = np.bincount(entity).astype(float)
    N, k = len(T), X.shape[1]
    S = entity_gram(X, X, entity)
    Sy = entity_gram(X, y[:, None], entity)[:, :, 0]
    own = np.linalg.solve(S, Sy[:, :, None])[:, :, 0]
    fe = np.linalg.solve(S.sum(axis=0), Sy.sum(axis=0))
    e = y - X @ fe
    if hac is None:
        sigma2 = np.bincount(entity, weights=e * e) / (T - partialled)
        W = S / sigma2[:, None, None]
    else:
        V = _score_covariance(X * e[:, None], entity, hac)
        Q = S / T[:, None, None]
        W = T[:, None, None] * (Q @ np.linalg.solve(V, Q))
    pooled = np.linalg.solve(W.sum(axis=0), np.einsum("nij,nj->i", W, own))
    gap = own - pooled
    d = np.einsum("ni,nij,nj->n", gap, W, gap)
    delta = np.sqrt(N) * (d.mean() - k) / np.sqrt(2.0 * k)
    var = 2.0 * k * (T - k - partialled) / (T - partialled + 2)
    adjusted = np.sum((d - k) / np.sqrt(var)) / np.sqrt(N)
    return Dispersion(delta=float(delta), adjusted=float(adjusted), swamy=float(d.sum()))


def _score_covariance(scores: FloatArray, entity: IntArray, lags: int) -> FloatArray:
    N, k = int(entity.max()) + 1, scores.shape[1]
    out = np.empty((N, k, k))
    for codes, rows in blocks(entity):
        u, T = scores[rows], rows.shape[1]
        width = int(4 * (T / 100) ** (2 / 9)) if lags < 0 else min(lags, T - 1)
        total = u.transpose(0, 2, 1) @ u / T
        for lag in range(1, width + 1):
            G = u[:, lag:].transpose(0, 2, 1) @ u[:, : T - lag] / T
            total = total + (1 - lag / (width + 1)) * (G + G.transpose(0, 2, 1))
        out[codes] = total
    return out
