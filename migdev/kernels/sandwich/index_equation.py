r"""One outcome on a focal regressor within entities, and what an index of several needs of it.

The rows of an entity are whitened for serial correlation :math:`\rho` (0: left as they are) and
freed of the entity's effect; the other regressors W, period dummies among them, are swept out:

.. math::
    \hat b = a'\tilde y, \quad a = \tilde x / \tilde x'\tilde x, \quad \tilde x = M_W x \quad (1)

Bell and McCaffrey's adjusted contributions of the entities are linear in the outcome,
:math:`\psi_g = p_g'\hat u_g` with :math:`p_g = (I - H)_{gg}^{+1/2} a_g`, so whole stacks of
outcomes cost matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.shift import lag_rows
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.sandwich.cluster_adjustment import adjusted_rows, unshrunk

#: Columns whose squared length falls below this share of what they had are spanned by the others.
SPANNED = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexEquation:
    """An equation of an index, ready for any number of outcomes.

    Attributes
    ----------
    groups : Groups
        Entities; rows are sorted by entity, then period.
    time : (n,)
        Period as an integer.
    rho : float
        Serial correlation that whitening takes out.
    focal : (n,)
        :math:`\\tilde x`.
    basis : (n, q)
        Orthonormal basis of W and of the focal regressor (the last column), within entities.
    adjusted : (n,)
        Rows p of CR2's contributions.
    """

    groups: Groups
    time: IntArray
    rho: float
    focal: FloatArray
    basis: FloatArray
    adjusted: FloatArray

    @classmethod
    def build(
        cls, x: FloatArray, W: FloatArray, entity: IntArray, time: IntArray, rho: float = 0.0
    ) -> IndexEquation | None:
        """The equation of a focal regressor x (n,) beside W (n, q), period dummies among them;
        None where W and the effects of the entities span x."""
        groups = Groups.from_codes(entity)
        x, W = (within_whitened(v, groups, time, rho) for v in (x, W))
        Q = orthonormal_basis(W)
        focal = x - Q @ (Q.T @ x)
        squared, before = float(focal @ focal), float(x @ x)
        if squared <= SPANNED * before or before == 0:
            return None
        focal = focal - Q @ (Q.T @ focal)
        squared = float(focal @ focal)
        basis = np.column_stack([Q, focal / np.sqrt(squared)])
        return cls(
            groups=groups, time=time, rho=rho, focal=focal, basis=basis,
            adjusted=_rows(basis, squared, groups, "CR2"),
        )  # fmt: skip

    @property
    def nobs(self) -> int:
        return len(self.focal)

    @property
    def df_resid(self) -> int:
        """Rows less entities and all that is swept out."""
        return int(self.nobs - self.groups.size - self.basis.shape[1])

    @property
    def row(self) -> FloatArray:
        """(n,) a of eq. (1)."""
        return self.focal / float(self.focal @ self.focal)

    def within(self, values: FloatArray) -> FloatArray:
        """Whitened and freed of entity effects: (n,) or (n, B)."""
        return within_whitened(values, self.groups, self.time, self.rho)

    def slopes(self, within: FloatArray) -> FloatArray:
        """Slope of each outcome: of (n,) or (n, B) as :meth:`within` gives them."""
        return np.asarray(self.row @ within)

    def residuals(self, within: FloatArray, *, restricted: bool = False) -> FloatArray:
        """Residuals, of the equation without the focal regressor if ``restricted``."""
        Q = self.basis[:, :-1] if restricted else self.basis
        return np.asarray(within - Q @ (Q.T @ within))

    def contributions(self, residuals: FloatArray) -> FloatArray:
        """(G,) or (G, B) adjusted contributions of the entities to the slope."""
        rows = self.adjusted if residuals.ndim == 1 else self.adjusted[:, None]
        return np.add.reduceat(rows * residuals, self._starts, axis=0)

    def losses(self, residuals: FloatArray) -> FloatArray:
        """(G,) what the slope loses as each entity is left out, exactly: contributions of CR3."""
        rows = _rows(self.basis, float(self.focal @ self.focal), self.groups, "CR3")
        return np.asarray(np.add.reduceat(rows * residuals, self._starts))

    def unshrunk(self, restricted: FloatArray) -> FloatArray:
        """Restricted residuals (n,) with the length that errors have: of each entity times the
        inverse root of its own block of I - H."""
        return unshrunk(self.basis[:, :-1], restricted, self.groups)

    @property
    def _starts(self) -> IntArray:
        assert self.groups.starts is not None  # rows are sorted by entity
        return self.groups.starts


def _rows(basis: FloatArray, squared: float, groups: Groups, kind: str) -> FloatArray:
    """(n,) rows of the adjusted contributions to the slope of the last column of the basis."""
    loading = np.zeros((basis.shape[1], 1))
    loading[-1] = 1 / np.sqrt(squared)
    return adjusted_rows(basis, loading, groups, kind)[:, 0]


def within_whitened(
    values: FloatArray, groups: Groups, time: IntArray, rho: float = 0.0
) -> FloatArray:
    r"""Rows freed of serial correlation, then of the effects of entities; (n,) or (n, B).

    With :math:`u_t = \rho u_{t-1} + e_t` of unit variance, and k periods since the row before,

    .. math:: z_t = (v_t - \rho^k v_{t-k}) / \sqrt{1 - \rho^{2k}} \quad (2)

    and the first row of an entity as it is (Prais and Winsten 1954); the effect of an entity is
    then no constant, but eq. (2) of one.
    """
    one = np.ones(len(time))
    v = values if values.ndim == 2 else values[:, None]
    if rho:
        first = np.concatenate([[True], groups.codes[1:] != groups.codes[:-1]])
        gap = np.concatenate([[0], np.diff(time)]).astype(float)
        power = np.where(first, 0.0, np.abs(rho) ** np.where(first, 1.0, gap))
        power = power * np.where((rho < 0) & (gap % 2 == 1), -1.0, 1.0)
        scale = 1 / np.sqrt(1 - power**2)

        def white(w: FloatArray) -> FloatArray:
            before = np.concatenate([w[:1], w[:-1]])
            return np.asarray((w - power[:, None] * before) * scale[:, None])

        v, one = white(v), white(one[:, None])[:, 0]
    starts = groups.starts
    assert starts is not None
    share = np.add.reduceat(one[:, None] * v, starts) / np.add.reduceat(one**2, starts)[:, None]
    out = v - one[:, None] * np.repeat(share, groups.counts, axis=0)
    return np.asarray(out if values.ndim == 2 else out[:, 0])


def orthonormal_basis(W: FloatArray) -> FloatArray:
    """(n, r) orthonormal basis of the columns; those that others span are left out."""
    lengths = np.sqrt(np.einsum("ij,ij->j", W, W))
    alive = lengths > 0
    U, s, _ = np.linalg.svd(W[:, alive] / lengths[alive], full_matrices=False)
    return np.asarray(U[:, s > 1e-9 * s.max(initial=1.0)])


def serial_correlation(residuals: FloatArray, entity: IntArray, time: IntArray) -> float:
    r"""Correlation of residuals with those of one period before, over pairs that are observed.

    .. math:: \hat\rho = \frac{\sum u_t u_{t-1}}{\sum (u_t^2 + u_{t-1}^2) / 2} \quad (3)

    Of residuals from entity means it falls short of the errors' by about :math:`(1 + \rho)/(T - 1)`
    with T periods (Nickell 1981), so it whitens too little rather than too much.
    """
    before = lag_rows(entity, time, 1)
    at = np.flatnonzero(before >= 0)
    u, v = residuals[at], residuals[before[at]]
    spread = float(u @ u + v @ v) / 2
    return float(u @ v) / spread if spread > 0 else 0.0
