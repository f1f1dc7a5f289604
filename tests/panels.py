"""Rules shared by tests and the R scripts of the golden numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

import migdev as md


def matrix_panel(start: int = 0, label: str = "", **columns: np.ndarray) -> md.Panel:
    """A panel of entities in rows and periods in columns (N, T), without the rows in which a column
    is missing. Entities are numbers, or named by a format such as ``"C{}"``."""
    N, T = next(iter(columns.values())).shape
    names = [label.format(i) for i in range(N)] if label else np.arange(N)
    frame = {"e": np.repeat(names, T), "t": np.tile(np.arange(start, start + T), N)}
    frame |= {name: values.ravel() for name, values in columns.items()}
    return md.Panel.from_frame(pd.DataFrame(frame).dropna(), entity="e", time="t")


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
