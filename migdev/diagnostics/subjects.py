"""What tests ask about, in the words of tables and pages; by the folder that holds a test."""

from __future__ import annotations

BREAKS = "Breaks"
CAUSALITY = "Causality"
COINTEGRATION = "Cointegration"
CONVERGENCE = "Convergence"
DEPENDENCE = "Dependence between entities"
EFFECTS = "Effects"
SERIAL = "Serial correlation"
SLOPES = "Equal slopes"
UNIT_ROOTS = "Unit roots"

_BY_PLACE = {
    "breaks": BREAKS, "causality": CAUSALITY, "cointegration": COINTEGRATION,
    "convergence": CONVERGENCE, "dependence": DEPENDENCE, "unit_roots": UNIT_ROOTS,
    "fit.homogeneity": SLOPES, "fit.pooling": SLOPES, "fit.serial": SERIAL,
    "fit.durbin_watson": SERIAL, "fit.effects": EFFECTS, "fit.specification": EFFECTS,
}  # fmt: skip


def subject_of(module: str) -> str:
    """The subject of the tests in a module of :mod:`migdev.diagnostics`; ``""`` for any other."""
    place = module.removeprefix("migdev.diagnostics.")
    return _BY_PLACE.get(place, _BY_PLACE.get(place.split(".")[0], ""))
