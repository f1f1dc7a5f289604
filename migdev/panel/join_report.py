"""What a join found: keys without a match on either side, columns, vintages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from migdev.errors import listing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JoinReport:
    """Report of :func:`migdev.join`. Every table is a data frame.

    Attributes
    ----------
    summary : DataFrame
        By input: ``level`` (panel, entity or period), ``rows``, ``matched`` rows of the panel so
        far, ``panel_only`` rows of the panel without a match here, ``input_only`` rows of this
        input without a match in the panel, and the same by entity: ``entities_panel_only``,
        ``entities_input_only`` (not matched in any period).
    panel_only, input_only : DataFrame
        The keys behind these counts, with the name of the input.
    columns : DataFrame
        By column of the panel: ``input``, ``original`` name, ``unit``, ``label``.
    vintages : DataFrame
        By input: ``publisher``, ``dataset``, ``vintage``.
    rows : int
        Rows of the panel that came out.
    how : str
    """

    how: str
    rows: int
    summary: pd.DataFrame
    panel_only: pd.DataFrame
    input_only: pd.DataFrame
    columns: pd.DataFrame
    vintages: pd.DataFrame
    messages: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = (
            f"{self.how} join of {len(self.vintages['input'].unique())} inputs: {self.rows:,} rows"
        )
        return "\n".join([head, *(f"- {m}" for m in self.messages)])

    __repr__ = __str__


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """Keys without a match between the panel so far and one input."""

    name: str
    level: str
    rows: int
    matched: int
    panel_rows: int
    panel_entities: int
    panel_only: pd.DataFrame
    input_only: pd.DataFrame
    entities_panel_only: tuple[object, ...]
    entities_input_only: tuple[object, ...]

    def row(self) -> dict[str, object]:
        return {
            "input": self.name, "level": self.level, "rows": self.rows, "matched": self.matched,
            "panel_only": len(self.panel_only), "input_only": len(self.input_only),
            "entities_panel_only": len(self.entities_panel_only),
            "entities_input_only": len(self.entities_input_only),
        }  # fmt: skip

    def message(self, kept: str) -> str:
        """One sentence, empty where every key has its match."""
        parts = []
        if len(self.panel_only):
            text = f"no match for {len(self.panel_only):,} of {self.panel_rows:,} rows of the panel"
            if self.entities_panel_only:
                text += (
                    f" ({len(self.entities_panel_only)} of {self.panel_entities} entities not at "
                    f"all: {listing(self.entities_panel_only)})"
                )
            parts.append(text + (", which are dropped" if kept == "inner" else ""))
        if len(self.input_only):
            text = f"{len(self.input_only):,} of its {self.rows:,} rows have none in the panel"
            if self.entities_input_only:
                text += f" (entities not at all: {listing(self.entities_input_only)})"
            parts.append(text + (", and are added" if kept == "outer" else ", and are left out"))
        return f"{self.name!r} has " + "; ".join(parts) if parts else ""


def code_hint(entities: Sequence[object]) -> str:
    """Which unmatched entities are other codes or names of a country."""
    from migdev.panel.country_match import classify

    words = [e for e in entities if isinstance(e, str)]
    if not words:
        return ""
    table = classify(words)
    other = table[table["how"].isin(["retired code", "two-letter code", "name"])]
    if other.empty:
        return ""
    pairs = [f"{v!r} is {c}" for v, c in zip(other["value"], other["code"], strict=True)]
    more = ", ..." if len(pairs) > 3 else ""
    return f"{', '.join(pairs[:3])}{more}: harmonise() the inputs first"
