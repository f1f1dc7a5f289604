"""The tests that an IV fit carries, computed when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from migdev.covariance.basic import Unadjusted
from migdev.errors import MigdevError, ResultError
from migdev.estimators.iv import anderson_rubin, strength, validity
from migdev.estimators.iv.problem import IVProblem
from migdev.kernels.iv import strength as weak_iv
from migdev.results.statistic import TestStatistic

Compute = Callable[[IVProblem], Any]
#: Tests of the first stage, which the errors of the equation have no part in.
FIRST_STAGE = (
    "first_stage_f", "first_stage_f_classical", "conditional_f", "cragg_donald", "kleibergen_paap",
    "kleibergen_paap_lm", "anderson_lm", "effective_f",
)  # fmt: skip


class LazyStats(Mapping[str, Any]):
    """Statistics by name: numbers that are there, and tests that are computed once, when read.

    A test that cannot be computed on these data (a singular covariance of the moments, a dependent
    variable that is constant) is a TestStatistic of nan whose note says why.
    """

    def __init__(
        self, ready: Mapping[str, Any], problem: IVProblem, later: Mapping[str, Compute]
    ) -> None:
        self._ready = dict(ready)
        self._problem, self._later = problem, dict(later)
        self._names = [*self._ready, *(n for n in self._later if n not in self._ready)]

    def __getitem__(self, name: str) -> Any:
        if name not in self._ready:
            self._ready[name] = self._compute(name)
        return self._ready[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"LazyStats({', '.join(self._names)})"

    def _compute(self, name: str) -> Any:
        try:
            if self._problem.exact and name.split("[")[0] not in FIRST_STAGE:
                raise ResultError("the equation is fitted without error, so nothing is random.")
            return self._later[name](self._problem)
        except MigdevError as error:
            return TestStatistic(
                name=name, null="", statistic=float("nan"), distribution="", pvalue=float("nan"),
                sample=self._problem.sample, note=f"not defined: {error}",
            )  # fmt: skip


def battery(problem: IVProblem, gmm: bool) -> dict[str, Compute]:
    """Tests by name, in the order in which a reader wants them.

    With one endogenous regressor a name stands alone (``first_stage_f``); with several it carries
    the regressor: ``first_stage_f[remit]``.
    """
    p = problem.basis.p
    tests: dict[str, Compute] = {}

    def each(name: str, function: Callable[[IVProblem, int], Any]) -> None:
        for j, regressor in enumerate(problem.endogenous):
            tests[name if p == 1 else f"{name}[{regressor}]"] = partial(_at, function, j)

    each("first_stage_f", strength.first_stage_f)
    each("first_stage_f_classical", strength.first_stage_f_classical)
    if p > 1:
        each("conditional_f", strength.conditional_f)
    tests["cragg_donald"] = strength.cragg_donald
    tests["kleibergen_paap"] = strength.kleibergen_paap_f
    tests["kleibergen_paap_lm"] = strength.kleibergen_paap_lm
    tests["anderson_lm"] = strength.anderson_lm
    if p == 1:
        tests["effective_f"] = strength.effective_f
    tests["anderson_rubin"] = anderson_rubin.anderson_rubin
    if problem.basis.overid > 0:
        if not gmm:
            tests["sargan"] = validity.sargan
            tests["basmann"] = validity.basmann
            tests["basmann_f"] = validity.basmann_f
            tests["overid_lr"] = validity.likelihood_ratio
            tests["wooldridge_overid"] = validity.wooldridge_overid
        if gmm or not isinstance(problem.cov, Unadjusted):
            tests["hansen_j"] = validity.hansen_j
    if not gmm:
        tests["wu_hausman"] = validity.wu_hausman
        tests["durbin"] = validity.durbin
        tests["wooldridge_score"] = validity.wooldridge_score
        tests["control_function"] = validity.control_function
    tests["endogeneity"] = validity.endogeneity
    return tests


def strength_numbers(problem: IVProblem) -> dict[str, float]:
    """Partial R2 of every first stage; Shea's where there are several."""
    out: dict[str, float] = {}
    for name, values in (
        ("partial_r2", weak_iv.partial_r2(problem.basis)),
        ("shea_r2", weak_iv.shea_r2(problem.basis)),
    ):
        for regressor, value in zip(problem.endogenous, values, strict=True):
            if problem.basis.p > 1:
                out[f"{name}[{regressor}]"] = float(value)
            elif name == "partial_r2":  # Shea's equals it with one regressor
                out[name] = float(np.asarray(value))
    return out


def _at(function: Callable[[IVProblem, int], Any], j: int, problem: IVProblem) -> Any:
    return function(problem, j)
