"""The rows that a marginal effect or a prediction is averaged over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.errors import ResultError
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray
from migdev.options import check_choice
from migdev.results.effects import levels_of
from migdev.results.marginal.columns import Columns
from migdev.results.marginal.surface import Moderator

At = Literal["sample", "means"] | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AveragedRows:
    """Rows at one setting of the variables: X (n, k), index, and where their average goes."""

    changed: dict[str, AnyArray]
    offset: FloatArray
    groups: Groups
    weights: FloatArray
    labels: dict[str, Any]

    def average(self, value: FloatArray, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(g,) weighted means by group of (n,) values, and (g, k) of their derivatives."""
        mass = self.groups.weighted(self.weights)
        means = self.groups.sums(self.weights * value) / mass
        return means, self.groups.sums(self.weights[:, None] * slope) / mass[:, None]


def settings(
    columns: Columns, at: At, by: str | None, weights: str | None
) -> Iterator[AveragedRows]:
    n = columns.rows
    mass = np.ones(n)
    if weights is not None:
        found = columns.values.number(weights)
        if found is None or not (np.isfinite(found).all() and (found >= 0).all() and found.any()):
            raise ResultError(f"weights={weights!r} names no column of weights in the sample.")
        mass = found
    codes, levels = _groups(columns, by)
    groups = Groups.from_codes(codes)
    label = {} if by is None else {by: levels}
    offset = np.zeros(n) if columns.offset is None else columns.offset
    if isinstance(at, str):
        check_choice("at", at, Literal["sample", "means"], ResultError)
        changed = {}
        if at == "means":
            changed = {
                name: _typical(m, groups, mass) for name, m in columns.variables.items()
            }  # fmt: skip
            offset = groups.sums(mass * offset) / groups.weighted(mass)
            groups, mass = Groups.from_codes(np.arange(groups.size)), np.ones(groups.size)
        yield AveragedRows(
            changed=changed, offset=offset, groups=groups, weights=mass, labels=label
        )
        return
    given = {columns.key(name): value for name, value in at.items()}
    lists = [
        columns.variables[name].checked([v] if np.isscalar(v) else list(v))
        for name, v in given.items()
    ]
    for combination in product(*lists):
        chosen = dict(zip(given, combination, strict=True))
        yield AveragedRows(
            changed={
                name: np.full(n, v, dtype=object if isinstance(v, str) else float)
                for name, v in chosen.items()
            },
            offset=offset, groups=groups, weights=mass, labels={**chosen, **label},
        )  # fmt: skip


def _groups(columns: Columns, by: str | None) -> tuple[IntArray, pd.Index]:
    if by is None:
        return np.zeros(columns.rows, dtype=np.int64), pd.Index([""])
    values = columns.values
    if by in ("entity", "time") and values.panel is not None:
        labels = levels_of(by, values.panel)[values.rows]
    else:
        found = values.factor(by)
        if found is None:
            raise ResultError(f"by={by!r} names no column of the sample.")
        labels = pd.Index(pd.Series(found, dtype=object).infer_objects())
    missing = int(np.sum(labels.isna()))
    if missing:
        raise ResultError(f"by={by!r} is missing in {missing} rows of the sample.")
    codes, levels = pd.factorize(labels, sort=True)
    return codes.astype(np.int64), levels


def _typical(m: Moderator, groups: Groups, mass: FloatArray) -> AnyArray:
    """(g,) means of a number by group, the most frequent level of a factor."""
    sample = np.asarray(m.sample)
    if not m.is_factor:
        return groups.sums(mass * sample.astype(float)) / groups.weighted(mass)
    weight = pd.Series(mass).groupby([groups.codes, sample.astype(str)]).sum()
    tops = weight.groupby(level=0).idxmax()
    return np.array([level for _, level in tops], dtype=object)
