"""migdev: econometrics on migrant remittances, from real data to an estimate you can defend.

Names load on first use, so ``import migdev`` costs no more than numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Panel": "migdev.panel.panel",
    "Design": "migdev.panel.design",
    "Extract": "migdev.provenance",
    "Provenance": "migdev.provenance",
    "read": "migdev.sources.local",
    "load": "migdev.sources.catalog",
    "read_countries": "migdev.sources.worldbank_tables",
    "ColumnMapping": "migdev.sources.mapping",
    "join": "migdev.panel.assemble",
    "harmonise": "migdev.panel.countries",
    "to_iso3": "migdev.panel.countries",
    "Estimate": "migdev.results.estimate",
    "TestStatistic": "migdev.results.statistic",
    "as_result": "migdev.results.adapt",
    "table": "migdev.report.table",
    "coefplot": "migdev.report.figure",
    "marginsplot": "migdev.report.figure",
    "PooledOLS": "migdev.estimators.linear",
    "FixedEffects": "migdev.estimators.linear",
    "RandomEffects": "migdev.estimators.random",
    "Between": "migdev.estimators.between",
    "FirstDifference": "migdev.estimators.difference",
    "CorrelatedRandomEffects": "migdev.estimators.mundlak",
    "IV2SLS": "migdev.estimators.instrumental",
    "LIML": "migdev.estimators.instrumental",
    "IVGMM": "migdev.estimators.instrumental",
    "PanelThreshold": "migdev.estimators.threshold",
    "BiasCorrectedLSDV": "migdev.estimators.lsdvc",
    "HalfPanelJackknife": "migdev.estimators.jackknife",
    "BiasCorrectedMM": "migdev.estimators.bias_corrected",
    "DynamicPanelThreshold": "migdev.estimators.dynamic_threshold",
    "AhnSchmidt": "migdev.estimators.ahn_schmidt",
    "AndersonHsiao": "migdev.estimators.anderson_hsiao",
    "DifferenceGMM": "migdev.estimators.dynamic",
    "SystemGMM": "migdev.estimators.dynamic",
    "GMMStyle": "migdev.estimators.dynamic",
    "IVStyle": "migdev.estimators.dynamic",
    "Unadjusted": "migdev.covariance",
    "Robust": "migdev.covariance",
    "Clustered": "migdev.covariance",
    "DriscollKraay": "migdev.covariance",
    "NeweyWest": "migdev.covariance",
    "BeckKatz": "migdev.covariance",
    "Conley": "migdev.covariance",
    "Hypothesis": "migdev.study.hypothesis",
    "Spec": "migdev.study.study",
    "Study": "migdev.study.study",
    "PreTest": "migdev.study.pretests",
    "PreTests": "migdev.study.pretests",
    "PreTestRule": "migdev.study.rulings",
    "Answer": "migdev.study.answer",
    "Component": "migdev.study.joint",
    "JointStudy": "migdev.study.joint",
    "Family": "migdev.study.family",
    "MeanGroup": "migdev.estimators.heterogeneous",
    "SwamyRandomCoefficients": "migdev.estimators.heterogeneous",
    "CCEMeanGroup": "migdev.estimators.common_factors",
    "CCEPooled": "migdev.estimators.common_factors",
    "AugmentedMeanGroup": "migdev.estimators.common_factors",
    "PooledMeanGroup": "migdev.estimators.pooled_mean_group",
    "ErrorCorrectionMeanGroup": "migdev.estimators.pooled_mean_group",
    "FullyModifiedOLS": "migdev.estimators.cointegrating",
    "DynamicOLS": "migdev.estimators.cointegrating",
    "InteractiveFixedEffects": "migdev.estimators.interactive",
    "CSARDL": "migdev.estimators.cross_section_ardl",
    "CSDL": "migdev.estimators.cross_section_ardl",
    "DynamicFixedEffects": "migdev.estimators.dynamic_fixed_effects",
}
_ROOMS = frozenset({"diagnostics", "errors", "hypotheses", "replication", "robustness", "simulate"})


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"migdev.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'migdev' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, *_ROOMS])
