r"""Absorb any number of fixed effects: residuals of the projection on all their dummies.

Frisch, Waugh and Lovell: least squares of y on X and the dummies D of all effects gives the
coefficients of X that least squares of :math:`M_D y` on :math:`M_D X` gives,

.. math:: M_D x = x - D (D'WD)^{-} D'W x, \qquad W = \mathrm{diag}(w) \quad (1)

The effect with most levels is eliminated exactly; the small system of the others
(:mod:`migdev.kernels.absorb.reduced`) is factored, so that country panels, balanced or not, are
done in one pass, without iteration and without a tolerance. Rows whose lead level meets one
combination of the other effects only (a worker who never moves) say nothing about them and are set
aside.

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
from migdev.kernels.absorb.components import Rank, pairwise_rank, singletons
from migdev.kernels.absorb.conjugate import Solution
from migdev.kernels.absorb.parts import Part, make_parts
from migdev.kernels.absorb.reduced import Reduced, reduce
from migdev.kernels.arrays.blocked_products import dot
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray

__all__ = ["Absorbed", "Absorber", "absorb", "dummy_rank", "singletons"]

_ROUNDING = 1e-13  # error relative to the column below which rounding has its way


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
        See :class:`~migdev.kernels.absorb.components.Rank`.
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
    parts : tuple of Part
        The other factors, less those that the lead nests.
    system : Reduced, optional
        None where the lead effect says it all.
    rank : Rank
    """

    groups: tuple[Groups, ...]
    weights: FloatArray | None
    lead: int
    mass: FloatArray
    parts: tuple[Part, ...]
    system: Reduced | None
    rank: Rank

    @classmethod
    def build(
        cls, factors: Sequence[IntArray | Groups], weights: FloatArray | None = None
    ) -> Absorber:
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
        parts = make_parts(groups, lead, weights)
        system = reduce(parts) if parts else None
        if system is None:
            rank = Rank(sizes[lead], True, "levels", sizes)
        elif system.rank is not None:
            rank = Rank(sizes[lead] + system.rank, True, system.rank_method, sizes)
        else:
            tables = {(lead, p.factor): p.table for p in parts if p.mask is None}
            bound = pairwise_rank(groups, {**tables, **system.tables})
            rank = Rank(bound, False, system.rank_method, sizes)
        return cls(
            groups=groups, weights=weights, lead=lead, mass=groups[lead].weighted(weights),
            parts=parts, system=system, rank=rank,
        )  # fmt: skip

    def residuals(
        self, columns: FloatArray, tol: float = 1e-11, overwrite: bool = False
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
        return self.sweep([values[:, j] for j in range(values.shape[1])], values, tol)

    def sweep(
        self, columns: Sequence[FloatArray], values: FloatArray, tol: float = 1e-11
    ) -> Absorbed:
        """Equation (1) in place on float vectors (n,), wherever they lie; ``values`` goes into the
        record unseen."""
        size, _ = self._take_lead(columns)
        iterations, method = 0, "means"
        if self.system is not None:
            found = self._solve(columns, self.system, size, tol)
            iterations, method = found.iterations, self.system.method
            for part, at in zip(self.parts, self.system.slices, strict=True):
                means = part.means(found.x[at])
                for j, column in enumerate(columns):
                    part.subtract(column, found.x[at, j], means[:, j])
        return Absorbed(
            values=values, rank=self.rank.value, rank_exact=self.rank.exact,
            rank_method=self.rank.method, levels=self.rank.levels, iterations=iterations,
            method=method,
        )  # fmt: skip

    def effects(self, columns: FloatArray, tol: float = 1e-11) -> tuple[FloatArray, ...]:
        """One of the solutions by factor: (G_f, m) effects whose sum fits the columns best."""
        values = np.array(columns, dtype=float, order="F").reshape(len(columns), -1, order="F")
        vectors = [values[:, j] for j in range(values.shape[1])]
        m = len(vectors)
        effects = [np.zeros((g.size, m)) for g in self.groups]
        size, means = self._take_lead(vectors)
        effects[self.lead] += means
        if self.system is None:
            return tuple(effects)
        found = self._solve(vectors, self.system, size, tol)
        first = self.groups[self.lead]
        for part, at in zip(self.parts, self.system.slices, strict=True):
            other = self.groups[part.factor]
            rows = slice(None) if part.rows is None else part.rows
            effects[part.factor][other.codes[rows][_first_rows(part.other)]] = found.x[at]
        # Lead levels that a part leaves out take its effect too: their mean over all rows counts.
        for part in self.parts:
            other, w = self.groups[part.factor], self.weights
            for j in range(m):
                by_row = other.spread(effects[part.factor][:, j])
                total = first.sums(by_row if w is None else w * by_row)
                effects[self.lead][:, j] -= total / self.mass
        return tuple(effects)

    def _take_lead(self, columns: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Subtract the means of the lead in place: sums of squares (m,) before, means (G1, m)."""
        first, m = self.groups[self.lead], len(columns)
        size, means = np.empty(m), np.empty((first.size, m), order="F")
        for j, column in enumerate(columns):
            weighted = column if self.weights is None else self.weights * column
            size[j] = dot(column, weighted)
            means[:, j] = first.sums(weighted) / self.mass
            column -= first.spread(means[:, j])
        return size, means

    def _solve(
        self, columns: Sequence[FloatArray], system: Reduced, size: FloatArray, tol: float
    ) -> Solution:
        """Remaining effects (R, m) of columns that the lead has been taken from."""
        m = len(columns)
        b, total = np.empty((system.slices[-1].stop, m)), np.zeros(m)
        for j, column in enumerate(columns):
            for part, at in zip(self.parts, system.slices, strict=True):
                x = part.gather(column)
                wx = x if part.weights is None else part.weights * x
                b[at, j] = part.other.sums(wx)
                total[j] = max(total[j], dot(x, wx))
        found = system.solve(b, total, (_ROUNDING / tol) ** 2 * size, tol)
        if not found.converged.all():
            raise ConvergenceError(
                f"Absorbing {len(self.groups)} effects did not converge in {found.iterations} "
                f"iterations: {int((~found.converged).sum())} of {m} columns are above the "
                f"tolerance {tol:g}. Rescale wild weights, or ask for a larger tolerance."
            )
        return found


def _first_rows(groups: Groups) -> IntArray:
    """(G,) some row of each level."""
    at = np.empty(groups.size, dtype=np.int64)
    at[groups.codes] = np.arange(len(groups.codes))
    return at


def absorb(
    columns: FloatArray,
    factors: Sequence[IntArray | Groups],
    weights: FloatArray | None = None,
    tol: float = 1e-11,
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
    if len(factors) == 1:
        levels = int(np.count_nonzero(np.bincount(factors[0])))
        return Rank(levels, True, "levels", (levels,))
    return Absorber.build(factors).rank
