"""Diagnostics: tests as functions, each giving a TestStatistic.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "hausman": "migdev.diagnostics.specification",
    "f_effects": "migdev.diagnostics.effects",
    "breusch_pagan_lm": "migdev.diagnostics.effects",
    "wooldridge_serial": "migdev.diagnostics.serial",
    "breusch_godfrey": "migdev.diagnostics.serial",
    "bhargava_durbin_watson": "migdev.diagnostics.durbin_watson",
    "baltagi_wu_lbi": "migdev.diagnostics.durbin_watson",
    "poolability": "migdev.diagnostics.pooling",
    "ips": "migdev.diagnostics.unit_roots",
    "fisher": "migdev.diagnostics.unit_roots",
    "llc": "migdev.diagnostics.unit_roots",
    "hadri": "migdev.diagnostics.balanced_unit_roots",
    "breitung": "migdev.diagnostics.balanced_unit_roots",
    "harris_tzavalis": "migdev.diagnostics.balanced_unit_roots",
    "cips": "migdev.diagnostics.factor_unit_roots",
    "pesaran_cd": "migdev.diagnostics.cross_section",
    "cross_section_dependence": "migdev.diagnostics.cross_section",
    "bias_adjusted_lm": "migdev.diagnostics.adjusted_lm",
    "dependence_exponent": "migdev.diagnostics.exponent",
    "slope_homogeneity": "migdev.diagnostics.homogeneity",
    "dumitrescu_hurlin": "migdev.diagnostics.causality",
    "pedroni": "migdev.diagnostics.cointegration",
    "kao": "migdev.diagnostics.cointegration",
    "westerlund": "migdev.diagnostics.cointegration",
    "gengenbach": "migdev.diagnostics.augmented_error_correction",
    "westerlund_durbin_hausman": "migdev.diagnostics.factor_cointegration",
    "log_t": "migdev.diagnostics.convergence",
    "convergence_clubs": "migdev.diagnostics.convergence",
    "sigma_convergence": "migdev.diagnostics.dispersion",
    "beta_convergence": "migdev.diagnostics.catching_up",
    "bai_perron": "migdev.diagnostics.breaks",
    "gap_to": "migdev.diagnostics.pairs",
    "gap_tests": "migdev.diagnostics.pairs",
    "gap_breaks": "migdev.diagnostics.gap_course",
    "juodis_karavias_sarafidis": "migdev.diagnostics.causality",
    "toda_yamamoto": "migdev.diagnostics.causality",
    "pretest": "migdev.diagnostics.pretests",
    "panic": "migdev.diagnostics.factor_components",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'migdev.diagnostics' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
