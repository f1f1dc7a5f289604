"""Panel unit-root tests against plm, statsmodels and their own theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtri

import migdev as md
from migdev import diagnostics
from migdev.engines.statsmodels import mackinnon_pvalue
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)
from migdev.kernels.unit_roots.adf_batch import adf_panel, choose_lags
from migdev.kernels.unit_roots.balanced import breitung_statistic, harris_tzavalis_statistic
from migdev.kernels.unit_roots.phillips_perron import phillips_perron
from tests.golden import load_golden

GOLDEN = load_golden("unit_roots")
TREND = {"trend": True, "intercept": False, "drift": False, "none": "n"}
LAGS = {"AIC": "aic", "SIC": "bic", "Hall": "t-sig"}
FISHER = {"madwu": "P", "Pm": "Pm", "invnormal": "Z", "logit": "L"}
# Where the response surface of the Dickey-Fuller t has its peak (MacKinnon 1994).
PEAK = {"c": 2.74, "ct": 0.70}


@pytest.fixture(scope="module")
def samples(grunfeld):
    firm = grunfeld.entity_codes
    late = grunfeld["year"].to_numpy() - 1935 >= (2 * firm) % 5
    return {"balanced": grunfeld, "unbalanced": grunfeld.where(late, "rule of the golden numbers")}


def cases(kinds):
    """Golden cases; all of one variable in the quick run, the others with the slow ones."""
    return [
        pytest.param(table, key, marks=() if table.endswith("inv") else pytest.mark.slow)
        for table in GOLDEN
        if table.split(".")[-1] in ("inv", "value", "capital")
        for key in GOLDEN[table]
        if key.split(".")[0] in kinds and np.isfinite(GOLDEN[table][key][0])
    ]


def agree(test, golden):
    assert_allclose(test.statistic, golden[0], rtol=1e-8, atol=1e-9)
    if np.isfinite(test.pvalue) and golden[1] >= 0:
        assert_allclose(test.pvalue, golden[1], atol=1e-8)


def past_peak(test, exo):
    """plm follows the response surface of p-values past its peak, where it turns down again."""
    return test.detail["by_entity"]["t"].max() > PEAK["ct" if exo == "trend" else "c"]


def overstated(test, golden):
    """Its p-values of entities are then too small, and its statistic lies too far out."""
    assert (golden[0] > test.statistic) == test.name.startswith(("Fisher P ", "Fisher Pm "))


@pytest.mark.parametrize(("table", "key"), cases(["ips", "llc", *FISHER]))
def test_pooled_dickey_fuller_tests_match_plm(samples, table, key):
    sample, variable = table.split(".")
    kind, exo, lags, df = key.split(".")
    options = {
        "lags": LAGS.get(lags) or int(lags), "max_lags": 3, "trend": TREND[exo],
    }  # fmt: skip
    panel = samples[sample]
    if kind == "llc":
        test = diagnostics.llc(panel, variable, convention="plm", **options)
    elif kind == "ips":
        test = diagnostics.ips(panel, variable, df_correction=df == "dfcor", **options)
    else:
        test = diagnostics.fisher(
            panel, variable, df_correction=df == "dfcor", statistic=FISHER[kind], **options
        )
        if past_peak(test, exo):
            return overstated(test, GOLDEN[table][key])
    agree(test, GOLDEN[table][key])


@pytest.mark.parametrize(("table", "key"), cases(["hadri", "tbar"]))
def test_hadri_and_t_bar_match_plm(samples, table, key):
    sample, variable = table.split(".")
    parts = key.split(".")
    if parts[0] == "tbar":
        test = diagnostics.ips(samples[sample], variable, lags=0, statistic="t-bar")
        assert set(test.critical_values) == {"1%", "5%", "10%"}
    else:
        test = diagnostics.hadri(
            samples[sample], variable, trend=TREND[parts[1]], heterogeneous=parts[2] == "het",
            df_correction=parts[3] == "dfcor",
        )  # fmt: skip
    agree(test, GOLDEN[table][key])


@pytest.mark.parametrize(("table", "key"), cases(["cips"]))
def test_cips_matches_plm(samples, table, key):
    sample, variable = table.split(".")
    _, exo, lags, kind = key.split(".")
    test = diagnostics.cips(
        samples[sample], variable, lags=int(lags), trend=TREND[exo], truncated=kind == "truncated"
    )
    agree(test, GOLDEN[table][key])


@pytest.mark.parametrize(("table", "key"), cases(["own", "zbar"]))
def test_own_lags_and_z_t_bar_match_plm(samples, table, key):
    sample, variable = table.split(".")
    kind, *parts = key.split(".")
    if kind == "zbar":
        options = {"statistic": "Z", "df_correction": parts[0] == "dfcor"}
        test = diagnostics.ips(samples[sample], variable, lags=0, **options)
    else:
        orders = np.resize([0, 2, 1, 3], 10)
        options = {"lags": orders, "trend": TREND[parts[1]]}
        call = diagnostics.ips if parts[0] == "ips" else diagnostics.fisher
        test = call(samples[sample], variable, **options)
        by_name = dict(zip(samples[sample].entities, orders, strict=True))
        again = call(samples[sample], variable, **(options | {"lags": by_name}))
        assert again.statistic == test.statistic
        assert list(test.detail["by_entity"]["lags"]) == list(orders)
        if parts[0] == "madwu" and past_peak(test, parts[1]):
            return overstated(test, GOLDEN[table][key])
    agree(test, GOLDEN[table][key])


def test_t_tilde_by_hand(grunfeld):
    t = []
    for _, rows in grunfeld.frame.groupby("firm"):
        y = rows["inv"].to_numpy()
        d, before = np.diff(y), y[:-1] - y[:-1].mean()
        t.append(before @ d / np.std(d, ddof=1) / np.sqrt(before @ before))
    assert len(d) == 19
    for moments, T in (("regression", 19), ("periods", 20)):
        mean, variance = (
            np.interp(T, [15, 20], cells) for cells in ([-1.349, -1.395], [0.565, 0.592])
        )
        test = diagnostics.ips(grunfeld, "inv", lags=0, statistic="Z-tilde", moments=moments)
        assert_allclose(test.detail["t_tilde_bar"], np.mean(t))
        assert_allclose(test.statistic, np.sqrt(10) * (np.mean(t) - mean) / np.sqrt(variance))
    # Stata's convention: table 3 at 20 periods, for one lag and an intercept
    test = diagnostics.ips(grunfeld, "inv", lags=1, moments="periods")
    expected = np.sqrt(10) * (test.detail["t_bar"] + 1.516) / np.sqrt(0.915)
    assert_allclose(test.statistic, expected)


def test_stata_conventions(grunfeld):
    paper = diagnostics.harris_tzavalis(grunfeld, "inv")
    stata = diagnostics.harris_tzavalis(grunfeld, "inv", convention="stata")
    rho = paper.detail["rho"]
    assert rho == stata.detail["rho"]
    for test, T in ((paper, 19), (stata, 20)):
        variance = 3 * (17 * T**2 - 20 * T + 17) / (5 * (T - 1) * (T + 1) ** 3)
        assert_allclose(test.statistic, np.sqrt(10) * (rho - 1 + 3 / (T + 1)) / np.sqrt(variance))
    # The manual's example: 151 exchange rates of 34 years, rho 0.8184 and z -13.1239 as printed.
    T, N = 34, 151
    variance = 3 * (17 * T**2 - 20 * T + 17) / (5 * (T - 1) * (T + 1) ** 3)
    z = np.sqrt(N) * (0.8184 - 1 + 3 / (T + 1)) / np.sqrt(variance)
    assert_allclose(z, -13.1239, atol=5e-5 * np.sqrt(N / variance))
    # Levin-Lin-Chu: int(3.21 20^(1/3)) = 8 lags, not round() = 9; differences lose their mean only
    with_trend = {"lags": 1, "trend": True}
    stata = diagnostics.llc(grunfeld, "inv", convention="stata", **with_trend)
    paper = diagnostics.llc(grunfeld, "inv", bandwidth=8, **with_trend)
    assert "8 Bartlett lags" in stata.note
    d = np.diff(grunfeld["inv"].to_numpy()[:20])
    ratios = []
    for X in (np.ones((19, 1)), np.column_stack([np.ones(19), np.arange(19)])):
        e = d - X @ np.linalg.lstsq(X, d, rcond=None)[0]
        ratios.append(e @ e + 2 * sum((1 - j / 9) * (e[j:] @ e[:-j]) for j in range(1, 9)))
    first = [test.detail["by_entity"]["ratio"][0] for test in (stata, paper)]
    assert_allclose(first[0] / first[1], np.sqrt(ratios[0] / ratios[1]))
    assert stata.detail["t_delta"] == paper.detail["t_delta"]
    # With an intercept alone nothing but the default bandwidth differs.
    stata = diagnostics.llc(grunfeld, "inv", convention="stata")
    assert stata.statistic == diagnostics.llc(grunfeld, "inv", bandwidth=8).statistic


def test_tables_hold_the_published_cells():
    """Spot checks of the printed tables."""
    from migdev.diagnostics.unit_roots.cips import cips_critical_values
    from migdev.diagnostics.unit_roots.ips import ips_moments

    one = np.array([25, 100])
    assert_allclose(ips_moments(one, np.array([0, 8]), "c")[0], [-1.520, -1.456])
    assert_allclose(ips_moments(one, np.array([0, 8]), "ct")[1], [0.713, 0.670])
    assert cips_critical_values(10, 10, "c", False) == {"1%": -2.97, "5%": -2.52, "10%": -2.31}
    assert cips_critical_values(10, 10, "c", True) == {"1%": -2.85, "5%": -2.47, "10%": -2.28}
    corners = [-2.73, -2.67, -2.72, -2.66, -2.67, -2.61, -2.66, -2.61]  # N 30, 50 x T 20, 30
    middle = cips_critical_values(40, 25, "ct", False)["5%"]
    assert min(corners) < middle < max(corners)


# ------------------------------------------------------------------ batches against statsmodels


@pytest.mark.filterwarnings("ignore:adfuller:FutureWarning")
@pytest.mark.parametrize("trend", ["n", "c", "ct"])
def test_batch_matches_statsmodels(trend):
    from statsmodels.tsa.adfvalues import mackinnonp
    from statsmodels.tsa.stattools import adfuller

    rng = np.random.default_rng(1)
    lengths = [20, 35, 20, 28]
    series = [1e3 + np.cumsum(rng.standard_normal(n)) for n in lengths]
    entity = np.repeat(np.arange(4), lengths)
    fit = adf_panel(np.concatenate(series), entity, np.array([0, 2, 1, 3]), trend)
    for i, (x, lag) in enumerate(zip(series, [0, 2, 1, 3], strict=True)):
        t, p, *_ = adfuller(x, maxlag=lag, regression=trend, autolag=None)
        assert_allclose(fit.t[i], t, rtol=1e-7)
        if t < PEAK.get(trend, np.inf):
            assert_allclose(mackinnon_pvalue(fit.t, trend)[i], p, rtol=1e-9)
            assert_allclose(p, mackinnonp(t, regression=trend), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:adfuller:FutureWarning")
@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_lag_choice_matches_statsmodels(criterion):
    from statsmodels.tsa.stattools import adfuller

    rng = np.random.default_rng(2)
    e = rng.standard_normal((6, 82))
    Y = np.cumsum(e[:, 2:] + 0.5 * e[:, 1:-1] - 0.4 * e[:, :-2], axis=1)
    entity = np.repeat(np.arange(6), 80)
    got = choose_lags(Y.ravel(), entity, np.full(6, 8), "c", criterion, common=True)
    for y, lag in zip(Y, got, strict=True):
        assert lag == adfuller(y, maxlag=8, autolag=criterion.upper())[2]


def test_phillips_perron_by_hand():
    """Hamilton (1994, eq. 17.6.8) written out for one series."""
    import statsmodels.api as sm

    y = np.cumsum(np.random.default_rng(3).standard_normal(60))
    fit = sm.OLS(y[1:], sm.add_constant(y[:-1])).fit()
    u, n = fit.resid, 59
    g = [u[j:] @ u[: n - j] / n for j in range(4)]
    lam2 = g[0] + 2 * sum((1 - j / 4) * g[j] for j in (1, 2, 3))
    s = np.sqrt(fit.scale)
    t = (fit.params[1] - 1) / fit.bse[1]
    z = np.sqrt(g[0] / lam2) * t - (lam2 - g[0]) * n * fit.bse[1] / (2 * np.sqrt(lam2) * s)
    assert_allclose(phillips_perron(y, np.zeros(60, dtype=int), 3, "c"), z, rtol=1e-9)


def test_statistics_do_not_depend_on_units(grunfeld):
    other = grunfeld.assign(big=1e7 + 1e-3 * grunfeld["inv"])
    for test in (diagnostics.ips, diagnostics.llc, diagnostics.hadri, diagnostics.cips):
        assert_allclose(test(other, "big").statistic, test(grunfeld, "inv").statistic, rtol=1e-5)


def test_expressions_are_read(grunfeld):
    logged = grunfeld.assign(linv=np.log(grunfeld["inv"]))
    assert_allclose(
        diagnostics.ips(grunfeld, "np.log(inv)").statistic,
        diagnostics.ips(logged, "linv").statistic,
    )


# ------------------------------------------------------------------ gaps, short series, refusals


def test_gaps_keep_the_longest_spell(grunfeld):
    gappy = grunfeld.where("~(firm == 3 and year == 1940)")
    with pytest.warns(DroppedRowsWarning, match="'inv': 5 of 199 rows .*: 3"):
        test = diagnostics.ips(gappy, "inv")
    late = grunfeld.where("firm != 3 or year > 1940")
    assert_allclose(test.statistic, diagnostics.ips(late, "inv").statistic)
    with pytest.raises(PanelError, match=r"gaps inside 1 of 10 entities: 3"):
        diagnostics.ips(gappy, "inv", gaps="raise")
    assert np.isfinite(diagnostics.cips(gappy, "inv").statistic)


def test_balanced_tests_refuse_unbalanced_panels(samples):
    for test in (
        diagnostics.llc, diagnostics.hadri, diagnostics.breitung, diagnostics.harris_tzavalis,
    ):  # fmt: skip
        with pytest.raises(PanelError, match="balanced panels only"):
            test(samples["unbalanced"], "inv")


def test_short_and_constant_series_are_named(grunfeld):
    short = grunfeld.where("firm != 2 or year > 1950")
    with pytest.raises(IdentificationError, match=r"1 of 10 entities .* '2'"):
        diagnostics.ips(short, "inv", lags=2)
    with pytest.warns(DroppedEntitiesWarning, match="'2'"):
        test = diagnostics.ips(short, "inv", lags=2, short="drop")
    assert len(test.detail["by_entity"]) == 9
    flat = grunfeld.assign(z=np.where(grunfeld["firm"] == 7, 1.0, grunfeld["inv"]))
    with pytest.raises(IdentificationError, match="are constant: '7'"):
        diagnostics.fisher(flat, "z")
    with pytest.raises(IdentificationError, match="are constant"):
        diagnostics.hadri(flat, "z")
    with pytest.raises(IdentificationError, match="'2'"):
        diagnostics.cips(short, "inv", lags=2)
    with pytest.warns(DroppedEntitiesWarning, match="'2'"):
        assert diagnostics.cips(short, "inv", lags=2, short="drop").sample.startswith("9 entities")


def test_bad_options_are_refused(grunfeld):
    for test, options, message in (
        (diagnostics.ips, {"lags": "hq"}, "lags='hq'"),
        (diagnostics.ips, {"lags": -1}, "lags=-1"),
        (diagnostics.ips, {"trend": "n"}, "needs an intercept"),
        (diagnostics.ips, {"trend": 2}, "trend=2"),
        (diagnostics.ips, {"lags": 1, "statistic": "t-bar"}, "values of t-bar"),
        (diagnostics.fisher, {"statistic": "X"}, "statistic='X'"),
        (diagnostics.fisher, {"test": "pp", "lags": "aic"}, "a number of Newey-West lags"),
        (diagnostics.hadri, {"bandwidth": -1}, "bandwidth=-1"),
        (diagnostics.cips, {"lags": -1}, "lags=-1"),
        (diagnostics.ips, {"gaps": "fill"}, "gaps='fill'"),
        (diagnostics.ips, {"lags": [1, 2]}, "2 orders, but 'inv' has 10"),
        (diagnostics.ips, {"lags": np.full(10, -1)}, "orders are whole numbers"),
        (diagnostics.ips, {"lags": {1: 2}}, "no order for 9 of 10"),
        (diagnostics.ips, {"moments": "data"}, "moments='data'"),
        (diagnostics.ips, {"statistic": "Z"}, "moments of Z hold"),
        (
            diagnostics.ips,
            {"lags": 0, "trend": True, "statistic": "Z-tilde"},
            "moments of Z-tilde hold",
        ),
        (diagnostics.fisher, {"test": "pp", "lags": -1}, "a number of Newey-West lags"),
        (diagnostics.fisher, {"test": "pp", "lags": [1] * 10}, "a number of Newey-West lags"),
        (diagnostics.llc, {"bandwidth": -1}, "bandwidth=-1"),
        (diagnostics.harris_tzavalis, {"convention": "plm"}, "convention='plm'"),
    ):
        with pytest.raises(SpecificationError, match=message):
            test(grunfeld, "inv", **options)


# ------------------------------------------------------------------ theory


def test_breitung_with_trend_by_loops():
    rng = np.random.default_rng(4)
    Y = np.cumsum(rng.standard_normal((5, 12)), axis=1)
    N, T = 5, 11
    top = bottom = 0.0
    for i in range(N):
        d = np.diff(Y[i])
        s2 = np.var(d) * T / (T - 1)
        for t in range(1, T):
            star = np.sqrt((T - t) / (T - t + 1)) * (d[t - 1] - d[t:].mean())
            v = Y[i, t - 1] - Y[i, 0] - (t - 1) / T * (Y[i, -1] - Y[i, 0])
            top += star * v / s2
            bottom += v * v / s2
    assert_allclose(breitung_statistic(Y, "ct", 0, False), top / np.sqrt(bottom))


@pytest.mark.slow
@pytest.mark.parametrize("trend", ["c", "ct"])
def test_balanced_tests_keep_their_size(trend):
    """5% level, N = 50, T = 60, 2,000 draws; Harris-Tzavalis rejects some 6% at this N."""
    rng, reps = np.random.default_rng(5), 2000
    b = h = 0
    for _ in range(reps):
        Y = np.cumsum(rng.standard_normal((50, 60)), axis=1)
        b += breitung_statistic(Y, trend, 0, False) < ndtri(0.05)
        h += harris_tzavalis_statistic(Y, trend, 59)[0] < ndtri(0.05)
    assert abs(b / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps)
    assert 0.03 < h / reps < 0.085


def _walks(rng, N, T, factor=0.0, rho=1.0):
    e = rng.standard_normal((N, T + 30)) + factor * rng.standard_normal(T + 30)
    y = np.zeros((N, T + 30))
    for t in range(1, T + 30):
        y[:, t] = rho * y[:, t - 1] + e[:, t]
    frame = pd.DataFrame(
        {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N), "y": y[:, 30:].ravel()}
    )
    return md.Panel.from_frame(frame, entity="e", time="t")


@pytest.mark.slow
def test_size_and_power_with_and_without_a_factor():
    """N = 20, T = 50, 500 draws. A strong factor breaks IPS and leaves CIPS near its size. LLC
    over-rejects with its usual bandwidth, as its docstring says, and not with a short one."""
    rng, reps = np.random.default_rng(6), 500
    rates = dict.fromkeys(
        (
            "ips",
            "llc",
            "llc_short",
            "fisher",
            "cips",
            "ips_factor",
            "cips_factor",
            "power",
        ),
        0,
    )
    for _ in range(reps):
        panel = _walks(rng, 20, 50)
        rates["ips"] += diagnostics.ips(panel, "y").pvalue < 0.05
        rates["llc"] += diagnostics.llc(panel, "y").pvalue < 0.05
        rates["llc_short"] += diagnostics.llc(panel, "y", bandwidth=3).pvalue < 0.05
        rates["fisher"] += diagnostics.fisher(panel, "y", statistic="Z").pvalue < 0.05
        test = diagnostics.cips(panel, "y")
        rates["cips"] += test.statistic < test.critical_values["5%"]
        panel = _walks(rng, 20, 50, factor=2.0)
        rates["ips_factor"] += diagnostics.ips(panel, "y").pvalue < 0.05
        test = diagnostics.cips(panel, "y")
        rates["cips_factor"] += test.statistic < test.critical_values["5%"]
        rates["power"] += diagnostics.ips(_walks(rng, 20, 50, rho=0.85), "y").pvalue < 0.05
    rates = {k: v / reps for k, v in rates.items()}
    for name in ("ips", "llc_short", "fisher", "cips", "cips_factor"):
        assert 0.02 < rates[name] < 0.10, rates
    assert 0.15 < rates["llc"] < 0.4, rates
    assert rates["ips_factor"] > 0.15, rates
    assert rates["power"] > 0.95, rates
