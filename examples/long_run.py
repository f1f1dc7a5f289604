"""G5 and D7 on real data: does income move with remittances in the long run, and who leads whom?

Penn World Table 10.01 joined with World Bank remittances; countries with at least 25 years. The
pre-tests come first; every estimator then answers for the same countries.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    AdjustmentWarning,
    CountryWarning,
    DroppedRowsWarning,
    JoinWarning,
)

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")


def load() -> md.Panel:
    """Logs of income and capital per head and of remittances over GDP."""
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in ("pwt1001", "wdi_panel")])
    share = panel["remit_pct_gdp_derived"]
    panel = panel.assign(
        income=np.log(panel["rgdpo"] / panel["pop"]),
        capital=np.log(panel["rnna"] / panel["pop"]),
        remit=np.log(share.where(share > 0)),
    ).select("income", "capital", "remit")
    whole = panel.frame[["income", "capital", "remit"]].notna().all(axis=1)
    years = np.bincount(panel.entity_codes, weights=whole)
    keep = whole.to_numpy() & (years[panel.entity_codes] >= 25)
    return panel.where(keep, "fewer than 25 complete years")


def pretests(panel: md.Panel) -> None:
    """Dependence, unit roots, equal slopes, causality."""
    print(diagnostics.pretest(panel, ["income", "remit"], short="drop"))
    print(diagnostics.slope_homogeneity(panel, "income ~ capital + remit"))
    for formula in ("income ~ remit", "remit ~ income"):
        print(diagnostics.dumitrescu_hurlin(panel, formula, short="drop"))


def fits(panel: md.Panel) -> dict[str, md.Estimate]:
    """The long run country by country, on average and pooled, with and without common shocks."""
    formula = "income ~ capital + remit"
    specs = {
        "MG": md.ErrorCorrectionMeanGroup(formula=formula, robust=True, short="drop"),
        "PMG": md.PooledMeanGroup(formula=formula, cov="sandwich", short="drop"),
        "DFE": md.DynamicFixedEffects(formula=formula, cov=md.Clustered("entity")),
        "CCE-MG": md.CCEMeanGroup(formula=formula, short="drop"),
        "AMG": md.AugmentedMeanGroup(formula=formula, short="drop"),
        "FMOLS": md.FullyModifiedOLS(formula=formula, short="drop"),
    }
    return {name: spec.fit(panel) for name, spec in specs.items()}


def main() -> None:
    with warnings.catch_warnings():
        for category in (DroppedRowsWarning, JoinWarning, CountryWarning, AdjustmentWarning):
            warnings.simplefilter("ignore", category)
        panel = load()
        print(f"{len(panel.entities)} countries, {len(panel)} country-years")
        pretests(panel)
        answers = fits(panel)
    for name, fit in answers.items():
        low, high = fit.conf_int().loc["remit"]
        print(f"{name:>7}: remit {fit.params['remit']:+.3f} [{low:+.3f}, {high:+.3f}]")
    print(answers["PMG"].half_life())
    shares = (answers["MG"].by_entity("remit")["estimate"] > 0).mean()
    print(f"long-run coefficient of remittances positive in {shares:.0%} of countries")


if __name__ == "__main__":
    main()
