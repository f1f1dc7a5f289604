"""What stands behind a page: data, sample, software."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from migdev.report.blocks import Bullets, Callout, Descriptions, Details, Text
from migdev.report.words import capital

#: A line of a panel's history that begins so tells where the sample is not the declared one.
NOT_DECLARED = "not the declared sample: "


def not_declared(panel: Any) -> list[str]:
    """Where the sample is not the declared one, as the history of the panel tells."""
    return [
        capital(line.removeprefix(NOT_DECLARED)) + "."
        for line in panel.history
        if line.startswith(NOT_DECLARED)
    ]


def sample_callouts(panel: Any) -> list[Any]:
    """The same beside a verdict, in sight."""
    title = "The sample is not the declared one"
    return [Callout(title, text, tone="warn") for text in not_declared(panel)]


def data_blocks(panel: Any) -> list[Any]:
    """Provenance of the data and how the panel was made."""
    blocks: list[Any] = []
    if panel.provenance:
        rows = [
            {
                "Dataset": p.dataset, "Publisher": p.publisher, "Vintage": p.vintage,
                "Obtained": p.retrieved[:10], "Licence": p.licence,
                "SHA-256": p.sha256[:12], "Request": "" if p.request == p.dataset else p.request,
            }
            for p in panel.provenance
        ]  # fmt: skip
        table = pd.DataFrame(rows).set_index("Dataset")
        silent = [name for name in table.columns if not table[name].astype(bool).any()]
        told = [f"{name.lower()} is not stated" for name in silent
                if name in ("Vintage", "Licence")]  # fmt: skip
        blocks.append(table.drop(columns=silent))
        if told:
            blocks.append(Text(f"For these data the {' and the '.join(told)}."))
        citations = [p.citation for p in panel.provenance if p.citation]
        if citations:
            blocks.append(Bullets(list(dict.fromkeys(citations))))
    else:
        blocks.append(Text("The panel names no source."))
    named = {
        name: f"{panel.labels[name]}{f' ({unit})' if (unit := panel.units.get(name)) else ''}"
        for name in panel.columns
        if panel.labels.get(name)
    }
    if named:
        blocks.append(Details("Variables and their units", (Descriptions(named),)))
    if panel.history:
        blocks.append(Details("How the panel was made", (Bullets(panel.history),)))
    blocks.append(Text(f"Fingerprint of the panel: {panel.fingerprint}."))
    return blocks


def sample_blocks(fits: Iterable[Any]) -> list[Any]:
    """Observations by region and decade in the largest estimation sample."""
    samples = [fit.sample for fit in fits if getattr(fit, "sample", None) is not None]
    if not samples:
        return [Text("No specification keeps its sample.")]
    sample = max(samples, key=lambda s: len(s.rows))
    panel = sample.panel
    years = panel.calendar.year(sample.time)
    decades = [f"{decade}s" for decade in years // 10 * 10]
    where: Any = "All"
    if "region" in panel:
        regions = panel["region"].astype(object)
        where = regions.where(regions.notna(), "Region unknown").to_numpy()[sample.rows]
    counts = pd.crosstab(pd.Series(np.broadcast_to(where, len(years)), name="Region"),
                         pd.Series(decades))  # fmt: skip
    counts["Entities"] = (
        pd.Series(sample.entity).groupby(pd.Series(np.broadcast_to(where, len(years)))).nunique()
    )
    counts.columns.name = None
    return [Text(f"{len(sample.rows):,} observations by region and decade:"), counts]


def simulated(panel: Any) -> str:
    """The notice that data are simulated, where they are."""
    if any("SIMULATED" in p.dataset for p in panel.provenance):
        return "Simulated data: this world describes no country."
    return ""


def software(fits: Iterable[Any]) -> tuple[str, ...]:
    """The packages behind the fits, and their versions."""
    from importlib.metadata import version
    from platform import python_version

    engines = sorted({name for fit in fits for name in fit.facts.engines})
    names = ("migdev", "numpy", "scipy", "pandas", *engines)
    listed = ", ".join(f"{name} {version(name)}" for name in names)
    return (f"{listed}, Python {python_version()}.",)
