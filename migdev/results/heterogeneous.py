"""Estimates that keep the coefficients of every entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr

from migdev.errors import ResultError, listing, suggestion
from migdev.kernels.arrays.distributions import t_quantile
from migdev.kernels.arrays.robust_mean import robust_location
from migdev.kernels.arrays.types import FloatArray, IntArray
from migdev.kernels.heterogeneous.entity_draws import (
    drawn,
    mean_draws,
    random_signs,
    weighted_draws,
    wild_slopes,
)
from migdev.notes import quiet
from migdev.options import check_choice, renamed
from migdev.progress import Progress
from migdev.results.dynamics import long_run
from migdev.results.estimate import Estimate
from migdev.results.inference import check_level, tidy_columns
from migdev.results.prediction import Coefficients

_CHUNK = 4_000_000  # numbers in the slopes of the draws that are made together

Resampling = Literal["entities", "wild"]
Intervals = Literal["delta", "entities", "wild"]


@dataclass(frozen=True, kw_only=True, eq=False)
class HeterogeneousEstimate(Estimate):
    r"""An average of entities' coefficients, with the coefficients themselves.

    Attributes
    ----------
    slopes : (N, p)
        Coefficients by entity; ``p`` counts also what :attr:`params` does not report (trends,
        cross-section averages).
    slope_cov : (N, p, p)
        Classical covariance of each entity's coefficients.
    slope_names : tuple of str
    entity_labels : Index
        The N entities of the sample.
    entity_nobs, entity_df : (N,)
        Periods used and residual degrees of freedom by entity.
    averaged : (N, k), optional
        What :attr:`params` averages where that is not :attr:`slopes` (jackknifed slopes).
    pooling : (N, k, k), optional
        Weights :math:`W_i` of a pooled estimate, :math:`(\sum_iW_i)^{-1}\sum_iW_i\hat\beta_i`.
    regressors : tuple of (n, .)
        Of the entities' own regressions, side by side in the order of their
        coefficients.
    """

    slopes: FloatArray = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    slope_cov: FloatArray = field(default_factory=lambda: np.empty((0, 0, 0)), repr=False)
    slope_names: tuple[str, ...] = ()
    entity_labels: pd.Index = field(default_factory=lambda: pd.Index([]), repr=False)
    entity_nobs: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)
    entity_df: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)
    averaged: FloatArray | None = field(default=None, repr=False)
    pooling: FloatArray | None = field(default=None, repr=False)
    regressors: tuple[FloatArray, ...] = field(default=(), repr=False)

    def coefficient_sets(self) -> list[Coefficients]:
        """Entities' own coefficients, then their average (Swamy)."""
        sample, first = self.sample, None
        if sample is not None:
            first = sample.time[np.unique(sample.entity, return_index=True)[1]]
        own = Coefficients(
            names=self.slope_names, values=self.slopes, entities=self.entity_labels, first=first
        )
        return [own, *super().coefficient_sets()]

    def by_entity(
        self, terms: str | Sequence[str] | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """One row per entity and coefficient.

        Columns ``entity, term, estimate, std_error, statistic, p_value, conf_low, conf_high,
        nobs``; the inference is that of each entity's own regression (t, classical errors).
        """
        wanted = [terms] if isinstance(terms, str) else list(terms or self.slope_names)
        at = [self._slope(term) for term in wanted]
        estimate = self.slopes[:, at]
        error = np.sqrt(np.einsum("njj->nj", self.slope_cov)[:, at])
        df = np.broadcast_to(self.entity_df[:, None], estimate.shape).astype(float)
        columns = tidy_columns(estimate.ravel(), error.ravel(), df.ravel(), level)
        return pd.DataFrame(
            {
                "entity": np.repeat(np.asarray(self.entity_labels), len(at)),
                "term": np.tile(np.asarray(wanted, dtype=object), len(self.slopes)),
                **columns,
                "nobs": np.repeat(self.entity_nobs, len(at)),
            }
        )

    def caterpillar(self, term: str, ax: Any = None, level: float = 0.95) -> Any:
        """Entities' coefficients in order of size, with intervals and the average; matplotlib
        axes."""
        import matplotlib.pyplot as plt

        frame = self.by_entity(term, level).sort_values("estimate")
        if ax is None:
            ax = plt.subplots(figsize=(5.0, max(2.5, 0.18 * len(frame))))[1]
        rows = np.arange(len(frame))
        ax.hlines(rows, frame["conf_low"], frame["conf_high"], color="0.6", linewidth=1)
        ax.plot(frame["estimate"], rows, "o", color="black", markersize=3)
        if term in self.params.index:
            low, high = self.conf_int(level).loc[term]
            ax.axvspan(low, high, color="C0", alpha=0.15, linewidth=0)
            ax.axvline(self.params[term], color="C0", linewidth=1)
        ax.set_yticks(rows, [str(e) for e in frame["entity"]], fontsize=7)
        ax.set_xlabel(f"{term} ({level:.0%} intervals; band: {self.method})")
        return ax

    @renamed(replications="draws")
    def bootstrap(
        self,
        terms: str | Sequence[str] | None = None,
        *,
        method: Resampling = "entities",
        expand: bool = True,
        level: float = 0.95,
        draws: int = 999,
        seed: int = 0,
    ) -> pd.DataFrame:
        r"""Percentile intervals from samples of whole entities, or from residuals with new signs.

        Where single long-run coefficients are wild, because speeds are near zero, these intervals
        are not symmetric and the delta method's are too regular.

        Parameters
        ----------
        terms : str or sequence of str, optional
            Coefficients; default all of :attr:`params`.
        method : {"entities", "wild"}
            ``"entities"`` draws whole entities with replacement; each sample is averaged as the
            estimate was (by M-estimates where it was robust, from jackknifed slopes where these
            were averaged), a pooled estimate is pooled and a pooled long run maximised anew. It
            holds for entities that stand for a population of them, independent given the common
            shocks: cross-section averages and common processes stay as they are. ``"wild"`` gives
            the residuals of each period a common random sign, keeps regressors and lags (a
            fixed-design wild bootstrap), and fits every entity anew. It holds for the average of
            these very entities, few of them and many periods, with any dependence between them and
            any variance, but no serial correlation of the errors. Residuals are scaled by the root
            of observations over degrees of freedom first.
        expand : bool
            For ``"entities"``: take the quantiles at :math:`\Phi(\pm\sqrt{N/(N-1)}\,t_{N-1})`
            instead of the nominal ones, so that intervals for the mean of N entities are as wide as
            those of Student's t; plain percentiles are too narrow for few entities.

        Returns
        -------
        DataFrame, index ``term``
            ``estimate, std_error, lower, upper, draws``: the standard deviation and quantiles of
            the draws, and how many of them could be estimated.

        Raises
        ------
        ResultError
            ``method="wild"`` of a likelihood, of GLS or of jackknifed slopes.

        References
        ----------
        Kapetanios (2008), Econometrics Journal 11, 377-408 (entities). Goncalves and Kilian (2004),
        Journal of Econometrics 123, 89-120 (fixed design). Hesterberg (2015), American Statistician
        69, 371-386 (expanded percentiles).
        """
        tail = self._tail(level, method, expand)
        if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2:
            raise ResultError(f"draws={draws!r}; a number of samples, such as 999.")
        wanted = [terms] if isinstance(terms, str) else list(terms or self.params.index)
        for term in wanted:
            if term not in self.params.index:
                raise ResultError(
                    f"{self.method} has no coefficient {term!r}."
                    f"{suggestion(term, self.names)} It has {listing(self.names, 12)}."
                )
        many = self._draws(draws, seed, method)
        many = many[:, [self.names.index(term) for term in wanted]]
        low, high = np.quantile(many, [tail, 1 - tail], axis=0)
        return pd.DataFrame(
            {
                "estimate": self.params[wanted].to_numpy(), "std_error": many.std(axis=0, ddof=1),
                "lower": low, "upper": high, "draws": len(many),
            },
            index=pd.Index(wanted, name="term"),
        )  # fmt: skip

    @renamed(replications="draws")
    def multipliers(
        self,
        *variables: str,
        method: Intervals = "delta",
        level: float = 0.95,
        draws: int = 999,
        seed: int = 0,
    ) -> pd.DataFrame:
        r"""Long-run multipliers of a regression with lags of its dependent variable,
        :math:`\sum_l\hat\beta_{x,l}/(1 - \sum_j\hat\rho_j)` from the averages over entities.

        The average of the entities' own multipliers is another thing, which ``CSARDL`` and
        ``ErrorCorrectionMeanGroup`` give.

        Parameters
        ----------
        *variables : str
            Default all.
        method : {"delta", "entities", "wild"}
            Standard errors are the delta method's; intervals too, or those of :meth:`bootstrap`.

        Returns
        -------
        DataFrame, index ``variable``
            ``estimate, std_error, statistic, p_value, lower, upper``.
        """
        if method == "delta":
            return long_run(self, variables or None, level, None)
        tail = self._tail(level, method, True, Intervals)
        many = self._draws(draws, seed, method)
        return long_run(self, variables or None, 1 - 2 * tail, many)

    def _tail(
        self, level: float, method: Intervals, expand: bool, methods: Any = Resampling
    ) -> float:
        """Share of draws beyond either end of an interval."""
        tail = (1 - check_level(level)) / 2
        check_choice("method", method, methods, ResultError)
        N = self.entities or 0
        if expand and method == "entities" and N > 1:
            return float(ndtr(np.sqrt(N / (N - 1)) * t_quantile(tail, N - 1)))
        return tail

    def _draws(self, draws: int, seed: int, method: str = "entities") -> FloatArray:
        """(B, k) estimates on samples."""
        own = getattr(self.spec, "bootstrap" if method == "entities" else "wild", None)
        if own is not None and self.sample is not None:
            with quiet():  # the fit has reported them
                found: FloatArray = own(
                    self.sample.panel, self.params.to_numpy(dtype=float), draws, seed
                )
            return found
        if method == "wild":
            return self._wild(draws, seed)
        return self._combined(self._averaged(), drawn(len(self.slopes), draws, seed))

    def _averaged(self) -> FloatArray:
        """(N, k) what is averaged or pooled."""
        names = list(self.slope_names)
        slopes = self.averaged
        if slopes is None and set(self.names) <= set(names) and len(self.slopes):
            slopes = self.slopes[:, [names.index(name) for name in self.names]]
        if slopes is not None:
            again = self._combined(slopes, np.arange(len(slopes))[None, :])[0]
            if np.allclose(again, self.params, rtol=1e-8, atol=1e-12):
                return slopes
        raise ResultError(
            f"{self.method} is not an average of coefficients by entity, so drawing entities does "
            "not give its distribution. Use its covariance: conf_int()."
        )

    def _combined(self, slopes: FloatArray, who: IntArray) -> FloatArray:
        """(B, k) averages, or pooled estimates, over the entities ``who`` (B, N)."""
        if self.pooling is not None:
            return weighted_draws(np.einsum("nij,nj->ni", self.pooling, slopes), self.pooling, who)
        return mean_draws(slopes, getattr(self.spec, "robust", False), who)

    def _wild(self, draws: int, seed: int) -> FloatArray:
        if not self.regressors or self.sample is None or self.averaged is not None:
            raise ResultError(
                f"{self.method} is not linear in the residuals of entities' own regressions, which "
                "method='wild' redraws. Use method='entities'."
            )
        self._averaged()
        raw, bread = self._regressions()
        entity = self.sample.entity
        X = np.column_stack(self.regressors)
        if self.pooling is None:
            scale = np.sqrt(self.entity_nobs / self.entity_df)[entity]
        else:
            scale = np.full(len(X), np.sqrt(self.nobs / self.df_resid))
        e = self.resids.to_numpy() * scale
        influence = np.einsum("nij,nj->ni", bread[entity], X) * e[:, None]
        time = np.unique(self.sample.time, return_inverse=True)[1]
        signs = random_signs(int(time.max()) + 1, draws, seed)
        step = max(1, _CHUNK // raw.size)
        names = list(self.slope_names)
        at = [names.index(name) for name in self.names]
        rows = []
        with Progress("draws", draws) as done:
            for i in range(0, draws, step):
                own = self._from_regressions(
                    wild_slopes(raw, influence, entity, time, signs[i : i + step])
                )
                rows.append(self._over_entities(own[:, :, at]))
                done(len(own))
        return np.concatenate(rows)

    def _over_entities(self, slopes: FloatArray) -> FloatArray:
        """(B, k) averages, or pooled estimates, of the slopes (B, N, k)."""
        robust = getattr(self.spec, "robust", False)
        if self.pooling is not None:
            total = self.pooling.sum(axis=0)
            pull = np.einsum("nij,bnj->bi", self.pooling, slopes)
            return np.asarray(np.linalg.solve(total, pull.T).T)
        if robust is not False:
            return robust_location(slopes, str(robust))
        return np.asarray(slopes.mean(axis=1))

    def _regressions(self) -> tuple[FloatArray, FloatArray]:
        """Coefficients (N, p) of the entities' own regressions and the inverses of their X'X."""
        if self.pooling is not None:
            # The errors are those of the pooled slopes, which all entities share.
            pooled = np.broadcast_to(self.params.to_numpy(dtype=float), self.slopes.shape)
            return np.array(pooled), np.asarray(np.linalg.inv(self.pooling), dtype=np.float64)
        assert self.sample is not None
        e = self.resids.to_numpy()
        rss = np.bincount(self.sample.entity, weights=e * e)
        return self.slopes, self.slope_cov * (self.entity_df / rss)[:, None, None]

    def _from_regressions(self, own: FloatArray) -> FloatArray:
        """(B, N, p) coefficients as :attr:`slopes` shows them."""
        return own

    def _slope(self, term: str) -> int:
        if term not in self.slope_names:
            raise ResultError(
                f"{self.method} has no coefficient {term!r} by entity."
                f"{suggestion(term, self.slope_names)} It has {listing(self.slope_names, 12)}."
            )
        return self.slope_names.index(term)
