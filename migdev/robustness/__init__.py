"""Robustness: detectable effects, equivalence, multiplicity."""

from migdev.robustness.equivalence import tost
from migdev.robustness.multiplicity import adjust, holm, romano_wolf
from migdev.robustness.power import minimum_detectable_effect

__all__ = ["adjust", "holm", "minimum_detectable_effect", "romano_wolf", "tost"]
