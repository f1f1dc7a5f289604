"""What DifferenceGMM and SystemGMM accept, refuse, drop and report."""

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

F = "y ~ L(y) + x"
GMM = (md.GMMStyle("y", (2, 3), collapse=True), md.GMMStyle("x", (1, 2), collapse=True))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return simulated(np.random.default_rng(1), 80, 7)


def quiet(spec: Any, p: md.Panel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DroppedRowsWarning)
        return spec.fit(p)


# ---------------------------------------------------------------------- bad specifications


@pytest.mark.parametrize("kind", [md.DifferenceGMM, md.SystemGMM])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no instruments"),
        ({"gmm": GMM, "steps": 3}, "steps=3"),
        ({"gmm": GMM, "steps": True}, "steps=True"),
        ({"gmm": GMM, "transform": "within"}, "transform"),
        ({"gmm": GMM, "weight": "h4"}, "weight"),
        ({"gmm": GMM, "cov": "HC1"}, "cov"),
        ({"gmm": GMM, "steps": "cue", "cov": "windmeijer"}, "Newey-Windmeijer"),
        ({"gmm": GMM, "effects": ("entity", "time")}, "effects"),
        ({"gmm": GMM, "divisor": "n"}, "divisor"),
        ({"gmm": ("y",)}, "GMMStyle"),
        ({"gmm": GMM, "iv": ("x",)}, "IVStyle"),
        ({"gmm": GMM, "ar_tests": -1}, "ar_tests"),
    ],
)
def test_options_are_checked_when_the_spec_is_built(
    kind: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.SpecificationError, match=message):
        kind(formula=F, **options)


@pytest.mark.parametrize("lags", [(3, 2), (1,), "2", (None, 3), (1.5, 2), True])
def test_lags_are_checked(lags: Any) -> None:
    with pytest.raises(errors.SpecificationError, match="lag"):
        md.GMMStyle("y", lags)


def test_styles_are_checked() -> None:
    with pytest.raises(errors.SpecificationError, match="equation"):
        md.GMMStyle("y", equation="diff")
    with pytest.raises(errors.SpecificationError, match="terms"):
        md.IVStyle("")
    with pytest.raises(errors.SpecificationError, match="missing"):
        md.IVStyle("x", missing="mean")
    with pytest.raises(errors.SpecificationError, match="SystemGMM"):
        md.DifferenceGMM(formula=F, gmm=md.GMMStyle("y", equation="level"))
    assert md.GMMStyle("y", 2).lags == (2, 2)
    assert md.GMMStyle.endogenous("y", last=4, collapse=True) == md.GMMStyle("y", (2, 4), True)
    assert md.GMMStyle.predetermined("x").lags == (1, None)


def test_specs_hash_and_compare() -> None:
    a = md.DifferenceGMM(formula=F, gmm=GMM)
    assert a == md.DifferenceGMM(formula=F, gmm=list(GMM))  # type: ignore[arg-type]
    assert hash(a) == hash(md.DifferenceGMM(formula=F, gmm=GMM))


# ---------------------------------------------------------------------- bad data


def test_no_instrument_exists(frame: pd.DataFrame) -> None:
    spec = md.DifferenceGMM(formula=F, gmm=md.GMMStyle("y", (9, None)))
    with pytest.raises(errors.IdentificationError, match="no instrument is left"):
        quiet(spec, panel(frame))


def test_fewer_instruments_than_coefficients(frame: pd.DataFrame) -> None:
    spec = md.DifferenceGMM(formula=F, gmm=md.GMMStyle("y", (2, 2), collapse=True))
    with pytest.raises(errors.IdentificationError, match="1 instruments for 2 coefficients"):
        quiet(spec, panel(frame))


def test_fewer_periods_than_the_lags_need(frame: pd.DataFrame) -> None:
    short = panel(frame[frame.t < 2002])
    with pytest.raises(errors.IdentificationError, match="no entity has two consecutive"):
        quiet(md.DifferenceGMM(formula=F, gmm=GMM), short)
    with pytest.raises(errors.IdentificationError, match="none of the"):
        quiet(md.DifferenceGMM(formula="y ~ L(y, 3) + x", gmm=GMM), short)


