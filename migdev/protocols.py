"""The four contracts between the rooms: Source, Estimator, Covariance, Result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from migdev.kernels.arrays.types import FloatArray
from migdev.kernels.sandwich.moments import Moments

if TYPE_CHECKING:
    import pandas as pd

    from migdev.panel.panel import Panel
    from migdev.provenance import Extract


@runtime_checkable
class Source(Protocol):
    """A provider of data. One bad series never loses the batch."""

    def fetch(
        self,
        series: Sequence[str],
        entities: Sequence[str] | None = None,
        years: tuple[int, int] | None = None,
        vintage: str | None = None,
    ) -> Extract: ...


@runtime_checkable
class Estimator(Protocol):
    """A frozen specification without data."""

    def fit(self, panel: Panel) -> Any: ...


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
    """A frozen specification of a covariance, applied to the moments of a fit."""

    def requires(self) -> tuple[str, ...]:
        """Columns of the panel that it reads, beyond entity and time."""
        ...

    def estimate(self, moments: Moments) -> CovEstimate: ...


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
