"""D1 on real data: does the income gap to the United States close?

Penn World Table 10.01, log output per head, 1970 to 2019. Pre-tests tell what else convergence may
mean: dispersion, growth over the whole span on initial income, clubs of countries, and the gap of
each country to the United States, which is also told among the larger receivers of remittances.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    CountryWarning,
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    JoinWarning,
)
from migdev.hypotheses.pretest_sets import convergence_pretests

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")
FIRST, LAST = 1970, 2019


def load() -> md.Panel:
    """Log income per head, investment and schooling, and remittances over GDP."""
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in ("pwt1001", "wdi_panel")])
    panel = panel.assign(
        income=np.log(panel["rgdpo"] / panel["pop"]),
        investment=panel["csh_i"],
        schooling=panel["hc"],
        remit=panel["remit_pct_gdp_derived"],
        growth=lambda p: 100 * p.D("income"),
    ).select("income", "growth", "investment", "schooling", "remit")
    return panel.between(FIRST, LAST)


def whole(panel: md.Panel) -> md.Panel:
    """Countries with income in every year."""
    known = np.bincount(panel.entity_codes, weights=panel["income"].notna())
    return panel.where((known == LAST - FIRST + 1)[panel.entity_codes], "income not in every year")


def receivers(panel: md.Panel, least: float = 2.0) -> md.Panel:
    """The United States, and countries that received ``least`` percent of GDP on average."""
    share = panel.frame.groupby(panel.entity)["remit"].mean().reindex(panel.entities)
    keep = (share >= least).to_numpy() | (panel.entities == "USA")
    return panel.where(keep[panel.entity_codes], f"remittances below {least}% of GDP")


def study(controls: tuple[str, ...]) -> md.Study:
    """Growth on last year's income, and before it what else convergence may mean."""
    clustered = md.Clustered("entity")
    specs = {
        "Absolute": md.Spec(
            estimator=md.FixedEffects(
                formula="growth ~ L(income)", effects=("time",), cov=clustered
            ),
            strategy="between countries",
        ),
        "Conditional": md.Spec(
            estimator=md.FixedEffects(
                formula=f"growth ~ L(income) + {' + '.join(controls)}", effects=("time",),
                cov=clustered,
            ),
            strategy="between countries, to their own level",
        ),
    }  # fmt: skip
    return md.Study(
        md.Hypothesis(
            claim="The income gap to the rich countries closes", term="L(income)",
            views={"DF": "-", "CR": ">=0"}, smallest_effect=0.5,
            reason="half a percent of the gap a year",
        ),
        specs, sample=f"income in every year, {FIRST} to {LAST}",
        pretests=convergence_pretests("income", controls, "USA", specs=tuple(specs)),
    )  # fmt: skip


def main() -> None:
    with warnings.catch_warnings():
        for category in (DroppedRowsWarning, DroppedEntitiesWarning, JoinWarning, CountryWarning):
            warnings.simplefilter("ignore", category)
        panel = whole(load())
        print(f"{len(panel.entities)} countries, {FIRST} to {LAST}")
        answer = study(("investment", "schooling")).run(panel)
        gaps = diagnostics.gap_tests(receivers(panel), "income", reference="USA", lags="bic")
    for found in answer.pretests:
        print(f"{found.name}: {found.outcome}. {found.note}")
    print(f"Verdict: {answer.verdict} ({answer.reason})")
    for caution in answer.cautions:
        print(f"The pre-tests hold against it: {caution}")
    for name, f in answer.focal.items():
        print(f"{name:>11}: {f.estimate:+.2f}% of the gap a year [{f.low:+.2f}, {f.high:+.2f}]")
    closer = (gaps.frame["last"].abs() < gaps.frame["first"].abs()).mean()
    print(f"receivers: {gaps}")
    print(f"receivers closer to the United States in {LAST} than in {FIRST}: {closer:.0%}")


if __name__ == "__main__":
    main()
