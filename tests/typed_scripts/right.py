"""A user's script that type checkers must accept; never run."""

import migdev as md
from migdev.diagnostics import ips, pesaran_cd


def estimate(panel: md.Panel) -> md.Estimate:
    fe = md.FixedEffects("growth ~ L(remit)", effects=["entity", "time"], cov="HC1")
    short = md.FixedEffects("growth ~ L(remit) | iso3 + year", cov={"CRV1": "iso3 + year"})
    clustered = fe.fit(panel).with_cov(md.Clustered("entity", kind="CR2"))
    share: float = clustered.wald(["L(remit)"]).pvalue
    print(share, fe.formula.upper(), md.__version__.upper(), fe.effects.count("time"))
    print(short.cov.requires(), clustered.with_cov("twoway"), md.LIML("y ~ [x ~ z]", fuller=1))
    gmm = md.SystemGMM("y ~ L(y)", gmm=md.GMMStyle("y", 2), cov="windmeijer", steps="iterated")
    print(gmm.gmm[0].lags[1], md.MeanGroup("y ~ x", robust="huber"))
    print(md.CSARDL("y ~ x", lags=(1, 2)), md.PooledMeanGroup("y ~ x", lags="aic"))
    return clustered


def test(panel: md.Panel, fit: md.Estimate) -> md.TestStatistic:
    print(md.diagnostics.cips(panel, "remit", lags=2).pvalue, ips(panel, "remit").null)
    return pesaran_cd(fit)


def answer(panel: md.Panel, study: md.Study) -> md.Answer:
    try:
        return study.run(panel)
    except md.errors.SpecificationError:
        raise SystemExit(md.table([estimate(panel)]).to_latex()) from None
