"""Are the instruments strong? First-stage, rank and effective F statistics."""

from __future__ import annotations

import numpy as np

from migdev.covariance.plain import plain, quietly
from migdev.estimators.iv.problem import IVProblem, reference, wald
from migdev.kernels.iv import strength as weak_iv
from migdev.kernels.iv.stock_yogo import stock_yogo
from migdev.results.statistic import TestStatistic, chi2_test, f_test

#: Tolerated worst-case biases, in shares of the benchmark, of the effective F statistic.
TAUS = (0.05, 0.10, 0.20, 0.30)
#: The one behind the warning, with the simplified (conservative) critical value.
SIMPLIFIED = 0.10


def first_stage_f(problem: IVProblem, j: int = 0) -> TestStatistic:
    """Wald test that the excluded instruments do not enter the first stage, by the covariance of
    the fit."""
    basis = problem.basis
    moments = problem.first_stage(basis.V[:, j])
    statistic = wald(basis.A[:, j], problem.instrument_cov(basis.V[:, j]))
    return reference(problem.cov, moments, slice(basis.k1, None)).test(
        f"First-stage F, {problem.endogenous[j]}",
        f"the excluded instruments do not explain {problem.endogenous[j]}",
        statistic,
        sample=problem.sample,
        note=f"covariance: {quietly(problem.cov, moments).description}",
    )


def first_stage_f_classical(problem: IVProblem, j: int = 0) -> TestStatistic:
    """The same F test under homoskedasticity."""
    basis, df = problem.basis, problem.df_first_stage
    explained, rest = float(basis.A[:, j] @ basis.A[:, j]), float(basis.V[:, j] @ basis.V[:, j])
    return f_test(
        f"First-stage F (classical), {problem.endogenous[j]}",
        f"the excluded instruments do not explain {problem.endogenous[j]}",
        explained / rest * df / basis.q, basis.q, df, sample=problem.sample,
    )  # fmt: skip


def conditional_f(problem: IVProblem, j: int = 0) -> TestStatistic:
    """Sanderson and Windmeijer's F of one endogenous regressor given the others."""
    basis = problem.basis
    value, resid = weak_iv.conditional_residual(basis, j)
    moments = problem.first_stage(resid)
    df1 = basis.overid + 1
    df = quietly(problem.cov, moments).df
    df2 = None if df is None else float(np.min(df))
    statistic = wald(value, problem.instrument_cov(resid))
    name = f"Conditional F (Sanderson-Windmeijer), {problem.endogenous[j]}"
    null = f"the instruments do not identify the effect of {problem.endogenous[j]} given the others"
    if df2 is None:
        return chi2_test(name, null, statistic, df1, sample=problem.sample)
    return f_test(name, null, statistic / df1, df1, df2, sample=problem.sample)


def cragg_donald(problem: IVProblem) -> TestStatistic:
    """Cragg-Donald F with Stock and Yogo's critical values (homoskedastic errors)."""
    return TestStatistic(
        name="Cragg-Donald F",
        null="the instruments are weak",
        alternative="the instruments are strong",
        statistic=weak_iv.cragg_donald(problem.basis, problem.df_first_stage),
        distribution="tabulated",
        pvalue=float("nan"),
        critical_values=critical_values(problem),
        sample=problem.sample,
        note="critical values at 5% for homoskedastic errors (Stock and Yogo 2005)",
    )


def critical_values(problem: IVProblem) -> dict[str, float]:
    """Stock and Yogo's values for the estimator at hand; empty where none is tabulated."""
    p, q = problem.basis.p, problem.basis.q
    if problem.table == "liml":
        return stock_yogo("liml size", p, q)
    if problem.table == "fuller":
        return stock_yogo("fuller bias", p, q)
    return {**stock_yogo("tsls bias", p, q), **stock_yogo("tsls size", p, q)}


def anderson_lm(problem: IVProblem) -> TestStatistic:
    """Anderson's canonical correlations test of under-identification (homoskedastic errors)."""
    r = weak_iv.least_explained(problem.basis).correlation
    return chi2_test(
        "Anderson canonical correlations LM",
        "the equation is under-identified",
        problem.nobs * r**2, problem.basis.overid + 1,
        alternative="it is identified", sample=problem.sample, alarm="accept",
    )  # fmt: skip


