"""Difference and system GMM against published tables, gretl and plm."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import migdev as md
from tests.gmm_panels import AB_IV, AB_X, employment
from tests.golden import load_golden

GRETL = load_golden("gretl_dpanel")
PLM = load_golden("plm_pgmm")
# Oracles print 14 digits; what is left is the conditioning of 41 to 113 moments.
CLOSE = 1e-7

AB: dict[str, Any] = {
    "formula": f"n ~ {AB_X}",
    "gmm": md.GMMStyle("n"),
    "iv": md.IVStyle(AB_IV),
    "effects": ("time",),
}
BB: dict[str, Any] = {
    "formula": "n ~ L(n) + w + L(w) + k + L(k)",
    "gmm": md.GMMStyle("n + w + k"),
    "effects": ("time",),
    "time_instruments": "level",
}


@pytest.fixture(scope="module")
def uk() -> md.Panel:
    return employment()


@pytest.fixture(scope="module")
def uk_ragged() -> md.Panel:
    return employment(ragged=True)


def fit(spec: Any, panel: md.Panel) -> Any:
    with warnings.catch_warnings():
        for name in ("DroppedRows", "Covariance"):
            category = getattr(md.errors, f"{name}Warning")
            warnings.simplefilter("ignore", category)
        return spec.fit(panel)


def gretl_name(name: str) -> str:
    """``w_1`` and ``n(-1)`` as formulas write them."""
    if name == "const":
        return "Intercept"
    match = re.fullmatch(r"(\w+?)(?:_(\d)|\(-(\d)\))", name)
    if match is None:
        return name
    lag = match[2] or match[3]
    return f"L({match[1]})" if lag == "1" else f"L({match[1]}, {lag})"


def check_gretl(name: str, result: Any, *, time: bool = False) -> None:
    golden = GRETL[name]
    assert result.nobs == golden["nobs"]
    assert result.n_instruments == golden["n_instruments"]
    for key, value in golden["params"].items():
        label = gretl_name(key)
        if label in result.dropped_columns:
            continue
        if re.fullmatch(r"T\d+", key):
            if not time:
                continue
            label = f"time[{1975 + int(key[1:])}]"
        assert result.params[label] == pytest.approx(value, rel=CLOSE, abs=1e-9), label
        assert result.std_errors[label] == pytest.approx(golden["std_errors"][key], rel=CLOSE)
    for order in (1, 2):
        stat = result.stats[f"ar{order}"].statistic
        assert stat == pytest.approx(golden[f"ar{order}"], rel=CLOSE)
    if result.spec.steps == 1 or "hansen" in golden:
        assert result.stats["sargan"].statistic == pytest.approx(golden["sargan"], rel=CLOSE)
    if result.spec.steps == 2:  # where the panel is told in DPD style gretl names J "sargan"
        assert result.stats["hansen"].statistic == pytest.approx(
            golden.get("hansen", golden["sargan"]), rel=CLOSE
        )
    assert result.stats["hansen"].df == golden["overid_df"]
    assert result.stats["wald"].statistic == pytest.approx(golden["wald"], rel=CLOSE)


# ---------------------------------------------------------------------- gretl


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("difference_one_step", {"steps": 1, "cov": "robust"}),
        ("difference_two_step", {"steps": 2, "cov": "windmeijer"}),
        ("difference_two_step_asymptotic", {"steps": 2, "cov": "classical"}),
    ],
)
def test_difference_matches_gretl(uk: md.Panel, name: str, options: dict[str, Any]) -> None:
    check_gretl(name, fit(md.DifferenceGMM(**AB, **options), uk), time=True)


def test_dpd_style_matches_gretl(uk: md.Panel) -> None:
    # Constant and dummies in differences or not: the same span, so the rest must agree.
    with pytest.warns(md.errors.CollinearityWarning, match="Intercept"):
        result = fit(md.DifferenceGMM(**AB, constant="transformed"), uk)
    check_gretl("difference_dpdstyle", result)


def test_collapsed_difference_matches_gretl(uk: md.Panel) -> None:
    spec = md.DifferenceGMM(
        formula="n ~ L(n) + w + k",
        gmm=(
            md.GMMStyle("n", collapse=True),
            md.GMMStyle("w", (2, 4), collapse=True),
            md.GMMStyle("k", (1, 3), collapse=True),
        ),
    )
    check_gretl("difference_collapsed", fit(spec, uk))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("system_one_step_h3", {"steps": 1}),
        ("system_two_step_h3", {"steps": 2}),
        ("system_two_step_h2", {"steps": 2, "weight": "h2"}),
    ],
)
def test_system_matches_gretl(uk: md.Panel, name: str, options: dict[str, Any]) -> None:
    check_gretl(name, fit(md.SystemGMM(**BB, **options), uk))


def test_collapsed_system_matches_gretl(uk: md.Panel) -> None:
    spec = md.SystemGMM(
        formula="n ~ L(n) + w + k",
        gmm=(md.GMMStyle("n", collapse=True), md.GMMStyle("w + k", (2, 3), collapse=True)),
    )
    check_gretl("system_collapsed", fit(spec, uk))


def test_late_starts_and_early_ends_match_gretl(uk_ragged: md.Panel) -> None:
    base = {"formula": "ng ~ L(ng) + w + k", "gmm": md.GMMStyle("ng"), "iv": md.IVStyle("w + k")}
    check_gretl("difference_ragged", fit(md.DifferenceGMM(**base), uk_ragged))
    timed = md.DifferenceGMM(**base, effects=("time",), steps=1)
    check_gretl("difference_ragged_time", fit(timed, uk_ragged))
    check_gretl("system_ragged", fit(md.SystemGMM(**base), uk_ragged))


# ---------------------------------------------------------------------- plm


@pytest.mark.parametrize(
    ("column", "steps", "x"),
    [
        ("table4_a1", 1, AB_X),
        ("table4_a2", 2, AB_X),
        ("table4_b", 2, "L(n) + L(n, 2) + w + L(w) + k + ys + L(ys)"),
    ],
)
def test_arellano_bond_table_4_matches_plm(uk: md.Panel, column: str, steps: int, x: str) -> None:
    golden = PLM[column]
    spec = {**AB, "formula": f"n ~ {x}", "iv": md.IVStyle(x.replace("L(n) + L(n, 2) + ", ""))}
    result = fit(md.DifferenceGMM(**spec, steps=steps), uk)
    k = len(golden["params"])
    np.testing.assert_allclose(result.params.iloc[:k], golden["params"], rtol=CLOSE)
    np.testing.assert_allclose(result.std_errors.iloc[:k], golden["robust"], rtol=CLOSE)
    if steps == 2:
        plain = fit(replace(result.spec, cov="classical"), uk)
        np.testing.assert_allclose(plain.std_errors.iloc[:k], golden["classical"], rtol=CLOSE)
        assert result.stats["hansen"].statistic == pytest.approx(golden["overid"], rel=CLOSE)
        assert result.stats["hansen"].df == golden["overid_df"]


def test_windmeijer_table_2(uk: md.Panel) -> None:
    """Windmeijer (2005), Table 2: two-step, its usual and its corrected standard errors."""
    x = "L(n) + L(n, 2) + w + L(w) + k + ys + L(ys)"
    spec = {**AB, "formula": f"n ~ {x}", "iv": md.IVStyle(x.replace("L(n) + L(n, 2) + ", ""))}
    result = fit(md.DifferenceGMM(**spec), uk)
    published = {  # coefficient, uncorrected, corrected, four decimals printed
        "L(n)": (0.4742, 0.0853, 0.1854),
        "L(n, 2)": (-0.0530, 0.0273, 0.0517),
        "w": (-0.5132, 0.0493, 0.1456),
        "L(w)": (0.2246, 0.0801, 0.1419),
        "k": (0.2927, 0.0395, 0.0626),
        "ys": (0.6098, 0.1085, 0.1562),
        "L(ys)": (-0.4464, 0.1248, 0.2173),
    }
    usual = fit(replace(result.spec, cov="classical"), uk).std_errors
    for name, (b, plain, corrected) in published.items():
        assert result.params[name] == pytest.approx(b, abs=6e-5)
        assert usual[name] == pytest.approx(plain, abs=6e-5)
        assert result.std_errors[name] == pytest.approx(corrected, abs=1.1e-4)


# ---------------------------------------------------------------------- Roodman (2009)


def roodman(result: Any, table: dict[str, tuple[float, float]]) -> None:
    for name, (b, se) in table.items():
        # Seven decimals from Stata's abdata, which stores the logs as four-byte floats.
        assert result.params[name] == pytest.approx(b, abs=3e-6), name
        assert result.std_errors[name] == pytest.approx(se, abs=3e-6), name


def test_roodman_section_3_3(uk: md.Panel) -> None:
    """gmm(L.n) iv(w L.w L(0/2).(k ys) yr*) nolevel robust, p. 113."""
    years = AB_IV + " + C(year)"
    spec = {**AB, "effects": (), "formula": f"n ~ {AB_X} + C(year)", "iv": md.IVStyle(years)}
    with pytest.warns(md.errors.CollinearityWarning, match="year"):
        result = fit(md.DifferenceGMM(**spec, steps=1), uk)
    roodman(
        result,
        {
            "L(n)": (0.6862261, 0.1445943),
            "L(n, 2)": (-0.0853582, 0.0560155),
            "w": (-0.6078208, 0.1782055),
            "L(w)": (0.3926237, 0.1679931),
            "k": (0.3568456, 0.0590203),
            "L(k)": (-0.0580012, 0.0731797),
            "L(k, 2)": (-0.0199475, 0.0327126),
            "ys": (0.6085073, 0.1725313),
            "L(ys)": (-0.7111651, 0.2317163),
            "L(ys, 2)": (0.1057969, 0.1412021),
        },
    )
    assert result.n_instruments == 41
    assert result.stats["sargan"].statistic == pytest.approx(67.59, abs=5e-3)
    assert result.stats["hansen"].statistic == pytest.approx(31.38, abs=5e-3)
    assert result.stats["hansen"].pvalue == pytest.approx(0.177, abs=5e-4)
    assert result.stats["ar1"].statistic == pytest.approx(-3.60, abs=5e-3)
    assert result.stats["ar2"].pvalue == pytest.approx(0.606, abs=5e-4)
    row = result.difference_in_hansen.loc[f"iv({years})"]
    assert row.hansen_excluding == pytest.approx(12.01, abs=5e-3)
    assert (row.df_excluding, row.df_difference) == (11, 14)
    assert row.difference == pytest.approx(19.37, abs=5e-3)
    assert row.p_difference == pytest.approx(0.151, abs=5e-4)


def test_roodman_endogenous_wages_and_capital(uk: md.Panel) -> None:
    """gmm(L.(n w k)) iv(L(0/2).ys yr*) nolevel robust small, p. 114."""
    spec = {**AB, "gmm": md.GMMStyle("n + w + k"), "iv": md.IVStyle("ys + L(ys) + L(ys, 2)")}
    assert fit(md.DifferenceGMM(**spec, steps=1, small="xtabond2"), uk).df_inference == 140
    result = fit(md.DifferenceGMM(**spec, steps=1, small=True), uk)
    assert result.df_inference == 139
    # The printed table counts one group too many (its F has 140 degrees of freedom, its factor
    # 141/140); the same output with the group count right is what is compared.
    printed = 141 / 140 / (140 / 139)
    result = replace(result, cov=result.cov * printed)
    roodman(
        result,
        {
            "L(n)": (0.8179867, 0.0859761),
            "L(n, 2)": (-0.1122756, 0.0502366),
            "w": (-0.6816685, 0.1425813),
            "L(w)": (0.6557083, 0.202368),
            "k": (0.3525689, 0.1217997),
            "L(k)": (-0.1536626, 0.0862928),
            "ys": (0.6509498, 0.189582),
            "L(ys)": (-0.9162028, 0.2639274),
        },
    )
    assert result.n_instruments == 90
    assert result.stats["sargan"].statistic == pytest.approx(120.62, abs=5e-3)
    assert result.stats["hansen"].statistic == pytest.approx(73.72, abs=5e-3)
    assert result.stats["ar1"].statistic == pytest.approx(-5.39, abs=5e-3)
    assert result.stats["ar2"].statistic == pytest.approx(-0.78, abs=5e-3)


def test_roodman_system_gmm(uk: md.Panel) -> None:
    """gmmstyle(L.(n w k)) ivstyle(yr*, equation(level)) robust small, p. 121."""
    result = fit(md.SystemGMM(**BB, steps=1, small=True), uk)
    roodman(
        result,
        {
            "L(n)": (0.9356053, 0.026569),
            "w": (-0.6309761, 0.1192834),
            "L(w)": (0.4826203, 0.1383132),
            "k": (0.4839299, 0.0544281),
            "L(k)": (-0.4243928, 0.059088),
        },
    )
    assert (result.nobs, result.entities, result.n_instruments) == (891, 140, 113)
    assert result.df_inference == 139
    assert result.stats["sargan"].statistic == pytest.approx(186.90, abs=5e-3)
    assert result.stats["hansen"].statistic == pytest.approx(110.70, abs=5e-3)
    assert result.stats["hansen"].pvalue == pytest.approx(0.218, abs=5e-4)
    assert result.stats["ar1"].statistic == pytest.approx(-5.46, abs=5e-3)
    assert result.stats["ar2"].statistic == pytest.approx(-0.25, abs=5e-3)
    table = result.difference_in_hansen
    levels = table.loc["GMM instruments for levels"]
    assert levels.hansen_excluding == pytest.approx(84.33, abs=5e-3)
    assert (levels.df_excluding, levels.df_difference) == (79, 21)
    assert levels.difference == pytest.approx(26.37, abs=5e-3)
    assert levels.p_difference == pytest.approx(0.193, abs=5e-4)
    years = table.loc["time effects"]
    assert years.hansen_excluding == pytest.approx(107.79, abs=5e-3)
    assert (years.df_excluding, years.df_difference) == (93, 7)
    assert years.difference == pytest.approx(2.91, abs=5e-3)


def test_xtabond2_two_step_with_lag_limits(uk: md.Panel) -> None:
    """xtabond2 n L(1/2).n w k, gmm(n, lag(2 4)) gmm(w, lag(1 3)) iv(k) nolevel twostep robust.

    Output shown in the documentation of pydynpd; the system variant there is checked too.
    """
    sets: dict[str, Any] = {
        "formula": "n ~ L(n, [1, 2]) + w + k",
        "gmm": (md.GMMStyle("n", (2, 4)), md.GMMStyle("w", (1, 3))),
        "iv": md.IVStyle("k"),
    }
    result = fit(md.DifferenceGMM(**sets), uk)
    table = {
        "L(n, 1)": (0.1700616, 0.1046652),
        "L(n, 2)": (-0.0113381, 0.0377205),
        "w": (-0.9510582, 0.1277298),
        "k": (0.4637223, 0.0718328),
    }
    for name, (b, se) in table.items():
        assert result.params[name] == pytest.approx(b, abs=3e-6)
        assert result.std_errors[name] == pytest.approx(se, abs=3e-6)
    assert result.n_instruments == 36
    assert result.stats["sargan"].statistic == pytest.approx(91.61, abs=5e-3)
    assert result.stats["hansen"].statistic == pytest.approx(47.86, abs=5e-3)
    assert result.stats["ar1"].statistic == pytest.approx(-1.19, abs=5e-3)
    hansen = result.difference_in_hansen[["hansen_excluding", "df_excluding", "difference"]]
    np.testing.assert_allclose(
        hansen.to_numpy(), [[23.75, 15, 24.11], [17.25, 14, 30.61], [38.33, 31, 9.53]], atol=6e-3
    )
    system = fit(md.SystemGMM(**sets), uk)
    expected = {"L(n, 1)": (0.9453810, 0.1429764), "Intercept": (1.5630849, 0.4993484)}
    for name, (b, se) in expected.items():
        assert system.params[name] == pytest.approx(b, abs=3e-6)
        assert system.std_errors[name] == pytest.approx(se, abs=3e-6)
    assert system.stats["hansen"].statistic == pytest.approx(96.442, abs=6e-4)
    assert system.stats["hansen"].df == 46


def test_stata_xtabond_divides_the_variance_by_n_less_k(uk: md.Panel) -> None:
    """Stata's manual reports a Sargan statistic of 65.8186 where xtabond2 has 67.59."""
    result = fit(md.DifferenceGMM(**AB, steps=1, divisor="nobs-k", cov="classical"), uk)
    assert result.stats["sargan"].statistic == pytest.approx(65.8186, abs=6e-4)
    assert result.std_errors["L(n)"] == pytest.approx(0.1486163, rel=1e-3)


