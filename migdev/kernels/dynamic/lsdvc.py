r"""Bias of least squares with dummies in dynamic panels (Kiviet 1995, Bruno 2005).

For :math:`W = [y_{-1}, X]`, :math:`A_i` the within projection of the observed rows of entity i,
:math:`L` the lag matrix, :math:`\Gamma = (I-\gamma L)^{-1}` and :math:`\Pi_i = A_iL\Gamma`:

.. math::
    c_1 &= \sigma^2\,\mathrm{tr}(\Pi)\,q_1 \\
    c_2 &= -\sigma^2\,[\,Q\bar W'\Pi A\bar W + \mathrm{tr}(Q\bar W'\Pi A\bar W)I
        + 2\sigma^2q_{11}\mathrm{tr}(\Pi'\Pi\Pi)I\,]\,q_1 \\
    c_3 &= \sigma^4\,\mathrm{tr}(\Pi)\,\{2q_{11}Q\bar W'\Pi\Pi'\bar Wq_1
        + [\,q_1'\bar W'\Pi\Pi'\bar Wq_1
        + q_{11}\mathrm{tr}(Q\bar W'\Pi\Pi'\bar W)
        + 2\sigma^2\mathrm{tr}(\Pi'\Pi\Pi'\Pi)q_{11}^2\,]q_1\}

where :math:`\bar W` is the expectation of W given X, the effects and the starting values: its lag
of y is :math:`y_{i,-1} - L\Gamma A_ie_i`,
:math:`Q = [\bar W'A\bar W + \sigma^2\mathrm{tr}(\Pi'\Pi)e_1e_1']^{-1}`, :math:`q_1` is its first
column and :math:`q_{11}` its first element. :math:`c_1` is of order 1/T, :math:`c_2` of 1/(NT),
:math:`c_3` of 1/(NT^2).

Bruno (2005) and his xtlsdvc have no :math:`\sigma^2` before the last trace of :math:`c_3`. It comes
from the variance of :math:`\varepsilon'\Pi'\Pi\varepsilon`, which is
:math:`2\sigma^4\mathrm{tr}(\Pi'\Pi\Pi'\Pi)`; without it :math:`c_3` depends on the units of y. In
simulations with :math:`\sigma = 1` the two agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Entities that are observed in the same periods.

    Attributes
    ----------
    observed : (T,)
        Over all periods of the sample.
    W : (N, T, k); y : (N, T)
        Zero where not observed.
    who : (N,)
        Codes of the entities.
    """

    observed: BoolArray
    W: FloatArray
    y: FloatArray
    who: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Within:
    """Least squares with dummies.

    Attributes
    ----------
    params : (k,); bread : (k, k)
    rss : float
    """

    params: FloatArray
    bread: FloatArray
    rss: float


def batches(W: FloatArray, y: FloatArray, complete: BoolArray) -> list[Batch]:
    """Group entities by their observed periods; W (T, k, N), y and complete (T, N).

    All batches share the periods of the sample, from the first to the last that anyone is
    observed in: with Bruno (2005) an entity that enters late is a selection from them.
    """
    there = np.flatnonzero(complete.any(axis=1))
    span = slice(int(there[0]), int(there[-1]) + 1)
    W, y, complete = W[span], y[span], complete[span]
    patterns, which = np.unique(complete.T, axis=0, return_inverse=True)
    out = []
    for g, pattern in enumerate(patterns):
        if not pattern.any():
            continue
        who = np.flatnonzero(which.ravel() == g)
        out.append(
            Batch(observed=pattern, W=W[:, :, who].transpose(2, 0, 1), y=y[:, who].T, who=who)
        )
    return out


def by_entity(groups: list[Batch], parts: list[FloatArray]) -> FloatArray:
    """(N, ...) values of all entities, in their order, from those of each batch."""
    return np.concatenate(parts)[np.argsort(np.concatenate([b.who for b in groups]))]


def _projection(observed: BoolArray) -> FloatArray:
    s = observed.astype(float)
    A: FloatArray = np.diag(s) - np.outer(s, s) / s.sum()
    return A


def within(groups: list[Batch]) -> Within:
    """Least squares with dummies on the batches."""
    k = groups[0].W.shape[2]
    G, g, yy = np.zeros((k, k)), np.zeros(k), 0.0
    for b in groups:
        A = _projection(b.observed)
        W, y = A @ b.W, b.y @ A
        G += np.einsum("ntk,ntl->kl", W, W)
        g += np.einsum("ntk,nt->k", W, y)
        yy += float(np.einsum("nt,nt->", y, y))
    bread = np.asarray(np.linalg.inv(G), dtype=np.float64)
    params: FloatArray = bread @ g
    return Within(params=params, bread=bread, rss=float(yy - params @ g))


def rss_by_entity(groups: list[Batch], params: FloatArray) -> FloatArray:
    """(N,) sums of squared within residuals at given parameters."""
    parts = []
    for b in groups:
        e = (b.y - b.W @ params) @ _projection(b.observed)
        parts.append(np.einsum("nt,nt->n", e, e))
    return by_entity(groups, parts)


def rss_at(groups: list[Batch], params: FloatArray) -> float:
    """Sum of squared within residuals at given parameters."""
    return float(rss_by_entity(groups, params).sum())


def expected(groups: list[Batch], params: FloatArray) -> list[FloatArray]:
    """(N, T, k) regressors of each batch with the lag of y free of its errors.

    Errors are residuals within entities, and zero in periods that are not observed (xtlsdvc); what
    is observed after a gap keeps the errors from before it.
    """
    out = []
    for b in groups:
        e = (b.y - b.W @ params) @ _projection(b.observed)
        W = b.W.copy()
        W[:, :, 0] -= (e @ _carry(len(b.observed), float(params[0])).T) * b.observed
        out.append(W)
    return out


