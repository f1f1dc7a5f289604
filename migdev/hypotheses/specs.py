"""Specification sets that several questions share."""

from __future__ import annotations

from typing import Any

from migdev.covariance import Clustered
from migdev.estimators.dynamic.gmm.difference_system import (
    DifferenceGMM,
    GMMStyle,
    IVStyle,
    SystemGMM,
)
from migdev.estimators.dynamic.jackknife import HalfPanelJackknife
from migdev.estimators.heterogeneous.augmented_mean_group import AugmentedMeanGroup
from migdev.estimators.heterogeneous.cce import CCEMeanGroup
from migdev.estimators.heterogeneous.cross_section_ardl import CSARDL
from migdev.estimators.heterogeneous.dynamic_fixed_effects import DynamicFixedEffects
from migdev.estimators.heterogeneous.mean_group import MeanGroup
from migdev.estimators.heterogeneous.pooled_mean_group import (
    ErrorCorrectionMeanGroup,
    PooledMeanGroup,
)
from migdev.estimators.iv.kclass import IV2SLS
from migdev.estimators.static.linear import FixedEffects, PooledOLS
from migdev.estimators.static.random_effects import RandomEffects
from migdev.estimators.threshold.fixed_effects import PanelThreshold
from migdev.study.study import Spec

#: Within estimates first: internal instruments and lagged levels rest on what cannot be tested.
PREFER = ("Fixed effects", "IV, internal", "Random effects", "Pooled OLS")
BOTH = ("entity", "time")
#: Controls of the growth equation.
OTHERS = "trade + inflation + popgrowth + government"
CONTROLS = f"L(y) + {OTHERS}"


def static_specs(
    left: str, focal: str, controls: str, instruments: str, effects: tuple[str, ...] = BOTH
) -> dict[str, Spec]:
    """Pooled OLS, fixed effects, random effects and internal instruments for one equation.

    Internal instruments are lags of the regressors: valid only if past remittances are unrelated
    to later shocks of the outcome, which is why they do not come first.
    """
    cov = Clustered("entity")
    formula = f"{left} ~ {focal} + {controls}"
    return {
        "Pooled OLS": Spec(
            estimator=PooledOLS(formula=formula, cov=cov),
            strategy="between and within countries",
        ),
        "Fixed effects": Spec(
            estimator=FixedEffects(formula=formula, effects=effects, cov=cov),
            strategy="within countries",
        ),
        "Random effects": Spec(
            estimator=RandomEffects(formula=formula, cov=cov),
            strategy="between and within countries",
        ),
        "IV, internal": Spec(
            estimator=IV2SLS(
                formula=f"{left} ~ {controls} + [{focal} ~ {instruments}]",
                effects=effects, cov=cov,
            ),
            strategy="internal instruments",
        ),
    }  # fmt: skip


def dynamic_specs(left: str, focal: str, controls: str, *, state: str = "L(y)") -> dict[str, Spec]:
    """Difference and system GMM for the equation of :func:`static_specs`.

    The lagged state is predetermined: for differences its own value (``lags`` 1) is the nearest
    valid instrument. Remittances and what they are multiplied with are endogenous (lags 2 and
    beyond); the controls are taken as exogenous. Two lags, collapsed, keep the instruments far
    below the number of countries (Roodman 2009).
    """
    formula = f"{left} ~ {state} + {focal} + {controls}"
    endogenous = tuple(
        GMMStyle(term.strip(), lags=(2, 3), collapse=True) for term in focal.split(" + ")
    )
    styles = (GMMStyle(state, lags=(1, 2), collapse=True), *endogenous)
    options: dict[str, Any] = {
        "formula": formula,
        "gmm": styles,
        "iv": (IVStyle(controls),),
        "effects": ("time",),
        "small": True,
    }
    return {
        "Difference GMM": Spec(estimator=DifferenceGMM(**options), strategy="lagged levels"),
        "System GMM": Spec(
            estimator=SystemGMM(**options), strategy="lagged levels and differences"
        ),
    }


def threshold_spec(left: str, focal: str, controls: str) -> Spec:
    """One threshold in the focal variable (Hansen 1999), at least a tenth of the rows on either
    side; judged by the slope above it."""
    return Spec(
        estimator=PanelThreshold(
            formula=f"{left} ~ {focal} + {controls}", threshold=focal, regime=focal, effects=BOTH,
            trim=0.1, labels="symbols",
        ),
        strategy="within countries",
        term=f"`{focal}[{focal}>c]`",
    )  # fmt: skip


#: Common shocks come first: without them the long run of one country is that of its neighbours;
#: and among those the one with dynamics, for a static equation takes what adjusts slowly for small.
#: The pre-tests may change this order.
LONG_RUN = (
    "CS-ARDL", "CCE mean group", "Augmented mean group", "Mean group", "Pooled mean group",
    "Dynamic fixed effects",
)  # fmt: skip


def long_run_specs(formula: str) -> dict[str, Spec]:
    """The long run, country by country on average, pooled, and net of common shocks; countries
    with too few years for their equation are left out and reported."""
    return {
        "Mean group": Spec(
            estimator=ErrorCorrectionMeanGroup(formula=formula, robust=True, short="drop"),
            strategy="country by country",
        ),
        "Pooled mean group": Spec(
            estimator=PooledMeanGroup(formula=formula, cov="sandwich", short="drop"),
            strategy="common long run",
        ),
        "Dynamic fixed effects": Spec(
            estimator=DynamicFixedEffects(formula=formula, cov=Clustered("entity")),
            strategy="common dynamics",
        ),
        "CCE mean group": Spec(
            estimator=CCEMeanGroup(formula=formula, short="drop"),
            strategy="net of common shocks",
        ),
        "Augmented mean group": Spec(
            estimator=AugmentedMeanGroup(formula=formula, robust=True, short="drop"),
            strategy="net of common shocks",
        ),
        "CS-ARDL": Spec(
            estimator=CSARDL(formula=formula, cross_lags=1, robust=True, short="drop"),
            strategy="dynamics net of common shocks",
        ),
    }


def lead_specs(outcome: str, focal: str) -> dict[str, Spec]:
    """An outcome on its own past and that of the focal variable, in levels and in changes: country
    by country, pooled, and net of common shocks."""
    found: dict[str, Spec] = {}
    for ending, term in (("", f"L({focal})"), (" in changes", f"L(D({focal}))")):
        formula = f"{outcome} ~ L({outcome}) + {term}"
        found |= {
            # Lags of the averages, of order T^(1/3): without them a dynamic equation is not freed
            # of common shocks (Chudik and Pesaran 2015).
            f"CCE mean group{ending}": Spec(
                estimator=CCEMeanGroup(formula=formula, cross_lags=3, short="drop"),
                strategy="net of common shocks", term=term,
            ),
            f"Mean group{ending}": Spec(
                estimator=MeanGroup(formula=formula, robust=True, short="drop"),
                strategy="country by country", term=term,
            ),
            f"Half-panel jackknife{ending}": Spec(
                estimator=HalfPanelJackknife(formula=formula, effects=BOTH),
                strategy="within countries", term=term,
            ),
        }  # fmt: skip
    return found
