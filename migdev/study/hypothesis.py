"""Hypothesis: what is claimed, what rival views predict, and what would count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migdev.errors import SpecificationError
from migdev.study.rule import check_prediction

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
        views = tuple(dict(self.views).items())
        for _, prediction in views:
            check_prediction(prediction)
        object.__setattr__(self, "views", views)
        if self.sign is not None and self.sign not in _SIGNS:
            raise SpecificationError(f"sign={self.sign!r}; use +1, -1 or 0.")
        if self.sign is None and not views:
            raise SpecificationError(
                f"{self.claim!r} predicts nothing: give sign=+1, -1 or 0, or views={{...}}."
            )
        if not 0 < self.level < 0.5:
            raise SpecificationError(f"level={self.level} is not between 0 and 0.5.")
        if self.smallest_effect < 0:
            raise SpecificationError(
                f"smallest_effect={self.smallest_effect} is negative; it is a distance from zero."
            )

    @property
    def prediction(self) -> str:
        """What the claim predicts: ``sign``, or the prediction of the first view."""
        return _SIGNS[self.sign] if self.sign is not None else self.rivals[next(iter(self.rivals))]

    @property
    def rivals(self) -> dict[str, str]:
        """Prediction of each view."""
        return dict(self.views)
