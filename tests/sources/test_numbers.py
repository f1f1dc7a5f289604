"""Text to numbers, under every convention that can be asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists, one_of, sampled_from
from numpy.testing import assert_array_equal

from migdev.sources.numbers import MISSING_MARKS, convert_text


@given(
    values=lists(one_of(integers(-(10**15), 10**15), floats(-1e9, 1e9)), min_size=1, max_size=20),
    convention=sampled_from(
        [(".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", "'")]
    ),
    mark=sampled_from(MISSING_MARKS),
)
def test_what_was_written_is_read(values, convention, mark) -> None:
    decimal, thousands = convention

    def text(value: float) -> str:
        whole = f"{value:{',' if thousands else ''}}" if isinstance(value, int) else repr(value)
        return whole.translate({ord(","): thousands, ord("."): decimal})

    column = pd.Series([*map(text, values), mark.upper()], dtype=object)
    out = convert_text(pd.DataFrame({"x": column}), decimal=decimal, thousands=thousands)
    assert_array_equal(out.columns["x"], [*map(float, values), np.nan])
    assert not out.problems


@pytest.mark.parametrize(
    ("texts", "hint"),
    [
        (["1,234", "2,000,000"], "thousands=','"),
        (["1,5", "2,25"], "decimal=','"),
        (["1.234,5", "2,25"], "decimal=',' and thousands='.'"),
        (["1 234", "2 000"], "thousands=' '"),
        (["1\u00a0234", "2\u202f000"], "thousands=' '"),
        (["5%", "7.5 %"], "Percent signs are not removed"),
        (["1'234", "2'000.5"], 'thousands="\'"'),
        (["1 234,5", "980,2"], "decimal=',' and thousands=' '"),
        (["$1.5", "$2,000"], "Signs of currencies"),
        (["1.5 €", "2.5 €"], "Signs of currencies"),
        (["1.5*", "2.5(a)"], "marks of notes"),
    ],
)
def test_other_conventions_are_named(texts: list[str], hint: str) -> None:
    out = convert_text(pd.DataFrame({"x": texts}))
    assert len(out.problems) == 1
    assert hint in out.problems[0]
    assert out.columns["x"].tolist() == texts


@pytest.mark.parametrize("decimal", [".", ","])
def test_numbers_among_numbers_in_another_convention(decimal: str) -> None:
    texts = ["1 234,5", "2 340,1", "3 120,7", "980,2"]
    out = convert_text(pd.DataFrame({"x": texts}), decimal=decimal)
    assert "pass decimal=',' and thousands=' '" in out.problems[0]
    mixed = convert_text(pd.DataFrame({"x": ["1.5", "$2.5", "$3", "$4"]}))
    assert "3 of 4 values are no numbers" in mixed.problems[0]


@pytest.mark.parametrize(
    "words", [["31.12.2001", "01.02.2003"], ["0-14", "15-64", "65"], ["A1", "B2"], ["2001Q1", "x"],
              ["10:30", "11:45"], ["1990-2000", "2001-2010"], ["Africa", "Asia", "5"]],
)  # fmt: skip
def test_words_and_dates_are_not_warned_of(words: list[str]) -> None:
    assert convert_text(pd.DataFrame({"x": words})).problems == []


@pytest.mark.parametrize("text", ["1_000", "0x10", "1e", "--5", "1.2.3", "five"])
def test_not_numbers(text: str) -> None:
    out = convert_text(pd.DataFrame({"x": ["1", "2", text]}))
    assert f"{text!r} (row 4)" in out.problems[0]


def test_minus_sign_of_typesetters() -> None:
    out = convert_text(pd.DataFrame({"x": ["−5", "6"]}))
    assert_array_equal(out.columns["x"], [-5, 6])


def test_dates_and_truth_values_are_left_alone() -> None:
    frame = pd.DataFrame({"d": [pd.Timestamp("2000-01-01"), None], "b": [True, None]}, dtype=object)
    assert convert_text(frame).columns == {}


def test_mixed_cells_of_a_workbook() -> None:
    frame = pd.DataFrame({"x": [1, 2.5, "..", "3", None]}, dtype=object)
    assert_array_equal(convert_text(frame).columns["x"], [1, 2.5, np.nan, 3, np.nan])
