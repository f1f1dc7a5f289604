"""Plans as migdev registered them before classes had public names, in ``former_plans.json``.

Made with the code of commit 3bc20ee, one plan a line:

    git worktree add ../former 3bc20ee
    PYTHONPATH=../former python tests/golden/make_former_plans.py
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import migdev as md

FILE = Path(__file__).with_name("former_plans.json")
F = "growth ~ remit + trade"
DYNAMIC = "growth ~ L(growth) + remit"
IV = "growth ~ trade + [remit ~ L(remit)]"


def every() -> md.Study:
    """One specification of every estimator and covariance."""
    gmm = {"gmm": (md.GMMStyle("growth", (2, 3)),), "iv": (md.IVStyle("remit"),)}
    within = md.FixedEffects(
        formula=F, effects=("entity", "time"), cov=md.Clustered("entity", kind="CR2")
    )
    specs = {
        "fe": md.Spec(estimator=within, strategy="within"),
        "dk": md.FixedEffects(formula=F, cov=md.DriscollKraay(bandwidth=2)),
        "re": md.RandomEffects(formula=F, cov=md.Robust("HC3")),
        "bt": md.Between(formula=F),
        "fd": md.FirstDifference(formula=F, cov=md.NeweyWest(bandwidth=1)),
        "iv": md.IV2SLS(formula=IV),
        "liml": md.LIML(formula=IV),
        "ivgmm": md.IVGMM(formula=IV),
        "mundlak": md.CorrelatedRandomEffects(formula=F),
        "ols": md.PooledOLS(formula=F, cov=md.Unadjusted()),
        "pcse": md.PooledOLS(formula=F, cov=md.BeckKatz()),
        "space": md.PooledOLS(formula=F, cov=md.Conley(500.0)),
        "ab": md.DifferenceGMM(formula=DYNAMIC, **gmm),
        "bb": md.SystemGMM(formula=DYNAMIC, **gmm),
        "ah": md.AndersonHsiao(formula=DYNAMIC),
        "as": md.AhnSchmidt(formula=DYNAMIC, **gmm),
        "lsdvc": md.BiasCorrectedLSDV(formula=DYNAMIC),
        "bcmm": md.BiasCorrectedMM(formula=DYNAMIC),
        "jackknife": md.HalfPanelJackknife(formula=DYNAMIC),
        "threshold": md.PanelThreshold(formula=F, threshold="remit", regime="remit"),
        "dynamic threshold": md.DynamicPanelThreshold(
            formula=DYNAMIC, threshold="remit", regime="remit", **gmm
        ),
        "mg": md.MeanGroup(formula=F),
        "swamy": md.SwamyRandomCoefficients(formula=F),
        "cce": md.CCEMeanGroup(formula=F),
        "ccep": md.CCEPooled(formula=F),
        "amg": md.AugmentedMeanGroup(formula=F),
        "pmg": md.PooledMeanGroup(formula=F),
        "ecmg": md.ErrorCorrectionMeanGroup(formula=F),
        "dfe": md.DynamicFixedEffects(formula=F),
        "ife": md.InteractiveFixedEffects(formula=F),
        "csardl": md.CSARDL(formula=F),
        "csdl": md.CSDL(formula=F),
        "fmols": md.FullyModifiedOLS(formula=F),
        "dols": md.DynamicOLS(formula=F),
    }
    hypothesis = md.Hypothesis(
        claim="Remittances raise growth", term="remit", sign=1, views={"DF": "+", "CR": "<=0"},
        smallest_effect=0.05,
    )  # fmt: skip
    pretests = md.PreTests(
        tests={"cd": md.PreTest(test="pesaran_cd", on="D(growth)")},
        rules=(
            md.PreTestRule(
                when={"cd": "rejected"}, specs=("fe",), behind=("cce",), reason="shared shocks"
            ),
        ),
    )
    return md.Study(hypothesis, specs, sample="all", pretests=pretests)


def studies() -> dict[str, md.Study | md.JointStudy]:
    """What the plans register."""
    ids = {"G1": "G1", "G5": "G5", "X1": "X1-first"}  # what X1 was then
    asked = {name: md.hypotheses.get(id).study() for name, id in ids.items()}
    return {**asked, "every": every()}


if __name__ == "__main__":
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, study in studies().items():
            study.preregister(Path(scratch) / "plan.json")
            plan = json.loads((Path(scratch) / "plan.json").read_text(encoding="utf-8"))
            told = json.dumps(plan, ensure_ascii=False, separators=(",", ":"))
            lines.append(f"{json.dumps(name)}: {told}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
