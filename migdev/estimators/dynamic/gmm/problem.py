"""From a formula, instrument sets and a panel to the arrays of a dynamic panel GMM problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import linalg

from migdev.errors import (
    CollinearityWarning,
    CovarianceError,
    DroppedRowsWarning,
    IdentificationError,
    SpecificationError,
    listing,
)
from migdev.estimators.dynamic.gmm.centring import Centre, centre_of, centred_levels
from migdev.estimators.dynamic.gmm.columns import GMMSpec, build_instruments
from migdev.estimators.dynamic.gmm.styles import IVStyle
from migdev.estimators.dynamic.gmm.validity import warn_of_invalid
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.dynamic.instruments import Instruments
from migdev.kernels.dynamic.stack import Levels, Stack, build_stack, scatter
from migdev.notes import warn
from migdev.panel.design import Design
from migdev.panel.terms import evaluate_terms
from migdev.protocols import Data


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Arrays of the stacked equations and their instruments.

    Attributes
    ----------
    design : Design
        The complete rows in levels.
    stack : Stack
        With levels from their means where there is a constant.
    centre : Centre, optional
        Those means.
    names : (k,)
        Coefficients: regressors, then time effects, then a constant of the differenced equation.
    n_time : int
        Number of time effects among them.
    dropped : mapping from column to reason
    sets : (G,)
        Instrument sets; ``Column.group`` points here.
    asked : int
        Sets that the specification names; the rest are time effects and the constant.
    first : int
        Ordinal of period 0 of the arrays.
    row : (T, N)
        Row of the design, -1 where there is none.
    groups : (N,), optional
        Clusters of entities.
    """

    design: Design
    levels: Levels
    stack: Stack
    centre: Centre | None
    instruments: Instruments
    names: tuple[str, ...]
    n_time: int
    dropped: dict[str, str]
    sets: tuple[str, ...]
    asked: int
    first: int
    row: IntArray
    groups: IntArray | None

    @property
    def units(self) -> int:
        """Entities, or clusters of them, over which the covariance of the moments sums."""
        return self.stack.y.shape[1] if self.groups is None else int(self.groups.max()) + 1


def build_problem(
    spec: GMMSpec,
    panel: Data,
    *,
    system: bool,
    constant: bool,
    time_equation: str,
    ones: bool = False,
) -> Problem:
    """Evaluate, lay out by period, transform, and name the instruments.

    Parameters
    ----------
    constant : bool
        A column of ones beside the transformed regressors.
    time_equation : {"both", "transformed", "level"}
        Equation in which time effects are their own instruments.
    ones : bool
        Columns of ones by period among the instruments of the transformed equation.
    """
    design = Design.build(
        spec.formula, panel, intercept=None if system else False,
        requires=() if spec.cluster == "entity" else (spec.cluster,),
    )  # fmt: skip
    if design.endog_names:
        raise SpecificationError(
            f"{spec.formula!r} has brackets; in dynamic panel GMM instruments are named by gmm= "
            "and iv=, and the formula lists all regressors."
        )
    moves = np.diff(design.y)[np.diff(design.entity) == 0]
    if len(moves) and not moves.any():
        raise IdentificationError(
            f"{spec.formula!r}: {design.dependent!r} does not change over time within any entity. "
            "The transformation removes what does not vary over time, so there is nothing to "
            "explain."
        )
    warn_of_invalid(spec, panel, system)
    ivs = [evaluate_terms(style.variables, panel) for style in spec.iv]
    design = _without_missing_instruments(design, spec.iv, ivs)
    first = int(panel.ordinals.min())
    T = int(panel.ordinals.max()) - first + 1
    if not system:
        design = _without_isolated_rows(design, first, T, spec.transform)
    N = int(design.entity.max()) + 1
    period = design.time - first
    complete = scatter(np.ones(design.nobs), design.entity, period, (T, N)) > 0
    X, names, n_time = _regressors(design, period, complete, "time" in spec.effects, system)
    levels = Levels(y=scatter(design.y, design.entity, period, (T, N)), X=X, complete=complete)
    lay_out = partial(
        build_stack, kind=spec.transform, system=system, late=spec.fod_dating == "late",
        constant=constant,
    )  # fmt: skip
    near, means = centred_levels(levels, names)
    stack, centre = lay_out(near), None
    if constant:
        names = (*names, "Intercept")
    stack, levels, names, dropped, n_time = _drop_collinear(
        spec, stack, levels, names, n_time, constant
    )
    if system and "Intercept" in names:
        centre = centre_of(means, names)
    elif system:
        stack = lay_out(levels)
    z, sets = build_instruments(
        spec, panel, design, ivs, stack, complete, first, system, constant, time_equation,
        ones,
    )  # fmt: skip
    row = np.full((T, N), -1, dtype=np.int64)
    row[period, design.entity] = np.arange(design.nobs)
    return Problem(
        design=design, levels=levels, stack=stack, centre=centre, instruments=z, names=names,
        n_time=n_time, dropped=dropped, sets=sets, asked=len(spec.gmm) + len(spec.iv), first=first,
        row=row, groups=_clusters(spec.cluster, design),
    )  # fmt: skip


