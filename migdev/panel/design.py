"""Formula + Panel -> Design: named arrays, the sample, and what was left out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from migdev.errors import CovarianceError, FormulaError, IdentificationError, PanelError, listing
from migdev.kernels.arrays.groups import level_codes
from migdev.kernels.arrays.types import AnyArray, BoolArray, FloatArray, IntArray
from migdev.panel.formula import parse, quote_columns
from migdev.panel.model_matrix import ModelMatrix, is_number, require_data
from migdev.panel.recipe import Recipe
from migdev.panel.sample import Missing, refuse_identities, refuse_infinite
from migdev.protocols import Data


class SampleColumns(Mapping[str, Any]):
    """Columns of the data on the rows of a sample, cut out when they are read."""

    def __init__(self, panel: Data, rows: IntArray) -> None:
        self._panel, self._rows = panel, rows

    def __getitem__(self, name: str) -> AnyArray:
        return self._panel[name].to_numpy()[self._rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self._panel.columns)

    def __len__(self) -> int:
        return len(self._panel.columns)

    @property
    def shadowed(self) -> list[str]:
        """The words ``entity`` and ``time``, where a column that is not that key bears them."""
        keys = {"entity": self._panel.entity, "time": self._panel.time}
        return [w for w, key in keys.items() if key != w and w in self._panel.columns]


class UnitColumns(Mapping[str, Any]):
    """Columns of rows by unit (an entity, a group); one that varies within units has no value.

    Parameters
    ----------
    columns : mapping to (n,)
    codes : (n,)
        Unit of each row, 0..U-1.
    """

    def __init__(self, columns: Mapping[str, Any], codes: IntArray) -> None:
        self._columns, self._codes = columns, codes

    def __getitem__(self, name: str) -> AnyArray:
        values = np.asarray(self._columns[name])
        by_unit: AnyArray = values[np.unique(self._codes, return_index=True)[1]]
        spread = by_unit[self._codes]
        if not ((spread == values) | (pd.isna(spread) & pd.isna(values))).all():
            raise CovarianceError(
                f"{name!r} varies within the units of this fit ({len(by_unit):,} entities or "
                "groups), so they cannot be clustered or placed by it. Use a column that is "
                "constant within them."
            )
        return by_unit

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


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
        Rows of the data that form the sample.
    entity, time : (n,)
        Codes 0..N-1 of the entities present, and ordinal periods.
    dropped : mapping from reason to number of rows
    panel : Data
        What the design was built from: a :class:`~migdev.Panel`, or whatever answers
        :class:`~migdev.protocols.Data`.
    recipe : Recipe
        How the columns were made, for other data.
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
    panel: Data
    recipe: Recipe

    @classmethod
    def build(
        cls,
        formula: str,
        panel: Data,
        *,
        weights: str | None = None,
        requires: Sequence[str] = (),
        intercept: bool | None = None,
    ) -> Design:
        """Evaluate a formula on data.

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
        require_data(panel)
        parsed = parse(quote_columns(formula, panel.columns))
        constant = parsed.intercept if intercept is None else intercept
        table = ModelMatrix(parsed, panel)
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
        y, X, endog, instruments = (cut(values) for values in (y, X, endog, instruments))
        for values, columns in ((X, names), (endog, endog_names), (instruments, instrument_names)):
            refuse_identities(formula, y[:, 0], dependent, values, columns)
        return cls(
            formula=formula, dependent=dependent, y=y[:, 0], X=X, names=names,
            endog=endog, endog_names=endog_names, instruments=instruments,
            instrument_names=instrument_names, intercept=constant,
            weights=None if w is None else w[rows], rows=rows, entity=entity,
            time=panel.ordinals if whole else panel.ordinals[rows],
            dropped=missing.counts, panel=panel,
            recipe=Recipe(
                formula=formula, parsed=parsed, specs=table.specs, constant=constant,
                weights=weights,
            ),
        )  # fmt: skip

    @property
    def nobs(self) -> int:
        return len(self.y)

    @property
    def holds_constant(self) -> bool:
        """The regressors span a constant: an intercept, or every level of ``0 + C(k)``."""
        if self.intercept or not self.X.shape[1]:
            return self.intercept
        lengths = np.sqrt(np.einsum("ij,ij->j", self.X, self.X))
        X = self.X / np.where(lengths > 0, lengths, 1.0)
        ones = np.ones(self.nobs)
        return bool(np.abs(X @ np.linalg.lstsq(X, ones, rcond=None)[0] - 1).max() < 1e-8)

    @property
    def columns(self) -> SampleColumns:
        return SampleColumns(self.panel, self.rows)

    def roles(self, names: Sequence[str]) -> tuple[str, ...]:
        """Names with the panel's own keys by their roles: ``iso3^year`` is ``entity^time``."""
        keys = {self.panel.entity: "entity", self.panel.time: "time"}
        parts = ([part.strip() for part in name.split("^")] for name in names)
        return tuple("^".join(keys.get(part, part) for part in named) for named in parts)

    def codes(self, name: str) -> IntArray:
        """(n,) codes of ``entity``, ``time``, a column, or a product ``a^b`` of these."""
        from migdev.kernels.sandwich.moments import group_codes, refuse_shadowed

        for part in name.split("^"):
            refuse_shadowed(part.strip(), self.columns)
        parts = self.roles((name,))[0].split("^")
        codes = {part: self._factor(part) for part in parts if part not in ("entity", "time")}
        if len(parts) == 1 and codes and self._whole:
            return codes[parts[0]]
        return group_codes("^".join(parts), self.entity, self.time, codes)

    def _factor(self, name: str) -> IntArray:
        codes = self.panel.codes(name)
        return codes if self._whole else codes[self.rows]

    @property
    def _whole(self) -> bool:
        """Every row of the data is in the sample."""
        return len(self.rows) == len(self.panel)

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


def _weights(panel: Data, name: str) -> FloatArray:
    if not is_number(panel[name]):
        raise PanelError(f"Weights must be numbers, but {name!r} holds text.")
    w: FloatArray = panel[name].to_numpy(dtype=float, na_value=np.nan)
    if bool((w < 0).any()) or bool(np.isinf(w).any()):
        raise PanelError(
            f"Weights must be finite and not negative; {name!r} has "
            f"{int((w < 0).sum() + np.isinf(w).sum())} that are not."
        )
    return w


def _columns_of(requires: Sequence[str], panel: Data) -> list[str]:
    parts = [part.strip() for name in requires for part in name.split("^")]
    keys = {"entity", "time", panel.entity, panel.time, *panel.entity_columns}
    return [name for name in dict.fromkeys(parts) if name not in keys]
