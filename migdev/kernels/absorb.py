r"""Absorb any number of fixed effects: residuals of the projection on all their dummies.

Frisch, Waugh and Lovell: least squares of y on X and the dummies D of all effects gives the
coefficients of X that least squares of :math:`M_D y` on :math:`M_D X` gives,

.. math:: M_D x = x - D (D'WD)^{-} D'W x, \qquad W = \mathrm{diag}(w) \quad (1)

The effect with most levels is eliminated exactly; the small system of the others
(:mod:`migdev.kernels.reduced`) is factored, so that country panels, balanced or not, are done in
one pass, without iteration and without a tolerance. Rows whose lead level meets one combination
of the other effects only (a worker who never moves) say nothing about them and are set aside.

References
----------
Frisch and Waugh (1933), Partial time regressions as compared with individual trends,
Econometrica 1, 387-401. Lovell (1963), Seasonal adjustment of economic time series and multiple
regression analysis, Journal of the American Statistical Association 58, 993-1010.
Abowd, Creecy and Kramarz (2002), Computing person and firm effects using linked longitudinal
employer-employee data, LEHD Technical Paper 2002-06. Correia (2017), Linear models with
high-dimensional fixed effects: an efficient and feasible estimator, working paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from migdev.errors import ConvergenceError
from migdev.kernels.components import Rank, pairwise_rank, singletons
from migdev.kernels.groups import Groups
from migdev.kernels.reduced import Reduced, reduce
from migdev.kernels.types import BoolArray, FloatArray, IntArray

__all__ = ["Absorbed", "Absorber", "absorb", "dummy_rank", "singletons"]

_ROUNDING = 1e-5  # length of a residual, relative to its column, at which rounding begins to tell
_FEW = 0.6  # share of rows below which the moving rows are worth copying


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Absorbed:
    """Residuals of a projection on dummies.

    Attributes
    ----------
    values : (n, m)
        ``M_D x`` for each column, in Fortran order.
    rank : int
        Rank of the joint dummies, the intercept included; exact if ``rank_exact``, else an upper
        bound.
    rank_exact : bool
    rank_method : str
        See :class:`~migdev.kernels.components.Rank`.
    levels : tuple of int
        Levels that occur, by factor.
    iterations : int
        0 for one factor, 1 for a direct solution.
    method : str
        ``"means"``, ``"dense"``, ``"elimination"`` or ``"conjugate gradients"``.
    """

    values: FloatArray
    rank: int
    rank_exact: bool
    rank_method: str
    levels: tuple[int, ...]
    iterations: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Absorber:
    """Effects prepared once, to be taken out of any number of columns.

    Attributes
    ----------
    groups : tuple of Groups
        The factors, as given.
    weights : (n,), optional
    lead : int
        Factor that is eliminated exactly.
    mass : (G1,)
        Weights of its levels.
    moving : (r,), optional
        Rows whose lead level meets several combinations of the others; None where all do.
    local : tuple of Groups
        Lead and other factors on the moving rows.
    system : Reduced, optional
        None where the lead effect says it all.
    rank : Rank
    """

    groups: tuple[Groups, ...]
    weights: FloatArray | None
    lead: int
    mass: FloatArray
    moving: IntArray | None
    local: tuple[Groups, ...]
    system: Reduced | None
    rank: Rank

    @classmethod
    def build(cls, factors: Sequence[IntArray], weights: FloatArray | None = None) -> Absorber:
        """Prepare the projection.

        Parameters
        ----------
        factors : sequence of (n,) codes
            At least one; codes are whole numbers from 0, gaps allowed.
        weights : (n,), optional
            Analytic weights, positive and finite: the metric of the projection.

        Raises
        ------
        ValueError
            No factor, lengths that differ, codes or weights that are not as described.
        """
        groups = tuple(Groups.from_codes(codes) for codes in factors)
        if not groups:
            raise ValueError("Absorbing needs at least one factor.")
        n = len(groups[0].codes)
        if any(len(g.codes) != n for g in groups) or n == 0:
            raise ValueError(f"Factors need equal lengths, not {[len(g.codes) for g in groups]}.")
        if weights is not None:
            weights = np.asarray(weights, dtype=float)
            if weights.shape != (n,) or not bool((weights > 0).all() and weights.sum() < np.inf):
                raise ValueError(f"Weights must be {n} positive, finite numbers.")
        sizes = tuple(g.size for g in groups)
        lead = max(range(len(sizes)), key=lambda j: (sizes[j], groups[j].starts is not None))
        first = groups[lead]
        others = [g for j, g in enumerate(groups) if j != lead]
        mass = first.weighted(weights)
        moves = _moves(first, others)
        if moves is None:  # every other effect is nested in the lead
            rank = Rank(sizes[lead], True, "levels", sizes)
            return cls(
                groups=groups, weights=weights, lead=lead, mass=mass, moving=None, local=(),
                system=None, rank=rank,
            )  # fmt: skip
        moving, local, inner = None, (first, *others), weights
        if moves.sum() < _FEW * n:
            moving = np.flatnonzero(moves)
            local = tuple(Groups.from_codes(g.codes[moving]) for g in local)
            inner = None if weights is None else weights[moving]
        system = reduce(local, inner)
        if system.rank is not None:
            rank = Rank(sizes[lead] + system.rank, True, system.rank_method, sizes)
        else:
            rank = Rank(pairwise_rank(groups), False, system.rank_method, sizes)
        return cls(
            groups=groups, weights=weights, lead=lead, mass=mass, moving=moving, local=local,
            system=system, rank=rank,
        )  # fmt: skip

    def residuals(
        self, columns: FloatArray, tol: float = 1e-10, overwrite: bool = False
    ) -> Absorbed:
        """Equation (1) for each column.

        Parameters
        ----------
        columns : (n,) or (n, m)
        tol : float
            Error of the projection relative to the length of the residual, where it is iterative.
        overwrite : bool
            Work in ``columns`` itself, if it is a float array in Fortran order.

        Raises
        ------
        ConvergenceError
            The iterations did not come below ``tol``.
        """
        values = np.array(columns, dtype=float, order="F", copy=None if overwrite else True)
        values = values.reshape(len(values), -1, order="F")
        first, m = self.groups[self.lead], values.shape[1]
        size = np.empty(m)
        for j in range(m):
            column = values[:, j]
            weighted = column if self.weights is None else self.weights * column
            size[j] = column @ weighted
            column -= first.spread(first.sums(weighted) / self.mass)
        iterations, method = 0, "means"
        if self.system is not None:
            iterations = self._take_others(values, self.system, size, tol)
            method = self.system.solver.method
        return Absorbed(
            values=values, rank=self.rank.value, rank_exact=self.rank.exact,
            rank_method=self.rank.method, levels=self.rank.levels, iterations=iterations,
            method=method,
        )  # fmt: skip

    def _take_others(
        self, values: FloatArray, system: Reduced, size: FloatArray, tol: float
    ) -> int:
        """Subtract the remaining effects, and what they change of the lead, in place."""
        lead, *rest = self.local
        m, w = values.shape[1], self.weights
        if self.moving is not None:
            w = None if w is None else w[self.moving]
        begin = np.cumsum([0, *(g.size for g in rest)])
        b, total = np.empty((begin[-1], m)), np.empty(m)
        for j in range(m):
            x = values[:, j] if self.moving is None else values[self.moving, j]
            wx = x if w is None else w * x
            total[j] = x @ wx
            for k, g in enumerate(rest):
                b[begin[k] : begin[k + 1], j] = g.sums(wx)
        found = system.solver.solve(b, total, _ROUNDING**2 * size, tol)
        if not found.converged.all():
            raise ConvergenceError(
                f"Absorbing {len(self.groups)} effects did not converge in {found.iterations} "
                f"iterations: {int((~found.converged).sum())} of {m} columns are above the "
                f"tolerance {tol:g}. Rescale wild weights, or ask for a larger tolerance."
            )
        a = found.x
        by_lead = system.lead(a)
        for j in range(m):
            fitted = -lead.spread(by_lead[:, j])
            for k, g in enumerate(rest):
                fitted += g.spread(a[begin[k] : begin[k + 1], j])
            if self.moving is None:
                values[:, j] -= fitted
            else:
                values[self.moving, j] -= fitted
        return found.iterations


def absorb(
    columns: FloatArray,
    factors: Sequence[IntArray],
    weights: FloatArray | None = None,
    tol: float = 1e-10,
    overwrite: bool = False,
) -> Absorbed:
    """Residuals of the (weighted) projection of columns on the dummies of all factors.

    Weights are analytic: the projection is in the metric of ``weights``, and the residuals are
    *not* multiplied by their square root.

    Parameters
    ----------
    columns : (n, m); factors : sequence of (n,) codes; weights : (n,), optional
    tol, overwrite
        See :meth:`Absorber.residuals`.
    """
    return Absorber.build(factors, weights).residuals(columns, tol, overwrite)


def dummy_rank(factors: Sequence[IntArray]) -> Rank:
    """Rank of the joint dummies of the factors, the intercept included.

    One factor: its levels. Two: levels less connected components. More: the rank of the reduced
    system where it is small or can be eliminated, else the upper bound that subtracts, for each
    factor, its largest number of components with an earlier one (as reghdfe's ``pairwise``).
    """
    return Absorber.build(factors).rank


def _moves(lead: Groups, others: Sequence[Groups]) -> BoolArray | None:
    """Rows whose lead level meets several levels of another factor; None where there are none."""
    several: BoolArray = np.zeros(lead.size, dtype=bool)
    anchor = np.empty(lead.size, dtype=np.intp)
    for g in others:
        if lead.starts is not None:
            anchor = g.codes[lead.starts]
            differs = g.codes != np.repeat(anchor, lead.counts)
            several |= np.logical_or.reduceat(differs, lead.starts)
        else:
            anchor[lead.codes] = g.codes
            several[lead.codes[g.codes != anchor[lead.codes]]] = True
    if not several.any():
        return None
    moves: BoolArray = lead.spread(several)
    return moves
