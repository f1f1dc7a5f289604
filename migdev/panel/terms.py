"""Terms of a formula on their own: instruments and other columns outside the equation."""

from __future__ import annotations

from dataclasses import replace

from migdev.errors import FormulaError, PanelError, listing
from migdev.kernels.types import FloatArray
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
    parsed = parse(quote_columns(f"_ ~ {text}", panel.columns))
    parsed = replace(parsed, text=text, dependent=parsed.exog)
    if not len(parsed.exog):
        raise FormulaError(f"{text!r} names no variable.")
    values, names = _Table(parsed, panel).side(parsed.exog)
    infinite = [
        n for n, v in zip(names, values.T, strict=True) if bool((abs(v) == float("inf")).any())
    ]
    if infinite:
        raise FormulaError(f"{listing(infinite)} in {text!r} hold infinite values.")
    return values, names
