"""Hypothesis: what is claimed, what rival views predict, and what would count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

from migdev.errors import SpecificationError, listing
from migdev.study.decision_rule import check_prediction

_SIGNS = {1: "+", -1: "-", 0: "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A claim, stated before the fit.

    Parameters
    ----------
    claim : str
        The claim in words.
    term : str
        The focal parameter: a coefficient (``"L(remit)"``), a marginal effect at a value
        (``"remit + 30*remit:credit"``), a long-run effect (``"remit / (1 - L(y))"``) or an
        equality (``"invest - consume"``).
    sign : {+1, -1, 0}, optional
        What the claim predicts.
    views : mapping from view to prediction, optional
        Rival predictions, each one of ``+ - 0 >=0 <=0 !=0 any``. The first view makes the claim
        unless ``sign`` is given.
    smallest_effect : float
        Smallest effect of interest, in units of the dependent variable per unit of the term; zero
        where none is declared, and then nothing can be called "no effect".
    reason : str
        Why that effect is the smallest of interest.
    level : float
        Size of the tests.
    family : str
        Hypotheses of one family share the correction for multiplicity.
    id, source, equation : str
        For the registry: short name, where the claim is made, the equation in words.
    published : tuple of str
        What published studies found, with their source, for comparison.
    literature : str
        Key of :data:`migdev.evidence.published.LITERATURE`, where published estimates of the same
        effect are known as partial correlations.
    """

    claim: str
    term: str
    sign: int | None = None
    views: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    smallest_effect: float = 0.0
    reason: str = ""
    level: float = 0.05
    family: str = ""
    id: str = ""
    source: str = ""
    equation: str = ""
    published: tuple[str, ...] = ()
    literature: str = ""

    def __post_init__(self) -> None:
        for name in ("claim", "term"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise SpecificationError(
                    f"{name}={text!r}; a hypothesis states its {name} in text."
                )
        views = tuple(pairs_of(self.views))
        twice = [name for i, (name, _) in enumerate(views) if name in dict(views[:i])]
        if twice:
            raise SpecificationError(f"The view {twice[0]!r} predicts twice: {listing(views)}.")
        for _, prediction in views:
            check_prediction(prediction)
        object.__setattr__(self, "views", views)
        if self.sign is not None and self.sign not in _SIGNS:
            raise SpecificationError(f"sign={self.sign!r}; use +1, -1 or 0.")
        if self.sign is None and not views:
            raise SpecificationError(
                f"{self.claim!r} predicts nothing: give sign=+1, -1 or 0, or views={{...}}."
            )
        for name in ("level", "smallest_effect"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, Real):
                raise SpecificationError(f"{name}={number!r} is not a number.")
        if not 0 < self.level < 0.5:
            raise SpecificationError(f"level={self.level} is not between 0 and 0.5.")
        if self.smallest_effect < 0:
            raise SpecificationError(
                f"smallest_effect={self.smallest_effect} is negative; it is a distance from zero."
            )
        if not isfinite(self.smallest_effect):
            raise SpecificationError(
                f"smallest_effect={self.smallest_effect}; it is a finite distance from zero, or 0 "
                "where none is declared."
            )

    @property
    def prediction(self) -> str:
        """What the claim predicts: ``sign``, or the prediction of the first view."""
        return _SIGNS[self.sign] if self.sign is not None else self.rivals[next(iter(self.rivals))]

    @property
    def rivals(self) -> dict[str, str]:
        """Prediction of each view."""
        return dict(self.views)


def pairs_of(views: Any) -> list[tuple[str, str]]:
    """Views with their predictions, from a mapping or from pairs."""
    try:
        return [
            (str(name), prediction)
            for name, prediction in (views.items() if isinstance(views, Mapping) else views)
        ]
    except (TypeError, ValueError):
        raise SpecificationError(
            f"views={views!r}; give a mapping from view to prediction, such as "
            "{'development finance': '+', 'critical': '<=0'}."
        ) from None
