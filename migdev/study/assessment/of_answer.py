"""What an answer says beyond its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from migdev.report.words import ruled_out_words
from migdev.study.assessment.by_margin import by_margin
from migdev.study.assessment.decidability import Decidability, decidability
from migdev.study.assessment.identification import effects_earned
from migdev.study.assessment.parts import lone_part
from migdev.study.assessment.rival_evidence import RivalEvidence, rival_evidence
from migdev.study.assessment.ruled_out import RuledOut, ruled_out
from migdev.study.assessment.threats import Threats, threats

if TYPE_CHECKING:
    from migdev.study.answer import Answer


class LoneAssessment:
    """Properties of an :class:`~migdev.Answer`, of its primary specification."""

    __slots__ = ()

    @property
    def _answer(self) -> Answer:
        return cast("Answer", self)

    @property
    def designs(self) -> dict[str, str]:
        """Class of design of each specification that was fitted."""
        answer = self._answer
        return {name: answer.study.specs[name].design_class for name in answer.focal}

    @property
    def agreeing(self) -> set[str]:
        """Classes of design of which every fitted specification has the primary's sign."""
        answer = self._answer
        if answer.estimate is None:
            return set()
        sign, by_class = np.sign(answer.estimate.estimate), dict[str, list[float]]()
        for name, design in self.designs.items():
            by_class.setdefault(design, []).append(float(np.sign(answer.focal[name].estimate)))
        return {s for s, signs in by_class.items() if all(v == sign for v in signs)}

    @property
    def is_effect(self) -> bool:
        """Whether the design of the primary specification lets its estimate be called an effect;
        else it is an association."""
        name = self._answer.primary
        return name is not None and effects_earned([self.designs[name]])

    @property
    def decidability(self) -> Decidability | None:
        """What could have been established, whatever the estimate; None where nothing was
        fitted."""
        part = lone_part(self._answer)
        if part is None:
            return None
        classes = sorted(set(self.designs.values()))
        limit = (
            "supported and contradicted could not have been reached by any estimate: all "
            f"specifications are of one class of design ({classes[0]})"
        )
        return decidability(part, (limit,) if len(classes) == 1 else ())

    @property
    def evidence(self) -> RivalEvidence | None:
        """Bayes factors and GORICA weights of what the views predict; None without a smallest
        effect of interest."""
        part = lone_part(self._answer)
        return None if part is None or not part.bounds.all() else rival_evidence(part)

    @property
    def ruled_out(self) -> RuledOut | None:
        """What the primary specification rules out; None where nothing was fitted."""
        answer, name = self._answer, self._answer.primary
        if name is None:
            return None
        return ruled_out(answer.hypothesis, self._term, answer.focal[name], answer.fits[name])

    @property
    def rules_out(self) -> str:
        """What the data rule out, in a sentence."""
        out = self.ruled_out
        return "" if out is None else ruled_out_words(out, self._answer.panel, self.is_effect)

    def by_margin(self) -> pd.DataFrame:
        """The verdict as a function of the smallest effect of interest."""
        return by_margin(self._answer)

    @property
    def threats(self) -> Threats | None:
        """Measurement and reverse causation in numbers, where the primary specification is a
        least-squares association."""
        answer, name = self._answer, self._answer.primary
        if name is None or self.is_effect:
            return None
        return threats(answer.fits[name], self._term, answer.focal[name])

    @property
    def _term(self) -> str:
        """The focal parameter as the primary specification writes it."""
        answer = self._answer
        spec = answer.study.specs.get(answer.primary or "")
        return (spec.term if spec else "") or answer.hypothesis.term
