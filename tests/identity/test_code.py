"""Specifications as source: what it builds is what it was written of, or it is refused."""

from __future__ import annotations

import enum
import inspect
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

import migdev as md
from migdev.errors import SpecificationError
from migdev.identity import canonical, code_of, fingerprint, rebuild, to_code, to_json
from tests.golden.make_former_plans import every
from tests.strangers import ESTIMATOR, SLOPE, load, write


class Colour(enum.StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Theirs:
    """A dataclass of others: defaults of every kind, and a field made from the others."""

    first: object
    second: object = 2.5
    third: tuple[object, ...] = ()
    options: dict[str, object] = field(default_factory=dict)
    made: object = field(init=False, default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "made", object())


@pytest.mark.parametrize("spec", every().specs.values(), ids=list(every().specs))
def test_every_specification_is_built_again(spec):
    code = code_of(spec)
    assert code.imports == ("import migdev as md",)
    assert eval(code.text, {"md": md}) == spec
    assert rebuild(spec) == spec


#: What estimators and covariances must be given; instruments are optional only in name.
GIVEN = {
    "formula": "y ~ L(y) + x", "threshold": "x", "regime": "x", "cutoff": 100.0, "variables": "x",
    "gmm": (md.GMMStyle("y"),), "equations": {"a": "y ~ x", "b": "z ~ x + [y ~ w + v]"},
}  # fmt: skip


def built(cls):
    asked = inspect.signature(cls).parameters.values()
    needed = {p.name for p in asked if p.default is p.empty and p.kind is not p.VAR_POSITIONAL}
    return cls(**{name: GIVEN[name] for name in needed | {"gmm"} & {p.name for p in asked}})


@pytest.mark.parametrize("name", md._HOME)
def test_every_public_estimator_and_covariance_is_built_again(name):
    cls = getattr(md, name)
    ours = md._HOME[name].startswith(("migdev.estimators", "migdev.covariance"))
    if ours and inspect.isclass(cls):
        try:
            spec = built(cls)
        except KeyError as unknown:
            pytest.skip(f"GIVEN does not say what {name} takes as {unknown}")
        assert eval(to_code(spec), {"md": md}) == spec


@pytest.mark.parametrize("name", md.hypotheses.names(runnable=True))
def test_every_question_is_built_again(name):
    study = md.hypotheses.get(name).study()
    again = eval(to_code(study), {"md": md})
    assert canonical(again) == canonical(study)
    assert to_code(again) == to_code(study)


@pytest.mark.parametrize(
    "spec",
    [
        md.Clustered("region^time", kind="CR2", df="satterthwaite"),
        md.Clustered("entity", "time"),
        md.Study(md.Hypothesis(claim="c", term="x", sign=1), {"a": md.PooledOLS(formula="y ~ x")}),
        md.PreTest(test="cips", on="y", options={"lags": 2, "short": "drop"}),
        md.FixedEffects(formula='y ~ C(s, "a\'b")\n', effects=("entity", "s^time")),
    ],
    ids=lambda spec: type(spec).__name__,
)
def test_constructors_of_their_own_and_text_of_any_kind(spec):
    assert rebuild(spec) == spec


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))]))
    | st.sampled_from([np.log, md.FixedEffects, md.diagnostics.cips, Colour.RED])
    | st.integers(-(2**31), 2**31 - 1).map(np.int64)
    | st.floats(allow_nan=False, width=32).map(np.float32)
    | st.floats(allow_nan=False).map(np.float64)
    | st.booleans().map(np.bool_)
    | st.datetimes().map(lambda d: np.datetime64(d, "us"))
    | st.datetimes(pd.Timestamp.min.ceil("D"), pd.Timestamp.max.floor("D")).map(pd.Timestamp)
)
NESTED = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.frozensets(st.text() | st.integers(), max_size=3)
        | st.builds(Theirs, inner, inner, st.tuples(inner), st.dictionaries(st.text(), inner))
    ),
    max_leaves=8,
)


