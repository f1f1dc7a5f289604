"""What a panel covers: entities and periods, gaps, attrition, missing values, spread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from migdev.errors import ResultError, listing
from migdev.kernels.arrays.groups import run_starts
from migdev.kernels.arrays.types import AnyArray, FloatArray, IntArray

if TYPE_CHECKING:
    from migdev.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Description:
    r"""Coverage of a panel. Every table is a data frame; ``print`` shows the heads of them.

    Attributes
    ----------
    rows, n_entities, n_periods : int
    balanced : bool
        Every entity has a row in every period.
    gamma, nu : float
        Measures of balance of Ahrens and Pincus, 1 for a balanced panel and falling to 0, with
        :math:`T_i` rows of entity *i* and :math:`\bar T` their mean,

        .. math::
            \gamma = \frac{N}{\bar T \sum_i 1/T_i} \quad (1), \qquad
            \nu = \frac{1}{N \sum_i (T_i / \sum_j T_j)^2} \quad (2).

    entities : DataFrame
        By entity: ``first`` and ``last`` period, ``rows``, ``gaps`` (periods lacking between
        them), ``longest_run`` of consecutive periods.
    periods : DataFrame
        By period: ``entities`` present, ``entering`` (first row here), ``leaving`` (last row
        here), ``absent`` (between first and last, but no row).
    variables : DataFrame
        By column of numbers: ``n``, ``missing``, ``missing_share``, ``infinite``, ``mean``,
        ``sd``, ``sd_between`` (of the means of entities), ``sd_within`` (of deviations from them,
        divided by n - 1 as in Stata's ``xtsum``), ``min``, ``max``, ``entities`` with a value,
        ``mean_periods`` (values by entity that has any), ``first`` and ``last`` period with one.
    texts : DataFrame
        By other column: ``n``, ``missing``, ``missing_share``, ``distinct``, ``constant`` (within
        entities).
    missing_by_entity, missing_by_period : DataFrame
        Share of rows without a value, a column per variable.
    history : tuple of str
        What dropped rows before.

    References
    ----------
    Ahrens, H. and Pincus, R. (1981), On two measures of unbalancedness in a one-way model and
    their relation to efficiency, Biometrical Journal 23, 227-235.
    """

    entity: str
    time: str
    rows: int
    n_entities: int
    n_periods: int
    balanced: bool
    gamma: float
    nu: float
    entities: pd.DataFrame
    periods: pd.DataFrame
    variables: pd.DataFrame
    texts: pd.DataFrame
    missing_by_entity: pd.DataFrame
    missing_by_period: pd.DataFrame
    history: tuple[str, ...] = field(default=())

    def to_frame(self, table: str = "variables") -> pd.DataFrame:
        """One of the tables by its name."""
        tables = self.to_frames()
        if table not in tables:
            raise ResultError(f"There is no table {table!r}; there are {listing(tables, 8)}.")
        return tables[table]

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """Every table by its name."""
        names = (
            "entities", "periods", "variables", "texts", "missing_by_entity", "missing_by_period",
        )  # fmt: skip
        return {name: getattr(self, name).copy() for name in names}

    def __str__(self) -> str:
        periods, entities = self.periods.index, self.entities
        gappy = int((entities["gaps"] > 0).sum())
        lines = [
            f"{self.rows:,} rows: {self.n_entities:,} x {self.entity}, {self.n_periods:,} x "
            f"{self.time} ({periods[0]} to {periods[-1]})",
            "balanced"
            if self.balanced
            else f"unbalanced (Ahrens-Pincus gamma {self.gamma:.3f}, nu {self.nu:.3f}): "
            f"{entities['rows'].min()} to {entities['rows'].max()} rows by {self.entity}, median "
            f"{entities['rows'].median():g}; {gappy} with gaps",
            f"{int((entities['first'] != periods[0]).sum())} enter after the first period, "
            f"{int((entities['last'] != periods[-1]).sum())} leave before the last",
        ]
        shown = self.variables[
            ["n", "missing_share", "mean", "sd", "sd_between", "sd_within", "entities", "first",
             "last"]
        ]  # fmt: skip
        if len(shown):
            text = shown.to_string(
                formatters={"missing_share": "{:.1%}".format}, float_format="{:.4g}".format
            )
            lines += ["", text]
        if len(self.texts):
            lines += ["", f"other columns: {listing(self.texts.index, 12)}"]
        return "\n".join([*lines, *(f"- {note}" for note in self.history)])

    __repr__ = __str__


def describe(panel: Panel) -> Description:
    """Coverage, gaps, attrition, missing values and spread of a panel."""
    starts = run_starts(panel.entity_codes)
    sizes = np.diff(starts, append=len(panel))
    codes, n_periods = np.unique(panel.ordinals, return_inverse=True)[1], len(panel.periods)
    frame = panel.frame
    keys = {panel.time, *panel.entity_columns}
    values = [c for c in panel.columns if c not in keys]
    numeric = [c for c in values if pd.api.types.is_numeric_dtype(frame[c].dtype)]
    others = [c for c in values if c not in numeric]
    lacking = frame[values].isna().to_numpy() if values else np.empty((len(panel), 0), dtype=bool)
    return Description(
        entity=panel.entity,
        time=panel.time,
        rows=len(panel),
        n_entities=len(panel.entities),
        n_periods=n_periods,
        balanced=panel.balanced,
        gamma=float(len(sizes) / (sizes.mean() * (1 / sizes).sum())),
        nu=float(1 / (len(sizes) * ((sizes / sizes.sum()) ** 2).sum())),
        entities=_entities(panel, starts, sizes),
        periods=_periods(panel, starts, codes),
        variables=_variables(panel, numeric, starts, codes),
        texts=_texts(panel, others),
        missing_by_entity=_shares(
            lacking, panel.entity_codes, panel.entities, values, panel.entity
        ),
        missing_by_period=_shares(lacking, codes, panel.periods, values, panel.time),
        history=panel.history,
    )


def _entities(panel: Panel, starts: IntArray, sizes: IntArray) -> pd.DataFrame:
    first, last = panel.ordinals[starts], panel.ordinals[starts + sizes - 1]
    broken = np.ones(len(panel), dtype=bool)
    broken[1:] = (np.diff(panel.entity_codes) != 0) | (np.diff(panel.ordinals) != 1)
    runs = np.flatnonzero(broken)
    lengths = np.diff(runs, append=len(panel))
    longest = np.maximum.reduceat(lengths, np.searchsorted(runs, starts))
    return pd.DataFrame(
        {
            "first": panel.calendar.labels(first),
            "last": panel.calendar.labels(last),
            "rows": sizes,
            "gaps": last - first + 1 - sizes,
            "longest_run": longest,
        },
        index=pd.Index(panel.entities, name=panel.entity),
    )


def _periods(panel: Panel, starts: IntArray, codes: IntArray) -> pd.DataFrame:
    n = len(panel.periods)
    ends = np.append(starts[1:], len(panel)) - 1
    present = np.bincount(codes, minlength=n)
    entering = np.bincount(codes[starts], minlength=n)
    leaving = np.bincount(codes[ends], minlength=n)
    # entities whose span holds the period: entered so far, less those that left before
    inside = np.cumsum(entering) - np.cumsum(leaving) + leaving
    return pd.DataFrame(
        {"entities": present, "entering": entering, "leaving": leaving, "absent": inside - present},
        index=pd.Index(panel.periods, name=panel.time),
    )


def _variables(panel: Panel, names: list[str], starts: IntArray, codes: IntArray) -> pd.DataFrame:
    frame = panel.frame
    numbers = {c: frame[c].to_numpy(dtype=float, na_value=np.nan) for c in names}
    raw = np.column_stack([*numbers.values()] or [np.empty((len(panel), 0))])
    infinite = np.isinf(raw)
    x = pd.DataFrame(np.where(infinite, np.nan, raw), columns=names)  # moments of the finite values
    by_entity = x.groupby(panel.entity_codes)
    counts, means = by_entity.count().to_numpy(), by_entity.mean()
    n = counts.sum(axis=0)
    within = x.to_numpy() - np.repeat(means.to_numpy(), np.diff(starts, append=len(x)), axis=0)
    moments = {
        "mean": x.mean(), "sd": x.std(), "sd_between": means.std(),
        "sd_within": _sd_about_zero(within, n), "min": x.min(), "max": x.max(),
    }  # fmt: skip
    held = ~np.isnan(raw)
    period = np.where(held, codes[:, None], len(panel.periods))
    first = period.min(axis=0, initial=len(panel.periods))
    last = np.where(held, codes[:, None], -1).max(axis=0, initial=-1)
    labels = np.array([*panel.periods, None], dtype=object)
    owners = (counts > 0).sum(axis=0)
    return pd.DataFrame(
        {
            "n": held.sum(axis=0),
            "missing": (~held).sum(axis=0),
            "missing_share": (~held).mean(axis=0),
            "infinite": infinite.sum(axis=0),
            **{name: np.asarray(values, dtype=float) for name, values in moments.items()},
            "entities": owners,
            "mean_periods": n / np.where(owners > 0, owners, np.nan),
            "first": labels[first],
            "last": np.where(last < 0, None, labels[last]),
        },
        index=pd.Index(names, name="variable", dtype=object),
    )


def _sd_about_zero(deviations: FloatArray, n: IntArray) -> FloatArray:
    squares = np.nansum(deviations**2, axis=0)
    return np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)


def _texts(panel: Panel, names: list[str]) -> pd.DataFrame:
    frame, rows = panel.frame, []
    for name in names:
        codes, values = pd.factorize(frame[name])
        known = codes >= 0
        low = np.full(len(panel.entities), len(values))
        high = np.full(len(panel.entities), -1)
        np.minimum.at(low, panel.entity_codes[known], codes[known])
        np.maximum.at(high, panel.entity_codes[known], codes[known])
        constant = bool(((low == high) | (high < 0)).all())
        lacking = int((~known).sum())
        rows.append((int(known.sum()), lacking, lacking / len(panel), len(values), constant))
    return pd.DataFrame(
        rows,
        columns=["n", "missing", "missing_share", "distinct", "constant"],
        index=pd.Index(names, name="column", dtype=object),
    )


def _shares(
    lacking: AnyArray, codes: IntArray, labels: pd.Index[Any], names: list[str], title: str
) -> pd.DataFrame:
    rows = np.bincount(codes, minlength=len(labels))
    totals: list[AnyArray] = [
        np.bincount(codes, weights=column, minlength=len(labels)) for column in lacking.T
    ]
    shares = np.column_stack(totals or [np.empty((len(labels), 0))]) / rows[:, None]
    return pd.DataFrame(shares, columns=names, index=pd.Index(labels, name=title))
