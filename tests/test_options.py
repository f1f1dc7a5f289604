"""Options that are choices, held to the types that state them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from migdev import BiasCorrectedLSDV, CCEMeanGroup
from migdev.errors import RenamedWarning, ReportError, SpecificationError
from migdev.options import check_choice, check_options, renamed

Rows = Literal["drop", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    rows: Rows = "drop"
    steps: Literal[1, 2] = 2
    lags: int | Literal["aic", "bic"] = 1
    trend: bool | Literal["n"] = True
    band: float | Literal["plm"] | None = None
    name: str | None = None
    fast: bool = True

    def __post_init__(self) -> None:
        check_options(self)


@pytest.mark.parametrize(
    "options",
    [{}, {"rows": "keep"}, {"steps": 1}, {"lags": 3}, {"lags": "bic"}, {"trend": "n"},
     {"band": 2.5}, {"band": "plm"}, {"name": "anything"}, {"rows": np.str_("keep")}],
)  # fmt: skip
def test_choices_pass(options: dict[str, object]) -> None:
    Spec(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rows": "kep"}, "rows='kep' is unknown. Did you mean 'keep'? Use 'drop' or 'keep'."),
        ({"rows": None}, "rows=None is unknown. Use 'drop' or 'keep'."),
        ({"rows": ["drop"]}, "rows=['drop'] is unknown. Use 'drop' or 'keep'."),
        ({"steps": 3}, "steps=3 is unknown. Use 1 or 2."),
        ({"steps": True}, "steps=True is unknown. Use 1 or 2."),
        ({"lags": "aik"}, "Did you mean 'aic'? Use 'aic', 'bic' or a whole number."),
        ({"trend": 1}, "trend=1 is unknown. Use False, True or 'n'."),
        ({"band": "nw"}, "band='nw' is unknown. Use 'plm', None or a number."),
    ],
)  # fmt: skip
def test_other_values_are_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(SpecificationError) as error:
        Spec(**options)  # type: ignore[arg-type]
    assert told in str(error.value)


def test_choices_that_depend_on_the_data() -> None:
    check_choice("by", "b", ["a", "b"])
    with pytest.raises(ReportError, match="by='c' is unknown. Use 'a' or 'b'."):
        check_choice("by", "c", ["a", "b"], ReportError)


@renamed(bootstrap="draws")
def statistic(x: float, *, draws: int = 0) -> tuple[float, int]:
    """Draws."""
    return x, draws


def test_former_names_are_understood_with_a_warning() -> None:
    assert statistic(1.0, draws=3) == (1.0, 3)
    assert statistic.__doc__ == "Draws."
    with pytest.warns(RenamedWarning, match=r"statistic\(bootstrap=\) is called draws= now"):
        assert statistic(1.0, bootstrap=3) == (1.0, 3)  # type: ignore[call-arg]
    with pytest.raises(SpecificationError, match="bootstrap= is the former name of draws="):
        statistic(1.0, bootstrap=3, draws=4)  # type: ignore[call-arg]


def test_former_fields_are_understood_with_a_warning() -> None:
    with pytest.warns(RenamedWarning, match=r"CCEMeanGroup\(lags=\) is called cross_lags= now"):
        spec = CCEMeanGroup("y ~ x", lags=2)  # type: ignore[call-arg]
    assert spec == CCEMeanGroup("y ~ x", cross_lags=2)
    with pytest.warns(RenamedWarning, match="draws"):
        assert BiasCorrectedLSDV("y ~ L(y)", replications=9).draws == 9  # type: ignore[call-arg]
