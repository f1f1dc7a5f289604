"""Arguments of functions that are no expressions: numbers and words, and codings of factors."""

from __future__ import annotations

import ast
from typing import Any

from migdev.errors import FormulaError
from migdev.panel.expressions.refusals import called_name, shown

CONTRASTS = {
    "Treatment": ("reference",), "Sum": (), "Helmert": ("reverse", "scale"), "Diff": ("backward",),
    "Poly": ("scores",), "contr.treatment": ("base",), "contr.SAS": ("base",), "contr.sum": (),
    "contr.helmert": ("reverse", "scale"), "contr.diff": ("backward",), "contr.poly": ("scores",),
}  # fmt: skip


def literal(node: ast.expr, text: str) -> Any:
    """A number, a word, True, False, None, or a list of these.

    Raises
    ------
    FormulaError
        Anything else.
    """
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [literal(item, text) for item in node.elts]
    value = node
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value, sign = node.operand, -1 if isinstance(node.op, ast.USub) else 1
        if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
            return sign * value.value
    elif isinstance(node, ast.Constant) and (
        node.value is None or isinstance(node.value, bool | int | float | str)
    ):
        return node.value
    raise FormulaError(
        f"{text!r}: {shown(node)} should be a number, a word in quotes, or a list of these."
    )


def contrasts(node: ast.expr, text: str) -> tuple[str, dict[str, Any]]:
    """The coding that an argument of ``C()`` names, and its options.

    Raises
    ------
    FormulaError
        It is none of :data:`CONTRASTS`.
    """
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    name = called_name(call)
    if name not in CONTRASTS or not all(k.arg in CONTRASTS[name] for k in call.keywords):
        raise FormulaError(
            f"{text!r}: {shown(node)} is no coding of a factor. Give one of "
            f"{', '.join(CONTRASTS)}, such as C(region, Treatment('Africa'))."
        )
    if len(call.args) > len(CONTRASTS[name]):
        raise FormulaError(f"{text!r}: {name} takes at most {len(CONTRASTS[name])} options.")
    options = dict(zip(CONTRASTS[name], (literal(a, text) for a in call.args), strict=False))
    return name, options | {str(k.arg): literal(k.value, text) for k in call.keywords}
