"""M8 on real data: do remittances appreciate the real exchange rate in the long run?

Two measures, in logs, up being an appreciation: real effective exchange rates of the Bank for
International Settlements (1994 to 2020) and price levels of the Penn World Table 10.01 (1970 to
2019). Pre-tests are run first and say which estimator gives the verdict; every one answers, for the
same countries.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev.errors import (
    AdjustmentWarning,
    CountryWarning,
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    JoinWarning,
)
from migdev.hypotheses.pretest_sets import long_run_pretests
from migdev.hypotheses.specs import LONG_RUN, long_run_specs

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")
FEWEST = 20
LEAST = 0.5


def load() -> md.Panel:
    """Both measures, remittances in percent of GDP, log income per head."""
    names = ("pwt1001", "bis_reer_annual", "wdi_panel")  # the widest first: it sets the rows
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in names])
    level = panel["pl_gdpo"]
    return panel.assign(
        reer=np.log(panel["reer_2010"]),
        price=np.log(level.where(level > 0)),  # the table has a few negative ones
        income=np.log(panel["rgdpo"] / panel["pop"]),
        remit=panel["remit_pct_gdp_derived"],
    ).select("reer", "price", "income", "remit")


def sample(panel: md.Panel, measure: str) -> md.Panel:
    """Countries with at least FEWEST complete years of a measure that received LEAST percent of GDP
    on average. Below, one percent of GDP is far outside all that was observed, and slopes by
    country are wild."""
    complete = panel.frame[[measure, "income", "remit"]].notna().all(axis=1).to_numpy()
    years = np.bincount(panel.entity_codes, weights=complete)
    share = panel.frame["remit"].where(complete).groupby(panel.entity_codes).mean().to_numpy()
    enough = (years >= FEWEST) & (share >= LEAST)
    return panel.where(complete & enough[panel.entity_codes], "too few years, or little received")


def study(measure: str) -> md.Study:
    """The long run by every estimator, and the pre-tests that say which gives the verdict."""
    formula = f"{measure} ~ remit + income"
    return md.Study(
        md.Hypothesis(
            claim="Remittances leave the real exchange rate where it is", term="remit",
            views={"DF": "0", "CR": "+"}, smallest_effect=0.01,
            reason="one percent of GDP of remittances for one percent of appreciation",
        ),
        {
            "FE": md.Spec(
                estimator=md.FixedEffects(
                    formula=formula, effects=("entity", "time"), cov=md.Clustered("entity")
                ),
                strategy="within countries",
            ),
            **long_run_specs(formula),
            "FMOLS": md.FullyModifiedOLS(formula=formula, short="drop"),
        },
        prefer=LONG_RUN,
        sample=f"at least {FEWEST} complete years, remittances of {LEAST}% of GDP or more",
        pretests=long_run_pretests(measure, ("remit", "income"), trending=("income",)),
    )  # fmt: skip


def main() -> None:
    with warnings.catch_warnings():
        for category in (
            DroppedRowsWarning, DroppedEntitiesWarning, JoinWarning, CountryWarning,
            AdjustmentWarning,
        ):  # fmt: skip
            warnings.simplefilter("ignore", category)
        whole = load()
        for measure in ("reer", "price"):
            panel = sample(whole, measure)
            years = panel.periods
            print(
                f"\n{measure}: {len(panel.entities)} countries, {len(panel)} country-years, "
                f"{years[0]} to {years[-1]}"
            )
            answer = study(measure).run(panel)
            for line in str(answer).splitlines():
                if line.startswith(("Verdict", "The pre-tests", "Pre-test", "Rule")):
                    print(line)
            for name, f in answer.focal.items():
                print(f"{name:>22}: remit {f.estimate:+.4f} [{f.low:+.4f}, {f.high:+.4f}]")
            for name in ("Mean group", "Pooled mean group"):
                low, high = answer.fits[name].bootstrap("remit").iloc[0][["lower", "upper"]]
                print(f"{name:>22}, bootstrap of countries: [{low:+.4f}, {high:+.4f}]")
            print(answer.fits["Pooled mean group"].half_life())


if __name__ == "__main__":
    main()
