"""Pre-tests: what is asked of the data before any fit, declared with the question."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_type_hints

import pandas as pd

from migdev import diagnostics
from migdev.diagnostics.subjects import subject_of
from migdev.errors import MigdevError, SizeWarning, SpecificationError, listing, suggestion
from migdev.identity import LATER, resolve
from migdev.notes import collect, quiet
from migdev.panel.panel import Panel
from migdev.plugins import TESTS
from migdev.progress import Progress
from migdev.study.balanced_block import largest_block
from migdev.study.pretest_rules import PreTestRule, Ruling, apply


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTest:
    """A test that a study runs before any fit.

    Parameters
    ----------
    test : str or callable
        The name of a test in :mod:`migdev.diagnostics` (``"cips"``, ``"pesaran_cd"``, ..., or one
        that another package brings in the entry points ``migdev.tests``), or a function of one's
        own, given as such or as ``"module:function"``. It takes the panel, ``on``
        and the options, and returns a :class:`~migdev.TestStatistic`, or an object whose
        ``finding(level)`` gives the fields of a :class:`Finding`.
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
    subject : str
        What it asks about, for the page; by default what the test says of itself.

    Raises
    ------
    SpecificationError
        There is no such test, or it does not take these options.
    """

    test: str | Callable[..., Any]
    on: str
    options: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()
    level: float = 0.05
    balanced: bool = False
    background: bool = False
    subject: str = field(default="", metadata=LATER)

    def __post_init__(self) -> None:
        if isinstance(self.test, str) and ":" in self.test:
            found = resolve(self.test)
            if not callable(found):
                raise SpecificationError(
                    f"{self.test!r} is a {type(found).__name__}, not a function."
                )
            object.__setattr__(self, "test", found)
        elif isinstance(self.test, str) and {self.test} & {*TESTS.names()} - {*diagnostics._HOME}:
            object.__setattr__(self, "test", TESTS.load(self.test))
        options = dict(self.options)
        try:
            inspect.signature(self.function).bind(None, self.on, **options)
        except TypeError as error:
            raise SpecificationError(f"{self.label}() on {self.on!r}: {error}.") from None
        if not 0 < self.level < 0.5:
            raise SpecificationError(f"level={self.level} is not between 0 and 0.5.")
        object.__setattr__(self, "options", tuple(options.items()))

    @property
    def function(self) -> Callable[..., Any]:
        """The test itself."""
        if callable(self.test):
            return self.test
        found = getattr(diagnostics, self.test) if self.test in diagnostics._HOME else None
        if found is None or not reads_panel(found):
            known = [n for n in diagnostics._HOME if reads_panel(getattr(diagnostics, n))]
            raise SpecificationError(
                f"{self.test!r} is no pre-test.{suggestion(self.test, known)} Pre-tests: "
                f"{listing(known, 40)}. A test of your own is a function, or 'module:function'."
            )
        return cast("Callable[..., Any]", found)

    @property
    def label(self) -> str:
        """The name of the test."""
        return self.test if isinstance(self.test, str) else self.test.__name__

    @property
    def about(self) -> str:
        """What it asks about, as far as is known before it is run."""
        return self.subject or subject_of(self.function.__module__)


def reads_panel(test: Callable[..., Any]) -> bool:
    """Whether a diagnostic takes a panel and tells a finding; others take fits or give frames."""
    first = next(iter(inspect.signature(test).parameters))
    result = get_type_hints(test).get("return")
    return first in ("panel", "source") and hasattr(result, "finding")


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
        found = []
        with Progress("pre-tests", len(self.tests)) as done:
            for name, test in done.each(self.tests.items()):
                done.at(name)
                found.append(_run(name, test, panel, background))
        return tuple(found)

    def decide(
        self, findings: tuple[Finding, ...], prefer: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[Ruling, ...]]:
        """The order of the specifications after the rules, and what each rule did."""
        return apply(self.rules, {f.name: f.outcome for f in findings}, prefer)


def findings_frame(findings: tuple[Finding, ...]) -> pd.DataFrame:
    """What pre-tests found, one row each."""
    return pd.DataFrame(
        [
            {
                "pretest": f.name, "subject": f.subject, "test": f.test, "on": f.on,
                "null": f.null, "statistic": f.statistic, "p_value": f.pvalue,
                "critical": f.critical, "outcome": f.outcome, "sample": f.sample,
                "note": f.failure or f.note,
            }
            for f in findings
        ]
    )  # fmt: skip


def _run(name: str, t: PreTest, panel: Panel, background: Panel | None) -> Finding:
    told: dict[str, Any] = {"name": name, "on": t.on, "subject": t.about}
    data = background if t.background else panel
    if data is None:
        return Finding(test=t.label, failure="no background panel was given", **told)
    with collect() as caught, quiet(SizeWarning):  # the finding's note says it
        try:
            data = largest_block(data, t.on) if t.balanced else data
            result = t.function(data, t.on, **dict(t.options))
            found = result.finding(t.level)
            told["subject"] = told["subject"] or getattr(result, "subject", "") or t.label
        except MigdevError as error:
            found = {"test": t.label, "failure": str(error)}
        except Exception as error:  # data that a test did not foresee; the study goes on
            found = {"test": t.label, "failure": f"{type(error).__name__}: {error}"}
    messages = tuple(dict.fromkeys(map(str, caught)))
    return Finding(warnings=messages, **told, **found)
