"""Formulas as text and as terms: read once, by formulaic."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from formulaic import Formula, SimpleFormula
from formulaic.errors import FormulaicError
from formulaic.parser import DefaultFormulaParser
from formulaic.parser.algos.tokenize import tokenize
from formulaic.parser.types import ASTNode, Factor, Term, Token

from migdev.errors import FormulaError
from migdev.panel.expressions.functions import SHIFTS
from migdev.panel.expressions.grammar import check_size, read
from migdev.panel.expressions.literals import literal
from migdev.panel.expressions.refusals import called_name
from migdev.panel.notations import as_here

#: Terms that the crossings of a formula may make.
TERMS = 5_000
_EFFECT = re.compile(r"[^\W\d][\w.]*(?:\s*\^\s*[^\W\d][\w.]*)*")
_DOTTED = re.compile(r"(?<![`\w.])[A-Za-z_]\w*(?:\.\w+)+(?![\w.(`])")
_QUOTED = re.compile(r"`[^`]*`")
_QUOTES = re.compile(r"""('[^']*'|"[^"]*"|`[^`]*`)""")
_CALL = re.compile(r"[A-Za-z_][\w.]*\([^()]*\)|\{[^{}]*\}")
_POWER = re.compile(r"([^\W\d][\w.]*)\s*(?:\*\*|\^)\s*\d")


@dataclass(frozen=True, slots=True)
class Parsed:
    """``dependent ~ exog + [endog ~ instruments]`` as formulaic terms.

    ``exog`` keeps the intercept apart: ``intercept`` says whether the formula has one.
    """

    text: str
    dependent: Any
    exog: Any
    endog: Any | None
    instruments: Any | None
    intercept: bool

    @property
    def sides(self) -> tuple[Any, ...]:
        return tuple(
            side
            for side in (self.dependent, self.exog, self.endog, self.instruments)
            if side is not None
        )


def variables(terms: Iterable[Any]) -> list[str]:
    """Columns that the terms name, in order."""
    names: dict[str, None] = {}
    for term in terms:
        for factor in term.factors:
            names |= dict.fromkeys(_factor_names(factor.expr, str(factor.eval_method)))
    return list(names)


def _factor_names(expr: str, method: str) -> tuple[str, ...]:
    if method.endswith("LOOKUP"):
        return (expr,)
    return read(expr).columns if method.endswith("PYTHON") else ()


def quote_columns(text: str, columns: Iterable[str]) -> str:
    """Put backticks around column names with dots (``NY.GDP.PCAP.KD``), as Python would read
    them as attributes."""
    if "." not in text:
        return text
    check_size(text)
    known, parts = set(columns), _QUOTES.split(text)
    parts[::2] = [
        _DOTTED.sub(lambda m: f"`{m[0]}`" if m[0] in known else m[0], part) for part in parts[::2]
    ]
    return "".join(parts)


def split_effects(text: str) -> tuple[str, tuple[str, ...] | None]:
    """``y ~ x | iso3 + year`` as the formula and its effects, None where no bar stands outside
    parentheses.

    Raises
    ------
    FormulaError
        A second bar or tilde, or what is no name.
    """
    formula, *named = _at_bars(text)
    if not named:
        return text, None
    if len(named) > 1 or "~" in named[0]:
        raise FormulaError(
            f"{text!r} has more than effects behind the bar. Instruments stand in brackets: "
            "'y ~ x + [endogenous ~ instruments] | iso3 + year'."
        )
    names = [name.strip() for name in named[0].replace("`", "").split("+")]
    if names == ["0"]:
        return formula.strip(), ()
    strange = [name for name in names if not _EFFECT.fullmatch(name)]
    if strange:
        raise FormulaError(
            f"{text!r}: {strange[0]!r} is no effect. Behind the bar stand names and products of "
            "names, such as 'iso3 + year' or 'iso3 + region^year'."
        )
    return formula.strip(), tuple(re.sub(r"\s", "", name) for name in names)


def _at_bars(text: str) -> list[str]:
    """The text between bars that stand outside parentheses, brackets and backticks."""
    depth, quoted, parts = 0, False, [""]
    for char in text:
        quoted ^= char == "`"
        if not quoted:
            depth += (char in "([{") - (char in ")]}")
        if char == "|" and not quoted and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def argument(factor: Factor) -> str:
    """A factor as text that Python reads, so that it can be put into ``L(.)``."""
    if str(factor.eval_method).endswith("LOOKUP") and not factor.expr.isidentifier():
        return f"`{factor.expr}`"
    return str(factor.expr)


def one_term(text: str) -> str:
    """An expression as text that a formula reads as one term: ``x / z`` in braces."""
    return text if isinstance(read(text).body, ast.Name | ast.Call) else f"{{{text}}}"


