"""Interactive fixed effects where cells are missing: least squares over the observed ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import linalg

from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.factors.factor_system import bases, factor_system, gauge
from migdev.kernels.factors.interactive import principal_components


class Stop(NamedTuple):
    """When iterations and starts end.

    Attributes
    ----------
    change : float
        Largest change of the coefficients, in their standard errors.
    fall : float
        Predicted fall of the sum of squares, relative to it.
    iterations, failures : int
        Most iterations of a start; most starts that may fail to converge while none that did
        ended lower.
    """

    change: float = 1e-9
    fall: float = 1e-13
    iterations: int = 200
    failures: int = 3


#: For comparing sums of squares, whose last digits do not matter.
ROUGH = Stop(change=1e-2, fall=1e-6, iterations=60, failures=2)
_EXACT = Stop()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incomplete:
    """Least squares with factors over observed cells.

    Attributes
    ----------
    params : (k,)
    factors : (T, r), with F'F / T = I; loadings : (N, r), with diagonal L'L
    entity_effects : (N,); time_effects : (T,)
        Zero where the model has none.
    resid : (N, T), zero where missing
    Z : (N, T, k)
        Regressors less their projection on the tangent space of effects, factors and loadings.
    on_loadings : (N, r, k); on_factors : (T, r, k)
        That projection: what of the regressors moves with loadings and with factors.
    iterations : int
    change : float
        Of the coefficients in the last step, in their standard errors.
    converged : bool
    starts, agreeing : int
        Starts that were run, and those that ended at this sum of squares.
    """

    params: FloatArray
    factors: FloatArray
    loadings: FloatArray
    entity_effects: FloatArray
    time_effects: FloatArray
    resid: FloatArray
    Z: FloatArray
    on_loadings: FloatArray
    on_factors: FloatArray
    iterations: int
    change: float
    converged: bool
    starts: int
    agreeing: int


class _Point(NamedTuple):
    """Columns' parameters and coefficients, with rows' parameters at their best."""

    F: FloatArray  # (S, r)
    shift: FloatArray  # (S,)
    beta: FloatArray  # (k,)
    Q: FloatArray  # (R, S, q) bases of [1, F] over each row's cells
    inverse: FloatArray  # (R, q, q) of their triangular factors
    rows: FloatArray  # (R, q) rows' own coefficients
    e: FloatArray  # (R, S)
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Rows are the longer side, whose parameters are projected out."""

    Y: FloatArray  # (R, S)
    X: FloatArray  # (R, S, k)
    D: FloatArray  # (R, S)
    r: int
    row_effect: bool
    column_effect: bool

    def at(self, F: FloatArray, shift: FloatArray, beta: FloatArray) -> _Point:
        S = len(F)
        ones = np.ones((S, int(self.row_effect)))
        basis = np.linalg.qr(np.column_stack([ones, F]))[0]
        F = np.sqrt(S) * basis[:, int(self.row_effect) :]
        shift = shift - basis @ (basis.T @ shift) if self.column_effect else shift
        Q, inverse = bases(self.D, np.column_stack([ones, F]))
        w = self.D * (self.Y - self.X @ beta - shift)
        inner = np.einsum("isq,is->iq", Q, w)
        e = w - np.einsum("isq,iq->is", Q, inner)
        e -= np.einsum("isq,iq->is", Q, np.einsum("isq,is->iq", Q, e))
        rows = np.einsum("iqp,ip->iq", inverse, inner)
        return _Point(F, shift, beta, Q, inverse, rows, e, float(np.einsum("is,is->", e, e)))

    def weights(self, p: _Point) -> FloatArray:
        """(R, m) loadings, and one for the columns' effects."""
        R = len(self.Y)
        own = p.rows[:, int(self.row_effect) :]
        return np.column_stack([own, np.ones((R, int(self.column_effect)))])

    def given_factors(self, F: FloatArray) -> _Point:
        """Coefficients and columns' effects by least squares, the factors being known."""
        S, k = len(F), self.X.shape[2]
        p = self.at(F, np.zeros(S), np.zeros(k))
        ell = np.ones((len(self.Y), int(self.column_effect)))
        if not ell.shape[1] and not k:
            return p
        H, g = factor_system(self.D, self.X, p.Q, ell, p.e)
        step: FloatArray = np.asarray(np.linalg.lstsq(H, -g, rcond=1e-10)[0], dtype=float)
        shift: FloatArray = step[:S] if self.column_effect else np.zeros(S)
        return self.at(F, shift, step[len(step) - k :])


