"""Dimension: several outcomes on one regressor, and their summary index."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from migdev.errors import (
    DroppedOutcomeWarning,
    IdentificationError,
    MigdevError,
    SpecificationError,
    listing,
)
from migdev.notes import warn
from migdev.options import check_options
from migdev.panel.panel import Panel
from migdev.results.estimate import Estimate
from migdev.study.decision_rule import Focal, focal_of
from migdev.study.hypothesis import Hypothesis
from migdev.study.index_estimate import INDEX, IndexEstimate, index_estimate
from migdev.study.influence import influence
from migdev.study.outcome import Outcome, ScaleOf, fit_outcome

Weights = Literal["equal", "anderson"]
Correlation = Literal["estimated", "independent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    r"""Several outcomes of one dimension, each on its own sample, and their summary index.

    .. math::
        \hat\theta = \sum_o w_o\,\hat\beta_o, \qquad
        \hat\beta_o = \pm\,\hat b_o\,\frac{s_x}{s_{y_o}} \quad (1)

    with :math:`\hat b_o` the slope of outcome o on the focal regressor beside its controls and
    effects of entity and period, :math:`s_x` the regressor's standard deviation within entities
    (and periods, as declared) and :math:`s_{y_o}` the outcome's, both on the rows of the equation,
    and the sign that orients it. Contributions of entities (CR2) are summed over the outcomes
    before they are squared, so the outcomes may differ in sample and depend on one another as they
    like; degrees of freedom are Satterthwaite's for the whole index (:class:`IndexTraces`).
    Standard deviations and weights are taken as known. It stands in :class:`~migdev.JointStudy`
    beside a :class:`~migdev.Component`; ``hypothesis.smallest_effect`` is in units of the index.

    Parameters
    ----------
    name : str
    hypothesis : Hypothesis
        Its term is the focal regressor, a term of every formula.
    outcomes : tuple of Outcome
    index : {"equal", "anderson"}
        Weights: the mean of Kling, Liebman and Katz, or Anderson's by the inverse correlation of
        the residuals.
    outcome_sd : {"total", "within", "two-way"}
        Standard deviation that outcomes are measured in: over all rows, within entities, or within
        entities and periods, and the regressor with them. Where all entities move together, as
        schooling and money incomes do, only the last makes an index of one outcome near a partial
        correlation.
    correlation : {"estimated", "independent"}
        Between outcomes, in the working model behind the degrees of freedom.
    regressor_of : tuple of str
        Series that the regressor is computed from; no outcome may be made of them.

    Raises
    ------
    SpecificationError
        An outcome contains the regressor by accounting.

    References
    ----------
    Kling, Liebman and Katz (2007), Econometrica 75, 83-119. Anderson (2008), Journal of the
    American Statistical Association 103, 1481-1495. Bell and McCaffrey (2002), Survey
    Methodology 28(2), 169-181.
    """

    name: str
    hypothesis: Hypothesis
    outcomes: tuple[Outcome, ...]
    index: Weights = "equal"
    outcome_sd: ScaleOf = "total"
    correlation: Correlation = "estimated"
    regressor_of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_options(self)
        object.__setattr__(self, "outcomes", tuple(self.outcomes))
        object.__setattr__(self, "regressor_of", tuple(self.regressor_of))
        names = [o.name for o in self.outcomes]
        if not names or len({*names, INDEX}) <= len(names):
            raise SpecificationError(
                f"The dimension {self.name!r} needs outcomes with names of their own, other than "
                f"{INDEX!r}, not {listing(names) if names else 'none'}."
            )
        for outcome in self.outcomes:
            self._refuse_accounting(outcome)

    def _refuse_accounting(self, outcome: Outcome) -> None:
        term, left = self.hypothesis.term, outcome.equation.partition("~")[0]
        shared = [series for series in outcome.made_of if series in self.regressor_of]
        if re.search(rf"(?<![\w.]){re.escape(term)}(?![\w.])", left):
            shared.append(term)
        if shared:
            raise SpecificationError(
                f"The outcome {outcome.name!r} of {self.name!r} contains the regressor by "
                f"accounting: both are made of {listing(shared)}, so they move together whatever "
                "remittances do. Take an outcome that is measured without them."
            )

    # ------------------------------------------------------- what a joint study asks of a component

    formula = ""
    selectable = False
    term = INDEX

    @property
    def spec(self) -> Dimension:
        """Itself: what is fitted."""
        return self

    @property
    def estimator(self) -> Dimension:
        return self

    @property
    def equations(self) -> tuple[str, ...]:
        return tuple(o.equation for o in self.outcomes)

    @property
    def equation(self) -> str:
        return "; ".join(self.equations)

    def fit(self, panel: Panel, weights: str | None = None) -> IndexEstimate:
        """Every outcome on its own rows, and the index.

        Raises
        ------
        IdentificationError
            No outcome has data.

        Warns
        -----
        DroppedOutcomeWarning
            An outcome has none, or cannot be estimated; the index is that of the others.
        """
        parts, left_out = {}, {}
        for outcome in self.outcomes:
            try:
                parts[outcome.name] = fit_outcome(
                    outcome, self.hypothesis.term, panel, self.outcome_sd
                )
            except IdentificationError as error:
                left_out[outcome.name] = str(error)
        if not parts:
            raise IdentificationError(
                f"The dimension {self.name!r} has no data: "
                + "; ".join(f"{name}: {why}" for name, why in left_out.items())
                + " Give data of an outcome, or leave the dimension out of the study."
            )
        for name, why in left_out.items():
            warn(
                f"{self.name!r} is measured without {name!r}: {why}",
                DroppedOutcomeWarning,
                stacklevel=2,
            )
        return index_estimate(
            parts, panel, kind=self.index, estimated=self.correlation == "estimated",
            spec=self, dependent=f"the index of {self.name}", left_out=left_out,
        )  # fmt: skip

    def focal(self, fit: Estimate) -> Focal:
        """The index of a fit, with its tests."""
        h = self.hypothesis
        try:
            return focal_of(fit.lincom(INDEX), bound=h.smallest_effect, level=h.level)
        except MigdevError as error:
            raise IdentificationError(f"The dimension {self.name!r}: {error}") from error

    def influence(self, fit: Estimate) -> pd.Series[float]:
        """What each entity adds to the index."""
        psi = influence(fit, INDEX)
        assert psi is not None  # an index keeps the contributions of its entities
        return psi

    def whitened(self) -> Dimension:
        """The same equations, quasi-differenced by the serial correlation of their errors."""
        outcomes = tuple(replace(o, serial="ar1") for o in self.outcomes if o.formula)
        return replace(self, outcomes=outcomes)

    def exchanged(self, other: str) -> Dimension:
        """The same equations with another regressor."""
        term = self.hypothesis.term
        return replace(
            self, hypothesis=replace(self.hypothesis, term=other), regressor_of=(),
            outcomes=tuple(o.exchanged(term, other) for o in self.outcomes if o.formula),
        )  # fmt: skip
