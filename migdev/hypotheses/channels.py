"""Channels: what remittances are spent on (K) and what they do to work and schooling (L)."""

from __future__ import annotations

from migdev.hypotheses.registry import Question
from migdev.hypotheses.specs import CONTROLS, REGRESSORS
from migdev.study.component import Component
from migdev.study.hypothesis import Hypothesis

K1 = Question(
    id="K1",
    claim="Part of each unit of remittances is invested",
    term="remit",
    sign=1,
    level=0.05,
    family="channels",
    source="DF: Adams and Cuecuecha (2010), World Development 38, 1626-1641. CR: Delgado Wise and "
    "Marquez Covarrubias (2007), International Migration Review 41, 656-679",
    equation="investment and household consumption (less remittances), both in percent of GDP, on "
    "remittances and the controls of G1: k, and q - 1",
    variables=("invest", "consumption_net", *REGRESSORS),
    components=(
        Component(
            name="investment",
            hypothesis=Hypothesis(
                claim="Remittances raise investment", term="remit", views={"DF": "+", "CR": "0"},
                smallest_effect=0.10, reason="a tenth of each unit is invested",
            ),
            formula=f"invest ~ remit + {CONTROLS}",
        ),
        Component(
            name="consumption less remittances",
            hypothesis=Hypothesis(
                claim="Not all of remittances is consumed", term="remit",
                views={"DF": "-", "CR": "0"}, smallest_effect=0.10,
                reason="a tenth of each unit is not consumed",
            ),
            formula=f"consumption_net ~ remit + {CONTROLS}",
        ),
    ),
    null="",
)  # fmt: skip

K2 = Question(
    id="K2",
    claim="Households that receive remittances spend more of their budget on housing and schooling",
    term="remit",
    views={"DF": "+", "CR": "0"},
    smallest_effect=0.01,
    reason="one point of the household budget",
    family="channels",
    source="DF: Taylor and Mora (2006), World Bank Policy Research Working Paper 3907",
    equation="budget shares on receipt of remittances (Working-Leser)",
    waits_for="household surveys and selection models",
)

K3 = Question(
    id="K3",
    claim="Remittances follow the wage bill of migrants one for one",
    term="wage_bill",
    views={"DF": "!=0", "CR": "any"},
    smallest_effect=0.1,
    reason="an elasticity of 0.9 is still close to one",
    family="channels",
    source="CR: Canales (2007), in Delgado Wise and Wise (eds.)",
    equation="log remittances on the log wage bill of migrants, less one",
    waits_for="error-correction models and bounds tests",
)

L1 = Question(
    id="L1",
    claim="Remittances raise schooling and health",
    term="remit",
    views={"DF": "+", "CR": "<=0"},
    smallest_effect=0.1,
    reason="a tenth of a year of schooling",
    family="channels",
    source="DF: Yang (2008), Economic Journal 118, 591-630",
    equation="schooling and health outcomes on remittances",
    waits_for="series of schooling and health outcomes",
)

L2 = Question(
    id="L2",
    claim="Remittances lower labour supply at home",
    term="remit",
    views={"DF": ">=0", "CR": "-"},
    smallest_effect=0.1,
    reason="a tenth of a point of participation",
    family="channels",
    source="CR: Chami, Fullenkamp and Jahjah (2005), IMF Staff Papers 52, 55-81",
    equation="participation on remittances",
    waits_for="series of participation",
)

L3 = Question(
    id="L3",
    claim="Emigration of the skilled raises the skills of those who stay",
    term="emigration",
    views={"DF": "+", "CR": "-"},
    smallest_effect=0.05,
    reason="a twentieth of a point of tertiary attainment for each point of emigration",
    family="channels",
    source="DF: Beine, Docquier and Rapoport (2008), Economic Journal 118, 631-652",
    equation="tertiary attainment on skilled emigration, with a threshold",
    waits_for="bilateral stocks by skill",
)

QUESTIONS = (K1, K2, K3, L1, L2, L3)
