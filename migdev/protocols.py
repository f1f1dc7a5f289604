"""The contracts between the rooms: Source, Data, Estimator, Scores, Covariance, Result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray
from migdev.kernels.sandwich.moments import Grouping

if TYPE_CHECKING:
    import pandas as pd

    from migdev.panel.calendar import Calendar
    from migdev.panel.panel import Panel
    from migdev.provenance import Extract


@runtime_checkable
class Source(Protocol):
    """A provider of data. One bad series never loses the batch."""

    def fetch(
        self,
        series: Sequence[str],
        entities: Sequence[Any] | None = None,
        periods: tuple[Any, Any] | None = None,
        vintage: str | None = None,
    ) -> Extract:
        """The series of entities (tuples where several keys name one, as in corridors) from the
        first to the last of ``periods``, both included, in a version of the data."""
        ...


class Data(Protocol):
    """Named columns under keys: what a :class:`~migdev.Design` is built from and a fit reads.

    A :class:`~migdev.Panel` answers it; so may a file of households or a table of a database. Rows
    are sorted by entity, then period, and hold each pair once. Lags, leads and differences follow
    from :meth:`lag_rows` alone (:mod:`migdev.panel.operators`).

    Attributes
    ----------
    entity, time : str
        Names of the keys; ``time`` is ``""`` for data of one period.
    entity_columns : tuple of str
        The columns that name the entity.
    entities : (N,) index
        Labels of the entities.
    entity_codes, ordinals : (n,)
        Code 0..N-1 of the entity of each row, and its period as a whole number: consecutive
        periods differ by one, a gap by more.
    calendar : Calendar
        How ordinals read as time.
    columns : sequence of str
    units, labels : mapping from column to text
    fingerprint : str
        SHA-256 of keys and columns.
    """

    @property
    def entity(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def entity_columns(self) -> tuple[str, ...]: ...
    @property
    def entities(self) -> pd.Index[Any]: ...
    @property
    def entity_codes(self) -> IntArray: ...
    @property
    def ordinals(self) -> IntArray: ...
    @property
    def calendar(self) -> Calendar: ...
    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def units(self) -> Mapping[str, str]: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def fingerprint(self) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, column: str, /) -> pd.Series[Any]:
        """A column; a PanelError for a name that is not among them."""
        ...

    def numbers(self, column: str) -> FloatArray | None:
        """(n,) values of a numeric column, read-only, missing as NaN; None for other columns."""
        ...

    def codes(self, column: str) -> IntArray:
        """(n,) codes 0..G-1 of a column in the order of its values, -1 where it is missing."""
        ...

    def lag_rows(self, k: int) -> IntArray:
        """(n,) row of the same entity ``k`` periods earlier, -1 where there is none."""
        ...

    def key(self, row: int) -> tuple[Any, Any]:
        """(entity, period) of a row, for messages."""
        ...

    def index(self, rows: IntArray | None = None) -> pd.Index[Any]:
        """Labels of all or some rows, for residuals and fitted values."""
        ...


@runtime_checkable
class Estimator(Protocol):
    """A frozen specification without data."""

    def fit(self, panel: Panel) -> Any: ...


@runtime_checkable
class Scores(Protocol):
    """What inference asks of a fit: the influence of its units on the parameters.

    :class:`~migdev.kernels.sandwich.moments.Moments` keeps the rows of a linear fit,
    :class:`~migdev.kernels.sandwich.moments.UnitScores` the influence of units (mostly entities) of
    any other. Clustered covariances, joint draws and families read both; what needs residuals or
    leverage asks for rows.
    """

    @property
    def by_row(self) -> bool:
        """Units are rows, with regressors, residuals and leverage."""
        ...

    @property
    def nobs(self) -> int:
        """Rows of data behind the estimate."""
        ...

    @property
    def k(self) -> int:
        """Number of parameters."""
        ...

    @property
    def df_resid(self) -> float: ...
    @property
    def entity(self) -> IntArray:
        """(n,) codes of the entities of the sample, by unit."""
        ...

    @property
    def time(self) -> IntArray | None:
        """(n,) periods as integers, by unit; None where units span periods."""
        ...

    @property
    def columns(self) -> Mapping[str, AnyArray]:
        """Columns of the panel, by unit."""
        ...

    def influence(self, by: Grouping | None = None) -> FloatArray:
        """(G, k) what each group adds to the estimate; each unit for None."""
        ...

    def groups(self, name: str) -> IntArray:
        """(n,) codes 0..G-1 of a grouping: ``entity``, ``time``, a column, or ``a^b``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CovEstimate:
    """What a covariance hands back.

    Attributes
    ----------
    cov : (k, k)
    df : float, (k,) array or None
        Degrees of freedom of the t distribution behind tests and intervals, by coefficient where
        they differ (Satterthwaite); None for the normal distribution.
    description : str
        For the notes under a table, e.g. ``"clustered by entity (CR1, 48 clusters)"``.
    convention : str
        Whose small-sample convention was used.
    clusters : mapping
        Number of clusters by grouping.
    """

    cov: FloatArray
    df: float | FloatArray | None
    description: str
    convention: str = ""
    clusters: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class Covariance(Protocol):
    """A frozen specification of a covariance, applied to the scores of a fit."""

    def requires(self) -> tuple[str, ...]:
        """Columns of the panel that it reads, beyond entity and time."""
        ...

    def estimate(self, moments: Scores) -> CovEstimate: ...


@runtime_checkable
class Result(Protocol):
    """What a table reads. Everything else is derived from these in ``results.inference``."""

    @property
    def params(self) -> pd.Series[float]: ...
    @property
    def cov(self) -> pd.DataFrame: ...
    @property
    def nobs(self) -> int: ...
    @property
    def df_resid(self) -> float: ...
    @property
    def dependent(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def stats(self) -> Mapping[str, Any]: ...
