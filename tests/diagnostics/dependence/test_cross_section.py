"""Cross-section dependence, slope homogeneity and causality against plm and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev import diagnostics
from migdev.errors import (
    DroppedEntitiesWarning,
    DroppedRowsWarning,
    IdentificationError,
    PanelError,
    SpecificationError,
)
from migdev.kernels.dependence.pairwise import signs_of_series
from tests.golden import load_golden
from tests.panels import matrix_panel, with_gaps

GOLDEN = load_golden("unit_roots")
KIND = {"cd": "CD", "lm": "LM", "sclm": "scaled LM", "bcsclm": "bias-corrected LM"}
MODELS = {
    "pooling": lambda: md.PooledOLS(formula="inv ~ value + capital"),
    "mg": lambda: md.MeanGroup(formula="inv ~ value + capital"),
    "within": lambda: md.FixedEffects(formula="inv ~ value + capital"),
}


@pytest.fixture(scope="module")
def samples(grunfeld):
    firm = grunfeld.entity_codes
    late = grunfeld["year"].to_numpy() - 1935 >= (2 * firm) % 5
    return {"balanced": grunfeld, "unbalanced": grunfeld.where(late, "rule of the golden numbers")}


@pytest.mark.parametrize("sample", ["balanced", "unbalanced"])
@pytest.mark.parametrize("variable", ["inv", "value", "capital"])
@pytest.mark.parametrize("kind", ["cd", "lm", "sclm"])
def test_dependence_of_variables_matches_plm(samples, sample, variable, kind):
    golden = GOLDEN[f"{sample}.{variable}"][f"pcd.{kind}"]
    test = diagnostics.cross_section_dependence(samples[sample], variable, statistic=KIND[kind])
    assert_allclose([test.statistic, test.pvalue], golden, rtol=1e-9, atol=1e-12)
    if kind == "cd":
        assert diagnostics.pesaran_cd(samples[sample], variable).statistic == test.statistic


@pytest.mark.parametrize("sample", ["balanced", "unbalanced"])
def test_dependence_of_residuals_matches_plm(samples, sample):
    for key, golden in GOLDEN[f"{sample}.residuals"].items():
        model, kind = key.split(".")
        fit = MODELS[model]().fit(samples[sample])
        test = diagnostics.cross_section_dependence(fit, statistic=KIND[kind])
        assert_allclose([test.statistic, test.pvalue], golden, rtol=1e-8, atol=1e-12)


def test_gappy_pairs_match_pandas(grunfeld):
    gappy = with_gaps(grunfeld, 20)
    wide = gappy.frame.pivot(index="year", columns="firm", values="inv")
    r = wide.corr().to_numpy()
    have = wide.notna().to_numpy().astype(float)
    T = have.T @ have
    i, j = np.triu_indices(10, 1)
    expected = np.sum(np.sqrt(T[i, j]) * r[i, j]) / np.sqrt(len(i))
    assert_allclose(diagnostics.pesaran_cd(gappy, "inv").statistic, expected, rtol=1e-9)


def test_friedman_matches_scipy(grunfeld):
    from scipy.stats import friedmanchisquare

    wide = grunfeld.frame.pivot(index="firm", columns="year", values="value")
    expected = friedmanchisquare(*wide.to_numpy().T)
    test = diagnostics.cross_section_dependence(grunfeld, "value", statistic="Friedman")
    assert_allclose([test.statistic, test.pvalue], expected, rtol=1e-9)
    with pytest.raises(SpecificationError, match="balanced"):
        diagnostics.cross_section_dependence(with_gaps(grunfeld, 20), "value", statistic="Friedman")


def test_pairs_without_common_periods_are_reported():
    frame = pd.DataFrame(
        {
            "e": list("aaaabbbbcccc"),
            "t": [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 7, 8],
            "y": [1.0, 3, 2, 5, 1, 2, 4, 3, 1, 0, 2, 5],
        }
    )
    panel = md.Panel.from_frame(frame, entity="e", time="t")
    with pytest.warns(DroppedRowsWarning, match="1 of 3 pairs"):
        test = diagnostics.pesaran_cd(panel, "y")
    assert test.detail["pairs"] == 2
    with pytest.raises(IdentificationError, match="share two periods"):
        diagnostics.pesaran_cd(panel.where("e != 'c'"), "y")


def test_dependence_needs_a_variable_or_residuals(grunfeld):
    with pytest.raises(SpecificationError, match="Name the variable"):
        diagnostics.pesaran_cd(grunfeld)
    with pytest.raises(SpecificationError, match="no variable, or a panel and one"):
        diagnostics.pesaran_cd(MODELS["pooling"]().fit(grunfeld), "inv")
    with pytest.raises(SpecificationError, match="statistic='Q'"):
        diagnostics.cross_section_dependence(grunfeld, "inv", statistic="Q")


def test_weighted_cd_by_hand(grunfeld):
    wide = grunfeld.frame.pivot(index="year", columns="firm", values="inv").corr().to_numpy()
    series = grunfeld.frame.pivot(index="firm", columns="year", values="inv").to_numpy()
    signs = signs_of_series(series, 3, 4)
    assert set(signs.ravel()) == {-1.0, 1.0}
    total = sum(
        np.sqrt(20) * w[i] * w[j] * wide[i, j] for w in signs for i in range(10) for j in range(i)
    )
    test = diagnostics.cross_section_dependence(grunfeld, "inv", statistic="CDw", draws=3, seed=4)
    assert_allclose(test.statistic, total / np.sqrt(45) / np.sqrt(3), rtol=1e-9)
    with pytest.raises(SpecificationError, match="balanced"):
        diagnostics.cross_section_dependence(with_gaps(grunfeld, 20), "inv", statistic="CD*")


def test_weighted_cd_hangs_on_neither_order_nor_names_nor_units():
    rng = np.random.default_rng(1)
    y = rng.standard_normal((20, 15)) + rng.standard_normal(15)
    y[3, :4] = np.nan
    order = rng.permutation(20)

    def statistic(values, **options):
        panel = matrix_panel(y=values)
        run = diagnostics.cross_section_dependence
        return run(panel, "y", statistic="CDw", **options).statistic

    found = statistic(y)
    assert_allclose(statistic(y[order]), found, rtol=1e-9)
    assert_allclose(statistic(-1e3 * y[order] + 7), found, rtol=1e-6)
    assert abs(statistic(y, seed=1) - found) > 1e-3
    # One entity more leaves the signs of the others; equal series have signs of their own.
    signs = signs_of_series(np.vstack([y, y[:1]]), 200, 0)
    assert np.array_equal(signs[:, :20], signs_of_series(y, 200, 0))
    assert abs(np.mean(signs[:, 0] * signs[:, 20])) < 0.3
    # four standard errors of the mean of products of independent signs
    products = signs[:, :20].T @ signs[:, :20] / 200 - np.eye(20)
    assert np.abs(products).max() < 4.5 / np.sqrt(200)


def test_power_enhanced_cd_by_hand(grunfeld):
    gappy = with_gaps(grunfeld, 20)
    wide = gappy.frame.pivot(index="year", columns="firm", values="value")
    r, have = wide.corr().to_numpy(), wide.notna().to_numpy().astype(float)
    T = have.T @ have
    large = [
        abs(r[i, j])
        for i in range(10)
        for j in range(i)
        if abs(r[i, j]) > 2 * np.sqrt(np.log(10) / T[i, j])
    ]
    plain = diagnostics.cross_section_dependence(gappy, "value", statistic="CDw")
    test = diagnostics.cross_section_dependence(gappy, "value", statistic="CDw+")
    assert test.detail["screened"] == len(large) > 0
    assert_allclose(test.statistic, plain.statistic + sum(large), rtol=1e-9)


def test_frees_matches_scipy_and_the_critical_values_of_xtcsd(grunfeld):
    from scipy.stats import spearmanr

    fit = MODELS["within"]().fit(grunfeld)
    wide = fit.resids.to_numpy().reshape(10, 20)
    r = spearmanr(wide, axis=1).statistic[np.triu_indices(10, 1)]
    test = diagnostics.cross_section_dependence(fit, statistic="Frees")
    assert_allclose(test.statistic, 10 * (np.mean(r**2) - 1 / 19), rtol=1e-9)
    # xtcsd 1.1.1, T = 20: simulated, so they agree with the exact quantiles to a per cent.
    cuts = [test.critical_values[k] for k in ("10%", "5%", "1%")]
    assert_allclose(cuts, [0.129385699, 0.169520436, 0.246825304], rtol=6e-3)
    assert (test.pvalue < 0.01) == (test.statistic > cuts[2])
    with pytest.raises(SpecificationError, match="balanced"):
        diagnostics.cross_section_dependence(with_gaps(grunfeld, 20), "value", statistic="Frees")
    with pytest.raises(SpecificationError, match="4 periods"):
        diagnostics.cross_section_dependence(
            grunfeld.where("year < 1938"), "value", statistic="Frees"
        )


@pytest.mark.parametrize("statistic", ["Frees", "Friedman", "CD", "scaled LM"])
def test_constant_entities_take_no_part(grunfeld, statistic):
    def run(panel):
        return diagnostics.cross_section_dependence(panel, "value", statistic=statistic)

    flat = grunfeld.assign(value=np.where(grunfeld["firm"] == 6, 1.0, grunfeld["value"]))
    with pytest.warns(DroppedRowsWarning, match="9 of 45 pairs"):
        test = run(flat)
    rest = run(grunfeld.where("firm != 6"))
    assert_allclose([test.statistic, test.pvalue], [rest.statistic, rest.pvalue], rtol=1e-9)
    assert test.sample == rest.sample


@pytest.mark.parametrize(
    ("T", "cuts"),
    [
        (4, [0.582210758, 0.839114984, 1.421135642]),
        (10, [0.255853719, 0.342858814, 0.519780382]),
        (30, [0.086149177, 0.111918056, 0.159835289]),
    ],
)
def test_distribution_of_frees(T, cuts):
    from migdev.kernels.dependence.frees import frees_quantile, frees_tail, frees_variance

    exact = [frees_quantile(p, T) for p in (0.1, 0.05, 0.01)]
    assert_allclose(exact, cuts, rtol=1.2e-2)  # xtcsd's are simulated
    assert_allclose([frees_tail(q, T) for q in exact], [0.1, 0.05, 0.01], rtol=1e-8)
    # Mean 0 and xtcsd's variance, from the tails on either side.
    sd = np.sqrt(frees_variance(T))
    q = np.linspace(0, 40, 2001) * sd
    above, below = (np.array([frees_tail(v, T) for v in side]) for side in (q, -q))
    assert (np.diff(above) <= 1e-12).all()
    assert (np.diff(below) >= -1e-12).all()
    assert_allclose(np.trapezoid(above, q), np.trapezoid(1 - below, q), rtol=1e-4)
    assert_allclose(2 * np.trapezoid((above + 1 - below) * q, q), sd**2, rtol=1e-3)
    first = 32 / 25 * (T + 2) ** 2 / ((T - 1) ** 3 * (T + 1) ** 2)
    second = 4 / 25 * (5 * T + 6) ** 2 * (T - 3) / (T * (T - 1) ** 2 * (T + 1) ** 2)
    assert_allclose(sd**2, first + second, rtol=1e-12)


@pytest.mark.slow
def test_frees_and_enhanced_cd_keep_their_size_and_find_what_cd_misses():
    """N = 50, T = 40, 500 draws at 5%; a factor with loadings of both signs escapes CD."""
    rng, reps, N, T = np.random.default_rng(21), 500, 50, 40
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    signs = np.where(np.arange(N) < 28, 1.0, -1.0)[:, None]
    size, power = np.zeros(2), np.zeros(3)
    for draw in range(reps):
        u = rng.standard_normal((N, T))
        v = u + 2 * signs * rng.standard_normal(T)
        panel = md.Panel.from_frame(
            pd.DataFrame({**keys, "u": u.ravel(), "v": v.ravel()}), entity="e", time="t"
        )
        run = diagnostics.cross_section_dependence
        size += [run(panel, "u", statistic=k, seed=draw).pvalue < 0.05 for k in ("Frees", "CDw+")]
        power += [run(panel, "v", statistic=k).pvalue < 0.05 for k in ("Frees", "CDw+", "CD")]
    print(size / reps, power / reps)
    assert (np.abs(size / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps) + 0.01).all(), size
    assert (power[:2] / reps > 0.95).all(), power / reps
    assert power[2] / reps < 0.5, power / reps


@pytest.mark.slow
def test_corrected_cd_under_a_factor():
    """N = 50, T = 50, one strong factor, 400 draws: CD* keeps 5%; with errors that are correlated
    beyond the factor it rejects."""
    from migdev.kernels.dependence.pairwise import bias_corrected_cd

    rng, reps, N, T = np.random.default_rng(10), 400, 50, 50
    size = power = 0
    for _ in range(reps):
        loadings = 0.5 + rng.standard_normal((N, 1))
        sigma = np.sqrt(rng.uniform(0.5, 1.5, (N, 1)))
        Z = loadings * rng.standard_normal(T) + sigma * rng.standard_normal((N, T))
        size += abs(bias_corrected_cd(Z, 1)[0]) > 1.96
        power += abs(bias_corrected_cd(Z + 0.7 * rng.standard_normal(T), 1)[0]) > 1.96
    assert abs(size / reps - 0.05) < 3.29 * np.sqrt(0.05 * 0.95 / reps), size / reps
    assert power / reps > 0.5, power / reps


# ------------------------------------------------------------------ slope homogeneity


def _delta_by_loops(frame, y, X):
    """Pesaran and Yamagata (2008) with projection matrices, entity by entity."""
    parts = []
    for _, g in frame.groupby("firm"):
        T = len(g)
        M = np.eye(T) - 1 / T
        parts.append((M @ g[X].to_numpy(), M @ g[y].to_numpy(), T))
    k = len(X)
    fe = np.linalg.solve(sum(x.T @ x for x, _, _ in parts), sum(x.T @ v for x, v, _ in parts))
    W = [x.T @ x / (((v - x @ fe) @ (v - x @ fe)) / (T - 1)) for x, v, T in parts]
    own = [np.linalg.lstsq(x, v, rcond=None)[0] for x, v, _ in parts]
    pooled = np.linalg.solve(sum(W), sum(w @ b for w, b in zip(W, own, strict=True)))
    d = np.array([(b - pooled) @ w @ (b - pooled) for b, w in zip(own, W, strict=True)])
    N = len(d)
    delta = np.sqrt(N) * (d.mean() - k) / np.sqrt(2 * k)
    T = np.array([T for _, _, T in parts])
    return delta, np.sum((d - k) / np.sqrt(2 * k * (T - k - 1) / (T + 1))) / np.sqrt(N)


@pytest.mark.parametrize("gappy", [False, True])
def test_delta_by_loops(grunfeld, gappy):
    panel = with_gaps(grunfeld, 20) if gappy else grunfeld
    test = diagnostics.slope_homogeneity(panel, "inv ~ value + capital")
    delta, adjusted = _delta_by_loops(panel.frame, "inv", ["value", "capital"])
    assert_allclose(test.detail["delta"], delta, rtol=1e-9)
    assert_allclose(test.statistic, adjusted, rtol=1e-9)
    assert test.pvalue < 1e-6


def test_delta_names_collinear_regressors_and_exact_fits(grunfeld):
    twice = grunfeld.assign(twice=2 * grunfeld["value"])
    with pytest.raises(IdentificationError, match="1: twice"):
        diagnostics.slope_homogeneity(twice, "inv ~ value + twice")
    both = grunfeld.assign(both=grunfeld["value"] + grunfeld["capital"])
    with pytest.raises(IdentificationError, match="without error"):
        diagnostics.slope_homogeneity(both, "both ~ value + capital")


def test_delta_options(grunfeld):
    formula = "inv ~ value + capital"
    partial = diagnostics.slope_homogeneity(grunfeld, formula, partial=("capital",))
    assert "slopes of value" in partial.note
    hac = diagnostics.slope_homogeneity(grunfeld, formula, hac=True, bandwidth=0)
    averaged = diagnostics.slope_homogeneity(grunfeld, formula, averages=True)
    assert len({partial.statistic, hac.statistic, averaged.statistic}) == 3
    with pytest.raises(SpecificationError, match="partial"):
        diagnostics.slope_homogeneity(grunfeld, formula, partial=("value", "capital"))
    with pytest.raises(SpecificationError, match="bandwidth"):
        diagnostics.slope_homogeneity(grunfeld, formula, bandwidth=2)
    with pytest.raises(IdentificationError, match="slope_homogeneity fits 3"):
        diagnostics.slope_homogeneity(grunfeld.where("firm != 1 or year < 1938"), formula)


# ------------------------------------------------------------------ causality


@pytest.mark.parametrize("sample", ["balanced", "unbalanced"])
def test_dumitrescu_hurlin_matches_plm(samples, sample):
    names = {"Ztilde": "Z-tilde", "Zbar": "Z-bar", "Wbar": "W-bar"}
    for key, golden in GOLDEN[f"{sample}.causality"].items():
        formula, lags, statistic = key.rsplit(".", 2)
        test = diagnostics.dumitrescu_hurlin(
            samples[sample], formula, lags=int(lags), statistic=names[statistic]
        )
        assert_allclose(test.statistic, golden[0], rtol=1e-8)
        if golden[1] >= 0:
            assert_allclose(test.pvalue, golden[1], rtol=1e-8)


def test_bootstrap_is_seeded_and_needs_balance(samples):
    def run(seed):
        return diagnostics.dumitrescu_hurlin(
            samples["balanced"], "inv ~ value", draws=99, seed=seed
        )

    assert run(1).pvalue == run(1).pvalue
    assert 0 < run(1).pvalue <= 0.1  # investment follows value
    with pytest.raises(PanelError, match="balanced"):
        diagnostics.dumitrescu_hurlin(samples["unbalanced"], "inv ~ value", draws=9)


def test_causality_names_short_entities(grunfeld):
    short = grunfeld.where("firm != 4 or year > 1948")
    with pytest.raises(IdentificationError, match="'4'"):
        diagnostics.dumitrescu_hurlin(short, "inv ~ value")
    with pytest.warns(DroppedEntitiesWarning, match="'4'"):
        test = diagnostics.dumitrescu_hurlin(short, "inv ~ value", short="drop")
    assert len(test.detail["by_entity"]) == 9
    with pytest.raises(SpecificationError, match="reads 'y ~ x'"):
        diagnostics.dumitrescu_hurlin(grunfeld, "inv ~ value + capital")
    with pytest.raises(SpecificationError, match="lags=0"):
        diagnostics.dumitrescu_hurlin(grunfeld, "inv ~ value", lags=0)


@pytest.mark.slow
def test_delta_and_causality_keep_their_size():
    """N = 40, T = 30, 600 draws at 5%; under a strong factor the bootstrap keeps its size."""
    rng, reps, N, T = np.random.default_rng(7), 600, 40, 30
    keys = {"e": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    delta = granger = factor = boot = 0
    for draw in range(reps):
        x = rng.standard_normal((N, T))
        y = x + rng.uniform(0.5, 2, (N, 1)) * rng.standard_normal((N, T))
        panel = md.Panel.from_frame(
            pd.DataFrame({**keys, "y": y.ravel(), "x": x.ravel()}), entity="e", time="t"
        )
        delta += diagnostics.slope_homogeneity(panel, "y ~ x").pvalue < 0.05
        granger += diagnostics.dumitrescu_hurlin(panel, "y ~ x").pvalue < 0.05
        if draw < 200:
            f, g = rng.standard_normal((2, T))
            panel = md.Panel.from_frame(
                pd.DataFrame({**keys, "y": (y + 3 * f).ravel(), "x": (x + 3 * g).ravel()}),
                entity="e", time="t",
            )  # fmt: skip
            factor += diagnostics.dumitrescu_hurlin(panel, "y ~ x").pvalue < 0.05
            test = diagnostics.dumitrescu_hurlin(panel, "y ~ x", draws=99, seed=draw)
            boot += test.detail["upper_tail_pvalue"] < 0.05
    bound = 3.29 * np.sqrt(0.05 * 0.95 / reps)
    assert abs(delta / reps - 0.05) < bound
    assert abs(granger / reps - 0.05) < bound
    assert factor / 200 > 0.2
    assert boot / 200 < 0.12
