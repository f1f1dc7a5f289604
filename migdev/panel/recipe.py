"""How the columns of a design were made, so that other data give the same columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from migdev.errors import FormulaError
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.panel.expressions.functions import registered
from migdev.panel.expressions.grammar import read
from migdev.panel.formula import Parsed, variables
from migdev.panel.model_matrix import ModelMatrix, require_data
from migdev.protocols import Data


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """Columns made by a recipe.

    Attributes
    ----------
    X : (n, k)
        NaN where a variable is missing or a level was not seen in the fit; no values at all for
        :attr:`unknown` columns.
    unknown : (k,)
        Columns that are not of the formula (time dummies, means, trends).
    unseen : mapping from factor to levels
        Levels that the fit did not see.
    """

    X: FloatArray
    unknown: BoolArray
    unseen: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recipe:
    """What a design remembers of its formula.

    Attributes
    ----------
    formula : str
    parsed : Parsed
    specs : mapping
        formulaic's ModelSpec of each side with factors or functions: levels, knots, means.
    constant : bool
        An intercept stands first.
    weights : str, optional
    """

    formula: str
    parsed: Parsed
    specs: Mapping[str, Any]
    constant: bool
    weights: str | None

    def columns(self, data: Data, names: Sequence[str], like: Data) -> Made:
        """Columns of the regressors and instruments called ``names``, in that order.

        Parameters
        ----------
        data : Data
            Where the columns are evaluated; lags are taken from it too.
        like : Data
            What the design was built from.

        Raises
        ------
        FormulaError
            A column that is absent or of another kind than in the fit, or a registered
            function, which may look at other rows, on other data than those of the fit.
        """
        require_data(data)
        found: dict[str, FloatArray] = {}
        unseen: dict[str, tuple[str, ...]] = {}
        for side in ("exog", "endog", "instruments"):
            terms = getattr(self.parsed, side)
            if terms is None or (side == "instruments" and found.keys() >= set(names)):
                continue
            if data is not like:
                _refuse_other_kinds(self.formula, terms, data, like)
            matrix = ModelMatrix(self.parsed, data, self.specs, [terms])
            values, own = matrix.side(terms, constant=self.constant and side == "exog")
            found |= dict(zip(own, values.T, strict=True))
            unseen |= matrix.unseen
        X = np.full((len(data), len(names)), np.nan)
        for j, name in enumerate(names):
            if name in found:
                X[:, j] = found[name]
        unknown = np.array([name not in found for name in names], dtype=bool)
        return Made(X=X, unknown=unknown, unseen=unseen)


def _refuse_other_kinds(formula: str, terms: Any, data: Data, like: Data) -> None:
    """Refuse text where the fit had numbers, and expressions that look at other rows."""
    for name in variables(terms):
        if name not in data.columns or name not in like.columns or data[name].isna().all():
            continue
        now, then = data.numbers(name) is not None, like.numbers(name) is not None
        if now != then:
            raise FormulaError(
                f"{name!r} holds {'numbers' if now else 'text or truth values'}, but "
                f"{'numbers' if then else 'text or truth values'} in the data of the fit."
            )
    for term in terms:
        for factor in term.factors:
            call = _looks_around(factor)
            if call:
                raise FormulaError(
                    f"{formula!r}: {factor.expr!r} may depend on other rows by {call}, "
                    "which would have another value in other data. Make the column in the panel "
                    "first, or use center(x) or scale(x), which are remembered."
                )


def _looks_around(factor: Any) -> str:
    """The first call in a factor that is not known to work row by row: a function of the user's."""
    if not str(factor.eval_method).endswith("PYTHON"):
        return ""
    return next((f"{name}()" for name in read(factor.expr).calls if registered(name)), "")
