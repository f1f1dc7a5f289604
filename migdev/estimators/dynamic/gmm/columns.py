"""From instrument sets to the columns of Z."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from migdev.errors import IdentificationError
from migdev.estimators.dynamic.gmm.styles import GMMStyle, IVStyle
from migdev.kernels.arrays.types import BoolArray, FloatArray, IntArray
from migdev.kernels.dynamic.instruments import Column, Instruments, collect
from migdev.kernels.dynamic.stack import Stack, scatter, transform
from migdev.panel.design import Design
from migdev.panel.terms import evaluate_terms
from migdev.protocols import Data


class GMMSpec(Protocol):
    """What the specifications of dynamic panel GMM share."""

    @property
    def formula(self) -> str: ...
    @property
    def gmm(self) -> tuple[GMMStyle, ...]: ...
    @property
    def iv(self) -> tuple[IVStyle, ...]: ...
    @property
    def effects(self) -> tuple[str, ...]: ...
    @property
    def transform(self) -> str: ...
    @property
    def fod_dating(self) -> str: ...
    @property
    def cluster(self) -> str: ...


class _Builder:
    """Collects source series and columns."""

    def __init__(self, stack: Stack, first: int, T: int, N: int) -> None:
        self.stack, self.first, self.T, self.N = stack, first, T, N
        self.blocks: list[FloatArray] = []
        self.count = 0
        self.columns: list[Column] = []
        self.entries: list[tuple[IntArray, IntArray, IntArray]] = []
        self.moved = np.flatnonzero(~stack.level)
        self.level = np.flatnonzero(stack.level)

    def source(self, values: FloatArray) -> IntArray:
        """Register (T, N) values; (T,) index of each period, -1 where all are zero."""
        alive = np.asarray(values.any(axis=1))
        self.blocks.append(values if alive.all() else values[alive])
        index = np.where(alive, self.count + np.cumsum(alive) - 1, -1)
        self.count += int(np.count_nonzero(alive))
        return index

    def lags(
        self, name: str, style: GMMStyle, group: int, source: IntArray,
        equation: str, lags: tuple[int, int | None],
    ) -> None:  # fmt: skip
        """Columns of one variable in one equation."""
        rows = self.moved if equation == "transformed" else self.level
        clock = self.stack.clock[rows]
        last = self.T - 1 if lags[1] is None else lags[1]
        steps = np.arange(lags[0], last + 1)
        at = clock[:, None] - steps[None, :]  # (rows, lags)
        good = (at >= 0) & (at < self.T)
        good[good] = source[at[good]] >= 0
        i, j = np.nonzero(good)
        start = len(self.columns)
        if style.collapse:
            used, column = np.unique(j, return_inverse=True)
            labels: list[tuple[int, int | None]] = [(int(steps[q]), None) for q in used]
        else:
            column = np.arange(len(i))
            periods = self.stack.period[rows[i]] + self.first
            labels = [(int(s), int(p)) for s, p in zip(steps[j], periods, strict=True)]
        form = "level" if equation == "transformed" else "difference"
        self.columns += [
            Column(variable=name, equation=equation, lag=lag, period=p, group=group, form=form)
            for lag, p in labels
        ]
        self.entries.append((rows[i], start + column.astype(np.int64), source[at[i, j]]))

    def ordinary(
        self, name: str, group: int, equation: str, moved: FloatArray | None,
        level: FloatArray | None,
    ) -> None:  # fmt: skip
        """One IV-style column, transformed and in levels as given."""
        column = len(self.columns)
        for rows, values in ((self.moved, moved), (self.level, level)):
            if values is None or not len(rows):
                continue
            at = self.source(values)[self.stack.period[rows]]
            there = at >= 0
            self.entries.append((rows[there], np.full(int(there.sum()), column), at[there]))
        forms = {"both": "both", "transformed": "transformed", "level": "level"}
        self.columns.append(
            Column(variable=name, equation=equation, lag=None, period=None, group=group,
                   form=forms[equation])
        )  # fmt: skip

    def build(self) -> Instruments:
        values = np.concatenate(self.blocks) if self.blocks else np.zeros((0, self.N))
        return collect(values, self.columns, self.entries, len(self.stack.level))


def build_instruments(
    spec: GMMSpec,
    panel: Data,
    design: Design,
    ivs: Sequence[tuple[FloatArray, tuple[str, ...]]],
    stack: Stack,
    complete: BoolArray,
    first: int,
    system: bool,
    constant: bool,
    time_equation: str,
    ones: bool = False,
) -> tuple[Instruments, tuple[str, ...]]:
    T, N = complete.shape
    b = _Builder(stack, first, T, N)
    member = np.full(len(panel.entities), -1, dtype=np.int64)
    member[panel.entity_codes[design.rows]] = design.entity
    inside = np.flatnonzero(member[panel.entity_codes] >= 0)
    entity, period = member[panel.entity_codes[inside]], panel.ordinals[inside] - first
    sets: list[str] = []
    for style in spec.gmm:
        values, names = evaluate_terms(style.variables, panel)
        for name, column in zip(names, values.T, strict=True):
            _add_gmm(b, name, column[inside], style, len(sets), entity, period, system)
        sets.append(str(style))
    period_d = design.time - first
    for iv_style, (values, names) in zip(spec.iv, ivs, strict=True):
        for name, column in zip(names, values.T, strict=True):
            own = scatter(column[design.rows], design.entity, period_d, (T, N))
            _add_iv(b, name, own, complete, iv_style.equation, len(sets), spec.transform, system)
        sets.append(str(iv_style))
    if "time" in spec.effects:
        present = np.flatnonzero(complete.any(axis=1))
        if design.intercept or not system:
            present = present[1:]
        labels = panel.calendar.labels(present + first)
        for t, label in zip(present, labels, strict=True):
            dummy = np.zeros((T, N))
            dummy[t] = complete[t]
            _add_iv(
                b, f"time[{label}]", dummy, complete, time_equation, len(sets), spec.transform,
                system,
            )  # fmt: skip
        sets.append("time effects")
    if system and design.intercept:
        b.ordinary("Intercept", len(sets), "level", None, complete.astype(float))
        sets.append("constant")
    if constant:
        b.ordinary("Intercept", len(sets), "transformed", np.ones((T, N)), None)
        sets.append("constant")
    if ones:
        for t in stack.period:
            row = np.zeros((T, N))
            row[t] = 1.0
            label = panel.calendar.label(int(t) + first)
            b.ordinary(f"one[{label}]", len(sets), "transformed", row, None)
        sets.append("constant of the moments")
    z = b.build()
    if not z.count:
        raise IdentificationError(
            f"{spec.formula!r}: no instrument is left. The lags asked for "
            f"({', '.join(sets) or 'none'}) do not exist in a panel of {T} periods; name shorter "
            "lags or other variables in gmm= and iv=."
        )
    return z, tuple(sets)


def _add_gmm(
    b: _Builder,
    name: str,
    values: FloatArray,
    style: GMMStyle,
    group: int,
    entity: IntArray,
    period: IntArray,
    system: bool,
) -> None:
    known = ~np.isnan(values)
    shape = (b.T, b.N)
    x = scatter(np.where(known, values, 0.0), entity, period, shape)
    if style.equation != "level":
        b.lags(name, style, group, b.source(x), "transformed", style.lags)
    if system and style.equation != "transformed":
        has = scatter(known.astype(float), entity, period, shape) > 0
        change, _ = transform(x, has, "fd")
        lags = style.lags if style.equation == "level" else level_lag(style.lags)
        b.lags(name, style, group, b.source(change), "level", lags)


def level_lag(lags: tuple[int, int | None]) -> tuple[int, int]:
    """The one lag of the change that instruments levels: a - 1, nearer to the present where the
    lags reach into the future (the rule of xtabond2, Roodman 2009, footnote 22)."""
    first, last = lags
    if last is not None and last < 0:
        return last - 1, last - 1
    if first <= 0:
        return 0, 0
    return first - 1, first - 1


def _add_iv(
    b: _Builder,
    name: str,
    values: FloatArray,
    complete: BoolArray,
    equation: str,
    group: int,
    kind: str,
    system: bool,
) -> None:
    known = complete & ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    moved = transform(filled, known, kind)[0] if equation != "level" else None
    level = filled if system and equation != "transformed" else None
    if not system:
        equation = "transformed"
    b.ordinary(name, group, equation, moved, level)
