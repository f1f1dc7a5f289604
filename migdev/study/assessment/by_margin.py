"""The verdict as a function of the margin: what would be said had another one been declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from migdev.study.assessment.at_margins import at_margins
from migdev.study.assessment.parts import joint_parts
from migdev.study.decision_rule import standing

if TYPE_CHECKING:
    from migdev.study.answer import Answer
    from migdev.study.joint_answer import JointAnswer

#: Multiples of the declared margin.
FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
#: Just beyond a margin at which a test turns.
_BEYOND = 1 + 1e-9


def by_margin(answer: Answer) -> pd.DataFrame:
    """Verdict and standing of each view by the smallest effect of interest.

    Returns
    -------
    DataFrame
        By ``margin``, ascending: ``what`` the margin is (multiples of the declared one, those of
        the literature, and the smallest at which "no effect" can be said), ``verdict``, and one
        column per view.
    """
    found, out = answer.estimate, answer.ruled_out
    if found is None or out is None:
        return pd.DataFrame(columns=["what", "verdict"]).rename_axis("margin")
    named = {out.smallest_margin * _BEYOND: "smallest margin for no effect"}
    named |= {margin: name for name, margin in out.margins.items()}
    named |= {factor * out.margin: _times(factor) for factor in FACTORS if out.margin}
    rows = []
    for margin in sorted(named):
        asked = replace(answer.hypothesis, smallest_effect=margin)
        verdict = answer.judged(asked)
        views = {view: standing(p, found, margin) for view, p in asked.rivals.items()}
        rows.append({"margin": margin, "what": named[margin], "verdict": verdict, **views})
    return pd.DataFrame(rows).set_index("margin")


def joint_by_margin(answer: JointAnswer, factors: Sequence[float] = FACTORS) -> pd.DataFrame:
    """Verdict and standing of each pattern as all margins are scaled, or set to a small partial
    correlation.

    Returns
    -------
    DataFrame
        By ``margins``: ``verdict``; of each pattern whether it is established or contradicted; and
        ``p`` of its test.
    """
    parts = joint_parts(answer)
    tried = {_times(factor): factor * parts.bounds for factor in factors}
    small = [
        out.margins.get("small partial correlation, 0.07") for out in answer.ruled_out.values()
    ]
    if all(value is not None for value in small):
        tried["partial correlation 0.07"] = np.array(small, dtype=float)
    rows: list[dict[str, Any]] = []
    for name, bounds in tried.items():
        said = at_margins(parts, bounds, answer.study.null)
        row: dict[str, Any] = {"margins": name, "verdict": said.verdict}
        row |= {k: said.outcome(k) for k in parts.patterns}
        rows.append(row | {f"p {k}": value for k, value in said.pvalues.items()})
    return pd.DataFrame(rows).set_index("margins")


def _times(factor: float) -> str:
    return "declared margin" if factor == 1 else f"{factor:g} times the declared margin"
