r"""Variance components of one- and two-way error-components models, from quadratic forms.

Every method equates quadratic forms of residuals to their expectations,

.. math:: E(q) = M \sigma^2, \quad \sigma^2 = (\sigma^2_\nu, \sigma^2_1, \sigma^2_2)',

in data multiplied by the square root of the weights. Q sweeps out the dummies of all factors, and
:math:`B_f = D_f (D_f'D_f)^{-1} D_f'` takes means by the levels of factor f.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from migdev.errors import IdentificationError
from migdev.kernels.absorb.absorber import absorb
from migdev.kernels.arrays.least_squares import independent_columns, least_squares
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.random.error_components import Dummies, reduced_gram


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarianceComponents:
    """Estimated variances.

    Attributes
    ----------
    idiosyncratic : float
        Per unit of weight.
    effects : (J,)
        By factor, negative estimates set to zero.
    raw : (J,)
        As they came out.
    within_missing : (k,)
        True for regressors that do not vary within the effects.
    """

    idiosyncratic: float
    effects: FloatArray
    raw: FloatArray
    within_missing: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Data:
    """Scaled data, the same within the effects, and the within regression."""

    y: FloatArray
    X: FloatArray
    factors: tuple[Dummies, ...]
    y_within: FloatArray
    X_within: FloatArray
    rank: int
    varies: BoolArray
    slopes: FloatArray
    rss: float
    df: int

    @property
    def n(self) -> int:
        return len(self.y)

    @property
    def mass(self) -> float:
        """Sum of the weights: tr(D'D)."""
        return float(self.factors[0].totals.sum())


def variance_components(
    y: FloatArray,
    X: FloatArray,
    codes: Sequence[IntArray],
    weights: FloatArray | None,
    *,
    method: str,
    exact: bool = True,
    harmonic: bool = False,
) -> VarianceComponents:
    """Estimate the variances of the idiosyncratic error and of one or two random effects.

    Parameters
    ----------
    y : (n,); X : (n, k)
        Regressors of full column rank, the intercept among them.
    codes : one or two (n,)
        Levels of the random factors; at most one row per pair of levels.
    weights : (n,), optional
    method : {"swamy-arora", "wallace-hussain", "amemiya", "nerlove"}
    exact : bool
        Unbiased expectations (traces). Otherwise, for Wallace-Hussain and Amemiya in balanced
        panels, the expectations as if the coefficients were known.
    harmonic : bool
        Swamy-Arora with the unweighted between regression and the harmonic mean of the group
        sizes (one factor).

    Raises
    ------
    IdentificationError
        No degrees of freedom within or between the groups, or a perfect fit within.
    """
    data = _prepare(y, X, codes, weights)
    if method == "nerlove":
        sigma2 = _nerlove(data)
    elif method == "swamy-arora" and harmonic:
        sigma2 = _harmonic(data)
    else:
        form = {
            "swamy-arora": _swamy_arora, "wallace-hussain": _wallace_hussain, "amemiya": _amemiya,
        }[method]  # fmt: skip
        q, M = form(data)
        if not exact:
            M = _plain_expectations(data)
        sigma2 = np.linalg.solve(M, q)
    tss = float(data.y_within @ data.y_within)
    if not sigma2[0] > 1e-14 * tss / data.n:
        raise IdentificationError(
            f"The idiosyncratic variance is estimated at {sigma2[0]:.3g} ({method}): the "
            "regressors fit perfectly within the groups, or the components cannot be told apart. "
            "Use another method, or fewer regressors."
        )
    return VarianceComponents(
        idiosyncratic=float(sigma2[0]), effects=np.maximum(sigma2[1:], 0.0), raw=sigma2[1:],
        within_missing=~data.varies,
    )  # fmt: skip


def _prepare(
    y: FloatArray, X: FloatArray, codes: Sequence[IntArray], weights: FloatArray | None
) -> _Data:
    stacked = np.empty((len(y), X.shape[1] + 1), order="F")
    stacked[:, 0], stacked[:, 1:] = y, X
    inside = absorb(stacked, tuple(codes), weights)
    within = inside.values
    root = None
    if weights is not None:
        root = np.sqrt(weights)
        stacked, within = stacked * root[:, None], within * root[:, None]
    norms = np.sqrt(np.einsum("ij,ij->j", stacked[:, 1:], stacked[:, 1:]))
    varies = independent_columns(within[:, 1:], norms)
    fit = least_squares(within[:, 1:][:, varies], within[:, 0])
    df = len(y) - inside.rank - int(varies.sum())
    if df <= 0:
        raise IdentificationError(
            f"{len(y)} rows, {inside.rank} effects and {int(varies.sum())} regressors that vary "
            "within them leave no degree of freedom for the idiosyncratic variance. Use fewer "
            "regressors or effects, or more data."
        )
    return _Data(
        y=stacked[:, 0], X=stacked[:, 1:], factors=tuple(Dummies.build(c, root) for c in codes),
        y_within=within[:, 0], X_within=within[:, 1:], rank=inside.rank, varies=varies,
        slopes=fit.params, rss=float(fit.resid @ fit.resid), df=df,
    )  # fmt: skip


# ---------------------------------------------------------------------- the methods


def _swamy_arora(data: _Data) -> tuple[FloatArray, FloatArray]:
    """Within residuals, and residuals of the regressions of group means on group means.

    Swamy and Arora (1972); Baltagi and Chang (1994), eq. for unbalanced data.
    """
    J = len(data.factors)
    q, M = np.zeros(J + 1), np.zeros((J + 1, J + 1))
    q[0], M[0, 0] = data.rss, data.df
    norms = np.sqrt(np.einsum("ij,ij->j", data.X, data.X))
    for j, D in enumerate(data.factors):
        scale = 1 / np.sqrt(D.totals)
        X_between = D.sums(data.X) * scale[:, None]
        keep = independent_columns(X_between, norms)
        _require_groups(D.size, int(keep.sum()))
        X, Xb = data.X[:, keep], X_between[:, keep]
        fit = least_squares(Xb, D.sums(data.y) * scale)
        S = D.sums(X)
        q[j + 1] = fit.resid @ fit.resid
        M[j + 1, 0] = D.size - Xb.shape[1]
        M[j + 1, j + 1] = data.mass - np.sum(fit.bread * (S.T @ S))
        for other, E in _others(data.factors, j):
            C = E.sums(D.spread(Xb * scale[:, None]))
            M[j + 1, other + 1] = _overlap(D, E) - np.sum(fit.bread * (C.T @ C))
    return q, M


def _wallace_hussain(data: _Data) -> tuple[FloatArray, FloatArray]:
    """Pooled OLS residuals in all forms. Wallace and Hussain (1969)."""
    J = len(data.factors)
    q, M = np.zeros(J + 1), np.zeros((J + 1, J + 1))
    fit = least_squares(data.X, data.y)
    C = fit.bread
    inside = data.y_within - data.X_within @ fit.params
    W = C @ (data.X_within.T @ data.X_within)
    q[0] = inside @ inside
    M[0, 0] = data.n - data.rank - np.trace(W)
    sums = [D.sums(data.X) for D in data.factors]
    for j, D in enumerate(data.factors):
        S = sums[j]
        B, T = C @ ((S / D.totals[:, None]).T @ S), C @ (S.T @ S)
        q[j + 1] = _between_form(D, fit.resid)
        M[0, j + 1] = np.trace(W @ T)
        M[j + 1, 0] = D.size - np.trace(B)
        M[j + 1, j + 1] = data.mass - 2 * np.trace(T) + np.trace(B @ T)
        for other, E in _others(data.factors, j):
            R = sums[other]
            mixed = C @ ((S / D.totals[:, None]).T @ D.sums(E.spread(R)))
            both = B @ C @ (R.T @ R)
            M[j + 1, other + 1] = _overlap(D, E) - 2 * np.trace(mixed) + np.trace(both)
    return q, M


def _amemiya(data: _Data) -> tuple[FloatArray, FloatArray]:
    """Residuals y - a - Xb with the within slopes in all forms. Amemiya (1971)."""
    J = len(data.factors)
    q, M = np.zeros(J + 1), np.zeros((J + 1, J + 1))
    one = np.ones(data.n) if data.factors[0].root is None else data.factors[0].root
    X = data.X[:, data.varies]
    resid = data.y - X @ data.slopes
    resid = resid - one * (one @ resid / data.mass)
    X = X - np.outer(one, one @ X / data.mass)
    Xw = data.X_within[:, data.varies]
    C = least_squares(Xw, data.y_within).bread
    q[0], M[0, 0] = data.rss, data.df
    for j, D in enumerate(data.factors):
        S = D.sums(X)
        q[j + 1] = _between_form(D, resid)
        M[j + 1, 0] = D.size - 1 + np.sum(C * ((S / D.totals[:, None]).T @ S))
        M[j + 1, j + 1] = data.mass - np.sum(D.totals**2) / data.mass
        for other, E in _others(data.factors, j):
            M[j + 1, other + 1] = _overlap(D, E) - np.sum(E.totals**2) / data.mass
    return q, M


def _plain_expectations(data: _Data) -> FloatArray:
    """M for balanced panels as if the coefficients were known."""
    J = len(data.factors)
    M = np.zeros((J + 1, J + 1))
    M[0, 0] = data.n - data.rank
    for j, D in enumerate(data.factors, start=1):
        M[j, 0], M[j, j] = D.size, data.n
    return M


def _harmonic(data: _Data) -> FloatArray:
    """Swamy-Arora as Stata's xtreg, re: unweighted between regression, harmonic mean of T_i."""
    (D,) = data.factors
    X_between = D.means(data.X)
    keep = independent_columns(X_between)
    _require_groups(D.size, int(keep.sum()))
    fit = least_squares(X_between[:, keep], D.means(data.y))
    between = float(fit.resid @ fit.resid) / (D.size - int(keep.sum()))
    idiosyncratic = data.rss / data.df
    return np.array([idiosyncratic, between - idiosyncratic * np.mean(1 / D.totals)])


def _nerlove(data: _Data) -> FloatArray:
    """Population variance within, sample variances of the estimated fixed effects.

    Nerlove (1971).
    """
    error = data.y - data.X[:, data.varies] @ data.slopes
    inside = data.y_within - data.X_within[:, data.varies] @ data.slopes
    effects = _fixed_effects(error - inside, data.factors)
    variances = []
    for D, a in zip(data.factors, effects, strict=True):
        _require_groups(D.size, 1)
        share = D.totals / data.mass
        centred = a - share @ a
        variances.append(share @ centred**2 * D.size / (D.size - 1))
    return np.array([data.rss / data.n, *variances])


def _fixed_effects(fitted: FloatArray, factors: Sequence[Dummies]) -> list[FloatArray]:
    """Effects whose dummies reproduce ``fitted``, (n,), up to a constant between factors."""
    if len(factors) == 1:
        return [factors[0].means(fitted)]
    large, small = sorted(factors, key=lambda D: -D.size)
    residual = fitted - large.project(fitted)
    gram = reduced_gram(large, small, 1 / large.totals)
    b = np.linalg.lstsq(gram, small.sums(residual), rcond=1e-10)[0].astype(float)
    a = large.means(fitted - small.spread(b))
    return [a, b] if factors[0] is large else [b, a]


# ---------------------------------------------------------------------- pieces


def _between_form(D: Dummies, values: FloatArray) -> float:
    """v'Bv."""
    s = D.sums(values)
    return float(s @ (s / D.totals))


def _overlap(D: Dummies, E: Dummies) -> float:
    """tr(E'B_D E), with one row per pair of levels: the number of levels without weights."""
    mass = np.ones(len(D.groups.codes)) if D.root is None else D.root**2
    return float(np.sum(mass**2 / D.groups.spread(D.totals)))


def _others(factors: Sequence[Dummies], j: int) -> list[tuple[int, Dummies]]:
    return [(i, D) for i, D in enumerate(factors) if i != j]


def _require_groups(groups: int, k: int) -> None:
    if groups <= k:
        mend = " Use method='wallace-hussain' or 'nerlove', or fewer regressors."
        raise IdentificationError(
            f"The means of {groups} groups are regressed on {k} regressors, which leaves no degree "
            f"of freedom for the variance of the effects.{mend if groups > 1 else ''}"
        )
