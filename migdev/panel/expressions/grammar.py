"""What an expression may hold: read by Python's parser, checked node by node, never run as code."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np

from migdev.errors import FormulaError, listing
from migdev.panel.expressions.functions import (
    BY_ROW,
    REMEMBERING,
    SHIFTS,
    registered,
)
from migdev.panel.expressions.literals import contrasts, literal
from migdev.panel.expressions.refusals import (
    DEPTH,
    STRANGE,
    called_name,
    refused,
    shown,
    too_deep,
    unknown,
)

#: Characters of a text, and of a word in it, that are read.
LENGTH, WORD = 50_000, 300
_OPERATORS = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr,
    ast.UAdd, ast.USub, ast.Not, ast.Invert, ast.And, ast.Or,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
)  # fmt: skip
_NUMBERS = {"pi": np.pi, "e": np.e, "nan": np.nan, "inf": np.inf}
_QUOTED = re.compile(r"`([^`]*)`")
_ASSIGNS = re.compile(r"(?<![=<>!])=(?!=)")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of the grammar.

    Attributes
    ----------
    text : str
    body : ast node
        Names of columns stand in it without backticks.
    columns : tuple of str
        Names that it uses, in order; functions are not among them.
    calls : frozenset of str
        Functions that it calls, without ``np.``.
    """

    text: str
    body: ast.expr
    columns: tuple[str, ...]
    calls: frozenset[str]


