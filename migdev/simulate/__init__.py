"""Simulated worlds with known truth: stylised ones, and those drawn from an answer's design."""

from migdev.simulate.answer import SimulatedAnswer, from_answer
from migdev.simulate.worlds import WORLDS, Truth, stylised_world, truth

__all__ = ["WORLDS", "SimulatedAnswer", "Truth", "from_answer", "stylised_world", "truth"]