def test_instruments_that_do_not_identify(frame: pd.DataFrame) -> None:
    # Two regressors, but the second instrument is the first one doubled.
    frame = frame.assign(x2=2 * frame.x)
    spec = md.DifferenceGMM(formula=F, iv=md.IVStyle("x + x2"))
    with pytest.raises(errors.IdentificationError, match="do not identify"):
        quiet(spec, panel(frame))


def test_brackets_are_refused(frame: pd.DataFrame) -> None:
    spec = md.DifferenceGMM(formula="y ~ x + [L(y) ~ L(y, 2)]", gmm=GMM)
    with pytest.raises(errors.SpecificationError, match="brackets"):
        quiet(spec, panel(frame))


def test_unknown_names_are_suggested(frame: pd.DataFrame) -> None:
    with pytest.raises(errors.MigdevError, match="Did you mean 'x'"):
        quiet(md.DifferenceGMM(formula=F, gmm=md.GMMStyle("X")), panel(frame))


def test_infinite_instruments_are_refused(frame: pd.DataFrame) -> None:
    bad = frame.assign(w=frame.x)
    bad.loc[5, "w"] = np.inf
    with pytest.raises(errors.FormulaError, match="infinite"):
        quiet(md.DifferenceGMM(formula=F, gmm=(*GMM, md.GMMStyle("w"))), panel(bad))


def test_entity_with_one_usable_period_is_reported(frame: pd.DataFrame) -> None:
    lonely = frame[(frame.i != 3) | (frame.t < 2002)]
    spec = md.DifferenceGMM(formula=F, gmm=GMM)
    with (
        pytest.warns(errors.DroppedRowsWarning, match="missing in 'L"),
        pytest.warns(errors.DroppedRowsWarning, match=r"1 rows \(1 whole entities\)"),
    ):
        fit = spec.fit(panel(lonely))
    assert fit.entities == 79
    assert fit.dropped["not one of two consecutive complete periods"] == 1
    without = quiet(spec, panel(frame[frame.i != 3]))
    assert_allclose(fit.params, without.params, rtol=1e-12)
    assert_allclose(fit.cov, without.cov, rtol=1e-12)
    # The equation in levels can use it.
    assert quiet(md.SystemGMM(formula=F, gmm=GMM), panel(lonely)).entities == 80


def test_time_invariant_regressor_in_differences(frame: pd.DataFrame) -> None:
    spec = md.DifferenceGMM(formula="y ~ L(y) + x + z", gmm=GMM)
    with pytest.warns(errors.CollinearityWarning, match="constant over time"):
        fit = quiet(spec, panel(frame))
    assert "z" not in fit.params and "z" in fit.dropped_columns
    assert_allclose(fit.params, quiet(md.DifferenceGMM(formula=F, gmm=GMM), panel(frame)).params)
    only = md.DifferenceGMM(formula="y ~ z", gmm=GMM)
    with pytest.raises(errors.IdentificationError, match="SystemGMM"):
        quiet(only, panel(frame))
    system = md.SystemGMM(formula="y ~ L(y) + x + z", gmm=GMM, iv=md.IVStyle("z", "level"))
    assert "z" in quiet(system, panel(frame)).params


def test_collinear_regressors_are_named(frame: pd.DataFrame) -> None:
    twice = panel(frame.assign(x2=3 * frame.x))
    with pytest.warns(errors.CollinearityWarning, match="'x2'"):
        fit = quiet(md.SystemGMM(formula="y ~ L(y) + x + x2", gmm=GMM), twice)
    assert fit.dropped_columns == {"x2": "collinear with the columns before it"}


def test_more_instruments_than_entities(frame: pd.DataFrame) -> None:
    few = panel(frame[frame.i < 15])
    spec = md.DifferenceGMM(formula=F, gmm=md.GMMStyle("L(y) + x", (1, None)))
    with (
        pytest.warns(errors.ManyInstrumentsWarning, match="for 15 entities"),
        pytest.warns(errors.CovarianceWarning, match="rank 15"),
    ):
        fit = quiet(spec, few)
    assert fit.n_instruments > 15
    assert fit.singular["step 2"] == (15, fit.n_instruments)
    assert fit.stats["hansen"].df == fit.n_instruments - 2
    assert "Generalised inverse in step 2" in fit.summary()


