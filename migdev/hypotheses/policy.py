"""Policy (T) and questions of measurement (Q) that every entry carries."""

from __future__ import annotations

from migdev.hypotheses.registry import Question

T1 = Question(
    id="T1",
    claim="Cheaper transfers raise remittances",
    term="cost",
    views={"DF": "-", "CR": "0"},
    smallest_effect=0.1,
    reason="an elasticity of one tenth",
    family="policy",
    source="DF: Freund and Spatafora (2008), Journal of Development Economics 86, 356-366",
    equation="bilateral flows on the cost of sending, with pair and time effects",
    waits_for="Poisson gravity models",
)
T2 = Question(
    id="T2",
    claim="Matched community projects raise local incomes",
    term="project",
    views={"DF": "+", "CR": "0"},
    smallest_effect=0.01,
    reason="one percent of local income",
    family="policy",
    source="DF: World Bank (2006). CR: Delgado Wise and Marquez Covarrubias (2007)",
    equation="municipal outcomes on 3x1 projects, staggered over time",
    waits_for="staggered difference-in-differences",
)


def _measurement(number: int, claim: str, carried_by: str, source: str) -> Question:
    return Question(
        id=f"Q{number}", claim=claim, term="remit", views={"DF": "any", "CR": "any"},
        smallest_effect=0.0, family="measurement", source=source,
        equation="carried by every entry", waits_for=carried_by,
    )  # fmt: skip


QUESTIONS = (
    T1,
    T2,
    _measurement(1, "Estimates survive breaks in how remittances are measured",
                 "tests for measurement breaks",
                 "Clemens and McKenzie (2018), Economic Journal 128, F179-F209"),
    _measurement(2, "The literature's effect survives correction for publication bias",
                 "meta-analysis of published estimates",
                 "Cazachevici, Havranek and Horvath (2020), World Development 134, 105021"),
    _measurement(3, "Instruments are strong enough, or sets robust to weakness are used",
                 "weak-instrument sets as part of every verdict",
                 "Andrews, Stock and Sun (2019), Annual Review of Economics 11, 727-753"),
    _measurement(4, "Errors allow for dependence between countries",
                 "dependence tests as part of every verdict",
                 "Pesaran (2015), Econometric Reviews 34, 1089-1117"),
    _measurement(5, "The verdict does not hang on one specification",
                 "specification curves",
                 "Simonsohn, Simmons and Nelson (2020), Nature Human Behaviour 4, 1208-1214"),
)  # fmt: skip
