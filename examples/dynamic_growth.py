"""Growth, remittances and finance in five-year windows: what dynamic panel GMM can and cannot say.

The design that the remittance literature uses: log income on its lag, remittances, private credit
and their product, by pooled OLS, fixed effects, difference and system GMM, with few instruments
and every diagnostic in view. World Bank data joined with the Financial Structure database.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev.errors import DroppedRowsWarning, JoinWarning, SingletonWarning

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")
FORMULA = "y ~ L(y) + remit + credit + remit:credit + trade + popgrowth"
INSTRUMENTS = (
    md.GMMStyle("y", (2, 3), collapse=True),
    md.GMMStyle("remit + credit + remit:credit", (2, 3), collapse=True),
    md.GMMStyle("trade + popgrowth", (2, 2), collapse=True),
)


def load() -> md.Panel:
    """Low- and middle-income countries in windows of five years."""
    names = ("wdi_panel", "country_meta", "financial_structure_2019")
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in names])
    panel = panel.where((panel["income_group"] != "High income").to_numpy(), "high income")
    panel = panel.assign(
        y=np.log(panel["NY.GDP.PCAP.KD"]),
        remit=panel["remit_pct_gdp_derived"],
        credit=panel["private_credit_dmb_ofi_gdp"],
        trade=panel["NE.TRD.GNFS.ZS"],
        popgrowth=panel["SP.POP.GROW"],
    ).select("y", "remit", "credit", "trade", "popgrowth")
    how = {"y": "last", "remit": "mean", "credit": "mean", "trade": "mean", "popgrowth": "mean"}
    return panel.windows(5, min_obs=3, how=how)


def report(name: str, fit: md.Estimate, panel: md.Panel) -> None:
    """Marginal effect of remittances at low and high credit, and the diagnostics of GMM."""
    print(f"{name}: {fit.nobs} windows, {fit.entities} countries, L(y) {fit.params['L(y)']:.3f}")
    for share in (0.25, 0.75):
        credit = float(panel["credit"].quantile(share))
        effect = fit.lincom(f"remit + {credit:.6f}*remit:credit")
        low, high = effect.conf_int()
        print(
            f"  remit at credit of {credit:.0f}% of GDP: {effect.estimate:+.4f} "
            f"[{low:+.4f}, {high:+.4f}]"
        )
    if "hansen" not in fit.stats:
        return
    hansen, second = fit.stats["hansen"], fit.stats["ar2"]
    print(f"  instruments {fit.n_instruments} for {fit.n_entities} countries")
    print(f"  Hansen p = {hansen.pvalue:.3f}, m2 p = {second.pvalue:.3f}")
    levels = fit.difference_in_hansen
    if "GMM instruments for levels" in levels.index:
        p = levels.loc["GMM instruments for levels", "p_difference"]
        print(f"  instruments for levels: difference-in-Hansen p = {p:.3f}")
        print(f"  variance of effects to that of errors: {fit.stats['effects_to_error']:.1f}")
    bounds = fit.bounds_check()
    inside = "inside" if bounds.loc["GMM", "inside"] else "outside"
    print(
        f"  L(y) is {inside} the bounds: within {bounds.loc['within', 'sum_of_lags']:.3f}, "
        f"OLS {bounds.loc['pooled OLS', 'sum_of_lags']:.3f}"
    )
    strength = fit.weak_instruments()["F_robust"].unstack("equation")
    weakest = strength.min().round(1).to_dict()
    print(f"  smallest conditional F by equation: {weakest}")


def main() -> None:
    for category in (DroppedRowsWarning, SingletonWarning, JoinWarning):
        warnings.simplefilter("ignore", category)
    panel = load()
    clustered = md.Clustered("entity")
    both = ("entity", "time")
    fits = {
        "OLS with time effects": md.FixedEffects(formula=FORMULA, effects=("time",), cov=clustered),
        "Fixed effects": md.FixedEffects(formula=FORMULA, effects=both, cov=clustered),
        "Difference GMM": md.DifferenceGMM(formula=FORMULA, gmm=INSTRUMENTS, effects=("time",)),
        "System GMM": md.SystemGMM(formula=FORMULA, gmm=INSTRUMENTS, effects=("time",), small=True),
    }
    found = {name: spec.fit(panel) for name, spec in fits.items()}
    for name, fit in found.items():
        report(name, fit, panel)
    print(
        "Read the estimates with their diagnostics: with a conditional F far below 10 the "
        "equation says little about its regressors, whatever the standard errors."
    )


if __name__ == "__main__":
    main()
