"""A user's script that type checkers must refuse, on each line marked so and on no other."""

import migdev as md
from migdev.diagnostics import ips, isp  # wrong


def estimate(panel: md.Panel) -> md.Estimate:
    fe = md.FixedEffects(formula="growth ~ L(remit)", efects=("entity",))  # wrong
    print(fe.formulae)  # wrong
    fe = md.FixedEffects("growth ~ remit", ("entity",))  # wrong
    fe = md.FixedEffects("growth ~ remit", cov="HC7")  # wrong
    fe = md.FixedEffects("growth ~ remit", singletons="kep")  # wrong
    fe = md.FixedEffects("growth ~ remit", effects=3)  # wrong
    print(md.Clustered("entity", kind="CR9"), md.Robust("HC9"))  # wrong
    print(md.SystemGMM("y ~ L(y)", gmm=("y",)))  # wrong
    print(md.PanelThreshold("y ~ x", regime="x"))  # wrong
    fe.fit(panel).with_cov("clusted")  # wrong
    fe.fit(panel, "remit")  # wrong
    fe.effects = ("time",)  # wrong
    print(md.FixedEffect)  # wrong
    print(ips(panel, "remit", lag=2).pvalues)  # wrong
    print(md.diagnostics.cips(panel, 3), isp)  # wrong
    return fe  # wrong