@settings(max_examples=50)  # each reads the source of this module anew
@given(item=NESTED)
def test_what_is_written_is_what_is_built(item):
    code, names = code_of(item), {}
    exec("\n".join(code.imports), names)
    built = eval(code.text, names)
    assert built == item
    assert type(built) is type(item)
    assert to_code(built) == code.text
    assert to_json(built) == to_json(item)


@given(
    item=arrays(
        scalar_dtypes().filter(lambda d: d.kind in "biuf" and d.itemsize <= 8 and d.isnative),
        array_shapes(min_dims=0, min_side=0, max_dims=3),
    )
)
def test_arrays_come_back_with_shape_and_type(item):
    built = eval(to_code(item), {"np": np})
    assert np.shape(built) == item.shape
    assert np.asarray(built).dtype == item.dtype
    np.testing.assert_array_equal(built, item)


def test_numbers_that_are_none():
    for value in (float("nan"), float("inf"), -float("inf"), np.float64("nan")):
        built = eval(to_code(value), {"np": np})
        assert type(built) is type(value)
        np.testing.assert_equal(built, value)
    dated = np.array(["2020-01-01", "NaT"], dtype="datetime64[ns]")
    np.testing.assert_array_equal(eval(to_code(dated), {"np": np}), dated)
    assert canonical(dated) == ["2020-01-01T00:00:00.000000000", "NaT"]
    assert canonical([date(2020, 1, 2), datetime(2020, 1, 2, 3)]) == [
        "2020-01-02", "2020-01-02T03:00:00",
    ]  # fmt: skip
    assert rebuild(Theirs(float("nan"))).first != 0


def test_a_class_of_others_is_imported_and_ours_is_not_put_in_its_place(tmp_path, monkeypatch):
    write(tmp_path, {"namesake.py": ESTIMATOR.format(imports="", slope=SLOPE)})
    module = load(monkeypatch, tmp_path, "namesake")
    spec = md.Spec(estimator=module.FixedEffects(power=2.0, cov=md.Robust("HC3")))
    code = code_of(spec)
    assert code.imports == ("import migdev as md", "import namesake")
    assert "namesake.FixedEffects(power=2.0, cov=md.Robust(kind='HC3'))" in code.text
    built = eval(code.text, {"md": md, "namesake": module})
    assert type(built.estimator) is module.FixedEffects
    assert built == spec


@dataclass(frozen=True)
class Forgets:
    x: float
    scale: InitVar[float] = 1.0


@dataclass(frozen=True)
class Changes:
    x: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", self.x + 1)


@dataclass(frozen=True)
class Refuses:
    x: float

    def __post_init__(self) -> None:
        if self.x != 1:
            raise TypeError("not again")


def test_what_cannot_be_built_again_is_refused():
    with pytest.raises(SpecificationError, match="Forgets takes 'scale' but keeps no field"):
        to_code(Forgets(1.0, scale=2.0))
    with pytest.raises(SpecificationError, match=r"Changes.*gives Changes\(x=3.0\)"):
        rebuild(Changes(1.0))
    stubborn = Refuses(1)
    object.__setattr__(stubborn, "x", 2)
    with pytest.raises(SpecificationError, match="raises TypeError: not again"):
        rebuild(md.Spec(estimator=stubborn))
    for item in (object(), 1j, b"x", pd.Series([1.0]), np.array([None]), range(3)):
        with pytest.raises(SpecificationError, match="cannot be written as code"):
            to_code(item)


def test_fields_at_their_default_are_left_out_and_equal_ones_of_another_type_are_not():
    assert to_code(Theirs(1)) == "tests.identity.test_code.Theirs(first=1)"
    assert to_code(Theirs(1, third=[])).endswith("Theirs(first=1, third=[])")
    assert to_code(Theirs(1, second=np.float64(2.5))).endswith("second=np.float64(2.5))")
    assert fingerprint(Theirs(1)) == fingerprint(Theirs(1, 2.5))
