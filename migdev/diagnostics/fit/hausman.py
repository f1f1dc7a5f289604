"""Hausman tests: are the effects independent of the regressors?"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from migdev.covariance import Clustered, CovarianceLike, Unadjusted, as_covariance
from migdev.diagnostics.fit.levels import moments_of, require_least_squares, sample_of
from migdev.diagnostics.subjects import EFFECTS
from migdev.errors import CovarianceWarning, ResultError, listing
from migdev.kernels.arrays.least_squares import independent_columns, least_squares
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import warn
from migdev.options import check_choice
from migdev.protocols import Covariance
from migdev.results.error_correction import ErrorCorrectionEstimate
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic, chi2_test

NULL = "the effects are independent of the regressors (random effects are consistent)"
ALTERNATIVE = "the effects depend on the regressors (only fixed effects are consistent)"
# Eigenvalues of the scaled difference of covariances below this are rounding error.
_ZERO = 1e-10

Kind = Literal["classic", "mundlak", "robust"]
Sigma = Literal["own", "more", "less"]


def hausman(
    fe: Estimate,
    re: Estimate,
    *,
    kind: Kind = "classic",
    sigma: Sigma = "own",
    cov: CovarianceLike | None = None,
) -> TestStatistic:
    r"""Compare fixed with random effects.

    .. math::
        H = (\hat\beta_{FE} - \hat\beta_{RE})'(\hat V_{FE} - \hat V_{RE})^{-1}
        (\hat\beta_{FE} - \hat\beta_{RE}) \sim \chi^2(k) \quad (1)

    over the coefficients that both have, without the intercept. (1) needs random effects to be
    efficient: homoskedastic errors without serial correlation. The regression form does not: it
    adds the within deviations of the regressors to the quasi-demeaned equation,

    .. math:: y^* = X^*\beta + \ddot X\gamma + u, \quad H_0: \gamma = 0 \quad (2)

    Parameters
    ----------
    fe, re : Estimate
        Fits of FixedEffects (or Between) and RandomEffects on the same rows and effects.
    kind : {"classic", "mundlak", "robust"}
        (1); (2) with classical covariance (plm's ``phtest(method = "aux")``); (2) with a
        covariance clustered by entity (Wooldridge 2010, eq. 10.79; Stata's xtoverid).
    sigma : {"own", "more", "less"}
        For (1): each covariance with its own residual variance (plm, Stata); both with that of
        the efficient fit ``re`` (Stata's ``sigmamore``), which makes the difference positive
        semi-definite; both with that of ``fe`` (``sigmaless``).
    cov : covariance or word, optional
        For (2), in place of the defaults.

    Notes
    -----
    (1) uses the classical covariances whatever those of the fits. Where the difference of
    covariances is not positive semi-definite, a CovarianceWarning says so; the statistic stands
    as computed (plm reports its absolute value) and has no p-value if it is negative. A singular
    difference is inverted on its range, and the degrees of freedom are its rank. In unbalanced
    panels (2) differs from plm's, which has a plain intercept beside the quasi-demeaned data.

    References
    ----------
    Hausman (1978), Econometrica 46, 1251-1271. Mundlak (1978), Econometrica 46, 69-85. Arellano
    (1993), Journal of Econometrics 59, 87-97. Wooldridge (2010), Econometric Analysis of Cross
    Section and Panel Data, 2nd ed., section 10.7.3.
    """
    if isinstance(fe, ErrorCorrectionEstimate) and isinstance(re, ErrorCorrectionEstimate):
        return fe.hausman(re)  # long-run coefficients of MG against PMG or DFE
    check_choice("kind", kind, Kind)
    check_choice("sigma", sigma, Sigma)
    _require_pair(fe, re, kind)
    names = [n for n in re.names if n in fe.names and n != "Intercept"]
    if not names:
        raise ResultError(
            f"The fits share no coefficient: {listing(fe.names)} and {listing(re.names)}."
        )
    if kind == "classic":
        if cov is not None:
            raise ResultError("cov= belongs to kind='mundlak' and 'robust'.")
        return _classic(fe, re, names, sigma)
    return _regression(fe, re, names, kind, None if cov is None else as_covariance(cov))


def _require_pair(fe: Estimate, re: Estimate, kind: str) -> None:
    """Refuse what is no pair of fixed effects (or means between) and random effects."""
    for fit in (fe, re):
        moments_of(fit, "hausman")
        require_least_squares(fit, "hausman")
    one, two = fe.facts, re.facts
    means = kind == "classic" and "means" in (one.form, two.form)
    if not (one.absorbed or one.form == "means") or not (two.random or means):
        raise ResultError(
            f"hausman takes a fit of fixed effects (or Between) and one of random effects, but "
            f"these are {fe.method} and {re.method}. Fit FixedEffects and RandomEffects on the "
            "same panel."
        )


def _classic(fe: Estimate, re: Estimate, names: list[str], sigma: str) -> TestStatistic:
    one, two = moments_of(fe, "hausman"), moments_of(re, "hausman")
    V, W = _classical(one, fe, names), _classical(two, re, names)
    s_fe, s_re = _variance(one), _variance(two)
    if sigma == "more":
        V = V * (s_re / s_fe)
    elif sigma == "less":
        W = W * (s_fe / s_re)
    # within and between estimates are uncorrelated, so there the variances add up
    difference = V + W if re.facts.form == "means" else V - W
    gap = fe.params[names].to_numpy() - re.params[names].to_numpy()
    scale = np.sqrt(np.diagonal(V))
    values, vectors = np.linalg.eigh(difference / np.outer(scale, scale))
    used = np.abs(values) > _ZERO
    part = vectors.T @ (gap / scale)
    statistic = float(np.sum(part[used] ** 2 / values[used]))
    df = int(used.sum())
    note = f"coefficients {', '.join(names)}"
    if sigma != "own":
        note += f"; residual variance of {'re' if sigma == 'more' else 'fe'} in both (sigma{sigma})"
    if not used.all():
        note += f"; the difference of covariances has rank {df} of {len(names)}"
    if bool((values[used] < 0).any()):
        note += "; the difference of covariances is not positive semi-definite"
        warn(
            f"Hausman: V(fe) - V(re) is not positive semi-definite ({int((values < -_ZERO).sum())} "
            f"of {len(names)} eigenvalues are negative), so its chi2 distribution is in doubt. Use "
            "sigma='more', kind='mundlak' or kind='robust'.",
            CovarianceWarning,
            stacklevel=3,
        )
    sample = f"{re.nobs:,} observations"
    if df == 0 or statistic < 0:
        return TestStatistic(
            subject=EFFECTS,
            name="Hausman", null=NULL, alternative=ALTERNATIVE, statistic=statistic if df else 0.0,
            distribution="chi2", df=float(df), pvalue=float("nan"), sample=sample, note=note,
        )  # fmt: skip
    return chi2_test("Hausman", NULL, statistic, df, alternative=ALTERNATIVE, sample=sample,
                     note=note)  # fmt: skip


def _classical(moments: Moments, fit: Estimate, names: list[str]) -> FloatArray:
    at = [fit.names.index(n) for n in names]
    return Unadjusted().estimate(moments).cov[np.ix_(at, at)]


def _variance(moments: Moments) -> float:
    return float(moments.resid @ moments.resid) / moments.df_resid


def _regression(
    fe: Estimate, re: Estimate, names: list[str], kind: str, cov: Covariance | None
) -> TestStatistic:
    one, two = moments_of(fe, "hausman"), moments_of(re, "hausman")
    deviations = _aligned(fe, re, one.X[:, [fe.names.index(n) for n in names]])
    X = np.column_stack([two.X, deviations])
    keep = independent_columns(X)
    k = two.k
    q = int(keep[k:].sum())
    if not keep[:k].all() or q == 0:
        raise ResultError(
            "The within deviations of the regressors add nothing to the random-effects equation, "
            "so there is nothing to test."
        )
    y = two.X @ re.params.to_numpy() + two.resid
    fit = least_squares(X[:, keep], y)
    moments = replace(two, X=X[:, keep], resid=fit.resid, bread=fit.bread, error_components=None)
    spec = cov or (Clustered("entity") if kind == "robust" else Unadjusted())
    outcome = spec.estimate(moments)
    scale = np.sqrt(np.diagonal(outcome.cov)[k:])
    gamma, V = fit.params[k:] / scale, outcome.cov[k:, k:] / np.outer(scale, scale)
    if np.linalg.matrix_rank(V, hermitian=True, tol=1e-12) < q:
        raise ResultError(
            f"The covariance ({outcome.description}) of {q} coefficients has a lower rank, so they "
            "cannot be tested jointly: there are fewer clusters than coefficients."
        )
    left_out = "" if q == len(names) else f"; {len(names) - q} deviations add nothing"
    return chi2_test(
        f"Hausman ({kind})", NULL, float(gamma @ np.linalg.solve(V, gamma)), q,
        alternative=ALTERNATIVE, sample=f"{re.nobs:,} observations",
        note=f"within deviations of {', '.join(names)} added to the quasi-demeaned equation; "
        f"covariance: {outcome.description}{left_out}",
    )  # fmt: skip


def _aligned(fe: Estimate, re: Estimate, deviations: FloatArray) -> FloatArray:
    """Within deviations on the rows of ``re``: zero for singletons, which ``fe`` left out."""
    theirs, ours = sample_of(fe, "hausman").rows, sample_of(re, "hausman").rows
    if len(theirs) == len(ours) and bool((theirs == ours).all()):
        return deviations
    at = np.searchsorted(ours, theirs)
    inside = at < len(ours)
    inside[inside] = ours[at[inside]] == theirs[inside]
    alone = np.setdiff1d(ours, theirs)
    codes = sample_of(re, "hausman").entity
    single = np.bincount(codes)[codes[np.searchsorted(ours, alone)]] == 1
    if not inside.all() or not single.all():
        raise ResultError(
            f"The fits stand on different rows ({len(theirs)} and {len(ours)}). Fit both on the "
            "same panel, without missing values in either."
        )
    out = np.zeros((len(ours), deviations.shape[1]))
    out[at] = deviations
    return out
