"""A user's script that type checkers must accept; never run."""

import migdev as md
from migdev.diagnostics import ips, pesaran_cd


def estimate(panel: md.Panel) -> md.Estimate:
    fe = md.FixedEffects(formula="growth ~ L(remit)", effects=("entity", "time"))
    clustered = fe.fit(panel).with_cov(md.Clustered("entity", kind="CR2"))
    share: float = clustered.wald(["L(remit)"]).pvalue
    print(share, fe.formula.upper(), md.__version__.upper())
    return clustered


def test(panel: md.Panel, fit: md.Estimate) -> md.TestStatistic:
    print(md.diagnostics.cips(panel, "remit", lags=2).pvalue, ips(panel, "remit").null)
    return pesaran_cd(fit)


def answer(panel: md.Panel, study: md.Study) -> md.Answer:
    try:
        return study.run(panel)
    except md.errors.SpecificationError:
        raise SystemExit(md.table([estimate(panel)]).to_latex()) from None
