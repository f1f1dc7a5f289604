"""Terms of a formula on their own: instruments and other columns outside the equation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migdev.errors import FormulaError, PanelError, listing
from migdev.kernels.arrays.types import FloatArray
from migdev.panel.design import _Table
from migdev.panel.formula import parse, quote_columns
from migdev.panel.panel import Panel


def evaluate_terms(text: str, panel: Panel) -> tuple[FloatArray, tuple[str, ...]]:
    """Columns (n, k) of a sum of terms on every row of the panel, and their names.

    Missing values stay NaN. A factor loses its base level, as beside an intercept.

    Raises
    ------
    FormulaError
        Names that the panel lacks, brackets or a tilde.
    """
    if "~" in text or not text.strip():
        raise FormulaError(f"{text!r} should be a plain sum of terms such as 'w + L(k)'.")
    if not isinstance(panel, Panel):
        raise PanelError(
            f"fit() takes a Panel, not {type(panel).__name__}; make one with "
            "Panel.from_frame(frame, entity=..., time=...)."
        )
    column = panel.numbers(text) if text in panel else None
    if column is not None:
        values, names = column[:, None], tuple([text])
    else:
        values, names = _evaluate(text, panel)
    infinite = np.asarray(np.isinf(values).any(axis=0))
    if infinite.any():
        raise FormulaError(
            f"{listing(n for n, bad in zip(names, infinite, strict=True) if bad)} in {text!r} hold "
            "infinite values. Leave these rows out with panel.where(), or transform the variable."
        )
    return values, names


def _evaluate(text: str, panel: Panel) -> tuple[FloatArray, tuple[str, ...]]:
    parsed = parse(quote_columns(f"_ ~ {text}", panel.columns))
    parsed = replace(parsed, text=text, dependent=parsed.exog)
    if not len(parsed.exog):
        raise FormulaError(f"{text!r} names no variable.")
    return _Table(parsed, panel).side(parsed.exog)