def kleibergen_paap_f(problem: IVProblem) -> TestStatistic:
    """Kleibergen-Paap rk Wald statistic by the covariance of the fit, divided by q."""
    direction = weak_iv.least_explained(problem.basis)
    V = direction.U2.T @ problem.instrument_cov(direction.residual) @ direction.U2
    return TestStatistic(
        name="Kleibergen-Paap rk Wald F",
        null="the instruments are weak",
        alternative="the instruments are strong",
        statistic=wald(direction.loading, V) / problem.basis.q,
        distribution="tabulated",
        pvalue=float("nan"),
        critical_values=critical_values(problem),
        sample=problem.sample,
        note="Stock and Yogo's values hold for homoskedastic errors; here they are a convention",
    )


def kleibergen_paap_lm(problem: IVProblem) -> TestStatistic:
    """Kleibergen-Paap rk LM test of under-identification."""
    direction = weak_iv.least_explained(problem.basis)
    moments = problem.first_stage(direction.null)
    k1 = problem.basis.k1
    V = quietly(plain(problem.cov), moments).cov[k1:, k1:]
    return chi2_test(
        "Kleibergen-Paap rk LM",
        "the equation is under-identified",
        wald(direction.loading, direction.U2.T @ V @ direction.U2),
        problem.basis.overid + 1,
        alternative="it is identified", sample=problem.sample, alarm="accept",
    )  # fmt: skip


def effective(problem: IVProblem) -> weak_iv.EffectiveF:
    """Effective F and what its critical values need, by the covariance of the fit."""
    W = problem.joint_cov(0)
    return weak_iv.effective_f(problem.basis, W[0, 0], W[0, 1], W[1, 1])


def effective_f(problem: IVProblem) -> TestStatistic:
    """Effective F of Montiel Olea and Pflueger with critical values at 5%."""
    fit = effective(problem)
    cuts = {tau: fit.critical_value(tau) for tau in TAUS}
    simple = weak_iv.patnaik(fit.W2, 1 / SIMPLIFIED, 0.05)[0]
    return TestStatistic(
        name="Effective F (Montiel Olea-Pflueger)",
        null="the worst-case bias of 2SLS exceeds a share tau of the benchmark",
        alternative="the instruments are strong",
        statistic=fit.statistic,
        distribution="tabulated",
        pvalue=float("nan"),
        critical_values={
            **{f"tau={tau:.0%}": value for tau, (value, _) in cuts.items()},
            f"tau={SIMPLIFIED:.0%}, simplified": simple,
        },
        sample=problem.sample,
        note=f"5% critical values by Patnaik's approximation; effective degrees of freedom "
        f"{cuts[0.10][1]:.4g} at tau=10%",
    )


def weakness(problem: IVProblem) -> str:
    """Why the instruments count as weak, or an empty string.

    One endogenous regressor: the effective F is below its simplified 5% critical value for a
    worst-case bias of 10% of the benchmark, which takes the bias at its upper bound whatever the
    correlation of the errors. Several: the smallest conditional F of Sanderson and Windmeijer is
    below 10 (the rule of thumb of Staiger and Stock).
    """
    basis = problem.basis
    if basis.p == 1:
        W2 = problem.instrument_cov(basis.V[:, 0])
        statistic = float(basis.A[:, 0] @ basis.A[:, 0]) / float(np.trace(W2))
        cut = weak_iv.patnaik(W2, 1 / SIMPLIFIED, 0.05)[0]
        if statistic >= cut:
            return ""
        return (
            f"the effective F of {problem.endogenous[0]!r} is {statistic:.2f}, below {cut:.2f}, "
            "the simplified 5% critical value for a worst-case bias of 10% (Montiel Olea and "
            "Pflueger 2013)"
        )
    tests = [conditional_f(problem, j) for j in range(basis.p)]
    values = [
        t.statistic / (t.df if t.distribution == "chi2" and isinstance(t.df, float) else 1.0)
        for t in tests
    ]
    worst = int(np.argmin(values))
    if values[worst] >= 10:
        return ""
    return (
        f"the conditional F of {problem.endogenous[worst]!r} given the other endogenous "
        f"regressors is {values[worst]:.2f}, below 10 (Sanderson and Windmeijer 2016; rule of "
        "thumb of Staiger and Stock)"
    )
