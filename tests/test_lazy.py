"""Fields of records that are computed when they are first read."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import ResultError
from migdev.estimators.heterogeneous import pooled_mean_group
from migdev.kernels.heterogeneous.pmg import short_run_response
from migdev.kernels.sandwich.moments import UnitScores
from migdev.lazy import late


@late("values")
@dataclass(frozen=True, kw_only=True)
class Record:
    values: Any
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Longer(Record):
    more: int = 0


class Counted:
    """A function that says how often it was called, and cannot be pickled."""

    def __init__(self) -> None:
        self.calls = 0
        self.lock = lambda: None

    def __call__(self) -> list[int]:
        self.calls += 1
        return [1, 2]


@pytest.mark.parametrize("kind", [Record, Longer])
def test_a_late_field_is_computed_once_and_stays_itself(kind: type[Record]) -> None:
    compute = Counted()
    record = kind(values=compute, name="a")
    assert compute.calls == 0
    assert record.values is record.values
    assert record.values == [1, 2]
    assert compute.calls == 1
    assert kind(values=[3]).values == [3]


def test_a_record_with_late_fields_is_frozen_and_has_no_defaults_for_them() -> None:
    record = Record(values=Counted())
    with pytest.raises(FrozenInstanceError):
        record.values = 1  # type: ignore[misc]
    with pytest.raises(TypeError, match="values"):
        Longer(more=1)  # type: ignore[call-arg]
    assert [f.name for f in fields(Longer)] == ["values", "name", "more"]


@pytest.mark.parametrize(
    "again",
    [lambda r: pickle.loads(pickle.dumps(r)), copy.copy, copy.deepcopy, lambda r: replace(r)],
)
def test_copies_hold_the_value(again: Any) -> None:
    compute = Counted()
    record = Longer(values=compute, more=3)
    twin = again(record)
    assert (twin.values, twin.more) == ([1, 2], 3)
    assert record.values == [1, 2]
    assert compute.calls == 1


def test_estimates_come_into_pandas_when_they_are_read() -> None:
    """The arrays that were given are not shared: what is done to them later is not seen."""
    b, V = np.array([1.0, 2.0]), np.eye(2)
    fit = md.Estimate.from_arrays(
        names=["x", "z"], params=b, cov=V, dependent="y", method="m", nobs=9, df_resid=7.0
    )
    b[:], V[:] = 0.0, 0.0
    pd.testing.assert_series_equal(
        fit.params, pd.Series([1.0, 2.0], index=["x", "z"], name="params")
    )
    assert fit.params is fit.params
    assert fit.cov is fit.cov
    assert fit.cov.loc["z", "z"] == 1.0
    np.testing.assert_allclose(fit.tstats, [1.0, 2.0])
    with pytest.raises(ResultError, match=r"2 names.*\(3,\).*\(2, 2\)"):
        md.Estimate.from_arrays(
            names=["x", "z"], params=np.ones(3), cov=np.eye(2), dependent="y", method="m", nobs=9,
            df_resid=7.0,
        )  # fmt: skip


@pytest.mark.filterwarnings("ignore::migdev.errors.DroppedRowsWarning")
def test_pooled_mean_group_keeps_its_influence_for_those_who_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = Counted()

    def response(*arguments: Any) -> Any:
        called()
        return short_run_response(*arguments)

    monkeypatch.setattr(pooled_mean_group, "short_run_response", response)
    fit = md.PooledMeanGroup(formula="y ~ x").fit(entities_apart())
    assert called.calls == 0
    twin = pickle.loads(pickle.dumps(fit))
    clustered = fit.with_cov(md.Clustered("entity"))
    assert called.calls == 1
    assert isinstance(fit.moments, UnitScores)
    np.testing.assert_array_equal(twin.moments.influence(), fit.moments.influence())
    pd.testing.assert_frame_equal(twin.with_cov(md.Clustered("entity")).cov, clustered.cov)
    assert fit.moments.influence() is fit.moments.influence()


def entities_apart() -> md.Panel:
    rng = np.random.default_rng(7)
    N, T = 12, 30
    x, y = rng.standard_normal((N, T)).cumsum(1), np.zeros((N, T))
    for t in range(1, T):
        y[:, t] = 0.6 * y[:, t - 1] + 0.4 * x[:, t] + rng.standard_normal(N)
    keys = {"i": np.repeat(np.arange(N), T), "t": np.tile(np.arange(T), N)}
    frame = pd.DataFrame({**keys, "y": y.ravel(), "x": x.ravel()})
    return md.Panel.from_frame(frame, entity="i", time="t")
