"""What answers the protocol of data builds a design and is fitted, as a Panel is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import migdev as md
from migdev.errors import DroppedRowsWarning, FormulaError, PanelError, SingletonWarning
from migdev.kernels.arrays.shift import lag_rows
from migdev.panel.calendar import Calendar
from migdev.panel.design import Design
from migdev.panel.terms import evaluate_terms


@dataclass
class Columns:
    """A dictionary of arrays, sorted by entity and period: no Panel, no frame."""

    held: Mapping[str, np.ndarray]
    entity: str = "i"
    time: str = "t"
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = "of a dictionary"
    calendar: Calendar = field(default_factory=lambda: Calendar("year"))

    @property
    def entity_columns(self) -> tuple[str, ...]:
        return (self.entity,)

    @property
    def columns(self) -> list[str]:
        return list(self.held)

    @property
    def entities(self) -> pd.Index:
        return pd.Index(np.unique(self.held[self.entity]))

    @property
    def entity_codes(self) -> np.ndarray:
        return np.unique(self.held[self.entity], return_inverse=True)[1]

    @property
    def ordinals(self) -> np.ndarray:
        return self.held[self.time] if self.time else np.zeros(len(self), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.held[self.entity])

    def __getitem__(self, column: str) -> pd.Series:
        # Labels of its own: nothing may depend on those of a Panel.
        return pd.Series(self.held[column], index=np.arange(len(self)) + 1000)

    def numbers(self, column: str) -> np.ndarray | None:
        values = self.held[column]
        return values.astype(float) if values.dtype.kind in "iuf" else None

    def codes(self, column: str) -> np.ndarray:
        return pd.factorize(self.held[column], sort=True)[0]

    def lag_rows(self, k: int) -> np.ndarray:
        return lag_rows(self.entity_codes, self.ordinals, k)

    def key(self, row: int) -> tuple[Any, Any]:
        return self.held[self.entity][row], self.ordinals[row]

    def index(self, rows: np.ndarray | None = None) -> pd.Index:
        return pd.RangeIndex(len(self)) if rows is None else pd.Index(rows)


@pytest.fixture(scope="module")
def held() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    n, periods = 30, 8
    i, t = np.repeat(np.arange(n), periods), np.tile(np.arange(2000, 2000 + periods), n)
    x, z, w = rng.normal(size=(3, n * periods))
    x[rng.random(len(x)) < 0.05] = np.nan
    region = np.array(["north", "south", "east"], dtype=object)[i % 3]
    region[rng.random(len(x)) < 0.03] = None
    y = 1 + 0.5 * np.nan_to_num(x) - z + rng.normal(size=n)[i] + rng.normal(size=n * periods)
    gone = rng.choice(n * periods, 12, replace=False)  # gaps, across which nothing may shift
    columns = {"i": i, "t": t, "y": y, "x": x, "z": z, "w": 1 + w**2, "region": region, "k": t % 4}
    return {name: np.delete(values, gone) for name, values in columns.items()}


@pytest.fixture(scope="module")
def panel(held) -> md.Panel:
    return md.Panel.from_frame(pd.DataFrame(held), entity="i", time="t")


FORMULAS = [
    "y ~ x + z",
    "y ~ L(x) + F(z, 2) + D(z)",
    "y ~ C(region) * z + I(L(x) > 0)",
    "log(w) ~ center(z) + C(L(k, 2)) + z:x",
    "y ~ z + [x ~ L(x) + L(D(z))]",
]


@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
@pytest.mark.parametrize("formula", FORMULAS)
def test_designs_are_the_same(formula: str, held, panel) -> None:
    options = {"weights": "w", "requires": ("region^time", "entity", "k")}
    here = Design.build(formula, Columns(held), **options)
    there = Design.build(formula, panel, **options)
    for name in ("y", "X", "endog", "instruments", "weights", "rows", "entity", "time"):
        assert_array_equal(getattr(here, name), getattr(there, name))
    assert (here.names, here.instrument_names) == (there.names, there.instrument_names)
    assert here.dropped == there.dropped
    for name in ("entity", "t", "region", "region^time", "k"):
        assert_array_equal(here.codes(name), there.codes(name))


SPECS = [
    md.PooledOLS(formula="y ~ L(x) + z + C(region)", cov=md.Clustered("region")),
    md.PooledOLS(formula="y ~ x + z", weights="w", cov=md.DriscollKraay(bandwidth=2)),
    md.FixedEffects(formula="y ~ x + z", effects=("entity", "time"), cov=md.Clustered("entity")),
    md.FixedEffects(formula="y ~ D(x) + z", effects=("i", "region^k"), cov=md.Robust("HC3")),
    md.RandomEffects(formula="y ~ x + z"),
    md.Between(formula="y ~ x + z"),
    md.FirstDifference(formula="y ~ x + z", cov=md.Clustered("entity")),
    md.CorrelatedRandomEffects(formula="y ~ x + z"),
    md.IV2SLS(formula="y ~ z + [x ~ L(x) + w]", effects=("entity",)),
    md.MeanGroup(formula="y ~ z"),
    md.AndersonHsiao(formula="y ~ L(y) + z"),
    md.DifferenceGMM(formula="y ~ L(y) + z", gmm=(md.GMMStyle("y", (2, 3)),)),
]


@pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")
@pytest.mark.parametrize("spec", SPECS, ids=lambda s: type(s).__name__)
def test_fits_are_the_same(spec, held, panel) -> None:
    here, there = spec.fit(Columns(held)), spec.fit(panel)
    assert_array_equal(here.params, there.params)
    assert_array_equal(here.cov, there.cov)
    assert here.nobs == there.nobs
    assert here.dropped == there.dropped
    assert here.fingerprint == "of a dictionary"


@pytest.mark.filterwarnings("ignore::migdev.errors.MigdevWarning")
def test_what_follows_a_fit_is_the_same(held, panel) -> None:
    spec = md.FixedEffects(formula="y ~ x + z")
    here, there = spec.fit(Columns(held)), spec.fit(panel)
    by_k = md.Clustered("k")
    assert_array_equal(here.with_cov(by_k).cov, there.with_cov(by_k).cov)
    assert_array_equal(here.resids.to_numpy(), there.resids.to_numpy())
    assert str(here) == str(there)


def test_terms_on_their_own(held, panel) -> None:
    for text in ("x", "L(x) + C(region)"):
        assert_array_equal(evaluate_terms(text, Columns(held))[0], evaluate_terms(text, panel)[0])


def test_data_of_one_period_have_no_lags(held) -> None:
    households = Columns({name: held[name] for name in ("i", "y", "x", "z")}, time="")
    with pytest.warns(DroppedRowsWarning):
        fit = md.PooledOLS(formula="y ~ x + z").fit(households)
    complete = ~np.isnan(held["x"])
    X = np.column_stack([np.ones(len(complete)), held["x"], held["z"]])[complete]
    known = np.linalg.lstsq(X, held["y"][complete], rcond=None)[0]
    assert_allclose(fit.params, known, rtol=1e-10)  # two ways of the same least squares
    for formula in ("y ~ L(x)", "y ~ I(D(z) > 0)"):
        with pytest.raises(PanelError, match=r"[LD]\(x\) goes from period to period"):
            md.PooledOLS(formula=formula).fit(households)


def test_what_does_not_answer_is_refused(held) -> None:
    for other in (pd.DataFrame(held), held, None):
        with pytest.raises(PanelError, match="A Panel is asked for, not"):
            md.PooledOLS(formula="y ~ x").fit(other)
    with pytest.raises(FormulaError, match="names 'q', which"):
        md.PooledOLS(formula="y ~ q").fit(Columns(held))


def test_singletons_are_told_of_any_data(held) -> None:
    alone = {name: values.copy() for name, values in held.items()}
    alone["k"] = np.where(np.arange(len(alone["k"])) == 5, 99, alone["k"])
    spec = md.FixedEffects(formula="y ~ z", effects=("k",))
    with pytest.warns(SingletonWarning, match="1 rows are alone"):
        spec.fit(Columns(alone))
