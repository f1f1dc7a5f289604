"""Estimators of long panels under changes of units, and with variables that entities share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import IdentificationError

pytestmark = pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")


def _frame(N: int = 10, T: int = 30, seed: int = 11) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, T, 2)).cumsum(axis=1) * 0.5 + rng.normal(size=T)[None, :, None]
    slopes, level = rng.normal(0.5, 0.5, (N, 2)), rng.normal(0.0, 2.0, N)
    y = np.zeros((N, T))
    for t in range(1, T):
        pull = 0.5 * np.einsum("ik,ik->i", slopes, x[:, t])
        y[:, t] = 0.5 * y[:, t - 1] + level + pull + rng.normal(size=N)
    shock = rng.normal(size=T).cumsum() + 0.1
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(N), T), "time": np.tile(np.arange(T), N),
            "y": y.ravel(), "x": x[..., 0].ravel(), "z": x[..., 1].ravel(),
            "oil": np.tile(shock, N),
        }
    )  # fmt: skip


def _panel(frame: pd.DataFrame) -> md.Panel:
    return md.Panel.from_frame(frame, entity="id", time="time")


@pytest.mark.parametrize(
    ("estimator", "options"),
    [
        (md.MeanGroup, {"demean": True}),
        (md.MeanGroup, {"robust": True}),
        (md.SwamyRandomCoefficients, {}),
        (md.AugmentedMeanGroup, {}),
        (md.AugmentedMeanGroup, {"impose": True, "trend": True}),
        (md.CCEMeanGroup, {"cross_lags": 1}),
        (md.CCEPooled, {}),
        (md.PooledMeanGroup, {}),
        (md.PooledMeanGroup, {"cov": "sandwich", "lags": (2, 1, 0)}),
        (md.DynamicFixedEffects, {}),
        (md.CSARDL, {"cross_lags": 1}),
        (md.FullyModifiedOLS, {}),
        (md.DynamicOLS, {"method": "pooled"}),
    ],
)
def test_units_of_the_variables_do_not_matter(estimator, options):
    frame = _frame()
    plain = estimator(formula="y ~ x + z", **options).fit(_panel(frame))
    units = {"y": 1e3, "x": 1e8, "z": 1e-8}
    other = estimator(formula="y ~ x + z", **options).fit(
        _panel(frame.assign(**{name: frame[name] * unit for name, unit in units.items()}))
    )

    def factor(name: str) -> float:
        if name in ("EC", "L(D(y), 1)"):
            return 1.0
        return units["y"] / next((u for v, u in units.items() if v in name and v != "y"), 1.0)

    size = np.array([factor(name) for name in plain.names])
    # Maxima of a likelihood are found to half of the digits in theory; Newton does better.
    np.testing.assert_allclose(other.params / size, plain.params, rtol=1e-9)
    np.testing.assert_allclose(other.std_errors / size, plain.std_errors, rtol=1e-9)


def test_units_do_not_matter_to_the_hausman_test():
    frame = _frame(N=20, seed=4)
    statistics = []
    for x, z in ((1.0, 1.0), (1e8, 1e-8), (1e-8, 1e8), (1e7, 1e-8)):
        panel = _panel(frame.assign(x=frame["x"] * x, z=frame["z"] * z))
        free = md.ErrorCorrectionMeanGroup(formula="y ~ x + z").fit(panel)
        pooled = md.PooledMeanGroup(formula="y ~ x + z").fit(panel)
        statistics.append(free.hausman(pooled).statistic)
    assert statistics[1:] == pytest.approx(statistics[:1] * 3, rel=1e-7)


@pytest.mark.parametrize("share", [1.0, 0.85])
def test_demeaning_takes_a_shared_variable_out_altogether(share):
    frame = _frame().sample(frac=share, random_state=1)
    with pytest.raises(IdentificationError, match="oil"):
        md.MeanGroup(formula="y ~ x + oil", demean=True).fit(_panel(frame))


def test_a_shared_variable_belongs_to_the_common_process():
    frame = _frame()
    with_oil = md.AugmentedMeanGroup(formula="y ~ x + oil").fit(_panel(frame))
    # The first step is the same with and without it: its changes are the same for all entities.
    d = frame.sort_values(["id", "time"])
    changes = d.groupby("id")[["y", "x"]].diff().dropna()
    periods = d.loc[changes.index, "time"]
    within = changes - changes.groupby(periods).transform("mean")
    slope = (within["x"] @ within["y"]) / (within["x"] @ within["x"])
    step = (changes["y"] - slope * changes["x"]).groupby(periods).mean().cumsum()
    process = d["time"].map(step).fillna(0.0)
    own = [
        np.linalg.lstsq(
            np.column_stack([np.ones(len(g)), g["x"], g["oil"], process[g.index]]),
            g["y"], rcond=None,
        )[0]
        for _, g in d.groupby("id")
    ]  # fmt: skip
    np.testing.assert_allclose(with_oil.params, np.mean(own, axis=0)[:3], rtol=1e-9)


@pytest.mark.parametrize(
    ("estimator", "options"),
    [
        (md.PooledMeanGroup, {}),
        (md.DynamicFixedEffects, {}),
        (md.CSARDL, {"cross_lags": 1}),
        (md.CSDL, {"cross_lags": 1}),
        (md.CCEMeanGroup, {"cross_lags": 1}),
        (md.CCEMeanGroup, {"recursive": True}),
    ],
)
def test_expressions_and_names_with_blanks_are_single_regressors(estimator, options):
    frame = _frame()
    frame["scale"] = np.exp(frame["z"] / 5)
    frame["ratio"] = frame["x"] / frame["scale"]
    panel = _panel(frame.rename(columns={"x": "gdp growth"}))
    column = estimator(formula="y ~ ratio", **options).fit(panel)
    expression = estimator(formula="y ~ {`gdp growth` / scale}", **options).fit(panel)
    assert expression.names == [
        name.replace("ratio", "gdp growth / scale") for name in column.names
    ]  # fmt: skip
    np.testing.assert_allclose(expression.params, column.params, rtol=1e-9)
    blank = estimator(formula="y ~ `gdp growth`", **options).fit(panel)
    plain = estimator(formula="y ~ x", **options).fit(_panel(frame))
    np.testing.assert_allclose(blank.params, plain.params, rtol=1e-12)


def test_recursive_means_warn_in_the_users_words():
    with pytest.warns(md.errors.DroppedRowsWarning, match="'y ~ 0 \\+ x'") as caught:
        md.CCEMeanGroup(formula="y ~ x", recursive=True).fit(_panel(_frame()))
    assert not any("less_past_mean" in str(w.message) for w in caught)
