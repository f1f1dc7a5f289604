"""Preconditioned conjugate gradients for many right-hand sides of one singular system."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray

Operator = Callable[[FloatArray], FloatArray]

_WINDOW = 5  # steps over which the rate of convergence is judged
_SAFETY = 10.0  # by which the estimated error must undercut the tolerance, squared
_SPENT = 1e-4  # share of the tolerance that a step undercuts only once nothing is left
_ROUNDING = 1e-28  # fall of the squared residual at which it is nothing but rounding
_NEAR = 1e-20  # fall from which a growing residual is taken for that
_DRIFT = 100.0  # squared residual, relative to the tolerance, that calls for a restart
_RESTARTS = 3
_PATIENCE = 40  # further iterations that are cheaper than a stronger preconditioner


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """x (R, m), the number of iterations, and which columns converged."""

    x: FloatArray
    iterations: int
    converged: BoolArray


def conjugate_gradients(
    apply: Operator,
    precondition: Operator,
    b: FloatArray,
    total: FloatArray,
    floor: FloatArray,
    tol: float,
    max_iterations: int,
    stronger: Sequence[Callable[[], Operator | None]] = (),
) -> Solution:
    r"""Solve S x = b for a positive semi-definite S and b in its range.

    Each step lowers the sum of squares that the solution leaves by a known amount
    :math:`\alpha_k r_k'z_k` (Hestenes and Stiefel 1952, theorem 6:1), which gives both the sum of
    squares left and, with the rate at which steps shrink, the error of the projection. Iterations
    end when that error, in the norm of the observations, is below ``tol`` times the residual (or
    times the root of ``floor``, if that is larger).

    Parameters
    ----------
    apply, precondition : functions of (R, m) arrays
    b : (R, m)
    total : (m,)
        Sum of squares before the projection.
    floor : (m,)
        Sum of squares below which the error is judged against this and not the residual.
    stronger : sequence of functions
        Each builds a better preconditioner (or finds that it cannot, and returns None); called in
        turn where convergence turns out slow.

    References
    ----------
    Hestenes and Stiefel (1952), Methods of conjugate gradients for solving linear systems,
    Journal of Research of the National Bureau of Standards 49, 409-436.
    """
    x, r, waiting = np.zeros_like(b), b.copy(), list(stronger)
    z = precondition(r)
    p, rho = z.copy(), np.einsum("ij,ij->j", r, z)
    left = total.copy()
    done = (total <= tol**2 * floor) | ~(rho > 0)
    first, best, wanted, restarts = rho, rho, tol**2 * floor, 0
    steps: list[FloatArray] = []
    for iteration in range(1, max_iterations + 1):
        if done.all():
            if restarts == _RESTARTS or iteration == 1:
                return Solution(x, iteration - 1, done)
            # The recursion for r drifts from b - S x; what it lost is solved for again.
            r = b - apply(x)
            z = precondition(r)
            rho = np.einsum("ij,ij->j", r, z)
            done = ~(rho > _DRIFT * wanted)
            if done.all():
                return Solution(x, iteration - 1, done)
            p, first, best, steps, restarts = z.copy(), rho, rho, [], restarts + 1
        q = apply(p)
        curvature = np.einsum("ij,ij->j", p, q)
        live = ~done & (curvature > 0)
        alpha = np.divide(rho, curvature, out=np.zeros_like(rho), where=live)
        x += alpha * p
        r -= alpha * q
        step = alpha * rho
        left = left - step
        steps.append(step)
        wanted = tol**2 * np.maximum(left, floor) / _SAFETY
        error, rate = _error(steps)
        done |= ~live | (error <= wanted) | (step <= _SPENT * wanted)
        z = precondition(r)
        new = np.einsum("ij,ij->j", r, z)
        # Near the accuracy of the arithmetic, further steps would follow rounding errors, which
        # have no place in the range of S and grow.
        best = np.fmin(best, new)
        done |= ~(new > _ROUNDING * first) | ((best < _NEAR * first) & (new > 100 * best))
        if waiting and len(steps) > _WINDOW and _slow(error, wanted, rate, done):
            better = None
            while waiting and better is None:
                better = waiting.pop(0)()
            precondition = better or precondition
            z = precondition(r)
            new = np.einsum("ij,ij->j", r, z)
            p, rho, first, best, steps = z.copy(), new, new, new, []
            continue
        p = z + np.divide(new, rho, out=np.zeros_like(rho), where=rho > 0) * p
        rho = new
    return Solution(x, max_iterations, done)


def _error(steps: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Sum of the steps still to come, if they shrink as they did lately, and that rate."""
    last = steps[-1]
    if len(steps) == 1:
        return np.full(len(last), np.inf), np.ones(len(last))
    span = min(_WINDOW, len(steps) - 1)
    before = steps[-1 - span]
    ratio = np.divide(last, before, out=np.zeros_like(last), where=before > 0)
    rate = np.clip(ratio ** (1.0 / span), 0.02, 0.999)  # a few steps can flatter the rate
    recent = np.max(steps[-min(3, span) :], axis=0)
    return recent * rate / (1.0 - rate), rate


def _slow(error: FloatArray, wanted: FloatArray, rate: FloatArray, done: BoolArray) -> bool:
    """Whether some column needs many more iterations at its present rate."""
    at = ~done & (wanted > 0) & (rate > 0) & (error > wanted)
    if not at.any():
        return False
    to_go = np.log(wanted[at] / error[at]) / np.log(rate[at])
    return bool((to_go > _PATIENCE).any())