def _carry(T: int, gamma: float) -> FloatArray:
    """L (I - gamma L)^-1: how errors reach the lag of y in later periods."""
    L = np.eye(T, k=-1)
    return L @ np.linalg.inv(np.eye(T) - gamma * L)


def bias(
    groups: list[Batch], params: FloatArray, sigma2: float, order: int, as_printed: bool = False
) -> FloatArray:
    """(k,) approximate bias up to ``order`` 1, 2 or 3 at consistent ``params`` and ``sigma2``; the
    first regressor is the lag of y.

    Parameters
    ----------
    as_printed : bool
        The third term without its last sigma2, as in Bruno (2005).
    """
    terms = _terms(groups, params).sum(axis=0)
    return _bias(terms, params, sigma2, order, as_printed)


def _terms(groups: list[Batch], params: FloatArray) -> FloatArray:
    """(N, 4 + 3 k^2) what each entity adds to the traces and products of the bias."""
    parts = []
    for b, W in zip(groups, expected(groups, params), strict=True):
        A = _projection(b.observed)
        P = A @ _carry(len(b.observed), float(params[0]))
        PP = P.T @ P
        traces = [np.trace(P), np.trace(PP), np.trace(PP @ P), np.trace(PP @ PP)]
        Wt = W.transpose(0, 2, 1)
        products = [(Wt @ (M @ W)).reshape(len(W), -1) for M in (A, P @ A, P @ P.T)]
        parts.append(np.column_stack([np.tile(traces, (len(W), 1)), *products]))
    return by_entity(groups, parts)


def _bias(
    terms: FloatArray, params: FloatArray, sigma2: float, order: int, as_printed: bool
) -> FloatArray:
    """The formulas of the module at sums of :func:`_terms`, (4 + 3 k^2,)."""
    k = len(params)
    trace, square, cubic, quartic = (float(v) for v in terms[:4])
    WAW, WPAW, WPPW = terms[4:].reshape(3, k, k).copy()
    eye = np.eye(k)
    WAW[0, 0] += sigma2 * square
    Q = np.linalg.inv(WAW)
    q1, q11 = Q[:, 0], float(Q[0, 0])
    out = np.asarray(sigma2 * trace * q1, dtype=np.float64)
    if order >= 2:
        inner = Q @ WPAW
        both = inner + (np.trace(inner) + 2.0 * sigma2 * q11 * cubic) * eye
        out = np.asarray(out - sigma2 * (both @ q1), dtype=np.float64)
    if order >= 3:
        inner = Q @ WPPW
        spread = 2.0 * quartic * q11**2 * (1.0 if as_printed else sigma2)
        scalar = q1 @ WPPW @ q1 + q11 * np.trace(inner) + spread
        third = sigma2**2 * trace * (2.0 * q11 * inner @ q1 + scalar * q1)
        out = np.asarray(out + third, dtype=np.float64)
    return out


def influence(
    groups: list[Batch], base: Within, start: FloatArray, pull: FloatArray, df: int, order: int,
    as_printed: bool = False,
) -> FloatArray:  # fmt: skip
    r"""(N, k) what each entity adds to the corrected estimate, to first order.

    The derivative of :math:`\hat\theta_{LSDV} - c(\tilde\theta, \tilde\sigma^2)` by the weight of
    an entity: in least squares, in the sums of the bias, and in the first estimate.

    Parameters
    ----------
    start : (k,); pull : (N, k)
        The first estimate, and what each entity adds to it.
    df : int
        Degrees of freedom behind :math:`\tilde\sigma^2`.
    """
    parts = []
    for b in groups:
        A = _projection(b.observed)
        parts.append(np.einsum("ntk,nt->nk", A @ b.W, (b.y - b.W @ base.params) @ A) @ base.bread)
    spread = np.sqrt(np.diagonal(base.bread) * base.rss / df)
    slopes = []
    for j, size in enumerate(1e-5 * np.maximum(np.abs(start), spread)):
        ends = []
        for theta in (start + size * np.eye(len(start))[j], start - size * np.eye(len(start))[j]):
            sigma2 = rss_at(groups, theta) / df
            ends.append(bias(groups, theta, sigma2, order, as_printed))
        slopes.append((ends[0] - ends[1]) / (2 * size))
    terms, rss = _terms(groups, start), rss_by_entity(groups, start)
    lost = by_entity(groups, [np.full(len(b.y), b.observed.sum() - 1.0) for b in groups])
    total, step = terms.sum(axis=0), 1e-3

    def weighted(i: int, h: float) -> FloatArray:
        sigma2 = (rss.sum() + h * rss[i]) / (df + h * lost[i])
        return _bias(total + h * terms[i], start, sigma2, order, as_printed)

    direct = [(weighted(i, step) - weighted(i, -step)) / (2 * step) for i in range(len(rss))]
    out: FloatArray = by_entity(groups, parts) - np.array(direct) - pull @ np.array(slopes)
    return out


def simulate_paths(
    groups: list[Batch], params: FloatArray, sigma: float, rng: np.random.Generator
) -> list[FloatArray]:
    """(N, T) dependent variable of each batch with fresh normal errors; regressors, estimated
    effects and starting values stay."""
    out = []
    for b in groups:
        resid = (b.y - b.W @ params) * b.observed
        effect = resid.sum(axis=1) / b.observed.sum()
        errors = sigma * rng.standard_normal(b.y.shape)
        y = np.zeros_like(b.y)
        W = b.W.copy()
        for t in np.flatnonzero(b.observed):
            if t and b.observed[t - 1]:
                W[:, t, 0] = y[:, t - 1]
            y[:, t] = W[:, t] @ params + effect + errors[:, t]
        out.append(y)
    return out
