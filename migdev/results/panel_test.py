"""A test that keeps what it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migdev.results.statistic import TestStatistic


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTest(TestStatistic):
    """A :class:`TestStatistic` with its ingredients.

    Attributes
    ----------
    detail : mapping
        ``"by_entity"`` holds a frame with one row per entity where the test has one; other entries
        are named in the docstring of the test.
    """

    __test__ = False  # not a test class for pytest

    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)
