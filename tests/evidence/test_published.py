"""Published effects, and where an estimate falls among them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import SpecificationError
from migdev.evidence.published import LITERATURE, compare, partial_correlation
from migdev.simulate import stylised_world


def test_partial_correlation_is_the_correlation_of_residuals():
    rng = np.random.default_rng(1)
    z, x = rng.normal(size=(2, 60))
    y = 0.4 * x + z + rng.normal(size=60)
    frame = pd.DataFrame({"i": np.arange(60), "t": 2000, "x": x, "y": y, "z": z})
    fit = md.PooledOLS(formula="y ~ x + z", cov=md.Unadjusted()).fit(
        md.Panel.from_frame(frame, entity="i", time="t")
    )
    Z = np.column_stack([np.ones(60), z])
    left, right = (v - Z @ np.linalg.lstsq(Z, v, rcond=None)[0] for v in (x, y))
    r, error = partial_correlation(float(fit.tstats["x"]), fit.df_resid)
    assert r == pytest.approx(np.corrcoef(left, right)[0, 1], rel=1e-10)
    assert r / error == pytest.approx(fit.tstats["x"], rel=1e-12)
    with pytest.raises(SpecificationError, match="df=0"):
        partial_correlation(1.0, 0)


def test_growth_literature_is_that_of_the_tables():
    known = LITERATURE["growth"]
    values = {b.name: b.value for b in known.benchmarks}
    assert values["simple mean"] == 0.103
    assert values["stem-based"] == 0.036
    assert all(b.low < b.value < b.high for b in known.benchmarks if not b.corrected)
    assert all(b.where for b in known.benchmarks)


def test_places():
    low = compare("growth", -4.0, 500)
    assert "1.0 standard deviations of published estimates below their mean of 0.103" in low
    assert "none of these" in low
    assert "centre on 0.025 to 0.121" in low
    assert "all of these" in compare("growth", 1.5, 400)
    assert "above their mean" in compare("growth", 9.0, 500)
    with pytest.raises(SpecificationError, match="no published evidence under 'height'"):
        compare("height", 1.0, 10)


def test_answers_say_where_they_fall(tmp_path):
    world = stylised_world("null", seed=3, entities=60, missing=False)
    question = md.hypotheses.get("G1")
    fe = md.FixedEffects(
        formula="growth ~ remit + L(y)", effects=("entity", "time"), cov=md.Clustered("entity")
    )
    answer = md.Study(question, {"FE": fe}).run(question.prepare(world))
    fit = answer.fits["FE"]
    r, _ = partial_correlation(float(fit.tstats["remit"]), fit.df_resid)
    assert f"the estimate is {r:.3f} [" in answer.published
    assert answer.published in str(answer)
    assert "Among published results" in answer.report(tmp_path / "a.html").read_text()
    silent = md.Study(md.hypotheses.get("M1"), {"FE": fe}).run(answer.panel)
    assert silent.published == ""
