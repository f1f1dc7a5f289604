"""Samples by income: today's groups, and what countries were when the data begin."""

from __future__ import annotations

import numpy as np
import pandas as pd

from migdev.errors import PanelError
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

    Raises
    ------
    PanelError
        The panel has no income groups.
    """
    if "income_group" not in panel:
        raise PanelError(
            "The sample is of low- and middle-income countries, and the data have no column "
            "'income_group'. Join one that has it, such as md.read_countries(), or a file with "
            "'Low income', 'Lower middle income', 'Upper middle income' and 'High income'."
        )
    group = panel["income_group"].astype(object)
    low = (group.notna() & ~group.isin(["High income", "HIC"])).to_numpy(dtype=bool)
    found = {TODAY: _any_of(panel, low)}
    if GNI in panel:
        years = pd.Series(panel.ordinals, index=panel.frame.index)
        known = panel[GNI].notna() & years.between(*START)
        rows = np.flatnonzero(known.to_numpy(dtype=bool))
        codes, first = np.unique(panel.entity_codes[rows], return_index=True)
        poor = found[TODAY].copy()
        poor[codes] = panel[GNI].to_numpy(dtype=float)[rows[first]] <= LINE
        found[AT_START] = poor
    return found


def _any_of(panel: Panel, rows: BoolArray) -> BoolArray:
    """(N,) entities with such a row."""
    out = np.zeros(len(panel.entities), dtype=bool)
    out[panel.entity_codes[rows]] = True
    return out


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
