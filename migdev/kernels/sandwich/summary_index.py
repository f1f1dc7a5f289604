r"""Summary indices: what the equations of several outcomes on one regressor say together.

With slopes :math:`\hat b_o`, orientations and standard deviations in :math:`s_o` and weights
:math:`w_o`, the index is :math:`\hat\theta = \sum_o w_o s_o \hat b_o`, and the contribution of an
entity :math:`\psi_g = \sum_o w_o s_o \psi_{og}`, whatever the sample of each equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.sandwich.index_equation import IndexEquation

#: Fewer shared cells tell nothing of the correlation of two outcomes.
FEWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexTraces:
    r"""Traces from which Satterthwaite's degrees of freedom of any index follow.

    Errors of two outcomes are correlated in cells that both observe and independent between
    cells: :math:`\Theta_{oo'} = \sigma_o \sigma_{o'} r_{oo'} S_{oo'}` with S the cells they share.
    The variance estimate is then a quadratic form with the (G, G) matrix

    .. math::
        P = \sum_{o,o'} c_{oo'} K_{oo'}, \quad K_{oo'} = T_o S_{oo'} T_{o'}', \quad
        c_{oo'} = w_o s_o \sigma_o\, r_{oo'}\, \sigma_{o'} s_{o'} w_{o'} \quad (1)

    and :math:`\nu = (\mathrm{tr} P)^2 / \mathrm{tr} P^2`. For one outcome this is Bell and
    McCaffrey's.

    Attributes
    ----------
    own : (O * O,)
        :math:`\mathrm{tr} K_{oo'}`.
    squared : (O * O, O * O)
        :math:`\mathrm{tr}(K_{oo'} K_{pp'})`.

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28(2), 169-181. Pustejovsky and Tipton (2018),
    Journal of Business & Economic Statistics 36, 672-683.
    """

    own: FloatArray
    squared: FloatArray

    @classmethod
    def build(
        cls, equations: Sequence[IndexEquation], cells: Sequence[IntArray],
        members: Sequence[IntArray], entities: int,
    ) -> IndexTraces:  # fmt: skip
        r"""Of O equations with cells (n_o,) that tell which rows are the same country and period,
        and the positions (G_o,) of their entities among all ``entities``.

        With D the adjusted rows, each in the line of its entity, and Q the basis of an equation,
        :math:`T = D - LQ'` with :math:`L = DQ`, so that

        .. math::
            K_{oo'} = D_o S D_{o'}' - (D_o S Q_{o'}) L_{o'}'
            + L_o \{(Q_o' S Q_{o'}) L_{o'}' - Q_o' S D_{o'}'\} \quad (2)

        whose first part is diagonal, and whose others are of the rank of the bases.
        """
        m = len(equations)
        present = np.unique(np.concatenate(list(members)))  # the lines of the others are zero
        at = [np.searchsorted(present, of) for of in members]
        L = [e.contributions(e.basis) for e in equations]
        K = np.zeros((m, m, len(present), len(present)))
        for o, e in enumerate(equations):
            for p, f in enumerate(equations[o:], start=o):
                _, here, there = np.intersect1d(
                    cells[o], cells[p], assume_unique=True, return_indices=True
                )
                theirs = np.zeros((e.nobs, f.basis.shape[1] + 1))  # Q and D of p in the cells of o
                theirs[here] = np.column_stack([f.basis, f.adjusted])[there]
                ours = np.zeros((f.nobs, e.basis.shape[1]))
                ours[there] = e.basis[here]
                shared = e.contributions(theirs)
                low = L[o] @ (e.basis.T @ theirs[:, :-1] @ L[p].T - f.contributions(ours).T)
                K[o, p][np.ix_(at[o], at[p])] = low - shared[:, :-1] @ L[p].T
                K[o, p][at[o], at[o]] += shared[:, -1]
                K[p, o] = K[o, p].T
        flat = K.reshape(m * m, -1)
        products = (flat @ flat.T).reshape(m * m, m, m)
        squared = np.swapaxes(products, 1, 2).reshape(m * m, m * m)  # K_{oo'} is K_{o'o} turned
        return cls(own=np.einsum("opgg->op", K).ravel(), squared=squared)

    def df(self, c: FloatArray) -> FloatArray:
        """Degrees of freedom for c (O, O) of eq. (1), or for a stack (B, O, O)."""
        flat = c.reshape(*c.shape[:-2], -1)
        return np.asarray(
            (flat @ self.own) ** 2 / np.einsum("...k,kl,...l->...", flat, self.squared, flat)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexReading:
    """An index as B worlds (or the data, B = 1) show it.

    Attributes
    ----------
    effects : (B, O)
        Standardised and oriented effects on the outcomes.
    contributions : (N, O, B)
        What each entity adds to them.
    correlation : (B, O, O)
        Of the oriented residuals over shared cells.
    weights : (B, O)
    df : (B, 1 + O)
        Satterthwaite's, of the index and of each outcome.
    """

    effects: FloatArray
    contributions: FloatArray
    correlation: FloatArray
    weights: FloatArray
    df: FloatArray

    @property
    def index(self) -> FloatArray:
        """(B,) estimates of the index."""
        return np.asarray(np.einsum("bo,bo->b", self.weights, self.effects))

    @property
    def std_errors(self) -> FloatArray:
        """(B,) standard errors of the index."""
        psi = np.einsum("bo,gob->gb", self.weights, self.contributions)
        return np.asarray(np.sqrt(np.einsum("gb,gb->b", psi, psi)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexDesign:
    """What does not depend on the outcomes' values: equations, who is in them, how they are read.

    Attributes
    ----------
    equations : (O,) sequence of IndexEquation
    cells : (O,) sequence of (n_o,)
        Numbers that are equal where country and period are.
    members : (O,) sequence of (G_o,)
        Positions of the entities of each equation among all ``entities``.
    entities : int
    scales : (O,)
        Standardised and oriented effect per slope.
    kind : {"equal", "anderson"}
    estimated : bool
        Correlation of the outcomes in the working model: that of the residuals, or none.
    traces : IndexTraces
    """

    equations: Sequence[IndexEquation]
    cells: Sequence[IntArray]
    members: Sequence[IntArray]
    entities: int
    scales: FloatArray
    kind: str
    estimated: bool
    traces: IndexTraces

    def read(self, within: Sequence[FloatArray]) -> IndexReading:
        """The index of outcomes that are whitened and freed of entity effects, (n_o, B) each."""
        m, B = len(self.equations), within[0].shape[1]
        effects, psi = np.empty((B, m)), np.zeros((self.entities, m, B))
        residuals, sigma = [], np.empty((B, m))
        for o, (equation, y) in enumerate(zip(self.equations, within, strict=True)):
            effects[:, o] = self.scales[o] * equation.slopes(y)
            u = equation.residuals(y)
            psi[self.members[o], o] = self.scales[o] * equation.contributions(u)
            sigma[:, o] = np.sqrt(np.einsum("nb,nb->b", u, u) / equation.df_resid)
            residuals.append(np.sign(self.scales[o]) * u)
        R = shared_correlation(residuals, self.cells)
        w = index_weights(self.kind, R)
        working = R if self.estimated else np.broadcast_to(np.eye(m), R.shape)
        each = np.broadcast_to(np.eye(m), (B, m, m))
        loading = np.concatenate([w[:, None], each], axis=1)  # (B, 1 + O, O)
        units = loading * (np.abs(self.scales) * sigma)[:, None]
        df = self.traces.df(units[..., :, None] * working[:, None] * units[..., None, :])
        return IndexReading(
            effects=effects, contributions=psi, correlation=R, weights=w, df=df
        )  # fmt: skip


def shared_correlation(residuals: Sequence[FloatArray], cells: Sequence[IntArray]) -> FloatArray:
    """(B, O, O) correlation of the residuals (n_o, B) of outcomes over the cells that two share.

    Zero where they share fewer than :data:`FEWEST`; made positive semi-definite where pairs of
    outcomes disagree.
    """
    m = len(residuals)
    R = np.broadcast_to(np.eye(m), (residuals[0].shape[1], m, m)).copy()
    for o in range(m):
        for p in range(o + 1, m):
            _, here, there = np.intersect1d(
                cells[o], cells[p], assume_unique=True, return_indices=True
            )
            u, v = residuals[o][here], residuals[p][there]
            if len(u) >= FEWEST:
                length = np.sqrt(np.einsum("nb,nb->b", u, u) * np.einsum("nb,nb->b", v, v))
                product = np.einsum("nb,nb->b", u, v)
                R[:, o, p] = R[:, p, o] = product / np.where(length > 0, length, 1.0)
    values, vectors = np.linalg.eigh(R)
    if values.min() < 0:
        R = (vectors * np.maximum(values, 0.0)[:, None]) @ np.swapaxes(vectors, 1, 2)
        spread = np.sqrt(np.einsum("boo->bo", R))
        R = R / (spread[:, :, None] * spread[:, None, :])
    return R


def index_weights(kind: str, R: FloatArray) -> FloatArray:
    r"""(B, O) weights that sum to one: equal (Kling, Liebman and Katz), or by the inverse of the
    correlations R (B, O, O) of the oriented outcomes (Anderson), so that what outcomes share is not
    counted over and over.

    .. math:: w = R^{-1} 1 / 1'R^{-1}1 \quad (3)

    References
    ----------
    Kling, Liebman and Katz (2007), Econometrica 75, 83-119. Anderson (2008), Journal of the
    American Statistical Association 103, 1481-1495.
    """
    if kind == "equal":
        return np.full(R.shape[:-1], 1 / R.shape[-1])
    w = np.linalg.pinv(R, hermitian=True).sum(axis=-1)
    return np.asarray(w / w.sum(axis=-1, keepdims=True))


def entity_variances(design: IndexDesign, weights: FloatArray, R: FloatArray) -> FloatArray:
    r"""(N,) variance that each entity brings to the index under the working model.

    .. math:: \gamma_g = \sum_{c \in g} z_c' R z_c, \quad z_{co} = w_o s_o \sigma_o a_{oc} \quad (4)

    over the cells of entity g; ``weights`` (O,) are :math:`w_o s_o \sigma_o`.
    """
    grid = np.unique(np.concatenate(list(design.cells)))
    z, owner = np.zeros((len(grid), len(weights))), np.zeros(len(grid), dtype=np.int64)
    parts = zip(design.equations, design.members, design.cells, strict=True)
    for o, (equation, at, cell) in enumerate(parts):
        place = np.searchsorted(grid, cell)
        z[place, o] = weights[o] * equation.row
        owner[place] = at[equation.groups.codes]
    brought = np.einsum("co,op,cp->c", z, R, z)
    return np.asarray(np.bincount(owner, brought, design.entities), dtype=float)


def effective_clusters(by_entity: Sequence[float] | FloatArray) -> float:
    r"""Number of equal clusters that would carry an estimate as well.

    .. math::
        G^* = \frac{G}{1 + \Gamma}, \quad
        \Gamma = G^{-1} \sum_g (\gamma_g - \bar\gamma)^2 / \bar\gamma^2 \quad (5)

    with :math:`\gamma_g` (G,) what each cluster brings to the variance of the estimate under the
    working model.

    References
    ----------
    Carter, Schnepel and Steigerwald (2017), Review of Economics and Statistics 99, 698-709.
    """
    gamma = np.asarray(by_entity, dtype=float)
    total = float(gamma.sum())
    return total**2 / float(gamma @ gamma) if total > 0 else float("nan")
