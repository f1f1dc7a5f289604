"""Specification sets that several questions share."""

from __future__ import annotations

from migdev.covariance import Clustered
from migdev.estimators.instrumental import IV2SLS
from migdev.estimators.linear import FixedEffects, PooledOLS
from migdev.estimators.random import RandomEffects
from migdev.study.study import Spec

PREFER = ("Fixed effects", "IV, internal", "Random effects", "Pooled OLS")
BOTH = ("entity", "time")


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
