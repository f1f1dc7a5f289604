"""Panel threshold regression against brute force, an independent bootstrap and known truth."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import errors


def world(
    rng: np.random.Generator, N: int, T: int, cuts: tuple[float, ...] = (0.0,),
    slopes: tuple[float, ...] = (1.0, 0.2), holes: float = 0.0, step: float = 0.01,
) -> pd.DataFrame:  # fmt: skip
    n = N * T
    i = np.repeat(np.arange(N), T)
    q, x, z = np.round(rng.standard_normal(n) / step) * step, *rng.standard_normal((2, n))
    slope = np.array(slopes)[np.searchsorted(cuts, q, side="left")]
    y = slope * x + 0.5 * z + rng.standard_normal(N)[i] + 0.5 * rng.standard_normal(n)
    d = pd.DataFrame({"i": i, "t": np.tile(np.arange(T), N), "y": y, "x": x, "z": z, "q": q})
    return d[rng.random(n) >= holes].reset_index(drop=True)


def panel(d: pd.DataFrame) -> md.Panel:
    return md.Panel.from_frame(d, entity="i", time="t")


def rss(d: pd.DataFrame, cuts: Any, time: bool = False) -> float:
    """Least squares on dummies of everything."""
    regime = np.searchsorted(np.sort(cuts), d.q, side="left")
    parts = [d[["z"]].to_numpy(), pd.get_dummies(d.i).to_numpy(float)]
    if time:
        parts.append(pd.get_dummies(d.t).to_numpy(float)[:, 1:])
    parts += [(d.x * (regime == r)).to_numpy()[:, None] for r in range(len(cuts) + 1)]
    X = np.concatenate(parts, axis=1)
    e = d.y - X @ np.linalg.lstsq(X, d.y, rcond=None)[0]
    return float(e @ e)


def spec(**options: Any) -> md.PanelThreshold:
    base = {"formula": "y ~ x + z", "threshold": "q", "regime": "x", "draws": 0}
    return md.PanelThreshold(**{**base, **options})


@pytest.mark.parametrize("effects", [("entity",), ("entity", "time")])
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_single_search_is_exact(effects: tuple[str, ...], holes: float) -> None:
    d = world(np.random.default_rng(1), 30, 6, holes=holes, step=0.25)
    d = d[d.groupby("i").i.transform("size") > 1]
    fit = spec(effects=effects, trim=0.05).fit(panel(d))
    least = int(np.ceil(0.05 * len(d)))
    tried = [g for g in np.unique(d.q)[:-1] if least <= (d.q <= g).sum() <= len(d) - least]
    sums = {g: rss(d, [g], "time" in effects) for g in tried}
    best = min(sums, key=sums.__getitem__)
    assert fit.thresholds == (best,)
    path = fit.lr_path()
    assert_allclose(path["value"], tried)
    df = len(d) - d.i.nunique() - (d.t.nunique() - 1) * ("time" in effects)
    sigma2 = sums[best] / df
    assert_allclose(path["lr"], [(sums[g] - sums[best]) / sigma2 for g in tried], atol=1e-8)
    regime0 = rss(d.assign(q=0.0), [1.0], "time" in effects)
    test = fit.stats["threshold_1"]
    assert test.statistic == pytest.approx((regime0 - sums[best]) / sigma2, rel=1e-9)
    critical = -2 * np.log(1 - np.sqrt(0.95))
    assert critical == pytest.approx(7.35, abs=5e-3)  # Hansen (1999, p. 351)
    inside = [g for g in tried if (sums[g] - sums[best]) / sigma2 <= critical]
    interval = fit.threshold_conf_int().loc[1]
    assert (interval.lower, interval.upper) == (min(inside), max(inside))


def test_two_thresholds_are_found_in_turn() -> None:
    d = world(np.random.default_rng(2), 30, 5, (-0.5, 0.5), (1.0, 0.0, 1.5), step=0.25)
    fit = spec(thresholds=2, trim=0.05).fit(panel(d))
    least = int(np.ceil(0.05 * len(d)))

    def enough(cuts: Any) -> bool:
        regime = np.searchsorted(np.sort(cuts), d.q, side="left")
        return bool((np.bincount(regime, minlength=len(cuts) + 1) >= least).all())

    values = np.unique(d.q)[:-1]
    first = min((g for g in values if enough([g])), key=lambda g: rss(d, [g]))
    second = min(
        (g for g in values if g != first and enough([first, g])), key=lambda g: rss(d, [first, g])
    )
    refined = min(
        (g for g in values if g != second and enough([second, g])),
        key=lambda g: rss(d, [second, g]),
    )
    assert fit.thresholds == tuple(sorted((refined, second)))
    joint = min(
        (c for c in itertools.combinations(values, 2) if enough(c)), key=lambda c: rss(d, c)
    )
    assert fit.thresholds == joint  # with breaks this clear the sequence finds the joint minimum
    one, two = rss(d, [first]), rss(d, [first, second])
    df = len(d) - 30
    assert fit.stats["threshold_2"].statistic == pytest.approx((one - two) / (two / df))
    assert fit.stats["rss"] == pytest.approx(rss(d, fit.thresholds))


def test_coefficients_are_least_squares_given_the_thresholds() -> None:
    d = world(np.random.default_rng(3), 60, 7, (-0.5, 0.5), (1.0, 0.0, 1.5), holes=0.1)
    d = d[d.groupby("i").i.transform("size") > 1]
    fit = spec(thresholds=2, cov=md.Robust("HC1")).fit(panel(d))
    low, high = fit.thresholds
    d = d.assign(a=d.x * (d.q <= low), b=d.x * ((d.q > low) & (d.q <= high)), c=d.x * (d.q > high))
    fe = md.FixedEffects(formula="y ~ z + a + b + c", cov=md.Robust("HC1")).fit(panel(d))
    assert_allclose(fit.params, fe.params, rtol=1e-10)
    assert_allclose(fit.std_errors, fe.std_errors, rtol=1e-10)
    assert fit.names[1] == f"x[q<={low:.6g}]"
    assert list(fit.regimes["rows"]) == [(d[c] != 0).sum() for c in "abc"]


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_levels_that_change_with_the_regime(holes: float) -> None:
    d = world(np.random.default_rng(12), 40, 6, holes=holes, step=0.25)
    d = d[d.groupby("i").i.transform("size") > 1]
    d["y"] += 1.5 * (d.q <= 0.5)
    fit = spec(regime_intercept=True, trim=0.05, cov=md.Robust("HC1")).fit(panel(d))

    def fitted(cut: float) -> Any:
        low = d.q <= cut
        parts = d.assign(a=d.x * low, b=d.x * ~low, low=low.astype(float))
        return md.FixedEffects(formula="y ~ z + a + b + low", cov=md.Robust("HC1")).fit(
            panel(parts)
        )

    least = int(np.ceil(0.05 * len(d)))
    tried = [g for g in np.unique(d.q)[:-1] if least <= (d.q <= g).sum() <= len(d) - least]
    best = min(tried, key=lambda g: fitted(g).stats["rss"])
    expected = fitted(best)
    assert fit.thresholds == (best,)
    assert list(fit.names)[1:] == [f"x[q<={best:g}]", f"x[q>{best:g}]", f"Intercept[q<={best:g}]"]
    assert_allclose(fit.params, expected.params, rtol=1e-9)
    assert_allclose(fit.std_errors, expected.std_errors, rtol=1e-9)
    none = md.FixedEffects(formula="y ~ z + x").fit(panel(d)).stats["rss"]
    df = len(d) - d.i.nunique()
    found = expected.stats["rss"]
    assert fit.stats["threshold_1"].statistic == pytest.approx((none - found) / (found / df))


def test_levels_of_three_regimes_and_their_bootstrap() -> None:
    d = world(np.random.default_rng(13), 80, 8, (-0.5, 0.5), (1.0, 1.0, 1.0))
    d["y"] += np.array([0.0, 2.0, -1.0])[np.searchsorted([-0.5, 0.5], d.q, side="left")]
    fit = spec(thresholds=2, regime_intercept=True, draws=99).fit(panel(d))
    assert_allclose(fit.thresholds, (-0.5, 0.5), atol=0.06)
    names = [n for n in fit.names if n.startswith("Intercept")]
    assert len(names) == 2
    assert_allclose(fit.params[names], [1.0, 3.0], atol=0.25)
    assert fit.stats["threshold_2"].pvalue < 0.05
    plain = spec(thresholds=1, draws=0).fit(panel(d))
    assert plain.stats["rss"] > fit.stats["rss"]


def test_three_thresholds_and_truth() -> None:
    d = world(np.random.default_rng(4), 150, 8, (-1.0, 0.0, 1.0), (2.0, 1.0, -1.0, 1.0))
    fit = spec(thresholds=3).fit(panel(d))
    assert_allclose(fit.thresholds, (-1.0, 0.0, 1.0), atol=0.03)
    assert_allclose(fit.params.iloc[1:], (2.0, 1.0, -1.0, 1.0), atol=0.15)
    intervals = fit.threshold_conf_int()
    assert (intervals.lower <= intervals.estimate).all()
    assert (intervals.estimate <= intervals.upper).all()


def test_names_that_do_not_depend_on_the_estimate() -> None:
    d = world(np.random.default_rng(4), 60, 6)
    plain, symbols = spec().fit(panel(d)), spec(labels="symbols").fit(panel(d))
    assert symbols.names == ["z", "x[q<=c]", "x[q>c]"]
    assert_allclose(symbols.params, plain.params, rtol=0)
    gap = symbols.delta("`x[q>c]` - `x[q<=c]`")
    assert gap.estimate == pytest.approx(symbols.params["x[q>c]"] - symbols.params["x[q<=c]"])
    two = spec(labels="symbols", thresholds=2, trim=0.1).fit(panel(d))
    assert two.names[1:] == ["x[q<=c1]", "x[c1<q<=c2]", "x[q>c2]"]


def test_grid_of_quantiles() -> None:
    d = world(np.random.default_rng(5), 80, 6)
    fit = spec(grid=50, trim=0.05).fit(panel(d))
    assert len(fit.candidates) <= 50
    assert set(fit.candidates) <= set(d.q)


def test_several_regressors_change() -> None:
    d = world(np.random.default_rng(6), 30, 6, step=0.25)
    fit = spec(regime="x + z", trim=0.1).fit(panel(d))
    best = None
    for g in np.unique(d.q)[:-1]:
        if not 0.1 * len(d) <= (d.q <= g).sum() <= 0.9 * len(d):
            continue
        X = np.column_stack(
            [pd.get_dummies(d.i).to_numpy(float)]
            + [d[v] * s for v in "xz" for s in (d.q <= g, d.q > g)]
        )
        e = d.y - X @ np.linalg.lstsq(X, d.y, rcond=None)[0]
        if best is None or e @ e < best[0]:
            best = (e @ e, g)
    assert best is not None
    assert fit.thresholds == (best[1],)
    assert fit.stats["rss"] == pytest.approx(best[0])
    assert len(fit.params) == 4


@pytest.mark.parametrize("kind", ["entity", "wild"])
def test_bootstrap_of_the_first_test_is_hansens(kind: str) -> None:
    """The same errors through brute force give the same statistics."""
    d = world(np.random.default_rng(7), 15, 5, slopes=(1.0, 1.0), step=0.25)
    fit = spec(trim=0.1, draws=19, bootstrap=kind, seed=5).fit(panel(d))
    g = fit.thresholds[0]
    X = np.column_stack(
        [d.z, d.x * (d.q <= g), d.x * (d.q > g), pd.get_dummies(d.i).to_numpy(float)]
    )
    e = (d.y - X @ np.linalg.lstsq(X, d.y, rcond=None)[0]).to_numpy().reshape(15, 5)
    rng = np.random.default_rng(np.random.SeedSequence(5).spawn(1)[0])
    if kind == "entity":
        draws = e[rng.integers(15, size=(19, 15))].reshape(19, -1)
    else:
        draws = (rng.choice([-1.0, 1.0], size=(15, 19)).T[:, :, None] * e[None]).reshape(19, -1)
    values = [v for v in np.unique(d.q)[:-1] if 0.1 * len(d) <= (d.q <= v).sum() <= 0.9 * len(d)]
    stats = []
    for y in draws:
        star = d.assign(y=y)
        s1 = min(rss(star, [v]) for v in values)
        stats.append((rss(star.assign(q=0.0), [1.0]) - s1) / (s1 / (75 - 15)))
    test = fit.stats["threshold_1"]
    assert test.pvalue == pytest.approx(np.mean(np.array(stats) >= test.statistic))
    assert test.critical_values["5%"] == pytest.approx(np.quantile(stats, 0.95), rel=1e-9)


def test_tests_find_the_number_of_thresholds() -> None:
    d = world(np.random.default_rng(8), 80, 6, (-0.5, 0.5), (1.0, 0.0, 1.0), holes=0.1)
    d = d[d.groupby("i").i.transform("size") > 1]
    fit = spec(thresholds=3, draws=49).fit(panel(d))
    p = [fit.stats[f"threshold_{g}"].pvalue for g in (1, 2, 3)]
    assert p[0] == p[1] == 0.0
    assert p[2] > 0.05
    assert "wild" in fit.stats["threshold_1"].note
    again = spec(thresholds=3, draws=49).fit(panel(d))
    assert [again.stats[f"threshold_{g}"].pvalue for g in (1, 2, 3)] == p


def test_units_play_no_role_in_the_bootstrap() -> None:
    d = world(np.random.default_rng(9), 40, 6, (-0.3,), (1.0, 0.8))
    options = {"thresholds": 2, "draws": 30, "trim": 0.1}
    base = spec(**options).fit(panel(d)).stats
    other = spec(**options).fit(panel(d.assign(x=d.x * 1e8, z=d.z * 1e-9))).stats
    for name in ("threshold_1", "threshold_2"):
        assert other[name].statistic == pytest.approx(base[name].statistic, rel=1e-8)
        for level, value in base[name].critical_values.items():
            assert other[name].critical_values[level] == pytest.approx(value, rel=1e-8)


def test_regressors_that_do_not_vary_within_entities() -> None:
    """Their deviations are rounding errors, which must not be taken for a regressor."""
    d = world(np.random.default_rng(9), 40, 6, (-0.3,), (1.0, 0.8))
    d["k"] = np.random.default_rng(1).standard_normal(40)[d.i] * 1.1
    options = {"thresholds": 2, "draws": 20, "trim": 0.1}
    base = spec(**options).fit(panel(d))
    with pytest.warns(errors.CollinearityWarning, match="k"):
        other = spec(formula="y ~ x + z + k", **options).fit(panel(d))
    assert other.thresholds == base.thresholds
    for name in ("threshold_1", "threshold_2"):
        assert other.stats[name].statistic == pytest.approx(base.stats[name].statistic, rel=1e-8)
        assert other.stats[name].pvalue == base.stats[name].pvalue
    with pytest.raises(errors.IdentificationError, match="'y' does not vary"):
        spec().fit(panel(d.assign(y=d.k)))


def test_bad_input() -> None:
    for options, message in [
        ({"thresholds": 4}, "thresholds"),
        ({"trim": 0.6}, "trim"),
        ({"grid": 1}, "grid"),
        ({"bootstrap": "pairs"}, "bootstrap"),
        ({"effects": ("time",)}, "effects"),
        ({"draws": -1}, "draws"),
        ({"labels": "numbers"}, "labels"),
    ]:
        with pytest.raises(errors.SpecificationError, match=message):
            spec(**options)
    d = world(np.random.default_rng(9), 20, 5)
    with pytest.raises(errors.IdentificationError, match="Lower trim"):
        spec(thresholds=3, trim=0.3).fit(panel(d))
    with pytest.raises(errors.IdentificationError, match="Lower trim"):
        spec().fit(panel(d.assign(q=1.0)))
    with pytest.raises(errors.SpecificationError, match="names 2 variables"):
        spec(threshold="q + z").fit(panel(d))
    with pytest.raises(errors.IdentificationError, match="wild"):
        spec(bootstrap="entity", draws=9).fit(panel(d.iloc[1:]))
    d.loc[3, "q"] = np.nan
    with pytest.warns(errors.DroppedRowsWarning, match="missing in 'q'"):
        fit = spec().fit(panel(d))
    assert fit.nobs == 99
    with pytest.raises(errors.ResultError, match="thresholds 1 to 1"):
        fit.lr_path(2)


@pytest.mark.slow
def test_size_and_coverage() -> None:
    """Bootstrap test at 5% without a threshold; likelihood-ratio interval with one."""
    reps, rejected, covered = 300, 0, 0
    for stream in np.random.SeedSequence(20240101).spawn(reps):
        rng = np.random.default_rng(stream)
        null = world(rng, 50, 6, slopes=(1.0, 1.0))
        one = world(rng, 50, 6, slopes=(0.5, 0.2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = spec(trim=0.1, draws=99).fit(panel(null))
            rejected += fit.stats["threshold_1"].pvalue < 0.05
            interval = spec(trim=0.1).fit(panel(one)).threshold_conf_int().loc[1]
        covered += interval.lower <= 0.0 <= interval.upper
    assert abs(rejected / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps) + 0.01
    # Hansen (2000): the interval is conservative for shifts that are not small.
    assert covered / reps > 0.95 - 3.29 * np.sqrt(0.05 * 0.95 / reps)


def test_a_broken_confidence_set_is_told_by_its_parts() -> None:
    fit = spec(trim=0.05).fit(panel(world(np.random.default_rng(3), 25, 6, (0.0,), (0.2, 0.0))))
    values = np.arange(8.0)
    path = np.array([9.0, 1.0, 9.0, np.inf, 2.0, 0.0, 9.0, 3.0])
    broken = replace(fit, thresholds=(5.0,), candidates=values, lr_paths=(path,))
    parts = broken.threshold_conf_set()
    assert parts.to_numpy().tolist() == [[1.0, 1.0], [4.0, 5.0], [7.0, 7.0]]
    assert list(parts.index) == [1, 1, 1]
    assert broken.threshold_conf_int().loc[1].tolist() == [5.0, 1.0, 7.0, 3.0]
    assert "Threshold 1 lies in [1, 1] and [4, 5] and [7, 7]; candidates" in broken.summary()
    whole = replace(broken, lr_paths=(np.where(values < 3, 9.0, 1.0),))
    assert whole.threshold_conf_set().to_numpy().tolist() == [[3.0, 7.0]]
    assert "candidates between are rejected" not in whole.summary()
