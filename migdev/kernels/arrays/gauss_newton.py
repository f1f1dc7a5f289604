"""Non-linear least squares by Gauss-Newton with halved steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minimum:
    """Minimiser of r'r.

    Attributes
    ----------
    params : (k,)
    objective : float
    converged : bool
    """

    params: FloatArray
    objective: float
    converged: bool


def gauss_newton(
    residual: Callable[[FloatArray], FloatArray],
    slope: Callable[[FloatArray], FloatArray],
    start: FloatArray,
) -> Minimum:
    """Minimise r(params)'r(params) from a start.

    Parameters
    ----------
    residual : function of (k,) -> (m,)
    slope : function of (k,) -> (m, k)
        Derivative of the residual.

    Notes
    -----
    Columns of the derivative are brought to one length, and steps are judged by what they change of
    the residual, so that units of measurement play no role.
    """
    theta, r = start.copy(), residual(start)
    for _ in range(200):
        J = slope(theta)
        size = np.sqrt(np.einsum("ij,ij->j", J, J))
        size = np.where(size > 0, size, 1.0)
        step = np.linalg.lstsq(J / size, -r, rcond=1e-12)[0] / size
        moved = np.max(np.abs(step * size)) / (np.max(np.abs(theta * size)) + np.linalg.norm(r))
        if moved < 1e-11:
            return Minimum(params=theta, objective=float(r @ r), converged=True)
        length = 1.0
        while length > 1e-8:
            fresh = residual(theta + length * step)
            if np.isfinite(fresh).all() and fresh @ fresh < r @ r:
                break
            length /= 2.0
        else:  # no smaller value: at the minimum up to rounding, or stuck
            return Minimum(params=theta, objective=float(r @ r), converged=bool(moved < 1e-7))
        theta, r = theta + length * step, fresh
    return Minimum(params=theta, objective=float(r @ r), converged=False)
