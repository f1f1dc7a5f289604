"""Conventions against the software whose names they bear: linearmodels, pyfixest, statsmodels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import migdev as md
from tests.panel_moments import assert_cov_close, ols_moments

RTOL = 1e-9  # the peers demean and solve by other routes; well-conditioned data


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """40 x 15 with a tenth of the rows missing at random, late entry, and a coarser grouping."""
    rng = np.random.default_rng(20240501)
    N, T = 40, 15
    f = pd.DataFrame({"i": np.repeat(np.arange(N), T), "t": np.tile(np.arange(2001, 2001 + T), N)})
    f["x1"] = rng.standard_normal(N)[f.i] + rng.standard_normal(len(f))
    f["x2"] = rng.standard_normal(T)[f.t - 2001] + rng.standard_normal(len(f))
    f["y"] = f.x1 - f.x2 + rng.standard_normal(N)[f.i] + rng.standard_normal(len(f)) * (1 + f.x1**2)
    f["region"] = f.i // 3
    f["w"] = rng.uniform(0.5, 2.0, len(f))
    keep = (rng.uniform(size=len(f)) > 0.1) & ~((f.i % 7 == 3) & (f.t < 2005))
    return f[keep].reset_index(drop=True)


EFFECTS = {"none": (), "entity": ("i",), "time": ("t",), "twoways": ("i", "t")}


def moments(f: pd.DataFrame, effects: str, weighted: bool = False) -> Any:
    entity = f.i.to_numpy()
    period = np.unique(f.t, return_inverse=True)[1]
    factors = {n: {"i": entity, "t": period}[n] for n in EFFECTS[effects]}
    X = f[["x1", "x2"]].to_numpy()
    if not factors:
        X = np.column_stack([np.ones(len(f)), X])
    _, m = ols_moments(
        f.y.to_numpy(), X, entity, f.t.to_numpy(), factors=factors,
        weights=f.w.to_numpy() if weighted else None,
        columns={c: f[c].to_numpy() for c in ("region",)},
    )  # fmt: skip
    return m


LINEARMODELS = [
    (md.Unadjusted(convention="linearmodels"), {"cov_type": "unadjusted"}),
    (md.Robust(convention="linearmodels"), {"cov_type": "robust"}),
    (md.Clustered("entity", convention="linearmodels"),
     {"cov_type": "clustered", "cluster_entity": True}),
    (md.Clustered("time", convention="linearmodels"),
     {"cov_type": "clustered", "cluster_time": True}),
    (md.Clustered("entity", "time", convention="linearmodels"),
     {"cov_type": "clustered", "cluster_entity": True, "cluster_time": True}),
    (md.DriscollKraay(convention="linearmodels"), {"cov_type": "kernel"}),
    (md.DriscollKraay(bandwidth=4, kernel="parzen", convention="linearmodels"),
     {"cov_type": "kernel", "kernel": "parzen", "bandwidth": 4}),
    (md.DriscollKraay(bandwidth=2.5, kernel="quadratic-spectral", convention="linearmodels"),
     {"cov_type": "kernel", "kernel": "qs", "bandwidth": 2.5}),
]  # fmt: skip


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize(("spec", "options"), LINEARMODELS, ids=lambda v: str(v)[:60])
def test_linearmodels(
    frame: pd.DataFrame, effects: str, spec: Any, options: dict[str, Any]
) -> None:
    from linearmodels import PanelOLS

    data = frame.set_index(["i", "t"])
    exog = data[["x1", "x2"]].assign(const=1.0)[["const", "x1", "x2"]]
    fit = PanelOLS(
        data.y, exog, entity_effects="i" in EFFECTS[effects], time_effects="t" in EFFECTS[effects]
    ).fit(**options)
    found = spec.estimate(moments(frame, effects))
    wanted = fit.cov.to_numpy()
    if effects != "none":
        wanted = wanted[1:, 1:]
    assert_cov_close(found.cov, wanted, RTOL)
    if effects == "none":
        assert found.df == fit.df_resid


PYFIXEST = [
    (md.Unadjusted(convention="fixest"), "iid", {}),
    (md.Robust(convention="fixest"), "hetero", {}),
    (md.Clustered("entity", convention="fixest"), {"CRV1": "i"}, {}),
    (md.Clustered("time", convention="fixest"), {"CRV1": "t"}, {}),
    (md.Clustered("region", convention="fixest"), {"CRV1": "region"}, {}),
    (md.Clustered("entity", "time", convention="fixest"), {"CRV1": "i+t"}, {}),
    (md.NeweyWest(bandwidth=3, gaps="position", convention="fixest"), "NW",
     {"time_id": "t", "panel_id": "i", "lag": 3}),
    (md.DriscollKraay(bandwidth=3, convention="fixest"), "DK",
     {"time_id": "t", "panel_id": "i", "lag": 3}),
]  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize(("spec", "vcov", "options"), PYFIXEST, ids=lambda v: str(v)[:50])
def test_pyfixest(
    frame: pd.DataFrame, effects: str, weighted: bool, spec: Any, vcov: Any, options: Any
) -> None:
    pf = pytest.importorskip("pyfixest")
    absorbed = " + ".join(EFFECTS[effects])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = pf.feols(
            "y ~ x1 + x2" + (f" | {absorbed}" if absorbed else ""), data=frame, vcov=vcov,
            vcov_kwargs=options or None, weights="w" if weighted else None,
            ssc=pf.ssc(k_fixef="nonnested"), fixef_tol=1e-12,
        )  # fmt: skip
    found = spec.estimate(moments(frame, effects, weighted))
    assert_cov_close(found.cov, fit._vcov, RTOL)
    assert found.df == fit._df_t


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weights"])
def test_statsmodels(frame: pd.DataFrame, weighted: bool) -> None:
    import statsmodels.api as sm
    from statsmodels.stats import sandwich_covariance as sc

    m = moments(frame, "none", weighted)
    X = np.column_stack([np.ones(len(frame)), frame[["x1", "x2"]]])
    weights = frame.w.to_numpy() if weighted else np.ones(len(frame))
    fit = sm.WLS(frame.y.to_numpy(), X, weights=weights).fit()
    for kind in ("HC0", "HC1", "HC2", "HC3"):
        assert_cov_close(md.Robust(kind).estimate(m).cov, getattr(fit, f"cov_{kind}"), RTOL)
    one = sc.cov_cluster(fit, frame.region.to_numpy())
    assert_cov_close(md.Clustered("region").estimate(m).cov, one, RTOL)
    two = sc.cov_cluster_2groups(fit, frame.i.to_numpy(), frame.t.to_numpy())[0]
    found = md.Clustered("entity", "time", convention="sandwich").estimate(m)
    assert_cov_close(found.cov, two, RTOL)


def test_statsmodels_newey_west_of_one_series() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    n = 60
    X = np.column_stack([np.ones(n), rng.standard_normal(n).cumsum()])
    y = X @ [1.0, 0.5] + rng.standard_normal(n)
    _, m = ols_moments(y, X, np.zeros(n, dtype=int), np.arange(n))
    for lags in (0, 2, 5):
        fit = sm.OLS(y, X).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
        found = md.NeweyWest(bandwidth=lags).estimate(m)
        assert_cov_close(found.cov, fit.cov_params(), RTOL)
