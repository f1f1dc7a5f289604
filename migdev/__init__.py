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
    "read": "migdev.sources.read.local",
    "load": "migdev.sources.catalog",
    "read_countries": "migdev.sources.worldbank.tables",
    "ColumnMapping": "migdev.sources.read.mapping",
    "join": "migdev.panel.assemble",
    "harmonise": "migdev.panel.countries",
    "to_iso3": "migdev.panel.countries",
    "Estimate": "migdev.results.estimate",
    "TestStatistic": "migdev.results.statistic",
    "as_result": "migdev.results.adapt",
    "table": "migdev.report.table",
    "coefplot": "migdev.report.coefplot",
    "marginsplot": "migdev.report.marginsplot",
    "PooledOLS": "migdev.estimators.static.linear",
    "FixedEffects": "migdev.estimators.static.linear",
    "RandomEffects": "migdev.estimators.static.random_effects",
    "Between": "migdev.estimators.static.between",
    "FamaMacBeth": "migdev.estimators.static.fama_macbeth",
    "FirstDifference": "migdev.estimators.static.first_difference",
    "CorrelatedRandomEffects": "migdev.estimators.static.mundlak",
    "IV2SLS": "migdev.estimators.iv.kclass",
    "LIML": "migdev.estimators.iv.kclass",
    "IVGMM": "migdev.estimators.iv.gmm",
    "Logit": "migdev.estimators.limited.binary",
    "Probit": "migdev.estimators.limited.binary",
    "CLogLog": "migdev.estimators.limited.binary",
    "SUR": "migdev.estimators.systems.gls",
    "ThreeSLS": "migdev.estimators.systems.gls",
    "PanelThreshold": "migdev.estimators.threshold.fixed_effects",
    "BiasCorrectedLSDV": "migdev.estimators.dynamic.lsdvc",
    "HalfPanelJackknife": "migdev.estimators.dynamic.jackknife",
    "BiasCorrectedMM": "migdev.estimators.dynamic.bias_corrected",
    "DynamicPanelThreshold": "migdev.estimators.threshold.dynamic",
    "AhnSchmidt": "migdev.estimators.dynamic.ahn_schmidt",
    "AndersonHsiao": "migdev.estimators.dynamic.anderson_hsiao",
    "DifferenceGMM": "migdev.estimators.dynamic.gmm.difference_system",
    "SystemGMM": "migdev.estimators.dynamic.gmm.difference_system",
    "GMMStyle": "migdev.estimators.dynamic.gmm.difference_system",
    "IVStyle": "migdev.estimators.dynamic.gmm.difference_system",
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
    "PreTestRule": "migdev.study.pretest_rules",
    "Answer": "migdev.study.answer",
    "Component": "migdev.study.component",
    "JointStudy": "migdev.study.joint",
    "Family": "migdev.study.family",
    "MeanGroup": "migdev.estimators.heterogeneous.mean_group",
    "SwamyRandomCoefficients": "migdev.estimators.heterogeneous.mean_group",
    "CCEMeanGroup": "migdev.estimators.heterogeneous.cce",
    "CCEPooled": "migdev.estimators.heterogeneous.cce",
    "AugmentedMeanGroup": "migdev.estimators.heterogeneous.augmented_mean_group",
    "PooledMeanGroup": "migdev.estimators.heterogeneous.pooled_mean_group",
    "ErrorCorrectionMeanGroup": "migdev.estimators.heterogeneous.pooled_mean_group",
    "FullyModifiedOLS": "migdev.estimators.heterogeneous.cointegrating",
    "DynamicOLS": "migdev.estimators.heterogeneous.cointegrating",
    "InteractiveFixedEffects": "migdev.estimators.factors.interactive",
    "CSARDL": "migdev.estimators.heterogeneous.cross_section_ardl",
    "CSDL": "migdev.estimators.heterogeneous.cross_section_ardl",
    "cycle": "migdev.estimators.filters",
    "DynamicFixedEffects": "migdev.estimators.heterogeneous.dynamic_fixed_effects",
}
_ROOMS = frozenset(
    {"diagnostics", "errors", "extend", "hypotheses", "replication", "robustness", "simulate"}
)


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
