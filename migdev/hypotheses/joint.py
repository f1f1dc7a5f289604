"""X1: the joint pattern of growth, volatility, poverty and dependence."""

from __future__ import annotations

from migdev.hypotheses import growth, poverty, stability
from migdev.hypotheses.registry import Question
from migdev.study.component import Component
from migdev.study.hypothesis import Hypothesis

CONTROLS = "L(y) + trade + inflation + popgrowth"

GROWTH = Hypothesis(
    claim="Remittances raise the growth of income per head",
    term="remit",
    views={"DF": "+", "CR": "<=0"},
    smallest_effect=0.05,
    reason="ten percent of GDP of remittances for half a point of growth a year",
    published=growth.PUBLISHED,
    literature="growth",
)
VOLATILITY = Hypothesis(
    claim="Remittances steady output",
    term="remit",
    views={"DF": "-", "CR": "-"},
    smallest_effect=0.05,
    reason="ten percent of GDP of remittances for half a point of the standard deviation of growth",
    published=stability.PUBLISHED,
)
POVERTY = Hypothesis(
    claim="Remittances lower poverty",
    term="remit",
    views={"DF": "-", "CR": "0"},
    smallest_effect=0.25,
    reason="ten percent of GDP of remittances for two and a half points of the headcount",
    published=poverty.PUBLISHED,
)
DEPENDENCE = Hypothesis(
    claim="Remittances deepen dependence on imports paid from abroad",
    term="remit",
    sign=1,
    views={"DF": "0", "CR": "+"},
    smallest_effect=0.25,
    reason="a quarter of each unit of remittances spent on imports that exports do not pay",
)

X1 = Question(
    id="X1",
    claim="Remittances raise growth, steady output, lower poverty and leave dependence unchanged",
    term="remit",
    sign=1,
    family="joint",
    source="DF: World Bank (2006), Global Economic Prospects; Fajnzylber and Lopez (2008), "
    "Remittances and Development. CR: Delgado Wise and Marquez Covarrubias (2007), International "
    "Migration Review 41, 656-679; (2009), Social Analysis 53, 85-105",
    equation="growth, its standard deviation, the poverty headcount and the trade gap on "
    "remittances, lagged log income, trade, inflation and population growth, with country and "
    "window effects, on the same country-windows. The trade gap (imports less exports) measures "
    "dependence: what is absorbed beyond what is earned by selling abroad. The focal effects are "
    "total: neither investment nor income growth within the window is held fixed",
    variables=(
        "growth", "volatility", "poverty", "trade_gap", "remit", "y", "trade", "inflation",
        "popgrowth",
    ),
    components=(
        Component(name="growth", hypothesis=GROWTH, formula=f"growth ~ remit + {CONTROLS}"),
        Component(
            name="volatility", hypothesis=VOLATILITY, formula=f"volatility ~ remit + {CONTROLS}"
        ),
        Component(name="poverty", hypothesis=POVERTY, formula=f"poverty ~ remit + {CONTROLS}"),
        Component(
            name="dependence", hypothesis=DEPENDENCE, formula=f"trade_gap ~ remit + {CONTROLS}"
        ),
    ),
)  # fmt: skip

QUESTIONS = (X1,)
