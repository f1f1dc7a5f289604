"""Estimated fixed effects by factor and level, and what identifies them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from migdev.kernels.absorb.components import components_of, cross_tab
from migdev.kernels.absorb.effects import recover_effects
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.protocols import Data


@dataclass(frozen=True, slots=True, eq=False)
class Effects(Mapping[str, "pd.Series[float]"]):
    r"""Estimated effects: a mapping from factor to a Series by level.

    .. math:: \hat y_t - x_t'\hat\beta = \sum_f \hat\alpha^f_{g_f(t)} \quad (1)

    The dummies of several factors are redundant: the sum (1) is estimated, its split among factors
    is a convention. Here the first factor holds the level, and every other one averages zero (over
    the rows, by their weights): within each connected component for the second factor, over
    all rows for further ones. Two levels of one factor can be compared within a component only.

    Attributes
    ----------
    by_factor : mapping from factor to Series
    component : mapping from factor to Series
        Connected component of each level, of the first two factors.
    components : int
        Their number; with one factor, its levels.
    """

    by_factor: Mapping[str, pd.Series[float]]
    component: Mapping[str, pd.Series[int]]
    components: int

    def __getitem__(self, factor: str) -> pd.Series[float]:
        return self.by_factor[factor]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_factor)

    def __len__(self) -> int:
        return len(self.by_factor)

    @property
    def identification(self) -> str:
        """What the effects can be compared with, in words."""
        first, *others = self.by_factor
        if not others:
            return f"each effect of {first} is the level of its own rows"
        many = f"each of {self.components} connected components, and are comparable only there"
        text = (
            f"effects of {first} hold the level; those of {others[0]} average zero within "
            f"{many if self.components > 1 else 'the one connected component'}"
        )
        if len(others) > 1:
            text += (
                f"; those of {' and '.join(others[1:])} average zero over all rows, and further "
                "redundancies among three or more factors are not looked for"
            )
        return text

    def at(self, data: Data) -> tuple[FloatArray, dict[str, list[str]]]:
        """(n,) sums of the effects by row of the data, NaN where a level is not known; and the
        unknown levels by factor."""
        total = np.zeros(len(data))
        unknown: dict[str, list[str]] = {}
        for factor, values in self.by_factor.items():
            labels = levels_of(factor, data)
            found = values.index.get_indexer(labels)
            total += np.where(found >= 0, values.to_numpy()[found], np.nan)
            strange = labels[found < 0]
            if len(strange):
                unknown[factor] = [str(level) for level in strange.unique()]
        return total, unknown

    def __str__(self) -> str:
        parts = [f"{name}\n{values.to_string()}" for name, values in self.by_factor.items()]
        return "\n\n".join([f"Estimated effects: {self.identification}.", *parts])


def estimated_effects(
    values: FloatArray,
    factors: Sequence[str],
    data: Data,
    rows: IntArray,
    weights: FloatArray | None = None,
) -> tuple[Effects, FloatArray]:
    """Effects of the factors that fit ``values`` (n,) on rows of the data best, and what they
    leave (n,)."""
    coded = [pd.factorize(levels_of(name, data)[rows], sort=True) for name in factors]
    codes = [c.astype(np.int64) for c, _ in coded]
    found = recover_effects(values, codes, weights)
    rest = values - np.sum([e[c] for e, c in zip(found, codes, strict=True)], axis=0)
    by_factor = {
        name: pd.Series(
            effect, index=labels if labels.nlevels > 1 else labels.rename(name), name=name
        )
        for name, effect, (_, labels) in zip(factors, found, coded, strict=True)
    }  # fmt: skip
    components, component = len(by_factor[factors[0]]), {}
    if len(factors) > 1:
        first, second = (Groups.from_codes(c) for c in codes[:2])
        components, of_second = components_of(cross_tab(first, second))
        of_first = np.empty(first.size, dtype=np.int64)
        of_first[first.codes] = of_second[second.codes]
        component = {
            name: pd.Series(labels, index=by_factor[name].index, name="component")
            for name, labels in zip(factors, (of_first, of_second), strict=False)
        }
    return Effects(by_factor, component, components), rest


def levels_of(name: str, data: Data) -> pd.Index:
    """(n,) levels of a factor by row: ``entity``, ``time``, a column, or a product ``a^b``."""
    parts = [part.strip() for part in name.split("^")]
    if len(parts) > 1:
        return pd.MultiIndex.from_arrays([levels_of(p, data) for p in parts], names=parts)
    if name in ("entity", data.entity):
        return data.entities[data.entity_codes]
    if name in ("time", data.time):
        periods, codes = np.unique(data.ordinals, return_inverse=True)
        return data.calendar.labels(periods)[codes]
    levels: pd.Index = pd.Index(data[name])
    return levels
