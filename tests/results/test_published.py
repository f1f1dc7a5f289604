"""Printed numbers beside ours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import migdev as md
from migdev.errors import ResultError

# Grunfeld, plm's within estimate as its manual prints it: 0.110124 (0.011857), 0.310065 (0.017355).
PRINTED = {"value": (0.110124, 0.011857), "capital": (0.310065, 0.017355)}


def test_a_printed_table_is_read() -> None:
    fit = md.as_result(PRINTED, nobs=200, dependent="inv", method="Within", df=188)
    assert fit.names == ["value", "capital"]
    assert fit.tstats["value"] == pytest.approx(9.2877, abs=5e-4)  # printed: 9.2879, of more digits
    low, high = fit.conf_int().loc["capital"]
    assert (low, high) == pytest.approx((0.310065 - 1.97266 * 0.017355, 0.344301), abs=1e-6)
    assert fit.lincom("2*capital").std_error == pytest.approx(2 * 0.017355)
    assert fit.delta("log(value)").std_error == pytest.approx(0.011857 / 0.110124)
    assert fit.wald("value = 0").statistic == pytest.approx((0.110124 / 0.011857) ** 2)


def test_it_stands_in_a_table_beside_a_fit(grunfeld: md.Panel) -> None:
    ours = md.FixedEffects(formula="inv ~ value + capital", cov=md.Unadjusted()).fit(grunfeld)
    printed = md.as_result(PRINTED, nobs=200, dependent="inv", stats={"r2_within": 0.766758})
    frame = md.table({"ours": ours, "plm": printed}, digits=6).to_frame()
    assert (frame["ours"] == frame["plm"])[:4].all()
    assert "as published" in str(md.table({"plm": printed}))


def test_missing_covariances_are_not_guessed() -> None:
    fit = md.as_result(PRINTED, nobs=200, dependent="inv")
    for ask in (lambda: fit.lincom("value + capital"), lambda: fit.wald(["value", "capital"])):
        with pytest.raises(ResultError, match="between coefficients"):
            ask()
    V = pd.DataFrame(
        [[0.011857**2, -1e-5], [-1e-5, 0.017355**2]], ["value", "capital"], ["value", "capital"]
    )
    whole = md.as_result(PRINTED, nobs=200, dependent="inv", cov=V)
    assert whole.lincom("value + capital").std_error == pytest.approx(np.sqrt(V.to_numpy().sum()))


@pytest.mark.parametrize(
    ("numbers", "options", "message"),
    [
        ({"x": (0.1, 0.0)}, {"nobs": 9, "dependent": "y"}, "above zero"),
        ({"x": 0.1}, {"nobs": 9, "dependent": "y"}, "standard error"),
        ({}, {"nobs": 9, "dependent": "y"}, "no coefficient"),
        ({"x": (0.1, 0.2)}, {"dependent": "y"}, "nobs="),
        ({"x": (0.1, 0.2)}, {"nobs": 9}, "dependent="),
        ({"x": (0.1, 0.2)}, {"nobs": 9, "dependent": "y", "cov": [[1.0]]}, "square"),
    ],
)
def test_what_cannot_be_read(numbers: dict, options: dict, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        md.as_result(numbers, **options)


def test_options_of_printed_numbers_need_them() -> None:
    with pytest.raises(ResultError, match="printed numbers"):
        md.as_result(md.as_result({"x": (1, 1)}, nobs=3, dependent="y"), nobs=4)