@lru_cache(maxsize=512)
def parse(text: str) -> Parsed:
    """Read a formula.

    Raises
    ------
    FormulaError
        No dependent variable, unbalanced brackets, an expression outside the grammar, more terms
        than are read, or text that formulaic cannot read.
    """
    check_size(text)
    if split_effects(text)[1] is not None:
        raise FormulaError(
            f"{text!r} names effects behind a bar; only estimators with effects= read them there."
        )
    if (here := as_here(text)) != text:
        raise FormulaError(f"{text!r} is in the notation of another program; write {here!r}.")
    body, bracket = _split_bracket(text)
    parts = body.split("~")
    if len(parts) != 2 or not parts[0].strip():
        raise FormulaError(
            f"A formula reads 'dependent ~ regressors', with at most one [endogenous ~ "
            f"instruments]; {text!r} does not."
        )
    dependent = _terms(parts[0], text, intercept=False)
    if len(dependent) != 1:
        raise FormulaError(f"{text!r} has {len(dependent)} dependent variables; give one.")
    exog = _terms(parts[1], text, intercept=True)
    endog = instruments = None
    if bracket is not None:
        sides = bracket.split("~")
        if len(sides) != 2 or not sides[0].strip() or not sides[1].strip():
            raise FormulaError(
                f"Brackets hold [endogenous ~ instruments]; [{bracket}] in {text!r} does not."
            )
        endog = _terms(sides[0], text, intercept=False)
        instruments = _terms(sides[1], text, intercept=False)
        exog = SimpleFormula([t for t in exog if t not in endog])
        instruments = SimpleFormula([t for t in instruments if t not in exog])
        if not len(instruments):
            raise FormulaError(
                f"Every instrument in [{bracket}] is also a regressor outside the brackets; at "
                "least one must be excluded from the equation."
            )
    intercept = any(_is_one(term) for term in exog)
    exog = SimpleFormula([t for t in exog if not _is_one(t)])
    return Parsed(text, dependent, exog, endog, instruments, intercept)


def _split_bracket(text: str) -> tuple[str, str | None]:
    """Take the one bracket that stands outside parentheses and backticks out of the text."""
    depth, quoted, start, spans = 0, False, None, []
    for i, char in enumerate(text):
        if char == "`":
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "[" and depth == 0:
            start = i
        elif char == "]" and depth == 0:
            if start is None:
                raise FormulaError(f"{text!r} closes a bracket that was never opened.")
            spans.append((start, i))
            start = None
    if start is not None or depth != 0 or quoted:
        raise FormulaError(f"{text!r} has a bracket, parenthesis or backtick that never closes.")
    if len(spans) > 1:
        raise FormulaError(
            f"{text!r} has {len(spans)} brackets; put all endogenous variables and instruments in "
            "one: [a + b ~ z1 + z2]."
        )
    if not spans:
        return text, None
    first, last = spans[0]
    before = re.sub(r"\+\s*$", "", text[:first].rstrip())
    after = text[last + 1 :].strip()
    body = f"{before} {after}" if after else before
    return (f"{body} 1" if body.rstrip().endswith("~") else body), text[first + 1 : last]


def _refuse_lost_powers(side: str, text: str) -> None:
    """In formulas ``x**2`` is x crossed with x, that is x: the square would be lost in silence."""
    masked, found = _QUOTED.sub("quoted", side), 1
    while found:
        masked, found = _CALL.subn("called", masked)
    power = _POWER.search(masked)
    if power:
        shown = f"{power[1]!r} to a power" if power[1] not in ("quoted", "called") else "a power"
        raise FormulaError(
            f"{text!r} has {shown}, which a formula reads as a product of terms with themselves, "
            "so it would change nothing. Write I(x**2)."
        )


def _terms(side: str, text: str, *, intercept: bool) -> SimpleFormula:
    _refuse_lost_powers(side, text)
    side = side.strip() or "1"
    try:
        for token in tokenize(side):  # before formulaic looks at any of it
            if token.kind is Token.Kind.PYTHON:
                read(token.token)
        crossed = any(operator in side for operator in ("*", "^", ":", "/", "%"))
        if crossed and _count(DefaultFormulaParser().get_ast(side)) > TERMS:
            raise FormulaError(
                f"{text[:200]!r} crosses its terms into more than {TERMS:,}. Name the products "
                "that you need: a:b."
            )
        formula = _summed(side)
    except FormulaicError as error:
        raise FormulaError(f"{text!r} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(formula, SimpleFormula):
        raise FormulaError(
            f"{text!r} cannot be read: {side.strip()!r} is not a plain sum of terms."
        )
    terms = [t for term in formula for t in _expand(term) if intercept or not _is_one(t)]
    return SimpleFormula(list(dict.fromkeys(terms)))


@lru_cache(maxsize=512)
def _summed(side: str) -> Any:
    """formulaic's reading of a side; many equations share their regressors."""
    return Formula(side)


def _expand(term: Term) -> Iterator[Term]:
    """``L(x, [1, 2])`` becomes the two terms ``L(x, 1)`` and ``L(x, 2)``."""
    choices = [[*_expand_factor(factor)] for factor in term.factors]
    for factors in itertools.product(*choices):
        yield Term(list(factors))


def _expand_factor(factor: Factor) -> Iterator[Factor]:
    if not str(factor.eval_method).endswith("PYTHON") or "[" not in factor.expr:
        yield factor
        return
    call = read(factor.expr).body
    if not isinstance(call, ast.Call) or called_name(call) not in SHIFTS:
        yield factor
        return
    shift = call.args[1:2]
    if not (shift and isinstance(shift[0], ast.List)):
        yield factor
        return
    inner = factor.expr[factor.expr.index("(") + 1 : factor.expr.rindex("[")]
    for k in literal(shift[0], factor.expr):
        yield Factor(f"{called_name(call)}({inner}{k})", eval_method="python")


def _count(node: Any) -> int:
    """Terms that a formula makes at most, counted without making them."""
    if not isinstance(node, ASTNode):
        return 1
    counts = [_count(child) for child in node.args]
    symbol = node.operator.symbol
    if symbol == "**" or symbol == "^":
        power = str(node.args[1])
        return min(counts[0] ** min(int(power), 50), 2 * TERMS) if power.isdecimal() else 1
    if len(counts) == 2 and symbol in ("*", ":", "/", "%in%"):
        product = counts[0] * counts[1]
        return min(product if symbol == ":" else product + sum(counts), 2 * TERMS)
    return min(sum(counts), 2 * TERMS)


def _is_one(term: Term) -> bool:
    return str(term) == "1"
