"""Covariances without clusters: classical, and robust to heteroskedasticity."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from migdev.covariance.common import (
    clean,
    columns_in,
    grouping,
    rescaled,
    rows_of,
)
from migdev.covariance.small_sample import Convention, classical, rowwise
from migdev.kernels.arrays.blocked_products import gram
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.sandwich.sandwich import common_variance_meat, quadratic
from migdev.options import check_options
from migdev.protocols import CovEstimate, Scores

HC = Literal["HC0", "HC1", "HC2", "HC3", "HC4"]
Leverage = Literal["dummies", "transformed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unadjusted:
    r"""The classical covariance: errors of one variance, independent.

    .. math:: \hat V = \frac{\hat u'\hat u}{n - K}\,(X'X)^{-1} \quad (1)

    Where the model states the variance of its errors (binary outcomes), that stands in place of the
    ratio, and (1) is the inverse of the information matrix.

    Parameters
    ----------
    convention : str
        K counts all regressors and absorbed effects, and tests use t(n - K); ``"fixest"`` counts
        effects by their levels, without their exact rank; ``"none"`` divides by n and uses the
        normal distribution. See :class:`Clustered` for the conventions.
    """

    convention: Convention = "stata"

    def __post_init__(self) -> None:
        check_options(self)

    def requires(self) -> tuple[str, ...]:
        return ()

    def estimate(self, moments: Scores) -> CovEstimate:
        m = rows_of(moments, "Unadjusted()")
        correction = classical(m, self.convention)
        s2 = correction.factor * float(m.resid @ m.resid) / m.nobs
        if m.dispersion is not None:
            s2 = m.dispersion
        cov = s2 * (m.bread if m.homoskedastic is None else m.homoskedastic)
        known = m.dispersion is not None
        return CovEstimate(
            cov=clean(m, cov, "Unadjusted"),
            df=correction.df,
            description="classical (inverse information)" if known else "classical (homoskedastic)",
            convention=self.convention,
        )


@dataclass(frozen=True, slots=True)
class Robust:
    r"""Covariance robust to heteroskedasticity (White, Huber, Eicker).

    .. math::
        \hat V = B \Bigl(\sum_t \omega_t\, \hat u_t^2\, x_t x_t'\Bigr) B \quad (1)

    with :math:`B = (X'X)^{-1}` and

    ====  ==========================================================================
    HC0   :math:`\omega = 1`
    HC1   :math:`\omega = n/(n-K)`
    HC2   :math:`\omega = 1/(1-h_t)`
    HC3   :math:`\omega = 1/(1-h_t)^2`
    HC4   :math:`\omega = (1-h_t)^{-\delta_t}`, :math:`\delta_t=\min(4, nh_t/\sum h)`
    ====  ==========================================================================

    In a panel it leaves serial correlation out; Stata's ``xtreg, fe vce(robust)`` is
    ``Clustered("entity")`` here.

    Parameters
    ----------
    kind : {"HC1", "HC0", "HC2", "HC3", "HC4"}
    convention : str
        K of HC1: ``"stata"`` (also "linearmodels", "sandwich") counts absorbed effects, "plm"
        only the reported coefficients, "fixest" all levels of the effects. Tests use t(n - K),
        K with the effects; "none" has HC1 = HC0 and the normal distribution. See
        :class:`Clustered`.
    leverage : {"dummies", "transformed", "fitted"}
        Whether the leverage :math:`h_t` of HC2 to HC4 counts absorbed effects as the dummies
        that they are (R's sandwich on ``lm`` with dummies), or looks at the transformed
        regressors only (plm). "fitted" is "dummies" except in 2SLS, where it takes the diagonal
        of the matrix that maps y to fitted values (sandwich on AER's ``ivreg``); that of
        "dummies" belongs to the second stage (sandwich on ``ivreg::ivreg``).
    common_within : str, optional
        A grouping within which the error variance is constant: ``"entity"`` is plm's
        ``method="white2"``.

    Notes
    -----
    With weights, h belongs to the weighted fit (as in R). In 2SLS it belongs to the regressors
    projected on the instruments.

    References
    ----------
    White (1980), Econometrica 48, 817-838. MacKinnon and White (1985), Journal of Econometrics
    29, 305-325. Cribari-Neto (2004), Computational Statistics & Data Analysis 45, 215-233.
    """

    kind: HC = "HC1"
    _: KW_ONLY
    convention: Convention = "stata"
    leverage: Leverage | Literal["fitted"] = "dummies"
    common_within: str | None = None

    def __post_init__(self) -> None:
        check_options(self)

    def requires(self) -> tuple[str, ...]:
        return () if self.common_within is None else columns_in([self.common_within])

    def estimate(self, moments: Scores) -> CovEstimate:
        m = rescaled(rows_of(moments, f"Robust({self.kind!r})"), self.kind, self.leverage)
        correction = rowwise(m, self.convention, self.kind)
        text = f"robust to heteroskedasticity ({self.kind})"
        if self.common_within is None:
            squares = (m.resid * m.resid)[:, None]
            cov = quadratic(lambda X: gram(X, X * squares), m.X, m.bread)
        else:
            groups = Groups.from_codes(grouping(m, self.common_within))
            cov = quadratic(lambda X: common_variance_meat(X, m.resid, groups), m.X, m.bread)
            text = f"robust to heteroskedasticity by {self.common_within} ({self.kind})"
        return CovEstimate(
            cov=clean(m, correction.factor * cov, "Robust"),
            df=correction.df,
            description=text,
            convention=self.convention,
        )
