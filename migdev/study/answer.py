"""Answer: every fit, also the inconvenient ones, and the verdict by the declared rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from migdev.evidence.published import compare
from migdev.panel.panel import Panel
from migdev.report.evidence import not_declared
from migdev.results.statistic import TestStatistic, failed_tests
from migdev.study.assessment.decidability import COULD_NOT, attainable_pvalue, effect_needed
from migdev.study.assessment.of_answer import LoneAssessment
from migdev.study.decision_rule import Focal, standing, verdict
from migdev.study.hypothesis import Hypothesis
from migdev.study.pretest_rules import Ruling, marks
from migdev.study.pretests import Finding, findings_frame

if TYPE_CHECKING:
    from migdev.report.page import Page
    from migdev.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer(LoneAssessment):
    """The outcome of a :class:`~migdev.Study`.

    Attributes
    ----------
    study : Study
    panel : Panel
    fits : mapping from specification to result
    focal : mapping from specification to Focal
    failures : mapping from specification to message
        Specifications that could not be fitted, or do not hold the focal parameter.
    warnings : mapping from specification to messages
        What each fit warned of.
    departures : tuple of str
        How the study departs from its registered plan.
    plan : str
        SHA-256 of that plan; empty where none was registered.
    pretests : tuple of Finding
        What each pre-test found, also those that could not be run.
    rulings : tuple of Ruling
        What each rule of the pre-tests did.
    order : tuple of str
        The order in which specifications may give the verdict, after the rules.
    background : Panel, optional
        The panel of pre-tests that asked for another than that of the equation.
    """

    study: Study
    panel: Panel
    fits: Mapping[str, Any]
    focal: Mapping[str, Focal]
    failures: Mapping[str, str]
    warnings: Mapping[str, tuple[str, ...]]
    departures: tuple[str, ...] = ()
    plan: str = ""
    pretests: tuple[Finding, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    order: tuple[str, ...] = ()
    background: Panel | None = None

    @property
    def hypothesis(self) -> Hypothesis:
        return self.study.hypothesis

    @property
    def primary(self) -> str | None:
        """The specification that gives the verdict: the first of the order that was fitted."""
        order = self.order or self.study.prefer
        return next((name for name in order if name in self.focal), None)

    @property
    def marks(self) -> dict[str, tuple[str, ...]]:
        """What the pre-tests hold against specifications, by specification."""
        return marks(self.rulings)

    @property
    def pretest_frame(self) -> pd.DataFrame:
        """The pre-tests, one row each."""
        return findings_frame(self.pretests)

    @property
    def estimate(self) -> Focal | None:
        """The focal parameter in the primary specification."""
        return None if self.primary is None else self.focal[self.primary]

    @property
    def verdict(self) -> str:
        """``supported``, ``contradicted``, ``no effect`` or ``undecided``."""
        return self._judge(self.hypothesis)[0]

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, in one sentence."""
        return self._judge(self.hypothesis)[1]

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the pre-tests hold against the specification that gives the verdict."""
        return self.marks.get(self.primary or "", ())

    @property
    def minimum_detectable_effect(self) -> float:
        """Smallest effect that the primary specification would have found with 80% power."""
        return float("nan") if self.estimate is None else self.estimate.detectable

    @property
    def views(self) -> dict[str, str]:
        """How each rival view fares with the primary specification."""
        if self.estimate is None:
            return dict.fromkeys(self.hypothesis.rivals, "undecided")
        bound = self.hypothesis.smallest_effect
        return {
            view: standing(prediction, self.estimate, bound)
            for view, prediction in self.hypothesis.rivals.items()
        }

    @property
    def frame(self) -> pd.DataFrame:
        """The focal parameter in every specification, one row each."""
        rows = []
        for name, spec in self.study.specs.items():
            row: dict[str, Any] = {
                "spec": name, "strategy": spec.strategy, "design": spec.design_class,
            }  # fmt: skip
            found = self.focal.get(name)
            if found is not None:
                row |= {
                    "estimate": found.estimate, "std_error": found.std_error,
                    "conf_low": found.low, "conf_high": found.high, "p_value": found.pvalue,
                    "p_equivalence": found.equivalence, "detectable": found.detectable,
                }  # fmt: skip
            row["nobs"] = getattr(self.fits.get(name), "nobs", None)
            row["note"] = self.failures.get(name, "")
            rows.append(row)
        return pd.DataFrame(rows)

    @property
    def published(self) -> str:
        """Where the estimate falls among published ones; ``""`` where none can be compared."""
        if self.primary is None:
            return ""
        return among_published(self.hypothesis, self.focal[self.primary], self.fits[self.primary])

    @property
    def reports(self) -> list[str]:
        """What the fits warned of, each message once, with the specifications that gave it."""
        messages: dict[str, list[str]] = {}
        heard = [*self.warnings.items(), *((f.name, f.warnings) for f in self.pretests)]
        for name, texts in heard:
            for text in texts:
                messages.setdefault(text, []).append(name)
        return merged(messages)

    @property
    def alarms(self) -> list[tuple[str, str, TestStatistic]]:
        """Diagnostics that failed: (specification, name, test)."""
        return failed_tests(self.fits)

    def judged(self, hypothesis: Hypothesis) -> str:
        """The verdict had another smallest effect been declared."""
        return self._judge(hypothesis)[0]

    def _judge(self, h: Hypothesis) -> tuple[str, str]:
        name = self.primary
        if name is None:
            return "undecided", "no specification could be fitted"
        found = self.focal[name]
        outcome = verdict(h.prediction, found, h.smallest_effect)
        span = f"{name}: {found.estimate:.3g} [{found.low:.3g}, {found.high:.3g}]"
        if outcome in ("supported", "contradicted"):
            agreeing = self.agreeing
            if len(agreeing) < 2:
                which = ", ".join(sorted(agreeing)) or "none"
                return "undecided", (
                    f"{span} would be {outcome}, but fewer than two classes of design give this "
                    f"sign without exception ({which})"
                )
            return outcome, f"{span}; same sign under {', '.join(sorted(agreeing))}"
        if outcome == "no effect":
            return outcome, (
                f"{span}; the {100 * (1 - 2 * h.level):.0f}% interval lies inside the smallest "
                f"effect of interest of {h.smallest_effect:g}"
            )
        return outcome, f"{span}; {self._out_of_reach(h, found)}"

    def _out_of_reach(self, h: Hypothesis, found: Focal) -> str:
        """What an undecided answer could have said."""
        one = (found.std_error, h.smallest_effect, found.df)
        side = "!=0" if h.prediction in ("0", "!=0") else "+"
        needed = effect_needed(side, *one, h.level)
        told = f"an effect of {needed:.3g} would have been found with 80% power"
        best = attainable_pvalue("0", *one)
        if not h.smallest_effect or best < h.level:
            return told
        return f"{told}; no effect {COULD_NOT} (best attainable p = {best:.3f})"

    def __str__(self) -> str:
        h = self.hypothesis
        lines = [
            f"{h.id + ': ' if h.id else ''}{h.claim}",
            *([f"{self.rules_out}."] if self.rules_out else []),
            f"Verdict: {self.verdict} ({self.reason})",
        ]
        lines += [f"The pre-tests hold against it: {text}" for text in self.cautions]
        able, evidence = self.decidability, self.evidence
        lines += [f"Decidable: {line}" for line in able.sentences] if able else []
        lines += [f"Evidence: {line}" for line in str(evidence).splitlines()] if evidence else []
        for view, outcome in self.views.items():
            lines.append(f"  {view} (predicts {h.rivals[view]}): {outcome}")
        if self.estimate is not None:
            lines.append(f"Minimum detectable effect (80% power): {self.estimate.detectable:.4g}")
        lines += [
            f"Failed diagnostic: {n}, {t.name} (p = {t.pvalue:.4f})" for n, _, t in self.alarms
        ]
        lines += [f"Pre-test: {line}" for line in map(in_line, self.pretests)]
        lines += [f"Rule: {r.rule.condition}: {r.effect}" for r in self.rulings if r.holds]
        lines += [f"Among published results: {self.published}"] if self.published else []
        lines += [f"Not the declared sample: {text}" for text in not_declared(self.panel)]
        lines += [f"Departure from the plan: {text}" for text in self.departures]
        table = self.frame.drop(columns="note").to_string(index=False, float_format="{:.4g}".format)
        lines.append(table)
        lines += [f"Not fitted: {name}: {why}" for name, why in self.failures.items()]
        lines += [f"Warning: {text}" for text in self.reports]
        return "\n".join(lines)

    def page(self) -> Page:
        """The verdict page, to be saved in several formats."""
        from migdev.report.verdict import verdict_page

        return verdict_page(self)

    def report(self, path: str | Path) -> Path:
        """Write the verdict page; the suffix chooses HTML, Markdown or LaTeX."""
        return self.page().save(path)

    def replication_package(self, path: str | Path, **options: Any) -> Path:
        """Write a folder that anyone can rerun and verify; see :mod:`migdev.replication`."""
        from migdev.replication.package import write_package

        return write_package(self, Path(path), **options)


def in_line(found: Finding) -> str:
    """A pre-test in one line."""
    if found.failure:
        return f"{found.name}: not run ({found.failure})"
    beside = ""
    if np.isfinite(found.pvalue):
        beside = f" (p = {found.pvalue:.4f})"
    elif np.isfinite(found.critical):
        beside = f" (critical value {found.critical:.3f})"
    outcome = "" if found.rejects is None else f": {found.outcome}"
    return f"{found.name}: {found.statistic:.4g}{beside}{outcome}"


def merged(messages: Mapping[str, list[str]]) -> list[str]:
    """Messages with the names of those who gave them in front."""
    return [f"{', '.join(names)}: {text}" if names else text for text, names in messages.items()]


def among_published(hypothesis: Hypothesis, focal: Focal, fit: Any) -> str:
    """Where a focal parameter falls among published estimates of the same effect."""
    df = float(getattr(fit, "df_resid", float("nan")))
    if not hypothesis.literature or not df > 0:
        return ""
    return compare(hypothesis.literature, focal.estimate / focal.std_error, df)
