"""Names of coefficients as products of expressions, with their exact derivatives."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.errors import ResultError
from migdev.results.inference import split_outside

SHIFTS = ("L", "F", "D")
_LEVEL = re.compile(r"^(?P<base>.+?)\[(?:(?P<coding>[A-Z])\.)?(?P<level>.*)\]$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Level:
    """The dummy of one level of a factor: ``region[T.Africa]``, ``C(region)[T.Africa]``."""

    base: str
    level: str
    coding: str

    @property
    def key(self) -> str:
        return f"{self.base}[{self.level}]"


@dataclass(frozen=True, slots=True)
class Expression:
    """A numeric factor of a term: a column, ``L(x)``, ``I(x ** 2)``, ``np.log(x)``."""

    tree: ast.expr | None  # None: text that is no Python expression, a name as a whole
    key: str


Piece = Level | Expression


class Reader:
    """Reads coefficient names; ``columns`` are names that a formula would put in backticks."""

    def __init__(self, columns: Iterable[str] = ()) -> None:
        odd = sorted((c for c in columns if not c.isidentifier()), key=len, reverse=True)
        self._marks = {f"_column_{i}_": name for i, name in enumerate(odd)}
        self._texts: dict[int, tuple[ast.AST, str]] = {}
        self._back = {name: mark for mark, name in self._marks.items()}
        self._odd = (
            re.compile("|".join(rf"(?<![\w.]){re.escape(c)}(?![\w.(])" for c in odd))
            if odd
            else None
        )

    def term(self, name: str) -> tuple[Piece, ...]:
        return tuple(self._piece(part) for part in split_outside(self._mask(name), ":"))

    def key(self, text: str) -> str:
        """The canonical spelling of one factor of a term."""
        pieces = self.term(text)
        if len(pieces) != 1:
            raise ResultError(f"{text!r} is a product; name one variable, such as {pieces[0].key}.")
        return pieces[0].key

    def text(self, node: ast.expr) -> str:
        """Canonical text of an expression: ``L(x, 1)`` is ``L(x)``, ``I(x)`` stays."""
        known = self._texts.get(id(node))
        if known is not None:
            return known[1]
        spelled = ast.unparse(_Canonical().visit(ast.parse(ast.unparse(node), mode="eval").body))
        for mark, name in self._marks.items():
            spelled = spelled.replace(mark, name)
        self._texts[id(node)] = (node, spelled)  # the node is held, so that its id stays its own
        return spelled

    def column(self, name: str) -> str:
        return self._marks.get(name, name)

    def tree(self, text: str) -> ast.expr | None:
        return self._tree(self._mask(text))

    def _mask(self, text: str) -> str:
        text = re.sub(r"`([^`]*)`", lambda m: self._back.get(m[1], m[1]), text)
        if self._odd is None:
            return text
        return self._odd.sub(lambda m: self._back[m[0]], text)

    def _piece(self, part: str) -> Piece:
        tree = self._tree(part)
        match = _LEVEL.match(part)
        if match is not None:
            base = self._factor(match["base"])
            return Level(base, self._restore(match["level"]), match["coding"] or "")
        if tree is None:
            return Expression(None, self._restore(part))
        return Expression(tree, self.text(tree))

    def _factor(self, base: str) -> str:
        """``region`` for ``C(region)`` and ``C(region, Treatment('b'))``."""
        tree = self._tree(base)
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.args:
            if tree.func.id == "C":
                return self.text(tree.args[0])
            return self.text(tree)
        return self._restore(base) if tree is None else self.text(tree)

    def _restore(self, text: str) -> str:
        for mark, name in self._marks.items():
            text = text.replace(mark, name)
        return text.strip()

    @staticmethod
    def _tree(part: str) -> ast.expr | None:
        try:
            return ast.parse(part.strip(), mode="eval").body
        except SyntaxError:
            return None


class _Canonical(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if is_shift(node) and len(node.args) == 2 and _constant(node.args[1]) == 1:
            node.args = node.args[:1]
        if isinstance(node.func, ast.Name) and node.func.id == "Q" and len(node.args) == 1:
            quoted = node.args[0]
            if isinstance(quoted, ast.Constant) and isinstance(quoted.value, str):
                return ast.Name(quoted.value, ast.Load())
        return node


def is_shift(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SHIFTS


def _constant(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


# ---------------------------------------------------------------------- derivatives


@dataclass(frozen=True, slots=True)
class Dual:
    """A value with its derivative; both numbers, arrays or polynomials."""

    value: Any
    slope: Any = 0.0


def _power(base: Dual, exponent: Dual) -> Dual:
    n = exponent.value
    if not _is_zero(exponent.slope):
        value = base.value**n
        return Dual(
            value, value * (exponent.slope * np.log(base.value) + n * base.slope / base.value)
        )
    if np.ndim(n) == 0 and n == 0:
        return Dual(base.value * 0.0 + 1.0, 0.0)
    n = int(n) if np.ndim(n) == 0 and float(n).is_integer() else n
    value = _raise(base.value, n)
    return Dual(value, 0.0 if _is_zero(base.slope) else n * _raise(base.value, n - 1) * base.slope)


def _raise(base: Any, n: Any) -> Any:
    if isinstance(n, int) and n < 0 and not isinstance(base, np.polynomial.Polynomial):
        return 1.0 / np.asarray(base, dtype=float) ** -n  # numpy has no negative powers of integers
    return base**n


def _is_zero(slope: Any) -> bool:
    return isinstance(slope, float | int) and slope == 0


_FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "log": (np.log, lambda x: 1 / x),
    "log10": (np.log10, lambda x: 1 / (x * np.log(10))),
    "log2": (np.log2, lambda x: 1 / (x * np.log(2))),
    "log1p": (np.log1p, lambda x: 1 / (1 + x)),
    "exp": (np.exp, np.exp),
    "expm1": (np.expm1, np.exp),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "cbrt": (np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2)),
    "square": (np.square, lambda x: 2 * x),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda x: -np.sin(x)),
    "sinh": (np.sinh, np.cosh),
    "cosh": (np.cosh, np.sinh),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "arcsinh": (np.arcsinh, lambda x: 1 / np.sqrt(1 + x**2)),
    "arctan": (np.arctan, lambda x: 1 / (1 + x**2)),
    "abs": (np.abs, np.sign),
}
_FUNCTIONS |= {"absolute": _FUNCTIONS["abs"], "fabs": _FUNCTIONS["abs"]}


class NotDifferentiable(Exception):
    """An expression outside the calculus; carries its text."""


class Evaluator:
    """Values and derivatives of expressions, given the values of what they contain.

    ``known`` maps canonical text to a :class:`Dual`; the largest subexpression that is known is
    used. ``seen`` collects the atoms that are not known: columns, shifted columns, and whatever
    cannot be taken apart.
    """

    def __init__(
        self,
        reader: Reader,
        known: Mapping[str, Dual],
        unknown: Callable[[str], Dual] | None = None,
    ) -> None:
        self.reader, self.known, self.unknown = reader, known, unknown
        self.seen: dict[str, None] = {}

    def term(self, pieces: tuple[Piece, ...]) -> Dual:
        total = Dual(1.0)
        for piece in pieces:
            total = self._times(total, self.piece(piece))
        return total

    def piece(self, piece: Piece) -> Dual:
        if piece.key in self.known:
            return self.known[piece.key]
        if isinstance(piece, Level):
            if piece.base in self.known:
                if piece.coding not in ("", "T"):
                    raise ResultError(
                        f"{piece.base}[{piece.coding}.{piece.level}] is not a dummy of one level; "
                        "fit with treatment coding to read effects by level."
                    )
                levels = np.asarray(self.known[piece.base].value, dtype=object)
                return Dual((levels.astype(str) == piece.level).astype(float))
            return self._atom(piece.base)
        if piece.tree is None:
            return self._atom(piece.key)
        return self.visit(piece.tree)

    def visit(self, node: ast.expr) -> Dual:
        text = self.reader.text(node)
        if text in self.known:
            return self.known[text]
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return Dual(float(node.value))
        if isinstance(node, ast.Name) or is_shift(node):
            return self._atom(text)
        try:
            return self._inner(node)
        except NotDifferentiable:
            if any(self._holds(child) for child in ast.iter_child_nodes(node)):
                raise ResultError(
                    f"{text!r} cannot be differentiated; use arithmetic and "
                    f"{', '.join(sorted(_FUNCTIONS))}."
                ) from None
            return self._atom(text)

    def _holds(self, node: ast.AST) -> bool:
        if isinstance(node, ast.expr) and self.reader.text(node) in self.known:
            return True
        return any(self._holds(child) for child in ast.iter_child_nodes(node))

    def _inner(self, node: ast.expr) -> Dual:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = self.visit(node.operand)
            if isinstance(node.op, ast.UAdd):
                return inner
            return Dual(-1.0 * inner.value, -1.0 * inner.slope)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Call) and not node.keywords:
            return self._call(node)
        raise NotDifferentiable

    def _binary(self, node: ast.BinOp) -> Dual:
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow):
            raise NotDifferentiable
        a, b = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Add):
            return Dual(a.value + b.value, a.slope + b.slope)
        if isinstance(node.op, ast.Sub):
            return Dual(a.value - b.value, a.slope - b.slope)
        if isinstance(node.op, ast.Mult):
            return self._times(a, b)
        if isinstance(node.op, ast.Div):
            return self._times(a, _power(b, Dual(-1.0)))
        return _power(a, b)

    def _call(self, node: ast.Call) -> Dual:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name == "I" and len(node.args) == 1:
            return self.visit(node.args[0])
        if name in ("power", "pow") and len(node.args) == 2:
            return _power(self.visit(node.args[0]), self.visit(node.args[1]))
        if name in ("maximum", "minimum") and len(node.args) == 2:
            a, b = self.visit(node.args[0]), self.visit(node.args[1])
            self._numeric(a, b)
            first = a.value >= b.value if name == "maximum" else a.value <= b.value
            return Dual(np.where(first, a.value, b.value), np.where(first, a.slope, b.slope))
        if name not in _FUNCTIONS or len(node.args) != 1:
            raise NotDifferentiable
        inner = self.visit(node.args[0])
        self._numeric(inner)
        function, derivative = _FUNCTIONS[name]
        with np.errstate(divide="ignore", invalid="ignore"):
            value = function(inner.value)
            if _is_zero(inner.slope):
                return Dual(value)
            # Where the function is undefined, so is its slope, whatever the formula 1/x says.
            return Dual(
                value, np.where(np.isnan(value), np.nan, derivative(inner.value)) * inner.slope
            )

    @staticmethod
    def _numeric(*duals: Dual) -> None:
        if any(
            isinstance(part, np.polynomial.Polynomial) for d in duals for part in (d.value, d.slope)
        ):
            raise TypeError("a function of a polynomial is no polynomial")

    @staticmethod
    def _times(a: Dual, b: Dual) -> Dual:
        left = 0.0 if _is_zero(a.slope) else a.slope * b.value
        right = 0.0 if _is_zero(b.slope) else a.value * b.slope
        return Dual(a.value * b.value, left + right)

    def _atom(self, key: str) -> Dual:
        self.seen[key] = None
        if self.unknown is None:
            return Dual(1.0)
        return self.unknown(key)


def subexpressions(reader: Reader, pieces: Iterable[Piece]) -> Iterator[str]:
    """Canonical texts of the pieces and of all expressions within them, shifts not entered."""
    for piece in pieces:
        yield piece.key
        if isinstance(piece, Expression) and piece.tree is not None:
            stack: list[ast.AST] = [piece.tree]
            while stack:
                node = stack.pop()
                if isinstance(node, ast.expr):
                    yield reader.text(node)
                if not is_shift(node):
                    stack.extend(ast.iter_child_nodes(node))
