"""What refusals of expressions say: what was found, and what to write instead."""

from __future__ import annotations

import ast

from migdev.errors import FormulaError, suggestion
from migdev.panel.expressions.functions import BY_ROW, REMEMBERING, known_names

#: Levels of nesting that are read.
DEPTH = 100
_AROUND = (
    "runs over the rows of all entities, across borders and gaps. Use L(x), L(x, k), F(x) or D(x), "
    "which go by entity and time"
)
#: What to write for functions and methods that are not admitted.
_INSTEAD = {
    **dict.fromkeys(
        ("shift", "roll", "lag", "lead", "ffill", "bfill", "pad", "interpolate"), _AROUND
    ),
    **dict.fromkeys(("diff", "ediff1d", "gradient"), _AROUND),
    "pct_change": f"{_AROUND}: D(log(x)), or panel.growth('x')",
    **dict.fromkeys(
        ("cumsum", "cumprod", "cummax", "cummin", "nancumsum", "nancumprod", "rolling", "expanding",
         "ewm"),
        f"{_AROUND}; make running sums with panel.assign() from panel.frame.groupby(entity)",
    ),
    **dict.fromkeys(
        ("mean", "std", "var", "min", "max", "sum", "median", "quantile", "rank", "average",
         "nanmean", "nanstd"),
        "depends on other rows. Use center(x) or scale(x), or make the column with panel.assign()",
    ),
    "isin": "is written x in [1, 2]",
    "between": "is written a <= x <= b",
    "astype": "is not needed: numbers are floats, and C(x) makes dummies",
    "nan_to_num": "is written fillna(x, 0)",
    "exp10": "is written 10**x",
    "ln": "is written log(x)",
}  # fmt: skip
#: What to write for nodes that are not admitted.
STRANGE = {
    ast.IfExp: "A choice is written where(x > 0, a, b)",
    ast.Subscript: "Columns with other characters stand in backticks, and lags are L(x, k)",
}


def called_name(node: ast.Call) -> str:
    """The function that a call names: ``log`` for ``np.log(x)``, ``contr.sum``, ``shift``."""
    function = node.func
    if isinstance(function, ast.Attribute):
        owner = ast.unparse(function.value)
        return f"contr.{function.attr}" if owner == "contr" else function.attr
    return function.id if isinstance(function, ast.Name) else ""


def unknown(text: str, node: ast.Call, owner: str = "") -> FormulaError:
    """The refusal of a function that is not admitted, called alone or as a method of ``owner``."""
    name = called_name(node)
    written = f"{owner}.{name}()" if owner else f"{name}()"
    if len(written) > 60:
        written = f"...{written[-57:]}"
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
    for known in (called_name(call) for call in calls):
        if known in _INSTEAD:
            told = written if known == name else f"{known}()"
            return FormulaError(f"{text!r}: {told} {_INSTEAD[known]}.")
    near = f"Write {name}({owner})" if owner and name in (*BY_ROW, *REMEMBERING) else ""
    if not owner:
        near = suggestion(name, known_names()).strip().removesuffix("?")
        near = f"{near}?" if near else ""
    return refused(text, f"{written} is not among the functions of it", near)


def refused(text: str, what: str, instead: str = "") -> FormulaError:
    """The refusal of what is no part of the grammar, with what is."""
    text = text if len(text) <= 200 else f"{text[:200]}..."
    hint = f" {instead}{'' if instead.endswith('?') else '.'}" if instead else ""
    return FormulaError(
        f"{text!r} is outside the grammar of formulas: {what}.{hint} It holds columns, "
        "numbers, arithmetic, comparisons, 'and', 'or', 'not', 'in' and the functions "
        f"{', '.join(known_names())}; md.formula_functions(name=function) adds one of yours."
    )


def shown(node: ast.AST) -> str:
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):
        text = type(node).__name__
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def too_deep(text: str) -> FormulaError:
    return FormulaError(
        f"{text[:60]!r}... is nested more than {DEPTH} levels deep (a sum counts one for each "
        "term). Make the column in the panel first."
    )
