"""Are the instruments valid, and are they needed? Overidentification and endogeneity tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from migdev.covariance.plain import quietly
from migdev.errors import ResultError, suggestion
from migdev.estimators.iv.problem import IVProblem, reference, wald
from migdev.kernels.arrays.least_squares import least_squares
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.iv.basis import IVBasis
from migdev.kernels.iv.gmm import subset_j
from migdev.kernels.iv.kclass import liml_kappa
from migdev.results.statistic import TestStatistic, chi2_test, f_test

VALID = "all instruments are valid"
EXOGENOUS = "the endogenous regressors are exogenous"


def sargan(problem: IVProblem) -> TestStatistic:
    r"""Sargan's test, :math:`n\,\hat u'P_W\hat u / \hat u'\hat u` (homoskedastic errors)."""
    return chi2_test("Sargan", VALID, _sargan(problem), problem.basis.overid, sample=problem.sample)


def basmann(problem: IVProblem) -> TestStatistic:
    r"""Basmann's test, Sargan's S as :math:`S(n-l)/(n-S)` (homoskedastic errors)."""
    s = _sargan(problem)
    statistic = s * problem.df_first_stage / (problem.nobs - s)
    return _valid("Basmann", problem, statistic)


def basmann_f(problem: IVProblem) -> TestStatistic:
    r"""Basmann's F test from the LIML root, :math:`(\hat\kappa - 1)(n-l)/(q-p)`."""
    df1, df2 = problem.basis.overid, problem.df_first_stage
    statistic = (liml_kappa(problem.basis) - 1) * df2 / df1
    return f_test("Basmann F", VALID, statistic, df1, df2, sample=problem.sample, alarm="reject")


def likelihood_ratio(problem: IVProblem) -> TestStatistic:
    r"""Anderson and Rubin's likelihood ratio test of overidentification, :math:`n\ln\hat\kappa`."""
    statistic = problem.nobs * np.log1p(liml_kappa(problem.basis) - 1)
    return _valid("Anderson-Rubin overidentification LR", problem, statistic)


def hansen_j(problem: IVProblem) -> TestStatistic:
    """Hansen's J: the GMM objective at its minimum, weighted by the covariance of the moments at
    the residuals of the fit (GMM: at those that gave its weights)."""
    statistic = problem.j
    if statistic is None:
        S = problem.meat(problem.resid)
        statistic = subset_j(problem.basis, S, np.eye(len(S)))
    return _valid("Hansen J", problem, statistic)


def wooldridge_overid(problem: IVProblem) -> TestStatistic:
    r"""Wooldridge's score test of overidentification, robust to heteroskedasticity.

    n less the residual sum of squares of 1 on :math:`\hat u_t\hat r_t`, with :math:`\hat r` the
    part of the instruments that is orthogonal to the second-stage regressors.
    """
    basis = problem.basis
    free = linalg.null_space(basis.C.T)
    scores = (basis.Q @ free) * problem.resid[:, None]
    return _valid(
        "Wooldridge overidentification score", problem, _one_on(scores),
        note="robust to heteroskedasticity",
    )  # fmt: skip


def durbin(problem: IVProblem, regressors: Sequence[str] | None = None) -> TestStatistic:
    """Durbin's chi-square test of exogeneity (homoskedastic errors)."""
    tested, null = _tested(problem, regressors)
    delta, rss = _hausman_parts(problem, tested)
    statistic = delta / (rss / problem.nobs)
    return chi2_test("Durbin", null, statistic, len(tested), sample=problem.sample)


def wu_hausman(problem: IVProblem, regressors: Sequence[str] | None = None) -> TestStatistic:
    """Wu and Hausman's F test of exogeneity (homoskedastic errors)."""
    tested, null = _tested(problem, regressors)
    delta, rss = _hausman_parts(problem, tested)
    k = problem.basis.C.shape[1]
    df2 = problem.nobs - k - len(tested) - problem.moments.df_absorbed
    statistic = (delta / len(tested)) / ((rss - delta) / df2)
    return f_test("Wu-Hausman", null, statistic, len(tested), df2, sample=problem.sample)


def endogeneity(problem: IVProblem, regressors: Sequence[str] | None = None) -> TestStatistic:
    """C statistic: the J that treats the regressors as their own instruments, less the J without
    these moments, both with the covariance of the former (``endog()`` of ivreg2)."""
    tested, null = _tested(problem, regressors)
    wider, resid = _restricted(problem, tested)
    S = problem.meat(resid, wider)
    keep = np.linalg.qr(wider.Q.T @ problem.basis.Q)[0]
    statistic = subset_j(wider, S, np.eye(len(S))) - subset_j(wider, S, keep)
    return chi2_test(
        "Endogeneity C", null, statistic, len(tested), sample=problem.sample,
        note="difference of two J statistics with one covariance of the moments",
    )  # fmt: skip


