"""GMMEstimate: an estimate by GMM that knows its instruments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
import pandas as pd

from migdev.covariance import CovarianceLike, Robust
from migdev.errors import CovarianceError, ResultError
from migdev.kernels.arrays.distributions import chi2_tail
from migdev.kernels.arrays.types import BoolArray, FloatArray
from migdev.kernels.dynamic.instruments import Column
from migdev.kernels.dynamic.overidentification import excluding
from migdev.notes import quiet
from migdev.options import check_choice, renamed
from migdev.panel.design import Design
from migdev.protocols import Data
from migdev.results.dynamics import lag_structure, long_run, response
from migdev.results.estimate import Estimate

Intervals = Literal["delta", "bootstrap"]


@dataclass(frozen=True, kw_only=True, eq=False)
class GMMSums:
    """Sums over entities that tests of instruments need.

    Attributes
    ----------
    ZX : (J, k); Zy : (J,)
        Moments.
    S, A : (J, J)
        Covariance of the moments whose inverse weighted them; Z'HZ of the first step.
    objective : float
        Hansen's J.
    df : int
        Independent instruments less coefficients.
    loading : (J, J0), optional
        The columns of Z as combinations of those that the sums are of; the same without it.
    """

    ZX: FloatArray
    Zy: FloatArray
    S: FloatArray
    A: FloatArray
    objective: float
    df: int
    loading: FloatArray | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class GMMEstimate(Estimate):
    """An estimate by dynamic panel GMM.

    Residuals and fitted values belong to the transformed equation after difference GMM (dated by
    the period of their own residual), and to the equation in levels, effects included, after
    system GMM.

    Attributes
    ----------
    n_instruments : int
        Linearly independent instruments.
    n_entities : int
    columns : tuple
        What each column of Z is.
    sets : tuple of str
        The instrument sets that were asked for, then time effects and the constant.
    asked : int
        How many of the sets the specification names.
    converged : bool
        Of iterated and continuously updated GMM.
    singular : mapping from step to (rank, columns)
        Weighting matrices for which a generalised inverse stood in.
    sums : GMMSums
    """

    n_instruments: int
    n_entities: int
    columns: tuple[Column, ...] = field(repr=False)
    sets: tuple[str, ...] = ()
    asked: int = 0
    converged: bool = True
    singular: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    sums: GMMSums = field(repr=False)

    def instruments_report(self) -> pd.DataFrame:
        """One row per column of Z: variable, lag, period, equation, the set that asked for it."""
        calendar = None if self.sample is None else self.sample.panel.calendar
        periods = [
            None if c.period is None else c.period if calendar is None else calendar.label(c.period)
            for c in self.columns
        ]
        return pd.DataFrame(
            {
                "variable": [c.variable for c in self.columns],
                "enters_as": [c.form for c in self.columns],
                "lag": pd.array([c.lag for c in self.columns], dtype="Int64"),
                "period": pd.Series(periods, dtype=object),
                "equation": [c.equation for c in self.columns],
                "set": [self.sets[c.group] for c in self.columns],
            }
        )

    @cached_property
    def difference_in_hansen(self) -> pd.DataFrame:
        """Tests of instrument groups: J without the group, and the difference.

        One row per instrument set, one per equation where a set serves both, and one for all
        GMM-style instruments of the equation in levels. The model without the group is weighted by
        the submatrix of the full model's moment covariance (xtabond2). Missing where the rest
        would not identify the model.
        """
        groups, sums = self._groups(), self.sums
        rows = []
        for label, mask in groups:
            outcome = excluding(sums.ZX, sums.Zy, sums.S, sums.A, ~mask, sums.loading)
            if outcome is None:
                rows.append((label, int(mask.sum()), *(float("nan"),) * 6))
                continue
            j, df = outcome
            gap, gap_df = sums.objective - j, sums.df - df
            rows.append(
                (
                    label,
                    int(mask.sum()),
                    j,
                    df,
                    chi2_tail(j, df) if df > 0 else float("nan"),
                    gap,
                    gap_df,
                    chi2_tail(gap, gap_df) if gap_df > 0 else float("nan"),
                )
            )
        names = [
            "group", "columns", "hansen_excluding", "df_excluding", "p_excluding", "difference",
            "df_difference", "p_difference",
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=names).set_index("group")

    def _groups(self) -> list[tuple[str, BoolArray]]:
        group = np.array([c.group for c in self.columns])
        level = np.array([c.equation == "level" for c in self.columns])
        style = np.array([c.lag is not None for c in self.columns])
        groups: list[tuple[str, BoolArray]] = []
        if (level & style).any() and (~level & style).any():
            groups.append(("GMM instruments for levels", level & style))
        for g, name in enumerate(self.sets):
            if name == "constant":
                continue
            mine = group == g
            if not mine.any():
                continue
            groups.append((self.sets[g], mine))
            if (mine & level).any() and (mine & ~level).any():
                groups.append((f"{self.sets[g]}: level", mine & level))
                groups.append((f"{self.sets[g]}: transformed", mine & ~level))
        return groups

    def with_cov(self, cov: CovarianceLike | Literal["windmeijer", "classical"]) -> Self:
        """The same estimate with another covariance: ``"windmeijer"``, ``"robust"``,
        ``"classical"``, or a Covariance on the scores.

        Scores hold how the weight follows the first step, so that ``Clustered("entity",
        kind="CR0")`` is the Windmeijer-corrected covariance of two steps.
        """
        if isinstance(cov, Robust):
            raise CovarianceError(
                f"cov={cov!r} takes rows as independent, but the transformation ties the errors of "
                "neighbouring periods. Use 'robust' or 'windmeijer', which sum moments by entity."
            )
        if self.sample is None:
            raise ResultError(f"{self.method} keeps no sample, so its covariance stays as it is.")
        if isinstance(cov, str) or self.moments is None:
            with quiet():  # the fit has reported them
                fit: Self = replace(self.spec, cov=cov).fit(self.sample.panel)
            return fit
        return super().with_cov(cov)

    def bounds_check(self) -> pd.DataFrame:
        """Is the sum of the lag coefficients between pooled OLS and within groups?

        In short panels OLS overstates it and the within estimate understates it (Nickell 1981;
        Bond 2002); an estimate outside points to invalid or weak instruments. One row per
        estimator, on the rows in levels that are complete.
        """
        if self.sample is None:
            raise ResultError(f"{self.method} keeps no sample.")
        own = lag_structure(self.names, self.dependent).own
        if not own:
            raise ResultError(f"{self.method} has no lag of {self.dependent!r}.")
        ols, within = _ols_and_within(self.spec, self.sample.panel, self.dependent)
        value = float(self.params.iloc[list(own.values())].sum())
        low, high = sorted((ols, within))
        inside = np.array([pd.NA, low <= value <= high, pd.NA], dtype=object)
        return pd.DataFrame(
            {"sum_of_lags": [ols, value, within], "inside": inside},
            index=["pooled OLS", "GMM", "within"],
        )

    def weak_instruments(self) -> pd.DataFrame:
        """Sanderson-Windmeijer conditional F of every regressor in each equation, homoskedastic
        and clustered.

        Values below some 10 mean that the equation's instruments say little about the regressor
        once the others are accounted for; infinite ones belong to regressors that instrument
        themselves. In system GMM a weak transformed equation is carried by the one in levels, and
        that one weakens as ``stats["effects_to_error"]`` rises above one (Bun and Windmeijer 2010).
        """
        if self.sample is None:
            raise ResultError(f"{self.method} keeps no sample.")
        with quiet():  # the fit has reported them
            table: pd.DataFrame = self.spec.strength(self.sample.panel)
        return table

    @renamed(replications="draws")
    def long_run(
        self,
        *variables: str,
        level: float = 0.95,
        method: Intervals = "delta",
        draws: int = 999,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Long-run coefficients, with intervals by the delta method or a bootstrap of entities.

        See :func:`migdev.results.dynamics.long_run`; the bootstrap recentres the moments and
        takes percentiles.
        """
        return long_run(self, variables or None, level, self._draws(method, draws, seed))

    @renamed(replications="draws")
    def response(
        self,
        variable: str,
        horizons: int = 10,
        *,
        permanent: bool = True,
        level: float = 0.95,
        method: Intervals = "delta",
        draws: int = 999,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Response of the dependent variable to a unit change, permanent or for one period; see
        :func:`migdev.results.dynamics.response`."""
        drawn = self._draws(method, draws, seed)
        return response(self, variable, horizons, permanent, level, drawn)

    def _draws(self, method: Intervals, draws: int, seed: int) -> FloatArray | None:
        check_choice("method", method, Intervals, ResultError)
        if method == "delta":
            return None
        if self.sample is None:
            raise ResultError(f"{self.method} keeps no sample to draw from.")
        with quiet():  # the fit has reported them
            drawn: FloatArray = self.spec.bootstrap(
                self.sample.panel, self.params.to_numpy(), draws, seed
            )
        return drawn

    def summary(self, level: float = 0.95) -> str:
        """The estimate as plain text, with instruments and tests of groups."""
        lines = [
            super().summary(level),
            f"Instruments: {self.n_instruments} for {self.n_entities} entities",
        ]
        lines += [
            f"Generalised inverse in {step}: rank {rank} of {size}"
            for step, (rank, size) in self.singular.items()
        ]
        return "\n".join(lines)


def _ols_and_within(spec: object, panel: Data, dependent: str) -> tuple[float, float]:
    """Sums of the lag coefficients by least squares with a constant, and with entity effects."""
    with quiet():  # the fit has reported the rows
        design = Design.build(spec.formula, panel, intercept=False)  # type: ignore[attr-defined]
    X, names = design.X, list(design.names)
    if "time" in spec.effects:  # type: ignore[attr-defined]
        codes = design.codes("time")
        X = np.column_stack([X, np.eye(int(codes.max()) + 1)[codes][:, 1:]])
    own = list(lag_structure(names, dependent).own.values())
    counts = np.bincount(design.entity)
    sums = []
    for entity in (np.zeros(design.nobs, dtype=np.int64), design.entity):
        size = np.array([design.nobs]) if entity.max(initial=0) == 0 else counts
        both = np.column_stack([design.y, X])
        means = np.zeros((len(size), both.shape[1]))
        np.add.at(means, entity, both)
        centred = both - (means / size[:, None])[entity]
        size = np.linalg.norm(centred[:, 1:], axis=0)
        size = np.where(size > 1e-10 * np.linalg.norm(both[:, 1:], axis=0), size, np.inf)
        b = np.linalg.lstsq(centred[:, 1:] / size, centred[:, 0], rcond=1e-10)[0] / size
        sums.append(float(b[own].sum()))
    return sums[0], sums[1]
