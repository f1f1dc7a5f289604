"""The rows that the equations of a system share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from migdev.engines.linearmodels import Regression
from migdev.errors import DroppedRowsWarning, IdentificationError, SpecificationError, listing
from migdev.estimators.assembly import Equation, report_collinear
from migdev.kernels.arrays.groups import level_codes
from migdev.kernels.arrays.least_squares import independent_columns
from migdev.kernels.arrays.types import IntArray
from migdev.notes import quiet, warn
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.estimate import Sample


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class System:
    """Equations on their common sample.

    Attributes
    ----------
    names : tuple of str
    designs : tuple of Design
        Each on n rows, in one order.
    kept : tuple of Regression
        Their independent columns.
    terms : tuple of tuple of str
    sample : Sample
        All rows of the panel that are used.
    entity, time : (n,)
        Of the rows; ``entity`` is zero where equations are entities and rows are periods.
    """

    names: tuple[str, ...]
    designs: tuple[Design, ...]
    kept: tuple[Regression, ...]
    terms: tuple[tuple[str, ...], ...]
    sample: Sample
    entity: IntArray
    time: IntArray


def named_equations(equations: object) -> str | tuple[tuple[str, str], ...]:
    """A formula for an equation per entity, or (name, formula) pairs, from what a user may give."""
    if isinstance(equations, str):
        return equations
    if isinstance(equations, Mapping):
        pairs = tuple((str(k), v) for k, v in equations.items())
    elif isinstance(equations, Sequence) and all(isinstance(e, str) for e in equations):
        pairs = tuple((e.partition("~")[0].strip(), e) for e in equations)
    else:
        pairs = tuple(equations) if isinstance(equations, tuple) else ()
    names = [name for name, _ in pairs]
    if (
        len(pairs) < 2
        or len(set(names)) < len(names)
        or not all(isinstance(f, str) for _, f in pairs)
    ):
        raise SpecificationError(
            f"equations={equations!r}: give a mapping from names to two or more formulas, a list "
            "of formulas with different dependent variables, or one formula, which makes an "
            "equation of each entity."
        )
    return pairs


def across_variables(
    pairs: tuple[tuple[str, str], ...], panel: Data, requires: Sequence[str]
) -> System:
    """Equations of several variables on the rows of the panel that are complete in all."""
    with quiet(DroppedRowsWarning):  # told below, for all at once
        designs = [Design.build(formula, panel, requires=requires) for _, formula in pairs]
    names = [name for name, _ in pairs]
    common = designs[0].rows
    for d in designs[1:]:
        common = np.intersect1d(common, d.rows)
    counts = ", ".join(f"{name!r} {d.nobs}" for name, d in zip(names, designs, strict=True))
    if not len(common):
        raise IdentificationError(f"No row is complete in all equations; complete are {counts}.")
    if len(common) < len(panel):
        warn(
            f"{len(common)} of {len(panel)} rows are complete in all equations and are used; by "
            f"equation {counts}.",
            DroppedRowsWarning,
            stacklevel=4,
        )
    cut = [
        d.keep(np.isin(d.rows, common), "incomplete in another equation")
        if d.nobs > len(common) else d
        for d in designs
    ]  # fmt: skip
    lost = len(panel) - len(common)
    dropped = {"incomplete in an equation": lost} if lost else {}
    whole = replace(cut[0], dropped=dropped)
    return _system(names, cut, whole, whole.entity)


def across_entities(formula: str, panel: Data, requires: Sequence[str]) -> System:
    """One equation per entity on the periods that all have."""
    whole = Design.build(formula, panel, requires=requires)
    N = int(whole.entity.max()) + 1
    periods, period = np.unique(whole.time, return_inverse=True)
    shared = np.bincount(period, minlength=len(periods)) == N
    labels = [
        f"{panel.entities[panel.entity_codes[whole.rows[whole.entity == i][0]]]}" for i in range(N)
    ]
    if N < 2 or not shared.any():
        raise IdentificationError(
            f"{formula!r}: equations of entities need two or more with common periods, but "
            + (
                f"the sample has one entity, {labels[0]}."
                if N < 2
                else f"no period is complete for all {N}."
            )
        )
    if not shared.all():
        warn(
            f"{formula!r}: {int(shared.sum())} of {len(periods)} periods are complete for all {N} "
            "entities and are used.",
            DroppedRowsWarning,
            stacklevel=4,
        )
    cut = (
        whole.keep(shared[period], "a period that another entity lacks")
        if not shared.all()
        else whole
    )
    own = [
        replace(
            cut, y=cut.y[at], X=cut.X[at], endog=cut.endog[at], instruments=cut.instruments[at],
            rows=cut.rows[at], entity=level_codes(cut.entity[at]), time=cut.time[at],
        )
        for at in (cut.entity == i for i in range(N))
    ]  # fmt: skip
    return _system(labels, own, cut, np.zeros(len(own[0].y), dtype=np.int64))


def _system(
    names: Sequence[str], designs: Sequence[Design], whole: Design, entity: IntArray
) -> System:
    kept, terms, gone = [], [], dict[str, str]()
    for name, d in zip(names, designs, strict=True):
        regression, own, dropped = _independent(d)
        if len(d.y) <= len(own):
            raise IdentificationError(
                f"{name}: {len(own)} coefficients, but {len(d.y)} common rows. Use fewer "
                "regressors, or a longer common sample."
            )
        kept.append(regression)
        terms.append(own)
        gone |= {f"{name}_{term}": why for term, why in dropped.items()}
    if len(designs) > len(designs[0].y):
        raise IdentificationError(
            f"{len(designs)} equations on {len(designs[0].y)} common rows: the covariance of their "
            "errors is singular. Take fewer equations than rows."
        )
    return System(
        names=tuple(names), designs=tuple(designs), kept=tuple(kept), terms=tuple(terms),
        sample=sample_of(whole, gone), entity=entity, time=designs[0].time,
    )  # fmt: skip


def sample_of(d: Design, dropped_columns: Mapping[str, str] = MappingProxyType({})) -> Sample:
    return Sample(
        panel=d.panel, rows=d.rows, entity=d.entity, time=d.time, dropped=d.dropped,
        dropped_columns=dropped_columns,
    )  # fmt: skip


def _independent(d: Design) -> tuple[Regression, tuple[str, ...], dict[str, str]]:
    """The equation without collinear columns; an error where instruments do not identify it."""
    keep = independent_columns(d.X) if d.X.shape[1] else np.empty(0, dtype=bool)
    dropped = (
        report_collinear(Equation(y=d.y, X=d.X, names=d.names), keep, d.formula)
        if len(keep)
        else {}
    )
    X = d.X[:, keep]
    names = tuple(n for n, k in zip(d.names, keep, strict=True) if k)
    Z = d.instruments
    if d.endog.shape[1]:
        fresh = independent_columns(np.column_stack([X, Z]))[X.shape[1] :]
        Z = Z[:, fresh]
        Q = np.linalg.qr(np.column_stack([X, Z]))[0]
        fitted = np.column_stack([X, Q @ (Q.T @ d.endog)])
        found = independent_columns(fitted)
        if not found.all():
            lost = [n for n, k in zip((*names, *d.endog_names), found, strict=True) if not k]
            raise IdentificationError(
                f"{d.formula!r}: the {Z.shape[1]} excluded instruments "
                f"({listing(d.instrument_names)}) do not identify {listing(lost)}. Name others."
            )
    return Regression(y=d.y, X=X, endog=d.endog, instruments=Z), (*names, *d.endog_names), dropped
