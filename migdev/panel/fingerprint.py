"""SHA-256 of a panel's content."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from migdev.panel.panel import Panel


def panel_hash(panel: Panel) -> str:
    """Hash of keys and columns; the same content gives the same hash on any machine."""
    digest = hashlib.sha256()
    frame = panel.frame
    digest.update("\x1f".join(map(str, panel.entities)).encode())
    digest.update(panel.entity_codes.tobytes())
    digest.update(panel.ordinals.tobytes())
    digest.update(repr(panel.calendar).encode())
    for name in sorted(panel.columns):
        column = frame[name]
        digest.update(f"\x1e{name}\x1f".encode())
        if pd.api.types.is_numeric_dtype(column.dtype):
            digest.update(column.to_numpy(dtype=float, na_value=float("nan")).tobytes())
        else:
            text = column.astype(str).to_numpy(dtype=object)
            text[column.isna().to_numpy()] = "\x1d"  # no text of its own: "nan" is another value
            digest.update("\x1f".join(text).encode())
    return digest.hexdigest()
