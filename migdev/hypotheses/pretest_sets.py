"""Pre-tests that several questions share, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from migdev.study.pretest_rules import PreTestRule
from migdev.study.pretests import PreTest, PreTests

#: Estimators of the long run with and without terms for common shocks, by their names in
#: :func:`migdev.hypotheses.specs.long_run_specs`.
SHOCKS = ("CCE mean group", "Augmented mean group", "CS-ARDL")
NO_SHOCKS = ("Mean group", "Pooled mean group", "Dynamic fixed effects")
#: Estimators of a lead, in the level and in the change of the focal variable, by their names in
#: :func:`migdev.hypotheses.specs.lead_specs`.
LEVELS = ("CCE mean group", "Mean group", "Half-panel jackknife")
CHANGES = tuple(f"{name} in changes" for name in LEVELS)
DROP = {"short": "drop"}
#: Tests of causality, the first robust to shared shocks by its bootstrap.
CAUSALITY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "Dumitrescu-Hurlin", "dumitrescu_hurlin",
        {"options": {"draws": 499, **DROP}, "balanced": True},
    ),
    ("Juodis-Karavias-Sarafidis", "juodis_karavias_sarafidis", {"options": DROP}),
)  # fmt: skip


def dependence(variables: Sequence[str]) -> dict[str, PreTest]:
    """Pesaran's CD of first differences: correlations of trending levels are large by chance."""
    return {f"CD of D({v})": PreTest(test="pesaran_cd", on=f"D({v})") for v in variables}


def unit_roots(variables: Sequence[str], trending: Sequence[str] = ()) -> dict[str, PreTest]:
    """CIPS of levels and first differences; about a trend where a variable has one."""
    tests = {}
    for v in variables:
        options: dict[str, Any] = {**DROP, "trend": True} if v in trending else DROP
        tests[f"CIPS of {v}"] = PreTest(test="cips", on=v, options=options)
        tests[f"CIPS of D({v})"] = PreTest(test="cips", on=f"D({v})", options=DROP)
    return tests


def order_by(
    tests: Sequence[str], rejected: str, others: str, *, first: Sequence[str], second: Sequence[str]
) -> tuple[PreTestRule, PreTestRule]:
    """Two rules: where any test rejects, ``second`` stands behind ``first``; where none does, the
    other way round."""
    return (
        PreTestRule(
            when=dict.fromkeys(tests, "rejected"), need="any", specs=tuple(second),
            behind=tuple(first), reason=rejected,
        ),
        PreTestRule(
            when=dict.fromkeys(tests, "not rejected"), specs=tuple(first), behind=tuple(second),
            reason=others,
        ),
    )  # fmt: skip


def long_run_pretests(
    dependent: str,
    regressors: Sequence[str],
    *,
    focal: str = "remit",
    trending: Sequence[str] = (),
) -> PreTests:
    """Dependence, unit roots, equal slopes and cointegration, and what they decide about the
    estimators of :func:`~migdev.hypotheses.specs.long_run_specs`.

    Parameters
    ----------
    dependent : str
    regressors : sequence of str
    focal : str
        The regressor of the claim.
    trending : sequence of str
        Variables whose levels are tested about a trend.
    """
    variables, formula = (dependent, *regressors), f"{dependent} ~ {' + '.join(regressors)}"
    cd, roots = dependence(variables), unit_roots(variables, trending)
    robust = "Gengenbach-Urbain-Westerlund"
    tests = {
        **cd,
        f"Exponent of D({dependent})": PreTest(
            test="dependence_exponent", on=f"D({dependent})", balanced=True
        ),
        **roots,
        "Equal slopes": PreTest(
            test="slope_homogeneity", on=formula, options={"hac": True, "averages": True, **DROP}
        ),
        robust: PreTest(test="gengenbach", on=formula, options=DROP),
        "Westerlund": PreTest(test="westerlund", on=formula, options=DROP),
        "Pedroni": PreTest(test="pedroni", on=formula, options={"demean": True, **DROP}),
    }
    marked = (*SHOCKS, *NO_SHOCKS)
    rules = (
        *order_by(
            ("Equal slopes",),
            "slopes differ by country, so a common one stands behind their average",
            "equal slopes are not refused, so the pooled long run, which is more precise, comes "
            "before the average",
            first=("Mean group",), second=("Pooled mean group", "Dynamic fixed effects"),
        ),
        *order_by(
            tuple(cd),
            "countries share shocks, so estimators without terms for them stand behind those with",
            "no shared shocks are seen, so estimators without terms for them, which are more "
            "precise, come first",
            first=SHOCKS, second=NO_SHOCKS,
        ),
        PreTestRule(
            when={robust: "not rejected", f"CIPS of {dependent}": "not rejected"}, specs=marked,
            reason="no cointegration was found by the test that allows for shared shocks, so "
            "there may be no long run to measure",
        ),
        PreTestRule(
            when={f"CIPS of D({v})": "not rejected" for v in variables}, need="any", specs=marked,
            reason="a variable may be integrated of order two, for which these estimators are not "
            "made",
        ),
        PreTestRule(
            when={f"CIPS of {dependent}": "rejected"}, specs=marked,
            reason="a unit root is refused in the dependent variable, so its long run is a level "
            "to which it returns, and cointegration is not the question",
        ),
        PreTestRule(
            when={f"CIPS of {dependent}": "not rejected", f"CIPS of {focal}": "rejected"},
            specs=marked,
            reason="a unit root is not refused in the dependent variable but is in the focal one, "
            "and what is stationary cannot carry what is not",
        ),
    )  # fmt: skip
    return PreTests(tests=tests, rules=rules)