# ---------------------------------------------------------------------- the sample


def _without_missing_instruments(
    design: Design, styles: Sequence[IVStyle], values: Sequence[tuple[FloatArray, tuple[str, ...]]]
) -> Design:
    keep = np.ones(design.nobs, dtype=bool)
    for style, (columns, _) in zip(styles, values, strict=True):
        if style.missing == "drop":
            keep &= ~np.isnan(columns[design.rows]).any(axis=1)
    if keep.all():
        return design
    lost = int(np.count_nonzero(~keep))
    warn(
        f"{design.formula!r}: {lost} rows are not used: an IV-style instrument is missing "
        "(missing='zero' would keep them).",
        DroppedRowsWarning,
        stacklevel=5,
    )
    return design.keep(keep, "missing IV-style instrument")


def _without_isolated_rows(design: Design, first: int, T: int, kind: str) -> Design:
    """Leave out rows that no transformed equation uses: single periods, rows between gaps."""
    N = int(design.entity.max()) + 1
    period = design.time - first
    complete = scatter(np.ones(design.nobs), design.entity, period, (T, N)) > 0
    if kind == "fd":
        pairs = complete[1:] & complete[:-1]
        takes_part = np.zeros_like(complete)
        takes_part[1:] |= pairs
        takes_part[:-1] |= pairs
    else:
        takes_part = complete & (complete.sum(axis=0) > 1)
    keep = takes_part[period, design.entity]
    if keep.all():
        return design
    what = "consecutive complete periods" if kind == "fd" else "complete periods"
    if not keep.any():
        raise IdentificationError(
            f"{design.formula!r}: no entity has two {what}, so the transformed equation has no "
            "rows. Use fewer lags, a longer panel, or average over windows."
        )
    gone = N - len(np.unique(design.entity[keep]))
    warn(
        f"{design.formula!r}: {int(np.count_nonzero(~keep))} rows ({gone} whole entities) enter no "
        f"transformed equation: they have no other of two {what} beside them.",
        DroppedRowsWarning,
        stacklevel=5,
    )
    return design.keep(keep, f"not one of two {what}")


# ---------------------------------------------------------------------- regressors


def _regressors(
    design: Design, period: IntArray, complete: BoolArray, time: bool, system: bool
) -> tuple[FloatArray, tuple[str, ...], int]:
    """X (T, k, N) in levels with dummies of the periods behind it."""
    T, N = complete.shape
    present = np.flatnonzero(complete.any(axis=1)) if time else np.empty(0, dtype=np.int64)
    if time and (design.intercept or not system):
        present = present[1:]  # the constant, or the transformation, takes one
    k = design.X.shape[1]
    X = np.zeros((T, k + len(present), N))
    X[period, :k, design.entity] = design.X
    for j, t in enumerate(present):
        X[t, k + j] = complete[t]
    calendar, first = design.panel.calendar, int(design.panel.ordinals.min())
    names = (*design.names, *(f"time[{calendar.label(int(t) + first)}]" for t in present))
    return X, names, len(present)