def test_missing_iv_instruments(frame: pd.DataFrame) -> None:
    holed = frame.assign(w=frame.x + frame.z)
    holed.loc[::9, "w"] = np.nan
    spec = md.DifferenceGMM(formula=F, gmm=GMM, iv=md.IVStyle("w"))
    with (
        pytest.warns(errors.DroppedRowsWarning, match="IV-style instrument is missing"),
        pytest.warns(errors.DroppedRowsWarning, match="missing in 'L"),
        pytest.warns(errors.DroppedRowsWarning, match="enter no transformed"),
    ):
        dropped = spec.fit(panel(holed))
    zero = md.DifferenceGMM(formula=F, gmm=GMM, iv=md.IVStyle("w", missing="zero"))
    kept = quiet(zero, panel(holed))
    assert kept.nobs == quiet(md.DifferenceGMM(formula=F, gmm=GMM), panel(frame)).nobs
    assert dropped.nobs < kept.nobs


def test_clusters_hold_whole_entities(frame: pd.DataFrame) -> None:
    moving = panel(frame.assign(half=frame.t > 2003))
    with pytest.raises(errors.CovarianceError, match="whole entities"):
        quiet(md.DifferenceGMM(formula=F, gmm=GMM, cluster="half"), moving)


# ---------------------------------------------------------------------- records


def test_instruments_report(frame: pd.DataFrame) -> None:
    spec = md.SystemGMM(
        formula=F, gmm=(md.GMMStyle("y", (2, 3)), md.GMMStyle("x", (1, 2), collapse=True)),
        iv=md.IVStyle("x"),
    )  # fmt: skip
    fit = quiet(spec, panel(frame))
    report = fit.instruments_report()
    assert len(report) == len(fit.sums.Zy) == fit.n_instruments
    y = report[(report.variable == "y") & (report.equation == "transformed")]
    assert list(y.period) == [2002, 2003, 2003, 2004, 2004, 2005, 2005, 2006, 2006]
    assert list(y.lag) == [2, 2, 3, 2, 3, 2, 3, 2, 3]
    levels = report[(report.variable == "y") & (report.equation == "level")]
    assert set(levels.lag) == {1} and set(levels.enters_as) == {"difference"}
    x = report[(report.variable == "x") & (report["set"].str.startswith("gmm"))]
    assert x.period.isna().all() and list(x.lag) == [1, 2, 0]
    assert list(report[report["set"] == "constant"].equation) == ["level"]
    assert list(report[report["set"] == "iv(x)"].equation) == ["both"]


def test_residuals_align_with_rows(frame: pd.DataFrame) -> None:
    p = panel(frame)
    f = p.frame.assign(Ly=p.L("y"), Dy=p.D("y"), Dx=p.D("x"), DLy=p.D(p.L("y")))
    f = f.set_index(["i", "t"])
    system = quiet(md.SystemGMM(formula=F, gmm=GMM), p)
    b = system.params
    expected = f.y - b["Intercept"] - b["L(y)"] * f.Ly - b["x"] * f.x
    assert_allclose(system.resids, expected.loc[system.resids.index], atol=1e-12)
    assert_allclose(system.fitted, (f.y - expected).loc[system.fitted.index], atol=1e-12)
    difference = quiet(md.DifferenceGMM(formula=F, gmm=GMM), p)
    b = difference.params
    expected = f.Dy - b["L(y)"] * f.DLy - b["x"] * f.Dx
    assert len(difference.resids) == difference.nobs == 80 * 5
    assert_allclose(difference.resids, expected.loc[difference.resids.index], atol=1e-12)


def test_with_cov(frame: pd.DataFrame) -> None:
    p = panel(frame)
    fit = quiet(md.SystemGMM(formula=F, gmm=GMM, steps=1), p)
    clustered = fit.with_cov(md.Clustered("entity", kind="CR0"))
    assert_allclose(clustered.cov, fit.cov, rtol=1e-9)
    plain = quiet(fit.spec, p)
    classical = fit.with_cov("classical")
    assert_allclose(fit.with_cov(md.Unadjusted()).cov, classical.cov, rtol=1e-9)
    assert_allclose(plain.cov, fit.cov)
    asked = quiet(md.SystemGMM(formula=F, gmm=GMM, cov=md.Clustered("region", kind="CR0")), p)
    summed = quiet(
        md.SystemGMM(formula=F, gmm=GMM, cov="robust"), p
    ).with_cov(md.Clustered("region", kind="CR0"))  # fmt: skip
    assert_allclose(asked.cov, summed.cov, rtol=1e-9)


