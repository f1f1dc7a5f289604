"""M8 on real data: do remittances appreciate the real exchange rate in the long run?

Two measures, in logs, up being an appreciation: real effective exchange rates of the Bank for
International Settlements (1994 to 2020) and price levels of the Penn World Table 10.01 (1970 to
2019). Pre-tests first; then the long run by every estimator, for the same countries.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    AdjustmentWarning,
    CountryWarning,
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    JoinWarning,
)

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


def pretests(panel: md.Panel, measure: str) -> None:
    """Dependence, unit roots, equal slopes, cointegration."""
    formula = f"{measure} ~ remit + income"
    print(diagnostics.pretest(panel, [measure, "remit", "income"], short="drop"))
    print(diagnostics.slope_homogeneity(panel, formula))
    print(diagnostics.westerlund(panel, formula, lags=1, short="drop"))


def fits(panel: md.Panel, measure: str) -> dict[str, md.Estimate]:
    """The long run country by country, on average and pooled, with and without common shocks."""
    formula = f"{measure} ~ remit + income"
    specs = {
        "FE": md.FixedEffects(
            formula=formula, effects=("entity", "time"), cov=md.Clustered("entity")
        ),
        "MG": md.ErrorCorrectionMeanGroup(formula=formula, robust=True, short="drop"),
        "PMG": md.PooledMeanGroup(formula=formula, cov="sandwich", short="drop"),
        "DFE": md.DynamicFixedEffects(formula=formula, cov=md.Clustered("entity")),
        "CCE-MG": md.CCEMeanGroup(formula=formula, short="drop"),
        "FMOLS": md.FullyModifiedOLS(formula=formula, short="drop"),
    }
    return {name: spec.fit(panel) for name, spec in specs.items()}


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
            pretests(panel, measure)
            answers = fits(panel, measure)
            for name, fit in answers.items():
                low, high = fit.conf_int().loc["remit"]
                print(f"{name:>7}: remit {fit.params['remit']:+.4f} [{low:+.4f}, {high:+.4f}]")
            for name in ("MG", "PMG"):
                low, high = answers[name].bootstrap("remit").iloc[0][["lower", "upper"]]
                print(f"{name:>7}, bootstrap of countries: [{low:+.4f}, {high:+.4f}]")
            print(answers["PMG"].half_life())


if __name__ == "__main__":
    main()