def _drop_collinear(
    spec: GMMSpec,
    stack: Stack,
    levels: Levels,
    names: tuple[str, ...],
    n_time: int,
    constant: bool,
) -> tuple[Stack, Levels, tuple[str, ...], dict[str, str], int]:
    """Leave out regressors that the transformation takes, or that repeat others."""
    gram = np.matmul(stack.X, stack.X.swapaxes(1, 2)).sum(axis=0)
    before = np.einsum("tkn,tkn->k", levels.X, levels.X)
    if constant:
        before = np.append(before, stack.nobs_transformed)
    unit = _unit(gram)
    if bool((np.diagonal(gram) > 1e-16 * before).all()):
        # Squared distances of the columns from the span of those before them: all well apart?
        factor, info = linalg.lapack.dpotrf(unit, lower=1)
        if info == 0 and float(np.diagonal(factor).min()) > 1e-3:
            return stack, levels, names, {}, n_time
    values, vectors = np.linalg.eigh(unit)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    lengths = np.sqrt(np.diagonal(gram))
    vanished = lengths <= 1e-8 * np.sqrt(before)
    keep = independent_columns(root * ~vanished) & ~vanished
    if keep.all():
        return stack, levels, names, {}, n_time
    dropped = {
        name: "constant over time within entities: the transformation removes it"
        if gone
        else "collinear with the columns before it"
        for name, kept, gone in zip(names, keep, vanished, strict=True)
        if not kept
    }
    k = len(names) - n_time - constant
    is_time = np.zeros(len(names), dtype=bool)
    is_time[k : k + n_time] = True
    own = [n for n, t in zip(names, is_time, strict=True) if n in dropped and not t]
    if not keep[~is_time].any():
        raise IdentificationError(
            f"{spec.formula!r}: no regressor is left: {listing(own)} do not vary over time within "
            "entities, or repeat each other. Time-invariant variables need SystemGMM."
        )
    if own:
        reasons = "; ".join(f"{n!r} ({dropped[n]})" for n in own)
        warn(
            f"{spec.formula!r}: {len(own)} columns are left out: {reasons}.",
            CollinearityWarning,
            stacklevel=5,
        )
    stack = replace(stack, X=np.ascontiguousarray(stack.X[:, keep]))
    inner = keep[: levels.X.shape[1]]
    levels = replace(levels, X=np.ascontiguousarray(levels.X[:, inner]))
    kept_names = tuple(n for n, kept in zip(names, keep, strict=True) if kept)
    return stack, levels, kept_names, dropped, int(np.count_nonzero(keep & is_time))


def _unit(gram: FloatArray) -> FloatArray:
    d = np.sqrt(np.diagonal(gram))
    scale = np.where(d > 0, 1.0 / np.where(d > 0, d, 1.0), 0.0)
    unit: FloatArray = gram * np.outer(scale, scale)
    return unit


def _clusters(name: str, design: Design) -> IntArray | None:
    """(N,) codes of the clusters that hold the entities; None where each is its own."""
    if name == "entity":
        return None
    codes = design.codes(name)
    N = int(design.entity.max()) + 1
    lowest, highest = np.full(N, codes.max(initial=0)), np.zeros(N, dtype=np.int64)
    np.minimum.at(lowest, design.entity, codes)
    np.maximum.at(highest, design.entity, codes)
    split = np.flatnonzero(lowest != highest)
    if len(split):
        row = int(design.rows[np.flatnonzero(design.entity == split[0])[0]])
        raise CovarianceError(
            f"cluster={name!r}: clusters must hold whole entities, but {len(split)} entities are "
            f"in several, first {design.panel.key(row)[0]!r}. Use a grouping that does not change "
            "over time, or fit.with_cov(Clustered(...)) for the covariance alone."
        )
    return lowest
