"""Fits of ours in tables of maketables, beside those of pyfixest."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import migdev as md

maketables = pytest.importorskip("maketables")
pyfixest = pytest.importorskip("pyfixest")


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pyfixest, under pandas 3.1
def test_a_fit_stands_beside_one_of_pyfixest() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"i": np.repeat(range(40), 6), "t": np.tile(range(6), 40)})
    frame["x"] = rng.normal(size=240)
    frame["y"] = 0.5 * frame["x"] + rng.normal(size=240)
    panel = md.Panel.from_frame(frame, entity="i", time="t")
    ours = md.FixedEffects(formula="y ~ x", cov=md.Clustered("entity")).fit(panel)
    theirs = pyfixest.feols("y ~ x | i", frame, vcov={"CRV1": "i"})
    html = (
        maketables.ETable([ours, theirs], model_stats=["N", "r2_within"]).make("gt").as_raw_html()
    )
    rows = [
        [
            re.sub("<[^>]+>", "", c).strip()
            for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", html, re.S)
    ]
    body = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert body["x"][0] == body["x"][1]
    assert body["Observations"] == ["240", "240"]
    assert "entity" in body
    assert len({*body["R2 within"]}) == 1
