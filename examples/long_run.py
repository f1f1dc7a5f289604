"""G5 and D7 on real data: does income move with remittances in the long run, and who leads whom?

Penn World Table 10.01 joined with World Bank remittances; countries with at least 25 complete
years. The pre-tests are declared with each question, run before any fit, and say by rules which
specifications give the verdict; every estimator then answers for the same countries.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev.errors import (
    AdjustmentWarning,
    CountryWarning,
    DroppedRowsWarning,
    JoinWarning,
)
from migdev.hypotheses.pretest_sets import CHANGES, LEVELS, lead_pretests, long_run_pretests
from migdev.hypotheses.specs import LONG_RUN, lead_specs, long_run_specs

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")
FEWEST = 25
SAMPLE = f"countries with at least {FEWEST} complete years"
LONG = md.Study(
    md.Hypothesis(
        claim="In the long run income per head moves with remittances", term="remit",
        views={"DF": "+", "CR": "0"}, smallest_effect=0.02,
        reason="a tenth more of remittances over GDP for 0.2 percent of income",
    ),
    {
        **long_run_specs("income ~ capital + remit"),
        "FMOLS": md.FullyModifiedOLS(formula="income ~ capital + remit", short="drop"),
    },
    prefer=LONG_RUN, sample=SAMPLE,
    pretests=long_run_pretests("income", ("capital", "remit"), trending=("income", "capital")),
)  # fmt: skip
LEAD = md.Study(
    md.Hypothesis(
        claim="Remittances lead growth, rather than follow stagnation", term="L(remit)",
        views={"DF": "+", "CR": "<=0"}, smallest_effect=0.5,
        reason="twice the remittances over GDP for a third of a percent of growth",
    ),
    lead_specs("growth", "remit"),
    prefer=LEVELS + CHANGES, sample=SAMPLE, pretests=lead_pretests("growth", "remit"),
)  # fmt: skip


def load() -> md.Panel:
    """Logs of income and capital per head and of remittances over GDP; growth in percent."""
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in ("pwt1001", "wdi_panel")])
    share = panel["remit_pct_gdp_derived"]
    panel = panel.assign(
        income=np.log(panel["rgdpo"] / panel["pop"]),
        capital=np.log(panel["rnna"] / panel["pop"]),
        remit=np.log(share.where(share > 0)),
        growth=lambda p: 100 * p.D(np.log(p["rgdpna"] / p["pop"])),
    ).select("income", "capital", "remit", "growth")
    whole = panel.frame[["income", "capital", "remit"]].notna().all(axis=1)
    years = np.bincount(panel.entity_codes, weights=whole)
    keep = whole.to_numpy() & (years[panel.entity_codes] >= FEWEST)
    return panel.where(keep, f"fewer than {FEWEST} complete years")


def show(name: str, answer: md.Answer) -> None:
    """Pre-tests, what follows from them, the verdict, every estimate."""
    print(f"\n{name}: {answer.hypothesis.claim}")
    table = answer.pretest_frame[["pretest", "statistic", "p_value", "critical", "outcome"]]
    print(table.to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    for ruling in answer.rulings:
        if ruling.holds:
            print(f"- {ruling.rule.condition}: {ruling.rule.reason}")
    print(f"Order: {', '.join(answer.order)}")
    print(f"Verdict: {answer.verdict} ({answer.reason})")
    for caution in answer.cautions:
        print(f"The pre-tests hold against it: {caution}")
    for spec, f in answer.focal.items():
        print(f"{spec:>31}: remit {f.estimate:+.3f} [{f.low:+.3f}, {f.high:+.3f}]")


def main() -> None:
    with warnings.catch_warnings():
        for category in (DroppedRowsWarning, JoinWarning, CountryWarning, AdjustmentWarning):
            warnings.simplefilter("ignore", category)
        panel = load()
        print(f"{len(panel.entities)} countries, {len(panel)} country-years")
        long = LONG.run(panel)
        lead = LEAD.run(panel)
    show("G5", long)
    print(long.fits["Pooled mean group"].half_life())
    shares = (long.fits["Mean group"].by_entity("remit")["estimate"] > 0).mean()
    print(f"long-run coefficient of remittances positive in {shares:.0%} of countries")
    show("D7", lead)


if __name__ == "__main__":
    main()
