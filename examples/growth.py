"""G1 on real data: do remittances raise growth? Yearly, and in five-year windows.

Low- and middle-income countries, World Bank data joined with the Financial Structure database.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev.errors import DroppedRowsWarning, JoinWarning, SingletonWarning

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")
CLUSTERED = md.Clustered("entity")


def load() -> md.Panel:
    """WDI, country groups and financial structure, one row per country and year."""
    names = ("wdi_panel", "country_meta", "financial_structure_2019")
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in names])
    share = panel.frame.set_index(["iso3", "year"])["remit_pct_gdp_derived"]
    print(f"Tajikistan 2013: remittances {share['TJK', 2013]:.1f}% of GDP")
    print(f"Mexico 2023: remittances {share['MEX', 2023]:.1f}% of GDP")
    panel = panel.where((panel["income_group"] != "High income").to_numpy(), "high income")
    return panel.assign(
        growth=panel["NY.GDP.PCAP.KD.ZG"],
        y=np.log(panel["NY.GDP.PCAP.KD"]),
        remit=panel["remit_pct_gdp_derived"],
        trade=panel["NE.TRD.GNFS.ZS"],
        inflation=100 * np.log1p(panel["FP.CPI.TOTL.ZG"] / 100),
        popgrowth=panel["SP.POP.GROW"],
        government=panel["NE.CON.GOVT.ZS"],
        credit=panel["private_credit_dmb_ofi_gdp"],
    ).select("growth", "y", "remit", "trade", "inflation", "popgrowth", "government", "credit")


def fits(panel: md.Panel) -> dict[str, md.Estimate]:
    """Pooled OLS, fixed and random effects, and internal instruments."""
    controls = "L(y) + trade + inflation + popgrowth + government + credit"
    formula, both = f"growth ~ remit + {controls}", ("entity", "time")
    instrumented = f"growth ~ {controls} + [remit ~ L(remit, [1, 2])]"
    specs = {
        "Pooled": md.PooledOLS(formula=formula, cov=CLUSTERED),
        "FE": md.FixedEffects(formula=formula, effects=both, cov=CLUSTERED),
        "RE": md.RandomEffects(formula=formula, cov=CLUSTERED),
        "FE-IV": md.IV2SLS(formula=instrumented, effects=both, cov=CLUSTERED),
    }
    return {name: spec.fit(panel) for name, spec in specs.items()}


def main() -> None:
    warnings.simplefilter("ignore", DroppedRowsWarning)  # the notes of the tables tell them
    warnings.simplefilter("ignore", SingletonWarning)
    warnings.simplefilter("ignore", JoinWarning)
    panel = load()
    means = {name: "mean" for name in panel.columns if name not in ("iso3", "year")}
    windows = panel.windows(5, min_obs=3, how={**means, "y": "last"})
    for title, data in (("Yearly", panel), ("Five-year windows", windows)):
        found = fits(data)
        print(md.table(found, title=title, keep=["remit", "L(y)", "credit"]))
        for name, fit in found.items():
            se, df = fit.std_errors["remit"], fit.lincom("remit").df
            smallest = md.robustness.minimum_detectable_effect(se, df)
            print(f"{name}: smallest effect these data could have found: {smallest:.3f}")
        print()


if __name__ == "__main__":
    main()
