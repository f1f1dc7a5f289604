"""Numbers that are stored as text: told from words, and refused with what is not a number."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import pandas as pd

from migdev.errors import FormulaError, listing

#: Digits with separators, a sign or currency before, a percent sign or a mark of a note behind.
LOOKS_LIKE_A_NUMBER = (
    r"\W*\d+(?:[\s.,'’]\d{3})*(?:[.,]\d*)?(?:[eE][+-]?\d+)?\s*(?:\W{1,3}|\([a-z]\))?"
)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def refuse_numbers_as_text(name: str, column: pd.Series[Any]) -> None:
    """Raise for a text column most of whose values are numbers; each would become a dummy.

    Raises
    ------
    FormulaError
        With the values that are not plain numbers.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return
    known = column.dropna().value_counts(sort=False)
    if not len(known) or not all(isinstance(value, str) for value in known.index):
        return
    words = [value.strip() for value in known.index]
    numeric = [re.fullmatch(LOOKS_LIKE_A_NUMBER, word) is not None for word in words]
    if known[numeric].sum() <= known.sum() / 2:
        return
    strange = [word for word, is_one in zip(words, numeric, strict=True) if not is_one]
    odd = [word for word, is_one in zip(words, numeric, strict=True)
           if is_one and not _PLAIN.fullmatch(word)]  # fmt: skip
    raise FormulaError(
        f"{name!r} holds numbers stored as text{f' beside {listing(strange)}' if strange else ''}"
        f"{f', written {listing(odd, 3)}' if odd else ''}. Read the file with migdev.read(), which "
        "takes decimal=, thousands= and missing=, or convert the column with pandas.to_numeric; "
        f"C({name}) makes a dummy of each value."
    )


def refuse_text(text: str, name: str, column: pd.Series[Any]) -> NoReturn:
    """Raise for a column that an expression computes with although it holds no numbers."""
    refuse_numbers_as_text(name, column)
    kind = "dates" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "text or categories"
    raise FormulaError(
        f"{text!r} computes with {name!r}, which holds {kind}, not numbers. Compare it "
        f"({name} == 'a'), make dummies with C({name}), or make numbers of the column."
    )
