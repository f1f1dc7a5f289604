"""Half-panel jackknife against fixed effects on the halves, and known truth."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors
from tests.gmm_panels import panel, simulated


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spec.fit(p)


@pytest.mark.parametrize("effects", [("entity",), ("entity", "time")])
@pytest.mark.parametrize("holes", [0.0, 0.15])
def test_matches_fixed_effects_on_the_halves(effects: tuple[str, ...], holes: float) -> None:
    d = simulated(np.random.default_rng(3), 50, 9, holes=holes)
    p = panel(d)
    d = p.frame.assign(ly=p.L("y").to_numpy()).dropna(subset=["ly"])
    d = d[d.groupby("i").i.transform("size") > 3]
    fit = quiet(md.HalfPanelJackknife(formula="y ~ ly + x", effects=effects), panel(d))

    def fe(part: pd.DataFrame) -> tuple[Any, Any]:
        r = quiet(
            md.FixedEffects(formula="y ~ ly + x", effects=effects, singletons="keep"), panel(part)
        )
        psi = pd.DataFrame(r.moments.scores @ r.moments.bread, index=r.resids.index)
        return r.params, psi.groupby(level=0).sum()

    place, size = d.groupby("i").cumcount(), d.groupby("i").i.transform("size")
    full, psi = fe(d)
    b, pull = [], []
    for cut in (size // 2, (size + 1) // 2):
        for part in (d[place < cut], d[place >= cut]):
            params, influence = fe(part)
            b.append(params)
            pull.append(influence)
    assert_allclose(fit.params, 2 * full - sum(b) / 4, rtol=1e-8)
    both = 2 * psi - sum(q.reindex(psi.index, fill_value=0.0) for q in pull) / 4
    G = len(both)
    assert_allclose(fit.cov, both.T @ both * G / (G - 1), rtol=1e-7)


def test_the_bias_goes() -> None:
    gap, plain = [], []
    for stream in np.random.SeedSequence(2).spawn(20):
        p = panel(simulated(np.random.default_rng(stream), 80, 14, rho=0.4))
        fit = quiet(md.HalfPanelJackknife(formula="y ~ L(y) + x"), p)
        gap.append(fit.params["L(y)"] - 0.4)
        plain.append(fit.stats["uncorrected: L(y)"] - 0.4)
    assert np.mean(plain) < -0.03
    assert abs(np.mean(gap)) < 0.4 * abs(np.mean(plain))


def test_bad_input() -> None:
    d = simulated(np.random.default_rng(3), 20, 6)
    with pytest.raises(errors.SpecificationError, match="entity"):
        md.HalfPanelJackknife(formula="y ~ x", effects=("time",))
    with pytest.raises(errors.IdentificationError, match="do not identify z"):
        quiet(md.HalfPanelJackknife(formula="y ~ x + z"), panel(d))
    with pytest.raises(errors.IdentificationError, match="halves"):
        quiet(md.HalfPanelJackknife(formula="y ~ L(y) + x"), panel(d[d.t < 2003]))
    with pytest.raises(errors.IdentificationError, match="one entity"):
        quiet(md.HalfPanelJackknife(formula="y ~ L(y) + x"), panel(d[d.i == d.i.iloc[0]]))


def test_period_effects_cost_degrees_of_freedom() -> None:
    p = panel(simulated(np.random.default_rng(3), 20, 8))
    one = quiet(md.HalfPanelJackknife(formula="y ~ x"), p)
    two = quiet(md.HalfPanelJackknife(formula="y ~ x", effects=("entity", "time")), p)
    assert one.df_resid == one.nobs - one.entities - 1
    assert two.df_resid == two.nobs - (two.entities + two.periods - 1) - 1
