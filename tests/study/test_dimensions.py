"""Dimensions: indices of several outcomes, each on its own sample, held against dense algebra."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import (
    DroppedOutcomeWarning,
    IdentificationError,
    SpecificationError,
)
from migdev.kernels.sandwich.summary_index import effective_clusters, index_weights

pytestmark = pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")

CLAIM = md.Hypothesis(
    claim="c", term="x", views={"DF": "+", "CR": "<=0"}, smallest_effect=0.1
)  # fmt: skip


@pytest.fixture(scope="module")
def panel() -> md.Panel:
    """20 countries, up to nine periods, gaps; b is observed in fewer rows than a, and c is their
    sum with noise."""
    rng = np.random.default_rng(7)
    rows = [(f"C{i:02}", 2000 + t) for i in range(20) for t in range(9) if rng.random() < 0.85]
    frame = pd.DataFrame(rows, columns=["iso3", "year"])
    n = len(frame)
    code = frame.iso3.str[1:].astype(int).to_numpy()
    frame["x"] = rng.standard_normal(n) * (0.3 + code % 5) + code
    frame["w"] = rng.standard_normal(n)
    shared = rng.standard_normal(n)
    frame["a"] = 0.2 * frame.x + 0.5 * frame.w + shared + rng.standard_normal(n) + code
    frame["b"] = -0.1 * frame.x + shared + rng.standard_normal(n)
    frame.loc[rng.random(n) < 0.3, "b"] = np.nan
    frame["none"] = np.nan
    return md.Panel.from_frame(frame, entity="iso3", time="year")


A = md.Outcome(name="a", formula="a ~ x + w")
B = md.Outcome(name="b", formula="b ~ x", sign=-1)


def dimension(*outcomes: md.Outcome, **options) -> md.Dimension:
    return md.Dimension(name="d", hypothesis=CLAIM, outcomes=outcomes, **options)


class Dense:
    """An outcome by its dummies and whole matrices: what the kernels must equal."""

    def __init__(self, panel: md.Panel, y: str, controls: list[str], rho: float = 0.0) -> None:
        frame = panel.frame.reset_index()
        held = frame[[y, "x", *controls]].notna().all(axis=1)
        self.at = np.flatnonzero(held)
        frame = frame[held]
        entity, time = (np.unique(frame[k], return_inverse=True)[1] for k in ("iso3", "year"))
        self.entity, self.labels = panel.entity_codes[self.at], frame.iso3.to_numpy()
        X = np.column_stack(
            [frame[["x", *controls]], np.eye(entity.max() + 1)[entity],
             np.eye(time.max() + 1)[time][:, 1:]]
        )  # fmt: skip
        v = frame[y].to_numpy()
        if rho:
            year = frame.year.to_numpy()
            omega = np.where(
                entity[:, None] == entity, rho ** np.abs(year[:, None] - year).astype(float), 0.0
            )
            root = np.linalg.inv(np.linalg.cholesky(omega))
            X, v = root @ X, root @ v
        self.X, self.y = X, v
        self.bread = np.linalg.inv(X.T @ X)
        self.params = self.bread @ X.T @ v
        self.M = np.eye(len(v)) - X @ self.bread @ X.T
        self.u = self.M @ v
        self.sigma = np.sqrt(self.u @ self.u / (len(v) - X.shape[1]))
        self.sd_y = self._within(frame[y].to_numpy(), entity)
        self.sd_x = self._within(frame.x.to_numpy(), entity)

    @staticmethod
    def _within(v, entity):
        means = np.bincount(entity, v) / np.bincount(entity)
        return np.sqrt(np.sum((v - means[entity]) ** 2) / (len(v) - entity.max() - 1))

    def loadings(self, N: int) -> np.ndarray:
        """(N, n) rows p_g'(I - H) of the CR2 contribution of each entity to the slope of x."""
        out = np.zeros((N, len(self.y)))
        for g in np.unique(self.entity):
            own = self.entity == g
            s, V = np.linalg.eigh(self.M[np.ix_(own, own)])
            root = (V * np.where(s > 1e-9, np.where(s > 1e-9, s, 1) ** -0.5, 0)) @ V.T
            out[g] = (root @ (self.X[own] @ self.bread[:, 0])) @ self.M[own]
        return out


def stacked(parts: list[Dense], signs, weights, N: int, estimated: bool, within: bool = True):
    """Index, standard error and degrees of freedom of Dense outcomes."""
    scale = np.array([s * p.sd_x / p.sd_y for s, p in zip(signs, parts, strict=True)])
    T = [p.loadings(N) for p in parts]
    psi = sum(w * k * (t @ p.y) for w, k, t, p in zip(weights, scale, T, parts, strict=True))
    P = np.zeros((N, N))
    for i, one in enumerate(parts):
        for j, two in enumerate(parts):
            same = (one.at[:, None] == two.at).astype(float)
            _, left, right = np.intersect1d(one.at, two.at, return_indices=True)
            u, v = signs[i] * one.u[left], signs[j] * two.u[right]
            r = 1.0 if i == j else (u @ v / np.sqrt((u @ u) * (v @ v)) if estimated else 0.0)
            units = weights[i] * weights[j] * abs(scale[i] * scale[j]) * one.sigma * two.sigma
            P += units * r * T[i] @ same @ T[j].T
    index = sum(w * k * p.params[0] for w, k, p in zip(weights, scale, parts, strict=True))
    return index, np.sqrt(psi @ psi), np.trace(P) ** 2 / np.trace(P @ P)


