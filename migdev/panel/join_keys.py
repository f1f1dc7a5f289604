"""The keys of joined inputs as whole numbers, and where the rows of one stand in another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import PanelError
from migdev.kernels.arrays.types import BoolArray, IntArray
from migdev.panel.join_inputs import TIME, Part


def entity_numbers(
    frames: Sequence[pd.DataFrame], keys: Sequence[str]
) -> tuple[list[IntArray], pd.Index[Any]]:
    """Entities of several frames counted in one numbering.

    Parameters
    ----------
    frames : sequence of DataFrame
        Each with all columns ``keys``, without missing values in them.
    keys : sequence of str
        One column, or several whose combination names the entity.

    Returns
    -------
    codes : list of (n,)
        By frame.
    entities : Index (or MultiIndex)
        Entity of each code.
    """
    columns = [_column_numbers([f[key] for f in frames]) for key in keys]
    codes, level = columns[0]
    if len(keys) == 1:
        return codes, level
    sizes = [len(level) for _, level in columns]
    ends = np.cumsum([len(f) for f in frames])[:-1]
    pooled = [np.concatenate(codes) for codes, _ in columns]
    pairs, flat = np.unique(np.ravel_multi_index(pooled, sizes), return_inverse=True)
    labels = [
        level[at] for (_, level), at in zip(columns, np.unravel_index(pairs, sizes), strict=True)
    ]
    return np.split(flat, ends), pd.MultiIndex.from_arrays(labels, names=list(keys))


def _column_numbers(columns: Sequence[pd.Series[Any]]) -> tuple[list[IntArray], pd.Index[Any]]:
    """One key column of several frames; a column equal to the first is not read again."""
    first = columns[0]
    codes, uniques = pd.factorize(first)
    found, levels = [codes.astype(np.int64, copy=False)], [_plain(uniques)]
    for column in columns[1:]:
        if len(column) == len(first) and _same(column, first):
            found.append(found[0])
            levels.append(levels[0])
        else:
            codes, uniques = pd.factorize(column)
            found.append(codes.astype(np.int64, copy=False))
            levels.append(_plain(uniques))
    if all(level is levels[0] for level in levels):
        return found, levels[0]
    pooled, level = pd.factorize(np.concatenate([np.asarray(one) for one in levels]))
    ends = np.cumsum([len(one) for one in levels])[:-1]
    maps = np.split(pooled, ends)
    return [place[code] for place, code in zip(maps, found, strict=True)], pd.Index(level)


def _plain(uniques: Any) -> pd.Index[Any]:
    """Text as plain objects: categories and string types would not meet otherwise."""
    index: pd.Index[Any] = pd.Index(uniques)
    return index if pd.api.types.is_numeric_dtype(index.dtype) else index.astype(object)


def _same(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    if one.dtype != other.dtype:
        return False
    same = one.array is other.array or one.array.equals(other.array)
    return bool(same)


@dataclass(frozen=True, slots=True)
class Place:
    """Entity and period of each row of an input, as whole numbers.

    Attributes
    ----------
    entities : Index
        Entity of each code, of all inputs.
    span : int
        Periods from the first to the last of all inputs.
    codes, periods : (n,)
        None where the input has no entities, or no periods.
    """

    entities: pd.Index[Any]
    span: int
    codes: IntArray | None
    periods: IntArray | None

    def keys(self, level: str) -> IntArray:
        """(n,) one number per entity, period, or pair of them."""
        if level == "period":
            assert self.periods is not None
            return self.periods
        assert self.codes is not None
        if level == "entity":
            return self.codes
        assert self.periods is not None
        keys: IntArray = self.codes * self.span + self.periods
        return keys

    def cells(self, level: str) -> int:
        """Bound of the keys."""
        n = len(self.entities)
        return {"period": self.span, "entity": n, "panel": n * self.span}[level]

    @property
    def n_entities(self) -> int:
        assert self.codes is not None
        return int(np.count_nonzero(np.bincount(self.codes)))

    def without(self, matched: BoolArray) -> tuple[object, ...]:
        """Entities none of whose rows is matched, in order where they have one."""
        if self.codes is None or matched.all():
            return ()
        n = len(self.entities)
        held = np.bincount(self.codes, minlength=n) > 0
        held &= np.bincount(self.codes[matched], minlength=n) == 0
        found = self.entities[held]
        with suppress(TypeError):  # numbers beside text
            found = found.sort_values()
        return tuple(found)

    def take(self, rows: BoolArray) -> Place:
        codes, periods = (
            None if part is None else part[rows] for part in (self.codes, self.periods)
        )
        return replace(self, codes=codes, periods=periods)

    def append(self, other: Place) -> Place:
        assert self.codes is not None and self.periods is not None
        assert other.codes is not None and other.periods is not None
        return replace(
            self,
            codes=np.concatenate([self.codes, other.codes]),
            periods=np.concatenate([self.periods, other.periods]),
        )


class Table:
    """Rows of an input by its keys, each of which occurs once."""

    def __init__(self, place: Place, level: str) -> None:
        self.place, self._keys, self._cells = place, place.keys(level), place.cells(level)
        self._rows: IntArray | None = None
        self._index: pd.Index[Any] | None = None

    @property
    def fresh(self) -> bool:
        """No key occurs twice."""
        keys = self._keys
        if bool((keys[1:] > keys[:-1]).all()):
            return True
        self._fill()
        if self._index is not None:
            return bool(self._index.is_unique)
        assert self._rows is not None
        return bool((self._rows[keys] == np.arange(len(keys))).all())

    def _fill(self) -> None:
        if self._rows is not None or self._index is not None:
            return
        if self._cells <= 8 * len(self._keys) + 1024:  # nearly every cell is taken: no hashing
            self._rows = np.full(self._cells, -1, dtype=np.int64)
            self._rows[self._keys] = np.arange(len(self._keys))
        else:
            self._index = pd.Index(self._keys)

    @property
    def repeated(self) -> BoolArray:
        """(n,) rows whose key came before."""
        return pd.Index(self._keys).duplicated()

    def has(self, keys: IntArray) -> bool:
        """These are its keys, in its order."""
        return len(keys) == len(self._keys) and bool(np.array_equal(keys, self._keys))

    def find(self, keys: IntArray) -> IntArray | None:
        """(n,) row of each key, -1 where there is none; None where the keys are its own."""
        if self.has(keys):
            return None
        self._fill()
        if self._rows is not None:
            return self._rows[keys]
        assert self._index is not None
        return self._index.get_indexer(pd.Index(keys)).astype(np.int64, copy=False)


@dataclass(frozen=True, slots=True)
class Tables:
    """Where the rows of the first input stand, and tables of the others."""

    first: Place
    others: tuple[Table, ...]


def match_tables(parts: Sequence[Part], keys: Sequence[str], clock: str) -> Tables:
    """Whole-number keys of all inputs.

    Raises
    ------
    PanelError
        A key that occurs twice in an input.
    """
    named = [part for part in parts if part.level != "period"]
    codes, entities = entity_numbers([part.frame for part in named], keys)
    owners = {id(part): code for part, code in zip(named, codes, strict=True)}
    times = {id(p): p.frame[TIME].to_numpy(dtype=np.int64) for p in parts if p.level != "entity"}
    periods, span = _period_numbers(times, len(entities))
    tables: list[Table] = []
    for part in parts:
        place = Place(entities, span, owners.get(id(part)), periods.get(id(part)))
        like = tables[0] if tables and part.level == "panel" else None
        if like is not None and like.has(place.keys("panel")):
            tables.append(like)
            continue
        tables.append(Table(place, part.level))
        if not tables[-1].fresh:
            _refuse_repeats(part, tables[-1].repeated, list(keys), clock)
    return Tables(tables[0].place, tuple(tables[1:]))


def _period_numbers(times: dict[int, IntArray], n_entities: int) -> tuple[dict[int, IntArray], int]:
    """Periods from 0, and their number; without the gaps where these are too wide to count."""
    low = min(int(t.min()) for t in times.values() if len(t))
    span = max(int(t.max()) for t in times.values() if len(t)) - low + 1
    if span * n_entities < 2**62:
        return {key: t - low for key, t in times.items()}, span
    found, flat = np.unique(np.concatenate([*times.values()]), return_inverse=True)
    ends = np.cumsum([len(t) for t in times.values()])[:-1]
    return dict(zip(times, np.split(flat, ends), strict=True)), len(found)


def _refuse_repeats(part: Part, twice: BoolArray, keys: list[str], clock: str) -> None:
    by = {"panel": [*keys, TIME], "entity": keys, "period": [TIME]}[part.level]
    row = part.frame.loc[twice, by].iloc[0].tolist()
    if part.calendar is not None:
        row[-1] = part.calendar.label((row[-1] - part.calendar.origin) // part.calendar.delta)
    names = [clock if k == TIME else k for k in by]
    hint = "; if it has periods, name their column with time=" if part.level == "entity" else ""
    raise PanelError(
        f"{part.name!r} holds {int(twice.sum())} repeated ({', '.join(names)}), first "
        f"{tuple(row)}{hint}. Aggregate them, or name a finer key."
    )
