"""Where an expression has no value because a variable in it is missing."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from migdev.kernels.arrays.types import BoolArray
from migdev.panel.expressions.functions import BY_ROW, SHIFTS
from migdev.panel.expressions.grammar import read
from migdev.panel.expressions.literals import literal
from migdev.panel.expressions.refusals import called_name
from migdev.protocols import Data

_OWN_WAY = frozenset(name for name, function in BY_ROW.items() if function.missing)


def undefined(factor: Any, data: Data) -> BoolArray | None:
    """(n,) rows in which a variable of a factor is missing; None where the question is settled.

    A comparison with a missing value is False, and factors of such values have their base level:
    ``I(x > 0)``, ``where(x > 0, 1, 0)`` and ``C(L(x))`` would have numbers where nothing is known.
    Shifts look at the row they take. Expressions that ask for missing values themselves
    (``isna(x)``, ``fillna(x, 0)``) are left as they are.
    """
    method = str(factor.eval_method)
    if not method.endswith("PYTHON"):
        return _some(_missing(factor.expr, data)) if method.endswith("LOOKUP") else None
    expression = read(factor.expr)
    if _OWN_WAY & expression.calls:
        return None
    return _some(_lost(expression.body, data))


def _some(mask: BoolArray | None) -> BoolArray | None:
    return mask if mask is not None and bool(mask.any()) else None


def _lost(node: ast.AST, data: Data) -> BoolArray | None:
    if isinstance(node, ast.Name):
        return _missing(node.id, data)
    if not isinstance(node, ast.Call):
        return _either([_lost(child, data) for child in ast.iter_child_nodes(node)])
    name = called_name(node)
    if name in SHIFTS:
        steps = [*node.args[1:], *(word.value for word in node.keywords)]
        k = literal(steps[0], name) if steps else 1
        return _moved(name, _lost(node.args[0], data), k, data)
    inside = node.args[:1] if name == "C" else [*node.args, *(w.value for w in node.keywords)]
    return _either([_lost(argument, data) for argument in inside])


def _moved(operator: str, lost: BoolArray | None, k: int, data: Data) -> BoolArray:
    rows = data.lag_rows(-k if operator == "F" else k)
    there: BoolArray = rows < 0
    if lost is not None:
        there = there | lost[rows]
        if operator == "D":
            there = there | lost
    return there


def _missing(name: str, data: Data) -> BoolArray | None:
    if name not in data.columns:
        return None
    values = data.numbers(name)
    lost: BoolArray = np.isnan(values) if values is not None else data[name].isna().to_numpy()
    return lost


def _either(masks: list[BoolArray | None]) -> BoolArray | None:
    known = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(known) if known else None