def test_one_outcome_is_fixed_effects_with_cr2(panel):
    fit = dimension(A, outcome_sd="within").fit(panel)
    fe = md.FixedEffects(
        formula="a ~ x + w", effects=("entity", "time"), cov=md.Clustered("entity", kind="CR2")
    ).fit(panel)  # held to clubSandwich in tests/covariance
    scale = fit.parts["a"].scale
    assert fit.params["index"] == pytest.approx(scale * fe.params["x"], rel=1e-10)
    assert fit.std_errors["index"] == pytest.approx(scale * fe.std_errors["x"], rel=1e-10)
    assert fit.lincom("index").df == pytest.approx(fe.lincom("x").df, rel=1e-8)
    assert fit.outcomes.loc["a", "slope"] == pytest.approx(fe.params["x"], rel=1e-10)


@pytest.mark.parametrize("correlation", ["estimated", "independent"])
def test_the_index_is_that_of_the_stacked_system(panel, correlation):
    fit = dimension(A, B, outcome_sd="within", correlation=correlation).fit(panel)
    parts = [Dense(panel, "a", ["w"]), Dense(panel, "b", [])]
    found = stacked(parts, [1, -1], [0.5, 0.5], len(panel.entities), correlation == "estimated")
    c = fit.lincom("index")
    assert (c.estimate, c.std_error) == pytest.approx(found[:2], rel=1e-9)
    assert c.df == pytest.approx(found[2], rel=1e-7)
    assert len(fit.parts["a"].rows) > len(fit.parts["b"].rows)
    assert fit.nobs == len(fit.parts["a"].rows)


def test_whitened_equations_are_generalised_least_squares(panel):
    one = md.Outcome(name="a", formula="a ~ x + w", serial="ar1")
    fit = dimension(one, outcome_sd="within").fit(panel)
    rho = fit.outcomes.loc["a", "rho"]
    assert 0.01 < abs(rho) < 0.9
    dense = Dense(panel, "a", ["w"], rho)
    index, error, df = stacked([dense], [1], [1.0], len(panel.entities), True)
    c = fit.lincom("index")
    assert (c.estimate, c.std_error) == pytest.approx((index, error), rel=1e-8)
    assert c.df == pytest.approx(df, rel=1e-6)


def test_weights_of_anderson_count_what_is_shared_once(panel):
    fit = dimension(A, B, index="anderson").fit(panel)
    R = fit.outcome_correlation
    assert R[0, 1] < -0.1  # they share a shock, and b is turned round
    assert_allclose(fit.weights, np.linalg.solve(R, [1, 1]) / np.linalg.solve(R, [1, 1]).sum())
    assert fit.params["index"] == pytest.approx(fit.weights @ fit.params[["a", "b"]])
    twice = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1.0]])
    assert_allclose(index_weights("anderson", twice), [0.25, 0.25, 0.5])
    assert_allclose(index_weights("equal", twice), np.full(3, 1 / 3))


def test_standard_deviations_are_those_declared(panel):
    rows = dimension(A).fit(panel).outcomes.loc["a"]
    assert rows.sd_outcome == pytest.approx(panel.frame["a"].std(), rel=1e-10)
    dense = Dense(panel, "a", ["w"])
    assert rows.sd_regressor == pytest.approx(dense.sd_x, rel=1e-10)
    within = dimension(A, outcome_sd="within").fit(panel).outcomes.loc["a"]
    assert within.sd_outcome == pytest.approx(dense.sd_y, rel=1e-10)
    assert within.effect == pytest.approx(within.slope * dense.sd_x / dense.sd_y)


def test_two_way_standard_deviations_are_those_of_the_residuals_of_both_effects(panel):
    """On rows with gaps, against regressions on the dummies; the slope is another measure's too."""
    part = dimension(A, outcome_sd="two-way").fit(panel)
    within = dimension(A, outcome_sd="within").fit(panel).outcomes.loc["a"]
    frame = panel.frame.iloc[part.parts["a"].rows]
    dummies = pd.get_dummies(frame[["iso3", "year"]].astype(str)).to_numpy(dtype=float)
    rank = np.linalg.matrix_rank(dummies)

    def left(v):
        u = v - dummies @ np.linalg.lstsq(dummies, v, rcond=None)[0]
        return np.sqrt(u @ u / (len(v) - rank))

    rows = part.outcomes.loc["a"]
    assert rows.sd_outcome == pytest.approx(left(frame["a"].to_numpy()), rel=1e-9)
    assert rows.sd_regressor == pytest.approx(left(frame["x"].to_numpy()), rel=1e-9)
    assert rows.slope == pytest.approx(within.slope, rel=1e-12)
    assert rows.sd_regressor != pytest.approx(within.sd_regressor, rel=1e-3)


