"""Values of checked expressions on the rows of data, without running code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from formulaic.transforms import TRANSFORMS, C, ContrastsRegistry

from migdev.errors import FormulaError, suggestion
from migdev.kernels.arrays.types import AnyArray, BoolArray, FloatArray
from migdev.panel import operators
from migdev.panel.expressions.functions import BY_ROW, REMEMBERING, SHIFTS, registered
from migdev.panel.expressions.grammar import Expression, read
from migdev.panel.expressions.literals import contrasts, literal
from migdev.panel.expressions.refusals import called_name
from migdev.panel.expressions.text_numbers import refuse_text
from migdev.protocols import Data

BY_TIME: Mapping[str, Callable[..., FloatArray]] = {
    "L": operators.lag, "F": operators.lead, "D": operators.difference,
}  # fmt: skip
_ARITHMETIC: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide, ast.Mod: np.mod, ast.Pow: np.power,
}  # fmt: skip
_COMPARISONS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
#: Whole numbers up to here are exact as floats.
_EXACT = 2.0**53
_WHOLE = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Pow)


class Evaluator:
    """Evaluates expressions on data.

    Numbers are floats, whatever the columns hold, so that products of small integers cannot wrap;
    missing is NaN. Only ``C(k)`` and comparisons with whole numbers see integers as they are.

    Parameters
    ----------
    states : dict, optional
        What functions such as ``center(x)`` remember, by their text; filled where it is empty.
    """

    def __init__(self, data: Data, states: dict[str, Any] | None = None) -> None:
        self.data = data
        self.states: dict[str, Any] = {} if states is None else states
        self._text = ""

    def factor(self, text: str) -> Any:
        """Values of a factor of a formula: (n,) floats, several columns, or a categorical."""
        self._text = text
        node = read(text).body
        with np.errstate(all="ignore"):
            if isinstance(node, ast.Call) and called_name(node) == "C":
                return self._levels(node)
            values = self.value(node)
        if isinstance(values, pd.Series) or getattr(values, "ndim", 0) == 2:
            return values
        if isinstance(values, np.ndarray) and values.shape == (len(self.data),):
            return values.astype(float, copy=False)
        if isinstance(values, Mapping) or hasattr(values, "__wrapped__"):
            return values
        return np.full(len(self.data), self._number(values, node), dtype=float)

    def condition(self, text: str) -> BoolArray:
        """(n,) truth values; a comparison with a missing value is false."""
        self._text = text
        expression = read(text, factor=False)
        self._require(expression)
        with np.errstate(all="ignore"):
            found = self._truth(self.value(expression.body), expression.body)
        return np.broadcast_to(found, len(self.data))

    def _require(self, expression: Expression) -> None:
        for name in expression.columns:
            if name not in self.data.columns:
                raise FormulaError(
                    f"{self._text!r} names {name!r}, which is no column."
                    f"{suggestion(name, self.data.columns)} Words stand in quotes: 'Mexico'."
                )

    # ------------------------------------------------------------------ nodes

    def value(self, node: ast.expr) -> Any:
        """Numbers and truth values as arrays or scalars, other columns as Series."""
        if isinstance(node, ast.Name):
            return self._column(node.id)
        if isinstance(node, ast.Constant):
            plain = type(node.value) is int
            return float(node.value) if plain else node.value  # type: ignore[arg-type]
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.BitAnd | ast.BitOr):
                join = np.logical_and if isinstance(node.op, ast.BitAnd) else np.logical_or
                return join(*(self._truth(self.value(n), n) for n in (node.left, node.right)))
            a, b = (self._number(self.value(n), n) for n in (node.left, node.right))
            return _ARITHMETIC[type(node.op)](a, b)
        if isinstance(node, ast.UnaryOp):
            inner = self.value(node.operand)
            if isinstance(node.op, ast.Not | ast.Invert):
                return np.logical_not(self._truth(inner, node.operand))
            number = self._number(inner, node.operand)
            return -number if isinstance(node.op, ast.USub) else number
        if isinstance(node, ast.BoolOp):
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return join.reduce([
                np.broadcast_to(self._truth(self.value(n), n), len(self.data)) for n in node.values
            ])  # fmt: skip
        if isinstance(node, ast.Compare):
            return self._compared(node)
        assert isinstance(node, ast.Call)
        return self._called(node)

    def _column(self, name: str) -> Any:
        values = self.data.numbers(name)
        if values is not None:
            return values
        column = self.data[name]
        if pd.api.types.is_bool_dtype(column.dtype):
            return column.to_numpy(dtype=bool)
        return pd.Series(column.array, index=pd.RangeIndex(len(column)), name=name, copy=False)

    def _called(self, node: ast.Call) -> Any:
        name = called_name(node)
        if name == "I":
            return self.value(node.args[0])
        if name in SHIFTS:
            k = [
                literal(n, self._text) for n in (*node.args[1:], *(w.value for w in node.keywords))
            ]
            column = np.broadcast_to(self._argument(node.args[0]), len(self.data))
            return BY_TIME[name](self.data, column, *k)
        if name in REMEMBERING:
            function = REMEMBERING[name]
            options = zip(function.options, node.args[1:], strict=False)
            given = dict(options) | {str(w.arg): w.value for w in node.keywords}
            return function.apply(
                np.broadcast_to(self._argument(node.args[0]), len(self.data)),
                **{key: literal(n, self._text) for key, n in given.items()},
                _state=self.states.setdefault(ast.unparse(node), {}),
            )
        by_name = {str(w.arg): self.value(w.value) for w in node.keywords}
        if name in BY_ROW:
            by_row = BY_ROW[name]
            places = zip(by_row.takes, node.args, strict=False)
            return by_row.apply(*(self._taken(kind, n) for kind, n in places), **by_name)
        return self._own(name, [self.value(n) for n in node.args], by_name)

    def _own(self, name: str, given: list[Any], by_name: dict[str, Any]) -> Any:
        """What a user's function makes of its arguments: one number or truth value per row."""
        function = registered(name)
        if function is None:
            raise FormulaError(f"{self._text!r} calls {name}(), which is no longer registered.")
        made = np.asarray(function(*given, **by_name))
        if made.shape not in ((), (len(self.data),)) or made.dtype.kind not in "biuf":
            raise FormulaError(
                f"{self._text!r}: {name}() should return {len(self.data)} numbers, one per row, "
                f"not {made.dtype} of shape {made.shape}."
            )
        return made if made.dtype.kind == "b" else made.astype(float, copy=False)

    def _taken(self, kind: str, node: ast.expr) -> Any:
        value = self.value(node)
        if kind == "a" or value is None:
            return value
        return self._truth(value, node) if kind == "t" else self._number(value, node)

    def _argument(self, node: ast.expr) -> Any:
        return self._number(self.value(node), node)

    # ------------------------------------------------------------------ kinds of values

    def _number(self, value: Any, node: ast.expr) -> Any:
        """Floats; text and dates are refused."""
        if isinstance(value, np.ndarray):
            return value.astype(float, copy=False)
        if isinstance(value, bool | int | float | np.number | np.bool_):
            return float(value)
        if isinstance(value, pd.Series):
            refuse_text(self._text, str(value.name), value)
        raise FormulaError(f"{self._text!r} computes with {ast.unparse(node)}, which is no number.")

    def _truth(self, value: Any, node: ast.expr) -> Any:
        """Truth values: conditions, or numbers that are 0 and 1; missing is false."""
        if isinstance(value, np.ndarray) and value.dtype == bool:
            return value
        if isinstance(value, bool | np.bool_):
            return bool(value)
        if isinstance(value, np.ndarray) and bool(
            ((value == 0) | (value == 1) | np.isnan(value)).all()
        ):
            truth: BoolArray = value == 1
            return truth
        raise FormulaError(
            f"{self._text!r} needs a condition where {ast.unparse(node)!r} stands: a comparison "
            "such as x > 0, or a column of 0 and 1."
        )

    # ------------------------------------------------------------------ comparisons

    def _compared(self, node: ast.Compare) -> Any:
        sides = [node.left, *node.comparators]
        found: Any = True
        for left, how, right in zip(sides[:-1], node.ops, sides[1:], strict=True):
            found = np.logical_and(found, self._pair(left, how, right))
        return found

    def _pair(self, left: ast.expr, how: ast.cmpop, right: ast.expr) -> Any:
        if isinstance(how, ast.In | ast.NotIn):
            a, values = self._as_it_is(left), literal(right, self._text)
            self._same_kind(a, values, left)
            inside = a.isin(values) if isinstance(a, pd.Series) else np.isin(a, values)
            inside = np.asarray(inside, dtype=bool)
            return inside if isinstance(how, ast.In) else ~inside
        whole = self._is_whole(left) and self._is_whole(right)
        a, b = ((self._as_it_is(n) if whole else self.value(n)) for n in (left, right))
        self._same_kind(a, [b], left)
        self._same_kind(b, [a], right)
        try:
            found = _COMPARISONS[type(how)](a, b)
        except TypeError as error:
            raise FormulaError(f"{self._text!r} cannot compare: {error}.") from None
        if isinstance(found, pd.Series):
            found = found.fillna(isinstance(how, ast.NotEq)).to_numpy(dtype=bool)
        return found

    def _same_kind(self, a: Any, others: list[Any], node: ast.expr) -> None:
        """Refuse a comparison of numbers with words, which no row could pass."""
        numbers = isinstance(a, np.ndarray | float | int)
        words = isinstance(a, pd.Series) and isinstance(a.dtype, pd.StringDtype)
        for b in others:
            if (numbers and isinstance(b, str)) or (words and isinstance(b, int | float)):
                raise FormulaError(
                    f"{self._text!r} compares {ast.unparse(node)}, which holds "
                    f"{'numbers' if numbers else 'text'}, with {_spelled(b)}. "
                    f"{'Leave out the quotes.' if numbers else 'Put the value in quotes.'}"
                )

    def _as_it_is(self, node: ast.expr) -> Any:
        """Whole numbers without a way over floats, which round them beyond 2**53."""
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name) and self._is_whole(node):
            column = self.data[node.id]
            if not column.isna().any():
                return column.to_numpy()
        return self.value(node)

    def _is_whole(self, node: ast.expr) -> bool:
        """A column of integers or an integer, or sums and products of these."""
        if isinstance(node, ast.Name):
            return pd.api.types.is_integer_dtype(self.data[node.id].dtype)
        if isinstance(node, ast.Constant):
            return type(node.value) is int
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, _WHOLE) and all(map(self._is_whole, (node.left, node.right)))
        return isinstance(node, ast.UnaryOp) and self._is_whole(node.operand)

    # ------------------------------------------------------------------ factors

    def _levels(self, node: ast.Call) -> Any:
        """``C(x, coding, levels=...)``: the levels as they are, integers as integers."""
        inner = node.args[0]
        by_name = {str(w.arg): w.value for w in node.keywords}
        coding = node.args[1] if len(node.args) > 1 else by_name.pop("contrasts", None)
        options = {key: literal(n, self._text) for key, n in by_name.items()}
        if coding is not None:
            name, told = contrasts(coding, self._text)
            maker: Any = (
                getattr(ContrastsRegistry, name.removeprefix("contr."))
                if name.startswith("contr.")
                else TRANSFORMS[name]
            )
            options["contrasts"] = maker(**told)
        return C(self._categories(inner), **options)

    def _categories(self, node: ast.expr) -> pd.Series[Any]:
        rows = pd.RangeIndex(len(self.data))
        if isinstance(node, ast.Name):
            return pd.Series(self.data[node.id].array, index=rows, copy=False)
        values = self.value(node)
        if isinstance(values, pd.Series):
            return values
        values = np.broadcast_to(values, len(self.data))
        if values.dtype.kind == "f" and self._is_whole(node):
            known = values[~np.isnan(values)]
            if bool(((np.abs(known) < _EXACT) & (known == np.floor(known))).all()):
                return pd.Series(_integers(values), index=rows)
        return pd.Series(values, index=rows)


def _spelled(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _integers(values: AnyArray) -> Any:
    if np.isnan(values).any():
        return pd.array(values, dtype="Int64")
    return values.astype(np.int64)
