"""Fama and MacBeth's averages against linearmodels and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from linearmodels.panel import FamaMacBeth as Peer
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import CovarianceError, DroppedRowsWarning, IdentificationError
from migdev.testing import check_estimator


def world(seed=1, N=40, T=15, keep=0.8):
    rng = np.random.default_rng(seed)
    n = N * T
    t = np.tile(np.arange(2000, 2000 + T), N)
    frame = pd.DataFrame({"i": np.repeat(np.arange(N), T), "t": t})
    frame["x"], frame["z"], e = rng.standard_normal((3, n))
    slope = np.tile(1 + 0.3 * rng.standard_normal(T), N)
    frame["y"] = 2 + slope * frame["x"] - 0.5 * frame["z"] + e
    return md.Panel.from_frame(frame[rng.random(n) < keep], entity="i", time="t")


def peer(panel, **options):
    data = panel.frame.assign(Intercept=1.0).set_index(["i", "t"])
    return Peer(data["y"], data[["Intercept", "x", "z"]]).fit(debiased=False, **options)


def test_averages_match_linearmodels():
    panel = world()
    fit = md.FamaMacBeth("y ~ x + z").fit(panel)
    want = peer(panel)
    assert_allclose(fit.params, want.params, rtol=1e-10)
    assert_allclose(fit.by_period[["Intercept", "x", "z"]], want.all_params, rtol=1e-9)
    T = 15
    own = fit.by_period[["Intercept", "x", "z"]]
    assert_allclose(fit.cov, own.cov() / T, rtol=1e-12)  # eq. (1), over T - 1
    assert_allclose(fit.cov * (T - 1) / T, want.cov, rtol=1e-9)  # linearmodels, over T
    assert fit.df_inference == T - 1 and fit.by_period["nobs"].sum() == fit.nobs == len(panel)


def test_newey_west_over_periods_matches_linearmodels():
    panel = world()
    hac = md.DriscollKraay(bandwidth=3, convention="none")
    fit = md.FamaMacBeth("y ~ x + z", cov=hac).fit(panel)
    want = peer(panel, cov_type="kernel", kernel="bartlett", bandwidth=3)
    assert_allclose(fit.cov, want.cov, rtol=1e-9)


def test_r_squared_is_the_average_of_periods():
    panel = world()
    single = [
        md.PooledOLS("y ~ x + z").fit(panel.between(t, t)).stats["r2"] for t in range(2000, 2015)
    ]
    fit = md.FamaMacBeth("y ~ x + z").fit(panel)
    assert fit.stats["r2_periods"] == pytest.approx(np.mean(single), rel=1e-12)


def test_unidentified_periods_are_named():
    panel = world()
    thin = panel.where(((panel["t"] != 2003) | (panel["i"] < 3)).to_numpy(), "thin")
    with pytest.raises(IdentificationError, match="1 of 15 periods.*'2003'.*short='drop'"):
        md.FamaMacBeth("y ~ x + z").fit(thin)
    with pytest.warns(DroppedRowsWarning, match="2003"):
        fit = md.FamaMacBeth("y ~ x + z", short="drop").fit(thin)
    assert 2003 not in fit.by_period.index and len(fit.by_period) == 14
    with pytest.raises(IdentificationError, match="at least two"):
        md.FamaMacBeth("y ~ x").fit(panel.between(2001, 2001))


def test_contract():
    fit = check_estimator(
        md.FamaMacBeth("y ~ x"), world(), covariances=[md.DriscollKraay(bandwidth=1)]
    )
    with pytest.raises(CovarianceError, match="rows of a linear fit"):
        fit.with_cov(md.Robust("HC3"))
    assert_allclose(fit.fitted + fit.resids, world()["y"])
