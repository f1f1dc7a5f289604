"""A user's script that type checkers must refuse, on each line marked so and on no other."""

import migdev as md
from migdev.diagnostics import ips, isp  # wrong


def estimate(panel: md.Panel) -> md.Estimate:
    fe = md.FixedEffects(formula="growth ~ L(remit)", efects=("entity",))  # wrong
    print(fe.formulae)  # wrong
    fe.fit(panel, "remit")  # wrong
    fe.effects = ("time",)  # wrong
    print(md.FixedEffect)  # wrong
    print(ips(panel, "remit", lag=2).pvalues)  # wrong
    print(md.diagnostics.cips(panel, 3), isp)  # wrong
    return fe  # wrong
