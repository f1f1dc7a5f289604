r"""Linear GMM with instruments, in the orthonormal basis of the instruments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import linalg

from migdev.errors import ConvergenceError, IdentificationError
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.basis import IVBasis

#: Residuals (n,) -> covariance (l, l) of the sum of Q_t u_t.
Meat: TypeAlias = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GMMFit:
    r"""A GMM fit.

    Attributes
    ----------
    params : (k,)
    resid : (n,)
        Of the final coefficients.
    before : (n,)
        Residuals at which ``S`` was formed: those of the step before.
    loading : (l, k)
        Weighting matrix times C: the effective regressors are Q times this.
    S : (l, l)
        Covariance of :math:`\sum_t Q_t u_t` behind the J statistic; its inverse weights the
        moments in two and more steps.
    j : float
        :math:`\min_\beta\,(b - C\beta)'S^{-1}(b - C\beta)`.
    iterations : int
        Weighting matrices used.
    """

    params: FloatArray
    resid: FloatArray
    before: FloatArray
    loading: FloatArray
    S: FloatArray
    j: float
    iterations: int


def root(S: FloatArray) -> FloatArray:
    """Lower Cholesky factor of a moment covariance.

    Raises
    ------
    IdentificationError
        The covariance is singular: fewer clusters, periods or rows than moments.
    """
    scale = np.sqrt(np.where(np.diagonal(S) > 0, np.diagonal(S), 1.0))
    values = np.linalg.eigvalsh(S / np.outer(scale, scale))
    if not np.isfinite(values).all() or values[0] <= 1e-12 * max(values[-1], 1.0):
        rank = int((values > 1e-12 * max(values[-1], 1.0)).sum())
        raise IdentificationError(
            f"The covariance of the {len(S)} moments has rank {rank}, so its inverse cannot weight "
            "them: there are too few clusters, periods or rows, or the fit leaves no residuals (a "
            "constant dependent variable). Use fewer instruments, or another weight."
        )
    return np.asarray(np.linalg.cholesky(S), dtype=np.float64)


def gmm_step(basis: IVBasis, S: FloatArray) -> tuple[FloatArray, float]:
    r"""Minimise :math:`(b - C\beta)'S^{-1}(b - C\beta)`: coefficients (k,) and the minimum."""
    L = root(S)
    C = linalg.solve_triangular(L, basis.C, lower=True)
    b = linalg.solve_triangular(L, basis.b, lower=True)
    Q, R = np.linalg.qr(C)
    params = linalg.solve_triangular(R, Q.T @ b)
    gap = b - C @ params
    return params, float(gap @ gap)


def gmm(basis: IVBasis, meat: Meat, steps: int, tol: float = 1e-10, limit: int = 1000) -> GMMFit:
    r"""GMM in one step (weights :math:`(W'W)^{-1}`, that is 2SLS), two, or until convergence.

    Parameters
    ----------
    meat : function
        Covariance of the moments at given residuals.
    steps : int
        Estimates computed; 0 iterates until the coefficients, in units of their effect on the
        fitted values, move by less than ``tol``.

    Raises
    ------
    ConvergenceError
        No convergence in ``limit`` steps.

    References
    ----------
    Hansen (1982), Econometrica 50, 1029-1054. Hansen, Heaton and Yaron (1996), Journal of
    Business & Economic Statistics 14, 262-280.
    """
    params: FloatArray = np.asarray(np.linalg.lstsq(basis.C, basis.b, rcond=None)[0], dtype=float)
    resid = basis.y - basis.X @ params
    S = meat(resid)
    if steps == 1:
        j = gmm_step(basis, S)[1]
        return GMMFit(
            params=params, resid=resid, before=resid, loading=basis.C, S=S, j=j, iterations=0
        )
    for step in range(1, limit + 1):
        last, before = params, resid
        params, j = gmm_step(basis, S)
        resid = basis.y - basis.X @ params
        moved = float(np.linalg.norm(basis.C @ (params - last)))
        if step + 1 == steps or (
            steps == 0 and moved <= tol * max(float(np.linalg.norm(basis.C @ params)), 1e-300)
        ):
            return GMMFit(
                params=params, resid=resid, before=before, loading=_loading(S, basis), S=S, j=j,
                iterations=step,
            )  # fmt: skip
        S = meat(resid)
    raise ConvergenceError(
        f"Iterated GMM has not converged in {limit} steps; use steps=2, or fewer instruments."
    )


def continuously_updated(basis: IVBasis, meat: Meat, start: FloatArray) -> GMMFit:
    r"""Minimise :math:`(b - C\beta)'S(\beta)^{-1}(b - C\beta)` over :math:`\beta`.

    :math:`S` is a quadratic form in the residuals :math:`u = y - X\beta`, so that with
    :math:`\gamma = (1, -\beta')'` it is :math:`\sum_{ij}\gamma_i\gamma_j S_{ij}` with
    :math:`S_{ij}` computed once; the objective and its gradient then cost nothing per step:

    .. math::
        Q_j = -2 C_j'S^{-1}g - g'S^{-1}\frac{\partial S}{\partial\beta_j}S^{-1}g

    Parameters
    ----------
    start : (k,)
        Two-step GMM, say.

    References
    ----------
    Hansen, Heaton and Yaron (1996), Journal of Business & Economic Statistics 14, 262-280.
    """
    from scipy.optimize import minimize

    # Coordinates t = T beta make the second stage orthonormal, and the search well scaled.
    Qbar, T = np.linalg.qr(basis.C)
    back = linalg.solve_triangular(T, np.eye(len(T)))
    X = basis.X @ back
    origin = start
    u0 = basis.y - basis.X @ origin
    scale = float(np.sqrt(u0 @ u0 / basis.nobs))
    blocks = polarised(meat, np.column_stack([u0, -scale * X]))
    g0 = basis.b - basis.C @ origin
    G = -scale * Qbar

    def objective(t: FloatArray) -> tuple[float, FloatArray]:
        gamma = np.concatenate([[1.0], t])
        S = np.einsum("i,j,ijab->ab", gamma, gamma, blocks)
        g = g0 + G @ t
        try:
            factor = linalg.cho_factor(S, lower=True)
        except np.linalg.LinAlgError:
            return 1e300, np.zeros_like(t)
        h = linalg.cho_solve(factor, g)
        slope = 2 * np.einsum("j,ijab,a,b->i", gamma, blocks, h, h)[1:]
        return float(g @ h), 2 * (G.T @ h) - slope

    root(np.asarray(blocks[0, 0]))
    best = minimize(
        objective, np.zeros(len(T)), jac=True, method="BFGS",
        options={"gtol": 1e-12, "maxiter": 2000},
    )  # fmt: skip
    t, gradient = best.x, np.asarray(best.jac, dtype=float)
    if not np.isfinite(best.fun) or float(np.abs(gradient).max(initial=0)) > 1e-4 * (
        1 + abs(float(best.fun))
    ):
        raise ConvergenceError(
            f"Continuously updated GMM has not converged ({best.message}); use steps='iterated', "
            "or fewer instruments."
        )
    params = origin + scale * (back @ t)
    resid = basis.y - basis.X @ params
    gamma = np.concatenate([[1.0], t])
    S = np.einsum("i,j,ijab->ab", gamma, gamma, blocks)
    return GMMFit(
        params=params, resid=resid, before=resid, loading=_loading(S, basis), S=(S + S.T) / 2,
        j=float(best.fun), iterations=int(best.nit),
    )  # fmt: skip


def polarised(form: Meat, U: FloatArray) -> FloatArray:
    r"""(m, m, l, l) symmetric parts :math:`S_{ij}` of a form that is quadratic in residuals.

    :math:`S_{ij} = [S(u_i + u_j) - S(u_i) - S(u_j)]/2` for the columns of ``U`` (n, m).
    """
    m = U.shape[1]
    single = [form(np.ascontiguousarray(U[:, i])) for i in range(m)]
    out = np.empty((m, m, *single[0].shape))
    for i in range(m):
        out[i, i] = single[i]
        for j in range(i):
            out[i, j] = out[j, i] = (form(U[:, i] + U[:, j]) - single[i] - single[j]) / 2
    return out


def _loading(S: FloatArray, basis: IVBasis) -> FloatArray:
    return np.asarray(np.linalg.solve(S, basis.C), dtype=np.float64)


def gmm_bread(basis: IVBasis, fit: GMMFit) -> FloatArray:
    r"""(k, k) :math:`(C'\Omega C)^{-1}` with the weighting matrix of the fit."""
    inverse = np.linalg.inv(basis.C.T @ fit.loading)
    return (inverse + inverse.T) / 2


def subset_j(basis: IVBasis, S: FloatArray, keep: FloatArray) -> float:
    r"""Minimum of the GMM objective with the moments ``keep'Q'u`` only; ``keep`` is (l, m)."""
    L = root(keep.T @ S @ keep)
    C = linalg.solve_triangular(L, keep.T @ basis.C, lower=True)
    b = linalg.solve_triangular(L, keep.T @ basis.b, lower=True)
    Q = np.linalg.qr(C)[0]
    gap = b - Q @ (Q.T @ b)
    return float(gap @ gap)
