"""Names for those who write estimators, covariances, sources, tests, questions and readers.

These stay what they are from one release to the next; the modules that hold them may move. The
how-tos on extending the package show each at work.

====================  =========================================================================
an estimator          ``Design``, ``factors_of``, ``within`` (or ``Absorber``), ``Equation``,
                      ``solve``, ``Moments``, ``UnitScores``, ``Facts``, ``finish``; ``settle``,
                      ``held``, ``Effects``, ``CovarianceOption`` for options as users write them;
                      ``LATER``, metadata of an option that a later release adds, so that plans
                      registered before still match
a covariance          ``CovEstimate``, ``Scores``
a source              ``Extract``, ``Provenance``
a test                ``TestStatistic``, ``PanelTest``, ``chi2_test``, ``f_test``, ``normal_test``,
                      ``t_test``
a reader of results   ``Estimate``, ``Sample``
checks of all these   ``check_estimator``, ``check_covariance``, ``check_scores``,
                      ``check_result``, ``check_source``
====================  =========================================================================
"""

from __future__ import annotations

from migdev.covariance import CovarianceOption, as_covariance
from migdev.errors import (
    ConvergenceError,
    CovarianceError,
    IdentificationError,
    MigdevWarning,
    SourceError,
    SpecificationError,
)
from migdev.estimators.assembly import Equation, finish, solve, within
from migdev.estimators.specification import Effects, settle
from migdev.estimators.static.linear import factors_of
from migdev.identity import LATER
from migdev.kernels.absorb.absorber import Absorber
from migdev.kernels.arrays.groups import Groups
from migdev.kernels.sandwich.moments import Moments, UnitScores
from migdev.options import check_choice, held
from migdev.panel.design import Design
from migdev.protocols import Covariance, CovEstimate, Data, Estimator, Result, Scores, Source
from migdev.provenance import Extract, Provenance
from migdev.results.estimate import Estimate, Sample
from migdev.results.facts import Facts
from migdev.results.panel_test import PanelTest
from migdev.results.statistic import TestStatistic, chi2_test, f_test, normal_test, t_test
from migdev.testing import (
    check_covariance,
    check_estimator,
    check_result,
    check_scores,
    check_source,
)

__all__ = [
    "Absorber",
    "ConvergenceError",
    "CovEstimate",
    "Covariance",
    "CovarianceError",
    "CovarianceOption",
    "Data",
    "Design",
    "Effects",
    "Equation",
    "Estimate",
    "Estimator",
    "Extract",
    "Facts",
    "Groups",
    "LATER",
    "IdentificationError",
    "MigdevWarning",
    "Moments",
    "PanelTest",
    "Provenance",
    "Result",
    "Sample",
    "Scores",
    "Source",
    "SourceError",
    "SpecificationError",
    "TestStatistic",
    "UnitScores",
    "as_covariance",
    "check_choice",
    "check_covariance",
    "check_estimator",
    "check_result",
    "check_scores",
    "check_source",
    "chi2_test",
    "f_test",
    "factors_of",
    "finish",
    "held",
    "normal_test",
    "settle",
    "solve",
    "t_test",
    "within",
]
