"""Poverty and inequality: P1 to P7."""

from __future__ import annotations

from migdev.hypotheses.registry import Question
from migdev.hypotheses.specs import PREFER, dynamic_specs, static_specs

PUBLISHED = (
    "Adams and Page (2005), World Development 33, 1645-1669: a tenth more official remittances per "
    "head lowers the share of people in poverty by 3.5%, remittances instrumented.",
    "Acosta, Calderon, Fajnzylber and Lopez (2008), World Development 36, 89-114: small reductions "
    "of poverty in Latin America, by household surveys and across countries.",
)

P1 = Question(
    id="P1",
    claim="Remittances lower poverty at given income and inequality",
    term="remit",
    views={"DF": "-", "CR": "0"},
    smallest_effect=0.25,
    reason="Half of the smallest elasticity of Adams and Page (a tenth more remittances, 1.6% less "
    "poverty) at a headcount of 25% and remittances of 8% of GDP",
    family="poverty",
    source="DF: Adams and Page (2005), World Development 33, 1645-1669. CR: Canales (2007)",
    equation="headcount on remittances, log income and the Gini index, with country and period "
    "effects",
    variables=("poverty", "remit", "y", "gini"),
    specs=lambda: {
        **static_specs("poverty", "remit", "y + gini", "L(remit, [1, 2])"),
        **dynamic_specs("poverty", "remit", "y + gini", state="L(poverty)"),
    },
    prefer=PREFER,
    published=PUBLISHED,
)

P2 = Question(
    id="P2",
    claim="Remittances lower poverty directly and through growth",
    term="remit",
    views={"DF": "-", "CR": "-"},
    smallest_effect=0.25,
    reason="as P1",
    family="poverty",
    source="Acosta, Calderon, Fajnzylber and Lopez (2008), World Development 36, 89-114",
    equation="growth and distribution elasticities of poverty, split by channel",
    waits_for="elasticities of poverty to growth and distribution",
)
P3 = Question(
    id="P3",
    claim="Remittances lower poverty when poverty, remittances and finance move together",
    term="remit",
    views={"DF": "-", "CR": "0"},
    smallest_effect=0.25,
    reason="as P1",
    family="poverty",
    source="DF: Adams and Page (2005)",
    equation="three simultaneous equations: poverty, remittances, financial depth",
    waits_for="three-stage least squares",
)
P4 = Question(
    id="P4",
    claim="Without migration and remittances more households would be poor",
    term="difference",
    views={"DF": "+", "CR": ">=0"},
    smallest_effect=1.0,
    reason="one point of the headcount",
    family="poverty",
    source="Acosta, Calderon, Fajnzylber and Lopez (2008), World Development 36, 89-114",
    equation="headcount without migration less headcount observed, incomes imputed with selection",
    waits_for="household surveys and counterfactual incomes",
)
P5 = Question(
    id="P5",
    claim="Remittances equalise incomes",
    term="marginal",
    views={"DF": "-", "CR": ">=0"},
    smallest_effect=0.01,
    reason="one hundredth of the Gini index for a doubling of remittances",
    family="poverty",
    source="Stark, Taylor and Yitzhaki (1986), Economic Journal 96, 722-740",
    equation="Gini decomposition by income source",
    waits_for="household surveys and Gini decompositions",
)
P6 = Question(
    id="P6",
    claim="Regions that receive more remittances per head fare better",
    term="remit",
    views={"DF": "+", "CR": "-"},
    smallest_effect=0.1,
    reason="to be declared with the specification",
    family="poverty",
    source="CR: Delgado Wise and Marquez Covarrubias (2007)",
    equation="regional outcomes on remittances per head, instruments from old migration networks",
    waits_for="regional specifications",
)
P7 = Question(
    id="P7",
    claim="Remittances lift households out of poverty",
    term="remit",
    views={"DF": "+", "CR": "0"},
    smallest_effect=0.01,
    reason="one point of the yearly probability of leaving poverty",
    family="poverty",
    source="DF: World Bank (2006)",
    equation="probability of leaving poverty on receipt of remittances",
    waits_for="panel logit and duration models",
)

QUESTIONS = (P1, P2, P3, P4, P5, P6, P7)
