"""A fit alone, with what a package asks of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migdev.errors import ReportError
from migdev.identity import rebuild
from migdev.notes import quiet
from migdev.panel.panel import Panel
from migdev.protocols import Covariance
from migdev.replication.numbers import compare, numbers
from migdev.report.table import Table, table
from migdev.results.estimate import Estimate


@dataclass(frozen=True, slots=True)
class SingleFit:
    """An estimate as an answer: its specification is the study, its table the page.

    It judges nothing, so it has no verdict and no plan. ``cov`` is given where it is not the
    covariance of the specification.
    """

    fit: Estimate
    cov: Covariance | None = None

    @property
    def study(self) -> Any:
        return self.fit.spec

    @property
    def panel(self) -> Panel:
        assert self.fit.sample is not None
        assert isinstance(self.fit.sample.panel, Panel)
        return self.fit.sample.panel

    @property
    def fits(self) -> dict[str, Estimate]:
        return {"fit": self.fit}

    @property
    def claim(self) -> str:
        return f"{self.fit.method} of {self.fit.dependent} on {', '.join(self.fit.names)}"

    plan = verdict = reason = ""
    departures = ()

    def page(self) -> Table:
        """The table of the fit, to be saved in several formats."""
        return table(self.fit)


def as_answer(item: Any) -> Any:
    """What a package is written of: an answer as it is, a fit as :class:`SingleFit`.

    Raises
    ------
    ReportError
        It is neither, or a fit that its specification and panel do not give again.
    """
    if hasattr(item, "study") and hasattr(item, "panel"):
        return item
    if not isinstance(item, Estimate):
        raise ReportError(
            f"A package is written of an answer, Study(...).run(panel), or of a fit of migdev, not "
            f"of a {type(item).__name__}."
        )
    sample = item.sample
    if item.spec is None or sample is None or not isinstance(sample.panel, Panel):
        raise ReportError(
            f"This result of {item.method!r} keeps no specification or no panel, so nothing can "
            "run it again. Package a fit of migdev, or a Study whose estimator makes it."
        )
    with quiet():
        again = rebuild(item.spec).fit(sample.panel)
        if not _differ(item, again):
            return SingleFit(item)
        if item.cov_spec is not None and again.moments is not None:
            again = again.with_cov(rebuild(item.cov_spec))
    if found := _differ(item, again):
        raise ReportError(
            f"The specification of this fit does not give it again on its panel: {found[0]}. Write "
            "a package of what spec.fit(panel) returns."
        )
    return SingleFit(item, item.cov_spec)


def _differ(one: Estimate, other: Estimate) -> list[str]:
    return compare(numbers(SingleFit(one)), numbers(SingleFit(other)))
