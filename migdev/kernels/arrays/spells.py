"""Unbroken spells of periods inside entities."""

from __future__ import annotations

import numpy as np

from migdev.kernels.arrays.types import BoolArray, IntArray


def spell_codes(entity: IntArray, time: IntArray) -> IntArray:
    """(n,) codes 0.. of runs of consecutive periods of one entity; rows sorted by entity, time."""
    starts = np.ones(len(entity), dtype=bool)
    starts[1:] = (np.diff(entity) != 0) | (np.diff(time) != 1)
    return np.cumsum(starts) - 1


def longest_spells(entity: IntArray, time: IntArray) -> tuple[BoolArray, IntArray]:
    """(n,) rows in each entity's longest unbroken spell (the latest of equals), and the codes of
    entities that have more than one.

    Parameters
    ----------
    entity, time : (n,)
        Rows sorted by entity, then time.
    """
    spell = spell_codes(entity, time)
    owner = entity[np.unique(spell, return_index=True)[1]]
    broken = np.flatnonzero(np.bincount(owner) > 1)
    if not len(broken):
        return np.ones(len(entity), dtype=bool), broken
    length = np.bincount(spell)
    order = np.lexsort((np.arange(len(length)), length, owner))
    last = np.append(owner[order][1:] != owner[order][:-1], True)
    return np.isin(spell, order[last]), broken