def incomplete_effects(
    Y: FloatArray, X: FloatArray, seen: BoolArray, r: int, effects: tuple[str, ...] = (),
    max_starts: int = 50, rng: np.random.Generator | None = None, stop: Stop = _EXACT,
) -> Incomplete:  # fmt: skip
    r"""Minimise :math:`\sum_{(i,t)\,observed}(y_{it} - x_{it}'\beta - \alpha_i - \xi_t -
    \lambda_i'f_t)^2`.

    Parameters of the longer side are projected out (they are a regression each), and the rest
    follow by Newton's method on the concentrated sum of squares, with exact second derivatives and
    Levenberg's damping where these are not positive definite. There can be several minima, and
    where entities enter late also valleys without one, along which factors become constant over
    the cells of most rows and loadings grow without bound. The first two starts are principal
    components of residuals of least squares and of all variables, missing cells at their means;
    the others, by turns, of residuals at random coefficients, and random factors. Each is run to
    its end, until the smallest sum of squares has been reached three times (``max_starts`` at
    most); a start that ends above it has no say in this, whether it converged or not.

    Parameters
    ----------
    Y : (N, T); X : (N, T, k); seen : (N, T)
        Values of cells that are not seen are ignored. Every row and column must have more cells
        than parameters of its own.
    """
    problem, turned = _pose(Y, X, seen, r, effects)
    best, reached, used = _search(problem, max_starts, rng, stop)
    fit = _record(problem, *best, used, reached)
    return _normed(_turned(fit) if turned else fit, effects)


def least_sums(
    W: FloatArray, seen: BoolArray, largest: int, effects: tuple[str, ...]
) -> FloatArray:
    """(largest + 1,) smallest sums of squares over observed cells with 0, 1, ... factors.

    From the factors of the fit before and the principal component of what it leaves, and from
    principal components of all.
    """
    problem, _ = _pose(W, np.zeros((*W.shape, 0)), seen, 0, effects)
    best = problem.given_factors(np.zeros((problem.Y.shape[1], 0)))
    out, rng = [best.value], np.random.default_rng(0)
    for r in range(1, largest + 1):
        more = principal_components(best.e, 1)[0]
        problem = replace(problem, r=r)
        starts = [np.column_stack([best.F, more]), next(_starting_factors(problem, rng))]
        best = min((_newton(problem, F, ROUGH)[0] for F in starts), key=lambda p: p.value)
        out.append(best.value)
    return np.array(out)


def _pose(
    Y: FloatArray, X: FloatArray, seen: BoolArray, r: int, effects: tuple[str, ...]
) -> tuple[_Problem, bool]:
    """The problem with the longer side as rows, and whether that exchanged the sides."""
    turned = seen.shape[0] < seen.shape[1]
    D = seen.astype(float)
    Y, X = np.where(seen, Y, 0.0), np.where(seen[:, :, None], X, 0.0)
    sides = ("entity" in effects, "time" in effects)
    if turned:
        Y, D, X, sides = Y.T, D.T, X.transpose(1, 0, 2), sides[::-1]
    Y, X, D = (np.ascontiguousarray(a) for a in (Y, X, D))
    return _Problem(Y, X, D, r, sides[0], sides[1]), turned


_End = tuple[_Point, int, float, bool]


def _search(
    problem: _Problem, max_starts: int, rng: np.random.Generator | None, stop: Stop
) -> tuple[_End, int, int]:
    rng = rng or np.random.default_rng(0)
    floor = 1e-12 * float(np.sum(problem.Y**2))
    ends: list[_End] = []
    reached = failed = 0
    starts = _starting_factors(problem, rng)
    while len(ends) < max_starts and reached < 3 and failed < stop.failures:
        ends.append(_newton(problem, next(starts), stop))
        least = min(end[0].value for end in ends)
        lowest = min((end[0].value for end in ends if end[3]), default=np.inf)
        failed = sum(not end[3] and end[0].value < lowest for end in ends)
        reached = sum(end[0].value <= least * (1 + 1e-7) + floor for end in ends)
    return min(ends, key=lambda end: end[0].value), reached, len(ends)


