"""D1 on real data: does the income gap to the United States close?

Penn World Table 10.01, log output per head, 1970 to 2019. Dispersion, growth on initial income,
clubs of countries, and the gap of each country to the United States, also among the larger
receivers of remittances.
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
    ).select("income", "investment", "schooling", "remit")
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


def main() -> None:
    with warnings.catch_warnings():
        for category in (DroppedRowsWarning, DroppedEntitiesWarning, JoinWarning, CountryWarning):
            warnings.simplefilter("ignore", category)
        panel = whole(load())
        print(f"{len(panel.entities)} countries, {FIRST} to {LAST}")
        dispersion = diagnostics.sigma_convergence(panel, "income")
        print(dispersion)
        print(dispersion.detail["ends"])
        print(diagnostics.beta_convergence(panel, "income"))
        conditional = diagnostics.beta_convergence(
            panel, "income", controls=("investment", "schooling"), missing="drop"
        )
        print(conditional)
        clubs = diagnostics.convergence_clubs(panel, "income")
        print(clubs.overall)
        print(clubs.tests.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
        for name, sample in (("all countries", panel), ("receivers", receivers(panel))):
            gaps = diagnostics.gap_tests(sample, "income", reference="USA", lags="bic")
            closer = (gaps.frame["last"].abs() < gaps.frame["first"].abs()).mean()
            print(f"{name}: {gaps}")
            print(f"closer to the United States in {LAST} than in {FIRST}: {closer:.0%}")


if __name__ == "__main__":
    main()
