"""Inference from params and cov alone: tests, intervals, combinations of coefficients."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.distributions import t_quantile, t_two_sided
from migdev.kernels.arrays.types import FloatArray
from migdev.results.statistic import TestStatistic, chi2_test, f_test

_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt}
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A function of coefficients with its standard error.

    Attributes
    ----------
    name : str
    estimate, std_error : float
    df : float or None
        Degrees of freedom of the t distribution; None for the normal.
    """

    name: str
    estimate: float
    std_error: float
    df: float | None

    @property
    def statistic(self) -> float:
        return self.estimate / self.std_error if self.std_error > 0 else float("nan")

    @property
    def pvalue(self) -> float:
        return float(t_two_sided(self.statistic, self.df))

    def conf_int(self, level: float = 0.95) -> tuple[float, float]:
        half = float(t_quantile(0.5 + check_level(level) / 2, self.df)) * self.std_error
        return self.estimate - half, self.estimate + half

    def __str__(self) -> str:
        low, high = self.conf_int()
        return (
            f"{self.name} = {self.estimate:.6g} (se {self.std_error:.6g}), t = "
            f"{self.statistic:.3f}, p = {self.pvalue:.4f}, 95% [{low:.6g}, {high:.6g}]"
        )


def check_level(level: float) -> float:
    """A confidence level in (0, 1); 95 is refused rather than read as 0.95."""
    if not 0 < level < 1:
        raise ResultError(f"level={level} is not between 0 and 1; write 0.95 for 95%.")
    return level


def conf_int(params: Any, std_errors: Any, df: Any, level: float = 0.95) -> pd.DataFrame:
    """Intervals with columns ``lower`` and ``upper``."""
    half = t_quantile(0.5 + check_level(level) / 2, df) * std_errors
    return pd.DataFrame({"lower": params - half, "upper": params + half})


def tidy_columns(
    estimate: FloatArray, std_error: FloatArray, df: Any, level: float, name: str = "estimate"
) -> dict[str, FloatArray]:
    """Estimates with their inference, under broom's names of columns."""
    half = t_quantile(0.5 + check_level(level) / 2, df) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / std_error
    return {
        name: estimate, "std_error": std_error, "statistic": statistic,
        "p_value": t_two_sided(statistic, df), "conf_low": estimate - half,
        "conf_high": estimate + half,
    }  # fmt: skip


def restriction_matrix(
    restrictions: Any, names: Sequence[str]
) -> tuple[FloatArray, FloatArray, list[str]]:
    """``R`` (q, k), ``r`` (q,) and labels of linear restrictions ``R b = r``.

    ``restrictions`` may be a matrix with a column per coefficient, a name, an equation such as
    ``"L(x) + 2*z = 1"``, or a list of names and equations; a name alone means "= 0".
    """
    k = len(names)
    if isinstance(restrictions, str):
        restrictions = [p.strip() for p in split_outside(restrictions, ",") if p.strip()]
    if not len(restrictions):
        raise ResultError(
            f"No restriction was given. Name some, such as {f'{names[0]} = 0'!r}, of the "
            f"coefficients {listing(names, 12)}."
        )
    if all(isinstance(item, str) for item in restrictions):
        rows = [_linear(item, names) for item in restrictions]
        R = np.array([row for row, _ in rows]).reshape(-1, k)
        r = np.array([value for _, value in rows])
        return R, r, [item if "=" in item else f"{item} = 0" for item in restrictions]
    R = np.atleast_2d(np.asarray(restrictions, dtype=float))
    if R.shape[1] != k:
        raise ResultError(
            f"The restriction matrix has {R.shape[1]} columns, but there are {k} coefficients: "
            f"{listing(names)}."
        )
    return R, np.zeros(len(R)), [f"restriction {i + 1} = 0" for i in range(len(R))]


