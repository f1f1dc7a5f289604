"""The functions of expressions: those that are listed here, and those that a user registers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic.transforms import (
    basis_spline,
    cyclic_cubic_spline,
    natural_cubic_spline,
    poly,
)

from migdev.errors import FormulaError, listing
from migdev.kernels.arrays.types import AnyArray, BoolArray


@dataclass(frozen=True, slots=True)
class ByRow:
    """A function whose value in a row depends on that row alone.

    Attributes
    ----------
    apply : callable of arrays (n,) and numbers
    takes : str
        A letter per argument: ``n`` numbers, ``t`` a condition, ``a`` any column.
    least : int
        Arguments that must be given.
    names : tuple of str
        Arguments that may be given by name, the last ones.
    missing : bool
        It says itself what becomes of missing values.
    """

    apply: Callable[..., Any]
    takes: str
    least: int
    names: tuple[str, ...] = ()
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Remembering:
    """A function of all rows that keeps what it computed of them (means, knots), so that other data
    are transformed as those of the fit.

    Attributes
    ----------
    apply : callable of an array, options and ``_state``
    options : tuple of str
        Numbers and words, by place or by name.
    columns : bool
        It makes several columns, so that it stands alone as a factor.
    """

    apply: Callable[..., Any]
    options: tuple[str, ...] = ()
    columns: bool = False


def _isna(x: Any) -> BoolArray:
    return np.asarray(pd.isna(x))


def _notna(x: Any) -> BoolArray:
    return ~_isna(x)


def _fillna(x: AnyArray, value: Any) -> AnyArray:
    return np.where(np.isnan(x), value, x)


def _clip(x: AnyArray, lower: Any = None, upper: Any = None) -> AnyArray:
    if lower is None and upper is None:
        return x
    clipped: AnyArray = np.clip(x, lower, upper)
    return clipped


def _round(x: AnyArray, decimals: Any = 0) -> AnyArray:
    rounded: AnyArray = np.round(x, int(decimals))
    return rounded


def center(x: AnyArray, *, _state: dict[str, float]) -> AnyArray:
    """Values less the mean of those that are known, among all rows."""
    if not _state:
        _state["mean"] = float(np.nanmean(x))
    return x - _state["mean"]


def scale(
    x: AnyArray,
    center: bool = True,
    scale: bool = True,
    ddof: int = 1,
    *,
    _state: dict[str, float],
) -> AnyArray:
    """Centred values over their standard deviation (n - ddof), both of those that are known."""
    if not _state:
        _state["mean"] = float(np.nanmean(x))
        _state["deviation"] = float(np.nanstd(x, ddof=ddof))
    moved = x - _state["mean"] if center else x
    return moved / _state["deviation"] if scale else moved


def standardize(
    x: AnyArray,
    center: bool = True,
    rescale: bool = True,
    ddof: int = 0,
    *,
    _state: dict[str, float],
) -> AnyArray:
    """:func:`scale` with the deviation of the rows themselves (``ddof=0``)."""
    return scale(x, center, rescale, ddof, _state=_state)


_UFUNCS = (
    "log", "log1p", "log10", "log2", "exp", "exp2", "expm1", "sqrt", "cbrt", "square", "abs",
    "sign", "floor", "ceil", "trunc", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh",
    "arcsinh", "arccosh", "arctanh", "minimum", "maximum", "power",
)  # fmt: skip
#: Functions by row, with and without ``np.`` where numpy has them.
BY_ROW: Mapping[str, ByRow] = {
    **{name: ByRow(getattr(np, name), "n" * (n := getattr(np, name).nin), n) for name in _UFUNCS},
    "asinh": ByRow(np.arcsinh, "n", 1),
    "fmin": ByRow(np.fmin, "nn", 2, missing=True),
    "fmax": ByRow(np.fmax, "nn", 2, missing=True),
    "round": ByRow(_round, "nn", 1, ("decimals",)),
    "clip": ByRow(_clip, "nnn", 1, ("lower", "upper")),
    "where": ByRow(np.where, "tnn", 3),
    "ifelse": ByRow(np.where, "tnn", 3),
    "isfinite": ByRow(np.isfinite, "n", 1, missing=True),
    "isinf": ByRow(np.isinf, "n", 1),
    "isnan": ByRow(_isna, "a", 1, missing=True),
    "isna": ByRow(_isna, "a", 1, missing=True),
    "isnull": ByRow(_isna, "a", 1, missing=True),
    "notna": ByRow(_notna, "a", 1, missing=True),
    "notnull": ByRow(_notna, "a", 1, missing=True),
    "fillna": ByRow(_fillna, "nn", 2, missing=True),
    "logical_and": ByRow(np.logical_and, "tt", 2),
    "logical_or": ByRow(np.logical_or, "tt", 2),
    "logical_not": ByRow(np.logical_not, "t", 1),
}
_SPLINE = ("df", "knots", "lower_bound", "upper_bound", "constraints", "extrapolation")
#: Functions that remember the data of the fit.
REMEMBERING: Mapping[str, Remembering] = {
    "center": Remembering(center),
    "scale": Remembering(scale, ("center", "scale", "ddof")),
    "standardize": Remembering(standardize, ("center", "rescale", "ddof")),
    "poly": Remembering(poly, ("degree", "raw"), columns=True),
    "bs": Remembering(
        basis_spline,
        ("df", "knots", "degree", "include_intercept", "lower_bound", "upper_bound",
         "extrapolation"),
        columns=True,
    ),
    "cr": Remembering(natural_cubic_spline, _SPLINE, columns=True),
    "cs": Remembering(natural_cubic_spline, _SPLINE, columns=True),
    "cc": Remembering(cyclic_cubic_spline, _SPLINE, columns=True),
}  # fmt: skip
#: Shifts by entity and time value.
SHIFTS = ("L", "F", "D")
_WORDS = {*SHIFTS, "I", "C", "Q", "lag", "np", "numpy", "contr", "Treatment", "Sum", "Helmert",
          "Diff", "Poly"}  # fmt: skip

_registered: dict[str, Callable[..., Any]] = {}


def formula_functions(**functions: Callable[..., Any]) -> Mapping[str, Callable[..., Any]]:
    """Let formulas and ``panel.where`` call functions of your own; gives all that are registered.

    A function takes arrays (n,) of floats, missing as NaN, and numbers, and returns (n,) numbers or
    truth values. Formulas call nothing else of yours, and a package that calls one registers it by
    its module before it runs.

    Parameters
    ----------
    **functions : callable
        By the name that formulas call them by; a name given again takes the new function.

    Raises
    ------
    FormulaError
        What is no function, or a name that means something in formulas already.

    Examples
    --------
    >>> import migdev as md
    >>> from my_functions import share
    >>> md.formula_functions(share=share)
    >>> md.PooledOLS("growth ~ share(remit, aid)")
    """
    taken = sorted(({*BY_ROW, *REMEMBERING} | _WORDS).intersection(functions))
    if taken:
        raise FormulaError(
            f"{listing(taken)} mean something in formulas already. Register your functions under "
            "other names."
        )
    for name, function in functions.items():
        if not callable(function):
            raise FormulaError(
                f"formula_functions({name}=) needs a function, not {type(function).__name__}."
            )
    _registered.update(functions)
    return dict(_registered)


def registered(name: str) -> Callable[..., Any] | None:
    """The function that a user registered under a name."""
    return _registered.get(name)


def registered_in(text: str) -> dict[str, Callable[..., Any]]:
    """The functions of users that a text calls: of a specification as JSON or as source."""
    return {
        name: function
        for name, function in sorted(_registered.items())
        if re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", text)
    }


def known_names() -> list[str]:
    """Every function that an expression may call."""
    return sorted({*SHIFTS, "I", "C", *BY_ROW, *REMEMBERING, *_registered})