def test_arellano_bond_one_step_of_column_b(uk: md.Panel) -> None:
    """The one-step estimate behind Table 4 (b), as Windmeijer (2005) and Stata print it."""
    x = "L(n) + L(n, 2) + w + L(w) + k + ys + L(ys)"
    spec = {**AB, "formula": f"n ~ {x}", "iv": md.IVStyle(x.replace("L(n) + L(n, 2) + ", ""))}
    result = fit(md.DifferenceGMM(**spec, steps=1, cov="robust"), uk)
    published = {
        "L(n)": (0.534614, 0.166449),
        "L(n, 2)": (-0.075069, 0.067979),
        "w": (-0.591573, 0.167884),
        "L(w)": (0.291510, 0.141058),
        "k": (0.358502, 0.053828),
        "ys": (0.597199, 0.171933),
        "L(ys)": (-0.611705, 0.211796),
    }
    for name, (b, se) in published.items():
        assert result.params[name] == pytest.approx(b, abs=6e-7)
        assert result.std_errors[name] == pytest.approx(se, abs=6e-7)


def test_bounds_of_roodman(uk: md.Panel) -> None:
    """OLS 1.045 - 0.077 and within 0.733 - 0.139 bracket the lags, Roodman (2009, sec. 3.1)."""
    result = fit(md.DifferenceGMM(**AB), uk)
    check = result.bounds_check()
    with pytest.warns(md.errors.CollinearityWarning, match="year"):
        ols = fit(md.PooledOLS(formula=f"n ~ {AB_X} + C(year)"), uk).params
    within = fit(md.FixedEffects(formula=f"n ~ {AB_X}", effects=("entity", "time")), uk).params
    assert ols["L(n)"] == pytest.approx(1.044643, abs=1e-6)
    assert within["L(n)"] == pytest.approx(0.7329476, abs=1e-6)
    lags = ["L(n)", "L(n, 2)"]
    expected = [ols[lags].sum(), result.params[lags].sum(), within[lags].sum()]
    np.testing.assert_allclose(check.sum_of_lags, expected, rtol=1e-9)
    assert not check.inside["GMM"]  # 0.56 is below the within estimate of 0.59: Roodman, p. 113


def test_moment_selection_criteria(uk: md.Panel) -> None:
    result = fit(md.DifferenceGMM(**AB), uk)
    j, df = result.stats["hansen"].statistic, result.stats["hansen"].df
    assert result.stats["mmsc_bic"] == pytest.approx(j - df * np.log(140))
    assert result.stats["mmsc_aic"] == pytest.approx(j - 2 * df)
    assert result.stats["mmsc_hqic"] == pytest.approx(j - 2.1 * df * np.log(np.log(140)))


def test_variance_of_effects_against_that_of_errors(uk: md.Panel) -> None:
    result = fit(md.SystemGMM(**BB), uk)
    u = result.resids.unstack()
    cov = [
        (u[a] * u[b]).dropna() for a in u.columns for b in u.columns if a != b
    ]  # fmt: skip
    mean = sum(c.sum() for c in cov) / sum(len(c) for c in cov)
    ratio = max(mean, 0.0) / result.stats["sigma2"]
    assert result.stats["effects_to_error"] == pytest.approx(ratio, rel=1e-9)
