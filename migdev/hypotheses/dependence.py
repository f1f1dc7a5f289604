"""Dependence: D1 to D8."""

from __future__ import annotations

from migdev.covariance import Clustered
from migdev.estimators.static.linear import FixedEffects
from migdev.hypotheses.pretest_sets import CHANGES, LEVELS, convergence_pretests, lead_pretests
from migdev.hypotheses.registry import Question
from migdev.hypotheses.specs import (
    CONTROLS,
    FEWEST,
    LEAST,
    LONG_SAMPLE,
    PREFER,
    REGRESSORS,
    lead_specs,
    static_specs,
)
from migdev.study.study import Spec

CLUSTERED = Clustered("entity")
CRITICAL = "CR: Delgado Wise and Marquez Covarrubias (2009), Social Analysis 53, 85-105"

D1 = Question(
    id="D1",
    claim="The income gap to the rich countries closes",
    term="L(y)",
    views={"DF": "-", "CR": ">=0"},
    smallest_effect=0.5,
    reason="Half a percent of the gap a year: it would halve in 140 years",
    family="dependence",
    source=CRITICAL,
    equation="growth on log income of the window before, net of world growth (period effects); "
    "at given remittances, and with the controls of G1. The gap to a rich "
    "country of the same period differs from log income by a period effect only",
    variables=("growth", *REGRESSORS),
    specs=lambda: {
        "Absolute": Spec(
            estimator=FixedEffects(formula="growth ~ L(y)", effects=("time",), cov=CLUSTERED),
            strategy="between countries",
        ),
        "Given remittances": Spec(
            estimator=FixedEffects(
                formula="growth ~ L(y) + remit", effects=("time",), cov=CLUSTERED
            ),
            strategy="between countries, at given remittances",
        ),
        "Conditional": Spec(
            estimator=FixedEffects(
                formula=f"growth ~ remit + {CONTROLS}", effects=("time",), cov=CLUSTERED
            ),
            strategy="between countries, to their own level",
        ),
    },
    prefer=("Absolute", "Given remittances", "Conditional"),
    pretests=lambda: convergence_pretests(
        "y", ("invest",), "USA", specs=("Absolute", "Given remittances", "Conditional"),
        background=True,
    ),
    background=("y", "invest"),
)  # fmt: skip

D2 = Question(
    id="D2",
    claim="Dependence on remittances does not slow later growth",
    term="L(dependence)",
    views={"DF": "0", "CR": "-"},
    smallest_effect=0.02,
    reason="Twenty-five points of the index, a country that lives by exports against one that "
    "lives by remittances, would then change growth by half a point a year",
    family="dependence",
    source=CRITICAL,
    equation="growth on the dependence index of the window before (remittances in remittances plus "
    "exports) and the controls of G1",
    variables=("growth", "dependence", *REGRESSORS),
    specs=lambda: static_specs("growth", "L(dependence)", CONTROLS, "L(dependence, [2, 3])"),
    prefer=PREFER,
)

D3 = Question(
    id="D3",
    claim="Remittances do not crowd out industry",
    term="remit",
    views={"DF": "0", "CR": "-"},
    smallest_effect=0.10,
    reason="Ten percent of GDP of remittances would then take one percent of GDP from industry",
    family="dependence",
    source=CRITICAL,
    equation="value added of industry in percent of GDP on remittances and the controls of G1",
    variables=("industry", *REGRESSORS),
    specs=lambda: static_specs("industry", "remit", CONTROLS, "L(remit, [1, 2])"),
    prefer=PREFER,
)

D4 = Question(
    id="D4",
    claim="Remittances do not make work more precarious",
    term="remit",
    views={"DF": "0", "CR": "+"},
    smallest_effect=0.1,
    reason="a tenth of a point of vulnerable employment",
    family="dependence",
    source=CRITICAL,
    equation="vulnerable employment and the labour share on remittances",
    waits_for="series of vulnerable employment and the labour share",
)
D5 = Question(
    id="D5",
    claim="Emigration raises the wages of those who stay",
    term="emigration",
    views={"DF": "+", "CR": "0"},
    smallest_effect=0.01,
    reason="one percent of wages for ten percent of emigration",
    family="dependence",
    source="Mishra (2007), Journal of Development Economics 82, 180-199",
    equation="wages by schooling and experience on emigration of the cell",
    waits_for="wages by skill cell",
)
D6 = Question(
    id="D6",
    claim="Emigration empties the regions it comes from",
    term="emigration",
    views={"DF": "0", "CR": "-"},
    smallest_effect=0.1,
    reason="to be declared with the specification",
    family="dependence",
    source=CRITICAL,
    equation="population of municipalities on earlier emigration",
    waits_for="difference-in-differences",
)
D7 = Question(
    id="D7",
    claim="Remittances lead growth, rather than follow stagnation",
    term="L(remit)",
    views={"DF": "+", "CR": "<=0"},
    smallest_effect=0.05,
    reason="One percent of GDP more of remittances would then raise later growth by a twentieth "
    "of a point, as in G1",
    family="dependence",
    source=CRITICAL,
    equation="growth on its own past and last year's remittances, or their change where the level "
    "may have a unit root, country by country and pooled; causality is tested in both directions "
    "before. The ratio to GDP rises where GDP falls, so a rebound of output looks like a lead of "
    "remittances",
    variables=("growth", "remit"),
    window=0,
    sample=LONG_SAMPLE.format(FEWEST),
    fewest=FEWEST,
    least=LEAST,
    specs=lambda: lead_specs("growth", "remit"),
    prefer=LEVELS + CHANGES,
    pretests=lambda: lead_pretests("growth", "remit"),
)
D8 = Question(
    id="D8",
    claim="Remittance economies fall into types with different trajectories",
    term="type",
    views={"DF": "any", "CR": "!=0"},
    smallest_effect=0.1,
    reason="to be declared with the specification",
    family="dependence",
    source=CRITICAL,
    equation="clusters of country trajectories",
    waits_for="clustering of trajectories",
)

QUESTIONS = (D1, D2, D3, D4, D5, D6, D7, D8)
