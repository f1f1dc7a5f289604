"""Pre-tests: what is asked of the data before any fit, declared with the question."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev import diagnostics
from migdev.errors import MigdevError, SpecificationError, listing, suggestion
from migdev.panel.panel import Panel
from migdev.results.statistic import TestStatistic
from migdev.study.block import largest_block
from migdev.study.rulings import PreTestRule, Ruling, apply

#: Tests of :mod:`migdev.diagnostics` that take a panel and a variable or an equation, by subject.
SUBJECTS = {
    name: subject
    for subject, names in {
        "Dependence between entities": (
            "pesaran_cd", "cross_section_dependence", "bias_adjusted_lm", "dependence_exponent",
        ),
        "Unit roots": (
            "cips", "panic", "ips", "fisher", "llc", "hadri", "breitung", "harris_tzavalis",
        ),
        "Equal slopes": ("slope_homogeneity",),
        "Cointegration": (
            "gengenbach", "westerlund", "westerlund_durbin_hausman", "pedroni", "kao",
        ),
        "Causality": ("dumitrescu_hurlin", "juodis_karavias_sarafidis", "toda_yamamoto"),
        "Convergence": (
            "sigma_convergence", "beta_convergence", "log_t", "convergence_clubs", "gap_tests",
        ),
    }.items()
    for name in names
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTest:
    """A test of :mod:`migdev.diagnostics` that a study runs before any fit.

    Parameters
    ----------
    test : str
        Its name: ``"cips"``, ``"pesaran_cd"``, ``"westerlund"``, ...
    on : str
        A column, an expression such as ``D(y)``, or an equation, as the test takes it.
    options : mapping, optional
        Its options: ``{"lags": 2, "short": "drop"}``.
    level : float
        Below this p-value, or beyond its critical value, the null is rejected.
    balanced : bool
        Run it on the largest balanced block of the panel.
    background : bool
        Run it on the background panel of the study: longer or wider than that of the equation.
    """

    test: str
    on: str
    options: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()
    level: float = 0.05
    balanced: bool = False
    background: bool = False

    def __post_init__(self) -> None:
        if self.test not in SUBJECTS:
            raise SpecificationError(
                f"{self.test!r} is no pre-test.{suggestion(self.test, SUBJECTS)} Pre-tests: "
                f"{listing(SUBJECTS, 40)}."
            )
        options = dict(self.options)
        try:
            inspect.signature(getattr(diagnostics, self.test)).bind(None, self.on, **options)
        except TypeError as error:
            raise SpecificationError(f"{self.test}() on {self.on!r}: {error}.") from None
        if not 0 < self.level < 0.5:
            raise SpecificationError(f"level={self.level} is not between 0 and 0.5.")
        object.__setattr__(self, "options", tuple(options.items()))

    @property
    def subject(self) -> str:
        return SUBJECTS[self.test]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a pre-test found.

    Attributes
    ----------
    name, on, subject : str
    test, null : str
        The test as it was run, and its null in words.
    statistic, pvalue : float
        ``pvalue`` is missing where only critical values are known.
    critical : float
        Critical value at the level, where there is no p-value.
    rejects : bool or None
        Whether the null is rejected; None for a measure, and for a test that could not be run.
    sample, note : str
    failure : str
        Why it could not be run.
    warnings : tuple of str
        What it warned of.
    """

    name: str
    on: str
    subject: str
    test: str
    null: str = ""
    statistic: float = float("nan")
    pvalue: float = float("nan")
    critical: float = float("nan")
    rejects: bool | None = None
    sample: str = ""
    note: str = ""
    failure: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """``rejected``, ``not rejected``, ``measure`` or ``not run``."""
        if self.failure:
            return "not run"
        return {True: "rejected", False: "not rejected", None: "measure"}[self.rejects]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTests:
    """The pre-tests of a study and what they decide.

    Parameters
    ----------
    tests : mapping from name to PreTest
    rules : sequence of PreTestRule
        What follows from the outcomes, applied in this order. Nothing else follows from them.
    """

    tests: Mapping[str, PreTest]
    rules: tuple[PreTestRule, ...] = ()

    def __post_init__(self) -> None:
        tests = dict(self.tests)
        if not tests:
            raise SpecificationError("PreTests needs at least one test.")
        for rule in self.rules:
            for name in dict(rule.when):
                if name not in tests:
                    raise SpecificationError(
                        f"The rule {rule.reason!r} waits for {name!r}, which is no pre-test."
                        f"{suggestion(name, tests)} Pre-tests: {listing(tests, 40)}."
                    )
        object.__setattr__(self, "tests", tests)
        object.__setattr__(self, "rules", tuple(self.rules))

    def run(self, panel: Panel, background: Panel | None = None) -> tuple[Finding, ...]:
        """Run every test; one that cannot be run says why, and decides nothing."""
        return tuple(_run(name, t, panel, background) for name, t in self.tests.items())

    def decide(
        self, findings: tuple[Finding, ...], prefer: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[Ruling, ...]]:
        """The order of the specifications after the rules, and what each rule did."""
        return apply(self.rules, {f.name: f.outcome for f in findings}, prefer)


