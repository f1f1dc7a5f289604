"""Standing, patterns and verdict at any margins: what the declared ones give, and every other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from migdev.kernels.arrays.types import FloatArray
from migdev.study.assessment.decidability import attainable_pattern
from migdev.study.assessment.parts import Parts
from migdev.study.cones import intersection_union, outside_pvalue, region_pvalue, union_rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMargins:
    """What the tests say at some margins.

    Attributes
    ----------
    verdict : str
        The pattern that is established ("no effect" for the null pattern); "neither" where every
        pattern is contradicted in some part; else "undecided".
    standings : mapping from pattern to m words
        Each part of each pattern: established, contradicted, undecided.
    pvalues, rejections, attainable : mapping from pattern to p-value
        Of the test that establishes the pattern, of the one that contradicts it, and the best of
        the first that any estimate could have had.
    parts : Parts
        The estimates, at these margins.
    null : str
    """

    verdict: str
    standings: Mapping[str, tuple[str, ...]]
    pvalues: Mapping[str, float]
    rejections: Mapping[str, float]
    attainable: Mapping[str, float]
    parts: Parts
    null: str = ""

    def outcome(self, pattern: str) -> str:
        """Of a pattern as a whole."""
        return outcome(self.pvalues[pattern], self.rejections[pattern], self.parts.level)


def outcome(inside: float, outside: float, level: float) -> str:
    """Established, contradicted, or undecided, by the p-values of the two tests."""
    return "established" if inside < level else "contradicted" if outside < level else "undecided"


def at_margins(parts: Parts, bounds: FloatArray, null: str = "") -> AtMargins:
    """The tests of all patterns at margins ``bounds`` (m,), on the same estimates."""
    parts = replace(parts, bounds=np.asarray(bounds, dtype=float))
    numbers = (parts.theta.tolist(), parts.errors.tolist(), parts.bounds.tolist(), parts.dfs)
    standings = {
        name: tuple(
            outcome(float(region_pvalue(p, *one)), float(outside_pvalue(p, *one)), parts.level)
            for p, *one in zip(predictions, *numbers, strict=True)
        )
        for name, predictions in parts.patterns.items()
    }
    pvalues = {k: intersection_union(v, *numbers) for k, v in parts.patterns.items()}
    rejections = {k: union_rejection(v, *numbers) for k, v in parts.patterns.items()}
    return AtMargins(
        verdict=pattern_verdict(pvalues, rejections, parts.level, null), standings=standings,
        pvalues=pvalues, rejections=rejections, parts=parts, null=null,
        attainable={name: attainable_pattern(parts, name) for name in parts.patterns},
    )  # fmt: skip


def pattern_verdict(
    pvalues: Mapping[str, float], rejections: Mapping[str, float], level: float, null: str
) -> str:
    """The pattern that is established ("no effect" for the null pattern); "neither" where every
    pattern is contradicted in some part; else "undecided"."""
    found = [name for name, p in pvalues.items() if p < level]
    if found:
        return "no effect" if found[0] == null else found[0]
    return "neither" if all(p < level for p in rejections.values()) else "undecided"
