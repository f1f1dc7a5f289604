"""Estimation of a dynamic panel GMM problem: steps, covariance, tests, record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from migdev.errors import (
    ConvergenceWarning,
    CovarianceWarning,
    IdentificationError,
    ManyInstrumentsWarning,
    listing,
)
from migdev.estimators.assembly import finish
from migdev.estimators.dynamic.gmm.diagnostics import gmm_stats
from migdev.estimators.dynamic.gmm.problem import Problem
from migdev.estimators.dynamic.gmm.record import FitSpec, Steps, nobs_of
from migdev.kernels.arrays.groups import level_codes
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.dynamic.conditioning import Basis, conditioned
from migdev.kernels.dynamic.gram import gram
from migdev.kernels.dynamic.instruments import Instruments, cross, outer, project
from migdev.kernels.dynamic.principal_components import rotate
from migdev.kernels.dynamic.solve import (
    NotIdentified,
    continuous,
    invert,
    iterate,
    solve,
)
from migdev.kernels.dynamic.windmeijer import iterated_cov, two_step_cov, weight_drift, weight_pull
from migdev.kernels.sandwich.moments import Moments
from migdev.notes import warn
from migdev.panel.design import SampleColumns
from migdev.protocols import CovEstimate
from migdev.results.facts import Form, linear_facts
from migdev.results.gmm import GMMEstimate, GMMSums

# Scores are kept with the estimate up to this size; beyond it with_cov() fits again.
_KEEP = 4_000_000


def fit_gmm(spec: FitSpec, problem: Problem, method: str) -> GMMEstimate:
    """Run the steps and assemble the record."""
    stack = problem.stack
    basis = chosen_instruments(spec, problem)
    z, weight = basis.z, basis.weight
    k = len(problem.names)
    if z.count < k:
        raise IdentificationError(
            f"{spec.formula!r}: {z.count} instruments for {k} coefficients. Name more lags or "
            "variables in gmm= and iv=; a regressor is its own instrument only where it is named."
        )
    ZX, Zy = cross(z, stack.X), cross(z, stack.y)
    singular: dict[str, tuple[int, int]] = {}
    if weight.rank < len(basis.columns):
        singular["step 1"] = (weight.rank, len(basis.columns))
    try:
        steps = _run(spec, problem, basis, ZX, Zy, singular)
    except NotIdentified as error:
        weak = [n for n, bad in zip(problem.names, error.columns, strict=True) if bad]
        raise IdentificationError(
            f"{spec.formula!r}: the instruments do not identify {listing(weak)}: their moments "
            "repeat those of other regressors. Name instruments for them in gmm= or iv=."
        ) from None
    n_instruments = weight.rank
    _warn(spec, problem, singular, n_instruments, steps)
    sigma2, scale = _sigma2(spec, problem, steps)
    V, covariance = _covariance(spec, problem, z, steps, scale)
    stats = gmm_stats(spec, problem, z, steps, V, covariance, sigma2, scale, n_instruments)
    rows, observed, residual, nobs = _rows(problem, steps.u)
    params, centre = steps.final.params, problem.centre
    if centre is not None:
        params, T = centre.restored(params), centre.slope
        covariance = replace(covariance, cov=T @ covariance.cov @ T.T)
    asked = None if spec.cov is None or isinstance(spec.cov, str) else spec.cov
    moments = partial(_moments, problem, z, steps, scale)
    late = moments if stack.X.size <= _KEEP else None
    return finish(
        GMMEstimate, spec=spec, design=problem.design, rows=rows,
        scores=late if asked is None else moments(),
        names=problem.names, params=params, cov=asked or covariance, method=method,
        nobs=nobs, df_resid=float(nobs - k), stats=stats, dropped_columns=problem.dropped,
        residual=residual, observed=observed, n_instruments=n_instruments,
        n_entities=stack.y.shape[1], columns=basis.columns, sets=instrument_sets(spec, problem),
        asked=problem.asked, converged=steps.converged, singular=singular,
        sums=GMMSums(
            ZX=ZX, Zy=Zy, S=steps.S, A=basis.A, objective=steps.hansen.objective,
            df=n_instruments - k, loading=basis.loading,
        ),
        stated=linear_facts(
            "instruments", spec.effects, form=_form(problem), removed=("entity",)
        ),
    )  # fmt: skip


def chosen_instruments(spec: FitSpec, problem: Problem) -> Basis:
    """Columns that hold something, as principal components where asked, with Z'HZ."""
    A = gram(problem.instruments, problem.stack, spec.weight)
    alive = np.diagonal(A) > 0
    z = problem.instruments.keep(alive)
    A = A[np.ix_(alive, alive)] if not alive.all() else A
    if spec.components is not None:
        count = None if spec.components == "kaiser" else int(spec.components)
        standardised = spec.components_of == "standardised"
        z = rotate(z, problem.stack, count, len(problem.sets), standardised)
        A = gram(z, problem.stack, spec.weight)
    return conditioned(z, problem.stack, spec.weight, A)


