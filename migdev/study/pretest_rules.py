"""What pre-tests decide: which specifications stand behind others, and which are marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from migdev.errors import SpecificationError, listing
from migdev.options import check_choice

OUTCOMES = ("rejected", "not rejected")

Need = Literal["all", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTestRule:
    """What follows from the outcomes of pre-tests; declared before they are run.

    Parameters
    ----------
    when : mapping from pre-test to ``"rejected"`` or ``"not rejected"``
        The outcomes that the rule waits for.
    need : {"all", "any"}
        How many of them must hold. Where a test could not be run and the others do not settle it,
        the condition cannot be told, and the rule does nothing.
    specs : sequence of str
        The specifications that it concerns.
    behind : sequence of str
        They are moved behind these in the order in which specifications may give the verdict; with
        none, they stay where they are and are marked.
    reason : str
        What the outcomes mean for these specifications, in words.
    """

    when: Mapping[str, str] | tuple[tuple[str, str], ...]
    specs: Sequence[str]
    reason: str
    behind: Sequence[str] = ()
    need: Need = "all"

    def __post_init__(self) -> None:
        when = dict(self.when)
        unknown = [v for v in when.values() if v not in OUTCOMES]
        if not when or unknown:
            raise SpecificationError(
                f"A rule waits for outcomes {listing(OUTCOMES)} of pre-tests, not "
                f"{listing(unknown) if unknown else 'for none'}."
            )
        check_choice("need", self.need, Need)
        if not self.specs or not self.reason:
            raise SpecificationError("A rule names its specifications and its reason.")
        both = sorted({*self.specs} & {*self.behind})
        if both:
            raise SpecificationError(f"{listing(both)} cannot stand behind itself.")
        object.__setattr__(self, "when", tuple(when.items()))
        object.__setattr__(self, "specs", tuple(self.specs))
        object.__setattr__(self, "behind", tuple(self.behind))

    def holds(self, outcomes: Mapping[str, str]) -> bool | None:
        """Whether the condition holds; None where it cannot be told."""
        parts = [
            None if outcomes[name] not in OUTCOMES else outcomes[name] == wanted
            for name, wanted in dict(self.when).items()
        ]
        settled = self.need == "any"
        if settled in parts:
            return settled
        return None if None in parts else not settled

    @property
    def condition(self) -> str:
        """The condition in words."""
        grouped: dict[str, list[str]] = {}
        for name, wanted in dict(self.when).items():
            grouped.setdefault(wanted, []).append(name)
        joint = " or " if self.need == "any" else " and "
        return joint.join(f"{joint.join(names)} {wanted}" for wanted, names in grouped.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a rule did.

    Attributes
    ----------
    rule : PreTestRule
    holds : bool or None
    before, after : tuple of str
        The order of the specifications before and after it.
    """

    rule: PreTestRule
    holds: bool | None
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def effect(self) -> str:
        """What it did, in words."""
        if self.holds is None:
            return "cannot be told, so nothing follows"
        if not self.holds:
            return "does not hold"
        names = ", ".join(self.rule.specs)
        if not self.rule.behind:
            return f"holds: {names} marked"
        if self.before == self.after:
            return "holds: the order already is so"
        return f"holds: the order becomes {', '.join(self.after)}"


def apply(
    rules: Sequence[PreTestRule], outcomes: Mapping[str, str], prefer: Sequence[str]
) -> tuple[tuple[str, ...], tuple[Ruling, ...]]:
    """The order after every rule in turn, and what each did."""
    order, made = tuple(prefer), []
    for rule in rules:
        holds = rule.holds(outcomes)
        after = moved(order, rule.specs, rule.behind) if holds else order
        made.append(Ruling(rule=rule, holds=holds, before=order, after=after))
        order = after
    return order, tuple(made)


def moved(order: Sequence[str], names: Sequence[str], behind: Sequence[str]) -> tuple[str, ...]:
    """An order in which some names come right behind the last of others; those that do already
    stay where they are."""
    places = [i for i, name in enumerate(order) if name in behind]
    if not places:
        return tuple(order)
    last = places[-1]
    going = [name for name in order[:last] if name in names]
    head = [name for name in order[: last + 1] if name not in names]
    return (*head, *going, *order[last + 1 :])


def marks(rulings: Sequence[Ruling]) -> dict[str, tuple[str, ...]]:
    """Reasons for which specifications are marked, by specification."""
    found: dict[str, tuple[str, ...]] = {}
    for ruling in rulings:
        if ruling.holds and not ruling.rule.behind:
            for name in ruling.rule.specs:
                found[name] = (*found.get(name, ()), ruling.rule.reason)
    return found
