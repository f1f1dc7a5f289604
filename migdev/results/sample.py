"""The rows behind an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migdev.kernels.arrays.types import IntArray
from migdev.panel.recipe import Recipe
from migdev.protocols import Data


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """The rows behind an estimate, and what was left out.

    Attributes
    ----------
    panel : Data
        What was fitted to, as a rule a :class:`~migdev.Panel`.
    rows : (n,)
        Rows of the data.
    entity, time : (n,)
        Codes of the entities present, and ordinal periods.
    dropped : mapping from reason to number of rows
    dropped_columns : mapping from column to reason
    recipe : Recipe, optional
        How the columns of the design were made.
    """

    panel: Data
    rows: IntArray
    entity: IntArray
    time: IntArray
    dropped: Mapping[str, int] = field(default_factory=dict)
    dropped_columns: Mapping[str, str] = field(default_factory=dict)
    recipe: Recipe | None = field(default=None, repr=False)
