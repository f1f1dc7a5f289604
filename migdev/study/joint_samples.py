"""Samples of a joint study: the declared rows, and those that leave a region out."""

from __future__ import annotations

from typing import Any

from migdev.errors import PanelError, listing
from migdev.panel.panel import Panel


def rows_within(panel: Panel, column: str) -> Panel:
    """The rows in which a column is 1; all for ``""``.

    Raises
    ------
    PanelError
        The panel has no such column, or it is 1 in no row.
    """
    if not column:
        return panel
    if column not in panel:
        raise PanelError(
            f"The sample is of the rows in which {column!r} is 1, and the panel has no such "
            "column. Prepare the panel by the question, with the series that the column is made "
            "from, or name another."
        )
    rows = (panel[column] == 1).to_numpy(dtype=bool)
    if not rows.any():
        raise PanelError(f"The column {column!r}, which marks the sample, is 1 in no row.")
    return panel.where(rows, f"not in {column!r}")


def regions_left_out(panel: Panel, region: str) -> tuple[list[Any], tuple[str, ...]]:
    """Regions to leave out one at a time, and why there are none."""
    if not region:
        return [], ()
    if region not in panel:
        return [], (f"The panel has no column {region!r}, so no region is left out in turn.",)
    values = sorted(panel[region].dropna().unique())
    if len(values) < 2:
        found = listing(values) if values else "no region at all"
        return [], (f"The panel holds {found} alone, so no region is left out in turn.",)
    return values, ()
