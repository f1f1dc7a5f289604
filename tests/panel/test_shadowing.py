"""Columns whose names mean something else already."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import migdev as md
from migdev.errors import FormulaError, SpecificationError


def panel(**columns) -> md.Panel:
    rng = np.random.default_rng(4)
    n, t = 12, 6
    frame = pd.DataFrame(
        {"iso3": np.repeat([f"c{i:02d}" for i in range(n)], t), "year": np.tile(range(t), n) + 2000}
    )
    frame["x"], frame["y"] = rng.normal(size=(2, n * t))
    return md.Panel.from_frame(frame.assign(**columns), entity="iso3", time="year")


@pytest.fixture
def odd() -> md.Panel:
    """``time`` is the hour of an interview, ``entity`` a firm; neither is a key."""
    return panel(time=np.arange(72) % 5, entity=np.arange(72) % 7)


@pytest.mark.parametrize(
    "fit",
    [
        lambda p: md.FixedEffects(formula="y ~ x", effects=("entity", "time")).fit(p),
        lambda p: md.FixedEffects(formula="y ~ x", effects=("iso3^time",)).fit(p),
        lambda p: md.PooledOLS(formula="y ~ x", cov=md.Clustered("entity")).fit(p),
        lambda p: md.PooledOLS(formula="y ~ x").fit(p).with_cov(md.Clustered("time^iso3")),
        lambda p: md.PooledOLS(formula="y ~ x").fit(p).moments.influence("entity"),
    ],
)
def test_keys_and_columns_of_one_name(fit, odd) -> None:
    with pytest.raises(SpecificationError, match=r"a column '(entity|time)' too.*Rename"):
        fit(odd)


def test_the_names_of_the_keys_are_clear(odd) -> None:
    spec = md.FixedEffects(formula="y ~ x", effects=("iso3", "year"), cov=md.Clustered("iso3"))
    plain = md.FixedEffects(
        formula="y ~ x", effects=("entity", "time"), cov=md.Clustered("entity")
    ).fit(panel())
    assert_allclose(spec.fit(odd).cov, plain.cov, rtol=1e-12)
    renamed = odd.rename({"time": "hour", "entity": "firm"})
    assert_allclose(plain.spec.fit(renamed).cov, plain.cov, rtol=1e-12)
    assert_allclose(md.PooledOLS(formula="y ~ x + time").fit(odd).nobs, 72)  # a regressor is clear


def test_keys_that_bear_these_names(odd) -> None:
    frame = odd.frame.drop(columns=["time", "entity"]).rename(
        columns={"iso3": "entity", "year": "time"}
    )
    named = md.Panel.from_frame(frame, entity="entity", time="time")
    spec = md.FixedEffects(formula="y ~ x", effects=("entity", "time"), cov=md.Clustered("time"))
    with pytest.warns(md.errors.FewClustersWarning):
        assert spec.fit(named).nobs == 72


def test_a_column_called_intercept() -> None:
    ones = panel(Intercept=1.0)
    with pytest.raises(FormulaError, match="two coefficients of one name"):
        md.PooledOLS(formula="y ~ Intercept + x").fit(ones)
    fit = md.PooledOLS(formula="y ~ 0 + Intercept + x").fit(ones)
    assert_allclose(fit.params, md.PooledOLS(formula="y ~ x").fit(ones).params, rtol=1e-12)


@pytest.mark.parametrize("name", ["np", "log"])
def test_columns_named_like_functions(name: str) -> None:
    plain, named = panel(), panel(**{name: 1.0})
    formula = f"y ~ {'np.' if name == 'np' else ''}log(x**2)"
    first, second = (md.PooledOLS(formula=formula).fit(p) for p in (plain, named))
    assert_allclose(second.params, first.params, rtol=0)
