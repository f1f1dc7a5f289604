"""Terms of a formula on their own: instruments and other columns outside the equation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migdev.errors import FormulaError, listing
from migdev.kernels.arrays.types import FloatArray
from migdev.panel.formula import parse, quote_columns
from migdev.panel.model_matrix import ModelMatrix, require_data
from migdev.protocols import Data


def evaluate_terms(text: str, data: Data) -> tuple[FloatArray, tuple[str, ...]]:
    """Columns (n, k) of a sum of terms on every row of the panel, and their names.

    Missing values stay NaN. A factor loses its base level, as beside an intercept.

    Raises
    ------
    FormulaError
        Names that the panel lacks, brackets or a tilde.
    """
    if "~" in text or not text.strip():
        raise FormulaError(f"{text!r} should be a plain sum of terms such as 'w + L(k)'.")
    require_data(data)
    column = data.numbers(text) if text in data.columns else None
    if column is not None:
        values, names = column[:, None], tuple([text])
    else:
        values, names = _evaluate(text, data)
    infinite = np.asarray(np.isinf(values).any(axis=0))
    if infinite.any():
        raise FormulaError(
            f"{listing(n for n, bad in zip(names, infinite, strict=True) if bad)} in {text!r} hold "
            "infinite values. Leave these rows out with panel.where(), or transform the variable."
        )
    return values, names


def _evaluate(text: str, data: Data) -> tuple[FloatArray, tuple[str, ...]]:
    parsed = parse(quote_columns(f"_ ~ {text}", data.columns))
    parsed = replace(parsed, text=text, dependent=parsed.exog)
    if not len(parsed.exog):
        raise FormulaError(f"{text!r} names no variable.")
    return ModelMatrix(parsed, data).side(parsed.exog)
