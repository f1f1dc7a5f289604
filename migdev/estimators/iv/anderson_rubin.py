"""Inference that weak instruments do not spoil: the Anderson-Rubin test and its confidence set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from migdev.errors import ResultError
from migdev.estimators.iv.problem import IVProblem, reference, wald
from migdev.kernels.iv.anderson_rubin import Intervals, ar_set
from migdev.results.inference import check_level
from migdev.results.statistic import TestStatistic


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSet:
    """Values of a coefficient that a test does not reject.

    Attributes
    ----------
    name : str
        The coefficient.
    level : float
    intervals : tuple of (low, high)
        Disjoint and in order; empty where every value is rejected, with infinite ends where the
        data cannot bound the coefficient.
    method : str
    """

    name: str
    level: float
    intervals: Intervals
    method: str

    @property
    def shape(self) -> str:
        """``"empty"``, ``"interval"``, ``"half-line"``, ``"two half-lines"``, ``"line"`` or
        ``"union"``."""
        if not self.intervals:
            return "empty"
        ends = [self.intervals[0][0], self.intervals[-1][1]]
        infinite = [bool(np.isinf(end)) for end in ends]
        if len(self.intervals) == 1:
            return ("interval", "half-line", "line")[sum(infinite)]
        return "two half-lines" if len(self.intervals) == 2 and all(infinite) else "union"

    @property
    def bounded(self) -> bool:
        return all(bool(np.isfinite(end)) for pair in self.intervals for end in pair)

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    def __str__(self) -> str:
        pieces = " U ".join(
            f"{'(' if np.isinf(low) else '['}{low:.6g}, {high:.6g}{')' if np.isinf(high) else ']'}"
            for low, high in self.intervals
        )
        return f"{self.name}: {self.level:.0%} {self.method} set {pieces or 'empty'}"


def anderson_rubin(problem: IVProblem, null: float | Mapping[str, float] = 0.0) -> TestStatistic:
    r"""Anderson-Rubin test that the endogenous regressors have given coefficients.

    A Wald test, by the covariance of the fit, that the excluded instruments do not enter the
    regression of :math:`y - X_2\beta_0` on all instruments. Its size does not depend on the
    strength of the instruments; with more instruments than regressors it also rejects where an
    instrument is invalid.

    Parameters
    ----------
    null : float or mapping
        One value for all endogenous regressors, or values by name (the others at zero).
    """
    basis = problem.basis
    beta = np.zeros(basis.p)
    if isinstance(null, Mapping):
        for name, hypothesis in null.items():
            beta[problem.position(name)] = hypothesis
    else:
        beta[:] = null
    resid = basis.v - basis.V @ beta
    value = basis.a - basis.A @ beta
    moments = problem.first_stage(resid)
    at_null = ", ".join(f"{n} = {b:g}" for n, b in zip(problem.endogenous, beta, strict=True))
    return reference(problem.cov, moments, slice(basis.k1, None)).test(
        "Anderson-Rubin", f"{at_null}, and the instruments are valid",
        wald(value, problem.instrument_cov(resid)), sample=problem.sample,
        note="holds its size with weak instruments",
    )  # fmt: skip


def anderson_rubin_set(
    problem: IVProblem, name: str | None = None, level: float = 0.95
) -> ConfidenceSet:
    """Confidence set for the coefficient of the one endogenous regressor, by inverting the
    Anderson-Rubin test exactly (no grid), with the covariance of the fit.

    Raises
    ------
    ResultError
        There are several endogenous regressors: the set is then many-dimensional; test points with
        :func:`anderson_rubin`.
    """
    check_level(level)
    basis = problem.basis
    name = problem.endogenous[0] if name is None else name
    problem.position(name)
    if basis.p > 1:
        raise ResultError(
            f"The Anderson-Rubin set of {name!r} alone is not defined with {basis.p} endogenous "
            f"regressors ({', '.join(problem.endogenous)}). Test joint values with "
            "anderson_rubin_test(null={...})."
        )
    moments = problem.first_stage(basis.v)
    critical = reference(problem.cov, moments, slice(basis.k1, None)).critical(level)
    intervals = ar_set(basis.a, basis.A[:, 0], problem.joint_cov(0), critical)
    return ConfidenceSet(name=name, level=level, intervals=intervals, method="Anderson-Rubin")
