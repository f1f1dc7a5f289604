"""Growth: G1 to G7."""

from __future__ import annotations

from migdev.hypotheses.pretest_sets import long_run_pretests
from migdev.hypotheses.registry import Question
from migdev.hypotheses.specs import (
    CONTROLS,
    FEWEST,
    LEAST,
    LONG_RUN,
    LONG_SAMPLE,
    OTHERS,
    PREFER,
    dynamic_specs,
    long_run_specs,
    static_specs,
    threshold_spec,
)

VARIABLES = ("growth", "y", "remit", "trade", "inflation", "popgrowth", "government")
HALF_POINT = (
    "Ten percent of GDP more of remittances, the difference between a median and a highly "
    "dependent country, would then change growth by half a point a year"
)

PUBLISHED = (
    "Cazachevici, Havranek and Horvath (2020), World Development 134, 105021: of 538 estimates in "
    "95 studies about 40% are positive, 40% nil and 20% negative; corrected for publication bias "
    "the mean effect is positive but economically small.",
    "Giuliano and Ruiz-Arranz (2009): remittances raise growth in countries with less developed "
    "financial systems.",
    "Chami, Fullenkamp and Jahjah (2005): remittances go with lower growth.",
    "Clemens and McKenzie (2018), Economic Journal 128, F179-F209: most of the recorded growth of "
    "remittances is better measurement, and cross-country data can hardly show an effect on "
    "growth.",
)

G1 = Question(
    id="G1",
    claim="Remittances raise the growth of income per head",
    term="remit",
    views={"DF": "+", "CR": "<=0"},
    smallest_effect=0.05,
    reason=HALF_POINT,
    family="growth",
    source="DF: World Bank (2006), Global Economic Prospects; Giuliano and Ruiz-Arranz (2009), "
    "Journal of Development Economics 90, 144-152. CR: Delgado Wise and Marquez Covarrubias "
    "(2007), "
    "International Migration Review 41, 656-679; Chami, Fullenkamp and Jahjah (2005), IMF Staff "
    "Papers 52, 55-81",
    equation="growth on lagged log income, remittances, trade, inflation, population growth and "
    "government consumption, with country and period effects; investment is left out, as a channel",
    variables=VARIABLES,
    specs=lambda: {
        **static_specs("growth", "remit", CONTROLS, "L(remit, [1, 2])"),
        **dynamic_specs("growth", "remit", OTHERS),
    },
    prefer=PREFER,
    published=PUBLISHED,
    literature="growth",
)

G2 = Question(
    id="G2",
    claim="Financial depth changes what remittances do for growth",
    term="remit:credit",
    views={"DF": "!=0", "CR": "0"},
    smallest_effect=0.001,
    reason="Fifty points of private credit, a rich against a poor financial system, would then "
    "change the effect of remittances by the smallest effect of G1",
    family="growth",
    source="DF: Giuliano and Ruiz-Arranz (2009), Journal of Development Economics 90, 144-152. "
    "CR: Delgado Wise and Marquez Covarrubias (2009), Social Analysis 53, 85-105",
    equation="as G1, with private credit and its product with remittances",
    variables=(*VARIABLES, "credit"),
    specs=lambda: {
        **static_specs(
            "growth", "remit + remit:credit", f"{CONTROLS} + credit",
            "L(remit, [1, 2]) + L(remit, [1, 2]):L(credit)",
        ),
        **dynamic_specs("growth", "remit + remit:credit", f"{OTHERS} + credit"),
    },
    prefer=PREFER,
)  # fmt: skip

G3 = Question(
    id="G3",
    claim="Institutions change what remittances do for growth",
    term="remit:institutions",
    views={"DF": "!=0", "CR": "0"},
    smallest_effect=0.05,
    reason="One standard deviation of institutional quality would then change the effect of "
    "remittances by the smallest effect of G1",
    family="growth",
    source="DF: Catrinescu, Leon-Ledesma, Piracha and Quillin (2009), World Development 37, 81-92",
    equation="as G1, with an index of institutions and its product with remittances",
    variables=VARIABLES,
    waits_for="a series of institutional quality (the World Bank's governance indicators)",
)

G4 = Question(
    id="G4",
    claim="Remittances still raise growth where they are large",
    term="remit + 20*`I(remit ** 2)`",
    views={"DF": "+", "CR": "<=0"},
    smallest_effect=0.05,
    reason=HALF_POINT,
    family="growth",
    source="DF: World Bank (2006). CR: Chami et al. (2008), IMF Occasional Paper 259",
    equation="as G1, with remittances squared; the focal parameter is the marginal effect at ten "
    "percent of GDP: concave but rising under DF, past its turning point under CR. With an "
    "estimated threshold in remittances, it is their coefficient above it, to be read with where "
    "the threshold lies",
    variables=VARIABLES,
    specs=lambda: {
        **static_specs(
            "growth", "remit + I(remit ** 2)", CONTROLS, "L(remit, [1, 2]) + L(remit ** 2, [1, 2])"
        ),
        **dynamic_specs("growth", "remit + I(remit ** 2)", OTHERS),
        "Panel threshold": threshold_spec("growth", "remit", CONTROLS),
    },
    prefer=PREFER,
)

G5 = Question(
    id="G5",
    claim="In the long run income per head moves with remittances",
    term="remit",
    views={"DF": "+", "CR": "0"},
    smallest_effect=0.01,
    reason="One percent of GDP of remittances would then go with one percent of income",
    family="growth",
    source="DF: World Bank (2006). CR: Delgado Wise and Marquez Covarrubias (2009)",
    equation="log income on remittances and investment in the long run, country by country",
    variables=("y", "remit", "invest"),
    window=0,
    sample=LONG_SAMPLE.format(FEWEST),
    fewest=FEWEST,
    least=LEAST,
    specs=lambda: long_run_specs("y ~ remit + invest"),
    prefer=LONG_RUN,
    pretests=lambda: long_run_pretests("y", ("remit", "invest"), trending=("y",)),
)

G6 = Question(
    id="G6",
    claim="Income rises in the years after remittances do",
    term="remit",
    views={"DF": "+", "CR": "0"},
    smallest_effect=0.25,
    reason="Ten percent of GDP of remittances would then move income by 2.5% within five years",
    family="growth",
    source="DF: World Bank (2006)",
    equation="log income h years ahead on remittances, by horizon",
    variables=("y", "remit"),
    window=0,
    waits_for="panel local projections",
)

G7 = Question(
    id="G7",
    claim="Remittances do not lower total factor productivity",
    term="remit",
    views={"DF": ">=0", "CR": "<=0"},
    smallest_effect=0.05,
    reason=HALF_POINT,
    family="growth",
    source="DF: World Bank (2006). CR: Chami, Fullenkamp and Jahjah (2005)",
    equation="as G1, with the growth of total factor productivity",
    variables=VARIABLES,
    waits_for="a series of total factor productivity (Penn World Table rtfpna)",
)

QUESTIONS = (G1, G2, G3, G4, G5, G6, G7)
