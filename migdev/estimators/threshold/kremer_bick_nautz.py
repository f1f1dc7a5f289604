"""The dynamic panel threshold of Kremer, Bick and Nautz (2013)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from migdev.errors import SpecificationError
from migdev.estimators.dynamic.gmm.columns import build_instruments
from migdev.estimators.dynamic.gmm.difference_system import DifferenceGMM
from migdev.estimators.dynamic.gmm.fit import fit_gmm
from migdev.estimators.dynamic.gmm.problem import Problem
from migdev.estimators.dynamic.gmm.styles import IVStyle
from migdev.estimators.threshold.fixed_effects import regime_table
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.dynamic.conditioning import conditioned
from migdev.kernels.dynamic.gram import gram
from migdev.kernels.threshold.kremer_bick_nautz import moved, rss_path
from migdev.kernels.threshold.seo_shin import between_trims
from migdev.panel.terms import evaluate_terms
from migdev.protocols import Data
from migdev.results.dynamics import lag_structure
from migdev.results.estimate import Estimate
from migdev.results.threshold import ThresholdEstimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shifting:
    """A problem in deviations, with what shifts in levels.

    Attributes
    ----------
    problem : Problem
        Without the threshold variable where the formula does not name it.
    w : (T, m, N); q : (T, N)
    shifting : tuple of str
        Terms that shift.
    labels : (m,)
        Their names above the threshold, and that of the constant.
    """

    problem: Problem
    w: FloatArray
    q: FloatArray
    q_name: str
    shifting: tuple[str, ...]
    labels: tuple[str, ...]


def fit_deviations(owner: Any, spec: DifferenceGMM, s: Shifting, panel: Data) -> ThresholdEstimate:
    """Threshold by least squares on predicted regressors; slopes by GMM given the threshold.

    Parameters
    ----------
    owner : DynamicPanelThreshold
    spec : DifferenceGMM
        In forward orthogonal deviations.
    """
    model, levels = s.problem, s.problem.levels
    exogenous = _exogenous(owner, spec, model, s, panel)
    own = [(name, levels.X[:, model.names.index(name)]) for name in exogenous]
    sets: list[list[tuple[str, FloatArray]]] = [own] if own else []
    z, _ = _instruments(spec, model, panel, sets)
    A = gram(z, model.stack, "h1")
    alive = np.diagonal(A) > 0
    basis = conditioned(z.keep(alive), model.stack, "h1", A[np.ix_(alive, alive)])
    values = s.q[levels.complete]
    grid = between_trims(values, owner.grid, owner.trim)
    path = rss_path(basis.z, basis.weight, model.stack, s.w, s.q, levels.complete, grid)
    at = int(np.argmin(path))
    gamma = float(grid[at])
    above = (s.q > gamma) & levels.complete
    pieces = s.w * above[:, None]
    sets.append([(name, pieces[:, j]) for j, name in enumerate(s.labels)])
    k = len(model.names) - model.n_time
    names = (*model.names[:k], *s.labels, *model.names[k:])
    D = moved(s.w, s.q, levels.complete, model.stack, gamma)
    X = np.concatenate([model.stack.X[:, :k], D, model.stack.X[:, k:]], axis=1)
    z, labels = _instruments(spec, model, panel, sets)
    in_levels = np.concatenate([levels.X[:, :k], pieces, levels.X[:, k:]], axis=1)
    given = replace(
        model, names=names, stack=replace(model.stack, X=X), instruments=z, sets=labels,
        levels=replace(levels, X=in_levels),
        asked=len(spec.gmm) + len(spec.iv) + len(sets),
    )  # fmt: skip
    fit = fit_gmm(spec, given, "Dynamic panel threshold, forward orthogonal deviations")
    rows = model.stack.nobs_transformed
    design = model.design
    period = design.time - model.first
    stats = {
        **fit.stats,
        "threshold": gamma,
        "above": float(np.mean(values > gamma)),
        "rss": float(path[at]),
        "n_instruments": fit.n_instruments,
    }
    kept = {f.name: getattr(fit, f.name) for f in fields(Estimate)}
    return ThresholdEstimate(
        **{**kept, "stats": stats, "spec": owner, "stated": replace(fit.stated, linear=False)},
        threshold_variable=s.q_name, thresholds=(gamma,),
        regimes=regime_table(s.q[period, design.entity], np.array([gamma]), design),
        candidates=grid, lr_paths=((path - path[at]) / (path[at] / rows),),
    )  # fmt: skip


def _exogenous(
    owner: Any, spec: DifferenceGMM, model: Problem, s: Shifting, panel: Data
) -> list[str]:
    """Regressors that instrument themselves: no lags of y, none that a set names already."""
    named = {n for style in spec.gmm for n in evaluate_terms(style.variables, panel)[1]}
    lagged = lag_structure(model.names, model.design.dependent).own.values()
    endogenous = named | {model.names[j] for j in lagged}
    wrong = [n for n in dict.fromkeys((s.q_name, *s.shifting)) if n in endogenous]
    if wrong:
        raise SpecificationError(
            f"{', '.join(wrong)} would be endogenous (a lag of {model.design.dependent}, or named "
            "in gmm=), but method='kremer-bick-nautz' takes the threshold variable and what "
            "shifts as exogenous. Use method='seo-shin'."
        )
    ready = {n for style in spec.iv for n in evaluate_terms(style.variables, panel)[1]}
    regressors = model.names[: len(model.names) - model.n_time]
    return [n for n in regressors if n not in endogenous | ready]


def _instruments(
    spec: DifferenceGMM, model: Problem, panel: Data, sets: list[list[tuple[str, FloatArray]]]
) -> tuple[Any, tuple[str, ...]]:
    """The instruments of the specification, and further sets of variables (T, N) in levels."""
    design = model.design
    period = design.time - model.first
    styles = list(spec.iv)
    ivs = [evaluate_terms(style.variables, panel) for style in spec.iv]
    for members in sets:
        values = np.full((len(panel), len(members)), np.nan)
        for j, (_, x) in enumerate(members):
            values[design.rows, j] = x[period, design.entity]
        names = tuple(name for name, _ in members)
        styles.append(IVStyle(" + ".join(names)))
        ivs.append((values, names))
    wider = replace(spec, iv=tuple(styles))
    return build_instruments(
        wider, panel, design, ivs, model.stack, model.levels.complete, model.first, False, False,
        "both",
    )  # fmt: skip
