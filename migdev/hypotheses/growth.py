"""Growth: G1 to G7."""

from __future__ import annotations

from migdev.covariance import Clustered
from migdev.estimators.instrumental import IV2SLS
from migdev.estimators.linear import FixedEffects, PooledOLS
from migdev.estimators.random import RandomEffects
from migdev.hypotheses.registry import Question
from migdev.study.study import Spec

CLUSTERED = Clustered("entity")
CONTROLS = "trade + inflation + popgrowth + government"
BOTH = ("entity", "time")


def static_specs(left: str, focal: str, controls: str, *, lagged: str = "") -> dict[str, Spec]:
    """Pooled, within, random effects and internal instruments for one equation.

    ``focal`` names the terms of remittances; the internal instruments are their first two lags,
    valid only if past remittances are unrelated to later shocks of the outcome.
    """
    right = " + ".join(part for part in (lagged, focal, controls) if part)
    rest = " + ".join(part for part in (lagged, controls) if part)
    instruments = " + ".join(f"L({term.strip()}, [1, 2])" for term in focal.split("+"))
    formula = f"{left} ~ {right}"
    return {
        "Pooled OLS": Spec(
            estimator=PooledOLS(formula=f"{formula} + C(year)", cov=CLUSTERED),
            strategy="between and within countries",
        ),
        "Fixed effects": Spec(
            estimator=FixedEffects(formula=formula, effects=BOTH, cov=CLUSTERED),
            strategy="within country",
        ),
        "Random effects": Spec(
            estimator=RandomEffects(formula=f"{formula} + C(year)", cov=CLUSTERED),
            strategy="between and within countries",
        ),
        "IV, internal": Spec(
            estimator=IV2SLS(
                formula=f"{left} ~ {rest} + [{focal} ~ {instruments}]", effects=BOTH, cov=CLUSTERED
            ),
            strategy="internal instruments",
        ),
    }


PREFER = ("Fixed effects", "IV, internal", "Random effects", "Pooled OLS")

G1 = Question(
    id="G1",
    claim="Remittances raise the growth of income per head",
    term="remit",
    views={"DF": "+", "CR": "<=0"},
    smallest_effect=0.05,
    reason=(
        "Ten percent of GDP more of remittances, the difference between a median and a highly "
        "dependent country, would then change growth by half a point a year"
    ),
    family="growth",
    source=(
        "DF: World Bank, Global Economic Prospects 2006; Giuliano and Ruiz-Arranz (2009). "
        "CR: Delgado Wise and Marquez (2007); Chami, Fullenkamp and Jahjah (2005)"
    ),
    equation="growth on lagged log income, remittances, trade, inflation, population growth, "
    "government consumption; country and period effects. Investment is left out, as a channel",
    variables=("growth", "y", "remit", "trade", "inflation", "popgrowth", "government"),
    specs=lambda: static_specs("growth", "remit", CONTROLS, lagged="L(y)"),
    prefer=PREFER,
)

QUESTIONS = (G1,)