def test_an_estimate_without_a_country_is_that_of_the_other_countries(panel):
    fit = dimension(A, outcome_sd="within").fit(panel)
    scale, label = fit.parts["a"].scale, fit.losses.index[3]
    rest = panel.where(panel.entities[panel.entity_codes] != label)
    without = dimension(A, outcome_sd="within").fit(rest).outcomes.loc["a", "slope"]
    assert fit.params["index"] - fit.losses[label] == pytest.approx(scale * without, rel=1e-9)


def test_effective_clusters():
    assert effective_clusters(np.ones(12)) == pytest.approx(12)
    assert effective_clusters(np.array([1.0, 0, 0])) == pytest.approx(1)
    gamma = np.array([4.0, 1, 1, 2])  # Carter, Schnepel and Steigerwald's formula, written out
    spread = np.mean((gamma - gamma.mean()) ** 2) / gamma.mean() ** 2
    assert effective_clusters(gamma) == pytest.approx(4 / (1 + spread))


def test_an_outcome_without_data_is_told_and_left_out(panel):
    lacking = md.Outcome(name="lacking", formula="none ~ x")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", DroppedOutcomeWarning)
        with pytest.raises(DroppedOutcomeWarning, match="'d' is measured without 'lacking'"):
            dimension(A, lacking).fit(panel)
    fit = dimension(A, lacking).fit(panel)
    assert list(fit.left_out) == ["lacking"]
    assert fit.params["index"] == pytest.approx(fit.params["a"])
    with pytest.raises(IdentificationError, match="The dimension 'd' has no data: lacking: "):
        dimension(lacking).fit(panel)


def test_outcomes_that_contain_the_regressor_are_refused():
    message = "'net' of 'd' contains the regressor by accounting: both are made of"
    with pytest.raises(SpecificationError, match=message):
        dimension(md.Outcome(name="net", formula="I(a - x) ~ x"))
    made = md.Outcome(name="net", formula="net ~ x", made_of=("NE.IMP", "BX.TRF"))
    with pytest.raises(SpecificationError, match=message):
        dimension(made, regressor_of=("BX.TRF",))
    dimension(made, regressor_of=("BX.KLT",))
    dimension(md.Outcome(name="max", formula="max_x ~ x"))  # another name that holds the letter


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outcomes": ()}, "needs outcomes with names of their own"),
        ({"outcomes": (A, A)}, "needs outcomes with names of their own"),
        ({"outcomes": (A,), "index": "best"}, "index='best'"),
        ({"outcomes": (A,), "outcome_sd": "none"}, "outcome_sd='none'"),
    ],
)
def test_bad_dimensions_are_refused(options, message):
    with pytest.raises(SpecificationError, match=message):
        md.Dimension(name="d", hypothesis=CLAIM, **options)


def test_bad_outcomes_are_refused(panel):
    with pytest.raises(SpecificationError, match="needs a formula or a spec, and has neither"):
        md.Outcome(name="a")
    with pytest.raises(SpecificationError, match="Leave out serial="):
        md.Outcome(name="a", spec=md.PooledOLS("a ~ x"), serial="ar1")
    with pytest.raises(SpecificationError, match="'x' is not a regressor of 'a ~ w'"):
        dimension(md.Outcome(name="a", formula="a ~ w")).fit(panel)
    constant = panel.assign(x=panel.entity_codes.astype(float))
    with pytest.raises(IdentificationError, match="The dimension 'd' has no data: a: "):
        dimension(A).fit(constant)


def test_a_specification_stands_among_formulas(panel):
    fe = md.FixedEffects(
        formula="a ~ x + w", effects=("entity", "time"), cov=md.Clustered("entity")
    )
    fit = dimension(md.Outcome(name="a", spec=fe), B, outcome_sd="within").fit(panel)
    own, other = fe.fit(panel), dimension(B, outcome_sd="within").fit(panel)
    scale = fit.parts["a"].scale
    assert fit.params["a"] == pytest.approx(scale * own.params["x"], rel=1e-10)
    assert fit.std_errors["a"] == pytest.approx(scale * own.std_errors["x"], rel=1e-10)
    assert fit.std_errors["b"] == pytest.approx(other.std_errors["b"], rel=1e-10)
    assert fit.lincom("index").df == pytest.approx(
        min(own.lincom("x").df, other.lincom("b").df)
    )  # fmt: skip
    with pytest.raises(SpecificationError, match="Use index='equal'"):
        dimension(md.Outcome(name="a", spec=fe), B, index="anderson").fit(panel)


def test_two_countries_and_an_entity_of_one_row(panel):
    labels = panel.entities[panel.entity_codes]
    two = panel.where(labels.isin(["C03", "C04"]))
    fit = dimension(B).fit(two)
    assert fit.entities == 2
    assert fit.lincom("index").df < 2.01
    one = panel.where(labels == "C03")
    with pytest.raises(IdentificationError, match="no data"):
        dimension(A).fit(one.where(np.arange(len(one)) == 0))
