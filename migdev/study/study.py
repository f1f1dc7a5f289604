"""Study: a hypothesis bound to the specifications that answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from migdev.errors import MigdevError, ResultError, SpecificationError, listing, suggestion
from migdev.identity import LATER
from migdev.notes import collect
from migdev.options import check_choice
from migdev.panel.model_matrix import require_data
from migdev.panel.panel import Panel
from migdev.progress import Progress
from migdev.protocols import Estimator
from migdev.results.adapt import as_result
from migdev.study.answer import Answer
from migdev.study.assessment.identification import DesignClass, design_of
from migdev.study.decision_rule import Focal, focal_of
from migdev.study.hypothesis import Hypothesis
from migdev.study.plan import check_plan, write_plan
from migdev.study.pretests import PreTests


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """An estimator with the strategy by which it identifies the effect.

    Attributes
    ----------
    estimator : Estimator
    strategy : str
        How it identifies the effect, in words. Defaults to the estimator's class.
    term : str
        Focal parameter in this specification, where it is written otherwise than in the
        hypothesis.
    design : {"association", "internal instruments", "external instruments", \
"difference-in-differences", "within-region"}, optional
        Class of design, in place of what the estimator says of itself
        (:func:`~migdev.study.assessment.identification.design_of`). Specifications of one class
        count once when signs are compared.
    """

    estimator: Estimator
    strategy: str = ""
    term: str = ""
    design: DesignClass | Literal[""] = field(default="", metadata=LATER)

    def __post_init__(self) -> None:
        if self.design:
            check_choice("design", self.design, DesignClass)

    @property
    def design_class(self) -> str:
        """The class of design: as declared, or as the estimator states it."""
        return design_of(self.estimator, self.design)


@dataclass(frozen=True, slots=True)
class Study:
    """A hypothesis x specifications -> :class:`Answer`.

    Parameters
    ----------
    hypothesis : Hypothesis
    specs : mapping from name to estimator or Spec
        Every one is fitted and kept, failures too.
    prefer : sequence of str, optional
        Order in which the specifications may give the verdict: the first that can be fitted does.
        The order of ``specs`` where not given. Declared before the fit, so that the verdict
        cannot be picked afterwards.
    sample : str
        The sample rule in words, for plans and reports.
    pretests : PreTests, optional
        Tests of the data that are run before any fit, and what they decide: which specifications
        stand behind others in ``prefer``, and which are marked. Part of the plan.
    """

    hypothesis: Hypothesis
    specs: Mapping[str, Any]
    prefer: Sequence[str] = ()
    sample: str = ""
    pretests: PreTests | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        if not self.specs:
            raise SpecificationError("A study needs at least one specification.")
        if not isinstance(self.hypothesis, Hypothesis):
            raise SpecificationError(
                f"A study asks a Hypothesis, not a {type(self.hypothesis).__name__}."
            )
        if not isinstance(self.specs, Mapping):
            raise SpecificationError(
                f"specs is a {type(self.specs).__name__}; give a mapping from names to estimators."
            )
        specs = {name: as_spec(item, name) for name, item in self.specs.items()}
        asked = (self.prefer,) if isinstance(self.prefer, str) else self.prefer
        prefer = tuple(dict.fromkeys(asked)) or tuple(specs)
        for name in prefer:
            if name not in specs:
                raise SpecificationError(
                    f"prefer names {name!r}, which is not a specification."
                    f"{suggestion(name, specs)} Specifications: {listing(specs)}."
                )
        for rule in self.pretests.rules if self.pretests else ():
            for name in (*rule.specs, *rule.behind):
                if name not in specs:
                    raise SpecificationError(
                        f"A rule of the pre-tests names {name!r}, which is not a specification."
                        f"{suggestion(name, specs)} Specifications: {listing(specs)}."
                    )
        object.__setattr__(self, "specs", specs)
        object.__setattr__(self, "prefer", prefer)

    def preregister(self, path: str | Path) -> str:
        """Write the plan as JSON and return its SHA-256."""
        return write_plan(self, Path(path))

    def run(
        self,
        panel: Panel,
        plan: str | Path | None = None,
        strict: bool = False,
        background: Panel | None = None,
    ) -> Answer:
        """Run the pre-tests, fit every specification, and judge.

        Parameters
        ----------
        panel : Panel
        plan : path, optional
            A plan written by :meth:`preregister`. A plan whose content no longer has its own
            hash is refused; departures from it are listed in the answer, or refused where
            ``strict``.
        background : Panel, optional
            For pre-tests that ask for longer or wider data than the equation.

        Raises
        ------
        SpecificationError
            The plan was changed after registration, or ``strict`` and the study departs from it.
        """
        require_data(panel)
        digest, found = check_plan(self, plan, strict)
        tested = self.pretests.run(panel, background) if self.pretests else ()
        order, rulings = (
            self.pretests.decide(tested, tuple(self.prefer)) if self.pretests else (self.prefer, ())
        )
        fits: dict[str, Any] = {}
        focal: dict[str, Focal] = {}
        failures: dict[str, str] = {}
        heard: dict[str, tuple[str, ...]] = {}
        with Progress("specifications", len(self.specs)) as done:
            for name, spec in done.each(self.specs.items()):
                done.at(name)
                with collect() as caught:
                    try:
                        fits[name] = readable(spec.estimator.fit(panel), spec.estimator)
                        focal[name] = self._focal(fits[name], spec)
                    except MigdevError as error:
                        failures[name] = str(error)
                    except Exception as error:  # an estimator of another library; the study goes on
                        failures[name] = f"{type(error).__name__}: {error}"
                heard[name] = tuple(dict.fromkeys(map(str, caught)))
        return Answer(
            study=self, panel=panel, fits=fits, focal=focal, failures=failures, warnings=heard,
            departures=found, plan=digest, pretests=tested, rulings=rulings, order=tuple(order),
            background=background,
        )  # fmt: skip

    def _focal(self, fit: Any, spec: Spec) -> Focal:
        h = self.hypothesis
        found = fit.delta(spec.term or h.term)
        return focal_of(found, bound=h.smallest_effect, level=h.level)


def readable(fit: Any, estimator: Any) -> Any:
    """A result that can be asked for functions of its coefficients; those of statsmodels,
    linearmodels and pyfixest are adapted.

    Raises
    ------
    ResultError
        The result holds no coefficients that can be read.
    """
    if callable(getattr(fit, "delta", None)):
        return fit
    try:
        return as_result(fit)
    except MigdevError as error:
        raise ResultError(
            f"{type(estimator).__name__} gives a {type(fit).__name__}, which has no delta() for "
            f"the focal parameter and cannot be adapted: {error}"
        ) from error


def as_spec(item: Any, name: str) -> Spec:
    if isinstance(item, Spec):
        spec = item
    elif isinstance(item, Estimator):
        spec = Spec(estimator=item)
    else:
        raise SpecificationError(
            f"specs[{name!r}] is a {type(item).__name__}; give an estimator, or "
            "Spec(estimator=..., strategy=...)."
        )
    if spec.strategy:
        return spec
    return replace(spec, strategy=type(spec.estimator).__name__)
