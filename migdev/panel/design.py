"""Formula + Panel -> Design: named arrays, the sample, and what was left out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic.errors import FactorEvaluationError, FormulaicError

from migdev.errors import (
    FormulaError,
    IdentificationError,
    MigdevError,
    PanelError,
    listing,
    suggestion,
)
from migdev.kernels.arrays.groups import level_codes
from migdev.kernels.arrays.shift import take
from migdev.kernels.arrays.types import AnyArray, BoolArray, FloatArray, IntArray
from migdev.panel.formula import Parsed, parse, quote_columns, variables
from migdev.panel.panel import Panel
from migdev.panel.sample import Missing, refuse_infinite
from migdev.panel.undefined import center, scale, undefined

_SHIFT = re.compile(r"([LFD])\((\w+)(?:, ?(-?\d+))?\)")
_INSIDE_C = re.compile(r"^C\(\s*(`[^`]+`|\w+)\s*(?:,.*)?\)$")


class SampleColumns(Mapping[str, Any]):
    """Columns of a panel on the rows of a sample, cut out when they are read."""

    def __init__(self, panel: Panel, rows: IntArray) -> None:
        self._panel, self._rows = panel, rows

    def __getitem__(self, name: str) -> AnyArray:
        values: AnyArray = self._panel[name].to_numpy()[self._rows]
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self._panel.columns)

    def __len__(self) -> int:
        return len(self._panel.columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Arrays of an equation on its estimation sample.

    Attributes
    ----------
    y : (n,); X : (n, k)
        Dependent variable and exogenous regressors, with the intercept first if there is one.
    endog : (n, p); instruments : (n, q)
        Endogenous regressors and excluded instruments; no columns where the formula has none.
    names, endog_names, instrument_names : tuple of str
    weights : (n,), optional
        Analytic weights.
    rows : (n,)
        Rows of the panel that form the sample.
    entity, time : (n,)
        Codes 0..N-1 of the entities present, and ordinal periods.
    dropped : mapping from reason to number of rows
    panel : Panel
    """

    formula: str
    dependent: str
    y: FloatArray
    X: FloatArray
    names: tuple[str, ...]
    endog: FloatArray
    endog_names: tuple[str, ...]
    instruments: FloatArray
    instrument_names: tuple[str, ...]
    intercept: bool
    weights: FloatArray | None
    rows: IntArray
    entity: IntArray
    time: IntArray
    dropped: Mapping[str, int]
    panel: Panel

    @classmethod
    def build(
        cls,
        formula: str,
        panel: Panel,
        *,
        weights: str | None = None,
        requires: Sequence[str] = (),
        intercept: bool | None = None,
    ) -> Design:
        """Evaluate a formula on a panel.

        Parameters
        ----------
        formula : str
            ``dependent ~ regressors + [endogenous ~ instruments]``.
        weights : str, optional
            Column of analytic weights.
        requires : sequence of str
            Further columns that must be present in a row (effects, clusters); products ``a^b``
            and the words ``entity`` and ``time`` are understood.
        intercept : bool, optional
            Overrides what the formula says (an estimator that absorbs the constant).

        Raises
        ------
        FormulaError
            A name that the panel lacks, a column of numbers stored as text, infinite values.
        IdentificationError
            No row is complete.
        """
        if not isinstance(panel, Panel):
            raise PanelError(
                f"fit() takes a Panel, not {type(panel).__name__}; make one with "
                "Panel.from_frame(frame, entity=..., time=...)."
            )
        parsed = parse(quote_columns(formula, panel.columns))
        constant = parsed.intercept if intercept is None else intercept
        table = _Table(parsed, panel)
        y, dependents = table.side(parsed.dependent)
        if len(dependents) != 1:
            raise FormulaError(
                f"{formula!r}: the dependent variable has {len(dependents)} columns "
                f"({listing(dependents, 4)}); give a single column of numbers."
            )
        dependent = dependents[0]
        X, names = table.side(parsed.exog, constant=constant)
        endog, endog_names = table.side(parsed.endog)
        instruments, instrument_names = table.side(parsed.instruments)
        w = None if weights is None else _weights(panel, weights)
        missing = Missing(len(panel))
        missing.note([dependent], y)
        missing.note(table.lacking(names), X)
        missing.note(table.lacking(endog_names), endog)
        missing.note(table.lacking(instrument_names), instruments)
        for name in _columns_of(requires, panel):
            missing.add(f"missing in {name!r}", panel[name].isna().to_numpy())
        if w is not None:
            missing.add(f"missing in {weights!r}", np.isnan(w))
            missing.add(f"zero weight in {weights!r}", w == 0)
        rows = missing.report(formula, panel)
        for values, columns in (
            (y, (dependent,)), (X, names), (endog, endog_names), (instruments, instrument_names),
        ):  # fmt: skip
            refuse_infinite(values, columns, rows, panel)
        whole = len(rows) == len(panel)
        cut = (lambda a: a) if whole else (lambda a: np.take(a.T, rows, axis=1).T)
        entity = panel.entity_codes
        if not whole:
            entity = level_codes(entity[rows])
        return cls(
            formula=formula, dependent=dependent, y=cut(y)[:, 0], X=cut(X), names=names,
            endog=cut(endog), endog_names=endog_names, instruments=cut(instruments),
            instrument_names=instrument_names, intercept=constant,
            weights=None if w is None else w[rows], rows=rows, entity=entity,
            time=panel.ordinals if whole else panel.ordinals[rows],
            dropped=missing.counts, panel=panel,
        )  # fmt: skip

    @property
    def nobs(self) -> int:
        return len(self.y)

    @property
    def columns(self) -> SampleColumns:
        return SampleColumns(self.panel, self.rows)

    def codes(self, name: str) -> IntArray:
        """(n,) codes of ``entity``, ``time``, a column, or a product ``a^b`` of these."""
        from migdev.kernels.sandwich.moments import group_codes

        parts = [part.strip() for part in name.split("^")]
        keys = {self.panel.entity: "entity", self.panel.time: "time"}
        parts = [keys.get(part, part) for part in parts]
        codes = {part: self._factor(part) for part in parts if part not in ("entity", "time")}
        return group_codes("^".join(parts), self.entity, self.time, codes)

    def _factor(self, name: str) -> AnyArray:
        """A column of the sample; text as codes in its order, found without sorting the rows."""
        values = self.panel[name]
        if values.dtype.kind not in "iufb":
            values = pd.Series(pd.factorize(values, sort=True)[0])
        cut: AnyArray = values.to_numpy()
        return cut if len(self.rows) == len(cut) else cut[self.rows]

    def keep(self, mask: BoolArray, reason: str) -> Design:
        """The design without the rows where ``mask`` is false, counted under ``reason``."""
        from dataclasses import replace

        lost = int(np.count_nonzero(~mask))
        if lost == self.nobs:
            raise IdentificationError(f"{self.formula!r}: no row is left: {reason}.")
        return replace(
            self, y=self.y[mask], X=self.X[mask], endog=self.endog[mask],
            instruments=self.instruments[mask], rows=self.rows[mask],
            weights=None if self.weights is None else self.weights[mask],
            entity=level_codes(self.entity[mask]), time=self.time[mask],
            dropped={**self.dropped, reason: self.dropped.get(reason, 0) + lost},
        )  # fmt: skip


