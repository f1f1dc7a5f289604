"""The columns of a formula: its sides evaluated on the rows of the data."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from inspect import getattr_static
from typing import Any

import numpy as np
import pandas as pd
from formulaic.errors import FactorEvaluationError, FormulaicError
from formulaic.materializers import PandasMaterializer
from interface_meta import override

from migdev.errors import (
    FormulaError,
    IdentificationError,
    MigdevError,
    PanelError,
    listing,
    suggestion,
)
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.notes import quiet
from migdev.panel.expressions.evaluate import BY_TIME, Evaluator
from migdev.panel.expressions.text_numbers import refuse_numbers_as_text
from migdev.panel.expressions.undefined import undefined
from migdev.panel.formula import Parsed, variables
from migdev.protocols import Data

_SHIFT = re.compile(r"([LFD])\((\w+)(?:, ?(-?\d+))?\)")
_INSIDE_C = re.compile(r"^C\(\s*(`[^`]+`|\w+)\s*(?:,.*)?\)$")


class ModelMatrix:
    """Evaluates the sides of a formula on data.

    Parameters
    ----------
    specs : mapping, optional
        What an earlier evaluation of the formula left in :attr:`specs`: sides with factors or
        functions are coded as there.
    sides : sequence, optional
        The sides that will be asked for; by default all.

    Attributes
    ----------
    specs : mapping from side to ModelSpec
    unseen : mapping from factor to levels
        Levels that ``specs`` does not know; their rows are missing.
    """

    def __init__(
        self,
        parsed: Parsed,
        data: Data,
        specs: Mapping[str, Any] | None = None,
        sides: Sequence[Any] | None = None,
    ) -> None:
        self.text, self.data, self.intercept = parsed.text, data, parsed.intercept
        self.specs: dict[str, Any] = {}
        self.unseen: dict[str, tuple[str, ...]] = {}
        self._known = specs
        self._lacking: dict[str, str] = {}
        used: dict[str, None] = {}
        for side in parsed.sides if sides is None else sides:
            used |= dict.fromkeys(variables(side))
        for name in used:
            if name not in data.columns:
                raise FormulaError(
                    f"{parsed.text!r} names {name!r}, which the panel does not hold."
                    f"{suggestion(name, data.columns)} Columns: {listing(data.columns, 12)}."
                )
            if specs is None:
                self._check_column(name)
        self.columns = list(used)

    def side(
        self, terms: Any | None, *, constant: bool = False
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """Columns (n, k) of a side and their names, the intercept first."""
        n = len(self.data)
        if terms is None:
            return np.empty((n, 0)), ()
        if self._known is None:
            plain = all(self._is_plain(f) for term in terms for f in term.factors)
        else:
            plain = str(terms) not in self._known
        values, names = self._plain(terms) if plain else self._full(terms)
        if not constant:
            return values, names
        if "Intercept" in names:
            raise FormulaError(
                f"{self.text!r} has an intercept and names a column 'Intercept': two coefficients "
                "of one name. Rename the column, or leave the intercept out with 0 +."
            )
        return np.column_stack([np.ones(n), values]), ("Intercept", *names)

    def lacking(self, names: Sequence[str]) -> list[str]:
        """What is missing where a column has no value: the variable behind dummies."""
        return [self._lacking.get(name, name) for name in names]

    def _is_plain(self, factor: Any) -> bool:
        """A numeric column, or a shift of one such as ``L(x, 2)``."""
        shifted = _SHIFT.fullmatch(factor.expr)
        name = shifted[2] if shifted else factor.expr
        return name in self.columns and self.data.numbers(name) is not None

    def _plain(self, terms: Any) -> tuple[FloatArray, tuple[str, ...]]:
        """Sums of products of numeric columns and their shifts need no materialiser."""
        names = tuple(_clean(str(term)) for term in terms)
        if len(terms) == 1 and len(terms[0].factors) == 1:
            # One column is read where it lies; the data's arrays are read-only.
            return self._column(terms[0].factors[0].expr)[:, None], names
        values = np.empty((len(self.data), len(terms)), order="F")
        for j, term in enumerate(terms):
            first, *others = term.factors
            values[:, j] = self._column(first.expr)
            for other in others:
                values[:, j] *= self._column(other.expr)
        return values, names

    def _column(self, expr: str) -> FloatArray:
        shifted = _SHIFT.fullmatch(expr)
        if shifted is None:
            return self._numbers(expr)
        operator, name, k = shifted.groups()
        return BY_TIME[operator](self.data, self._numbers(name), int(k or 1))

    def _numbers(self, name: str) -> FloatArray:
        values = self.data.numbers(name)
        assert values is not None
        return values

    def _full(self, terms: Any) -> tuple[FloatArray, tuple[str, ...]]:
        """Factors, contrasts and functions: formulaic's model matrix.

        Factors lose their base level where the formula has an intercept, also when the effects
        absorb it afterwards; ``0 + factor`` keeps every level.
        """
        try:
            with np.errstate(all="ignore"):  # undefined values become missing, and are reported
                matrix, unseen = self._materialise(terms)
            values = np.array(matrix.to_numpy(dtype=float, na_value=np.nan), order="F")
        except FactorEvaluationError as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, MigdevError):
                raise cause from None
            raise FormulaError(f"{self.text!r}: {_first_line(error)}") from error
        except FormulaicError as error:
            raise FormulaError(f"{self.text!r}: {_first_line(error)}") from error
        except (TypeError, ValueError) as error:
            raise FormulaError(
                f"{self.text!r} has a term that is neither numbers nor a factor: "
                f"{_first_line(error)}. Use C(.) for dummies, or make numbers of the column."
            ) from error
        names = [_clean(str(c)) for c in matrix.columns]
        for term, places in matrix.model_spec.term_indices.items():
            found = {factor.expr: undefined(factor, self.data) for factor in term.factors}
            lost = {expr: mask for expr, mask in found.items() if mask is not None}
            for mask in lost.values():
                values[np.ix_(mask, places)] = np.nan
            if len(lost) == 1:
                told = _clean(_INSIDE_C.sub(r"\1", *lost))
                self._lacking |= {names[j]: told for j in places}
            for factor in term.factors:
                if factor.expr in unseen:
                    values[np.ix_(unseen[factor.expr], places)] = np.nan
        if self.intercept:
            return values[:, 1:], tuple(names[1:])
        return values, tuple(names)

    def _materialise(self, terms: Any) -> tuple[Any, dict[str, BoolArray]]:
        """formulaic's matrix of a side, and by factor the rows whose level is not known to it."""
        from formulaic import ModelSpec, SimpleFormula
        from formulaic.parser.types import Factor, Term

        if self._known is None:
            one = Term([Factor("1", eval_method="literal")])
            formula = SimpleFormula([one, *terms] if self.intercept else list(terms))
            spec = ModelSpec(formula=formula, na_action="ignore", output="pandas")
            matrix = _Materialiser.of(self.data).get_model_matrix(spec)
            self.specs[str(terms)] = matrix.model_spec
            return matrix, {}
        spec = self._known[str(terms)]
        materialiser = _Materialiser.of(self.data)
        with quiet():  # unknown levels are told by row instead
            matrix = materialiser.get_model_matrix(spec)
        unseen = {}
        for expr, (_, state) in spec.encoder_state.items():
            if "categories" in state:
                found = pd.Series(materialiser.factor_cache[expr].values.__wrapped__)
                strange = (found.notna() & ~found.isin(state["categories"])).to_numpy()
                if strange.any():
                    unseen[expr] = strange
                    self.unseen[_clean(expr)] = tuple(str(v) for v in found[strange].unique())
        return matrix, unseen

    def _check_column(self, name: str) -> None:
        values = self.data.numbers(name)
        if values is None:
            absent = bool(self.data[name].isna().all())
        else:  # the first value tells of most columns
            absent = bool(np.isnan(values[:1]).all() and np.isnan(values).all())
        if absent:
            raise IdentificationError(
                f"{self.text!r} uses {name!r}, which is missing in all {len(self.data)} rows."
            )


