"""What an estimator leaves behind, so that any covariance can come after it: rows, or units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from migdev.errors import CovarianceError, SpecificationError
from migdev.kernels.arrays.blocked_products import product
from migdev.kernels.arrays.groups import Groups, level_codes
from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray
from migdev.kernels.sandwich.sandwich import cluster_scores

#: A grouping by name, or its codes.
Grouping = str | IntArray | Groups


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    r"""Scores and bread of an estimator that solves :math:`X'(y - Z\beta) = 0`.

    The covariance of every estimator kept here is :math:`B\,M\,B` with ``B = bread`` and a meat
    :math:`M` built from the scores :math:`s_t = X_t \hat u_t`. For OLS ``X`` holds the regressors
    after weights and absorbed effects; for 2SLS their projections on the instruments; for GMM
    the instruments times the weighting matrix times :math:`Z'X`; for GLS the transformed data.

    Attributes
    ----------
    X : (n, k)
        Effective regressors, multiplied by the square root of the weights.
    resid : (n,)
        Effective residuals, multiplied by the square root of the weights.
    bread : (k, k)
        For OLS :math:`(X'X)^{-1}`.
    entity : (n,)
        Codes 0..N-1 of the entities in the sample; rows are sorted by entity, then time.
    time : (n,)
        Period as an integer: consecutive periods differ by one, a gap by more.
    factors, factor_names
        Codes and names of the absorbed factors.
    df_absorbed : int
        Rank of the absorbed dummies, the intercept among them.
    constant : bool
        The column space of the model holds a constant (as a column or through the effects).
    weights : (n,), optional
        The weights whose square root multiplies ``X`` and ``resid``: analytic weights as given, or
        the working weights of the last step of iterated least squares. Leverage of absorbed
        effects and the working model of CR2 need them.
    variance : (n,), optional
        Variance of the response under a generalised linear model, up to scale; it is then the
        working model of CR2.
    dispersion : float, optional
        Variance of a residual where the model states it (1 for binary outcomes): the classical
        covariance is then the inverse of the information, and tests use the normal distribution.
    columns : mapping
        Other columns of the panel, aligned with the rows; read when a covariance asks for them.
    homoskedastic : (k, k), optional
        ``bread @ X'X @ bread`` where this is not ``bread`` itself (GMM); the classical covariance
        is this times the residual variance.
    hat : (n,), optional
        Diagonal of the matrix that maps y to fitted values, where this is not ``X @ bread @ X'``
        (2SLS); without the absorbed dummies.
    error_components : (str, float), optional
        Grouping of one-way random effects and the ratio of their variance to the idiosyncratic
        one, where the data were quasi-demeaned; the working model of CR2.
    """

    X: FloatArray
    resid: FloatArray
    bread: FloatArray
    entity: IntArray
    time: IntArray
    factors: tuple[IntArray, ...] = ()
    factor_names: tuple[str, ...] = ()
    df_absorbed: int = 0
    constant: bool = True
    weights: FloatArray | None = None
    variance: FloatArray | None = None
    dispersion: float | None = None
    columns: Mapping[str, AnyArray] = field(default_factory=dict)
    homoskedastic: FloatArray | None = None
    hat: FloatArray | None = None
    error_components: tuple[str, float] | None = None

    @property
    def nobs(self) -> int:
        return int(self.X.shape[0])

    @property
    def k(self) -> int:
        """Number of reported coefficients."""
        return int(self.X.shape[1])

    @property
    def df_model(self) -> int:
        """Coefficients plus absorbed dummies."""
        return self.k + self.df_absorbed

    @property
    def df_resid(self) -> int:
        return self.nobs - self.df_model

    @property
    def scores(self) -> FloatArray:
        """(n, k) contributions to the estimating equations."""
        return self.X * self.resid[:, None]

    @property
    def by_row(self) -> bool:
        """Rows are kept, so that residuals and leverage are at hand."""
        return True

    def influence(self, by: Grouping | None = None) -> FloatArray:
        """(G, k) scores times bread, summed over the groups ``by`` (a name or codes); of the rows
        themselves, (n, k), for None: what each adds to the estimate."""
        if by is None:
            return product(self.scores, self.bread)
        groups = Groups.from_codes(self.groups(by) if isinstance(by, str) else by)
        return product(cluster_scores(self.X, self.resid, groups), self.bread)

    def groups(self, name: str) -> IntArray:
        """(n,) codes 0..G-1 of a grouping: ``entity``, ``time``, an absorbed factor, a column,
        or a product of these written ``a^b``."""
        if name in self.factor_names:
            return self.factors[self.factor_names.index(name)]
        return group_codes(name, self.entity, self.time, self.columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitScores:
    r"""What each unit adds to the estimate, where the estimator is not one regression on rows.

    .. math::
        \hat\theta - \theta \approx \sum_u \psi_u, \qquad
        \hat V = c \sum_g \Bigl(\sum_{u \in g} \psi_u\Bigr)
            \Bigl(\sum_{u \in g} \psi_u\Bigr)' \quad (1)

    Units are normally entities. For the mean of the slopes of N entities
    :math:`\psi_i = (\hat\beta_i - \hat\beta)/N`, and with :math:`c = N/(N-1)` eq. (1) is the
    variance of a mean. Small-sample factors therefore count units, not rows, and one parameter:
    :math:`G/(G-1)` for G clusters.

    Attributes
    ----------
    values : (U, k)
        :math:`\psi_u`; they sum to zero, or nearly.
    entity : (U,)
        Code, among the entities 0..N-1 of the sample, of the entity a unit belongs to.
    nobs : int
        Rows of data behind the estimate.
    df_resid : float
    time : (U,), optional
        Period as an integer, where units are observations of a period.
    columns : mapping
        Columns of the panel, constant within units and aligned with them.
    """

    values: FloatArray
    entity: IntArray
    nobs: int
    df_resid: float
    time: IntArray | None = None
    columns: Mapping[str, AnyArray] = field(default_factory=dict)

    @property
    def by_row(self) -> bool:
        """No rows are kept: there are neither residuals nor leverage."""
        return False

    @property
    def k(self) -> int:
        return int(self.values.shape[1])

    def influence(self, by: Grouping | None = None) -> FloatArray:
        """(G, k) sums over the groups ``by`` (a name or codes); the units themselves for None."""
        if by is None:
            return self.values
        return Groups.from_codes(self.groups(by) if isinstance(by, str) else by).sums(self.values)

    def groups(self, name: str) -> IntArray:
        """(U,) codes 0..G-1 of ``entity``, ``time``, a column, or a product written ``a^b``."""
        return group_codes(name, self.entity, self.time, self.columns)


def group_codes(
    name: str, entity: IntArray, time: IntArray | None, columns: Mapping[str, AnyArray]
) -> IntArray:
    """(n,) codes 0..G-1 of ``entity``, ``time``, a column, or a product ``a^b`` of these."""
    if "^" in name:
        product: AnyArray = np.zeros(len(entity), dtype=np.int64)
        for part in name.split("^"):
            codes = group_codes(part.strip(), entity, time, columns)
            product = product * (int(codes.max(initial=0)) + 1) + codes
        return level_codes(product)
    refuse_shadowed(name, columns)
    if name == "entity":
        return entity
    if name == "time" and time is None:
        raise CovarianceError(
            "These scores are of entities and carry no periods, so they cannot be summed by "
            "'time'. Group by entity or by a column that is constant within it, or take a fit on "
            "rows."
        )
    return level_codes(time if time is not None and name == "time" else columns[name])


def refuse_shadowed(name: str, columns: Mapping[str, AnyArray]) -> None:
    """Raise where ``entity`` or ``time`` may be the key, or a column that is none."""
    if name in getattr(columns, "shadowed", ()):
        raise SpecificationError(
            f"{name!r} stands for the panel's own {'entities' if name == 'entity' else 'periods'}, "
            f"but there is a column {name!r} too, which is not that key. Rename the column, with "
            f"panel.rename({{{name!r}: '...'}}), or name the key by its own name."
        )
