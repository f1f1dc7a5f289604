"""Rules shared by tests and the R scripts of the golden numbers."""

from __future__ import annotations

import numpy as np

import migdev as md


def gap_rule(n: int, periods: int) -> np.ndarray:
    """The rows that ``gaps`` of the R scripts keeps: gaps inside, late entry, attrition."""
    i = np.arange(n)
    e, t = i // periods, i % periods
    lost = ((3 * e + 5 * t) % 11 == 0) | ((e % 4 == 2) & (t < 3))
    lost |= (e % 5 == 3) & (t >= periods - 2)
    return ~((e > 0) & lost)


def with_gaps(panel: md.Panel, periods: int) -> md.Panel:
    return panel.where(gap_rule(len(panel), periods), "rule of the golden numbers")


def lower(values: list[float]) -> np.ndarray:
    """A symmetric matrix from its lower triangle by rows."""
    k = int((np.sqrt(8 * len(values) + 1) - 1) / 2)
    out = np.zeros((k, k))
    out[np.tril_indices(k)] = values
    return out + np.tril(out, -1).T
