"""What a joint answer says beyond its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from migdev.errors import SpecificationError, listing, suggestion
from migdev.report.words import ruled_out_words
from migdev.study.assessment.at_margins import AtMargins, at_margins
from migdev.study.assessment.by_margin import joint_by_margin
from migdev.study.assessment.decidability import Decidability, decidability
from migdev.study.assessment.identification import design_of, effects_earned
from migdev.study.assessment.parts import joint_parts
from migdev.study.assessment.rival_evidence import RivalEvidence, rival_evidence
from migdev.study.assessment.ruled_out import RuledOut, ruled_out
from migdev.study.assessment.threats import Threats, threats
from migdev.study.dimension import Dimension

if TYPE_CHECKING:
    from migdev.study.joint_answer import JointAnswer


class JointAssessment:
    """Properties of a :class:`~migdev.study.joint_answer.JointAnswer`, part by part."""

    @property
    def _answer(self) -> JointAnswer:
        return cast("JointAnswer", self)

    @cached_property
    def decidability(self) -> Decidability:
        """What could have been established of each part and pattern, whatever the estimates."""
        return decidability(joint_parts(self._answer))

    @cached_property
    def evidence(self) -> RivalEvidence:
        """Bayes factors and GORICA weights of the patterns."""
        return rival_evidence(joint_parts(self._answer))

    @cached_property
    def ruled_out(self) -> dict[str, RuledOut]:
        """What is ruled out of each part."""
        main = self._answer.main
        found = {}
        for c in self._answer.study.components:
            index = isinstance(c, Dimension)
            found[c.name] = ruled_out(
                c.hypothesis, c.hypothesis.term if index else c.term, main.focal[c.name],
                main.fits[c.name], standardised=index,
            )  # fmt: skip
        return found

    @property
    def rules_out(self) -> dict[str, str]:
        """What is ruled out of each part, in a sentence."""
        panel = self._answer.panel
        return {
            name: ruled_out_words(out, panel, effects_earned([self.designs[name]]))
            for name, out in self.ruled_out.items()
        }

    def by_margin(self) -> pd.DataFrame:
        """The verdict as all smallest effects of interest are scaled."""
        return joint_by_margin(self._answer)

    def at_margins(self, margins: Mapping[str, float] | None = None) -> AtMargins:
        """Standings, tests and verdict had other margins been declared.

        Parameters
        ----------
        margins : mapping from part to its smallest effect of interest, optional
            Parts that are not named keep the declared one.

        Raises
        ------
        SpecificationError
            A part that the study has not, or a margin that is not above zero.
        """
        parts = joint_parts(self._answer)
        given = dict(margins or {})
        strange = [name for name in given if name not in parts.names]
        if strange:
            raise SpecificationError(
                f"{strange[0]!r} is no part of this study.{suggestion(strange[0], parts.names)} "
                f"Parts: {listing(parts.names)}."
            )
        low = [name for name, margin in given.items() if not margin > 0]
        if low:
            raise SpecificationError(
                f"The margin of {low[0]!r} is {given[low[0]]}; a margin is above zero."
            )
        declared = zip(parts.names, parts.bounds.tolist(), strict=True)
        bounds = np.array([given.get(name, bound) for name, bound in declared])
        return at_margins(parts, bounds, self._answer.study.null)

    @property
    def designs(self) -> dict[str, str]:
        """Class of design of each part."""
        return {
            c.name: design_of(c.estimator, getattr(c.spec, "design", ""))
            for c in self._answer.study.components
        }

    @property
    def is_effect(self) -> bool:
        """Whether the designs of all parts let them be called effects."""
        return effects_earned(self.designs.values())

    @cached_property
    def threats(self) -> dict[str, Threats]:
        """Measurement and reverse causation in numbers, for parts that are associations by least
        squares."""
        main = self._answer.main
        found = {
            c.name: threats(main.fits[c.name], c.term, main.focal[c.name])
            for c in self._answer.study.components
            if not effects_earned([self.designs[c.name]])
        }
        return {name: threat for name, threat in found.items() if threat is not None}
