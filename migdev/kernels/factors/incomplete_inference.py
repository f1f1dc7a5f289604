"""Bias of interactive effects over observed cells, and the number of factors."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.factors.incomplete_factors import Incomplete


def incomplete_bias(
    fit: Incomplete, seen: BoolArray, effects: tuple[str, ...]
) -> tuple[FloatArray, FloatArray]:
    r"""Biases that heteroskedasticity over entities and over periods leaves, to be subtracted.

    The second-order term of the concentrated score is :math:`-\sum_{it}E[\hat e_{it}\hat\delta_t]'
    \pi_i - \sum_{it}E[\hat e_{it}\hat\delta_i]'\pi_t`, where :math:`\hat\delta` are the errors of
    factors and loadings and :math:`\pi` what of a regressor moves with the other of the two. With
    :math:`A_t = \sum_{i\in t}\ell_i\ell_i'`, :math:`S_t = \sum_{i\in t}\sigma_i^2\ell_i\ell_i'`
    (:math:`\ell_i` the loadings, and one for period effects) the first is

    .. math::
        B = -\sum_t tr_\lambda\Big\{A_t^{-1}\Big(\sum_{i\in t}\sigma_i^2\ell_i\pi_i' -
            S_tA_t^{-1}\sum_{i\in t}\ell_i\pi_i'\Big)\Big\}

    the trace running over the factors; the second is the same with entities and periods
    exchanged. Where nothing is missing both are Bai's (2009, section 7), and where errors are
    homoskedastic both vanish.

    Parameters
    ----------
    seen : (N, T)
    """
    D = seen.astype(float)
    flat = fit.Z.reshape(-1, fit.Z.shape[2])
    S = flat.T @ flat
    square = fit.resid**2
    by_entity, by_period = square.sum(axis=1) / D.sum(axis=1), square.sum(axis=0) / D.sum(axis=0)
    first = _score_bias(fit.loadings, fit.on_loadings, by_entity, D, "time" in effects)
    second = _score_bias(fit.factors, fit.on_factors, by_period, D.T, "entity" in effects)
    return np.asarray(np.linalg.solve(S, first)), np.asarray(np.linalg.solve(S, second))


def _score_bias(
    L: FloatArray, on: FloatArray, sigma: FloatArray, D: FloatArray, effect: bool
) -> FloatArray:
    R, r, k = on.shape
    ell = np.column_stack([L, np.ones((R, int(effect)))])
    m = ell.shape[1]
    outer = np.einsum("ia,ib->iab", ell, ell).reshape(R, m * m)
    A = (D.T @ outer).reshape(-1, m, m)
    S = (D.T @ (sigma[:, None] * outer)).reshape(-1, m, m)
    cross = np.einsum("ia,ibk->iabk", ell, on).reshape(R, -1)
    plain = (D.T @ cross).reshape(-1, m, r * k)
    weighed = (D.T @ (sigma[:, None] * cross)).reshape(-1, m, r * k)
    inner = np.linalg.solve(A, weighed - S @ np.linalg.solve(A, plain)).reshape(-1, m, r, k)
    return -np.asarray(np.einsum("taak->k", inner[:, :r]))


def incomplete_criteria(sums: FloatArray, seen: BoolArray) -> dict[str, int]:
    r"""Numbers of factors by Bai and Ng's (2002) IC_p1 and IC_p2, n observed cells:

    .. math::
        \ln(V_r/n) + r\frac{N+T}n\ln\frac n{N+T}, \qquad
        \ln(V_r/n) + r\frac{N+T}n\ln\frac n{\max(N,T)}

    Parameters
    ----------
    sums : (largest + 1,)
        Smallest sums of squares with 0, 1, ... factors.
    """
    n, sides, longer = float(seen.sum()), sum(seen.shape), max(seen.shape)
    r = np.arange(len(sums))
    with np.errstate(divide="ignore"):
        fit = np.log(sums / n)
    return {
        "IC_p1": int(np.argmin(fit + r * sides / n * np.log(n / sides))),
        "IC_p2": int(np.argmin(fit + r * sides / n * np.log(n / longer))),
    }
