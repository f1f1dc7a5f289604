r"""Bias-corrected method of moments for dynamic panels (Breitung, Kripfganz and Hayakawa 2022).

Least squares with dummies solves :math:`\sum_i W_i'A_ie_i = 0`, whose expectation is not zero:
with :math:`\Gamma = (I - \sum_j\rho_jL^j)^{-1}` the j-th lag of y has
:math:`E[y_{i,-j}'A_ie_i] = \sigma_i^2\,\mathrm{tr}(A_iL^j\Gamma)`. The corrected moments are

.. math::
    m_i(\theta) = W_i'A_ie_i - \frac{e_i'A_ie_i}{T_i-1}\,b_i(\rho), \qquad
    b_{ij} = \mathrm{tr}(A_iL^j\Gamma) \text{ for lag j, else } 0

with every entity's own error variance. The root is found by Newton's method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.lsdvc import Batch, by_entity, within


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Root:
    """Solution of the corrected moment conditions.

    Attributes
    ----------
    params : (k,)
    jacobian : (k, k)
        Derivative of the summed moments.
    contributions : (N, k)
        Moments of the entities at the solution.
    converged : bool
        The moments vanish, and the Jacobian has eigenvalues with negative real parts only, which
        tells the consistent root from others.
    """

    params: FloatArray
    jacobian: FloatArray
    contributions: FloatArray
    converged: bool

    @property
    def influence(self) -> FloatArray:
        """(N, k) what each entity adds to the estimate, to first order."""
        return -np.asarray(np.linalg.solve(self.jacobian, self.contributions.T).T, dtype=np.float64)


def moments(groups: list[Batch], theta: Any, lags: tuple[int, ...]) -> list[Any]:
    """(N, k) moments of each batch; the first len(lags) regressors are those lags of y."""
    out = []
    for b in groups:
        T = len(b.observed)
        s = b.observed.astype(float)
        A = np.diag(s) - np.outer(s, s) / s.sum()
        W = _within(b)  # deviations first: levels may be large beside them
        y = (b.y - (b.y.sum(axis=1) / s.sum())[:, None]) * s
        G = np.eye(T, dtype=theta.dtype)
        for j, lag in enumerate(lags):
            G = G - theta[j] * np.eye(T, k=-lag)
        G = np.linalg.inv(G)
        bias = np.zeros(len(theta), dtype=theta.dtype)
        for j, lag in enumerate(lags):
            bias[j] = np.trace(A @ np.eye(T, k=-lag) @ G)
        Ae = y - W @ theta
        variance = np.einsum("nt,nt->n", Ae, Ae) / (s.sum() - 1.0)
        out.append(np.einsum("ntk,nt->nk", W, Ae) - variance[:, None] * bias)
    return out


def _within(b: Batch) -> FloatArray:
    """(N, T, k) deviations of the regressors from their means over the observed periods."""
    means = b.W.sum(axis=1, keepdims=True) / b.observed.sum()
    W: FloatArray = (b.W - means) * b.observed[:, None]
    return W


def _total(groups: list[Batch], theta: Any, lags: tuple[int, ...]) -> Any:
    return sum(m.sum(axis=0) for m in moments(groups, theta, lags))


def _jacobian(groups: list[Batch], theta: FloatArray, lags: tuple[int, ...]) -> FloatArray:
    steps = theta + 1e-200j * np.eye(len(theta))
    columns = [np.imag(_total(groups, step, lags)) / 1e-200 for step in steps]
    return np.array(columns).T


def solve_moments(groups: list[Batch], lags: tuple[int, ...]) -> Root:
    """Newton's method from least squares with dummies, then from other persistences."""
    start = within(groups).params
    best: Root | None = None
    for first in (None, 0.9, 0.5, 0.0, -0.5):
        theta = start.copy()
        if first is not None:
            theta[: len(lags)] = 0.0
            theta[0] = first
        root = _newton(groups, theta, lags)
        if root.converged:
            return root
        best = best or root
    assert best is not None
    return best


def _newton(groups: list[Batch], theta: FloatArray, lags: tuple[int, ...]) -> Root:
    value = _total(groups, theta, lags)
    scale = np.sqrt(sum(np.square(_within(b)).sum(axis=(0, 1)) for b in groups))
    J = _jacobian(groups, theta, lags)
    small = False
    for _ in range(100):
        try:
            step = np.linalg.solve(J, value)
        except np.linalg.LinAlgError:
            break
        length = 1.0
        while length > 1e-4:
            candidate = theta - length * step
            fresh = _total(groups, candidate, lags)
            if np.isfinite(fresh).all() and np.linalg.norm(fresh / scale) < np.linalg.norm(
                value / scale
            ):
                break
            length /= 2.0
        else:
            small = bool(np.max(np.abs(step * scale)) < 1e-8 * np.max(np.abs(theta * scale)))
            break
        theta, value = candidate, fresh
        J = _jacobian(groups, theta, lags)
        if np.max(np.abs(length * step * scale)) < 1e-12 * np.max(np.abs(theta * scale)):
            small = True
            break
    unit = J / np.outer(scale, scale)
    stable = bool((np.real(np.linalg.eigvals(unit)) < 0).all())
    return Root(
        params=theta, jacobian=J, contributions=by_entity(groups, moments(groups, theta, lags)),
        converged=small and stable,
    )  # fmt: skip
