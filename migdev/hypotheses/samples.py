"""Samples by income: today's groups, and what countries were when the data begin."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from migdev.hypotheses.variables import low_and_middle_income
from migdev.kernels.arrays.types import BoolArray
from migdev.panel.panel import Panel

#: Marks of the samples, columns that are 1 in their rows.
TODAY, AT_START = "low_middle_income_today", "low_middle_income_at_start"
GNI = "NY.GNP.PCAP.CD"
#: Where high income began when the World Bank first drew the line, in US$ of 1987.
LINE = 6000.0
#: Years in which a first income may be seen.
START = (1987, 1995)


def income_samples(panel: Panel) -> dict[str, BoolArray]:
    """Which entities (N,) are of low or middle income, by today's group and at the start.

    A sample by today's group leaves out those who grew rich, which may be what remittances do; the
    sample at the start does not. There a country is in whose gross national income per head was at
    most 6,000 US$ in 1987, the first year that the World Bank classified, or in the first year to
    1995 in which it is known; where it is not, today's group decides. The second sample is left
    out where the panel has no such series.

    Where the panel has no income groups, every country is in the first.
    """
    today = low_and_middle_income(panel)
    found = {TODAY: np.asarray(panel.entities.isin(today.entities))}
    if GNI in panel:
        years = pd.Series(panel.ordinals, index=panel.frame.index)
        known = panel[GNI].notna() & years.between(*START)
        rows = np.flatnonzero(known.to_numpy(dtype=bool))
        codes, first = np.unique(panel.entity_codes[rows], return_index=True)
        poor = found[TODAY].copy()
        poor[codes] = panel[GNI].to_numpy(dtype=float)[rows[first]] <= LINE
        found[AT_START] = poor
    return found


def of_any(panel: Panel, samples: dict[str, BoolArray], names: Collection[str]) -> Panel:
    """The rows of the entities in any of the named samples; the history tells where the panel does
    not say what today's groups are."""
    if "income_group" not in panel:
        return low_and_middle_income(panel)
    either = np.any([inside for name, inside in samples.items() if name in names], axis=0)
    return panel.where(either[panel.entity_codes], "high income, today and at the start")


def mark(panel: Panel, labels: pd.Index, samples: dict[str, BoolArray]) -> Panel:
    """The panel with a column for each sample, 1 in the rows of its entities (``labels`` (N,))."""
    where = labels.get_indexer(panel.entities)[panel.entity_codes]
    columns = {name: inside[where].astype(float) for name, inside in samples.items()}
    return panel.assign(**columns).relabel(
        labels={
            name: f"Of low or middle income {'today' if name == TODAY else 'at the start'}"
            for name in samples
        }
    )