def lead_pretests(outcome: str, focal: str) -> PreTests:
    """Dependence, unit roots, equal slopes and causality in both directions, for an outcome on its
    own past and that of the focal variable, and what they decide about the estimators of
    :func:`~migdev.hypotheses.specs.lead_specs`."""
    cd, roots = dependence((focal,)), unit_roots((outcome, focal))
    cd = {f"CD of {outcome}": PreTest(test="pesaran_cd", on=outcome), **cd}
    causality = {
        f"{cause} leads {effect} ({words})": PreTest(test=test, on=f"{effect} ~ {cause}", **options)
        for x in (focal, f"D({focal})")
        for effect, cause in ((outcome, x), (x, outcome))
        for words, test, options in CAUSALITY
    }
    reverse = tuple(name for name in causality if name.startswith(f"{outcome} leads"))
    (shocks, groups, pooled), everyone = zip(LEVELS, CHANGES, strict=True), LEVELS + CHANGES
    rules = (
        *order_by(
            ("Equal slopes",),
            "slopes differ by country, so a common one stands behind their average",
            "equal slopes are not refused, so the common one, which is more precise, comes before "
            "the average",
            first=groups, second=pooled,
        ),
        *order_by(
            tuple(cd),
            "countries share shocks, so estimators without terms for them stand behind those with",
            "no shared shocks are seen, so estimators without terms for them, which are more "
            "precise, come first",
            first=shocks, second=(*groups, *pooled),
        ),
        *order_by(
            (f"CIPS of {focal}",),
            "the focal variable is stationary, so its level comes before its change",
            "the focal variable may have a unit root, so its change comes before its level, which "
            "cannot move a stationary outcome for good and whose t-statistic is not normal",
            first=LEVELS, second=CHANGES,
        ),
        PreTestRule(
            when={f"CIPS of D({focal})": "not rejected"}, specs=CHANGES,
            reason="the focal variable may be integrated of order two",
        ),
        PreTestRule(
            when={f"CIPS of {outcome}": "not rejected"}, specs=everyone,
            reason="the outcome may have a unit root, for which these equations are not made",
        ),
        PreTestRule(
            when=dict.fromkeys(reverse, "rejected"), need="any", specs=everyone,
            reason="the outcome also leads the focal variable, so precedence is no one-way street",
        ),
    )  # fmt: skip
    return PreTests(
        tests={
            **cd, **roots,
            "Equal slopes": PreTest(
                test="slope_homogeneity", on=f"{outcome} ~ L({outcome}) + L({focal})",
                options={"hac": True, "averages": True, **DROP},
            ),
            **causality,
        },
        rules=rules,
    )  # fmt: skip


def convergence_pretests(
    income: str,
    controls: Sequence[str],
    reference: str,
    *,
    specs: Sequence[str] = (),
    background: bool = False,
) -> PreTests:
    """What convergence of incomes may mean, one test for each meaning: dispersion shrinks, the poor
    grow faster, relative positions meet, gaps to a rich country close."""
    whole: dict[str, Any] = {"on": income, "balanced": True, "background": background}
    missing = {"missing": "drop"}
    tests = {
        "Dispersion": PreTest(test="sigma_convergence", **whole),
        "The poor grow faster": PreTest(test="beta_convergence", options=missing, **whole),
        f"The poor grow faster, given {', '.join(controls)}": PreTest(
            test="beta_convergence", options={"controls": tuple(controls), **missing}, **whole
        ),
        "One path, or clubs": PreTest(test="convergence_clubs", **whole),
        f"Gaps to {reference}": PreTest(
            test="gap_tests", on=income, background=background,
            options={"reference": reference, "lags": "bic", **DROP},
        ),
    }  # fmt: skip
    rule = PreTestRule(
        when={"One path, or clubs": "rejected"}, specs=tuple(specs),
        reason="incomes do not approach one path (log t), so one speed for all averages over "
        "countries that approach different ones",
    )  # fmt: skip
    return PreTests(tests=tests, rules=(rule,) if specs else ())
