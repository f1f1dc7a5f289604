"""The registry of hypotheses, as data: ``get("G1")``, ``table()``, ``register(...)``."""

from migdev.hypotheses.registry import Question, get, names, register, table

__all__ = ["Question", "get", "names", "register", "table"]
