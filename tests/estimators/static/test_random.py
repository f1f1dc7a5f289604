"""Random effects against plm, linearmodels and the full covariance matrix."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import (
    CollinearityWarning,
    IdentificationError,
    SpecificationError,
    VarianceComponentWarning,
)
from migdev.kernels.random.error_components import Dummies, Root
from tests.panels import lower
from tests.static_panels import SAMPLES, SMALL, golden, sample_panel

METHOD = {
    "swar": "swamy-arora", "walhus": "wallace-hussain", "amemiya": "amemiya", "nerlove": "nerlove",
}  # fmt: skip
EFFECTS = {"individual": ("entity",), "time": ("time",), "twoways": ("entity", "time")}


def quietly(spec, panel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VarianceComponentWarning)
        return spec.fit(panel)


def pairs(samples=SAMPLES):
    return [(s, key) for s in samples for key in golden(s)["random"]]


def spec_of(key: str, formula: str) -> md.RandomEffects:
    effect, method, *exact = key.split(".")
    return md.RandomEffects(
        formula=formula, method=METHOD[method], effects=EFFECTS[effect],
        convention="exact" if exact else "plm",
    )  # fmt: skip


@pytest.mark.parametrize(("sample", "key"), pairs())
def test_random_effects_match_plm(sample: str, key: str) -> None:
    panel, formula = sample_panel(sample)
    want = golden(sample)["random"][key]
    spec = spec_of(key, formula)
    fit = quietly(spec, panel)
    got = [fit.stats["sigma2_idiosyncratic"], *(fit.stats[f"sigma2_{e}"] for e in spec.effects)]
    # 15 digits printed; a variance near zero is a difference of larger ones
    np.testing.assert_allclose(got, want["sigma2"], rtol=1e-9, atol=1e-9 * sum(want["sigma2"]))
    if "coef" in want:
        np.testing.assert_allclose(fit.params, want["coef"], rtol=2e-8, atol=1e-10)
    if "vcov" in want:
        V = lower(want["vcov"])
        scale = np.sqrt(np.outer(np.diag(V), np.diag(V)))
        np.testing.assert_allclose(fit.cov / scale, V / scale, atol=1e-9)
    if "ranef" in want:
        effects = next(iter(fit.random_effects.values())).to_numpy()[: len(want["ranef"])]
        scale = np.abs(want["ranef"]).max() + 1e-12
        np.testing.assert_allclose(effects / scale, np.array(want["ranef"]) / scale, atol=1e-8)
    if "brute" in want:
        V = lower(want["brute"]["vcov"])
        scale = np.sqrt(np.outer(np.diag(V), np.diag(V)))
        np.testing.assert_allclose(fit.params, want["brute"]["coef"], rtol=2e-8, atol=1e-10)
        np.testing.assert_allclose(fit.cov / scale, V / scale, atol=1e-9)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if not s.startswith("wages_fixed")])
@pytest.mark.parametrize("small_sample", [False, True])
def test_one_way_matches_linearmodels(sample: str, small_sample: bool) -> None:
    from linearmodels import RandomEffects as Theirs

    panel, formula = sample_panel(sample)
    convention = "exact" if small_sample else "stata"
    fit = quietly(md.RandomEffects(formula=formula, convention=convention), panel)
    design = md.Design.build(formula, panel)
    index = panel.index()
    theirs = Theirs(
        pd.Series(design.y, index), pd.DataFrame(design.X, index, list(design.names))
    ).fit(small_sample=small_sample)
    np.testing.assert_allclose(fit.params, theirs.params, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.std_errors, theirs.std_errors, rtol=1e-8)
    parts = theirs.variance_decomposition
    assert fit.stats["sigma2_entity"] == pytest.approx(parts["Effects"], rel=1e-9)
    assert fit.stats["sigma2_idiosyncratic"] == pytest.approx(parts["Residual"], rel=1e-9)
    assert fit.stats["r2"] == pytest.approx(theirs.rsquared, rel=1e-9)


@pytest.mark.parametrize("sample", ["grunfeld.full", "grunfeld.gaps"])
@pytest.mark.parametrize("small_sample", [False, True])
def test_without_intercept(sample: str, small_sample: bool) -> None:
    """plm subtracts a degree of freedom for the intercept that is not there (balanced panels)."""
    from linearmodels import RandomEffects as Theirs

    panel, _ = sample_panel(sample)
    spec = md.RandomEffects(
        formula="inv ~ 0 + value + capital", convention="exact" if small_sample else "stata"
    )
    fit, frame = spec.fit(panel), panel.frame.set_index(["firm", "year"])
    want = Theirs(frame["inv"], frame[["value", "capital"]]).fit(small_sample=small_sample)
    np.testing.assert_allclose(fit.params, want.params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, want.std_errors, rtol=1e-9)
    parts = want.variance_decomposition
    assert fit.stats["sigma2_entity"] == pytest.approx(parts["Effects"], rel=1e-9)


def test_time_dummies_match_plm() -> None:
    """Dummies have no between variation in balanced panels; plm 2.6: lwage ~ wks + un + factor(t)
    on wages_psid, complete."""
    panel, _ = sample_panel("wages.full")
    want = {
        "swamy-arora": (0.00108668646881, 0.0243609193435, 0.0233120319057, 0.1510716017),
        "wallace-hussain": (0.00108934477948, 0.0243138540335, 0.0236345061827, 0.150730088921),
        "amemiya": (0.00108559717696, 0.0243802651512, 0.0232597920583, 0.151734882894),
        "nerlove": (0.00105872546026, 0.0248687631963, 0.0199369646214, 0.155318750248),
    }
    for method, (wks, union, idiosyncratic, entity) in want.items():
        fit = md.RandomEffects(formula="lwage ~ wks + union + C(t)", method=method).fit(panel)
        got = (*fit.params[["wks", "union"]],
               fit.stats["sigma2_idiosyncratic"], fit.stats["sigma2_entity"])  # fmt: skip
        np.testing.assert_allclose(got, (wks, union, idiosyncratic, entity), rtol=1e-10)


# ---------------------------------------------------------------------- brute force


def covariance(panel: md.Panel, fit, weights: np.ndarray | None = None) -> np.ndarray:
    """Omega / sigma^2_nu, in full."""
    base = fit.stats["sigma2_idiosyncratic"]
    w = np.ones(len(panel)) if weights is None else weights / weights.mean()
    omega = np.diag(1 / w)
    for name, codes in (("entity", panel.entity_codes), ("time", panel.ordinals)):
        phi = fit.stats.get(f"sigma2_{name}", 0.0) / base
        omega += phi * (codes[:, None] == codes[None, :])
    return omega


def world(seed: int = 7, N: int = 30, T: int = 12, keep: float = 0.7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    i, t = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    x, z = rng.standard_normal(N * T) + 0.3 * i / N, rng.standard_normal(N)[i]
    u = 1.5 * rng.standard_normal(N)[i] + rng.standard_normal(T)[t] + rng.standard_normal(N * T)
    frame = pd.DataFrame({"i": i, "t": t, "y": 1 + 0.5 * x - z + u, "x": x, "z": z})
    frame["w"] = rng.uniform(0.3, 3, N * T)
    return frame[rng.random(N * T) < keep]


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("effects", [("entity",), ("time",), ("entity", "time")])
@pytest.mark.parametrize("shape", [(30, 12), (9, 25)])
def test_gls_equals_the_full_inverse(
    effects: tuple[str, ...], weights: str | None, shape: tuple[int, int]
) -> None:
    panel = md.Panel.from_frame(world(N=shape[0], T=shape[1]), entity="i", time="t")
    fit = md.RandomEffects(formula="y ~ x + z", effects=effects, weights=weights).fit(panel)
    w = None if weights is None else panel["w"].to_numpy()
    inverse = np.linalg.inv(covariance(panel, fit, w))
    d = md.Design.build("y ~ x + z", panel)
    gram = d.X.T @ inverse @ d.X
    b = np.linalg.solve(gram, d.X.T @ inverse @ d.y)
    u = d.y - d.X @ b
    s2 = u @ inverse @ u / (d.nobs - 3)
    if w is not None:
        s2 *= w.mean()  # Omega was scaled to a mean weight of one
        gram = gram * w.mean()
    np.testing.assert_allclose(fit.params, b, rtol=1e-10)
    np.testing.assert_allclose(fit.cov, s2 * np.linalg.inv(gram), rtol=1e-9)
    # the best linear prediction of nu is Omega^-1 u, up to the weights
    nu = inverse @ u if w is None else inverse @ u / (w / w.mean())
    np.testing.assert_allclose(fit.resids, nu, atol=1e-10)
    base = fit.stats["sigma2_idiosyncratic"]
    for name in effects:
        codes = np.unique(panel.entity_codes if name == "entity" else panel.ordinals,
                          return_inverse=True)[1]  # fmt: skip
        D = np.eye(codes.max() + 1)[codes]
        predicted = fit.stats[f"sigma2_{name}"] / base * D.T @ inverse @ u
        np.testing.assert_allclose(fit.random_effects[name], predicted, atol=1e-10)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("method", ["swamy-arora", "wallace-hussain", "amemiya"])
@pytest.mark.parametrize("effects", [("entity",), ("entity", "time")])
def test_components_are_unbiased_quadratic_forms(
    method: str, effects: tuple[str, ...], weights: str | None
) -> None:
    """The matrix that maps variances to expected forms, by tr(AV) with dense projections."""
    formula = "y ~ x" if method == "amemiya" else "y ~ x + z"
    panel = md.Panel.from_frame(world(N=12, T=7), entity="i", time="t")
    fit = quietly(
        md.RandomEffects(formula=formula, effects=effects, method=method, weights=weights), panel
    )
    d = md.Design.build(formula, panel)
    w = np.ones(d.nobs) if weights is None else panel["w"].to_numpy()
    root = np.sqrt(w)
    Ds = [np.eye(c.max() + 1)[c] * root[:, None] for c in (d.codes(e) for e in effects)]
    Z, y, one = d.X * root[:, None], d.y * root, root[:, None]

    def onto(A: np.ndarray) -> np.ndarray:
        return A @ np.linalg.pinv(A, rcond=1e-10)

    eye = np.eye(d.nobs)
    Q = eye - onto(np.column_stack(Ds))
    X = Z[:, 1:]
    within = np.linalg.pinv(Q @ X, rcond=1e-10) @ Q
    forms = {"swamy-arora": [Q - onto(Q @ X)], "wallace-hussain": [], "amemiya": []}[method]
    if method == "swamy-arora":
        forms += [onto(D) - onto(onto(D) @ Z) for D in Ds]
    else:
        M = eye - onto(Z) if method == "wallace-hussain" else (eye - onto(one)) @ (eye - X @ within)
        forms += [M.T @ P @ M for P in [Q, *map(onto, Ds)]]
    expected = np.array([[np.trace(A), *(np.trace(D.T @ A @ D) for D in Ds)] for A in forms])
    sigma2 = np.linalg.solve(expected, [y @ A @ y for A in forms])
    got = [
        fit.stats["sigma2_idiosyncratic"] * w.mean(),
        *(fit.stats[f"sigma2_{e}"] for e in effects),
    ]
    np.testing.assert_allclose(got, np.maximum(sigma2, 0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sample", ["grunfeld.full", "grunfeld.gaps"])
def test_root_squares_to_the_inverse(sample: str) -> None:
    panel, _ = sample_panel(sample)
    codes = panel.entity_codes, np.unique(panel.ordinals, return_inverse=True)[1]
    root = Root.build([Dummies.build(c) for c in codes], (2.5, 0.7))
    R = root.apply(np.eye(len(panel)))
    sigma = np.eye(len(panel))
    for c, phi in zip(codes, (2.5, 0.7), strict=True):
        sigma += phi * (c[:, None] == c[None, :])
    np.testing.assert_allclose(R.T @ R @ sigma, np.eye(len(panel)), atol=1e-12)
    np.testing.assert_allclose(root.apply_transpose(np.eye(len(panel))), R.T, atol=1e-12)
    if panel.balanced:  # the symmetric root: quasi-demeaning by entity, time and overall
        np.testing.assert_allclose(R, R.T, atol=1e-12)


# ---------------------------------------------------------------------- properties


def test_zero_variance_is_pooled_ols(grunfeld: md.Panel) -> None:
    with pytest.warns(VarianceComponentWarning, match="time effects is estimated at -"):
        fit = md.RandomEffects(formula="inv ~ value + capital", effects=("time",)).fit(grunfeld)
    pooled = md.PooledOLS(formula="inv ~ value + capital").fit(grunfeld)
    np.testing.assert_allclose(fit.params, pooled.params, rtol=1e-12)
    np.testing.assert_allclose(fit.cov, pooled.cov, rtol=1e-10)
    assert fit.stats["sigma2_time"] == 0
    assert fit.stats["theta_max"] == 0


def test_equal_weights_change_nothing(grunfeld: md.Panel) -> None:
    panel = grunfeld.assign(w=3.7)
    one = md.RandomEffects(formula="inv ~ value + capital").fit(panel)
    two = md.RandomEffects(formula="inv ~ value + capital", weights="w").fit(panel)
    np.testing.assert_allclose(two.params, one.params, rtol=1e-11)
    np.testing.assert_allclose(two.cov, one.cov, rtol=1e-10)
    for name in ("sigma2_idiosyncratic", "sigma2_entity", "r2_within", "r2_overall"):
        assert two.stats[name] == pytest.approx(one.stats[name], rel=1e-10)


def test_order_of_the_effects_is_immaterial() -> None:
    panel = md.Panel.from_frame(world(), entity="i", time="t")
    one = md.RandomEffects(formula="y ~ x", effects=("entity", "time")).fit(panel)
    two = md.RandomEffects(formula="y ~ x", effects=("time", "entity")).fit(panel)
    np.testing.assert_allclose(one.params, two.params, rtol=1e-12)
    assert one.stats["sigma2_time"] == pytest.approx(two.stats["sigma2_time"], rel=1e-12)


def test_robust_covariances_apply() -> None:
    """Scores are those of the transformed data: CR0 by hand."""
    panel = md.Panel.from_frame(world(), entity="i", time="t")
    spec = md.RandomEffects(formula="y ~ x + z", cov=md.Clustered("entity", kind="CR0"))
    fit = spec.fit(panel)
    d = md.Design.build("y ~ x + z", panel)
    theta = fit.theta["entity"].to_numpy()[d.entity]

    def quasi(v: np.ndarray) -> np.ndarray:
        means = np.bincount(d.entity, v) / np.bincount(d.entity)
        return v - theta * means[d.entity]

    X = np.column_stack([quasi(c) for c in d.X.T])
    u = quasi(d.y) - X @ fit.params.to_numpy()
    scores = np.array([X[d.entity == i].T @ u[d.entity == i] for i in range(d.entity.max() + 1)])
    bread = np.linalg.inv(X.T @ X)
    np.testing.assert_allclose(fit.cov, bread @ scores.T @ scores @ bread, rtol=1e-9)


def test_residuals_and_predicted_effects_add_up() -> None:
    panel = md.Panel.from_frame(world(), entity="i", time="t")
    fit = md.RandomEffects(formula="y ~ x + z", effects=("entity", "time")).fit(panel)
    d = md.Design.build("y ~ x + z", panel)
    total = d.X @ fit.params.to_numpy() + fit.resids.to_numpy()
    total += fit.random_effects["entity"].to_numpy()[d.entity]
    total += fit.random_effects["time"].loc[panel["t"]].to_numpy()
    np.testing.assert_allclose(total, d.y, atol=1e-10)


# ---------------------------------------------------------------------- what goes wrong


def test_collinear_columns_are_named(grunfeld: md.Panel) -> None:
    panel = grunfeld.assign(twice=2 * grunfeld["value"])
    with pytest.warns(CollinearityWarning, match="'twice'"):
        fit = md.RandomEffects(formula="inv ~ value + twice + capital").fit(panel)
    assert list(fit.params.index) == ["Intercept", "value", "capital"]
    assert "twice" in fit.dropped_columns


@pytest.mark.parametrize("method", ["amemiya", "nerlove"])
def test_constant_regressors_and_within_methods(method: str) -> None:
    panel = md.Panel.from_frame(world(), entity="i", time="t")
    with pytest.warns(VarianceComponentWarning, match="'z' do not vary within"):
        md.RandomEffects(formula="y ~ x + z", method=method).fit(panel)


def test_one_entity_has_no_entity_variance(grunfeld: md.Panel) -> None:
    one = grunfeld.where(grunfeld.entity_codes == 0)
    for method in ("swamy-arora", "nerlove"):
        with pytest.raises(IdentificationError, match="1 groups"):
            md.RandomEffects(formula="inv ~ value", method=method).fit(one)


def test_fewer_entities_than_regressors(grunfeld: md.Panel) -> None:
    few = grunfeld.where(grunfeld.entity_codes < 3)
    with pytest.raises(IdentificationError, match="wallace-hussain"):
        md.RandomEffects(formula="inv ~ value + capital").fit(few)
    fit = quietly(
        md.RandomEffects(formula="inv ~ value + capital", method="wallace-hussain"), few
    )  # fmt: skip
    assert fit.nobs == 60


def test_singletons_only(grunfeld: md.Panel) -> None:
    last = grunfeld.between(1954, 1954)
    with pytest.raises(IdentificationError, match="no degree of freedom for the idiosyncratic"):
        md.RandomEffects(formula="inv ~ value").fit(last)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "swar"}, "'swamy-arora'"),
        ({"convention": "eviews"}, "'plm'"),
        ({"effects": ("region",)}, "FixedEffects"),
        ({"effects": ("entity", "entity")}, "twice"),
        ({"effects": ()}, "names no effect"),
        ({"convention": "stata", "method": "amemiya"}, "xtreg"),
        ({"convention": "stata", "weights": "w"}, "xtreg"),
        ({"convention": "stata", "effects": ("entity", "time")}, "xtreg"),
    ],
)
def test_options_are_checked_when_built(options: dict, message: str) -> None:
    with pytest.raises(SpecificationError, match=message):
        md.RandomEffects(formula="y ~ x", **options)


def test_brackets_are_refused(grunfeld: md.Panel) -> None:
    with pytest.raises(SpecificationError, match="IV2SLS"):
        md.RandomEffects(formula="inv ~ 1 + [capital ~ value]").fit(grunfeld)


def test_samples_cover_negative_components() -> None:
    """The golden samples exercise the zeroing of components."""
    assert any(min(entry["sigma2"]) == 0 for s in SMALL for entry in golden(s)["random"].values())
