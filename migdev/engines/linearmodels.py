"""linearmodels: systems of equations.

Arrays in, arrays out. Names of linearmodels are imported inside the functions that call them, so
that nothing here loads it before it works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.kernels.arrays.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regression:
    """One equation of a system.

    Attributes
    ----------
    y : (n,); X : (n, k); endog : (n, p); instruments : (n, q)
    """

    y: FloatArray
    X: FloatArray
    endog: FloatArray
    instruments: FloatArray

    @property
    def regressors(self) -> FloatArray:
        """(n, k + p), exogenous ones first."""
        return np.column_stack([self.X, self.endog])

    @property
    def projected(self) -> FloatArray:
        """(n, k + p) regressors projected on exogenous ones and instruments."""
        if not self.endog.shape[1]:
            return self.X
        Q = np.linalg.qr(np.column_stack([self.X, self.instruments]))[0]
        return np.column_stack([self.X, Q @ (Q.T @ self.endog)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SystemFit:
    r"""Feasible generalised least squares of m equations.

    Attributes
    ----------
    params : (K,)
        Equation after equation.
    cov : (K, K)
        :math:`\{\hat X'(\hat\Sigma^{-1}\otimes I)\hat X\}^{-1}`.
    sigma : (m, m)
        Covariance of the errors, as it weighted the equations.
    resid : (n, m)
    influence : (n, K)
        What each row of all equations together adds to the estimate.
    mcelroy : float
        System R², with ``sigma`` (systemfit: with the covariance of the last residuals).
    converged : bool
    """

    params: FloatArray
    cov: FloatArray
    sigma: FloatArray
    resid: FloatArray
    influence: FloatArray
    mcelroy: float
    converged: bool


def system_gls(
    equations: Sequence[Regression], *, debiased: bool, iterate: bool, most: int = 1000
) -> SystemFit:
    """``SUR`` where no equation has endogenous regressors, else ``IV3SLS``.

    Parameters
    ----------
    debiased : bool
        Residual covariances over sqrt((n - k_i)(n - k_j)), else over n.
    iterate : bool
        Estimate them again until coefficients settle, in at most ``most`` steps.
    """
    from linearmodels.system import IV3SLS, SUR

    # In units of one: the iteration stops by the size of changes, and digits are kept.
    unit = [np.sqrt(np.mean(e.y**2)) or 1.0 for e in equations]
    sizes = [np.sqrt(np.mean(e.regressors**2, axis=0)) for e in equations]
    scaled = {
        f"e{i}": (
            e.y / unit[i], e.X / sizes[i][: e.X.shape[1]],
            e.endog / sizes[i][e.X.shape[1] :], e.instruments,
        )
        for i, e in enumerate(equations)
    }  # fmt: skip
    model: Any = (
        IV3SLS({k: tuple(a if a.size else None for a in v) for k, v in scaled.items()})
        if any(e.endog.shape[1] for e in equations)
        else SUR({k: v[:2] for k, v in scaled.items()})
    )
    fit = model.fit(
        method="gls", cov_type="unadjusted", debiased=debiased, iterate=iterate, iter_limit=most,
        tol=1e-11,
    )  # fmt: skip
    per = np.concatenate([u / size for u, size in zip(unit, sizes, strict=True)])
    cov = fit.cov.to_numpy() * np.outer(per, per)
    sigma = fit.sigma.to_numpy() * np.outer(unit, unit)
    resid = fit.resids.to_numpy() * unit
    pull = (resid @ np.linalg.inv(sigma)).T
    scores = np.column_stack(
        [e.projected * u[:, None] for e, u in zip(equations, pull, strict=True)]
    )
    return SystemFit(
        params=fit.params.to_numpy() * per, cov=cov, sigma=sigma, resid=resid,
        influence=scores @ cov, mcelroy=float(fit.system_rsquared["mcelroy"]),
        converged=int(fit.iterations) < most,
    )  # fmt: skip