@lru_cache(maxsize=2048)
def read(text: str, factor: bool = True) -> Expression:
    """Read an expression such as ``log(x)``, ``I(x**2)``, ``L(x) > 0`` or ``iso3 in ['MEX']``.

    Parameters
    ----------
    factor : bool
        It is a factor of a formula, which ``C()`` and splines may be.

    Raises
    ------
    FormulaError
        What Python cannot parse, is too long or too deep, or is not of the grammar.
    """
    check_size(text)
    quoted: dict[str, str] = {}

    def mark(found: re.Match[str]) -> str:
        quoted[f"_quoted_{len(quoted)}_"] = found[1]
        return list(quoted)[-1]

    try:
        body = ast.parse(_QUOTED.sub(mark, text).strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise FormulaError(
            f"{text.strip()[:200]!r} cannot be read as an expression."
            f"{' Several lags are written L(x, [1, 2]).' if ':' in text else ''}"
            f"{' Equality is written ==.' if _ASSIGNS.search(text) else ''}"
        ) from None
    except (RecursionError, MemoryError):
        raise too_deep(text) from None
    checker = _Checker(text, quoted)
    checked = checker.visit(body, factor)
    return Expression(text, checked, tuple(checker.columns), frozenset(checker.calls))


@lru_cache(maxsize=2048)
def check_size(text: str) -> None:
    """Refuse text that would take long to read.

    Raises
    ------
    FormulaError
        More than :data:`LENGTH` characters, a word of more than :data:`WORD`, or brackets nested
        deeper than :data:`DEPTH`.
    """
    if len(text) > LENGTH:
        raise FormulaError(
            f"{text[:60]!r}... has {len(text):,} characters; at most {LENGTH:,} are read. Make "
            "columns in the panel first."
        )
    if re.search(rf"[\w.]{{{WORD + 1}}}", _QUOTED.sub("", text)):
        raise FormulaError(
            f"{text[:60]!r}... has a word of more than {WORD} characters. A longer name of a "
            "column stands in backticks."
        )
    steps = [(c in "([{") - (c in ")]}") for c in text if c in "()[]{}"]
    if max(accumulate(steps), default=0) > DEPTH:
        raise too_deep(text)


class _Checker:
    """Refuses what the grammar does not hold, and puts the names of columns where they belong."""

    def __init__(self, text: str, quoted: dict[str, str]) -> None:
        self.text, self.quoted, self.depth = text, quoted, 0
        self.columns: dict[str, None] = {}
        self.calls: set[str] = set()

    def visit(self, node: ast.expr, alone: bool = False) -> ast.expr:
        """A checked node; ``alone`` where it is the whole expression."""
        self.depth += 1
        if self.depth > DEPTH:
            raise too_deep(self.text)
        check = getattr(self, f"_{type(node).__name__.lower()}", None)
        if check is None:
            raise refused(self.text, f"{shown(node)} is not of it", STRANGE.get(type(node), ""))
        found: ast.expr = check(node, alone) if isinstance(node, ast.Call) else check(node)
        self.depth -= 1
        return found

    def _name(self, node: ast.Name) -> ast.expr:
        return self._column(self.quoted.get(node.id, node.id))

    def _column(self, name: str) -> ast.Name:
        self.columns[name] = None
        return ast.Name(name, ast.Load())

    def _constant(self, node: ast.Constant) -> ast.expr:
        if node.value is None or isinstance(node.value, bool | int | float | str):
            if isinstance(node.value, int) and abs(node.value) > 10**300:
                raise refused(self.text, f"a number of {len(str(node.value))} digits is not of it")
            return node
        raise refused(self.text, f"{shown(node)} is not of it")

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        if ast.unparse(node.value) in ("np", "numpy") and node.attr in _NUMBERS:
            return ast.Constant(_NUMBERS[node.attr])
        raise refused(self.text, f"{shown(node)} asks for an attribute, which is not of it")

    def _binop(self, node: ast.BinOp) -> ast.expr:
        self._operator(node, node.op)
        node.left, node.right = self.visit(node.left), self.visit(node.right)
        return node

    def _unaryop(self, node: ast.UnaryOp) -> ast.expr:
        self._operator(node, node.op)
        node.operand = self.visit(node.operand)
        return node

    def _boolop(self, node: ast.BoolOp) -> ast.expr:
        node.values = [self.visit(value) for value in node.values]
        return node

    def _compare(self, node: ast.Compare) -> ast.expr:
        for operator in node.ops:
            self._operator(node, operator)
        for side in (node.left, *node.comparators):
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.BitAnd | ast.BitOr):
                raise FormulaError(
                    f"{self.text!r}: & and | bind closer than comparisons. Write 'and' and 'or', "
                    "or put each comparison in parentheses: (x > 0) & (z > 0)."
                )
        node.left = self.visit(node.left)
        for i, operator in enumerate(node.ops):
            if isinstance(operator, ast.In | ast.NotIn):
                self._values(node.comparators[i])
            else:
                node.comparators[i] = self.visit(node.comparators[i])
        return node

    def _values(self, node: ast.expr) -> None:
        """A list of numbers or words."""
        if not isinstance(node, ast.List | ast.Tuple | ast.Set):
            raise refused(
                self.text,
                f"{shown(node)} behind 'in' is no list",
                "Write the values in brackets: iso3 in ['MEX', 'SLV']",
            )
        for item in node.elts:
            literal(item, self.text)

    def _operator(self, node: ast.expr, operator: ast.AST) -> None:
        if not isinstance(operator, _OPERATORS):
            power = "Powers are written x**2" if isinstance(operator, ast.BitXor) else ""
            raise refused(self.text, f"the operator in {shown(node)} is not of it", power)

    # ------------------------------------------------------------------ calls

    def _call(self, node: ast.Call, alone: bool) -> ast.expr:
        name = called_name(node)
        self.calls.add(name)
        if isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if not (owner in ("np", "numpy") and name in BY_ROW and hasattr(np, name)):
                raise unknown(self.text, node, owner)
        elif not isinstance(node.func, ast.Name):
            raise refused(self.text, f"{shown(node)} calls what is no name")
        if any(isinstance(a, ast.Starred) for a in node.args) or not all(
            k.arg for k in node.keywords
        ):
            raise refused(self.text, f"{shown(node)} spreads arguments, which is not of it")
        if name == "I":
            self._arguments(node, 1, 1, ())
            node.args[0] = self.visit(node.args[0])
        elif name == "Q":
            self._arguments(node, 1, 1, ())
            return self._column(str(literal(node.args[0], self.text)))
        elif name == "C":
            self._factor(node, alone)
        elif name in SHIFTS:
            self._shift(node)
        elif name in REMEMBERING:
            self._remembering(node, alone)
        elif name in BY_ROW:
            function = BY_ROW[name]
            self._arguments(node, function.least, len(function.takes), function.names)
            self._visit_arguments(node)
        elif registered(name) is not None:
            self._arguments(node, 1, 50, None)
            self._visit_arguments(node)
        else:
            raise unknown(self.text, node)
        return node

    def _visit_arguments(self, node: ast.Call) -> None:
        node.args = [self.visit(a) for a in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)

    def _arguments(
        self, node: ast.Call, least: int, most: int, names: tuple[str, ...] | None
    ) -> None:
        """Their number and names; any name where ``names`` is None."""
        given = [k.arg for k in node.keywords]
        strange = [] if names is None else [k for k in given if k not in names]
        if strange:
            allowed = f"takes {listing(names or ())} by name" if names else "takes none by name"
            raise FormulaError(
                f"{self.text!r}: {called_name(node)}() has no option {strange[0]!r}; it {allowed}."
            )
        count = len(node.args) + len(given)
        if not least <= count <= most or not node.args:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise FormulaError(
                f"{self.text!r}: {called_name(node)}() takes {wanted} argument"
                f"{'' if wanted == '1' else 's'}, not {count}."
            )

    def _factor(self, node: ast.Call, alone: bool) -> None:
        if not alone:
            raise FormulaError(
                f"{self.text!r} computes with a factor: C() stands alone as a term, or in products "
                "such as x:C(k); shift or compute inside it: C(L(x)), C(x > 0)."
            )
        self._arguments(node, 1, 4, ("contrasts", "levels", "spans_intercept"))
        node.args[0] = self.visit(node.args[0])
        if len(node.args) > 2:
            raise FormulaError(f"{self.text!r}: C() takes levels= and spans_intercept= by name.")
        for option in node.args[1:]:
            contrasts(option, self.text)
        for keyword in node.keywords:
            if keyword.arg == "contrasts":
                contrasts(keyword.value, self.text)
            else:
                literal(keyword.value, self.text)

    def _shift(self, node: ast.Call) -> None:
        self._arguments(node, 1, 2, ("k",))
        node.args[0] = self.visit(node.args[0])
        name = called_name(node)
        for k in (*node.args[1:], *(keyword.value for keyword in node.keywords)):
            value = literal(k, self.text)
            for one in value if isinstance(value, list) else [value]:
                if type(one) is not int or abs(one) > 10**6:
                    raise FormulaError(
                        f"{self.text!r}: {name}(x, k) shifts by a whole number of periods, or by "
                        f"several, {name}(x, [1, 2]), not by {one!r}."
                    )

    def _remembering(self, node: ast.Call, alone: bool) -> None:
        name = called_name(node)
        function = REMEMBERING[name]
        if function.columns and not alone:
            raise FormulaError(
                f"{self.text!r} computes with {name}(), which makes several columns. It stands "
                "alone as a term, or in products such as z:bs(x, df=4)."
            )
        self._arguments(node, 1, 1 + len(function.options), function.options)
        node.args[0] = self.visit(node.args[0])
        for option in (*node.args[1:], *(keyword.value for keyword in node.keywords)):
            value = literal(option, self.text)
            if type(value) is int and abs(value) > 100 and function.columns and name != "cc":
                raise FormulaError(f"{self.text!r}: {name}() makes at most 100 columns.")