# ---------------------------------------------------------------------- evaluation


class _Table:
    """Evaluates the sides of a formula on a panel."""

    def __init__(self, parsed: Parsed, panel: Panel) -> None:
        self.text, self.panel, self.intercept = parsed.text, panel, parsed.intercept
        self._lacking: dict[str, str] = {}
        used: dict[str, None] = {}
        for side in parsed.sides:
            used |= dict.fromkeys(variables(side))
        called = set(re.findall(r"([A-Za-z_]\w*)\s*\(", parsed.text))
        clash = called.intersection(panel.columns)
        if clash:
            raise FormulaError(
                f"{parsed.text!r} calls {listing(sorted(clash))}, but the panel has columns of "
                "that name, which would be used instead. Rename the columns."
            )
        if re.search(r"\b[LFD]\(\s*C\(", parsed.text):
            raise FormulaError(
                f"{parsed.text!r} shifts a factor; shift the column inside it instead, C(L(x))."
            )
        context = _context(panel)
        for name in used:
            if name in panel:
                self._check_column(name)
            elif name.split(".")[0] not in context:
                raise FormulaError(
                    f"{parsed.text!r} names {name!r}, which the panel does not hold."
                    f"{suggestion(name, panel.columns)} Columns: {listing(panel.columns, 12)}."
                )
        self.columns = [name for name in used if name in panel]
        self.context = context

    def side(
        self, terms: Any | None, *, constant: bool = False
    ) -> tuple[FloatArray, tuple[str, ...]]:
        """Columns (n, k) of a side and their names, the intercept first."""
        n = len(self.panel)
        if terms is None:
            return np.empty((n, 0)), ()
        plain = all(self._is_plain(f) for term in terms for f in term.factors)
        values, names = self._plain(terms) if plain else self._full(terms)
        if not constant:
            return values, names
        return np.column_stack([np.ones(n), values]), ("Intercept", *names)

    def lacking(self, names: Sequence[str]) -> list[str]:
        """What is missing where a column has no value: the variable behind dummies."""
        return [self._lacking.get(name, name) for name in names]

    def _is_plain(self, factor: Any) -> bool:
        """A numeric column, or a shift of one such as ``L(x, 2)``."""
        shifted = _SHIFT.fullmatch(factor.expr)
        name = shifted[2] if shifted else factor.expr
        return name in self.columns and self.panel.numbers(name) is not None

    def _plain(self, terms: Any) -> tuple[FloatArray, tuple[str, ...]]:
        """Sums of products of numeric columns and their shifts need no materialiser."""
        names = tuple(_clean(str(term)) for term in terms)
        if len(terms) == 1 and len(terms[0].factors) == 1:
            # One column is read where it lies; the panel's arrays are read-only.
            return self._column(terms[0].factors[0].expr)[:, None], names
        values = np.empty((len(self.panel), len(terms)), order="F")
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
        values, steps = self._numbers(name), int(k or 1)
        moved = take(values, self.panel.lag_rows(-steps if operator == "F" else steps))
        return values - moved if operator == "D" else moved

    def _numbers(self, name: str) -> FloatArray:
        values = self.panel.numbers(name)
        assert values is not None
        return values

    def _full(self, terms: Any) -> tuple[FloatArray, tuple[str, ...]]:
        """Factors, contrasts and functions: formulaic's model matrix.

        Factors lose their base level where the formula has an intercept, also when the effects
        absorb it afterwards; ``0 + factor`` keeps every level.
        """
        from formulaic import SimpleFormula
        from formulaic.parser.types import Factor, Term

        one = Term([Factor("1", eval_method="literal")])
        formula = SimpleFormula([one, *terms] if self.intercept else list(terms))
        try:
            with np.errstate(all="ignore"):  # undefined values become missing, and are reported
                matrix = formula.get_model_matrix(
                    self.panel.frame[self.columns],
                    context=self.context,
                    na_action="ignore",
                    output="pandas",
                )
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
            found = {factor.expr: undefined(factor, self.panel) for factor in term.factors}
            lost = {expr: mask for expr, mask in found.items() if mask is not None}
            for mask in lost.values():
                values[np.ix_(mask, places)] = np.nan
            if len(lost) == 1:
                told = _clean(_INSIDE_C.sub(r"\1", *lost))
                self._lacking |= {names[j]: told for j in places}
        if self.intercept:
            return values[:, 1:], tuple(names[1:])
        return values, tuple(names)

    def _check_column(self, name: str) -> None:
        values = self.panel.numbers(name)
        if values is not None and len(values) and not np.isnan(values[0]):
            return
        column = self.panel[name]
        if pd.isna(column.iat[0]) and bool(column.isna().all()):
            raise IdentificationError(
                f"{self.text!r} uses {name!r}, which is missing in all {len(column)} rows."
            )
        if _is_number(column) or isinstance(column.dtype, pd.CategoricalDtype | pd.BooleanDtype):
            return
        known = column.dropna()
        if known.map(lambda v: isinstance(v, str)).all():
            text = known.astype(str).str.strip()
            numeric = pd.to_numeric(text.str.replace(",", ".", regex=False), errors="coerce")
            if float(numeric.notna().mean()) > 0.5:
                odd = text[numeric.isna()].unique()
                held = f" beside {listing(odd)}" if len(odd) else ""
                raise FormulaError(
                    f"{name!r} holds numbers stored as text{held}. Read the file with "
                    "migdev.read(), or convert the column with pandas.to_numeric."
                )