def instrument_sets(spec: FitSpec, problem: Problem) -> tuple[str, ...]:
    """Names of the sets that columns belong to."""
    if spec.components is None:
        return problem.sets
    return (*problem.sets, "principal components of the GMM-style instruments")


def _run(
    spec: FitSpec,
    problem: Problem,
    basis: Basis,
    ZX: FloatArray,
    Zy: FloatArray,
    singular: dict[str, tuple[int, int]],
) -> Steps:
    stack, groups, z, A = problem.stack, problem.groups, basis.z, basis.A
    first = solve(ZX, Zy, basis.weight)
    u1 = stack.residuals(first.params)
    S = outer(z, u1, groups)
    W2 = invert(S)
    if W2.singular:
        singular["step 2"] = (W2.rank, len(W2.root))
    second = solve(ZX, Zy, W2, 2)
    if spec.steps == 1:
        return Steps(
            first=first, final=first, before=u1, drift=None, reach=first.influence, u=u1, A=A, S=S,
            hansen=second, converged=True,
        )  # fmt: skip
    D: FloatArray | None
    if spec.steps == 2:
        D = weight_drift(z, stack.X, u1, second, groups)
        return Steps(
            first=first, final=second, before=u1, drift=D,
            reach=second.influence + D @ first.influence, u=stack.residuals(second.params), A=A,
            S=S, hansen=second, converged=True,
        )  # fmt: skip

    def covariance(b: FloatArray) -> FloatArray:
        return outer(z, stack.residuals(b), groups)

    D = None
    if spec.steps == "iterated":
        final, previous, converged = iterate(ZX, Zy, covariance, second)
        before = stack.residuals(previous.params)
        D = weight_drift(z, stack.X, before, final, groups)
        reach = np.asarray(np.linalg.solve(np.eye(len(D)) - D, final.influence), dtype=np.float64)
    else:

        def pull(b: FloatArray, v: FloatArray) -> FloatArray:
            return weight_pull(z, stack.X, stack.residuals(b), v, groups)[0]

        final, reach, converged = continuous(ZX, Zy, covariance, pull, second)
        before = stack.residuals(final.params)
    return Steps(
        first=first, final=final, before=before, drift=D, reach=reach,
        u=stack.residuals(final.params), A=A, S=outer(z, before, groups), hansen=final,
        converged=converged,
    )  # fmt: skip


def _warn(
    spec: FitSpec,
    problem: Problem,
    singular: Mapping[str, tuple[int, int]],
    n_instruments: int,
    steps: Steps,
) -> None:
    N = problem.units
    units = "entities" if problem.groups is None else f"clusters of {spec.cluster!r}"
    if n_instruments > N:
        warn(
            f"{spec.formula!r}: {n_instruments} instruments for {N} {units}. Estimates lean "
            "towards least squares and the Hansen test loses its power; use collapse=True or fewer "
            "lags.",
            ManyInstrumentsWarning,
            stacklevel=4,
        )
    for step, (rank, size) in singular.items():
        warn(
            f"{spec.formula!r}: the moment covariance of {step} has rank {rank} for {size} "
            "instruments; a Moore-Penrose inverse stands in. Instruments repeat each other, or "
            f"there are more of them than {units}.",
            CovarianceWarning,
            stacklevel=4,
        )
    if not steps.converged:
        warn(
            f"{spec.formula!r}: steps={spec.steps!r} stopped before its tolerance.",
            ConvergenceWarning,
            stacklevel=4,
        )


# ---------------------------------------------------------------------- covariance


def _sigma2(spec: FitSpec, problem: Problem, steps: Steps) -> tuple[float, float]:
    """Variance of the error in levels, from the transformed residuals of the first step; and the
    factor that H must be multiplied with to be the variance of the stacked errors."""
    stack = problem.stack
    k = len(problem.names)
    u1 = stack.residuals(steps.first.params)
    moved = u1[~stack.level]
    rss = float(np.einsum("rn,rn->", moved, moved))
    n = nobs_of(problem)
    divisor = {"nobs": n, "nobs-k": n - k, "transformed": stack.nobs_transformed}[spec.divisor]
    divisor = max(divisor, 1)
    half = 2.0 if stack.transform == "fd" else 1.0
    if spec.weight != "h1":
        return rss / half / divisor, rss / half / divisor
    scale = rss
    if stack.level.any():
        scale = float(np.einsum("rn,rn->", u1[stack.level], u1[stack.level]))
    return rss / half / divisor, scale / divisor


