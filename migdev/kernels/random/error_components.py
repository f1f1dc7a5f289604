r"""Error components: the roots of their covariance, applied to data without forming it.

In data multiplied by the square root of the weights the errors are
:math:`u = \nu + \sum_f D_f \mu_f` with :math:`\Omega = \sigma^2_\nu \Sigma`,

.. math:: \Sigma = I + \textstyle\sum_f \phi_f D_f D_f', \quad \phi_f = \sigma^2_f / \sigma^2_\nu

where :math:`D_f` holds the dummies of factor f, multiplied by the square root of the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Dummies:
    """The (n, G) matrix D of one factor, never formed.

    Attributes
    ----------
    groups : Groups
    root : (n,), optional
        Square root of the weights.
    totals : (G,)
        Diagonal of D'D: number of rows, or sum of the weights, by level.
    """

    groups: Groups
    root: FloatArray | None
    totals: FloatArray

    @classmethod
    def build(cls, codes: IntArray, root: FloatArray | None = None) -> Dummies:
        groups = Groups.from_codes(codes)
        return cls(groups, root, groups.weighted(None if root is None else root**2))

    @property
    def size(self) -> int:
        return self.groups.size

    def sums(self, values: FloatArray) -> FloatArray:
        """D'V: (G,) or (G, m)."""
        return self.groups.sums(_scaled(values, self.root))

    def spread(self, by_level: FloatArray) -> FloatArray:
        """D S: (n,) or (n, m)."""
        return _scaled(self.groups.spread(by_level), self.root)

    def means(self, values: FloatArray) -> FloatArray:
        """(D'D)^-1 D'V."""
        return _by_level(self.sums(values), 1 / self.totals)

    def project(self, values: FloatArray) -> FloatArray:
        """B V, with B = D (D'D)^-1 D'."""
        return self.spread(self.means(values))

    def theta(self, phi: float) -> FloatArray:
        """(G,) share of the group mean that quasi-demeaning takes off, 1 - (1 + phi T)^(-1/2)."""
        # 1 - 1/s without cancellation for small phi
        s = np.sqrt(1 + phi * self.totals)
        theta: FloatArray = phi * self.totals / (s * (1 + s))
        return theta

    def demean(self, values: FloatArray, theta: FloatArray) -> FloatArray:
        """(I - B diag(theta)) V: V less theta times its group mean."""
        return values - self.spread(_by_level(self.means(values), theta))


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    r"""A matrix R with :math:`R'R = \Sigma^{-1}` for one or two random factors.

    With one factor R is the symmetric root, which is quasi-demeaning. With two, the larger factor
    is taken out first and what remains is again identity plus low rank:

    .. math:: R = (I + UU')^{-1/2} \Sigma_1^{-1/2}, \quad U = \phi_2^{1/2}\Sigma_1^{-1/2} D_2

    In a balanced panel the two commute, and R is the symmetric root
    :math:`y - \theta_1\bar y_i - \theta_2\bar y_t + \theta_3\bar y`.

    Attributes
    ----------
    first, second : Dummies
        ``second`` is None for one factor.
    theta : (G,)
        Quasi-demeaning of the first factor.
    phi : float
        Variance ratio of the second factor.
    vectors, values : (H, H), (H,)
        Eigenvectors and eigenvalues of U'U.
    """

    first: Dummies
    theta: FloatArray
    second: Dummies | None = None
    phi: float = 0.0
    vectors: FloatArray | None = None
    values: FloatArray | None = None

    @classmethod
    def build(cls, factors: Sequence[Dummies], phis: Sequence[float]) -> Root:
        """Root for one or two factors with variance ratios ``phis``."""
        if len(factors) == 1:
            return cls(factors[0], factors[0].theta(phis[0]))
        (one, two), (phi_one, phi_two) = factors, phis
        if two.size > one.size:
            (one, two), (phi_one, phi_two) = (two, one), (phi_two, phi_one)
        theta = one.theta(phi_one)
        if phi_two == 0:
            return cls(one, theta)
        inner = reduced_gram(one, two, phi_one / (1 + phi_one * one.totals))
        values, vectors = np.linalg.eigh(phi_two * inner)
        return cls(one, theta, two, phi_two, vectors, np.maximum(values, 0))

    def apply(self, values: FloatArray) -> FloatArray:
        """R V for V (n,) or (n, m)."""
        once = self.first.demean(values, self.theta)
        return once if self.second is None else once + self._second(once)

    def apply_transpose(self, values: FloatArray) -> FloatArray:
        """R'V."""
        if self.second is not None:
            values = values + self._second(values)
        return self.first.demean(values, self.theta)

    def _second(self, values: FloatArray) -> FloatArray:
        """[(I + UU')^(-1/2) - I] V."""
        assert self.second is not None
        assert self.vectors is not None
        assert self.values is not None
        s = np.sqrt(1 + self.values)
        scale = -1 / (s * (1 + s))  # ((1 + d)^(-1/2) - 1) / d
        U_values = self.second.sums(self.first.demean(values, self.theta))
        inner = self.vectors @ _by_level(self.vectors.T @ U_values, scale)
        return self.phi * self.first.demean(self.second.spread(inner), self.theta)


def predicted_effects(
    errors: FloatArray, root: Root, factors: Sequence[Dummies], phis: Sequence[float]
) -> tuple[FloatArray, list[FloatArray]]:
    r"""Best linear unbiased predictions (Goldberger 1962) given errors u = y - X b, (n,).

    .. math:: \hat\nu = \Sigma^{-1}u, \quad \hat\mu_f = \phi_f D_f'\Sigma^{-1}u

    Returns
    -------
    idiosyncratic : (n,)
        Multiplied by the square root of the weights, as ``errors`` are.
    effects : list of (G,)
    """
    idiosyncratic = root.apply_transpose(root.apply(errors))
    return idiosyncratic, [
        phi * factor.sums(idiosyncratic) for factor, phi in zip(factors, phis, strict=True)
    ]


def reduced_gram(one: Dummies, two: Dummies, shrink: FloatArray) -> FloatArray:
    """(H, H) matrix D_2'[I - D_1 diag(shrink) D_1']D_2 for ``shrink`` (G,)."""
    codes, others = one.groups.codes, two.groups.codes
    mass = None if one.root is None else one.root**2
    if one.size * two.size <= 8 * len(codes) + 10_000:  # nearly every pair of levels occurs
        pair = codes * two.size + others
        cross = np.bincount(pair, mass, one.size * two.size).reshape(one.size, two.size)
        taken = cross.T @ (cross * shrink[:, None])
    else:
        values = np.ones(len(codes)) if mass is None else mass
        sparse_cross = sparse.csr_matrix((values, (codes, others)), shape=(one.size, two.size))
        taken = (sparse_cross.T @ sparse.diags(shrink) @ sparse_cross).toarray()
    return np.diag(two.totals) - taken


def _scaled(values: FloatArray, root: FloatArray | None) -> FloatArray:
    if root is None:
        return values
    return values * (root if values.ndim == 1 else root[:, None])


def _by_level(values: FloatArray, factor: FloatArray) -> FloatArray:
    return values * (factor if values.ndim == 1 else factor[:, None])
