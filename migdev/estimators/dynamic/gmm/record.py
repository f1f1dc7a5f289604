"""The options and the intermediate results of a dynamic panel GMM fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from migdev.estimators.dynamic.gmm.columns import GMMSpec
from migdev.estimators.dynamic.gmm.problem import Problem
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.solve import Solution
from migdev.protocols import Covariance


class FitSpec(GMMSpec, Protocol):
    """The options that estimation reads."""

    @property
    def steps(self) -> int | str: ...
    @property
    def weight(self) -> str: ...
    @property
    def cov(self) -> str | Covariance | None: ...
    @property
    def small(self) -> bool | str: ...
    @property
    def divisor(self) -> str: ...
    @property
    def components(self) -> int | str | None: ...
    @property
    def components_of(self) -> str: ...
    @property
    def ar_tests(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """The estimates of the steps, and what the covariance needs of them."""

    first: Solution
    final: Solution
    before: FloatArray  # residuals (R, N) that made the final weight
    drift: FloatArray | None  # (k, k) derivative by the estimate that made it (Windmeijer)
    reach: FloatArray  # (k, J) what a moment of ``before`` adds to the estimate, the drift with it
    u: FloatArray  # residuals (R, N) of the final estimate
    A: FloatArray
    S: FloatArray  # moment covariance from ``before``
    hansen: Solution
    converged: bool


def nobs_of(problem: Problem) -> int:
    stack = problem.stack
    return stack.nobs_level if stack.level.any() else stack.nobs_transformed