def _context(panel: Panel) -> dict[str, Any]:
    def lag(*_: Any) -> Any:
        raise FormulaError(
            "lag() would shift rows, across entities and missing periods. Use L(x) or L(x, k), "
            "which go by entity and time."
        )

    return {
        "L": panel.L, "F": panel.F, "D": panel.D, "lag": lag, "np": np, "numpy": np,
        "center": center, "scale": scale,
    }  # fmt: skip


def _is_number(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _clean(name: str) -> str:
    return name.replace("`", "")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _weights(panel: Panel, name: str) -> FloatArray:
    panel.require(name)
    if not _is_number(panel[name]):
        raise PanelError(f"Weights must be numbers, but {name!r} holds text.")
    w: FloatArray = panel[name].to_numpy(dtype=float, na_value=np.nan)
    if bool((w < 0).any()) or bool(np.isinf(w).any()):
        raise PanelError(
            f"Weights must be finite and not negative; {name!r} has "
            f"{int((w < 0).sum() + np.isinf(w).sum())} that are not."
        )
    return w


def _columns_of(requires: Sequence[str], panel: Panel) -> list[str]:
    parts = [part.strip() for name in requires for part in name.split("^")]
    keys = {"entity", "time", panel.entity, panel.time, *panel.entity_columns}
    names = [name for name in dict.fromkeys(parts) if name not in keys]
    panel.require(*names)
    return names
