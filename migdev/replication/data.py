"""The analysis data of a package: written to the last digit, read back the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from migdev.errors import SourceError
from migdev.panel.panel import Panel
from migdev.provenance import Provenance
from migdev.report.escape import to_sheet

OPEN_LICENCES = ("cc by", "cc0", "cc-by", "public domain", "no restrictions", "open")


def may_share(panel: Panel) -> tuple[bool, str]:
    """Whether the licences of a panel's sources allow its data in a package, and why."""
    stated = [p.licence for p in panel.provenance if p.licence]
    closed = [x for x in stated if not any(word in x.lower() for word in OPEN_LICENCES)]
    if closed:
        terms = "; ".join(dict.fromkeys(closed))
        return False, f"the licence does not clearly allow it: {terms}"
    if len(stated) < len(panel.provenance) or not panel.provenance:
        return True, "a source states no licence: check that you may publish its data"
    return True, "; ".join(dict.fromkeys(stated))


def write_data(panel: Panel, folder: Path) -> None:
    """``panel.csv`` and ``panel.json`` (keys, calendar, units and labels)."""
    folder.mkdir(parents=True, exist_ok=True)
    panel.frame.to_csv(folder / "panel.csv", index=False, lineterminator="\n")
    meta = {
        "entity": list(panel.entity_columns),
        "time": panel.time,
        "freq": panel.calendar.freq,
        "delta": panel.calendar.delta,
        "units": dict(panel.units),
        "labels": dict(panel.labels),
        "history": list(panel.history),
        "provenance": [as_plain(p) for p in panel.provenance],
        "integers": [c for c in panel.columns if pd.api.types.is_integer_dtype(panel[c].dtype)],
        "text": [c for c in panel.columns if not pd.api.types.is_numeric_dtype(panel[c].dtype)],
    }
    (folder / "panel.json").write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")


def read_data(folder: str | Path) -> Panel:
    """The panel that :func:`write_data` wrote.

    Raises
    ------
    SourceError
        The data are not in the folder (their licence forbade it): the package's README says how
        to obtain them.
    """
    path = Path(folder)
    if not (path / "panel.csv").exists():
        raise SourceError(
            f"There is no panel.csv in {path.name!r}. Where the licence forbids its publication, "
            "obtain the data as README.md says and put the file there."
        )
    meta = json.loads((path / "panel.json").read_text(encoding="utf-8"))
    frame = pd.read_csv(path / "panel.csv", dtype="str", keep_default_na=False, na_values=[""])
    for name in frame.columns.difference([*meta["text"], *meta["integers"]]):
        frame[name] = frame[name].astype(float)  # Python's float is exact to the last digit
    for name in meta["integers"]:
        frame[name] = frame[name].astype("int64")
    panel = Panel.from_frame(
        frame, entity=meta["entity"], time=meta["time"], freq=meta["freq"], delta=meta["delta"],
        units=meta["units"], labels=meta["labels"],
        provenance=[_provenance(item) for item in meta.get("provenance", ())],
    )  # fmt: skip
    return replace(panel, history=tuple(meta.get("history", ())))


def as_plain(provenance: Provenance) -> dict[str, Any]:
    """A provenance as JSON holds it."""
    return {
        f.name: dict(value) if isinstance(value, Mapping) else value
        for f in fields(provenance)
        for value in [getattr(provenance, f.name)]
    }


def _provenance(item: dict[str, Any]) -> Provenance:
    told: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in item.items()}
    return Provenance(**told)


def codebook(panel: Panel) -> pd.DataFrame:
    """One row per variable: label, unit, type, range and missing values."""
    rows = []
    for name in panel.columns:
        column = panel[name]
        row: dict[str, Any] = {
            "variable": to_sheet(name),
            "label": to_sheet(panel.labels.get(name, "")),
            "unit": to_sheet(panel.units.get(name, "")),
            "type": "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text",
            "n": int(column.notna().sum()),
            "missing": int(column.isna().sum()),
        }
        if row["type"] == "number":
            row |= {
                "mean": column.mean(), "sd": column.std(), "min": column.min(),
                "max": column.max(),
            }  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)
