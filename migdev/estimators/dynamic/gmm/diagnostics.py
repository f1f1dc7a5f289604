"""Hansen, Sargan, Arellano-Bond and Wald tests of a dynamic panel GMM fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from migdev.estimators.dynamic.gmm.problem import Problem
from migdev.estimators.dynamic.gmm.record import FitSpec, Steps
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dynamic.arellano_bond import (
    classical_m_statistic,
    differenced,
    differenced_of,
    m_statistics,
)
from migdev.kernels.dynamic.instruments import Instruments
from migdev.kernels.dynamic.overidentification import sargan
from migdev.protocols import CovEstimate
from migdev.results.statistic import TestStatistic, chi2_test, f_test, normal_test


def gmm_stats(
    spec: FitSpec,
    problem: Problem,
    z: Instruments,
    steps: Steps,
    V: FloatArray,
    covariance: CovEstimate,
    sigma2: float,
    scale: float,
    n_instruments: int,
) -> dict[str, Any]:
    k = len(problem.names)
    stats: dict[str, Any] = {}
    df = n_instruments - k
    null = "all instruments are valid"
    units = problem.units
    weak = "; weakened by many instruments" if n_instruments > units / 2 else ""
    empty = (
        f"With {n_instruments} instruments for {units} "
        f"{'entities' if problem.groups is None else 'clusters'} the statistic cannot exceed "
        f"{units}, whether the instruments are valid or not: its p-value is no evidence."
        if n_instruments > units
        else ""
    )
    stats["hansen"] = _overid(
        "Hansen J", null, steps.hansen.objective, df,
        note=f"robust, from the {'first ' if spec.steps == 1 else ''}"
        f"{'two-step' if spec.steps in (1, 2) else spec.steps} criterion{weak}",
        alarm="reject", caution=empty,
    )  # fmt: skip
    first = steps.first
    stats["sargan"] = _overid(
        "Sargan", null, sargan(first.moments, first.weight.root, scale),
        first.weight.rank - k,
        note=f"one-step; not robust to heteroskedasticity; variance divided by "
        f"{spec.divisor}",
        alarm="reject" if spec.steps == 1 and spec.cov == "classical" else "",
    )  # fmt: skip
    stats |= _ar_tests(spec, problem, z, steps, V, sigma2)
    time = np.zeros(k, dtype=bool)
    if problem.n_time:
        at = k - problem.n_time - (problem.names[-1] == "Intercept")
        time[at : at + problem.n_time] = True
    slopes = ~time & (np.array(problem.names) != "Intercept")
    stats["wald"] = _joint("Wald", "all slopes are zero", steps, covariance, slopes)
    if problem.n_time:
        stats["wald_time"] = _joint(
            "Wald, time effects", "all time effects are zero", steps, covariance, time
        )
    stats["n_instruments"] = n_instruments
    stats["sigma2"] = sigma2
    stats |= moment_selection(steps.hansen.objective, df, problem.stack.y.shape[1])
    if problem.stack.level.any() and sigma2 > 0:
        stats["effects_to_error"] = _effects_variance(problem, steps) / sigma2
    return stats


def _overid(
    name: str, null: str, statistic: float, df: int, note: str, alarm: str, caution: str = ""
) -> TestStatistic:
    if df <= 0:
        return TestStatistic(
            name=name, null=null, statistic=statistic, distribution="chi2", df=0.0,
            pvalue=float("nan"), note="exactly identified: nothing to test",
        )  # fmt: skip
    return chi2_test(name, null, statistic, df, note=note, alarm=alarm, caution=caution)


def _ar_tests(
    spec: FitSpec, problem: Problem, z: Instruments, steps: Steps, V: FloatArray, sigma2: float
) -> dict[str, TestStatistic]:
    constant = len(problem.names) > problem.levels.X.shape[1]
    if problem.stack.transform == "fd":
        now = differenced_of(problem.stack, steps.u, len(problem.levels.y))
    else:
        now = differenced(problem.levels, steps.final.params, constant)
    classical = spec.cov == "classical" and spec.steps == 1
    influence = steps.final.influence
    if classical:
        found = [
            classical_m_statistic(
                order, now, problem.levels, z, problem.stack, influence, V, sigma2
            )
            if order < len(now.e)
            else (float("nan"), 0)
            for order in range(1, spec.ar_tests + 1)
        ]
    else:
        found = m_statistics(spec.ar_tests, now, z, steps.u, influence, V, problem.groups)
    tests: dict[str, TestStatistic] = {}
    for order, (value, pairs) in enumerate(found, start=1):
        if pairs == 0 and order > 2:
            break
        tests[f"ar{order}"] = normal_test(
            f"Arellano-Bond m{order}",
            f"no serial correlation of order {order} in first-differenced residuals",
            value,
            sample=f"{pairs} pairs of residuals",
            note="" if pairs else "no entity has residuals that far apart",
            alarm="reject" if order > 1 else "",
        )
    return tests


def _joint(
    name: str, null: str, steps: Steps, covariance: CovEstimate, which: BoolArray
) -> TestStatistic:
    b, V = steps.final.params[which], covariance.cov[np.ix_(which, which)]
    try:
        value = float(b @ np.linalg.solve(V, b))
    except np.linalg.LinAlgError:
        value = float(b @ np.linalg.pinv(V, hermitian=True) @ b)
    q = int(np.count_nonzero(which))
    if covariance.df is None or q == 0:
        return chi2_test(name, null, value, max(q, 1))
    return f_test(name, null, value / q, q, float(np.min(covariance.df)))


def moment_selection(j: float, df: int, n_entities: int) -> dict[str, float]:
    """Criteria of Andrews and Lu (2001): the smallest chooses model and moments together."""
    log_n = np.log(n_entities)
    return {
        "mmsc_bic": j - df * float(log_n),
        "mmsc_aic": j - 2.0 * df,
        "mmsc_hqic": j - 2.1 * df * float(np.log(max(log_n, 1.0))),
    }


def _effects_variance(problem: Problem, steps: Steps) -> float:
    """Variance of the effects: mean product of residuals in levels of different periods."""
    u = steps.u[problem.stack.level]
    total = u.sum(axis=0)
    counts = problem.stack.used[problem.stack.level].sum(axis=0)
    pairs = float((counts * (counts - 1)).sum())
    products = float((np.square(total) - np.square(u).sum(axis=0)).sum())
    return max(products / pairs, 0.0) if pairs else float("nan")