def test_balanced_deviations_equal_differences(frame: pd.DataFrame) -> None:
    """Arellano and Bover (1995): with all lags, h2 and a balanced panel the two are one."""
    spec = {"formula": F, "gmm": md.GMMStyle("y + x", (2, None)), "steps": 1, "cov": "classical"}
    fd = quiet(md.DifferenceGMM(**spec), panel(frame))
    fod = quiet(md.DifferenceGMM(**spec, transform="fod"), panel(frame))
    assert_allclose(fd.params, fod.params, rtol=1e-9)


def test_own_dating_shifts_the_lags(frame: pd.DataFrame) -> None:
    spec = {"formula": F, "transform": "fod"}
    late = md.DifferenceGMM(gmm=md.GMMStyle("y", (2, 4)), iv=md.IVStyle("x"), **spec)
    own = md.DifferenceGMM(
        gmm=md.GMMStyle("y", (1, 3)), iv=md.IVStyle("x"), fod_dating="own", **spec
    )
    assert_allclose(quiet(late, panel(frame)).params, quiet(own, panel(frame)).params)


def test_time_shifts_and_scale_change_nothing(frame: pd.DataFrame) -> None:
    spec = md.SystemGMM(formula=F, gmm=md.GMMStyle("y + x", (2, 3)), effects=("time",))
    base = quiet(spec, panel(frame))
    scaled = quiet(spec, panel(frame.assign(t=frame.t + 40, y=1e6 * frame.y, x=1e3 * frame.x)))
    assert scaled.params["L(y)"] == pytest.approx(base.params["L(y)"], rel=1e-8)
    assert scaled.params["x"] == pytest.approx(1e3 * base.params["x"], rel=1e-8)
    assert scaled.stats["hansen"].statistic == pytest.approx(base.stats["hansen"].statistic)


def test_every_second_year_is_told_by_delta(frame: pd.DataFrame) -> None:
    spec = md.SystemGMM(formula=F, gmm=GMM, effects=("time",))
    base = quiet(spec, panel(frame))
    sparse = md.Panel.from_frame(
        frame.assign(t=2000 + 2 * (frame.t - 2000)), entity="i", time="t", delta=2
    )
    assert_allclose(quiet(spec, sparse).params, base.params, rtol=1e-12)


