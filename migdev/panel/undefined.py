"""Where an expression of a formula has no value because a variable in it is missing."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
from formulaic.transforms import stateful_transform

from migdev.kernels.arrays.types import AnyArray, BoolArray
from migdev.protocols import Data

_QUOTED = re.compile(r"`[^`]*`")

#: Functions by which an expression says itself what becomes of missing values.
_OWN_WAY = frozenset(
    {"isnan", "isna", "isnull", "notna", "notnull", "isfinite", "fillna", "nan_to_num", "fmax",
     "fmin", "combine_first"}
)  # fmt: skip


def undefined(factor: Any, data: Data) -> BoolArray | None:
    """(n,) rows in which a variable of a factor is missing; None where the question is settled.

    Python gives a comparison with a missing value the value False, and factors of such values
    their base level: ``I(x > 0)``, ``np.where(x > 0, 1, 0)`` and ``C(L(x))`` would have numbers
    where nothing is known. Shifts look at the row they take. Expressions that ask for missing
    values themselves (``np.isnan(x)``, ``x.fillna(0)``) are left as they are.
    """
    method = str(factor.eval_method)
    if not method.endswith("PYTHON"):
        return _some(_missing(factor.expr, data)) if method.endswith("LOOKUP") else None
    quoted = _QUOTED.findall(factor.expr)
    marks = {f"__quoted_{i}__": name[1:-1] for i, name in enumerate(quoted)}
    remaining = iter(marks)
    tree = ast.parse(_QUOTED.sub(lambda _: next(remaining), factor.expr), mode="eval")
    if _OWN_WAY.intersection(map(_called, ast.walk(tree))):
        return None
    return _some(_lost(tree.body, data, marks))


def _some(mask: BoolArray | None) -> BoolArray | None:
    return mask if mask is not None and bool(mask.any()) else None


def _called(node: ast.AST) -> str:
    """Name of the function that a node calls."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _lost(node: ast.AST, data: Data, marks: dict[str, str]) -> BoolArray | None:
    if isinstance(node, ast.Name):
        return _missing(marks.get(node.id, node.id), data)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = node.func.id
        if name in ("L", "F", "D") and node.args:
            return _moved(name, _lost(node.args[0], data, marks), _steps(node), data)
        return _either([_lost(a, data, marks) for a in ast.iter_child_nodes(node)
                        if a is not node.func])  # fmt: skip
    return _either([_lost(child, data, marks) for child in ast.iter_child_nodes(node)])


def _steps(call: ast.Call) -> int:
    given = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "k")]
    return int(ast.literal_eval(given[0])) if given else 1


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


# formulaic remembers ``_state``, so that other data are moved and scaled as those of the fit.


@stateful_transform  # type: ignore[untyped-decorator]
def center(values: Any, _state: dict[str, float]) -> AnyArray:
    """Values less the mean of those that are known, among all rows."""
    if not _state:
        _state["mean"] = float(np.nanmean(np.asarray(values, dtype=float)))
    centred: AnyArray = values - _state["mean"]
    return centred


@stateful_transform  # type: ignore[untyped-decorator]
def scale(
    values: Any,
    center: bool = True,
    scale: bool = True,
    ddof: int = 1,
    *,
    _state: dict[str, float],
) -> AnyArray:
    """Centred values over their standard deviation (n - ddof), both of those that are known."""
    if not _state:
        known = np.asarray(values, dtype=float)
        _state["mean"] = float(np.nanmean(known))
        _state["deviation"] = float(np.nanstd(known, ddof=ddof))
    moved = values - _state["mean"] if center else values
    scaled: AnyArray = moved / _state["deviation"] if scale else moved
    return scaled
