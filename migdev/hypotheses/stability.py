"""Macroeconomic stability: M1 to M11."""

from __future__ import annotations

from migdev.covariance import Clustered
from migdev.estimators.static.linear import FixedEffects
from migdev.hypotheses.pretest_sets import long_run_pretests
from migdev.hypotheses.registry import Question
from migdev.hypotheses.specs import (
    CONTROLS,
    LEAST,
    LONG_RUN,
    LONG_SAMPLE,
    OTHERS,
    PREFER,
    REGRESSORS,
    dynamic_specs,
    long_run_specs,
    static_specs,
)
from migdev.study.study import Spec

LAGS = "L(remit, [1, 2])"

PUBLISHED = (
    "Chami, Hakura and Montiel (2012), Journal of Globalization and Development 3(1), and "
    "Bugamelli and Paterno (2011), Economica 78, 480-500: remittances go with lower volatility of "
    "output.",
)

M1 = Question(
    id="M1",
    claim="Remittances steady output",
    term="remit",
    views={"DF": "-", "CR": "-"},
    smallest_effect=0.05,
    reason="Ten percent of GDP of remittances would then take half a point off the standard "
    "deviation of growth, a seventh of its median",
    family="stability",
    source="DF and CR: Chami, Hakura and Montiel (2012), Journal of Globalization and Development "
    "3(1); Bugamelli and Paterno (2011), Economica 78, 480-500",
    equation="standard deviation of growth within the window on remittances and the controls of G1",
    variables=("volatility", *REGRESSORS),
    specs=lambda: {
        **static_specs("volatility", "remit", CONTROLS, LAGS),
        **dynamic_specs("volatility", "remit", OTHERS, state="L(volatility)"),
    },
    prefer=PREFER,
    published=PUBLISHED,
)

M2 = Question(
    id="M2",
    claim="Remittances steady consumption",
    term="remit",
    views={"DF": "-", "CR": "-"},
    smallest_effect=0.05,
    reason="as M1",
    family="stability",
    source="DF and CR: Combes and Ebeke (2011), World Development 39, 1076-1089",
    equation="standard deviation of the consumption share within the window on remittances and the "
    "controls of G1",
    variables=("consumption_volatility", *REGRESSORS),
    specs=lambda: static_specs("consumption_volatility", "remit", CONTROLS, LAGS),
    prefer=PREFER,
)


def _waiting(
    id: str, claim: str, views: dict[str, str], waits_for: str, **fields: object
) -> Question:
    defaults: dict[str, object] = {
        "term": "remit", "smallest_effect": 0.1, "reason": "to be declared with the specification",
        "family": "stability", "window": 0,
    }  # fmt: skip
    return Question(
        id=id, claim=claim, views=views, waits_for=waits_for,
        **{**defaults, **fields},  # type: ignore[arg-type]
    )  # fmt: skip


M3 = _waiting(
    "M3", "Remittances absorb shocks, also where they are large", {"DF": "-", "CR": "!=0"},
    "a series of shocks (terms of trade, disasters)",
    source="Combes and Ebeke (2011), World Development 39, 1076-1089",
    equation="volatility on shocks, remittances and their product, with a threshold",
)  # fmt: skip
M4 = _waiting(
    "M4", "Remittances make current-account reversals rarer", {"DF": "-", "CR": "-"},
    "panel logit and probit",
    source="Bugamelli and Paterno (2009), World Development 37, 1827-1838",
    equation="probability of a reversal on remittances",
)  # fmt: skip
M5 = _waiting(
    "M5", "Remittances make sudden stops rarer", {"DF": "-", "CR": "-"},
    "complementary log-log models and event studies",
    source="Bugamelli and Paterno (2009), World Development 37, 1827-1838",
    equation="probability of a sudden stop on remittances",
)  # fmt: skip
M6 = _waiting(
    "M6", "Debt and reserves look adequate once remittances are counted", {"DF": "+", "CR": "!=0"},
    "restated ratios of debt and reserves",
    source="DF: World Bank (2006). CR: Chami et al. (2008), IMF Occasional Paper 259",
    equation="reserves and debt ratios, with and without remittances",
)  # fmt: skip
M7 = _waiting(
    "M7", "Remittances run against the cycle at home", {"DF": "-", "CR": "any"},
    "filtered cross-correlations and bilateral panels",
    source="Frankel (2011), Open Economies Review 22, 1-16",
    equation="cyclical remittances on the cycles of home and host",
)  # fmt: skip
M8 = Question(
    id="M8",
    claim="Remittances leave the real exchange rate where it is",
    term="remit",
    views={"DF": "0", "CR": "+"},
    smallest_effect=0.01,
    reason="One percent of GDP of remittances would then appreciate the currency by one percent",
    family="stability",
    source="CR: Acosta, Lartey and Mandelman (2009), Journal of International Economics 79, "
    "102-116",
    equation="log real effective exchange rate (up: appreciation) on remittances, log income and "
    "the log terms of trade in the long run",
    variables=("reer", "remit", "y", "terms"),
    window=0,
    sample=LONG_SAMPLE.format(20),
    fewest=20,  # broad real effective exchange rates of the BIS begin in 1994
    least=LEAST,
    specs=lambda: {
        "Fixed effects": Spec(
            estimator=FixedEffects(
                formula="reer ~ remit + y + np.log(terms)",
                effects=("entity", "time"),
                cov=Clustered("entity"),
            ),
            strategy="within countries",
        ),
        **long_run_specs("reer ~ remit + y + np.log(terms)"),
    },
    prefer=LONG_RUN,
    pretests=lambda: long_run_pretests("reer", ("remit", "y", "np.log(terms)"), trending=("y",)),
)
M9 = _waiting(
    "M9", "Remittances strengthen fiscal effort and governance", {"DF": "+", "CR": "-"},
    "series of governance",
    source="CR: Abdih, Chami, Dagher and Montiel (2012), World Development 40, 657-666",
    equation="tax effort and governance on remittances",
)  # fmt: skip
M10 = _waiting(
    "M10", "Remittances buffer the cycle of the host country", {"DF": "-", "CR": "+"},
    "vector autoregressions",
    source="CR: Delgado Wise and Marquez Covarrubias (2007)",
    equation="response of output at home to a shock in the host country, with and without the "
    "remittance channel",
)  # fmt: skip
M11 = _waiting(
    "M11", "Remittances are steadier than other flows", {"DF": "-", "CR": "any"},
    "variance ratios and volatility models by flow",
    source="DF: Ratha (2003), Global Development Finance, ch. 7",
    equation="log variance of remittances less that of aid, investment and exports",
)  # fmt: skip

QUESTIONS = (M1, M2, M3, M4, M5, M6, M7, M8, M9, M10, M11)