class _Materialiser(PandasMaterializer):  # type: ignore[misc]
    """formulaic's encoding of terms; factors are evaluated by the grammar instead of by Python."""

    source: Data

    @classmethod
    def of(cls, data: Data) -> _Materialiser:
        made = cls(pd.DataFrame(index=pd.RangeIndex(len(data))))
        made.source = data
        return made

    @override
    def _lookup(self, name: str) -> tuple[Any, set[Any]]:
        values = Evaluator(self.source).value(ast.Name(name))
        if isinstance(values, pd.Series):
            refuse_numbers_as_text(name, values)
            return values, set()
        return values.astype(float, copy=False), set()

    @override
    def _evaluate(self, expr: str, metadata: Any, spec: Any) -> tuple[Any, set[Any]]:
        return Evaluator(self.source, spec.transform_state).factor(expr), set()


def is_number(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _clean(name: str) -> str:
    return name.replace("`", "")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


_MEMBERS = tuple(name for name in vars(Data) if not name.startswith("_"))
_KNOWN: set[type] = set()


def require_data(data: object, **keys: Any) -> None:
    """Raise a PanelError for what does not answer :class:`~migdev.protocols.Data`, and for the keys
    of a frame given beside it."""
    if type(data) in _KNOWN and not keys:
        return
    absent = object()
    found = [m for m in _MEMBERS if getattr_static(data, m, absent) is not absent]
    if keys or len(found) < len(_MEMBERS):
        named = {"entity": "...", "time": "...", **{key: repr(v) for key, v in keys.items()}}
        told = ", ".join(f"{key}={value}" for key, value in named.items())
        given = f"not {type(data).__name__}" if len(found) < len(_MEMBERS) else "and nothing more"
        raise PanelError(
            f"A Panel is asked for, {given}; make one with Panel.from_frame(frame, {told})."
        )
    _KNOWN.add(type(data))
