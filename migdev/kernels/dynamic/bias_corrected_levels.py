r"""Bias-corrected moments joined by orthogonality in levels (random effects).

Where regressors :math:`x_u` are unrelated to the effects of entities, the corrected moments of
:mod:`migdev.kernels.dynamic.bias_corrected` are joined by

.. math::
    \sum_i\sum_t (x_{u,it}', 1)'\,(y_{it} - w_{it}'\theta - \mu) = 0

which overidentifies the model; it is estimated by GMM (Breitung, Kripfganz and Hayakawa 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from migdev.kernels.arrays.gauss_newton import gauss_newton
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dynamic.bias_corrected import moments
from migdev.kernels.dynamic.lsdvc import Batch, by_entity
from migdev.kernels.dynamic.solve import Weight, invert


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """Minimiser of g'Wg.

    Attributes
    ----------
    params : (k,)
    jacobian : (J, k)
        Derivative of the summed moments g.
    contributions : (N, J)
    weight : Weight
    objective : float
    converged : bool
    """

    params: FloatArray
    jacobian: FloatArray
    contributions: FloatArray
    weight: Weight
    objective: float
    converged: bool

    @property
    def influence(self) -> FloatArray:
        """(N, k) what each entity adds to the estimate, to first order."""
        B = self.weight.root.T @ self.jacobian
        pull = np.linalg.solve(B.T @ B, B.T @ self.weight.root.T)
        return -self.contributions @ pull.T


def contributions(
    groups: list[Batch], theta: Any, lags: tuple[int, ...], inside: BoolArray, level: BoolArray
) -> Any:
    """(N, J) moments: the corrected ones of the columns ``inside`` (k,), then those in levels of
    the columns ``level`` (k,)."""
    within = moments(groups, theta, lags)
    out = []
    for b, m in zip(groups, within, strict=True):
        e = b.y - b.W @ theta
        out.append(
            np.concatenate([m[:, inside], np.einsum("ntk,nt->nk", b.W[:, :, level], e)], axis=1)
        )
    return by_entity(groups, out)


def first_weight(groups: list[Batch], inside: BoolArray, level: BoolArray) -> Weight:
    """Inverse of the block-diagonal products of the regressors, within entities and in levels."""
    k = groups[0].W.shape[2]
    A, L = np.zeros((k, k)), np.zeros((k, k))
    for b in groups:
        centred = b.W - (b.W.sum(axis=1) / b.observed.sum())[:, None, :]
        centred *= b.observed[:, None]
        A += np.einsum("ntk,ntl->kl", centred, centred)
        L += np.einsum("ntk,ntl->kl", b.W, b.W)
    return invert(linalg.block_diag(A[np.ix_(inside, inside)], L[np.ix_(level, level)]))


def minimise(
    groups: list[Batch], start: FloatArray, lags: tuple[int, ...], inside: BoolArray,
    level: BoolArray, weight: Weight,
) -> Joined:  # fmt: skip
    """From ``start`` (k,)."""
    R, steps = weight.root.T, 1e-200j * np.eye(len(start))

    def sums(theta: Any) -> Any:
        return contributions(groups, theta, lags, inside, level).sum(axis=0)

    def slope(theta: FloatArray) -> FloatArray:
        return np.array([np.imag(sums(theta + step)) / 1e-200 for step in steps]).T

    found = gauss_newton(
        lambda theta: np.asarray(R @ sums(theta)), lambda theta: np.asarray(R @ slope(theta)), start
    )
    return Joined(
        params=found.params, jacobian=slope(found.params), weight=weight,
        contributions=contributions(groups, found.params, lags, inside, level),
        objective=found.objective, converged=found.converged,
    )  # fmt: skip