def _run(name: str, t: PreTest, panel: Panel, background: Panel | None) -> Finding:
    told: dict[str, Any] = {"name": name, "on": t.on, "subject": t.subject}
    data = background if t.background else panel
    if data is None:
        return Finding(test=t.test, failure="no background panel was given", **told)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            data = largest_block(data, t.on) if t.balanced else data
            found = read(getattr(diagnostics, t.test)(data, t.on, **dict(t.options)), t.level)
        except MigdevError as error:
            found = {"test": t.test, "failure": str(error)}
        except Exception as error:  # data that a test did not foresee; the study goes on
            found = {"test": t.test, "failure": f"{type(error).__name__}: {error}"}
    messages = tuple(dict.fromkeys(str(w.message) for w in caught))
    return Finding(warnings=messages, **told, **found)


def read(result: Any, level: float) -> dict[str, Any]:
    """What a diagnostic found, as fields of a :class:`Finding`."""
    if isinstance(result, TestStatistic):
        return _of_test(result, level)
    return _MEASURES[type(result).__name__](result, level)


def _of_test(test: TestStatistic, level: float) -> dict[str, Any]:
    critical, rejects = float("nan"), None
    if np.isfinite(test.pvalue):
        rejects = bool(test.pvalue < level)
    elif (label := f"{100 * level:g}%") in test.critical_values:
        critical = float(test.critical_values[label])
        rejects = bool(test.statistic < critical)  # every tabulated test here is left-tailed
    return {
        "test": test.name, "null": test.null, "statistic": float(test.statistic),
        "pvalue": float(test.pvalue), "critical": critical, "rejects": rejects,
        "sample": test.sample, "note": test.note,
    }  # fmt: skip


def _of_exponent(found: Any, level: float) -> dict[str, Any]:
    low, high = found.interval(1 - level)
    return {
        "test": "Exponent of dependence", "statistic": float(found.alpha), "sample": found.sample,
        "note": f"{100 * (1 - level):g}% interval {low:.3f} to {high:.3f}; {found.note}",
    }  # fmt: skip


def _of_beta(found: Any, level: float) -> dict[str, Any]:
    beta, told = found.beta, found.note
    if beta.estimate < 0 and 1 + beta.estimate * found.periods > 0:
        told += f"; {100 * found.speed.estimate:.2f}% of a gap closes per period"
    return {
        "test": "Beta convergence", "null": "growth does not depend on the initial level",
        "statistic": float(beta.estimate), "pvalue": float(beta.pvalue),
        "rejects": bool(beta.pvalue < level), "note": told,
    }  # fmt: skip


def _of_clubs(found: Any, level: float) -> dict[str, Any]:
    outside = int((found.members["club"] == 0).sum())
    sizes = ", ".join(str(n) for n in found.tests["size"])
    note = f"{len(found.tests)} clubs of {sizes} entities, {outside} in none"
    return {**_of_test(found.overall, level), "note": f"{found.overall.note}; {note}"}


def _of_gaps(found: Any, level: float) -> dict[str, Any]:
    gaps = found.frame
    closer = float((gaps["last"].abs() < gaps["first"].abs()).mean())
    return {
        "test": "Share of gaps without a unit root", "null": "the gap has a unit root",
        "statistic": found.share, "sample": f"{len(gaps)} gaps",
        "note": f"refused at {found.level:.0%} in {found.share:.1%} of gaps, in "
        f"{found.break_share:.1%} with a break; {closer:.0%} of gaps are smaller at the end than "
        f"at the start; {found.note}",
    }  # fmt: skip


_MEASURES = {
    "DependenceExponent": _of_exponent,
    "BetaConvergence": _of_beta,
    "ConvergenceClubs": _of_clubs,
    "GapTests": _of_gaps,
}
