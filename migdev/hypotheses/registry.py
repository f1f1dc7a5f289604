"""Question: a hypothesis with the series, sample and specifications that answer it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import SpecificationError, listing, suggestion
from migdev.hypotheses.samples import income_samples, mark, of_any
from migdev.hypotheses.variables import low_and_middle_income, prepare, variables
from migdev.identity import LATER, MADE
from migdev.panel.panel import Panel
from migdev.plugins import QUESTIONS
from migdev.study.answer import Answer
from migdev.study.component import Component
from migdev.study.dimension import Dimension
from migdev.study.hypothesis import Hypothesis
from migdev.study.joint import COUNTRIES, JointStudy
from migdev.study.joint_answer import JointAnswer
from migdev.study.outcome import Outcome
from migdev.study.pretests import PreTests
from migdev.study.study import Spec, Study

_REGISTERED: dict[str, Question] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Hypothesis):
    """A row of the registry.

    Parameters
    ----------
    variables : tuple of str
        Variables of the equation, by their names in :func:`migdev.hypotheses.variables.variables`
        (or columns of the user's own panel).
    window : int
        Years of a window; 0 for yearly data.
    sample : str
        The sample rule in words.
    specs : callable, optional
        Gives the specifications, ``{name: Spec}``; None while ``waits_for`` says what is lacking.
    prefer : tuple of str
        Order in which specifications may give the verdict.
    components : tuple of Component and Dimension
        The equations of a joint question, in place of ``specs``.
    null : str
        Name of the null pattern of a joint question.
    waits_for : str
        The estimator or data without which the question cannot be run.
    fewest : int
        Complete periods of all variables that an entity needs to be in the sample.
    least : tuple of (variable, value)
        Averages over the complete periods that an entity needs.
    pretests : callable, optional
        Gives the :class:`~migdev.PreTests` of the question.
    background : tuple of str
        Variables of a second panel, yearly and of all countries, for pre-tests that need longer
        series or countries outside the sample.
    optional : tuple of str
        Variables whose series the data may lack: outcomes beside which a dimension has others.
    placebos, forms, within, beside : as in :class:`~migdev.JointStudy`
    leads : int
        Of a joint question. ``within`` and ``beside`` are samples by income, of
        :func:`~migdev.hypotheses.samples.income_samples`.
    entities : (str, str)
        What the entities of the panel are, one and many. Where they are not countries they have no
        income groups, and all that the panel holds are the sample.
    """

    variables: tuple[str, ...] = ()
    window: int = 5
    sample: str = "low- and middle-income countries"
    specs: Callable[[], Mapping[str, Spec]] | None = field(default=None, metadata=MADE)
    prefer: tuple[str, ...] = ()
    components: tuple[Component | Dimension, ...] = ()
    null: str = "null"
    waits_for: str = ""
    fewest: int = field(default=0, metadata=LATER)
    least: tuple[tuple[str, float], ...] = field(default=(), metadata=LATER)
    pretests: Callable[[], PreTests] | None = field(default=None, metadata=MADE)
    background: tuple[str, ...] = field(default=(), metadata=LATER)
    optional: tuple[str, ...] = field(default=(), metadata=LATER)
    placebos: tuple[str, ...] = field(default=(), metadata=LATER)
    leads: int = field(default=0, metadata=LATER)
    forms: tuple[str, ...] = field(default=(), metadata=LATER)
    within: str = field(default="", metadata=LATER)
    beside: tuple[str, ...] = field(default=(), metadata=LATER)
    entities: tuple[str, str] = field(default=COUNTRIES, metadata=LATER)

    @property
    def runnable(self) -> bool:
        return self.specs is not None or bool(self.components)

    @property
    def predictions(self) -> dict[str, str]:
        """What each view predicts: a sign, or for a joint question the signs of its equations."""
        if not self.components:
            return self.rivals
        views = self.components[0].hypothesis.rivals
        return {
            view: "(" + ", ".join(c.hypothesis.rivals[view] for c in self.components) + ")"
            for view in views
        }

    @property
    def series(self) -> dict[str, tuple[str, ...]]:
        """Series needed, by variable: World Bank codes, or columns of other files."""
        return {n: variables()[n].codes for n in self.variables if n in variables()}

    def prepare(self, panel: Panel, window: int | None = None) -> Panel:
        """The estimation panel: sample rule, variables, windows.

        Raises
        ------
        SpecificationError
            ``window=0`` for a question about spreads within windows.
        PanelError
            The data lack a series, or hold no value of it in the sample.
        """
        years = self.window if window is None else window
        known = variables()
        spreads = [v for v in self.variables if v in known and known[v].window == "std"]
        if years < 2 and spreads:
            raise SpecificationError(
                f"{self.id} asks about {listing(spreads)}, the spread within a window, which "
                f"window={years} leaves without years. Use window={self.window} (years), or "
                "another number above 1."
            )
        options: dict[str, Any] = {"window": years, "optional": self.optional}
        if self.within:
            samples, labels = income_samples(panel), panel.entities
            held = of_any(panel, samples, (self.within, *self.beside))
            made = mark(prepare(held, self.variables, **options), labels, samples)
        else:
            held = low_and_middle_income(panel) if self.entities == COUNTRIES else panel
            made = prepare(held, self.variables, **options)
        return long_enough(made, self.variables, self.fewest, self.least)

    def prepare_background(self, panel: Panel) -> Panel | None:
        """The yearly panel of all countries for pre-tests that ask for it."""
        return prepare(panel, self.background) if self.background else None

    def study(self, **options: Any) -> Study | JointStudy:
        """The hypothesis with its specifications; ``options`` go to a joint study (``sample``,
        ``draws``, ``seed``)."""
        pretests = None if self.pretests is None else self.pretests()
        if self.components:
            own_rows = any(isinstance(c, Dimension) for c in self.components)
            declared = {
                "null": self.null, "level": self.level, "pretests": pretests,
                "region": "region" if self.entities == COUNTRIES else "",
                "placebos": self.placebos, "leads": self.leads, "forms": self.forms,
                "within": self.within, "beside": self.beside, "entities": self.entities,
                "sample": "largest" if own_rows else "common",
            }  # fmt: skip
            return JointStudy(components=self.components, **{**declared, **options})
        if self.specs is None:
            raise SpecificationError(
                f"{self.id} cannot be run yet: it waits for {self.waits_for}. "
                f"Runnable: {listing(names(runnable=True), 20)}."
            )
        return Study(self, self.specs(), prefer=self.prefer, sample=self.sample, pretests=pretests)

    def run(
        self, panel: Panel, *, window: int | None = None, plan: Any = None, strict: bool = False
    ) -> Answer | JointAnswer:
        """Prepare a World-Bank-coded panel, fit, and judge."""
        return self.study().run(
            self.prepare(panel, window), plan=plan, strict=strict,
            background=self.prepare_background(panel),
        )  # fmt: skip


def long_enough(
    panel: Panel,
    variables: tuple[str, ...],
    fewest: int,
    least: tuple[tuple[str, float], ...] = (),
) -> Panel:
    """Keep the entities with enough complete periods, and averages over these that are large
    enough.

    Raises
    ------
    SpecificationError
        No entity is left.
    """
    if not fewest and not least:
        return panel
    complete = panel.frame[list(variables)].notna().all(axis=1).to_numpy()
    counts = np.bincount(panel.entity_codes, weights=complete, minlength=len(panel.entities))
    keep, words = counts >= max(fewest, 1), [f"fewer than {fewest} complete periods"]
    for name, value in least:
        means = panel.frame[name].where(complete).groupby(panel.entity_codes).mean()
        keep &= (means.reindex(range(len(keep))) >= value).to_numpy()
        words.append(f"{name} below {value:g} on average")
    if not keep.any():
        raise SpecificationError(
            f"No entity has {fewest} complete periods of {listing(variables)}"
            + "".join(f" and {n} of {v:g} on average" for n, v in least)
            + f"; the longest has {int(counts.max())}. Give longer data."
        )
    return panel.where(keep[panel.entity_codes], ", or ".join(words))


def register(question: Question) -> Question:
    """Add a question to the registry; its id must be new."""
    if not question.id:
        raise SpecificationError("A question needs an id to be registered.")
    if question.id in {*_built_in(), *_REGISTERED, *QUESTIONS.names()}:
        raise SpecificationError(f"There is already a question {question.id!r}; choose another id.")
    _REGISTERED[question.id] = question
    return question


def get(id: str) -> Question:
    """The question of an id.

    Raises
    ------
    SpecificationError
        No question has that id.
    """
    questions = {**_built_in(), **_REGISTERED}
    found = questions.get(id) or questions.get(id.upper())
    if found is not None:
        return found
    brought = QUESTIONS.names()
    for name in (id, id.upper()):
        if name in brought:
            return _checked(name, QUESTIONS.load(name))
    known = [*questions, *brought]
    raise SpecificationError(
        f"There is no hypothesis {id!r}.{suggestion(id, known)} Hypotheses: {listing(known, 60)}."
    )


def names(*, runnable: bool = False) -> list[str]:
    """Ids of all questions, or of those that can be run."""
    return [name for name, q in _all().items() if q.runnable or not runnable]


def table() -> pd.DataFrame:
    """The registry: one row per question."""
    return pd.DataFrame(
        [
            {
                "id": q.id,
                "claim": q.claim,
                "focal": q.term,
                **q.predictions,
                "smallest_effect": q.smallest_effect,
                "reason": q.reason,
                "equation": q.equation,
                "series": ", ".join(dict.fromkeys(c for cs in q.series.values() for c in cs)),
                "sample": q.sample,
                "source": q.source,
                "runnable": q.runnable,
                "waits_for": q.waits_for,
            }
            for q in _all().values()
        ]
    ).set_index("id")


def _all() -> dict[str, Question]:
    """Every question by its id; built-in and registered ones come before those of packages."""
    brought = dict(QUESTIONS.load_all(_checked))
    own = {**_built_in(), **_REGISTERED}
    return {**own, **brought, **own}


def _checked(name: str, part: Any) -> Question:
    """What a package brings under a name, held to be a question of that id."""
    if not isinstance(part, Question) or part.id != name:
        what = f"the question {part.id!r}" if isinstance(part, Question) else type(part).__name__
        raise SpecificationError(
            f"The entry point {name!r} in {QUESTIONS.name} gives {what}, not a Question whose id "
            f"is {name!r}."
        )
    return part


@cache
def _built_in() -> dict[str, Question]:
    """The questions of ``questions.toml``."""
    from migdev.hypotheses.question_specs import PRETESTS, SPECS

    text = files("migdev.hypotheses").joinpath("questions.toml").read_text(encoding="utf-8")
    found: dict[str, Question] = {}
    for row in tomllib.loads(text)["question"]:
        parts: list[Component | Dimension] = [
            *(_component(part, found) for part in row.pop("components", ())),
            *(_dimension(part) for part in row.pop("dimensions", ())),
        ]
        found[row["id"]] = Question(
            **_frozen(row), components=tuple(parts), specs=SPECS.get(row["id"]),
            pretests=PRETESTS.get(row["id"]),
        )  # fmt: skip
    return found


def _component(row: dict[str, Any], found: Mapping[str, Question]) -> Component:
    """An equation of a joint question; its published estimates may be those of a question."""
    name, formula = row.pop("name"), row.pop("formula")
    published = found[row.pop("published_as")].published if "published_as" in row else ()
    claim = Hypothesis(**_frozen(row), published=published)
    return Component(name=name, hypothesis=claim, formula=formula)


def _dimension(row: dict[str, Any]) -> Dimension:
    """A dimension of a joint question: outcomes that share their regressor and controls."""
    known, term = variables(), row["term"]
    name, controls, rows = row.pop("name"), row.pop("controls"), row.pop("outcomes")
    outcomes = []
    for of in rows:
        series = [c for v in re.findall(r"\w+", of["left"]) if v in known for c in known[v].codes]
        outcomes.append(
            Outcome(
                name=of["name"], formula=f"{of['left']} ~ {term} + {controls}",
                sign=of.get("sign", 1), made_of=tuple(series),
            )
        )  # fmt: skip
    options = {k: row.pop(k) for k in ("index", "outcome_sd") if k in row}
    made_of = (*known[term].codes, *known[term].alternatives)
    claim = Hypothesis(**_frozen(row))
    return Dimension(
        name=name, hypothesis=claim, outcomes=tuple(outcomes), regressor_of=made_of, **options
    )


def _frozen(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    if isinstance(value, dict):
        return {k: _frozen(v) for k, v in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
