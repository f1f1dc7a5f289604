"""JointAnswer: which joint pattern the data support, or that they cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from migdev.kernels.arrays.types import FloatArray
from migdev.panel.panel import Panel
from migdev.report.evidence import not_declared
from migdev.results.estimate import Estimate
from migdev.results.statistic import TestStatistic, failed_tests
from migdev.study.answer import among_published, in_line
from migdev.study.assessment.at_margins import pattern_verdict
from migdev.study.assessment.decidability import COULD_NOT, attainable_pattern
from migdev.study.assessment.of_joint import JointAssessment
from migdev.study.assessment.parts import joint_parts
from migdev.study.carriers import carriers
from migdev.study.cones import cone_shares
from migdev.study.decision_rule import Focal, standing
from migdev.study.family import Family
from migdev.study.operating import rates
from migdev.study.pretest_rules import Ruling, marks
from migdev.study.pretests import Finding, findings_frame

if TYPE_CHECKING:
    from migdev.report.page import Page
    from migdev.study.joint import JointStudy

DRAWS = ("pairs", "wild", "sandwich")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointResult:
    """A joint test on one sample.

    Attributes
    ----------
    fits : mapping from component to Estimate
    focal : mapping from component to Focal
    cov : DataFrame (m, m)
        Stacked cluster sandwich of the focal parameters.
    draws : mapping from method to (B, m)
    shares : mapping from method to {pattern: share}
    pvalues : mapping from pattern to the p-value of its intersection-union test
        Small where the pattern is established.
    rejections : mapping from pattern to p-value
        Small where some part of the pattern is contradicted (Bonferroni over its parts).
    singular : int
        Draws of the pairs bootstrap in which an equation was not identified.
    """

    fits: Mapping[str, Estimate]
    focal: Mapping[str, Focal]
    cov: pd.DataFrame
    draws: Mapping[str, FloatArray]
    shares: Mapping[str, Mapping[str, float]]
    pvalues: Mapping[str, float]
    rejections: Mapping[str, float]
    singular: int


@dataclass(frozen=True, kw_only=True, eq=False)
class JointAnswer(JointAssessment):
    """The outcome of a :class:`~migdev.JointStudy`.

    Attributes
    ----------
    main : JointResult
        On the sample that was declared.
    variants : mapping from name to JointResult
        The other sample, and each region left out.
    failures : mapping from variant to message
    warnings : tuple of str
        What the fits of the main sample warned of.
    notes : tuple of str
        What was left out of the variants, and why.
    departures : tuple of str
        How the study departs from its registered plan.
    plan : str
        SHA-256 of that plan; empty where none was registered.
    pretests : tuple of Finding
    rulings : tuple of Ruling
    background : Panel, optional
        As in :class:`~migdev.Answer`.
    exchanges : DataFrame
        The equations with other regressors in the place of the focal one
        (:func:`migdev.study.exchanges.exchanges`); empty where none is declared.
    """

    study: JointStudy
    panel: Panel
    main: JointResult
    variants: Mapping[str, JointResult]
    failures: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()
    plan: str = ""
    pretests: tuple[Finding, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    background: Panel | None = None
    exchanges: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def placebos(self) -> pd.DataFrame:
        """The focal regressor beside placebos and its own future, by component and outcome."""
        return self._exchanged("placebo", "lead")

    @property
    def forms(self) -> pd.DataFrame:
        """The focal regressor beside its other forms, and its equations whitened for serial
        correlation, by component and outcome."""
        return self._exchanged("form", "ar1")

    def _exchanged(self, *roles: str) -> pd.DataFrame:
        table = self.exchanges
        if table.empty or not table["role"].isin(roles).any():
            return pd.DataFrame()
        return table[table["role"].isin(["focal", *roles])].reset_index(drop=True)

    @cached_property
    def carriers(self) -> pd.DataFrame:
        """Effective number of clusters of each estimate, and the entities that carry it, with the
        estimate without each; see :func:`migdev.study.carriers.carriers`."""
        return carriers(self.study.components, self.main)

    def rates(self, drawn: Any) -> pd.DataFrame:
        """How often the rule establishes and contradicts each pattern in drawn worlds; see
        :func:`migdev.simulate.from_answer`."""
        study = self.study
        return rates(
            study.patterns, drawn.estimates, drawn.std_errors, study.bounds, drawn.df, study.level
        )

    @property
    def marks(self) -> dict[str, tuple[str, ...]]:
        """What the pre-tests hold against components, by component."""
        return marks(self.rulings)

    @property
    def pretest_frame(self) -> pd.DataFrame:
        """The pre-tests, one row each."""
        return findings_frame(self.pretests)

    @property
    def verdict(self) -> str:
        """What the data establish at the declared level.

        The pattern whose intersection-union test rejects (the null pattern counts as "no
        effect"); "neither" where every pattern is contradicted in some part; else "undecided".
        """
        main, study = self.main, self.study
        return pattern_verdict(main.pvalues, main.rejections, study.level, study.null)

    @property
    def reason(self) -> str:
        """What the tests say of each pattern."""
        main, level, parts = self.main, self.study.level, []
        asked = joint_parts(self)
        for name in main.pvalues:
            if main.pvalues[name] < level:
                parts.append(f"{name} is established ({_p(main.pvalues[name])})")
            elif main.rejections[name] < level:
                parts.append(f"{name} is contradicted ({_p(main.rejections[name])})")
            elif (best := attainable_pattern(asked, name)) < level:
                parts.append(f"{name} is neither established nor contradicted")
            else:
                parts.append(
                    f"{name} is not contradicted, and {COULD_NOT} (best attainable {_p(best)})"
                )
        return "; ".join(parts)

    @cached_property
    def components(self) -> pd.DataFrame:
        """One row per equation: estimate, interval, detectable effect, and how each view fares."""
        rows = []
        for c in self.study.components:
            f, h = self.main.focal[c.name], c.hypothesis
            fit = self.main.fits[c.name]
            rows.append(
                {
                    "component": c.name, "estimate": f.estimate, "std_error": f.std_error,
                    "conf_low": f.low, "conf_high": f.high, "p_value": f.pvalue,
                    "p_equivalence": f.equivalence, "smallest_effect": h.smallest_effect,
                    "detectable": f.detectable, "nobs": fit.nobs, "entities": fit.entities,
                    **{
                        view: f"{prediction} {standing(prediction, f, h.smallest_effect)}"
                        for view, prediction in h.rivals.items()
                    },
                }
            )  # fmt: skip
        return pd.DataFrame(rows).set_index("component")

    @property
    def correlation(self) -> pd.DataFrame:
        """Correlation of the estimates by the stacked sandwich."""
        cov = self.main.cov
        spread = np.sqrt(np.diag(cov))
        return cov.div(np.outer(spread, spread))

    @property
    def alarms(self) -> list[tuple[str, str, TestStatistic]]:
        """Diagnostics of the main fits that failed: (component, name, test)."""
        return failed_tests(self.main.fits)

    @property
    def published(self) -> dict[str, str]:
        """Where each effect falls among published estimates, where any can be compared."""
        found = {
            c.name: among_published(c.hypothesis, self.main.focal[c.name], self.main.fits[c.name])
            for c in self.study.components
        }
        return {name: text for name, text in found.items() if text}

    @cached_property
    def family(self) -> Family:
        """The components with p-values and verdicts that allow for their number."""
        return Family([self], draws=9999, seed=self.study.seed)

    @property
    def shares(self) -> pd.DataFrame:
        """Share of draws in each cone, by method (columns) and pattern (rows)."""
        return pd.DataFrame({how: self.main.shares[how] for how in DRAWS})

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        """Cone shares of the pairs bootstrap as all smallest effects are scaled."""
        draws, patterns = self.main.draws["pairs"], self.study.patterns
        return pd.DataFrame(
            {
                f"x {scale:g}": cone_shares(draws, patterns, list(scale * self.study.bounds))
                for scale in (0.25, 0.5, 1.0, 1.5, 2.0)
            }
        )

    @cached_property
    def by_sample(self) -> pd.DataFrame:
        """Estimates and cone shares on the declared sample, the other one, and without each
        region."""
        rows: dict[str, dict[str, Any]] = {}
        for name, result in {self.study.sample: self.main, **self.variants}.items():
            rows[name] = {
                **{c: f.estimate for c, f in result.focal.items()},
                **{f"share {p}": s for p, s in result.shares["pairs"].items()},
                self.study.entities[1]: max(fit.entities or 0 for fit in result.fits.values()),
            }
        return pd.DataFrame(rows).T

    def __str__(self) -> str:
        lines = [
            f"Joint pattern of {', '.join(self.main.focal)}",
            *(f"{text}." for text in self.rules_out.values()),
            *(f"Decidable: {text}" for text in self.decidability.sentences),
            f"Verdict: {self.verdict} ({self.reason})",
            self.components.to_string(float_format="{:.4g}".format),
            str(self.family),
            *(f"Evidence: {line}" for line in str(self.evidence).splitlines()),
            "Share of draws in each cone (a picture, no test)",
            self.shares.to_string(float_format="{:.3f}".format),
            "Intersection-union tests (small p: established): "
            + ", ".join(f"{k} {_p(v)}" for k, v in self.main.pvalues.items()),
            "Bonferroni tests (small p: contradicted): "
            + ", ".join(f"{k} {_p(v)}" for k, v in self.main.rejections.items()),
            "Sensitivity to the smallest effects (pairs bootstrap)",
            self.sensitivity.to_string(float_format="{:.3f}".format),
            "By sample",
            self.by_sample.to_string(float_format="{:.3f}".format),
        ]
        lines += [
            f"The pre-tests hold against {name}: {text}"
            for name, texts in self.marks.items() for text in texts
        ]  # fmt: skip
        lines += [f"Pre-test: {in_line(found)}" for found in self.pretests]
        lines += [f"Among published results: {k}: {v}" for k, v in self.published.items()]
        lines += [f"Not the declared sample: {text}" for text in not_declared(self.panel)]
        lines += [f"Departure from the plan: {text}" for text in self.departures]
        lines += [f"Failed diagnostic: {n}, {t.name} ({_p(t.pvalue)})" for n, _, t in self.alarms]
        lines += [f"Not fitted: {name}: {why}" for name, why in self.failures.items()]
        lines += [f"Note: {text}" for text in self.notes]
        lines += [f"Warning: {text}" for text in self.warnings]
        return "\n".join(lines)

    def page(self) -> Page:
        """The joint verdict page, to be saved in several formats."""
        from migdev.report.joint import joint_page

        return joint_page(self)

    def report(self, path: str | Path) -> Path:
        """Write the joint verdict page; the suffix chooses HTML, Markdown or LaTeX."""
        return self.page().save(path)

    def replication_package(self, path: str | Path, **options: Any) -> Path:
        """Write a folder that anyone can rerun and verify; see :mod:`migdev.replication`."""
        from migdev.replication.package import write_package

        return write_package(self, Path(path), **options)


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.0005 else f"p = {value:.3f}"
