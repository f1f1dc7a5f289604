"""Diagnostics: tests as functions, each giving a TestStatistic.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from migdev.plugins import TESTS

_HOME = {
    "hausman": "migdev.diagnostics.fit.hausman",
    "f_effects": "migdev.diagnostics.fit.effects",
    "breusch_pagan_lm": "migdev.diagnostics.fit.effects",
    "wooldridge_serial": "migdev.diagnostics.fit.serial_correlation",
    "breusch_godfrey": "migdev.diagnostics.fit.serial_correlation",
    "bhargava_durbin_watson": "migdev.diagnostics.fit.durbin_watson",
    "baltagi_wu_lbi": "migdev.diagnostics.fit.durbin_watson",
    "poolability": "migdev.diagnostics.fit.poolability",
    "ips": "migdev.diagnostics.unit_roots.ips",
    "fisher": "migdev.diagnostics.unit_roots.fisher",
    "llc": "migdev.diagnostics.unit_roots.llc",
    "hadri": "migdev.diagnostics.unit_roots.balanced",
    "breitung": "migdev.diagnostics.unit_roots.balanced",
    "harris_tzavalis": "migdev.diagnostics.unit_roots.balanced",
    "cips": "migdev.diagnostics.unit_roots.cips",
    "pesaran_cd": "migdev.diagnostics.dependence.cross_section",
    "cross_section_dependence": "migdev.diagnostics.dependence.cross_section",
    "bias_adjusted_lm": "migdev.diagnostics.dependence.adjusted_lm",
    "dependence_exponent": "migdev.diagnostics.dependence.exponent",
    "slope_homogeneity": "migdev.diagnostics.fit.slope_homogeneity",
    "dumitrescu_hurlin": "migdev.diagnostics.causality.granger",
    "pedroni": "migdev.diagnostics.cointegration.pedroni",
    "kao": "migdev.diagnostics.cointegration.kao",
    "westerlund": "migdev.diagnostics.cointegration.westerlund",
    "gengenbach": "migdev.diagnostics.cointegration.gengenbach",
    "westerlund_durbin_hausman": "migdev.diagnostics.cointegration.durbin_hausman",
    "johansen": "migdev.diagnostics.cointegration.johansen",
    "engle_granger": "migdev.diagnostics.cointegration.engle_granger",
    "log_t": "migdev.diagnostics.convergence.log_t",
    "convergence_clubs": "migdev.diagnostics.convergence.log_t",
    "sigma_convergence": "migdev.diagnostics.convergence.sigma",
    "beta_convergence": "migdev.diagnostics.convergence.beta",
    "bai_perron": "migdev.diagnostics.breaks.bai_perron",
    "gap_to": "migdev.diagnostics.convergence.gap_tests",
    "gap_tests": "migdev.diagnostics.convergence.gap_tests",
    "gap_breaks": "migdev.diagnostics.convergence.gap_breaks",
    "juodis_karavias_sarafidis": "migdev.diagnostics.causality.granger",
    "toda_yamamoto": "migdev.diagnostics.causality.granger",
    "pretest": "migdev.diagnostics.pretest_table",
    "panic": "migdev.diagnostics.unit_roots.panic",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None and not name.startswith("_") and name in TESTS.names():
        return TESTS.load(name)
    if home is None:
        raise AttributeError(f"module 'migdev.diagnostics' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *TESTS.names()})
