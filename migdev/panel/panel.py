"""Panel: an immutable table of entity x time that knows its calendar, units and history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from migdev.errors import PanelError, listing, suggestion
from migdev.kernels.arrays.shift import lag_rows
from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray
from migdev.panel import changes, operators
from migdev.panel.alignment import Origin, on_rows
from migdev.panel.calendar import Calendar, read_time
from migdev.panel.frame_input import (
    check_columns,
    column_codes,
    entity_codes,
    plain,
    refuse_repeats,
    settled,
    sorting,
    to_pandas,
)
from migdev.provenance import Extract, Provenance

if TYPE_CHECKING:
    from migdev.diagnostics.pretest_table import PretestTable
    from migdev.panel.describe import Description


Values: TypeAlias = "str | AnyArray | pd.Series[Any]"

# Rows up to which columns of other numbers are kept as floats too.
_SMALL = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Entity x time data: one row per pair, sorted by entity, then time.

    Build it with :meth:`from_frame`. Every method returns a new panel; whatever drops rows writes
    how many and why to :attr:`history`.

    Attributes
    ----------
    frame : DataFrame
        The data; a copy-on-write view, so changing it never changes the panel.
    entity, time : str
        Names of the key columns. A corridor of two columns is named ``origin-destination``.
    calendar : Calendar
        Frequency and spacing of the periods.
    units, labels : mapping from column to text
    provenance : tuple of Provenance
        Where the columns come from. A source keeps all series that it gave, those left out since
        as well: what was made of them may still be here.
    history : tuple of str
        What dropped rows, how many and why.
    entity_columns : tuple of str
        The columns that name the entity.
    """

    _frame: pd.DataFrame
    entity: str
    time: str
    entities: pd.Index[Any]
    entity_codes: IntArray
    ordinals: IntArray
    calendar: Calendar
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    provenance: tuple[Provenance, ...] = ()
    history: tuple[str, ...] = ()
    entity_columns: tuple[str, ...] = ()
    _origin: Origin = field(default=Origin(pd.RangeIndex(0)), repr=False)
    _memo: dict[str, Any] = field(default_factory=dict, repr=False)

    # ------------------------------------------------------------------ construction

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        entity: str | Sequence[str],
        time: str,
        freq: str | None = None,
        delta: int = 1,
        units: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        provenance: Sequence[Provenance] = (),
    ) -> Panel:
        """Read a panel from any frame that narwhals knows (pandas, polars, pyarrow, ...).

        Parameters
        ----------
        frame : frame
            One row per entity and period, in any order.
        entity : str or sequence of str
            Column that names the entity, or several whose combination does (a corridor).
        time : str
            Years, dates, periods, or text such as ``2001Q3``.
        freq : {"year", "quarter", "month", "day", "integer"}, optional
            Frequency of ``time``; read from the values when not given.
        delta : int
            Periods between consecutive observations (5 for data of every fifth year).
        units, labels : mapping, optional
            Units and descriptions by column.

        Raises
        ------
        PanelError
            Missing or repeated keys, time that cannot be ordered, repeated column names, or a
            column named like an operator of formulas (``L``, ``F``, ``D``, ``lag``, ``C``).
        """
        data = to_pandas(frame)
        given = frame.index if isinstance(frame, pd.DataFrame) else data.index
        keys = [entity] if isinstance(entity, str) else list(entity)
        check_columns(data, [*keys, time])
        data = settled(data, [*keys, time])
        name = "-".join(keys)
        codes, entities = entity_codes(data, keys)
        ordinals, calendar = read_time(data[time], time, freq, delta)
        order = sorting(codes, ordinals)
        if order is not None:
            data, codes, ordinals = data.iloc[order], codes[order], ordinals[order]
        refuse_repeats(codes, ordinals, entities, calendar, (name, time))
        plain = isinstance(data.index, pd.RangeIndex) and order is None
        # Either way a frame of our own: what a caller writes into his later is not seen here.
        data = data.copy(deep=False) if plain else data.reset_index(drop=True)
        return cls(
            data, name, time, entities, codes, ordinals, calendar,
            dict(units or {}), dict(labels or {}), tuple(provenance), (), tuple(keys),
            Origin(given, order),
        )  # fmt: skip

    @classmethod
    def from_extract(cls, extract: Extract, *, freq: str | None = None, delta: int = 1) -> Panel:
        """The panel of one extract, with its keys, units, labels and provenance.

        Several extracts make one panel by :func:`migdev.join`.
        """
        if not extract.keys or not extract.time:
            lacking = "time" if extract.keys else "entity"
            raise PanelError(
                f"{extract.provenance.dataset!r} has no {lacking} column that was recognised; name "
                f"it with {lacking}= where the data are read."
            )
        origin = extract.provenance
        return cls.from_frame(
            extract.frame, entity=extract.keys, time=extract.time, freq=freq, delta=delta,
            units=origin.units, labels=origin.labels, provenance=[origin],
        )  # fmt: skip

    # ------------------------------------------------------------------ reading

    @property
    def frame(self) -> pd.DataFrame:
        return self._frame.copy(deep=False)

    def __getitem__(self, column: str) -> pd.Series[Any]:
        self.require(column)
        return self._frame[column].copy(deep=False)

    def __len__(self) -> int:
        return len(self.entity_codes)

    def __contains__(self, column: object) -> bool:
        return column in self._frame.columns

    def __repr__(self) -> str:
        periods = self.periods
        span = f"{periods[0]} to {periods[-1]}" if len(periods) else "no periods"
        return (
            f"<Panel of {len(self):,} rows: {len(self.entities):,} x {self.entity!r}, "
            f"{len(periods)} x {self.time!r} ({span}, {self.calendar.freq}), "
            f"{len(self.columns)} columns>"
        )

    def numbers(self, column: str) -> FloatArray | None:
        """(n,) values of a numeric column, read-only, missing as NaN; None for other columns."""
        memo = f"numbers {column}"
        if memo in self._memo:
            known: FloatArray | None = self._memo[memo]
            return known
        series = self._frame[column]
        dtype = series.dtype
        values: FloatArray | None = None
        if dtype == np.float64 or (
            pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
        ):
            values = series.to_numpy(dtype=float, na_value=np.nan)
            values.flags.writeable = False
        if dtype == np.float64 or len(series) <= _SMALL:  # a view of the frame, or a small copy
            self._memo[memo] = values
        return values

    def codes(self, column: str) -> IntArray:
        """(n,) codes 0..G-1 of a column in the order of its values, -1 where it is missing."""
        memo = f"codes {column}"
        if memo not in self._memo:
            self._memo[memo] = column_codes(self[column])
        codes: IntArray = self._memo[memo]
        return codes

    @property
    def columns(self) -> list[str]:
        if "columns" not in self._memo:
            self._memo["columns"] = tuple(str(c) for c in self._frame.columns)
        return list(self._memo["columns"])

    @property
    def periods(self) -> pd.Index[Any]:
        """The periods that occur, in order."""
        if "periods" not in self._memo:
            self._memo["periods"] = self.calendar.labels(np.unique(self.ordinals))
        index: pd.Index[Any] = self._memo["periods"]
        return index

    @property
    def nobs(self) -> int:
        return len(self)

    @property
    def balanced(self) -> bool:
        return len(self) == len(self.entities) * len(self.periods)

    def require(self, *names: str) -> None:
        """Raise a PanelError, with the nearest name, for a column that is not there."""
        for name in names:
            if name not in self._frame.columns:
                raise PanelError(
                    f"The panel has no column {name!r}.{suggestion(name, self.columns)} "
                    f"Columns: {listing(self.columns, 12)}. Its keys {self.entity!r} and "
                    f"{self.time!r} are also called 'entity' and 'time'."
                )

    def key(self, row: int) -> tuple[Any, Any]:
        """(entity, period) of a row, for messages."""
        return (
            plain(self.entities[self.entity_codes[row]]),
            self.calendar.label(int(self.ordinals[row])),
        )

    def index(self, rows: IntArray | None = None) -> pd.MultiIndex:
        """(entity, time) labels of all or some rows."""
        codes, ordinals = self.entity_codes, self.ordinals
        if rows is not None:
            codes, ordinals = codes[rows], ordinals[rows]
        unique, inverse = np.unique(ordinals, return_inverse=True)
        levels: list[Any] = [self.entities, self.calendar.labels(unique)]
        at: list[Any] = [codes, inverse]
        return pd.MultiIndex(
            levels=levels,
            codes=at,
            names=[self.entity, self.time],
            verify_integrity=False,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of keys and columns, independent of column order."""
        if "fingerprint" not in self._memo:
            from migdev.panel.fingerprint import panel_hash

            self._memo["fingerprint"] = panel_hash(self)
        return str(self._memo["fingerprint"])

    # ------------------------------------------------------------------ operators

    def L(self, values: Values, k: int = 1) -> pd.Series[float]:
        """Value of the same entity ``k`` periods earlier; missing across a gap."""
        return self._wrap(operators.lag(self, self._on_rows(values, "L()"), k))

    def F(self, values: Values, k: int = 1) -> pd.Series[float]:
        """Value of the same entity ``k`` periods later; missing across a gap."""
        return self._wrap(operators.lead(self, self._on_rows(values, "F()"), k))

    def D(self, values: Values, k: int = 1) -> pd.Series[float]:
        """Change over ``k`` periods, x - L(x, k); the second difference is ``D(D(x))``."""
        return self._wrap(operators.difference(self, self._on_rows(values, "D()"), k))

    def growth(self, values: Values, k: int = 1, log: bool = False) -> pd.Series[float]:
        """Growth over ``k`` periods in %: 100 (x / L(x, k) - 1), or 100 D(log x, k)."""
        return self._wrap(operators.growth(self, self._on_rows(values, "growth()"), k, log))

    def winsorise(self, values: Values, p: float = 0.01, by: str | None = None) -> pd.Series[float]:
        """Pull values beyond the ``p`` and ``1 - p`` quantiles back to them.

        ``by="time"`` (or a column) takes the quantiles within each period (group).
        """
        return self._wrap(operators.winsorise(self, self._on_rows(values, "winsorise()"), p, by))

    def lag_rows(self, k: int) -> IntArray:
        """Row of the same entity ``k`` periods earlier, -1 where there is none."""
        memo = f"lag{k}"
        if memo not in self._memo:
            self._memo[memo] = lag_rows(self.entity_codes, self.ordinals, k)
        rows: IntArray = self._memo[memo]
        return rows

    def _on_rows(self, values: Any, what: str) -> Any:
        return on_rows(values, self._frame.index, self._origin, what)

    def _wrap(self, values: FloatArray) -> pd.Series[float]:
        return pd.Series(values, index=self._frame.index, copy=False)

    # ------------------------------------------------------------------ new panels

    def assign(self, **columns: Any) -> Panel:
        """Add or replace columns: arrays, scalars, Series or functions of the panel."""
        return changes.assign(self, columns)

    def rename(self, columns: Mapping[str, str]) -> Panel:
        """Give columns other names; units and labels go with them."""
        return changes.rename(self, columns)

    def where(
        self, keep: AnyArray | pd.Series[bool] | str | Callable[[Panel], Any], reason: str = ""
    ) -> Panel:
        """Keep the rows where ``keep`` is true.

        Parameters
        ----------
        keep : array, str or callable
            (n,) truth values, a function of the panel that gives them, or a condition in the words
            of formulas: ``"year >= 1990 and iso3 in ['MEX', 'SLV']"``, ``"L(x) > 0"``. A comparison
            with a missing value is false.

        Raises
        ------
        FormulaError
            A condition that names no column, compares numbers with words, or holds what formulas
            do not.
        PanelError
            Another number of values than rows, or values that are neither true nor false.
        """
        return changes.where(self, keep, reason)

    def between(self, first: Any, last: Any) -> Panel:
        """Keep the periods from ``first`` to ``last``, both included and whole: 2000 is all four
        quarters of a panel of quarters, 2000-05-31 the year 2000 of a panel of years."""
        return changes.between(self, first, last)

    def take(self, rows: IntArray, reason: str) -> Panel:
        """The panel of some rows; the rest are counted in :attr:`history` under ``reason``."""
        return changes.take(self, rows, reason)

    def select(self, *columns: str) -> Panel:
        """Keep the keys and the named columns."""
        self.require(*columns)
        names = list(dict.fromkeys([*self.entity_columns, self.time, *columns]))
        return replace(
            self,
            _frame=self._frame[names],
            labels={k: v for k, v in self.labels.items() if k in names},
            units={k: v for k, v in self.units.items() if k in names},
            _memo={},
        )

    def relabel(
        self, labels: Mapping[str, str] | None = None, units: Mapping[str, str] | None = None
    ) -> Panel:
        """Add descriptions and units of columns."""
        return replace(
            self, labels={**self.labels, **(labels or {})}, units={**self.units, **(units or {})}
        )

    def windows(self, years: int, **options: Any) -> Panel:
        """Averages over windows of ``years``; see :func:`migdev.panel.windows.windows`."""
        from migdev.panel.windows import windows

        return windows(self, years, **options)

    def describe(self) -> Description:
        """Coverage, gaps, attrition and missingness."""
        from migdev.panel.describe import describe

        return describe(self)

    def pretest(self, variables: Sequence[str], **options: Any) -> PretestTable:
        """The customary table of pre-tests: dependence and unit roots, variable by variable; see
        :func:`migdev.diagnostics.pretest`, to which the panel hands itself."""
        from migdev.diagnostics.pretest_table import pretest

        return pretest(self, variables, **options)
