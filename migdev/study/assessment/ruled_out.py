"""What the data rule out: the largest effects that are not excluded, in three units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import MigdevError, MigdevWarning
from migdev.evidence.published import GUIDELINES, LITERATURE
from migdev.notes import quiet
from migdev.panel.design import Design
from migdev.study.decision_rule import Focal
from migdev.study.hypothesis import Hypothesis

_SIMPLE = re.compile(r"`?(?:L\((\w+)(?:,\s*\d+)?\)|(\w+))`?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    r"""What is ruled out of one focal parameter by one-sided tests at the level.

    Attributes
    ----------
    low, high : float
        Effects below ``low``, and above ``high``, are ruled out; in natural units.
    margin : float
        The declared smallest effect of interest; 0 where there is none.
    level : float
    correlation : float
        Partial correlation per natural unit, :math:`1 / (s\sqrt{t^2 + \nu})` with standard error
        s, t statistic t and :math:`\nu` residual degrees of freedom; ``nan`` where not known.
    spread : float
        Standard deviations of the outcome per standard deviation of the regressor, both within
        entities on the rows of the fit, per natural unit; ``nan`` where the focal parameter is no
        coefficient of one column.
    standardised : bool
        Natural units are those standard deviations already, as in a summary index.
    published : mapping from name to partial correlation
        What published estimates centre on, corrected for publication bias.
    term, outcome : str
    column : str
        The regressor's column; empty where the focal parameter is no coefficient of one.
    """

    low: float
    high: float
    margin: float
    level: float
    correlation: float
    spread: float
    standardised: bool
    published: Mapping[str, float]
    term: str
    outcome: str
    column: str

    @property
    def smallest_margin(self) -> float:
        """Smallest margin at which the data say "no effect": the farther of the two bounds."""
        return max(abs(self.low), abs(self.high))

    @property
    def margins(self) -> dict[str, float]:
        """Margins of the literature in natural units: partial correlations called small, moderate
        and large by Doucouliagos (2011), and corrected published means."""
        named = {f"{size} partial correlation, {r:.2f}": r for size, r in GUIDELINES.items()}
        named |= {f"published: {name}": r for name, r in self.published.items()}
        if not np.isfinite(self.correlation):
            return {}
        return {name: abs(r) / self.correlation for name, r in named.items()}

    @property
    def frame(self) -> pd.DataFrame:
        """One row per bound and margin: in natural units, as partial correlation, and in standard
        deviations."""
        rows = {
            "largest effect not ruled out, above": self.high,
            "largest effect not ruled out, below": self.low,
            "smallest margin for no effect": self.smallest_margin,
            **({"declared margin": self.margin} if self.margin else {}),
            **self.margins,
        }
        natural = np.array(list(rows.values()))
        return pd.DataFrame(
            {
                "natural": natural, "partial_correlation": natural * self.correlation,
                "standard_deviations": natural * self.spread,
            },
            index=list(rows),
        )  # fmt: skip


def ruled_out(
    hypothesis: Hypothesis, term: str, focal: Focal, fit: Any, *, standardised: bool = False
) -> RuledOut:
    """What is ruled out of the focal parameter of a fit.

    Parameters
    ----------
    hypothesis : Hypothesis
    term : str
        The focal parameter as the specification writes it.
    focal : Focal
    fit : result
    standardised : bool
        It is in standard deviations of outcomes per one of the regressor: a summary index, which
        is no partial correlation.

    References
    ----------
    Doucouliagos (2011), How large is large? Deakin University, School Working Paper SWP 2011/5.
    """
    df = nan if standardised else float(getattr(fit, "df_resid", nan))
    t = focal.estimate / focal.std_error
    known = LITERATURE.get(hypothesis.literature)
    column = column_of(term)
    return RuledOut(
        low=focal.inner_low, high=focal.inner_high, margin=hypothesis.smallest_effect,
        level=hypothesis.level, standardised=standardised,
        spread=1.0 if standardised else _spread(fit, column, term),
        correlation=1 / (focal.std_error * float(np.sqrt(t**2 + df))) if df > 0 else nan,
        published={b.name: b.value for b in known.benchmarks if b.corrected} if known else {},
        term=term, outcome=str(getattr(fit, "dependent", "")), column=column,
    )  # fmt: skip


def column_of(term: str) -> str:
    """The one column of a term, lagged or not; empty for any other expression."""
    found = _SIMPLE.fullmatch(term.strip())
    return "" if found is None else found[1] or found[2]


def _spread(fit: Any, column: str, term: str) -> float:
    """Standard deviation of the regressor over that of the outcome, within entities."""
    sample = getattr(fit, "sample", None)
    if sample is None or not column:
        return nan
    try:
        with quiet(MigdevWarning):  # the fit has told of rows that are left out
            d = Design.build(f"{fit.dependent} ~ {term.strip('`')}", sample.panel, intercept=False)
    except MigdevError:
        return nan
    used = np.isin(d.rows, sample.rows)
    entity = sample.panel.entity_codes[d.rows[used]]
    columns = np.column_stack([d.X[used, 0], d.y[used]])
    counts = np.maximum(np.bincount(entity), 1)
    means = np.column_stack([np.bincount(entity, weights=c) / counts for c in columns.T])
    x, y = np.sqrt(((columns - means[entity]) ** 2).sum(axis=0))
    return float(x / y) if y > 0 else nan