def test_windows_lag_by_one_window() -> None:
    frame = simulated(np.random.default_rng(2), 60, 30)
    windows = panel(frame).windows(5)
    spec = md.SystemGMM(formula=F, gmm=GMM, effects=("time",))
    fit = quiet(spec, windows)
    means = frame.assign(t=(frame.t - 2000) // 5).groupby(["i", "t"], as_index=False).mean()
    by_hand = quiet(spec, panel(means))
    assert fit.nobs == 60 * 5
    assert_allclose(fit.params, by_hand.params, rtol=1e-10)


def test_factors_and_interactions(frame: pd.DataFrame) -> None:
    p = panel(frame.assign(kind=np.where(frame.i % 3 == 0, "a", np.where(frame.i % 3, "b", "c"))))
    spec = md.SystemGMM(
        formula="y ~ L(y) + x + x:z + C(kind)", gmm=(*GMM, md.GMMStyle("x:z", (1, 2), True)),
        iv=md.IVStyle("C(kind)", "level"),
    )  # fmt: skip
    fit = quiet(spec, p)
    f = p.frame
    by_hand = p.assign(xz=f.x * f.z, b=(f.kind == "b").astype(float))
    same = md.SystemGMM(
        formula="y ~ L(y) + x + xz + b", gmm=(*GMM, md.GMMStyle("xz", (1, 2), True)),
        iv=md.IVStyle("b", "level"),
    )  # fmt: skip
    assert_allclose(np.sort(fit.params), np.sort(quiet(same, by_hand).params), rtol=1e-8)


def test_exactly_identified_has_nothing_to_test(frame: pd.DataFrame) -> None:
    spec = md.DifferenceGMM(formula=F, gmm=(md.GMMStyle("y", 2, True), md.GMMStyle("x", 1, True)))
    fit = quiet(spec, panel(frame))
    assert fit.stats["hansen"].df == 0
    assert np.isnan(fit.stats["hansen"].pvalue)
    assert fit.difference_in_hansen.isna().iloc[:, 1:].all(axis=None)


def test_short_panels_have_no_second_order_test(frame: pd.DataFrame) -> None:
    spec = md.DifferenceGMM(formula=F, gmm=md.GMMStyle("y + x", (2, None)))
    fit = quiet(spec, panel(frame[frame.t < 2004]))
    assert np.isnan(fit.stats["ar2"].statistic)
    assert "ar3" not in fit.stats


@pytest.mark.parametrize("holes", [0.0, 0.1])
def test_weak_instruments_match_first_stages(holes: float) -> None:
    """Sanderson and Windmeijer's F from explicit matrices of the differenced equation."""
    p = panel(simulated(np.random.default_rng(8), 90, 7, holes=holes))
    spec = md.DifferenceGMM(formula=F, gmm=GMM, iv=md.IVStyle("z:x"))
    fit = quiet(spec, p)
    table = fit.weak_instruments()
    f = p.frame
    d = pd.DataFrame(
        {
            "i": f.i,
            "ly": p.D(p.L("y")),
            "x": p.D("x"),
            "y": p.D("y"),
            "z1": p.L("y", 2),
            "z2": p.L("y", 3),
            "z3": p.L("x", 1),
            "z4": p.L("x", 2),
            "z5": p.D(f.z * f.x),
        }
    )
    d = d.dropna(subset=["ly", "x", "y"]).fillna(0.0)
    Z = d[["z1", "z2", "z3", "z4", "z5"]].to_numpy()
    n, L = Z.shape
    P = Z @ np.linalg.solve(Z.T @ Z, Z.T)
    for name, other in (("ly", "x"), ("x", "ly")):
        a, b = d[name].to_numpy(), d[other].to_numpy()
        e = a - b * (b @ P @ a) / (b @ P @ b)
        expected = (e @ P @ e / (L - 1)) / ((e @ e - e @ P @ e) / (n - L))
        row = table.loc[("transformed", {"ly": "L(y)"}.get(name, name))]
        assert row.F == pytest.approx(expected, rel=1e-9)
        assert row.df == L - 1
        pi = np.linalg.solve(Z.T @ Z, Z.T @ e)
        v = e - Z @ pi
        g = pd.DataFrame(Z * v[:, None]).groupby(d.i.to_numpy()).sum().to_numpy()
        W = np.linalg.inv(Z.T @ Z)
        wald = pi @ np.linalg.solve(W @ g.T @ g @ W, pi) / (L - 1)
        assert row.F_robust == pytest.approx(wald, rel=1e-8)


def test_units_play_no_role_in_strength_and_bounds() -> None:
    frame = simulated(np.random.default_rng(6), 120, 7, holes=0.1)
    frame["w"] = np.random.default_rng(7).standard_normal(len(frame))
    spec = md.SystemGMM(
        formula="y ~ L(y) + x + w",
        gmm=(md.GMMStyle("y", (2, 3), collapse=True), md.GMMStyle("x", (1, 2), collapse=True)),
        iv=md.IVStyle("w", equation="level"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DroppedRowsWarning)
        base = spec.fit(panel(frame))
        other = spec.fit(panel(frame.assign(x=frame.x * 1e8, w=frame.w * 1e-8)))
    one, two = base.weak_instruments(), other.weak_instruments()
    assert np.isfinite(one.F_robust).any()
    assert_allclose(two.F, one.F, rtol=1e-7)
    assert_allclose(two.F_robust, one.F_robust, rtol=1e-7)
    bounds = ["pooled OLS", "within"]
    assert_allclose(
        other.bounds_check().sum_of_lags[bounds], base.bounds_check().sum_of_lags[bounds], rtol=1e-8
    )


def test_weak_instruments_by_equation(frame: pd.DataFrame) -> None:
    fit = quiet(md.SystemGMM(formula=F, gmm=GMM, iv=md.IVStyle("x")), panel(frame))
    table = fit.weak_instruments()
    assert list(table.index.get_level_values(0).unique()) == ["transformed", "level"]
    assert np.isinf(table.loc[("transformed", "x"), "F"])
    assert (table.loc[("level", "L(y)"), ["F", "F_robust"]] > 0).all()


@pytest.mark.parametrize("kind", [md.DifferenceGMM, md.SystemGMM])
def test_principal_components(kind: Any, frame: pd.DataFrame) -> None:
    base = {"formula": F, "gmm": md.GMMStyle("y + x", (2, 4)), "iv": md.IVStyle("x")}
    whole = quiet(kind(**base), panel(frame))
    few = quiet(kind(**base, components=6), panel(frame))
    constant = 1 if kind is md.SystemGMM else 0
    assert few.n_instruments == 6 + 1 + constant
    assert few.stats["hansen"].df == 6 + 1 + constant - len(few.params)
    assert set(few.instruments_report()["set"].iloc[:6]) == {
        "principal components of the GMM-style instruments"
    }
    # All components span the same space: nothing changes.
    every = quiet(kind(**base, components=500), panel(frame))
    assert_allclose(every.params, whole.params, rtol=1e-7)
    assert_allclose(every.cov, whole.cov, rtol=1e-6)
    assert every.stats["hansen"].statistic == pytest.approx(whole.stats["hansen"].statistic)
    assert every.stats["ar2"].statistic == pytest.approx(whole.stats["ar2"].statistic)
    kaiser = quiet(kind(**base, components="kaiser"), panel(frame))
    assert kaiser.n_instruments < whole.n_instruments
    with pytest.raises(errors.SpecificationError, match="components"):
        kaiser.weak_instruments()
    with pytest.raises(errors.SpecificationError, match="components"):
        kind(**base, components=0)


@pytest.mark.parametrize("columns", ["standardised", "raw"])
def test_principal_components_are_those_of_the_correlation_matrix(
    frame: pd.DataFrame, columns: str
) -> None:
    """Collapsed difference GMM, with Z written out; raw columns as in xtabond2 3.7 (``pca``)."""
    spec = md.DifferenceGMM(
        formula=F, gmm=md.GMMStyle("y", (2, 4), collapse=True), iv=md.IVStyle("x"), components=2,
        components_of=columns, steps=1, cov="robust",
    )  # fmt: skip
    p = panel(frame)
    fit = quiet(spec, p)
    d = pd.DataFrame({"y": p.D("y"), "ly": p.D(p.L("y")), "x": p.D("x")})
    d = d.assign(z2=p.L("y", 2), z3=p.L("y", 3), z4=p.L("y", 4), i=p.frame.i)
    d = d.dropna(subset=["y", "ly", "x"]).fillna(0.0)
    Z = d[["z2", "z3", "z4"]].to_numpy()
    _, V = np.linalg.eigh(np.corrcoef(Z.T))
    pc = (Z / Z.std(axis=0) if columns == "standardised" else Z) @ V[:, ::-1][:, :2]
    Z = np.column_stack([pc, d.x])
    X = d[["ly", "x"]].to_numpy()
    A = np.zeros((3, 3))
    for _, who in d.reset_index(drop=True).groupby("i").groups.items():
        k = len(who)
        H = 2 * np.eye(k) - np.eye(k, k=1) - np.eye(k, k=-1)
        A += Z[who].T @ H @ Z[who]
    W = np.linalg.inv(A)
    b = np.linalg.solve(X.T @ Z @ W @ Z.T @ X, X.T @ Z @ W @ Z.T @ d.y)
    assert_allclose(fit.params, b, rtol=1e-9)


def test_kaiser_keeps_as_many_components_as_identify(frame: pd.DataFrame) -> None:
    """One eigenvalue of the lags of y exceeds one, but there are two coefficients."""
    spec = md.DifferenceGMM(formula=F, gmm=md.GMMStyle("y", (2, 4), True), components="kaiser")
    assert quiet(spec, panel(frame)).n_instruments == 2


@pytest.mark.parametrize(
    ("kind", "options", "own", "theirs"),
    [
        (md.DifferenceGMM, {}, 79, 80),
        (md.DifferenceGMM, {"steps": 1, "cov": "classical"}, 79, 80 * 5 - 2),
        (md.SystemGMM, {}, 79, 79),
    ],
)
def test_degrees_of_freedom_by_convention(
    frame: pd.DataFrame, kind: Any, options: dict[str, Any], own: int, theirs: int
) -> None:
    """xtabond2 3.7, lines of DFr: groups (rows after a classical step) less the constant."""
    ours = quiet(kind(formula=F, gmm=GMM, small=True, **options), panel(frame))
    other = quiet(kind(formula=F, gmm=GMM, small="xtabond2", **options), panel(frame))
    assert (ours.df_inference, other.df_inference) == (own, theirs)
    assert_allclose(other.cov, ours.cov, rtol=1e-12)
    with pytest.raises(errors.SpecificationError, match="small"):
        kind(formula=F, gmm=GMM, small="stata")


@pytest.mark.parametrize("cls", [md.DifferenceGMM, md.SystemGMM])
def test_a_dependent_variable_that_does_not_change_is_told_so(cls) -> None:
    frame = simulated(np.random.default_rng(1), 20, 6).assign(c=lambda d: 2.0 + d["i"])
    p = md.Panel.from_frame(frame, entity="i", time="t")
    spec = cls("c ~ x", gmm=(md.GMMStyle("x", (2, 3)),))
    with pytest.raises(errors.IdentificationError, match="'c' does not change over time within"):
        quiet(spec, p)


def test_instruments_are_counted_against_clusters() -> None:
    """Moments of five clusters have rank five, so J is at most five whatever the instruments."""
    frame = simulated(np.random.default_rng(1), 60, 9).assign(g=lambda d: d["i"] % 5)
    p = md.Panel.from_frame(frame, entity="i", time="t")
    spec = md.DifferenceGMM(
        "y ~ L(y) + x", gmm=(md.GMMStyle("y", (2, None)),), iv=(md.IVStyle("x"),), cluster="g"
    )
    with (
        pytest.warns(errors.ManyInstrumentsWarning, match="instruments for 5 clusters of 'g'"),
        pytest.warns(errors.CovarianceWarning),
        pytest.warns(errors.DroppedRowsWarning),
    ):
        fit = spec.fit(p)
    hansen = fit.stats["hansen"]
    assert hansen.statistic <= 5
    assert "cannot exceed 5, whether the instruments are valid or not" in str(hansen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.DroppedRowsWarning)
        plain = md.DifferenceGMM(
            "y ~ L(y) + x", gmm=(md.GMMStyle("y", (2, 3)),), iv=(md.IVStyle("x"),)
        ).fit(p)
    assert not plain.stats["hansen"].caution


@pytest.mark.parametrize("kind", [md.DifferenceGMM, md.SystemGMM])
@pytest.mark.parametrize("steps", [1, 2, "iterated", "cue"])
@pytest.mark.parametrize("cluster", ["entity", "region"])
def test_scores_give_the_corrected_covariance(
    frame: pd.DataFrame, kind: Any, steps: Any, cluster: str
) -> None:
    """What entities add to an estimate holds how the weight follows the step before."""
    p = panel(frame)
    fit = quiet(kind(formula=F, gmm=GMM, steps=steps, cluster=cluster), p)
    summed = fit.with_cov(md.Clustered(cluster, kind="CR0"))
    assert_allclose(summed.cov, fit.cov, rtol=1e-7)
    plain = quiet(kind(formula=F, gmm=GMM, steps=steps, cluster=cluster, cov="classical"), p)
    again = plain.with_cov(md.Clustered(cluster, kind="CR0"))
    assert_allclose(again.cov, summed.cov, rtol=1e-9)


def test_rows_are_not_taken_as_independent(frame: pd.DataFrame) -> None:
    fit = quiet(md.DifferenceGMM(formula=F, gmm=GMM), panel(frame))
    with pytest.raises(errors.CovarianceError, match="sum moments by entity"):
        fit.with_cov(md.Robust())
    with pytest.raises(errors.SpecificationError, match="sums moments by 'entity'"):
        fit.with_cov("HC1")
