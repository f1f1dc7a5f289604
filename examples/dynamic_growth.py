"""Remittances, finance and growth by FE, difference and system GMM, on five-year windows.

The design of the remittances-and-finance literature (Giuliano and Ruiz-Arranz 2009): growth on
lagged income, remittances and their product with private credit. The point of the example is what
the diagnostics allow one to say.
"""

import os
import warnings

import numpy as np

import migdev as md
from migdev.errors import MigdevWarning

DATA = os.environ.get("MIGDEV_DATA", "../shared/data")
FOCAL = "remit + remit:credit"
OTHERS = "credit + trade + inflation + popgrowth + government"


def load() -> md.Panel:
    """Five-year windows of low- and middle-income countries."""
    names = ("wdi_panel", "country_meta", "financial_structure_2019")
    panel = md.join([md.read(f"{DATA}/{name}.csv") for name in names])
    question = md.hypotheses.get("G2")
    return question.prepare(panel)


def specs() -> dict[str, object]:
    """Lagged income predetermined, remittances and credit endogenous; two lags, collapsed."""
    formula = f"growth ~ L(y) + {FOCAL} + {OTHERS}"
    gmm = (
        md.GMMStyle.predetermined("L(y)", last=2, collapse=True),
        md.GMMStyle.endogenous("remit + remit:credit + credit", last=3, collapse=True),
    )
    iv = (md.IVStyle("trade + inflation + popgrowth + government"),)
    shared = {"formula": formula, "gmm": gmm, "iv": iv, "effects": ("time",), "small": True}
    many = (md.GMMStyle("L(y)", lags=(1, None)), md.GMMStyle("remit + credit", lags=(2, None)))
    return {
        "FE": md.FixedEffects(
            formula=formula, effects=("entity", "time"), cov=md.Clustered("entity")
        ),
        "Difference": md.DifferenceGMM(**shared),
        "System": md.SystemGMM(**shared),
        "System, all lags": md.SystemGMM(**{**shared, "gmm": many}),
    }


def main() -> None:
    warnings.simplefilter("ignore", MigdevWarning)  # told below and in the notes of the table
    panel = load()
    fits = {name: spec.fit(panel) for name, spec in specs().items()}
    print(
        md.table(
            fits, keep=["L(y)", "remit", "remit:credit", "credit"],
            diagnostics=["hansen", "sargan", "ar1", "ar2"],
        )
    )  # fmt: skip
    for name in ("Difference", "System", "System, all lags"):
        fit = fits[name]
        crowded = " (more than countries)" if fit.n_instruments > fit.entities else ""
        print(f"{name}: {fit.n_instruments} instruments, {fit.entities} countries{crowded}")
        weakest = fit.weak_instruments()["F"].min()
        print(f"  smallest conditional F of the first stages: {weakest:.1f}")
        for key in ("hansen", "ar2"):
            if fit.stats[key].alarming():
                print(f"  {fit.stats[key].name} rejects: p = {fit.stats[key].pvalue:.3f}")
    credit = np.nanpercentile(panel["credit"], [10, 50, 90])
    for name, fit in fits.items():
        effects = [fit.lincom(f"remit + {c:.4f}*`remit:credit`") for c in credit]
        shown = ", ".join(f"{e.estimate:+.3f} ({e.std_error:.3f})" for e in effects)
        print(f"{name}: effect of remittances at low, median and high credit: {shown}")


if __name__ == "__main__":
    main()
