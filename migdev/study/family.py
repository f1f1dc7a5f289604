"""Family: several answers judged together, with p-values that allow for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from migdev.errors import SpecificationError, listing
from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.cluster_draws import multiplier_statistics
from migdev.options import check_choice
from migdev.robustness.multiplicity import holm, romano_wolf
from migdev.study.decision_rule import Focal, verdict
from migdev.study.hypothesis import Hypothesis
from migdev.study.influence import aligned, influence
from migdev.study.verdict_tests import OUTCOMES, Decisive, decide, decisive_tests

_UNPROVEN = ("supported", "contradicted")

Adjustment = Literal["romano-wolf", "holm"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One focal parameter of a family.

    Attributes
    ----------
    name : str
    hypothesis : Hypothesis
    focal : Focal
    influence : Series or None
        What each entity adds to the estimate, by label; None where the fit keeps no scores.
    verdict : str
        Without correction.
    agreed : bool
        Whether two identification strategies give its sign, where the study asks for that.
    """

    name: str
    hypothesis: Hypothesis
    focal: Focal
    influence: pd.Series | None
    verdict: str
    agreed: bool


@dataclass(frozen=True, eq=False)
class Family:
    r"""Answers that share a correction for multiplicity.

    Holm's p-values hold whatever the dependence between the estimates; those of Romano and Wolf
    use it. Their joint draws give every entity one random sign, shared by all the answers, on the
    influence of the entity on each focal parameter (see
    :func:`migdev.kernels.sandwich.cluster_draws.multiplier_statistics`); entities are matched by
    label, so the answers may rest on different samples. A focal parameter that is not linear in the
    coefficients enters by its gradient (delta method).

    The verdicts are corrected outcome by outcome: of all the members that could be called
    supported (contradicted, of no effect), the chance of calling any one so wrongly is at most
    the level.

    Parameters
    ----------
    answers : sequence or mapping from name to Answer or JointAnswer
        A joint answer brings all its components.
    level : float, optional
        That of the hypotheses, if they share one.
    adjust : {"romano-wolf", "holm"}
        Whose p-values the verdicts read.
    draws, seed : int

    Raises
    ------
    SpecificationError
        The answers have no entity in common, or differ in level and none is given.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    Romano and Wolf (2005), Econometrica 73, 1237-1282.
    """

    answers: Sequence[Any] | Mapping[str, Any]
    level: float | None = None
    adjust: Adjustment = "romano-wolf"
    draws: int = 9999
    seed: int = 20240101

    def __post_init__(self) -> None:
        check_choice("adjust", self.adjust, Adjustment)
        if not self.members:
            raise SpecificationError(
                "A family needs at least one answer with a specification that was fitted"
                + (f"; not fitted: {listing(self.untested)}." if self.untested else ".")
            )
        if self.draws < 1:
            raise SpecificationError(f"draws={self.draws}; use at least one.")
        if self.level is not None and not 0 < self.level < 0.5:
            raise SpecificationError(f"level={self.level} is not between 0 and 0.5.")
        levels = {m.hypothesis.level for m in self.members}
        if self.level is None and len(levels) > 1:
            raise SpecificationError(
                f"The hypotheses are tested at different levels, {listing(sorted(levels))}; say "
                "which one holds for the family with level=..."
            )

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The focal parameters that were estimated."""
        given = self.answers
        pairs = (
            list(given.items())
            if isinstance(given, Mapping)
            else [(_title(a), a) for a in given]
        )  # fmt: skip
        found = [m for name, answer in pairs for m in _members(name, answer, len(pairs) > 1)]
        twice = [m.name for i, m in enumerate(found) if m.name in {x.name for x in found[:i]}]
        if twice:
            raise SpecificationError(
                f"The name {twice[0]!r} stands for two answers; pass a mapping from names to "
                "answers."
            )
        return tuple(found)

    @property
    def untested(self) -> tuple[str, ...]:
        """Answers of which no specification could be fitted; they take no part."""
        if isinstance(self.answers, Mapping):
            pairs = list(self.answers.items())
        else:
            pairs = [(_title(a), a) for a in self.answers]
        return tuple(name for name, a in pairs if not hasattr(a, "main") and a.estimate is None)

    @property
    def unkept(self) -> tuple[str, ...]:
        """Members whose fits keep no scores by entity, so that they cannot be drawn jointly."""
        return tuple(m.name for m in self.members if m.influence is None)

    @property
    def method(self) -> str:
        """Whose p-values the verdicts read: Holm's where some member cannot be drawn jointly."""
        return "holm" if self.unkept else self.adjust

    @cached_property
    def statistics(self) -> FloatArray:
        """(draws, m) joint draws of the t statistics under their nulls; empty without scores."""
        if self.unkept or not self.members:
            return np.empty((0, len(self.members)))
        psi, present = aligned([m.influence for m in self.members])
        rng = np.random.default_rng(self.seed)
        return multiplier_statistics(psi, present, rng, self.draws)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per focal parameter: estimate, p-values of zero as they are and corrected, and
        the verdicts without and with correction."""
        members = self.members
        raw = np.array([m.focal.pvalue for m in members])
        t = np.array([m.focal.estimate / m.focal.std_error for m in members])
        wolf = np.full(len(members), np.nan)
        if len(self.statistics):
            # No correction may lower a p-value, which draws alone can do in the tails.
            wolf = np.maximum(romano_wolf(t, self.statistics), raw)
        return pd.DataFrame(
            {
                "estimate": [m.focal.estimate for m in members],
                "std_error": [m.focal.std_error for m in members],
                "p_value": raw,
                "p_holm": holm(raw),
                "p_romano_wolf": wolf,
                "verdict": [m.verdict for m in members],
                "adjusted": self._judge(),
            },
            index=pd.Index([m.name for m in members], name="hypothesis"),
        )

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdict of each member under the correction."""
        return dict(zip(self.frame.index, self.frame["adjusted"], strict=True))

    def _judge(self) -> list[str]:
        tests = [
            decisive_tests(m.hypothesis.prediction, m.focal, m.hypothesis.smallest_effect)
            for m in self.members
        ]
        adjusted: list[dict[str, float]] = [{} for _ in tests]
        for outcome in OUTCOMES:
            places = [i for i, found in enumerate(tests) if outcome in found]
            if places:
                values = self._corrected([tests[i][outcome] for i in places], places)
                for i, p in zip(places, values, strict=True):
                    adjusted[i][outcome] = float(p)
        level = self.members[0].hypothesis.level if self.level is None else self.level
        return [
            "undecided" if outcome in _UNPROVEN and not m.agreed else outcome
            for m, outcome in zip(self.members, (decide(p, level) for p in adjusted), strict=True)
        ]

    def _corrected(self, tests: Sequence[Decisive], places: Sequence[int]) -> FloatArray:
        raw = np.array([test.pvalue for test in tests])
        if self.method == "holm":
            return holm(raw)
        sides = np.array([test.side for test in tests])
        tails = np.array([float(test.factor) for test in tests])
        wolf = romano_wolf(
            [test.statistic for test in tests], self.statistics[:, places] * sides, sided=1
        )
        return np.asarray(np.maximum(np.minimum(1.0, tails * wolf), raw))

    def __str__(self) -> str:
        m = len(self.members)
        lines = [f"Family of {m} focal parameters; verdicts corrected by {_NAMES[self.method]}."]
        lines.append(self.frame.to_string(float_format="{:.4g}".format))
        if self.unkept:
            lines.append(
                f"No joint draws: the fits of {listing(self.unkept)} keep no scores by entity."
            )
        lines += [f"Not tested: {name}: no specification could be fitted" for name in self.untested]
        return "\n".join(lines)


_NAMES = {"romano-wolf": "Romano and Wolf", "holm": "Holm"}


def _title(answer: Any) -> str:
    if hasattr(answer, "main"):
        return "joint"
    h: Hypothesis = answer.hypothesis
    return h.id or h.claim


def _members(name: str, answer: Any, prefix: bool) -> list[Member]:
    if hasattr(answer, "main"):
        found = []
        for c in answer.study.components:
            h, focal = c.hypothesis, answer.main.focal[c.name]
            found.append(
                Member(
                    name=f"{name}: {c.name}" if prefix else c.name, hypothesis=h, focal=focal,
                    influence=influence(answer.main.fits[c.name], c.term),
                    verdict=verdict(h.prediction, focal, h.smallest_effect), agreed=True,
                )
            )  # fmt: skip
        return found
    if answer.estimate is None:
        return []
    spec = answer.study.specs[answer.primary]
    fit = answer.fits[answer.primary]
    return [
        Member(
            name=name, hypothesis=answer.hypothesis, focal=answer.estimate,
            influence=influence(fit, spec.term or answer.hypothesis.term),
            verdict=answer.verdict, agreed=len(answer.agreeing) > 1,
        )
    ]  # fmt: skip