def split_outside(text: str, mark: str) -> list[str]:
    """Split at a mark outside brackets, as ``a:L(b):c[T.x:y]`` at colons."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == mark and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _linear(text: str, names: Sequence[str]) -> tuple[FloatArray, float]:
    left, _, right = _mask(text, names).partition("=")
    if "=" in right:
        raise ResultError(f"{text!r} has more than one equals sign.")
    function = _compiled(f"({left}) - ({right or '0'})", text, names)
    zero, eye = np.zeros(len(names)), np.eye(len(names))
    # A linear function is fixed by these values; a non-linear one betrays itself elsewhere.
    probe = np.linspace(1.7, 2.9, len(names))
    with np.errstate(all="ignore"):
        constant = float(function(zero))
        row = np.array([function(e) for e in eye], dtype=float) - constant
        linear = np.isclose(function(probe), row @ probe + constant, rtol=1e-9, atol=1e-9)
    if not linear:
        raise ResultError(f"{text!r} is not linear in the coefficients; use delta().")
    return row, -constant


def _mask(text: str, names: Sequence[str]) -> str:
    """Replace coefficient names, longest first, by ``_b0``, ``_b1``, ..."""
    order = sorted(range(len(names)), key=lambda i: -len(names[i]))
    patterns = (_pattern(names[i]) for i in order)
    pattern = "|".join(rf"(`{p}`|(?<![\w.]){p}(?![\w.(]))" for p in patterns)
    return re.sub(pattern, lambda m: f"_b{order[(m.lastindex or 1) - 1]}", text)


def _pattern(name: str) -> str:
    """A name as a pattern in which spaces beside punctuation are optional: ``L(x, 2)``."""
    parts = re.split(r"(\s+)", name)
    for i in range(1, len(parts), 2):
        beside = parts[i - 1][-1:] + parts[i + 1][:1]
        parts[i] = r"\s+" if re.fullmatch(r"\w\w", beside) else r"\s*"
        parts[i - 1] = re.escape(parts[i - 1])
    parts[-1] = re.escape(parts[-1])
    return "".join(parts)


def _compiled(masked: str, text: str, names: Sequence[str]) -> Callable[[Any], Any]:
    """An expression as a function of the coefficient vector, real or complex."""
    try:
        tree = ast.parse(masked.strip(), mode="eval").body
        known = {f"_b{i}": i for i in range(len(names))}
        _check(tree, text, names, known)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, ResultError):
            raise
        raise ResultError(f"{text!r} cannot be read as an expression of coefficients.") from None

    def function(b: Any) -> Any:
        with np.errstate(all="ignore"):
            return _value(tree, b, known)

    return function


def _check(node: ast.expr, text: str, names: Sequence[str], known: Mapping[str, int]) -> None:
    """Refuse all but arithmetic of coefficients and numbers, and calls of :data:`_FUNCTIONS`."""
    if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) not in known:
        name = ast.unparse(node)
        raise ResultError(
            f"{text!r} names {name!r}, which is not a coefficient.{suggestion(name, names)} "
            f"Coefficients: {listing(names, 12)}."
        )
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        inner = [node.left, node.right]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = [node.operand]
    elif isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        if not (isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS):
            raise ResultError(
                f"{text!r} calls {ast.unparse(node.func)}(), which is not a coefficient; functions "
                f"are {', '.join(_FUNCTIONS)}."
            )
        inner = node.args
    elif isinstance(node, ast.Name) or (
        isinstance(node, ast.Constant) and type(node.value) in (int, float)
    ):
        inner = []
    else:
        raise ResultError(
            f"{text!r} cannot be read as an expression of coefficients: {ast.unparse(node)!r} is "
            f"neither arithmetic nor one of {', '.join(_FUNCTIONS)}."
        )
    for child in inner:
        _check(child, text, names, known)


def _value(node: Any, b: Any, known: Mapping[str, int]) -> Any:
    if isinstance(node, ast.Name):
        return b[known[node.id]]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return np.float64(node.value)  # powers of floats overflow to infinity, at once
    if isinstance(node, ast.BinOp):
        sides = (_value(side, b, known) for side in (node.left, node.right))
        return _OPERATORS[type(node.op)](*sides)
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, b, known)
        return -inner if isinstance(node.op, ast.USub) else inner
    return _FUNCTIONS[node.func.id](_value(node.args[0], b, known))


def wald_test(
    params: FloatArray, cov: FloatArray, R: FloatArray, r: FloatArray, df: float | None, null: str
) -> TestStatistic:
    r"""Wald test of :math:`R\beta = r`.

    .. math:: W = (R\hat\beta - r)'(R \hat V R')^{-1}(R\hat\beta - r)

    With a t distribution behind the coefficients, :math:`W/q \sim F(q, df)`; else chi2(q).
    """
    gap = R @ params - r
    used = np.flatnonzero(R.any(axis=0))
    middle = R[:, used] @ cov[np.ix_(used, used)] @ R[:, used].T
    if np.isnan(middle).any() and np.isfinite(np.diagonal(cov)[used]).all():
        raise ResultError(
            "The test needs covariances between coefficients, which this result does not hold: it "
            "was read from printed standard errors. Test one coefficient at a time, or give cov=."
        )
    scale = np.sqrt(np.maximum(np.diagonal(middle), 0.0))  # units must not decide on the rank
    scale[scale == 0] = 1.0
    rank = int(np.linalg.matrix_rank(middle / np.outer(scale, scale), hermitian=True, tol=1e-12))
    if rank < len(R):
        raise ResultError(
            f"The {len(R)} restrictions have a covariance of rank {rank}: some repeat others, or "
            "there are more of them than clusters. Test fewer."
        )
    gap = gap / scale
    statistic = float(gap @ np.linalg.solve(middle / np.outer(scale, scale), gap))
    q = len(R)
    if df is None or np.isinf(df):
        return chi2_test("Wald", null, statistic, q)
    return f_test("Wald", null, statistic / q, q, df)


def standard_error(cov: FloatArray, slope: FloatArray) -> float:
    r"""Standard error :math:`\sqrt{a'Va}` of a combination a, from the coefficients that it uses.

    Raises
    ------
    ResultError
        A covariance that it needs is missing, as in results read from print.
    """
    used = np.flatnonzero(slope)
    variance = slope[used] @ cov[np.ix_(used, used)] @ slope[used]
    if np.isnan(variance) and np.isfinite(np.diagonal(cov)[used]).all():
        raise ResultError(
            "The combination needs the covariance between coefficients, which this result does not "
            "hold: it was read from printed standard errors. Take one coefficient, or give cov=."
        )
    return float(np.sqrt(variance))


def gradient(function: Callable[[FloatArray], Any], at: FloatArray) -> FloatArray:
    """Derivative of a scalar function: exact complex steps, or central differences where the
    function does not take complex numbers."""
    k = len(at)
    try:
        steps = at[None, :] + 1e-200j * np.eye(k)
        slopes = np.array([np.imag(function(step)) for step in steps]) / 1e-200
        if np.isfinite(slopes).all() and np.iscomplexobj(function(steps[0])):
            return slopes
    except (TypeError, ValueError):
        pass
    h = np.cbrt(np.finfo(float).eps) * np.maximum(np.abs(at), 1e-3)
    up, down = at + np.diag(h), at - np.diag(h)
    return np.array(
        [(float(function(a)) - float(function(b))) / (2 * s) for a, b, s in zip(up, down, h,
                                                                                strict=True)]
    )  # fmt: skip


def delta_function(
    function: str | Callable[[pd.Series], Any], names: Sequence[str]
) -> tuple[Callable[[FloatArray], Any], str]:
    """A function of the coefficient vector, from an expression or a callable of a Series."""
    if isinstance(function, str):
        return _compiled(_mask(function, names), function, names), function
    return (
        lambda b: function(pd.Series(b, index=list(names))),
        getattr(function, "__name__", "function"),
    )
