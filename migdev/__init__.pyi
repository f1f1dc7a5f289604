"""What type checkers see of migdev, whose names load on first use."""

from migdev import diagnostics as diagnostics
from migdev import errors as errors
from migdev import extend as extend
from migdev import hypotheses as hypotheses
from migdev import replication as replication
from migdev import robustness as robustness
from migdev import simulate as simulate
from migdev.covariance import BeckKatz as BeckKatz
from migdev.covariance import Clustered as Clustered
from migdev.covariance import Conley as Conley
from migdev.covariance import DriscollKraay as DriscollKraay
from migdev.covariance import NeweyWest as NeweyWest
from migdev.covariance import Robust as Robust
from migdev.covariance import Unadjusted as Unadjusted
from migdev.estimators.dynamic.ahn_schmidt import AhnSchmidt as AhnSchmidt
from migdev.estimators.dynamic.anderson_hsiao import AndersonHsiao as AndersonHsiao
from migdev.estimators.dynamic.bias_corrected import BiasCorrectedMM as BiasCorrectedMM
from migdev.estimators.dynamic.gmm.difference_system import DifferenceGMM as DifferenceGMM
from migdev.estimators.dynamic.gmm.difference_system import GMMStyle as GMMStyle
from migdev.estimators.dynamic.gmm.difference_system import IVStyle as IVStyle
from migdev.estimators.dynamic.gmm.difference_system import SystemGMM as SystemGMM
from migdev.estimators.dynamic.jackknife import HalfPanelJackknife as HalfPanelJackknife
from migdev.estimators.dynamic.lsdvc import BiasCorrectedLSDV as BiasCorrectedLSDV
from migdev.estimators.factors.interactive import InteractiveFixedEffects as InteractiveFixedEffects
from migdev.estimators.filters import cycle as cycle
from migdev.estimators.heterogeneous.augmented_mean_group import (
    AugmentedMeanGroup as AugmentedMeanGroup,
)
from migdev.estimators.heterogeneous.cce import CCEMeanGroup as CCEMeanGroup
from migdev.estimators.heterogeneous.cce import CCEPooled as CCEPooled
from migdev.estimators.heterogeneous.cointegrating import DynamicOLS as DynamicOLS
from migdev.estimators.heterogeneous.cointegrating import FullyModifiedOLS as FullyModifiedOLS
from migdev.estimators.heterogeneous.cross_section_ardl import CSARDL as CSARDL
from migdev.estimators.heterogeneous.cross_section_ardl import CSDL as CSDL
from migdev.estimators.heterogeneous.dynamic_fixed_effects import (
    DynamicFixedEffects as DynamicFixedEffects,
)
from migdev.estimators.heterogeneous.mean_group import MeanGroup as MeanGroup
from migdev.estimators.heterogeneous.mean_group import (
    SwamyRandomCoefficients as SwamyRandomCoefficients,
)
from migdev.estimators.heterogeneous.pooled_mean_group import (
    ErrorCorrectionMeanGroup as ErrorCorrectionMeanGroup,
)
from migdev.estimators.heterogeneous.pooled_mean_group import PooledMeanGroup as PooledMeanGroup
from migdev.estimators.iv.gmm import IVGMM as IVGMM
from migdev.estimators.iv.kclass import IV2SLS as IV2SLS
from migdev.estimators.iv.kclass import LIML as LIML
from migdev.estimators.limited.binary import CLogLog as CLogLog
from migdev.estimators.limited.binary import Logit as Logit
from migdev.estimators.limited.binary import Probit as Probit
from migdev.estimators.static.between import Between as Between
from migdev.estimators.static.fama_macbeth import FamaMacBeth as FamaMacBeth
from migdev.estimators.static.first_difference import FirstDifference as FirstDifference
from migdev.estimators.static.linear import FixedEffects as FixedEffects
from migdev.estimators.static.linear import PooledOLS as PooledOLS
from migdev.estimators.static.mundlak import CorrelatedRandomEffects as CorrelatedRandomEffects
from migdev.estimators.static.random_effects import RandomEffects as RandomEffects
from migdev.estimators.systems.gls import SUR as SUR
from migdev.estimators.systems.gls import ThreeSLS as ThreeSLS
from migdev.estimators.threshold.dynamic import DynamicPanelThreshold as DynamicPanelThreshold
from migdev.estimators.threshold.fixed_effects import PanelThreshold as PanelThreshold
from migdev.panel.assemble import join as join
from migdev.panel.countries import harmonise as harmonise
from migdev.panel.countries import to_iso3 as to_iso3
from migdev.panel.design import Design as Design
from migdev.panel.expressions.functions import formula_functions as formula_functions
from migdev.panel.panel import Panel as Panel
from migdev.provenance import Extract as Extract
from migdev.provenance import Provenance as Provenance
from migdev.report.coefplot import coefplot as coefplot
from migdev.report.marginsplot import marginsplot as marginsplot
from migdev.report.table import table as table
from migdev.results.adapt import as_result as as_result
from migdev.results.estimate import Estimate as Estimate
from migdev.results.statistic import TestStatistic as TestStatistic
from migdev.sources.catalog import load as load
from migdev.sources.read.local import read as read
from migdev.sources.read.mapping import ColumnMapping as ColumnMapping
from migdev.sources.worldbank.tables import read_countries as read_countries
from migdev.study.answer import Answer as Answer
from migdev.study.component import Component as Component
from migdev.study.dimension import Dimension as Dimension
from migdev.study.family import Family as Family
from migdev.study.hypothesis import Hypothesis as Hypothesis
from migdev.study.joint import JointStudy as JointStudy
from migdev.study.outcome import Outcome as Outcome
from migdev.study.pretest_rules import PreTestRule as PreTestRule
from migdev.study.pretests import PreTest as PreTest
from migdev.study.pretests import PreTests as PreTests
from migdev.study.study import Spec as Spec
from migdev.study.study import Study as Study

__version__: str
_HOME: dict[str, str]
_ROOMS: frozenset[str]
