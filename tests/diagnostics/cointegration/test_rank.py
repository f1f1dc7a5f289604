"""Johansen's and Engle and Granger's tests against urca, gretl, statsmodels and known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)
from migdev.kernels.cointegration.rank_tests import rank_critical
from tests.data import benchmark
from tests.golden import load_golden

URCA, GRETL = load_golden("urca_johansen"), load_golden("gretl_cointegration")
DANISH = "LRM LRY IBO IDE"
TRENDS = ["none", "rconstant", "constant", "rtrend", "trend"]


@pytest.fixture(scope="module")
def denmark():
    frame = benchmark("urca_denmark")
    frame = frame.assign(country="DNK", quarter=np.arange(len(frame)))
    return md.Panel.from_frame(frame, entity="country", time="quarter")


@pytest.mark.parametrize("lags", [1, 2, 3])
@pytest.mark.parametrize("trend", list(URCA["denmark"])[:3])
def test_johansen_matches_urca(denmark, trend, lags):
    test = diagnostics.johansen(denmark, DANISH, trend=trend, lags=lags, small_sample=False)
    golden = URCA["denmark"][trend][f"lags{lags}"]
    for kind in ("trace", "max"):
        assert_allclose(test.detail["by_entity"][kind], golden[kind], rtol=1e-8, atol=1e-9)


def test_johansen_as_published(denmark):
    test = diagnostics.johansen(denmark, DANISH, trend="rconstant", seasons=4, small_sample=False)
    rows = test.detail["by_entity"]
    assert_allclose(rows["trace"], URCA["denmark"]["seasonal"]["trace"], rtol=1e-8)
    # Johansen and Juselius (1990), table 2, two decimals.
    assert_allclose(rows["trace"].iloc[[0, 1, 3]], [49.14, 19.06, 2.35], atol=0.005)


@pytest.mark.parametrize("trend", TRENDS)
def test_johansen_matches_gretl_with_its_pvalues(denmark, trend):
    golden = GRETL[trend]
    rows = diagnostics.johansen(denmark, DANISH, trend=trend, small_sample=False).detail[
        "by_entity"
    ]
    for kind in ("trace", "max"):
        assert_allclose(rows[kind], golden[kind], rtol=5e-5)  # five digits printed
        if f"{kind}_p" in golden:
            assert_allclose(rows[f"{kind}_p"], golden[f"{kind}_p"], atol=5.1e-5)  # four decimals


def test_johansen_over_a_panel(grunfeld):
    options = {"trend": "rconstant", "lags": 1, "short": "drop"}
    test = diagnostics.johansen(grunfeld, "inv value capital", small_sample=False, **options)
    rows = test.detail["by_entity"].set_index(["entity", "rank"])
    for firm, golden in URCA["grunfeld"].items():
        assert_allclose(rows.loc[int(firm), "trace"], golden["trace"], rtol=1e-8)
        assert_allclose(rows.loc[int(firm), "max"], golden["max"], rtol=1e-8)
    assert_allclose(test.statistic, -2 * np.log(rows.xs(0, level="rank")["trace_p"]).sum())
    assert test.df == 20 and test.distribution == "chi2"
    one = diagnostics.johansen(
        grunfeld, "inv value capital", entity=3, rank=1, statistic="max", small_sample=False,
        **options,
    )  # fmt: skip
    assert_allclose(one.statistic, URCA["grunfeld"]["3"]["max"][1], rtol=1e-8)
    # Reinsel and Ahn's factor with n = 18, K (p + 1) = 6.
    scaled = diagnostics.johansen(grunfeld, "inv value capital", entity=3, **options)
    assert_allclose(scaled.statistic, URCA["grunfeld"]["3"]["trace"][0] * 12 / 18, rtol=1e-8)


def test_critical_values_near_johansens_tables():
    from statsmodels.tsa.coint_tables import c_sja, c_sjt

    # The tables are of MacKinnon, Haug and Michelis (1999); Doornik's gammas are within 2.5%.
    for trend, order in (("none", -1), ("constant", 0)):
        for m in range(1, 9):
            for kind, table in (("trace", c_sjt), ("max", c_sja)):
                ours = rank_critical(m, trend, kind)
                assert_allclose([ours["10%"], ours["5%"], ours["1%"]], table(m, order), rtol=0.025)


def test_johansen_does_not_depend_on_units(denmark):
    frame = denmark.frame.assign(LRM=1e9 + 1e4 * denmark["LRM"], IBO=1e-6 * denmark["IBO"])
    moved = md.Panel.from_frame(frame, entity="country", time="quarter")
    for trend in ("rconstant", "constant", "rtrend", "trend"):
        a, b = (diagnostics.johansen(p, DANISH, trend=trend).statistic for p in (denmark, moved))
        assert_allclose(a, b, rtol=1e-7)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"variables": "LRM"}, SpecificationError, "2 to 12 variables, not 1"),
        ({"trend": "ct"}, SpecificationError, "trend='ct' is unknown.*'rconstant'"),
        ({"rank": 4}, SpecificationError, "rank=4"),
        ({"lags": -1}, SpecificationError, "lags=-1"),
        ({"lags": 8}, IdentificationError, "fewer than the 83 periods that 4 variables"),
        ({"entity": "DNl"}, PanelError, "Did you mean 'DNK'"),
        ({"variables": ["LRM", "IBO", "I(2*IBO)"]}, IdentificationError, "collinear"),
    ],
)
def test_johansen_refuses(denmark, options, error, message):
    with pytest.raises(error, match=message):
        diagnostics.johansen(denmark, **({"variables": DANISH} | options))


def test_short_entities_are_named(grunfeld):
    short = grunfeld.where((grunfeld["firm"] != 2) | (grunfeld["year"] > 1950), "short")
    with pytest.raises(IdentificationError, match="fewer than the 16 periods.*'2'"):
        diagnostics.johansen(short, "inv value capital")
    with pytest.warns(DroppedEntitiesWarning, match="'2'"):
        assert diagnostics.johansen(short, "inv value capital", short="drop").df == 18


@pytest.mark.parametrize("trend", [False, True])
@pytest.mark.parametrize("lags", [0, 2, "aic"])
def test_engle_granger_matches_gretl_and_statsmodels(denmark, trend, lags):
    from statsmodels.tsa.stattools import coint

    code = "ct" if trend else "c"
    test = diagnostics.engle_granger(
        denmark, "LRM ~ LRY + IBO + IDE", trend=trend, lags=lags, max_lags=6
    )
    frame = denmark.frame
    peer = coint(
        frame["LRM"], frame[["LRY", "IBO", "IDE"]], trend=code,
        maxlag=6 if lags == "aic" else lags, autolag="aic" if lags == "aic" else None,
    )  # fmt: skip
    assert_allclose((test.statistic, test.pvalue), peer[:2], rtol=1e-8)
    assert_allclose(list(test.critical_values.values()), peer[2], rtol=1e-12)
    if lags == 2:
        golden = GRETL["engle_granger"][code]
        assert_allclose(test.statistic, golden["t"], atol=5e-6)
        # gretl has the response surface of 1996, we that of 1994.
        assert_allclose(test.pvalue, golden["p_value"], atol=1e-3)


def test_engle_granger_over_a_panel(grunfeld):
    test = diagnostics.engle_granger(grunfeld, "inv ~ value + capital", lags=1)
    rows = test.detail["by_entity"]
    assert_allclose(test.statistic, -2 * np.log(rows["p_value"]).sum())
    assert test.df == 20 and (rows["critical_5"] < -3.9).all()
    with pytest.raises(SpecificationError, match="needs an intercept"):
        diagnostics.engle_granger(grunfeld, "inv ~ value", trend="n")


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "expected"), [(0, 0.05), (1, None)])
def test_size_and_power_of_the_combination(rank, expected):
    rng, reps, N, T = np.random.default_rng(20240611), 200, 10, 60
    rejected = 0
    for _ in range(reps):
        e = rng.standard_normal((N, T, 2))
        x = e[:, :, 0].cumsum(axis=1)
        y = x + e[:, :, 1] if rank else e[:, :, 1].cumsum(axis=1)
        frame = pd.DataFrame(
            {"i": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N), "x": x.ravel(),
             "y": y.ravel()}
        )  # fmt: skip
        panel = md.Panel.from_frame(frame, entity="i", time="t")
        rejected += diagnostics.johansen(panel, "x y", trend="rconstant").pvalue < 0.05
    if expected is None:
        assert rejected == reps
    else:
        assert abs(rejected / reps - expected) < 3.29 * np.sqrt(expected * (1 - expected) / reps)