def _starting_factors(p: _Problem, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Principal components of least-squares residuals and of all variables; then, by turns, of
    residuals at coefficients about those of least squares, and random ones.

    Coefficients are drawn with the standard deviations rms(residual) / rms(regressor). Random
    factors give nearly the coefficients of least squares, hence one and the same valley.
    """
    S, k = p.Y.shape[1], p.X.shape[2]
    flat = _centred(np.concatenate([p.Y[:, :, None], p.X], axis=2), p)
    y, X = flat[:, :, 0], flat[:, :, 1:]
    pooled = np.linalg.lstsq(X.reshape(y.size, k), y.reshape(-1), rcond=1e-10)[0]
    own = y - X @ pooled
    yield principal_components(own, p.r)[0]
    scale = np.sqrt(np.einsum("isv,isv->iv", flat, flat) / p.D.sum(axis=1, keepdims=True))
    scaled = flat / np.where(scale > 0, scale, 1.0)[:, None, :]
    yield principal_components(np.moveaxis(scaled, 2, 0).reshape(-1, S), p.r)[0]
    size = np.sqrt(np.einsum("isk,isk->k", X, X))
    spread = np.sqrt(np.sum(own**2)) / np.where(size > 0, size, np.inf)
    while True:
        if k:
            drawn = spread * rng.standard_normal(k)
            yield principal_components(own - X @ drawn, p.r)[0]
        yield rng.standard_normal((S, p.r))


def _centred(V: FloatArray, p: _Problem) -> FloatArray:
    """(R, S, v) less effects over observed cells, zero elsewhere."""
    D, out = p.D[:, :, None], V
    for _ in range(20 if p.row_effect and p.column_effect else 1):
        if p.row_effect:
            out = D * (out - out.sum(axis=1, keepdims=True) / D.sum(axis=1, keepdims=True))
        if p.column_effect:
            out = D * (out - out.sum(axis=0, keepdims=True) / D.sum(axis=0, keepdims=True))
    return out


def _newton(problem: _Problem, F: FloatArray, stop: Stop) -> _End:
    r, k = problem.r, problem.X.shape[2]
    rho = int(problem.row_effect)
    p = problem.given_factors(F)
    damping, change = 1e-3, np.inf
    total = float(np.sum(problem.D * problem.Y**2))
    df = max(float(problem.D.sum()) - k, 1.0)
    for iteration in range(1, stop.iterations + 1):
        ell = problem.weights(p)
        m, S = ell.shape[1], len(p.F)
        # What a change of the factors does to the gradient of the rows' parameters.
        K = np.zeros((len(ell), p.Q.shape[2], m))
        K[:, :, :r] = p.inverse.transpose(0, 2, 1)[:, :, rho:]
        H, g = factor_system(problem.D, problem.X, p.Q, ell, p.e, K)
        scale = np.concatenate(
            [(problem.D.T @ ell**2).reshape(-1), np.einsum("isk,isk->k", problem.X, problem.X)]
        )
        scale = np.sqrt(np.where(scale > 0, scale, 1.0))
        H, g = H / scale / scale[:, None], g / scale
        H += gauge(p.F, rho, scale[: S * m].reshape(S, m), len(g))
        fallen = False
        while damping < 1e12:
            try:
                factor = linalg.cho_factor(H + damping * np.eye(len(g)), lower=True)
            except linalg.LinAlgError:
                damping = max(10 * damping, 1e-6)
                continue
            step = -linalg.cho_solve(factor, g)
            moved = step / scale
            theta = moved[: S * m].reshape(S, m)
            shift = p.shift + theta[:, r] if problem.column_effect else p.shift
            new = problem.at(p.F + theta[:, :r], shift, p.beta + moved[S * m :])
            if new.value <= p.value * (1 + 1e-14):
                fallen = True
                break
            damping = max(5 * damping, 1e-9)
        if not fallen:
            return p, iteration, change, bool(-(g @ step) <= 1e-9 * p.value)
        # Coefficients in units of their standard errors, from the Newton matrix.
        error = np.sqrt(np.maximum(p.value / df, 1e-300)) / scale[S * m :]
        change = float(np.max(np.abs(moved[S * m :]) / error, initial=0.0))
        predicted = -float(g @ step)
        p, before = new, p.value
        if p.value <= 1e-26 * total:
            return p, iteration, change, True
        if (
            damping <= max(1e-6, stop.fall)
            and change < stop.change
            and predicted <= stop.fall * before
        ):
            return p, iteration, change, True
        damping = damping / 10 if damping > 1e-8 else 0.0
    return p, stop.iterations, change, False


def _record(
    problem: _Problem, p: _Point, iterations: int, change: float, converged: bool,
    starts: int, agreeing: int,
) -> Incomplete:  # fmt: skip
    r, rho, k = problem.r, int(problem.row_effect), problem.X.shape[2]
    ell = problem.weights(p)
    S, m = len(p.F), ell.shape[1]
    H, _ = factor_system(problem.D, problem.X, p.Q, ell, p.e)
    top = S * m
    scale = np.sqrt(np.maximum(np.diagonal(H)[:top], 1e-300))
    square = H[:top, :top] / scale / scale[:, None] + gauge(p.F, rho, scale.reshape(S, m), top)
    on = np.linalg.lstsq(square, H[:top, top:] / scale[:, None], rcond=1e-13)[0]
    on = (on / scale[:, None]).reshape(S, m, k)
    V = problem.D[:, :, None] * (problem.X - np.einsum("ic,sck->isk", ell, on))
    inner = np.einsum("isq,isk->iqk", p.Q, V)
    Z = V - np.einsum("isq,iqk->isk", p.Q, inner)
    own = np.einsum("iqp,ipk->iqk", p.inverse, inner)
    zero = np.zeros(len(ell))
    return Incomplete(
        params=p.beta, factors=p.F, loadings=p.rows[:, rho:],
        entity_effects=p.rows[:, 0] if rho else zero, time_effects=p.shift, resid=p.e, Z=Z,
        on_loadings=own[:, rho:], on_factors=on[:, :r], iterations=iterations, change=change,
        converged=converged, starts=starts, agreeing=agreeing,
    )  # fmt: skip


def _turned(fit: Incomplete) -> Incomplete:
    """Rows and columns change places."""
    return replace(
        fit, factors=fit.loadings, loadings=fit.factors, entity_effects=fit.time_effects,
        time_effects=fit.entity_effects, resid=fit.resid.T, Z=fit.Z.transpose(1, 0, 2),
        on_loadings=fit.on_factors, on_factors=fit.on_loadings,
    )  # fmt: skip


def _normed(fit: Incomplete, effects: tuple[str, ...]) -> Incomplete:
    """F'F / T = I and L'L diagonal, factors and loadings about their means where effects hold
    these."""
    F, L, alpha, xi = fit.factors, fit.loadings, fit.entity_effects, fit.time_effects
    if "entity" in effects:
        alpha, F = alpha + L @ F.mean(axis=0), F - F.mean(axis=0)
    if "time" in effects:
        xi, L = xi + F @ L.mean(axis=0), L - L.mean(axis=0)
    if "entity" in effects and "time" in effects:
        alpha, xi = alpha + xi.mean(), xi - xi.mean()
    T = len(F)
    q, half = np.linalg.qr(F)
    u, s, v = np.linalg.svd(L @ half.T / np.sqrt(T), full_matrices=False)
    new = np.sqrt(T) * q @ v.T
    turn = np.linalg.lstsq(F, new, rcond=None)[0]  # new = F turn
    back = np.linalg.inv(turn)
    return replace(
        fit, factors=new, loadings=u * s, entity_effects=alpha, time_effects=xi,
        on_loadings=np.einsum("ab,nbk->nak", back, fit.on_loadings),
        on_factors=np.einsum("ba,tbk->tak", turn, fit.on_factors),
    )  # fmt: skip