def _covariance(
    spec: FitSpec, problem: Problem, z: Instruments, steps: Steps, scale: float
) -> tuple[FloatArray, CovEstimate]:
    """The covariance, and its record with the small-sample factor."""
    final, groups = steps.final, problem.groups
    kind = spec.cov if isinstance(spec.cov, str) else _default_cov(spec.steps)
    clusters = problem.units
    n = nobs_of(problem)
    k = len(problem.names)
    where = f"{spec.cluster} ({clusters} clusters)"
    if spec.steps == 1:
        if kind == "classical":
            V, text = _homoskedastic(steps, scale), "classical one-step"
        else:
            V, text = final.influence @ steps.S @ final.influence.T, f"robust, clusters: {where}"
    elif spec.steps == "cue" and kind != "classical":
        V, text = steps.reach @ steps.S @ steps.reach.T, f"Newey-Windmeijer, clusters: {where}"
    elif kind == "classical":
        V, text = final.bread, "classical two-step, without correction"
    elif kind == "robust":
        S2 = outer(z, steps.u, groups)
        V, text = final.influence @ S2 @ final.influence.T, f"robust, clusters: {where}"
    else:
        assert steps.drift is not None
        if spec.steps == 2:
            robust = steps.first.influence @ steps.S @ steps.first.influence.T
            V = two_step_cov(final.bread, robust, steps.drift)
        else:
            V = iterated_cov(final.bread, steps.drift)
        text = f"Windmeijer-corrected, clusters: {where}"
    V = (V + V.T) / 2.0
    df, factor = None, 1.0
    if spec.small:
        classical = kind == "classical" and spec.steps == 1
        factor = n / (n - k) if classical else (n - 1) / (n - k) * clusters / (clusters - 1)
        df = float(clusters - 1)
        if spec.small == "xtabond2":
            df = float(n - k if classical else clusters - (problem.centre is not None))
    return V, CovEstimate(
        cov=V * factor, df=df, description=text, convention="xtabond2",
        clusters={spec.cluster: clusters},
    )  # fmt: skip


def _default_cov(steps: int | str) -> str:
    return "robust" if steps in (1, "cue") else "windmeijer"


def _homoskedastic(steps: Steps, scale: float) -> FloatArray:
    return scale * (steps.final.influence @ steps.A @ steps.final.influence.T)


# ---------------------------------------------------------------------- rows


def _form(problem: Problem) -> Form:
    """Data of the equation that is reported."""
    if problem.stack.level.any():
        return "levels"
    return "differences" if problem.stack.transform == "fd" else "orthogonal deviations"


def _rows(problem: Problem, u: FloatArray) -> tuple[IntArray, FloatArray, FloatArray, int]:
    """Rows of the design, observed values and residuals of the reported equation."""
    stack = problem.stack
    which = stack.level if stack.level.any() else ~stack.level
    used = stack.used[which]
    rows = problem.row[stack.period[which]][used]
    order = np.argsort(rows, kind="stable")
    observed = stack.y[which][used][order] + (0.0 if problem.centre is None else problem.centre.y)
    return rows[order], observed, u[which][used][order], len(rows)


def _moments(problem: Problem, z: Instruments, steps: Steps, scale: float) -> Moments:
    """Rows of both equations, sorted by entity and period: instruments by what they add to the
    estimate, the drift of the weight with it, and the residuals behind the weight.

    Summed by entity they give the corrected covariance (:func:`two_step_cov`).
    """
    stack, final = problem.stack, steps.final
    design = problem.design
    slopes = np.asarray(np.linalg.solve(final.bread, steps.reach).T, dtype=np.float64)
    effective = project(z, slopes)
    r, i = np.nonzero(stack.used)
    rows = problem.row[stack.period[r], i]
    order = np.argsort(rows, kind="stable")
    r, i, rows = r[order], i[order], rows[order]
    X, resid = effective[r, :, i], steps.before[r, i]
    k = X.shape[1]
    entity = level_codes(design.entity[rows])
    spread = float(resid @ resid) / (len(rows) - k)
    H, bread = final.influence @ steps.A @ final.influence.T, final.bread
    if problem.centre is not None:
        T = problem.centre.slope
        X, bread, H = X @ np.linalg.inv(T), T @ bread @ T.T, T @ H @ T.T
    return Moments(
        X=X, resid=resid, bread=bread, entity=entity, time=design.time[rows],
        columns=SampleColumns(design.panel, design.rows[rows]),
        homoskedastic=H * (scale / spread),
        constant="Intercept" in problem.names,
    )  # fmt: skip