def wooldridge_score(problem: IVProblem) -> TestStatistic:
    """Wooldridge's score test of exogeneity, robust to heteroskedasticity."""
    basis = problem.basis
    Q = np.linalg.qr(basis.X)[0]
    e = basis.y - Q @ (Q.T @ basis.y)
    r = basis.V - Q @ (Q.T @ basis.V)
    return chi2_test(
        "Wooldridge exogeneity score", EXOGENOUS, _one_on(r * e[:, None]), basis.p,
        sample=problem.sample, note="robust to heteroskedasticity",
    )  # fmt: skip


def control_function(problem: IVProblem) -> TestStatistic:
    """Wald test, by the covariance of the fit, on first-stage residuals added to the equation
    (the regression form of Hausman's test)."""
    basis = problem.basis
    k = basis.X.shape[1]
    X = np.column_stack([basis.X, basis.V])
    fit = least_squares(X, basis.y)
    moments = problem.regression(X, fit.bread, fit.resid)
    V = quietly(problem.cov, moments).cov[k:, k:]
    return reference(problem.cov, moments, slice(k, None)).test(
        "Exogeneity, regression form", EXOGENOUS, wald(fit.params[k:], V), sample=problem.sample
    )


def difference_in_j(problem: IVProblem, names: Sequence[str]) -> TestStatistic:
    """J less the J without the moments of some instruments (``orthog()`` of ivreg2).

    ``names`` may be excluded instruments or exogenous regressors; the latter stay in the equation.
    """
    basis = problem.basis
    known = [*problem.exogenous, *problem.instruments]
    for name in names:
        if name not in known:
            raise ResultError(
                f"{name!r} is not an instrument of this fit.{suggestion(name, known)} Those are "
                f"{', '.join(known)}."
            )
    rest = [i for i, name in enumerate(known) if name not in set(names)]
    if not names or len(rest) < basis.C.shape[1]:
        raise ResultError(
            f"Without {', '.join(names) or 'any instrument named'} there would be {len(rest)} "
            f"instruments for {basis.C.shape[1]} coefficients; test fewer of them at a time."
        )
    S = problem.meat(problem.resid) if problem.S is None else problem.S
    keep = np.linalg.qr(basis.R[:, rest])[0]
    statistic = subset_j(basis, S, np.eye(len(S))) - subset_j(basis, S, keep)
    return chi2_test(
        "Difference in J", f"{', '.join(names)} are valid instruments", statistic,
        len(known) - len(rest), alternative="only the other instruments are valid",
        sample=problem.sample, alarm="reject",
    )  # fmt: skip


# ---------------------------------------------------------------------- parts


def _valid(name: str, problem: IVProblem, statistic: float, **more: str) -> TestStatistic:
    return chi2_test(
        name, VALID, statistic, problem.basis.overid, sample=problem.sample, alarm="reject", **more
    )


def _sargan(problem: IVProblem) -> float:
    u = problem.resid
    explained = problem.basis.Q.T @ u
    return problem.nobs * float(explained @ explained) / float(u @ u)


def _tested(problem: IVProblem, regressors: Sequence[str] | None) -> tuple[list[int], str]:
    if regressors is None:
        return list(range(problem.basis.p)), EXOGENOUS
    names = [regressors] if isinstance(regressors, str) else list(regressors)
    if not names:
        raise ResultError("Name at least one endogenous regressor to test, or None for all.")
    return [problem.position(name) for name in names], f"{', '.join(names)} are exogenous"


def _restricted(problem: IVProblem, tested: list[int]) -> tuple[IVBasis, FloatArray]:
    """The equation with the tested regressors among the instruments, and its 2SLS residuals."""
    wider = problem.augmented(tested)
    params = np.linalg.lstsq(wider.C, wider.b, rcond=None)[0]
    return wider, wider.y - wider.X @ params


def _hausman_parts(problem: IVProblem, tested: list[int]) -> tuple[float, float]:
    wider, e0 = _restricted(problem, tested)
    e1, e2 = wider.Q.T @ e0, problem.basis.Q.T @ problem.resid
    return float(e1 @ e1) - float(e2 @ e2), float(e0 @ e0)


def _one_on(scores: FloatArray) -> float:
    """n R2 of the regression of 1 on scores."""
    ones = np.ones(len(scores))
    scale = np.sqrt(np.einsum("ij,ij->j", scores, scores))
    Q = np.linalg.qr(scores / np.where(scale > 0, scale, 1.0))[0]
    fitted = Q.T @ ones
    return float(fitted @ fitted)
